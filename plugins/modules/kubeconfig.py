#!/usr/bin/python
# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: kubeconfig
short_description: Merge one cluster into a kubeconfig, or take it out
version_added: 0.1.0
author: edgefed contributors (@edgefed)
description:
  - Takes one context out of a kubeconfig, names its cluster, user and context after the inventory host, changes its address where asked,
    embeds the files it names, and merges it into O(dest).
  - What it writes carries its origin in the file, in the extension C(edgefed.io/origin). Entries of the same origin are updated, as
    when a certificate was renewed. A name that comes from elsewhere is refused. Everything else in O(dest) keeps its meaning.
  - The file is replaced as a whole or not at all, with mode 0600. A second writer, kubectl included, is waited for. A symlink stays, its
    target is replaced.
  - Expired certificates, an address that cannot work and a cluster that does not answer are errors before anything is written.
  - In check mode too the cluster is asked for its version.
  - Nothing secret is in its output or diff; keys, tokens and certificates show as fingerprints, certificates with subject and expiry.
extends_documentation_fragment:
  - edgefed.kubefed.attributes.plain
options:
  name:
    description: The inventory host, which becomes the name of cluster, user and context. A DNS-1123 name of at most 63 characters.
    type: str
    required: true
  dest:
    description: The kubeconfig to merge into. It is made, in a folder of mode 0700, when it is not there.
    type: path
    required: true
  state:
    description:
      - V(present) writes cluster, user and context.
      - V(absent) removes them as far as they were written for O(name), cluster and user only when no other context uses them.
    type: str
    choices: [present, absent]
    default: present
  content:
    description: The kubeconfig to take the cluster from, as YAML text. It cannot refer to files.
    type: str
  sources:
    description:
      - What M(edgefed.kubefed.kubeconfig_info) returned as RV(edgefed.kubefed.kubeconfig_info#module:sources), the files it names included.
      - Several are merged as C(KUBECONFIG=a:b) does, the first wins.
    type: list
    elements: dict
    suboptions:
      path:
        description: Where it was read. Errors name it.
        type: str
        required: true
      content:
        description: Its text.
        type: str
        required: true
      files:
        description: The files that it names, base64, by the path as written in it.
        type: dict
        default: {}
      problems:
        description: Why a file could not be read, by the path as written.
        type: dict
        default: {}
  cluster_api:
    description: Take the cluster from the secret C(<name>-kubeconfig) that Cluster API keeps on its management cluster. One request.
    type: dict
    suboptions:
      name:
        description: The C(Cluster)'s name.
        type: str
        required: true
      namespace:
        description: Its namespace.
        type: str
        default: default
      kubeconfig:
        description: The kubeconfig of the management cluster, a path or the content as a dictionary.
        type: raw
        required: true
      context:
        description: The management cluster's context in it. The default is its current-context.
        type: str
  openshift_login:
    description:
      - Take a token of the OpenShift cluster at O(server) by its OAuth login, with the C(openshift) package, needing neither SSH nor a
        kubeconfig.
      - Such a token lives for a day by default. One that this module got is used again until six hours before its end, or until it is
        rejected. In check mode nobody logs in.
    type: dict
    suboptions:
      username:
        description: Who logs in.
        type: str
        required: true
      password:
        description: The password, which is kept nowhere.
        type: str
        required: true
  rancher_cluster:
    description:
      - The cluster's name in Rancher, where O(content) or O(sources) is what Rancher gave, with many contexts. Its context through
        Rancher's proxy is taken.
      - Without it, Rancher's kubeconfig is recognised by a current context with an address C(/k8s/clusters/...); of several such
        contexts that named O(name) is taken.
      - O(context) goes before it.
      - The direct address of a cluster behind the proxy (authorized cluster endpoint, a further context C(<cluster>-...) of the same user)
        is kept beside it with its CA (extension C(edgefed.io/authorized-cluster-endpoint)), for M(edgefed.kubefed.kubefed_cluster) to
        give to KubeFed.
    type: str
  rancher_token:
    description: Whether KubeFed gets a token of Rancher's, so that a cluster without a direct address beside Rancher's proxy is no matter
      for a warning.
    type: bool
    default: false
  source:
    description:
      - Where O(content) or O(sources) come from, part of the origin.
      - The default is V(kubeconfig_content) for O(content), and the paths for O(sources).
    type: str
  source_is_remote:
    description: Whether the source lies on another machine, so that a loopback address in it cannot be meant for this one.
    type: bool
    default: false
  context:
    description: The context to take. The default is the source's current-context.
    type: str
  server:
    description: The API server's address, such as V(https://192.0.2.7:6443), where the source's is good only on its own machine.
    type: str
  servers:
    description:
      - Addresses of the API server, of which the first that answers is taken, such as those of several masters. One that is in use already
        is tried first. Without O(check_reachable) the first is taken.
      - Each is a URL, or an address alone, which gets the port of the source's.
      - O(server) goes before them.
    type: list
    elements: str
    default: []
  fallback_servers:
    description: As O(servers), but only where the source's own address cannot be used, that is loopback of another machine, or C(https://none).
    type: list
    elements: str
    default: []
  ca_cert:
    description: File with the CA (PEM) that signed the API server's certificate, instead of the source's.
    type: path
  tls_server_name:
    description: The name to look for in the API server's certificate, instead of the one in its address.
    type: str
  insecure_skip_tls_verify:
    description: Sets or removes C(insecure-skip-tls-verify). V(true) drops the CA and warns on every run.
    type: bool
  proxy_url:
    description: The proxy on the way to the API server, instead of the source's.
    type: str
  set_current_context:
    description:
      - Whether to make the cluster the file's current-context.
      - With O(state=absent), whether to clear it when it names what was removed.
    type: bool
    default: false
  backup:
    description: Whether to keep the old file beside the new one, mode 0600, with the time in its name.
    type: bool
    default: false
  check_reachable:
    description: Whether to ask the cluster for its version before anything is written.
    type: bool
    default: true
  check_timeout:
    description: Seconds to wait for its answer.
    type: int
    default: 5
  lock_timeout:
    description: Seconds to wait for another writer of O(dest), for each of them where several queue.
    type: int
    default: 30
seealso:
  - module: edgefed.kubefed.kubeconfig_info
"""

EXAMPLES = r"""
- name: Merge a cluster from a vault variable
  edgefed.kubefed.kubeconfig:
    name: edge1
    content: "{{ edge1_kubeconfig }}"
    dest: .edgefed/kubeconfig

- name: Merge a k3s cluster that was read on its master
  edgefed.kubefed.kubeconfig:
    name: edge2
    sources: "{{ read.sources }}"
    source_is_remote: true
    server: https://192.0.2.7:6443
    dest: ~/.kube/config
    backup: true

- name: Take it out again
  edgefed.kubefed.kubeconfig:
    name: edge2
    dest: ~/.kube/config
    state: absent

- name: Take a cluster of Cluster API's from its management cluster
  edgefed.kubefed.kubeconfig:
    name: shop-004
    dest: .edgefed/kubeconfig
    cluster_api:
      name: shop-004
      namespace: shops
      kubeconfig: ~/.kube/management

- name: Log in to an OpenShift cluster
  edgefed.kubefed.kubeconfig:
    name: site-1
    dest: .edgefed/kubeconfig
    server: https://api.site-1.example:6443
    ca_cert: site-1-ca.crt
    openshift_login:
      username: edgefed
      password: "{{ vault_site_1_password }}"
"""

RETURN = r"""
name:
  description: The cluster's name.
  returned: success
  type: str
  sample: edge1
dest:
  description: The file, as an absolute path.
  returned: success
  type: str
  sample: /home/me/.edgefed/kubeconfig
added:
  description: Whether O(dest) had no context of this name before.
  returned: O(state=present)
  type: bool
  sample: true
server:
  description: The API server's address as written.
  returned: O(state=present)
  type: str
  sample: https://192.0.2.7:6443
origin:
  description: What is stored as the entries' origin.
  returned: O(state=present)
  type: dict
  sample: {inventory_host: edge1, source: "edge1:/etc/kubernetes/admin.conf", source_context: kubernetes-admin@kubernetes}
certificates:
  description: Subject, expiry and fingerprint of the CA and the client certificate.
  returned: O(state=present)
  type: dict
  sample: {client-certificate: ["CN=kubernetes-admin,O=system:masters, expires 2027-11-24 00:17 UTC, sha256:0123456789abcdef"]}
version:
  description: The version that the cluster answered.
  returned: O(check_reachable=true)
  type: str
  sample: v1.34.4
backup_file:
  description: The kept old file.
  returned: O(backup=true) and changed
  type: str
  sample: /home/me/.edgefed/kubeconfig.2026-11-24T00-17-25.000000Z.bak
api_requests:
  description: Requests sent to the cluster.
  returned: success
  type: int
  sample: 1
"""

from datetime import datetime, timezone
from typing import Any, Callable

from ansible_collections.edgefed.kubefed.plugins.module_utils.kubeconfig.run import absent, present
from ansible_collections.edgefed.kubefed.plugins.module_utils.module import run_as_module
from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import Result

SOURCE_SPEC: dict[str, dict[str, Any]] = {
    "path": {"type": "str", "required": True},
    "content": {"type": "str", "required": True, "no_log": True},
    "files": {"type": "dict", "default": {}, "no_log": True},
    "problems": {"type": "dict", "default": {}},
}
CLUSTER_API_SPEC: dict[str, dict[str, Any]] = {
    "name": {"type": "str", "required": True},
    "namespace": {"type": "str", "default": "default"},
    "kubeconfig": {"type": "raw", "required": True, "no_log": True},
    "context": {"type": "str"},
}
LOGIN_SPEC: dict[str, dict[str, Any]] = {
    "username": {"type": "str", "required": True},
    "password": {"type": "str", "required": True, "no_log": True},
}
ARGUMENT_SPEC: dict[str, dict[str, Any]] = {
    "name": {"type": "str", "required": True},
    "dest": {"type": "path", "required": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "content": {"type": "str", "no_log": True},
    "sources": {"type": "list", "elements": "dict", "options": SOURCE_SPEC},
    "cluster_api": {"type": "dict", "options": CLUSTER_API_SPEC},
    "openshift_login": {"type": "dict", "options": LOGIN_SPEC},
    "rancher_cluster": {"type": "str"},
    "rancher_token": {"type": "bool", "default": False},
    "source": {"type": "str"},
    "source_is_remote": {"type": "bool", "default": False},
    "context": {"type": "str"},
    "server": {"type": "str"},
    "servers": {"type": "list", "elements": "str", "default": []},
    "fallback_servers": {"type": "list", "elements": "str", "default": []},
    "ca_cert": {"type": "path"},
    "tls_server_name": {"type": "str"},
    "insecure_skip_tls_verify": {"type": "bool"},
    # may hold the proxy's password
    "proxy_url": {"type": "str", "no_log": True},
    "set_current_context": {"type": "bool", "default": False},
    "backup": {"type": "bool", "default": False},
    "check_reachable": {"type": "bool", "default": True},
    "check_timeout": {"type": "int", "default": 5},
    "lock_timeout": {"type": "int", "default": 30},
}
CONSTRAINTS: dict[str, Any] = {
    "mutually_exclusive": [["content", "sources", "cluster_api", "openshift_login"]],
    "required_if": [["state", "present", ["content", "sources", "cluster_api", "openshift_login"], True]],
    "required_by": {"openshift_login": ["server"]},
}


def run(params: dict[str, Any], check: bool, diff: bool, connect: Callable[..., Any]) -> Result:
    """Merge or remove one cluster; with ``check`` nothing is written."""
    if params["state"] == "absent":
        return absent(params, check)
    return present(params, check, connect, datetime.now(timezone.utc))


def main() -> None:
    run_as_module(run, ARGUMENT_SPEC, **CONSTRAINTS)


if __name__ == "__main__":
    main()
