# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One change while another run, or KubeFed, writes too: whose it was, told truly. The cluster is a fake one."""

from __future__ import annotations

from typing import Any, Callable

import pytest

from ansible_collections.edgefed.kubefed.plugins.module_utils.client import ApiError
from ansible_collections.edgefed.kubefed.plugins.module_utils.member.desired import Ref
from ansible_collections.edgefed.kubefed.plugins.module_utils.member.objects import CONFLICTS_AT_MOST, carry_out
from ansible_collections.edgefed.kubefed.plugins.module_utils.member.plan import Change

REF = Ref("member", "v1", "ServiceAccount", "zj-local", "fed")
Object = dict[str, Any]


def account(version: str = "1", note: str | None = None, **meta: Any) -> Object:
    """The object at a version."""
    return {"metadata": {"name": "zj-local", "uid": "u", "resourceVersion": version, "annotations": {"note": note} if note else {}, **meta}}


WANTED = {"metadata": {"name": "zj-local", "annotations": {"note": "new"}}}


class FakeCluster:
    """One object. ``meanwhile`` is what somebody else does before each of the next writes."""

    where = "fake cluster"

    def __init__(self, live: Object | None, *meanwhile: Callable[[], Object | None]) -> None:
        self.live, self.meanwhile = live, list(meanwhile)
        self.writes = 0

    def find(self, _path: str) -> Object | None:
        return self.live

    def _begin(self, uid: str | None, version: str | None) -> None:
        self.writes += 1
        if self.meanwhile:
            self.live = self.meanwhile.pop(0)()
        meta = (self.live or {}).get("metadata", {})
        if (uid and self.live and uid != meta["uid"]) or (version and version != meta.get("resourceVersion")):
            raise ApiError("conflict", 409, "Conflict", {})

    def apply(self, _path: str, body: Object, statuses: list[int] | None = None) -> Object:
        self._begin(None, body["metadata"].get("resourceVersion"))
        if statuses is not None:
            statuses.append(200 if self.live else 201)
        self.live = account("9", body["metadata"]["annotations"]["note"])
        return self.live

    def delete(self, _path: str, body: Object | None) -> bool:
        conditions = (body or {}).get("preconditions", {})
        self._begin(conditions.get("uid"), conditions.get("resourceVersion"))
        there, self.live = self.live is not None, None
        return there


GOING = {"deletionTimestamp": "now", "finalizers": ["f"]}
HELD = account(finalizers=["f"])


@pytest.mark.parametrize(
    ("action", "planned_on", "meanwhile", "ours", "writes"),
    [
        ("create", None, [], True, 1),
        ("create", None, [lambda: account("2", "new")], False, 1),
        ("update", account(), [], True, 1),
        ("update", account(), [lambda: account("2", "new")], False, 1),
        # somebody wrote something else
        ("update", account(), [lambda: account("2"), lambda: account("3")], True, 3),
        ("delete", account(), [], True, 1),
        ("delete", account(), [lambda: None], False, 1),
        # status or fields written meanwhile are no matter to a deletion that nothing holds up
        ("delete", account(), [lambda: account("2")], True, 1),
        ("delete", account(), [lambda: account(uid="another")], True, 2),
        ("replace", account(), [], True, 2),
        ("delete", HELD, [], True, 1),
        ("delete", HELD, [lambda: account("2", **GOING)], False, 1),
        ("delete", HELD, [lambda: account("2", finalizers=["f"])], True, 2),
    ],
)
def test_whose_it_was(action: str, planned_on: Object | None, meanwhile: list[Any], ours: bool, writes: int) -> None:
    cluster = FakeCluster(planned_on, *meanwhile)
    found, live = carry_out(cluster, Change(action, REF, WANTED, planned_on), 1)  # type: ignore[arg-type]
    assert (found, cluster.writes) == (ours, writes)
    assert action == "delete" or (live and live["metadata"]["annotations"]["note"] == "new")


@pytest.mark.parametrize("action", ["update", "delete"])
def test_not_for_ever(action: str) -> None:
    """Somebody who always writes first is told of by the API server's own word."""
    versions = iter(range(2, 99))
    cluster = FakeCluster(HELD, *[lambda: account(str(next(versions)), finalizers=["f"])] * 50)
    with pytest.raises(ApiError):
        carry_out(cluster, Change(action, REF, WANTED, HELD), 1)  # type: ignore[arg-type]
    assert cluster.writes == CONFLICTS_AT_MOST


def test_what_another_made_anew_stays() -> None:
    """A run that was to make it anew plans again."""
    cluster = FakeCluster(account(uid="another"))
    with pytest.raises(ApiError) as raised:
        carry_out(cluster, Change("replace", REF, WANTED, account()), 1)  # type: ignore[arg-type]
    assert (raised.value.status, cluster.writes) == (409, 0)


@pytest.mark.parametrize("gone", [None, account("2", **GOING)])
def test_gone_before_an_update(gone: Object | None) -> None:
    """It is for whoever planned it to plan again."""
    with pytest.raises(ApiError):
        carry_out(FakeCluster(account(), lambda: gone), Change("update", REF, WANTED, account()), 1)  # type: ignore[arg-type]
