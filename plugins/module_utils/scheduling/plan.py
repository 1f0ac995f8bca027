# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What has to be done with each object to empty a cluster, or to fill it again. Pure."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.preview import placed_clusters
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.types import FederatedType
from ansible_collections.edgefed.kubefed.plugins.module_utils.scheduling.memory import (
    PLACEMENT,
    PREFERENCE,
    Labels,
    Memory,
    put_back,
    put_back_in_preference,
    take_out,
    take_out_of_preference,
)
from ansible_collections.edgefed.kubefed.plugins.module_utils.scheduling.owned import applied

Object = dict[str, Any]
Key = tuple[str, str, str]

PREFERENCES = "scheduling.kubefed.io/v1alpha1"
PREFERENCE_KIND = "ReplicaSchedulingPreference"
CORDONED, DRAINED, UNCORDONED = "cordoned", "drained", "uncordoned"
# Taken away from a cluster they take along what is not KubeFed's: all that lies in a namespace, all objects of a CRD, the data of a volume.
STAY = ("Namespace", "CustomResourceDefinition", "PersistentVolume", "PersistentVolumeClaim")


@dataclass(frozen=True)
class Item:
    """A federated object, or a preference (``type`` is ``None``)."""

    live: Object
    type: FederatedType | None

    @property
    def kind(self) -> str:
        return self.type.kind if self.type else PREFERENCE_KIND

    @property
    def api_version(self) -> str:
        return self.type.api_version if self.type else PREFERENCES

    @property
    def key(self) -> Key:
        """``(kind, namespace, name)``"""
        meta = self.live["metadata"]
        return self.kind, meta.get("namespace", ""), meta["name"]

    @property
    def title(self) -> str:
        kind, namespace, name = self.key
        return f"{kind} {namespace}/{name}" if namespace else f"{kind} {name}"

    @property
    def path(self) -> str:
        _kind, namespace, name = self.key
        where = f"namespaces/{namespace}/" if namespace else ""
        plural = self.type.plural if self.type else "replicaschedulingpreferences"
        return f"/apis/{self.api_version}/{where}{plural}/{name}"


@dataclass(frozen=True)
class Change:
    """One object's change. ``body`` is what is applied; ``before`` and ``after`` are for the diff."""

    item: Item
    action: str
    body: Object
    before: Any
    after: Any

    def describe(self) -> dict[str, str]:
        """For the task's result."""
        kind, namespace, name = self.item.key
        return {"action": self.action, "kind": kind, "namespace": namespace, "name": name}


def plan(items: list[Item], cluster: str, state: str, clusters: Labels) -> list[Change]:
    """The changes of all objects. An object that a preference places is left to the preference."""
    if state == CORDONED:
        return []
    led = led_by_preferences(items)
    found = [change_of(item, cluster, state, clusters) for item in items if item.key not in led or state == UNCORDONED]
    return [change for change in found if change]


def led_by_preferences(items: list[Item]) -> set[Key]:
    """The objects whose placement a preference writes."""
    preferences = [item.live for item in items if item.type is None]
    return {(one["spec"]["targetKind"], one["metadata"]["namespace"], one["metadata"]["name"]) for one in preferences}


def change_of(item: Item, cluster: str, state: str, clusters: Labels) -> Change | None:
    """What has to be done with one object; ``None``: nothing."""
    if item.live["metadata"].get("deletionTimestamp"):
        return None
    if item.type is None:
        return _of_preference(item, cluster, state)
    if item.type.target_kind in STAY and state == DRAINED:
        return None
    if state == DRAINED:
        memory = take_out(item.live, cluster, clusters)
        return _placed(item, "take out", memory.left, memory) if memory else None
    back = put_back(item.live, cluster)
    return _placed(item, "put back", *back) if back else None


def stays(items: list[Item], cluster: str, clusters: Labels) -> list[str]:
    """Titles of what a drain leaves in the cluster."""
    every = {name: dict(labels) for name, labels in clusters.items()}
    kept = [item for item in items if item.type and item.type.target_kind in STAY]
    return sorted(item.title for item in kept if cluster in placed_clusters(item.live, every))


def _placed(item: Item, action: str, names: list[str] | None, memory: Memory | None) -> Change:
    body = applied(item.live, item.api_version, item.kind)
    _annotate(body, PLACEMENT, memory.dump() if memory else None)
    spec = body.setdefault("spec", {})
    placement = spec.setdefault("placement", {})
    placement.pop("clusters", None)
    if names is not None:
        placement["clusters"] = [{"name": name} for name in names]
    _prune(body, ("spec", "placement"))
    before = ((item.live.get("spec") or {}).get("placement") or {}).copy()
    after = {key: value for key, value in before.items() if key != "clusters"}
    return Change(item, action, body, before, {**after, **({"clusters": placement["clusters"]} if names is not None else {})})


def _of_preference(item: Item, cluster: str, state: str) -> Change | None:
    found = (take_out_of_preference if state == DRAINED else put_back_in_preference)(item.live, cluster)
    if found is None:
        return None
    entries, memory = found
    body = applied(item.live, item.api_version, item.kind)
    _annotate(body, PREFERENCE, json.dumps(memory, sort_keys=True) if memory else None)
    ours = body.setdefault("spec", {}).setdefault("clusters", {})
    before = dict((item.live.get("spec") or {}).get("clusters") or {})
    after = {**before, **entries}
    for name, value in entries.items():
        ours.pop(name, None)
        if value is not None:
            ours[name] = value
    _prune(body, ("spec", "clusters"))
    shown = {name: value for name, value in after.items() if value is not None}
    return Change(item, "take out" if state == DRAINED else "put back", body, {"clusters": before}, {"clusters": shown})


def _annotate(body: Object, key: str, value: str | None) -> None:
    notes = body["metadata"].setdefault("annotations", {})
    notes.pop(key, None)
    if value is not None:
        notes[key] = value
    _prune(body, ("metadata", "annotations"))


def _prune(body: Object, path: tuple[str, str]) -> None:
    """Removes the map at ``path``, and the one above it, when there is nothing in it: an empty one would be ours from then on."""
    outer, inner = path
    if not body[outer][inner]:
        del body[outer][inner]
    if not body[outer]:
        del body[outer]
