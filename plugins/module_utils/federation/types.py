# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which kinds may be federated: FederatedTypeConfigs as a table. Pure."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import Any, Iterable

# KubeFed itself ignores a FederatedNamespace of these (and of its own namespace).
SYSTEM_NAMESPACES = ("default", "kube-system", "kube-public")
FEDERATED_NAMESPACE = "FederatedNamespace"
# Each cluster makes these of its own, in every namespace.
OF_EACH_CLUSTER = {("ConfigMap", "kube-root-ca.crt"), ("ServiceAccount", "default")}


def _api_version(resource: dict[str, Any]) -> str:
    group = resource.get("group")
    return f"{group}/{resource['version']}" if group else str(resource["version"])


@dataclass(frozen=True)
class FederatedType:
    """One federated type. ``target`` is the API resource that members get, ``{group?, version, kind, pluralName, scope}``."""

    name: str
    kind: str
    api_version: str
    plural: str
    namespaced: bool
    target: dict[str, Any]
    enabled: bool

    @property
    def target_kind(self) -> str:
        return str(self.target["kind"])

    @property
    def target_api_version(self) -> str:
        return _api_version(self.target)

    @property
    def target_namespaced(self) -> bool:
        return bool(self.target.get("scope") == "Namespaced")

    def collection(self, namespace: str) -> str:
        """The API path of the collection in a namespace (left out when the federated type is cluster-wide)."""
        where = f"namespaces/{namespace}/" if self.namespaced else ""
        return f"/apis/{self.api_version}/{where}{self.plural}"

    @property
    def everywhere(self) -> str:
        """The API path of the collections of all namespaces."""
        return f"/apis/{self.api_version}/{self.plural}"


def table(configs: Iterable[dict[str, Any]]) -> dict[str, FederatedType]:
    """``{federated kind: type}`` of FederatedTypeConfigs; a kind that two groups have counts with its enabled one."""
    found: dict[str, FederatedType] = {}
    for config in configs:
        spec = config["spec"]
        federated = spec["federatedType"]
        entry = FederatedType(
            name=config["metadata"]["name"],
            kind=federated["kind"],
            api_version=_api_version(federated),
            plural=federated["pluralName"],
            namespaced=federated.get("scope") == "Namespaced",
            target=spec["targetType"],
            enabled=spec.get("propagation") == "Enabled",
        )
        if entry.enabled or entry.kind not in found:
            found[entry.kind] = entry
    return found


def _default(target: str, kind: str, group: str = "", scope: str = "Namespaced") -> FederatedType:
    resource = {"version": "v1", "kind": kind, "pluralName": target.split(".", maxsplit=1)[0], "scope": scope}
    plural, namespaced = f"federated{resource['pluralName']}", kind == "Namespace" or scope == "Namespaced"
    if group:
        resource["group"] = group
    return FederatedType(target, f"Federated{kind}", "types.kubefed.io/v1beta1", plural, namespaced, resource, True)


# What KubeFed's chart enables: all that is known where no API server is asked.
DEFAULTS: dict[str, FederatedType] = {
    entry.kind: entry
    for entry in (
        _default("clusterroles.rbac.authorization.k8s.io", "ClusterRole", "rbac.authorization.k8s.io", "Cluster"),
        _default("configmaps", "ConfigMap"),
        _default("deployments.apps", "Deployment", "apps"),
        _default("ingresses.networking.k8s.io", "Ingress", "networking.k8s.io"),
        _default("jobs.batch", "Job", "batch"),
        _default("namespaces", "Namespace", scope="Cluster"),
        _default("replicasets.apps", "ReplicaSet", "apps"),
        _default("secrets", "Secret"),
        _default("serviceaccounts", "ServiceAccount"),
        _default("services", "Service"),
    )
}


def _of_the_host(kind: str, group: str) -> FederatedType:
    plural = f"{kind.lower()}s"
    target = {"group": group, "version": "v1alpha1", "kind": kind, "scope": "Cluster"}
    return FederatedType(plural, kind, f"{group}/v1alpha1", plural, True, target, True)


# What KubeFed's scheduler reads. It lies beside the federated object that it leads, and goes to no cluster itself.
PREFERENCE = _of_the_host("ReplicaSchedulingPreference", "scheduling.kubefed.io")
DNS_GROUP = "multiclusterdns.kubefed.io"
# What the DNS controller reads (role dns).
DNS_RECORDS = {kind: _of_the_host(kind, DNS_GROUP) for kind in ("Domain", "IngressDNSRecord", "ServiceDNSRecord")}
# All that goes to no cluster.
HOST_ONLY = {PREFERENCE.kind: PREFERENCE, **DNS_RECORDS}


def nearest(word: str, known: Iterable[str], count: int = 1) -> list[str]:
    """The names most like ``word``, best first; letter case does not matter."""
    by_lower = {name.lower(): name for name in sorted(known, reverse=True)}
    return [by_lower[name] for name in difflib.get_close_matches(word.lower(), sorted(by_lower), n=count, cutoff=0.6)]
