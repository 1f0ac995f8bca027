# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Everything that can be said about a set of manifests before anything is sent. Pure.

:func:`check` finds all problems at once. What it lets through still has to pass the API server (a dry run), which
knows the fields of the templates.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.check_spec import SpecCheck
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.fields import string_map, unknown, wrong_type
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.preferences import check_preference
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.sources import Document, Path, Problem
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.types import (
    DNS_GROUP,
    DNS_RECORDS,
    FEDERATED_NAMESPACE,
    HOST_ONLY,
    PREFERENCE,
    SYSTEM_NAMESPACES,
    FederatedType,
    nearest,
)

FEDERATED = "Federated"
METADATA = ("name", "namespace", "labels", "annotations", "finalizers", "ownerReferences")
# A manifest written with `kubectl get -o yaml` has them; the API server owns them.
SERVER_METADATA = (
    "creationTimestamp",
    "deletionGracePeriodSeconds",
    "deletionTimestamp",
    "generation",
    "managedFields",
    "resourceVersion",
    "selfLink",
    "uid",
)
_NAME = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?\Z")

Key = tuple[str, str, str]


@dataclass(frozen=True)
class Federation:
    """What the host cluster says: federated types by kind, joined clusters with their labels, KubeFed's namespace, which clusters
    are ``cordoned`` or ``drained``, the Kubernetes version of each as KubeFed found it, those that it finds ``away``, and whether it has
    the kinds for ``names`` (role dns)."""

    types: dict[str, FederatedType]
    clusters: dict[str, dict[str, str]]
    namespace: str
    cordoned: dict[str, str] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    away: frozenset[str] = frozenset()
    names: bool = False


@dataclass
class Resource:
    """One object to send. ``type`` is ``None`` for a Namespace; ``clusters`` are those chosen; ``previews`` what each gets.
    ``foretold`` is what KubeFed makes of one that a preference leads, since it writes clusters and overrides too; ``left`` are the fields
    that it wrote for a preference which is not there any more."""

    document: Document
    body: dict[str, Any]
    type: FederatedType | None
    clusters: list[str] = field(default_factory=list)
    previews: dict[str, dict[str, Any]] = field(default_factory=dict)
    foretold: dict[str, Any] | None = None
    left: list[Path] = field(default_factory=list)

    @property
    def key(self) -> Key:
        """``(kind, namespace, name)``"""
        meta = self.body["metadata"]
        return self.body["kind"], meta.get("namespace", ""), meta["name"]

    @property
    def title(self) -> str:
        kind, namespace, name = self.key
        return f"{kind} {namespace}/{name}" if namespace else f"{kind} {name}"

    @property
    def collection(self) -> str:
        """The API path of its collection."""
        return self.type.collection(self.key[1]) if self.type else "/api/v1/namespaces"

    @property
    def path(self) -> str:
        return f"{self.collection}/{self.key[2]}"

    @property
    def propagated(self) -> bool:
        """Whether KubeFed carries it to clusters."""
        return self.type not in (None, *HOST_ONLY.values())

    @property
    def secret(self) -> bool:
        """Whether its data must not be shown."""
        return self.type is not None and self.type.target_kind == "Secret"


@dataclass
class Checked:
    """The objects that are all right, in the order they were given, and all that is wrong. ``notices`` are for the user to know."""

    resources: list[Resource] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)


def names_in(documents: list[Document]) -> bool:
    """Whether any is for names, so that :class:`Federation` has to know of these."""
    return any(document.kind in DNS_RECORDS for document in documents)


def check(documents: list[Document], federation: Federation, namespace: str, full: bool = True) -> Checked:
    """Check a set of documents. ``namespace`` is for those that name none.

    Without ``full`` only what identifies the objects is checked, which is enough to remove them.
    """
    result = Checked()
    seen: dict[Key, Document] = {}
    for document in documents:
        resource, problems = _identify(document, federation, namespace)
        result.problems += problems
        if resource is None:
            continue
        if resource.key in seen:
            first = seen[resource.key].place()
            result.problems.append(document.problem((), f"this object is defined twice, first in {first}", "keep one of the two"))
            continue
        seen[resource.key] = document
        if full:
            problems = _check_body(resource, federation, result.notices)
            result.problems += problems
            if problems:
                continue
        result.resources.append(resource)
    return result


def _identify(document: Document, federation: Federation, namespace: str) -> tuple[Resource | None, list[Problem]]:
    problems = [*_check_kind(document, federation), *_check_metadata(document)]
    if problems:
        return None, problems
    federated = _type_of(document, federation)
    body = {key: value for key, value in document.body.items() if key != "status"}
    meta = body["metadata"] = {key: value for key, value in body["metadata"].items() if key not in SERVER_METADATA}
    if federated is None or not federated.namespaced:
        problems = _check_no_namespace(document)
        meta.pop("namespace", None)
    else:
        meta["namespace"] = meta.get("namespace") or (meta["name"] if document.kind == FEDERATED_NAMESPACE else namespace)
        problems = _check_namespace(document, federated, meta["namespace"])
    return (None if problems else Resource(document, body, federated)), problems


def _check_kind(document: Document, federation: Federation) -> list[Problem]:
    problems = [
        document.problem((name,), f"there is no {name}", f"begin the object with {name}: …")
        for name in ("apiVersion", "kind")
        if not isinstance(document.body.get(name), str) or not document.body[name]
    ]
    if problems or (document.kind, document.body["apiVersion"]) == ("Namespace", "v1"):
        return problems
    of_names = document.body["apiVersion"].startswith(DNS_GROUP)
    if of_names and document.kind not in DNS_RECORDS:
        close = nearest(document.kind, DNS_RECORDS) or list(DNS_RECORDS)
        return [document.problem(("kind",), f"there is no kind {document.kind} for names", f"use {' or '.join(close)}")]
    if document.kind in DNS_RECORDS and not federation.names:
        cause = f"{document.kind} is refused here: it is no federated resource, and KubeFed has no DNS controllers since 0.7"
        return [document.problem(("kind",), cause, "run playbooks/dns.yml first, which brings the kind and a controller for it")]
    return _check_type(document, federation)


def _type_of(document: Document, federation: Federation) -> FederatedType | None:
    return HOST_ONLY.get(document.kind) or federation.types.get(document.kind)


def _check_type(document: Document, federation: Federation) -> list[Problem]:
    found = _type_of(document, federation)
    if found is None:
        return [document.problem(("kind",), f"{document.kind} is not a federated kind", _which_kind(document.kind, federation))]
    if not found.enabled:
        cause = f"{document.kind} is not enabled: propagation of FederatedTypeConfig {found.name} is off"
        todo = f"set propagation: Enabled in FederatedTypeConfig {federation.namespace}/{found.name}, or {_which_kind('', federation)}"
        return [document.problem(("kind",), cause, todo)]
    if document.body["apiVersion"] != found.api_version:
        cause = f"{document.kind} is not of {document.body['apiVersion']}"
        return [document.problem(("apiVersion",), cause, f"write apiVersion: {found.api_version}")]
    return []


def _which_kind(word: str, federation: Federation) -> str:
    enabled = [kind for kind, found in federation.types.items() if found.enabled]
    by_target = [kind for kind in enabled if federation.types[kind].target_kind == word]
    # compared without what all of them begin with, which would make any two alike
    bare = {kind.removeprefix(FEDERATED): kind for kind in enabled}
    close = by_target or [bare[name] for name in nearest(word.removeprefix(FEDERATED), bare, 3)]
    if close:
        return f"use {' or '.join(close)}, or enable the kind (kubefedctl enable)"
    return f"use one of the enabled kinds ({', '.join(sorted(enabled)) or 'none'}), or enable the kind (kubefedctl enable)"


def _check_metadata(document: Document) -> list[Problem]:
    if "metadata" not in document.body:
        return [document.problem(("metadata",), "there is no metadata", "add metadata with the name")]
    problems = wrong_type(document, ("metadata",), dict, "name and namespace")
    if problems:
        return problems
    problems = unknown(document, ("metadata",), (*METADATA, *SERVER_METADATA))
    problems += [*string_map(document, ("metadata", "labels")), *string_map(document, ("metadata", "annotations"))]
    for name in ("name", "namespace"):
        value = document.body["metadata"].get(name)
        if value is None and name == "namespace":
            continue
        if value is None:
            problems.append(document.problem(("metadata", name), "there is no name", "give the object a name"))
        elif not isinstance(value, str) or not _NAME.match(value):
            todo = "use lower-case letters, digits, '-' and '.'; put digits alone into quotes"
            problems.append(document.problem(("metadata", name), f"{value!r} is not a name that Kubernetes accepts", todo))
    return problems


def _check_no_namespace(document: Document) -> list[Problem]:
    if not document.namespace:
        return []
    return [document.problem(("metadata", "namespace"), f"{document.kind} belongs to no namespace", "remove metadata.namespace")]


def _check_namespace(document: Document, federated: FederatedType, namespace: str) -> list[Problem]:
    path = ("metadata", "namespace")
    if document.kind == FEDERATED_NAMESPACE and namespace != document.name:
        cause = f"a FederatedNamespace lies in the namespace that it federates, not in {namespace!r}"
        return [document.problem(path, cause, f"write namespace: {document.name}, or name: {namespace}")]
    if namespace in SYSTEM_NAMESPACES and document.kind not in DNS_RECORDS:
        cause = f"KubeFed propagates nothing of the namespace {namespace!r}"
        return [document.problem(path, cause, "give the object another namespace")]
    return []


def _check_body(resource: Resource, federation: Federation, notices: list[str]) -> list[Problem]:
    document = resource.document
    if resource.type is None or resource.key[0] in DNS_RECORDS:
        return []
    if resource.type is PREFERENCE:
        problems, said = check_preference(document, federation.clusters)
        notices += said
        return problems
    problems = unknown(document, (), ("apiVersion", "kind", "metadata", "spec", "status"))
    if "spec" not in document.body:
        return [*problems, document.problem(("spec",), "there is no spec", "add spec with template and placement")]
    found = SpecCheck(document, resource.body["metadata"], resource.type, federation.clusters)
    found.run()
    notices += [f"{document.place()}: {document.title}: {notice}" for notice in (*document.notices, *found.notices)]
    resource.body["spec"], resource.clusters, resource.previews = found.spec, found.chosen, found.previews
    return problems + found.problems
