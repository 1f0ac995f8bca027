# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Groups of a cluster in the inventory."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.edgefed.kubefed.plugins.module_utils.clusters.groups import BY, groups_of

PLAIN = {"ready": True, "region": "", "zones": [], "labels": {}, "cordon": ""}
OWN = {"app.kubernetes.io/managed-by": "edgefed", "topology.kubernetes.io/region": "r", "topology.kubernetes.io/zone": "z"}


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        ({}, ["ready"]),
        ({"ready": False}, ["not_ready"]),
        ({"region": "east", "zones": ["a", "b"]}, ["ready", "region_east", "zone_a", "zone_b"]),
        (
            {"labels": {**OWN, "tier": "shop", "example.org/x": "1", "edge": ""}},
            ["ready", "label_edge", "label_example.org/x_1", "label_tier_shop"],
        ),
        ({"cordon": "cordoned"}, ["ready", "cordoned"]),
        ({"cordon": "drained", "ready": False}, ["not_ready", "drained"]),
        ({"cordon": "all"}, ["ready"]),
    ],
)
def test_groups(record: dict[str, Any], expected: list[str]) -> None:
    assert groups_of({**PLAIN, **record}, BY) == ["kubefed_clusters", *expected]


@pytest.mark.parametrize("by", BY)
def test_only_those_that_are_wanted(by: str) -> None:
    record = {**PLAIN, "region": "east", "zones": ["a"], "labels": {"tier": "shop"}, "cordon": "drained"}
    everything = groups_of(record, BY)
    assert len(everything) == 1 + len(BY)
    assert groups_of(record, [by]) == [everything[0], everything[1 + BY.index(by)]]
    assert groups_of(record, []) == ["kubefed_clusters"]
