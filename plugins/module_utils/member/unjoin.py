# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""An unjoin from any half-way state: the host cluster first, then what the join made in the member. Workloads stay, unless told."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ansible_collections.edgefed.kubefed.plugins.module_utils.member import plan as planning
from ansible_collections.edgefed.kubefed.plugins.module_utils.member.desired import Manifest, Ref, Refs, refs
from ansible_collections.edgefed.kubefed.plugins.module_utils.member.federated import FederatedObjects, federated_objects
from ansible_collections.edgefed.kubefed.plugins.module_utils.member.join import Session
from ansible_collections.edgefed.kubefed.plugins.module_utils.member.look import read_member
from ansible_collections.edgefed.kubefed.plugins.module_utils.member.objects import (
    find_orphans,
    leftovers,
    path_of,
    read,
    refused,
    wait_gone,
)
from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import EdgefedError, Result

KEPT = "federated objects in the member"


@dataclass
class _Seen:
    """``federated`` is what KubeFed put into the member, as far as it is to go; ``left`` are commands for what stays behind."""

    where: Refs
    objects: dict[Ref, Manifest] = field(default_factory=dict)
    host_secrets: list[Ref] = field(default_factory=list)
    federated: FederatedObjects = field(default_factory=FederatedObjects)
    warnings: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    lost: EdgefedError | None = None


def absent(session: Session, federated: str, context: str) -> Result:
    """Unjoin. Where the member can't be worked with, fail before anything is done, or with ``force`` clean the host cluster
    and give the commands that clean the member (in its ``context``). ``federated`` is ``keep`` or ``delete``: what KubeFed put there."""
    seen = _look(session, federated == "delete", context)
    order = planning.removal_order(seen.where, seen.host_secrets)
    # KubeFed would make again what is deleted while it still has rights there.
    rights_gone = order.index(seen.where.token)
    goes = [*order[:rights_gone], *seen.federated.refs, *order[rights_gone:]]
    plan = planning.plan_absent({**seen.objects, **seen.federated.objects}, goes)
    if plan.changes and not seen.lost:
        _tell_what_stays(seen, plan, federated)
    namespace = _namespace_to_delete(session, seen)
    if namespace:
        plan.changes.append(namespace)
        plan.before[f"member: {namespace.ref}"] = planning.visible(seen.objects[namespace.ref])
    if not session.check:
        for change in plan.changes:
            session.carry_out(change)
        _wait_for_namespace(session, seen, bool(namespace))
    changes = plan.changes if session.check else session.done
    return Result(
        changed=bool(changes),
        diff={"before": plan.before if changes else plan.after, "after": plan.after},
        warnings=seen.warnings,
        data={
            "cluster": {"name": session.names.cluster, "ready": False},
            "changes": [change.describe() for change in changes],
            "left_behind": seen.left,
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


def _tell_what_stays(seen: _Seen, plan: planning.Plan, federated: str) -> None:
    plan.before[KEPT] = "managed by KubeFed"
    plan.after[KEPT] = "kept as they are, managed by nobody (federated_objects: keep)" if federated == "keep" else "deleted"
    if seen.federated.kept:
        plan.after[KEPT] = f"deleted, but for {', '.join(seen.federated.kept)}"


def _look(session: Session, with_federated: bool, context: str) -> _Seen:
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
        where, there = read_member(session.member, where, names, lambda: None)
        seen.where = where
        found |= there
        planning.refuse_other_join(found, where, names)
        if with_federated:
            seen.federated = federated_objects(session.host, session.member, names.namespace)
            seen.warnings += [f"{said} stays in {session.member.where}." for said in seen.federated.kept]
    except EdgefedError as error:
        if not refused(error):
            raise
        _give_up_member(session, seen, error, context)
    if where.cluster in found or where.service_account in found:
        orphans = find_orphans(session.host, where, names, where.secret.name)
        found |= read(session.host, orphans)
        secrets += orphans
    return seen


def _give_up_member(session: Session, seen: _Seen, error: EdgefedError, context: str) -> None:
    name = session.names.cluster
    refs_left = seen.where.of_member(None)
    left = ", ".join(str(ref) for ref in refs_left)
    cause = f"{error.without_next}."
    if not session.force:
        raise EdgefedError(
            f"Cannot unjoin {name!r} completely, so nothing was done: {cause} What the join may have made there: {left}. "
            f"Next: {error.next_step or 'repair the way to the member'}; or clean only the host cluster with force: true (member_force).",
            code="member_unusable",
            details={"left": [str(ref) for ref in refs_left], "cause": error.code},
        ) from None
    seen.lost = error
    seen.left = _commands(seen.where, context)
    seen.warnings.append(
        f"Only the host cluster was cleaned of {name!r}: {cause} In the member may be left, its token still "
        f"valid: {left}. Run unjoin again when the member is back, or run there: {' && '.join(seen.left)}"
    )


def _commands(where: Refs, context: str) -> list[str]:
    """What a join may have left in a member, as commands: rights first. The namespace may be others' too, so it is not among them."""
    refs_left = [ref for ref in reversed(where.of_member(None)) if ref.kind != "Namespace"]
    wide = [f"{ref.kind.lower()}/{ref.name}" for ref in refs_left if not ref.namespace]
    inside = [f"{ref.kind.lower()}/{ref.name}" for ref in refs_left if ref.namespace]
    kubectl = f"kubectl --context {context} delete --ignore-not-found"
    return [f"{kubectl} {' '.join(wide)}", f"{kubectl} -n {where.namespace.name} {' '.join(inside)}"]


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
    return planning.Change("delete", ref, live=live)


def _wait_for_namespace(session: Session, seen: _Seen, deleted: bool) -> None:
    live = seen.objects.get(seen.where.namespace)
    if session.wait and live and (deleted or planning.leaving(live)):
        wait_gone(session.member, seen.where.namespace, session.wait_timeout)
