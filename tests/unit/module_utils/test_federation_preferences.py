# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Preferences by themselves, by groups and hosts, and with the targets that they lead."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ansible_collections.edgefed.kubefed.plugins.module_utils.federate.given import Handed, packed, unpacked
from ansible_collections.edgefed.kubefed.plugins.module_utils.federate.led import Following, follow
from ansible_collections.edgefed.kubefed.plugins.module_utils.federate.look import Seen
from ansible_collections.edgefed.kubefed.plugins.module_utils.federate.shares_of_groups import with_clusters
from ansible_collections.edgefed.kubefed.plugins.module_utils.federate.wish import Inventory
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.check import Checked, Federation, Resource, check
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.shares import given_replicas
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.sources import Document
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.types import DEFAULTS
from ansible_collections.edgefed.kubefed.plugins.module_utils.scheduling.memory import NOTHING, PREFERENCE

JOINED: dict[str, dict[str, str]] = {"cddev": {"tier": "edge"}, "local": {}, "zj": {"tier": "edge"}}
FEDERATION = Federation(DEFAULTS, JOINED, "kube-federation-system")
INVENTORY = Inventory(
    {"all": ["cddev", "local", "zj"], "edge": ["cddev", "zj"], "gpu": ["zj"]}, ["cddev", "local", "zj"], ["cddev", "local", "zj"]
)
KEY = ("FederatedDeployment", "shop", "web")
OWN = ("ReplicaSchedulingPreference", "shop", "web")


def preference(**spec: Any) -> dict[str, Any]:
    head = {"apiVersion": "scheduling.kubefed.io/v1alpha1", "kind": "ReplicaSchedulingPreference"}
    whole = {"targetKind": "FederatedDeployment", "totalReplicas": 6, **spec}
    return {**head, "metadata": {"name": "web", "namespace": "shop"}, "spec": whole}


def target(placement: dict[str, Any], *overrides: dict[str, Any]) -> dict[str, Any]:
    spec = {"template": {"spec": {"replicas": 1}}, "placement": placement, **({"overrides": list(overrides)} if overrides else {})}
    metadata = {"name": "web", "namespace": "shop"}
    return {"apiVersion": "types.kubefed.io/v1beta1", "kind": "FederatedDeployment", "metadata": metadata, "spec": spec}


def checked(*bodies: dict[str, Any]) -> Checked:
    return check([Document(body, "in") for body in bodies], FEDERATION, "shop")


def followed(*bodies: dict[str, Any], there: dict[Any, Any] | None = None) -> tuple[dict[Any, Resource], Following]:
    found = checked(*bodies)
    assert found.problems == []
    result = follow(found.resources, Seen({}, there or {}, {}, False), FEDERATION)
    return {resource.key: resource for resource in found.resources}, result


# --- by itself ---


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ({"targetKind": "Deployment"}, "spec.targetKind: a preference leads no Deployment. Next: write FederatedDeployment"),
        ({"targetKind": None}, "spec.targetKind: a preference leads no object without a kind."),
        ({"totalReplicas": None}, "spec.totalReplicas: it is missing."),
        ({"totalReplicas": True}, "spec.totalReplicas: this is no number of 0 or more."),
        ({"rebalance": "yes"}, "spec.rebalance: this is a text, not true or false."),
        ({"clusters": "zj"}, "spec.clusters: this is a text, not a mapping."),
        ({"clusters": {"zj": 3}}, "spec.clusters.zj: this is a number, not a mapping."),
        ({"clusters": {"zjj": {}}}, "spec.clusters.zjj: cluster 'zjj' is not joined. Next: did you mean zj? Joined are: cddev, local, zj."),
        ({"clusters": {"zj": {"wight": 1}}}, "spec.clusters.zj.wight: unknown field. Next: did you mean spec.clusters.zj.weight."),
        ({"clusters": {"zj": {"weight": -1}}}, "spec.clusters.zj.weight: this is no number of 0 or more."),
        ({"clusters": {"zj": {"minReplicas": 3, "maxReplicas": 2}}}, "spec.clusters.zj: minReplicas 3 is more than maxReplicas 2."),
        ({"total": 3}, "spec.total: unknown field."),
    ],
)
def test_wrong(spec: dict[str, Any], said: str) -> None:
    (problem,) = checked(preference(**spec)).problems
    assert str(problem).startswith(f"in: ReplicaSchedulingPreference shop/web: {said}")


def test_sums_are_told() -> None:
    least = {"zj": {"minReplicas": 4}, "local": {"minReplicas": 3}}
    (notice,) = checked(preference(clusters=least)).notices
    assert "minReplicas are 7 together and totalReplicas only 6" in notice
    (notice,) = checked(preference(clusters={"zj": {"weight": 1, "maxReplicas": 4}, "local": {"minReplicas": 1}})).notices
    assert "the clusters take 5 replicas at most and totalReplicas are 6, so that 1 run nowhere" in notice
    assert checked(preference(clusters={"*": {"weight": 1, "maxReplicas": 1}})).notices == []


# --- by groups and hosts ---


def test_groups_and_hosts_are_merged_by_precedence() -> None:
    items = [
        {"hosts": ["zj"], "maxReplicas": 5},
        {"groups": ["gpu"], "weight": 3},
        {"weight": 1, "minReplicas": 1},
        {"groups": ["edge"], "weight": 2},
    ]
    (document,), wrong = with_clusters([Document(preference(clusters=items), "in")], INVENTORY)
    assert wrong == []
    assert document.body["spec"]["clusters"] == {
        "*": {"weight": 1, "minReplicas": 1},
        "cddev": {"weight": 2, "minReplicas": 1},
        "zj": {"weight": 3, "minReplicas": 1, "maxReplicas": 5},
    }
    assert [str(decision) for decision in document.decisions] == [
        "cluster cddev: /spec/clusters/cddev/weight: spec.clusters[3] (group edge) wins over spec.clusters[2]",
        "cluster zj: /spec/clusters/zj/weight: spec.clusters[3] (group edge) wins over spec.clusters[2]",
        "cluster zj: /spec/clusters/zj/weight: spec.clusters[1] (group gpu) wins over spec.clusters[3] (group edge)",
    ]
    assert unpacked(packed(Handed(inventory=INVENTORY))).inventory == INVENTORY


@pytest.mark.parametrize(
    ("item", "said"),
    [
        ({"groups": ["gpus"], "weight": 1}, "spec.clusters[0].groups: the inventory has no group 'gpus'. Next: did you mean gpu"),
        ({"hosts": ["zjj"], "weight": 1}, "spec.clusters[0].hosts: the inventory has no host 'zjj'. Next: did you mean zj"),
        ({"group": "gpu"}, "spec.clusters[0].group: unknown field. Next: did you mean spec.clusters[0].groups"),
        ("gpu", "spec.clusters[0]: this is a text, not a mapping."),
    ],
)
def test_groups_that_are_none(item: Any, said: str) -> None:
    _documents, (problem,) = with_clusters([Document(preference(clusters=[item]), "in")], INVENTORY)
    assert said in str(problem)


def test_maps_and_other_documents_stay() -> None:
    documents = [Document(preference(clusters={"zj": {"weight": 1}}), "in"), Document(target({"clusters": []}), "in")]
    assert with_clusters(documents, INVENTORY) == (documents, [])


# --- targets ---

ALL = {"clusterSelector": {}}
IMAGE = {"path": "/spec/template", "op": "add", "value": "x"}
OF_KUBEFED = [
    {"clusterName": "zj", "clusterOverrides": [IMAGE, {"path": "/spec/replicas", "value": 4}]},
    {"clusterName": "local", "clusterOverrides": [{"path": "/spec/replicas", "value": 2}]},
]


def live(owned: list[str], overrides: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    """As it stands after KubeFed; ``owned`` are the fields of the spec that are ours still."""
    fields: dict[str, Any] = {"f:template": {}}
    if "clusters" in owned:
        fields["f:placement"] = {"f:clusters": {}}
    if "overrides" in owned:
        fields["f:overrides"] = {}
    body = target({"clusters": [{"name": "zj"}, {"name": "local"}]})
    body["spec"]["overrides"] = OF_KUBEFED if overrides is None else overrides
    body["metadata"]["managedFields"] = [{"manager": "edgefed", "operation": "Apply", "fieldsV1": {"f:spec": fields}}]
    return body


def test_a_new_target_is_foretold_and_its_clusters_are_left_to_kubefed() -> None:
    given, result = followed(target({"clusters": [{"name": "zj"}, {"name": "local"}]}), preference(clusters={"zj": {"weight": 1}}))
    assert result.problems == [] and result.led[0].plan == {"cddev": 0, "local": 0, "zj": 6}
    resource = given[KEY]
    assert resource.body["spec"] == {"template": {"spec": {"replicas": 1}}}
    assert {name: body["spec"]["replicas"] for name, body in resource.previews.items()} == {"local": 0, "zj": 6}
    assert given_replicas(resource.foretold) == result.led[0].plan
    assert "KubeFed places FederatedDeployment shop/web in every cluster" in result.notices[0] and "also in cddev" in result.notices[0]


@pytest.mark.parametrize(
    ("owned", "there", "overrides", "clusters"),
    [
        ([], None, None, None),
        (["clusters"], None, None, [{"name": "zj"}, {"name": "local"}]),
        (["overrides"], None, OF_KUBEFED, None),
        (["overrides"], list(reversed(OF_KUBEFED)), list(reversed(OF_KUBEFED)), None),
        ([], OF_KUBEFED[1:], [{"clusterName": "zj", "clusterOverrides": [IMAGE]}, OF_KUBEFED[1]], None),
    ],
)
def test_what_kubefed_wrote_stays_and_what_is_ours_goes_in(owned: list[str], there: Any, overrides: Any, clusters: Any) -> None:
    wish = target(ALL, {"clusterName": "zj", "clusterOverrides": [IMAGE]})
    given, _result = followed(wish, there={KEY: live(owned, there), OWN: preference()})
    spec = given[KEY].body["spec"]
    assert (spec.get("overrides"), spec["placement"].get("clusters")) == (overrides, clusters)
    assert spec["placement"]["clusterSelector"] == {}


def test_what_runs_is_shown_as_long_as_the_preference_is_the_same() -> None:
    there = {KEY: live([]), OWN: preference(clusters={"zj": {"weight": 1}})}
    _given, result = followed(target(ALL, {"clusterName": "zj", "clusterOverrides": [IMAGE]}), there=there)
    assert result.led[0].plan == {"zj": 4, "local": 2}
    _given, result = followed(preference(totalReplicas=9, rebalance=True, clusters={"local": {"weight": 1}}), there=there)
    assert result.led[0].plan == {"cddev": 0, "local": 9, "zj": 0}


def test_intersected_with_the_selector() -> None:
    given, result = followed(target({"clusterSelector": {"matchLabels": {"tier": "edge"}}}), preference(intersectWithClusterSelector=True))
    assert result.led[0].plan == {"cddev": 3, "zj": 3} and result.notices == []
    assert given[KEY].clusters == ["cddev", "zj"]


@pytest.mark.parametrize(
    ("clusters", "said"),
    [
        ({"local": {"weight": 1}}, "spec.clusters.local: cluster 'local' is not placed by FederatedDeployment shop/web (placed: zj)."),
        (
            {"*": {"weight": 1}},
            "spec.clusters.*: '*' is every cluster, also cddev, local, where FederatedDeployment shop/web is not placed",
        ),
        ({"*": {"weight": 1}, "local": {"weight": 0}, "cddev": {"maxReplicas": 0}}, None),
    ],
)
def test_clusters_beyond_the_placement(clusters: dict[str, Any], said: str | None) -> None:
    _given, result = followed(target({"clusters": [{"name": "zj"}]}), preference(clusters=clusters))
    assert [said in str(problem) for problem in result.problems] == ([True] if said else [])


def test_without_a_target_it_leads_nothing() -> None:
    _given, result = followed(preference())
    assert result.led == [] and "there is no FederatedDeployment shop/web, so it leads nothing" in result.notices[0]


def test_a_drained_cluster_stays_without_replicas_and_is_remembered() -> None:
    there = preference(clusters={"zj": dict(NOTHING), "local": {"weight": 1}})
    there["metadata"]["annotations"] = {PREFERENCE: json.dumps({"zj": {"weight": 1}})}
    wish = preference(clusters={"zj": {"weight": 5}, "local": {"weight": 1}})
    given, result = followed(target(ALL), wish, there={OWN: there})
    body = given[OWN].body
    assert body["spec"]["clusters"] == {"zj": NOTHING, "local": {"weight": 1}}
    assert json.loads(body["metadata"]["annotations"][PREFERENCE]) == {"zj": {"weight": 5}}
    assert "gives zj nothing until that is uncordoned" in result.notices[0]
    assert result.led[0].plan == {"cddev": 0, "local": 6, "zj": 0}
