# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The lint of a run: the host cluster and members are asked only for what a rule could not do without."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable, Collection, Mapping

from ansible_collections.edgefed.kubefed.plugins.module_utils.client import Client, object_path
from ansible_collections.edgefed.kubefed.plugins.module_utils.federate.host import Host
from ansible_collections.edgefed.kubefed.plugins.module_utils.federate.look import Seen
from ansible_collections.edgefed.kubefed.plugins.module_utils.federate.members import TIMEOUT, collection
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.check import Federation, Key, Resource
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.limits import QUOTA, RANGE, Limits
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.lint import (
    ERROR,
    OFF,
    WARN,
    Beside,
    Finding,
    lint,
    under_limits,
    under_quota,
    wants,
)
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.types import FederatedType
from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import EdgefedError

Object = dict[str, Any]
ByPlace = dict[tuple[str, str], Limits]
ByCluster = dict[tuple[str, Key], Object]


class Linted:
    """What the rules found. ``problems`` forbid the run, ``notices`` are for the user to know, with what is ``unknown``."""

    def __init__(self, findings: list[Finding], unknown: list[str]) -> None:
        self.findings = findings
        self.problems = [finding.problem for finding in findings if finding.level == ERROR]
        self.notices = [*(str(finding.problem) for finding in findings if finding.level == WARN), *unknown]


@dataclass(frozen=True)
class Asked:
    """Whom the rules may ask: the ``host`` cluster (``None`` offline), and of members what ``changing`` could be refused for there."""

    host: Host | None
    member: Callable[[str], Client]
    changing: list[Resource]


def look_and_lint(
    asked: Asked,
    federation: Federation,
    seen: Seen,
    resources: list[Resource],
    levels: Mapping[str, str],
    *,
    going: Collection[Key] = (),
) -> Linted:
    """Offline only the set itself is known. What is ``going`` does not count any more."""
    objects = dict(seen.objects)
    limits: ByPlace = {}
    members: ByCluster = {}
    unknown: list[str] = []
    if asked.host:
        objects.update(asked.host.objects([], _places(federation, resources)))
        if {levels[QUOTA], levels[RANGE]} != {OFF}:
            limits, members, unknown = _of_members(asked.host, asked, under_limits(asked.changing, seen.objects), federation.away)
    objects = {key: item for key, item in objects.items() if key not in going}
    beside = Beside(objects, federation.types, federation.clusters, federation.versions, limits, members)
    return Linted(lint(resources, beside, levels), unknown)


def _places(federation: Federation, resources: list[Resource]) -> list[tuple[FederatedType, str]]:
    asked = {resource.collection for resource in resources}
    wanted = wants(resources)
    return [
        (found, namespace)
        for found in federation.types.values()
        for kind, namespace in sorted(wanted)
        if found.enabled and found.target_kind == kind and found.collection(namespace) not in asked
    ]


def _of_members(host: Host, asked: Asked, places: set[tuple[str, str]], away: Collection[str]) -> tuple[ByPlace, ByCluster, list[str]]:
    """The quotas and limit ranges by cluster and namespace, and what is there already where there are quotas; with what is not known, since
    a member did not answer, which hides nothing of the others. One that KubeFed finds away is not asked."""
    clusters = {cluster for cluster, _namespace in places}

    def ask(cluster: str) -> tuple[ByPlace, ByCluster, tuple[str, str]]:
        inside = sorted(namespace for one, namespace in places if one == cluster)
        try:
            client = asked.member(cluster)
            limits = {(cluster, namespace): _limits(client, namespace) for namespace in inside}
            counted = [one for one in asked.changing if under_quota(one, cluster, limits.get((cluster, one.key[1])))]
            return limits, _there(client, cluster, counted), ("", "")
        except EdgefedError as error:
            return {}, {}, (error.without_next, error.next_step)

    answers = sorted(clusters - set(away))
    found = host.each(ask, answers)
    unknown = [("KubeFed does not find it Ready", "bring it back", cluster) for cluster in sorted(clusters & set(away))]
    unknown += [(*why, cluster) for cluster, (_limits, _objects, why) in zip(answers, found) if why[0]]
    limits = {place: limit for some, _objects, _why in found for place, limit in some.items()}
    return limits, {key: item for _limits, some, _why in found for key, item in some.items()}, _told(unknown)


def _told(unknown: list[tuple[str, str, str]]) -> list[str]:
    """One notice for each cause."""
    causes: dict[tuple[str, str], list[str]] = {}
    for cause, todo, cluster in unknown:
        causes.setdefault((cause, todo), []).append(cluster)
    return [
        f"Quotas and limits are not known of {', '.join(clusters)}: {cause}. Next: {todo or 'see to that'}, or leave them out "
        f"(lint: {QUOTA} and {RANGE} off)."
        for (cause, todo), clusters in causes.items()
    ]


def _limits(client: Client, namespace: str) -> Limits:
    paths = [object_path("v1", plural, namespace) for plural in ("resourcequotas", "limitranges")]
    quotas, ranges = (list(client.list(path, timeout=TIMEOUT)) for path in paths)
    return Limits(quotas, ranges)


def _there(client: Client, cluster: str, resources: list[Resource]) -> ByCluster:
    """Those of a member's objects that quotas count already, whether KubeFed brought them or not: one list of each kind and namespace."""
    collections: dict[str, list[Resource]] = {}
    for resource in resources:
        collections.setdefault(collection(resource, cluster), []).append(resource)
    found = {}
    for path, wanted in collections.items():
        items = {item["metadata"]["name"]: item for item in client.list(path, timeout=TIMEOUT)}
        for one in wanted:
            if one.key[2] in items:
                found[cluster, one.key] = {**items[one.key[2]], "kind": one.previews[cluster]["kind"]}
    return found
