# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What each cluster gets of a federated resource, exactly as KubeFed 0.10.0's sync controller computes it. Pure.

The sources are KubeFed's ``pkg/controller/util/{placement,overrides}.go``, ``pkg/controller/sync/resource.go`` and
``pkg/controller/sync/dispatch/retain.go``, and json-patch 4.12, whose operations differ from RFC 6902:

* ``replace`` of a key that an object does not have adds it (an array index must exist);
* array indices may be negative (``-1`` is the last), signed, and have leading zeros;
* a parent that is ``null`` counts as missing;
* what stands before the first ``/`` of a path is ignored.

Objects and manifests are JSON values; nothing that is passed in is changed.
"""

from __future__ import annotations

import copy
import re
from typing import Any

from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import EdgefedError

MANAGED_LABEL = "kubefed.io/managed"
FORBIDDEN_PATHS = ("/metadata/namespace", "/metadata/name", "/metadata/generateName", "/kind")
OPERATIONS = ("add", "remove", "replace")

Object = dict[str, Any]


class OverrideError(EdgefedError):
    """An override that the controller refuses, or that does not apply to the template.

    ``index`` is its place in the cluster's list (from 0), ``op`` the operation in effect, ``reason`` the cause in words.
    """

    def __init__(self, path: str, op: str, reason: str, index: int) -> None:
        details = {"path": path, "op": op, "reason": reason, "index": index}
        super().__init__(f"override {index + 1} ({op} {path}): {reason}", code="override", details=details)
        self.path = path
        self.op = op
        self.reason = reason
        self.index = index


class PlacementError(EdgefedError):
    """A cluster selector that KubeFed cannot use."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"spec.placement.clusterSelector: {reason}", code="placement")


# --- placement ---------------------------------------------------------------------------------------------------------


def _placement(federated: Object) -> Object:
    placement: Object = (federated.get("spec") or {}).get("placement") or {}
    return placement


def named_clusters(federated: Object) -> list[str] | None:
    """The names in ``spec.placement.clusters``, joined or not; ``None`` when the selector decides."""
    clusters = _placement(federated).get("clusters")
    return None if clusters is None else [str((item or {}).get("name") or "") for item in clusters]


def _expression_matches(expression: Object, labels: dict[str, str]) -> bool:
    key, operator = str(expression.get("key") or ""), expression.get("operator")
    values = expression.get("values") or []
    if operator in ("In", "NotIn"):
        if not values:
            raise PlacementError(f"operator {operator} of key {key!r} needs values")
        found = key in labels and labels[key] in values
        return bool(found == (operator == "In"))
    if operator in ("Exists", "DoesNotExist"):
        if values:
            raise PlacementError(f"operator {operator} of key {key!r} takes no values")
        return bool((key in labels) == (operator == "Exists"))
    raise PlacementError(f"{operator!r} is not one of In, NotIn, Exists, DoesNotExist")


def selector_matches(selector: Object | None, labels: dict[str, str]) -> bool:
    """A Kubernetes label selector: none selects nothing, an empty one everything. Raises :class:`PlacementError`."""
    if selector is None:
        return False
    expressions = [_expression_matches(item, labels) for item in selector.get("matchExpressions") or []]
    wanted = selector.get("matchLabels") or {}
    return all(labels.get(key) == value for key, value in wanted.items()) and all(expressions)


def placed_clusters(federated: Object, clusters: dict[str, dict[str, str]]) -> list[str]:
    """The joined clusters that a federated resource chooses by itself, sorted.

    ``clusters`` maps the name of each KubeFedCluster to its labels. A list of names wins over the selector, even an
    empty one. Names that are not joined are left out.
    """
    named = named_clusters(federated)
    if named is not None:
        return sorted(set(named) & set(clusters))
    selector = _placement(federated).get("clusterSelector")
    return sorted(name for name, labels in clusters.items() if selector_matches(selector, labels or {}))


def effective_clusters(
    federated: Object,
    clusters: dict[str, dict[str, str]],
    namespaced: bool,
    federated_namespace: Object | None = None,
    limited_scope: bool = False,
) -> list[str]:
    """The clusters that get the object in the end, sorted: a namespaced one only where its namespace goes as well.

    ``namespaced`` tells whether the target kind is; ``federated_namespace`` is the FederatedNamespace of its namespace.
    ``limited_scope`` is a KubeFed that watches a single namespace.
    """
    chosen = placed_clusters(federated, clusters)
    if not namespaced:
        return chosen
    if federated_namespace is None:
        return chosen if limited_scope else []
    allowed = set(placed_clusters(federated_namespace, clusters))
    return [name for name in chosen if name in allowed]


# --- overrides ---------------------------------------------------------------------------------------------------------


class _Refused(Exception):
    """An operation does not apply; the text is the cause."""


_ESCAPE = re.compile("~[01]")
_INDEX = re.compile(r"[+-]?[0-9]+\Z")


def _unescape(part: str) -> str:
    return _ESCAPE.sub(lambda found: "/" if found.group() == "~1" else "~", part)


def path_parts(path: str) -> list[str]:
    """The keys and indices that a path walks through, unescaped. Empty for a path without any ``/``."""
    return [_unescape(part) for part in path.split("/")[1:]]


def _index(key: str, size: int) -> int:
    """A place in an array of ``size``; negative ones count from the end. May equal or exceed ``size``."""
    if not _INDEX.match(key):
        raise _Refused(f"{key!r} is not an array index")
    index = int(key)
    if index < -size:
        raise _Refused(f"index {index} is outside the array of {size}")
    return index + size if index < 0 else index


def _existing(array: list[Any], key: str) -> int:
    index = _index(key, len(array))
    if index >= len(array):
        raise _Refused(f"index {key} is outside the array of {len(array)}")
    return index


def _parent(document: Object, parts: list[str]) -> Any:
    """The object or array that holds the last part."""
    holder: Any = document
    for depth, part in enumerate(parts[:-1]):
        try:
            found = holder[_existing(holder, part)] if isinstance(holder, list) else holder.get(part)
        except _Refused:
            found = None
        if not isinstance(found, (dict, list)):
            walked = "/" + "/".join(parts[: depth + 1])
            what = "is not there" if found is None else "is neither an object nor an array"
            raise _Refused(f"{walked} {what}")
        holder = found
    return holder


def _add(holder: Any, key: str, value: Any) -> None:
    if isinstance(holder, dict):
        holder[key] = value
    elif key == "-":
        holder.append(value)
    else:
        size = len(holder) + 1
        index = _index(key, size)
        if index >= size:
            raise _Refused(f"index {key} is outside the array of {len(holder)}")
        holder.insert(index, value)


def _replace(holder: Any, key: str, value: Any) -> None:
    if isinstance(holder, dict):
        holder[key] = value
    else:
        holder[_existing(holder, key)] = value


def _remove(holder: Any, key: str) -> None:
    if isinstance(holder, list):
        del holder[_existing(holder, key)]
    elif key in holder:
        del holder[key]
    else:
        raise _Refused(f"there is no {key!r} to remove")


def _apply_one(document: Object, op: str, path: str, value: Any) -> None:
    parts = path_parts(path)
    if not parts:
        raise _Refused("the path must begin with /")
    holder = _parent(document, parts)
    if op == "add":
        _add(holder, parts[-1], value)
    elif op == "replace":
        _replace(holder, parts[-1], value)
    elif op == "remove":
        _remove(holder, parts[-1])
    else:
        raise _Refused(f"{op!r} is not one of {', '.join(OPERATIONS)}")


def operation(override: Object) -> str:
    """The operation of an override; left out or empty it is ``replace``."""
    return str(override.get("op") or "replace")


def apply_overrides(template: Object, overrides: list[Object]) -> Object:
    """``template`` with one cluster's overrides (``{op?, path, value?}``) applied in order.

    Raises :class:`OverrideError` for the first that does not apply.
    """
    document = copy.deepcopy(template)
    for index, override in enumerate(overrides):
        op, path = operation(override), str(override.get("path") or "")
        try:
            _apply_one(document, op, path, copy.deepcopy(override.get("value")))
        except _Refused as refused:
            raise OverrideError(path, op, str(refused), index) from None
    return document


def check_paths(overrides: list[Object]) -> None:
    """Raise :class:`OverrideError` for a path that one cluster's overrides must not have, or have twice."""
    seen: set[str] = set()
    for index, override in enumerate(overrides):
        path = str(override.get("path") or "")
        if path in FORBIDDEN_PATHS:
            raise OverrideError(path, operation(override), "KubeFed does not let an override change this field", index)
        if path in seen:
            raise OverrideError(path, operation(override), "the path appears more than once for this cluster", index)
        seen.add(path)


def overrides_of(federated: Object) -> dict[str, list[Object]]:
    """The overrides by cluster. As in the controller, one bad item spoils the resource for every cluster.

    Raises :class:`OverrideError` for a path that is forbidden or appears twice, :class:`EdgefedError` for a cluster that does.
    """
    found: dict[str, list[Object]] = {}
    for item in (federated.get("spec") or {}).get("overrides") or []:
        name = str(item.get("clusterName") or "")
        if name in found:
            raise EdgefedError(f"spec.overrides: cluster {name!r} appears more than once", code="override")
        found[name] = list(item.get("clusterOverrides") or [])
        check_paths(found[name])
    return found


# --- the object ---------------------------------------------------------------------------------------------------------


def api_version(target: Object) -> str:
    """``apps/v1``, or ``v1`` for the core group, of an API resource ``{group?, version, kind, …}``."""
    group = target.get("group")
    return f"{group}/{target['version']}" if group else str(target["version"])


def _string_map(value: Any) -> dict[str, str]:
    """Go's ``NestedStringMap``: one value that is not a string, and nothing is seen."""
    if isinstance(value, dict) and all(isinstance(item, str) for item in value.values()):
        return dict(value)
    return {}


def base_object(federated: Object, target: Object) -> Object:
    """The template as the controller completes it before the overrides: no annotations and finalizers, the names set."""
    template = (federated.get("spec") or {}).get("template")
    result: Object = copy.deepcopy(template) if isinstance(template, dict) else {}
    source = federated.get("metadata") or {}
    metadata = result.get("metadata") if isinstance(result.get("metadata"), dict) else {}
    result["metadata"] = metadata = dict(metadata or {})
    if _string_map(metadata.get("annotations")):
        del metadata["annotations"]
    finalizers = metadata.get("finalizers")
    if finalizers and isinstance(finalizers, list) and all(isinstance(item, str) for item in finalizers):
        del metadata["finalizers"]
    metadata["name"] = source.get("name")
    metadata.pop("namespace", None)
    if target["kind"] != "Namespace" and source.get("namespace"):
        metadata["namespace"] = source["namespace"]
    result["kind"] = target["kind"]
    result["apiVersion"] = result.get("apiVersion") or api_version(target)
    return result


def _with_managed_label(result: Object) -> Object:
    metadata = result.get("metadata")
    if isinstance(metadata, dict):
        metadata["labels"] = {**_string_map(metadata.get("labels")), MANAGED_LABEL: "true"}
    return result


def preview(federated: Object, cluster: str, target: Object, current: Object | None = None) -> Object:
    """The object that ``cluster`` gets: template, names, overrides, then the managed label.

    ``target`` is the FederatedTypeConfig's ``spec.targetType``. Without ``current`` it is what the controller creates;
    with the member's object it is what the controller would update that to (it retains some fields, *before* the
    overrides). A namespace takes nothing from the host cluster's namespace but the name. Raises :class:`OverrideError`.
    """
    overrides = overrides_of(federated).get(cluster, [])
    result = base_object(federated, target)
    if current is not None:
        _retain(result, current, federated)
    return _with_managed_label(apply_overrides(result, overrides))


# --- what an update retains ---------------------------------------------------------------------------------------------


def _retain(result: Object, current: Object, federated: Object) -> None:
    there = current.get("metadata") or {}
    for field in ("finalizers", "annotations"):
        result["metadata"].pop(field, None)
        if there.get(field):
            result["metadata"][field] = copy.deepcopy(there[field])
    if result["kind"] == "Service":
        _retain_service(result, current.get("spec") or {})
    elif result["kind"] == "ServiceAccount":
        if not result.get("secrets") and current.get("secrets"):
            result["secrets"] = copy.deepcopy(current["secrets"])
    elif (federated.get("spec") or {}).get("retainReplicas") is True:
        replicas = (current.get("spec") or {}).get("replicas")
        if replicas is not None:
            result.setdefault("spec", {})["replicas"] = replicas


def _retain_service(result: Object, there: Object) -> None:
    spec = result.setdefault("spec", {})
    for field in ("healthCheckNodePort", "clusterIP", "clusterIPs"):
        if there.get(field):
            spec[field] = copy.deepcopy(there[field])
    if "ports" not in there:
        return
    spec.setdefault("ports", [])
    for port in spec["ports"]:
        for other in there["ports"]:
            same = all(port.get(field) == other.get(field) for field in ("name", "protocol", "port"))
            if same and "nodePort" in other:
                port["nodePort"] = other["nodePort"]
