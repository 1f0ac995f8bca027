# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The host cluster as this work sees it: what is there, dry runs, and requests side by side over pooled connections."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any, Callable, Iterable, TypeVar

from ansible_collections.edgefed.kubefed.plugins.module_utils.client import APPLY_PATCH, FIELD_MANAGER, ApiError, Client
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.check import Federation, Key, Resource
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.plan import ORPHAN_MARK
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.status import version_name
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.types import FEDERATED_NAMESPACE, FederatedType, table
from ansible_collections.edgefed.kubefed.plugins.module_utils.member.desired import CORDON
from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import EdgefedError

PARALLEL = 8
CORE = "/apis/core.kubefed.io"

Item = TypeVar("Item")
Answer = TypeVar("Answer")


class Host:
    """Reads and writes of one run. ``namespace`` is KubeFed's."""

    def __init__(self, client: Client, namespace: str) -> None:
        self.client = client
        self.namespace = namespace

    def each(self, work: Callable[[Item], Answer], items: Iterable[Item]) -> list[Answer]:
        """``work`` on every item, up to 8 at a time, the answers in order. The first error is raised after all have ended."""
        todo = list(items)
        if len(todo) < 2:
            return [work(item) for item in todo]
        with ThreadPoolExecutor(min(PARALLEL, len(todo))) as pool:
            return list(pool.map(work, todo))

    def federation(self) -> Federation:
        """Federated types and joined clusters. Raises :class:`EdgefedError` where KubeFed is not installed."""
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
        return Federation(table(configs), labels, self.namespace, {name: str(mark) for name, mark in marks.items() if mark})

    def _own(self, plural: str) -> str:
        return f"{CORE}/v1beta1/namespaces/{self.namespace}/{plural}"

    def not_ready(self) -> dict[str, str]:
        """The clusters that KubeFed finds not ready, with its own words and the address that it dials."""
        found = {}
        for item in self.client.list(self._own("kubefedclusters")):
            conditions = (item.get("status") or {}).get("conditions") or []
            if any(condition.get("type") == "Ready" and condition.get("status") == "True" for condition in conditions):
                continue
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
        found = self.each(lambda name: self.client.find(f"/api/v1/namespaces/{name}"), wanted)
        return {name: item for name, item in zip(wanted, found) if item}

    def objects(self, resources: Iterable[Resource], types: Iterable[tuple[FederatedType, str]] = ()) -> dict[Key, dict[str, Any]]:
        """What is there in the collections of ``resources`` and of ``types`` (type, namespace), one list for each."""
        collections = {resource.collection: resource.key[0] for resource in resources if resource.type}
        collections.update({found.collection(namespace): found.kind for found, namespace in types})

        def read(entry: tuple[str, str]) -> list[tuple[Key, dict[str, Any]]]:
            path, kind = entry
            items = self.client.list(path)
            return [((kind, item["metadata"].get("namespace", ""), item["metadata"]["name"]), item) for item in items]

        return {key: item for found in self.each(read, collections.items()) for key, item in found}

    def versions(self, resources: Iterable[Resource]) -> dict[str, dict[str, Any]]:
        """The controller's records of what it propagated, by ``namespace/name`` (see :func:`version_key`)."""
        namespaces = {resource.key[1] for resource in resources if resource.type}
        paths = [
            f"{CORE}/v1alpha1/namespaces/{namespace}/propagatedversions" if namespace else f"{CORE}/v1alpha1/clusterpropagatedversions"
            for namespace in sorted(namespaces)
        ]
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

    def apply(self, path: str, body: dict[str, Any], force: bool, dry_run: bool = False) -> dict[str, Any]:
        """Server-side apply that refuses unknown fields."""
        query = {
            "fieldManager": FIELD_MANAGER,
            "fieldValidation": "Strict",
            "force": "true" if force else "false",
            "dryRun": "All" if dry_run else None,
        }
        applied: dict[str, Any] = self.client.request("PATCH", path, body, query=query, content_type=APPLY_PATCH)
        return applied

    def try_template(self, path: str, body: dict[str, Any]) -> None:
        """Let the server check an object as if it were created. Raises :class:`ApiError`."""
        query = {"dryRun": "All", "fieldValidation": "Strict", "fieldManager": FIELD_MANAGER}
        self.client.request("POST", path, body, query=query)

    def preferences(self, namespaces: Iterable[str]) -> frozenset[tuple[str, str]]:
        """The ReplicaSchedulingPreferences of the namespaces, as ``(namespace, name)``."""

        def read(namespace: str) -> list[tuple[str, str]]:
            path = f"/apis/scheduling.kubefed.io/v1alpha1/namespaces/{namespace}/replicaschedulingpreferences"
            try:
                return [(namespace, item["metadata"]["name"]) for item in self.client.list(path)]
            except ApiError as error:
                if error.status != 404:
                    raise
                return []

        return frozenset(found for each in self.each(read, sorted(namespaces)) for found in each)

    def events(self, resource: Resource) -> list[str]:
        """The warnings recorded with an object, newest first."""
        kind, namespace, name = resource.key
        query = {"fieldSelector": f"involvedObject.kind={kind},involvedObject.name={name},type=Warning"}
        items = list(self.client.list(f"/api/v1/namespaces/{namespace or 'default'}/events", query))
        items.sort(key=lambda item: str(item.get("lastTimestamp") or item.get("eventTime") or ""), reverse=True)
        return [str(item.get("message", "")) for item in items]


def version_key(resource: Resource) -> str:
    """The key of an object's record in :meth:`Host.versions`."""
    kind = resource.type.target_kind if resource.type else ""
    return f"{resource.key[1]}/{version_name(kind, resource.key[2])}"


def federated_namespace_types(federation: Federation, names: Iterable[str]) -> list[tuple[FederatedType, str]]:
    """For :meth:`Host.objects`: the FederatedNamespace of each namespace."""
    found = federation.types.get(FEDERATED_NAMESPACE)
    return [(found, name) for name in names] if found else []
