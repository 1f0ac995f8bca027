# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The floor: what a join, a look and an unjoin cost when a bare HTTP client sends just the needed requests, one after the other on two
kept connections for each member, all members side by side. It makes the objects that our join makes, and checks nothing."""

from __future__ import annotations

import base64
import http.client
import json
import ssl
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable

import yaml

from ansible_collections.edgefed.kubefed.plugins.module_utils.client import object_path
from ansible_collections.edgefed.kubefed.plugins.module_utils.member.desired import (
    Ref,
    Refs,
    Wanted,
    Wish,
    host_objects,
    member_objects,
    refs,
)
from ansible_collections.edgefed.kubefed.plugins.module_utils.member.names import Names
from ansible_collections.edgefed.kubefed.plugins.module_utils.member.objects import path_of
from ansible_collections.edgefed.kubefed.plugins.module_utils.member.plan import data_of, removal_order

UNFILLED_SECONDS = 0.02


@dataclass(frozen=True)
class Server:
    """An API server and how to be its administrator."""

    url: str
    authority: str
    context: ssl.SSLContext


def servers_of(kubeconfig: str) -> dict[str, Server]:
    """Of every context; nothing is sent."""
    document = yaml.safe_load(Path(kubeconfig).read_text())
    clusters, users = ({item["name"]: item for item in document[plural]} for plural in ("clusters", "users"))
    made = {}
    for context in document["contexts"]:
        cluster, user = clusters[context["context"]["cluster"]]["cluster"], users[context["context"]["user"]]["user"]
        authority = base64.b64decode(cluster["certificate-authority-data"]).decode()
        made[context["name"]] = Server(cluster["server"], authority, _context(authority, user))
    return made


def _context(authority: str, user: dict[str, str]) -> ssl.SSLContext:
    context = ssl.create_default_context(cadata=authority)
    with tempfile.NamedTemporaryFile() as file:
        file.write(b"\n".join(base64.b64decode(user[f"client-{part}-data"]) for part in ("certificate", "key")))
        file.flush()
        context.load_cert_chain(file.name)
    return context


class Connection:
    """One kept connection. ``requests`` counts."""

    def __init__(self, server: Server) -> None:
        self._http = http.client.HTTPSConnection(server.url.removeprefix("https://"), context=server.context, timeout=60)
        self.requests = 0

    def ask(self, method: str, path: str, body: Any = None, content_type: str = "application/json") -> Any:
        self.requests += 1
        data = None if body is None else json.dumps(body).encode()
        self._http.request(method, path, data, {"Content-Type": content_type})
        answer = self._http.getresponse()
        said = answer.read()
        assert answer.status < 300, f"{method} {path}: {answer.status} {said!r}"
        return json.loads(said)


Sides = dict[str, Connection]
Work = Callable[[Sides, Refs, Wish], None]


def join(sides: Sides, where: Refs, wish: Wish) -> None:
    """8 requests, and one more for each time the token isn't there yet."""
    for wanted in member_objects(wish, where):
        sides["member"].ask("POST", _collection(wanted.ref), _born(wanted))
    while not (token := data_of(secret := sides["member"].ask("GET", path_of(where.token)), "token")):
        time.sleep(UNFILLED_SECONDS)
    for wanted in host_objects(wish, where, token, data_of(secret, "ca.crt")):
        sides["host"].ask("POST", _collection(wanted.ref), _born(wanted))


def look(sides: Sides, where: Refs, wish: Wish) -> None:
    """Each object of the join."""
    for wanted in [*member_objects(wish, where), *host_objects(wish, where, b"", b"")]:
        sides[wanted.ref.side].ask("GET", path_of(wanted.ref))


def unjoin(sides: Sides, where: Refs, wish: Wish) -> None:
    """Each object of the join, in the order of ours."""
    there = {wanted.ref for wanted in [*member_objects(wish, where), *host_objects(wish, where, b"", b"")]}
    order = [ref for ref in removal_order(where, [where.secret]) if ref in there]
    for ref in [*order, where.namespace]:
        sides[ref.side].ask("DELETE", path_of(ref))


def run(work: Work, servers: dict[str, Server], host: str, members: list[str], namespace: str) -> tuple[float, int]:
    """Seconds and requests of all members side by side, connecting included."""

    def one(member: str) -> int:
        names = Names(member, host, namespace)
        sides = {"host": Connection(servers[host]), "member": Connection(servers[member])}
        work(sides, refs(names), Wish(names, "Cluster", servers[member].url, servers[member].authority.encode()))
        return sum(side.requests for side in sides.values())

    began = time.monotonic()
    with ThreadPoolExecutor(len(members)) as pool:
        requests = sum(pool.map(one, members))
    return time.monotonic() - began, requests


def _collection(ref: Ref) -> str:
    return object_path(ref.api_version, ref.plural, ref.namespace)


def _born(wanted: Wanted) -> dict[str, Any]:
    meta = dict(wanted.body["metadata"])
    for place, words in wanted.birth.items():
        meta[place] = {**meta.get(place, {}), **words}
    return {**wanted.body, "metadata": meta}
