# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What each cluster gets, case by case; the expected values come from KubeFed's and json-patch's sources."""

from __future__ import annotations

import copy
from typing import Any

import jsonpatch
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.preview import (
    OverrideError,
    PlacementError,
    apply_overrides,
    effective_clusters,
    named_clusters,
    overrides_of,
    placed_clusters,
    preview,
)
from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import EdgefedError

CLUSTERS = {
    "local": {"region": "north", "tier": "core"},
    "cddev": {"region": "west", "tier": "edge"},
    "zj": {"region": "east", "tier": "edge"},
    "bare": {},
}
DEPLOYMENT = {"group": "apps", "version": "v1", "kind": "Deployment", "pluralName": "deployments", "scope": "Namespaced"}
CONFIG_MAP = {"version": "v1", "kind": "ConfigMap", "pluralName": "configmaps", "scope": "Namespaced"}
NAMESPACE = {"version": "v1", "kind": "Namespace", "pluralName": "namespaces", "scope": "Cluster"}
SERVICE = {"version": "v1", "kind": "Service", "pluralName": "services", "scope": "Namespaced"}


def federated(placement: Any = None, template: Any = None, overrides: Any = None, **spec: Any) -> dict[str, Any]:
    spec |= {"placement": placement, "template": template, "overrides": overrides}
    metadata = {"name": "x", "namespace": "ns", "labels": {"of": "federated"}, "annotations": {"of": "federated"}}
    return {"metadata": metadata, "spec": {key: value for key, value in spec.items() if value is not None}}


@pytest.mark.parametrize(
    ("placement", "expected"),
    [
        ({"clusters": [{"name": "zj"}, {"name": "local"}]}, ["local", "zj"]),
        ({"clusters": [{"name": "zj"}, {"name": "zj"}]}, ["zj"]),
        ({"clusters": [{"name": "zj"}, {"name": "gone"}]}, ["zj"]),
        ({"clusters": [{"name": "zj"}], "clusterSelector": {}}, ["zj"]),
        ({"clusters": [], "clusterSelector": {}}, []),
        ({"clusters": None, "clusterSelector": {}}, sorted(CLUSTERS)),
        ({"clusterSelector": {}}, sorted(CLUSTERS)),
        ({"clusterSelector": {"matchLabels": {}, "matchExpressions": []}}, sorted(CLUSTERS)),
        ({"clusterSelector": None}, []),
        ({}, []),
        (None, []),
        ({"clusterSelector": {"matchLabels": {"tier": "edge"}}}, ["cddev", "zj"]),
        ({"clusterSelector": {"matchLabels": {"tier": "edge", "region": "east"}}}, ["zj"]),
        ({"clusterSelector": {"matchExpressions": [{"key": "region", "operator": "In", "values": ["east", "north"]}]}}, ["local", "zj"]),
        (
            {"clusterSelector": {"matchExpressions": [{"key": "region", "operator": "NotIn", "values": ["east"]}]}},
            ["bare", "cddev", "local"],
        ),
        ({"clusterSelector": {"matchExpressions": [{"key": "tier", "operator": "Exists"}]}}, ["cddev", "local", "zj"]),
        ({"clusterSelector": {"matchExpressions": [{"key": "tier", "operator": "DoesNotExist"}]}}, ["bare"]),
        (
            {
                "clusterSelector": {
                    "matchLabels": {"tier": "edge"},
                    "matchExpressions": [{"key": "region", "operator": "NotIn", "values": ["west"]}],
                }
            },
            ["zj"],
        ),
        ({"cluster": [{"name": "zj"}]}, []),
    ],
)
def test_placement(placement: Any, expected: list[str]) -> None:
    assert placed_clusters(federated(placement), CLUSTERS) == expected


@pytest.mark.parametrize(
    "expression",
    [
        {"key": "a", "operator": "In", "values": []},
        {"key": "a", "operator": "NotIn"},
        {"key": "a", "operator": "Exists", "values": ["x"]},
        {"key": "a", "operator": "Gt", "values": ["1"]},
    ],
)
def test_bad_selector(expression: dict[str, Any]) -> None:
    with pytest.raises(PlacementError, match="clusterSelector"):
        placed_clusters(federated({"clusterSelector": {"matchExpressions": [expression]}}), CLUSTERS)


def test_named_clusters_tells_an_empty_list_from_none() -> None:
    assert named_clusters(federated({"clusters": []})) == []
    assert named_clusters(federated({"clusterSelector": {}})) is None
    assert named_clusters(federated({"clusters": [{"name": "gone"}]})) == ["gone"]


@pytest.mark.parametrize(
    ("namespace", "namespaced", "limited", "expected"),
    [
        ({"clusters": [{"name": "zj"}]}, True, False, ["zj"]),
        ({"clusters": [{"name": "zj"}]}, True, True, ["zj"]),
        ({"clusters": []}, True, False, []),
        (None, True, False, []),
        (None, True, True, ["cddev", "zj"]),
        (None, False, False, ["cddev", "zj"]),
    ],
)
def test_namespaced_placement(namespace: Any, namespaced: bool, limited: bool, expected: list[str]) -> None:
    resource = federated({"clusterSelector": {"matchLabels": {"tier": "edge"}}})
    container = None if namespace is None else federated(namespace)
    assert effective_clusters(resource, CLUSTERS, namespaced, container, limited) == expected


BASE: dict[str, Any] = {"a": {"b": 1, "n": None}, "l": [1, 2, 3], "o": [{"x": 1}, {"x": 2}], "s": "text", "k/e~y": 1}


def changed(**changes: Any) -> dict[str, Any]:
    return {**BASE, **changes}


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ({"path": "/a/b", "value": 2}, changed(a={"b": 2, "n": None})),
        ({"path": "/a/b", "op": "", "value": 2}, changed(a={"b": 2, "n": None})),
        ({"path": "/a/new", "value": 2}, changed(a={"b": 1, "n": None, "new": 2})),
        ({"path": "/a/b"}, changed(a={"b": None, "n": None})),
        ({"path": "/a", "op": "add", "value": {"c": 1}}, changed(a={"c": 1})),
        ({"path": "/a/n", "op": "remove"}, changed(a={"b": 1})),
        ({"path": "/l/0", "op": "add", "value": 9}, changed(l=[9, 1, 2, 3])),
        ({"path": "/l/3", "op": "add", "value": 9}, changed(l=[1, 2, 3, 9])),
        ({"path": "/l/-", "op": "add", "value": 9}, changed(l=[1, 2, 3, 9])),
        ({"path": "/l/-1", "op": "add", "value": 9}, changed(l=[1, 2, 3, 9])),
        ({"path": "/l/-2", "op": "add", "value": 9}, changed(l=[1, 2, 9, 3])),
        ({"path": "/l/-4", "op": "add", "value": 9}, changed(l=[9, 1, 2, 3])),
        ({"path": "/l/-1", "value": 9}, changed(l=[1, 2, 9])),
        ({"path": "/l/+1", "value": 9}, changed(l=[1, 9, 3])),
        ({"path": "/l/01", "value": 9}, changed(l=[1, 9, 3])),
        ({"path": "/l/-3", "op": "remove"}, changed(l=[2, 3])),
        ({"path": "/o/-1/x", "value": 9}, changed(o=[{"x": 1}, {"x": 9}])),
        ({"path": "/k~1e~0y", "value": 2}, changed(**{"k/e~y": 2})),
        ({"path": "/~01", "op": "add", "value": 2}, changed(**{"~1": 2})),
        ({"path": "ignored/s", "value": "new"}, changed(s="new")),
        ({"path": "/", "op": "add", "value": 1}, changed(**{"": 1})),
        ({"path": "/a/", "op": "add", "value": 1}, changed(a={"b": 1, "n": None, "": 1})),
    ],
)
def test_one_override(override: dict[str, Any], expected: dict[str, Any]) -> None:
    before = copy.deepcopy(BASE)
    assert apply_overrides(BASE, [override]) == expected
    assert before == BASE


@pytest.mark.parametrize(
    ("override", "reason"),
    [
        ({"path": "/a/gone", "op": "remove"}, "there is no 'gone' to remove"),
        ({"path": "/gone/x", "op": "add", "value": 1}, "/gone is not there"),
        ({"path": "/gone/x/y", "value": 1}, "/gone is not there"),
        ({"path": "/a/n/x", "op": "add", "value": 1}, "/a/n is not there"),
        ({"path": "/s/x", "op": "add", "value": 1}, "/s is neither an object nor an array"),
        ({"path": "/l/3", "value": 9}, "index 3 is outside the array of 3"),
        ({"path": "/l/4", "op": "add", "value": 9}, "index 4 is outside the array of 3"),
        ({"path": "/l/-5", "op": "add", "value": 9}, "outside"),
        ({"path": "/l/-4", "value": 9}, "index -4 is outside the array of 3"),
        ({"path": "/l/3", "op": "remove"}, "outside"),
        ({"path": "/l/-", "value": 9}, "'-' is not an array index"),
        ({"path": "/l/-", "op": "remove"}, "not an array index"),
        ({"path": "/l/1_0", "value": 9}, "not an array index"),
        ({"path": "/l/x/y", "value": 9}, "/l/x is not there"),
        ({"path": "", "value": {}}, "the path must begin with /"),
        ({"path": "a", "op": "add", "value": {}}, "the path must begin with /"),
        ({"path": "/a/b", "op": "test", "value": 1}, "'test' is not one of add, remove, replace"),
        ({"path": "/a/b", "op": "move", "from": "/s"}, "not one of"),
    ],
)
def test_refused_override(override: dict[str, Any], reason: str) -> None:
    with pytest.raises(OverrideError) as caught:
        apply_overrides(BASE, [{"path": "/s", "value": "x"}, override])
    assert reason in caught.value.reason
    assert (caught.value.index, caught.value.path) == (1, override["path"])
    assert caught.value.details["op"] == override.get("op", "replace")
    assert caught.value.message.startswith("override 2 (")


def test_order_counts_and_values_are_not_shared() -> None:
    value = {"x": 1}
    overrides = [
        {"path": "/m", "op": "add", "value": value},
        {"path": "/m/y", "op": "add", "value": 2},
        {"path": "/m2", "op": "add", "value": value},
        {"path": "/m/x", "op": "remove"},
    ]
    assert apply_overrides({}, overrides) == {"m": {"y": 2}, "m2": {"x": 1}}
    assert value == {"x": 1}


KEYS = st.sampled_from(["a", "b", "c/d", "e~f", "0"])
VALUES = st.recursive(
    st.integers() | st.text(max_size=3) | st.booleans(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=8,
)
PATHS = st.lists(st.sampled_from(["a", "b", "c~1d", "e~0f", "0", "1", "-"]), min_size=1, max_size=3).map(
    lambda parts: "/" + "/".join(parts)
)
PATCHES = st.lists(st.fixed_dictionaries({"op": st.sampled_from(["add", "remove", "replace"]), "path": PATHS, "value": VALUES}), max_size=4)


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(KEYS, VALUES, max_size=4), PATCHES)
def test_what_rfc_6902_allows_comes_out_as_the_library_has_it(document: dict[str, Any], patch: list[dict[str, Any]]) -> None:
    try:
        expected = jsonpatch.apply_patch(document, patch)
    except (jsonpatch.JsonPatchException, jsonpatch.JsonPointerException):
        return
    assert apply_overrides(document, patch) == expected


def test_forbidden_and_repeated_paths_spoil_every_cluster() -> None:
    for path in ("/metadata/namespace", "/metadata/name", "/metadata/generateName", "/kind"):
        bad = federated(template={}, overrides=[{"clusterName": "zj", "clusterOverrides": [{"path": path, "value": "x"}]}])
        with pytest.raises(OverrideError, match="does not let"):
            preview(bad, "local", CONFIG_MAP)
    twice = [{"path": "/a", "value": 1}, {"path": "/a", "op": "remove"}]
    with pytest.raises(OverrideError, match="more than once") as caught:
        preview(federated(template={}, overrides=[{"clusterName": "zj", "clusterOverrides": twice}]), "local", CONFIG_MAP)
    assert caught.value.index == 1
    with pytest.raises(EdgefedError, match="'zj' appears more than once"):
        overrides_of(federated(overrides=[{"clusterName": "zj"}, {"clusterName": "zj"}]))


def test_api_version_may_be_overridden_and_templated() -> None:
    change = [{"clusterName": "zj", "clusterOverrides": [{"path": "/apiVersion", "value": "extensions/v1beta1"}]}]
    assert preview(federated(template={}, overrides=change), "zj", DEPLOYMENT)["apiVersion"] == "extensions/v1beta1"
    assert preview(federated(template={}), "zj", DEPLOYMENT)["apiVersion"] == "apps/v1"
    assert preview(federated(template={}), "zj", CONFIG_MAP)["apiVersion"] == "v1"
    assert preview(federated(template={"apiVersion": "apps/v1beta2"}), "zj", DEPLOYMENT)["apiVersion"] == "apps/v1beta2"


@pytest.mark.parametrize(
    ("metadata", "expected"),
    [
        ({}, {"labels": {"kubefed.io/managed": "true"}}),
        ({"labels": {"a": "b"}}, {"labels": {"a": "b", "kubefed.io/managed": "true"}}),
        ({"labels": {"kubefed.io/managed": "false"}}, {"labels": {"kubefed.io/managed": "true"}}),
        ({"labels": {"a": "b", "c": 1}}, {"labels": {"kubefed.io/managed": "true"}}),
        ({"annotations": {"a": "b"}, "finalizers": ["f"]}, {"labels": {"kubefed.io/managed": "true"}}),
        ({"name": "other", "namespace": "other"}, {"labels": {"kubefed.io/managed": "true"}}),
    ],
)
def test_metadata(metadata: dict[str, Any], expected: dict[str, Any]) -> None:
    got = preview(federated(template={"kind": "Other", "metadata": metadata, "data": {}}), "zj", CONFIG_MAP)
    assert got == {"apiVersion": "v1", "kind": "ConfigMap", "data": {}, "metadata": {"name": "x", "namespace": "ns", **expected}}


def test_a_namespace_has_no_namespace_and_needs_no_template() -> None:
    assert preview(federated(), "zj", NAMESPACE) == {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": "x", "labels": {"kubefed.io/managed": "true"}},
    }


def test_the_managed_label_comes_after_the_overrides() -> None:
    overrides = [{"path": "/metadata/labels", "op": "add", "value": {"kubefed.io/managed": "false", "a": "b"}}]
    got = preview(federated(template={}, overrides=[{"clusterName": "zj", "clusterOverrides": overrides}]), "zj", CONFIG_MAP)
    assert got["metadata"]["labels"] == {"kubefed.io/managed": "true", "a": "b"}


ARTICLE_NAMESPACE = federated(
    {"clusters": [{"name": "local"}, {"name": "cddev"}]},
    overrides=[
        {
            "clusterName": name,
            "clusterOverrides": [
                {"path": "/metadata/labels", "op": "add", "value": {"field.cattle.io/projectId": project}},
                {"path": "/metadata/annotations", "op": "add", "value": {"field.cattle.io/projectId": f"local:{project}"}},
            ],
        }
        for name, project in (("cddev", "p-64g94"), ("local", "p-6rt82"))
    ],
)
ARTICLE_DEPLOYMENT = federated(
    {"clusters": [{"name": "local"}, {"name": "cddev"}]},
    template={
        "metadata": {"labels": {"app": "nginx-test"}},
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": {"app": "nginx-test"}},
            "template": {
                "metadata": {"labels": {"app": "nginx-test"}},
                "spec": {"containers": [{"image": "nginx:1.17", "name": "nginx-test"}]},
            },
        },
    },
    overrides=[
        {
            "clusterName": "cddev",
            "clusterOverrides": [
                {"path": "/spec/replicas", "value": 3},
                {"path": "/spec/template/spec/containers/0/image", "value": "nginx:1.14.0-alpine"},
                {"path": "/metadata/annotations", "op": "add", "value": {"foo": "bar"}},
                {"path": "/metadata/annotations/foo", "op": "remove"},
            ],
        }
    ],
)


def test_the_article() -> None:
    assert preview(ARTICLE_NAMESPACE, "cddev", NAMESPACE)["metadata"] == {
        "name": "x",
        "labels": {"field.cattle.io/projectId": "p-64g94", "kubefed.io/managed": "true"},
        "annotations": {"field.cattle.io/projectId": "local:p-64g94"},
    }
    local, cddev = (preview(ARTICLE_DEPLOYMENT, name, DEPLOYMENT) for name in ("local", "cddev"))
    assert (local["spec"]["replicas"], cddev["spec"]["replicas"]) == (1, 3)
    assert local["spec"]["template"]["spec"]["containers"] == [{"image": "nginx:1.17", "name": "nginx-test"}]
    assert cddev["spec"]["template"]["spec"]["containers"] == [{"image": "nginx:1.14.0-alpine", "name": "nginx-test"}]
    assert "annotations" not in local["metadata"]
    assert cddev["metadata"]["annotations"] == {}
    assert cddev["metadata"]["labels"] == {"app": "nginx-test", "kubefed.io/managed": "true"}


# --- updates retain --------------------------------------------------------------------------------------------------------


def test_an_update_retains_annotations_and_finalizers_below_the_overrides() -> None:
    overrides = [{"clusterName": "zj", "clusterOverrides": [{"path": "/metadata/annotations/mine", "op": "add", "value": "1"}]}]
    resource = federated(template={}, overrides=overrides)
    with pytest.raises(OverrideError, match="/metadata/annotations is not there"):
        preview(resource, "zj", CONFIG_MAP)
    got = preview(resource, "zj", CONFIG_MAP, {"metadata": {"annotations": {"theirs": "1"}, "finalizers": ["f"]}})
    assert got["metadata"]["annotations"] == {"theirs": "1", "mine": "1"}
    assert got["metadata"]["finalizers"] == ["f"]


@pytest.mark.parametrize(
    ("retain", "override", "expected"),
    [(True, None, 7), (False, None, 1), (True, 3, 3)],
)
def test_retain_replicas(retain: bool, override: int | None, expected: int) -> None:
    overrides = [{"clusterName": "zj", "clusterOverrides": [{"path": "/spec/replicas", "value": override}]}] if override else None
    resource = federated(template={"spec": {"replicas": 1}}, overrides=overrides, retainReplicas=retain)
    assert preview(resource, "zj", DEPLOYMENT, {"spec": {"replicas": 7}})["spec"]["replicas"] == expected


def test_a_service_retains_what_the_member_allocated() -> None:
    ports = [{"name": "http", "port": 80, "protocol": "TCP"}, {"name": "other", "port": 81}]
    there = {
        "clusterIP": "10.0.0.7",
        "clusterIPs": ["10.0.0.7"],
        "healthCheckNodePort": 30001,
        "ports": [
            {"name": "http", "port": 80, "protocol": "TCP", "nodePort": 30002},
            {"name": "other", "port": 81, "protocol": "TCP", "nodePort": 3},
        ],
    }
    spec = preview(federated(template={"spec": {"ports": ports}}), "zj", SERVICE, {"spec": there})["spec"]
    assert spec["ports"] == [{"name": "http", "port": 80, "protocol": "TCP", "nodePort": 30002}, {"name": "other", "port": 81}]
    assert {key: spec[key] for key in ("clusterIP", "clusterIPs", "healthCheckNodePort")} == {
        key: there[key] for key in ("clusterIP", "clusterIPs", "healthCheckNodePort")
    }
