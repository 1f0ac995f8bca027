# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a ReplicaSchedulingPreference leads: KubeFed itself writes the target's clusters and the replicas of each into its overrides.

So these are not applied where they are KubeFed's, and foretold by its own arithmetic where they are to be shown or waited for. Pure.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.edgefed.kubefed.plugins.module_utils.federate.look import Seen
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.check import Federation, Key, Resource
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.ownership import KUBEFED, owns
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.plan import NONE, decide, in_deletion
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.preferences import TARGETS, placement_problems
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.preview import placed_clusters, preview, selector_matches
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.shares import (
    DEFAULT,
    EVERYWHERE,
    distribute,
    given_replicas,
    same_overrides,
    with_replicas,
)
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.sources import Path, Problem
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.types import FEDERATED_NAMESPACE, PREFERENCE
from ansible_collections.edgefed.kubefed.plugins.module_utils.scheduling.memory import (
    NOTHING,
    preference_memory,
    preferences_of,
)
from ansible_collections.edgefed.kubefed.plugins.module_utils.scheduling.memory import (
    PREFERENCE as HELD_OUT,
)

Object = dict[str, Any]
_BY_KUBEFED = (("spec", "overrides"), ("spec", "placement", "clusters"))


@dataclass(frozen=True)
class Led:
    """A target with its preference. ``plan`` are the replicas of each cluster; ``path`` is the target's."""

    key: Key
    path: str
    preference: Resource | None
    target: Resource | None
    spec: Object
    plan: dict[str, int]


@dataclass
class Following:
    """What follows from all preferences, given and there."""

    led: list[Led] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)


def follow(resources: list[Resource], seen: Seen, federation: Federation) -> Following:
    """Bring targets among ``resources`` to what KubeFed makes of them, and see whether the preferences given fit their targets."""
    result = Following()
    given = {resource.key: resource for resource in resources}
    for resource in resources:
        if resource.type is PREFERENCE:
            result.notices += _hold_out(resource, seen.objects.get(resource.key))
    live = {key: body for key, body in seen.objects.items() if key[0] == PREFERENCE.kind and key not in given and not in_deletion(body)}
    found = [(key, given[key].body, given[key]) for key in given if key[0] == PREFERENCE.kind]
    for key, body, preference in [*found, *((key, body, None) for key, body in live.items())]:
        target_key = (body["spec"]["targetKind"], key[1], key[2])
        target = given.get(target_key)
        if target is None and preference is None:
            continue
        _follow(result, _Pair(body["spec"], preference, target, target_key), seen, federation)
    led = {one.key for one in result.led}
    for resource in resources:
        if resource.key[0] in TARGETS and resource.key not in led:
            resource.left = _left(seen.objects.get(resource.key))
    return result


def _left(there: Object | None) -> list[Path]:
    """What KubeFed has written for a preference that is not there any more, and nobody would take away."""
    if there is None or in_deletion(there):
        return []
    return [path for path in _BY_KUBEFED if owns(there, *path, who=KUBEFED) and not owns(there, *path)]


@dataclass(frozen=True)
class _Pair:
    spec: Object
    preference: Resource | None
    target: Resource | None
    key: Key

    @property
    def title(self) -> str:
        return f"{self.key[0]} {self.key[1]}/{self.key[2]}"


def _follow(result: Following, pair: _Pair, seen: Seen, federation: Federation) -> None:
    there = seen.objects.get(pair.key)
    wished = pair.target.body if pair.target else there
    if wished is None:
        place = pair.preference.document.place() if pair.preference else ""
        title = pair.preference.title if pair.preference else ""
        result.notices.append(
            f"{place}: {title}: there is no {pair.title}, so it leads nothing. Next: federate it under this name, or correct targetKind."
        )
        return
    placed = pair.target.clusters if pair.target else placed_clusters(wished, federation.clusters)
    if pair.preference:
        result.problems += placement_problems(pair.preference.document, pair.spec, pair.title, placed, federation.clusters)
    result.notices += _beyond(pair, placed, federation)
    kind = federation.types[pair.key[0]]
    plan = _plan(pair, wished, seen, federation)
    result.led.append(Led(pair.key, f"{kind.collection(pair.key[1])}/{pair.key[2]}", pair.preference, pair.target, pair.spec, plan))
    if pair.target:
        _bring(pair.target, there, plan, seen, federation)


def _hold_out(resource: Resource, there: Object | None) -> list[str]:
    """A drained cluster stays without replicas, and gets what is wished now once it is uncordoned."""
    memory = preference_memory(there) if there else {}
    if not memory:
        return []
    wished = preferences_of(resource.body)
    out = [name for name in memory if name != EVERYWHERE and preferences_of(there or {}).get(name) == NOTHING]
    known = {**{name: wished.get(name) for name in out}, **({} if wished else {EVERYWHERE: None})}
    spec, meta = resource.body["spec"], resource.body["metadata"]
    resource.body["spec"] = {**spec, "clusters": {**(wished or DEFAULT), **{name: dict(NOTHING) for name in out}}}
    meta["annotations"] = {**(meta.get("annotations") or {}), HELD_OUT: json.dumps(known, sort_keys=True)}
    names = ", ".join(sorted(out))
    return [f"{resource.document.place()}: {resource.title} gives {names} nothing until that is uncordoned: it is drained."] if out else []


def _beyond(pair: _Pair, placed: list[str], federation: Federation) -> list[str]:
    """Where the target comes besides its own placement, which KubeFed overwrites."""
    more = sorted(set(federation.clusters) - set(placed))
    if pair.preference is None or pair.spec.get("intersectWithClusterSelector") or not more:
        return []
    return [
        f"{pair.preference.document.place()}: KubeFed places {pair.title} in every cluster, whatever its placement says, with 0 replicas "
        f"where the preference gives none: also in {', '.join(more)}, if its namespace goes there. Next: choose its clusters by "
        "clusterSelector and write intersectWithClusterSelector: true."
    ]


def _plan(pair: _Pair, wished: Object, seen: Seen, federation: Federation) -> dict[str, int]:
    current = given_replicas(seen.objects.get(pair.key))
    known = pair.preference is None or decide(pair.preference.body, seen.objects.get(pair.preference.key)) == NONE
    if known and current:
        return current
    clusters = [name for name in federation.clusters if name not in federation.away]
    if pair.spec.get("intersectWithClusterSelector"):
        selector = ((wished.get("spec") or {}).get("placement") or {}).get("clusterSelector")
        inside = _namespaced(pair.target, pair.key[1], seen, federation)
        clusters = [name for name in clusters if selector_matches(selector, federation.clusters[name]) and name in inside]
    return distribute(pair.spec, sorted(clusters), current, f"{pair.key[1]}/{pair.key[2]}")


def _namespaced(target: Resource | None, namespace: str, seen: Seen, federation: Federation) -> set[str]:
    """The clusters that the namespace goes to, or will: also to where the target is wished."""
    federated = seen.objects.get((FEDERATED_NAMESPACE, namespace, namespace))
    there = placed_clusters(federated, federation.clusters) if federated else []
    return {*there, *(target.clusters if target else [])}


def _bring(target: Resource, there: Object | None, plan: dict[str, int], seen: Seen, federation: Federation) -> None:
    inside = _namespaced(target, target.key[1], seen, federation)
    body, spec = target.body, target.body["spec"]
    overrides = with_replicas(spec.get("overrides") or [], plan)
    target.clusters = sorted(name for name in plan if name in inside)
    kind = target.type.target if target.type else {}
    target.foretold = {**body, "spec": {**spec, "overrides": overrides}}
    target.previews = {name: preview(target.foretold, name, kind) for name in target.clusters}
    body["spec"] = _applied(spec, there or {"metadata": {}})


def _applied(spec: Object, there: Object) -> Object:
    """The spec to apply: what KubeFed has written and owns is left out, and what is ours is taken as it has written it."""
    live = there.get("spec") or {}
    rest = {name: value for name, value in spec.items() if name not in ("placement", "overrides")}
    placement = {name: value for name, value in spec["placement"].items() if name != "clusters"}
    if owns(there, "spec", "placement", "clusters"):
        placement["clusters"] = live["placement"]["clusters"]
    overrides = with_replicas(spec.get("overrides") or [], given_replicas(there))
    if same_overrides(overrides, live.get("overrides")):
        overrides = live["overrides"] if owns(there, "spec", "overrides") else []
    return {**rest, **({"placement": placement} if placement else {}), **({"overrides": overrides} if overrides else {})}
