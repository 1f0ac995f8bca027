# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether a control plane is ready, and if not which part is missing and why. Pure."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from ansible_collections.edgefed.kubefed.plugins.module_utils.control_plane.release import moment_of

LEADER_ANNOTATION = "control-plane.alpha.kubernetes.io/leader"
LOCK = "kubefed-controller-manager"
LEASE_SECONDS = 15
CLOCKS_APART = 5
"""Seconds by which this machine's clock and the controller's may differ."""

CORE_GROUP = "core.kubefed.io/v1beta1"
SCHEDULING_GROUP = "scheduling.kubefed.io/v1alpha1"
TYPES_GROUP = "types.kubefed.io/v1beta1"
CRDS = {
    "core.kubefed.io/v1alpha1": ("clusterpropagatedversions", "federatedservicestatuses", "propagatedversions"),
    CORE_GROUP: ("federatedtypeconfigs", "kubefedclusters", "kubefedconfigs"),
    SCHEDULING_GROUP: ("replicaschedulingpreferences",),
    TYPES_GROUP: (
        "federatedclusterroles",
        "federatedconfigmaps",
        "federateddeployments",
        "federatedingresses",
        "federatedjobs",
        "federatednamespaces",
        "federatedreplicasets",
        "federatedsecrets",
        "federatedserviceaccounts",
        "federatedservices",
    ),
}
"""Group version → plurals of the definitions that the chart of 0.10.0 brings."""

DEFAULT_GATES = {"PushReconciler": "Enabled", "RawResourceStatusCollection": "Disabled", "SchedulerPreferences": "Enabled"}
"""What KubeFed 0.10.0 does when its KubeFedConfig does not say; it knows no other gates."""


@dataclass(frozen=True)
class Leader:
    """Who holds the controller manager's lock. ``renewed`` and ``acquired`` as written there (RFC 3339), ``age`` in seconds by this
    clock."""

    holder: str = ""
    renewed: str = ""
    acquired: str = ""
    age: float | None = None
    fresh: bool = False
    reason: str = ""


@dataclass(frozen=True)
class Webhook:
    """Whether the admission webhook answered a dry-run create, and why not."""

    answers: bool = False
    reason: str = ""


@dataclass(frozen=True)
class Status:
    """The three that make a control plane ready, as they were last seen."""

    crds_served: tuple[str, ...] = ()
    crds_missing: tuple[str, ...] = ()
    leader: Leader = field(default_factory=Leader)
    webhook: Webhook = field(default_factory=Webhook)

    @property
    def ready(self) -> bool:
        """CRDs served, leader fresh, webhook answering."""
        return not self.crds_missing and self.leader.fresh and self.webhook.answers


def split_crds(served: dict[str, set[str]]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """``(served, missing)`` names of CRDs, as ``plural.group``; ``served``: group version → plurals that the API server serves.

    An API server serves a kind only once its CRD is Established. The federated types that were enabled later count as served too.
    """
    there = {f"{plural}.{version.split('/', maxsplit=1)[0]}" for version, plurals in served.items() for plural in plurals}
    wanted = {f"{plural}.{version.split('/', maxsplit=1)[0]}" for version, plurals in CRDS.items() for plural in plurals}
    return tuple(sorted(there)), tuple(sorted(wanted - there))


def read_leader(lock: dict[str, Any] | None, now: datetime, previous: Leader | None = None, not_holder: str = "") -> Leader:
    """The leader written on the lock object. It is fresh when renewed within its lease, or when it moved since ``previous``.

    The second saves clusters whose clock is far from ours. ``not_holder``: the process that was told to stop does not count.
    """
    annotation = ((lock or {}).get("metadata", {}).get("annotations") or {}).get(LEADER_ANNOTATION)
    try:
        record = json.loads(annotation or "{}")
    except ValueError:
        record = {}
    holder, renewed = str(record.get("holderIdentity") or ""), str(record.get("renewTime") or "")
    moment = moment_of(renewed)
    if not holder or moment is None:
        return Leader(reason=f'no controller manager has taken the lock (ConfigMap "{LOCK}") yet')
    lease = float(record.get("leaseDurationSeconds") or LEASE_SECONDS)
    age = round((now - moment).total_seconds(), 1)
    leader = Leader(holder=holder, renewed=renewed, acquired=str(record.get("acquireTime") or ""), age=age)
    if holder == not_holder:
        return replace(leader, reason=f"the lock is still held by {holder}, which was told to stop; its lease lasts {lease:.0f} s")
    moved = previous is not None and bool(previous.renewed) and (previous.holder, previous.renewed) != (holder, renewed)
    if moved or -CLOCKS_APART <= age <= lease:
        return replace(leader, fresh=True)
    if age < 0:
        return replace(leader, reason=f"{holder} wrote {renewed}, {-age:.0f} s ahead of this machine's clock, and has not renewed it since")
    return replace(leader, reason=f"{holder} renewed the lock last at {renewed}, {age:.0f} s ago; a lease lasts {lease:.0f} s")


def webhook_of_answer(created: dict[str, Any], namespace: str) -> Webhook:
    """The verdict on a dry-run create of a bare KubeFedConfig: only the webhook fills in the rest of its ``spec``."""
    return Webhook(answers=True) if (created.get("spec") or {}).get("leaderElect") else Webhook(reason=_not_asked(namespace))


def _not_asked(namespace: str) -> str:
    return (
        f'the API server did not ask it: MutatingWebhookConfiguration "mutation.core.kubefed.io" is missing, or its namespaceSelector '
        f'does not match namespace "{namespace}" (with scope Namespaced the namespace needs the label name={namespace})'
    )


def webhook_of_error(status: int, message: str, namespace: str = "") -> Webhook:
    """The verdict on a dry-run create that failed; ``message`` is the API server's."""
    if status == 404:
        return Webhook(reason="nothing to ask it with: namespace or CRD kubefedconfigs.core.kubefed.io is not there")
    called = re.search(r"failed calling webhook \"[^\"]+\": (?:failed to call webhook: )?(.*)", message)
    if called:
        return Webhook(reason=re.sub(r"^Post \"([^\"?]+)[^\"]*\": ", r"\1: ", called.group(1)))
    if "denied the request" in message and "spec.leaderElect: Required value" in message:
        return Webhook(reason=_not_asked(namespace))
    return Webhook(reason=message)


def gates_of(config: dict[str, Any] | None) -> dict[str, str]:
    """The feature gates in force, name → ``Enabled`` or ``Disabled``."""
    listed = ((config or {}).get("spec") or {}).get("featureGates") or []
    return dict(sorted({**DEFAULT_GATES, **{gate["name"]: gate["configuration"] for gate in listed}}.items()))


def config_is_newer(config: dict[str, Any] | None, leader: Leader) -> bool:
    """Whether the KubeFedConfig was changed after the leader began: it reads its configuration only once, at its start."""
    written = ((config or {}).get("metadata") or {}).get("managedFields") or []
    changed = [moment_of(entry.get("time")) for entry in written if "f:spec" in (entry.get("fieldsV1") or {})]
    since = moment_of(leader.acquired)
    return since is not None and any(moment > since for moment in changed if moment)


def rolled_out(deployment: dict[str, Any]) -> bool:
    """Whether all pods of a Deployment are of its present template, and available."""
    status, wanted = deployment.get("status") or {}, deployment["spec"].get("replicas", 1)
    seen = status.get("observedGeneration") == deployment["metadata"].get("generation")
    counts = [status.get(name) or 0 for name in ("replicas", "updatedReplicas", "availableReplicas")]
    return bool(seen and counts == [wanted] * 3)


def pod_troubles(pods: list[dict[str, Any]]) -> list[str]:
    """``pod/container: Reason (message)`` of each container of the control plane that waits, and of pods that no node took."""
    troubles = []
    for pod in pods:
        name, status = pod["metadata"]["name"], pod.get("status") or {}
        for container in status.get("containerStatuses") or []:
            waiting = (container.get("state") or {}).get("waiting")
            if waiting:
                message = f" ({waiting['message']})" if waiting.get("message") else ""
                troubles.append(f"{name}/{container['name']}: {waiting.get('reason')}{message}")
        for condition in status.get("conditions") or []:
            if condition.get("type") == "PodScheduled" and condition.get("status") == "False":
                troubles.append(f"{name}: {condition.get('reason')} ({condition.get('message')})")
    return troubles


def unready_containers(pods: list[dict[str, Any]]) -> list[tuple[str, str, bool]]:
    """``(pod, container, whether its last run ended)`` of each container that has run and is not ready."""
    found = []
    for pod in pods:
        for container in (pod.get("status") or {}).get("containerStatuses") or []:
            ended = bool(container.get("restartCount")) and "running" not in (container.get("state") or {})
            if not container.get("ready") and (ended or "waiting" not in (container.get("state") or {})):
                found.append((pod["metadata"]["name"], container["name"], ended))
    return found


def missing_parts(status: Status) -> list[str]:
    """One sentence for each of the three that is missing; empty when ready."""
    parts = []
    if status.crds_missing:
        few = ", ".join(status.crds_missing[:3])
        more = f" and {len(status.crds_missing) - 3} more" if len(status.crds_missing) > 3 else ""
        none = f"CRDs: none of KubeFed's {len(status.crds_missing)} is there"
        parts.append(f"CRDs not established: {few}{more}" if status.crds_served else none)
    if not status.leader.fresh:
        parts.append(f"controller manager: {status.leader.reason}")
    if not status.webhook.answers:
        parts.append(f"admission webhook: {status.webhook.reason}")
    return parts


def next_step(status: Status, troubles: list[str], log_hint: str) -> str:
    """What to do about the first thing that is missing."""
    pull = next((trouble for trouble in troubles if "ImagePull" in trouble or "ErrImage" in trouble), None)
    if pull:
        return (
            "let the nodes reach the image registry, or put a mirror into kubefed_values "
            "(controllermanager.controller.repository and controllermanager.webhook.repository)"
        )
    if status.crds_missing:
        return "run playbooks/control_plane.yml, which brings missing CRDs back; nothing works without them"
    if log_hint:
        return f"read {log_hint}, then run playbooks/control_plane.yml again"
    if troubles:
        return "make the cluster run these pods (`kubectl describe pod`), then run playbooks/control_plane.yml again"
    return "see that the controller's and the webhook's pods or processes run, then run playbooks/control_plane.yml again"
