# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Two names for one cluster, one name for two, and two host clusters."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.edgefed.kubefed.plugins.module_utils.member import identity
from ansible_collections.edgefed.kubefed.plugins.module_utils.member.desired import CLUSTER, CLUSTER_UID, HOST_CLUSTER, HOST_UID, refs
from ansible_collections.edgefed.kubefed.plugins.module_utils.member.names import Names
from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import EdgefedError

NAMES = Names("zj", "local", "kube-federation-system")
WHERE = refs(NAMES)
OURS = {"app.kubernetes.io/managed-by": "edgefed"}


def member(name: str = "zj", uid: str = "u1", address: str = "https://a:6443", ready: str = "True") -> dict[str, Any]:
    """A KubeFedCluster."""
    meta = {"name": name, "labels": {CLUSTER_UID: uid}}
    return {"metadata": meta, "spec": {"apiEndpoint": address}, "status": {"conditions": [{"type": "Ready", "status": ready}]}}


def account(name: str = "zj-local", by: str = "edgefed", **notes: str) -> dict[str, Any]:
    """A service account in a member."""
    said = {HOST_CLUSTER: notes["host"], CLUSTER: notes.get("cluster", "zj")} if "host" in notes else {}
    said |= {HOST_UID: notes["uid"]} if "uid" in notes else {}
    labels = OURS if by == "edgefed" else {}
    fields = [{"manager": by, "operation": "Update"}]
    return {"metadata": {"name": name, "namespace": "n", "annotations": said, "labels": labels, "managedFields": fields}}


@pytest.mark.parametrize(
    ("names", "refused"), [([], False), (["zj"], False), (["other"], True), (["other", "third"], True), (["other", "zj"], False)]
)
def test_second_name(names: list[str], refused: bool) -> None:
    """Both names are told; a name that was accepted before stays accepted."""
    others = [member(name) for name in names]
    if not refused:
        identity.refuse_second_name(others, NAMES)
        return
    with pytest.raises(EdgefedError, match=r"'zj' is a member.*'other'.*--limit other.*force: true") as caught:
        identity.refuse_second_name(others, NAMES)
    assert caught.value.details["names"] == [*names, "zj"]


@pytest.mark.parametrize(
    ("known", "refused"),
    [
        (None, False),
        (member(), False),
        (member(uid="u2"), True),
        (member(uid="u2", ready="False"), False),
        (member(uid="u2", address="https://b:6443"), False),
        ({**member(), "metadata": {"name": "zj"}}, False),
    ],
)
def test_second_member(known: dict[str, Any] | None, refused: bool) -> None:
    """Only a living cluster at another address has the name; a dead one, or one made anew in its place, gives it up."""
    if not refused:
        identity.refuse_second_member(known, "u1", "https://b:6443", NAMES)
        return
    with pytest.raises(EdgefedError, match=r"'zj' is taken.*https://a:6443.*https://b:6443"):
        identity.refuse_second_member(known, "u1", "https://b:6443", NAMES)


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (account(host="local", uid="h1"), ""),
        (account(host="local"), ""),
        (account("default", by="kube-controller-manager"), ""),
        (account("zj-local", by="kubefedctl"), ""),
        (account("zj-east", host="east", uid="h2"), "joined to the host cluster 'east' as 'zj'"),
        (account("zj-east", host="east"), "joined to the host cluster 'east' as 'zj'"),
        (account(host="local", uid="h2"), "another one of that name, or it was made anew"),
        (account("edge-local", by="kubefedctl"), "under the name 'edge'"),
        (account("zj-east", by="kubefedctl"), r"by kubefedctl \(service account zj-east\)"),
    ],
)
def test_other_host(found: dict[str, Any], said: str) -> None:
    """By the host cluster's UID, by its name where that is not said, and by the account's name after kubefedctl."""
    if not said:
        identity.refuse_other_host([found], "h1", ["edge", "zj"], NAMES)
        return
    with pytest.raises(EdgefedError, match=said) as caught:
        identity.refuse_other_host([found], "h1", ["edge", "zj"], NAMES)
    assert "Next: " in caught.value.message


@pytest.mark.parametrize(
    ("found", "provided", "known"),
    [
        ({}, False, False),
        ({WHERE.cluster: member()}, False, False),
        ({WHERE.cluster: member()}, True, True),
        ({WHERE.cluster: member(), WHERE.service_account: account(host="local")}, False, False),
        ({WHERE.cluster: member(), WHERE.service_account: account(host="local", uid="h1")}, False, True),
        ({WHERE.cluster: member(), WHERE.service_account: account(by="kubefedctl")}, False, True),
        ({WHERE.service_account: account(host="local", uid="h1")}, False, False),
    ],
)
def test_when_it_is_known(found: dict[Any, Any], provided: bool, known: bool) -> None:
    """A run that changes nothing does not ask again."""
    assert identity.is_known(found, WHERE, provided) is known
