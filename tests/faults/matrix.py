# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Each request of an operation by each way to spoil it: what happens then, and whether the next run makes it good."""

from __future__ import annotations

import itertools
import json
import random
import re
from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any

from faults.lab import REPOSITORY, Lane
from faults.operations import IMPATIENT, OPERATIONS, Attempt, Operation, attempt
from faults.shop import SECRET

FAULTS = ("cut", "lost", "500", "409", "delay", "kill")
SIDES = ("host", "member")
KEPT = REPOSITORY / ".cache" / "faults"
FAILED, WHOLE = "failed-last.json", "whole-{}.json"
# So many different lists in a row are a look at all kinds.
SEVERAL = 4
NAMESPACES = "GET /api/v1/namespaces"
_LISTS = re.compile(r"GET /apis?/[^ ]+/namespaces/([^/]+)/[^/]+$")


@dataclass(frozen=True)
class Case:
    """A request to a side, ``host`` or ``member``, is spoiled when it comes for the ``time``-th time. ``MEMBER`` in it is the lane's."""

    operation: str
    side: str
    request: str
    time: int
    fault: str

    def __str__(self) -> str:
        return f"{self.operation}, {self.side}, {self.request} ({self.time}), {self.fault}"


@dataclass(frozen=True)
class Outcome:
    """What became of a case. ``problems`` is empty when all is as it must be; ``sent``: the request came that often at all."""

    case: Case
    sent: bool
    first: Attempt
    problems: list[str]


@dataclass
class Clean:
    """An operation that nothing disturbs: the requests to each side, and what is there before and after, on any lane."""

    requests: dict[str, list[str]]
    before: dict[str, list[str]]
    after: dict[str, list[str]]


def undisturbed(operation: Operation, lane: Lane) -> None:
    done = attempt(operation, lane)
    assert done.how == "done", done.message


def begin(operation: Operation, lane: Lane) -> None:
    """Bring a lane to where the operation begins."""
    lane.disarm()
    for step in operation.start:
        undisturbed(OPERATIONS[step], lane)
    operation.tidy(lane)


def go_back(operation: Operation, lane: Lane) -> Attempt:
    """From the operation's end to where the next case begins."""
    done = attempt(OPERATIONS[operation.back], lane) if operation.back else Attempt("done")
    operation.tidy(lane)
    return done


def clean_run(operation: Operation, lane: Lane) -> Clean:
    before, token = lane.state(), lane.token()
    lane.disarm()
    undisturbed(operation, lane)
    requests = dict(zip(SIDES, (lane.seen(side) for side in lane.sides), strict=True))
    after = lane.state()
    assert before != after or (operation.renews and token != lane.token())
    assert go_back(operation, lane).how == "done"
    return Clean(requests, before, after)


def cases_of(operation: str, clean: Clean) -> list[Case]:
    """Those of all requests, fault by fault. A read of which the answer is lost is a read that is cut, and none is answered with 409."""
    return [
        Case(operation, side, request, time, fault)
        for fault in FAULTS
        for side in SIDES
        for request, time in standing_for_all(clean.requests[side])
        if not (fault in ("lost", "409") and request.startswith("GET "))
    ]


def standing_for_all(requests: list[str]) -> list[tuple[str, int]]:
    """The requests to spoil, each with the how-manieth of its kind it is.

    Of a request that is repeated while something is waited for, the first and the second: what holds for the second holds for any later
    one, and how many come is another number each time. Of lists of all that lies in a namespace or is of an application, the first and the
    last.
    """
    counts: Counter[str] = Counter()
    numbered = []
    for request in requests:
        counts[request] += 1
        numbered.append((request, counts[request]))
    chosen: list[tuple[str, int]] = []
    for _alike, group in itertools.groupby(numbered, key=lambda one: _LISTS.sub(r"lists in \1", one[0])):
        chosen += _of_series(list(group))
    return chosen


def _of_series(series: list[tuple[str, int]]) -> list[tuple[str, int]]:
    times: dict[str, list[tuple[str, int]]] = {}
    for one in series:
        times.setdefault(one[0], []).append(one)
    if len(times) > SEVERAL:
        return [series[0], series[-1]]
    looked = _LISTS.search(series[0][0]) or series[0][0] == NAMESPACES
    return [one for one in series if one in times[one[0]][:2] and (one[1] <= 2 or not looked)]


def sample(cases: list[Case], count: int, seed: str) -> list[Case]:
    """``count`` of them, the same for a seed, and those that failed last."""
    again = [Case(**given) for given in _failed()]
    return list(dict.fromkeys([*(case for case in again if case in cases), *random.Random(seed).sample(cases, min(count, len(cases)))]))


def play(case: Case, clean: Clean, lane: Lane) -> Outcome:
    """From where the operation begins: spoiled, again undisturbed, once more without a change; then back."""
    operation = OPERATIONS[case.operation]
    side = dict(zip(SIDES, lane.sides, strict=True))[case.side]
    token = lane.token()
    lane.disarm()
    lane.arm(side, case.request, case.time, case.fault)
    first = attempt(operation, lane, IMPATIENT)
    sent = lane.seen(side).count(case.request) >= case.time
    problems = _judge_first(first, case)
    lane.disarm()
    second = attempt(operation, lane)
    if second.how != "done":
        problems.append(f"the next run: {second.how}: {second.message}")
    third = attempt(OPERATIONS[operation.again or operation.name], lane)
    if (third.how, third.changed) != ("done", False):
        problems.append(f"the run after: {third.how}, changed {third.changed}: {third.message}")
    problems += differences("afterwards", clean.after, lane.state())
    if operation.renews and lane.token() == token:
        problems.append("the token is the old one")
    back = go_back(operation, lane)
    if back.how != "done":
        problems.append(f"the way back: {back.how}: {back.message}")
    if operation.back:
        problems += differences("on the way back", clean.before, lane.state())
    return Outcome(case, sent, first, problems)


def _judge_first(first: Attempt, case: Case) -> list[str]:
    if first.how == "crashed":
        return [f"crashed: {first.message}"]
    if first.how == "told" and "Next: " not in first.message:
        return [f"told without a next step: {first.message}"]
    # a line for each object that is concerned
    if first.how == "told" and any(not line.startswith("- ") for line in first.message.splitlines()[1:]):
        return [f"told in several lines: {first.message}"]
    if first.how == "told" and ("eyJ" in first.message or SECRET in first.message):
        return [f"told with a token or a secret: {first.message}"]
    if first.how == "killed" and case.fault != "kill":
        return ["killed without being asked to"]
    return []


def differences(when: str, wanted: dict[str, list[str]], found: dict[str, list[str]]) -> list[str]:
    """What one state has more and less than the other, in words."""
    lines = []
    for side in SIDES:
        more, less = Counter(found[side]) - Counter(wanted[side]), Counter(wanted[side]) - Counter(found[side])
        lines += [f"{when} there is still on {side}: {item}" for item in more]
        lines += [f"{when} {side} lacks: {item}" for item in less]
    return lines


def earlier(operation: str) -> list[Outcome]:
    """What a whole run that was ended early did well."""
    file = KEPT / WHOLE.format(operation)
    rows: list[dict[str, Any]] = json.loads(file.read_text()) if file.is_file() else []
    well = [row for row in rows if row.get("sent") and not row["problems"]]
    return [Outcome(Case(**row["case"]), True, Attempt(**row["first"]), []) for row in well]


def keep(cases: list[Case], outcomes: list[Outcome], name: str) -> None:
    """What failed is tried again by the next sample; all of it is the source of docs/reliability.md."""
    KEPT.mkdir(parents=True, exist_ok=True)
    found = {outcome.case: asdict(outcome) for outcome in outcomes}
    (KEPT / name).write_text(json.dumps([found.get(case, {"case": asdict(case)}) for case in cases], indent=1))
    tried = [asdict(outcome.case) for outcome in outcomes]
    now = [asdict(outcome.case) for outcome in outcomes if outcome.problems]
    (KEPT / FAILED).write_text(json.dumps([*now, *(case for case in _failed() if case not in tried)]))


def failed_last() -> set[str]:
    """The operations with a case that failed last."""
    return {case["operation"] for case in _failed()}


def _failed() -> list[dict[str, Any]]:
    failed = KEPT / FAILED
    found: list[dict[str, Any]] = json.loads(failed.read_text()) if failed.is_file() else []
    return found
