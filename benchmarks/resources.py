# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Applying 300 and 1,000 federated resources, on 1 and 20 members: kubectl, kubefedctl, kubernetes.core.k8s in a loop, ours, and the floor.

It makes a lab of its own and takes it down in the end, also on Ctrl-C. All reach the host cluster through the same proxy, which adds
nothing, then a round trip of 50 ms. Applying is measured while KubeFed's controller manager does not run, propagating apart from it.
Usage: resources.py [members].
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Callable

from applying.competitors import Cost, Work
from joining import figures, floor
from joining.lab import HOST, Lab
from joining.scene import lab_behind_proxies

RESULT = Path(__file__).with_name("results") / "resources.json"
README = Path(__file__).with_name("README.md")
MARKS = ("<!-- measured by resources.py -->", "<!-- end of what resources.py measured -->")
PORT_BASE, PROXIES = 32000, 32300
DELAY = 50
FEW, MANY = 300, 1000
# Too slow to be measured whole. What one more object costs is told.
PART = 12
KUBECTL, SERVER_SIDE, KUBEFEDCTL, LOOP = (
    "kubectl apply",
    "kubectl apply --server-side",
    "kubefedctl federate",
    "kubernetes.core.k8s, looped",
)
OURS, TASK, FLOOR = "ansible-playbook", "of it, the task", "floor"
FIRST, AGAIN = "first", "again"
TIMES, TIMES_AT_LEAST, TIMES_LOOP, TIMES_FLOOR = 5, 3, 100, 2


@dataclass(frozen=True)
class Measured:
    """``seconds`` and ``requests`` of one run with ``count`` objects, or as many as it would be (``scaled``) by what was measured."""

    who: str
    step: str
    count: int
    members: int
    delay: int
    seconds: float
    requests: int
    scaled: bool = False


class Bench:
    """The measurements of one lab, in the order in which they were made."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.server = floor.servers_of(lab.proxied)[HOST]
        self.delay = 0
        self.measured: list[Measured] = []
        self.propagated: list[dict[str, Any]] = []

    def work(self, count: int, members: int, namespace: str = "bench") -> Work:
        return Work(self.lab, self.server, namespace, count, self.lab.members[:members])

    def note(self, who: str, step: str, work: Work, cost: Cost, scaled_to: int = 0) -> None:
        """Keep a measurement, and show it."""
        count, times = scaled_to or work.count, (scaled_to or work.count) / work.count
        seconds, requests = round(cost[0] * times, 2), round(cost[1] * times)
        found = Measured(who, step, count, len(work.clusters), self.delay, seconds, requests, bool(scaled_to))
        self.measured.append(found)
        sign = "~" if found.scaled else " "
        print(
            f"{self.delay:3} ms {count:5} objects {found.members:3} members  {step:6}{who:30}{sign}{seconds:8.2f} s {requests:6} requests"
            f"  (load {os.getloadavg()[0]:.1f})",
            flush=True,
        )

    def twice(self, who: str, work: Work, run: Callable[[], Cost], again: Callable[[], Cost] | None = None) -> None:
        """Once to make the objects, once to find them made, and away with them."""
        self.note(who, FIRST, work, run())
        self.note(who, AGAIN, work, (again or run)())
        work.clear()

    def ours(self, work: Work) -> None:
        for step in (FIRST, AGAIN):
            whole, task, changed = work.ours()
            assert changed == (step == FIRST), f"{step}: changed is {changed}"
            self.note(OURS, step, work, whole)
            self.note(TASK, step, work, task)
        work.clear()

    def others(self, count: int) -> None:
        work = self.work(count, 1)
        self.twice(KUBECTL, work, work.kubectl)
        self.twice(SERVER_SIDE, work, lambda: work.kubectl("--server-side"))

    def parts(self) -> None:
        """One object more, by a few."""
        work, one = self.work(PART, 1), self.work(1, 1)
        self.note(KUBEFEDCTL, FIRST, work, work.kubefedctl(), MANY)
        work.clear()
        less = one.looped()
        work.clear()
        more = work.looped()
        work.clear()
        self.note(LOOP, FIRST, work, ((more - less) * PART / (PART - 1), 0), MANY)

    def ours_and_floor(self, count: int, members: int) -> None:
        work = self.work(count, members)
        self.ours(work)
        self.twice(FLOOR, work, work.bare, work.look)

    def propagate(self, count: int, members: int) -> None:
        """From the start of the task until every member has all, with the controller manager at work; a namespace of its own."""
        work = self.work(count, members, f"bench-{count}-{members}")
        began = time.monotonic()
        _whole, task, _changed = work.ours()
        applied = time.monotonic() - began
        _whole, waited, _changed = work.ours(wait=True, wait_timeout=600)
        took = time.monotonic() - began
        found = {
            "count": count,
            "members": members,
            "apply": round(applied, 1),
            "everywhere": round(took, 1),
            "requests": task[1] + waited[1],
        }
        self.propagated.append(found)
        print(f"propagated: {found}  (load {os.getloadavg()[0]:.1f})", flush=True)


def controller_of(lab: Lab) -> int:
    """The process of KubeFed's controller manager."""
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            words = file.read_bytes().decode().split("\0")
            if words[0].endswith("/controller-manager") and any(word.startswith(f"--kubeconfig={lab.folder}/") for word in words):
                return int(file.parts[2])
    raise AssertionError("KubeFed's controller manager does not run")


def measure_all(bench: Bench, set_delay: Callable[[int], None], members: int) -> dict[str, Any]:
    """All of it."""
    bench.lab.play("join", federation_confirm=HOST)
    bench.work(1, 1).ours(wait=True)
    bench.work(1, 1).clear()
    os.kill(controller_of(bench.lab), signal.SIGTERM)
    bench.others(FEW)
    bench.others(MANY)
    for bench.delay in (0, DELAY):
        set_delay(bench.delay)
        for count in (FEW, MANY):
            for clusters in (1, members):
                bench.ours_and_floor(count, clusters)
        bench.parts()
    bench.others(FEW)
    set_delay(0)
    bench.lab.play("control_plane")
    for count, clusters in ((FEW, 1), (MANY, 1), (FEW, members)):
        bench.propagate(count, clusters)
    lines = bench.measured
    return {
        "members": members,
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 1),
        "measured": [asdict(line) for line in lines],
        "propagated": bench.propagated,
        "goals": goals(lines),
    }


def goals(lines: list[Measured]) -> list[dict[str, Any]]:
    """Each goal, whether it is met, the figures."""
    seconds = {(line.who, line.step, line.count, line.members, line.delay): line.seconds for line in lines}

    def first(who: str) -> float:
        return seconds[who, FIRST, MANY, 1, 0]

    said = []
    theirs, ours = (seconds[who, FIRST, FEW, 1, DELAY] for who in (KUBECTL, OURS))
    words = f"{FEW} objects at {DELAY} ms, {OURS}: at least {TIMES} times as fast as {KUBECTL}"
    said.append((words, theirs / ours >= TIMES, f"{theirs:.1f} s / {ours:.2f} s = {theirs / ours:.1f}"))
    for who in (OURS, TASK):
        for rival, times in ((KUBECTL, TIMES), (KUBECTL, TIMES_AT_LEAST), (SERVER_SIDE, TIMES_AT_LEAST), (LOOP, TIMES_LOOP)):
            words = f"{MANY} objects, {who}: at least {times} times as fast as {rival}"
            said.append(
                (words, first(rival) / first(who) >= times, f"{first(rival):.1f} s / {first(who):.2f} s = {first(rival) / first(who):.1f}")
            )
        over = first(who) / first(FLOOR)
        said.append(
            (
                f"{MANY} objects, {who}: at most {TIMES_FLOOR} times the floor",
                over <= TIMES_FLOOR,
                f"{first(who):.2f} s / {first(FLOOR):.2f} s = {over:.1f}",
            )
        )
        part = seconds[who, AGAIN, MANY, 1, 0] / first(who)
        said.append((f"{MANY} objects, {who}: a run that changes nothing takes at most half of the first", part <= 0.5, f"{part:.2f}"))
    return [{"goal": words, "met": met, "figures": figures_of} for words, met, figures_of in said]


def table(lines: list[Measured]) -> str:
    """Markdown: a row for each competitor and step, columns for delay, objects and members."""
    columns = sorted({(line.delay, line.members, line.count) for line in lines})
    known = {(line.who, line.step, line.delay, line.members, line.count): line for line in lines}
    rows = [(who, step) for who in (KUBECTL, SERVER_SIDE, KUBEFEDCTL, LOOP, OURS, TASK, FLOOR) for step in (FIRST, AGAIN)]
    head = ["", "", *(f"{delay} ms, {count}, {members} m." for delay, members, count in columns)]
    text = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    for who, step in rows:
        found = [known.get((who, step, *column)) for column in columns]
        if any(found):
            text.append(f"| {who} | {step} | {' | '.join(_cell(line) for line in found)} |")
    return "\n".join(text)


def _cell(line: Measured | None) -> str:
    if line is None:
        return ""
    return f"{'~' if line.scaled else ''}{line.seconds:.2f} s" + (f" / {line.requests}" if line.requests else "")


def keep(result: dict[str, Any]) -> None:
    """The figures, the table in the README, and on the screen."""
    RESULT.write_text(json.dumps(result, indent=1) + "\n")
    about = f"{result['cores']} cores, load {result['load']} in the end. Seconds / requests; ~ is scaled from {PART} objects."
    goals_told = [f"- {goal['goal']}: {'met' if goal['met'] else 'NOT met'} ({goal['figures']})" for goal in result["goals"]]
    spread = [
        f"- {one['count']} objects to {one['members']} members: applied after {one['apply']} s, everywhere after {one['everywhere']} s, "
        f"{one['requests']} requests of ours"
        for one in result["propagated"]
    ]
    lines = [Measured(**line) for line in result["measured"]]
    text = "\n\n".join((about, table(lines), "\n".join(goals_told), "Propagated by KubeFed:", "\n".join(spread)))
    README.write_text(figures.replaced(README.read_text(), text, MARKS))
    print(text)


def main(members: int = 20) -> None:
    """Everything, with a lab that is gone afterwards."""
    with lab_behind_proxies("resources", members, PORT_BASE, PROXIES) as (lab, proxies):
        keep(measure_all(Bench(lab), proxies.delay, members))


if __name__ == "__main__":
    main(*(int(given) for given in sys.argv[1:]))
