# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What an object takes of a namespace, in the words of a ResourceQuota. Pure.

Pods are counted as the API server does it (``pkg/quota/v1/evaluator/core`` of Kubernetes). On how many nodes a DaemonSet runs, and how many
jobs of a CronJob at once, is not known: their pods are not counted.
"""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from typing import Any, Iterator, NamedTuple

from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.fields import value_at
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.lint_rules import pod_spec
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.quantity import quantity
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.scopes import in_scope
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.sources import Path

Object = dict[str, Any]
Amounts = dict[str, Decimal]
_REPLICAS = ("Deployment", "StatefulSet", "ReplicaSet", "ReplicationController")
_UNCOUNTED = ("DaemonSet", "CronJob")
_BARE = ("cpu", "memory")


class Container(NamedTuple):
    """A container with what LimitRanges fill in; ``init`` runs before the others, and not beside them as a sidecar does."""

    path: Path
    name: str
    init: bool
    requests: Amounts
    limits: Amounts


def amounts(value: Any) -> Amounts:
    """The quantities of a map."""
    found = {str(name): quantity(amount) for name, amount in value.items()} if isinstance(value, dict) else {}
    return {name: amount for name, amount in found.items() if amount is not None}


def rules(ranges: list[Object], kind: str) -> Iterator[tuple[str, Object]]:
    """Of LimitRanges the items for ``kind``, each with the name of its range."""
    for one in ranges:
        for item in value_at(one, ("spec", "limits")) or []:
            if isinstance(item, dict) and item.get("type") == kind:
                yield str(one["metadata"]["name"]), item


def containers(body: Object, ranges: list[Object]) -> list[Container]:
    """All of an object's pod, with what LimitRanges fill in; a limit alone is a request as well."""
    spec, path = pod_spec(body)
    requests, limits = _defaults(ranges)
    found = []
    for group in ("initContainers", "containers"):
        items = spec.get(group)
        for index, item in enumerate(items if isinstance(items, list) else []):
            here = (*path, group, index)
            own = amounts(value_at(item, ("resources", "limits")))
            asked = {**requests, **own, **amounts(value_at(item, ("resources", "requests")))}
            init = group == "initContainers" and value_at(item, ("restartPolicy",)) != "Always"
            found.append(Container(here, str(value_at(item, ("name",))), init, asked, {**limits, **own}))
    return found


def _defaults(ranges: list[Object]) -> tuple[Amounts, Amounts]:
    """Requests and limits of a container that says nothing. As the API server has it, max is a default too, and it and min a request."""
    requests: Amounts = {}
    limits: Amounts = {}
    for _name, rule in rules(ranges, "Container"):
        least, most, request, default = (amounts(rule.get(name)) for name in ("min", "max", "defaultRequest", "default"))
        limits |= {**most, **default}
        requests |= {**least, **most, **default, **request}
    return requests, limits


def of_the_pod(body: Object, side: str) -> Amounts:
    """The pod's own ``requests`` or ``limits``, which count instead of its containers'; a limit alone is a request as well."""
    spec, _path = pod_spec(body)
    limits, requests = (amounts(value_at(spec, ("resources", name))) for name in ("limits", "requests"))
    return limits if side == "limits" else {**limits, **requests}


def pod_amounts(body: Object, found: list[Container], side: str) -> Amounts:
    """Containers run together, init containers one by one, before them and beside the sidecars that are started already."""
    together: Amounts = defaultdict(Decimal)
    most: Amounts = defaultdict(Decimal)
    for one in found:
        for name, amount in getattr(one, side).items():
            if one.init:
                most[name] = max(most[name], together[name] + amount)
            else:
                together[name] += amount
    return {**{name: max(together[name], most[name]) for name in (*together, *most)}, **of_the_pod(body, side)}


def pods(body: Object) -> int | None:
    """How many pods an object makes, ``None`` where that is not known."""
    kind, spec = body["kind"], value_at(body, ("spec",))
    if kind in _UNCOUNTED:
        return None
    if kind == "Job":
        return _pods_of_job(spec if isinstance(spec, dict) else {})
    if kind in _REPLICAS:
        return _number(value_at(body, ("spec", "replicas")), 1)
    return 1 if kind == "Pod" else 0


def _pods_of_job(spec: Object) -> int:
    if spec.get("suspend") is True:
        return 0
    at_once = _number(spec.get("parallelism"), 1)
    return min(at_once, _number(spec.get("completions"), at_once))


def _number(value: Any, default: int) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else default


def usage(body: Object | None, counted: str, ranges: list[Object]) -> Amounts:
    """What a quota would count for the object. ``counted`` is the plural of its kind with its group, as ``deployments.apps``."""
    if body is None:
        return {}
    plural, _dot, group = counted.partition(".")
    found: Amounts = {f"count/{counted}": Decimal(1), **({} if group else {plural: Decimal(1)})}
    if body["kind"] == "Service":
        found |= _of_service(body)
    elif body["kind"] == "PersistentVolumeClaim":
        found |= _of_claim(body)
    else:
        found |= {**pod_usage(body, ranges), **claim_usage(body)}
    return found


def pod_usage(body: Object, ranges: list[Object]) -> Amounts:
    """What its pods take."""
    count = pods(body)
    if not count:
        return {}
    found = {"pods": Decimal(count), "count/pods": Decimal(count)}
    there = containers(body, ranges)
    for side in ("requests", "limits"):
        for name, amount in pod_amounts(body, there, side).items():
            found[f"{side}.{name}"] = amount * count
            if side == "requests" and name in _BARE:
                found[name] = amount * count
    return found


def claim_usage(body: Object) -> Amounts:
    """What the claims take that a StatefulSet makes for its pods."""
    found: Amounts = defaultdict(Decimal)
    templates = value_at(body, ("spec", "volumeClaimTemplates")) if body["kind"] == "StatefulSet" else None
    for claim in templates if isinstance(templates, list) else []:
        for name, amount in {"persistentvolumeclaims": Decimal(1), **_of_claim(claim)}.items():
            found[name] += amount * (pods(body) or 0)
    return dict(found)


def _of_service(service: Object) -> Amounts:
    kind, ports = value_at(service, ("spec", "type")), value_at(service, ("spec", "ports"))
    balanced = kind == "LoadBalancer"
    exposed = kind == "NodePort" or (balanced and value_at(service, ("spec", "allocateLoadBalancerNodePorts")) is not False)
    return {
        "services.loadbalancers": Decimal(int(balanced)),
        "services.nodeports": Decimal(len(ports) if exposed and isinstance(ports, list) else 0),
    }


def _of_claim(claim: Any) -> Amounts:
    size = amounts(value_at(claim, ("spec", "resources", "requests"))).get("storage", Decimal(0))
    found = {"requests.storage": size}
    if of_class := value_at(claim, ("spec", "storageClassName")):
        prefix = f"{of_class}.storageclass.storage.k8s.io"
        found |= {f"{prefix}/requests.storage": size, f"{prefix}/persistentvolumeclaims": Decimal(1)}
    return found


# --- quotas of some pods ---


def pods_in(quota: Object, body: Object, ranges: list[Object]) -> bool:
    """Whether the pods of an object fall under a quota with scopes."""
    asked = {*of_the_pod(body, "requests"), *(name for one in containers(body, ranges) for name in (*one.requests, *one.limits))}
    return in_scope(quota, pod_spec(body)[0], best_effort=not asked & set(_BARE))
