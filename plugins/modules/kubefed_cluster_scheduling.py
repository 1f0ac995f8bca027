#!/usr/bin/python
# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: kubefed_cluster_scheduling
short_description: Cordon, drain or uncordon a cluster of a KubeFed federation
version_added: 0.1.0
author: edgefed contributors (@edgefed)
description:
  - Keeps new federated objects away from a cluster, empties it, and fills it again with exactly what was there.
  - A cordoned cluster keeps what it has. M(edgefed.kubefed.federated_resource) refuses to name it in a placement where it was not
    before, and leaves it out where a cluster selector matches it, until it is uncordoned.
  - A drained cluster is cordoned, taken out of C(placement) of all federated objects, and given no replicas by any
    C(ReplicaSchedulingPreference). What was there before is kept in an annotation on each object. A placement by selector becomes a list of
    names beside the selector meanwhile. Applying a manifest again does not bring it back.
  - Uncordoning puts back what is remembered. What somebody else changed meanwhile stays, with the cluster added to it.
  - Federated namespaces, custom resource definitions and volumes stay in a drained cluster, since with them would go what is not KubeFed's.
  - KubeFed itself knows nothing of this, so a placement that another tool writes is not kept away.
extends_documentation_fragment:
  - kubernetes.core.k8s_auth_options
  - edgefed.kubefed.wait
  - edgefed.kubefed.attributes
options:
  name:
    description: The cluster's name in the federation.
    type: str
    required: true
  state:
    description:
      - What the cluster is to be.
      - A drained cluster is cordoned as well, so that V(cordoned) leaves it as it is.
    type: str
    choices: [cordoned, drained, uncordoned]
    required: true
  namespace:
    description: The namespace of KubeFed in the host cluster.
    type: str
    default: kube-federation-system
  wait:
    description: Whether to wait until KubeFed has followed. It is not waited for a cluster that is not ready.
"""

EXAMPLES = r"""
- name: Nothing new for a site that is about to be serviced
  edgefed.kubefed.kubefed_cluster_scheduling:
    kubeconfig: .edgefed/kubeconfig
    context: local
    name: zj
    state: cordoned

- name: Empty it
  edgefed.kubefed.kubefed_cluster_scheduling:
    kubeconfig: .edgefed/kubeconfig
    context: local
    name: zj
    state: drained

- name: Back to what it was
  edgefed.kubefed.kubefed_cluster_scheduling:
    kubeconfig: .edgefed/kubeconfig
    context: local
    name: zj
    state: uncordoned
"""

RETURN = r"""
cluster:
  description: The cluster, RV(ignore:scheduling) as in O(state), and whether KubeFed found it ready.
  returned: success
  type: dict
  sample: {name: zj, scheduling: drained, ready: true}
changes:
  description: The objects that were changed, or in check mode would be. RV(ignore:action) is V(take out) or V(put back).
  returned: success
  type: list
  elements: dict
  sample:
    - action: take out
      kind: FederatedDeployment
      namespace: vrfederation
      name: test-deployment
api_requests:
  description: How many requests were sent.
  returned: success
  type: int
  sample: 16
"""

from typing import Any, Callable

from ansible_collections.edgefed.kubefed.plugins.module_utils.auth_options import AUTH_SPEC, wait_spec
from ansible_collections.edgefed.kubefed.plugins.module_utils.client import Client
from ansible_collections.edgefed.kubefed.plugins.module_utils.federate.host import PARALLEL, Host
from ansible_collections.edgefed.kubefed.plugins.module_utils.module import run_as_module
from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import Result
from ansible_collections.edgefed.kubefed.plugins.module_utils.scheduling.run import Session, schedule

ARGUMENT_SPEC: dict[str, dict[str, Any]] = {
    **AUTH_SPEC,
    **wait_spec(),
    "name": {"type": "str", "required": True},
    "state": {"type": "str", "choices": ["cordoned", "drained", "uncordoned"], "required": True},
    "namespace": {"type": "str", "default": "kube-federation-system"},
}


def run(params: dict[str, Any], check: bool, diff: bool, connect: Callable[..., Client]) -> Result:
    """Cordon, drain or uncordon one cluster. ``diff`` is always made."""
    del diff
    host = Host(connect({name: params.get(name) for name in AUTH_SPEC}, None, pool=PARALLEL), params["namespace"])
    times = {name: params[name] for name in ("wait", "wait_sleep", "wait_timeout")}
    return schedule(Session(host, params["name"], params["state"], check, **times))


def main() -> None:
    """Run as a module."""
    run_as_module(run, ARGUMENT_SPEC)


if __name__ == "__main__":
    main()
