# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Namespaces that go with the objects that lay in them: those that were made for them, when nothing else lies there."""

from __future__ import annotations

from typing import Any, Iterable

from ansible_collections.edgefed.kubefed.plugins.module_utils.federate.contents import contents
from ansible_collections.edgefed.kubefed.plugins.module_utils.federate.look import Seen
from ansible_collections.edgefed.kubefed.plugins.module_utils.federate.options import Session, Step
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.check import Federation, Resource
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.namespaces import (
    federated_of,
    made_by_us,
    made_namespace,
    namespace_of,
    namespaces_of,
)
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.plan import NONE, decide_absent, in_deletion
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.preview import placed_clusters
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.types import FEDERATED_NAMESPACE, HOST_ONLY
from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import EdgefedError


class Emptied:
    """``steps`` are what goes, ``in_use`` the namespaces that the same run needs; ``kept`` are FederatedNamespaces that would go as well,
    but for what members have there, or may have."""

    def __init__(self, session: Session, federation: Federation, seen: Seen, steps: list[Step], in_use: Iterable[str] = ()) -> None:
        self.session = session
        self.federation = federation
        self.seen = seen
        self.given = {step.resource.key: step for step in steps}
        self.in_use = set(in_use)
        self.warnings: list[str] = []
        self.kept: list[Step] = []
        self._left: dict[str, list[str]] = {}

    def steps(self) -> list[Step]:
        """The namespaces to delete as well."""
        names = namespaces_of([step.resource for step in self.given.values()])
        return [step for name in names if name not in self.in_use for step in self._of(name)]

    def spare(self, step: Step) -> None:
        """Let a FederatedNamespace stay where others would lose something with it: nobody named it."""
        name = step.resource.key[2]
        there = ["what is given"] if name in self.in_use else self._left_in_host(name)
        if there:
            self._stays(step, f"in the host cluster it holds {', '.join(there)}")
        elif not self._members_spare(name, step.current or {}, self.seen.hosts.get(name)):
            step.action = NONE
            self.in_use.add(name)

    def keep_orphans(self, step: Step) -> None:
        """Let a Namespace of the host cluster stay that holds what members keep: the host cluster may be one of them."""
        there = self._left_in_host(step.resource.key[2])
        if there:
            self._stays(step, f"it holds {', '.join(there)}, which orphan keeps")

    def _stays(self, step: Step, why: str) -> None:
        step.action = NONE
        self.in_use.add(step.resource.key[2])
        self.warnings.append(f"{step.resource.title} stays: {why}. Next: when nothing there is needed any more, delete it yourself.")

    def _of(self, name: str) -> list[Step]:
        host, federated = self.seen.hosts.get(name), self.seen.federated.get(name)
        own_host = self._ours(namespace_of(name), host, made_namespace(federated))
        own_federated = self._ours(federated_of(name, [], self.federation), federated) if federated else None
        given = (FEDERATED_NAMESPACE, name, name) in self.given
        if not (own_host or own_federated) or (federated and not own_federated and not given):
            return []
        if self._left_in_host(name):
            return []
        if own_federated and not self._members_spare(name, own_federated.current or {}, host):
            self.kept.append(own_federated)
            return []
        return [step for step in (own_federated, own_host) if step]

    def _ours(self, resource: Resource, current: dict[str, Any] | None, made: bool = False) -> Step | None:
        if resource.key in self.given or current is None or not (made or made_by_us(current)):
            return None
        return Step(resource, current, decide_absent(current, self.session.orphan and resource.type is not None))

    def _left_in_host(self, name: str) -> list[str]:
        """What stays in the host cluster's namespace when all that goes is gone."""
        host = self.seen.hosts.get(name)
        if host is None or in_deletion(host):
            return []
        if name not in self._left:
            keys = [*(key for key in self.given if key[1] == name), (FEDERATED_NAMESPACE, name, name)]
            types = {**self.federation.types, **HOST_ONLY}
            going = [(types[kind].plural, each) for kind, _namespace, each in keys if kind in types]
            self._left[name] = contents(self.session.host, self.session.host.client, name, going, self.session.orphan)
        return self._left[name]

    def _members_spare(self, name: str, federated: dict[str, Any], host: dict[str, Any] | None) -> bool:
        """Whether nothing of others is lost in the members: KubeFed deletes their namespaces, also those it found there."""
        if self.session.orphan:
            return True
        uid = (host or {}).get("metadata", {}).get("uid")
        why = [said for cluster in placed_clusters(federated, self.federation.clusters) if (said := self._kept_for(cluster, name, uid))]
        if why:
            self.warnings.append(
                f"Namespace {name} stays federated, since KubeFed would delete it in the members: {'; '.join(why)}. "
                f"Next: look there, and then delete FederatedNamespace {name}/{name} yourself, or run this again."
            )
        return not why

    def _kept_for(self, cluster: str, name: str, host_uid: str | None) -> str:
        try:
            client = self.session.members.client(cluster)
            there = client.find(f"/api/v1/namespaces/{name}")
            if there is None or there["metadata"]["uid"] == host_uid:
                return ""
            left = contents(self.session.host, client, name)
            return f"in {cluster} it holds {', '.join(left)}" if left else ""
        except EdgefedError as error:
            return f"what {cluster} has there cannot be seen ({error.without_next})"
