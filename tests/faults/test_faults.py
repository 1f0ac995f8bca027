# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Every request of an operation may be cut, refused, held or be the last: the next run converges and nothing is left over.

``EDGEFED_FAULTS=all`` tries them all, otherwise a sample of ``EDGEFED_FAULTS_SEED``, with what failed last.
"""

from __future__ import annotations

import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Callable

import pytest
from faults.lab import Lane, lanes
from faults.matrix import WHOLE, Case, Clean, Outcome, begin, cases_of, clean_run, keep, play, sample
from faults.operations import OPERATIONS, SPOILED, start_server

__all__ = ["lanes"]
SAMPLED = 3


@pytest.fixture(scope="module", autouse=True)
def server() -> None:
    """Runs begin quickly."""
    start_server()


def try_all(lanes: list[Lane], cases: list[Case], clean: Clean, say: Callable[[str], None]) -> list[Outcome]:
    """Each lane takes the next case as soon as it is free. In the order of ``cases`` in the end."""
    waiting, outcomes, begun, stopped = iter(cases), [], time.monotonic(), threading.Event()

    def work(lane: Lane) -> None:
        for case in waiting:
            if stopped.is_set():
                return
            started = time.monotonic()
            outcome = play(case, clean, lane)
            outcomes.append(outcome)
            problems = "".join(f"\n    {problem}" for problem in outcome.problems)
            took = f"{time.monotonic() - started:.1f} s"
            say(f"{len(outcomes)} of {len(cases)}, {time.monotonic() - begun:.0f} s: {case}: {outcome.first.how}, {took}{problems}")

    with ThreadPoolExecutor(len(lanes)) as pool:
        try:
            list(pool.map(work, lanes))
        except BaseException:
            # Ctrl-C, or a lane that failed: the others end with the case that they are at.
            stopped.set()
            raise
    return sorted(outcomes, key=lambda outcome: cases.index(outcome.case))


@pytest.mark.parametrize("name", SPOILED)
def test_the_next_run_converges(lanes: list[Lane], name: str, capsys: pytest.CaptureFixture[str]) -> None:
    operation = OPERATIONS[name]
    with ThreadPoolExecutor(len(lanes)) as pool:
        list(pool.map(lambda lane: begin(operation, lane), lanes))
    clean = clean_run(operation, lanes[0])
    cases, whole = cases_of(name, clean), os.environ.get("EDGEFED_FAULTS") == "all"
    chosen = cases if whole else sample(cases, SAMPLED, os.environ.get("EDGEFED_FAULTS_SEED", "1") + name)

    def say(line: str) -> None:
        with capsys.disabled():
            print(f"\n{line}", end="", flush=True)

    outcomes = try_all(lanes, chosen, clean, say)
    keep(outcomes, WHOLE.format(name) if whole else f"sample-{name}.json")
    assert [f"{outcome.case}: {outcome.problems}" for outcome in outcomes if outcome.problems] == []
    assert len(outcomes) == len(chosen)
