# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The table of what differs: cluster, object, field, how it is and should be, who wrote it and since when. Pure."""

from __future__ import annotations

from typing import Any

from ansible_collections.edgefed.kubefed.plugins.module_utils.report.text import cut, cut_start, harmless, pad, width

HEADS = ["CLUSTER", "OBJECT", "FIELD", "IS", "SHOULD BE", "BY", "SINCE"]
GAP = "  "
NOBODY = "-"
_OBJECT, _FIELD, _VALUE, _MANAGER = 40, 40, 24, 28
_WRITER = ("manager", "operation", "since")

Row = list[str]


def drifted(report: dict[str, Any]) -> list[dict[str, str]]:
    """Each field that differs, by cluster: ``{cluster, object, field, is, should, manager, operation, since}``.

    An object that is missing, should not be there or could not be read is one entry, whose field is empty. Clusters that could not be
    read at all are left out.
    """
    dead = {row["name"] for row in report["clusters"] if row["state"] == "unreachable"}
    found = []
    for row in report["resources"]:
        what = f"{row['kind']} {row['namespace']}/{row['name']}" if row["namespace"] else f"{row['kind']} {row['name']}"
        for cluster, cell in row["clusters"].items():
            if cell["state"] != "in_sync" and cluster not in dead:
                found += [{"cluster": cluster, "object": what, **entry} for entry in _entries(cell)]
    return sorted(found, key=lambda entry: (entry["cluster"], entry["object"]))


def _entries(cell: dict[str, Any]) -> list[dict[str, str]]:
    # a report of an earlier version has no drift
    known = cell.get("drift") or []
    if cell["state"] == "differs" and known:
        return list(known)
    writer = known[0] if known else dict.fromkeys(_WRITER, "")
    should = "not there" if cell["state"] == "extra" else "template + override"
    return [{"field": "", "is": cell["state"], "should": should, **{key: writer[key] for key in _WRITER}}]


def render(report: dict[str, Any], limit: int | None = None) -> list[str]:
    """The lines of the table, none when nothing differs; of more than ``limit`` rows the number is told."""
    entries = drifted(report)
    rows = [HEADS, *(_row(entry) for entry in entries[:limit])]
    widths = [max(width(text) for text in column) for column in zip(*rows)]
    lines = [GAP.join(pad(text, size) for text, size in zip(row, widths)).rstrip() for row in rows]
    more = len(entries) - len(rows) + 1
    return [*lines, *([f"and {more} more"] if more else [])] if entries else []


def _row(entry: dict[str, str]) -> Row:
    manager = f"{entry['manager']} ({entry['operation']})" if entry["manager"] else ""
    cells = [
        entry["cluster"],
        cut_start(harmless(entry["object"]), _OBJECT),
        cut_start(harmless(entry["field"]), _FIELD),
        cut(harmless(entry["is"] or "not there"), _VALUE),
        cut(harmless(entry["should"] or "not there"), _VALUE),
        cut(harmless(manager), _MANAGER),
        entry["since"],
    ]
    return [text or NOBODY for text in cells]
