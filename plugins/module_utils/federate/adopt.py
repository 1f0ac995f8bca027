# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Looks for objects that members have already where KubeFed is to bring them, and lets their API servers say what would become of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ansible_collections.edgefed.kubefed.plugins.module_utils.client import ApiError, Client, object_path
from ansible_collections.edgefed.kubefed.plugins.module_utils.federate.look import Seen
from ansible_collections.edgefed.kubefed.plugins.module_utils.federate.options import Session, Step
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.adoption import ALWAYS, Found, is_strange, judge
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.check import Federation, Resource
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.namespaces import placed
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.plan import APPLY
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.preview import preview
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.sources import Place, Problem
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.types import FederatedType
from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import EdgefedError

Object = dict[str, Any]


@dataclass(frozen=True)
class Wanted:
    """An object that is to come to a cluster."""

    resource: Resource
    type: FederatedType

    @property
    def name(self) -> str:
        return self.resource.key[2]

    @property
    def collection(self) -> str:
        """The member's API path of its collection."""
        namespace = self.resource.key[1] if self.type.target_namespaced else None
        return object_path(self.type.target_api_version, self.type.target["pluralName"], namespace)


@dataclass
class Adoption:
    """``found`` is what members have already, ``problems`` forbid the run, ``notices`` are for the user to know."""

    found: list[Found] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)

    def clusters(self, resource: Resource) -> set[str]:
        """Where the object is there already."""
        return {one.cluster for one in self.found if one.resource is resource}


def look_for_adoption(session: Session, federation: Federation, seen: Seen, steps: list[Step]) -> Adoption:
    """What members have of objects that are new to them. Nothing is asked where KubeFed's own setting is to decide."""
    if not session.adopt:
        return Adoption()
    wanted: dict[str, list[Wanted]] = {}
    for step in steps:
        for cluster, one in _new(step, federation):
            wanted.setdefault(cluster, []).append(one)
    looks = session.host.each(lambda cluster: _in_cluster(session, seen, cluster, wanted[cluster]), sorted(wanted))
    result = Adoption([one for found, _said in looks for one in found])
    for _found, said in looks:
        _note_unseen(result, said, session.adopt)
    for there in result.found:
        _note(result, there, judge(there, session.adopt, seen.adopts))
    return result


def _note_unseen(result: Adoption, said: str, adopt: str) -> None:
    if said and adopt == ALWAYS:
        result.notices.append(f"{said}. KubeFed adopts what is there. Next: bring it back to see it first, with --check --diff.")
    elif said:
        result.problems.append(Problem(Place("adopt"), said, "bring it back, or say adopt: always"))


def _note(result: Adoption, there: Found, problem: Problem | None) -> None:
    if problem:
        result.problems.append(problem)
    elif there.differences:
        result.notices.append(f"{there.cluster} has {there.title} already, and KubeFed changes it: {there.words}.")


def _new(step: Step, federation: Federation) -> list[tuple[str, Wanted]]:
    of = step.resource.type
    if not step.todo or of is None:
        return []
    there = placed(step.current, federation) if step.action == APPLY else []
    return [(cluster, Wanted(step.resource, of)) for cluster in step.resource.clusters if cluster not in there]


def _in_cluster(session: Session, seen: Seen, cluster: str, wanted: list[Wanted]) -> tuple[list[Found], str]:
    """What is there, and why not all of it can be seen."""
    try:
        client = session.members.client(cluster)
        strange = [(one, there) for one, there in _there(client, wanted) if _counts(seen, one, there)]
        return [_found(client, cluster, one, there) for one, there in strange], ""
    except EdgefedError as error:
        return [], f"what {cluster} has already cannot be seen ({error.without_next})"


def _there(client: Client, wanted: list[Wanted]) -> list[tuple[Wanted, Object]]:
    """Those that are there, with what is there: one request for each kind and namespace."""
    groups: dict[str, list[Wanted]] = {}
    for one in wanted:
        groups.setdefault(one.collection, []).append(one)
    found = []
    for path, some in groups.items():
        items = {item["metadata"]["name"]: item for item in _items(client, path, some)}
        found += [(one, items[one.name]) for one in some if one.name in items]
    return found


def _items(client: Client, path: str, wanted: list[Wanted]) -> list[Object]:
    if len(wanted) == 1:
        one = client.find(f"{path}/{wanted[0].name}")
        return [one] if one else []
    try:
        return list(client.list(path))
    except ApiError as error:
        if error.status != 404:
            raise
        return []


def _counts(seen: Seen, wanted: Wanted, there: Object) -> bool:
    host = seen.hosts.get(wanted.name) if wanted.type.target_kind == "Namespace" else None
    return is_strange(there, host["metadata"]["uid"] if host else None)


def _found(client: Client, cluster: str, wanted: Wanted, there: Object) -> Found:
    """With what the member would have after KubeFed's update, which replaces the object as a whole: a dry run of it."""
    resource, of = wanted.resource, wanted.type
    before = {**there, "apiVersion": of.target_api_version, "kind": of.target_kind}
    body = preview(resource.foretold or resource.body, cluster, of.target, before)
    body["metadata"]["resourceVersion"] = there["metadata"]["resourceVersion"]
    try:
        after = client.request("PUT", f"{wanted.collection}/{wanted.name}", body, query={"dryRun": "All"})
    except ApiError as error:
        if error.status in (401, 403, 409) or error.status >= 500:
            raise
        said = "its API server refuses it" if resource.secret else str(error.body.get("message") or error.reason)
        return Found(resource, cluster, before, refused=" ".join(said.split()))
    return Found(resource, cluster, before, after)
