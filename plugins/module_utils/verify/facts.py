# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a reader wants to know of a member's objects and of KubeFed's own view of them. Pure."""

from __future__ import annotations

from typing import Any

from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.preview import MANAGED_LABEL

Object = dict[str, Any]

_STATUS_WORDS = {
    "ClusterNotReady": "KubeFed says that the cluster is not ready",
    "AlreadyExists": "an object of this name was there before, and KubeFed is told not to adopt it (skipAdoptingResources)",
    "ManagedLabelFalse": f"the object's label {MANAGED_LABEL} is false, so KubeFed leaves it alone",
    "ApplyOverridesFailed": "KubeFed cannot apply the overrides",
    "CreationFailed": "the cluster refused to create it",
    "UpdateFailed": "the cluster refused to update it",
    "WaitingForRemoval": "it waits to be deleted",
}
_REASON_WORDS = {
    "NamespaceNotFederated": "its namespace is not federated",
    "ComputePlacementFailed": "KubeFed cannot compute its placement",
    "ClusterRetrievalFailed": "KubeFed cannot list its clusters",
}
# Where a workload's status counts pods that are ready, and those of the present version; a ReplicaSet never replaces any.
_READY_AND_UPDATED = {
    "DaemonSet": ("numberReady", "updatedNumberScheduled"),
    "Deployment": ("readyReplicas", "updatedReplicas"),
    "ReplicaSet": ("readyReplicas", ""),
    "StatefulSet": ("readyReplicas", "updatedReplicas"),
}
# Words of a status that stand until somebody changes something.
_LASTING = ("AlreadyExists", "ManagedLabelFalse", "ApplyOverridesFailed")


def kubefed_will_look_again(federated: Object, cluster: str) -> bool:
    """Whether KubeFed's status is older than the resource, or says of this cluster what the next look may put right."""
    status = federated.get("status") or {}
    if status.get("observedGeneration") != (federated.get("metadata") or {}).get("generation"):
        return True
    said = [str(item.get("status") or "") for item in status.get("clusters") or [] if item.get("name") == cluster]
    return any(word and word not in _LASTING for word in said)


def kubefed_view(federated: Object, cluster: str) -> str:
    """What KubeFed's status says is wrong for this cluster, in words; empty when nothing or nothing that counts.

    A status of an older generation counts for nothing but being old.
    """
    generation = (federated.get("metadata") or {}).get("generation")
    status = federated.get("status") or {}
    seen = status.get("observedGeneration")
    if seen is None:
        return "KubeFed has not looked at it yet"
    if seen != generation:
        return f"KubeFed has not looked at generation {generation} yet, only at {seen}"
    words = {str(item.get("name")): str(item.get("status") or "") for item in status.get("clusters") or []}
    if words.get(cluster):
        return _STATUS_WORDS.get(words[cluster], f"KubeFed says {words[cluster]}")
    reasons = [str(item.get("reason") or "") for item in status.get("conditions") or [] if item.get("type") == "Propagation"]
    return next((_REASON_WORDS[reason] for reason in reasons if reason in _REASON_WORDS), "")


def replicas(kind: str, actual: Object) -> tuple[int, int] | None:
    """``(ready, wanted)`` pods of a workload that is at its present generation; ``None`` for other kinds."""
    spec, status = actual.get("spec") or {}, actual.get("status") or {}
    if kind not in _READY_AND_UPDATED:
        return None
    ready, updated = (int(status.get(name) or 0) if name else None for name in _READY_AND_UPDATED[kind])
    current = status.get("observedGeneration") == (actual.get("metadata") or {}).get("generation")
    wanted = int(spec["replicas"]) if spec.get("replicas") is not None else 1
    if kind == "DaemonSet":
        # until its controller looks, on how many nodes is not known
        wanted = int(status.get("desiredNumberScheduled") or 0) if current else max(1, int(status.get("desiredNumberScheduled") or 0))
    if updated is not None and _replaces_pods(spec):
        ready = min(ready or 0, updated)
    return min(ready or 0, wanted) if current else 0, wanted


def _replaces_pods(spec: Object) -> bool:
    """Whether all pods are to become ones of the present version by themselves."""
    strategy = spec.get("updateStrategy") or {}
    return strategy.get("type") != "OnDelete" and not (strategy.get("rollingUpdate") or {}).get("partition")


def images(actual: Object) -> list[str]:
    """The images of a pod template's containers."""
    pod = ((actual.get("spec") or {}).get("template") or {}).get("spec") or {}
    return [str(item.get("image") or "") for item in pod.get("containers") or []]


def wants_address(kind: str, actual: Object) -> bool:
    """Whether something in the cluster should give this object an address."""
    return kind == "Ingress" or (kind == "Service" and (actual.get("spec") or {}).get("type") == "LoadBalancer")


def addresses(actual: Object) -> list[str]:
    """Addresses and names that a load balancer gave to a Service or an Ingress."""
    given = ((actual.get("status") or {}).get("loadBalancer") or {}).get("ingress") or []
    return [str(item.get("ip") or item.get("hostname")) for item in given if item.get("ip") or item.get("hostname")]


def node_summary(nodes: list[Object]) -> dict[str, Any]:
    """``{total, ready, region, zones}`` of a cluster's nodes."""
    ready = 0
    places: dict[str, set[str]] = {"region": set(), "zone": set()}
    for node in nodes:
        conditions = (node.get("status") or {}).get("conditions") or []
        ready += any(item.get("type") == "Ready" and item.get("status") == "True" for item in conditions)
        labels = (node.get("metadata") or {}).get("labels") or {}
        for word, found in places.items():
            found.add(str(labels.get(f"topology.kubernetes.io/{word}") or ""))
    return {
        "total": len(nodes),
        "ready": ready,
        "region": ", ".join(sorted(places["region"] - {""})),
        "zones": sorted(places["zone"] - {""}),
    }
