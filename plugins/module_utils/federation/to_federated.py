# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A plain object made a federated one, as ``kubefedctl federate`` does it. Pure.

The source is KubeFed's ``pkg/kubefedctl/federate``. Beyond it, a Job loses what the Job controller gave it, with which no cluster would
take it again, and an object of a version that is not served any more is taken for what it means where that is safe.
"""

from __future__ import annotations

import copy
from typing import Any

from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.api_versions import RETIRED, modern
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.legacy import LEGACY
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.types import HOST_ONLY, FederatedType
from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import EdgefedError

Object = dict[str, Any]

# As kubefedctl places it: in every cluster.
EVERYWHERE: Object = {"clusterSelector": {"matchLabels": {}}}
_JOB_LABELS = ("controller-uid", "job-name", "batch.kubernetes.io/controller-uid", "batch.kubernetes.io/job-name")


class NotFederated(EdgefedError):
    """A kind that cannot be federated. ``field`` is where the manifest says so, ``cause`` and ``todo`` are for messages."""

    def __init__(self, title: str, field: str, cause: str, todo: str) -> None:
        super().__init__(f"{title}: {cause}. Next: {todo}.", code="not_federated")
        self.field = field
        self.cause = cause
        self.todo = todo


def is_federated(manifest: Object, types: dict[str, FederatedType]) -> bool:
    """Whether the object is a federated one already, or one for the host cluster alone."""
    group = _group(str(manifest.get("apiVersion")))
    return group in ("types.kubefed.io", *(_group(one.api_version) for one in HOST_ONLY.values())) or any(
        found.kind == manifest.get("kind") and _group(found.api_version) == group for found in types.values()
    )


def federated_type(manifest: Object, types: dict[str, FederatedType]) -> FederatedType:
    """The federated type of a plain object. Raises :class:`NotFederated`."""
    version, kind = str(manifest.get("apiVersion") or ""), str(manifest.get("kind") or "")
    title = " ".join(part for part in (kind or "an object without kind", _label(manifest)) if part)
    new = "networking.k8s.io/v1" if kind == "Ingress" and version in LEGACY else modern(version, kind)
    found = _of_target(kind, new, types)
    if found and found.target_api_version != version:
        version = new
    retired = RETIRED.get((version, kind))
    if found is None and retired and _of_target(kind, retired.successor, types):
        cause = f"{kind} of {version} is not served since Kubernetes 1.{retired.removed}, and is federated as {retired.successor}"
        raise NotFederated(title, "apiVersion", cause, f"write it as {retired.successor}, where more than the version may differ")
    if found is None:
        todo = f"enable it ({kind.lower() or 'its kind'} in federated_types, playbooks/types.yml), or leave the object out"
        raise NotFederated(title, "kind", f"{kind or 'it'} of {version or 'no apiVersion'} is not a federated kind", todo)
    if not found.enabled:
        todo = "set propagation: Enabled in federated_types (playbooks/types.yml), or leave the object out"
        raise NotFederated(title, "kind", f"{found.kind} is not enabled: propagation of FederatedTypeConfig {found.name} is off", todo)
    if version != found.target_api_version:
        cause = f"{kind} is federated as {found.target_api_version}, not as {version}"
        raise NotFederated(title, "apiVersion", cause, f"write the object as {found.target_api_version}")
    return found


def _of_target(kind: str, version: str, types: dict[str, FederatedType]) -> FederatedType | None:
    return next((one for one in types.values() if (one.target_kind, _group(one.target_api_version)) == (kind, _group(version))), None)


def to_federated(
    manifest: Object, types: dict[str, FederatedType], placement: Object | None = None, overrides: list[Object] | None = None
) -> Object:
    """The federated object: ``manifest`` without status and what servers set as its template. Raises :class:`NotFederated`.

    ``types`` is of :func:`types.table`; ``placement`` and ``overrides`` are KubeFed's own, by default every cluster and none.
    """
    found = federated_type(manifest, types)
    metadata = _mapping(manifest.get("metadata"))
    head = {"name": metadata["name"]} if metadata.get("name") is not None else {}
    namespace = metadata.get("name") if found.target_kind == "Namespace" else metadata.get("namespace")
    if found.namespaced and namespace is not None:
        head["namespace"] = namespace
    spec: Object = {"template": template(manifest), "placement": copy.deepcopy(EVERYWHERE if placement is None else placement)}
    if overrides:
        spec["overrides"] = copy.deepcopy(overrides)
    return {"apiVersion": found.api_version, "kind": found.kind, "metadata": head, "spec": spec}


def template(manifest: Object) -> Object:
    """What of an object is to propagate: of its metadata only the labels."""
    result = copy.deepcopy({key: value for key, value in manifest.items() if key not in ("apiVersion", "kind", "metadata", "status")})
    labels = _mapping(manifest.get("metadata")).get("labels")
    spec = _mapping(result.get("spec"))
    if manifest.get("kind") == "Namespace":
        spec.pop("finalizers", None)
    elif manifest.get("kind") == "ServiceAccount":
        result.pop("secrets", None)
    elif manifest.get("kind") == "Service":
        _without_addresses(spec)
    elif manifest.get("kind") == "Job" and spec.get("manualSelector") is not True:
        labels = _without_job_marks(spec, labels)
    if labels:
        result["metadata"] = {"labels": copy.deepcopy(labels)}
    return result


def _without_addresses(spec: Object) -> None:
    for name in ("clusterIP", "clusterIPs"):
        spec.pop(name, None)
    ports = spec.get("ports")
    for port in ports if isinstance(ports, list) else []:
        _mapping(port).pop("nodePort", None)


def _without_job_marks(spec: Object, labels: Any) -> Any:
    """A live Job selects its pods by its own UID; a manifest has neither, and gets both in each cluster."""
    if "selector" not in spec:
        return labels
    del spec["selector"]
    inner = _mapping(_mapping(spec.get("template")).get("metadata"))
    for name in _JOB_LABELS:
        _mapping(inner.get("labels")).pop(name, None)
    return {key: value for key, value in _mapping(labels).items() if key not in _JOB_LABELS}


def _group(api_version: str) -> str:
    return api_version.rpartition("/")[0]


def _label(manifest: Object) -> str:
    metadata = _mapping(manifest.get("metadata"))
    return "/".join(str(metadata[key]) for key in ("namespace", "name") if metadata.get(key))


def _mapping(value: Any) -> Object:
    """The value itself where it is a mapping: what else stands there is for the checks of the manifest to tell."""
    return value if isinstance(value, dict) else {}
