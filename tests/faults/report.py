# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Write the tables of docs/reliability.md from what ``make faults`` kept."""

from __future__ import annotations

import json
from typing import Any

from faults.lab import REPOSITORY
from faults.matrix import FAULTS, KEPT, WHOLE
from faults.operations import SPOILED

PAGE = REPOSITORY / "docs" / "reliability.md"
MARK = "<!-- from here on written by make faults -->"
Rows = list[dict[str, Any]]


def cell(row: dict[str, Any] | None) -> str:
    """How the disturbed run ended, and whether the rest was as it must be."""
    if row is None:
        return "-"
    if "first" not in row:
        return "not tried"
    if not row["sent"]:
        return "not sent"
    return f"{row['first']['how']}{', FAILED' if row['problems'] else ''}"


def table(rows: Rows) -> list[str]:
    """A line for each request, in the order in which an undisturbed run sends them, a column for each fault."""
    lines = ["| to | request | " + " | ".join(FAULTS) + " |", "|---" * (len(FAULTS) + 2) + "|"]
    cells: dict[tuple[str, str, int], dict[str, dict[str, Any]]] = {}
    for row in rows:
        case = row["case"]
        cells.setdefault((case["side"], case["request"], case["time"]), {})[case["fault"]] = row
    for (side, request, time), found in cells.items():
        again = f", {time}." if time > 1 else ""
        lines.append(f"| {side} | `{request}`{again} | " + " | ".join(cell(found.get(fault)) for fault in FAULTS) + " |")
    return lines


def sums(rows: Rows) -> str:
    """The table in a sentence, which claims only what was tried."""
    played = [row for row in rows if "first" in row]
    tried = [row for row in played if row["sent"] or row["problems"]]
    failed = sum(bool(row["problems"]) for row in tried)
    ended = ", ".join(f"{sum(row['first']['how'] == how for row in tried)} {how}" for how in ("told", "done", "killed"))
    rest = {"not sent": len(played) - len(tried), "not tried": len(rows) - len(played)}
    more = "".join(f"; {count} more {what}" for what, count in rest.items() if count)
    return f"{len(tried)} cases: {ended}; {len(tried) - failed} converged, {failed} failed{more}."


def page(results: dict[str, Rows]) -> str:
    """All operations, with their sums."""
    parts = [[f"## {operation}", "", sums(rows), "", *table(rows), ""] for operation, rows in results.items()]
    return "\n".join(line for part in parts for line in part)


def main() -> None:
    """Replace what stands behind the mark."""
    files = {name: KEPT / WHOLE.format(name) for name in SPOILED}
    results = {name: json.loads(file.read_text()) for name, file in files.items() if file.is_file()}
    head = PAGE.read_text().partition(MARK)[0]
    PAGE.write_text(f"{head}{MARK}\n\n{page(results)}")
    print(f"{PAGE.relative_to(REPOSITORY)}: {', '.join(f'{name}: {sums(rows)}' for name, rows in results.items())}")


if __name__ == "__main__":
    main()
