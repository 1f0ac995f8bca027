# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""When a wait ends."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.edgefed.kubefed.plugins.module_utils.federate.goal import (
    VERSION,
    Goal,
    Sight,
    expected,
    goal_of,
    judge,
    problems_with,
)
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.check import Federation, Resource
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.sources import Document
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.status import FAILED, OK, UNSEEN, WAITING, Verdict
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.types import DEFAULTS, FederatedType
from ansible_collections.edgefed.kubefed.plugins.module_utils.verify.compare import taken_away

FINE, LATE, BAD = Verdict(OK), Verdict(WAITING, "ClusterNotReady"), Verdict(FAILED, "AlreadyExists")


@pytest.mark.parametrize(
    ("clusters", "count", "needed"),
    [
        ("all", 3, 3),
        ("all", 0, 0),
        ("1", 3, 1),
        ("5", 3, 3),
        ("90%", 10, 9),
        ("90%", 3, 3),
        ("50%", 3, 2),
        ("1%", 3, 1),
        ("100%", 7, 7),
        ("50%", 0, 0),
    ],
)
def test_needed(clusters: str, count: int, needed: int) -> None:
    assert Goal(clusters).needed(count) == needed


@given(st.integers(1, 100), st.integers(0, 2000))
def test_a_percentage_is_never_fallen_short_of(percent: int, count: int) -> None:
    needed = Goal(f"{percent}%").needed(count)
    assert needed * 100 >= percent * count
    assert (needed - 1) * 100 < percent * count or count == 0


@pytest.mark.parametrize("clusters", ["all", "1", 2, "90%", "100%", " 3 "])
def test_given(clusters: Any) -> None:
    goal, problems = goal_of({"clusters": clusters, "condition": "Available", "by": "version"})
    assert problems == []
    assert goal == Goal(str(clusters).strip(), "Available", VERSION)


def test_nothing_given_is_all_by_kubefeds_word() -> None:
    assert goal_of(None) == goal_of({}) == (Goal(), [])
    assert not Goal().asks_members
    assert Goal(condition="Ready").asks_members and Goal(by=VERSION).asks_members


@pytest.mark.parametrize("clusters", ["", "0", 0, -1, "0%", "101%", "2.5", "half", "all of them", True, None, ["zj"], "90 %"])
def test_clusters_that_are_no_number(clusters: Any) -> None:
    [problem] = goal_of({"clusters": clusters})[1]
    assert str(problem).startswith("the task: wait_for.clusters: ")
    assert str(problem).endswith("Next: say all, a number as 2, or a percentage as 90%.")


def test_a_condition_that_cannot_be_one() -> None:
    [problem] = goal_of({"condition": "Available=True"})[1]
    assert str(problem).startswith("the task: wait_for.condition: 'Available=True' cannot be a condition's type. Next: ")


def resource(kind: FederatedType) -> Resource:
    body = {"kind": kind.kind, "metadata": {"name": "x", "namespace": "ns"}}
    return Resource(Document(body, "in"), body, kind)


def custom(kind: str, group: str) -> FederatedType:
    target = {"group": group, "version": "v1", "kind": kind, "pluralName": f"{kind.lower()}s", "scope": "Namespaced"}
    return FederatedType(f"{kind.lower()}s.{group}", f"Federated{kind}", "types.kubefed.io/v1beta1", "x", True, target, True)


@pytest.mark.parametrize(
    ("goal", "kinds", "said"),
    [
        (Goal("3"), [], ""),
        (Goal("4"), [], "wait_for.clusters: 4 clusters are asked for, and 3 are joined. Next: say 3 at most, or all."),
        (Goal("100%"), [], ""),
        (Goal(condition="Available"), [DEFAULTS["FederatedConfigMap"]], ""),
        (
            Goal(condition="Avaliable"),
            [DEFAULTS["FederatedDeployment"]],
            "wait_for.condition: no kind that is given has a condition 'Avaliable'. Next: did you mean Available.",
        ),
        (Goal(condition="Synced"), [DEFAULTS["FederatedDeployment"], custom("Certificate", "cert-manager.io")], ""),
        (Goal(condition="Synced"), [DEFAULTS["FederatedDeployment"]], "no kind that is given has a condition 'Synced'"),
    ],
)
def test_what_cannot_come_true(goal: Goal, kinds: list[FederatedType], said: str) -> None:
    federation = Federation(DEFAULTS, {"a": {}, "b": {}, "c": {}}, "system")
    found = [str(problem) for problem in problems_with(goal, federation, [resource(kind) for kind in kinds])]
    assert len(found) == bool(said)
    assert said in "".join(found)


@pytest.mark.parametrize(
    ("kind", "condition", "what"),
    [
        (DEFAULTS["FederatedDeployment"], "Available", "Available"),
        (DEFAULTS["FederatedDeployment"], "Ready", "pods"),
        (custom("StatefulSet", "apps"), "Available", "pods"),
        (custom("DaemonSet", "apps"), "Ready", "pods"),
        (DEFAULTS["FederatedJob"], "Complete", "Complete"),
        (DEFAULTS["FederatedJob"], "Available", ""),
        (DEFAULTS["FederatedConfigMap"], "Available", ""),
        (DEFAULTS["FederatedIngress"], "Ready", ""),
        # Kubernetes' own kinds that have no such condition, or none at all
        (custom("NetworkPolicy", "networking.k8s.io"), "Ready", ""),
        (custom("HorizontalPodAutoscaler", "autoscaling"), "Available", ""),
        (custom("HorizontalPodAutoscaler", "autoscaling"), "ScalingActive", "ScalingActive"),
        (custom("Pod", ""), "Ready", "Ready"),
        (custom("PersistentVolumeClaim", ""), "Available", ""),
        (custom("Gateway", "gateway.networking.k8s.io"), "Programmed", "Programmed"),
        (custom("Job", "batch.volcano.sh"), "Ready", "Ready"),
        (custom("Certificate", "cert-manager.io"), "Ready", "Ready"),
    ],
)
def test_what_is_looked_for(kind: FederatedType, condition: str, what: str) -> None:
    assert expected(kind, condition) == what


@pytest.mark.parametrize(
    ("clusters", "found", "reached", "done"),
    [
        ("all", [FINE, FINE], True, True),
        ("all", [FINE, LATE], False, False),
        ("all", [FINE, BAD], False, True),
        ("1", [FINE, LATE], True, True),
        ("1", [LATE, LATE], False, False),
        ("1", [BAD, LATE], False, False),
        ("1", [BAD, BAD], False, True),
        ("50%", [FINE, BAD], True, True),
        ("2", [FINE, BAD], False, True),
    ],
)
def test_reached_and_done(clusters: str, found: list[Verdict], reached: bool, done: bool) -> None:
    verdicts = dict(zip("ab", found, strict=True))
    assert (Goal(clusters).reached(verdicts, ["a", "b"]), Goal(clusters).done(verdicts, ["a", "b"])) == (reached, done)


def test_a_cluster_that_is_to_be_rid_of_it_counts_for_all_alone() -> None:
    found = {"a": FINE, "gone": Verdict(WAITING, "WaitingForRemoval")}
    assert not Goal().reached(found, ["a"])
    assert Goal("1").reached(found, ["a"])


# --- what the cluster itself has -----------------------------------------------------------------------------------------

FEDERATED = {
    "metadata": {"name": "web", "namespace": "ns", "generation": 1},
    "spec": {
        "template": {"spec": {"replicas": 2}},
        "overrides": [{"clusterName": "zj", "clusterOverrides": [{"path": "/spec/replicas", "value": 3}]}],
    },
}


def deployment(replicas: int = 3, ready: int = 3, **status: Any) -> dict[str, Any]:
    metadata = {"name": "web", "namespace": "ns", "generation": 4, "labels": {"kubefed.io/managed": "true"}}
    found = {"observedGeneration": 4, "readyReplicas": ready, "updatedReplicas": ready, **status}
    return {"metadata": metadata, "spec": {"replicas": replicas}, "status": found}


def available(status: str = "True", **more: str) -> dict[str, Any]:
    return {"conditions": [{"type": "Progressing", "status": "True"}, {"type": "Available", "status": status, **more}]}


def judged(goal: Goal, actual: dict[str, Any] | None, told: Verdict = FINE, kind: str = "FederatedDeployment") -> Verdict:
    before = copy.deepcopy((FEDERATED, actual))
    found = judge(goal, Sight(DEFAULTS[kind], FEDERATED, "zj", actual), told)
    assert before == (FEDERATED, actual)
    return found


UNTOLD = Verdict(WAITING, UNSEEN)
AVAILABLE, READY, BY_VERSION = Goal(condition="Available"), Goal(condition="Ready"), Goal(by=VERSION)


@pytest.mark.parametrize(
    ("goal", "actual", "reason"),
    [
        (BY_VERSION, deployment(), ""),
        (BY_VERSION, deployment(ready=0), ""),
        (BY_VERSION, None, "it is not there"),
        (BY_VERSION, {**deployment(), "metadata": {"name": "web", "deletionTimestamp": "x"}}, "it is being deleted"),
        (BY_VERSION, deployment(2), "it is not of this version: spec.replicas is 2, should be 3"),
        (AVAILABLE, deployment(**available()), ""),
        (AVAILABLE, deployment(2, **available()), "it is not of this version: spec.replicas is 2, should be 3"),
        (AVAILABLE, deployment(), "it has no condition Available yet"),
        (AVAILABLE, deployment(**available(), observedGeneration=3), "its controller has not looked at this version yet"),
        (
            AVAILABLE,
            deployment(**available("False", reason="MinimumReplicasUnavailable", message="too few.")),
            "condition Available is False: MinimumReplicasUnavailable, too few",
        ),
        (AVAILABLE, deployment(**available("Unknown")), "condition Available is Unknown"),
        (READY, deployment(), ""),
        (READY, deployment(ready=1), "1/3 pods are ready"),
    ],
)
def test_judged_by_the_object(goal: Goal, actual: dict[str, Any] | None, reason: str) -> None:
    todo = "see `kubectl --context zj -n ns describe deployment web`"
    assert judged(goal, actual) == (Verdict(WAITING, reason, todo) if reason else FINE)


def test_kubefeds_word_and_the_object() -> None:
    """By version the object counts, whatever KubeFed waits for; otherwise both do. What KubeFed gave up counts in no way."""
    good, ready = deployment(), deployment(**available())
    assert judged(BY_VERSION, good, LATE) == FINE
    assert judged(AVAILABLE, ready, LATE) == LATE
    assert judged(Goal(by=VERSION, condition="Available"), ready, LATE) == FINE
    assert judged(BY_VERSION, good, BAD) == judged(AVAILABLE, ready, BAD) == BAD
    assert judged(BY_VERSION, None, LATE).reason == "it is not there (KubeFed: ClusterNotReady)"


def test_a_version_that_only_takes_away() -> None:
    """What is there still holds all of it, and is not of it: KubeFed's record tells, or what this run took away is gone."""
    kind = DEFAULTS["FederatedConfigMap"]
    federated = {"metadata": {"name": "x", "namespace": "ns", "generation": 2}, "spec": {"template": {"data": {"a": "1"}}}}
    before = {**federated, "spec": {"template": {"data": {"a": "1", "b/c": "2"}}}}
    metadata = {"name": "x", "namespace": "ns", "labels": {"kubefed.io/managed": "true"}}
    old = {"metadata": metadata, "data": {"a": "1", "b/c": "2"}}
    new = {"metadata": {**metadata, "annotations": {"by": "others"}}, "data": {"a": "1"}}

    def seen(actual: dict[str, Any], recorded: bool | None, previous: Any, told: Verdict = UNTOLD) -> str:
        return judge(BY_VERSION, Sight(kind, federated, "zj", actual, recorded, previous), told).state

    assert [seen(old, recorded, before) for recorded in (False, None)] == [WAITING, WAITING]
    assert [seen(new, recorded, before) for recorded in (False, None, True)] == [OK, OK, OK]
    assert [seen(new, recorded, None) for recorded in (False, None, True)] == [WAITING, OK, OK]
    assert seen(old, None, before, FINE) == OK


@pytest.mark.parametrize(
    ("before", "after", "paths"),
    [
        ({"a": 1, "b": {"c": 1, "d/~e": 2}}, {"b": {"c": 3}}, ["/a", "/b/d~1~0e"]),
        ({"a": [{"b": 1, "c": 1}, 2]}, {"a": [{"b": 1}, 2]}, ["/a/0/c"]),
        ({"a": [1]}, {"a": [1, 2]}, []),
        ({"a": 1}, {"a": {"b": 1}}, []),
    ],
)
def test_taken_away(before: Any, after: Any, paths: list[str]) -> None:
    assert [(one["op"], one["path"]) for one in taken_away(before, after)] == [("remove", path) for path in paths]


@pytest.mark.parametrize(
    ("goal", "said"),
    [
        (Goal(), "in every cluster"),
        (Goal("2"), "in 2 of its clusters"),
        (Goal("90%", "Available"), "Available in 90% of its clusters"),
        (Goal(condition="Ready"), "Ready in every cluster"),
    ],
)
def test_words(goal: Goal, said: str) -> None:
    assert goal.words() == said
