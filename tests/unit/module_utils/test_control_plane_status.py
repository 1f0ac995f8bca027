# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What makes a control plane ready, from what the API server shows."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from ansible_collections.edgefed.kubefed.plugins.module_utils.control_plane import status

NOW = datetime(2026, 1, 1, 12, 0, 0, tzinfo=UTC)


def lock(holder: str = "node-1_a", renewed: str = "2026-01-01T11:59:55Z", **more: Any) -> dict[str, Any]:
    """The lock object with a leader's annotation."""
    record = {"holderIdentity": holder, "leaseDurationSeconds": 15, "renewTime": renewed, **more}
    return {"metadata": {"annotations": {status.LEADER_ANNOTATION: json.dumps(record)}}}


@pytest.mark.parametrize(
    ("found", "fresh", "reason"),
    [
        (None, False, "no controller manager has taken the lock"),
        ({"metadata": {}}, False, "no controller manager has taken the lock"),
        ({"metadata": {"annotations": {status.LEADER_ANNOTATION: "{"}}}, False, "no controller manager has taken the lock"),
        (lock(), True, ""),
        (lock(renewed="2026-01-01T11:59:45Z"), True, ""),
        (lock(renewed="2026-01-01T11:59:44Z"), False, "16 s ago; a lease lasts 15 s"),
        (lock(renewed="2026-01-01T11:59:30Z", leaseDurationSeconds=60), True, ""),
        (lock(renewed="2026-01-01T12:00:04Z"), True, ""),
        (lock(renewed="2026-01-01T12:10:00Z"), False, "600 s ahead of this machine's clock"),
        (lock(holder=""), False, "no controller manager has taken the lock"),
    ],
)
def test_leader(found: dict[str, Any] | None, fresh: bool, reason: str) -> None:
    """Fresh within the lease, with clocks a little apart."""
    leader = status.read_leader(found, NOW)
    assert leader.fresh is fresh
    assert reason in leader.reason
    assert bool(leader.reason) is not fresh


def test_leader_whose_clock_is_far_off_is_fresh_once_it_moves() -> None:
    """A clock an hour apart says nothing; that the lock was renewed between two looks does."""
    before = status.read_leader(lock(renewed="2026-01-01T11:00:00Z"), NOW)
    same = status.read_leader(lock(renewed="2026-01-01T11:00:00Z"), NOW, before)
    after = status.read_leader(lock(renewed="2026-01-01T11:00:05Z"), NOW, same)
    assert [before.fresh, same.fresh, after.fresh] == [False, False, True]


def test_leader_that_was_told_to_stop_does_not_count() -> None:
    """Its lease outlives it; only another holder counts."""
    old = status.read_leader(lock("old"), NOW, None, "old")
    assert not old.fresh
    assert "still held by old" in old.reason
    assert status.read_leader(lock("new"), NOW, old, "old").fresh


def test_crds() -> None:
    """Every CRD of the chart is wanted; a federated type that was enabled later is served too."""
    served = {version: set(plurals) for version, plurals in status.CRDS.items()}
    served[status.TYPES_GROUP].add("federatedcrontabs")
    served[status.CORE_GROUP].remove("kubefedclusters")
    there, missing = status.split_crds(served)
    assert missing == ("kubefedclusters.core.kubefed.io",)
    assert "federatedcrontabs.types.kubefed.io" in there
    assert status.split_crds({})[1] and not status.split_crds({})[0]


@pytest.mark.parametrize(
    ("code", "message", "reason"),
    [
        (
            500,
            'cluster "local": POST /x: Internal error occurred: failed calling webhook "kubefedconfigs.core.kubefed.io": '
            "failed to call webhook: "
            'Post "https://127.0.0.1:9443/default-kubefedconfig?timeout=10s": dial tcp 127.0.0.1:9443: connect: connection refused',
            "https://127.0.0.1:9443/default-kubefedconfig: dial tcp 127.0.0.1:9443: connect: connection refused",
        ),
        (404, "not found", "nothing to ask it with: namespace or CRD kubefedconfigs.core.kubefed.io is not there"),
        (403, "is forbidden", "is forbidden"),
    ],
)
def test_webhook_of_error(code: int, message: str, reason: str) -> None:
    """The API server's own words about the call, without the wrapping."""
    assert status.webhook_of_error(code, message) == status.Webhook(answers=False, reason=reason)


def test_webhook_that_was_not_asked_does_not_count_as_an_answer() -> None:
    """The API server accepts the object without its webhook when no configuration matches; the defaults are missing then."""
    assert status.webhook_of_answer({"spec": {"scope": "Cluster", "leaderElect": {"retryPeriod": "5s"}}}, "ns").answers
    unasked = status.webhook_of_answer({"spec": {"scope": "Cluster"}}, "ns")
    assert not unasked.answers
    assert "name=ns" in unasked.reason


def test_webhook_that_only_validates() -> None:
    """The mutating configuration is gone, the validating one refuses what it would have filled in."""
    said = (
        'cluster "local": POST /apis/core.kubefed.io: admission webhook "kubefedconfigs.core.kubefed.io" denied the request: '
        '"kubefedconfigs" is invalid: [spec.controllerDuration: Required value, spec.leaderElect: Required value]'
    )
    found = status.webhook_of_error(403, said, "ns")
    assert not found.answers and "did not ask it" in found.reason and "name=ns" in found.reason


@pytest.mark.parametrize(
    ("listed", "gates"),
    [
        (None, status.DEFAULT_GATES),
        (
            [{"name": "RawResourceStatusCollection", "configuration": "Enabled"}],
            {**status.DEFAULT_GATES, "RawResourceStatusCollection": "Enabled"},
        ),
    ],
)
def test_gates(listed: Any, gates: dict[str, str]) -> None:
    """What is not listed is KubeFed's default."""
    assert status.gates_of({"spec": {"featureGates": listed}}) == gates


def test_pod_troubles() -> None:
    """Waiting containers and pods that no node took; a running one is no trouble."""
    waiting = {"reason": "ImagePullBackOff", "message": 'Back-off pulling image "quay.io/x:v0.10.0"'}
    pods = [
        {"metadata": {"name": "a"}, "status": {"containerStatuses": [{"name": "webhook", "state": {"waiting": waiting}}]}},
        {"metadata": {"name": "b"}, "status": {"containerStatuses": [{"name": "manager", "state": {"running": {}}}]}},
        {
            "metadata": {"name": "c"},
            "status": {"conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/3 nodes"}]},
        },
    ]
    assert status.pod_troubles(pods) == [
        'a/webhook: ImagePullBackOff (Back-off pulling image "quay.io/x:v0.10.0")',
        "c: Unschedulable (0/3 nodes)",
    ]


FRESH = status.Leader(holder="a", renewed="x", fresh=True)
ANSWERS = status.Webhook(answers=True)


@pytest.mark.parametrize(
    ("seen", "parts"),
    [
        (status.Status(("a",), (), FRESH, ANSWERS), []),
        (status.Status(("a",), ("b",), FRESH, ANSWERS), ["CRDs not established: b"]),
        (status.Status(("a",), ("b", "c", "d", "e"), FRESH, ANSWERS), ["CRDs not established: b, c, d and 1 more"]),
        (status.Status((), ("a", "b"), FRESH, ANSWERS), ["CRDs: none of KubeFed's 2 is there"]),
        (status.Status(("a",), (), status.Leader(reason="gone"), ANSWERS), ["controller manager: gone"]),
        (status.Status(("a",), (), FRESH, status.Webhook(reason="refused")), ["admission webhook: refused"]),
    ],
)
def test_missing_parts(seen: status.Status, parts: list[str]) -> None:
    """One sentence for each part that is missing, none when ready."""
    assert status.missing_parts(seen) == parts
    assert seen.ready is not bool(parts)


@pytest.mark.parametrize(
    ("missing", "troubles", "hint", "says"),
    [
        ((), ["pod/c: ImagePullBackOff (x)"], "", "mirror"),
        ((), ["pod/c: CrashLoopBackOff"], "", "kubectl describe pod"),
        ((), [], "/lab/controller.log", "read /lab/controller.log"),
        (("x",), [], "/lab/controller.log", "brings missing CRDs back"),
        ((), [], "", "pods or processes run"),
    ],
)
def test_next_step(missing: tuple[str, ...], troubles: list[str], hint: str, says: str) -> None:
    """The step for the first cause."""
    assert says in status.next_step(status.Status(crds_missing=missing), troubles, hint)
