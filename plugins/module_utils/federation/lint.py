# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a set of manifests would do wrong though each object by itself is valid. Pure.

Each rule looks at what one cluster would get, of the set and of what is federated beside it already (see :class:`World`). What is not
federated is not seen: a member may have it all the same, so most rules warn.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any, Collection, Iterable, Mapping

from ansible_collections.edgefed.kubefed.plugins.module_utils.federation import api_versions, lint_rules
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.check import Key, Resource
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.fields import value_at
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.limits import (
    KINDS,
    QUOTA,
    RANGE,
    Change,
    Limits,
    quota_faults,
    range_faults,
)
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.lint_rules import Fault, World
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.preview import (
    OverrideError,
    PlacementError,
    placed_clusters,
    preview,
)
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.shares import REPLICAS
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.sources import Path, Problem, dotted
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.types import PREFERENCE, FederatedType, nearest
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.usage import usage
from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import EdgefedError

ERROR, WARN, OFF = LEVELS = ("error", "warn", "off")
EMPTY, TWICE = "empty_placement", "replicas_twice"
DEFAULTS: dict[str, str] = {
    "deprecated_api": WARN,
    EMPTY: WARN,
    "ingress_backend": WARN,
    RANGE: WARN,
    QUOTA: WARN,
    "reference": WARN,
    "removed_api": ERROR,
    TWICE: WARN,
    "selector": WARN,
    "service_port": ERROR,
    "unserved_api": ERROR,
}


@dataclass(frozen=True)
class Finding:
    """What ``rule`` says about an object in ``clusters``; ``problem`` has place, cause and next step."""

    rule: str
    level: str
    clusters: tuple[str, ...]
    problem: Problem

    def as_dict(self) -> dict[str, Any]:
        """For programs: that of the problem with ``rule``, ``level`` and ``clusters``."""
        return {"rule": self.rule, "level": self.level, "clusters": list(self.clusters), **self.problem.as_dict()}


@dataclass(frozen=True)
class Beside:
    """What is there already. In the host cluster federated objects and preferences by key, their types, clusters with
    labels; of the clusters their Kubernetes versions, ``limits`` by cluster and namespace, and of ``members`` objects that count there."""

    objects: Mapping[Key, dict[str, Any]] = field(default_factory=dict)
    types: Mapping[str, FederatedType] = field(default_factory=dict)
    clusters: dict[str, dict[str, str]] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    limits: Mapping[tuple[str, str], Limits] = field(default_factory=dict)
    members: Mapping[tuple[str, Key], dict[str, Any]] = field(default_factory=dict)


def levels(given: Mapping[str, Any]) -> dict[str, str]:
    """The level of each rule. Raises :class:`EdgefedError` (code ``lint``) for a rule or level that there is not."""
    for rule, level in given.items():
        if rule not in DEFAULTS:
            close = nearest(str(rule), DEFAULTS)
            todo = f"did you mean {close[0]}?" if close else f"use {', '.join(DEFAULTS)}."
            raise EdgefedError(f"lint: there is no rule {rule!r}. Next: {todo}", code="lint")
        # YAML reads an unquoted off as false
        if level is not False and level not in LEVELS:
            raise EdgefedError(f"lint: {rule} cannot be {level!r}. Next: use {', '.join(LEVELS)}.", code="lint")
    return {**DEFAULTS, **{rule: OFF if level is False else level for rule, level in given.items()}}


def wants(resources: list[Resource]) -> set[tuple[str, str]]:
    """``(target kind, namespace)`` of what is to be looked for in the host cluster, since something here depends on it."""
    world = _world(resources, Beside())
    return {
        (kind, resource.key[1])
        for resource in resources
        for cluster, body in resource.previews.items()
        for kind in lint_rules.looked_for(body, world[cluster])
    }


def under_limits(resources: list[Resource], beside: Collection[Key] = ()) -> set[tuple[str, str]]:
    """``(cluster, namespace)`` of what quotas and limit ranges there may refuse: what is new, of what is federated ``beside`` already
    only what may come to take more."""
    return {
        (cluster, resource.key[1])
        for resource in resources
        for cluster, body in resource.previews.items()
        if resource.type and resource.type.target_namespaced and (resource.key not in beside or _takes(body))
    }


def under_quota(resource: Resource, cluster: str, limits: Limits | None) -> bool:
    """Whether a quota there counts the object, so that what the cluster has of it already has to be known."""
    if limits is None or cluster not in resource.previews:
        return False
    taken = usage(resource.previews[cluster], _counted(resource), limits.ranges)
    return any(name in taken for quota in limits.quotas for name in value_at(quota, ("spec", "hard")) or {})


def _takes(body: dict[str, Any]) -> bool:
    return bool(lint_rules.pod_spec(body)[1]) or body["kind"] in ("Service", "PersistentVolumeClaim")


def lint(resources: list[Resource], beside: Beside, chosen: Mapping[str, str]) -> list[Finding]:
    """All that the rules find, in the order of ``resources``; the same about several clusters is one finding."""
    world = _world(resources, beside)
    limited = _limited(resources, world, beside)
    led = _led([*beside.objects.items(), *((resource.key, resource.body) for resource in resources)])
    found = []
    for resource in resources:
        faults: dict[Fault, list[str]] = defaultdict(list)
        for cluster, body in resource.previews.items():
            of_limits = limited.get((resource.key, cluster), [])
            for fault in (*lint_rules.faults(body, world[cluster]), *_of_version(body, beside.versions.get(cluster, "")), *of_limits):
                faults[fault].append(cluster)
        for fault in _of_the_whole(resource, beside, led):
            faults[fault] += resource.clusters
        found += [
            _finding(resource, fault, clusters, chosen[fault.rule]) for fault, clusters in faults.items() if chosen[fault.rule] != OFF
        ]
    return found


def _finding(resource: Resource, fault: Fault, clusters: list[str], level: str) -> Finding:
    path: Path = fault.path if fault.rule in (EMPTY, TWICE) else ("spec", "template", *fault.path)
    where = f" (in {', '.join(sorted(clusters))})" if len(clusters) < len(resource.clusters) else ""
    problem = Problem(resource.document.place(*path), f"{fault.cause}{where}", fault.todo, resource.title, dotted(path))
    return Finding(fault.rule, level, tuple(sorted(clusters)), problem)


def _world(resources: list[Resource], beside: Beside) -> dict[str, World]:
    bodies: dict[str, list[dict[str, Any]]] = defaultdict(list)
    given = {resource.key for resource in resources}
    for resource in resources:
        for cluster, body in resource.previews.items():
            bodies[cluster].append(body)
    for key, federated in beside.objects.items():
        if key not in given and key[0] in beside.types:
            for cluster, body in _there(federated, beside.types[key[0]], beside.clusters):
                bodies[cluster].append(body)
    everywhere = frozenset(lint_rules.key_of(body) for found in bodies.values() for body in found)
    return {cluster: World(found, everywhere) for cluster, found in bodies.items()}


def _of_version(body: dict[str, Any], version: str) -> Iterable[Fault]:
    found = api_versions.verdict(body, version)
    if found:
        rule, cause, todo = found
        yield Fault(rule, ("apiVersion",), cause, todo)


def _limited(resources: list[Resource], world: dict[str, World], beside: Beside) -> dict[tuple[Key, str], list[Fault]]:
    """What quotas and limit ranges refuse, by object and cluster."""
    found: dict[tuple[Key, str], list[Fault]] = defaultdict(list)
    for cluster, namespace in under_limits(resources):
        limits = beside.limits.get((cluster, namespace), Limits()).joined(world[cluster].of(namespace, KINDS))
        if limits == Limits():
            continue
        inside = [one for one in resources if one.key[1] == namespace and cluster in one.previews and one.type]
        changes = [_change(one, cluster, beside) for one in inside]
        for one, change in zip(inside, changes):
            found[one.key, cluster] += range_faults(change.body, limits.ranges)
        for index, faults in quota_faults(changes, limits).items():
            found[inside[index].key, cluster] += faults
    return found


def _change(resource: Resource, cluster: str, beside: Beside) -> Change:
    live = beside.objects.get(resource.key)
    before = beside.members.get((cluster, resource.key))
    if before is None and live and resource.type:
        before = next((body for _cluster, body in _there(live, resource.type, beside.clusters, cluster)), None)
    return Change(resource.previews[cluster], before, _counted(resource))


def _counted(resource: Resource) -> str:
    """The plural of the target's kind with its group, as quotas have it."""
    target = resource.type.target if resource.type else {}
    return ".".join(part for part in (target.get("pluralName", ""), target.get("group")) if part)


def _there(
    federated: dict[str, Any], kind: FederatedType, clusters: dict[str, dict[str, str]], only: str = ""
) -> Iterable[tuple[str, dict[str, Any]]]:
    """What KubeFed makes of an object that is there, in all clusters or in one; one that it can make nothing of is nowhere."""
    try:
        found = [cluster for cluster in placed_clusters(federated, clusters) if only in ("", cluster)]
        return [(cluster, preview(federated, cluster, kind.target)) for cluster in found]
    except (OverrideError, PlacementError):
        return []


def _led(objects: Iterable[tuple[Key, dict[str, Any]]]) -> set[Key]:
    """The keys of what preferences lead."""
    return {(body["spec"]["targetKind"], key[1], key[2]) for key, body in objects if key[0] == PREFERENCE.kind}


def _of_the_whole(resource: Resource, beside: Beside, led: set[Key]) -> Iterable[Fault]:
    if resource.propagated and not resource.clusters:
        known = ", ".join(sorted(beside.clusters)) or "none"
        cause = f"it chooses no cluster (joined: {known}), so nothing is propagated"
        yield Fault(EMPTY, ("spec", "placement"), cause, "name clusters, or correct the selector")
    path = _replicas_override(resource)
    if path and resource.key in led:
        cause = (
            f"ReplicaSchedulingPreference {resource.key[1]}/{resource.key[2]} sets the replicas of each cluster too, and overwrites these"
        )
        yield Fault(TWICE, path, cause, "remove this override, or the preference")


def _replicas_override(resource: Resource) -> Path | None:
    if resource.type is None or resource.type.target_kind not in ("Deployment", "ReplicaSet"):
        return None
    for index, item in enumerate(resource.document.body["spec"].get("overrides") or []):
        for number, override in enumerate(item["clusterOverrides"]):
            if override["path"] == REPLICAS:
                return ("spec", "overrides", index, "clusterOverrides", number)
    return None
