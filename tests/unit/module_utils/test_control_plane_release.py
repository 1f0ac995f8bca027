# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Helm's records read, KubeFed's version found. What a real Helm writes is read in tests/integration/test_control_plane.py."""

from __future__ import annotations

import base64
import gzip
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ansible_collections.edgefed.kubefed.plugins.module_utils.control_plane import release
from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import EdgefedError

NOW = datetime(2026, 1, 1, 12, 0, 0, tzinfo=UTC)


def secret(content: dict[str, Any], packed: bool = True) -> dict[str, Any]:
    """A Secret as Helm writes it."""
    text = json.dumps(content).encode()
    inner = base64.b64encode(gzip.compress(text) if packed else text)
    return {
        "metadata": {"name": "sh.helm.release.v1.kubefed.v3", "namespace": "ns"},
        "data": {"release": base64.b64encode(inner).decode()},
    }


CONTENT = {
    "name": "kubefed",
    "namespace": "ns",
    "version": 3,
    "info": {"status": "deployed", "last_deployed": "2026-01-01T11:59:50.123456789Z"},
    "config": {"controllermanager": {"controller": {"tag": "v0.10.0"}}},
    "chart": {"metadata": {"name": "kubefed", "version": "0.0.6"}, "values": {"controllermanager": {"controller": {"tag": "canary"}}}},
    "manifest": "---\nkind: Service\n---\nkind: Deployment\n",
}


@pytest.mark.parametrize("packed", [True, False])
def test_decode(packed: bool) -> None:
    """Helm before 3.0 did not gzip; both are read."""
    found = release.decode(secret(CONTENT, packed))
    assert (found.name, found.namespace, found.revision, found.status) == ("kubefed", "ns", 3, "deployed")
    assert (found.chart, found.version, found.runs_pods) == ("kubefed-0.0.6", "0.10.0", True)
    assert found.updated == datetime(2026, 1, 1, 11, 59, 50, 123456, tzinfo=UTC)
    assert found.values == CONTENT["config"]


@pytest.mark.parametrize(
    ("manifest", "runs_pods"),
    [("kind: Deployment\n", True), ("kind: FederatedTypeConfig\nspec:\n  targetType:\n    kind: Deployment\n", False), (None, False)],
)
def test_runs_pods(manifest: str | None, runs_pods: bool) -> None:
    """A Deployment of the chart, not the federated type of that name."""
    assert release.decode(secret({**CONTENT, "manifest": manifest})).runs_pods is runs_pods


@pytest.mark.parametrize("data", ["", "AAAA", base64.b64encode(base64.b64encode(b"\x1f\x8bcut off")).decode()])
def test_damaged_record_is_named(data: str) -> None:
    """A damaged record is one message that names the Secret."""
    with pytest.raises(EdgefedError) as caught:
        release.decode({"metadata": {"name": "sh.helm.release.v1.kubefed.v3", "namespace": "ns"}, "data": {"release": data}})
    assert caught.value.code == "release_unreadable"
    assert "sh.helm.release.v1.kubefed.v3" in caught.value.message
    assert "Next:" in caught.value.message


@pytest.mark.parametrize(
    ("number", "default_tag", "tag", "version"),
    [
        ("0.0.6", "canary", "v0.10.0", "0.10.0"),
        ("0.0.6", "canary", None, None),
        ("0.9.2", "v0.9.2", None, "0.9.2"),
        ("0.9.2", "v0.9.2", "v0.10.0", "0.10.0"),
        ("0.9.2", "v0.9.2", "mirror-17", "0.9.2"),
        ("0.0.6", "canary", "latest", None),
        ("0.10.0", "v0.10.0", "v0.10.0-patched.1", "0.10.0-patched.1"),
    ],
)
def test_version(number: str, default_tag: str, tag: str | None, version: str | None) -> None:
    """The tag that runs tells it, else a published chart's number."""
    chart = {"metadata": {"version": number}, "values": {"controllermanager": {"controller": {"tag": default_tag}}}}
    values = {"controllermanager": {"controller": {"tag": tag}}} if tag else {}
    assert release.kubefed_version(chart, values) == version


@pytest.mark.parametrize(
    ("base", "over", "result"),
    [
        ({"a": {"b": 1, "c": 2}}, {"a": {"b": 3}}, {"a": {"b": 3, "c": 2}}),
        ({"a": [1, 2]}, {"a": [3]}, {"a": [3]}),
        ({"a": {"b": 1}}, {"a": None}, {"a": None}),
        ({}, {"a": {"b": 1}}, {"a": {"b": 1}}),
    ],
)
def test_merged(base: Any, over: Any, result: Any) -> None:
    """Mappings are merged, everything else replaced."""
    assert release.merged(base, over) == result


@pytest.mark.parametrize(
    ("status", "age", "left"),
    [("pending-install", 5, 10), ("pending-upgrade", 15, 0), ("pending-install", -100, 15), ("deployed", 1, 0), ("failed", 1, 0)],
)
def test_under_way(status: str, age: float, left: float) -> None:
    """A pending record is somebody's work for the grace, however far the clocks are apart."""
    record = release.Release("kubefed", "ns", 1, status, "kubefed-0.0.6", None, updated=NOW - timedelta(seconds=age))
    assert release.under_way(record, NOW, 15) == left


def test_latest() -> None:
    """By revision, not by the order of the names, in which v10 comes before v9."""
    records = [release.Release("kubefed", "ns", number, "deployed", "c", None) for number in (10, 9, 1)]
    assert release.latest(records) is records[0]
    assert release.latest([]) is None
