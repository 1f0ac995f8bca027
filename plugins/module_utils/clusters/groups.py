# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Inventory groups of a cluster, before Ansible makes names of them that it accepts. Pure."""

from __future__ import annotations

from typing import Any, Iterable

from ansible_collections.edgefed.kubefed.plugins.module_utils.member.desired import CLUSTER_UID, MANAGED_BY, REGION, ZONE

ALL = "kubefed_clusters"
BY = ("readiness", "region", "zone", "label", "cordon")
CORDONS = ("cordoned", "drained")
_OWN_LABELS = (CLUSTER_UID, REGION, ZONE, *MANAGED_BY)


def groups_of(cluster: dict[str, Any], by: Iterable[str]) -> list[str]:
    """The groups of one record of :func:`describe`, for each kind of grouping in ``by``."""
    labels = {key: value for key, value in cluster["labels"].items() if key not in _OWN_LABELS}
    found = {
        "readiness": ["ready" if cluster["ready"] else "not_ready"],
        "region": [f"region_{cluster['region']}"] if cluster["region"] else [],
        "zone": [f"zone_{zone}" for zone in cluster["zones"]],
        "label": [f"label_{key}_{value}" if value else f"label_{key}" for key, value in sorted(labels.items())],
        "cordon": [cluster["cordon"]] if cluster["cordon"] in CORDONS else [],
    }
    return [ALL, *(group for kind in BY if kind in by for group in found[kind])]
