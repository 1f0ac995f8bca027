# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The table of a federation's clusters for a terminal. Pure."""

from __future__ import annotations

from typing import Any

from ansible_collections.edgefed.kubefed.plugins.module_utils.report.text import cut, harmless, pad, width

HEAD = ("CLUSTER", "READY", "VERSION", "REGION", "CORDON", "DAYS LEFT", "REASON")
SUMMARY = ("name", "ready", "reason", "kubernetes_version", "region", "cordon", "days_left")
CELL, REASON = 24, 60
GAP = "  "


def summary(clusters: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The table as data: small also for a thousand clusters."""
    return [{field: one[field] for field in SUMMARY} for one in clusters]


def render(clusters: list[dict[str, Any]]) -> list[str]:
    """One line for each cluster, in columns."""
    rows = [list(HEAD), *(_row(one) for one in clusters)]
    widths = [max(width(row[index]) for row in rows) for index in range(len(HEAD))]
    return [GAP.join(pad(cell, columns) for cell, columns in zip(row, widths)).rstrip() for row in rows]


def _row(one: dict[str, Any]) -> list[str]:
    reason = one["reason"] or (f"does not answer Ansible: {one['unreachable']}" if one.get("unreachable") else "")
    cells = [one["name"], "yes" if one["ready"] else "NO", one["kubernetes_version"], one["region"], one["cordon"], _days(one)]
    return [*(cut(harmless(cell), CELL) or "-" for cell in cells), cut(harmless(reason), REASON)]


def _days(one: dict[str, Any]) -> str:
    left = one["days_left"]
    if left is not None:
        return "EXPIRED" if left < 0 else str(left)
    return "never" if one["credentials"] and all(credential["never"] for credential in one["credentials"]) else "?"
