# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the members have of a run's objects: one list for each collection and member, side by side, as often as is asked."""

from __future__ import annotations

import contextlib
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Callable

from ansible_collections.edgefed.kubefed.plugins.module_utils.client import Client, ConnectError, object_path
from ansible_collections.edgefed.kubefed.plugins.module_utils.federate.host import PARALLEL, events
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.check import Key, Resource
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.preview import MANAGED_LABEL
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.sources import Place, Problem
from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import EdgefedError

Object = dict[str, Any]
# One that is frozen must not hold up the others for long, nor with each look.
TIMEOUT = (5, 10)
SILENCE = 15


class Members:
    """Members, by the contexts that are named as they are. ``errors`` says why clusters could not be read when last looked at."""

    def __init__(self, params: dict[str, Any], connect: Callable[..., Client]) -> None:
        self._kubeconfig = params["kubeconfig"]
        self._connect = connect
        self._clients: dict[str, Client] = {}
        self._asked_again: dict[str, float] = {}
        self.errors: dict[str, EdgefedError] = {}

    @property
    def requests(self) -> int:
        """How many requests were sent to all members together."""
        return sum(client.requests for client in self._clients.values())

    def client(self, cluster: str) -> Client:
        """The connection to a member. Nothing is sent; raises :class:`EdgefedError` where it is not known how to reach it."""
        if self._kubeconfig is None:
            cause = "the option kubeconfig is not given, so its context is not known"
            raise EdgefedError(f"{cause}. Next: give a kubeconfig with a context for each member.", code="kubeconfig")
        if cluster not in self._clients:
            given = {"kubeconfig": self._kubeconfig, "context": cluster}
            self._clients[cluster] = self._connect(given, cluster, pool=PARALLEL)
        return self._clients[cluster]

    def problems(self, clusters: set[str]) -> list[Problem]:
        """Clusters that cannot be asked at all."""
        found = []
        for cluster in sorted(clusters):
            try:
                self.client(cluster)
            except EdgefedError as error:
                cause = f"{cluster} cannot be asked: {error.without_next}"
                found.append(Problem(Place("the task"), cause, error.next_step, field="wait_for"))
        return found

    def read(self, resources: list[Resource]) -> dict[tuple[str, Key], Object]:
        """The objects that are there, by cluster and the federated resource's key."""
        now = time.monotonic()
        clusters = sorted({cluster for resource in resources for cluster in resource.clusters if self._asked_again.get(cluster, 0) <= now})
        with ThreadPoolExecutor(PARALLEL) as pool:
            found = pool.map(lambda cluster: self._read(cluster, [item for item in resources if cluster in item.clusters]), clusters)
            return {(cluster, key): item for cluster, items in zip(clusters, found) for key, item in items.items()}

    def _read(self, cluster: str, resources: list[Resource]) -> dict[Key, Object]:
        wanted: dict[str, dict[tuple[str, str], Key]] = {}
        for resource in resources:
            _kind, namespace, name = resource.key
            path = collection(resource, cluster)
            wanted.setdefault(path, {})[namespace if "/namespaces/" in path else "", name] = resource.key
        found: dict[Key, Object] = {}
        self.errors.pop(cluster, None)
        try:
            for path, keys in wanted.items():
                for item in self.client(cluster).list(path, {"labelSelector": MANAGED_LABEL}, timeout=TIMEOUT):
                    meta = item["metadata"]
                    key = keys.get((meta.get("namespace", ""), meta["name"]))
                    if key:
                        found[key] = item
        except EdgefedError as error:
            self.errors[cluster] = error
            if isinstance(error, ConnectError):
                self._asked_again[cluster] = time.monotonic() + SILENCE
        return found

    def last_event(self, cluster: str, resource: Resource) -> str:
        """The newest event of the cluster's own object; empty where there is none, or the cluster cannot be asked."""
        kind = resource.type.target_kind if resource.type else ""
        with contextlib.suppress(EdgefedError):
            return next(iter(events(self.client(cluster), kind, resource.key[1], resource.key[2], timeout=TIMEOUT)), "")
        return ""


def collection(resource: Resource, cluster: str) -> str:
    """The path of the collection in which a cluster has its object."""
    body, target = resource.previews[cluster], resource.type.target if resource.type else {}
    return object_path(str(body["apiVersion"]), str(target["pluralName"]), body["metadata"].get("namespace"))
