# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The lint of a run: the host cluster and members are asked only for what a rule could not do without."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Callable, Mapping

from ansible_collections.edgefed.kubefed.plugins.module_utils.client import Client, object_path
from ansible_collections.edgefed.kubefed.plugins.module_utils.federate.host import Host
from ansible_collections.edgefed.kubefed.plugins.module_utils.federate.look import Seen
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.check import Federation, Resource
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
    """What the rules found. ``problems`` forbid the run, ``notices`` are for the user to know; ``requests`` were sent to members."""

    def __init__(self, findings: list[Finding], members: _Members) -> None:
        self.findings = findings
        self.problems = [finding.problem for finding in findings if finding.level == ERROR]
        self.notices = [*(str(finding.problem) for finding in findings if finding.level == WARN), *members.notices]
        self.requests = members.requests


@dataclass(frozen=True)
class Asked:
    """Whom the rules may ask: the ``host`` cluster (``None`` offline), and of members what ``changing`` could be refused for there."""

    host: Host | None
    member: Callable[[str], Client]
    changing: list[Resource]


def look_and_lint(asked: Asked, federation: Federation, seen: Seen, resources: list[Resource], levels: Mapping[str, str]) -> Linted:
    """Offline only the set itself is known."""
    objects = dict(seen.objects)
    members = _Members(asked.member)
    if asked.host:
        objects.update(asked.host.objects([], _places(federation, resources)))
        if {levels[QUOTA], levels[RANGE]} != {OFF}:
            members.look(asked.host, under_limits(asked.changing))
    beside = Beside(objects, federation.types, federation.clusters, federation.versions, members.limits)
    return Linted(lint(resources, beside, levels), members)


def _places(federation: Federation, resources: list[Resource]) -> list[tuple[FederatedType, str]]:
    asked = {resource.collection for resource in resources}
    wanted = wants(resources)
    return [
        (found, namespace)
        for found in federation.types.values()
        for kind, namespace in sorted(wanted)
        if found.enabled and found.target_kind == kind and found.collection(namespace) not in asked
    ]


class _Members:
    """The quotas and limit ranges of members; one that does not answer is told, and hides nothing of the others."""

    def __init__(self, member: Callable[[str], Client]) -> None:
        self._member = member
        self.limits: dict[tuple[str, str], Limits] = {}
        self.notices: list[str] = []
        self.requests = 0

    def look(self, host: Host, places: set[tuple[str, str]]) -> None:
        """One list of each kind for each cluster and namespace."""
        clusters = sorted({cluster for cluster, _namespace in places})
        namespaces = {cluster: sorted(namespace for one, namespace in places if one == cluster) for cluster in clusters}
        for found, notice, requests in host.each(lambda cluster: self._look_at(cluster, namespaces[cluster]), clusters):
            self.limits.update(found)
            self.notices += [notice] if notice else []
            self.requests += requests

    def _look_at(self, cluster: str, namespaces: list[str]) -> tuple[dict[tuple[str, str], Limits], str, int]:
        client: Client | None = None
        try:
            client = self._member(cluster)
            found = {(cluster, namespace): _limits(client, namespace) for namespace in namespaces}
        except EdgefedError as error:
            cause = error.message.split(" Next: ", maxsplit=1)[0].rstrip(".")
            todo = f"see to that, or leave them out (lint: {QUOTA} and {RANGE} off)"
            return {}, f"Quotas and limits of cluster {cluster!r} are not known: {cause}. Next: {todo}.", client.requests if client else 0
        return found, "", client.requests


def _limits(client: Client, namespace: str) -> Limits:
    quotas, ranges = (list(client.list(object_path("v1", plural, namespace))) for plural in ("resourcequotas", "limitranges"))
    return Limits(quotas, ranges)
