# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Objects that a cluster has, the host cluster or a member, as manifests to be made federated."""

from __future__ import annotations

from typing import Any, Callable

from ansible_collections.edgefed.kubefed.plugins.module_utils.client import Client, object_path
from ansible_collections.edgefed.kubefed.plugins.module_utils.federate.host import Host
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.check import Federation
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.preview import MANAGED_LABEL
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.sources import Document, Place, Problem
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.types import (
    OF_EACH_CLUSTER,
    SYSTEM_NAMESPACES,
    FederatedType,
    nearest,
)

Object = dict[str, Any]

# Each cluster makes these of its own.
_SECRETS_OF_EACH_CLUSTER = ("kubernetes.io/service-account-token", "bootstrap.kubernetes.io/token", "helm.sh/release.v1")


def live_documents(
    host: Host, federation: Federation, wanted: list[Object], namespace: str, *, member: Callable[[str], Client]
) -> tuple[list[Document], list[Problem]]:
    """The objects of ``wanted`` (``{kind, name, namespace?, contents?, cluster?}``), and what is wrong. ``namespace`` is for those without.

    Raises :class:`EdgefedError` for a cluster that does not answer.
    """

    def client(one: Object) -> Client:
        return member(one["cluster"]) if one.get("cluster") else host.client

    found = host.each(lambda one: _one(client(one), federation, one, namespace), wanted)
    documents = {(document.kind, document.namespace, document.name): document for some, _wrong in found for document in some}
    return list(documents.values()), [problem for _some, wrong in found for problem in wrong]


def _one(client: Client, federation: Federation, wanted: Object, namespace: str) -> tuple[list[Document], list[Problem]]:
    kind, name = wanted["kind"], wanted["name"]
    place = Place("live")
    types = [found for found in federation.types.values() if found.enabled]
    of = next((found for found in types if kind.lower() in _names(found)), None)
    if of is None:
        close = nearest(kind, [found.target_kind for found in types], 3)
        todo = f"use {' or '.join(close)}, or enable the kind (playbooks/types.yml)" if close else "enable the kind (playbooks/types.yml)"
        return [], [Problem(place, f"{kind} is not a federated kind", todo, f"{kind} {name}")]
    inside = (wanted.get("namespace") or namespace) if of.target_namespaced else ""
    title = f"{of.target_kind} {inside}/{name}" if inside else f"{of.target_kind} {name}"
    if name in (*SYSTEM_NAMESPACES, federation.namespace) and of.target_kind == "Namespace":
        return [], [Problem(place, "KubeFed does not federate this namespace", "choose another", title)]
    if wanted.get("contents") and of.target_kind != "Namespace":
        return [], [Problem(place, "only a Namespace has contents", "leave contents out", title)]
    live = client.find(object_path(of.target_api_version, of.target["pluralName"], inside or None, name))
    if live is None:
        return [], [Problem(place, f"it is not in {client.where}", "check kind, name and namespace", title)]
    documents = [_document(live, of)]
    for each in types if wanted.get("contents") else []:
        if each.target_namespaced and each.target_kind != "Namespace":
            items = client.list(object_path(each.target_api_version, each.target["pluralName"], name))
            documents += [_document(item, each) for item in items if _is_own(item, each)]
    return documents, []


def _names(of: FederatedType) -> tuple[str, ...]:
    return of.target_kind.lower(), str(of.target["pluralName"]).lower(), of.name.lower()


def _document(live: Object, of: FederatedType) -> Document:
    """KubeFed's mark on what it adopted is not the object's own: with it a second run would differ."""
    labels = {key: value for key, value in (live["metadata"].get("labels") or {}).items() if key != MANAGED_LABEL}
    return Document(
        {**live, "apiVersion": of.target_api_version, "kind": of.target_kind, "metadata": {**live["metadata"], "labels": labels}}, "live"
    )


def _is_own(item: Object, of: FederatedType) -> bool:
    """Whether it is there by itself: made by no controller, by KubeFed or for the cluster alone."""
    metadata = item["metadata"]
    if metadata.get("ownerReferences") or metadata.get("deletionTimestamp"):
        return False
    if (metadata.get("labels") or {}).get(MANAGED_LABEL) == "true" or (of.target_kind, metadata["name"]) in OF_EACH_CLUSTER:
        return False
    return of.target_kind != "Secret" or item.get("type") not in _SECRETS_OF_EACH_CLUSTER
