# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which cluster is which: by the UID of its namespace ``kube-system``, which it keeps for life. Pure.

The KubeFedCluster has its member's UID as a label, the service account in the member has the host cluster's as an annotation.
"""

from __future__ import annotations

from typing import Any, Iterable, Mapping

from ansible_collections.edgefed.kubefed.plugins.module_utils.member.desired import (
    CLUSTER,
    CLUSTER_UID,
    HOST_CLUSTER,
    HOST_UID,
    Manifest,
    Ref,
    Refs,
)
from ansible_collections.edgefed.kubefed.plugins.module_utils.member.names import Names
from ansible_collections.edgefed.kubefed.plugins.module_utils.member.plan import is_ours, made_by_join
from ansible_collections.edgefed.kubefed.plugins.module_utils.member.readiness import readiness
from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import EdgefedError
from ansible_collections.edgefed.kubefed.plugins.module_utils.urls import without_credentials

_FORCE = "or, if you know better, join with force: true (member_force)"


def known_uid(cluster: Manifest | None) -> str | None:
    """The member's UID that a KubeFedCluster has."""
    return ((cluster or {}).get("metadata", {}).get("labels") or {}).get(CLUSTER_UID)


def known_host_uid(account: Manifest | None) -> str | None:
    """The host cluster's UID that a service account has."""
    return ((account or {}).get("metadata", {}).get("annotations") or {}).get(HOST_UID)


def is_known(current: Mapping[Ref, Manifest], where: Refs, provided: bool) -> bool:
    """Whether an earlier run looked who is who, so that it need not be asked again."""
    if not known_uid(current.get(where.cluster)):
        return False
    account = current.get(where.service_account)
    if account is None:
        return provided
    return bool(known_host_uid(account)) or not is_ours(account)


def refuse_second_name(others: Iterable[Manifest], names: Names) -> None:
    """Raise :class:`EdgefedError` where the same cluster is a member under another name. ``others`` have its UID; a join under this
    name, which must have been forced, is among them from then on."""
    taken = sorted(item["metadata"]["name"] for item in others)
    if taken and names.cluster not in taken:
        raise EdgefedError(
            f"Cluster {names.cluster!r} is a member of this federation already, under the name {taken[0]!r}: both have the same "
            f"kube-system namespace. Next: unjoin it first (unjoin.yml --limit {taken[0]}), correct the kubeconfig's context "
            f"{names.cluster!r} if it leads to the wrong cluster, {_FORCE}.",
            code="two_names",
            details={"names": [*taken, names.cluster]},
        )


def refuse_second_member(cluster: Manifest | None, uid: str, address: str, names: Names) -> None:
    """Raise :class:`EdgefedError` where another living cluster has the name. One that was made anew at its address is no other."""
    known = known_uid(cluster)
    if cluster is None or known in (None, uid) or not readiness(cluster).ready or cluster["spec"]["apiEndpoint"] == address:
        return
    raise EdgefedError(
        f"The name {names.cluster!r} is taken by another cluster, which KubeFed reaches at "
        f"{without_credentials(cluster['spec']['apiEndpoint'])}; this one is at {without_credentials(address)}, and its kube-system "
        f"namespace is another one. Next: give this cluster another name, unjoin the other one (unjoin.yml --limit {names.cluster}), "
        f"{_FORCE}.",
        code="name_taken",
        details={"cluster": names.cluster, "uids": [known, uid]},
    )


def refuse_other_host(accounts: Iterable[Manifest], host_uid: str, joined: Iterable[str], names: Names) -> None:
    """Raise :class:`EdgefedError` where the member's ``accounts`` tell of a join to another host cluster, or under another name.

    ``joined`` gives the names of this federation's clusters, for joins of kubefedctl, which leave only an account of both names.
    """
    theirs = [account for account in accounts if made_by_join(account) and _other_host(account, host_uid, names)]
    if not theirs:
        return
    of_this_host = {f"{name}-{names.host_cluster}": name for name in joined}
    for account in theirs:
        meta: dict[str, Any] = account["metadata"]
        notes = meta.get("annotations") or {}
        if HOST_CLUSTER in notes:
            again = " (another one of that name, or it was made anew)" if notes[HOST_CLUSTER] == names.host_cluster else ""
            _refuse_host(names, f"the host cluster {notes[HOST_CLUSTER]!r}{again} as {notes.get(CLUSTER)!r}", account)
        if meta["name"] in of_this_host:
            refuse_second_name([{"metadata": {"name": of_this_host[meta["name"]]}}], names)
        elif meta["name"] != names.service_account:
            _refuse_host(names, f"another host cluster, by kubefedctl (service account {meta['name']})", account)


def _other_host(account: Manifest, host_uid: str, names: Names) -> bool:
    notes = account["metadata"].get("annotations") or {}
    if HOST_UID in notes:
        return bool(notes[HOST_UID] != host_uid)
    return bool(notes.get(HOST_CLUSTER) != names.host_cluster)


def _refuse_host(names: Names, whose: str, account: Manifest) -> None:
    meta = account["metadata"]
    raise EdgefedError(
        f"Cluster {names.cluster!r} is joined to {whose} already, and two federations would undo each other's work there "
        f"(ServiceAccount {meta.get('namespace')}/{meta['name']} in the member). Next: unjoin it there, {_FORCE}.",
        code="joined_to_other_host",
        details={"service_account": meta["name"], "host_cluster": (meta.get("annotations") or {}).get(HOST_CLUSTER, "")},
    )
