# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What was seen of a cluster, judged."""

from __future__ import annotations

import pytest

from ansible_collections.edgefed.kubefed.plugins.module_utils.member.rights import granted_rules
from ansible_collections.edgefed.kubefed.plugins.module_utils.preflight.checks import (
    DAY,
    certificate_of,
    clock_of,
    review,
    rights_of,
    rights_of_token,
    rights_to_join,
    version_of,
)
from ansible_collections.edgefed.kubefed.plugins.module_utils.preflight.target import Target


@pytest.mark.parametrize(
    ("said", "outcome"),
    [
        ("v1.22.0", "ok"),
        ("v1.34.4+k3s1", "ok"),
        ("1.30.2-gke.1", "ok"),
        ("v1.35.0", "warning"),
        ("v2.0.0", "warning"),
        ("v1.21.14", "failed"),
        ("v1.9.0", "failed"),
        ("", "failed"),
        ("(HTTP 401)", "ok"),
        ("(HTTP 403)", "ok"),
        ("(HTTP 404)", "failed"),
    ],
)
def test_versions(said: str, outcome: str) -> None:
    """From the one that has server-side apply to the newest tested; newer ones with a word."""
    assert version_of(said).outcome == outcome
    assert bool(version_of(said).next) == (outcome != "ok")


@pytest.mark.parametrize(
    ("seconds", "outcome"), [(0, "ok"), (59, "ok"), (-61, "warning"), (299, "warning"), (301, "failed"), (-4000, "failed")]
)
def test_clocks(seconds: int, outcome: str) -> None:
    """A minute is told, five are too many, ahead or behind."""
    found = clock_of(1000000 + seconds, 1000000)
    assert found.outcome == outcome and ("behind" in found.detail) == (seconds <= 0)


@pytest.mark.parametrize(("days", "outcome"), [(365, "ok"), (30, "ok"), (29.9, "warning"), (1, "warning")])
def test_certificates(days: float, outcome: str) -> None:
    """A month before it ends."""
    assert certificate_of(days * DAY, 0, 30).outcome == outcome


def test_rights() -> None:
    """Full credentials can only be made by somebody who has all rights; a token needs each rule's resources."""
    assert ("*", "*", "*") in rights_to_join("Cluster", "full") and ("*", "*", "*") not in rights_to_join("Cluster", "least")
    assert ("patch", "rbac.authorization.k8s.io", "roles") in rights_to_join("Namespaced", "least")
    target = {"group": "apps", "pluralName": "deployments", "scope": "Namespaced"}
    config = {"metadata": {"name": "x"}, "spec": {"propagation": "Enabled", "targetType": target}}
    rules = granted_rules("least", "Cluster", [config])[0][:-1]
    assert sorted(rights_of_token(rules)) == [("create", "apps", "deployments"), ("get", "", "pods")]
    said = str(rights_of("member zj", [("create", "apps", "deployments"), ("get", "", "pods")], 2))
    assert said.startswith("rights in member zj: missing are create deployments.apps, get pods. Next: ")
    assert review(("get", "", "pods"), "n")["spec"]["resourceAttributes"] == {
        "verb": "get",
        "group": "",
        "resource": "pods",
        "namespace": "n",
    }
    assert "namespace" not in review(("get", "", "pods"), "")["spec"]["resourceAttributes"]


@pytest.mark.parametrize(
    ("address", "dialled", "path"),
    [
        ("https://10.0.0.5:6443", ("10.0.0.5", 6443), ""),
        ("https://edge.example.com", ("edge.example.com", 443), ""),
        ("edge.example.com:6443", ("edge.example.com", 6443), ""),
        ("https://[fd00::1]:6443/", ("fd00::1", 6443), ""),
        ("https://rancher/k8s/clusters/c-1", ("rancher", 443), "/k8s/clusters/c-1"),
    ],
)
def test_addresses(address: str, dialled: tuple[str, int], path: str) -> None:
    """In every form that a KubeFedCluster takes."""
    assert (Target(address).host_port, Target(address).path) == (dialled, path)
