# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Rules in a member, from FederatedTypeConfigs."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.edgefed.kubefed.plugins.module_utils.member.desired import Wish, member_objects, refs
from ansible_collections.edgefed.kubefed.plugins.module_utils.member.names import Names
from ansible_collections.edgefed.kubefed.plugins.module_utils.member.rights import (
    LEAST_URLS,
    MANAGE,
    WATCH,
    granted_rules,
    hands_out_rights,
    least_rules,
)

Config = dict[str, Any]
RBAC = "rbac.authorization.k8s.io"


def config(plural: str, group: str = "", scope: str = "Namespaced", propagation: str = "Enabled", **meta: Any) -> Config:
    """A FederatedTypeConfig."""
    target = {"pluralName": plural, "scope": scope, "version": "v1", **({"group": group} if group else {})}
    return {"metadata": {"name": plural, **meta}, "spec": {"propagation": propagation, "targetType": target}}


def rights(configs: list[Config], scope: str = "Cluster") -> set[tuple[str, str, str]]:
    """Every (group, resource, verb) that the rules allow."""
    return {
        (group, resource, verb)
        for rule in least_rules(configs, scope)
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }


def managed(plural: str, group: str = "") -> set[tuple[str, str, str]]:
    """What is needed for one type."""
    return {(group, plural, verb) for verb in MANAGE}


@pytest.mark.parametrize(
    ("configs", "expected"),
    [
        ([], set()),
        ([config("configmaps")], managed("configmaps")),
        ([config("configmaps", propagation="Disabled")], set()),
        ([config("configmaps", deletionTimestamp="2026-01-01T00:00:00Z")], set()),
        ([config("deployments", "apps")], managed("deployments", "apps") | {("", "pods", verb) for verb in WATCH}),
        ([config("deployments", "extensions")], managed("deployments", "extensions")),
        ([config("pods"), config("replicasets", "apps")], managed("pods") | managed("replicasets", "apps")),
        ([config("namespaces", scope="Cluster")], managed("namespaces")),
        ([config("roles", RBAC)], managed("roles", RBAC) | {(RBAC, "roles", "escalate")}),
        (
            [config("rolebindings", RBAC)],
            managed("rolebindings", RBAC) | {(RBAC, "roles", "bind"), (RBAC, "clusterroles", "bind")},
        ),
        ([config("roles", "example.com")], managed("roles", "example.com")),
    ],
)
def test_rights_of_types(configs: list[Config], expected: set[tuple[str, str, str]]) -> None:
    """Exactly what the controller asks for; no more for one that is off or going."""
    assert rights(configs) == expected


def test_a_namespaced_control_plane_gets_no_cluster_wide_types() -> None:
    """It leaves them alone, and a role could not allow them."""
    configs = [config("namespaces", scope="Cluster"), config("clusterroles", RBAC, "Cluster"), config("secrets")]
    assert rights(configs, "Namespaced") == managed("secrets")
    assert hands_out_rights(configs, "Namespaced") == []
    assert hands_out_rights(configs, "Cluster") == ["clusterroles"]
    assert granted_rules("least", "Namespaced", configs) == (least_rules(configs, "Namespaced"), [LEAST_URLS])


CONFIGS = st.lists(
    st.builds(
        config,
        st.sampled_from(["deployments", "pods", "roles", "rolebindings", "clusterroles", "secrets"]),
        st.sampled_from(["", "apps", RBAC]),
        st.sampled_from(["Cluster", "Namespaced"]),
        st.sampled_from(["Enabled", "Disabled"]),
    )
)


@given(CONFIGS, st.sampled_from(["Cluster", "Namespaced"]))
def test_order_does_not_matter_and_types_only_add(configs: list[Config], scope: str) -> None:
    """Else every other run would write the role anew; and no rule is a wildcard."""
    rules = least_rules(configs, scope)
    assert rules == least_rules(configs[::-1], scope)
    for one in configs:
        assert rights([one], scope) <= rights(configs, scope)
    assert "*" not in str(rules)


def test_the_member_gets_them() -> None:
    """In the role that kubefedctl's name has; with a token of the user's own nothing is made."""
    names = Names("zj", "local", "kube-federation-system")
    wish = Wish(names, "Cluster", "x", credentials="least", types=(config("secrets"),))
    role = {want.ref.kind: want.body for want in member_objects(wish, refs(names))}["ClusterRole"]
    assert role["rules"] == [*least_rules([config("secrets")], "Cluster"), LEAST_URLS]
    assert member_objects(Wish(names, "Cluster", "x", credentials="provided", token=b"t"), refs(names)) == []
