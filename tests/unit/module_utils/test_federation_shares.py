# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The distribution of replicas: KubeFed's own cases (planner_test.go, those without capacity), and what always holds."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.shares import (
    distribute,
    given_replicas,
    same_overrides,
    satisfied,
    with_replicas,
)


def share(weight: int, least: int = 0, most: int | None = None) -> dict[str, int]:
    return {"weight": weight, "minReplicas": least, **({} if most is None else {"maxReplicas": most})}


EQUAL = {"*": share(1)}
HEAVY = {"A": share(10000), "B": share(1)}


@pytest.mark.parametrize(
    ("clusters", "total", "expected"),
    [
        (EQUAL, 50, {"A": 16, "B": 17, "C": 17}),
        (EQUAL, 50, {"A": 25, "B": 25}),
        (EQUAL, 1, {"A": 0, "B": 1}),
        (EQUAL, 1, {"A": 0, "B": 0, "C": 0, "D": 1}),
        (EQUAL, 1, {"A": 1}),
        (EQUAL, 1, {}),
        ({}, 50, {"A": 25, "B": 25}),
        ({"*": share(0, 2)}, 50, {"A": 2, "B": 2, "C": 2}),
        ({"*": share(0, 20)}, 50, {"A": 10, "B": 20, "C": 20}),
        ({"*": share(0, 20), "A": share(1, 100)}, 50, {"A": 50, "B": 0, "C": 0}),
        ({"*": share(1, 10, 12)}, 50, {"A": 12, "B": 12, "C": 12}),
        ({"*": share(1, 0, 2)}, 50, {"A": 2, "B": 2, "C": 2}),
        ({"*": share(0, 0, 2)}, 50, {"A": 0, "B": 0, "C": 0}),
        ({"A": share(1), "B": share(2)}, 60, {"A": 20, "B": 40, "C": 0}),
        (HEAVY, 50, {"A": 50, "B": 0, "C": 0}),
        (HEAVY, 50, {"B": 50, "C": 0}),
        ({"A": share(10000, 0, 10), "B": share(1), "C": share(1)}, 50, {"A": 10, "B": 20, "C": 20}),
    ],
)
def test_as_the_planner(clusters: dict[str, Any], total: int, expected: dict[str, int]) -> None:
    spec = {"clusters": clusters, "totalReplicas": total, "rebalance": True}
    assert distribute(spec, expected, {}, "") == expected


@pytest.mark.parametrize(
    ("total", "current", "expected"),
    [
        (50, {"C": 30}, {"A": 10, "B": 10, "C": 30}),
        (50, {"A": 30}, {"A": 30, "B": 20}),
        (15, {"A": 1, "B": 8}, {"A": 7, "B": 8}),
        (15, {"A": 7, "B": 8}, {"A": 7, "B": 8}),
        (500000, {"A": 300000}, {"A": 300000, "B": 200000}),
        (50, {"A": 10}, {"A": 25, "B": 25}),
        (50, {"A": 10, "B": 70}, {"A": 0, "B": 50}),
        (1, {"A": 30}, {"A": 1, "B": 0}),
        (50, {"A": 10, "B": 20}, {"A": 25, "B": 25}),
    ],
)
def test_what_runs_stays_without_rebalancing(total: int, current: dict[str, int], expected: dict[str, int]) -> None:
    assert distribute({"clusters": EQUAL, "totalReplicas": total}, expected, current, "") == expected


SHARES = st.fixed_dictionaries(
    {}, optional={"weight": st.integers(0, 9), "minReplicas": st.integers(0, 5), "maxReplicas": st.integers(5, 12)}
)
SPECS = st.fixed_dictionaries(
    {"totalReplicas": st.integers(0, 40), "rebalance": st.booleans()},
    optional={"clusters": st.dictionaries(st.sampled_from(["*", "a", "b", "c"]), SHARES)},
)


@given(SPECS, st.dictionaries(st.sampled_from("abc"), st.integers(0, 20)))
def test_what_always_holds(spec: dict[str, Any], current: dict[str, int]) -> None:
    plan = distribute(spec, ["a", "b", "c"], current, "ns/x")
    assert set(plan) == {"a", "b", "c"} and sum(plan.values()) <= spec["totalReplicas"]
    for name, count in plan.items():
        wish = (spec.get("clusters") or {"*": {"weight": 1}}).get(name, (spec.get("clusters") or {"*": {}}).get("*", {"maxReplicas": 0}))
        assert 0 <= count <= wish.get("maxReplicas", 40)
    assert distribute({**spec, "rebalance": True}, ["c", "b", "a"], {}, "ns/x") == distribute(
        {**spec, "rebalance": True}, ["a", "b", "c"], current, "ns/x"
    )


def overrides(**replicas: int) -> list[dict[str, Any]]:
    return [{"clusterName": name, "clusterOverrides": [{"path": "/spec/replicas", "value": count}]} for name, count in replicas.items()]


def test_replicas_in_overrides() -> None:
    image = {"path": "/spec/template/spec/containers/0/image", "value": "x"}
    own = [
        {"clusterName": "zj", "clusterOverrides": [image]},
        {"clusterName": "old", "clusterOverrides": overrides(old=1)[0]["clusterOverrides"]},
    ]
    merged = with_replicas(own, {"zj": 3, "cddev": 0})
    assert given_replicas({"spec": {"overrides": merged}}) == {"zj": 3, "cddev": 0}
    assert merged[0] == {"clusterName": "zj", "clusterOverrides": [image, {"path": "/spec/replicas", "value": 3}]}
    assert same_overrides(merged, list(reversed(merged))) and not same_overrides(merged, own)
    assert with_replicas(overrides(zj=1), {"zj": 2}) == overrides(zj=2)
    assert given_replicas(None) == given_replicas({"spec": {}}) == {}


def test_whether_kubefed_follows() -> None:
    plan = {"a": 2, "b": 1}
    assert satisfied({"rebalance": True}, plan, plan) and not satisfied({"rebalance": True}, plan, {"a": 1, "b": 2})
    assert satisfied({"rebalance": True}, plan, {"a": 1, "b": 2}, loose=True)
    assert satisfied({}, plan, {"a": 1, "b": 2}) and not satisfied({}, plan, {"a": 1, "b": 1}) and not satisfied({}, plan, {"a": 3})
