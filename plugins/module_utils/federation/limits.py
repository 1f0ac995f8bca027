# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What ResourceQuotas and LimitRanges of one cluster's namespace would refuse. Pure.

Of a quota with scopes only the pods count that fall under all of them.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Iterator, NamedTuple

from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.fields import value_at
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.lint_rules import Fault, pod_spec
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.scopes import has_scopes
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.sources import Path
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.usage import (
    Amounts,
    amounts,
    containers,
    of_the_pod,
    pod_amounts,
    pod_usage,
    pods,
    pods_in,
    rules,
    usage,
)

Object = dict[str, Any]
QUOTA, RANGE = "quota", "limit_range"
KINDS = ("ResourceQuota", "LimitRange")
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


# --- quotas ---


def quota_faults(changes: list[Change], limits: Limits) -> dict[int, list[Fault]]:
    """By the place in ``changes``: what of a quota there is not enough left for, with the object that takes most of it."""
    found: dict[int, list[Fault]] = defaultdict(list)
    for quota in limits.quotas:
        more = [_more(change, quota, limits.ranges) for change in changes]
        for name, hard in sorted(amounts(value_at(quota, ("spec", "hard"))).items()):
            fault, index = _over(quota, name, hard, more)
            if fault:
                found[index].append(fault)
        for index, change in enumerate(changes):
            if not has_scopes(quota) or pods_in(quota, change.body, limits.ranges):
                found[index] += _unsaid(change.body, quota, limits.ranges)
    return found


def _more(change: Change, quota: Object, ranges: list[Object]) -> Amounts:
    before, after = (_counted(body, change.counted, quota, ranges) for body in (change.before, change.body))
    return {name: amount - before.get(name, Decimal(0)) for name, amount in after.items()}


def _counted(body: Object | None, counted: str, quota: Object, ranges: list[Object]) -> Amounts:
    if body is None or not has_scopes(quota):
        return usage(body, counted, ranges)
    return pod_usage(body, ranges) if pods_in(quota, body, ranges) else {}


def _over(quota: Object, name: str, hard: Decimal, more: list[Amounts]) -> tuple[Fault | None, int]:
    used = amounts(value_at(quota, ("status", "used"))).get(name, Decimal(0))
    added = [one.get(name, Decimal(0)) for one in more]
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
    for one in containers(body, ranges) if asked and pods(body) != 0 else []:
        for name, side in asked.items():
            resource = name.rpartition(".")[2]
            if resource not in getattr(one, side) and resource not in of_the_pod(body, side):
                word = f"resources.{side}.{resource}"
                cause = f"ResourceQuota {quota['metadata']['name']} lets in no container without {word}, and {one.name} has none"
                yield Fault(QUOTA, one.path, cause, "add it, or give the namespace a LimitRange with a default")


def _plain(amount: Decimal) -> str:
    return f"{amount.normalize():f}"


# --- ranges ---


def range_faults(body: Object, ranges: list[Object]) -> Iterator[Fault]:
    """What lies outside a LimitRange."""
    for name, rule in rules(ranges, "PersistentVolumeClaim"):
        yield from _outside_of_claim(rule, name, body)
    found = containers(body, ranges)
    if not found:
        return
    for name, rule in rules(ranges, "Container"):
        for one in found:
            yield from _outside(rule, name, one.path, f"container {one.name}", (one.requests, one.limits))
    _spec, path = pod_spec(body)
    both = pod_amounts(body, found, "requests"), pod_amounts(body, found, "limits")
    for name, rule in rules(ranges, "Pod"):
        yield from _outside(rule, name, path, "the pod", both)


def _outside_of_claim(rule: Object, name: str, body: Object) -> Iterator[Fault]:
    path: Path = ("spec", "resources", "requests")
    if body["kind"] != "PersistentVolumeClaim":
        return
    size = amounts(value_at(body, path)).get("storage", Decimal(0))
    least, most = (amounts(rule.get(side)).get("storage") for side in ("min", "max"))
    if least is not None and size < least:
        cause = f"LimitRange {name} wants storage of {_plain(least)} at least, and this claim asks for {_plain(size)}"
        yield Fault(RANGE, path, cause, "ask for so much, or leave the cluster out")
    if most is not None and size > most:
        cause = f"LimitRange {name} allows storage of {_plain(most)} at most, and this claim asks for {_plain(size)}"
        yield Fault(RANGE, path, cause, "ask for less, or leave the cluster out")


def _outside(rule: Object, name: str, path: Path, what: str, both: tuple[Amounts, Amounts]) -> Iterator[Fault]:
    requests, limits = both
    for resource, least in amounts(rule.get("min")).items():
        if resource not in requests or requests[resource] < least:
            has = _plain(requests[resource]) if resource in requests else "none"
            cause = f"LimitRange {name} wants {resource} of {_plain(least)} at least, and {what} requests {has}"
            yield Fault(RANGE, path, cause, "ask for so much, or leave the cluster out")
    for resource, most in amounts(rule.get("max")).items():
        if resource not in limits or limits[resource] > most or requests.get(resource, most) > most:
            has = f"has the limit {_plain(limits[resource])}" if resource in limits else "has no limit"
            cause = f"LimitRange {name} allows {resource} of {_plain(most)} at most, and {what} {has}"
            yield Fault(RANGE, path, cause, "set a lower limit, or leave the cluster out")
    for resource, ratio in amounts(rule.get("maxLimitRequestRatio")).items():
        low, high = requests.get(resource), limits.get(resource)
        if low and high and high / low > ratio:
            cause = (
                f"LimitRange {name} allows limits of {_plain(ratio)} times the request of {resource}, and {what} has {_plain(high / low)}"
            )
            yield Fault(RANGE, path, cause, "bring request and limit nearer together, or leave the cluster out")
