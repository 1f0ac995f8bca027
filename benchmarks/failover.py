# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A name that survives a member: requests to the article's name before, while and after one of its clusters is lost.

Usage: failover.py --state FOLDER --dns ADDRESS:PORT --ingress-port PORT [--member HOST] [--results FILE]

Visitors ask BIND for the name, four times a second and each time anew, and fetch the page at every address of the answer, by real HTTP. The
record is deleted and applied again. Then all processes of one member are frozen, its API server and its nginx too, and later go on.
It fails when the member stays in the answer, when a request fails after the answer has changed, or when the member doesn't come back.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import dns.exception
import dns.message
import dns.query

from ansible_collections.edgefed.kubefed.plugins.module_utils.client import Client, connect
from ansible_collections.edgefed.kubefed.plugins.module_utils.lab.processes import marked

NAMESPACE, RECORD = "vrfederation", "test-ingress"
RECORDS = f"/apis/multiclusterdns.kubefed.io/v1alpha1/namespaces/{NAMESPACE}/ingressdnsrecords"
ENDPOINT = f"/apis/externaldns.k8s.io/v1alpha1/namespaces/{NAMESPACE}/dnsendpoints/ingress-{RECORD}"
CLUSTERS = "/apis/core.kubefed.io/v1beta1/namespaces/kube-federation-system/kubefedclusters"
EVERY = 0.25
PATIENCE = 10
LIMIT = 150
AFTERWARDS = 40


@dataclass(frozen=True)
class Visit:
    """One request; ``cluster`` is what its page names, empty when it failed. ``began`` is when the name was asked for."""

    began: float
    address: str
    cluster: str


@dataclass
class Visitors:
    """Ask for ``name`` and go where the answer leads to, until they are stopped."""

    name: str
    server: tuple[str, int]
    port: int
    visits: list[Visit] = field(default_factory=list)
    answer: frozenset[str] = frozenset()
    questions: int = 0
    under_way: list[float] = field(default_factory=list)
    _stopped: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        """Each visitor in a thread of its own, since one that nobody answers waits long."""
        with ThreadPoolExecutor(128) as pool:
            while not self._stopped.wait(EVERY):
                began = time.monotonic()
                try:
                    self.answer = self._ask()
                except (dns.exception.DNSException, OSError):
                    continue
                self.questions += 1
                for address in self.answer:
                    self.under_way.append(began)
                    pool.submit(self._visit, began, address)

    def stop(self) -> None:
        """The last ones still end their visits."""
        self._stopped.set()

    def _ask(self) -> frozenset[str]:
        host, port = self.server
        answer = dns.query.udp(dns.message.make_query(self.name, "A"), host, port=port, timeout=PATIENCE)
        return frozenset(record.address for records in answer.answer for record in records)

    def _visit(self, began: float, address: str) -> None:
        connection = http.client.HTTPConnection(address, self.port, timeout=PATIENCE)
        try:
            connection.request("GET", "/", headers={"Host": self.name})
            said = connection.getresponse()
            cluster = said.read().decode().split()[1] if said.status == 200 else ""
        except (OSError, http.client.HTTPException):
            cluster = ""
        connection.close()
        self.visits.append(Visit(began, address, cluster))
        self.under_way.remove(began)


class Site:
    """The lab, its host cluster's API, and the visitors."""

    def __init__(self, given: argparse.Namespace) -> None:
        self.member: str = given.member
        self.lab = os.path.realpath(f"{given.state}/lab")
        self.cluster = str(json.loads(Path(f"{self.lab}/clusters/{self.member}.json").read_text())["cluster"])
        self.api: Client = connect({"kubeconfig": f"{given.state}/kubeconfig", "context": "local"})
        self.record = self.api.get(f"{RECORDS}/{RECORD}")
        host, port = given.dns.rsplit(":", 1)
        self.visitors = Visitors(self.record["spec"]["hosts"][0], (host, int(port)), given.ingress_port)

    def processes(self) -> list[int]:
        """Of the member and its ingress controller, with nginx, which hides its environment."""
        roots = [one.pid for part in (self.cluster, f"ingress-{self.member}") for one in marked(self.lab, part)]
        return [pid for root in roots for pid in (root, *descendants(root))]

    def ready(self) -> bool:
        conditions = self.api.get(f"{CLUSTERS}/{self.member}").get("status", {}).get("conditions") or []
        return any((one["type"], one["status"]) == ("Ready", "True") for one in conditions)

    def written(self) -> frozenset[str]:
        """The addresses in the DNSEndpoint."""
        spec = (self.api.find(ENDPOINT) or {}).get("spec") or {}
        return frozenset(target for entry in spec.get("endpoints") or [] for target in entry["targets"])

    def times(self, since: float, events: dict[str, Callable[[], bool]]) -> dict[str, float]:
        """Seconds until each of the events was first seen, all at once."""
        found: dict[str, float] = {}
        while len(found) < len(events):
            if time.monotonic() - since > LIMIT:
                missing = ", ".join(name for name in events if name not in found)
                sys.exit(f"Not within {LIMIT} s: {missing}. BIND answers {set(self.visitors.answer)}, written is {set(self.written())}.")
            found |= {name: time.monotonic() - since for name, seen in events.items() if name not in found and seen()}
            time.sleep(0.05)
        return found

    def forget_and_remember(self) -> dict[str, dict[str, float]]:
        """Delete the record and apply it again."""
        addresses = self.visitors.answer
        path, began = f"{RECORDS}/{RECORD}", time.monotonic()
        self.api.delete(path)
        gone = self.times(began, {"BIND answers nothing": lambda: not self.visitors.answer, "gone": lambda: self.api.find(path) is None})
        meta = {key: value for key, value in self.record["metadata"].items() if key in ("name", "namespace", "labels", "annotations")}
        began = time.monotonic()
        self.api.create(RECORDS, {**self.record, "metadata": meta})
        there = self.times(began, {"written": lambda: bool(self.written()), "BIND answers": lambda: self.visitors.answer == addresses})
        return {"record deleted": gone, "record applied": there}

    def lose(self) -> dict[str, float]:
        """Freeze the member; gives the time line."""
        visitors = self.visitors
        address = self._address()
        began = time.monotonic()
        for pid in self.processes():
            os.kill(pid, signal.SIGSTOP)
        line = self.times(
            began,
            {
                "KubeFed says not Ready": lambda: not self.ready(),
                "DNSEndpoint without it": lambda: address not in self.written(),
                "BIND answers without it": lambda: address not in visitors.answer,
            },
        )
        asked, changed = visitors.questions, time.monotonic()
        self.times(
            changed,
            {
                "more requests": lambda: visitors.questions > asked + AFTERWARDS,
                "an end of those before": lambda: min([*visitors.under_way, time.monotonic()]) > changed,
            },
        )
        failed = [visit for visit in visitors.visits if visit.began > began and not visit.cluster]
        if late := [visit for visit in failed if visit.began > changed]:
            sys.exit(f"{len(late)} requests failed after the answer had changed: {late[:3]}.")
        if not failed or {visit.address for visit in failed} != {address}:
            sys.exit(f"Just requests to the lost member were to fail: {failed[:3]}.")
        return {**line, "last request that failed": max(visit.began for visit in failed) - began}

    def come_back(self) -> dict[str, float]:
        """Let it go on; gives the time line."""
        began = time.monotonic()
        for pid in self.processes():
            os.kill(pid, signal.SIGCONT)
        return self.times(
            began,
            {
                "KubeFed says Ready": self.ready,
                "first page of it": lambda: any(
                    visit.began > began and visit.cluster == self.cluster for visit in self.visitors.visits[-AFTERWARDS:]
                ),
            },
        )

    def everybody(self) -> set[str]:
        """The clusters that the last requests were served by."""
        return {visit.cluster for visit in self.visitors.visits[-AFTERWARDS:]} - {""}

    def _address(self) -> str:
        return next(visit.address for visit in self.visitors.visits if visit.cluster == self.cluster)


def descendants(pid: int) -> list[int]:
    """Every process below this one."""
    children = [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return [*children, *(below for child in children for below in descendants(child))]


def measure(site: Site) -> dict[str, dict[str, float]]:
    """All time lines, with everybody back in the end."""
    site.times(time.monotonic(), {"pages of two clusters": lambda: len(site.everybody()) > 1 and site.cluster in site.everybody()})
    lines = site.forget_and_remember()
    try:
        lines["member lost"] = site.lose()
    finally:
        lines["member back"] = site.come_back()
    return lines


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="A name that survives a member, on a lab with DNS.")
    parser.add_argument("--state", required=True, metavar="FOLDER", help="with the lab and the merged kubeconfig")
    parser.add_argument("--dns", required=True, metavar="ADDRESS:PORT")
    parser.add_argument("--ingress-port", required=True, type=int)
    parser.add_argument("--member", default="cddev", metavar="HOST")
    parser.add_argument("--results", type=Path, metavar="FILE", help="where the figures are kept")
    return parser.parse_args()


def main() -> None:
    """Print the time lines."""
    given = options()
    site = Site(given)
    thread = threading.Thread(target=site.visitors.run)
    thread.start()
    try:
        lines = measure(site)
    finally:
        site.visitors.stop()
        thread.join()
    for what, line in lines.items():
        print(what)
        for event, seconds in sorted(line.items(), key=lambda one: one[1]):
            print(f"  {seconds:6.2f} s  {event}")
    failed = sum(1 for visit in site.visitors.visits if not visit.cluster)
    print(f"{len(site.visitors.visits)} requests, {failed} failed; load {os.getloadavg()[0]:.1f}")
    if given.results:
        kept = {what: {event: round(seconds, 2) for event, seconds in line.items()} for what, line in lines.items()}
        given.results.write_text(json.dumps({**kept, "load": round(os.getloadavg()[0], 1)}, indent=1) + "\n")


if __name__ == "__main__":
    main()
