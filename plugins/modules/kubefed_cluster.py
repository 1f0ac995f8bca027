#!/usr/bin/python
# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: kubefed_cluster
short_description: Join a cluster to a KubeFed federation, or take it out
version_added: 0.1.0
author: edgefed contributors (@edgefed)
description:
  - Joins a member cluster to the host cluster's KubeFed control plane, as C(kubefedctl join) does, and under the same names, so that
    each adopts what the other made.
  - Comes to the same end from every half-way state, in both directions. What is missing is made, what is wrong is corrected, what is
    being deleted is waited for and made again, and a token that the member no longer accepts is replaced.
  - Waits until KubeFed finds the cluster ready, and else says why not and with which address.
  - The host cluster may be a member of its own federation.
  - Taking a cluster out leaves its workloads where they are, unless told otherwise.
extends_documentation_fragment:
  - kubernetes.core.k8s_auth_options
  - edgefed.kubefed.member
  - edgefed.kubefed.wait
  - edgefed.kubefed.attributes
options:
  kubeconfig:
    description: The kubeconfig of the B(host cluster), a path or the content as a dictionary. With it all other auth options.
    type: raw
  context:
    description: The context of the B(host cluster) in O(kubeconfig).
    type: str
  state:
    description: Whether the cluster is to be in the federation.
    type: str
    choices: [present, absent]
    default: present
  credentials_warn_days:
    description: Warn when the O(token) ends in fewer days than this.
    type: int
    default: 30
  rotate:
    description:
      - Give KubeFed a new token, and remove the old one once KubeFed has used the new one. The cluster stays ready meanwhile.
      - A rotation that was cut off is finished by the next run, with or without this.
    type: bool
    default: false
  credentials_max_age:
    description: Rotate as with O(rotate) when the token is older than this many days.
    type: int
  target_crd:
    description:
      - What to do about the CRDs of federated kinds that the member lacks. One ready member without it stops KubeFed from propagating the
        kind to any cluster.
      - V(carry) makes them there before the cluster joins. V(require) refuses to join it. V(ignore) does not look.
      - Looked at while the cluster is not joined, or not ready. Later O(edgefed.kubefed.federated_type#module:target_crd) does it.
        Unjoining leaves them where they are.
    type: str
    choices: [carry, require, ignore]
    default: carry
  labels:
    description:
      - Labels of the C(KubeFedCluster), for the cluster selectors of placements.
      - A label that an earlier run set and that is not given any more is removed. Labels of others stay.
    type: dict
    default: {}
  annotations:
    description: Annotations of the C(KubeFedCluster), kept as O(labels) are.
    type: dict
    default: {}
  region:
    description: The cluster's region, kept as label C(topology.kubernetes.io/region).
    type: str
  zone:
    description: The cluster's zone, kept as label C(topology.kubernetes.io/zone).
    type: str
  force:
    description:
      - With O(state=absent), clean the host cluster although the member cannot be worked with.
        What may be left in the member is listed in a warning.
      - With O(state=present), join although the cluster is a member already under another name or of another host cluster, or its name
        is another living cluster's. Each of them is told by the UID of the namespace C(kube-system).
    type: bool
    default: false
  preflight_from:
    description:
      - With O(state=present), look before anything is written whether the cluster can be joined, as
        M(edgefed.kubefed.kubefed_cluster_preflight) does, and from where. Fails with all that is in the way.
      - A cluster that is joined and ready, and stays connected as it is, is not looked at.
      - Without it nothing is looked at beforehand.
    type: str
    choices: [controller, host, both]
  federated_objects:
    description:
      - What happens with O(state=absent) to what KubeFed put into the member.
      - V(keep) leaves it running, as kubefedctl does. A later join takes it over again.
      - V(delete) deletes all that is labelled as managed by KubeFed, namespaces only where they hold nothing else and are not the host
        cluster's own.
    type: str
    choices: [keep, delete]
    default: keep
  wait:
    description:
      - Whether to wait until KubeFed finds the cluster ready, or until the member's namespace is gone.
      - KubeFed looks every 10 seconds by default, so a join takes up to that long.
  wait_timeout:
    default: 60
seealso:
  - name: KubeFed user guide
    description: What joining means.
    link: https://github.com/kubernetes-retired/kubefed/blob/master/docs/userguide.md
notes:
  - Unless O(credentials) says otherwise, the token in the host cluster gives KubeFed full access to the member, in its namespace only if
    the control plane is namespaced.
  - Runs in process where its play runs on the same Python, so that an in-process join costs some 0.3 seconds besides the wait.
"""

EXAMPLES = r"""
- name: Join a cluster of the merged kubeconfig
  edgefed.kubefed.kubefed_cluster:
    kubeconfig: .edgefed/kubeconfig
    context: local
    name: zj
    region: east-china
    labels:
      site: factory

- name: Join a cluster that KubeFed reaches by another address than we do
  edgefed.kubefed.kubefed_cluster:
    kubeconfig: .edgefed/kubeconfig
    context: local
    name: cddev
    api_endpoint: https://10.20.0.5:6443

- name: Let KubeFed do only what the enabled types need
  edgefed.kubefed.kubefed_cluster:
    kubeconfig: .edgefed/kubeconfig
    context: local
    name: zj
    credentials: least

- name: A new token every 90 days
  edgefed.kubefed.kubefed_cluster:
    kubeconfig: .edgefed/kubeconfig
    context: local
    name: zj
    credentials_max_age: 90

- name: Join a cluster behind Rancher's proxy with a token of Rancher's
  edgefed.kubefed.kubefed_cluster:
    kubeconfig: .edgefed/kubeconfig
    context: local
    name: shop-007
    credentials: provided
    token: "{{ rancher_token }}"

- name: Take a cluster out of the federation, its workloads stay
  edgefed.kubefed.kubefed_cluster:
    kubeconfig: .edgefed/kubeconfig
    context: local
    name: zj
    state: absent

- name: Take out a cluster that burned down
  edgefed.kubefed.kubefed_cluster:
    kubeconfig: .edgefed/kubeconfig
    context: local
    name: zj
    state: absent
    force: true
"""

RETURN = r"""
cluster:
  description: The cluster as the federation sees it. After O(state=absent), or before it was ever joined, only some of it.
  returned: success
  type: dict
  contains:
    name:
      description: Its name.
      type: str
      sample: zj
    api_endpoint:
      description: The address that KubeFed dials.
      type: str
      sample: https://10.20.0.7:6443
    ready:
      description: Whether KubeFed's last look found it ready.
      type: bool
      sample: true
    reason:
      description: Why it is not ready, in KubeFed's words where it said any.
      type: str
      sample: ""
    region:
      description: Its region.
      type: str
      sample: east-china
    credentials:
      description:
        - What KubeFed has for it, with RV(ignore:expires) and RV(ignore:days_left) where a provided token ends.
        - Where it is not known when it ends, RV(ignore:problem) says why.
      type: dict
      sample: {kind: provided, expires: "2027-03-01T00:00:00Z", days_left: 97, problem: ""}
    zones:
      description: Its zones.
      type: list
      elements: str
      sample: [zone-a]
    kubernetes_version:
      description: The version of its API server.
      type: str
      sample: v1.34.4
changes:
  description: What was done, or in check mode would be done, in this order.
  returned: success
  type: list
  elements: dict
  sample:
    - action: create
      cluster: member
      kind: ServiceAccount
      name: zj-local
      namespace: kube-federation-system
left_behind:
  description: With O(force), the commands that remove what may be left in a member that could not be worked with.
  returned: when O(state=absent)
  type: list
  elements: str
  sample:
    - kubectl --context zj delete --ignore-not-found clusterrolebinding/kubefed-controller-manager:zj-local
api_requests:
  description: How many requests were sent to both API servers together.
  returned: success
  type: int
  sample: 8
"""

import time
from typing import Any, Callable

from ansible_collections.edgefed.kubefed.plugins.module_utils.auth_options import AUTH_SPEC, wait_spec
from ansible_collections.edgefed.kubefed.plugins.module_utils.client import ApiError, Client
from ansible_collections.edgefed.kubefed.plugins.module_utils.member.credentials import check_credentials, refuse_ended
from ansible_collections.edgefed.kubefed.plugins.module_utils.member.desired import REGION, ZONE, Wish
from ansible_collections.edgefed.kubefed.plugins.module_utils.member.dialled import dialled
from ansible_collections.edgefed.kubefed.plugins.module_utils.member.given import documents, refuse_program
from ansible_collections.edgefed.kubefed.plugins.module_utils.member.join import Session, present
from ansible_collections.edgefed.kubefed.plugins.module_utils.member.lifetime import asked
from ansible_collections.edgefed.kubefed.plugins.module_utils.member.names import Names, check_names
from ansible_collections.edgefed.kubefed.plugins.module_utils.member.options import MEMBER_SPEC
from ansible_collections.edgefed.kubefed.plugins.module_utils.member.refusal import advised
from ansible_collections.edgefed.kubefed.plugins.module_utils.member.unjoin import Unusable, absent
from ansible_collections.edgefed.kubefed.plugins.module_utils.module import run_as_module
from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import EdgefedError, Result
from ansible_collections.edgefed.kubefed.plugins.module_utils.preflight.run import Look

ARGUMENT_SPEC: dict[str, dict[str, Any]] = {
    **AUTH_SPEC,
    **MEMBER_SPEC,
    **wait_spec(timeout=60),
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "credentials_warn_days": {"type": "int", "default": 30},
    "rotate": {"type": "bool", "default": False},
    "credentials_max_age": {"type": "int"},
    "target_crd": {"type": "str", "choices": ["carry", "require", "ignore"], "default": "carry"},
    "labels": {"type": "dict", "default": {}},
    "annotations": {"type": "dict", "default": {}},
    "region": {"type": "str"},
    "zone": {"type": "str"},
    "force": {"type": "bool", "default": False},
    "preflight_from": {"type": "str", "choices": ["controller", "host", "both"]},
    "federated_objects": {"type": "str", "choices": ["keep", "delete"], "default": "keep"},
}


def wish_of(params: dict[str, Any], names: Names, member: Client) -> Wish:
    """The parameters as a wish; the scope is read from the control plane later."""
    place = {REGION: params["region"], ZONE: params["zone"]}
    labels = {**params["labels"], **{key: value for key, value in place.items() if value}}
    address, ca = dialled(params, names, member)
    return Wish(
        names=names,
        scope="Cluster",
        api_endpoint=address,
        ca=ca,
        labels={str(key): str(value) for key, value in labels.items()},
        annotations={str(key): str(value) for key, value in params["annotations"].items()},
        disabled_tls_validations=tuple(params["disabled_tls_validations"]),
        proxy_url=params["api_proxy_url"],
        credentials=params["credentials"],
        token=params["token"].encode() if params["token"] else None,
        rotate=params["rotate"],
        max_age=params["credentials_max_age"],
        warn_days=params["credentials_warn_days"],
        target_crd=params["target_crd"],
    )


def run(params: dict[str, Any], check: bool, diff: bool, connect: Callable[..., Client]) -> Result:
    """Join or unjoin one cluster."""
    names = Names(params["name"], params["host_cluster_name"] or params["context"] or "", params["namespace"])
    check_names(names)
    check_credentials(params, time.time())
    host = connect(params, names.host_cluster)
    kubeconfig, context = params["member_kubeconfig"] or params["kubeconfig"], params["member_context"] or names.cluster
    leave = params["state"] == "absent"
    if not leave and params["credentials"] != "provided":
        refuse_program(documents(kubeconfig), context)
    try:
        member = connect({"kubeconfig": kubeconfig, "context": context}, names.cluster)
    except EdgefedError as error:
        if not leave:
            raise
        member = Unusable(error)
    session = Session(host, member, names, check, params["wait"], params["wait_sleep"], params["wait_timeout"], params["force"])
    try:
        if leave:
            return absent(session, params["federated_objects"], context)
        wish, session.asked = asked(wish_of(params, names, member), member, connect)
        refuse_ended(names.cluster, wish.lifetime, time.time())
        if params["preflight_from"]:
            session.preflight = Look(host, member, names, params, check, params["preflight_from"]).warnings
        return present(session, wish)
    except ApiError as error:
        raise advised(error) from None


def main() -> None:
    """Run as a module."""
    run_as_module(run, ARGUMENT_SPEC)


if __name__ == "__main__":
    main()
