# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The host cluster as this work sees it: what is there, dry runs, and requests side by side over pooled connections."""

from __future__ import annotations

import copy
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Callable, Iterable, TypeVar

from ansible_collections.edgefed.kubefed.plugins.module_utils.client import FIELD_MANAGER, TIMEOUT, ApiError, Client
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.check import Federation, Key, Resource
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.fields import value_at
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.plan import ORPHAN_MARK
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.sources import Path
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.status import version_name
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.types import (
    DNS_RECORDS,
    FEDERATED_NAMESPACE,
    PREFERENCE,
    FederatedType,
    table,
)
from ansible_collections.edgefed.kubefed.plugins.module_utils.member.desired import CORDON
from ansible_collections.edgefed.kubefed.plugins.module_utils.member.readiness import readiness
from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import EdgefedError

PARALLEL = 16
# From so many namespaces on, all are read at once.
MANY = 8
CORE = "/apis/core.kubefed.io"

Item = TypeVar("Item")
Answer = TypeVar("Answer")


class Host:
    """Reads and writes of one run. ``namespace`` is KubeFed's, ``parallel`` bounds the requests at one time."""

    def __init__(self, client: Client, namespace: str, parallel: int = PARALLEL) -> None:
        self.client = client
        self.namespace = namespace
        self.parallel = parallel

    def each(self, work: Callable[[Item], Answer], items: Iterable[Item]) -> list[Answer]:
        """``work`` on every item, several at a time, the answers in order. The first error is raised after all have ended."""
        todo = list(items)
        if len(todo) < 2:
            return [work(item) for item in todo]
        with ThreadPoolExecutor(min(self.parallel, len(todo))) as pool:
            return list(pool.map(work, todo))

    def federation(self, names: bool = False) -> Federation:
        """Federated types and joined clusters, and whether there are kinds for ``names``, if that is asked for. Raises
        :class:`EdgefedError` where KubeFed is not installed."""
        kinds = ("federatedtypeconfigs", "kubefedclusters")
        try:
            configs, clusters = self.each(lambda kind: list(self.client.list(self._own(kind))), kinds)
        except ApiError as error:
            if error.status != 404:
                raise
            configs = clusters = []
        if not configs:
            raise EdgefedError(
                f"{self.client.where} has no KubeFed in namespace {self.namespace}: there are no federated types. "
                "Next: run playbooks/control_plane.yml, or check the context and the namespace.",
                code="no_kubefed",
            )
        labels = {item["metadata"]["name"]: item["metadata"].get("labels") or {} for item in clusters}
        marks = {item["metadata"]["name"]: (item["metadata"].get("annotations") or {}).get(CORDON) for item in clusters}
        versions = {item["metadata"]["name"]: str((item.get("status") or {}).get("kubernetesVersion") or "") for item in clusters}
        cordoned = {name: str(mark) for name, mark in marks.items() if mark}
        away = frozenset(item["metadata"]["name"] for item in clusters if not readiness(item).ready)
        served = names and self.client.find(f"/apis/{next(iter(DNS_RECORDS.values())).api_version}") is not None
        return Federation(table(configs), labels, self.namespace, cordoned, versions, away, served)

    def _own(self, plural: str) -> str:
        return f"{CORE}/v1beta1/namespaces/{self.namespace}/{plural}"

    def not_ready(self) -> dict[str, str]:
        """The clusters that KubeFed finds not ready, with its own words and the address that it dials."""
        found = {}
        for item in self.client.list(self._own("kubefedclusters")):
            if readiness(item).ready:
                continue
            conditions = (item.get("status") or {}).get("conditions") or []
            said = [condition for condition in conditions if condition.get("type") != "Ready" and condition.get("status") == "True"]
            texts = [f"{condition.get('type')}: {condition.get('reason')}, {condition.get('message')}" for condition in said]
            address = f"address {(item.get('spec') or {}).get('apiEndpoint')}"
            found[item["metadata"]["name"]] = "; ".join([*(texts or ["KubeFed has not looked at it yet"]), address])
        return found

    def settings(self) -> dict[str, Any]:
        """KubeFed's own settings, the ``spec`` of its KubeFedConfig."""
        config = self.client.find(f"{self._own('kubefedconfigs')}/kubefed") or {}
        return config.get("spec") or {}

    def namespaces(self, names: Iterable[str]) -> dict[str, dict[str, Any]]:
        """The Namespaces among ``names`` that are there."""
        wanted = sorted(set(names))
        if len(wanted) > MANY:
            return {item["metadata"]["name"]: item for item in self.client.list("/api/v1/namespaces") if item["metadata"]["name"] in wanted}
        found = self.each(lambda name: self.client.find(f"/api/v1/namespaces/{name}"), wanted)
        return {name: item for name, item in zip(wanted, found) if item}

    def objects(self, resources: Iterable[Resource], types: Iterable[tuple[FederatedType, str]] = ()) -> dict[Key, dict[str, Any]]:
        """What is there in the collections of ``resources`` and of ``types`` (type, namespace), one list for each; one for all namespaces
        where a type has many."""
        wanted: dict[str, tuple[FederatedType, set[str]]] = {}
        for found, namespace in (*((resource.type, resource.key[1]) for resource in resources if resource.type), *types):
            wanted.setdefault(found.kind, (found, set()))[1].add(namespace)
        collections = {path: found.kind for found, namespaces in wanted.values() for path in _collections(found, namespaces)}

        def read(entry: tuple[str, str]) -> list[tuple[Key, dict[str, Any]]]:
            path, kind = entry
            items = self.client.list(path)
            return [((kind, item["metadata"].get("namespace", ""), item["metadata"]["name"]), item) for item in items]

        return {key: item for found in self.each(read, collections.items()) for key, item in found}

    def versions(self, resources: Iterable[Resource]) -> dict[str, dict[str, Any]]:
        """The controller's records of what it propagated, by ``namespace/name`` (see :func:`version_key`)."""
        namespaces = {resource.key[1] for resource in resources if resource.type}
        paths = [f"{CORE}/v1alpha1/clusterpropagatedversions"] if "" in namespaces else []
        named = sorted(namespaces - {""})
        if len(named) > MANY:
            paths.append(f"{CORE}/v1alpha1/propagatedversions")
        else:
            paths += [f"{CORE}/v1alpha1/namespaces/{namespace}/propagatedversions" for namespace in named]
        found = [item for items in self.each(lambda path: list(self.client.list(path)), paths) for item in items]
        return {f"{item['metadata'].get('namespace', '')}/{item['metadata']['name']}": item for item in found}

    def leave(self, path: str) -> dict[str, Any] | None:
        """Say to KubeFed that members keep what they have of an object when it goes. The object then, ``None`` when it is gone already."""
        try:
            return self.client.patch(path, {"metadata": {"annotations": {ORPHAN_MARK: "true"}}})
        except ApiError as error:
            if error.status != 404:
                raise
            return None

    def apply_resource(self, resource: Resource, force: bool, dry_run: bool = False) -> dict[str, Any]:
        """Apply an object. Of one that a preference leads, or has led, what KubeFed has written besides is taken over, and only that."""
        gone = [path for path in resource.left if value_at(resource.body, path) is None]
        if gone and not dry_run:
            self._clear(resource.path, gone)
        applied = self._apply_resource(resource, force, dry_run)
        return _without(applied, gone)

    def _apply_resource(self, resource: Resource, force: bool, dry_run: bool) -> dict[str, Any]:
        try:
            return self.client.apply(resource.path, resource.body, dry_run, force, strict=True)
        except ApiError as error:
            if not (resource.foretold or resource.left) or not _only_about(error, ("spec.overrides", "spec.placement.clusters")):
                raise
        return self.client.apply(resource.path, resource.body, dry_run, strict=True)

    def _clear(self, path: str, fields: list[Path]) -> None:
        """Take fields away that are not ours, which an apply does not. An object that is gone has none."""
        try:
            self.client.patch(path, _nulls(fields))
        except ApiError as error:
            if error.status != 404:
                raise

    def try_template(self, path: str, body: dict[str, Any]) -> None:
        """Let the server check an object as if it were created. Raises :class:`ApiError`."""
        query = {"dryRun": "All", "fieldValidation": "Strict", "fieldManager": FIELD_MANAGER}
        self.client.request("POST", path, body, query=query)

    def listed(self, path: str, query: dict[str, Any] | None = None) -> list[dict[str, Any]]:
        """What is in a collection; nothing where the host cluster does not serve it."""
        try:
            return list(self.client.list(path, query))
        except ApiError as error:
            if error.status != 404:
                raise
            return []

    def preferences(self, namespaces: Iterable[str]) -> dict[Key, dict[str, Any]]:
        """The ReplicaSchedulingPreferences of the namespaces; none where KubeFed has no scheduler."""

        lists = self.each(self.listed, _collections(PREFERENCE, set(namespaces)))
        metas = [(item["metadata"], item) for items in lists for item in items]
        return {(PREFERENCE.kind, meta["namespace"], meta["name"]): item for meta, item in metas}

    def events(self, resource: Resource) -> list[str]:
        """The warnings recorded with an object, newest first."""
        return events(self.client, *resource.key, "type=Warning")


def events(client: Client, kind: str, namespace: str, name: str, *more: str, timeout: tuple[float, float] = TIMEOUT) -> list[str]:
    """What is recorded with an object, newest first. ``more`` are further field selectors."""
    query = {"fieldSelector": ",".join([f"involvedObject.kind={kind}", f"involvedObject.name={name}", *more])}
    items = list(client.list(f"/api/v1/namespaces/{namespace or 'default'}/events", query, timeout))
    items.sort(key=lambda item: str(item.get("lastTimestamp") or item.get("eventTime") or ""), reverse=True)
    return [str(item.get("message", "")) for item in items]


def _only_about(error: ApiError, fields: tuple[str, ...]) -> bool:
    causes = (error.body.get("details") or {}).get("causes") or []
    return error.status == 409 and bool(causes) and all(str(cause.get("field", "")).lstrip(".") in fields for cause in causes)


def _nulls(fields: list[Path]) -> dict[str, Any]:
    """The merge patch that takes them away."""
    patch: dict[str, Any] = {}
    for *parents, last in fields:
        inner = patch
        for name in parents:
            inner = inner.setdefault(str(name), {})
        inner[str(last)] = None
    return patch


def _without(body: dict[str, Any], fields: list[Path]) -> dict[str, Any]:
    found = copy.deepcopy(body) if fields else body
    for *parents, last in fields:
        (value_at(found, tuple(parents)) or {}).pop(last, None)
    return found


def _collections(found: FederatedType, namespaces: set[str]) -> list[str]:
    return [found.everywhere] if len(namespaces) > MANY else sorted({found.collection(namespace) for namespace in namespaces})


def version_key(resource: Resource) -> str:
    """The key of an object's record in :meth:`Host.versions`."""
    kind = resource.type.target_kind if resource.type else ""
    return f"{resource.key[1]}/{version_name(kind, resource.key[2])}"


def federated_namespace_types(federation: Federation, names: Iterable[str]) -> list[tuple[FederatedType, str]]:
    """For :meth:`Host.objects`: the FederatedNamespace of each namespace."""
    found = federation.types.get(FEDERATED_NAMESPACE)
    return [(found, name) for name in names] if found else []
