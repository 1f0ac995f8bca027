# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Plain manifests among what was given, made federated: placed, with annotations and overrides resolved for each cluster. Pure."""

from __future__ import annotations

from typing import Any

from ansible_collections.edgefed.kubefed.plugins.module_utils.federate.wish import Wish
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.check import Federation
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.fields import wrong_type
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.layers import Layer, NoSuchItem, resolve
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.legacy import convert_ingress
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.preview import PlacementError, base_object, selector_matches
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.redact import NOTED
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.sources import Document, Path, Place, Problem
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.to_federated import (
    NotFederated,
    federated_type,
    is_federated,
    to_federated,
)

Object = dict[str, Any]

_NOT_IN_TEMPLATE = ("apiVersion", "kind", "metadata", "status")


def federated_documents(
    documents: list[Document], federation: Federation, wish: Wish, namespace: str
) -> tuple[list[Document], list[Problem]]:
    """The documents with the plain ones made federated, and what is wrong. Those that are federated already stay as they are."""
    plain = [document for document in documents if not _stays(document, federation)]
    if plain and wish.placement is None:
        todo = "give placement: groups, hosts or selector ({} selects all clusters)"
        return documents, [plain[0].problem((), "it is a plain object, and no placement is given", todo)]
    found: list[Document] = []
    problems: list[Problem] = []
    used: set[int] = set()
    for document in documents:
        made, wrong = _made(document, federation, wish, namespace, used) if document in plain else (document, [])
        found += [made] if made else []
        problems += wrong
    if not problems:
        problems += [_unused(layer) for index, layer in enumerate(wish.layers) if layer.must and index not in used]
    return found, problems


def _stays(document: Document, federation: Federation) -> bool:
    body = document.body
    readable = all(isinstance(body.get(name), str) and body[name] for name in ("apiVersion", "kind"))
    # what has no kind is told by the checks of all manifests
    return not readable or is_federated(body, federation.types)


def _made(document: Document, federation: Federation, wish: Wish, namespace: str, used: set[int]) -> tuple[Document | None, list[Problem]]:
    wrong = wrong_type(document, ("metadata",), dict, "name and namespace")
    if wrong:
        return None, wrong
    try:
        found = federated_type(document.body, federation.types)
    except NotFederated as error:
        return None, [document.problem((error.field,), error.cause, error.todo)]
    body = to_federated(document.body, federation.types, wish.placement)
    base = base_object(body, found.target)
    notices = _converted(document, found.target_api_version)
    if found.target_kind == "Ingress":
        base, converted = convert_ingress(base)
        notices += [f"it was converted to {found.target_api_version}: {what}; better write it so" for what in converted]
    if found.target_namespaced:
        base["metadata"].setdefault("namespace", namespace)
    clusters = _chosen(wish.placement or {}, federation)
    used |= {index for index, layer in enumerate(wish.layers) if layer.fits(base)}
    try:
        overrides, decisions = resolve(base, [*_annotations(document), *wish.layers], clusters)
    except NoSuchItem as error:
        todo = f"use one of these: {', '.join(error.known) or 'none, as the list is empty'}"
        return None, [Problem(Place(error.by), f"there is no item {error.path} to override", todo, document.title)]
    if overrides:
        body["spec"]["overrides"] = overrides
    made = Document(body, document.origin, _marks(document), decisions, notices)
    return made, [_not_placed(layer, document, clusters) for layer in wish.layers if layer.fits(base) and _missed(layer, clusters)]


def _converted(document: Document, version: str) -> list[str]:
    old = document.body["apiVersion"]
    return [f"apiVersion was converted from {old} to {version}; better write it so"] if old != version else []


def _chosen(placement: Object, federation: Federation) -> list[str]:
    if "clusters" in placement:
        return [item["name"] for item in placement["clusters"]]
    try:
        return sorted(name for name, labels in federation.clusters.items() if selector_matches(placement.get("clusterSelector"), labels))
    except PlacementError:
        # told by the checks of the federated object
        return []


def _annotations(document: Document) -> list[Layer]:
    """KubeFed drops annotations of a template, so they are the weakest overrides."""
    given = document.metadata.get("annotations")
    if not isinstance(given, dict):
        return []
    kept = {key: value for key, value in given.items() if not str(key).startswith(NOTED)}
    return [Layer("the manifest", values={"metadata": {"annotations": kept}})] if kept else []


def _marks(document: Document) -> dict[Path, tuple[int, int]]:
    """Where each field of the template stands."""
    found = {path: mark for path, mark in document.marks.items() if not path or path[0] in ("apiVersion", "kind", "metadata")}
    found.update({("spec", "template", *path): mark for path, mark in document.marks.items() if path and path[0] not in _NOT_IN_TEMPLATE})
    labels: Path = ("metadata", "labels")
    found.update({("spec", "template", *path): mark for path, mark in document.marks.items() if path[:2] == labels})
    return found


def _missed(layer: Layer, clusters: list[str]) -> list[str]:
    return sorted(layer.clusters - set(clusters)) if layer.must and layer.clusters is not None else []


def _not_placed(layer: Layer, document: Document, clusters: list[str]) -> Problem:
    cause = f"it is for {', '.join(_missed(layer, clusters))}, where the object is not placed"
    return Problem(Place(layer.by), cause, f"place it there too, or leave the host out (placed: {', '.join(clusters)})", document.title)


def _unused(layer: Layer) -> Problem:
    wanted = " ".join(f"{name} {getattr(layer, name)}" for name in ("kind", "namespace", "name") if getattr(layer, name))
    return Problem(
        Place(layer.by), f"it is for {wanted or 'plain objects'}, and none that was given is that", "correct it, or leave it out"
    )
