# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The benchmark of 20 members: counting, medians, goals and the table."""

from __future__ import annotations

from pathlib import Path

import pytest
from joining import figures
from joining.figures import FLOOR, KUBEFEDCTL, OURS, TASK, Measured

LOG = """\
I1124 12:00:00.000000   1 loader.go:372] Config loaded from file:  /tmp/GET https://x
I1124 12:00:00.100000   1 round_trippers.go:454] GET https://127.0.0.1:31701/api?timeout=32s 200 OK in 51 milliseconds
I1124 12:00:00.200000   1 round_trippers.go:454] POST https://127.0.0.1:31702/api/v1/namespaces 201 Created in 52 milliseconds
I1124 12:00:00.200000   1 join.go:100] Created kube-federation-system namespace in joining cluster
"""
README = Path(figures.__file__).parents[1] / "README.md"


def lines(ours: float, task: float) -> list[Measured]:
    """Of a run in which kubefedctl took 30 s and the floor 1 s."""
    slow = [Measured("join", 50, who, seconds, 10) for who, seconds in ((KUBEFEDCTL, 30.0), (OURS, ours), (TASK, task), (FLOOR, 1.0))]
    return [*slow, Measured("join", 0, FLOOR, 0.25, 8), Measured("enable", 0, OURS, 1.0, 3)]


def test_only_requests_are_counted() -> None:
    assert figures.requests_in(LOG) == 2


def test_requests_and_seconds_of_a_play() -> None:
    assert figures.of_tasks([{"seconds": 1.5, "requests": 3}, {"seconds": 0.5, "requests": 4}]) == (2.0, 7)


def test_medians() -> None:
    rounds = [Measured("join", 0, OURS, seconds, 5) for seconds in (3.0, 1.0, 2.0)]
    assert figures.medians([*rounds, Measured("join", 50, OURS, 9.0, 6)]) == [
        Measured("join", 0, OURS, 2.0, 5),
        Measured("join", 50, OURS, 9.0, 6),
    ]


@pytest.mark.parametrize(
    ("ours", "task", "no_op", "met"),
    [
        (2.0, 1.5, ["GET host /a"], [True, True, True, True, True]),
        (2.01, 2.0, ["GET host /a"], [False, False, True, True, True]),
        (2.0, 2.0, ["GET host /a", "PATCH member /b"], [True, True, True, True, False]),
        (2.0, 2.0, [], [True, True, True, True, False]),
    ],
)
def test_goals(ours: float, task: float, no_op: list[str], met: list[bool]) -> None:
    assert [goal[1] for goal in figures.goals(lines(ours, task), no_op)] == met


def test_table() -> None:
    text = figures.table(lines(2.0, 1.5)).splitlines()
    assert text[0] == "|  |  | 0 ms: s | requests | 50 ms: s | requests |"
    assert text[2] == f"| join | {KUBEFEDCTL} | - | - | 30.00 | 10 |"
    assert text[5] == f"| join | {FLOOR} | 0.25 | 8 | 1.00 | 10 |"
    assert text[6] == f"| enable | {OURS} | 1.00 | 3 | - | - |"
    assert {line.count("|") for line in text} == {7}


def test_the_readme_keeps_all_but_what_was_measured() -> None:
    document = README.read_text()
    once = figures.replaced(document, "one")
    assert figures.replaced(once, "two") == once.replace("\none\n", "\ntwo\n")
    assert once.startswith(document.partition(figures.MARKS[0])[0])
