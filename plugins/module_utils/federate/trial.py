# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the API server finds wrong, asked by dry runs: each template as each cluster would get it, and each object itself."""

from __future__ import annotations

import json
import threading
from typing import Any, Iterator

from ansible_collections.edgefed.kubefed.plugins.module_utils.client import ApiError, group_path, object_path
from ansible_collections.edgefed.kubefed.plugins.module_utils.federate.host import Host
from ansible_collections.edgefed.kubefed.plugins.module_utils.federate.look import Seen
from ansible_collections.edgefed.kubefed.plugins.module_utils.federate.options import Session, Step
from ansible_collections.edgefed.kubefed.plugins.module_utils.federate.refuse import with_remedy
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.check import Resource
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.plan import APPLY, CREATE, NONE, RECREATE, same
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.server_says import (
    complaints,
    conflict_problems,
    for_dry_run,
    known_fields,
    template_problem,
)
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.sources import Path, Problem
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.types import FederatedType


class Schemas:
    """The host cluster's OpenAPI v3 documents, read when a field is to be named, once each."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._read: dict[str, dict[str, Any]] = {}
        self._lock = threading.Lock()

    def fields(self, of: FederatedType, path: Path) -> list[str]:
        """The fields that stand beside the one at ``path``; empty when the server doesn't tell."""
        group = group_path(of.target_api_version)
        with self._lock:
            if group not in self._read:
                self._read[group] = self._host.client.find(f"/openapi/v3{group}") or {}
        kind = {"group": of.target.get("group") or "", "version": of.target["version"], "kind": of.target_kind}
        return known_fields(self._read[group], kind, path)


def try_templates(host: Host, resources: list[Resource]) -> list[Problem]:
    """Every template as each cluster would get it; clusters that would get the same are one try."""
    schemas = Schemas(host)
    tries = [(resource, body, clusters) for resource in resources for body, clusters in _distinct(resource)]
    found = host.each(lambda one: _complaints_of(host, one[0], one[1]), tries)
    by_resource: dict[int, dict[tuple[Path, str], list[str]]] = {}
    for (resource, _body, clusters), said in zip(tries, found):
        for complaint in said:
            by_resource.setdefault(id(resource), {}).setdefault(complaint, []).extend(clusters)
    return [
        problem
        for resource in {id(resource): resource for resource, _body, _clusters in tries}.values()
        for problem in _told(resource, by_resource.get(id(resource), {}), schemas)
    ]


def _distinct(resource: Resource) -> Iterator[tuple[dict[str, Any], list[str]]]:
    groups: dict[str, tuple[dict[str, Any], list[str]]] = {}
    for cluster, body in resource.previews.items():
        groups.setdefault(json.dumps(body, sort_keys=True), (body, []))[1].append(cluster)
    yield from groups.values()


def _complaints_of(host: Host, resource: Resource, body: dict[str, Any]) -> list[tuple[Path, str]]:
    if resource.type is None:
        return []
    namespace = "default" if resource.type.target_namespaced else None
    try:
        host.try_template(object_path(resource.type.target_api_version, resource.type.target["pluralName"], namespace), for_dry_run(body))
    except ApiError as error:
        # any other answer says nothing about the members, which may well take the object
        return complaints(error.status, error.body)
    return []


def _told(resource: Resource, said: dict[tuple[Path, str], list[str]], schemas: Schemas) -> Iterator[Problem]:
    for (path, cause), clusters in said.items():
        known = schemas.fields(resource.type, path) if resource.type and cause == "unknown field" else []
        everywhere = len(clusters) == len(resource.previews)
        yield template_problem(resource, path, cause, known, "" if everywhere else ", ".join(clusters))


def try_applies(session: Session, steps: list[Step], seen: Seen) -> list[Problem]:
    """Every object that is to be written; fills :attr:`Step.after`, and finds those that would not change after all.

    Outside of check mode, of new objects only the first of each collection is tried, which shows whether they may be made there at all: the
    server has seen their templates (what goes to no cluster has none, and is tried), there is nothing that they could be in conflict
    with, and trying one costs half of making it.
    """
    todo = [step for step in steps if step.todo]
    for step in todo:
        step.after = step.resource.body
    found = session.host.each(lambda step: _try_apply(session, step, seen), todo if session.check else _worth_trying(todo))
    return [problem for problems in found for problem in problems]


def _worth_trying(steps: list[Step]) -> list[Step]:
    first = {step.resource.collection: step for step in reversed(steps) if step.action == CREATE}
    return [step for step in steps if step.action != CREATE or not step.resource.propagated or first[step.resource.collection] is step]


def _try_apply(session: Session, step: Step, seen: Seen) -> list[Problem]:
    resource = step.resource
    if not seen.usable(resource.key[1]):
        return []
    anew = step.action == RECREATE
    try:
        answer = session.host.apply_resource(resource, session.force or anew, dry_run=True)
    except ApiError as error:
        problems = problems_of(resource, error)
        if problems:
            return problems
        raise with_remedy(error) from None
    if anew:
        return []
    step.after = answer
    if step.action == APPLY and step.current is not None and same(step.current, answer):
        step.action = NONE
    return []


def problems_of(resource: Resource, error: ApiError) -> list[Problem]:
    """What a refused apply says about the manifest; nothing when it is about something else."""
    if error.status == 409:
        return conflict_problems(resource, error.body)
    todo = "correct the object"
    return [
        resource.document.problem(path, "the API server refuses it" if resource.secret else cause, todo)
        for path, cause in complaints(error.status, error.body)
    ]
