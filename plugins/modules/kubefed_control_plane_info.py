#!/usr/bin/python
# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: kubefed_control_plane_info
short_description: Tells whether the KubeFed control plane is ready, and why not
version_added: 0.1.0
description:
  - Looks at the three things that make a KubeFed control plane ready. Its CRDs are served, the controller manager's leader renews its
    lock, and the admission webhook answers a dry-run create.
  - With O(wait) it waits for the three, and says at the end of O(wait_timeout) which one is missing, why, and what to do.
options:
  namespace:
    description: KubeFed's namespace.
    type: str
    default: kube-federation-system
  release_name:
    description: Name of the Helm release.
    type: str
    default: kubefed
  leader_not:
    description: A leader that does not count, because it was told to stop (C(leader.holder) of an earlier run).
    type: str
    default: ""
  log_hint:
    description: Where to look when it does not become ready, for the message. Useful when the controllers are processes with a log.
    type: str
    default: ""
  wait:
    description: Whether to wait until the control plane is ready. Not by default, because this module only reads.
    type: bool
    default: false
extends_documentation_fragment:
  - kubernetes.core.k8s_auth_options
  - edgefed.kubefed.wait
  - edgefed.kubefed.attributes.info
notes:
  - Kubernetes clusters are asked from the machine the task runs on; C(delegate_to) the control node.
requirements:
  - kubernetes >= 29
author:
  - edgefed contributors (@edgefed)
"""

EXAMPLES = r"""
- name: Look at the control plane
  edgefed.kubefed.kubefed_control_plane_info:
    kubeconfig: .edgefed/kubeconfig
    context: local
  register: control_plane

- name: Wait until it is ready
  edgefed.kubefed.kubefed_control_plane_info:
    kubeconfig: .edgefed/kubeconfig
    context: local
    wait: true
    wait_timeout: 180
"""

RETURN = r"""
ready:
  description: Whether all three are in order.
  returned: success
  type: bool
  sample: true
namespace:
  description: KubeFed's namespace.
  returned: success
  type: str
  sample: kube-federation-system
version:
  description: KubeFed's version, empty when nothing is installed or nothing tells it.
  returned: success
  type: str
  sample: 0.10.0
scope:
  description: V(Cluster) or V(Namespaced), empty when there is no KubeFedConfig.
  returned: success
  type: str
  sample: Cluster
feature_gates:
  description: The feature gates in force.
  returned: success
  type: dict
  sample: {"PushReconciler": "Enabled", "RawResourceStatusCollection": "Enabled", "SchedulerPreferences": "Enabled"}
release:
  description: Helm's latest record of the release, without values; V(null) when there is none.
  returned: success
  type: dict
  sample: {"name": "kubefed", "chart": "kubefed-0.10.0", "revision": 1, "status": "deployed"}
crds:
  description: KubeFed's CRDs that the API server serves, and those of the chart that it does not.
  returned: success
  type: dict
  sample: {"served": ["kubefedclusters.core.kubefed.io"], "missing": []}
leader:
  description:
    - Who holds the controller manager's lock, when it was renewed, and whether that is fresh (within the lease, or seen to move).
  returned: success
  type: dict
  sample:
    holder: node-1_5f0c
    renewed: "2026-01-01T00:00:00Z"
    acquired: "2026-01-01T00:00:00Z"
    age: 1.5
    fresh: true
    reason: ""
webhook:
  description: Whether the admission webhook answers, and why not.
  returned: success
  type: dict
  sample: {"answers": true, "reason": ""}
api_requests:
  description: Requests sent to the API server.
  returned: success
  type: int
  sample: 10
"""

import time
from dataclasses import asdict
from typing import Any, Callable

from ansible_collections.edgefed.kubefed.plugins.module_utils import control_plane_api as api
from ansible_collections.edgefed.kubefed.plugins.module_utils.auth_options import AUTH_SPEC, wait_spec
from ansible_collections.edgefed.kubefed.plugins.module_utils.control_plane.plan import Desired, installed_version
from ansible_collections.edgefed.kubefed.plugins.module_utils.control_plane.release import latest
from ansible_collections.edgefed.kubefed.plugins.module_utils.control_plane.status import Status, gates_of, missing_parts, next_step
from ansible_collections.edgefed.kubefed.plugins.module_utils.module import run_as_module
from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import EdgefedError, Result

ARGUMENT_SPEC: dict[str, dict[str, Any]] = {
    **AUTH_SPEC,
    **wait_spec(default=False),
    "namespace": {"type": "str", "default": "kube-federation-system"},
    "release_name": {"type": "str", "default": "kubefed"},
    "leader_not": {"type": "str", "default": ""},
    "log_hint": {"type": "str", "default": ""},
}


def _not_ready(client: Any, params: dict[str, Any], status: Status) -> EdgefedError:
    troubles = api.read_troubles(client, params["namespace"])
    parts = missing_parts(status)
    pods = f" Pods: {'; '.join(troubles)}." if troubles else ""
    return EdgefedError(
        f'{client.where}: the KubeFed control plane in namespace "{params["namespace"]}" is not ready after {params["wait_timeout"]} s. '
        f"Missing: {'; '.join(parts)}.{pods} Next: {next_step(status, troubles, params['log_hint'])}.",
        code="not_ready",
        details={"missing": parts, "pods": troubles},
    )


def run(params: dict[str, Any], check: bool, diff: bool, connect: Callable[..., Any]) -> Result:
    """Look, and look again until ready when ``wait``. Only reads: ``check`` and ``diff`` make no difference."""
    client = connect(params)
    namespace = params["namespace"]
    desired = Desired(where=client.where, namespace=namespace, release=params["release_name"])
    deadline = time.monotonic() + params["wait_timeout"]
    current = api.read_current(client, desired)
    status = api.look(client, namespace, current.config, None, params["leader_not"])
    while params["wait"] and not status.ready:
        if time.monotonic() >= deadline:
            raise _not_ready(client, params, status)
        time.sleep(min(params["wait_sleep"], 0.25) if status.webhook.answers and not status.leader.holder else params["wait_sleep"])
        status = api.look(client, namespace, current.config, status, params["leader_not"])
    if params["wait"] and current.config is None:
        current = api.read_current(client, desired)
    release = latest(current.releases)
    record = {key: getattr(release, key) for key in ("name", "chart", "revision", "status")} if release else None
    return Result(
        data={
            "ready": status.ready,
            "namespace": namespace,
            "version": installed_version(current),
            "scope": str(((current.config or {}).get("spec") or {}).get("scope") or ""),
            "feature_gates": gates_of(current.config),
            "release": record,
            "crds": {"served": list(status.crds_served), "missing": list(status.crds_missing)},
            "leader": asdict(status.leader),
            "webhook": asdict(status.webhook),
            "api_requests": client.requests,
        }
    )


def main() -> None:
    """The module."""
    run_as_module(run, ARGUMENT_SPEC)


if __name__ == "__main__":
    main()
