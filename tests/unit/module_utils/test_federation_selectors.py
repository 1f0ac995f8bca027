# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Services that select nothing, and what they may have meant."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.check import Resource
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.selectors import notices, selecting
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.sources import Document


def body(kind: str, name: str, spec: dict[str, Any], namespace: str = "shop") -> dict[str, Any]:
    return {"kind": kind, "metadata": {"name": name, "namespace": namespace}, "spec": {"template": spec}}


def deployment(name: str, namespace: str = "shop", **labels: str) -> dict[str, Any]:
    return body("FederatedDeployment", name, {"spec": {"template": {"metadata": {"labels": labels}}}}, namespace)


def service(**selector: str) -> dict[str, Any]:
    return body("FederatedService", "svc", {"spec": {"selector": selector}})


def said(*bodies: dict[str, Any], there: tuple[dict[str, Any], ...] = ()) -> list[str]:
    resources = [Resource(Document(one, "in"), one, None) for one in bodies]
    return notices(selecting(resources), [*bodies, *there])


MEANT = "in: FederatedService shop/svc: selector app: nginx selects no pods of what is federated in namespace shop. Did you mean "


@pytest.mark.parametrize(
    ("bodies", "expected"),
    [
        ([service(app="nginx"), deployment("web", app="nginx-test")], [f"{MEANT}FederatedDeployment web (app: nginx-test)?"]),
        (
            [service(app="nginx"), deployment("a", app="mysql"), deployment("b", app="nginx2"), deployment("c")],
            [f"{MEANT}FederatedDeployment b (app: nginx2)?"],
        ),
        ([service(app="nginx"), deployment("web", tier="x")], [f"{MEANT}FederatedDeployment web (tier: x)?"]),
        ([service(app="nginx"), deployment("web", app="nginx", tier="x")], []),
        ([service(app="nginx"), body("FederatedPod", "p", {"metadata": {"labels": {"app": "nginx"}}})], []),
        ([service(app="nginx")], []),
        ([service(app="nginx"), deployment("web", namespace="other", app="x")], []),
        ([service(), deployment("web", app="x")], []),
        ([body("FederatedService", "svc", {"spec": {"selector": "nonsense"}}), deployment("web", app="x")], []),
    ],
)
def test_notices(bodies: list[dict[str, Any]], expected: list[str]) -> None:
    assert said(*bodies) == expected


def test_what_is_in_the_host_cluster_counts() -> None:
    assert said(service(app="nginx"), there=(deployment("web", app="nginx"),)) == []
    assert said(service(app="nginx"), there=(deployment("web", app="nginx-test"),)) == [
        f"{MEANT}FederatedDeployment web (app: nginx-test)?"
    ]
