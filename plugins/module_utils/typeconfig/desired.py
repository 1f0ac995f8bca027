# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The objects of a federated type, as they are to be: its FederatedTypeConfig, its CRD, and rights for a group of its own. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ansible_collections.edgefed.kubefed.plugins.module_utils.control_plane.plan import MADE_BY
from ansible_collections.edgefed.kubefed.plugins.module_utils.typeconfig import schema
from ansible_collections.edgefed.kubefed.plugins.module_utils.typeconfig.target import Target

Object = dict[str, Any]

CORE = "core.kubefed.io/v1beta1"
EXTENSIONS = "apiextensions.k8s.io/v1"
RBAC = "rbac.authorization.k8s.io/v1"
DEFAULT_GROUP = "types.kubefed.io"
DEFAULT_VERSION = "v1beta1"
NAMESPACES = "namespaces"
FINALIZER = "core.kubefed.io/federated-type-config"
HELM_RELEASE = "meta.helm.sh/release-name"
FIELD_MANAGER = "edgefed"
ENABLERS = (FIELD_MANAGER, "kubefedctl")
SERVICE_STATUS = {
    "group": "core.kubefed.io",
    "version": "v1alpha1",
    "kind": "FederatedServiceStatus",
    "pluralName": "federatedservicestatuses",
    "scope": "Namespaced",
}
"""Where KubeFed keeps the status of Services while its feature gate RawResourceStatusCollection is off."""


@dataclass(frozen=True)
class Wish:
    """What is asked for; what is empty is left as it is, else takes KubeFed's default. ``name`` is any name of the target."""

    name: str
    version: str = ""
    federated_group: str = ""
    federated_version: str = ""
    propagation: str = "Enabled"
    status_collection: str = ""
    open_template: bool = False


@dataclass(frozen=True)
class Federated:
    """The federated type: the API resource that is made in the host cluster."""

    group: str
    version: str
    kind: str
    plural: str
    namespaced: bool

    @property
    def crd_name(self) -> str:
        """The name of its CRD."""
        return f"{self.plural}.{self.group}"

    @property
    def api_version(self) -> str:
        """Group and version."""
        return f"{self.group}/{self.version}"

    @property
    def collection(self) -> str:
        """The API path of all its objects."""
        return f"/apis/{self.api_version}/{self.plural}"

    def path(self, namespace: str, name: str) -> str:
        """The API path of one object."""
        inside = f"namespaces/{namespace}/" if namespace else ""
        return f"/apis/{self.api_version}/{inside}{self.plural}/{name}"


def federated_of(config: Object) -> Federated:
    """The federated type that a FederatedTypeConfig names."""
    spec = config["spec"]["federatedType"]
    return Federated(spec.get("group") or "", spec["version"], spec["kind"], spec["pluralName"], spec.get("scope") == "Namespaced")


def federated_for(target: Target, wish: Wish, config: Object | None) -> Federated:
    """The federated type for a target: the names that its FederatedTypeConfig has, else kubefedctl's."""
    # a FederatedNamespace lies in its namespace, so that rights in one namespace are enough for it
    namespaced = target.namespaced or target.name == NAMESPACES
    if config:
        there = federated_of(config)
        return Federated(there.group, there.version, there.kind, there.plural, namespaced)
    return Federated(
        wish.federated_group or DEFAULT_GROUP,
        wish.federated_version or DEFAULT_VERSION,
        f"Federated{target.kind}",
        f"federated{target.plural}",
        namespaced,
    )


def api_resource(group: str, version: str, kind: str, plural: str, namespaced: bool) -> Object:
    """An APIResource as FederatedTypeConfigs have it; the core group is left out."""
    resource = {"version": version, "kind": kind, "pluralName": plural, "scope": "Namespaced" if namespaced else "Cluster"}
    return {**resource, **({"group": group} if group else {})}


def config_spec(target: Target, federated: Federated, wish: Wish) -> Object:
    """The ``spec`` of the FederatedTypeConfig, as far as it is asked for."""
    spec: Object = {
        "targetType": api_resource(target.group, target.version, target.kind, target.plural, target.namespaced),
        "federatedType": api_resource(federated.group, federated.version, federated.kind, federated.plural, federated.namespaced),
        "propagation": wish.propagation,
    }
    if wish.status_collection:
        spec["statusCollection"] = wish.status_collection
        if wish.status_collection == "Enabled" and target.name == "services":
            spec["statusType"] = dict(SERVICE_STATUS)
    return spec


def config_object(target: Target, namespace: str, spec: Object) -> Object:
    """A new FederatedTypeConfig. It is born with KubeFed's finalizer, or else KubeFed starts its controller twice in a row; and the first,
    stopped while objects are there, ends the whole controller manager after ``cacheSyncTimeout``.

    That of namespaces is not: on adding the finalizer KubeFed looks at all other types again.
    """
    meta: Object = {"name": target.name, "namespace": namespace, "annotations": {MADE_BY: FIELD_MANAGER}}
    meta |= {"finalizers": [FINALIZER]} if target.name != NAMESPACES else {}
    return {"apiVersion": CORE, "kind": "FederatedTypeConfig", "metadata": meta, "spec": spec}


def crd_object(target: Target, federated: Federated, target_crd: Object | None, open_template: bool) -> Object:
    """The CRD of the federated type. ``target_crd`` is that of the target, ``None`` for a built-in kind, whose template stays open."""
    template, scalable = dict(schema.ANYTHING), target.scalable
    if target_crd:
        scalable = schema.has_replicas(target_crd, target.version)
        template = template if open_template else schema.template_of(target_crd, target.version)
    version = {
        "name": federated.version,
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": schema.federated(template, scalable)},
        "subresources": {"status": {}},
    }
    names = {"plural": federated.plural, "kind": federated.kind}
    if target.short_names:
        names["shortNames"] = [f"f{name}" for name in target.short_names]  # type: ignore[assignment]
    spec = {"group": federated.group, "scope": "Namespaced" if federated.namespaced else "Cluster", "names": names, "versions": [version]}
    meta = {"name": federated.crd_name, "annotations": {MADE_BY: FIELD_MANAGER}}
    return {"apiVersion": EXTENSIONS, "kind": "CustomResourceDefinition", "metadata": meta, "spec": spec}


def carried_crd(target_crd: Object) -> Object:
    """The target's CRD for a member that lacks it: only what makes it serve, nothing of the host cluster's bookkeeping."""
    meta = {"name": target_crd["metadata"]["name"], "annotations": {MADE_BY: FIELD_MANAGER}}
    spec = {key: value for key, value in target_crd["spec"].items() if key != "conversion"}
    return {"apiVersion": EXTENSIONS, "kind": "CustomResourceDefinition", "metadata": meta, "spec": spec}


def rights(group: str, namespace: str, limited: bool) -> list[Object]:
    """Role and binding for a federated group of one's own: KubeFed's chart lets its controller into ``types.kubefed.io`` only."""
    prefix = "" if limited else "Cluster"
    meta: Object = {"name": f"edgefed:kubefed:{group}", "annotations": {MADE_BY: FIELD_MANAGER}}
    meta |= {"namespace": namespace} if limited else {}
    rule = {"apiGroups": [group], "resources": ["*"], "verbs": ["get", "watch", "list", "update", "patch"]}
    role = {"apiVersion": RBAC, "kind": f"{prefix}Role", "metadata": meta, "rules": [rule]}
    binding = {
        "apiVersion": RBAC,
        "kind": f"{prefix}RoleBinding",
        "metadata": meta,
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": f"{prefix}Role", "name": meta["name"]},
        "subjects": [{"kind": "ServiceAccount", "name": "kubefed-controller", "namespace": namespace}],
    }
    return [role, binding]
