# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""An unjoin from any half-way state: the host cluster first, then what the join made in the member. Workloads stay."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ansible_collections.edgefed.kubefed.plugins.module_utils.member import plan as planning
from ansible_collections.edgefed.kubefed.plugins.module_utils.member.desired import Manifest, Ref, Refs, refs
from ansible_collections.edgefed.kubefed.plugins.module_utils.member.join import Session
from ansible_collections.edgefed.kubefed.plugins.module_utils.member.names import Names
from ansible_collections.edgefed.kubefed.plugins.module_utils.member.objects import (
    find_orphans,
    leftovers,
    path_of,
    read,
    refused,
    wait_gone,
)
from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import EdgefedError, Result


@dataclass
class _Seen:
    where: Refs
    objects: dict[Ref, Manifest] = field(default_factory=dict)
    host_secrets: list[Ref] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    lost: EdgefedError | None = None


def absent(session: Session, force: bool) -> Result:
    """Unjoin. Where the member can't be worked with, fail before anything is done, or with ``force`` clean the host cluster
    and warn of what stays in the member."""
    seen = _look(session, force)
    plan = planning.plan_absent(seen.objects, planning.removal_order(seen.where, seen.host_secrets))
    namespace = _namespace_to_delete(session, seen)
    if namespace:
        plan.changes.append(namespace)
        plan.before[f"member: {namespace.ref}"] = planning.visible(seen.objects[namespace.ref])
    if not session.check:
        for change in plan.changes:
            session.carry_out(change)
        _wait_for_namespace(session, seen, bool(namespace))
    return Result(
        changed=bool(plan.changes),
        diff={"before": plan.before, "after": plan.after},
        warnings=seen.warnings,
        data={
            "cluster": {"name": session.names.cluster, "ready": False},
            "changes": [change.describe() for change in plan.changes],
            "api_requests": session.requests,
        },
    )


class Unusable:
    """Stands for a member whose kubeconfig can't be used; every request says why."""

    requests = 0

    def __init__(self, error: EdgefedError) -> None:
        self._error = error

    def find(self, path: str) -> Any:
        """Raises the error."""
        raise self._error


def _look(session: Session, force: bool) -> _Seen:
    names = session.names
    where = refs(names)
    found = read(session.host, [where.cluster, where.secret])
    secrets = [where.secret] if where.secret in found and planning.is_ours(found[where.secret]) else []
    if where.cluster in found:
        where = refs(names, found[where.cluster]["spec"]["secretRef"]["name"])
    if where.secret not in found:
        found |= read(session.host, [where.secret])
    if where.cluster in found and where.secret in found and where.secret not in secrets:
        secrets.append(where.secret)
    seen = _Seen(where, found, secrets)
    try:
        found |= read(session.member, where.of_member(None))
        planning.refuse_other_join(found, where, names)
    except EdgefedError as error:
        if not refused(error):
            raise
        _give_up_member(seen, names, error, force)
    if where.cluster in found or where.service_account in found:
        orphans = find_orphans(session.host, where, names, where.secret.name)
        found |= read(session.host, orphans)
        secrets += orphans
    return seen


def _give_up_member(seen: _Seen, names: Names, error: EdgefedError, force: bool) -> None:
    left = ", ".join(str(ref) for ref in seen.where.of_member(None))
    if not force:
        raise EdgefedError(
            f"Cannot unjoin {names.cluster!r} completely, so nothing was done: {error.message} What the join may have made there: {left}. "
            "Next: repair the way to the member, or clean only the host cluster with force: true (member_force).",
            code="member_unusable",
            details={"left": [str(ref) for ref in seen.where.of_member(None)], "cause": error.code},
        ) from None
    seen.lost = error
    seen.warnings.append(
        f"Only the host cluster was cleaned of {names.cluster!r}: {error.message} In the member may be left, its token still "
        f"valid: {left}. Run unjoin again when the member is back, or delete them there."
    )


def _namespace_to_delete(session: Session, seen: _Seen) -> planning.Change | None:
    """The deletion of the member's namespace, if a join made it, it isn't the host cluster's own, and nobody else uses it."""
    ref = seen.where.namespace
    live = seen.objects.get(ref)
    if seen.lost or live is None or planning.leaving(live) or not planning.made_by_join(live):
        return None
    own = session.host.find(path_of(ref))
    if own and own["metadata"]["uid"] == live["metadata"]["uid"]:
        return None
    try:
        left = leftovers(session.member, ref.name, seen.where.of_member(None))
    except EdgefedError as error:
        left = [f"something that cannot be listed ({error.message})"]
    if left:
        seen.warnings.append(f"{ref} in {session.member.where} stays, it holds {', '.join(left)}.")
        return None
    return planning.Change("delete", ref)


def _wait_for_namespace(session: Session, seen: _Seen, deleted: bool) -> None:
    live = seen.objects.get(seen.where.namespace)
    if session.wait and live and (deleted or planning.leaving(live)):
        wait_gone(session.member, seen.where.namespace, session.wait_timeout)
