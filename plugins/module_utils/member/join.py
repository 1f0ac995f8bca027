# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A join from any half-way state: read, plan, apply, wait until the controller finds the cluster ready."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from typing import Any, Callable

from ansible_collections.edgefed.kubefed.plugins.module_utils.client import ApiError, Client
from ansible_collections.edgefed.kubefed.plugins.module_utils.member import plan as planning
from ansible_collections.edgefed.kubefed.plugins.module_utils.member import rotation, target_crds
from ansible_collections.edgefed.kubefed.plugins.module_utils.member.desired import (
    Manifest,
    Ref,
    Wanted,
    Wish,
    account_object,
    host_objects,
    member_objects,
)
from ansible_collections.edgefed.kubefed.plugins.module_utils.member.look import Reading, look
from ansible_collections.edgefed.kubefed.plugins.module_utils.member.names import Names
from ansible_collections.edgefed.kubefed.plugins.module_utils.member.objects import QUICK, carry_out, path_of, until
from ansible_collections.edgefed.kubefed.plugins.module_utils.member.plan import Change, Plan, data_of
from ansible_collections.edgefed.kubefed.plugins.module_utils.member.readiness import Readiness, facts, readiness, why_not
from ansible_collections.edgefed.kubefed.plugins.module_utils.member.rights import hands_out_rights
from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import EdgefedError, Result
from ansible_collections.edgefed.kubefed.plugins.module_utils.urls import without_credentials

ATTEMPTS = 3


@dataclass
class Session:
    """The two clusters of a join, and how to go about it (seconds). ``tried`` collects what was to be written, ``done`` what this run
    wrote: another that runs at the same time may have been first. ``latest`` is what was written, as it came back;
    ``asked`` is how many requests went elsewhere.

    ``preflight``, given the control plane's scope, tells what speaks against a join, and raises where that is too much.
    """

    host: Client
    member: Any
    names: Names
    check: bool = False
    wait: bool = True
    wait_sleep: int = 1
    wait_timeout: int = 60
    force: bool = False
    asked: int = 0
    done: list[Change] = field(default_factory=list)
    tried: list[Change] = field(default_factory=list)
    latest: dict[Ref, Manifest] = field(default_factory=dict)
    preflight: Callable[[str], list[str]] | None = None
    warned: list[str] = field(default_factory=list)

    def client(self, ref: Ref) -> Client:
        """The cluster that an object lies in."""
        return self.host if ref.side == "host" else self.member

    @property
    def requests(self) -> int:
        """API requests sent so far."""
        return self.host.requests + int(self.member.requests) + self.asked

    def carry_out(self, change: Change) -> None:
        """Do one change and note it."""
        change = replace(change, live=self.latest.get(change.ref, change.live))
        ours, live = carry_out(self.client(change.ref), change, self.wait_timeout)
        self.tried.append(change)
        if ours:
            self.done.append(change)
        if live:
            self.latest[change.ref] = live


def present(session: Session, wish: Wish) -> Result:
    """Join, or bring an existing join to what is wished; raises :class:`EdgefedError` when it can't, or isn't ready in time."""
    before: dict[str, Any] = {}
    for attempt in range(ATTEMPTS):
        reading, wish = look(session.host, session.member, wish, session.force)
        session.latest.clear()
        plan = _plan(reading, wish)
        before = before or plan.before
        if attempt == 0 and session.preflight and _connects(reading, plan):
            session.warned += session.preflight(wish.scope)
        if session.check:
            cluster = reading.objects.get(reading.where.cluster)
            return _result(session, _closed(plan, _closing(session, reading, wish, plan.changes)), cluster, reading, wish)
        try:
            plan = _apply(session, reading, wish, plan)
            break
        except ApiError as error:
            if attempt + 1 == ATTEMPTS or not _raced(error):
                raise
            time.sleep(QUICK)
    cluster = _settled(session, reading, wish)
    closing = _closing(session, reading, wish, session.tried)
    for change in closing.changes:
        session.carry_out(change)
    plan = _closed(plan, closing)
    return _result(session, Plan(session.done, {**before, **plan.before}, plan.after), cluster, reading, wish)


def _connects(reading: Reading, plan: Plan) -> bool:
    """Whether KubeFed is to connect to a cluster that it does not find ready, or at another address than now."""
    known = reading.objects.get(reading.where.cluster)
    return known is None or not readiness(known).ready or planning.readdressed(known, plan.on("host"))


def _plan(reading: Reading, wish: Wish) -> Plan:
    """The whole plan. The token stays unknown where the member's token secret has to be made first."""
    where = reading.where
    wanted = member_objects(wish, where)
    member = planning.plan_present(reading.objects, wanted)
    remade = any(change.ref == where.token and change.action != "update" for change in member.changes)
    secret = None if remade else reading.objects.get(where.token)
    whole = planning.plan_present(reading.objects, [*wanted, *_host_objects(reading, wish, secret)])
    whole = replace(whole, changes=[*whole.changes, *(Change("delete", ref) for ref in reading.orphans)])
    return target_crds.planned(whole, reading.crds)


def _host_objects(reading: Reading, wish: Wish, secret: Manifest | None) -> list[Wanted]:
    token, ca = (wish.token, None) if wish.provided else (data_of(secret, "token"), data_of(secret, "ca.crt"))
    return host_objects(wish, reading.where, token, ca)


def _apply(session: Session, reading: Reading, wish: Wish, plan: Plan) -> Plan:
    for change in plan.on("member"):
        session.carry_out(change)
    target_crds.await_all(session.member, plan.on("member"), session.wait_timeout, QUICK)
    touched = any(change.ref == reading.where.token for change in plan.on("member"))
    secret = None if touched else reading.objects.get(reading.where.token)
    if not wish.provided and not data_of(secret, "token"):
        secret = _filled_token(session, reading.where.token)
    if touched and reading.where.retiring and secret:
        _accepted(session, reading.where.token, data_of(secret, "token") or b"")
    host = planning.plan_present(reading.objects, _host_objects(reading, wish, secret))
    for change in [*host.changes, *(Change("delete", ref) for ref in reading.orphans)]:
        session.carry_out(change)
    return replace(plan, after={**plan.after, **host.after})


def _closing(session: Session, reading: Reading, wish: Wish, changes: list[Change]) -> Plan:
    """What goes once KubeFed has its new credentials: the token before this one, or, with a token of the user's own, all that an
    earlier join made in the member. Without waiting that is a later run's work."""
    where = reading.where
    known = reading.objects.get(where.cluster)
    if not session.wait and not (known and _uses_them(known, changes)):
        return Plan([], {}, {})
    if wish.provided:
        made = [ref for ref in planning.removal_order(where, []) if ref.side == "member"]
        return planning.plan_absent(reading.objects, made)
    if where.retiring is None or where.service_account not in reading.objects:
        return Plan([], {}, {})
    return planning.retirement(account_object(wish, replace(where, retiring=None)), reading.objects, where.retiring)


def _uses_them(cluster: Manifest, changes: list[Change]) -> bool:
    """Whether KubeFed found the cluster ready after its KubeFedCluster was last written, and nothing is changed now."""
    state = readiness(cluster)
    touched = any(change.ref.side == "host" for change in changes)
    return state.ready and not touched and rotation.probed_since_applied(cluster, planning.FIELD_MANAGER, state.probed)


def _closed(plan: Plan, closing: Plan) -> Plan:
    gone = {title for title in closing.before if title not in closing.after}
    after = {title: shown for title, shown in plan.after.items() if title not in gone}
    return Plan([*plan.changes, *closing.changes], {**closing.before, **plan.before}, {**after, **closing.after})


def _accepted(session: Session, ref: Ref, token: bytes) -> None:
    """The member's API server knows the new token, before anything else is given up for it."""
    review = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "spec": {"token": token.decode()}}
    last: list[str] = []

    def known() -> bool:
        status = session.member.create("/apis/authentication.k8s.io/v1/tokenreviews", review).get("status") or {}
        last[:] = [str(status.get("error") or "it is not authenticated")]
        return bool(status.get("authenticated"))

    if not until(known, session.wait_timeout, QUICK):
        raise EdgefedError(
            f"{session.member.where} does not accept the new token of {ref}: {last[0]}. KubeFed still uses the old one. "
            "Next: see the member's API server log, then run this again; it goes on from here.",
            code="token_refused",
            details={"object": str(ref)},
        )


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
    touched = [change for change in session.tried if change.ref.side == "host"]
    if known and not touched and (readiness(known).ready or not session.wait):
        return known
    if not session.wait and (written := session.latest.get(reading.where.cluster, known)):
        return written
    outdated = readiness(known).probed if known and planning.reconnects(known, touched) else None
    last: list[Manifest] = []

    def ready() -> bool:
        last[:] = [session.host.get(path)]
        state = readiness(last[0])
        return state.ready and state.probed != outdated

    if not until(ready, session.wait_timeout, session.wait_sleep, session.wait_sleep):
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


def _result(session: Session, plan: Plan, cluster: Manifest | None, reading: Reading, wish: Wish) -> Result:
    name, changed = session.names.cluster, bool(plan.changes)
    unmade = {"name": name, "api_endpoint": without_credentials(wish.api_endpoint)}
    shown = facts(cluster, readiness(cluster)) if cluster else unmade
    return Result(
        changed=changed,
        diff={"before": plan.before if changed else plan.after, "after": plan.after},
        warnings=_warnings(session, plan, reading, wish),
        data={
            "cluster": {**shown, "credentials": rotation.told(wish.credentials, wish.lifetime, time.time())},
            "changes": [change.describe() for change in plan.changes],
            "api_requests": session.requests,
        },
    )


def _warnings(session: Session, plan: Plan, reading: Reading, wish: Wish) -> list[str]:
    name = session.names.cluster
    warnings = [*session.warned]
    if wish.disabled_tls_validations:
        warnings.append(
            f"TLS VALIDATION IS OFF ({', '.join(wish.disabled_tls_validations)}) between KubeFed and cluster {name!r}: who can stand "
            "between them can take the token, which may do everything in that cluster. Give the right CA (api_ca_cert) or an "
            "address of the certificate instead."
        )
    escalating = hands_out_rights(wish.types, wish.scope)
    if escalating and any(change.ref.kind.endswith("Role") for change in plan.on("member")):
        warnings.append(
            f"With {', '.join(escalating)} federated, the least credentials in cluster {name!r} are not less than all: who may "
            "hand out rights can have them. Disable propagation of these types if you don't need it."
        )
    if reading.where.retiring and not any(change.ref == reading.where.retiring for change in plan.changes):
        warnings.append(
            f"The token of {reading.where.retiring} in {session.member.where} stays valid until a later run finds that KubeFed uses the "
            "new one: run this again, or with wait."
        )
    return warnings + _ending(name, wish)


def _ending(name: str, wish: Wish) -> list[str]:
    what, days = f"token that was provided for cluster {name!r}", rotation.told(wish.credentials, wish.lifetime, time.time())["days_left"]
    if wish.lifetime.problem:
        return [f"When the {what} ends is not known: {wish.lifetime.problem}. KubeFed loses the cluster then."]
    if days is not None and days < wish.warn_days:
        return [f"The {what} ends in {days} days: KubeFed loses the cluster then. Give a new one."]
    return []
