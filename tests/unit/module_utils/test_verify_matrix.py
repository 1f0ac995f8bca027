# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""From what was read to the verdict, without any cluster."""

from __future__ import annotations

import copy
import json
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.types import FederatedType
from ansible_collections.edgefed.kubefed.plugins.module_utils.verify.facts import (
    addresses,
    kubefed_view,
    kubefed_will_look_again,
    node_summary,
    replicas,
)
from ansible_collections.edgefed.kubefed.plugins.module_utils.verify.matrix import Options, build_report, some
from ansible_collections.edgefed.kubefed.plugins.module_utils.verify.observed import Host, Member, Name
from ansible_collections.edgefed.kubefed.plugins.module_utils.verify.patience import worth_waiting

SYSTEM = "kube-federation-system"
NOW = datetime(2026, 1, 1, tzinfo=timezone.utc)


def federated_type(kind: str, group: str = "", scope: str = "Namespaced") -> FederatedType:
    target = {"group": group, "version": "v1", "kind": kind, "pluralName": f"{kind.lower()}s", "scope": scope}
    plural = f"federated{kind.lower()}s"
    return FederatedType(f"{kind.lower()}s", f"Federated{kind}", "types.kubefed.io/v1beta1", plural, True, target, True)


TYPES = {
    "FederatedNamespace": federated_type("Namespace", scope="Cluster"),
    "FederatedDeployment": federated_type("Deployment", "apps"),
    "FederatedService": federated_type("Service"),
    "FederatedConfigMap": federated_type("ConfigMap"),
}


def kubefed_cluster(name: str, ready: bool = True, **status: Any) -> dict[str, Any]:
    conditions = (
        [{"type": "Ready", "status": "True"}] if ready else [{"type": "Offline", "status": "True", "message": "dial tcp: refused :4711->"}]
    )
    return {
        "metadata": {"name": name, "labels": {"topology.kubernetes.io/region": f"of-{name}"}},
        "spec": {"apiEndpoint": f"https://{name}:6443"},
        "status": {"conditions": conditions, "kubernetesVersion": "v1.30.0", **status},
    }


def federated(name: str, clusters: list[str], template: Any = None, overrides: Any = None, **metadata: Any) -> dict[str, Any]:
    status = {"observedGeneration": 1, "conditions": [{"type": "Propagation", "status": "True"}]}
    spec: dict[str, Any] = {"placement": {"clusters": [{"name": item} for item in clusters]}, "template": template or {}}
    if overrides:
        spec["overrides"] = overrides
    return {"metadata": {"name": name, "namespace": "ns", "generation": 1, **metadata}, "spec": spec, "status": status}


def managed(name: str, namespace: str = "ns", **rest: Any) -> tuple[Name, dict[str, Any]]:
    metadata: dict[str, Any] = {"name": name, "generation": 1, "labels": {"kubefed.io/managed": "true"}}
    if namespace:
        metadata["namespace"] = namespace
    return (namespace, name), {"metadata": {**metadata, **rest.pop("metadata", {})}, **rest}


def deployment(replicas_: int = 2, ready: int = 2, **rest: Any) -> tuple[Name, dict[str, Any]]:
    status = {"observedGeneration": 1, "readyReplicas": ready, "updatedReplicas": ready}
    pod = {"spec": {"containers": [{"image": "nginx:1.17"}]}}
    return managed("web", spec={"replicas": replicas_, "template": pod}, status=status, **rest)


class World:
    """Two clusters with one namespace and one deployment, all right; tests break something."""

    def __init__(self) -> None:
        clusters = {name: kubefed_cluster(name) for name in ("east", "west")}
        template = {"spec": {"replicas": 2}}
        self.web = federated("web", ["east", "west"], template)
        found = {"FederatedNamespace": [federated("ns", ["east", "west"])], "FederatedDeployment": [self.web]}
        self.host = Host("hub", SYSTEM, clusters, dict(TYPES), found)
        self.members = {name: Member(name, version="v1.34.4", nodes=node_summary([])) for name in clusters}
        for member in self.members.values():
            member.objects = {"FederatedNamespace": dict([managed("ns", "")]), "FederatedDeployment": dict([deployment()])}

    def report(self, **options: Any) -> dict[str, Any]:
        before = copy.deepcopy((self.host, self.members))
        report = build_report(self.host, self.members, Options(**{"expected": ("east", "west"), **options}))
        assert before == (self.host, self.members)
        assert json.loads(json.dumps(report)) == report
        return report

    def cell(self, cluster: str = "east", resource: int = -1, **options: Any) -> dict[str, Any]:
        found: dict[str, Any] = self.report(**options)["resources"][resource]["clusters"][cluster]
        return found

    def put(self, cluster: str, kind: str, item: tuple[Name, dict[str, Any]]) -> None:
        self.members[cluster].objects.setdefault(kind, {})[item[0]] = item[1]


@pytest.fixture
def world() -> World:
    return World()


def test_all_right(world: World) -> None:
    report = world.report()
    assert (report["in_sync"], report["problems"], report["warnings"]) == (True, [], [])
    assert report["summary"] == {
        "clusters": 2,
        "clusters_ok": 2,
        "resources": 2,
        "objects": 4,
        "in_sync": 4,
        "differs": 0,
        "missing": 0,
        "extra": 0,
        "unreachable": 0,
    }
    assert [row["kind"] for row in report["resources"]] == ["Namespace", "Deployment"]
    cell = report["resources"][1]["clusters"]["west"]
    assert (cell["state"], cell["replicas"], cell["images"]) == ("in_sync", "2/2", ["nginx:1.17"])
    assert report["clusters"][0]["region"] == "of-east"
    assert report["clusters"][0]["version"] == "v1.34.4"


def test_the_report_carries_no_volatile_values(world: World) -> None:
    world.host.clusters["east"] = kubefed_cluster("east", ready=False)
    first = world.report()
    conditions = world.host.clusters["east"]["status"]["conditions"]
    conditions[0] |= {"message": "dial tcp: refused :1234->", "lastProbeTime": "2026-01-01T00:00:00Z"}
    world.members["west"].objects["FederatedDeployment"]["ns", "web"]["metadata"]["resourceVersion"] = "77"
    assert world.report() == first


def test_changed_by_hand(world: World) -> None:
    world.put("west", "FederatedDeployment", deployment(5, 5))
    report = world.report()
    cell = report["resources"][1]["clusters"]["west"]
    assert (cell["state"], cell["fields"]) == ("differs", ["spec.replicas"])
    (problem,) = report["problems"]
    assert (problem["cluster"], problem["resource"], problem["state"], problem["may_heal"]) == (
        "west",
        "Deployment ns/web",
        "differs",
        True,
    )
    for part in ("west: Deployment ns/web", "spec.replicas is 5, should be 2", "Why: ", "Next: "):
        assert part in problem["message"]
    assert world.cell("east")["state"] == "in_sync"


def test_changed_by_whom(world: World) -> None:
    """By the writer of the field, not by who wrote the object last."""
    times = {"theirs": "2026-01-01T00:00:00Z", "other": "2026-02-02T00:00:00Z"}
    fields = {"theirs": {"f:spec": {"f:replicas": {}}}, "other": {"f:spec": {"f:paused": {}}}}
    entries = [{"manager": name, "operation": "Apply", "time": times[name], "fieldsV1": fields[name]} for name in times]
    world.put("west", "FederatedDeployment", deployment(5, 5, metadata={"managedFields": entries}))
    who = {"manager": "theirs", "operation": "Apply", "since": times["theirs"]}
    assert world.cell("west")["drift"] == [{"field": "spec.replicas", "is": "5", "should": "2", **who}]
    message = world.report()["problems"][0]["message"]
    assert "spec.replicas is 5, should be 2 (theirs, Apply, since 2026-01-01T00:00:00Z). Why: " in message
    assert world.cell("east")["drift"] == []


def test_override_counts_only_for_its_cluster(world: World) -> None:
    world.web["spec"]["overrides"] = [{"clusterName": "west", "clusterOverrides": [{"path": "/spec/replicas", "value": 5}]}]
    assert world.cell("west")["fields"] == ["spec.replicas"]
    world.put("west", "FederatedDeployment", deployment(5, 5))
    assert world.report()["in_sync"]


def test_retained_replicas_are_the_members_own(world: World) -> None:
    world.put("west", "FederatedDeployment", deployment(7, 7))
    assert world.cell("west")["state"] == "differs"
    world.web["spec"]["retainReplicas"] = True
    assert world.report()["in_sync"]


def test_a_removal_that_is_already_done_is_in_sync(world: World) -> None:
    overrides = [
        {"path": "/metadata/annotations", "op": "add", "value": {"foo": "bar"}},
        {"path": "/metadata/annotations/foo", "op": "remove"},
        {"path": "/spec/paused", "op": "remove"},
    ]
    world.web["spec"]["template"]["spec"]["paused"] = True
    world.web["spec"]["overrides"] = [{"clusterName": name, "clusterOverrides": overrides} for name in ("east", "west")]
    assert world.report()["in_sync"]
    world.put("west", "FederatedDeployment", deployment(metadata={"annotations": {"foo": "again"}}))
    assert world.cell("west")["fields"] == ["metadata.annotations.foo"]


def test_an_override_that_cannot_be_applied(world: World) -> None:
    world.web["spec"]["overrides"] = [{"clusterName": "west", "clusterOverrides": [{"path": "/spec/gone/x", "value": 1}]}]
    cell = world.cell("west")
    assert cell["state"] == "differs"
    assert "/spec/gone is not there" in cell["why"]


def test_missing_and_why(world: World) -> None:
    del world.members["west"].objects["FederatedDeployment"]["ns", "web"]
    assert world.cell("west")["state"] == "missing"
    assert "deleted it" in world.cell("west")["why"]
    world.web["status"]["clusters"] = [{"name": "west", "status": "CreationFailed"}]
    assert world.cell("west")["why"] == "the cluster refused to create it"
    world.web["metadata"]["generation"] = 2
    assert world.cell("west")["why"] == "KubeFed has not looked at generation 2 yet, only at 1"


def test_an_old_generation_is_no_proof_either_way(world: World) -> None:
    """Propagation is True from generation 1, the template is of generation 2, and the member has the old one."""
    world.web["metadata"]["generation"] = 2
    world.web["spec"]["template"]["spec"]["replicas"] = 4
    assert world.cell("west")["state"] == "differs"
    world.put("west", "FederatedDeployment", deployment(4, 4))
    world.put("east", "FederatedDeployment", deployment(4, 4))
    report = world.report()
    assert report["in_sync"]
    assert any("generation 2" in warning for warning in report["warnings"])


def test_being_deleted_is_missing(world: World) -> None:
    world.put("west", "FederatedDeployment", deployment(metadata={"deletionTimestamp": "2026-01-01T00:00:00Z"}))
    assert (world.cell("west")["state"], world.cell("west")["why"]) == ("missing", "it is being deleted")


def test_extra_objects(world: World) -> None:
    world.put("east", "FederatedConfigMap", managed("stray"))
    world.put("east", "FederatedConfigMap", managed("owned", metadata={"ownerReferences": [{"kind": "X"}]}))
    world.put("east", "FederatedConfigMap", managed("going", metadata={"deletionTimestamp": "x"}))
    world.put("east", "FederatedConfigMap", managed("unmanaged", metadata={"labels": {"kubefed.io/managed": "false"}}))
    report = world.report()
    assert [row["name"] for row in report["resources"]] == ["ns", "web", "stray"]
    assert report["resources"][-1]["clusters"]["east"]["state"] == "extra"
    assert "Next: delete it in east" in report["problems"][0]["message"]


def test_left_behind_after_placement_changed(world: World) -> None:
    world.web["spec"]["placement"]["clusters"] = [{"name": "east"}]
    assert world.cell("west")["state"] == "extra"


def test_named_but_not_joined_or_namespace_not_there(world: World) -> None:
    world.web["spec"]["placement"]["clusters"].append({"name": "gone"})
    assert "it is not joined" in world.cell("gone")["why"]
    world.host.federated["FederatedNamespace"][0]["spec"]["placement"] = {"clusters": [{"name": "east"}]}
    assert "the FederatedNamespace ns does not go there" in world.report()["resources"][-1]["clusters"]["west"]["why"]
    del world.host.federated["FederatedNamespace"]
    assert "there is no FederatedNamespace ns" in world.report()["resources"][-1]["clusters"]["east"]["why"]


def test_one_dead_cluster_is_one_problem_and_hides_nothing(world: World) -> None:
    world.members["west"] = Member("west", error='Cannot reach cluster "west": refused. Next: x.')
    world.put("east", "FederatedDeployment", deployment(9, 9))
    report = world.report()
    assert [item["cluster"] for item in report["problems"]] == ["west", "east"]
    assert world.cell("west")["state"] == "unreachable"
    assert world.cell("east")["state"] == "differs"
    assert report["summary"]["unreachable"] == 2
    assert report["clusters"][1]["state"] == "unreachable"


def test_one_unreadable_kind(world: World) -> None:
    world.members["west"].unreadable["FederatedDeployment"] = "forbidden"
    report = world.report()
    assert [(item["cluster"], item["resource"]) for item in report["problems"]] == [("west", "Deployment ns/web")]
    assert "Why: forbidden" in report["problems"][0]["message"]


def test_clusters_that_have_to_take_part(world: World) -> None:
    world.host.clusters["west"] = kubefed_cluster("west", ready=False)
    report = world.report(expected=("west", "absent"))
    states = {row["name"]: row["state"] for row in report["clusters"]}
    assert states == {"west": "not_ready", "absent": "not_joined", "east": "ok"}
    assert [item["state"] for item in report["problems"]] == ["not_ready", "not_joined"]
    assert "https://west:6443" in report["problems"][0]["message"]
    assert "join.yml --limit absent" in report["problems"][1]["message"]
    assert report["warnings"] == [
        "Cluster east is joined, but not in the inventory group federation_members. Next: add it there, or unjoin it."
    ]


def test_a_condition_that_is_not_there_is_not_ready(world: World) -> None:
    world.host.clusters["west"]["status"] = {}
    assert world.report()["clusters"][1]["state"] == "not_ready"


def test_without_expected_clusters_the_joined_ones_count(world: World) -> None:
    assert world.report(expected=())["in_sync"]


def test_pods_that_are_not_ready(world: World) -> None:
    world.put("west", "FederatedDeployment", deployment(2, 1))
    report = world.report()
    assert [item["state"] for item in report["problems"]] == ["not_ready"]
    assert "1/2 pods ready" in report["problems"][0]["message"]
    assert world.report(require_ready=False)["in_sync"]


def test_pending_addresses_are_told_not_failed(world: World) -> None:
    template = {"spec": {"type": "LoadBalancer"}}
    world.host.federated["FederatedService"] = [federated("svc", ["east", "west"], template)]
    for name, ingress in (("east", []), ("west", [{"ip": "10.0.0.1"}, {"hostname": "lb.example"}])):
        world.put(name, "FederatedService", managed("svc", spec={"type": "LoadBalancer"}, status={"loadBalancer": {"ingress": ingress}}))
    report = world.report()
    assert report["in_sync"]
    assert report["warnings"] == ["Service ns/svc has no address yet in east; something in the cluster must give it one."]
    assert report["resources"][-1]["clusters"]["west"]["addresses"] == ["10.0.0.1", "lb.example"]


@pytest.mark.parametrize(
    ("kind", "age", "waited", "expected"),
    [
        ("Service", 5, 29, True),
        ("Service", 5, 30, False),
        ("Service", 31, 0, False),
        ("Service", -100, 29, True),
        ("Ingress", 5, 2, True),
        ("Ingress", 5, 3, False),
        ("Ingress", 31, 0, False),
    ],
)
def test_addresses_are_waited_for_while_they_may_come(world: World, kind: str, age: int, waited: float, expected: bool) -> None:
    """The sooner a look, the likelier that an address has yet to come; the clocks of clusters may be ahead of ours."""
    spec = {"spec": {"type": "LoadBalancer"}} if kind == "Service" else {"spec": {}}
    world.host.types["FederatedIngress"] = federated_type("Ingress", "networking.k8s.io")
    world.host.federated[f"Federated{kind}"] = [federated("it", ["east"], spec)]
    created = (NOW - timedelta(seconds=age)).strftime("%Y-%m-%dT%H:%M:%SZ")
    meta = {"labels": {"kubefed.io/managed": "true"}, "creationTimestamp": created}
    world.put("east", f"Federated{kind}", managed("it", metadata=meta, **spec))
    assert worth_waiting(world.report(), waited, 30, NOW) is expected


def test_what_kubefed_has_yet_to_look_at_is_waited_for(world: World) -> None:
    """Else the next look, at which nothing was changed, would find another state."""
    world.web["metadata"]["generation"] = 2
    world.web["status"] = {"observedGeneration": 1}
    report = world.report()
    assert report["in_sync"] and any("generation 2 yet" in warning for warning in report["warnings"])
    assert worth_waiting(report, 29, 30, NOW) and not worth_waiting(report, 30, 30, NOW)
    world.web["status"] = {"observedGeneration": 2, "clusters": [{"name": "west", "status": "AlreadyExists"}]}
    assert not worth_waiting(world.report(), 0, 30, NOW)


def test_filters(world: World) -> None:
    world.put("east", "FederatedConfigMap", managed("stray", "other"))
    assert len(world.report()["resources"]) == 3
    assert [row["kind"] for row in world.report(kinds=("Deployment",))["resources"]] == ["Deployment"]
    assert [row["kind"] for row in world.report(kinds=("FederatedNamespace",))["resources"]] == ["Namespace"]
    assert [row["name"] for row in world.report(namespaces=("ns",))["resources"]] == ["ns", "web"]
    assert [row["name"] for row in world.report(namespaces=("other",))["resources"]] == ["stray"]


def test_by_names(world: World) -> None:
    world.put("east", "FederatedConfigMap", managed("stray"))
    assert [row["name"] for row in world.report(names=("web",))["resources"]] == ["web"]
    assert [row["name"] for row in world.report(names=("stray", "ns"))["resources"]] == ["ns", "stray"]


def test_by_labels_nothing_is_extra_and_the_namespace_still_counts(world: World) -> None:
    """What has no such label is not chosen, so that its object is not one too many."""
    world.host.containers = world.host.federated.pop("FederatedNamespace")
    report = world.report(selector="app=web")
    assert [row["name"] for row in report["resources"]] == ["web"]
    assert report["summary"]["in_sync"] == 2


def test_exact(world: World) -> None:
    world.put("west", "FederatedDeployment", deployment(metadata={"labels": {"kubefed.io/managed": "true", "mine": "1"}}))
    assert world.report()["in_sync"]
    assert world.cell("west", exact=True)["fields"] == ["metadata.labels.mine"]
    world.put("west", "FederatedDeployment", deployment(metadata={"annotations": {"by-hand": "1"}}))
    assert world.report()["in_sync"]
    assert world.cell("west", exact=True)["fields"] == ["metadata.annotations.by-hand"]


def test_what_kubefed_ignores_is_a_warning(world: World) -> None:
    for name in ("default", SYSTEM):
        world.host.federated["FederatedNamespace"].append(federated(name, ["east"], namespace=name))
    world.host.federated["FederatedNamespace"].append(federated("other", ["east"]))
    world.host.federated["FederatedNamespace"][0]["metadata"]["namespace"] = "ns"
    report = world.report()
    assert report["in_sync"]
    assert len(report["warnings"]) == 3


def test_bad_selectors_and_deleted_resources(world: World) -> None:
    world.web["spec"]["placement"] = {"clusterSelector": {"matchExpressions": [{"key": "a", "operator": "In"}]}}
    assert "clusterSelector" in world.cell("east")["why"]
    world.web["spec"]["placement"] = {"clusters": [{"name": "east"}]}
    world.web["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    assert world.cell("east")["state"] == "extra"


@pytest.mark.parametrize(
    ("problems", "waited", "expected"),
    [
        ([], 0, False),
        ([True], 0, True),
        ([True], 30, False),
        ([False], 0, False),
        ([False, True], 29, True),
    ],
)
def test_patience(problems: list[bool], waited: float, expected: bool) -> None:
    report = {"problems": [{"may_heal": may} for may in problems], "resources": []}
    assert worth_waiting(report, waited, 30, NOW) is expected


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (None, "KubeFed has not looked at it yet"),
        ({"observedGeneration": 1}, "KubeFed has not looked at generation 2 yet, only at 1"),
        ({"observedGeneration": 2, "clusters": [{"name": "x", "status": "UpdateFailed"}]}, "the cluster refused to update it"),
        ({"observedGeneration": 2, "clusters": [{"name": "x", "status": "UpdateTimedOut"}]}, "KubeFed says UpdateTimedOut"),
        ({"observedGeneration": 2, "clusters": [{"name": "y", "status": "UpdateFailed"}]}, ""),
        (
            {"observedGeneration": 2, "conditions": [{"type": "Propagation", "reason": "NamespaceNotFederated"}]},
            "its namespace is not federated",
        ),
        ({"observedGeneration": 2, "conditions": [{"type": "Propagation", "reason": "CheckClusters"}]}, ""),
    ],
)
def test_kubefeds_view(status: Any, expected: str) -> None:
    assert kubefed_view({"metadata": {"generation": 2}, "status": status}, "x") == expected


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (None, True),
        ({"observedGeneration": 1}, True),
        ({"observedGeneration": 2}, False),
        ({"observedGeneration": 2, "clusters": [{"name": "x"}, {"name": "y", "status": "UpdateFailed"}]}, False),
        ({"observedGeneration": 2, "clusters": [{"name": "x", "status": "ClusterNotReady"}]}, True),
        ({"observedGeneration": 2, "clusters": [{"name": "x", "status": "ManagedLabelFalse"}]}, False),
    ],
)
def test_kubefed_will_look_again(status: Any, expected: bool) -> None:
    assert kubefed_will_look_again({"metadata": {"generation": 2}, "status": status}, "x") is expected


ON_TWO_NODES = {"observedGeneration": 4, "desiredNumberScheduled": 2}


@pytest.mark.parametrize(
    ("kind", "spec", "status", "expected"),
    [
        ("Deployment", {"replicas": 3}, {"observedGeneration": 4, "readyReplicas": 3, "updatedReplicas": 3}, (3, 3)),
        ("Deployment", {"replicas": 3}, {"observedGeneration": 4, "readyReplicas": 3, "updatedReplicas": 1}, (1, 3)),
        ("Deployment", {"replicas": 3}, {"observedGeneration": 3, "readyReplicas": 3, "updatedReplicas": 3}, (0, 3)),
        ("Deployment", {"replicas": 0}, {"observedGeneration": 4}, (0, 0)),
        ("Deployment", {"replicas": 1}, {"observedGeneration": 4, "readyReplicas": 2, "updatedReplicas": 2}, (1, 1)),
        ("ReplicaSet", {"replicas": 2}, {"observedGeneration": 4, "readyReplicas": 2}, (2, 2)),
        ("StatefulSet", {}, {"observedGeneration": 4, "readyReplicas": 1, "updatedReplicas": 1}, (1, 1)),
        ("StatefulSet", {"replicas": 3}, {"observedGeneration": 4, "readyReplicas": 3, "updatedReplicas": 1}, (1, 3)),
        ("StatefulSet", {"updateStrategy": {"type": "OnDelete"}}, {"observedGeneration": 4, "readyReplicas": 1}, (1, 1)),
        (
            "StatefulSet",
            {"replicas": 3, "updateStrategy": {"rollingUpdate": {"partition": 2}}},
            {"observedGeneration": 4, "readyReplicas": 3, "updatedReplicas": 1},
            (3, 3),
        ),
        ("DaemonSet", {}, {**ON_TWO_NODES, "numberReady": 1, "updatedNumberScheduled": 2}, (1, 2)),
        ("DaemonSet", {}, {**ON_TWO_NODES, "numberReady": 2, "updatedNumberScheduled": 0}, (0, 2)),
        ("DaemonSet", {}, {**ON_TWO_NODES, "numberReady": 2, "updatedNumberScheduled": 2, "observedGeneration": 3}, (0, 2)),
        ("DaemonSet", {"updateStrategy": {"type": "OnDelete"}}, {**ON_TWO_NODES, "numberReady": 2}, (2, 2)),
        ("DaemonSet", {}, {}, (0, 1)),
        ("DaemonSet", {}, {"observedGeneration": 4, "desiredNumberScheduled": 0}, (0, 0)),
        ("ConfigMap", {}, {}, None),
    ],
)
def test_replicas(kind: str, spec: Any, status: Any, expected: Any) -> None:
    assert replicas(kind, {"metadata": {"generation": 4}, "spec": spec, "status": status}) == expected


def test_nodes_and_addresses() -> None:
    def node(ready: str, zone: str) -> dict[str, Any]:
        labels = {"topology.kubernetes.io/region": "r", "topology.kubernetes.io/zone": zone}
        return {"metadata": {"labels": labels}, "status": {"conditions": [{"type": "Ready", "status": ready}]}}

    bare: dict[str, Any] = {"metadata": {}}
    assert node_summary([node("True", "b"), node("False", "a"), bare]) == {"total": 3, "ready": 1, "region": "r", "zones": ["a", "b"]}
    assert addresses({"status": {"loadBalancer": {"ingress": [{"ip": "1.2.3.4", "hostname": "x"}, {}]}}}) == ["1.2.3.4"]
    assert some(["a", "b", "c"], 2) == "a, b and 1 more"
