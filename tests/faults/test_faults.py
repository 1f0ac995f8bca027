# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Every request of an operation may be cut, refused, held or be the last: the next run converges and nothing is left over.

``EDGEFED_FAULTS=all`` tries every position, otherwise a sample of ``EDGEFED_FAULTS_SEED``, with what failed last.
"""

from __future__ import annotations

import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Callable

import pytest
from faults.lab import Lane, lanes
from faults.matrix import Case, Clean, Outcome, cases_of, clean_run, keep, play, sample
from faults.operations import OPERATIONS

__all__ = ["lanes"]
SAMPLED = 6


def try_all(lanes: list[Lane], cases: list[Case], clean: Callable[[Lane], Clean], say: Callable[[str], None]) -> list[Outcome]:
    """Each lane takes the next case as soon as it is free."""
    waiting, outcomes, begun, stopped = iter(cases), [], time.monotonic(), threading.Event()

    def work(lane: Lane) -> None:
        known = clean(lane)
        for case in waiting:
            if stopped.is_set():
                return
            outcome = play(case, known, lane)
            outcomes.append(outcome)
            problems = "".join(f"\n    {problem}" for problem in outcome.problems)
            say(f"{len(outcomes)} of {len(cases)}, {time.monotonic() - begun:.0f} s: {case}: {outcome.first.how}{problems}")

    with ThreadPoolExecutor(len(lanes)) as pool:
        try:
            list(pool.map(work, lanes))
        except BaseException:
            # Ctrl-C, or a lane that failed: the others end with the case that they are at.
            stopped.set()
            raise
    return outcomes


@pytest.mark.parametrize("name", OPERATIONS)
def test_the_next_run_converges(lanes: list[Lane], name: str, capsys: pytest.CaptureFixture[str]) -> None:
    operation = OPERATIONS[name]
    first = clean_run(operation, lanes[0])
    cases, whole = cases_of(name, first), os.environ.get("EDGEFED_FAULTS") == "all"
    chosen = cases if whole else sample(cases, SAMPLED, os.environ.get("EDGEFED_FAULTS_SEED", "1") + name)

    def say(line: str) -> None:
        with capsys.disabled():
            print(f"\n{line}", end="", flush=True)

    def clean(lane: Lane) -> Clean:
        return first if lane is lanes[0] else clean_run(operation, lane)

    outcomes = try_all(lanes, chosen, clean, say)
    keep(outcomes, f"{name}-{'all' if whole else 'sample'}.json")
    assert [f"{outcome.case} ({outcome.request}): {outcome.problems}" for outcome in outcomes if outcome.problems] == []
    assert len(outcomes) == len(chosen)
