# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What KubeFed itself tells of its federated resources, beside what the clusters have. Pure."""

from __future__ import annotations

from typing import Any

from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.status import by_status
from ansible_collections.edgefed.kubefed.plugins.module_utils.verify.observed import Host, Object, target_name


def with_propagation(resources: list[Object], host: Host) -> list[Object]:
    """The rows of a report, each with ``propagation``, ``None`` where there is no federated resource (any more)."""
    federated = {(kind, target_name(item, host.types[kind])): item for kind, items in host.federated.items() for item in items}
    found = []
    for row in resources:
        placed = [cluster for cluster, cell in row["clusters"].items() if cell["state"] != "extra"]
        item = federated.get((row["federated_kind"], (row["namespace"], row["name"])))
        found.append({**row, "propagation": _propagation(item, placed) if item else None})
    return found


def _propagation(federated: Object, clusters: list[str]) -> dict[str, Any]:
    """A condition of an older generation counts for nothing: ``current`` is whether this is of the present one."""
    status, generation = federated.get("status") or {}, federated["metadata"].get("generation")
    observed = status.get("observedGeneration")
    condition: Object = next((item for item in status.get("conditions") or [] if item.get("type") == "Propagation"), {})
    return {
        "generation": generation,
        "observed_generation": observed,
        "current": observed == generation,
        "status": str(condition.get("status") or "Unknown") if observed == generation else "Unknown",
        "reason": str(condition.get("reason") or ""),
        "since": str(condition.get("lastTransitionTime") or ""),
        "clusters": {cluster: str(verdict) for cluster, verdict in by_status(federated, clusters).items()},
    }
