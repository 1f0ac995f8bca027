# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the members have now, beside what they would get."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Callable

from ansible_collections.edgefed.kubefed.plugins.module_utils.client import ApiError, Client, object_path
from ansible_collections.edgefed.kubefed.plugins.module_utils.federate.host import PARALLEL
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.check import Resource
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.preview import OverrideError, overrides_of
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.types import FederatedType
from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import EdgefedError
from ansible_collections.edgefed.kubefed.plugins.module_utils.verify.compare import compare
from ansible_collections.edgefed.kubefed.plugins.module_utils.verify.matrix import desired_of

NEW, SAME, DIFFERS, GOES, UNKNOWN = "new", "same", "differs", "goes", "unknown"


@dataclass
class Item:
    """One object in one cluster. ``body`` is what the cluster would get, ``None`` where it is taken away."""

    cluster: str
    resource: Resource
    type: FederatedType
    body: dict[str, Any] | None
    state: str = UNKNOWN
    why: str = ""
    differences: list[str] = field(default_factory=list)

    @property
    def path(self) -> str:
        """The object's API path in the member."""
        target, (_kind, namespace, name) = self.type.target, self.resource.key
        version = str((self.body or {}).get("apiVersion") or self.type.target_api_version)
        return object_path(version, target["pluralName"], namespace if self.type.target_namespaced else None, name)

    @property
    def title(self) -> str:
        """``Deployment shop/web``."""
        _kind, namespace, name = self.resource.key
        return f"{self.type.target_kind} {namespace}/{name}" if self.type.target_namespaced else f"{self.type.target_kind} {name}"


def look(items: list[Item], member: Callable[[str], Client]) -> None:
    """Fill in how each stands in its cluster, clusters side by side; one that does not answer hides nothing of the others."""
    clusters = sorted({item.cluster for item in items})
    with ThreadPoolExecutor(PARALLEL) as pool:
        list(pool.map(lambda cluster: _look_at(cluster, [item for item in items if item.cluster == cluster], member), clusters))


def _look_at(cluster: str, items: list[Item], member: Callable[[str], Client]) -> None:
    try:
        client = member(cluster)
    except EdgefedError as error:
        _unknown(items, error)
        return
    for index, item in enumerate(items):
        try:
            judge(item, client.find(item.path))
        except ApiError as error:
            _unknown([item], error)
        except EdgefedError as error:
            _unknown(items[index:], error)
            break


def _unknown(items: list[Item], error: EdgefedError) -> None:
    for item in items:
        item.why = error.message


def judge(item: Item, actual: dict[str, Any] | None) -> None:
    """How an object stands, given what the cluster has in its place. Pure."""
    if item.body is None:
        item.state = GOES if actual else SAME
        return
    if actual is None:
        item.state = NEW
        return
    body = item.resource.foretold or item.resource.body
    try:
        desired = desired_of(body, item.cluster, item.type, actual, False)
    except OverrideError as error:
        item.state, item.differences = DIFFERS, [error.message]
        return
    template = (body.get("spec") or {}).get("template") or {}
    found = compare(desired, actual, overrides_of(body).get(item.cluster, []), template)
    item.state = DIFFERS if found else SAME
    item.differences = [difference.words() for difference in found]
