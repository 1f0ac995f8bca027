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
from ansible_collections.edgefed.kubefed.plugins.module_utils.federate.led import Led
from ansible_collections.edgefed.kubefed.plugins.module_utils.federate.linting import Asked, Linted, look_and_lint
from ansible_collections.edgefed.kubefed.plugins.module_utils.federate.look import Seen, look
from ansible_collections.edgefed.kubefed.plugins.module_utils.federate.options import Session, Step
from ansible_collections.edgefed.kubefed.plugins.module_utils.federate.prepare import Prepared, prepare
from ansible_collections.edgefed.kubefed.plugins.module_utils.federate.prune import Pruned, prune
from ansible_collections.edgefed.kubefed.plugins.module_utils.federate.refuse import refuse
from ansible_collections.edgefed.kubefed.plugins.module_utils.federate.sharing import Shares, await_shares, foretold
from ansible_collections.edgefed.kubefed.plugins.module_utils.federate.trial import try_applies, try_templates
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.check import Federation, Resource
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.diffs import (
    of_adoption,
    of_clusters,
    of_decisions,
    of_object,
    told_decisions,
)
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.plan import APPLY, CREATE, NONE, RECREATE, decide
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.shares import given_replicas
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.sources import Document, Problem
from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import Result

NOT_AWAITED = "not awaited"


@dataclass(frozen=True)
class Plan:
    """``steps`` in the order of the work, ``notices`` for the user, what was ``linted``, and what preferences have ``led``; ``pruned``
    goes last."""

    federation: Federation
    seen: Seen
    steps: list[Step]
    notices: list[str]
    linted: Linted
    led: list[Led]
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

    @property
    def unsettled(self) -> list[Led]:
        """The targets that KubeFed has still to give replicas."""
        todo = {step.resource.key for step in self.steps if step.todo}
        concerned = [(one, {of.key for of in (one.preference, one.target) if of}) for one in self.led]
        return [one for one, keys in concerned if keys & todo or given_replicas(self.seen.current(one.key)) != one.plan]


def present(session: Session, documents: list[Document], problems: list[Problem], federation: Federation) -> Result:
    """Raises :class:`EdgefedError` for all that is wrong with the manifests at once, and for clusters that did not get them."""

    def seen(resources: list[Resource]) -> Seen:
        return look(session.host, federation, resources, session.wait)

    prepared = prepare(
        documents,
        problems,
        federation,
        namespace=session.namespace,
        policy=session.policy,
        application=session.application,
        look=seen,
    )
    plan = _plan(session, federation, prepared)
    if session.check:
        there = verdicts_of([step.resource for step in plan.steps if not step.todo], plan.seen)
        return _result(session, plan, there, foretold(plan.led))
    put_all(session, plan.steps)
    found: Verdicts = {}
    shares = foretold(plan.led)
    if session.wait:
        shares |= await_shares(session, plan.unsettled)
        arrival = Arrival(session, plan.steps, None if plan.changed else plan.seen)
        found = arrival.wait()
        plan.notices.extend(arrival.warnings())
    delete_all(session, plan.going, plan.pruned.kept)
    return _result(session, plan, found, shares)


def _plan(session: Session, federation: Federation, prepared: Prepared) -> Plan:
    steps = [_step(resource, prepared.seen) for resource in prepared.resources]
    # what is wrong with the manifests would make too much seem left over
    refuse(prepared.problems if session.prune else [])
    pruned = prune(session, federation, prepared.resources)
    changing = [step.resource for step in steps if step.todo]
    asked = Asked(session.host, session.members.client, changing)
    linted = look_and_lint(asked, federation, prepared.seen, prepared.given, session.lint, going=pruned.keys)
    vain = _vain(session, federation, prepared.resources)
    # An object that depends on one that is wrong would only be refused for that.
    refuse([*prepared.problems, *linted.problems, *vain, *try_templates(session.host, changing)])
    refuse(try_applies(session, steps, prepared.seen))
    adoption = look_for_adoption(session, federation, prepared.seen, steps)
    refuse(adoption.problems)
    notices = [*prepared.notices, *linted.notices, *adoption.notices, *pruned.warnings]
    return Plan(federation, prepared.seen, steps, notices, linted, prepared.led, adoption, pruned)


def _vain(session: Session, federation: Federation, resources: list[Resource]) -> list[Problem]:
    """What of the wait could never come true."""
    if not session.wait:
        return []
    clusters = {cluster for resource in resources if resource.propagated for cluster in resource.clusters}
    asked = session.members.problems(clusters) if session.goal.asks_members else []
    return [*problems_with(session.goal, federation, resources), *asked]


def _step(resource: Resource, seen: Seen) -> Step:
    current = seen.current(resource.key)
    namespace = resource.key[1]
    if namespace in seen.hosts and not seen.usable(namespace):
        # all that lies in a namespace in deletion goes with it
        return Step(resource, current, RECREATE if current else CREATE)
    action = decide(resource.body, current)
    return Step(resource, current, APPLY if action == NONE and resource.left else action)


def _result(session: Session, plan: Plan, found: Verdicts, shares: Shares) -> Result:
    clusters = plan.federation.clusters
    # With many objects and clusters, telling what changes takes longer than all else.
    diffs = [
        entry
        for step in plan.steps
        if step.todo and session.diff
        for entry in (
            of_object(step.resource, step.current, step.after),
            *of_clusters(step.resource, step.current, clusters, adopted=plan.adoption.clusters(step.resource)),
            *of_decisions(step.resource),
        )
    ]
    diffs += [of_adoption(one) for one in plan.adoption.found if session.diff]
    diffs += [entry for step in plan.going if step.todo and session.diff for entry in gone(step, plan.federation)]
    return Result(
        changed=plan.changed or any(step.todo for step in plan.going),
        diff=diffs,
        warnings=plan.notices,
        data={
            "lint": [finding.as_dict() for finding in plan.linted.findings],
            "decisions": [decision for resource in plan.resources for decision in told_decisions(resource)],
            "replicas": [{"object": f"{kind} {namespace}/{name}", "clusters": of} for (kind, namespace, name), of in shares.items()],
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
