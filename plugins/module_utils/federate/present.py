# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Federated resources present: read, check everything, try, apply, wait. Nothing is sent before all is checked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ansible_collections.edgefed.kubefed.plugins.module_utils.federate.arrival import Arrival, Verdicts, verdicts_of
from ansible_collections.edgefed.kubefed.plugins.module_utils.federate.carry_out import put_all
from ansible_collections.edgefed.kubefed.plugins.module_utils.federate.linting import look_and_lint
from ansible_collections.edgefed.kubefed.plugins.module_utils.federate.look import Seen, look
from ansible_collections.edgefed.kubefed.plugins.module_utils.federate.options import Session, Step
from ansible_collections.edgefed.kubefed.plugins.module_utils.federate.prepare import Prepared, prepare
from ansible_collections.edgefed.kubefed.plugins.module_utils.federate.refuse import refuse
from ansible_collections.edgefed.kubefed.plugins.module_utils.federate.trial import try_applies, try_templates
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.check import Federation, Resource
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.diffs import of_clusters, of_decisions, of_object, told_decisions
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.lint import Finding
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.plan import CREATE, RECREATE, decide
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.sources import Document, Problem
from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import Result

NOT_AWAITED = "not awaited"


@dataclass(frozen=True)
class Plan:
    """``steps`` in the order of the work, ``notices`` for the user, ``findings`` of the lint."""

    federation: Federation
    seen: Seen
    steps: list[Step]
    notices: list[str]
    findings: list[Finding]

    @property
    def resources(self) -> list[Resource]:
        """Everything that was given, and the namespaces that it needs."""
        return [step.resource for step in self.steps]

    @property
    def changed(self) -> bool:
        """Whether there is anything to do."""
        return any(step.todo for step in self.steps)


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
    return _result(session, plan, found)


def _plan(session: Session, federation: Federation, prepared: Prepared) -> Plan:
    steps = [_step(resource, prepared.seen) for resource in prepared.resources]
    linted = look_and_lint(session.host, federation, prepared.seen, prepared.given, session.lint)
    wrong = [*prepared.problems, *linted.problems, *try_templates(session.host, [step.resource for step in steps if step.todo])]
    # An object that depends on one that is wrong would only be refused for that.
    refuse(wrong)
    refuse(try_applies(session, steps, prepared.seen))
    return Plan(federation, prepared.seen, steps, [*prepared.notices, *linted.notices], linted.findings)


def _step(resource: Resource, seen: Seen) -> Step:
    current = seen.current(resource.key)
    namespace = resource.key[1]
    if namespace in seen.hosts and not seen.usable(namespace):
        # all that lies in a namespace in deletion goes with it
        return Step(resource, current, RECREATE if current else CREATE)
    return Step(resource, current, decide(resource.body, current))


def _result(session: Session, plan: Plan, found: Verdicts) -> Result:
    clusters = plan.federation.clusters
    # With many objects and clusters, telling what changes takes longer than all else.
    diffs = [
        entry
        for step in plan.steps
        if step.todo and session.diff
        for entry in (
            of_object(step.resource, step.current, step.after),
            *of_clusters(step.resource, step.current, clusters),
            *of_decisions(step.resource),
        )
    ]
    return Result(
        changed=plan.changed,
        diff=diffs,
        warnings=plan.notices,
        data={
            "lint": [finding.as_dict() for finding in plan.findings],
            "decisions": [decision for resource in plan.resources for decision in told_decisions(resource)],
            "resources": [step.describe(_told(step.resource, found)) for step in plan.steps],
            "api_requests": session.host.client.requests,
        },
    )


def _told(resource: Resource, found: Verdicts) -> dict[str, str]:
    told: dict[str, Any] = dict.fromkeys(resource.clusters, NOT_AWAITED)
    return {**told, **{cluster: str(verdict) for cluster, verdict in found.get(resource.key, {}).items()}}
