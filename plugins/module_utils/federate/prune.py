# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the host cluster has of an application besides what is given: found by label, in one list for each enabled kind."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ansible_collections.edgefed.kubefed.plugins.module_utils.federate.emptied import Emptied
from ansible_collections.edgefed.kubefed.plugins.module_utils.federate.look import look
from ansible_collections.edgefed.kubefed.plugins.module_utils.federate.options import Prune, Session, Step
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.application import LABEL, refuse_too_many
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.check import Federation, Key, Resource
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.namespaces import namespaces_of
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.plan import AWAIT_DELETION, NONE, decide_absent
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.sources import Document
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.types import FEDERATED_NAMESPACE, HOST_ONLY, FederatedType


@dataclass
class Pruned:
    """``steps`` are what goes, namespaces with it; ``kept`` are FederatedNamespaces that stay for now."""

    steps: list[Step] = field(default_factory=list)
    kept: list[Step] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    @property
    def keys(self) -> set[Key]:
        """What will not be there any more."""
        return {step.resource.key for step in self.steps if step.todo}


def prune(session: Session, federation: Federation, needed: list[Resource]) -> Pruned:
    """What is to go besides ``needed``, where the run may prune. Raises :class:`EdgefedError` where that is more than it may."""
    found = leftovers(session, federation, {resource.key for resource in needed})
    if not found:
        return Pruned()
    resources = [resource for resource, _current in found]
    steps = [Step(resource, current, decide_absent(current, session.orphan and resource.propagated)) for resource, current in found]
    seen = look(session.host, federation, resources, versions=False)
    emptied = Emptied(session, federation, seen, steps, namespaces_of(needed))
    spare_shared(emptied, steps)
    refuse_more(session, steps)
    return Pruned([*steps, *emptied.steps()], emptied.kept, emptied.warnings)


def spare_shared(emptied: Emptied, steps: list[Step]) -> None:
    """Let those FederatedNamespaces stay that hold something of others."""
    for step in steps:
        if step.resource.key[0] == FEDERATED_NAMESPACE and step.todo:
            emptied.spare(step)


def refuse_more(session: Session, steps: list[Step]) -> None:
    """Hold what would be pruned against the limit; what is in deletion goes anyway."""
    if session.prune:
        going = [step.resource.title for step in steps if step.action not in (NONE, AWAIT_DELETION)]
        refuse_too_many(going, session.application, session.prune.limit)


def leftovers(session: Session, federation: Federation, given: set[Key]) -> list[tuple[Resource, dict[str, Any]]]:
    """The application's objects that are not among ``given``, with what is there, in the order of their names."""
    if session.prune is None:
        return []
    places = _places(federation, session.prune, session)
    selector = {"labelSelector": f"{LABEL}={session.application}"}
    lists = session.host.each(lambda place: session.host.listed(place[0], selector), places)
    found = [(_resource(item, of, session.application), item) for (_path, of), items in zip(places, lists) for item in items]
    return sorted((one for one in found if one[0].key not in given), key=lambda one: one[0].key)


def _places(federation: Federation, wanted: Prune, session: Session) -> list[tuple[str, FederatedType]]:
    """The collections to look in. Where namespaces are named, or KubeFed has only its own, no others and nothing outside of namespaces."""
    types = [*(found for found in federation.types.values() if found.enabled), *HOST_ONLY.values()]
    namespaces = wanted.namespaces
    if not namespaces and session.host.settings().get("scope") == "Namespaced":
        namespaces = (federation.namespace,)
    if not namespaces:
        return [(found.everywhere, found) for found in types]
    return [(found.collection(name), found) for found in types if found.namespaced for name in namespaces]


def _resource(item: dict[str, Any], of: FederatedType, application: str) -> Resource:
    where = {"namespace": item["metadata"]["namespace"]} if of.namespaced else {}
    body = {"apiVersion": of.api_version, "kind": of.kind, "metadata": {"name": item["metadata"]["name"], **where}}
    return Resource(Document(body, f"(no longer given, of application {application})"), body, of)
