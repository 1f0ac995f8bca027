# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Every refusal of an API server has a next step; the messages are API servers' own."""

from __future__ import annotations

import pytest

from ansible_collections.edgefed.kubefed.plugins.module_utils.client import ApiError
from ansible_collections.edgefed.kubefed.plugins.module_utils.member.refusal import advised

WHERE = 'cluster "local" (https://10.0.0.1:6443)'
CALLED = (
    'Internal error occurred: failed calling webhook "{}": failed to call webhook: Post "https://10.0.0.9:8443/v?timeout=10s": '
    "dial tcp 10.0.0.9:8443: connect: connection refused"
)


def refusal(status: int, message: str) -> ApiError:
    """As the client raises it."""
    return ApiError(f"{WHERE}: PATCH /apis/x: {message}", status, "Why", {})


@pytest.mark.parametrize(
    ("status", "message", "said"),
    [
        (500, CALLED.format("policy.example.org"), "make what serves this webhook run"),
        (403, 'admission webhook "policy.example.org" denied the request: no owner label', "let this webhook's rules admit"),
        (403, 'clusterroles.rbac.authorization.k8s.io "x" is forbidden: User "edge" cannot patch resource', "cluster-admin"),
        (422, 'KubeFedCluster.core.kubefed.io "zj" is invalid: spec.proxyURL: Invalid value', "correct the value"),
        (500, "etcdserver: request timed out", "API server's log"),
    ],
)
def test_next_step(status: int, message: str, said: str) -> None:
    """The server's words stay, and what to do follows."""
    error = advised(refusal(status, message))
    assert error.message.startswith(f"{WHERE}: PATCH /apis/x: {message}. Next: ")
    assert said in error.message.partition("Next: ")[2]


def test_kubefeds_own_webhook() -> None:
    """Is named as what it is, with its address, not as an internal error."""
    error = advised(refusal(500, CALLED.format("kubefedclusters.core.kubefed.io")))
    assert error.code == "webhook"
    assert error.message.startswith(f"{WHERE}: KubeFed's admission webhook")
    assert "https://10.0.0.9:8443/v: dial tcp 10.0.0.9:8443: connect: connection refused. Next: make it run" in error.message
    assert "Internal error" not in error.message


def test_an_error_that_says_what_to_do_stays() -> None:
    """Such as the client's own about rejected credentials."""
    error = refusal(401, "the credentials were rejected (401). Next: take a fresh kubeconfig")
    assert advised(error) is error
