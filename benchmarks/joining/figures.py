# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What was measured, as a table, and whether the goals are met. Pure."""

from __future__ import annotations

import re
import statistics
from dataclasses import dataclass
from typing import Any, Iterable

KUBEFEDCTL, OURS, TASK, FLOOR = "kubefedctl, serial", "ansible-playbook", "of it, the task", "floor"
STEPS = ("join", "again", "unjoin", "enable", "disable")
GOAL_TIMES, GOAL_FLOOR = 15, 2
READING = ("GET",)
MARKS = ("<!-- measured by members.py -->", "<!-- end of what was measured -->")
_REQUEST = re.compile(r"\b(?:GET|POST|PUT|PATCH|DELETE) https://\S+ .*\bin \d+ milliseconds")


@dataclass(frozen=True)
class Measured:
    """One competitor's one step, of all members (or types) together. ``delay`` is in milliseconds."""

    step: str
    delay: int
    who: str
    seconds: float
    requests: int


def requests_in(log: str) -> int:
    """How many requests kubefedctl sent, by its log (``-v 6``)."""
    return sum(1 for line in log.splitlines() if _REQUEST.search(line))


def of_tasks(tasks: Iterable[dict[str, Any]]) -> tuple[float, int]:
    """Seconds and requests of a play's tasks that ask API servers."""
    found = list(tasks)
    return sum(task["seconds"] for task in found), sum(task["requests"] for task in found)


def medians(measured: Iterable[Measured]) -> list[Measured]:
    """One line for each step, delay and competitor."""
    groups: dict[tuple[str, int, str], list[Measured]] = {}
    for item in measured:
        groups.setdefault((item.step, item.delay, item.who), []).append(item)
    return [
        Measured(*key, round(statistics.median(one.seconds for one in group), 2), int(statistics.median(one.requests for one in group)))
        for key, group in groups.items()
    ]


def goals(lines: list[Measured], no_op: list[str]) -> list[tuple[str, bool, str]]:
    """Each goal: its words, whether it is met, the figures. ``no_op`` are one member's requests of a run that changes nothing."""
    seconds = {(item.step, item.delay, item.who): item.seconds for item in lines}
    delay = max(item.delay for item in lines)
    theirs, floor = seconds["join", delay, KUBEFEDCTL], seconds["join", delay, FLOOR]
    said = []
    for who, what in ((OURS, "whole ansible-playbook"), (TASK, "its task alone")):
        ours = seconds["join", delay, who]
        times = f"{theirs:.1f} s / {ours:.2f} s = {theirs / ours:.1f}"
        said.append((f"join at {delay} ms, {what}: at least {GOAL_TIMES} times as fast as kubefedctl", theirs / ours >= GOAL_TIMES, times))
        over = f"{ours:.2f} s / {floor:.2f} s = {ours / floor:.1f}"
        said.append((f"join at {delay} ms, {what}: at most {GOAL_FLOOR} times the floor", ours / floor <= GOAL_FLOOR, over))
    writes = [request for request in no_op if not request.startswith(READING)]
    said.append(("a run that changes nothing only reads", bool(no_op) and not writes, f"{len(no_op)} GET a member, {len(writes)} writes"))
    return said


def table(lines: list[Measured]) -> str:
    """Markdown: a row for each step and competitor, two columns for each delay."""
    delays = sorted({item.delay for item in lines})
    known = {(item.step, item.who, item.delay): item for item in lines}
    order = sorted({(STEPS.index(item.step), number) for number, item in enumerate(lines)})
    rows = list(dict.fromkeys((lines[number].step, lines[number].who) for _step, number in order))
    head = ["", "", *(f"{delay} ms: s | requests" for delay in delays)]
    text = [f"| {' | '.join(head)} |", f"|{'---|' * (2 + 2 * len(delays))}"]
    for step, who in rows:
        cells = [_cells(known.get((step, who, delay))) for delay in delays]
        text.append(f"| {step} | {who} | {' | '.join(cells)} |")
    return "\n".join(text)


def _cells(item: Measured | None) -> str:
    return f"{item.seconds:.2f} | {item.requests}" if item else "- | -"


def replaced(document: str, text: str, marks: tuple[str, str] = MARKS) -> str:
    """``document`` with ``text`` between its marks."""
    before, _, rest = document.partition(marks[0])
    _, _, after = rest.partition(marks[1])
    return f"{before}{marks[0]}\n{text}\n{marks[1]}{after}"
