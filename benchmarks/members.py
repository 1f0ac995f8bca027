# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Joining and unjoining 20 clusters, and enabling types: kubefedctl one after the other, our playbooks, and the floor, in turns.

It makes a lab of its own and takes it down in the end, also on Ctrl-C. All reach the API servers through the same proxies, which add
nothing, then a round trip of 50 ms. Usage: members.py [members] [rounds].
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any, Callable

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from joining import figures, floor
from joining.delay import Proxies
from joining.figures import FLOOR, KUBEFEDCTL, OURS, TASK, Measured
from joining.lab import HOST, SYSTEM, Lab
from joining.scene import lab_behind_proxies

from ansible_collections.edgefed.kubefed.plugins.module_utils.client import Client, connect
from ansible_collections.edgefed.kubefed.plugins.modules import kubefed_cluster

RESULT = Path(__file__).with_name("results") / "members.json"
README = Path(__file__).with_name("README.md")
PORT_BASE, PROXIES = 31400, 31700
DELAYS = (0, 50)
TYPES = ["cronjobs.batch", "daemonsets.apps", "statefulsets.apps"]
# As kubefedctl, which neither looks before a join nor waits after it.
QUIETLY = {"federation_confirm": HOST, "member_wait": False, "member_preflight": False, "federated_types_wait": False}

Measure = Callable[[str, str, float, int], None]


def kubefedctl(lab: Lab, measure: Measure) -> None:
    """One after the other, as its users do. Again: it has no run that changes nothing, this one makes the credentials anew."""
    for step, words, names in (
        ("join", ("join",), lab.members),
        ("again", ("join", "--error-on-existing=false"), lab.members),
        ("unjoin", ("unjoin",), lab.members),
        ("enable", ("enable",), TYPES),
        ("disable", ("disable", "--delete-crd"), TYPES),
    ):
        runs = [lab.kubefedctl(words[0], name, *words[1:]) for name in names]
        measure(step, KUBEFEDCTL, sum(took for took, _log in runs), sum(figures.requests_in(log) for _took, log in runs))


def ours(lab: Lab, measure: Measure) -> None:
    """The playbooks, but for what kubefedctl does not do either."""
    for step, playbook, state in (
        ("join", "join", ""),
        ("again", "join", ""),
        ("unjoin", "unjoin", ""),
        ("enable", "types", "present"),
        ("disable", "types", "absent"),
    ):
        types = [{"name": name, "state": state, "delete_crd": state == "absent"} for name in TYPES]
        took, tasks = lab.play(playbook, federation_kubeconfig=lab.proxied, federated_types=types, **QUIETLY)
        seconds, requests = figures.of_tasks(tasks)
        assert any(task["changed"] for task in tasks) == (step != "again"), tasks
        measure(step, OURS, took, requests)
        measure(step, TASK, seconds, requests)


def bare(lab: Lab, measure: Measure) -> None:
    """The floor, of what is about members."""
    servers = floor.servers_of(lab.proxied)
    for step, work in (("join", floor.join), ("again", floor.look), ("unjoin", floor.unjoin)):
        measure(step, FLOOR, *floor.run(work, servers, HOST, lab.members, SYSTEM))


def until_ready(lab: Lab) -> float:
    """Seconds of our join as it is by default: with its preflight, and waiting until KubeFed finds all members ready."""
    took, _tasks = lab.play("join", federation_kubeconfig=lab.proxied)
    lab.play("unjoin", federation_kubeconfig=lab.proxied, **QUIETLY)
    return took


def round_trip(lab: Lab) -> float:
    """Milliseconds of the smallest request on an open connection, the median of ten."""
    connection = floor.Connection(floor.servers_of(lab.proxied)[lab.members[0]])
    took: list[float] = []
    for _time in range(11):
        began = time.monotonic()
        connection.ask("GET", "/version")
        took.append(1000 * (time.monotonic() - began))
    return round(statistics.median(took[1:]), 1)


def requests_of_one(lab: Lab) -> dict[str, list[str]]:
    """Every request of ours for one member, in process."""
    said: dict[str, list[str]] = {}
    for step, state in (("join", "present"), ("again", "present"), ("unjoin", "absent")):
        sent = said.setdefault(step, [])
        options = {"kubeconfig": lab.proxied, "context": HOST, "name": lab.members[0], "state": state, "wait": False}
        checked = ArgumentSpecValidator(kubefed_cluster.ARGUMENT_SPEC).validate(options)
        kubefed_cluster.run(checked.validated_parameters, False, False, listening(sent))
    return said


def listening(sent: list[str]) -> Callable[..., Client]:
    """``connect`` of clients that note their requests."""

    def connect_and_listen(auth: dict[str, Any], name: str) -> Client:
        client = connect(auth, name)
        request = client.request

        def noted(method: str, path: str, *args: Any, **kwargs: Any) -> Any:
            sent.append(f"{method} {'host' if name == HOST else 'member'} {path}")
            return request(method, path, *args, **kwargs)

        client.request = noted  # type: ignore[method-assign]
        return client

    return connect_and_listen


def measure_all(lab: Lab, proxies: Proxies, rounds: int) -> dict[str, Any]:
    """All rounds at all delays, the competitors in turns."""
    measured: list[Measured] = []
    trips, ready = {}, {}
    requests = requests_of_one(lab)
    for delay in DELAYS:
        proxies.delay(delay)
        trips[delay] = round_trip(lab)
        for _round in range(rounds):
            for competitor in (kubefedctl, ours, bare):

                def measure(step: str, who: str, seconds: float, sent: int, delay: int = delay) -> None:
                    measured.append(Measured(step, delay, who, seconds, sent))
                    print(
                        f"{delay:3} ms  {step:8} {who:20} {seconds:7.2f} s {sent:6} requests  (load {os.getloadavg()[0]:.1f})", flush=True
                    )

                lab.settle(TYPES)
                competitor(lab, measure)
        lab.settle(TYPES)
        ready[delay] = round(until_ready(lab), 2)
    lines = figures.medians(measured)
    return {
        "members": len(lab.members),
        "types": TYPES,
        "rounds": rounds,
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 1),
        "round_trip_ms": trips,
        "join_until_ready_seconds": ready,
        "medians": [asdict(line) for line in lines],
        "goals": [{"goal": words, "met": met, "figures": said} for words, met, said in figures.goals(lines, requests["again"])],
        "requests_of_one_member": requests,
        "all": [asdict(item) for item in measured],
    }


def keep(result: dict[str, Any]) -> None:
    """The figures, the table in the README, and on the screen."""
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(result, indent=1) + "\n")
    lines = [Measured(**line) for line in result["medians"]]
    told = [f"- {goal['goal']}: {'met' if goal['met'] else 'NOT met'} ({goal['figures']})" for goal in result["goals"]]
    about = f"{result['members']} members, {len(result['types'])} types, {result['rounds']} rounds, {result['cores']} cores"
    about += f", load {result['load']} in the end"
    trips = ", ".join(f"{trip} ms at {delay} ms" for delay, trip in result["round_trip_ms"].items())
    ready = ", ".join(f"{seconds} s at {delay} ms" for delay, seconds in result["join_until_ready_seconds"].items())
    more = f"{about}. A request on an open connection takes {trips}. Our join by default, with its preflight and until KubeFed finds all"
    more += f" ready: {ready}."
    text = "\n\n".join((more, figures.table(lines), "\n".join(told)))
    README.write_text(figures.replaced(README.read_text(), text))
    print(text)


def main(members: int = 20, rounds: int = 2) -> None:
    """Everything, with a lab that is gone afterwards."""
    with lab_behind_proxies("members", members, PORT_BASE, PROXIES) as (lab, proxies):
        keep(measure_all(lab, proxies, rounds))


if __name__ == "__main__":
    main(*(int(given) for given in sys.argv[1:]))
