# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The lint of a run: the host cluster and members are asked only for what a rule could not do without."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Callable, Collection, Mapping

from ansible_collections.edgefed.kubefed.plugins.module_utils.client import Client, object_path
from ansible_collections.edgefed.kubefed.plugins.module_utils.federate.host import Host
from ansible_collections.edgefed.kubefed.plugins.module_utils.federate.look import Seen
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
    wants,
)
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.types import FederatedType
from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import EdgefedError


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
    limits: dict[tuple[str, str], Limits] = {}
    unknown: list[str] = []
    if asked.host:
        objects.update(asked.host.objects([], _places(federation, resources)))
        if {levels[QUOTA], levels[RANGE]} != {OFF}:
            limits, unknown = _limits_of(asked.host, asked.member, under_limits(asked.changing))
    objects = {key: item for key, item in objects.items() if key not in going}
    beside = Beside(objects, federation.types, federation.clusters, federation.versions, limits)
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


def _limits_of(
    host: Host, member: Callable[[str], Client], places: set[tuple[str, str]]
) -> tuple[dict[tuple[str, str], Limits], list[str]]:
    """The quotas and limit ranges by cluster and namespace, one list of each kind; a member that does not answer is told, and hides
    nothing of the others."""
    clusters = sorted({cluster for cluster, _namespace in places})

    def ask(cluster: str) -> tuple[dict[tuple[str, str], Limits], str]:
        try:
            client = member(cluster)
            return {(one, namespace): _limits(client, namespace) for one, namespace in sorted(places) if one == cluster}, ""
        except EdgefedError as error:
            cause = error.without_next
            todo = f"see to that, or leave them out (lint: {QUOTA} and {RANGE} off)"
            return {}, f"Quotas and limits of cluster {cluster!r} are not known: {cause}. Next: {todo}."

    found = host.each(ask, clusters)
    return {place: limits for some, _said in found for place, limits in some.items()}, [said for _some, said in found if said]


def _limits(client: Client, namespace: str) -> Limits:
    quotas, ranges = (list(client.list(object_path("v1", plural, namespace))) for plural in ("resourcequotas", "limitranges"))
    return Limits(quotas, ranges)
