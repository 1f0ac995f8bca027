# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A federated type absent, from any half-way state: its objects first, while a controller runs that can take them out of the members."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from typing import Any

from ansible_collections.edgefed.kubefed.plugins.module_utils.client import ApiError, object_path
from ansible_collections.edgefed.kubefed.plugins.module_utils.federate.carry_out import stuck
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.preview import MANAGED_LABEL
from ansible_collections.edgefed.kubefed.plugins.module_utils.member.objects import METADATA_ONLY, delete_first
from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import EdgefedError, Result
from ansible_collections.edgefed.kubefed.plugins.module_utils.typeconfig import desired, enable, least
from ansible_collections.edgefed.kubefed.plugins.module_utils.typeconfig import plan as planning
from ansible_collections.edgefed.kubefed.plugins.module_utils.typeconfig.desired import DEFAULT_GROUP, Federated, Object, Wish
from ansible_collections.edgefed.kubefed.plugins.module_utils.typeconfig.plan import Change, Plan
from ansible_collections.edgefed.kubefed.plugins.module_utils.typeconfig.session import Session, State, crd_path, is_ready, read_state
from ansible_collections.edgefed.kubefed.plugins.module_utils.typeconfig.target import Target, served, target_of

SHOWN_AT_MOST = 20
ORPHANED = "orphan"
QUIET = 1.0
"""Seconds from the end of the last object to the stop of the controller: what it has in its queue then would wait for members' lists
that it does not get any more, and after ``cacheSyncTimeout`` end the whole controller manager."""


@dataclass
class Reading:
    """What is there of a type that is to go. ``name`` is its FederatedTypeConfig's; ``federated`` is ``None`` when nothing tells it."""

    state: State
    name: str
    config: Object | None
    federated: Federated | None = None
    crd: Object | None = None
    objects: list[Object] = field(default_factory=list)
    least: list[least.Seen] = field(default_factory=list)


def absent(session: Session, wish: Wish, objects: str, delete_crd: bool) -> Result:
    """Disable it. ``objects``: ``refuse`` while federated objects are there, ``delete`` them everywhere, or ``orphan`` the copies."""
    reading = _look(session, wish)
    plan, warnings = Plan(), list[str]()
    if reading.federated:
        planning.refuse_absent(reading.name, reading.federated, reading.objects, objects, reading.state.configs)
        plan, warnings = _plan(session, reading, reading.federated, objects, delete_crd)
    on_host, remaining = list(plan.changes), least.with_config(reading.state.configs, reading.name, None)
    least.note(plan, reading.least, remaining)
    warnings += least.refuse(reading.least, reading.name, reading.state.configs, remaining)
    if not session.check and plan.changes:
        done, more = _out(session, reading, wish, objects, on_host)
        warnings += more
        warnings += least.follow(session, reading.least)
        mine = [*done, *least.made(plan, reading.least)]
        plan.changes = [change for change in plan.changes if change in mine]
    return _result(session, reading, plan, warnings)


def _out(session: Session, reading: Reading, wish: Wish, objects: str, on_host: list[Change]) -> tuple[list[Change], list[str]]:
    """Make the changes on the host cluster; gives those that this run made, and warnings."""
    federated = reading.federated
    if federated is None:
        return [], []
    marked, warnings = _objects_out(session, reading, federated, wish, objects)
    done = [change for change in on_host if change.kind == federated.kind and change.name in marked]
    config = _stopped(session, reading.name)
    for change in on_host:
        if change.kind not in (federated.kind, "FederatedTypeConfig"):
            done += [change] if session.carry_out(session.client, change) else []
            session.await_gone(session.client, change.path, f"{change.kind} {change.name}")
    if _delete_config(session, reading, config):
        done += [change for change in on_host if change.kind == "FederatedTypeConfig"]
    return done, warnings


def _delete_config(session: Session, reading: Reading, config: Object | None) -> bool:
    """Also one that was made only to have the objects taken out; whether it was this run that did it."""
    path = session.own("federatedtypeconfigs", reading.name)
    mine = _begun_here(reading.config, config) and delete_first(session.client, path, config)
    session.await_gone(session.client, path, f"FederatedTypeConfig {reading.name}")
    return mine


def _begun_here(before: Object | None, now: Object | None) -> bool:
    """Whether a deletion is this run's to tell: also one that an earlier run began, but not one that another began meanwhile."""
    return now is not None and (planning.leaving(before) or not planning.leaving(now))


def _look(session: Session, wish: Wish) -> Reading:
    state = read_state(session)
    config = _config_meant(state, wish.name)
    named = served(state.catalog, wish.name) if config is None else []
    name = config["metadata"]["name"] if config else named[0].name if named else wish.name.lower()
    reading = Reading(state, name, config, least=least.look(session, state))
    if config:
        reading.federated = desired.federated_of(config)
    elif named or "." in name:
        plural = f"federated{name.split('.', maxsplit=1)[0]}"
        reading.crd = session.client.find(crd_path(f"{plural}.{wish.federated_group or DEFAULT_GROUP}"))
        reading.federated = _of_crd(reading.crd)
    if reading.federated:
        reading.crd = reading.crd or session.client.find(crd_path(reading.federated.crd_name))
    if reading.federated and reading.crd:
        reading.objects = _objects(session, reading.federated)
    return reading


def _config_meant(state: State, word: str) -> Object | None:
    """By its name, or by kind or plural of its target: so also for a target that is not served any more."""
    lower = word.lower()
    by_name = state.config(lower)
    if by_name:
        return by_name
    named = served(state.catalog, word)
    if named:
        return state.config(named[0].name)
    targets = [
        item for item in state.configs if lower in (item["spec"]["targetType"]["pluralName"], item["spec"]["targetType"]["kind"].lower())
    ]
    return targets[0] if len(targets) == 1 else None


def _of_crd(crd: Object | None) -> Federated | None:
    """The federated type by its CRD alone, when the CRD is one."""
    if crd is None or not crd["spec"]["names"]["kind"].startswith("Federated"):
        return None
    spec = crd["spec"]
    version = next(item["name"] for item in spec["versions"] if item["storage"])
    return Federated(spec["group"], version, spec["names"]["kind"], spec["names"]["plural"], spec["scope"] == "Namespaced")


def _objects(session: Session, federated: Federated) -> list[Object]:
    """The metadata of its federated objects; none where their CRD is not served."""
    found: list[Object] = []
    query: dict[str, Any] = {"limit": 500}
    while True:
        try:
            page = session.client.request("GET", federated.collection, query=query, accept=METADATA_ONLY)
        except ApiError as error:
            if error.status == 404:
                return []
            raise
        found += page.get("items") or []
        token = (page.get("metadata") or {}).get("continue")
        if not token:
            return found
        query = {**query, "continue": token}


def _plan(session: Session, reading: Reading, federated: Federated, objects: str, delete_crd: bool) -> tuple[Plan, list[str]]:
    config, crd = reading.config, reading.crd
    plan, warnings = Plan(), []
    if reading.objects:
        titles = sorted(planning.object_title(federated, item["metadata"]) for item in reading.objects)
        plan.changes = [
            Change(objects, "host", federated.kind, title) for title in sorted(_title(federated, one) for one in reading.objects)
        ]
        more = [f"and {len(titles) - SHOWN_AT_MOST} more"] if len(titles) > SHOWN_AT_MOST else []
        plan.before["federated objects"] = [*titles[:SHOWN_AT_MOST], *more]
        if objects == ORPHANED:
            plan.after["copies in the members, which stay"] = plan.before["federated objects"]
    if config:
        path = session.own("federatedtypeconfigs", reading.name)
        plan.step(
            Change("delete", "host", "FederatedTypeConfig", reading.name, path),
            config["spec"],
            None,
            f"host: FederatedTypeConfig {reading.name}",
        )
        release = (config["metadata"].get("annotations") or {}).get(desired.HELM_RELEASE)
        if release:
            warnings.append(
                f'FederatedTypeConfig {reading.name} is of Helm release "{release}", whose chart brings it back when it is run again. '
                "Next: to stop the type for good, keep it with propagation: Disabled instead."
            )
    if delete_crd and crd and planning.made_by_us(crd):
        change = Change("delete", "host", "CustomResourceDefinition", federated.crd_name, crd_path(federated.crd_name), live=crd)
        plan.step(change, planning.brief(planning.comparable(crd["spec"])), None, f"host: CRD {federated.crd_name}")
    elif delete_crd and crd:
        warnings.append(f"CRD {federated.crd_name} stays: neither this module nor kubefedctl made it. Next: remove it with what did.")
    if (config or crd) and planning.group_is_left(federated.group, reading.name, reading.state.configs):
        _plan_rights(session, reading.state, federated, plan)
    return plan, warnings


def _plan_rights(session: Session, state: State, federated: Federated, plan: Plan) -> None:
    for item in reversed(desired.rights(federated.group, session.host.namespace, state.limited)):
        path = object_path(item["apiVersion"], f"{item['kind'].lower()}s", item["metadata"].get("namespace"), item["metadata"]["name"])
        live = session.client.find(path)
        if live:
            change = Change("delete", "host", item["kind"], item["metadata"]["name"], path, live=live)
            plan.step(change, {"group": federated.group}, None, f"host: {item['kind']} {item['metadata']['name']}")


def _objects_out(session: Session, reading: Reading, federated: Federated, wish: Wish, objects: str) -> tuple[set[str], list[str]]:
    """Take the federated objects out, by KubeFed; gives the names of those that this run deleted, and warnings.

    They are marked for deletion before a controller that was stopped is started, so that it does nothing else with them.
    """
    if not reading.objects:
        return set(), []
    first = session.host.each(lambda item: _mark(session, federated, item, objects), reading.objects)
    marked = {_title(federated, item) for item, mine in zip(reading.objects, first) if mine}
    warnings = _run_controller(session, reading, wish)
    left: dict[str, Object] = {}

    def gone() -> bool:
        left.clear()
        left.update({planning.object_title(federated, item["metadata"]): item for item in _objects(session, federated)})
        return not left

    if not session.until(gone):
        raise stuck(session.host, session.wait_timeout, left)
    time.sleep(QUIET)
    return marked, warnings + (_labels_off(session, reading) if objects == ORPHANED else [])


def _title(federated: Federated, item: Object) -> str:
    return planning.object_title(federated, item["metadata"]).split(" ", 1)[1]


def _mark(session: Session, federated: Federated, item: Object, objects: str) -> bool:
    """Have KubeFed take it out; whether it was this run that did."""
    path = federated.path(item["metadata"].get("namespace", ""), item["metadata"]["name"])
    marked = session.host.leave(path) if objects == ORPHANED else item
    return _begun_here(item, marked) and delete_first(session.client, path, marked)


def _run_controller(session: Session, reading: Reading, wish: Wish) -> list[str]:
    """See that the type has a controller, with its rights in the members: without one nobody takes the finalizers off its objects. Gives
    warnings."""
    config = reading.config
    if config is None or planning.leaving(config):
        target = enable.target_for(reading.state, wish)
        spec = desired.config_spec(target, reading.federated, replace(wish, propagation="Enabled"))  # type: ignore[arg-type]
        path, wanted = session.own("federatedtypeconfigs", target.name), desired.config_object(target, session.host.namespace, spec)
        change = planning.config_change(config, wanted, path)[0]
        warnings = _allowed(session, reading, wanted)
        session.carry_out(session.client, change)  # type: ignore[arg-type]
        return warnings
    if config["spec"].get("propagation") == "Enabled":
        return []
    warnings = _allowed(session, reading, {**config, "spec": {**config["spec"], "propagation": "Enabled"}})
    session.client.patch(session.own("federatedtypeconfigs", reading.name), {"spec": {"propagation": "Enabled"}})
    return warnings


def _allowed(session: Session, reading: Reading, config: Object) -> list[str]:
    return least.widen(session, reading.least, reading.name, least.with_config(reading.state.configs, reading.name, config))


def _labels_off(session: Session, reading: Reading) -> list[str]:
    """Wait until KubeFed has let go of the copies, which it does after the objects are gone; gives warnings."""
    target = _target_of(session, reading)
    names = {_key(item) for item in reading.objects}
    held: dict[str, list[str]] = {}
    blind: dict[str, str] = {}

    def labelled(cluster: Object) -> tuple[str, list[str]]:
        name = cluster["metadata"]["name"]
        try:
            path = object_path(target.api_version, target.plural)
            query = {"labelSelector": f"{MANAGED_LABEL}=true"}
            items = session.member(cluster).request("GET", path, query=query, accept=METADATA_ONLY).get("items") or []
        except EdgefedError as error:
            blind[name] = error.message
            return name, []
        return name, [
            item["metadata"]["name"] for item in items if (item["metadata"].get("namespace", ""), item["metadata"]["name"]) in names
        ]

    def free() -> bool:
        held.clear()
        held.update({name: left for name, left in session.host.each(labelled, reading.state.clusters) if left})
        return not held

    session.until(free)
    not_ready = [cluster["metadata"]["name"] for cluster in reading.state.clusters if not is_ready(cluster)]
    clusters = sorted({*held, *blind, *not_ready})
    if not clusters:
        return []
    return [
        f"Copies in {', '.join(clusters)} may still have the label {MANAGED_LABEL}=true, which KubeFed takes off only where it can. "
        f"Next: when they are back: kubectl label {target.plural} NAME {MANAGED_LABEL}-"
    ]


def _key(item: Object) -> tuple[str, str]:
    return item["metadata"].get("namespace", ""), item["metadata"]["name"]


def _target_of(session: Session, reading: Reading) -> Target:
    config = reading.config or session.client.get(session.own("federatedtypeconfigs", reading.name))
    return target_of(config)


def _stopped(session: Session, name: str) -> Object | None:
    """Stop the type's controller before its CRD goes, as kubefedctl does: its log stays clean. Gives its FederatedTypeConfig then."""
    path = session.own("federatedtypeconfigs", name)
    config = session.client.find(path)
    if config is None or planning.leaving(config):
        return config
    if config["spec"].get("propagation") == "Enabled":
        config = session.client.patch(path, {"spec": {"propagation": "Disabled"}})
    last: list[Object] = [config]

    def stopped() -> bool:
        last[:] = [live] if (live := session.client.find(path)) else []
        return not last or planning.running(last[0], "Disabled")

    if not session.until(stopped):
        raise enable.not_settled(session, last[0], "Disabled")
    return last[0] if last else None


def _result(session: Session, reading: Reading, plan: Plan, warnings: list[str]) -> Result:
    changed = bool(plan.changes)
    return Result(
        changed=changed,
        diff={"before": plan.before if changed else plan.after, "after": plan.after},
        warnings=warnings,
        data={
            "name": reading.name,
            "objects": len(reading.objects),
            "changes": [change.describe() for change in plan.changes],
            "api_requests": session.requests,
        },
    )
