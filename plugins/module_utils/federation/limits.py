# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What ResourceQuotas and LimitRanges of one cluster's namespace would refuse. Pure.

The pods of DaemonSets and CronJobs are not counted: how many there will be depends on nodes, and on time.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Iterator, NamedTuple

from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.fields import value_at
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.lint_rules import Fault, pod_spec
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.quantity import quantity
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.scopes import has_scopes, in_scope
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.sources import Path

Object = dict[str, Any]
Amounts = dict[str, Decimal]
QUOTA, RANGE = "quota", "limit_range"
KINDS = ("ResourceQuota", "LimitRange")
_REPLICAS = ("Deployment", "StatefulSet", "ReplicaSet", "ReplicationController")
_BARE = ("cpu", "memory")
_ASKED_OF_ALL = {"cpu": "requests", "memory": "requests", **{f"{side}.{name}": side for side in ("requests", "limits") for name in _BARE}}


@dataclass(frozen=True)
class Limits:
    """The ResourceQuotas and LimitRanges of one namespace of one cluster."""

    quotas: list[Object] = field(default_factory=list)
    ranges: list[Object] = field(default_factory=list)

    def joined(self, given: list[Object]) -> Limits:
        """With those that are given now; of a quota that is there already only what is used stays."""
        used = {quota["metadata"]["name"]: quota.get("status") for quota in self.quotas}
        names = {(body["kind"], body["metadata"]["name"]) for body in given}
        quotas = [one for one in self.quotas if ("ResourceQuota", one["metadata"]["name"]) not in names]
        ranges = [one for one in self.ranges if ("LimitRange", one["metadata"]["name"]) not in names]
        quotas += [{**one, "status": used.get(one["metadata"]["name"])} for one in given if one["kind"] == "ResourceQuota"]
        return Limits(quotas, ranges + [one for one in given if one["kind"] == "LimitRange"])


class Change(NamedTuple):
    """An object as a cluster gets it, what it has of it now, and the plural of its kind with its group, as ``deployments.apps``."""

    body: Object
    before: Object | None
    counted: str


class _Container(NamedTuple):
    path: Path
    name: str
    init: bool
    requests: Amounts
    limits: Amounts


# --- what an object takes ---


def _amounts(value: Any) -> Amounts:
    found = {str(name): quantity(amount) for name, amount in value.items()} if isinstance(value, dict) else {}
    return {name: amount for name, amount in found.items() if amount is not None}


def _rules(ranges: list[Object], kind: str) -> Iterator[tuple[str, Object]]:
    for one in ranges:
        for item in value_at(one, ("spec", "limits")) or []:
            if isinstance(item, dict) and item.get("type") == kind:
                yield str(one["metadata"]["name"]), item


def _containers(body: Object, ranges: list[Object]) -> list[_Container]:
    """With what LimitRanges fill in; a limit alone is a request as well."""
    spec, path = pod_spec(body)
    requests, limits = _defaults(ranges)
    found = []
    for group in ("initContainers", "containers"):
        items = spec.get(group)
        for index, item in enumerate(items if isinstance(items, list) else []):
            here = (*path, group, index)
            own = _amounts(value_at(item, ("resources", "limits")))
            asked = {**requests, **own, **_amounts(value_at(item, ("resources", "requests")))}
            found.append(_Container(here, str(value_at(item, ("name",))), group == "initContainers", asked, {**limits, **own}))
    return found


def _defaults(ranges: list[Object]) -> tuple[Amounts, Amounts]:
    """Requests and limits of a container that says nothing. As the API server has it, max is a default too, and it and min a request."""
    requests: Amounts = {}
    limits: Amounts = {}
    for _name, rule in _rules(ranges, "Container"):
        least, most, request, default = (_amounts(rule.get(name)) for name in ("min", "max", "defaultRequest", "default"))
        limits |= {**most, **default}
        requests |= {**least, **most, **default, **request}
    return requests, limits


def _of_pod(containers: list[_Container], side: str) -> Amounts:
    """Containers run together, init containers one by one before them."""
    together: Amounts = defaultdict(Decimal)
    before: Amounts = defaultdict(Decimal)
    for one in containers:
        for name, amount in getattr(one, side).items():
            if one.init:
                before[name] = max(before[name], amount)
            else:
                together[name] += amount
    return {name: max(together[name], before[name]) for name in (*together, *before)}


def _pods(body: Object) -> int:
    kind = body["kind"]
    if kind == "Pod":
        return 1
    wanted = value_at(body, ("spec", "replicas")) if kind in _REPLICAS else value_at(body, ("spec", "parallelism"))
    if kind not in (*_REPLICAS, "Job"):
        return 0
    return wanted if isinstance(wanted, int) and not isinstance(wanted, bool) else 1


def usage(body: Object | None, counted: str, ranges: list[Object]) -> Amounts:
    """What a quota would count for the object, in a quota's own words."""
    if body is None:
        return {}
    plural, _dot, group = counted.partition(".")
    return {f"count/{counted}": Decimal(1), **({} if group else {plural: Decimal(1)}), **_of_pods(body, ranges)}


def _of_pods(body: Object, ranges: list[Object]) -> Amounts:
    count = _pods(body)
    if not count:
        return {}
    found: Amounts = {"pods": Decimal(count), "count/pods": Decimal(count)}
    containers = _containers(body, ranges)
    for side in ("requests", "limits"):
        for name, amount in _of_pod(containers, side).items():
            found[f"{side}.{name}"] = amount * count
            if side == "requests" and name in _BARE:
                found[name] = amount * count
    return found


def _counts(quota: Object, body: Object | None, ranges: list[Object]) -> bool:
    """Whether the object's pods fall under a quota with scopes."""
    if body is None:
        return False
    asked = [name for one in _containers(body, ranges) for side in (one.requests, one.limits) for name in side]
    return in_scope(quota, pod_spec(body)[0], not set(asked) & set(_BARE))


# --- quotas ---


def quota_faults(changes: list[Change], limits: Limits) -> dict[int, list[Fault]]:
    """By the place in ``changes``: what of a quota there is not enough left for, with the object that takes most of it."""
    found: dict[int, list[Fault]] = defaultdict(list)
    more = [_more(change, limits.ranges) for change in changes]
    for quota in limits.quotas:
        scoped = has_scopes(quota)
        added = [_more_in_scope(quota, change, limits.ranges) for change in changes] if scoped else more
        for name, hard in sorted(_amounts(value_at(quota, ("spec", "hard"))).items()):
            fault, index = _over(quota, name, hard, added)
            if fault:
                found[index].append(fault)
        for index, change in enumerate(changes):
            if not scoped or _counts(quota, change.body, limits.ranges):
                found[index] += _unsaid(change.body, quota, limits.ranges)
    return found


def _more(change: Change, ranges: list[Object]) -> Amounts:
    return _less(usage(change.body, change.counted, ranges), usage(change.before, change.counted, ranges))


def _more_in_scope(quota: Object, change: Change, ranges: list[Object]) -> Amounts:
    """Of pods alone, each before and after where they fall under the quota."""
    before, after = (_of_pods(body, ranges) if body and _counts(quota, body, ranges) else {} for body in (change.before, change.body))
    return _less(after, before)


def _less(after: Amounts, before: Amounts) -> Amounts:
    return {name: amount - before.get(name, Decimal(0)) for name, amount in after.items()}


def _over(quota: Object, name: str, hard: Decimal, more: list[Amounts]) -> tuple[Fault | None, int]:
    used = _amounts(value_at(quota, ("status", "used"))).get(name, Decimal(0))
    added = [amounts.get(name, Decimal(0)) for amounts in more]
    total = sum(added, Decimal(0))
    if total <= 0 or used + total <= hard:
        return None, 0
    index = max(range(len(added)), key=lambda place: added[place])
    cause = (
        f"ResourceQuota {quota['metadata']['name']} allows {name} {_plain(hard)}; {_plain(used)} is used, and {_plain(total)} would come"
    )
    return Fault(QUOTA, ("spec",), cause, "ask for less here, raise the quota, or leave the cluster out"), index


def _unsaid(body: Object, quota: Object, ranges: list[Object]) -> Iterator[Fault]:
    asked = {name: side for name, side in _ASKED_OF_ALL.items() if name in (value_at(quota, ("spec", "hard")) or {})}
    for one in _containers(body, ranges) if asked else []:
        for name, side in asked.items():
            if name.rpartition(".")[2] not in getattr(one, side):
                word = f"resources.{side}.{name.rpartition('.')[2]}"
                cause = f"ResourceQuota {quota['metadata']['name']} lets in no container without {word}, and {one.name} has none"
                yield Fault(QUOTA, one.path, cause, "add it, or give the namespace a LimitRange with a default")


def _plain(amount: Decimal) -> str:
    return f"{amount.normalize():f}"


# --- ranges ---


def range_faults(body: Object, ranges: list[Object]) -> Iterator[Fault]:
    """What lies outside a LimitRange."""
    containers = _containers(body, ranges)
    if not containers:
        return
    for name, rule in _rules(ranges, "Container"):
        for one in containers:
            yield from _outside(rule, name, one.path, f"container {one.name}", (one.requests, one.limits))
    _spec, path = pod_spec(body)
    for name, rule in _rules(ranges, "Pod"):
        yield from _outside(rule, name, path, "the pod", (_of_pod(containers, "requests"), _of_pod(containers, "limits")))


def _outside(rule: Object, name: str, path: Path, what: str, amounts: tuple[Amounts, Amounts]) -> Iterator[Fault]:
    requests, limits = amounts
    for resource, least in _amounts(rule.get("min")).items():
        if resource not in requests or requests[resource] < least:
            has = _plain(requests[resource]) if resource in requests else "none"
            cause = f"LimitRange {name} wants {resource} of {_plain(least)} at least, and {what} requests {has}"
            yield Fault(RANGE, path, cause, "ask for so much, or leave the cluster out")
    for resource, most in _amounts(rule.get("max")).items():
        if resource not in limits or limits[resource] > most or requests.get(resource, most) > most:
            has = f"has the limit {_plain(limits[resource])}" if resource in limits else "has no limit"
            cause = f"LimitRange {name} allows {resource} of {_plain(most)} at most, and {what} {has}"
            yield Fault(RANGE, path, cause, "set a lower limit, or leave the cluster out")
    for resource, ratio in _amounts(rule.get("maxLimitRequestRatio")).items():
        low, high = requests.get(resource), limits.get(resource)
        if low and high and high / low > ratio:
            cause = (
                f"LimitRange {name} allows limits of {_plain(ratio)} times the request of {resource}, and {what} has {_plain(high / low)}"
            )
            yield Fault(RANGE, path, cause, "bring request and limit nearer together, or leave the cluster out")
