# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The objects of a join, in the member and in the host cluster, as they have to be. Pure."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.edgefed.kubefed.plugins.module_utils.kubeconfig.tokens import Token, read_token
from ansible_collections.edgefed.kubefed.plugins.module_utils.member.names import Names
from ansible_collections.edgefed.kubefed.plugins.module_utils.member.rights import Rule, granted_rules
from ansible_collections.edgefed.kubefed.plugins.module_utils.member.rotation import CREDENTIALS, Slots, noted

Manifest = dict[str, Any]

MANAGED_BY = {"app.kubernetes.io/managed-by": "edgefed"}
HOST_CLUSTER = "edgefed.io/host-cluster"
CLUSTER = "edgefed.io/cluster"
CLUSTER_UID = "edgefed.io/cluster-uid"
HOST_UID = "edgefed.io/host-cluster-uid"
# Of a KubeFedCluster that takes part less, or not at all: cordoned or drained.
CORDON = "edgefed.io/cordon"
REGION = "topology.kubernetes.io/region"
ZONE = "topology.kubernetes.io/zone"
TOKEN_TYPE = "kubernetes.io/service-account-token"
TOKEN_OWNER = "kubernetes.io/service-account.name"
TOKEN_OWNER_UID = "kubernetes.io/service-account.uid"
CORE, RBAC, KUBEFED = "v1", "rbac.authorization.k8s.io/v1", "core.kubefed.io/v1beta1"
UNKNOWN = "(known after the join)"


@dataclass(frozen=True)
class Ref:
    """One object. ``side`` is ``member`` or ``host``."""

    side: str
    api_version: str
    kind: str
    name: str
    namespace: str | None = None
    resource: str = ""

    @property
    def plural(self) -> str:
        """The kind's name in paths; for the kinds of a join it follows from the kind."""
        return self.resource or f"{self.kind.lower()}s"

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}" if self.namespace else f"{self.kind} {self.name}"


@dataclass(frozen=True)
class Wanted:
    """An object as it has to be: ``body`` always, ``birth`` (labels, annotations) only when we make it, so that what
    another tool made is adopted without a write."""

    ref: Ref
    body: Manifest
    birth: dict[str, dict[str, str]] = field(default_factory=dict)
    immutable: tuple[str, ...] = ()


@dataclass(frozen=True)
class Refs:
    """The objects that may belong to a join, whatever its scope."""

    namespace: Ref
    service_account: Ref
    cluster_role: Ref
    cluster_binding: Ref
    role: Ref
    binding: Ref
    health_role: Ref
    health_binding: Ref
    token: Ref
    secret: Ref
    cluster: Ref
    retiring: Ref | None = None

    def of_member(self, scope: str | None) -> list[Ref]:
        """The member's objects in the order they are made; ``None``: of both scopes. The token early: it is filled meanwhile."""
        cluster_wide = [] if scope == "Namespaced" else [self.cluster_role, self.cluster_binding]
        namespaced = [] if scope == "Cluster" else [self.role, self.binding, self.health_role, self.health_binding]
        retiring = [self.retiring] if self.retiring else []
        return [self.namespace, self.service_account, self.token, *retiring, *cluster_wide, *namespaced]


def refs(names: Names, secret_name: str | None = None, slots: Slots | None = None) -> Refs:
    """Where each object lies; ``secret_name`` when an existing KubeFedCluster names its secret, ``slots`` when a service account
    does."""
    place, account = names.namespace, names.service_account
    slots = slots or Slots(account)
    return Refs(
        namespace=Ref("member", CORE, "Namespace", place),
        service_account=Ref("member", CORE, "ServiceAccount", account, place),
        cluster_role=Ref("member", RBAC, "ClusterRole", names.role),
        cluster_binding=Ref("member", RBAC, "ClusterRoleBinding", names.role),
        role=Ref("member", RBAC, "Role", names.role, place),
        binding=Ref("member", RBAC, "RoleBinding", names.role, place),
        health_role=Ref("member", RBAC, "ClusterRole", names.health_check_role),
        health_binding=Ref("member", RBAC, "ClusterRoleBinding", names.health_check_role),
        token=Ref("member", CORE, "Secret", slots.token, place),
        secret=Ref("host", CORE, "Secret", secret_name or names.host_secret, place),
        cluster=Ref("host", KUBEFED, "KubeFedCluster", names.cluster, place),
        retiring=Ref("member", CORE, "Secret", slots.retiring, place) if slots.retiring else None,
    )


@dataclass(frozen=True)
class Wish:
    """What the user asked for. ``ca`` is PEM or ``None`` for the member's own (``ca.crt`` of its token secret).

    ``credentials`` is ``full``, ``least`` or ``provided`` (then ``token`` is the user's, and nothing is made in the member);
    ``types`` are the FederatedTypeConfigs that ``least`` follows from. ``target_crd`` (``carry``, ``require``, ``ignore``) is for the CRDs
    that the member lacks. ``rancher`` is what Rancher said of a token of its own, where it was asked. The UIDs tell who is who, as far as
    they are known.
    """

    names: Names
    scope: str
    api_endpoint: str
    ca: bytes | None = None
    labels: dict[str, str] = field(default_factory=dict)
    annotations: dict[str, str] = field(default_factory=dict)
    disabled_tls_validations: tuple[str, ...] = ()
    proxy_url: str | None = None
    credentials: str = "full"
    token: bytes | None = None
    rancher: Token | None = None
    types: tuple[Manifest, ...] = ()
    target_crd: str = "carry"
    rotate: bool = False
    max_age: int | None = None
    warn_days: int = 30
    cluster_uid: str | None = None
    host_uid: str | None = None

    @property
    def provided(self) -> bool:
        """Whether the token is the user's own."""
        return self.credentials == "provided"

    @property
    def lifetime(self) -> Token:
        """When the provided token ends; what a join makes has no end."""
        return self.rancher or (read_token((self.token or b"").decode()) if self.provided else Token(never=True))


def fingerprint(data: bytes | None) -> str:
    """A secret as it may be shown: the start of its SHA-256."""
    return UNKNOWN if data is None else f"sha256:{hashlib.sha256(data).hexdigest()[:16]}"


def manifest(ref: Ref, **body: Any) -> Manifest:
    """The object with its type and place."""
    place = {"namespace": ref.namespace} if ref.namespace else {}
    meta = {"name": ref.name, **place, **body.pop("metadata", {})}
    return {"apiVersion": ref.api_version, "kind": ref.kind, "metadata": meta, **body}


def member_objects(wish: Wish, where: Refs) -> list[Wanted]:
    """What has to be in the member, in the order it is made. With a token of the user's own: nothing."""
    if wish.provided:
        return []
    birth = _birth(wish.names)
    account = where.service_account
    rules, health_rules = granted_rules(wish.credentials, wish.scope, wish.types)
    token = manifest(where.token, metadata={"annotations": {TOKEN_OWNER: account.name}}, type=TOKEN_TYPE)
    made = [
        Wanted(where.namespace, manifest(where.namespace), birth),
        account_object(wish, where),
        Wanted(where.token, token, birth, ("type", "metadata.annotations")),
    ]
    if wish.scope == "Namespaced":
        made += _granted(where.role, where.binding, rules, account, birth)
        made += _granted(where.health_role, where.health_binding, health_rules, account, birth)
    else:
        made += _granted(where.cluster_role, where.cluster_binding, rules, account, birth)
    return made


def account_object(wish: Wish, where: Refs) -> Wanted:
    """The service account, which says where its token lies, and which one is on its way out."""
    ref = where.service_account
    slots = Slots(where.token.name, where.retiring.name if where.retiring else None)
    notes = {"kubernetes.io/enforce-mountable-secrets": "true", **slots.annotations(ref.name)}
    birth = _birth(wish.names)
    if wish.host_uid:
        birth["annotations"][HOST_UID] = wish.host_uid
    return Wanted(ref, manifest(ref, metadata={"annotations": notes}, automountServiceAccountToken=False), birth)


def host_objects(wish: Wish, where: Refs, token: bytes | None, ca: bytes | None) -> list[Wanted]:
    """What has to be in the host cluster. ``token`` and ``ca`` are the member's token secret's, ``None`` until it is filled.

    The annotation with the token's fingerprint makes the controller, which keeps a client per cluster and looks only at
    this object, take a changed token.
    """
    bundle = wish.ca if wish.ca is not None else ca
    spec: Manifest = {
        "apiEndpoint": wish.api_endpoint,
        "caBundle": UNKNOWN if bundle is None and token is None else _encoded(bundle or b""),
        "secretRef": {"name": where.secret.name},
        "disabledTLSValidations": list(wish.disabled_tls_validations),
    }
    if wish.proxy_url is not None:
        spec["proxyURL"] = wish.proxy_url
    annotations = {**wish.annotations, HOST_CLUSTER: wish.names.host_cluster, CREDENTIALS: fingerprint(token), **noted(wish.rancher)}
    uid = {CLUSTER_UID: wish.cluster_uid} if wish.cluster_uid else {}
    meta = {"labels": {**wish.labels, **MANAGED_BY, **uid}, "annotations": annotations}
    data = {"token": UNKNOWN if token is None else _encoded(token)}
    return [
        Wanted(where.secret, manifest(where.secret, type="Opaque", data=data), _birth(wish.names), ("type",)),
        Wanted(where.cluster, manifest(where.cluster, metadata=meta, spec=spec)),
    ]


def _birth(names: Names) -> dict[str, dict[str, str]]:
    return {"labels": dict(MANAGED_BY), "annotations": {HOST_CLUSTER: names.host_cluster, CLUSTER: names.cluster}}


def _granted(role: Ref, binding: Ref, rules: list[Rule], account: Ref, birth: dict[str, dict[str, str]]) -> list[Wanted]:
    subject = {"kind": "ServiceAccount", "name": account.name, "namespace": account.namespace}
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": role.kind, "name": role.name}
    return [
        Wanted(role, manifest(role, rules=rules), birth),
        Wanted(binding, manifest(binding, roleRef=reference, subjects=[subject]), birth, ("roleRef",)),
    ]


def _encoded(data: bytes) -> str:
    return base64.b64encode(data).decode()
