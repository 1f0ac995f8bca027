#!/usr/bin/python
# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: federated_type
short_description: Enable or disable a kind for federation
version_added: 0.1.0
author: edgefed contributors (@edgefed)
description:
  - Enables a kind, built in or of a CRD, to be propagated to the members, as C(kubefedctl enable) does and under the same names, so that
    each adopts what the other made. The FederatedTypeConfig, the CRD of the federated type, and what C(kubefedctl) leaves to you.
  - Brings the CRD of the kind to the members that lack it, before anything else. One ready member without it stops KubeFed from propagating
    the kind to any cluster.
  - Gives KubeFed the rights that it needs for the kind in every member whose credentials are C(least)
    (O(edgefed.kubefed.kubefed_cluster#module:credentials)), before KubeFed starts, and takes them after it has stopped. The role is that of
    a join, which has nothing to change afterwards.
  - With a O(federated_group) of your own it gives KubeFed's controller the right to use it, which the chart does only for
    C(types.kubefed.io).
  - Comes to the same end from every half-way state, in both directions, and waits until KubeFed's controller for the kind runs, or has
    stopped.
  - O(state=absent) refuses while federated objects are there, and can take them along.
options:
  kubeconfig:
    description: The kubeconfig of the B(host cluster), a path or the content as a dictionary. With it all other auth options.
    type: raw
  context:
    description: The context of the B(host cluster) in O(kubeconfig).
    type: str
  name:
    description:
      - The kind, by any name that C(kubectl) takes, as V(deployments.apps), V(Deployment) or V(deploy). Plural with group is never
        ambiguous.
    type: str
    required: true
  state:
    description: Whether the kind is federated.
    type: str
    choices: [present, absent]
    default: present
  version:
    description:
      - The API version of the kind that members get.
      - By default the one that its FederatedTypeConfig has while it is served, else the one that the host cluster prefers.
    type: str
  federated_group:
    description:
      - The API group of the federated type. Another one than V(types.kubefed.io) is needed where two kinds have the same plural.
      - It cannot be changed while the type is enabled.
      - With O(state=absent) and no FederatedTypeConfig, where to look for the federated type's CRD.
    type: str
  federated_version:
    description: The API version of the federated type, V(v1beta1) by default. It cannot be changed while the type is enabled.
    type: str
  propagation:
    description: V(Disabled) stops KubeFed from looking at objects of the type. Nothing is deleted, and what is in the members stays.
    type: str
    choices: [Enabled, Disabled]
    default: Enabled
  status_collection:
    description:
      - Whether each cluster's status is collected into the federated object (C(status.clusters[].remoteStatus)).
      - Needs KubeFed's feature gate C(RawResourceStatusCollection). Without it only V(services) have a status, in objects of its own kind.
      - Left as it is when not given.
    type: str
    choices: [Enabled, Disabled]
  template_schema:
    description:
      - V(target) describes C(spec.template) by the schema of the kind's CRD, without what only a whole object can fulfil (required fields,
        defaults, rules). A misspelt field is dropped, or refused with strict validation, in the host cluster already.
      - V(open) takes anything, as C(kubefedctl) does. Always so for built-in kinds.
    type: str
    choices: [target, open]
    default: target
  target_crd:
    description:
      - What to do about members that lack the CRD of the kind.
      - V(carry) makes it there, and keeps it as the host cluster's where it was made so. One that others made stays as it is.
      - V(require) refuses. V(ignore) does not look at the members at all.
    type: str
    choices: [carry, require, ignore]
    default: carry
  objects:
    description:
      - With O(state=absent), what becomes of federated objects that are there. V(refuse) changes nothing, and names them.
      - V(delete) removes them, and their copies in all members. V(orphan) removes them and leaves the copies, which KubeFed lets go of.
    type: str
    choices: [refuse, orphan, delete]
    default: refuse
  delete_crd:
    description:
      - With O(state=absent), whether the CRD of the federated type goes too, as with C(kubefedctl disable --delete-crd).
      - Only one that this module or C(kubefedctl) made. The kind's own CRD stays everywhere, as its objects would go with it.
    type: bool
    default: false
  namespace:
    description: The namespace of KubeFed in the host cluster.
    type: str
    default: kube-federation-system
  wait:
    description:
      - Whether to wait until KubeFed's controller for the kind runs, or has stopped.
      - O(state=absent) always waits until objects and controller are gone, since what follows depends on it.
extends_documentation_fragment:
  - kubernetes.core.k8s_auth_options
  - edgefed.kubefed.wait
  - edgefed.kubefed.attributes
notes:
  - Members are reached by the context in O(kubeconfig) that is named as the cluster, else with the address and token that the host cluster
    keeps for KubeFed, and the checks of the certificate that its C(disabledTLSValidations) leaves.
  - KubeFed's own token may change its own role only while C(clusterroles) are federated. Else a ready member with C(least) credentials
    needs a context. A member that cannot be reached is warned of, and C(join.yml --limit) does the rest when it is back.
  - Disabling a kind that KubeFed's chart enables lasts until the chart is run again. Use O(propagation=Disabled), which stays.
seealso:
  - module: edgefed.kubefed.federated_type_info
  - module: edgefed.kubefed.federated_resource
"""

EXAMPLES = r"""
- name: Federate a custom resource, its CRD carried to the members
  edgefed.kubefed.federated_type:
    kubeconfig: .edgefed/kubeconfig
    context: local
    name: gateways.shop.example.com
    status_collection: Enabled

- name: Stop propagating Jobs, and leave everything where it is
  edgefed.kubefed.federated_type:
    kubeconfig: .edgefed/kubeconfig
    context: local
    name: jobs.batch
    propagation: Disabled

- name: Disable a kind, its copies stay in the members
  edgefed.kubefed.federated_type:
    kubeconfig: .edgefed/kubeconfig
    context: local
    name: gateways.shop.example.com
    state: absent
    objects: orphan
    delete_crd: true
"""

RETURN = r"""
name:
  description: The name of the FederatedTypeConfig, plural and group of the kind.
  returned: success
  type: str
  sample: deployments.apps
target:
  description: The kind as members have it.
  returned: success and O(state=present)
  type: dict
  sample: {group: apps, version: v1, kind: Deployment, pluralName: deployments, scope: Namespaced}
federated:
  description: The federated type, in the host cluster.
  returned: success and O(state=present)
  type: dict
  sample: {group: types.kubefed.io, version: v1beta1, kind: FederatedDeployment, pluralName: federateddeployments, scope: Namespaced}
propagation:
  description: Whether objects of the type are propagated.
  returned: success and O(state=present)
  type: str
  sample: Enabled
status_collection:
  description: Whether each cluster's status is collected.
  returned: success and O(state=present)
  type: str
  sample: Disabled
controller:
  description: KubeFed's word on its controller for the type, V(Running) or V(NotRunning), empty before it looked.
  returned: success and O(state=present)
  type: str
  sample: Running
members:
  description: How each member stood when it was looked at, V(served), V(lacks it), V(other version) or V(cannot be reached).
  returned: success and O(state=present)
  type: dict
  sample: {cddev: served, zj: lacks it}
objects:
  description: How many federated objects were taken along, or would be.
  returned: success and O(state=absent)
  type: int
  sample: 0
changes:
  description: What was done, or in check mode would be done, in this order.
  returned: success
  type: list
  elements: dict
  sample:
    - action: create
      cluster: zj
      kind: CustomResourceDefinition
      name: gateways.shop.example.com
api_requests:
  description: How many requests were sent to all clusters together.
  returned: success
  type: int
  sample: 11
code:
  description:
    - What kind of failure it was, as V(federated_objects), V(members), V(no_kind), V(other_federated_type), V(stuck) or V(not_settled).
  returned: failure
  type: str
  sample: federated_objects
"""

from typing import Any, Callable

from ansible_collections.edgefed.kubefed.plugins.module_utils.auth_options import AUTH_SPEC, wait_spec
from ansible_collections.edgefed.kubefed.plugins.module_utils.client import ApiError, Client
from ansible_collections.edgefed.kubefed.plugins.module_utils.federate.refuse import with_remedy
from ansible_collections.edgefed.kubefed.plugins.module_utils.module import run_as_module
from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import Result
from ansible_collections.edgefed.kubefed.plugins.module_utils.typeconfig.desired import Wish
from ansible_collections.edgefed.kubefed.plugins.module_utils.typeconfig.disable import absent
from ansible_collections.edgefed.kubefed.plugins.module_utils.typeconfig.enable import present
from ansible_collections.edgefed.kubefed.plugins.module_utils.typeconfig.session import session_of

ARGUMENT_SPEC: dict[str, dict[str, Any]] = {
    **AUTH_SPEC,
    **wait_spec(),
    "name": {"type": "str", "required": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "version": {"type": "str"},
    "federated_group": {"type": "str"},
    "federated_version": {"type": "str"},
    "propagation": {"type": "str", "choices": ["Enabled", "Disabled"], "default": "Enabled"},
    "status_collection": {"type": "str", "choices": ["Enabled", "Disabled"]},
    "template_schema": {"type": "str", "choices": ["target", "open"], "default": "target"},
    "target_crd": {"type": "str", "choices": ["carry", "require", "ignore"], "default": "carry"},
    "objects": {"type": "str", "choices": ["refuse", "orphan", "delete"], "default": "refuse"},
    "delete_crd": {"type": "bool", "default": False},
    "namespace": {"type": "str", "default": "kube-federation-system"},
}


def run(params: dict[str, Any], check: bool, diff: bool, connect: Callable[..., Client]) -> Result:
    """Enable or disable one kind."""
    wish = Wish(
        name=params["name"],
        version=params["version"] or "",
        federated_group=params["federated_group"] or "",
        federated_version=params["federated_version"] or "",
        propagation=params["propagation"],
        status_collection=params["status_collection"] or "",
        open_template=params["template_schema"] == "open",
    )
    session = session_of(params, check, connect)
    try:
        if params["state"] == "absent":
            return absent(session, wish, params["objects"], params["delete_crd"])
        return present(session, wish, params["target_crd"])
    except ApiError as error:
        raise with_remedy(error) from None


def main() -> None:
    """Run as a module."""
    run_as_module(run, ARGUMENT_SPEC)


if __name__ == "__main__":
    main()
