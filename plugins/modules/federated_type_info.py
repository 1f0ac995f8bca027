#!/usr/bin/python
# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: federated_type_info
short_description: Tells which kinds are federated, and how each stands
version_added: 0.1.0
author: edgefed contributors (@edgefed)
description:
  - Lists every FederatedTypeConfig with its kind, its federated type, and whether KubeFed's controller for it runs.
  - Says what keeps a type from being propagated, as a missing CRD, or a member that does not serve the kind.
options:
  kubeconfig:
    description: The kubeconfig of the B(host cluster), a path or the content as a dictionary. With it all other auth options.
    type: raw
  context:
    description: The context of the B(host cluster) in O(kubeconfig).
    type: str
  names:
    description: Only these, by name of the FederatedTypeConfig, plural or kind. By default all.
    type: list
    elements: str
    default: []
  objects:
    description: Whether to count the federated objects, which costs one request for each type.
    type: bool
    default: false
  members:
    description: Whether to ask each member which of the kinds it serves, which costs one request for each member and API version.
    type: bool
    default: false
  namespace:
    description: The namespace of KubeFed in the host cluster.
    type: str
    default: kube-federation-system
extends_documentation_fragment:
  - kubernetes.core.k8s_auth_options
  - edgefed.kubefed.attributes.info
seealso:
  - module: edgefed.kubefed.federated_type
"""

EXAMPLES = r"""
- name: Look at all federated types
  edgefed.kubefed.federated_type_info:
    kubeconfig: .edgefed/kubeconfig
    context: local
    objects: true
    members: true
  register: federated_types

- name: Nothing keeps a type from being propagated
  ansible.builtin.assert:
    that: federated_types.types | selectattr('problem') | length == 0
"""

RETURN = r"""
types:
  description:
    - Each federated type, by name. RV(ignore:controller) is KubeFed's word on its sync controller, RV(ignore:status_controller) on the one
      that collects the status of services while the feature gate C(RawResourceStatusCollection) is off.
    - RV(ignore:objects) is there when asked for, and RV(ignore:members_lacking), the members that do not serve the kind, too.
    - RV(ignore:problem) says what keeps it from being propagated, and is empty when nothing does.
  returned: success
  type: list
  elements: dict
  sample:
    - name: deployments.apps
      target: {group: apps, version: v1, kind: Deployment, pluralName: deployments, scope: Namespaced}
      federated: {group: types.kubefed.io, version: v1beta1, kind: FederatedDeployment, pluralName: federateddeployments, scope: Namespaced}
      propagation: Enabled
      status_collection: Disabled
      controller: Running
      status_controller: NotRunning
      objects: 3
      members_lacking: []
      problem: ""
members_unseen:
  description: Members that could not be asked, with the reason.
  returned: success
  type: dict
  sample: {}
api_requests:
  description: How many requests were sent to all clusters together.
  returned: success
  type: int
  sample: 4
"""

from typing import Any, Callable

from ansible_collections.edgefed.kubefed.plugins.module_utils.auth_options import AUTH_SPEC
from ansible_collections.edgefed.kubefed.plugins.module_utils.client import ApiError, Client
from ansible_collections.edgefed.kubefed.plugins.module_utils.federate.refuse import with_remedy
from ansible_collections.edgefed.kubefed.plugins.module_utils.module import run_as_module
from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import Result
from ansible_collections.edgefed.kubefed.plugins.module_utils.typeconfig.info import info
from ansible_collections.edgefed.kubefed.plugins.module_utils.typeconfig.session import session_of

ARGUMENT_SPEC: dict[str, dict[str, Any]] = {
    **AUTH_SPEC,
    "names": {"type": "list", "elements": "str", "default": []},
    "objects": {"type": "bool", "default": False},
    "members": {"type": "bool", "default": False},
    "namespace": {"type": "str", "default": "kube-federation-system"},
}


def run(params: dict[str, Any], check: bool, diff: bool, connect: Callable[..., Client]) -> Result:
    """Only reads: ``check`` and ``diff`` make no difference."""
    session = session_of(params, check, connect)
    try:
        return info(session, params["names"], params["objects"], params["members"])
    except ApiError as error:
        raise with_remedy(error) from None


def main() -> None:
    """Run as a module."""
    run_as_module(run, ARGUMENT_SPEC)


if __name__ == "__main__":
    main()
