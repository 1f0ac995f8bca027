# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The floor: a bare HTTP client on as many kept connections as ours has, which sends one apply for each object, or one list for each
page of a collection, and checks nothing."""

from __future__ import annotations

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Callable

from applying import sets
from joining.floor import Connection, Server

CONNECTIONS = 16
PAGE = 500
QUERY = "fieldManager=edgefed&fieldValidation=Strict&force=false"


def apply(server: Server, bodies: list[sets.Object]) -> tuple[float, int]:
    """Seconds and requests of applying all."""
    return _side_by_side(server, _apply, bodies)


def look(server: Server, namespace: str) -> tuple[float, int]:
    """Seconds and requests of reading all, with KubeFed's types and clusters."""
    system = "/apis/core.kubefed.io/v1beta1/namespaces/kube-federation-system"
    paths = [f"{system}/federatedtypeconfigs", f"{system}/kubefedclusters"]
    return _side_by_side(server, _list, [*paths, *(path.format(namespace=namespace) for path in sets.COLLECTIONS)])


def _apply(connection: Connection, body: sets.Object) -> int:
    path = f"{sets.collection(body)}/{body['metadata']['name']}?{QUERY}"
    connection.ask("PATCH", path, body, "application/apply-patch+yaml")
    return 1


def _list(connection: Connection, path: str) -> int:
    asked, token = 0, ""
    while not asked or token:
        page = connection.ask("GET", f"{path}?limit={PAGE}" + (f"&continue={token}" if token else ""))
        token, asked = page["metadata"].get("continue", ""), asked + 1
    return asked


def _side_by_side(server: Server, work: Callable[[Connection, Any], int], items: list[Any]) -> tuple[float, int]:
    own = threading.local()

    def one(item: Any) -> int:
        if not hasattr(own, "connection"):
            own.connection = Connection(server)
        return work(own.connection, item)

    began = time.monotonic()
    with ThreadPoolExecutor(min(CONNECTIONS, len(items))) as pool:
        requests = sum(pool.map(one, items))
    return time.monotonic() - began, requests


def remove(server: Server, namespace: str, paths: list[str]) -> None:
    """Delete whole collections, and wait until they are empty."""
    connection = Connection(server)
    for path in paths:
        connection.ask("DELETE", path.format(namespace=namespace))
    while any(connection.ask("GET", f"{path.format(namespace=namespace)}?limit=1")["items"] for path in paths):
        time.sleep(0.2)


def send(server: Server, method: str, paths: list[str], bodies: list[Any]) -> None:
    """One request for each path."""
    _side_by_side(server, lambda connection, pair: len(connection.ask(method, *pair)), list(zip(paths, bodies, strict=True)))


def as_text(bodies: list[sets.Object]) -> str:
    """One file of YAML documents, as JSON, which every competitor reads."""
    return "".join(f"---\n{json.dumps(body, indent=1)}\n" for body in bodies)
