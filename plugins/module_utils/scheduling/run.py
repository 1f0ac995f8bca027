# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A cluster cordoned, drained or uncordoned: the mark on its KubeFedCluster, and the objects."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from ansible_collections.edgefed.kubefed.plugins.module_utils.client import APPLY_PATCH, FIELD_MANAGER, ApiError
from ansible_collections.edgefed.kubefed.plugins.module_utils.federate.carry_out import until
from ansible_collections.edgefed.kubefed.plugins.module_utils.federate.host import Host
from ansible_collections.edgefed.kubefed.plugins.module_utils.federate.refuse import with_remedy
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.check import Federation
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.shares import REPLICAS
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.types import FederatedType
from ansible_collections.edgefed.kubefed.plugins.module_utils.member.desired import CORDON, KUBEFED
from ansible_collections.edgefed.kubefed.plugins.module_utils.member.readiness import readiness
from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import EdgefedError, Result
from ansible_collections.edgefed.kubefed.plugins.module_utils.scheduling.plan import (
    CORDONED,
    DRAINED,
    PREFERENCES,
    UNCORDONED,
    Change,
    Item,
    change_of,
    plan,
    stays,
)

ATTEMPTS = 20
AGAIN = 0.1
TOLD_AT_MOST = 5


@dataclass(frozen=True)
class Session:
    """One run on one cluster. Times are seconds."""

    host: Host
    cluster: str
    state: str
    check: bool = False
    wait: bool = True
    wait_sleep: float = 1
    wait_timeout: float = 120

    @property
    def path(self) -> str:
        """Of the KubeFedCluster."""
        return f"/apis/{KUBEFED}/namespaces/{self.host.namespace}/kubefedclusters/{self.cluster}"


def schedule(session: Session) -> Result:
    """Bring the cluster to the state; raises :class:`EdgefedError` when it can't, or KubeFed doesn't follow in time."""
    try:
        return _schedule(session)
    except ApiError as error:
        raise with_remedy(error) from None


def _schedule(session: Session) -> Result:
    federation = session.host.federation()
    cluster = session.host.client.find(session.path)
    if cluster is None:
        raise EdgefedError(
            f"Cluster {session.cluster!r} is not in the federation of {session.host.client.where}; joined are "
            f"{', '.join(sorted(federation.clusters)) or 'none'}. Next: join it (playbooks/join.yml), or correct the name.",
            code="not_joined",
        )
    items = [] if session.state == CORDONED else read(session.host, federation)
    changes = plan(items, session.cluster, session.state, federation.clusters)
    before = (cluster["metadata"].get("annotations") or {}).get(CORDON)
    after = _mark(before, session.state)
    ready = readiness(cluster).ready
    if not session.check:
        _carry_out(session, federation, changes, (before, after))
        if session.wait and ready:
            _wait(session, items, changes)
    return Result(
        changed=bool(changes) or before != after,
        diff=_diff(session, changes, before, after),
        warnings=_warnings(session, changes, stays(items, session.cluster, federation.clusters), ready),
        data={
            "cluster": {"name": session.cluster, "scheduling": after or UNCORDONED, "ready": ready},
            "changes": [change.describe() for change in changes],
            "api_requests": session.host.client.requests,
        },
    )


def _mark(before: str | None, state: str) -> str | None:
    """The mark afterwards. What is drained is cordoned as well, so cordoning leaves it so."""
    if state == UNCORDONED:
        return None
    return DRAINED if before == DRAINED else state


def read(host: Host, federation: Federation) -> list[Item]:
    """Every federated object of the enabled types, and every preference; one list for each kind, side by side."""
    types: list[FederatedType | None] = [kind for kind in federation.types.values() if kind.enabled]
    listed = host.each(lambda kind: _listed(host, kind), [*types, None])
    return [Item(live, kind) for kind, found in zip([*types, None], listed) for live in found]


def _listed(host: Host, kind: FederatedType | None) -> list[dict[str, Any]]:
    path = f"/apis/{kind.api_version}/{kind.plural}" if kind else f"/apis/{PREFERENCES}/replicaschedulingpreferences"
    try:
        return list(host.client.list(path))
    except ApiError as error:
        if error.status == 404:
            return []
        raise


def _carry_out(session: Session, federation: Federation, changes: list[Change], mark: tuple[str | None, str | None]) -> None:
    """The mark first, so that nothing new comes to a cluster that is being emptied; taken away last, so that a run that is cut off
    leaves no cluster that looks usable and lacks objects."""
    before, after = mark
    if before != after and after is not None:
        _set_mark(session, after)
    session.host.each(lambda change: _apply(session, federation, change), changes)
    if before != after and after is None:
        _set_mark(session, None)


def _set_mark(session: Session, mark: str | None) -> None:
    # A patch, since an apply with the fields of a join would take it for one of theirs.
    session.host.client.patch(session.path, {"metadata": {"annotations": {CORDON: mark}}})


def _apply(session: Session, federation: Federation, change: Change) -> None:
    """Another run, or KubeFed, may change the object meanwhile: then it is looked at again."""
    client = session.host.client
    todo: Change | None = change
    for _attempt in range(ATTEMPTS):
        if todo is None:
            return
        query = {"fieldManager": FIELD_MANAGER, "force": "true"}
        try:
            client.request("PATCH", change.item.path, todo.body, query=query, content_type=APPLY_PATCH)
            return
        except ApiError as error:
            if error.status not in (404, 409):
                raise
        time.sleep(AGAIN)
        live = client.find(change.item.path)
        todo = change_of(Item(live, change.item.type), session.cluster, session.state, federation.clusters) if live else None
    raise EdgefedError(
        f"{change.item.title} in {client.where} is changed by somebody all the time. Next: stop who does it, then run this again.",
        code="contended",
    )


def _wait(session: Session, items: list[Item], changes: list[Change]) -> None:
    pending = {change.item.key: change.item for change in changes if change.item.type}
    targets = {item.key: item for item in items}
    led: set[Any] = set()
    for change in changes:
        if change.item.type is None and session.state == DRAINED:
            key = (change.item.live["spec"]["targetKind"], *change.item.key[1:])
            led |= {key} if key in targets else set()
            pending |= {key: targets[key]} if key in targets else {}

    def followed() -> bool:
        lives = session.host.each(lambda item: session.host.client.find(item.path), pending.values())
        for item, live in zip(list(pending.values()), lives):
            if live is None or _followed(live, session.cluster, session.state, item.key in led):
                del pending[item.key]
        return not pending

    if not until(followed, session.wait_timeout, session.wait_sleep):
        titles = [item.title for item in pending.values()]
        more = f" and {len(titles) - TOLD_AT_MOST} more" if len(titles) > TOLD_AT_MOST else ""
        raise EdgefedError(
            f"Cluster {session.cluster!r} is {session.state}, but KubeFed has not followed within {session.wait_timeout:g} s with "
            f"{', '.join(titles[:TOLD_AT_MOST])}{more}. Next: look at the events of these objects, then run this again.",
            code="not_followed",
            details={"objects": titles},
        )


def _followed(live: dict[str, Any], cluster: str, state: str, led: bool) -> bool:
    status = live.get("status") or {}
    if status.get("observedGeneration") != live["metadata"].get("generation"):
        return False
    if led:
        return _replicas(live, cluster) == 0
    there = {item["name"]: item.get("status") for item in status.get("clusters") or []}
    return cluster not in there or (state != DRAINED and not there[cluster])


def _replicas(live: dict[str, Any], cluster: str) -> int:
    """What a preference gives the cluster."""
    overrides = (live.get("spec") or {}).get("overrides") or []
    ours = [one for item in overrides if item["clusterName"] == cluster for one in item["clusterOverrides"]]
    return next((int(one["value"]) for one in ours if one.get("path") == REPLICAS), 0)


def _diff(session: Session, changes: list[Change], before: str | None, after: str | None) -> dict[str, Any]:
    name = f"KubeFedCluster {session.host.namespace}/{session.cluster}"
    left = {change.item.title: change.before for change in changes}
    right = {change.item.title: change.after for change in changes}
    return {
        "before": {name: before or UNCORDONED, **left},
        "after": {name: after or UNCORDONED, **right},
    }


def _warnings(session: Session, changes: list[Change], staying: list[str], ready: bool) -> list[str]:
    warnings = []
    if session.state == DRAINED and staying:
        more = f" and {len(staying) - TOLD_AT_MOST} more" if len(staying) > TOLD_AT_MOST else ""
        warnings.append(
            f"In cluster {session.cluster!r} stay {', '.join(staying[:TOLD_AT_MOST])}{more}: taken away they would take along what is not "
            "KubeFed's."
        )
    fixed = [change.item.title for change in changes if change.item.type is None and not change.item.live["spec"].get("rebalance")]
    if session.state == UNCORDONED and fixed:
        warnings.append(
            f"{', '.join(fixed[:TOLD_AT_MOST])} may give cluster {session.cluster!r} replicas again, but without rebalance: true KubeFed "
            "leaves those that run where they are."
        )
    if changes and not ready:
        warnings.append(f"Cluster {session.cluster!r} is not ready, so KubeFed follows there only when it is back.")
    return warnings
