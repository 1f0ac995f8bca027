# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Federated resources absent, and with them the namespaces that were made for them, when nothing else lies there."""

from __future__ import annotations

from typing import Any

from ansible_collections.edgefed.kubefed.plugins.module_utils.federate.carry_out import delete_all
from ansible_collections.edgefed.kubefed.plugins.module_utils.federate.contents import contents
from ansible_collections.edgefed.kubefed.plugins.module_utils.federate.look import Seen, look
from ansible_collections.edgefed.kubefed.plugins.module_utils.federate.options import Session, Step
from ansible_collections.edgefed.kubefed.plugins.module_utils.federate.refuse import refuse
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.check import Federation, Resource, check
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.diffs import of_clusters, of_object
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.namespaces import (
    federated_of,
    made_by_us,
    made_namespace,
    namespace_of,
    namespaces_of,
)
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.plan import decide_absent, in_deletion
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.preview import placed_clusters
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.sources import Document, Problem
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.types import FEDERATED_NAMESPACE
from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import EdgefedError, Result


def absent(session: Session, documents: list[Document], problems: list[Problem], federation: Federation) -> Result:
    """Delete them in all clusters, through KubeFed."""
    checked = check(documents, federation, session.namespace, full=False)
    refuse([*problems, *checked.problems])
    seen = look(session.host, federation, checked.resources, versions=False)
    steps = [_step(resource, seen) for resource in checked.resources]
    keeper = _Namespaces(session, federation, seen, steps)
    steps += keeper.steps()
    if not session.check:
        delete_all(session, steps)
    diffs: list[dict[str, str]] = []
    for step in steps:
        if step.todo and session.diff:
            before = step.current
            diffs += [of_object(step.resource, before, None), *of_clusters(step.resource, before, federation.clusters, gone=True)]
    return Result(
        changed=any(step.todo for step in steps),
        diff=diffs,
        warnings=keeper.warnings,
        data={"resources": [step.describe({}) for step in steps], "api_requests": session.host.client.requests + keeper.requests},
    )


def _step(resource: Resource, seen: Seen) -> Step:
    current = seen.current(resource.key)
    return Step(resource, current, decide_absent(current))


class _Namespaces:
    """Which of the namespaces that were made for the resources go with them."""

    def __init__(self, session: Session, federation: Federation, seen: Seen, steps: list[Step]) -> None:
        self.session = session
        self.federation = federation
        self.seen = seen
        self.given = {step.resource.key: step for step in steps}
        self.warnings: list[str] = []
        self.requests = 0

    def steps(self) -> list[Step]:
        """The namespaces to delete as well."""
        names = namespaces_of([step.resource for step in self.given.values()])
        return [step for name in names for step in self._of(name)]

    def _of(self, name: str) -> list[Step]:
        host, federated = self.seen.hosts.get(name), self.seen.federated.get(name)
        own_host = self._ours(namespace_of(name), host, made_namespace(federated))
        own_federated = self._ours(federated_of(name, [], self.federation), federated) if federated else None
        given = (FEDERATED_NAMESPACE, name, name) in self.given
        if not (own_host or own_federated) or (federated and not own_federated and not given):
            return []
        if self._used(name) or (own_federated and not self._members_spare(name, own_federated.current or {}, host)):
            return []
        return [step for step in (own_federated, own_host) if step]

    def _ours(self, resource: Resource, current: dict[str, Any] | None, made: bool = False) -> Step | None:
        if resource.key in self.given or current is None or not (made or made_by_us(current)):
            return None
        return Step(resource, current, decide_absent(current))

    def _used(self, name: str) -> bool:
        host = self.seen.hosts.get(name)
        if host is None or in_deletion(host):
            return False
        keys = [*(key for key in self.given if key[1] == name), (FEDERATED_NAMESPACE, name, name)]
        going = [(self.federation.types[kind].plural, each) for kind, _namespace, each in keys if kind in self.federation.types]
        return bool(contents(self.session.host, self.session.host.client, name, going))

    def _members_spare(self, name: str, federated: dict[str, Any], host: dict[str, Any] | None) -> bool:
        """Whether nothing of others is lost in the members: KubeFed deletes their namespaces, also those it found there."""
        uid = (host or {}).get("metadata", {}).get("uid")
        why = [said for cluster in placed_clusters(federated, self.federation.clusters) if (said := self._kept_for(cluster, name, uid))]
        if why:
            self.warnings.append(
                f"Namespace {name} stays federated, since KubeFed would delete it in the members: {'; '.join(why)}. "
                f"Next: look there, and then delete FederatedNamespace {name}/{name} yourself, or run this again."
            )
        return not why

    def _kept_for(self, cluster: str, name: str, host_uid: str | None) -> str:
        client = None
        try:
            client = self.session.member(cluster)
            there = client.find(f"/api/v1/namespaces/{name}")
            if there is None or there["metadata"]["uid"] == host_uid:
                return ""
            left = contents(self.session.host, client, name)
            return f"in {cluster} it holds {', '.join(left)}" if left else ""
        except EdgefedError as error:
            return f"what {cluster} has there cannot be seen ({error.message.split(' Next: ', maxsplit=1)[0].rstrip('.')})"
        finally:
            self.requests += client.requests if client else 0
