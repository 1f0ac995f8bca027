# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What was read from the clusters, and which federated resource should be where. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.preview import (
    effective_clusters,
    named_clusters,
)
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.types import (
    FEDERATED_NAMESPACE,
    SYSTEM_NAMESPACES,
    FederatedType,
)

Object = dict[str, Any]
Name = tuple[str, str]
"""``(namespace, name)``; the namespace is empty for what has none."""


@dataclass
class Host:
    """The host cluster: KubeFedClusters, the enabled federated types by federated kind, and their federated resources.

    ``containers`` are all FederatedNamespaces, where ``federated`` holds only those that were chosen.
    """

    name: str
    namespace: str
    clusters: dict[str, Object]
    types: dict[str, FederatedType]
    federated: dict[str, list[Object]]
    limited_scope: bool = False
    containers: list[Object] | None = None

    @property
    def labels(self) -> dict[str, dict[str, str]]:
        """The labels of each joined cluster."""
        return {name: dict(item["metadata"].get("labels") or {}) for name, item in self.clusters.items()}

    def federated_namespace(self, namespace: str) -> Object | None:
        """The FederatedNamespace of a namespace."""
        there = self.federated.get(FEDERATED_NAMESPACE, []) if self.containers is None else self.containers
        found = (item for item in there if item["metadata"]["name"] == namespace)
        return next((item for item in found if item["metadata"].get("namespace") == namespace), None)


@dataclass
class Member:
    """One member: ``error`` when nothing could be read. ``objects`` are the managed ones by target kind."""

    name: str
    error: str = ""
    version: str = ""
    nodes: Object | None = None
    objects: dict[str, dict[Name, Object]] = field(default_factory=dict)
    unreadable: dict[str, str] = field(default_factory=dict)


def target_name(federated: Object, kind: FederatedType) -> Name:
    """What the federated resource is called in the members."""
    metadata = federated["metadata"]
    inside = kind.target_namespaced and kind.target["kind"] != "Namespace"
    return (str(metadata.get("namespace") or "") if inside else ""), str(metadata["name"])


def ignored(federated: Object, kind: FederatedType, host: Host) -> str:
    """Why KubeFed does not look at this resource at all; empty when it does."""
    if kind.kind != FEDERATED_NAMESPACE:
        return ""
    name = federated["metadata"]["name"]
    if name in (*SYSTEM_NAMESPACES, host.namespace):
        return "KubeFed ignores a FederatedNamespace of a system namespace"
    if name != federated["metadata"].get("namespace"):
        return "KubeFed ignores a FederatedNamespace whose name is not its namespace's"
    return ""


@dataclass(frozen=True)
class Placing:
    """``chosen`` clusters get the object; ``left_out`` are named in the placement, but do not, with the reason."""

    chosen: list[str]
    left_out: dict[str, str]


def placing(federated: Object, kind: FederatedType, host: Host) -> Placing:
    """Where a federated resource goes. Nowhere while it is being deleted. Raises PlacementError for a bad selector."""
    if federated["metadata"].get("deletionTimestamp"):
        return Placing([], {})
    namespace = str(federated["metadata"].get("namespace") or "")
    inside = kind.target_namespaced and kind.target["kind"] != "Namespace"
    container = host.federated_namespace(namespace) if inside else None
    chosen = effective_clusters(federated, host.labels, inside, container, host.limited_scope)
    left_out = {}
    for name in sorted(set(named_clusters(federated) or []) - set(chosen)):
        if name not in host.clusters:
            left_out[name] = "it is not joined"
        elif container is None:
            left_out[name] = f"there is no FederatedNamespace {namespace}"
        else:
            left_out[name] = f"the FederatedNamespace {namespace} does not go there"
    return Placing(chosen, left_out)
