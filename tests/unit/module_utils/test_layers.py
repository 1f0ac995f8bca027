# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Overrides of groups and hosts resolved to KubeFed's: the stronger one stands, and who won is told."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.layers import Layer, NoSuchItem, resolve
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.preview import apply_overrides, check_paths

BASE: dict[str, Any] = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "web", "namespace": "shop", "labels": {"a.b/c": "1"}},
    "spec": {"replicas": 1, "list": [1, 2], "containers": [{"name": "web", "image": "x:1", "env": []}, {"name": "side", "image": "y:1"}]},
}


def values(by: str, _clusters: list[str] | None = None, **content: Any) -> Layer:
    return Layer(by, None if _clusters is None else frozenset(_clusters), values=content)


def patch(by: str, path: str, value: Any = None, op: str = "") -> Layer:
    override = {"path": path, **({"op": op} if op else {}), **({"value": value} if op != "remove" else {})}
    return Layer(by, patches=[override])


def zj(*layers: Layer) -> tuple[list[dict[str, Any]], list[str]]:
    """The overrides of one cluster, and the decisions in words."""
    overrides, decisions = resolve(BASE, list(layers), ["zj"])
    found = overrides[0]["clusterOverrides"] if overrides else []
    check_paths(found)
    return found, [str(decision) for decision in decisions]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ({"spec": {"replicas": 3}}, [{"op": "replace", "path": "/spec/replicas", "value": 3}]),
        ({"spec": {"replicas": 1}}, []),
        ({"spec": {"replicas": True}}, [{"op": "replace", "path": "/spec/replicas", "value": True}]),
        ({"spec": {"paused": True, "replicas": None}}, [("add", "/spec/paused", True), ("remove", "/spec/replicas")]),
        ({"spec": {"nowhere": None}}, []),
        (
            {"metadata": {"labels": {"a.b/c": "2", "x~y": "3"}}},
            [("replace", "/metadata/labels/a.b~1c", "2"), ("add", "/metadata/labels/x~0y", "3")],
        ),
        ({"metadata": {"annotations": {"p/q": "1"}}}, [("add", "/metadata/annotations", {"p/q": "1"})]),
        (
            {"spec": {"containers": {"side": {"image": "y:2"}, "0": {"image": "x:2"}}}},
            [("replace", "/spec/containers/1/image", "y:2"), ("replace", "/spec/containers/0/image", "x:2")],
        ),
        ({"spec": {"containers": [{"name": "one"}]}}, [("replace", "/spec/containers", [{"name": "one"}])]),
        ({"spec": {"list": []}}, [("replace", "/spec/list", [])]),
    ],
)
def test_values(content: dict[str, Any], expected: list[Any]) -> None:
    wanted = [one if isinstance(one, dict) else dict(zip(("op", "path", "value"), one, strict=False)) for one in expected]
    before = copy.deepcopy(BASE)
    assert zj(values("task", **content)) == (wanted, [])
    assert before == BASE


def test_no_such_item() -> None:
    with pytest.raises(NoSuchItem) as caught:
        zj(values("host zj", spec={"containers": {"wbe": {"image": "x"}}}))
    assert (caught.value.by, caught.value.path, caught.value.known) == ("host zj", "/spec/containers/wbe", ["web", "side"])
    with pytest.raises(NoSuchItem) as caught:
        zj(values("host zj", spec={"list": {"2": 3}}))
    assert caught.value.known == ["0", "1"]


@pytest.mark.parametrize(
    ("layers", "expected", "said"),
    [
        # the stronger stands
        (
            [values("group gpu", spec={"replicas": 2}), values("host zj", spec={"replicas": 3})],
            [("replace", "/spec/replicas", 3)],
            ["cluster zj: /spec/replicas: host zj wins over group gpu"],
        ),
        # also where the weaker one is a patch, and the stronger only adds what is gone with it
        (
            [patch("group gpu", "/spec/paused", True, "add"), patch("host zj", "/spec/paused", False)],
            [("add", "/spec/paused", False)],
            ["cluster zj: /spec/paused: host zj wins over group gpu"],
        ),
        # what is above covers what is below
        (
            [values("group gpu", metadata={"labels": {"x": "1"}}), patch("host zj", "/metadata/labels", {"y": "2"})],
            [(None, "/metadata/labels", {"y": "2"})],
            ["cluster zj: /metadata/labels/x: host zj wins over group gpu"],
        ),
        # what is below goes on top of what is above
        (
            [values("group gpu", metadata={"annotations": {"x": "1"}}), values("host zj", metadata={"annotations": {"x": "2", "y": "3"}})],
            [
                ("add", "/metadata/annotations", {"x": "1"}),
                ("replace", "/metadata/annotations/x", "2"),
                ("add", "/metadata/annotations/y", "3"),
            ],
            [],
        ),
        # removing what only the weaker one adds leaves nothing to do
        (
            [patch("group gpu", "/spec/paused", True, "add"), patch("host zj", "/spec/paused", op="remove")],
            [],
            ["cluster zj: /spec/paused: host zj wins over group gpu"],
        ),
        # making room in a list covers nothing
        (
            [patch("group gpu", "/spec/containers/0/image", "x:2"), patch("host zj", "/spec/containers/0", {"name": "first"}, "add")],
            [(None, "/spec/containers/0/image", "x:2"), ("add", "/spec/containers/0", {"name": "first"})],
            [],
        ),
        # a misspelt patch stays, for the checks to tell
        ([patch("group gpu", "/spec/replicsa", 3)], [(None, "/spec/replicsa", 3)], []),
        # twice by the same hand is no matter of precedence
        (
            [patch("a", "/spec/replicas", 3), patch("b", "/spec/other", 3, "add")],
            [(None, "/spec/replicas", 3), ("add", "/spec/other", 3)],
            [],
        ),
    ],
)
def test_precedence(layers: list[Layer], expected: list[Any], said: list[str]) -> None:
    wanted = [{key: part for key, part in zip(("op", "path", "value"), one, strict=False) if part is not None} for one in expected]
    assert zj(*layers) == (wanted, said)


def test_for_whom() -> None:
    layers = [values("all", spec={"a": 1}), values("group x", ["cddev", "local"], spec={"b": 2}), values("host", ["zj"], spec={"c": 3})]
    overrides, _decisions = resolve(BASE, layers, ["cddev", "zj"])
    told = {one["clusterName"]: [patch["path"] for patch in one["clusterOverrides"]] for one in overrides}
    assert told == {"cddev": ["/spec/a", "/spec/b"], "zj": ["/spec/a", "/spec/c"]}
    for fits in ({"kind": "Deployment"}, {"name": "web", "namespace": "shop"}):
        assert resolve(BASE, [Layer("x", values={"spec": {"z": 1}}, **fits)], ["zj"])[0]
    for other in ({"kind": "Service"}, {"name": "wbe"}, {"namespace": "x", "name": "web"}):
        assert resolve(BASE, [Layer("x", values={"spec": {"z": 1}}, **other)], ["zj"]) == ([], [])


KEYS = st.sampled_from(["a", "b", "c/d", "e~f"])
TREES = st.recursive(
    st.one_of(st.integers(0, 3), st.booleans(), st.sampled_from(["x", ""])),
    lambda inner: st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=6,
)
MERGES = st.dictionaries(
    KEYS, st.recursive(st.one_of(st.none(), st.integers(0, 3)), lambda inner: st.dictionaries(KEYS, inner, max_size=3))
)


def merge(there: Any, change: dict[str, Any]) -> Any:
    """RFC 7386, as people expect values to merge; an empty mapping changes nothing where one is."""
    result = dict(there) if isinstance(there, dict) else {}
    for key, value in change.items():
        old = result.get(key)
        if value is None:
            result.pop(key, None)
        elif isinstance(value, dict) and value and isinstance(old, dict):
            result[key] = merge(old, value)
        else:
            result[key] = value
    return result


@given(spec=st.dictionaries(KEYS, TREES, max_size=3), changes=st.lists(MERGES, max_size=4))
def test_values_of_many_merge_as_one_after_another(spec: dict[str, Any], changes: list[dict[str, Any]]) -> None:
    base = {"kind": "X", "metadata": {"name": "x"}, "spec": spec}
    layers = [Layer(str(index), values={"spec": change} if change else {}) for index, change in enumerate(changes)]
    overrides, _decisions = resolve(base, layers, ["zj"])
    found = overrides[0]["clusterOverrides"] if overrides else []
    check_paths(found)
    wanted = spec
    for change in changes:
        wanted = merge(wanted, change)
    assert apply_overrides(base, found)["spec"] == wanted
