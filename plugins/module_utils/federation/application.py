# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which application a federated object is of, and what is too much to prune. Pure.

The label stands on the federated object alone. In the template it would change what every member has, also of a workload that is only taken
over, and what is pruned is found in the host cluster.
"""

from __future__ import annotations

import re
from typing import Any, Callable

from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.check import Key, Resource
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.plan import in_deletion
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.sources import Place, Problem
from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import EdgefedError

LABEL = "edgefed.io/application"
TOLD_AT_MOST = 10
_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?\Z")


def wrong_options(application: str, prune: bool, limit: int, orphan: bool, removes: bool) -> list[Problem]:
    """What a task asked for that cannot be. ``removes``: something may go at all."""
    place = Place("the task")
    found = []
    if application and not _NAME.match(application):
        todo = "use letters, digits, '-', '_' and '.', 63 at most"
        found.append(Problem(place, f"application {application!r} is no value for a label", todo))
    if prune and not application:
        found.append(Problem(place, "prune needs to know of which application the objects are", "name it with application"))
    if limit < 0:
        found.append(Problem(place, f"prune_limit is {limit}", "give the number of objects that may go at most, 0 for none"))
    if orphan and not removes:
        found.append(Problem(place, "orphan is about what is removed, and nothing is", "say prune: true or state: absent, or leave it out"))
    return found


def assign(resources: list[Resource], current: Callable[[Key], dict[str, Any] | None], application: str) -> list[Problem]:
    """Label the federated objects. Without ``application`` each keeps the one that it has; gives a problem for each that is of another."""
    return [problem for resource in resources if resource.type for problem in _assign(resource, current(resource.key), application)]


def _assign(resource: Resource, current: dict[str, Any] | None, application: str) -> list[Problem]:
    metadata = resource.body["metadata"]
    there = application_of(current) if current and not in_deletion(current) else ""
    said = application_of(resource.body)
    wanted = said or application or there
    if wanted:
        metadata["labels"] = {**(metadata.get("labels") or {}), LABEL: wanted}
    if application and wanted != application:
        cause = f"its label says application {said!r}, and the task {application!r}"
        return [resource.document.problem(("metadata", "labels", LABEL), cause, "leave one of the two out")]
    if there and there != wanted:
        _kind, namespace, name = resource.key
        where = f" -n {namespace}" if namespace else ""
        free = f"kubectl label {resource.type.plural if resource.type else ''} {name}{where} {LABEL}-"
        cause = f"it is of application {there!r} already"
        return [resource.document.problem((), cause, f"take it out of {wanted!r}, or free it in the host cluster ({free})")]
    return []


def application_of(body: dict[str, Any]) -> str:
    """The application in the label of an object, ``""`` for none."""
    return str((body["metadata"].get("labels") or {}).get(LABEL) or "")


def refuse_too_many(titles: list[str], application: str, limit: int) -> None:
    """Raise :class:`EdgefedError` where more would go than may."""
    if len(titles) <= limit:
        return
    more = f" and {len(titles) - TOLD_AT_MOST} more" if len(titles) > TOLD_AT_MOST else ""
    objects = "1 object" if len(titles) == 1 else f"{len(titles)} objects"
    raise EdgefedError(
        f"Pruning would remove {objects} of application {application!r}, and prune_limit is {limit}: "
        f"{', '.join(titles[:TOLD_AT_MOST])}{more}. Nothing was sent to any cluster. "
        f"Next: check that what is given is complete, and if these are to go, say prune_limit: {len(titles)}.",
        code="prune_limit",
        details={"objects": titles, "limit": limit},
    )
