# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How KubeFed 0.10.0 distributes the replicas of a ReplicaSchedulingPreference. Pure.

The source is KubeFed's ``pkg/controller/util/planner`` and ``pkg/schedulingtypes``. What it learns of pods that cannot be scheduled in a
cluster (its capacity) only it knows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Iterable, Mapping

Object = dict[str, Any]
EVERYWHERE = "*"
# What a preference without clusters means.
DEFAULT: Object = {EVERYWHERE: {"weight": 1}}
REPLICAS = "/spec/replicas"


@dataclass(frozen=True)
class _Entry:
    name: str
    hash: int
    weight: int
    least: int
    most: int | None


def fnv32(text: str) -> int:
    """Go's ``fnv.New32``."""
    found = 2166136261
    for byte in text.encode():
        found = (found * 16777619 & 0xFFFFFFFF) ^ byte
    return found


def distribute(spec: Object, clusters: Iterable[str], current: Mapping[str, int], key: str) -> dict[str, int]:
    """The replicas of each of ``clusters``. ``current`` is what runs there now, ``key`` the target's ``namespace/name``."""
    given = spec.get("clusters") or DEFAULT
    names = list(clusters)
    entries = sorted(_entries(given, names, key), key=lambda entry: (-entry.weight, entry.hash))
    plan = dict.fromkeys((name for name in names if name not in given and EVERYWHERE not in given), 0)
    left = int(spec.get("totalReplicas") or 0)
    for entry in entries:
        plan[entry.name] = min(entry.least, left)
        left -= plan[entry.name]
    kept: dict[str, int] = {}
    if not spec.get("rebalance"):
        for entry in entries:
            left -= _keep(entry, plan, kept, current, left)
    _spread(entries, plan, kept, left)
    return plan


def _entries(given: Object, names: list[str], key: str) -> Iterable[_Entry]:
    for name in names:
        wish = given.get(name, given.get(EVERYWHERE))
        if wish is not None:
            most = wish.get("maxReplicas")
            yield _Entry(name, fnv32(name + key), int(wish.get("weight") or 0), int(wish.get("minReplicas") or 0), most)


def _keep(entry: _Entry, plan: dict[str, int], kept: dict[str, int], current: Mapping[str, int], left: int) -> int:
    """Without rebalancing what runs stays; gives how many that are beyond the minimum."""
    count = current.get(entry.name, 0)
    if count <= plan[entry.name]:
        return 0
    target = count if entry.most is None else min(entry.most, count)
    more = max(min(target - plan[entry.name], left), 0)
    kept[entry.name] = more
    plan[entry.name] += more
    return more


def _spread(entries: list[_Entry], plan: dict[str, int], kept: dict[str, int], left: int) -> None:
    """The rest by weight, rounded up, round after round among those that are not full."""
    moved = True
    while moved and left > 0:
        moved = False
        weights = sum(entry.weight for entry in entries)
        again = []
        share = left
        for entry in entries if weights > 0 else []:
            start = plan[entry.name]
            extra = min((share * entry.weight + weights - 1) // weights, left)
            used = min(extra, kept.get(entry.name, 0))
            kept[entry.name] = kept.get(entry.name, 0) - used
            total = start + extra - used
            full = entry.most is not None and total > entry.most
            if entry.most is not None and full:
                total = entry.most
            if not full:
                again.append(entry)
            left -= total - start
            plan[entry.name] = total
            moved = moved or used > 0 or total > start
        entries = again


def given_replicas(federated: Object | None) -> dict[str, int]:
    """What the overrides of a federated object give each cluster."""
    found = {}
    for item in ((federated or {}).get("spec") or {}).get("overrides") or []:
        for override in item.get("clusterOverrides") or []:
            if override.get("path") == REPLICAS and isinstance(override.get("value"), int):
                found[str(item.get("clusterName"))] = override["value"]
    return found


def with_replicas(overrides: list[Object], replicas: Mapping[str, int]) -> list[Object]:
    """Overrides with those of the replicas as KubeFed sets them: at their place where there are some, else the last."""
    found = {str(item["clusterName"]): list(item.get("clusterOverrides") or []) for item in overrides}
    for cluster, wanted in found.items():
        if cluster not in replicas:
            found[cluster] = [one for one in wanted if one.get("path") != REPLICAS]
    for cluster, count in sorted(replicas.items()):
        there = found.setdefault(cluster, [])
        places = [index for index, one in enumerate(there) if one.get("path") == REPLICAS]
        if places:
            there[places[0]] = {**there[places[0]], "value": count}
        else:
            there.append({"path": REPLICAS, "value": count})
    return [{"clusterName": cluster, "clusterOverrides": wanted} for cluster, wanted in found.items() if wanted]


def same_overrides(first: list[Object] | None, second: list[Object] | None) -> bool:
    """Whether they say the same of each cluster. KubeFed writes clusters in any order."""
    left, right = ({item["clusterName"]: item.get("clusterOverrides") for item in some or []} for some in (first, second))
    return {name: value for name, value in left.items() if value} == {name: value for name, value in right.items() if value}


def satisfied(spec: Object, plan: Mapping[str, int], replicas: Mapping[str, int], loose: bool = False) -> bool:
    """Whether KubeFed follows the preference. It knows what really runs: without rebalancing, or when ``loose``, the sum has to do."""
    if spec.get("rebalance") and not loose:
        return dict(plan) == dict(replicas)
    return set(plan) == set(replicas) and sum(replicas.values()) >= sum(plan.values())
