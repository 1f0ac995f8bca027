# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether a federated resource has reached its clusters, at the version that was applied. Pure.

The condition ``Propagation`` alone is not proof: it stays ``True`` from an old generation, and after a write conflict the
controller stamps the newest generation on a status that it collected for the one before. So a cluster counts only when
the generation is observed, the cluster's own status is clean, and the PropagatedVersion carries the hashes of the present
template and overrides with a version for that cluster.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

OK, WAITING, FAILED = "OK", "waiting", "failed"
UNSEEN = "not yet looked at by KubeFed's controller"
UNRECORDED = "this version is not there yet"
# The controller does not try these again by itself.
FINAL = ("AlreadyExists", "ManagedLabelFalse", "ComputeResourceFailed", "ApplyOverridesFailed", "FieldRetentionFailed")
BROAD = ("ClusterRetrievalFailed", "ComputePlacementFailed", "NamespaceNotFederated")
REMEDIES = {
    "ClusterNotReady": "bring {cluster} back and run again (its conditions: kubectl -n {federation} get kubefedcluster {cluster} -o yaml)",
    "AlreadyExists": "one of this name was there before: remove it in {cluster}, or let KubeFed adopt it (kubefed_config: adopt_resources)",
    "ManagedLabelFalse": "remove the label kubefed.io/managed: false from the object in {cluster}",
    "ApplyOverridesFailed": "correct the overrides for {cluster}",
    "NamespaceNotFederated": "federate the namespace: add a FederatedNamespace",
    UNSEEN: "see whether KubeFed's controller manager runs in the host cluster (namespace {federation}), then run again",
    "WaitingForRemoval": "see which finalizers hold the object in {cluster}",
}
# An object that was deleted and made again may lose its record to the garbage collector, and the controller, which remembers having
# written it, never writes it again. So after this many seconds without any, the status has to do.
UNRECORDED_PATIENCE = 10
_LARGEST_EXACT = 2**53


@dataclass(frozen=True)
class Verdict:
    """One cluster's state: ``OK``, ``waiting`` or ``failed`` (for good), the controller's own word for it, and what to do, if known."""

    state: str
    reason: str = ""
    todo: str = ""

    def __str__(self) -> str:
        return self.reason or self.state


def verdicts(federated: dict[str, Any], version: dict[str, Any] | None, clusters: list[str], now: float = 0) -> dict[str, Verdict]:
    """The verdict for each cluster in ``clusters`` and for each that is still to be rid of the object.

    ``version`` is the PropagatedVersion (see :func:`version_name`), ``None`` when there is none.
    ``now`` is the time in seconds since 1970.
    """
    return by_status(federated, clusters, recorded(federated, version, now))


def by_status(federated: dict[str, Any], clusters: list[str], recorded: set[str] | None = None) -> dict[str, Verdict]:
    """The same by the controller's status alone, unless ``recorded`` says which clusters got the present version."""
    status = federated.get("status") or {}
    if status.get("observedGeneration") != federated["metadata"].get("generation"):
        return dict.fromkeys(clusters, Verdict(WAITING, UNSEEN))
    broad = next((item.get("reason", "") for item in status.get("conditions") or [] if item.get("type") == "Propagation"), "")
    told = {item["name"]: item.get("status", "") for item in status.get("clusters") or []}
    if broad in BROAD:
        return {cluster: Verdict(WAITING, told.get(cluster) or broad) for cluster in clusters}
    found = {cluster: _verdict(told.get(cluster), recorded, cluster) for cluster in clusters}
    leaving = {cluster: Verdict(WAITING, reason or "WaitingForRemoval") for cluster, reason in told.items() if cluster not in found}
    return {**found, **leaving}


def _written(federated: dict[str, Any]) -> float:
    """When the object (not its status) was last written, by the API server's clock."""
    entries = federated["metadata"].get("managedFields") or []
    times = [str(entry["time"]) for entry in entries if entry.get("time") and not entry.get("subresource")]
    # always UTC, whole seconds
    stamps = [datetime.strptime(time, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc).timestamp() for time in times]
    return max(stamps, default=float("inf"))


def _verdict(told: str | None, recorded: set[str] | None, cluster: str) -> Verdict:
    if told is None:
        return Verdict(WAITING, UNSEEN)
    if told:
        return Verdict(FAILED if told in FINAL else WAITING, told)
    if recorded is not None and cluster not in recorded:
        return Verdict(WAITING, UNRECORDED)
    return Verdict(OK)


def settled(found: dict[str, Verdict]) -> bool:
    """Whether waiting longer changes nothing."""
    return all(verdict.state != WAITING for verdict in found.values())


def remedy(verdict: Verdict, cluster: str, federation: str) -> str:
    """The next step for a cluster that did not get the object."""
    todo = verdict.todo or REMEDIES.get(verdict.reason, "see the events of the object: kubectl describe, in the host cluster")
    return todo.format(cluster=cluster, federation=federation)


# --- versions ---


def version_name(target_kind: str, name: str) -> str:
    """The name of an object's PropagatedVersion, which lies in the same namespace."""
    return f"{target_kind.lower()}-{name}"


def recorded(federated: dict[str, Any], version: dict[str, Any] | None, now: float) -> set[str] | None:
    """The clusters that got the present version, by the controller's record; ``None`` when it was lost, or hashes cannot tell."""
    if version is None and now - _written(federated) > UNRECORDED_PATIENCE:
        return None
    template, overrides = template_hash(federated), override_hash(federated)
    if template is None or overrides is None:
        return None
    status = (version or {}).get("status") or {}
    if (status.get("templateVersion"), status.get("overridesVersion")) != (template, overrides):
        return set()
    return {item["clusterName"] for item in status.get("clusterVersions") or []}


def template_hash(federated: dict[str, Any]) -> str | None:
    """The controller's hash of the template, ``""`` without one, ``None`` when Go might write the values otherwise."""
    template = (federated.get("spec") or {}).get("template")
    return "" if template is None else _hash(template)


def override_hash(federated: dict[str, Any]) -> str | None:
    """The controller's hash of the overrides, ``None`` when Go might write the values otherwise."""
    overrides = (federated.get("spec") or {}).get("overrides")
    return _hash({"overrides": None if overrides is None else [_override_item(item) for item in overrides]})


class _Ordered(dict[str, Any]):
    """A Go struct: its fields keep their order, where a map's keys are sorted."""


def _override_item(item: dict[str, Any]) -> _Ordered:
    result = _Ordered(clusterName=item.get("clusterName", ""))
    if item.get("clusterOverrides"):
        result["clusterOverrides"] = [_override(override) for override in item["clusterOverrides"]]
    return result


def _override(override: dict[str, Any]) -> _Ordered:
    result = _Ordered()
    if override.get("op"):
        result["op"] = override["op"]
    result["path"] = override.get("path", "")
    if override.get("value") is not None:
        result["value"] = override["value"]
    return result


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        keys = value if isinstance(value, _Ordered) else sorted(value)
        return {key: _sorted(value[key]) for key in keys}
    return [_sorted(item) for item in value] if isinstance(value, list) else value


def _portable(value: Any) -> bool:
    """Whether Go and Python surely write the value alike."""
    if isinstance(value, dict):
        return all(_portable(item) for item in (*value, *value.values()))
    if isinstance(value, list):
        return all(_portable(item) for item in value)
    if isinstance(value, str):
        return all(sign >= " " or sign in "\n\r\t" for sign in value)
    return value is None or (isinstance(value, int) and abs(value) <= _LARGEST_EXACT)


def _hash(value: Any) -> str | None:
    if not _portable(value):
        return None
    text = json.dumps(_sorted(value), ensure_ascii=False, separators=(",", ":"))
    for sign in "<>&\u2028\u2029":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return hashlib.md5(f"{text}\n".encode(), usedforsecurity=False).hexdigest()
