# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The namespaces that federated resources need: there in the host cluster, and federated to where the resources go. Pure.

KubeFed propagates a namespaced resource only to the clusters that its FederatedNamespace chooses as well.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.check import Federation, Resource
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.plan import in_deletion
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.preview import PlacementError, placed_clusters, preview
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.sources import Document, Problem
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.types import DNS_RECORDS, FEDERATED_NAMESPACE

MADE_BY = "edgefed.io/made-by"
MADE_BY_US = "federated_resource"
# Of a FederatedNamespace: its host cluster's namespace was made for it. KubeFed's overrides may wipe the mark on that one itself.
MADE_NAMESPACE = "edgefed.io/made-namespace"
ORIGIN = "(made for the resources)"


@dataclass
class Needed:
    """What to add to the set, first, and what is wrong."""

    resources: list[Resource] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def made_by_us(current: dict[str, Any] | None) -> bool:
    """Whether an object was made because resources needed it, and may go with them."""
    annotations = ((current or {}).get("metadata") or {}).get("annotations") or {}
    return bool(annotations.get(MADE_BY) == MADE_BY_US)


def made_namespace(federated: dict[str, Any] | None) -> bool:
    """Whether a FederatedNamespace tells that the namespace it lies in was made for it."""
    annotations = ((federated or {}).get("metadata") or {}).get("annotations") or {}
    return bool(annotations.get(MADE_NAMESPACE) == "true")


def namespaces_of(resources: list[Resource]) -> list[str]:
    """Every namespace that federated resources lie in, sorted."""
    return sorted({resource.key[1] for resource in resources if resource.key[1]})


@dataclass(frozen=True)
class Situation:
    """What is there. ``hosts`` and ``federated`` are the host cluster's Namespaces and FederatedNamespaces by name.

    ``policy`` is ``create`` or ``require``; ``limited`` is a KubeFed that watches its own namespace only.
    """

    federation: Federation
    hosts: dict[str, dict[str, Any]]
    federated: dict[str, dict[str, Any]]
    policy: str = "create"
    limited: bool = False


def needed(resources: list[Resource], situation: Situation) -> Needed:
    """Namespaces and FederatedNamespaces to make for ``resources``, or why they must not be made."""
    result = Needed()
    defined = {resource.key: resource for resource in resources}
    for name in namespaces_of(resources):
        made = len(result.resources)
        inside = [resource for resource in resources if resource.key[1] == name]
        out_of_reach = _out_of_reach([resource for resource in inside if resource.key[0] not in DNS_RECORDS], name, situation)
        if out_of_reach or (not situation.limited and name == situation.federation.namespace):
            result.problems += out_of_reach
            continue
        if ("Namespace", "", name) not in defined:
            _host_namespace(result, name, inside, situation)
        own = defined.get((FEDERATED_NAMESPACE, name, name))
        if own is not None and (len(result.resources) > made or made_namespace(situation.federated.get(name))):
            own.body["metadata"]["annotations"] = {**(own.body["metadata"].get("annotations") or {}), MADE_NAMESPACE: "true"}
        users = [resource for resource in inside if resource.type and resource.type.target_namespaced]
        if not users or situation.limited:
            continue
        if own is not None:
            by = f"the FederatedNamespace {name} defined here ({own.document.place()})"
            result.problems += _uncovered(users, own.clusters, by)
        else:
            _federate(result, name, users, situation)
    return result


def _out_of_reach(inside: list[Resource], name: str, situation: Situation) -> list[Problem]:
    """What KubeFed does not look at, since it lies in this namespace."""
    own = situation.federation.namespace
    if situation.limited and name != own:
        return [_wrong(resource, f"this KubeFed watches only its own namespace {own}", f"write namespace: {own}") for resource in inside]
    if not situation.limited and name == own:
        return [
            _wrong(resource, "KubeFed propagates nothing of its own namespace", "give the object another namespace") for resource in inside
        ]
    return []


def _host_namespace(result: Needed, name: str, inside: list[Resource], situation: Situation) -> None:
    current = situation.hosts.get(name)
    going = current is not None and in_deletion(current)
    if situation.policy == "require":
        if current is None or going:
            state = "is being deleted" if going else "is not"
            result.problems.append(_missing(inside[0], f"namespace {name} {state} in the host cluster"))
    elif current is None or going or made_by_us(current):
        result.resources.append(namespace_of(name))


def _federate(result: Needed, name: str, users: list[Resource], situation: Situation) -> None:
    federation, current = situation.federation, situation.federated.get(name)
    if current is not None and (in_deletion(current) or in_deletion(situation.hosts.get(name) or current)):
        current = None
    there = placed(current, federation)
    by = f"the FederatedNamespace {name} in the host cluster"
    if current is None and situation.policy == "require":
        result.problems.append(_missing(users[0], f"namespace {name} is not federated"))
    elif current is not None and (situation.policy == "require" or not made_by_us(current)):
        result.problems += _uncovered(users, there, by)
    elif FEDERATED_NAMESPACE not in federation.types or not federation.types[FEDERATED_NAMESPACE].enabled:
        cause = f"namespace {name} cannot be federated: the kind FederatedNamespace is not enabled"
        result.problems.append(_wrong(users[0], cause, "set propagation: Enabled in FederatedTypeConfig namespaces"))
    else:
        wanted = {cluster for resource in users for cluster in resource.clusters}
        result.resources.append(federated_of(name, sorted({*wanted, *there}), federation))


def placed(current: dict[str, Any] | None, federation: Federation) -> list[str]:
    """The clusters that an object which is there chooses; none where KubeFed cannot use its selector."""
    try:
        return placed_clusters(current, federation.clusters) if current else []
    except PlacementError:
        return []


def _uncovered(users: list[Resource], covered: list[str], by: str) -> list[Problem]:
    problems = []
    for resource in users:
        missing = [cluster for cluster in resource.clusters if cluster not in covered]
        if missing:
            cause = f"it would not reach {', '.join(missing)}: {by} goes to {', '.join(covered) or 'no cluster'} only"
            problems.append(_wrong(resource, cause, f"place the FederatedNamespace in {', '.join(missing)} too, or the resource not there"))
    return problems


def _wrong(resource: Resource, cause: str, todo: str) -> Problem:
    return resource.document.problem(("metadata", "namespace"), cause, todo)


def _missing(resource: Resource, cause: str) -> Problem:
    todo = "define it, or let it be made: federated_resources_namespace: create (module option namespace_policy)"
    return _wrong(resource, f"{cause}, and namespace_policy is require", todo)


def _metadata(name: str, namespace: str | None = None) -> dict[str, Any]:
    where = {"namespace": namespace} if namespace else {}
    return {"name": name, **where, "annotations": {MADE_BY: MADE_BY_US}}


def namespace_of(name: str) -> Resource:
    """The Namespace, marked as made by us."""
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": _metadata(name)}
    return Resource(Document(body, ORIGIN), body, None)


def federated_of(name: str, clusters: list[str], federation: Federation) -> Resource:
    """Its FederatedNamespace, placed in ``clusters``, marked as made by us. The type must be there."""
    federated = federation.types[FEDERATED_NAMESPACE]
    body = {
        "apiVersion": federated.api_version,
        "kind": FEDERATED_NAMESPACE,
        "metadata": _metadata(name, name),
        "spec": {"placement": {"clusters": [{"name": cluster} for cluster in clusters]}},
    }
    previews = {cluster: preview(body, cluster, federated.target) for cluster in clusters}
    return Resource(Document(body, ORIGIN), body, federated, clusters, previews)
