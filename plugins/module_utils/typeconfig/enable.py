# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A federated type present, from any half-way state: read, plan, apply, wait until KubeFed's controller runs."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any, Callable

from ansible_collections.edgefed.kubefed.plugins.module_utils.client import ApiError, object_path
from ansible_collections.edgefed.kubefed.plugins.module_utils.control_plane.status import gates_of
from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import EdgefedError, Result
from ansible_collections.edgefed.kubefed.plugins.module_utils.typeconfig import desired, least, members
from ansible_collections.edgefed.kubefed.plugins.module_utils.typeconfig import plan as planning
from ansible_collections.edgefed.kubefed.plugins.module_utils.typeconfig.desired import DEFAULT_GROUP, Federated, Object, Wish
from ansible_collections.edgefed.kubefed.plugins.module_utils.typeconfig.plan import Plan
from ansible_collections.edgefed.kubefed.plugins.module_utils.typeconfig.session import Session, State, crd_path, read_state
from ansible_collections.edgefed.kubefed.plugins.module_utils.typeconfig.target import Target, choose, served

# Two runs at once may be in each other's way with the CRD, the rights, the members' CRDs and the FederatedTypeConfig.
ATTEMPTS = 5
PAUSE = 0.2
GATE = "RawResourceStatusCollection"


@dataclass(frozen=True)
class Reading:
    """What is there before a type is enabled, and what it is called."""

    state: State
    target: Target
    federated: Federated
    config: Object | None
    crd: Object | None
    target_crd: Object | None
    rights: list[tuple[Object, str, Object | None]]
    members: list[members.Seen]
    least: list[least.Seen]


def present(session: Session, wish: Wish, policy: str) -> Result:
    """Enable it. ``policy`` for the target's CRD in members: ``carry``, ``require`` or ``ignore``."""
    before: dict[str, Any] = {}
    done: list[planning.Change] = []
    for attempt in range(ATTEMPTS):
        reading = look(session, wish, policy)
        warnings = _refuse(reading, wish, policy)
        plan = plan_of(session, reading, wish)
        before = before or plan.before
        if session.check:
            return _result(session, reading, plan, before, warnings=warnings)
        try:
            warnings += _apply(session, reading, wish, plan, done)
            break
        except ApiError as error:
            if attempt + 1 == ATTEMPTS or error.status not in (404, 409):
                raise
            time.sleep(PAUSE)
    config = _settled(session, reading, wish)
    if plan.changes:
        warnings += least.follow(session, reading.least)
    if wish.propagation != "Enabled":
        done += least.made(plan, reading.least)
    plan.changes = done
    return _result(session, reading, plan, before, config=config, warnings=warnings)


def target_for(state: State, wish: Wish) -> Target:
    """The target meant by the wish; without a version the one that its FederatedTypeConfig has."""
    named = served(state.catalog, wish.name)
    config = state.config(named[0].name) if named else None
    kept = config["spec"]["targetType"]["version"] if config else ""
    return choose(state.catalog, wish.name, wish.version, kept)


def look(session: Session, wish: Wish, policy: str) -> Reading:
    """Read the host cluster, and each member's target API."""
    state = read_state(session)
    target = target_for(state, wish)
    config = state.config(target.name)
    federated = desired.federated_for(target, wish, None if planning.leaving(config) else config)
    wanted = desired.rights(federated.group, session.host.namespace, state.limited) if federated.group != DEFAULT_GROUP else []
    paths = [_path_of(item) for item in wanted]
    reads: list[Callable[[], Any]] = [
        lambda: session.client.find(crd_path(federated.crd_name)),
        lambda: session.client.find(crd_path(target.name)) if not target.built_in else None,
        *(lambda path=path: session.client.find(path) for path in paths),
    ]
    crd, target_crd, *there = session.host.each(lambda read: read(), reads)
    seen = [] if policy == "ignore" else members.look(session, state.clusters, target, target_crd)
    rights = list(zip(wanted, paths, there))
    return Reading(state, target, federated, config, crd, target_crd, rights, seen, least.look(session, state))


def _path_of(item: Object) -> str:
    return object_path(item["apiVersion"], f"{item['kind'].lower()}s", item["metadata"].get("namespace"), item["metadata"]["name"])


def _refuse(reading: Reading, wish: Wish, policy: str) -> list[str]:
    """Raise what forbids it; gives warnings."""
    planning.refuse_present(reading.target, reading.federated, wish, reading.state.configs, reading.state.limited)
    planning.refuse_foreign_crd(reading.federated, reading.crd)
    warnings = members.refuse(reading.members, reading.target, reading.target_crd, policy)
    warnings += least.refuse(reading.least, reading.target.name, reading.state.configs, _types_after(reading, wish))
    gates = gates_of(reading.state.settings)
    if wish.status_collection == "Enabled" and gates[GATE] != "Enabled" and reading.target.name != "services":
        warnings.append(
            f"The status of {reading.target.name} is not collected while KubeFed's feature gate {GATE} is off. "
            f"Next: playbooks/settings.yml with kubefed_feature_gates: {{{GATE}: Enabled}}."
        )
    return warnings


def _types_after(reading: Reading, wish: Wish) -> list[Object]:
    """All FederatedTypeConfigs as they will be."""
    wanted = desired.config_object(reading.target, "", desired.config_spec(reading.target, reading.federated, wish))
    return least.with_config(reading.state.configs, reading.target.name, wanted)


def plan_of(session: Session, reading: Reading, wish: Wish) -> Plan:
    """CRD, rights, members' CRDs and rights, and last the FederatedTypeConfig, on which KubeFed starts its controller. Where it stops that,
    it still needs its rights in the members until then."""
    plan = Plan()
    crd = desired.crd_object(reading.target, reading.federated, reading.target_crd, wish.open_template)
    plan.step(*planning.crd_change(reading.crd, crd, crd_path(reading.federated.crd_name)), f"host: CRD {reading.federated.crd_name}")
    for wanted, path, live in reading.rights:
        plan.step(*planning.rights_change(live, wanted, path), f"host: {wanted['kind']} {wanted['metadata']['name']}")
    members.note(plan, reading.members, reading.target)
    types = _types_after(reading, wish)
    if wish.propagation == "Enabled":
        least.note(plan, reading.least, types)
    spec = desired.config_spec(reading.target, reading.federated, wish)
    config = desired.config_object(reading.target, session.host.namespace, spec)
    path = session.own("federatedtypeconfigs", reading.target.name)
    plan.step(*planning.config_change(reading.config, config, path), f"host: FederatedTypeConfig {reading.target.name}")
    if wish.propagation != "Enabled":
        least.note(plan, reading.least, types)
    return plan


def _apply(session: Session, reading: Reading, wish: Wish, plan: Plan, done: list[planning.Change]) -> list[str]:
    """All but what follows the end of propagation; gives warnings."""
    warnings: list[str] = []
    on_host = [change for change in plan.changes if change.cluster == "host"]
    first = [change for change in on_host if change.kind != "FederatedTypeConfig"]
    for change in first:
        session.carry_out(session.client, change)
        done.append(change)
    if any(change.kind == "CustomResourceDefinition" for change in first):
        session.await_served(session.client, reading.federated.crd_name)
    members.carry(session, reading.members, reading.target, done)
    if wish.propagation == "Enabled":
        warnings = least.widen(session, reading.least, reading.target.name, _types_after(reading, wish))
        done += least.made(plan, reading.least)
    for change in on_host:
        if change not in first:
            session.carry_out(session.client, change)
            done.append(change)
    return warnings


def _settled(session: Session, reading: Reading, wish: Wish) -> Object:
    """The FederatedTypeConfig, once the controller did what it says, if waiting is asked for."""
    path = session.own("federatedtypeconfigs", reading.target.name)
    last: list[Object] = []

    def settled() -> bool:
        last[:] = [session.client.get(path)]
        return planning.running(last[0], wish.propagation)

    if not session.wait:
        settled()
    elif not session.until(settled):
        raise not_settled(session, last[0], wish.propagation)
    return last[0]


def not_settled(session: Session, config: Object, propagation: str) -> EdgefedError:
    """The error for a controller that did not start, or stop."""
    status = config.get("status") or {}
    seen = status.get("observedGeneration") == config["metadata"].get("generation")
    said = f"its controller is {status.get('propagationController')}" if seen else "the controller manager has not looked at it"
    goal = "start" if propagation == "Enabled" else "stop"
    return EdgefedError(
        f"KubeFed did not {goal} propagating {config['metadata']['name']} within {session.wait_timeout:g} s: {said} "
        f"({session.client.where}). Next: see that kubefed-controller-manager runs, with feature gate PushReconciler on "
        "(playbooks/control_plane.yml), and read its log; then run this again.",
        code="not_settled",
        details={"name": config["metadata"]["name"], "status": status},
    )


def _result(
    session: Session, reading: Reading, plan: Plan, before: dict[str, Any], *, config: Object | None = None, warnings: list[str]
) -> Result:
    spec = plan.after[f"host: FederatedTypeConfig {reading.target.name}"]
    status = (config or reading.config or {}).get("status") or {}
    return Result(
        changed=bool(plan.changes),
        diff={"before": before if plan.changes else plan.after, "after": plan.after},
        warnings=warnings,
        data={
            "name": reading.target.name,
            "target": spec["targetType"],
            "federated": spec["federatedType"],
            "propagation": spec["propagation"],
            "status_collection": spec.get("statusCollection") or "Disabled",
            "controller": str(status.get("propagationController") or ""),
            "members": {one.name: one.state for one in reading.members},
            "changes": [change.describe() for change in plan.changes],
            "api_requests": session.requests,
        },
    )
