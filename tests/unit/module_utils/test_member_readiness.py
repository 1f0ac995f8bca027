# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Ready or not, and why not: messages are KubeFed's, taken from real runs of 0.10.0."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.edgefed.kubefed.plugins.module_utils.member.readiness import classify, facts, readiness, why_not


def cluster(*conditions: dict[str, Any], **status: Any) -> dict[str, Any]:
    """A KubeFedCluster with these conditions."""
    return {
        "metadata": {"name": "zj", "labels": {"topology.kubernetes.io/region": "east", "topology.kubernetes.io/zone": "a"}},
        "spec": {"apiEndpoint": "https://10.0.0.7:6443"},
        "status": {"conditions": list(conditions), **status},
    }


def condition(kind: str, status: str, message: str = "") -> dict[str, Any]:
    """One condition."""
    return {"type": kind, "status": status, "message": message, "lastProbeTime": "2026-01-01T00:00:10Z"}


@pytest.mark.parametrize(
    ("conditions", "ready", "cause"),
    [
        ([condition("Ready", "True")], True, ""),
        ([condition("Ready", "True"), condition("Offline", "False")], True, ""),
        ([], False, "not_probed"),
        ([condition("Offline", "True", "cluster is not reachable: dial tcp 127.0.0.1:1: connect: connection refused")], False, "refused"),
        ([condition("ConfigMalformed", "True", "cluster's configuration may be malformed")], False, "malformed"),
        ([condition("Ready", "False", "/healthz responded without ok"), condition("Offline", "False")], False, "unhealthy"),
        ([condition("Ready", "Unknown"), condition("Offline", "True", "x509: bad")], False, "tls"),
    ],
)
def test_readiness(conditions: list[dict[str, Any]], ready: bool, cause: str) -> None:
    """An absent Ready is not ready."""
    state = readiness(cluster(*conditions))
    assert (state.ready, state.cause) == (ready, cause)
    assert state.probed == ("2026-01-01T00:00:10Z" if conditions else "")


def test_no_status_at_all() -> None:
    """A KubeFedCluster that the controller never saw."""
    found = cluster()
    del found["status"]
    assert readiness(found).cause == "not_probed"
    assert facts(found, readiness(found))["reason"] == "KubeFed has not looked at it yet"


@pytest.mark.parametrize(
    ("message", "cause"),
    [
        ('Get "https://127.0.0.1:1/healthz?timeout=3s": dial tcp 127.0.0.1:1: connect: connection refused', "refused"),
        ("dial tcp: lookup nowhere.invalid on 127.0.0.11:53: no such host", "dns"),
        ("dial tcp: lookup nowhere.invalid on 10.0.0.1:53: read udp 10.0.0.2:3->10.0.0.1:53: i/o timeout", "dns"),
        ("dial tcp: lookup nowhere.invalid: Temporary failure in name resolution", "dns"),
        ("tls: failed to verify certificate: x509: certificate signed by unknown authority", "tls"),
        ("x509: certificate is valid for 127.0.0.1, not 127.0.0.2", "tls"),
        ("http: server gave HTTP response to HTTPS client", "tls"),
        ("remote error: tls: bad certificate", "tls"),
        ("context deadline exceeded (Client.Timeout exceeded while awaiting headers)", "timeout"),
        ("net/http: TLS handshake timeout", "timeout"),
        ("dial tcp 10.9.9.9:6443: i/o timeout", "timeout"),
        ("dial tcp 10.9.9.9:6443: connect: no route to host", "timeout"),
        ("Unauthorized", "unauthorized"),
        ("the server has asked for the client to provide credentials", "unauthorized"),
        ('forbidden: User "system:anonymous" cannot get path "/healthz"', "forbidden"),
        ("proxyconnect tcp: dial tcp 10.0.0.1:3128: connect: connection refused", "proxy"),
        ("read tcp 10.0.0.1:4->10.0.0.2:6443: read: connection reset by peer", "reset"),
        ("EOF", "reset"),
        ("something new", "unknown"),
    ],
)
def test_classify(message: str, cause: str) -> None:
    """The cause behind Go's words."""
    assert classify(message) == cause


@pytest.mark.parametrize("address", ["https://127.0.0.1:6443", "localhost:6443", "https://[::1]:6443"])
def test_why_not(address: str) -> None:
    """Cluster, address, cause, KubeFed's words, next step; a loopback address is explained, an ordinary one isn't."""
    state = readiness(cluster(condition("Offline", "True", "cluster is not reachable: connection refused")))
    said = why_not("zj", state, address)
    for part in ("'zj'", address, "refused", "KubeFed says: cluster is not reachable", "Next: ", "loopback"):
        assert part in said
    assert "loopback" not in why_not("zj", state, "https://10.0.0.7:6443")


def test_facts() -> None:
    """What KubeFed found out goes before what the labels say."""
    found = cluster(condition("Ready", "True"), kubernetesVersion="v1.34.4")
    shown = facts(found, readiness(found))
    assert shown == {
        "name": "zj",
        "api_endpoint": "https://10.0.0.7:6443",
        "ready": True,
        "reason": "",
        "region": "east",
        "zones": ["a"],
        "kubernetes_version": "v1.34.4",
    }
    known = cluster(condition("Ready", "True"), region="north", zones=["x", "y"])
    assert (facts(known, readiness(known))["region"], facts(known, readiness(known))["zones"]) == ("north", ["x", "y"])
