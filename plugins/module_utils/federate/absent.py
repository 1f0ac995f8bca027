# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Federated resources absent, and with them the namespaces that were made for them, when nothing else lies there."""

from __future__ import annotations

from ansible_collections.edgefed.kubefed.plugins.module_utils.federate.carry_out import delete_all
from ansible_collections.edgefed.kubefed.plugins.module_utils.federate.emptied import Emptied
from ansible_collections.edgefed.kubefed.plugins.module_utils.federate.look import Seen, look
from ansible_collections.edgefed.kubefed.plugins.module_utils.federate.options import Session, Step
from ansible_collections.edgefed.kubefed.plugins.module_utils.federate.prune import leftovers, refuse_more, spare_shared
from ansible_collections.edgefed.kubefed.plugins.module_utils.federate.refuse import refuse
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.check import Federation, Resource, check
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.diffs import Diff, of_clusters, of_object
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.plan import ORPHAN, decide_absent
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.sources import Document, Problem
from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import Result


def absent(session: Session, documents: list[Document], problems: list[Problem], federation: Federation) -> Result:
    """Delete them in all clusters, through KubeFed, and what else is of the application when that is to be pruned."""
    checked = check(documents, federation, session.namespace, full=False)
    refuse([*problems, *checked.problems])
    more = [resource for resource, _current in leftovers(session, federation, {resource.key for resource in checked.resources})]
    seen = look(session.host, federation, [*checked.resources, *more], versions=False)
    given, others = ([_step(session, resource, seen) for resource in resources] for resources in (checked.resources, more))
    steps = [*given, *others]
    emptied = Emptied(session, federation, seen, steps)
    spare_shared(emptied, others)
    refuse_more(session, others)
    for step in steps if session.orphan else []:
        if step.resource.type is None and step.todo:
            emptied.keep_orphans(step)
    steps += emptied.steps()
    if not session.check:
        delete_all(session, steps, emptied.kept)
    return Result(
        changed=any(step.todo for step in steps),
        diff=[entry for step in steps if step.todo and session.diff for entry in gone(step, federation)],
        warnings=emptied.warnings,
        data={"resources": [step.describe({}) for step in steps], "api_requests": session.requests},
    )


def _step(session: Session, resource: Resource, seen: Seen) -> Step:
    current = seen.current(resource.key)
    return Step(resource, current, decide_absent(current, session.orphan and resource.propagated))


def gone(step: Step, federation: Federation) -> list[Diff]:
    """What goes in the host cluster, and in the members, unless they keep theirs."""
    taken = [] if step.action == ORPHAN else of_clusters(step.resource, step.current, federation.clusters, gone=True)
    return [of_object(step.resource, step.current, None), *taken]
