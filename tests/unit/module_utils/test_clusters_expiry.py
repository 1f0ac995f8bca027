# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What tokens and certificates tell of their end, with real certificates, and what is said of it."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from certificates import DAY, NOW, bundle, pair
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.edgefed.kubefed.plugins.module_utils.clusters.expiry import (
    Credential,
    of_certificates,
    of_kubeconfig,
    of_secret,
    of_token,
    soonest,
    warnings,
)

SUBJECT = "system:serviceaccount:kube-federation-system:zj-local"
SOON, LATER, GONE = (pair(name, NOW - 9 * DAY, NOW + days * DAY) for name, days in (("soon", 9), ("later", 90), ("gone", -2)))


def encoded(data: bytes | str) -> str:
    return base64.b64encode(data.encode() if isinstance(data, str) else data).decode()


def jwt(**claims: Any) -> str:
    """A token as an API server makes it; nobody here verifies the signature."""
    parts = (json.dumps({"alg": "RS256"}), json.dumps(claims), "signature")
    return ".".join(base64.urlsafe_b64encode(part.encode()).decode().rstrip("=") for part in parts)


@pytest.mark.parametrize(
    ("token", "kind", "never", "days", "problem"),
    [
        (jwt(sub=SUBJECT, iss="kubernetes/serviceaccount"), "service_account_token", True, None, ""),
        (jwt(sub=SUBJECT, exp=(NOW + 12 * DAY).timestamp()), "service_account_token", False, 12, ""),
        (jwt(sub="alice", exp=(NOW - DAY).timestamp()), "token", False, -1, ""),
        (jwt(sub="alice", exp="never"), "token", False, None, "its claim exp is no time"),
        (jwt(sub="alice", exp=1e300), "token", False, None, "its claim exp is no time"),
        ("kubeconfig-u-abc:xyz", "token", False, None, "it is no JWT"),
        ("sha256~abc", "token", False, None, "it is no JWT"),
        ("a.b.c", "token", False, None, "it is no JWT"),
        ("a.W10.c", "token", False, None, "it is no JWT"),
        ("", "token", False, None, "it is no JWT"),
    ],
)
def test_tokens(token: str, kind: str, never: bool, days: int | None, problem: str) -> None:
    found = of_token(token, "kubefed", "somewhere")
    assert (found.kind, found.never, found.days_left(NOW)) == (kind, never, days)
    assert found.problem.startswith(problem)
    assert bool(found.problem) is bool(problem)


@given(st.text() | st.binary().map(lambda data: "a." + base64.urlsafe_b64encode(data).decode() + ".c"))
def test_any_text_is_a_token_of_which_something_can_be_said(token: str) -> None:
    found = of_token(token, "kubefed", "somewhere")
    assert found.never or found.problem or found.expires


@pytest.mark.parametrize(
    ("pem", "kind", "subject", "days"),
    [
        (bundle(SOON, LATER), "ca", "CN=later", 90),
        (bundle(GONE, SOON), "ca", "CN=soon", 9),
        (bundle(LATER, SOON), "client_certificate", "CN=soon", 9),
        (bundle(GONE), "ca", "CN=gone", -2),
        (b"no certificate", "ca", "", None),
    ],
)
def test_certificates(pem: bytes, kind: str, subject: str, days: int | None) -> None:
    found = of_certificates(encoded(pem), "kubefed", kind, "somewhere")
    assert (found.subject, found.days_left(NOW)) == (subject, days)
    assert bool(found.problem) is (days is None)


@pytest.mark.parametrize(
    ("secret", "problem"),
    [
        (None, "it does not exist"),
        ({}, "it holds no token"),
        ({"data": None}, "it holds no token"),
        ({"data": {"token": "%"}}, "it holds no token"),
        ({"data": {"token": encoded(b"\xff")}}, "it holds no token"),
        ({"data": {"token": encoded(jwt(sub=SUBJECT))}}, ""),
    ],
)
def test_secrets(secret: dict[str, Any] | None, problem: str) -> None:
    assert of_secret(secret, "secret a/b").problem == problem


def test_a_kubeconfigs_user_may_have_several() -> None:
    user = {"client-certificate-data": SOON.certificate_data, "token": jwt(sub="alice", exp=(NOW + 3 * DAY).timestamp())}
    found = of_kubeconfig({"certificate-authority-data": LATER.certificate_data}, user, "context zj")
    assert [(one.kind, one.days_left(NOW)) for one in found] == [("ca", 90), ("client_certificate", 9), ("token", 3)]
    assert soonest(found, NOW) == 3
    helpers = of_kubeconfig({}, {"exec": {"command": "aws"}, "auth-provider": {"name": "gcp"}, "username": "a", "password": "b"}, "x")
    assert [one.kind for one in helpers] == ["password", "exec", "auth_provider"]
    assert soonest(helpers, NOW) is None


def test_what_is_said_names_whose_it_is_and_what_to_do() -> None:
    found = [
        of_certificates(encoded(bundle(SOON)), "kubeconfig", "client_certificate", "context zj of kubeconfig"),
        of_certificates(encoded(bundle(GONE)), "kubefed", "ca", "caBundle of KubeFedCluster zj"),
        of_certificates(encoded(bundle(LATER)), "kubefed", "ca", "elsewhere"),
        of_token(jwt(sub=SUBJECT, exp=(NOW + 30 * DAY).timestamp()), "kubefed", "secret a/b"),
        Credential("kubeconfig", "exec", "context zj", problem="nothing tells"),
    ]
    said = warnings("zj", found, 30, NOW)
    assert said == [
        "Cluster zj: the client certificate (CN=soon) in context zj of kubeconfig expires on "
        f"{NOW + 9 * DAY:%Y-%m-%d %H:%M} UTC, in 9 day(s). Next: renew it on the cluster, then run playbooks/kubeconfig.yml.",
        f"Cluster zj: the CA (CN=gone) in caBundle of KubeFedCluster zj expired on {NOW - 2 * DAY:%Y-%m-%d %H:%M} UTC. "
        "Next: give the member a new CA, then run playbooks/kubeconfig.yml and playbooks/join.yml.",
    ]
    assert "playbooks/join.yml, which gives KubeFed" in warnings("zj", found, 31, NOW)[-1]
