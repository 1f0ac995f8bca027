# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Each request of an operation by each way to spoil it: what happens then, and whether the next run makes it good."""

from __future__ import annotations

import json
import random
from dataclasses import asdict, dataclass
from typing import Any

from faults.lab import REPOSITORY, Lane
from faults.operations import OPERATIONS, Attempt, Operation, attempt

FAULTS = ("cut", "lost", "500", "409", "delay", "kill")
SIDES = ("host", "member")
KEPT = REPOSITORY / ".cache" / "faults"


@dataclass(frozen=True)
class Case:
    """The ``position``-th request to a side, ``host`` or ``member``, is spoiled."""

    operation: str
    side: str
    position: int
    fault: str

    def __str__(self) -> str:
        return f"{self.operation}, request {self.position} to {self.side}, {self.fault}"


@dataclass(frozen=True)
class Outcome:
    """What became of a case. ``problems`` is empty when all is as it must be."""

    case: Case
    request: str
    first: Attempt
    problems: list[str]


@dataclass
class Clean:
    """An operation that nothing disturbs: the requests to each side, and what is there before and after."""

    requests: dict[str, list[str]]
    before: dict[str, list[str]]
    after: dict[str, list[str]]


def undisturbed(operation: Operation, lane: Lane) -> None:
    lane.disarm()
    done = attempt(operation, lane)
    assert done.how == "done", done.message


def clean_run(operation: Operation, lane: Lane) -> Clean:
    for step in operation, OPERATIONS[operation.back]:
        undisturbed(step, lane)
    before = lane.state()
    undisturbed(operation, lane)
    requests = dict(zip(SIDES, (lane.seen(side) for side in lane.sides), strict=True))
    after = lane.state()
    undisturbed(OPERATIONS[operation.back], lane)
    assert before != after
    return Clean(requests, before, after)


def cases_of(operation: str, clean: Clean) -> list[Case]:
    return [
        Case(operation, side, position, fault) for side in SIDES for position in range(1, len(clean.requests[side]) + 1) for fault in FAULTS
    ]


def sample(cases: list[Case], count: int, seed: str) -> list[Case]:
    """``count`` of them, the same for a seed, and those that failed last."""
    failed = KEPT / "failed.json"
    again = [Case(**given) for given in json.loads(failed.read_text())] if failed.is_file() else []
    return list(dict.fromkeys([*(case for case in again if case in cases), *random.Random(seed).sample(cases, min(count, len(cases)))]))


def play(case: Case, clean: Clean, lane: Lane) -> Outcome:
    """From where the operation begins: spoiled, again undisturbed, once more without a change; then back."""
    operation = OPERATIONS[case.operation]
    side = dict(zip(SIDES, lane.sides, strict=True))[case.side]
    lane.disarm()
    lane.arm(side, case.position, case.fault)
    first = attempt(operation, lane)
    seen = lane.seen(side)
    problems = _judge_first(first, case)
    lane.disarm()
    second = attempt(operation, lane)
    if second.how != "done":
        problems.append(f"the next run: {second.how}: {second.message}")
    third = attempt(operation, lane)
    if (third.how, third.changed) != ("done", False):
        problems.append(f"the run after: {third.how}, changed {third.changed}: {third.message}")
    problems += _differences("afterwards", clean.after, lane.state())
    back = attempt(OPERATIONS[operation.back], lane)
    if back.how != "done":
        problems.append(f"the way back: {back.how}: {back.message}")
    problems += _differences("on the way back", clean.before, lane.state())
    request = seen[case.position - 1] if len(seen) >= case.position else "(not sent)"
    return Outcome(case, request, first, problems)


def _judge_first(first: Attempt, case: Case) -> list[str]:
    if first.how == "crashed":
        return [f"crashed: {first.message}"]
    if first.how == "told" and "Next: " not in first.message:
        return [f"told without a next step: {first.message}"]
    if first.how == "killed" and case.fault != "kill":
        return ["killed without being asked to"]
    return []


def _differences(when: str, wanted: dict[str, list[str]], found: dict[str, list[str]]) -> list[str]:
    lines = []
    for side in SIDES:
        lines += [f"{when} there is still on {side}: {item}" for item in found[side] if item not in wanted[side]]
        lines += [f"{when} {side} lacks: {item}" for item in wanted[side] if item not in found[side]]
    return lines


def keep(outcomes: list[Outcome], name: str) -> None:
    """What failed is tried again by the next sample; all of it is the source of docs/reliability.md."""
    KEPT.mkdir(parents=True, exist_ok=True)
    (KEPT / name).write_text(json.dumps([asdict(outcome) for outcome in outcomes], indent=1))
    _remember(outcomes)


def _remember(outcomes: list[Outcome]) -> None:
    failed = KEPT / "failed.json"
    before: list[dict[str, Any]] = json.loads(failed.read_text()) if failed.is_file() else []
    tried = [asdict(outcome.case) for outcome in outcomes]
    now = [asdict(outcome.case) for outcome in outcomes if outcome.problems]
    failed.write_text(json.dumps([*now, *(case for case in before if case not in tried)]))
