# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Clusters that are held out of a federated object's placement or a preference, remembered exactly on the object itself. Pure.

KubeFed prefers ``placement.clusters`` over ``clusterSelector``, so a placement by selector becomes an explicit list meanwhile, beside the
selector, which decides again once the list is taken away.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Mapping

from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.preview import named_clusters, placed_clusters
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.shares import DEFAULT, EVERYWHERE
from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import EdgefedError

Object = dict[str, Any]
Labels = Mapping[str, Mapping[str, str]]

PLACEMENT = "edgefed.io/held-out-placement"
PREFERENCE = "edgefed.io/held-out-preference"
NOTHING = {"minReplicas": 0, "maxReplicas": 0, "weight": 0}


@dataclass(frozen=True)
class Memory:
    """``clusters`` are the names before (``None``: the selector decided), ``left`` those without ``out``, which are held out."""

    clusters: list[str] | None
    left: list[str]
    out: list[str]

    def dump(self) -> str:
        """As the annotation has it; the same memory is always the same text."""
        return json.dumps({"clusters": self.clusters, "left": self.left, "out": self.out}, sort_keys=True)


def _note(obj: Object, key: str) -> Any:
    text = (obj["metadata"].get("annotations") or {}).get(key)
    try:
        found = json.loads(text) if text else None
    except ValueError:
        found = text
    if found is None or isinstance(found, dict):
        return found
    meta = obj["metadata"]
    raise EdgefedError(
        f"Annotation {key} of {obj.get('kind', 'object')} {meta.get('namespace', '')}/{meta['name']} was changed by somebody and cannot be "
        "read, so what was held out is not known. Next: set the placement as it should be, remove the annotation, and run this again.",
        code="memory",
    )


def memory_of(obj: Object | None) -> Memory | None:
    """What is held out of a federated object."""
    found = _note(obj, PLACEMENT) if obj else None
    return Memory(found.get("clusters"), list(found.get("left") or []), list(found.get("out") or [])) if found else None


def _without(named: list[str] | None, placed: list[str], out: list[str]) -> list[str]:
    return [name for name in (sorted(placed) if named is None else named) if name not in out]


def hold_out(obj: Object, out: list[str], clusters: Labels) -> Memory | None:
    """A federated object as it is wished, without ``out``; ``None`` where it is placed in none of them."""
    placed = placed_clusters(obj, {name: dict(labels) for name, labels in clusters.items()})
    held = sorted(set(out) & set(placed))
    named = named_clusters(obj)
    return Memory(named, _without(named, placed, held), held) if held else None


def take_out(obj: Object, cluster: str, clusters: Labels) -> Memory | None:
    """A federated object as it is, with one more cluster held out; ``None`` where it isn't placed there."""
    found = hold_out(obj, [cluster], clusters)
    known = memory_of(obj)
    if found is None or known is None:
        return found
    out = sorted({*known.out, cluster})
    if found.clusters == known.left:
        return Memory(known.clusters, found.left, out)
    # Somebody else changed the list meanwhile: what he wrote is what comes back, and what was held out before with it.
    return Memory([*found.clusters, *(set(known.out) - set(found.clusters))] if found.clusters is not None else None, found.left, out)


def put_back(obj: Object, cluster: str) -> tuple[list[str] | None, Memory | None] | None:
    """The names (``None``: no list, the selector decides) and what is still held out; ``None`` where nothing is remembered."""
    known = memory_of(obj)
    if known is None or cluster not in known.out:
        return None
    out = [name for name in known.out if name != cluster]
    named = named_clusters(obj)
    if named is None:
        return None, Memory(None, [], out) if out else None
    if named != known.left:
        names = named if cluster in named else [*named, cluster]
        return names, Memory([*names, *out], names, out) if out else None
    if not out:
        return known.clusters, None
    names = sorted([*named, cluster]) if known.clusters is None else [name for name in known.clusters if name not in out]
    return names, Memory(known.clusters, names, out)


def preferences_of(preference: Object) -> dict[str, Any]:
    """``spec.clusters`` of a ReplicaSchedulingPreference."""
    return dict((preference.get("spec") or {}).get("clusters") or {})


def preference_memory(preference: Object) -> dict[str, Any]:
    """What each cluster that is held out had before; ``*`` where there were no clusters at all."""
    return dict(_note(preference, PREFERENCE) or {})


def take_out_of_preference(preference: Object, cluster: str) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """The entries to set and the memory; ``None`` where it gives the cluster nothing anyway."""
    clusters = preferences_of(preference)
    given = clusters.get(cluster, (clusters or DEFAULT).get(EVERYWHERE))
    if given is None or given == NOTHING:
        return None
    known = preference_memory(preference)
    entries = {cluster: dict(NOTHING)} if clusters else {**DEFAULT, cluster: dict(NOTHING)}
    return entries, {**known, cluster: clusters.get(cluster), **({} if clusters else {EVERYWHERE: None})}


def put_back_in_preference(preference: Object, cluster: str) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """The entries to set (``None``: to remove) and the memory that stays; ``None`` where nothing is remembered."""
    known = preference_memory(preference)
    if cluster not in known:
        return None
    clusters = preferences_of(preference)
    before = known.pop(cluster)
    # What somebody else gave it meanwhile stays.
    entries = {cluster: before} if clusters.get(cluster) == NOTHING else {cluster: clusters.get(cluster)}
    if set(known) == {EVERYWHERE}:
        del known[EVERYWHERE]
        if {name: value for name, value in {**clusters, **entries}.items() if value is not None} == DEFAULT:
            entries[EVERYWHERE] = None
    return entries, known
