# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The table of clusters and resources for a terminal. Pure.

A few clusters stand side by side, with a row for each resource. Where they do not fit, a row is a cluster and a column a
resource; columns that do not fit go to further tables below. Where there are many resources, those of a kind are counted
together; where there are many clusters, those that are all right share a line.
"""

from __future__ import annotations

from typing import Any

from ansible_collections.edgefed.kubefed.plugins.module_utils.report.text import cut, cut_start, harmless, pad, width

COLUMNS = 100
GAP = "  "
CELL = 26
NAME = 20
MANY_RESOURCES = 12
MANY_CLUSTERS = 40

OK, BAD, UNKNOWN, WAITING, NOTHING = "✓", "✗", "?", "…", "-"
_READY = {"ok": f"{OK} yes", "not_ready": f"{BAD} no", "not_joined": f"{BAD} not joined", "unreachable": f"{UNKNOWN} no answer"}
LEGEND = f"{OK} is template + override   {BAD} is not   {WAITING} not ready yet   {UNKNOWN} could not be read   {NOTHING} not placed here"

Row = list[str]


def short_image(image: str) -> str:
    """``registry.example.org:5000/library/nginx:1.17@sha256:…`` as ``nginx:1.17``."""
    name, _dummy, digest = image.rsplit("/", 1)[-1].partition("@")
    return name if ":" in name or not digest else f"{name}@{digest.removeprefix('sha256:')[:7]}"


def cell_text(cell: dict[str, Any] | None) -> str:
    """What one cluster has of one resource, in a few characters: ``3/3 nginx:1.14.0-alpine ✓``."""
    if cell is None:
        return NOTHING
    if cell["state"] == "unreachable":
        return UNKNOWN
    if cell["state"] == "differs":
        fields = cell["fields"]
        more = f" +{len(fields) - 1}" if len(fields) > 1 else ""
        what = f"{cut_start(fields[0], CELL - 2 - len(more))}{more}" if fields else "differs"
        return f"{BAD} {what}"
    if cell["state"] != "in_sync":
        return f"{BAD} {cell['state']}"
    words = [cell["replicas"] or "", *(short_image(image) for image in cell["images"][:1])]
    words += cell["addresses"][:1] or (["no address"] if cell.get("pending_address") else [])
    waiting = not cell["ready"] or cell.get("pending_address")
    said = cut(" ".join(word for word in words if word), CELL - 2)
    return f"{said} {WAITING if waiting else OK}".strip()


def _counted(rows: list[dict[str, Any]], cluster: str) -> str:
    cells = [row["clusters"][cluster] for row in rows if cluster in row["clusters"]]
    if not cells:
        return NOTHING
    good = sum(1 for cell in cells if cell["state"] == "in_sync" and cell["ready"])
    unknown = sum(1 for cell in cells if cell["state"] == "unreachable")
    return f"{good}/{len(cells)} {OK if good == len(cells) else UNKNOWN if unknown == len(cells) else BAD}"


def _resource_columns(resources: list[dict[str, Any]], clusters: list[str]) -> list[Row]:
    """One list for each resource: two head lines, then a cell for each cluster."""
    if len(resources) > MANY_RESOURCES:
        kinds: dict[str, list[dict[str, Any]]] = {}
        for row in resources:
            kinds.setdefault(row["kind"], []).append(row)
        return [[cut(harmless(kind), CELL), f"({len(rows)})", *(_counted(rows, name) for name in clusters)] for kind, rows in kinds.items()]
    several = len({row["namespace"] for row in resources if row["namespace"]}) > 1
    columns = []
    for row in resources:
        name = f"{row['namespace']}/{row['name']}" if several and row["namespace"] else row["name"]
        columns.append(
            [
                cut(harmless(row["kind"]), CELL),
                cut(harmless(name), NAME),
                *(harmless(cell_text(row["clusters"].get(one))) for one in clusters),
            ]
        )
    return columns


def _ready(cluster: dict[str, Any]) -> str:
    return ", ".join([_READY[cluster["state"]], *([cut(harmless(cluster["cordon"]), 10)] if cluster["cordon"] else [])])


def _cluster_columns(clusters: list[dict[str, Any]]) -> list[Row]:
    return [
        ["CLUSTER", "", *(cut(harmless(row["name"]), NAME) for row in clusters)],
        ["READY", "", *(_ready(row) for row in clusters)],
        ["VERSION", "", *(cut(harmless(row["version"] or NOTHING), 14) for row in clusters)],
        ["REGION", "", *(cut(harmless(row["region"] or NOTHING), 12) for row in clusters)],
    ]


def _width(column: Row) -> int:
    return max(width(text) for text in column)


def _bands(fixed: list[Row], columns: list[Row]) -> list[list[Row]]:
    """Columns in groups that fit into the width; each group begins with the cluster's name, the first with all about it."""
    bands: list[list[Row]] = [list(fixed)]
    used = sum(_width(column) + len(GAP) for column in fixed)
    for column in columns:
        needed = _width(column) + len(GAP)
        if used + needed - len(GAP) > COLUMNS and len(bands[-1]) > 1:
            bands.append([fixed[0]])
            used = _width(fixed[0]) + len(GAP)
        bands[-1].append(column)
        used += needed
    return bands


def _lines(columns: list[Row]) -> list[str]:
    widths = [_width(column) for column in columns]
    lines = [GAP.join(pad(text, size) for text, size in zip(row, widths)).rstrip() for row in zip(*columns)]
    return [line for line in lines if line]


def _side_by_side(fixed: list[Row], resources: list[Row]) -> list[str] | None:
    """A column for each cluster; ``None`` when that is too wide."""
    heads = [*([column[0], ""] for column in fixed), *(column[:2] for column in resources)]
    cells = zip(*(column[2:] for column in (*fixed, *resources)))
    lines = _lines([[head[0] for head in heads], [head[1] for head in heads], *(list(column) for column in cells)])
    return lines if max(width(line) for line in lines) <= COLUMNS else None


def _tables(fixed: list[Row], resources: list[Row]) -> list[str]:
    lines = _side_by_side(fixed, resources)
    if lines is not None:
        return lines
    lines = []
    for band in _bands(fixed, [[column[0], cut(column[1], NAME), *column[2:]] for column in resources]):
        lines += [*([""] if lines else []), *_lines(band)]
    return lines


def _all_good(cluster: dict[str, Any], resources: list[dict[str, Any]]) -> bool:
    cells = (row["clusters"].get(cluster["name"]) for row in resources)
    return cluster["state"] == "ok" and all(cell is None or (cell["state"] == "in_sync" and cell["ready"]) for cell in cells)


def _counts(report: dict[str, Any]) -> str:
    summary = report["summary"]
    what = (
        f"{_number(summary['clusters'], 'cluster')}, {_number(summary['resources'], 'resource')}, {_number(summary['objects'], 'object')}"
    )
    if report["in_sync"]:
        return f"{OK} {what}: every object is template + override."
    return f"{BAD} {what}: {_number(len(report['problems']), 'problem')}."


def _number(count: int, word: str) -> str:
    return f"{count} {word}{'' if count == 1 else 's'}"


def render(report: dict[str, Any]) -> list[str]:
    """The lines of the table, without trailing spaces, at most ``COLUMNS`` wide unless one cell alone is wider."""
    clusters, resources = report["clusters"], report["resources"]
    shown = clusters
    if len(clusters) > MANY_CLUSTERS:
        shown = [row for row in clusters if row["cordon"] or not _all_good(row, resources)][:MANY_CLUSTERS] or clusters[:1]
    names = [row["name"] for row in shown]
    lines = _tables(_cluster_columns(shown), _resource_columns(resources, names))
    if len(shown) < len(clusters):
        hidden = [row for row in clusters if row not in shown]
        bad = sum(1 for row in hidden if not _all_good(row, resources))
        lines.append(
            f"and {_number(len(hidden), 'more cluster')}, {f'{bad} of them not all right' if bad else 'all of them as they should be'}"
        )
    return [*lines, "", LEGEND, _counts(report)]
