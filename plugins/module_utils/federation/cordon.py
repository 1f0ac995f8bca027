# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Manifests and clusters that are cordoned: nothing new goes there, and nothing that was taken out comes back by itself. Pure."""

from __future__ import annotations

from typing import Any

from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.check import Federation, Resource
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.preview import PlacementError, named_clusters, placed_clusters
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.sources import Path, Problem
from ansible_collections.edgefed.kubefed.plugins.module_utils.scheduling.memory import PLACEMENT, Memory, hold_out, memory_of

_CLUSTERS: Path = ("spec", "placement", "clusters")


def respect_cordons(resource: Resource, current: dict[str, Any] | None, federation: Federation) -> tuple[list[Problem], list[str]]:
    """Takes the clusters out of the resource where it must not go, with a notice; a cluster that it names anew is a problem.

    What a selector chooses cannot be corrected in the manifest, so it is held out until the cluster is uncordoned.
    """
    if resource.type is None or not any(cluster in federation.cordoned for cluster in resource.clusters):
        return [], []
    known = memory_of(current)
    remembered = known.out if known else []
    there = _placed(current, federation)
    coming = [cluster for cluster in resource.clusters if cluster in federation.cordoned and cluster not in there]
    named = named_clusters(resource.body) is not None
    refused = [cluster for cluster in coming if named and cluster not in remembered]
    held = [cluster for cluster in coming if cluster not in refused]
    memory = hold_out(resource.body, held, federation.clusters)
    if memory:
        _hold(resource, memory)
    return [_problem(resource, cluster, federation) for cluster in refused], [_notice(resource, cluster, federation) for cluster in held]


def _placed(current: dict[str, Any] | None, federation: Federation) -> list[str]:
    try:
        return placed_clusters(current, federation.clusters) if current else []
    except PlacementError:
        return []


def _hold(resource: Resource, memory: Memory) -> None:
    meta, spec = resource.body["metadata"], resource.body["spec"]
    meta["annotations"] = {**(meta.get("annotations") or {}), PLACEMENT: memory.dump()}
    resource.body["spec"] = {**spec, "placement": {**spec["placement"], "clusters": [{"name": name} for name in memory.left]}}
    resource.clusters = [cluster for cluster in resource.clusters if cluster not in memory.out]
    resource.previews = {cluster: body for cluster, body in resource.previews.items() if cluster not in memory.out}


def _problem(resource: Resource, cluster: str, federation: Federation) -> Problem:
    index = (named_clusters(resource.document.body) or []).index(cluster)
    cause = f"cluster {cluster!r} is {federation.cordoned[cluster]}, so nothing new is placed there"
    return resource.document.problem((*_CLUSTERS, index), cause, f"leave it out, or uncordon it (uncordon.yml --limit {cluster})")


def _notice(resource: Resource, cluster: str, federation: Federation) -> str:
    mark = federation.cordoned[cluster]
    return f"{resource.document.place()}: {resource.title} stays out of cluster {cluster!r} until that is uncordoned: it is {mark}."
