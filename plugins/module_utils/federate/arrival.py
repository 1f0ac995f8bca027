# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Waiting until every chosen cluster has the objects at the version that was applied."""

from __future__ import annotations

import time
from typing import Any, Callable

from ansible_collections.edgefed.kubefed.plugins.module_utils.federate.carry_out import QUICK, put
from ansible_collections.edgefed.kubefed.plugins.module_utils.federate.goal import Sight, judge
from ansible_collections.edgefed.kubefed.plugins.module_utils.federate.host import version_key
from ansible_collections.edgefed.kubefed.plugins.module_utils.federate.look import Seen
from ansible_collections.edgefed.kubefed.plugins.module_utils.federate.missed import Missed, failure, left_behind
from ansible_collections.edgefed.kubefed.plugins.module_utils.federate.options import Session, Step
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.check import Key, Resource
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.plan import RECREATE, in_deletion
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.preview import named_clusters
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.status import FAILED, OK, WAITING, Verdict, recorded, verdicts

# KubeFed looks at each cluster every 10 s, and one bad look is enough for it to give a cluster up.
AWAY_PATIENCE = 15
REMADE_AT_MOST = 3
EVENTS_AT_MOST = 5

TAKEN_OUT = Verdict(
    FAILED, "somebody else has taken the cluster out of its placement meanwhile", "see who else applies it, then run this again"
)

Verdicts = dict[Key, dict[str, Verdict]]


def verdicts_of(resources: list[Resource], seen: Seen) -> Verdicts:
    """How each federated object stands in each cluster, by what was read."""
    found: Verdicts = {}
    for resource in resources:
        current = seen.current(resource.key)
        if resource.propagated and current is not None:
            found[resource.key] = verdicts(current, seen.versions.get(version_key(resource)), resource.clusters, time.time())
            found[resource.key].update(dict.fromkeys(_taken_out(resource, current), TAKEN_OUT))
    return found


def _taken_out(resource: Resource, current: dict[str, Any]) -> list[str]:
    """Its clusters that somebody has taken out of its placement since it was applied; what a preference leads KubeFed places itself."""
    named = None if resource.foretold else named_clusters(current)
    return [] if named is None else [cluster for cluster in resource.clusters if cluster not in named]


class Arrival:
    """Waits for what one run's ``steps`` applied, as the session's goal has it. ``seen`` is what was read before, if nothing was written
    since."""

    def __init__(self, session: Session, steps: list[Step], seen: Seen | None) -> None:
        self.session = session
        self.resources = [step.resource for step in steps if step.resource.propagated]
        self.before = {step.resource.key: step.current for step in steps if step.todo and step.current}
        self.seen = seen
        self.found: Verdicts = {}
        self.remade: dict[Key, int] = {}
        self._asked: dict[Key, list[str]] = {}

    def wait(self) -> Verdicts:
        """Give the verdicts when the goal is reached; raises :class:`EdgefedError` when waiting longer is of no use."""
        started = time.monotonic()
        pause = QUICK
        while True:
            began = time.monotonic()
            pending = self._look()
            looked = time.monotonic() - began
            waited = time.monotonic() - started
            if not pending:
                break
            away = self.session.host.not_ready() if waited >= AWAY_PATIENCE else {}
            if waited >= self.session.wait_timeout or self._hopeless(pending, away):
                break
            # A look at thousands of objects keeps the API server from what is waited for, so that most of the time is left to that.
            rest = max(min(pause, self.session.wait_sleep), 2 * looked)
            time.sleep(max(0.0, min(rest, self.session.wait_timeout - waited)))
            pause *= 2
        late = [resource for resource in self.resources if not self.session.goal.reached(self.found[resource.key], resource.clusters)]
        if late:
            waited, away = time.monotonic() - started, self.session.host.not_ready()
            raise failure(self._missed(late, away), away, self.session.host.namespace, waited, self.session.goal.words())
        return self.found

    def warnings(self) -> list[str]:
        """After the wait: what enough clusters have, and others have not."""
        missed = self._missed(self.resources)
        away = self.session.host.not_ready() if missed else {}
        return left_behind(missed, away, self.session.host.namespace)

    def _look(self) -> list[Resource]:
        """Read what isn't settled yet, make again what vanished; gives what is still to be waited for."""
        pending = [resource for resource in self.resources if not self._done(resource)]
        seen, self.seen = self.seen or self._read(pending), None
        for resource in pending:
            current = seen.current(resource.key)
            if current is None or in_deletion(current):
                self._make_again(resource)
                seen.objects.pop(resource.key, None)
        self.found.update(verdicts_of(pending, seen))
        if self.session.goal.asks_members:
            self._ask_members(pending, seen)
        return [resource for resource in pending if not self._done(resource)]

    def _ask_members(self, pending: list[Resource], seen: Seen) -> None:
        there = self.session.members.read(pending)
        for resource in pending:
            current, found = seen.current(resource.key), self.found[resource.key]
            if current is None or resource.type is None:
                continue
            known = recorded(current, seen.versions.get(version_key(resource)), time.time())
            for cluster in resource.clusters:
                error = self.session.members.errors.get(cluster)
                if error is None:
                    got = None if known is None else cluster in known
                    sight = Sight(resource.type, current, cluster, there.get((cluster, resource.key)), got, self.before.get(resource.key))
                    found[cluster] = judge(self.session.goal, sight, found[cluster])
                elif found[cluster].state == OK:
                    found[cluster] = Verdict(WAITING, error.without_next, error.next_step)

    def _read(self, pending: list[Resource]) -> Seen:
        host = self.session.host
        reads: list[Callable[[], dict[Any, dict[str, Any]]]] = [lambda: host.objects(pending), lambda: host.versions(pending)]
        objects, versions = host.each(lambda read: read(), reads)
        return Seen({}, objects, versions, False)

    def _done(self, resource: Resource) -> bool:
        return resource.key in self.found and self.session.goal.done(self.found[resource.key], resource.clusters)

    def _make_again(self, resource: Resource) -> None:
        times = self.remade[resource.key] = self.remade.get(resource.key, 0) + 1
        if times <= REMADE_AT_MOST:
            put(self.session, Step(resource, None, RECREATE))
        self.found[resource.key] = dict.fromkeys(resource.clusters, Verdict(WAITING, "it was deleted meanwhile"))

    def _hopeless(self, pending: list[Resource], away: dict[str, str]) -> bool:
        """Whether all that is missing is in clusters that are away."""
        missing = {
            cluster
            for resource in pending
            for cluster, verdict in self.found.get(resource.key, {"": Verdict(WAITING)}).items()
            if verdict.state == WAITING
        }
        return bool(missing) and missing <= set(away)

    def _missed(self, late: list[Resource], away: dict[str, str] | None = None) -> list[Missed]:
        """Events are asked for unless ``away`` is ``None``."""
        return [
            Missed(resource, cluster, verdict, "" if away is None else self._event(resource, cluster, cluster in away))
            for resource in late
            for cluster, verdict in self.found.get(resource.key, {}).items()
            if verdict.state != OK
        ]

    def _event(self, resource: Resource, cluster: str, away: bool) -> str:
        """What the controller told last about this object and cluster, and what was told of the object there; asked for a few objects
        only, since it costs a request each."""
        if resource.secret or (len(self._asked) >= EVENTS_AT_MOST and resource.key not in self._asked):
            return ""
        if resource.key not in self._asked:
            self._asked[resource.key] = self.session.host.events(resource)
        told = next((text for text in self._asked[resource.key] if f'"{cluster}"' in text), "")
        there = "" if away else self.session.members.last_event(cluster, resource)
        return "; ".join(text.rstrip(".") for text in (told, f"last event there: {there}" if there else "") if text)
