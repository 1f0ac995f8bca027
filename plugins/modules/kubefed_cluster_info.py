#!/usr/bin/python
# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: kubefed_cluster_info
short_description: Tell what clusters a KubeFed federation has, whether they are ready, and when their credentials expire
version_added: 0.1.0
author: edgefed contributors (@edgefed)
description:
  - Tells of every joined cluster whether it is ready and why not, its address, region, zones, labels and version, whether it is cordoned or
    drained, and the days left of every certificate, token and CA that KubeFed and the merged kubeconfig use for it.
  - Reads the host cluster alone, with one list of C(KubeFedClusters) and one of secrets for all of them, unless O(contact_members) is set.
  - No credential is in the result, only its kind, its subject and its dates.
extends_documentation_fragment:
  - kubernetes.core.k8s_auth_options
  - edgefed.kubefed.attributes.info
options:
  kubeconfig:
    description: The kubeconfig of the B(host cluster), a path or the content as a dictionary. With it all other auth options.
    type: raw
  context:
    description: The context of the B(host cluster) in O(kubeconfig).
    type: str
  clusters:
    description: Only these clusters. By default all that are joined.
    type: list
    elements: str
    default: []
  namespace:
    description: The namespace of KubeFed in the host cluster.
    type: str
    default: kube-federation-system
  member_kubeconfig:
    description:
      - The kubeconfig with a context for each member, named as the member, whose credentials are looked at too.
      - The default is O(kubeconfig).
    type: raw
  contact_members:
    description: Whether to ask each member itself for its version, one request each, side by side.
    type: bool
    default: false
  credentials_warn_days:
    description: A credential with fewer days left is told in a warning.
    type: int
    default: 30
  parallel:
    description: How many members are asked at one time.
    type: int
    default: 16
seealso:
  - module: edgefed.kubefed.kubefed_cluster
  - plugin: edgefed.kubefed.clusters
    plugin_type: inventory
notes:
  - A token tells when it expires only where it is a JWT. One of a secret of type C(kubernetes.io/service-account-token), as a join makes,
    never expires.
  - Of a CA bundle the last certificate to expire counts, of a client certificate with its chain the first.
"""

EXAMPLES = r"""
- name: Look at all clusters of the federation
  edgefed.kubefed.kubefed_cluster_info:
    kubeconfig: .edgefed/kubeconfig
    context: local
  register: federation

- name: Fail when one of them is not ready
  ansible.builtin.assert:
    that: federation.clusters | rejectattr('ready') | length == 0
    fail_msg: "{{ federation.clusters | rejectattr('ready') | map(attribute='message') | join(' ') }}"

- name: Ask two members themselves, and be warned a quarter of a year ahead
  edgefed.kubefed.kubefed_cluster_info:
    kubeconfig: .edgefed/kubeconfig
    context: local
    clusters: [cddev, zj]
    contact_members: true
    credentials_warn_days: 90
"""

RETURN = r"""
clusters:
  description: The clusters, sorted by name.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: Its name.
      type: str
      sample: zj
    ready:
      description: Whether KubeFed's last look found it ready.
      type: bool
      sample: true
    reason:
      description: Why it is not ready, in KubeFed's words where it said any.
      type: str
      sample: ""
    cause:
      description:
        - What kind of cause it is. V(proxy), V(tls), V(dns), V(refused), V(unauthorized), V(forbidden), V(timeout), V(reset), V(malformed),
          V(unhealthy), V(not_probed), V(unknown), or empty when it is ready.
      type: str
      sample: ""
    message:
      description: Why it is not ready, with the next step.
      type: str
      sample: ""
    api_endpoint:
      description: The address that KubeFed dials.
      type: str
      sample: https://10.20.0.7:6443
    region:
      description: Its region.
      type: str
      sample: east
    zones:
      description: Its zones.
      type: list
      elements: str
      sample: [east-1]
    labels:
      description: Its labels.
      type: dict
      sample: {tier: shop}
    kubernetes_version:
      description: What KubeFed says of its version, or the member itself with O(contact_members).
      type: str
      sample: v1.34.4
    reachable:
      description: Whether the member answered Ansible. V(null) without O(contact_members).
      type: bool
      sample: null
    unreachable:
      description: Why it did not.
      type: str
      sample: ""
    joined_since:
      description: When its C(KubeFedCluster) was made.
      type: str
      sample: "2026-01-01T00:00:00Z"
    last_probe:
      description: When KubeFed last looked at it.
      type: str
      sample: "2026-01-02T00:00:00Z"
    leaving:
      description: Whether its C(KubeFedCluster) is being deleted.
      type: bool
      sample: false
    cordon:
      description: V(cordoned), V(drained), or empty when it takes part.
      type: str
      sample: ""
    proxy_url:
      description: The proxy that KubeFed uses, without credentials.
      type: str
      sample: ""
    disabled_tls_validations:
      description: The checks that KubeFed leaves out.
      type: list
      elements: str
      sample: []
    credential_kind:
      description: What KubeFed authenticates with, V(service_account_token) or V(token). Empty where secrets may not be read.
      type: str
      sample: service_account_token
    credentials:
      description:
        - Each with its RV(ignore:user) (V(kubefed) or V(kubeconfig)), RV(ignore:kind) (V(service_account_token), V(token),
          V(client_certificate), V(ca), V(password), V(exec), V(auth_provider)), where it is, whom it is for, when it expires and the days
          left. One that RV(ignore:never) expires has none; where nothing tells, RV(ignore:problem) says so.
      type: list
      elements: dict
      sample:
        - user: kubefed
          kind: service_account_token
          where: secret kube-federation-system/zj-credentials
          subject: system:serviceaccount:kube-federation-system:zj-local
          expires: ""
          never: true
          problem: ""
          days_left: null
    days_left:
      description: Days until the first of them expires, negative when it has, V(null) where none does or nothing tells.
      type: int
      sample: 364
not_joined:
  description: Those of O(clusters) that are not joined.
  returned: success
  type: list
  elements: str
  sample: []
summary:
  description: The most important of RV(clusters), as the table shows it.
  returned: success
  type: list
  elements: dict
  sample:
    - {name: zj, ready: true, reason: "", kubernetes_version: v1.34.4, region: east, cordon: "", days_left: 364}
table:
  description: The clusters as a table, line by line.
  returned: success
  type: list
  elements: str
  sample: ["CLUSTER  READY  VERSION  REGION  CORDON  DAYS LEFT  REASON", "zj       yes    v1.34.4  east    -       364"]
api_requests:
  description: How many requests were sent to all clusters together.
  returned: success
  type: int
  sample: 2
"""

from datetime import datetime, timezone
from typing import Any, Callable

from ansible_collections.edgefed.kubefed.plugins.module_utils.auth_options import AUTH_SPEC
from ansible_collections.edgefed.kubefed.plugins.module_utils.client import Client
from ansible_collections.edgefed.kubefed.plugins.module_utils.clusters import look
from ansible_collections.edgefed.kubefed.plugins.module_utils.clusters.describe import credentials_of, describe, with_credentials
from ansible_collections.edgefed.kubefed.plugins.module_utils.clusters.expiry import warnings
from ansible_collections.edgefed.kubefed.plugins.module_utils.clusters.table import render, summary
from ansible_collections.edgefed.kubefed.plugins.module_utils.module import run_as_module
from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import Result

ARGUMENT_SPEC: dict[str, dict[str, Any]] = {
    **AUTH_SPEC,
    "clusters": {"type": "list", "elements": "str", "default": []},
    "namespace": {"type": "str", "default": "kube-federation-system"},
    "member_kubeconfig": {"type": "raw", "no_log": True},
    "contact_members": {"type": "bool", "default": False},
    "credentials_warn_days": {"type": "int", "default": 30},
    "parallel": {"type": "int", "default": 16},
}


def run(params: dict[str, Any], check: bool, diff: bool, connect: Callable[..., Client]) -> Result:
    """Two lists of the host cluster, and one file."""
    now, wanted = datetime.now(timezone.utc), params["clusters"]
    host = connect(params, params["context"])
    kubeconfig = params["member_kubeconfig"] or look.default_kubeconfig(params)
    kubeconfigs = look.Kubeconfigs(kubeconfig)
    joined = look.kubefed_clusters(host, params["namespace"])
    found = [item for item in joined if not wanted or item["metadata"]["name"] in wanted]
    secrets, said = look.secrets(host, params["namespace"])
    names = [item["metadata"]["name"] for item in found]
    asked = look.versions(names, kubeconfig, connect, params["parallel"]) if params["contact_members"] else {}
    records = []
    for name, item in zip(names, found):
        credentials = [*credentials_of(item, secrets), *kubeconfigs.credentials(name)]
        said += warnings(name, credentials, params["credentials_warn_days"], now)
        records.append(_contacted(with_credentials(describe(item), credentials, now), asked.get(name)))
    return Result(
        warnings=said,
        data={
            "clusters": records,
            "not_joined": [name for name in wanted if name not in names],
            "summary": summary(records),
            "table": render(records),
            "api_requests": host.requests + sum(requests for _version, _why, requests in asked.values()),
        },
    )


def _contacted(record: dict[str, Any], answer: tuple[str, str, int] | None) -> dict[str, Any]:
    version, why = answer[:2] if answer else ("", "")
    reachable = None if answer is None else not why
    return {**record, "kubernetes_version": version or record["kubernetes_version"], "reachable": reachable, "unreachable": why}


def main() -> None:
    """Run as a module."""
    run_as_module(run, ARGUMENT_SPEC)


if __name__ == "__main__":
    main()
