# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""API versions that Kubernetes no longer serves, or will not for long. Pure.

The source is Kubernetes' "Deprecated API Migration Guide" (kubernetes.io/docs/reference/using-api/deprecation-guide), read up to its
newest section, that of 1.32: 1.28, 1.30 and 1.31 removed nothing. Only what it lists with "no notable changes" counts as safe: group and
version are all there is to rewrite. Ingress is a case of its own (``legacy.py``).
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple


class Retired(NamedTuple):
    """``successor`` (``""``: none) is served since Kubernetes 1.``since``, the old version until before 1.``removed``. ``safe``: the same
    object in both."""

    successor: str
    since: int
    removed: int
    safe: bool = False


def _all(kinds: str, old: str, retired: Retired) -> dict[tuple[str, str], Retired]:
    return {(old, kind): retired for kind in kinds.split()}


_FLOW = "FlowSchema PriorityLevelConfiguration"
_RBAC = "ClusterRole ClusterRoleBinding Role RoleBinding"
_HOOKS = "MutatingWebhookConfiguration ValidatingWebhookConfiguration"
_REVIEWS = "LocalSubjectAccessReview SelfSubjectAccessReview SubjectAccessReview"
_APPS = Retired("apps/v1", 9, 16)
RETIRED: dict[tuple[str, str], Retired] = {
    **_all(_FLOW, "flowcontrol.apiserver.k8s.io/v1beta3", Retired("flowcontrol.apiserver.k8s.io/v1", 29, 32)),
    **_all(_FLOW, "flowcontrol.apiserver.k8s.io/v1beta2", Retired("flowcontrol.apiserver.k8s.io/v1beta3", 26, 29)),
    **_all(_FLOW, "flowcontrol.apiserver.k8s.io/v1beta1", Retired("flowcontrol.apiserver.k8s.io/v1beta2", 23, 26)),
    **_all("CSIStorageCapacity", "storage.k8s.io/v1beta1", Retired("storage.k8s.io/v1", 24, 27, safe=True)),
    **_all("HorizontalPodAutoscaler", "autoscaling/v2beta2", Retired("autoscaling/v2", 23, 26)),
    **_all("HorizontalPodAutoscaler", "autoscaling/v2beta1", Retired("autoscaling/v2", 23, 25)),
    **_all("CronJob", "batch/v1beta1", Retired("batch/v1", 21, 25, safe=True)),
    **_all("EndpointSlice", "discovery.k8s.io/v1beta1", Retired("discovery.k8s.io/v1", 21, 25)),
    **_all("Event", "events.k8s.io/v1beta1", Retired("events.k8s.io/v1", 19, 25)),
    **_all("PodDisruptionBudget", "policy/v1beta1", Retired("policy/v1", 21, 25)),
    **_all("PodSecurityPolicy", "policy/v1beta1", Retired("", 0, 25)),
    **_all("RuntimeClass", "node.k8s.io/v1beta1", Retired("node.k8s.io/v1", 20, 25, safe=True)),
    **_all(_HOOKS, "admissionregistration.k8s.io/v1beta1", Retired("admissionregistration.k8s.io/v1", 16, 22)),
    **_all("CustomResourceDefinition", "apiextensions.k8s.io/v1beta1", Retired("apiextensions.k8s.io/v1", 16, 22)),
    **_all("APIService", "apiregistration.k8s.io/v1beta1", Retired("apiregistration.k8s.io/v1", 10, 22, safe=True)),
    **_all("TokenReview", "authentication.k8s.io/v1beta1", Retired("authentication.k8s.io/v1", 6, 22, safe=True)),
    **_all(_REVIEWS, "authorization.k8s.io/v1beta1", Retired("authorization.k8s.io/v1", 6, 22)),
    **_all("CertificateSigningRequest", "certificates.k8s.io/v1beta1", Retired("certificates.k8s.io/v1", 19, 22)),
    **_all("Lease", "coordination.k8s.io/v1beta1", Retired("coordination.k8s.io/v1", 14, 22, safe=True)),
    **_all("Ingress", "extensions/v1beta1", Retired("networking.k8s.io/v1", 19, 22)),
    **_all("Ingress", "networking.k8s.io/v1beta1", Retired("networking.k8s.io/v1", 19, 22)),
    **_all("IngressClass", "networking.k8s.io/v1beta1", Retired("networking.k8s.io/v1", 19, 22, safe=True)),
    **_all(_RBAC, "rbac.authorization.k8s.io/v1beta1", Retired("rbac.authorization.k8s.io/v1", 8, 22, safe=True)),
    **_all("PriorityClass", "scheduling.k8s.io/v1beta1", Retired("scheduling.k8s.io/v1", 14, 22, safe=True)),
    **_all("CSIDriver", "storage.k8s.io/v1beta1", Retired("storage.k8s.io/v1", 19, 22, safe=True)),
    **_all("CSINode", "storage.k8s.io/v1beta1", Retired("storage.k8s.io/v1", 17, 22, safe=True)),
    **_all("StorageClass", "storage.k8s.io/v1beta1", Retired("storage.k8s.io/v1", 6, 22, safe=True)),
    **_all("VolumeAttachment", "storage.k8s.io/v1beta1", Retired("storage.k8s.io/v1", 13, 22, safe=True)),
    **_all("NetworkPolicy", "extensions/v1beta1", Retired("networking.k8s.io/v1", 8, 16)),
    **_all("DaemonSet Deployment ReplicaSet", "extensions/v1beta1", _APPS),
    **_all("Deployment ReplicaSet StatefulSet", "apps/v1beta1", _APPS),
    **_all("DaemonSet Deployment ReplicaSet StatefulSet", "apps/v1beta2", _APPS),
}
_MINOR = re.compile(r"v?1\.([0-9]+)")


def minor(version: str) -> int | None:
    """34 of ``v1.34.4+k3s1``; ``None`` for what is no version of Kubernetes 1."""
    found = _MINOR.match(version)
    return int(found[1]) if found else None


def modern(api_version: str, kind: str) -> str:
    """The version to write an object in instead, where that is all there is to change; else the same."""
    retired = RETIRED.get((api_version, kind))
    return retired.successor if retired and retired.safe else api_version


_SINCE = {(one.successor, kind): one.since for (_old, kind), one in RETIRED.items() if one.successor}
_OLDER = {(one.successor, kind): old for (old, kind), one in reversed(RETIRED.items())}


def _served(retired: Retired, kind: str, at: int) -> str:
    """The newest successor that a cluster of Kubernetes 1.``at`` has."""
    later = RETIRED.get((retired.successor, kind))
    return _served(later, kind, at) if later and at >= later.since else retired.successor


def verdict(body: dict[str, Any], version: str) -> tuple[str, str, str] | None:
    """``(rule, cause, todo)`` where a cluster of Kubernetes ``version`` does not serve the object, or will stop to."""
    old, kind = str(body["apiVersion"]), str(body["kind"])
    retired, at = RETIRED.get((old, kind)), minor(version)
    if at is not None and at < _SINCE.get((old, kind), 0):
        cause = f"{kind} of {old} is not served before Kubernetes 1.{_SINCE[old, kind]}, and this cluster has {version}"
        return "unserved_api", cause, f"leave the cluster out, upgrade it, or federate the kind as {_OLDER[old, kind]}"
    if retired is None or at is None:
        return None
    newest = _served(retired, kind, at)
    todo = f"write it as {newest}" if newest else "leave it out: nothing took its place"
    if at >= retired.removed:
        return "removed_api", f"{kind} of {old} is not served since Kubernetes 1.{retired.removed}, and this cluster has {version}", todo
    if not retired.successor or at >= retired.since:
        cause = f"{kind} of {old} is deprecated: Kubernetes 1.{retired.removed} does not serve it, and this cluster has {version}"
        return "deprecated_api", cause, todo
    return None
