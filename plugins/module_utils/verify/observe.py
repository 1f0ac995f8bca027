# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reads the host cluster and every member: one list for each kind and cluster, side by side over pooled connections."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any, Callable, Iterable, Sequence, TypeVar

from ansible_collections.edgefed.kubefed.plugins.module_utils.client import ApiError, Client, object_path
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.preview import (
    MANAGED_LABEL,
    overrides_of,
    preview,
)
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.types import (
    FEDERATED_NAMESPACE,
    FederatedType,
    table,
)
from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import EdgefedError
from ansible_collections.edgefed.kubefed.plugins.module_utils.verify.facts import node_summary
from ansible_collections.edgefed.kubefed.plugins.module_utils.verify.matrix import Options
from ansible_collections.edgefed.kubefed.plugins.module_utils.verify.observed import (
    Host,
    Member,
    Name,
    Object,
    placing,
    target_name,
)

CORE = "core.kubefed.io/v1beta1"
POOL = 4
FEW = 5
"""Up to so many objects without KubeFed's label are asked for one by one, more with one list of the whole kind."""

Item = TypeVar("Item")
Answer = TypeVar("Answer")


class Observer:
    """Connections to all clusters, kept for as many looks as it takes. ``parallel`` bounds the requests at one time."""

    def __init__(self, connect: Callable[..., Client], auth: dict[str, Any], namespace: str, options: Options, parallel: int) -> None:
        self._connect = connect
        self._auth = auth
        self._namespace = namespace
        self._options = options
        self._parallel = parallel
        self._host_name = str(auth.get("context") or "host cluster")
        self._host = connect(auth, self._host_name, pool=POOL)
        self._members: dict[str, Client] = {}

    @property
    def requests(self) -> int:
        """How many requests were sent to all clusters together."""
        return sum(client.requests for client in (self._host, *self._members.values()))

    def _each(self, work: Callable[[Item], Answer], items: Iterable[Item]) -> list[Answer]:
        with ThreadPoolExecutor(max_workers=self._parallel) as pool:
            return list(pool.map(work, items))

    def look(self) -> tuple[Host, dict[str, Member]]:
        """Read everything once. Raises :class:`EdgefedError` when the host cluster cannot be read."""
        host = self.look_at_host()
        members = {member.name: member for member in self._each(self._greet, sorted(host.clusters))}
        kinds = [kind for kind in host.types.values() if self._options.wants_kind(kind) and self._worth_reading(kind, host)]
        jobs = [(member, kind) for member in members.values() if not member.error for kind in kinds]
        self._each(lambda job: self._read_kind(*job, host), jobs)
        return host, members

    def _worth_reading(self, kind: FederatedType, host: Host) -> bool:
        """By labels only what the host cluster has is looked for."""
        return not self._options.selector or bool(host.federated.get(kind.kind))

    # --- the host cluster ---

    def look_at_host(self) -> Host:
        """KubeFedClusters, federated types, scope, and the federated resources of the wanted kinds."""
        core = [object_path(CORE, plural, self._namespace) for plural in ("kubefedclusters", "federatedtypeconfigs", "kubefedconfigs")]
        try:
            clusters, configs, settings = self._each(lambda path: list(self._host.list(path)), core)
        except ApiError as error:
            if error.status != 404:
                raise
            raise EdgefedError(
                f"{self._host.where} serves no {CORE}: KubeFed is not installed there. Next: run playbooks/control_plane.yml, "
                "or check that this is the host cluster.",
                code="no_kubefed",
            ) from None
        types = {name: kind for name, kind in table(configs).items() if kind.enabled}
        limited = any((item.get("spec") or {}).get("scope") == "Namespaced" for item in settings)
        host = Host(self._host_name, self._namespace, {item["metadata"]["name"]: item for item in clusters}, types, {}, limited)
        wanted = [kind for kind in types.values() if kind.kind == FEDERATED_NAMESPACE or self._options.wants_kind(kind)]
        host.federated = dict(zip((kind.kind for kind in wanted), self._each(self._federated, wanted)))
        if self._options.selector and FEDERATED_NAMESPACE in types:
            host.containers = self._federated(types[FEDERATED_NAMESPACE], "")
        return host

    def _federated(self, kind: FederatedType, selector: str | None = None) -> list[Object]:
        """The federated resources of a kind, by default those that are chosen by their labels."""
        query = {"labelSelector": (self._options.selector if selector is None else selector) or None}
        return list(self._host.list(object_path(kind.api_version, kind.plural), query))

    # --- members ---

    def _greet(self, name: str) -> Member:
        """The first requests to a member; when it does not answer them, no more are sent."""
        member = Member(name)
        try:
            if name not in self._members:
                self._members[name] = self._connect({**self._auth, "context": name}, name, pool=POOL)
            client = self._members[name]
            member.version = str(client.get("/version").get("gitVersion", ""))
            member.nodes = node_summary(list(client.list(object_path("v1", "nodes"))))
        except ApiError as error:
            if error.status == 401 or not member.version:
                member.error = error.message
        except EdgefedError as error:
            member.error = error.message
        return member

    def _read_kind(self, member: Member, kind: FederatedType, host: Host) -> None:
        client = self._members[member.name]
        try:
            found = self._managed(client, kind)
            for name, federated in self._unlabelled(member.name, kind, host, found):
                actual = self._single(client, kind, name, federated, member.name)
                if actual is not None:
                    found[name] = actual
            member.objects[kind.kind] = found
        except EdgefedError as error:
            member.unreadable[kind.kind] = error.message

    def _managed(self, client: Client, kind: FederatedType) -> dict[Name, Object]:
        path = object_path(kind.target_api_version, kind.target["pluralName"])
        try:
            return _by_name(client.list(path, {"labelSelector": MANAGED_LABEL}))
        except ApiError as error:
            if error.status != 404:
                raise
            return {}

    def _unlabelled(self, cluster: str, kind: FederatedType, host: Host, found: dict[Name, Object]) -> Sequence[tuple[Name, Object]]:
        """What should be there, and the list by label does not have, or has in another version than an override says."""
        wanted = []
        for federated in host.federated.get(kind.kind, []):
            name = target_name(federated, kind)
            if not self._options.wants_name(name, kind) or not _goes_to(federated, kind, host, cluster):
                continue
            if name not in found or _desired_version(federated, cluster, kind) != kind.target_api_version:
                wanted.append((name, federated))
        if len(wanted) <= FEW:
            return wanted
        everything = _by_name(self._members[cluster].list(object_path(kind.target_api_version, kind.target["pluralName"])))
        found |= {name: everything[name] for name, _dummy in wanted if name in everything}
        return [(name, item) for name, item in wanted if _desired_version(item, cluster, kind) != kind.target_api_version]

    def _single(self, client: Client, kind: FederatedType, name: Name, federated: Object, cluster: str) -> Object | None:
        version = _desired_version(federated, cluster, kind)
        return client.find(object_path(version, kind.target["pluralName"], name[0] or None, name[1]))


def _by_name(items: Iterable[Object]) -> dict[Name, Object]:
    return {(str(item["metadata"].get("namespace") or ""), str(item["metadata"]["name"])): item for item in items}


def _goes_to(federated: Object, kind: FederatedType, host: Host, cluster: str) -> bool:
    try:
        return cluster in placing(federated, kind, host).chosen
    except EdgefedError:
        return False


def _desired_version(federated: Object, cluster: str, kind: FederatedType) -> str:
    """An override may choose another API version of the kind (KubeFed's guide does so for Ingress)."""
    try:
        if not overrides_of(federated).get(cluster) and not ((federated.get("spec") or {}).get("template") or {}).get("apiVersion"):
            return kind.target_api_version
        return str(preview(federated, cluster, kind.target)["apiVersion"])
    except EdgefedError:
        return kind.target_api_version
