# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is there before a join, and everything that forbids it: nothing is written until all of this is read."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any, Callable

from ansible_collections.edgefed.kubefed.plugins.module_utils.client import ApiError, Client, object_path
from ansible_collections.edgefed.kubefed.plugins.module_utils.member import identity, rotation, target_crds
from ansible_collections.edgefed.kubefed.plugins.module_utils.member import plan as planning
from ansible_collections.edgefed.kubefed.plugins.module_utils.member.desired import (
    CLUSTER_UID,
    CORE,
    KUBEFED,
    Manifest,
    Ref,
    Refs,
    Wish,
    fingerprint,
    refs,
)
from ansible_collections.edgefed.kubefed.plugins.module_utils.member.names import Names
from ansible_collections.edgefed.kubefed.plugins.module_utils.member.objects import find_orphans, read, refused
from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import EdgefedError

SYSTEM_NAMESPACE = object_path(CORE, "namespaces", name="kube-system")


@dataclass(frozen=True)
class Reading:
    """What is there before a join."""

    where: Refs
    objects: dict[Ref, Manifest]
    orphans: list[Ref]
    crds: list[target_crds.Carried] = field(default_factory=list)


def look(host: Client, member: Any, wish: Wish, force: bool) -> tuple[Reading, Wish]:
    """Read both clusters at once; the wish comes back with what follows from them (scope, types, identities)."""
    names = wish.names
    with ThreadPoolExecutor(2) as pool:
        scope = pool.submit(control_plane_scope, host, names.namespace)
        in_member = pool.submit(_look_into_member, member, refs(names), wish, scope.result)
        wish = replace(wish, scope=scope.result())
        found, secret = _look_into_host(host, refs(names))
        where, there = in_member.result()
    where = replace(where, secret=secret)
    found |= there
    if _to_rotate(found, where, wish):
        where = refs(names, where.secret.name, rotation.Slots(where.token.name).following(names.service_account))
    planning.refuse_other_join(found, where, names)
    planning.refuse_foreign_secret(found, where, names)
    if wish.rancher and wish.rancher.problem:
        wish = replace(wish, rancher=rotation.remembered(found.get(where.cluster), fingerprint(wish.token)) or wish.rancher)
    wish = _Identities(host, member, where, found).told(wish, force)
    arrives = target_crds.arrives(found, where, wish)
    least = wish.credentials == "least"
    configs = tuple(host.list(object_path(KUBEFED, "federatedtypeconfigs", names.namespace))) if arrives or least else ()
    wish = replace(wish, types=configs if least else ())
    crds = target_crds.look(host, member, wish, configs) if arrives else []
    orphans: list[Ref] = []
    if where.service_account in found and where.cluster not in found:
        orphans = find_orphans(host, where, names, where.secret.name)
    return Reading(where, found, orphans, crds), wish


def control_plane_scope(host: Client, namespace: str) -> str:
    """``Cluster`` or ``Namespaced``; raises :class:`EdgefedError` (code ``no_control_plane``) where KubeFed isn't installed."""
    config = None
    path = object_path(KUBEFED, "kubefedconfigs", namespace, "kubefed")
    try:
        config = host.get(path)
    except ApiError as error:
        if error.status != 404:
            raise
        lacks = f"no KubeFedConfig {namespace}/kubefed" if error.body else "no KubeFed: its CRDs are missing"
        raise EdgefedError(
            f"{host.where} has {lacks}. Next: run playbooks/control_plane.yml, or set namespace (federation_namespace) to where "
            "KubeFed is installed.",
            code="no_control_plane",
            details={"namespace": namespace},
        ) from None
    return str((config.get("spec") or {}).get("scope") or "Cluster")


def read_member(member: Any, where: Refs, names: Names, scope: Callable[[], str | None]) -> tuple[Refs, dict[Ref, Manifest]]:
    """The member's objects, and where they lie by what the service account says of its token. ``scope`` is asked when it is needed, as
    the host cluster may still be saying it; ``None``: of both scopes."""
    found = read(member, [where.namespace, where.service_account])
    where = refs(names, where.secret.name, rotation.slots_of(found.get(where.service_account), names.service_account))
    rest = [ref for ref in where.of_member(scope()) if ref not in (where.namespace, where.service_account)]
    return where, found | read(member, [ref for ref in rest if found or ref.namespace is None])


def _look_into_host(host: Client, where: Refs) -> tuple[dict[Ref, Manifest], Ref]:
    """What is there of the join, and where its secret lies: a KubeFedCluster that another tool made names one of its own."""
    found = read(host, [where.cluster])
    secret = where.secret
    if found:
        secret = replace(secret, name=found[where.cluster]["spec"]["secretRef"]["name"])
    return found | read(host, [secret]), secret


def _look_into_member(member: Any, where: Refs, wish: Wish, scope: Callable[[], str]) -> tuple[Refs, dict[Ref, Manifest]]:
    """Who gives a token of his own need not be allowed to look."""
    try:
        return read_member(member, where, wish.names, scope)
    except EdgefedError as error:
        if not (wish.provided and refused(error)):
            raise
        return where, {}


def _to_rotate(found: dict[Ref, Manifest], where: Refs, wish: Wish) -> bool:
    """Whether a rotation begins now: it is wished for, and there is something to rotate. One that is under way is finished first."""
    secret = found.get(where.token)
    if secret is None or planning.leaving(secret) or where.retiring or where.cluster not in found:
        return False
    return wish.rotate or (wish.max_age is not None and rotation.older_than(secret, wish.max_age, time.time()))


@dataclass(frozen=True)
class _Identities:
    """Who is who. Asked only until both clusters say it."""

    host: Client
    member: Any
    where: Refs
    found: dict[Ref, Manifest]

    def told(self, wish: Wish, force: bool) -> Wish:
        """Raises :class:`EdgefedError` for a cluster under two names, two under one, or one of two host clusters."""
        if identity.is_known(self.found, self.where, wish.provided):
            uid = identity.known_uid(self.found.get(self.where.cluster))
            return replace(wish, cluster_uid=uid, host_uid=identity.known_host_uid(self.found.get(self.where.service_account)))
        with ThreadPoolExecutor(1) as pool:
            in_host = pool.submit(_uid_of, self.host, lenient=False)
            uid = _uid_of(self.member, lenient=wish.provided)
            host_uid = in_host.result()
        if not force:
            self._refuse(wish, uid, host_uid)
        return replace(wish, cluster_uid=uid, host_uid=host_uid)

    def _refuse(self, wish: Wish, uid: str | None, host_uid: str | None) -> None:
        names = wish.names
        clusters = object_path(KUBEFED, "kubefedclusters", names.namespace)
        if uid:
            identity.refuse_second_member(self.found.get(self.where.cluster), uid, wish.api_endpoint, names)
            identity.refuse_second_name(self.host.list(clusters, {"labelSelector": f"{CLUSTER_UID}={uid}"}), names)
        if host_uid and not wish.provided and self.where.namespace in self.found:
            accounts = list(self.member.list(object_path(CORE, "serviceaccounts", names.namespace)))
            joined = (item["metadata"]["name"] for item in self.host.list(clusters))
            identity.refuse_other_host(accounts, host_uid, joined, names)


def _uid_of(client: Any, lenient: bool) -> str | None:
    try:
        namespace = client.find(SYSTEM_NAMESPACE)
    except EdgefedError as error:
        if not (lenient and refused(error)):
            raise
        return None
    return str(namespace["metadata"]["uid"]) if namespace else None
