# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Clusters held out of placements and preferences, and put back exactly."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.check import Federation, Resource
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.cordon import respect_cordons
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.sources import Document
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.types import FederatedType
from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import EdgefedError
from ansible_collections.edgefed.kubefed.plugins.module_utils.scheduling.memory import (
    NOTHING,
    PLACEMENT,
    PREFERENCE,
    memory_of,
    take_out_of_preference,
)
from ansible_collections.edgefed.kubefed.plugins.module_utils.scheduling.owned import applied
from ansible_collections.edgefed.kubefed.plugins.module_utils.scheduling.plan import Item, change_of, plan, stays

CLUSTERS = {"a": {"site": "x"}, "b": {"site": "x"}, "c": {}}
TARGET = {"version": "v1", "kind": "ConfigMap", "pluralName": "configmaps", "scope": "Namespaced"}
Object = dict[str, Any]


def kind(target_kind: str = "ConfigMap") -> FederatedType:
    """A federated type."""
    plural = f"federated{target_kind.lower()}s"
    target = {**TARGET, "kind": target_kind}
    return FederatedType(plural, f"Federated{target_kind}", "types.kubefed.io/v1beta1", plural, True, target, True)


def federated(placement: Object, **meta: Any) -> Object:
    """A federated object that we applied."""
    fields = {"f:spec": {"f:placement": {f"f:{key}": {} for key in placement}}}
    owned = [{"manager": "edgefed", "operation": "Apply", "fieldsV1": fields}]
    metadata = {"name": "proof", "namespace": "n", "resourceVersion": "1", "managedFields": owned, **meta}
    return {"metadata": metadata, "spec": {"placement": placement, "template": {"data": {}}}}


def preference(clusters: Object | None, **spec: Any) -> Object:
    """A ReplicaSchedulingPreference of somebody else."""
    said = {} if clusters is None else {"clusters": clusters}
    metadata = {"name": "proof", "namespace": "n", "resourceVersion": "1"}
    return {"metadata": metadata, "spec": {"targetKind": "FederatedDeployment", "totalReplicas": 3, **said, **spec}}


def served(item: Item, state: str, cluster: str) -> Item:
    """What the API server makes of the change: our fields as applied, what we no longer apply gone."""
    change = change_of(item, cluster, state, CLUSTERS)
    if change is None:
        return item
    live = copy.deepcopy(item.live)
    notes = change.body["metadata"].get("annotations") or {}
    live["metadata"]["annotations"] = notes
    if item.type is None:
        live["spec"]["clusters"] = {**change.after["clusters"]}
        if not live["spec"]["clusters"]:
            del live["spec"]["clusters"]
    else:
        live["spec"]["placement"] = change.after
        assert change.body.get("spec", {}).get("placement", {}).get("clusters") == change.after.get("clusters")
    return Item(live, item.type)


def named(*names: str) -> Object:
    """A placement by names."""
    return {"clusters": [{"name": name} for name in names]}


PLACEMENTS = st.one_of(
    st.lists(st.sampled_from("abc"), unique=True).map(lambda names: named(*names)),
    st.just({"clusterSelector": {}}),
    st.just({"clusterSelector": {"matchLabels": {"site": "x"}}}),
    st.just({"clusters": [{"name": "b"}], "clusterSelector": {}}),
)


@given(PLACEMENTS, st.permutations("abc"), st.permutations("abc"))
def test_drained_in_any_order_and_back_in_any_other(placement: Object, out: list[str], back: list[str]) -> None:
    """Nothing is left in a drained cluster, and in the end the placement is what it was, in its order, and nothing is remembered."""
    item = Item(federated(placement), kind())
    for cluster in out:
        item = served(item, "drained", cluster)
        assert change_of(item, cluster, "drained", CLUSTERS) is None
    assert all(name["name"] not in out for name in item.live["spec"]["placement"].get("clusters", []))
    for cluster in back:
        item = served(item, "uncordoned", cluster)
        assert change_of(item, cluster, "uncordoned", CLUSTERS) is None
    assert item.live["spec"]["placement"] == placement
    assert not item.live["metadata"].get("annotations")


PREFERENCES = st.one_of(
    st.none(), st.dictionaries(st.sampled_from("abc*"), st.sampled_from([{"weight": 1}, {"minReplicas": 2}, dict(NOTHING)]), min_size=1)
)


@given(PREFERENCES, st.permutations("abc"), st.permutations("abc"))
def test_preferences_in_any_order(clusters: Object | None, out: list[str], back: list[str]) -> None:
    """No replicas in drained clusters, and in the end exactly what was there."""
    item = Item(preference(clusters), None)
    for cluster in out:
        item = served(item, "drained", cluster)
        assert take_out_of_preference(item.live, cluster) is None
    for cluster in back:
        item = served(item, "uncordoned", cluster)
    assert item.live["spec"].get("clusters") == clusters
    assert not item.live["metadata"].get("annotations")


@pytest.mark.parametrize(
    ("before", "meanwhile", "after"),
    [
        (named("a", "b"), named("c"), named("c", "a")),
        (named("a", "b"), named("b", "a"), named("b", "a")),
        ({"clusterSelector": {}}, named("c"), named("c", "a")),
        (named("a", "b"), {"clusterSelector": {}}, {"clusterSelector": {}}),
        (named("a"), named(), named("a")),
    ],
)
def test_changed_meanwhile(before: Object, meanwhile: Object, after: Object) -> None:
    """What somebody else wrote stays, and the cluster comes back to it."""
    item = served(Item(federated(before), kind()), "drained", "a")
    item.live["spec"]["placement"] = meanwhile
    item = served(item, "uncordoned", "a")
    assert item.live["spec"]["placement"] == after and not item.live["metadata"]["annotations"]


def test_preference_changed_meanwhile() -> None:
    """What somebody gave the cluster meanwhile stays."""
    item = served(Item(preference({"a": {"weight": 1}, "b": {"weight": 1}}), None), "drained", "a")
    item.live["spec"]["clusters"]["a"] = {"weight": 5}
    assert served(item, "uncordoned", "a").live["spec"]["clusters"] == {"a": {"weight": 5}, "b": {"weight": 1}}


def test_what_is_left_alone() -> None:
    """What is in deletion, what a preference places, what would take others' things along; and by a cordon everything."""
    going = Item(federated(named("a"), deletionTimestamp="2026-01-01T00:00:00Z"), kind())
    led = Item(federated(named("a")), kind("Deployment"))
    rule = Item(preference({"a": {"weight": 1}}), None)
    namespace = Item(federated(named("a")), kind("Namespace"))
    volume = Item(federated(named("b")), kind("PersistentVolumeClaim"))
    items = [going, led, rule, namespace, volume]
    assert [change.item for change in plan(items, "a", "drained", CLUSTERS)] == [rule]
    assert plan(items, "a", "cordoned", CLUSTERS) == []
    assert stays(items, "a", CLUSTERS) == ["FederatedNamespace n/proof"]


def test_an_annotation_that_nobody_can_read() -> None:
    """Is told with the object and what to do."""
    with pytest.raises(EdgefedError, match=r"n/proof was changed.*Next: set the placement"):
        memory_of(federated(named("a"), annotations={PLACEMENT: "{"}))
    with pytest.raises(EdgefedError, match=PREFERENCE):
        take_out_of_preference({**preference({"a": {}}), "metadata": {"name": "x", "annotations": {PREFERENCE: "[]"}}}, "a")


def test_what_we_applied() -> None:
    """Fields, items of sets and of keyed lists; not what others own, and with the version that was looked at."""
    live = {
        "metadata": {
            "name": "x",
            "resourceVersion": "7",
            "labels": {"ours": "1", "theirs": "1"},
            "finalizers": ["ours", "theirs"],
            "managedFields": [
                {
                    "manager": "edgefed",
                    "operation": "Apply",
                    "fieldsV1": {
                        "f:metadata": {"f:labels": {".": {}, "f:ours": {}}, "f:finalizers": {'v:"ours"': {}}},
                        "f:spec": {"f:list": {}, "f:ports": {'k:{"port":80}': {".": {}, "f:port": {}}}, "f:gone": {}},
                    },
                },
                {"manager": "kubectl", "operation": "Update", "fieldsV1": {"f:spec": {"f:other": {}}}},
            ],
        },
        "spec": {"list": [1, {"two": 2}], "ports": [{"port": 80}, {"port": 81}], "other": 1},
    }
    assert applied(live, "v1", "Thing") == {
        "apiVersion": "v1",
        "kind": "Thing",
        "metadata": {"name": "x", "resourceVersion": "7", "labels": {"ours": "1"}, "finalizers": ["ours"]},
        "spec": {"list": [1, {"two": 2}], "ports": [{"port": 80}]},
    }


def resource(placement: Object) -> Resource:
    """A manifest that was checked."""
    body = {"apiVersion": "types.kubefed.io/v1beta1", "kind": "FederatedConfigMap", **federated(placement)}
    chosen = [item["name"] for item in placement["clusters"]] if "clusters" in placement else sorted(CLUSTERS)
    return Resource(Document(body, "m.yaml"), body, kind(), chosen, {name: {} for name in chosen})


@pytest.mark.parametrize(
    ("placement", "current", "problems", "notices", "clusters"),
    [
        (named("b", "c"), None, 0, 0, ["b", "c"]),
        (named("a", "b"), None, 1, 0, ["a", "b"]),
        (named("a", "b"), named("a"), 0, 0, ["a", "b"]),
        (named("a", "b"), named("b"), 1, 0, ["a", "b"]),
        ({"clusterSelector": {}}, None, 0, 1, ["b", "c"]),
        ({"clusterSelector": {}}, {"clusterSelector": {}}, 0, 0, ["a", "b", "c"]),
    ],
)
def test_manifests(placement: Object, current: Object | None, problems: int, notices: int, clusters: list[str]) -> None:
    """Named anew is a problem that says where; chosen by a selector is left out; what is there already may stay."""
    federation = Federation({}, CLUSTERS, "n", {"a": "cordoned"})
    given = resource(placement)
    found, said = respect_cordons(given, federated(current) if current else None, federation)
    assert (len(found), len(said), given.clusters) == (problems, notices, clusters)
    assert all("cluster 'a' is cordoned" in str(problem) and "uncordon.yml --limit a" in str(problem) for problem in found)
    assert sorted(given.previews) == clusters
    if notices:
        memory = memory_of(given.body)
        assert memory and (memory.clusters, memory.left, memory.out) == (None, ["b", "c"], ["a"])


@pytest.mark.parametrize("placement", [named("a", "b"), {"clusterSelector": {}}])
def test_a_manifest_applied_while_drained_is_what_the_drain_made(placement: Object) -> None:
    """So applying it again changes nothing."""
    drained = served(Item(federated(placement), kind()), "drained", "a").live
    given = resource(placement)
    problems, notices = respect_cordons(given, drained, Federation({}, CLUSTERS, "n", {"a": "drained"}))
    assert not problems and len(notices) == 1
    assert given.body["metadata"]["annotations"] == drained["metadata"]["annotations"]
    assert given.body["spec"]["placement"] == drained["spec"]["placement"]
