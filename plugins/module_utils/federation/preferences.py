# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""ReplicaSchedulingPreferences: their own fields, and whether they fit the target's placement. Pure."""

from __future__ import annotations

from typing import Any, Iterable

from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.fields import unknown, value_at, wrong_type
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.shares import DEFAULT, EVERYWHERE
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.sources import Document, Path, Problem
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.types import nearest

Object = dict[str, Any]
TARGETS = ("FederatedDeployment", "FederatedReplicaSet")
SPEC = ("targetKind", "totalReplicas", "rebalance", "intersectWithClusterSelector", "clusters")
SHARE = ("weight", "minReplicas", "maxReplicas")
_CLUSTERS: Path = ("spec", "clusters")


def check_preference(document: Document, clusters: Iterable[str]) -> tuple[list[Problem], list[str]]:
    """What is wrong with a preference by itself, and notices. ``clusters`` are those joined."""
    problems = unknown(document, (), ("apiVersion", "kind", "metadata", "spec", "status"))
    problems += wrong_type(document, ("spec",), dict, "targetKind and totalReplicas")
    if problems:
        return problems, []
    problems = unknown(document, ("spec",), SPEC)
    target = document.body["spec"].get("targetKind")
    if target not in TARGETS:
        close = nearest(str(target), TARGETS)
        todo = f"write {' or '.join(close or TARGETS)}"
        problems.append(document.problem(("spec", "targetKind"), f"a preference leads no {target or 'object without a kind'}", todo))
    problems += _count(document, ("spec", "totalReplicas"))
    for name in ("rebalance", "intersectWithClusterSelector"):
        problems += wrong_type(document, ("spec", name), bool) if name in document.body["spec"] else []
    problems += _shares(document, sorted(clusters))
    return problems, [] if problems else _sums(document)


def _count(document: Document, path: Path) -> list[Problem]:
    value = value_at(document.body, path)
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return []
    return [document.problem(path, "this is no number of 0 or more" if value is not None else "it is missing", "write a whole number here")]


def _shares(document: Document, joined: list[str]) -> list[Problem]:
    if "clusters" not in document.body["spec"]:
        return []
    problems = wrong_type(document, _CLUSTERS, dict, "clusters with their weight, minReplicas and maxReplicas")
    for name in [] if problems else document.body["spec"]["clusters"]:
        here = (*_CLUSTERS, name)
        if name not in (*joined, EVERYWHERE):
            close = nearest(str(name), joined)
            todo = f"did you mean {close[0]}? Joined are" if close else "join it (playbooks/join.yml), or choose of the joined clusters"
            problems.append(document.problem(here, f"cluster {name!r} is not joined", f"{todo}: {', '.join(joined) or 'none'}"))
        problems += _share(document, here)
    return problems


def _share(document: Document, here: Path) -> list[Problem]:
    problems = wrong_type(document, here, dict, "weight, minReplicas or maxReplicas")
    if problems:
        return problems
    problems = unknown(document, here, SHARE)
    share = value_at(document.body, here)
    for field in SHARE:
        problems += _count(document, (*here, field)) if field in share else []
    if not problems and share.get("minReplicas", 0) > share.get("maxReplicas", share.get("minReplicas", 0)):
        cause = f"minReplicas {share['minReplicas']} is more than maxReplicas {share['maxReplicas']}"
        problems.append(document.problem(here, cause, "correct one of the two"))
    return problems


def _sums(document: Document) -> list[str]:
    spec = document.body["spec"]
    shares, total = (spec.get("clusters") or {}), spec["totalReplicas"]
    least = sum(share.get("minReplicas", 0) for name, share in shares.items() if name != EVERYWHERE)
    said = []
    if least > total:
        said.append(
            f"minReplicas are {least} together and totalReplicas only {total}, so that clusters of less weight get less. "
            "Next: raise totalReplicas, or ask for less"
        )
    bounded = shares and EVERYWHERE not in shares and all("maxReplicas" in share or not share.get("weight") for share in shares.values())
    most = sum(share.get("maxReplicas", share.get("minReplicas", 0)) for share in shares.values())
    if bounded and most < total:
        said.append(
            f"the clusters take {most} replicas at most and totalReplicas are {total}, so that {total - most} run nowhere. "
            "Next: raise maxReplicas, or give a weight to more clusters"
        )
    return [f"{document.place(*_CLUSTERS)}: {document.title}: spec.clusters: {one}." for one in said]


def placement_problems(document: Document, spec: Object, target: str, placed: list[str], joined: Iterable[str]) -> list[Problem]:
    """What a preference gives to clusters in which its target is not placed by its own placement."""
    shares = spec.get("clusters") or DEFAULT
    beyond = [name for name in shares if name != EVERYWHERE and name not in placed and any(shares[name].get(field) for field in SHARE)]
    where = ", ".join(placed) or "nowhere"
    problems = [
        document.problem(
            (*_CLUSTERS, name),
            f"cluster {name!r} is not placed by {target} (placed: {where})",
            "place it there too, or leave the cluster out here",
        )
        for name in beyond
    ]
    more = sorted(set(joined) - set(placed) - set(shares))
    if EVERYWHERE in shares and more and not spec.get("intersectWithClusterSelector"):
        cause = f"{EVERYWHERE!r} is every cluster, also {', '.join(more)}, where {target} is not placed (placed: {where})"
        todo = "name the clusters, or place the target by clusterSelector and write intersectWithClusterSelector: true"
        problems.append(document.problem((*_CLUSTERS, EVERYWHERE), cause, todo))
    return problems
