# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What counts as the same and what does not, case by case."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from ansible_collections.edgefed.kubefed.plugins.module_utils.verify.compare import (
    ABSENT,
    compare,
    field_path,
    quantity,
    shown,
)


def paths(desired: dict[str, Any], actual: dict[str, Any], **options: Any) -> list[str]:
    found = compare(desired, actual, options.pop("overrides", []), options.pop("template", {}), **options)
    return [item.path for item in found]


@pytest.mark.parametrize(
    ("desired", "actual"),
    [
        ({"spec": {"a": 1}}, {"spec": {"a": 1, "defaulted": True}, "status": {"x": 1}}),
        ({"apiVersion": "extensions/v1beta1", "kind": "Deployment", "spec": {}}, {"apiVersion": "apps/v1", "spec": {}}),
        ({"spec": {"a": None}}, {"spec": {"a": 5}}),
        ({"spec": {"a": None}}, {}),
        ({"spec": {"nodeSelector": {}, "volumes": [], "hostNetwork": False, "hostname": ""}}, {"spec": {}}),
        ({"spec": {"c": [{"name": "x", "image": "i"}]}}, {"spec": {"c": [{"name": "x", "image": "i", "imagePullPolicy": "Always"}]}}),
        ({"spec": {"weight": 1.0}}, {"spec": {"weight": 1}}),
        ({"spec": {"limits": {"cpu": "1000m", "memory": "1024Mi"}}}, {"spec": {"limits": {"cpu": "1", "memory": "1Gi"}}}),
        ({"spec": {"limits": {"cpu": 1}}}, {"spec": {"limits": {"cpu": "1"}}}),
        ({"spec": {"hard": {"pods": "1k"}}}, {"spec": {"hard": {"pods": "1e3"}}}),
        ({"spec": {"emptyDir": {"sizeLimit": "0.5Gi"}}}, {"spec": {"emptyDir": {"sizeLimit": "512Mi"}}}),
        ({"metadata": {"annotations": {}, "labels": {"a": "b"}}}, {"metadata": {"labels": {"a": "b", "c": "d"}}}),
        ({"metadata": {"finalizers": ["f"]}}, {"metadata": {"finalizers": ["other", "f"]}}),
        ({"metadata": {"creationTimestamp": None, "name": "x", "generation": 3}}, {"metadata": {"name": "x", "generation": 9}}),
        ({"status": {"phase": "wanted"}}, {"status": {"phase": "Other"}}),
        ({"binaryData": {"a": "YWI="}}, {"binaryData": {"a": "YW\nI="}}),
        ({"kind": "Secret", "stringData": {"a": "x"}, "data": {"b": "eQ=="}}, {"data": {"a": "eA==", "b": "eQ=="}}),
        ({"kind": "Secret", "stringData": {"a": "x"}, "data": {"a": "eQ=="}}, {"data": {"a": "eA=="}}),
    ],
)
def test_same(desired: dict[str, Any], actual: dict[str, Any]) -> None:
    assert paths(desired, actual) == []


@pytest.mark.parametrize(
    ("desired", "actual", "expected"),
    [
        ({"spec": {"replicas": 3}}, {"spec": {"replicas": 5}}, ["spec.replicas"]),
        ({"spec": {"replicas": 0}}, {"spec": {}}, ["spec.replicas"]),
        ({"spec": {"a": True}}, {"spec": {"a": 1}}, ["spec.a"]),
        ({"spec": {"a": 1}}, {"spec": {"a": True}}, ["spec.a"]),
        ({"spec": {"a": False}}, {"spec": {"a": True}}, ["spec.a"]),
        ({"spec": {"port": 80}}, {"spec": {"port": "80"}}, ["spec.port"]),
        ({"spec": {"a": "1000m"}}, {"spec": {"a": "1"}}, ["spec.a"]),
        ({"spec": {"limits": {"cpu": "2"}}}, {"spec": {"limits": {"cpu": "1500m"}}}, ["spec.limits.cpu"]),
        ({"spec": {"a": {"b": 1}}}, {"spec": {"a": [1]}}, ["spec.a"]),
        ({"spec": {"a": {"b": 1}}}, {"spec": {}}, ["spec.a"]),
        ({"data": {"a": "", "b": "x"}}, {"data": {"b": "y"}}, ["data.a", "data.b"]),
        ({"data": {"k/e y": "1"}}, {"data": {}}, ['data["k/e y"]']),
        ({"metadata": {"labels": {"a.b/c": "1"}}}, {"metadata": {"labels": {"a.b/c": "2"}}}, ['metadata.labels["a.b/c"]']),
        ({"metadata": {"finalizers": ["f"]}}, {"metadata": {}}, ["metadata.finalizers"]),
        ({"spec": {"c": [{"image": "a"}, {"image": "b"}]}}, {"spec": {"c": [{"image": "a"}, {"image": "x"}]}}, ["spec.c[1].image"]),
        ({"spec": {"c": [1, 2]}}, {"spec": {"c": [1, 2, 3]}}, ["spec.c"]),
        ({"spec": {"c": [{"name": "a"}]}}, {"spec": {"c": [{"name": "a"}, {"name": "sidecar"}]}}, ["spec.c.sidecar"]),
        ({"spec": {"c": [{"name": "a"}, {"name": "b"}]}}, {"spec": {"c": [{"name": "b"}]}}, ["spec.c.a"]),
        ({"binaryData": {"a": "YWI="}}, {"binaryData": {"a": "YWM="}}, ["binaryData.a"]),
        ({"kind": "Secret", "stringData": {"a": "x"}}, {"data": {"a": "eQ=="}}, ["data.a"]),
        ({"kind": "Secret", "type": "a", "data": {"a": "eA=="}}, {"type": "b", "data": {}}, ["data.a", "type"]),
    ],
)
def test_different(desired: dict[str, Any], actual: dict[str, Any], expected: list[str]) -> None:
    assert paths(desired, actual) == expected


def test_a_secret_never_shows_its_data() -> None:
    secret = base64.b64encode(b"hunter2").decode()
    found = compare({"kind": "Secret", "stringData": {"a": "hunter2"}}, {"data": {"a": "b3RoZXI="}}, [], {})
    found += compare({"kind": "Secret", "data": {"a": secret}}, {}, [], {})
    found += compare({"kind": "Secret", "data": {}}, {"data": {"a": secret}}, [], {}, exact=True)
    words = " ".join(item.words() for item in found)
    assert len(found) == 3
    assert not {"hunter2", secret, "b3RoZXI="} & set(words.replace(",", " ").replace('"', " ").split())
    assert "data.a is another value (a secret, not shown)" in words


def remove(path: str) -> list[dict[str, str]]:
    return [{"op": "remove", "path": path}]


@pytest.mark.parametrize(
    ("path", "template", "actual", "relaxed", "exact"),
    [
        ("/metadata/annotations/foo", {}, {"metadata": {"annotations": {"foo": "x"}}}, True, True),
        ("/metadata/annotations/foo", {}, {"metadata": {}}, False, False),
        ("/data/a", {"data": {"a": "1"}}, {"data": {"a": "1"}}, True, True),
        ("/data/a", {"data": {"a": "1"}}, {"data": {"a": "2"}}, True, True),
        ("/spec/replicas", {"spec": {"replicas": 5}}, {"spec": {"replicas": 5}}, True, True),
        ("/spec/replicas", {"spec": {"replicas": 5}}, {"spec": {"replicas": 1}}, False, True),
        ("/spec/replicas", {"spec": {"replicas": 1}}, {"spec": {"replicas": 1}}, False, True),
        ("/spec/paused", {"spec": {"paused": True}}, {"spec": {}}, False, False),
        ("/spec/a~1b", {"spec": {"a/b": 1}}, {"spec": {"a/b": 1}}, True, True),
    ],
)
def test_what_an_override_removes_is_gone(path: str, template: Any, actual: Any, relaxed: bool, exact: bool) -> None:
    assert bool(paths({}, actual, overrides=remove(path), template=template)) is relaxed
    assert bool(paths({}, actual, overrides=remove(path), template=template, exact=True)) is exact


def test_removed_and_put_back_or_from_a_list_is_judged_by_the_rest() -> None:
    desired = {"data": {"a": "2"}, "spec": {"c": [1]}}
    assert paths(desired, desired, overrides=remove("/data/a"), template={"data": {"a": "1"}}) == []
    assert paths(desired, desired, overrides=remove("/spec/c/0"), template={"spec": {"c": [0, 1]}}) == []


def test_exact_refuses_what_nobody_asked_for() -> None:
    actual = {
        "data": {"a": "1", "more": "2"},
        "metadata": {
            "labels": {"kubernetes.io/metadata.name": "x", "by-hand": "1"},
            "annotations": {"deployment.kubernetes.io/revision": "1", "note": "1"},
        },
    }
    desired = {"data": {"a": "1"}, "metadata": {"labels": {}}}
    assert paths(desired, actual) == []
    assert paths(desired, actual, exact=True) == ["metadata.labels.by-hand", "metadata.annotations.note", "data.more"]


def test_words() -> None:
    found = compare({"spec": {"replicas": 3, "gone": "x"}}, {"spec": {"replicas": 5}}, [], {})
    assert [item.words() for item in found] == ['spec.gone is not there, should be "x"', "spec.replicas is 5, should be 3"]
    assert shown({"a": "中" * 100}).endswith("…")
    assert repr(ABSENT) == "absent"


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        (("spec", "c", 0, "image"), "spec.c[0].image"),
        (("metadata", "labels", "a.b/c"), 'metadata.labels["a.b/c"]'),
        (('x"y',), '["x\\"y"]'),
    ],
)
def test_field_path(parts: Any, expected: str) -> None:
    assert field_path(parts) == expected


@pytest.mark.parametrize(
    ("same", "as_"),
    [("1", 1), ("1000m", "1"), ("1Ki", "1024"), ("1k", "1000"), ("1.5G", "1500M"), ("1e3", "1000"), ("0.1", "100m"), ("5n", "0.005u")],
)
def test_quantities(same: Any, as_: Any) -> None:
    assert quantity(same) == quantity(as_) is not None


@pytest.mark.parametrize("value", ["", "x", "1x", "1..2", True, None, [], "1 Gi"])
def test_no_quantities(value: Any) -> None:
    assert quantity(value) is None
