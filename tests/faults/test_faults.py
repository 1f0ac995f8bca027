# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Every request of an operation may be cut, refused, held or be the last: the next run converges and nothing is left over.

``EDGEFED_FAULTS=all`` tries them all, or what ``EDGEFED_FAULTS_MINUTES`` allow, and ``rest`` goes on with such a run; otherwise a sample of
``EDGEFED_FAULTS_SEED``, with what failed last: of the operations on resources, which take long to go back, the seed chooses one.
"""

from __future__ import annotations

import math
import os
import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Callable

import pytest
from faults.lab import Lane, lanes
from faults.matrix import WHOLE, Case, Clean, Outcome, begin, cases_of, clean_run, earlier, failed_last, keep, play, sample
from faults.operations import ON_RESOURCES, OPERATIONS, SPOILED, start_server

__all__ = ["lanes"]
SAMPLED = 3
WHOLE_RUN = os.environ.get("EDGEFED_FAULTS") in ("all", "rest")
REST = os.environ.get("EDGEFED_FAULTS") == "rest"
SEED = os.environ.get("EDGEFED_FAULTS_SEED", "1")


def tried() -> list[str]:
    """The operations of this run."""
    wanted = {random.Random(SEED).choice(ON_RESOURCES), *failed_last()}
    return [name for name in SPOILED if WHOLE_RUN or name not in ON_RESOURCES or name in wanted]


@pytest.fixture(scope="module", autouse=True)
def server() -> None:
    """Runs begin quickly."""
    start_server()


@pytest.fixture(scope="module")
def share() -> Callable[[str], float]:
    """The seconds that an operation may take: its part of what is left when its turn comes."""
    end = time.monotonic() + 60 * float(os.environ.get("EDGEFED_FAULTS_MINUTES", "inf"))
    return lambda name: (end - time.monotonic()) / (len(SPOILED) - SPOILED.index(name))


def try_all(lanes: list[Lane], cases: list[Case], clean: Clean, seconds: float, note: Callable[[Outcome], None]) -> None:
    """Each lane takes the next case as soon as it is free, and none after so many seconds."""
    waiting, begun, stopped = iter(cases), time.monotonic(), threading.Event()

    def work(lane: Lane) -> None:
        for case in waiting:
            if stopped.is_set() or time.monotonic() - begun > seconds:
                return
            note(play(case, clean, lane))

    with ThreadPoolExecutor(len(lanes)) as pool:
        try:
            list(pool.map(work, lanes))
        except BaseException:
            # Ctrl-C, or a lane that failed: the others end with the case that they are at.
            stopped.set()
            raise


@pytest.mark.parametrize("name", tried())
def test_the_next_run_converges(lanes: list[Lane], name: str, share: Callable[[str], float], capsys: pytest.CaptureFixture[str]) -> None:
    operation, seconds = OPERATIONS[name], share(name)
    with ThreadPoolExecutor(len(lanes)) as pool:
        list(pool.map(lambda lane: begin(operation, lane), lanes))
    clean = clean_run(operation, lanes[0])
    cases = cases_of(name, clean)
    outcomes = [outcome for outcome in earlier(name) if outcome.case in cases] if REST else []
    already = {outcome.case for outcome in outcomes}
    chosen = cases if WHOLE_RUN else sample(cases, SAMPLED, SEED + name)

    begun = time.monotonic()

    def note(outcome: Outcome) -> None:
        outcomes.append(outcome)
        problems = "".join(f"\n    {problem}" for problem in outcome.problems)
        with capsys.disabled():
            done = f"{len(outcomes)} of {len(chosen)}, {time.monotonic() - begun:.0f} s"
            print(f"\n{done}: {outcome.case}: {outcome.first.how}{problems}", end="", flush=True)

    try:
        try_all(lanes, [case for case in chosen if case not in already], clean, seconds, note)
    finally:
        keep(chosen, outcomes, WHOLE.format(name) if WHOLE_RUN else f"sample-{name}.json")
    assert [f"{outcome.case}: {outcome.problems}" for outcome in outcomes if outcome.problems] == []
    assert len(outcomes) == len(chosen) or seconds < math.inf
