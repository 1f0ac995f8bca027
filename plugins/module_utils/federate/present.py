# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Federated resources present: read, check everything, try, apply, wait. Nothing is sent before all is checked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ansible_collections.edgefed.kubefed.plugins.module_utils.federate.absent import gone
from ansible_collections.edgefed.kubefed.plugins.module_utils.federate.adopt import Adoption, look_for_adoption
from ansible_collections.edgefed.kubefed.plugins.module_utils.federate.arrival import Arrival, Verdicts, verdicts_of
from ansible_collections.edgefed.kubefed.plugins.module_utils.federate.carry_out import delete_all, put_all
from ansible_collections.edgefed.kubefed.plugins.module_utils.federate.goal import problems_with
from ansible_collections.edgefed.kubefed.plugins.module_utils.federate.linting import look_and_lint
from ansible_collections.edgefed.kubefed.plugins.module_utils.federate.look import Seen, look
from ansible_collections.edgefed.kubefed.plugins.module_utils.federate.options import Session, Step
from ansible_collections.edgefed.kubefed.plugins.module_utils.federate.prepare import Prepared, prepare
from ansible_collections.edgefed.kubefed.plugins.module_utils.federate.prune import Pruned, prune
from ansible_collections.edgefed.kubefed.plugins.module_utils.federate.refuse import refuse
from ansible_collections.edgefed.kubefed.plugins.module_utils.federate.trial import try_applies, try_templates
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.application import assign
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.check import Federation, Resource
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.diffs import (
    of_adoption,
    of_clusters,
    of_decisions,
    of_object,
    told_decisions,
)
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.lint import Finding
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.plan import CREATE, RECREATE, decide
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.sources import Document, Problem
from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import Result

NOT_AWAITED = "not awaited"


@dataclass(frozen=True)
class Plan:
    """``steps`` in the order of the work, ``notices`` for the user, ``findings`` of the lint; ``pruned`` goes last."""

    federation: Federation
    seen: Seen
    steps: list[Step]
    notices: list[str]
    findings: list[Finding]
    adoption: Adoption
    pruned: Pruned

    @property
    def resources(self) -> list[Resource]:
        """Everything that was given, and the namespaces that it needs."""
        return [step.resource for step in self.steps]

    @property
    def changed(self) -> bool:
        """Whether there is anything to do."""
        return any(step.todo for step in self.steps)

    @property
    def going(self) -> list[Step]:
        """What is pruned."""
        return self.pruned.steps


def present(session: Session, documents: list[Document], problems: list[Problem], federation: Federation) -> Result:
    """Raises :class:`EdgefedError` for all that is wrong with the manifests at once, and for clusters that did not get them."""

    def seen(resources: list[Resource]) -> Seen:
        return look(session.host, federation, resources, session.wait)

    prepared = prepare(documents, problems, federation, namespace=session.namespace, policy=session.policy, look=seen)
    plan = _plan(session, federation, prepared)
    if session.check:
        return _result(session, plan, verdicts_of([step.resource for step in plan.steps if not step.todo], plan.seen))
    put_all(session, plan.steps)
    found: Verdicts = {}
    if session.wait:
        found = Arrival(session, plan.resources, None if plan.changed else plan.seen).wait()
    delete_all(session, plan.going)
    return _result(session, plan, found)


def _plan(session: Session, federation: Federation, prepared: Prepared) -> Plan:
    unassigned = assign(prepared.given, prepared.seen.current, session.application)
    steps = [_step(resource, prepared.seen) for resource in prepared.resources]
    # what is wrong with the manifests would make too much seem left over
    refuse([*prepared.problems, *unassigned] if session.prune else [])
    pruned = prune(session, federation, prepared.resources)
    linted = look_and_lint(session.host, federation, prepared.seen, prepared.given, session.lint, going=pruned.keys)
    wrong = [
        *prepared.problems,
        *unassigned,
        *linted.problems,
        *_vain(session, federation, prepared.resources),
        *try_templates(session.host, [step.resource for step in steps if step.todo]),
    ]
    # An object that depends on one that is wrong would only be refused for that.
    refuse(wrong)
    refuse(try_applies(session, steps, prepared.seen))
    adoption = look_for_adoption(session, federation, prepared.seen, steps)
    refuse(adoption.problems)
    notices = [*prepared.notices, *linted.notices, *adoption.notices, *pruned.warnings]
    return Plan(federation, prepared.seen, steps, notices, linted.findings, adoption, pruned)


def _vain(session: Session, federation: Federation, resources: list[Resource]) -> list[Problem]:
    """What of the wait could never come true."""
    if not session.wait:
        return []
    clusters = {cluster for resource in resources if resource.type for cluster in resource.clusters}
    asked = session.members.problems(clusters) if session.goal.asks_members else []
    return [*problems_with(session.goal, federation, resources), *asked]


def _step(resource: Resource, seen: Seen) -> Step:
    current = seen.current(resource.key)
    namespace = resource.key[1]
    if namespace in seen.hosts and not seen.usable(namespace):
        # all that lies in a namespace in deletion goes with it
        return Step(resource, current, RECREATE if current else CREATE)
    return Step(resource, current, decide(resource.body, current))


def _result(session: Session, plan: Plan, found: Verdicts) -> Result:
    clusters = plan.federation.clusters
    diffs = [
        entry
        for step in plan.steps
        if step.todo
        for entry in (
            of_object(step.resource, step.current, step.after),
            *of_clusters(step.resource, step.current, clusters, adopted=plan.adoption.clusters(step.resource)),
            *of_decisions(step.resource),
        )
    ]
    diffs += [of_adoption(one) for one in plan.adoption.found]
    diffs += [entry for step in plan.going if step.todo for entry in gone(step, plan.federation)]
    return Result(
        changed=plan.changed or any(step.todo for step in plan.going),
        diff=diffs,
        warnings=plan.notices,
        data={
            "lint": [finding.as_dict() for finding in plan.findings],
            "decisions": [decision for resource in plan.resources for decision in told_decisions(resource)],
            "resources": [
                *(step.describe(_told(step.resource, found)) for step in plan.steps),
                *(step.describe({}) for step in plan.going),
            ],
            "adopted": [one.as_dict() for one in plan.adoption.found],
            "api_requests": session.requests,
        },
    )


def _told(resource: Resource, found: Verdicts) -> dict[str, str]:
    told: dict[str, Any] = dict.fromkeys(resource.clusters, NOT_AWAITED)
    return {**told, **{cluster: str(verdict) for cluster, verdict in found.get(resource.key, {}).items()}}
