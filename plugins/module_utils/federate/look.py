# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is there before a run: a handful of requests, side by side."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable

from ansible_collections.edgefed.kubefed.plugins.module_utils.federate.host import Host, federated_namespace_types
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.check import Federation, Key, Resource
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.namespaces import namespaces_of
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.plan import in_deletion
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.preferences import TARGETS
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.types import FEDERATED_NAMESPACE, PREFERENCE


@dataclass(frozen=True)
class Seen:
    """``hosts`` are Namespaces by name, ``objects`` the federated objects of all collections concerned, ``versions`` KubeFed's
    records of what it propagated. ``limited`` is a KubeFed that watches its own namespace only, ``adopts`` one that takes over what members
    have already."""

    hosts: dict[str, dict[str, Any]]
    objects: dict[Key, dict[str, Any]]
    versions: dict[str, dict[str, Any]]
    limited: bool
    adopts: bool = True

    def current(self, key: Key) -> dict[str, Any] | None:
        """The object of that key, ``None`` when it isn't there."""
        return self.hosts.get(key[2]) if key[0] == "Namespace" else self.objects.get(key)

    @property
    def federated(self) -> dict[str, dict[str, Any]]:
        """FederatedNamespaces by name."""
        return {key[2]: item for key, item in self.objects.items() if key[0] == FEDERATED_NAMESPACE}

    def usable(self, namespace: str) -> bool:
        """Whether objects can be made in the namespace now (``""``: none is needed)."""
        host = self.hosts.get(namespace)
        return not namespace or (host is not None and not in_deletion(host))


def look(host: Host, federation: Federation, resources: list[Resource], versions: bool) -> Seen:
    """Read it all; the PropagatedVersions only when asked for."""
    names = namespaces_of(resources)
    defined = [resource.key[2] for resource in resources if resource.type is None]
    preferences = [resource for resource in resources if resource.type is PREFERENCE]
    others = [resource for resource in resources if resource.type is not PREFERENCE]
    leads = {resource.key[1] for resource in resources if resource.key[0] in TARGETS} | {resource.key[1] for resource in preferences}
    targets = {(str((resource.body.get("spec") or {}).get("targetKind")), resource.key[1]) for resource in preferences}
    types = [(federation.types[kind], namespace) for kind, namespace in sorted(targets) if kind in federation.types]
    reads: list[Callable[[], Any]] = [
        lambda: host.namespaces([*names, *defined]),
        lambda: host.objects(others, [*federated_namespace_types(federation, names), *types]),
        lambda: host.preferences(leads),
        lambda: host.versions([resource for resource in others if resource.propagated]) if versions else {},
        host.settings,
    ]
    hosts, objects, led_by, recorded, settings = host.each(lambda read: read(), reads)
    adopts = (settings.get("syncController") or {}).get("adoptResources") != "Disabled"
    return Seen(hosts, {**objects, **led_by}, recorded, settings.get("scope") == "Namespaced", adopts)
