# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One cluster taken out of a kubeconfig: names, address, files, dates, and every refusal with its next step."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from certificates import DAY, NOW, Pair, bundle, pair

from ansible_collections.edgefed.kubefed.plugins.module_utils.kubeconfig.certificates import check_dates, read_pem
from ansible_collections.edgefed.kubefed.plugins.module_utils.kubeconfig.diff import diff_of
from ansible_collections.edgefed.kubefed.plugins.module_utils.kubeconfig.merge import place
from ansible_collections.edgefed.kubefed.plugins.module_utils.kubeconfig.model import Kubeconfig, parse
from ansible_collections.edgefed.kubefed.plugins.module_utils.kubeconfig.rancher import DIRECT
from ansible_collections.edgefed.kubefed.plugins.module_utils.kubeconfig.take import (
    ORIGIN,
    Source,
    Taken,
    Wishes,
    check_name,
    servers_of,
    take,
)
from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import EdgefedError

SECRET = "hunter2-secret"
FILE = "/etc/kubernetes/admin.conf"
ADMIN, CA = pair("admin"), pair("ca")
EXPIRED = pair("old-admin", NOW - 9 * DAY, NOW - 2 * DAY)
EARLY = pair("early", NOW + DAY)
CLUSTER = {"server": "https://10.0.0.1:6443", "certificate-authority-data": CA.certificate_data}
USER = {"client-certificate-data": ADMIN.certificate_data, "client-key-data": ADMIN.key_data}


def document(cluster: dict[str, Any] = CLUSTER, user: dict[str, Any] = USER, **more: Any) -> dict[str, Any]:
    """kubeadm's."""
    context = {"cluster": "kubernetes", "user": "kubernetes-admin", "namespace": "shop"}
    return {
        "current-context": "kubernetes-admin@kubernetes",
        "clusters": [{"name": "kubernetes", "cluster": cluster}],
        "users": [{"name": "kubernetes-admin", "user": user}],
        "contexts": [{"name": "kubernetes-admin@kubernetes", "context": context}],
        **more,
    }


def taken(given: dict[str, Any] | None = None, source: dict[str, Any] | None = None, **wishes: Any) -> Taken:
    """The cluster as ``edge1``."""
    model = parse(json.dumps(document() if given is None else given), FILE)
    return take(Source(model, f"edge1:{FILE}", **(source or {})), Wishes("edge1", **wishes), NOW)


def refused(code: str, *arguments: Any, **options: Any) -> str:
    """The message of a refusal, which has a next step and no secret."""
    with pytest.raises(EdgefedError) as caught:
        taken(*arguments, **options)
    assert caught.value.code == code
    assert "Next: " in caught.value.message
    assert "cluster edge1" in caught.value.message
    assert SECRET not in caught.value.message
    return caught.value.message


def test_names_are_the_inventory_hosts_and_the_origin_is_told() -> None:
    found = taken()
    origin = {"inventory_host": "edge1", "source": f"edge1:{FILE}", "source_context": "kubernetes-admin@kubernetes"}
    extensions = [{"name": ORIGIN, "extension": origin}]
    assert {section: (entry.name, entry.body) for section, entry in found.entries.items()} == {
        "clusters": ("edge1", {**CLUSTER, "extensions": extensions}),
        "users": ("edge1", {**USER, "extensions": extensions}),
        "contexts": ("edge1", {"cluster": "edge1", "user": "edge1", "namespace": "shop", "extensions": extensions}),
    }
    assert found.warnings == []
    assert found.kubeconfig().current_context == "edge1"
    assert [one.subject for one in found.certificates["client-certificate"]] == ["CN=admin"]


def test_extensions_of_others_stay_and_an_origin_is_replaced() -> None:
    theirs = [{"name": "minikube", "extension": {"a": 1}}, {"name": ORIGIN, "extension": {"inventory_host": "another"}}]
    body = taken(document({**CLUSTER, "extensions": theirs})).entries["clusters"].body
    assert [item["name"] for item in body["extensions"]] == ["minikube", ORIGIN]
    assert body["extensions"][1]["extension"]["inventory_host"] == "edge1"


PROXY = "https://rancher.example/k8s/clusters/c-abc"
NEW_CA = pair("new-ca")


def of_rancher(direct: dict[str, Any] | None = None) -> dict[str, Any]:
    """Rancher's, with an authorized cluster endpoint or without."""
    found = document({"server": PROXY})
    if direct:
        name = "kubernetes-admin@kubernetes-fqdn"
        found["clusters"].append({"name": name, "cluster": direct})
        found["contexts"].append({"name": name, "context": {"cluster": name, "user": "kubernetes-admin"}})
    return found


def test_the_direct_address_of_a_cluster_behind_ranchers_proxy_is_kept() -> None:
    """Beside the proxy's, which stays; with its CA, also one in a file; shown without it; and it changes as it does in the source."""
    direct = {"server": "https://10.0.0.1:6443", "certificate-authority": "ca.pem"}
    found = taken(of_rancher(direct), {"files": {(FILE, "ca.pem"): CA.certificate}}, ca=NEW_CA.certificate)
    kept = {"source_context": "kubernetes-admin@kubernetes-fqdn", "server": "https://10.0.0.1:6443"}
    names = [item["name"] for item in found.entries["clusters"].body["extensions"]]
    assert (found.server, names, found.warnings) == (PROXY, [DIRECT, ORIGIN], [])
    assert found.entries["clusters"].body["extensions"][0]["extension"] == {**kept, "certificate-authority-data": CA.certificate_data}
    assert [len(found.entries[section].body["extensions"]) for section in ("users", "contexts")] == [1, 1]
    before = place(Kubeconfig(), found, "dest").after
    moved = taken(of_rancher({"server": "https://10.0.0.2:6443"}))
    shown = diff_of(place(before, moved, "dest"), "edge1", "dest")
    assert "server: https://10.0.0.1:6443" in shown["before"] and "CN=ca, expires" in shown["before"]
    assert CA.certificate_data not in shown["before"] and "server: https://10.0.0.2:6443" in shown["after"]
    assert not place(before, taken(of_rancher(direct), {"files": {(FILE, "ca.pem"): CA.certificate}}, ca=NEW_CA.certificate), "d").changed
    gone = taken(of_rancher(), rancher_token=True)
    assert [item["name"] for item in gone.entries["clusters"].body["extensions"]] == [ORIGIN] and gone.warnings == []


def test_the_proxy_alone_is_taken_with_a_warning() -> None:
    """Unless KubeFed gets a token that it accepts, or another address is taken."""
    [warning] = taken(of_rancher()).warnings
    assert "through Rancher's proxy alone, which rejects the tokens that a join makes" in warning
    assert "turn on its authorized cluster endpoint" in warning and "member_credentials: provided" in warning
    assert taken(of_rancher(), server="https://10.0.0.1:6443").warnings == []


WISHES: list[tuple[dict[str, Any], dict[str, Any], dict[str, Any]]] = [
    (CLUSTER, {"server": "https://192.0.2.7:6443"}, {"server": "https://192.0.2.7:6443"}),
    (CLUSTER, {"tls_server_name": "kubernetes"}, {"tls-server-name": "kubernetes"}),
    (CLUSTER, {"proxy_url": "http://proxy:3128"}, {"proxy-url": "http://proxy:3128"}),
    (CLUSTER, {"insecure": True}, {"insecure-skip-tls-verify": True, "certificate-authority-data": None}),
    (CLUSTER, {"insecure": False}, {"insecure-skip-tls-verify": False}),
    (CLUSTER, {"ca": ADMIN.certificate}, {"certificate-authority-data": ADMIN.certificate_data}),
    (
        {"server": "https://e", "insecure-skip-tls-verify": True},
        {"ca": CA.certificate},
        {"insecure-skip-tls-verify": None, "certificate-authority-data": CA.certificate_data},
    ),
    ({"server": "https://e", "certificate-authority": "gone.crt"}, {"ca": CA.certificate}, {"certificate-authority": None}),
    ({"server": "https://e", "certificate-authority": ""}, {}, {"certificate-authority": None}),
    ({"server": "https://127.0.0.1:6443"}, {}, {"server": "https://127.0.0.1:6443"}),
]


@pytest.mark.parametrize(("cluster", "wishes", "expected"), WISHES)
def test_wishes(cluster: dict[str, Any], wishes: dict[str, Any], expected: dict[str, Any]) -> None:
    body = taken(document(cluster), **wishes).entries["clusters"].body
    assert {key: body.get(key) for key in expected} == expected


def test_files_are_embedded() -> None:
    files = {
        (FILE, "pki/ca.crt"): CA.certificate,
        (FILE, "/pki/admin.crt"): ADMIN.certificate,
        (FILE, "admin.key"): ADMIN.key,
        (FILE, "token"): b"tok-from-file\n",
    }
    user = {"client-certificate": "/pki/admin.crt", "client-key": "admin.key", "tokenFile": "token", "token": "older"}
    found = taken(document({"server": "https://e", "certificate-authority": "pki/ca.crt"}, user), {"files": files})
    assert found.entries["clusters"].body["certificate-authority-data"] == CA.certificate_data
    body = found.entries["users"].body
    assert (body["client-certificate-data"], body["client-key-data"]) == (ADMIN.certificate_data, ADMIN.key_data)
    assert body["token"] == "tok-from-file"
    assert not {"client-certificate", "client-key", "tokenFile"} & set(body)
    assert "the token in token was copied as it is now" in found.warnings[0]


NO_CONTEXTS: list[tuple[dict[str, Any], dict[str, Any], str, str]] = [
    ({"contexts": []}, {}, "no_context", "holds no context. Next: name the right file in kubeconfig_path"),
    (
        {"current-context": ""},
        {},
        "no_context",
        "has no current-context. Next: set kubeconfig_context to one of 'kubernetes-admin@kubernetes'",
    ),
    ({"current-context": "gone"}, {}, "no_context", "has no context 'gone', its current-context. Next: set kubeconfig_context"),
    ({}, {"context": "gone"}, "no_context", "has no context 'gone'. Next: set kubeconfig_context to one of"),
    ({"users": []}, {}, "no_user", "names the user 'kubernetes-admin', which is not in the file (there: none)"),
    ({"clusters": [{"name": "a"}]}, {}, "no_cluster", "names the cluster 'kubernetes', which is not in the file (there: 'a')"),
    (
        {"contexts": [{"name": "x"}], "current-context": "x"},
        {},
        "no_cluster",
        "context 'x' of edge1:/etc/kubernetes/admin.conf names the cluster ''",
    ),
]


@pytest.mark.parametrize(("more", "wishes", "code", "message"), NO_CONTEXTS)
def test_context_cluster_and_user_have_to_be_there(more: dict[str, Any], wishes: dict[str, Any], code: str, message: str) -> None:
    assert message in refused(code, document(**more), **wishes)


@pytest.mark.parametrize(
    ("server", "code"),
    [
        ("", "server"),
        ("10.0.0.1:6443", "server"),
        ("ftp://e", "server"),
        ("https://", "server"),
        ("https://e:0", "server"),
        ("https://e:99999", "server"),
        ("https://[::1", "server"),
        (f"https://admin:{SECRET}@e", "server"),
        ("https://127.0.0.1:6443", "loopback"),
        ("https://127.9.9.9:6443", "loopback"),
        ("https://localhost:6443", "loopback"),
        ("https://[::1]:6443", "loopback"),
        ("https://0.0.0.0:6443", "loopback"),
        ("https://localhost.:6443", "loopback"),
        ("https://[::ffff:127.0.0.1]:6443", "loopback"),
    ],
)
def test_addresses_that_cannot_work(server: str, code: str) -> None:
    message = refused(code, document({**CLUSTER, "server": server}), {"remote": True})
    assert code == "server" or ("kubeconfig_server" in message and server in message)


def test_a_loopback_address_that_was_asked_for() -> None:
    given = document({**CLUSTER, "server": "https://127.0.0.1:6443"})
    assert taken(given, {"remote": True}, server="https://127.0.0.1:16443").server == "https://127.0.0.1:16443"


MATERIAL: list[tuple[dict[str, Any], dict[str, Any], str, str]] = [
    ({"certificate-authority-data": "!"}, {}, "bad_base64", "certificate-authority-data is not base64"),
    ({"certificate-authority-data": base64.b64encode(b"x").decode()}, {}, "bad_certificate", "holds no readable PEM certificate"),
    ({}, {"client-certificate-data": ADMIN.key_data}, "bad_certificate", "client-certificate-data holds no readable PEM"),
    ({}, {"client-key-data": SECRET}, "bad_base64", "client-key-data is not base64"),
    ({}, {"client-key": "k", "client-key-data": ADMIN.key_data}, "ambiguous", "has both client-key and client-key-data"),
    (
        {},
        {"client-certificate": "gone.crt"},
        "file",
        "the client-certificate gone.crt that /etc/kubernetes/admin.conf names cannot be embedded",
    ),
    ({"insecure-skip-tls-verify": True}, {}, "ambiguous", "both certificate-authority and insecure-skip-tls-verify"),
]


@pytest.mark.parametrize(("cluster", "user", "code", "message"), MATERIAL)
def test_material_that_cannot_work(cluster: dict[str, Any], user: dict[str, Any], code: str, message: str) -> None:
    assert message in refused(code, document({**CLUSTER, **cluster}, user))


def test_why_a_file_could_not_be_read() -> None:
    problems = {(FILE, "admin.key"): "/etc/kubernetes/admin.key does not exist"}
    assert "cannot be embedded: /etc/kubernetes/admin.key does not exist. Next: " in refused(
        "file", document(user={"client-key": "admin.key"}), {"problems": problems}
    )


def test_an_expired_client_certificate() -> None:
    message = refused("expired", document(user={"client-certificate-data": EXPIRED.certificate_data}))
    assert f"client-certificate from edge1:{FILE} (CN=old-admin) expired on {(NOW - 2 * DAY):%Y-%m-%d}" in message
    assert "Nothing was written. Next: renew it on the cluster" in message


def test_dates_of_a_bundle() -> None:
    check = lambda *pairs: check_dates(read_pem(bundle(*pairs), "x"), "x", NOW)  # noqa: E731
    assert check(EXPIRED, CA) == []
    assert "x (CN=early) is valid only from" in check(EARLY)[0]
    with pytest.raises(EdgefedError, match="old-admin"):
        check(EXPIRED)


def test_a_certificate_shows_without_its_content() -> None:
    shown = str(read_pem(ADMIN.certificate, "x")[0])
    assert shown.startswith(f"CN=admin, expires {NOW + 365 * DAY:%Y-%m-%d %H:%M} UTC, sha256:")
    assert len(shown) < 100


@pytest.mark.parametrize(
    ("user", "warning"),
    [
        ({"exec": {"command": "aws"}}, "gets its credentials from the program 'aws'"),
        ({"auth-provider": {"name": "oidc", "config": {"id-token": SECRET}}}, "uses the auth-provider 'oidc'"),
    ],
)
def test_users_that_need_more_than_the_file(user: dict[str, Any], warning: str) -> None:
    found = taken(document(user=user))
    assert len(found.warnings) == 1
    assert warning in found.warnings[0]
    assert SECRET not in found.warnings[0]


def test_insecure_is_warned_of_on_every_run() -> None:
    (warning,) = taken(insecure=True).warnings
    assert warning.startswith("INSECURE: cluster edge1: insecure-skip-tls-verify is on.")


@pytest.mark.parametrize("name", ["a", "1", "edge-1", "a.b", "a" * 63])
def test_names_that_kubernetes_accepts(name: str) -> None:
    check_name(name)


@pytest.mark.parametrize("name", ["", "Edge", "edge_1", "-a", "a-", "a..b", "a.-b", "a" * 64, "城", "a\n"])
def test_names_that_kubernetes_refuses(name: str) -> None:
    with pytest.raises(EdgefedError, match="Next: rename the inventory host") as caught:
        check_name(name)
    assert caught.value.code == "bad_name"


def test_an_old_cryptography_has_no_utc_fields(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the version, dates are aware and in UTC."""
    (one,) = read_pem(Pair(ADMIN.certificate, b"").certificate, "x")
    assert one.expires.tzinfo is UTC
    assert one.expires == datetime.fromtimestamp((NOW + 365 * DAY).timestamp(), UTC)


@pytest.mark.parametrize(
    ("own", "remote", "wishes", "expected"),
    [
        ("https://10.0.0.1:6443", True, {}, [None]),
        ("https://10.0.0.1:6443", True, {"fallbacks": ("192.0.2.1",)}, [None]),
        ("https://10.0.0.1:6443", True, {"servers": ("192.0.2.1", "https://b:1")}, ["https://192.0.2.1:6443", "https://b:1"]),
        (
            "https://127.0.0.1:16443",
            True,
            {"fallbacks": ("192.0.2.1", "2001:db8::1")},
            ["https://192.0.2.1:16443", "https://[2001:db8::1]:16443"],
        ),
        ("https://127.0.0.1:16443", False, {"fallbacks": ("192.0.2.1",)}, [None]),
        ("https://127.0.0.1:16443", True, {"fallbacks": ("192.0.2.1",), "server": "https://a"}, ["https://a"]),
        ("https://none", False, {"fallbacks": ("192.0.2.1", "192.0.2.1")}, ["https://192.0.2.1:6443"]),
        ("", False, {"fallbacks": ("[2001:db8::1]",)}, ["https://[2001:db8::1]:6443"]),
        ("https://h:port", False, {"servers": ("a",)}, ["https://a:6443"]),
    ],
)
def test_the_addresses_to_try(own: str, remote: bool, wishes: dict[str, Any], expected: list[str | None]) -> None:
    source = Source(parse(json.dumps(document({**CLUSTER, "server": own})), FILE), "edge1", remote)
    assert servers_of(source, Wishes("edge1", **wishes)) == expected


def jwt(expires: datetime) -> str:
    claims = json.dumps({"sub": "me", "exp": expires.timestamp()})
    return f"a.{base64.urlsafe_b64encode(claims.encode()).decode().rstrip('=')}.{SECRET}"


def test_a_token_of_a_day() -> None:
    found = taken(document(user={"token": jwt(NOW + DAY)}))
    assert "the token from edge1:/etc/kubernetes/admin.conf expires on" in found.warnings[0]
    assert "in 24 hour(s). Run playbooks/kubeconfig.yml" in found.warnings[0]
    assert taken(document(user={"token": jwt(NOW + 30 * DAY)})).warnings == []
    assert "expired on" in refused("expired", document(user={"token": jwt(NOW - DAY)}))


def test_an_address_that_stands_for_none() -> None:
    said = refused("server", document({**CLUSTER, "server": "https://none"}))
    assert "gives the server address https://none, which stands for none. Next: set kubeconfig_server" in said
    assert taken(document({**CLUSTER, "server": "https://none"}), server="https://a:6443").server == "https://a:6443"
