# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A join from any half-way state: read, plan, apply, wait until the controller finds the cluster ready."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from typing import Any

from ansible_collections.edgefed.kubefed.plugins.module_utils.client import ApiError, Client, object_path
from ansible_collections.edgefed.kubefed.plugins.module_utils.member import plan as planning
from ansible_collections.edgefed.kubefed.plugins.module_utils.member.desired import (
    KUBEFED,
    Manifest,
    Ref,
    Refs,
    Wish,
    host_objects,
    member_objects,
    refs,
)
from ansible_collections.edgefed.kubefed.plugins.module_utils.member.names import Names
from ansible_collections.edgefed.kubefed.plugins.module_utils.member.objects import QUICK, carry_out, find_orphans, path_of, read, until
from ansible_collections.edgefed.kubefed.plugins.module_utils.member.plan import Change, Plan, data_of
from ansible_collections.edgefed.kubefed.plugins.module_utils.member.readiness import Readiness, facts, readiness, why_not
from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import EdgefedError, Result
from ansible_collections.edgefed.kubefed.plugins.module_utils.urls import without_credentials

ATTEMPTS = 3


@dataclass
class Session:
    """The two clusters of a join, and how to go about it (seconds). ``done`` collects what was written."""

    host: Client
    member: Any
    names: Names
    check: bool = False
    wait: bool = True
    wait_sleep: int = 1
    wait_timeout: int = 60
    done: list[Change] = field(default_factory=list)

    def client(self, ref: Ref) -> Client:
        """The cluster that an object lies in."""
        return self.host if ref.side == "host" else self.member

    @property
    def requests(self) -> int:
        """API requests sent so far."""
        return self.host.requests + int(self.member.requests)

    def carry_out(self, change: Change) -> None:
        """Do one change and note it."""
        carry_out(self.client(change.ref), change, self.wait_timeout)
        self.done.append(change)


@dataclass(frozen=True)
class Reading:
    """What is there before a join."""

    where: Refs
    objects: dict[Ref, Manifest]
    orphans: list[Ref]


def present(session: Session, wish: Wish) -> Result:
    """Join, or bring an existing join to what is wished; raises :class:`EdgefedError` when it can't, or isn't ready in time."""
    before: dict[str, Any] = {}
    for attempt in range(ATTEMPTS):
        reading, wish = _look(session, wish)
        plan = _plan(reading, wish)
        before = before or plan.before
        if session.check:
            return _result(session, plan, reading.objects.get(reading.where.cluster), wish)
        try:
            plan = _apply(session, reading, wish, plan)
            break
        except ApiError as error:
            if attempt + 1 == ATTEMPTS or not _raced(error):
                raise
            time.sleep(QUICK)
    cluster = _settled(session, reading, wish)
    return _result(session, Plan(session.done, before, plan.after), cluster, wish)


def control_plane_scope(host: Client, namespace: str) -> str:
    """``Cluster`` or ``Namespaced``; raises :class:`EdgefedError` (code ``no_control_plane``) where KubeFed isn't installed."""
    config = None
    path = object_path(KUBEFED, "kubefedconfigs", namespace, "kubefed")
    try:
        config = host.get(path)
    except ApiError as error:
        if error.status != 404:
            raise
        lacks = f"no KubeFedConfig {namespace}/kubefed" if error.body else "no KubeFed: its CRDs are missing"
        raise EdgefedError(
            f"{host.where} has {lacks}. Next: run playbooks/control_plane.yml, or set namespace (federation_namespace) to where "
            "KubeFed is installed.",
            code="no_control_plane",
            details={"namespace": namespace},
        ) from None
    return str((config.get("spec") or {}).get("scope") or "Cluster")


def _look(session: Session, wish: Wish) -> tuple[Reading, Wish]:
    names = session.names
    scope = control_plane_scope(session.host, names.namespace)
    where = refs(names)
    found = read(session.host, [where.cluster])
    if found:
        where = refs(names, found[where.cluster]["spec"]["secretRef"]["name"])
    found |= read(session.host, [where.secret])
    found |= read(session.member, where.of_member(scope))
    planning.refuse_other_join(found, where, names)
    planning.refuse_foreign_secret(found, where, names)
    orphans: list[Ref] = []
    if where.service_account in found and where.cluster not in found:
        orphans = find_orphans(session.host, where, names, where.secret.name)
    return Reading(where, found, orphans), replace(wish, scope=scope)


def _plan(reading: Reading, wish: Wish) -> Plan:
    """The whole plan. The token stays unknown where the member's token secret has to be made first."""
    where = reading.where
    wanted = member_objects(wish, where)
    member = planning.plan_present(reading.objects, wanted)
    remade = any(change.ref == where.token and change.action != "update" for change in member.changes)
    secret = None if remade else reading.objects.get(where.token)
    token, ca = data_of(secret, "token"), data_of(secret, "ca.crt")
    whole = planning.plan_present(reading.objects, [*wanted, *host_objects(wish, where, token, ca)])
    return replace(whole, changes=[*whole.changes, *(Change("delete", ref) for ref in reading.orphans)])


def _apply(session: Session, reading: Reading, wish: Wish, plan: Plan) -> Plan:
    for change in plan.on("member"):
        session.carry_out(change)
    touched = any(change.ref == reading.where.token for change in plan.on("member"))
    secret = None if touched else reading.objects.get(reading.where.token)
    if not data_of(secret, "token"):
        secret = _filled_token(session, reading.where.token)
    wanted = host_objects(wish, reading.where, data_of(secret, "token"), data_of(secret, "ca.crt"))
    host = planning.plan_present(reading.objects, wanted)
    for change in [*host.changes, *(Change("delete", ref) for ref in reading.orphans)]:
        session.carry_out(change)
    return replace(plan, after={**plan.after, **host.after})


def _filled_token(session: Session, ref: Ref) -> Manifest:
    last: list[Manifest] = []

    def filled() -> bool:
        last[:] = [live] if (live := session.member.find(path_of(ref))) else []
        return bool(last and data_of(last[0], "token"))

    if not until(filled, session.wait_timeout, QUICK):
        raise EdgefedError(
            f"{ref} in {session.member.where} got no token within {session.wait_timeout} s: the member's controller manager fills it. "
            "Next: check that kube-controller-manager runs there (it needs --service-account-private-key-file), then run this again.",
            code="no_token",
            details={"object": str(ref)},
        )
    return last[0]


def _settled(session: Session, reading: Reading, wish: Wish) -> Manifest:
    """The KubeFedCluster, ready if asked to wait. Where the connection changed only a later look of the controller counts."""
    path = path_of(reading.where.cluster)
    known = reading.objects.get(reading.where.cluster)
    touched = [change for change in session.done if change.ref.side == "host"]
    if known and not touched and (readiness(known).ready or not session.wait):
        return known
    outdated = readiness(known).probed if known and planning.reconnects(known, touched) else None
    last: list[Manifest] = []

    def ready() -> bool:
        last[:] = [session.host.get(path)]
        state = readiness(last[0])
        return state.ready and state.probed != outdated

    if not session.wait:
        ready()
    elif not until(ready, session.wait_timeout, session.wait_sleep, session.wait_sleep):
        raise _not_ready(session, last[0], outdated, wish.api_endpoint)
    return last[0]


def _not_ready(session: Session, cluster: Manifest, outdated: str | None, address: str) -> EdgefedError:
    state = readiness(cluster)
    if state.probed == outdated:
        state = Readiness(False, "not_probed", probed=state.probed)
    return EdgefedError(
        f"{why_not(session.names.cluster, state, address)} (Waited {session.wait_timeout} s.)",
        code="not_ready",
        details={"address": without_credentials(address), "cause": state.cause, "reason": state.said},
    )


def _raced(error: ApiError) -> bool:
    """Whether somebody else changed what was read meanwhile, so that reading again helps."""
    return error.status in (404, 409) or (error.status == 403 and "being terminated" in error.message)


def _result(session: Session, plan: Plan, cluster: Manifest | None, wish: Wish) -> Result:
    name, changed = session.names.cluster, bool(plan.changes)
    unmade = {"name": name, "api_endpoint": without_credentials(wish.api_endpoint)}
    warnings = []
    if wish.disabled_tls_validations:
        warnings.append(
            f"TLS VALIDATION IS OFF ({', '.join(wish.disabled_tls_validations)}) between KubeFed and cluster {name!r}: who can stand "
            "between them can take the token, which may do everything in that cluster. Give the right CA (api_ca_cert) or an "
            "address of the certificate instead."
        )
    return Result(
        changed=changed,
        diff={"before": plan.before if changed else plan.after, "after": plan.after},
        warnings=warnings,
        data={
            "cluster": facts(cluster, readiness(cluster)) if cluster else unmade,
            "changes": [change.describe() for change in plan.changes],
            "api_requests": session.requests,
        },
    )
