# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which namespaces are made for resources, and when that is refused."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.check import Federation, check
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.namespaces import (
    MADE_NAMESPACE,
    Needed,
    Situation,
    made_by_us,
    made_namespace,
    namespaces_of,
    needed,
)
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.sources import from_value
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.types import table

SYSTEM = "kube-federation-system"
OURS = {"edgefed.io/made-by": "federated_resource"}


def config(kind: str, plural: str, target_scope: str = "Namespaced", propagation: str = "Enabled") -> dict[str, Any]:
    federated = {"group": "types.kubefed.io", "version": "v1beta1", "kind": f"Federated{kind}", "pluralName": f"federated{plural}"}
    target = {"version": "v1", "kind": kind, "pluralName": plural, "scope": target_scope}
    spec = {"federatedType": {**federated, "scope": "Namespaced"}, "targetType": target, "propagation": propagation}
    return {"metadata": {"name": plural}, "spec": spec}


CLUSTERS: dict[str, dict[str, str]] = {"local": {}, "cddev": {}, "zj": {}}


def federation(propagation: str = "Enabled") -> Federation:
    configs = [config("ConfigMap", "configmaps"), config("ClusterRole", "clusterroles", "Cluster")]
    return Federation(table([*configs, config("Namespace", "namespaces", "Cluster", propagation)]), CLUSTERS, SYSTEM)


def placement(*clusters: str) -> dict[str, Any]:
    return {"placement": {"clusters": [{"name": name} for name in clusters]}}


def resource(*clusters: str, name: str = "x", kind: str = "FederatedConfigMap", namespace: str = "shop") -> dict[str, Any]:
    head = {"apiVersion": "types.kubefed.io/v1beta1", "kind": kind, "metadata": {"name": name, "namespace": namespace}}
    template = {} if kind == "FederatedNamespace" else {"template": {}}
    return {**head, "spec": {**template, **placement(*clusters)}}


def federated_namespace(*clusters: str) -> dict[str, Any]:
    return resource(*clusters, name="shop", kind="FederatedNamespace")


def live(*clusters: str, dying: bool = False, ours: bool = False, **annotations: str) -> dict[str, Any]:
    """A Namespace or FederatedNamespace of the host cluster."""
    meta: dict[str, Any] = {"name": "shop", "annotations": {**annotations, **(OURS if ours else {})}}
    return {"metadata": {**meta, **({"deletionTimestamp": "now"} if dying else {})}, "spec": placement(*clusters)}


def run(
    *values: Any,
    host: dict[str, Any] | None = None,
    federated: dict[str, Any] | None = None,
    policy: str = "create",
    limited: bool = False,
    propagation: str = "Enabled",
) -> Needed:
    found = check(from_value(list(values), "in")[0], federation(propagation), "default")
    assert not found.problems
    situation = Situation(
        federation(propagation), {"shop": host} if host else {}, {"shop": federated} if federated else {}, policy, limited
    )
    return needed(found.resources, situation)


def made(result: Needed) -> list[tuple[str, list[str]]]:
    assert not result.problems, [str(problem) for problem in result.problems]
    return [(one.key[0], one.clusters) for one in result.resources]


def refused(result: Needed) -> list[str]:
    return [problem.cause for problem in result.problems]


@pytest.mark.parametrize(
    ("values", "options", "expected"),
    [
        ([resource("zj")], {}, [("Namespace", []), ("FederatedNamespace", ["zj"])]),
        ([resource("zj"), resource("local", name="y")], {}, [("Namespace", []), ("FederatedNamespace", ["local", "zj"])]),
        ([resource("zj")], {"host": live()}, [("FederatedNamespace", ["zj"])]),
        ([resource("zj")], {"host": live(ours=True)}, [("Namespace", []), ("FederatedNamespace", ["zj"])]),
        ([resource("zj")], {"host": live(), "federated": live("zj", "local")}, []),
        ([resource("zj")], {"host": live(), "federated": live("local", ours=True)}, [("FederatedNamespace", ["local", "zj"])]),
        ([resource("zj")], {"host": live(dying=True)}, [("Namespace", []), ("FederatedNamespace", ["zj"])]),
        ([resource("zj")], {"host": live(dying=True), "federated": live("local")}, [("Namespace", []), ("FederatedNamespace", ["zj"])]),
        ([resource("zj")], {"host": live(), "federated": live("local", dying=True)}, [("FederatedNamespace", ["zj"])]),
        ([federated_namespace("zj"), resource("zj")], {}, [("Namespace", [])]),
        ([federated_namespace("zj")], {"host": live()}, []),
        ([resource("zj", kind="FederatedClusterRole")], {}, [("Namespace", [])]),
        ([{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}}, resource("zj")], {}, [("FederatedNamespace", ["zj"])]),
        ([resource("zj")], {"host": live(), "federated": live("zj"), "policy": "require"}, []),
        ([resource("zj", namespace=SYSTEM)], {"limited": True}, [("Namespace", [])]),
    ],
)
def test_made(values: list[Any], options: dict[str, Any], expected: list[Any]) -> None:
    assert made(run(*values, **options)) == expected


@pytest.mark.parametrize(
    ("values", "options", "said"),
    [
        (
            [resource("zj")],
            {"policy": "require"},
            [
                "namespace shop is not in the host cluster, and namespace_policy is require",
                "namespace shop is not federated, and namespace_policy is require",
            ],
        ),
        (
            [resource("zj")],
            {"policy": "require", "host": live(dying=True), "federated": live("zj")},
            [
                "namespace shop is being deleted in the host cluster, and namespace_policy is require",
                "namespace shop is not federated, and namespace_policy is require",
            ],
        ),
        (
            [resource("zj", "local")],
            {"host": live(), "federated": live("local")},
            ["it would not reach zj: the FederatedNamespace shop in the host cluster goes to local only"],
        ),
        (
            [federated_namespace("local"), resource("zj")],
            {"host": live()},
            ["it would not reach zj: the FederatedNamespace shop defined here (in[0]) goes to local only"],
        ),
        (
            [resource("zj")],
            {"propagation": "Disabled", "host": live()},
            ["namespace shop cannot be federated: the kind FederatedNamespace is not enabled"],
        ),
        ([resource("zj")], {"limited": True}, [f"this KubeFed watches only its own namespace {SYSTEM}"]),
        ([resource("zj", namespace=SYSTEM)], {}, ["KubeFed propagates nothing of its own namespace"]),
    ],
)
def test_refused(values: list[Any], options: dict[str, Any], said: list[str]) -> None:
    assert refused(run(*values, **options)) == said


def test_what_is_made_says_so() -> None:
    for one in run(resource("zj")).resources:
        assert made_by_us(one.body)
        assert str(one.document.place()) == "(made for the resources)"
    assert sorted(run(resource("zj")).resources[1].previews) == ["zj"]
    assert not made_by_us(None) and not made_by_us({"metadata": {}}) and not made_namespace(None)


@pytest.mark.parametrize(
    ("host", "federated", "marked"),
    [
        (None, None, True),
        (live(), None, False),
        (live(), live("zj", **{MADE_NAMESPACE: "true"}), True),
        (live(), live("zj"), False),
    ],
)
def test_a_given_federated_namespace_remembers_that_its_namespace_was_made(host: Any, federated: Any, marked: bool) -> None:
    given = federated_namespace("zj")
    documents = from_value([given], "in")[0]
    resources = check(documents, federation(), "default").resources
    needed(resources, Situation(federation(), {"shop": host} if host else {}, {"shop": federated} if federated else {}))
    assert made_namespace(resources[0].body) == marked
    assert "annotations" not in given["metadata"], "what was given stays as it was"


def test_names() -> None:
    documents = from_value([resource("zj", namespace="b"), resource("zj", namespace="a"), resource("zj", name="y", namespace="b")], "in")[0]
    assert namespaces_of(check(documents, federation(), "default").resources) == ["a", "b"]
