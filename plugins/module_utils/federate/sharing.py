# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Waiting until KubeFed has given each target of a preference its replicas. A preference has no status that would say so."""

from __future__ import annotations

import time
from typing import Mapping

from ansible_collections.edgefed.kubefed.plugins.module_utils.federate.carry_out import until
from ansible_collections.edgefed.kubefed.plugins.module_utils.federate.led import Led
from ansible_collections.edgefed.kubefed.plugins.module_utils.federate.options import Session
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.check import Key
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.shares import given_replicas, satisfied
from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import EdgefedError

# It looks at what runs, and where pods find no room; after so many seconds another distribution of as many replicas is taken for its own.
FORETOLD_PATIENCE = 15

Shares = dict[Key, dict[str, int]]


def foretold(led: list[Led]) -> Shares:
    """What the targets should get."""
    return {one.key: one.plan for one in led}


def await_shares(session: Session, led: list[Led]) -> Shares:
    """What they got. Raises :class:`EdgefedError` when KubeFed doesn't follow in time."""
    pending = list(led)
    found: Shares = foretold(led)
    started = time.monotonic()

    def followed() -> bool:
        lives = session.host.each(lambda one: session.host.client.find(one.path), pending)
        found.update({one.key: given_replicas(live) for one, live in zip(pending, lives)})
        loose = time.monotonic() - started > FORETOLD_PATIENCE
        pending[:] = [one for one in pending if not satisfied(one.spec, one.plan, found[one.key], loose)]
        return not pending

    if not until(followed, session.wait_timeout, session.wait_sleep):
        raise _failure(session, pending, found)
    return found


def _failure(session: Session, pending: list[Led], found: Shares) -> EdgefedError:
    said = "; ".join(
        f"{kind} {namespace}/{name} has {_words(found[kind, namespace, name])} instead of {_words(one.plan)}"
        for one in pending
        for kind, namespace, name in [one.key]
    )
    todo = f"see whether its controller manager runs (namespace {session.host.namespace}) with the feature SchedulerPreferences"
    return EdgefedError(
        f"KubeFed has not distributed the replicas in {session.host.client.where} within {session.wait_timeout:g} s: {said}. "
        f"Next: {todo}, then run this again.",
        code="not_propagated",
        details={"targets": ["/".join(one.key) for one in pending]},
    )


def _words(replicas: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(replicas.items())) or "none"
