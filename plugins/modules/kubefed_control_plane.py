#!/usr/bin/python
# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: kubefed_control_plane
short_description: Does what KubeFed's Helm chart cannot do
version_added: 0.1.0
description:
  - Is called before and after the chart is run, and says in RV(chart) whether the chart has to be run at all. When nothing is to be done,
    Helm need not be started.
  - With O(state=present) it refuses another KubeFed, another version and another scope, makes the namespace, drops Helm's records of an
    operation that was cut off (the next install adopts what is there), and restarts the webhook's Deployment where the chart renewed its
    certificate. The KubeFedConfig is of module M(edgefed.kubefed.kubefed_config).
  - With O(state=absent) it refuses while clusters are joined or federated objects are left, and removes webhook configurations, CRDs, the
    leader's lock and a namespace that this module made.
options:
  state:
    description: Whether the control plane is to be there.
    type: str
    choices: [present, absent]
    default: present
  namespace:
    description: KubeFed's namespace.
    type: str
    default: kube-federation-system
  release_name:
    description: Name of the Helm release.
    type: str
    default: kubefed
  version:
    description: KubeFed's version, without C(v). Required for O(state=present).
    type: str
  scope:
    description: Whether KubeFed works in all namespaces or just in its own. It cannot be changed later.
    type: str
    choices: [Cluster, Namespaced]
    default: Cluster
  values:
    description:
      - The chart's values, as Helm is to have them. They are compared with Helm's record.
      - Those that set fields of the KubeFedConfig are refused.
    type: dict
    default: {}
  config:
    description:
      - The KubeFedConfig as the chart makes it, for a KubeFed that runs in pods. It is put into the cluster before the chart is installed,
        for Helm makes the Deployments first, and a controller manager that starts before there is a KubeFedConfig makes one of its own,
        over which Helm would fail.
    type: dict
    default: {}
  config_crd:
    description: The CRD of the KubeFedConfig. Required with O(config).
    type: dict
    default: {}
  chart_done:
    description: Whether the chart was run just now (the second call).
    type: bool
    default: false
  purge:
    description:
      - Whether O(state=absent) may drop federated objects. Their copies in the clusters, which have left by then, stay there.
    type: bool
    default: false
extends_documentation_fragment:
  - kubernetes.core.k8s_auth_options
  - edgefed.kubefed.wait
  - edgefed.kubefed.attributes
notes:
  - O(wait_timeout) bounds the wait for objects that are being deleted, which are waited for whatever O(wait) is.
  - Role P(edgefed.kubefed.kubefed#role) is the way to use this module.
requirements:
  - kubernetes >= 29
author:
  - edgefed contributors (@edgefed)
"""

EXAMPLES = r"""
- name: Prepare the control plane
  edgefed.kubefed.kubefed_control_plane:
    kubeconfig: .edgefed/kubeconfig
    context: local
    version: 0.10.0
    values: "{{ kubefed_chart_values }}"
  register: prepared

- name: Run the chart when it has to be run
  kubernetes.core.helm:
    name: kubefed
    chart_ref: kubefed
    chart_repo_url: https://raw.githubusercontent.com/kubernetes-sigs/kubefed/master/charts
    release_namespace: kube-federation-system
    values: "{{ kubefed_chart_values }}"
    disable_hook: true
    kubeconfig: .edgefed/kubeconfig
    context: local
  when: prepared.chart in ['install', 'upgrade']
"""

RETURN = r"""
chart:
  description: What the chart has to do now, V(none), V(install), V(upgrade) or V(uninstall).
  returned: success
  type: str
  sample: none
reasons:
  description: Why the chart has to be run.
  returned: success
  type: list
  elements: str
  sample: ["values differ"]
steps:
  description: What this module did, or would do.
  returned: success
  type: list
  elements: str
  sample: ["create_namespace kube-federation-system"]
release_status:
  description: Helm's word for the release as it was found, empty when there was none.
  returned: success
  type: str
  sample: deployed
api_requests:
  description: Requests sent to the API server.
  returned: success
  type: int
  sample: 12
"""

from typing import Any, Callable

from ansible_collections.edgefed.kubefed.plugins.module_utils import control_plane_api as api
from ansible_collections.edgefed.kubefed.plugins.module_utils.auth_options import AUTH_SPEC, wait_spec
from ansible_collections.edgefed.kubefed.plugins.module_utils.control_plane import plan as planning
from ansible_collections.edgefed.kubefed.plugins.module_utils.control_plane.release import latest
from ansible_collections.edgefed.kubefed.plugins.module_utils.module import run_as_module
from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import EdgefedError, Result

OTHER_HELM_SECONDS = 15.0
"""So long a pending record may be another Helm at work. KubeFed's chart takes 2 to 10 seconds, hooks off."""

ARGUMENT_SPEC: dict[str, dict[str, Any]] = {
    **AUTH_SPEC,
    **wait_spec(),
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "namespace": {"type": "str", "default": "kube-federation-system"},
    "release_name": {"type": "str", "default": "kubefed"},
    "version": {"type": "str"},
    "scope": {"type": "str", "choices": ["Cluster", "Namespaced"], "default": "Cluster"},
    "values": {"type": "dict", "default": {}},
    "config": {"type": "dict", "default": {}},
    "config_crd": {"type": "dict", "default": {}},
    "chart_done": {"type": "bool", "default": False},
    "purge": {"type": "bool", "default": False},
}
CONSTRAINTS: dict[str, Any] = {"required_if": [("state", "present", ["version"])]}


def _desired(params: dict[str, Any], where: str) -> planning.Desired:
    return planning.Desired(
        where=where,
        namespace=params["namespace"],
        release=params["release_name"],
        version=params["version"] or "",
        scope=params["scope"],
        values=params["values"],
        config=params["config"],
        config_crd=params["config_crd"],
        purge=params["purge"],
    )


def run(params: dict[str, Any], check: bool, diff: bool, connect: Callable[..., Any]) -> Result:
    """Read, object or plan, do the plan unless ``check``."""
    client = connect(params)
    desired = _desired(params, client.where)
    removing = params["state"] == "absent"
    if not check and not params["chart_done"]:
        api.await_other_helm(client, desired, OTHER_HELM_SECONDS)
    current = api.read_current(client, desired, removing)
    object_to, make_plan = (planning.absent_objection, planning.plan_absent) if removing else (planning.objection, planning.plan_present)
    trouble = None if params["chart_done"] else object_to(current, desired)
    if trouble:
        raise EdgefedError(f"{client.where}: {trouble.message}", trouble.code, trouble.details)
    plan = make_plan(current, desired, params["chart_done"])
    if not check:
        api.apply(client, desired, plan.steps, params["wait_timeout"], params["wait_sleep"])
    release = latest(current.releases)
    return Result(
        changed=plan.changed,
        diff={"before": plan.before, "after": plan.after, "before_header": desired.namespace, "after_header": desired.namespace},
        data={
            "chart": plan.chart,
            "reasons": list(plan.reasons),
            "steps": [f"{step.verb} {step.name}".strip() for step in plan.steps],
            "release_status": release.status if release else "",
            "api_requests": client.requests,
        },
    )


def main() -> None:
    """The module."""
    run_as_module(run, ARGUMENT_SPEC, **CONSTRAINTS)


if __name__ == "__main__":
    main()
