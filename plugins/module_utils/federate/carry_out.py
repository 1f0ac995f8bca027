# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Writing and deleting objects of the host cluster. What is being deleted is waited for: a write to it would be lost."""

from __future__ import annotations

import time
from typing import Any, Callable

from ansible_collections.edgefed.kubefed.plugins.module_utils.client import ApiError, ConnectError
from ansible_collections.edgefed.kubefed.plugins.module_utils.federate.host import Host
from ansible_collections.edgefed.kubefed.plugins.module_utils.federate.options import Session, Step, tiers
from ansible_collections.edgefed.kubefed.plugins.module_utils.federate.refuse import with_remedy
from ansible_collections.edgefed.kubefed.plugins.module_utils.federate.trial import problems_of
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.application import LABEL, application_of
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.check import Key
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.plan import DELETE, ORPHAN, RECREATE, in_deletion
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.types import FEDERATED_NAMESPACE
from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import EdgefedError

QUICK = 0.05
ATTEMPTS = 4
TOLD_AT_MOST = 10


def until(done: Callable[[], bool], timeout: float, longest: float) -> bool:
    """Ask at once, and then again after growing pauses of ``longest`` seconds at most; whether it came true in time."""
    deadline = time.monotonic() + timeout
    pause = QUICK
    while not done():
        left = deadline - time.monotonic()
        if left <= 0:
            return False
        time.sleep(max(0.0, min(pause, longest, left)))
        pause *= 2
    return True


def put_all(session: Session, steps: list[Step]) -> None:
    """Apply every object: namespaces first, then all others side by side. One that fails doesn't stop those beside it, but a server that
    is away isn't asked for each of a thousand."""
    away: list[EdgefedError] = []

    def attempt(step: Step) -> EdgefedError | None:
        if away:
            return away[0]
        try:
            put(session, step)
        except EdgefedError as error:
            if isinstance(error, ConnectError):
                away.append(error)
            return error
        return None

    left = tiers([step for step in steps if step.todo])
    while left:
        tier = left.pop(0)
        errors = {step.resource.title: error for step, error in zip(tier, session.host.each(attempt, tier)) if error}
        if errors:
            raise not_applied(errors, len(tier), sum(map(len, left)))


def not_applied(errors: dict[str, EdgefedError], count: int, untried: int = 0) -> EdgefedError:
    """The error for ``errors``, by the objects' titles, of ``count`` objects: those that several have in common told once. ``untried`` are
    those that lie in what could not be applied."""
    messages = list(dict.fromkeys(error.message for error in errors.values()))
    lines = [f"- {message}" for message in messages[:TOLD_AT_MOST]]
    if len(messages) > TOLD_AT_MOST:
        lines.append(f"- and {len(messages) - TOLD_AT_MOST} more")
    applied = "; the others are" if len(errors) < count else ""
    waiting = f"; {untried} more that need them were not tried" if untried else ""
    heading = f"{len(errors)} of {count} objects could not be applied{applied}{waiting}."
    codes = {error.code for error in errors.values()}
    return EdgefedError(
        messages[0] if count + untried == 1 else "\n".join([heading, *lines]),
        codes.pop() if len(codes) == 1 else "apply",
        {"failed": [{"object": title, "cause": error.message} for title, error in errors.items()], "of": count},
    )


def put(session: Session, step: Step) -> None:
    """Apply one object, after what is being deleted in its place is gone."""
    resource = step.resource
    dying = step.action == RECREATE
    for attempt in range(ATTEMPTS):
        if dying:
            _await_gone(session, step)
        try:
            step.after = session.host.apply_resource(resource, session.force)
            dying = in_deletion(step.after)
        except ApiError as error:
            problems = problems_of(resource, error)
            if problems:
                raise EdgefedError("\n".join(str(problem) for problem in problems), "invalid") from None
            if error.status != 409 or attempt + 1 == ATTEMPTS:
                raise with_remedy(error) from None
            continue
        except ConnectError as error:
            # An answer that is cut off leaves it open whether the object was written; applying it again comes to the same.
            if error.cause != "reset" or attempt + 1 == ATTEMPTS:
                raise
            continue
        if not dying:
            return
    raise EdgefedError(
        f"{resource.title} in {session.host.client.where} is deleted again each time it is made. Next: stop whoever deletes it.",
        code="deleted",
    )


def _await_gone(session: Session, step: Step) -> None:
    last: list[dict[str, Any]] = []

    def gone() -> bool:
        live = session.host.client.find(step.resource.path)
        last[:] = [live] if live is not None and in_deletion(live) else []
        return not last

    if not until(gone, session.wait_timeout, session.wait_sleep):
        raise stuck(session.host, session.wait_timeout, {step.resource.title: last[0]})


def delete_all(session: Session, steps: list[Step], kept: list[Step]) -> None:
    """Delete what is to go, and wait until it is gone, if waiting is asked for. ``kept`` are FederatedNamespaces that the next prune is to
    look at again.

    All is on its way before anything is waited for, since KubeFed looks at each deletion again only after 10 s. A host cluster's
    namespace goes before its FederatedNamespace, which tells that it was made by us: so a run that is cut off between the two leaves
    nothing that nobody knows of.
    """
    todo = [step for step in steps if step.todo]
    namespaces = [step for kind in ("Namespace", FEDERATED_NAMESPACE) for step in todo if step.resource.key[0] == kind]
    others = [step for step in todo if step not in namespaces]
    session.host.each(lambda step: _keep_in_sight(session, step), [*namespaces, *kept] if session.prune else [])
    session.host.each(lambda step: _delete(session, step), others)
    if namespaces and any(step.action == ORPHAN for step in others):
        # KubeFed that sees the end of a FederatedNamespace first would take its objects out of the members
        _await_all_gone(session, others)
    for step in namespaces:
        _delete(session, step)
    if session.wait and todo:
        _await_all_gone(session, todo)


def _keep_in_sight(session: Session, step: Step) -> None:
    """Label a FederatedNamespace before the last labelled object in it goes: a run after one that is cut off finds it by that."""
    if step.resource.key[0] == FEDERATED_NAMESPACE and step.current and not application_of(step.current):
        session.host.client.patch(step.resource.path, {"metadata": {"labels": {LABEL: session.application}}})


def _delete(session: Session, step: Step) -> None:
    if step.action == ORPHAN and not session.host.leave(step.resource.path):
        return
    if step.action in (DELETE, ORPHAN):
        session.host.client.delete(step.resource.path)


def _await_all_gone(session: Session, tier: list[Step]) -> None:
    uids = {step.current["metadata"]["uid"] for step in tier if step.current}
    left: dict[Key, dict[str, Any]] = {}

    def gone() -> bool:
        resources = [step.resource for step in tier if not left or step.resource.key in left]
        found = session.host.objects(resources)
        names = [resource.key[2] for resource in resources if resource.type is None]
        found.update({("Namespace", "", name): item for name, item in session.host.namespaces(names).items()})
        left.clear()
        left.update({key: item for key, item in found.items() if item["metadata"]["uid"] in uids})
        return not left

    if not until(gone, session.wait_timeout, session.wait_sleep):
        titles = {step.resource.key: step.resource.title for step in tier}
        raise stuck(session.host, session.wait_timeout, {titles[key]: item for key, item in left.items()})


def stuck(host: Host, seconds: float, left: dict[str, dict[str, Any]]) -> EdgefedError:
    """The error for objects that are still there, with what holds each, and the clusters that KubeFed can't clean."""
    told = [f"{title}: {held_by(item)}" for title, item in left.items()]
    more = [f"and {len(told) - TOLD_AT_MOST} more"] if len(told) > TOLD_AT_MOST else []
    away = host.not_ready()
    blocked = [f"cluster {name} is not ready, and KubeFed waits until it can remove things there ({why})" for name, why in away.items()]
    todo = "bring these clusters back, or unjoin them" if away else "finish or remove what holds it"
    return EdgefedError(
        f"Still being deleted in {host.client.where} after {seconds:g} s: {'; '.join([*told[:TOLD_AT_MOST], *more, *blocked])}. "
        f"Next: {todo}, then run this again.",
        code="stuck",
        details={"objects": list(left), "clusters": sorted(away)},
    )


def held_by(live: dict[str, Any]) -> str:
    """The finalizers of an object in deletion, and what its conditions say."""
    spec = live.get("spec") or {}
    names = [*(live["metadata"].get("finalizers") or []), *(spec.get("finalizers") or [])]
    conditions = (live.get("status") or {}).get("conditions") or []
    said = [str(item["message"]) for item in conditions if item.get("status") == "True" and item.get("message")]
    return ", ".join([*(f"finalizer {name}" for name in names), *said]) or "nothing says why"
