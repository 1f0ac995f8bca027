# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Write the tables of docs/reliability.md from what ``make faults`` kept."""

from __future__ import annotations

import json
from typing import Any

from faults.lab import REPOSITORY
from faults.matrix import FAULTS, KEPT

PAGE = REPOSITORY / "docs" / "reliability.md"
MARK = "<!-- from here on written by make faults -->"


def table(rows: list[dict[str, Any]]) -> list[str]:
    """A line for each request, a column for each fault."""
    lines = ["| to | request | " + " | ".join(FAULTS) + " |", "|---" * (len(FAULTS) + 2) + "|"]
    cells: dict[tuple[str, int], dict[str, dict[str, Any]]] = {}
    for row in rows:
        cells.setdefault((row["case"]["side"], row["case"]["position"]), {})[row["case"]["fault"]] = row
    for (side, position), found in sorted(cells.items()):
        request = next((row["request"] for row in found.values() if row["request"] != "(not sent)"), "(not sent)")
        words = [f"{found[fault]['first']['how']}{', FAILED' if found[fault]['problems'] else ''}" for fault in FAULTS]
        lines.append(f"| {side} | {position}. `{request}` | " + " | ".join(words) + " |")
    return lines


def page(results: dict[str, list[dict[str, Any]]]) -> str:
    """All operations, with their sums."""
    parts = []
    for operation, rows in sorted(results.items()):
        failed = sum(bool(row["problems"]) for row in rows)
        ended = {how: sum(row["first"]["how"] == how for row in rows) for how in ("told", "done", "killed")}
        sums = ", ".join(f"{count} {how}" for how, count in ended.items())
        parts += [
            f"## {operation}",
            "",
            f"{len(rows)} cases: {sums}; {len(rows) - failed} converged, {failed} failed.",
            "",
            *table(rows),
            "",
        ]
    return "\n".join(parts)


def main() -> None:
    """Replace what stands behind the mark."""
    results = {file.name.removesuffix("-all.json"): json.loads(file.read_text()) for file in sorted(KEPT.glob("*-all.json"))}
    head = PAGE.read_text().partition(MARK)[0]
    PAGE.write_text(f"{head}{MARK}\n\n{page(results)}")
    print(f"{PAGE.relative_to(REPOSITORY)}: {sum(len(rows) for rows in results.values())} cases")


if __name__ == "__main__":
    main()
