# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The lint of a run: the host cluster is asked only for what a rule could not do without."""

from __future__ import annotations

from typing import Collection, Mapping

from ansible_collections.edgefed.kubefed.plugins.module_utils.federate.host import Host
from ansible_collections.edgefed.kubefed.plugins.module_utils.federate.look import Seen
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.check import Federation, Key, Resource
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.lint import (
    ERROR,
    WARN,
    Beside,
    Finding,
    lint,
    wants,
    with_own_replicas,
)


class Linted:
    """What the rules found. ``problems`` forbid the run, ``notices`` are for the user to know."""

    def __init__(self, findings: list[Finding]) -> None:
        self.findings = findings
        self.problems = [finding.problem for finding in findings if finding.level == ERROR]
        self.notices = [str(finding.problem) for finding in findings if finding.level == WARN]


def look_and_lint(
    host: Host | None,
    federation: Federation,
    seen: Seen,
    resources: list[Resource],
    levels: Mapping[str, str],
    *,
    going: Collection[Key] = (),
) -> Linted:
    """``host`` is ``None`` offline: then only the set itself is known. What is ``going`` does not count any more."""
    objects = dict(seen.objects)
    preferences: frozenset[tuple[str, str]] = frozenset()
    if host:
        asked = {resource.collection for resource in resources}
        wanted = wants(resources)
        places = [
            (found, namespace)
            for found in federation.types.values()
            for kind, namespace in sorted(wanted)
            if found.enabled and found.target_kind == kind and found.collection(namespace) not in asked
        ]
        objects.update(host.objects([], places))
        preferences = host.preferences({resource.key[1] for resource in with_own_replicas(resources)})
    objects = {key: item for key, item in objects.items() if key not in going}
    return Linted(lint(resources, Beside(objects, federation.types, federation.clusters, preferences), levels))
