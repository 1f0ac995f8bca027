# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which CRDs a cluster needs to join, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.edgefed.kubefed.plugins.module_utils.member import target_crds
from ansible_collections.edgefed.kubefed.plugins.module_utils.member.desired import Wish, refs
from ansible_collections.edgefed.kubefed.plugins.module_utils.member.names import Names
from ansible_collections.edgefed.kubefed.plugins.module_utils.member.plan import Change, Plan
from ansible_collections.edgefed.kubefed.plugins.module_utils.member.target_crds import Carried
from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import EdgefedError
from ansible_collections.edgefed.kubefed.plugins.module_utils.typeconfig import members
from ansible_collections.edgefed.kubefed.plugins.module_utils.typeconfig import plan as planning
from ansible_collections.edgefed.kubefed.plugins.module_utils.typeconfig.target import Target

NAMES = Names("zj", "local", "kube-federation-system")
WHERE = refs(NAMES)
WISH = Wish(NAMES, "Cluster", "https://10.0.0.7:6443")
GATE = Target("shop.example.com", "v1", "Gate", "gates", True)
VERSION = {"name": "v1", "served": True, "storage": True}
CRD: dict[str, Any] = {
    "metadata": {"name": "gates.shop.example.com", "uid": "1"},
    "spec": {"group": "shop.example.com", "scope": "Namespaced", "names": {"kind": "Gate", "plural": "gates"}, "versions": [VERSION]},
}
ZJ = {"metadata": {"name": "zj"}}


def config(group: str, plural: str = "gates", propagation: str = "Enabled", **meta: Any) -> dict[str, Any]:
    """A FederatedTypeConfig."""
    target = {"group": group, "version": "v1", "kind": plural.title(), "pluralName": plural, "scope": "Namespaced"}
    return {"metadata": {"name": f"{plural}.{group}", **meta}, "spec": {"propagation": propagation, "targetType": target}}


@pytest.mark.parametrize(
    ("configs", "names"),
    [
        ([], []),
        ([config(""), config("apps"), config("networking.k8s.io"), config("rbac.authorization.k8s.io"), config("batch")], []),
        ([config("b.example.com"), config("apps"), config("a.example.com")], ["gates.a.example.com", "gates.b.example.com"]),
        (
            [config("gateway.networking.k8s.io"), config("snapshot.storage.k8s.io")],
            [f"gates.{group}.k8s.io" for group in ("gateway.networking", "snapshot.storage")],
        ),
        ([config("a.example.com", propagation="Disabled"), config("b.example.com", deletionTimestamp="2026-01-01T00:00:00Z")], []),
    ],
)
def test_custom(configs: list[dict[str, Any]], names: list[str]) -> None:
    """Nothing is asked for what every API server has by itself, nor for what is stopped or going."""
    assert [target.name for target in target_crds.custom(configs)] == names


READY = {"status": {"conditions": [{"type": "Ready", "status": "True"}]}}
ALL = {WHERE.cluster: READY, WHERE.service_account: {}}


@pytest.mark.parametrize(
    ("found", "options", "expected"),
    [
        ({}, {}, True),
        ({}, {"target_crd": "require"}, True),
        ({}, {"target_crd": "ignore"}, False),
        (ALL, {}, False),
        ({**ALL, WHERE.cluster: {}}, {}, True),
        ({WHERE.cluster: READY}, {}, True),
        ({WHERE.cluster: READY}, {"credentials": "provided"}, False),
    ],
)
def test_arrives(found: dict[Any, Any], options: dict[str, Any], expected: bool) -> None:
    """A run that finds a cluster in the federation asks nothing more."""
    assert target_crds.arrives(found, WHERE, replace(WISH, **options)) is expected


def carried(state: str, why: str = "", crd: dict[str, Any] = CRD) -> Carried:
    """How zj stands to gates."""
    change, before, after = planning.crd_change(None, CRD, "/path", "zj")
    return Carried(GATE, crd, members.Seen(ZJ, state, why, change if state == members.LACKS else None, before, after))


WEBHOOK = {**CRD, "spec": {**CRD["spec"], "conversion": {"strategy": "Webhook"}}}


@pytest.mark.parametrize(
    ("found", "policy", "code", "says"),
    [
        (carried(members.LACKS), "require", "target_crd", "no gates.shop.example.com"),
        (carried(members.OTHER, "v1alpha1"), "carry", "target_crd", "gates.shop.example.com only in v1alpha1, not in v1"),
        (carried(members.LACKS, crd=WEBHOOK), "carry", "conversion_webhook", "which zj would lack"),
    ],
)
def test_refused(found: Carried, policy: str, code: str, says: str) -> None:
    with pytest.raises(EdgefedError) as raised:
        target_crds.refuse([carried(members.SERVED), found], replace(WISH, target_crd=policy))
    assert raised.value.code == code and says in raised.value.message and "Next: " in raised.value.message
    assert "zj" in raised.value.message


def test_planned_first() -> None:
    """Before anything of the join, and shown; what is there already is not."""
    join = Plan([Change("create", WHERE.cluster)], {}, {"host: KubeFedCluster zj": {}})
    found = [carried(members.LACKS), carried(members.SERVED)]
    target_crds.refuse(found, WISH)
    plan = target_crds.planned(join, found)
    assert [(change.action, change.ref.kind) for change in plan.changes] == [("create", target_crds.CRD), ("create", "KubeFedCluster")]
    assert plan.changes[0].body and plan.changes[0].body["metadata"]["annotations"]
    assert list(plan.after) == ["host: KubeFedCluster zj", "member: CustomResourceDefinition gates.shop.example.com"]
    assert target_crds.planned(join, []) == join
