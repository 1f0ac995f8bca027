# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What to do with one object, and when a server-side apply changes nothing."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.plan import (
    APPLY,
    AWAIT_DELETION,
    CREATE,
    DELETE,
    NONE,
    ORPHAN,
    RECREATE,
    decide,
    decide_absent,
    same,
    shown,
)

DESIRED = {
    "apiVersion": "types.kubefed.io/v1beta1",
    "kind": "FederatedConfigMap",
    "metadata": {"name": "x", "namespace": "ns", "labels": {"a": "b"}},
    "spec": {"template": {"data": {"k": "1"}, "empty": {}}, "placement": {"clusters": [{"name": "zj"}]}},
}
OWNED = {
    "f:metadata": {"f:labels": {".": {}, "f:a": {}}},
    "f:spec": {"f:placement": {"f:clusters": {}}, "f:template": {"f:data": {"f:k": {}}, "f:empty": {}}},
}


def live(fields: Any = None, manager: str = "edgefed", operation: str = "Apply", subresource: str = "", **changes: Any) -> dict[str, Any]:
    entry = {
        "manager": manager,
        "operation": operation,
        "apiVersion": DESIRED["apiVersion"],
        "fieldsV1": OWNED if fields is None else fields,
        "time": "now",
    }
    others = {"manager": "controller-manager", "operation": "Update", "fieldsV1": {"f:metadata": {"f:finalizers": {}}}, "time": "t"}
    status = {"manager": "controller-manager", "operation": "Update", "subresource": "status", "fieldsV1": {"f:status": {}}, "time": "t"}
    meta = {**DESIRED["metadata"], "uid": "1", "resourceVersion": "5", "generation": 2, "finalizers": ["kubefed.io/sync-controller"]}
    entry |= {"subresource": subresource} if subresource else {}
    return {"metadata": {**meta, "managedFields": [others, entry, status]}, "spec": DESIRED["spec"], "status": {"a": 1}, **changes}


def dying() -> dict[str, Any]:
    return {**live(), "metadata": {**live()["metadata"], "deletionTimestamp": "now"}}


@pytest.mark.parametrize(
    ("current", "action", "absent"),
    [
        (None, CREATE, NONE),
        (live(), NONE, DELETE),
        (dying(), RECREATE, AWAIT_DELETION),
        (live(spec={**DESIRED["spec"], "template": {"data": {"k": "2"}, "empty": {}}}), APPLY, DELETE),
        (live(manager="kubectl"), APPLY, DELETE),
        (live(operation="Update"), APPLY, DELETE),
        (live(subresource="status"), APPLY, DELETE),
        (live({**OWNED, "f:data": {"f:more": {}}}), APPLY, DELETE),
        (live({"f:spec": OWNED["f:spec"]}), APPLY, DELETE),
    ],
)
def test_decisions(current: Any, action: str, absent: str) -> None:
    assert (decide(DESIRED, current), decide_absent(current)) == (action, absent)


@pytest.mark.parametrize(
    ("metadata", "asked", "left"),
    [
        ({}, ORPHAN, DELETE),
        ({"annotations": {"kubefed.io/orphan": "true"}}, ORPHAN, ORPHAN),
        ({"annotations": {"kubefed.io/orphan": "false"}}, ORPHAN, DELETE),
        ({"deletionTimestamp": "now"}, ORPHAN, AWAIT_DELETION),
        ({"deletionTimestamp": "now", "annotations": {"kubefed.io/orphan": "true"}}, AWAIT_DELETION, AWAIT_DELETION),
    ],
)
def test_orphaning(metadata: Any, asked: str, left: str) -> None:
    """Asked for, or not: KubeFed heeds the mark, whoever set it, also on what is in deletion already."""
    current = {"metadata": metadata}
    assert (decide_absent(current, orphan=True), decide_absent(current)) == (asked, left)
    assert decide_absent(None, orphan=True) == NONE


@pytest.mark.parametrize(
    ("change", "equal"),
    [
        ({}, True),
        ({"status": {"b": 2}, "kind": "FederatedConfigMap"}, True),
        ({"metadata": {**live()["metadata"], "resourceVersion": "6"}}, True),
        ({"metadata": {**live()["metadata"], "generation": 3}}, False),
        ({"metadata": {**live()["metadata"], "managedFields": []}}, False),
        ({"spec": {}}, False),
    ],
)
def test_same(change: dict[str, Any], equal: bool) -> None:
    assert same(live(), {**live(), **change}) == equal


def test_shown() -> None:
    assert shown(None) == {}
    assert shown(live()) == {
        "metadata": {**DESIRED["metadata"], "finalizers": ["kubefed.io/sync-controller"]},
        "spec": DESIRED["spec"],
    }
