# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""From manifests to what is to be there: checked, kept out of cordoned clusters, with the namespaces that it needs. Sends nothing."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Callable

from ansible_collections.edgefed.kubefed.plugins.module_utils.federate.led import Led, follow
from ansible_collections.edgefed.kubefed.plugins.module_utils.federate.look import Seen
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.application import assign
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.check import Checked, Federation, Resource, check
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.cordon import respect_cordons
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.namespaces import Situation, needed
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.sources import Document, Problem
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.types import FEDERATED_NAMESPACE


@dataclass(frozen=True)
class Prepared:
    """``given`` as resources, ``resources`` with the needed namespaces before them; ``seen`` is what is there; ``led`` what preferences
    lead."""

    given: list[Resource]
    resources: list[Resource]
    seen: Seen
    problems: list[Problem]
    notices: list[str]
    led: list[Led] = field(default_factory=list)


def prepare(
    documents: list[Document],
    problems: list[Problem],
    federation: Federation,
    *,
    namespace: str,
    policy: str,
    application: str = "",
    look: Callable[[list[Resource]], Seen],
) -> Prepared:
    """``look`` reads what is there; ``problems`` are those known before; ``application`` is whose the objects are."""
    checked = check(documents, federation, namespace)
    seen = look(checked.resources)
    cordons = [respect_cordons(resource, seen.current(resource.key), federation) for resource in checked.resources]
    unassigned = assign(checked.resources, seen.current, application)
    following = follow(checked.resources, seen, federation)
    situation = Situation(federation, seen.hosts, seen.federated, policy, seen.limited)
    need = needed(_without_broken_namespaces(documents, checked), situation)
    cordoned = [problem for found in cordons for problem in found[0]]
    wrong = [*problems, *checked.problems, *cordoned, *following.problems, *need.problems, *unassigned]
    notices = [*checked.notices, *(notice for found in cordons for notice in found[1]), *following.notices]
    return Prepared(checked.resources, [*need.resources, *checked.resources], seen, wrong, notices, following.led)


def _without_broken_namespaces(documents: list[Document], checked: Checked) -> list[Resource]:
    """The resources whose namespace is not itself defined wrongly: what that leads to need not be told as well."""
    kinds = ("Namespace", FEDERATED_NAMESPACE)
    fine = {resource.key[2] for resource in checked.resources if resource.key[0] in kinds}
    broken = {document.name for document in documents if document.kind in kinds} - fine
    return [resource for resource in checked.resources if resource.key[1] not in broken]
