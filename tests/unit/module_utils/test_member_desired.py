# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Names of a join, and the objects it wants."""

from __future__ import annotations

import base64

import pytest

from ansible_collections.edgefed.kubefed.plugins.module_utils.member import desired
from ansible_collections.edgefed.kubefed.plugins.module_utils.member.desired import Wish, host_objects, member_objects, refs
from ansible_collections.edgefed.kubefed.plugins.module_utils.member.names import Names, check_names
from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import EdgefedError

NAMES = Names("zj", "local", "kube-federation-system")
WISH = Wish(NAMES, "Cluster", "https://10.0.0.7:6443", ca=b"CA", labels={"site": "factory"})


def test_names_are_kubefedctls() -> None:
    """As in pkg/kubefedctl/util of KubeFed 0.10.0."""
    assert NAMES.service_account == "zj-local"
    assert NAMES.role == "kubefed-controller-manager:zj-local"
    assert NAMES.health_check_role == "kubefed-controller-manager:kube-federation-system:healthcheck-zj-local"
    assert NAMES.token_subject == "system:serviceaccount:kube-federation-system:zj-local"


@pytest.mark.parametrize("name", ["a", "zj", "edge01", "edge-01.shop.example", "0", "a" * 63])
def test_good_names(name: str) -> None:
    """DNS names of up to 63 characters."""
    check_names(Names(name, name, "n"))


@pytest.mark.parametrize(
    ("cluster", "host", "said"),
    [
        ("a" * 64, "local", "64 characters"),
        ("Zj", "local", "not a DNS name"),
        ("zj_1", "local", "not a DNS name"),
        ("-zj", "local", "not a DNS name"),
        ("zj.", "local", "not a DNS name"),
        ("zj\n", "local", "not a DNS name"),
        ("浙江", "local", "not a DNS name"),
        ("", "local", "no name"),
        ("zj", "", "set host_cluster_name"),
        ("zj", "admin@local", "host_cluster_name"),
        ("zj", "a/b", "not a DNS name"),
    ],
)
def test_bad_names(cluster: str, host: str, said: str) -> None:
    """The message names the name and the option."""
    with pytest.raises(EdgefedError, match=said) as caught:
        check_names(Names(cluster, host, "n"))
    assert caught.value.code == "name"
    assert "Next: " in caught.value.message


@pytest.mark.parametrize(
    ("scope", "kinds"),
    [
        ("Cluster", ["Namespace", "ServiceAccount", "Secret", "ClusterRole", "ClusterRoleBinding"]),
        (
            "Namespaced",
            ["Namespace", "ServiceAccount", "Secret", "Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding"],
        ),
    ],
)
def test_member_objects(scope: str, kinds: list[str]) -> None:
    """Each scope's objects in an order in which each can be made; the order that is read is the same."""
    where = refs(NAMES)
    wanted = member_objects(Wish(NAMES, scope, "x"), where)
    assert [want.ref.kind for want in wanted] == kinds
    assert [want.ref for want in wanted] == where.of_member(scope)
    assert {want.ref for want in wanted} <= set(where.of_member(None))
    for want in wanted:
        assert want.body["metadata"].get("namespace") == want.ref.namespace
        assert want.birth["labels"] == {"app.kubernetes.io/managed-by": "edgefed"}
        assert want.birth["annotations"] == {desired.HOST_CLUSTER: "local", desired.CLUSTER: "zj"}


def test_bindings_bind_the_account_to_the_role_beside() -> None:
    """No binding leads anywhere else, and only a cluster-wide control plane may read every URL."""
    for scope in ("Cluster", "Namespaced"):
        wanted = {want.ref: want.body for want in member_objects(Wish(NAMES, scope, "x"), refs(NAMES))}
        for ref, body in wanted.items():
            if ref.kind.endswith("Binding"):
                assert body["subjects"] == [{"kind": "ServiceAccount", "name": "zj-local", "namespace": "kube-federation-system"}]
                role = body["roleRef"]
                assert any(other.kind == role["kind"] and other.name == role["name"] for other in wanted)
        everything = [body for body in wanted.values() if {"nonResourceURLs": ["*"], "verbs": ["get"]} in body.get("rules", [])]
        assert len(everything) == (scope == "Cluster")


def test_host_objects() -> None:
    """Token and CA lie where the controller looks for them; the annotation has only a fingerprint."""
    secret, cluster = host_objects(WISH, refs(NAMES), b"t0ken", b"other CA")
    assert secret.body["data"] == {"token": base64.b64encode(b"t0ken").decode()}
    assert cluster.body["spec"] == {
        "apiEndpoint": "https://10.0.0.7:6443",
        "caBundle": base64.b64encode(b"CA").decode(),
        "secretRef": {"name": "zj-credentials"},
        "disabledTLSValidations": [],
    }
    assert cluster.body["metadata"]["labels"] == {"site": "factory", "app.kubernetes.io/managed-by": "edgefed"}
    assert "t0ken" not in str(cluster.body)
    assert cluster.body["metadata"]["annotations"][desired.CREDENTIALS] == desired.fingerprint(b"t0ken")


@pytest.mark.parametrize(
    ("ca", "token", "own", "bundle"),
    [
        (b"CA", None, None, base64.b64encode(b"CA").decode()),
        (b"CA", b"t", b"own", base64.b64encode(b"CA").decode()),
        (None, b"t", b"own", base64.b64encode(b"own").decode()),
        (None, None, None, desired.UNKNOWN),
        (None, b"t", None, ""),
    ],
)
def test_ca_bundle(ca: bytes | None, token: bytes | None, own: bytes | None, bundle: str) -> None:
    """The wished CA, else the member's own, which is unknown until its token secret is filled."""
    cluster = host_objects(Wish(NAMES, "Cluster", "x", ca=ca), refs(NAMES), token, own)[1]
    assert cluster.body["spec"]["caBundle"] == bundle


def test_an_adopted_secret_keeps_its_name() -> None:
    """kubefedctl generates the name; the KubeFedCluster says it."""
    secret, cluster = host_objects(WISH, refs(NAMES, "zj-x7k2p"), b"t", None)
    assert secret.ref.name == "zj-x7k2p"
    assert cluster.body["spec"]["secretRef"] == {"name": "zj-x7k2p"}


def test_optional_fields() -> None:
    """A proxy is set only when asked for; switched-off checks are always written, so that none stays by mistake."""
    wish = Wish(NAMES, "Cluster", "x", disabled_tls_validations=("SubjectName",), proxy_url="http://proxy:3128")
    spec = host_objects(wish, refs(NAMES), b"t", None)[1].body["spec"]
    assert spec["disabledTLSValidations"] == ["SubjectName"]
    assert spec["proxyURL"] == "http://proxy:3128"
    assert "proxyURL" not in host_objects(WISH, refs(NAMES), b"t", None)[1].body["spec"]
