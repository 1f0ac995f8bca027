#!/usr/bin/python
# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: kubefed_config
short_description: Sets what KubeFed's controller manager goes by
version_added: 0.1.0
author: edgefed contributors (@edgefed)
description:
  - Alone owns the C(KubeFedConfig). The chart makes it with defaults, and no chart value may set a field of it (module
    M(edgefed.kubefed.kubefed_control_plane) refuses that).
  - Fields come from O(profile), and those that are given by themselves win over it. Without a profile what is not given stays as it is.
  - Checks all before anything is sent, also how fields fit together with those that stay.
  - The controller manager reads the C(KubeFedConfig) only at its start, so it is restarted when something changed, or was changed after it
    began, and only then. A Deployment is restarted by this module, and waited for until only new pods are left. A process has to be started
    again by who runs it, see RV(restart_controller).
options:
  kubeconfig:
    description: The kubeconfig of the B(host cluster), a path or the content as a dictionary. With it all other auth options.
    type: raw
  context:
    description: The context of the B(host cluster) in O(kubeconfig).
    type: str
  profile:
    description:
      - A set of values for every field except the feature gates, see C(docs/settings.md) for what each costs.
      - V(default) is KubeFed's own. V(fast_failover) finds a dead member in about 5 seconds, and flaps on slow links. V(slow_links) has
        patience with links that lose or delay for a while.
    type: str
    choices: [default, fast_failover, slow_links]
  scope:
    description: The scope that the control plane is expected to have. It cannot be changed, so another one is refused.
    type: str
    choices: [Cluster, Namespaced]
  controller_duration:
    description: How long the controllers wait. Durations are Go's, as V(90s) or V(1m30s).
    type: dict
    suboptions:
      available_delay:
        description: Between a member's coming back and the next look at what is federated to it.
        type: str
      unavailable_delay:
        description: Between a member's becoming not ready and the move of its replicas elsewhere.
        type: str
      cache_sync_timeout:
        description:
          - How long a controller waits for its first lists of all members. After it the controller manager ends, and starts again.
        type: str
  leader_elect:
    description: How controller managers agree on a leader.
    type: dict
    suboptions:
      lease_duration:
        description: After so long without a renewal another may take over. Longer than O(leader_elect.renew_deadline).
        type: str
      renew_deadline:
        description: So long the leader tries to renew before it gives up. Longer than 1.2 times O(leader_elect.retry_period).
        type: str
      retry_period:
        description: Between two tries.
        type: str
      resource_lock:
        description:
          - The kind of object that holds the lock. Refused where KubeFed's pods have no right to it, as the chart gives none to
            V(endpoints).
        type: str
        choices: [configmaps, endpoints]
  cluster_health_check:
    description: How members are looked at.
    type: dict
    suboptions:
      period:
        description: Between two looks. Each costs three requests to the member, and a write in the host cluster.
        type: str
      failure_threshold:
        description:
          - How many looks a state has to have lasted before a failure counts. After so many good looks a single bad one counts.
        type: int
      success_threshold:
        description: The same for the way back.
        type: int
      timeout:
        description: How long a member may take to answer. One that takes longer holds up the look at all others.
        type: str
  sync_controller:
    description: The controllers that propagate, one for each federated type.
    type: dict
    suboptions:
      max_concurrent_reconciles:
        description: How many objects of a type are worked on at one time.
        type: int
      adopt_resources:
        description: Whether objects that are in a member already are taken over. Otherwise they are left alone, and told in the status.
        type: str
        choices: [Enabled, Disabled]
  status_controller:
    description: The controllers that collect status.
    type: dict
    suboptions:
      max_concurrent_reconciles:
        description: How many objects of a type are worked on at one time.
        type: int
  feature_gates:
    description:
      - KubeFed's feature gates C(PushReconciler), C(RawResourceStatusCollection) and C(SchedulerPreferences), V(Enabled) or V(Disabled) by
        name. Gates that are not named keep their setting.
    type: dict
    default: {}
  namespace:
    description: KubeFed's namespace.
    type: str
    default: kube-federation-system
  wait:
    description: Whether to wait until all pods of a restarted controller manager are new ones.
extends_documentation_fragment:
  - kubernetes.core.k8s_auth_options
  - edgefed.kubefed.wait
  - edgefed.kubefed.attributes
notes:
  - O(wait_timeout) also bounds the wait for the webhook that has to accept the settings, which is waited for whatever O(wait) is.
  - Role P(edgefed.kubefed.kubefed#role) is the way to use this module, and C(playbooks/settings.yml). They restart the lab's process too.
"""

EXAMPLES = r"""
- name: Fail over fast, except that one bad look of 4 seconds is nothing
  edgefed.kubefed.kubefed_config:
    kubeconfig: .edgefed/kubeconfig
    context: local
    profile: fast_failover
    cluster_health_check:
      timeout: 4s

- name: Only one gate
  edgefed.kubefed.kubefed_config:
    kubeconfig: .edgefed/kubeconfig
    context: local
    feature_gates:
      RawResourceStatusCollection: Enabled
"""

RETURN = r"""
settings:
  description: The settings as they are now, or in check mode would be.
  returned: success
  type: dict
  sample: {"clusterHealthCheck.period": 10s, "featureGates": {"PushReconciler": Enabled}}
changes:
  description: The fields that were changed, or in check mode would be.
  returned: success
  type: list
  elements: str
  sample: [clusterHealthCheck.period]
restart_controller:
  description:
    - Whether the controller manager began before its KubeFedConfig was changed. This module restarts its Deployment; a process has to be
      started again.
  returned: success
  type: bool
  sample: false
leader:
  description: Who held the controller manager's lock as it was found, empty when nobody did.
  returned: success
  type: str
  sample: node-1_5f0c
api_requests:
  description: Requests sent to the API server.
  returned: success
  type: int
  sample: 3
"""

import time
from typing import Any, Callable

from ansible_collections.edgefed.kubefed.plugins.module_utils import control_plane_api as api
from ansible_collections.edgefed.kubefed.plugins.module_utils.auth_options import AUTH_SPEC, wait_spec
from ansible_collections.edgefed.kubefed.plugins.module_utils.client import Client
from ansible_collections.edgefed.kubefed.plugins.module_utils.control_plane import settings as planning
from ansible_collections.edgefed.kubefed.plugins.module_utils.control_plane.plan import CONTROLLER
from ansible_collections.edgefed.kubefed.plugins.module_utils.control_plane.status import Leader, config_is_newer
from ansible_collections.edgefed.kubefed.plugins.module_utils.module import run_as_module
from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import EdgefedError, Result


def _sections() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for item in planning.FIELDS:
        section, key = item.option
        one = {"type": "int" if item.kind == planning.COUNT else "str"}
        if isinstance(item.kind, tuple):
            one["choices"] = list(item.kind)
        found.setdefault(section, {"type": "dict", "options": {}})["options"][key] = one
    return found


ARGUMENT_SPEC: dict[str, dict[str, Any]] = {
    **AUTH_SPEC,
    **wait_spec(),
    **_sections(),
    "profile": {"type": "str", "choices": list(planning.PROFILES)},
    "scope": {"type": "str", "choices": ["Cluster", "Namespaced"]},
    "feature_gates": {"type": "dict", "default": {}},
    "namespace": {"type": "str", "default": "kube-federation-system"},
}


def _refuse(client: Client, params: dict[str, Any], config: dict[str, Any] | None, check: bool) -> None:
    """Raise where there is nothing to set, or what cannot be changed."""
    if config is None and not check:
        raise EdgefedError(
            f'{client.where} has no KubeFedConfig "kubefed" in namespace "{params["namespace"]}". Next: run playbooks/control_plane.yml, '
            "or check the context and the namespace.",
            code="no_kubefed",
        )
    there = planning.other_scope(config, params["scope"] or "")
    if there:
        raise EdgefedError(
            f"{client.where}: KubeFed has scope {there}, and {params['scope']} is asked for; KubeFed cannot change it later. Next: set "
            f"kubefed_scope: {there}, or remove KubeFed with playbooks/teardown.yml and install it again.",
            code="other_scope",
            details={"installed": there, "asked": params["scope"]},
        )


def _refuse_lock(client: Client, namespace: str, patch: dict[str, Any]) -> None:
    """Raise where the pods could not take the lock any more: without a leader nothing is propagated."""
    plural = (patch.get("leaderElect") or {}).get("resourceLock")
    if plural and api.find_controller(client, namespace) and not api.may_lock(client, namespace, plural):
        raise EdgefedError(
            f'{client.where}: KubeFed\'s controller manager has no right to {plural} in namespace "{namespace}", so it would have no '
            f"leader with leader_elect.resource_lock {plural}. Next: give service account kubefed-controller get, create and update there, "
            "or leave resource_lock as it is.",
            code="lock",
            details={"resource_lock": plural},
        )


def _apply(client: Client, params: dict[str, Any], patch: dict[str, Any], restart: bool) -> None:
    """Write, restart a Deployment, and wait for it."""
    namespace, timeout, sleep = params["namespace"], params["wait_timeout"], params["wait_sleep"]
    if patch:
        api.set_config(client, namespace, patch, time.monotonic() + timeout, sleep)
    if restart and api.find_controller(client, namespace):
        api.restart(client, namespace, CONTROLLER)
        if params["wait"]:
            api.await_rollout(client, namespace, timeout, sleep)


def run(params: dict[str, Any], check: bool, diff: bool, connect: Callable[..., Client]) -> Result:
    """Check, read, plan, write unless ``check``."""
    wanted = planning.wanted(params["profile"] or "", params, params["feature_gates"])
    client = connect(params)
    config = api.find_config(client, params["namespace"])
    _refuse(client, params, config, check)
    plan = planning.plan(config, wanted)
    _refuse_lock(client, params["namespace"], plan.patch)
    leader = api.leader_of(client, params["namespace"], config) if config else Leader()
    restart = bool(plan.patch) or config_is_newer(config, leader)
    if not check:
        _apply(client, params, plan.patch, restart)
    sides = {"before": {**plan.before}, "after": {**plan.after}}
    if restart:
        sides["before"]["controller manager"], sides["after"]["controller manager"] = "began with other settings", "restarted"
    return Result(
        changed=bool(plan.patch) or restart,
        diff={**sides, "before_header": "KubeFedConfig kubefed", "after_header": "KubeFedConfig kubefed"},
        data={
            "settings": plan.after,
            "changes": [path for path in plan.after if plan.after[path] != plan.before[path]],
            "restart_controller": restart,
            "leader": leader.holder,
            "api_requests": client.requests,
        },
    )


def main() -> None:
    """Run as a module."""
    run_as_module(run, ARGUMENT_SPEC)


if __name__ == "__main__":
    main()
