# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Clusters cordoned, emptied and filled again, with real workloads, preferences, and manifests applied meanwhile."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Iterator

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from integration.one_member import SYSTEM, federation, inventory_of, played, recap, tasks_run
from integration.waiting import until

from ansible_collections.edgefed.kubefed.plugins.module_utils.client import connect
from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import EdgefedError, Result
from ansible_collections.edgefed.kubefed.plugins.modules.kubefed_cluster_scheduling import ARGUMENT_SPEC, run

__all__ = ["federation"]
pytestmark = pytest.mark.lab
SPACE = "drain-proof"
TYPES = "types.kubefed.io/v1beta1"


def deployment(name: str, replicas: int) -> dict[str, Any]:
    """A Deployment's template."""
    labels = {"app": name}
    pods = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "web", "image": "nginx:1.17"}]}}
    return {"spec": {"replicas": replicas, "selector": {"matchLabels": labels}, "template": pods}}


def federated(kind: str, name: str, placement: dict[str, Any], template: dict[str, Any] | None = None) -> dict[str, Any]:
    """A federated object of the test's namespace."""
    spec = {"placement": placement, **({} if template is None else {"template": template})}
    return {"apiVersion": TYPES, "kind": f"Federated{kind}", "metadata": {"name": name, "namespace": SPACE}, "spec": spec}


def named(*clusters: str) -> dict[str, Any]:
    """A placement by names."""
    return {"clusters": [{"name": name} for name in clusters]}


EVERYWHERE = {"clusterSelector": {"matchExpressions": [{"key": "drain-proof", "operator": "Exists"}]}}
MANIFESTS = [
    federated("Namespace", SPACE, named("cddev", "zj")),
    federated("Deployment", "named", named("zj", "cddev"), deployment("named", 2)),
    federated("ConfigMap", "selected", EVERYWHERE, {"data": {"is": "proof"}}),
    federated("Secret", "meanwhile", named("zj", "cddev"), {"data": {"is": "cHJvb2Y="}}),
]
LED = federated("Deployment", "led", named("cddev", "zj"), deployment("led", 1))
PREFERENCE = {
    "apiVersion": "scheduling.kubefed.io/v1alpha1",
    "kind": "ReplicaSchedulingPreference",
    "metadata": {"name": "led", "namespace": SPACE},
    "spec": {
        "targetKind": "FederatedDeployment",
        "totalReplicas": 4,
        "rebalance": True,
        "clusters": {"zj": {"weight": 1}, "cddev": {"weight": 1}},
    },
}


class Scheduling:
    """The module called directly, and what is seen of it."""

    def __init__(self, lab: Any) -> None:
        self.lab = lab

    def __call__(self, state: str, name: str = "zj", check: bool = False, **options: Any) -> Result:
        given = {"kubeconfig": self.lab.kubeconfig, "context": "local", "name": name, "state": state, **options}
        checked = ArgumentSpecValidator(ARGUMENT_SPEC).validate(given)
        assert not checked.error_messages, checked.error_messages
        return run(checked.validated_parameters, check, True, connect)

    def specs(self) -> dict[str, Any]:
        """What is wished of each object, without what a preference writes."""
        kinds = "federatednamespaces,federateddeployments,federatedconfigmaps,federatedsecrets,replicaschedulingpreferences"
        found = self.lab.get("local", kinds, "-n", SPACE)["items"]
        return {
            f"{item['kind']}/{item['metadata']['name']}": (item["spec"], sorted(item["metadata"].get("annotations") or {}))
            for item in found
            if (item["kind"], item["metadata"]["name"]) != ("FederatedDeployment", "led")
        }

    def placed(self, kind: str, name: str) -> Any:
        """The placement of an object."""
        return self.lab.get("local", f"federated{kind}", name, "-n", SPACE)["spec"]["placement"]

    def pods(self, cluster: str) -> dict[str, int]:
        """How many pods run, by app."""
        found = (self.lab.get(cluster, "pods", "-n", SPACE) or {"items": []})["items"]
        running = [item["metadata"]["labels"]["app"] for item in found if item["status"].get("phase") == "Running"]
        return {app: running.count(app) for app in sorted(set(running))}


@pytest.fixture(scope="module")
def scheduling(federation: Any, lab: Any) -> Iterator[Scheduling]:
    """cddev and zj in the federation, with workloads that run."""
    federation(wait=True, labels={"drain-proof": "yes"})
    lab.kubectl("local", "label", "kubefedcluster", "cddev", "-n", SYSTEM, "drain-proof=yes", "--overwrite")
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": SPACE}}
    until(lambda: lab.get("local", "namespace", SPACE) is None, "the namespace of an earlier run is gone")
    lab.kubectl("local", "apply", "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": [namespace, LED]}))
    yield Scheduling(lab)
    for name in ("zj", "cddev"):
        Scheduling(lab)("uncordoned", name, wait=False)
    lab.kubectl("local", "label", "kubefedcluster", "cddev", "-n", SYSTEM, "drain-proof-")
    lab.kubectl("local", "delete", "namespace", SPACE, "--wait=false")
    until(lambda: not lab.get("local", "federateddeployments", "-n", SPACE), "no federated deployment is left")


@pytest.fixture(scope="module")
def apply(scheduling: Scheduling, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """``apply([manifest, …])`` through the module federated_resource; the result."""

    def run_it(manifests: list[dict[str, Any]], **options: Any) -> Any:
        arguments = {"kubeconfig": scheduling.lab.kubeconfig, "context": "local", "definition": manifests, **options}
        [outcome] = tasks_run(tmp_path_factory.mktemp("apply"), [("federated_resource", arguments)])
        return outcome

    return run_it


def test_drained_and_back(scheduling: Scheduling, apply: Any) -> None:
    """Pods leave and come back, everything is as it was, and manifests applied meanwhile bring nothing back."""
    made = apply(MANIFESTS)
    assert not made.get("failed"), made["msg"]
    scheduling.lab.kubectl("local", "apply", "-f", "-", stdin=json.dumps(PREFERENCE))

    def pods() -> list[dict[str, int]]:
        return [scheduling.pods(name) for name in ("zj", "cddev")]

    until(lambda: pods() == [{"led": 2, "named": 2}] * 2, pods)
    before = scheduling.specs()

    foretold = scheduling("drained", check=True)
    assert scheduling.specs() == before
    drained = scheduling("drained")
    assert drained.data["changes"] == foretold.data["changes"] and drained.diff == foretold.diff
    assert sorted((change["kind"], change["name"]) for change in drained.data["changes"]) == [
        ("FederatedConfigMap", "selected"),
        ("FederatedDeployment", "named"),
        ("FederatedSecret", "meanwhile"),
        ("ReplicaSchedulingPreference", "led"),
    ]
    assert any(f"FederatedNamespace {SPACE}/{SPACE}" in said for said in drained.warnings)
    until(lambda: pods() == [{}, {"led": 4, "named": 2}], pods)
    assert scheduling.placed("configmap", "selected") == {**EVERYWHERE, **named("cddev")}
    assert not scheduling("drained").changed
    assert not scheduling("cordoned").changed

    again = apply(MANIFESTS)
    assert not again.get("failed"), again["msg"]
    assert not again["changed"] and any("stays out of cluster 'zj'" in said for said in again["warnings"])
    refused = apply([federated("ConfigMap", "new", named("zj"), {})])
    assert "FederatedConfigMap drain-proof/new" in refused["msg"] and "cluster 'zj' is drained" in refused["msg"]
    selected = apply([federated("ConfigMap", "new", EVERYWHERE, {})])
    assert selected["changed"] and scheduling.placed("configmap", "new") == {**EVERYWHERE, **named("cddev")}
    moved = json.dumps({"spec": {"placement": named("local")}})
    scheduling.lab.kubectl("local", "patch", "federatedsecret", "meanwhile", "-n", SPACE, "--type=merge", "-p", moved)

    foretold = scheduling("uncordoned", check=True)
    back = scheduling("uncordoned")
    assert back.data["changes"] == foretold.data["changes"] and back.diff == foretold.diff
    until(lambda: scheduling.pods("zj") == {"led": 2, "named": 2}, pods)
    after = scheduling.specs()
    assert after.pop("FederatedConfigMap/new")[0]["placement"] == EVERYWHERE
    assert after.pop("FederatedSecret/meanwhile")[0]["placement"] == named("local", "zj")
    before.pop("FederatedSecret/meanwhile")
    assert after == before
    assert not scheduling("uncordoned").changed
    once_more = apply([manifest for manifest in MANIFESTS if manifest["kind"] != "FederatedSecret"])
    assert not once_more["changed"], once_more["resources"]


def test_cordoned(federation: Any, scheduling: Scheduling, apply: Any) -> None:
    """What is there stays and may change; nothing new comes, by name or by selector, until it is uncordoned. A join leaves it so."""
    made = apply(MANIFESTS)
    assert not made.get("failed"), made["msg"]
    cordoned = scheduling("cordoned")
    assert cordoned.changed and cordoned.data["changes"] == []
    federation(labels={"drain-proof": "yes", "another": "label"})
    assert not scheduling("cordoned").changed
    changed = federated("ConfigMap", "selected", EVERYWHERE, {"data": {"is": "changed"}})
    assert apply([changed])["changed"] and scheduling.placed("configmap", "selected") == EVERYWHERE
    assert "cluster 'zj' is cordoned" in apply([federated("Secret", "another", named("zj"), {})])["msg"]
    apply([federated("Secret", "another", EVERYWHERE, {})])
    assert scheduling.placed("secret", "another") == {**EVERYWHERE, **named("cddev")}
    assert [change["name"] for change in scheduling("uncordoned").data["changes"]] == ["another"]
    assert scheduling.placed("secret", "another") == EVERYWHERE


def test_two_at_once(scheduling: Scheduling, apply: Any) -> None:
    """Two clusters drained by two runs at the same time, and put back one after the other, in the other order, exactly."""
    assert not apply(MANIFESTS).get("failed")
    before = scheduling.specs()
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda name: scheduling("drained", name, wait=False), ("zj", "cddev")))
    assert scheduling.placed("deployment", "named") == named() and scheduling.placed("configmap", "selected") == {**EVERYWHERE, **named()}
    scheduling("uncordoned", "zj", wait=False)
    assert scheduling.placed("deployment", "named") == named("zj") and scheduling.placed("configmap", "selected") == {
        **EVERYWHERE,
        **named("zj"),
    }
    scheduling("uncordoned", "cddev", wait=False)
    assert scheduling.specs() == before


def test_unknown_cluster(scheduling: Scheduling) -> None:
    """Named, with those that are joined."""
    with pytest.raises(EdgefedError, match=r"'nobody' is not in the federation.*zj.*Next: join it"):
        scheduling("drained", "nobody")


def test_both_ways_the_same(scheduling: Scheduling, path: str, tmp_path: Path) -> None:
    """Each state made, again, in check mode first, in process and as a module."""
    base = {"kubeconfig": scheduling.lab.kubeconfig, "context": "local", "name": "zj", "wait": False}
    states = [{**base, "state": state} for state in ("cordoned", "cordoned", "drained", "drained", "uncordoned", "uncordoned")]
    outcomes = tasks_run(tmp_path, [("kubefed_cluster_scheduling", state) for state in states], path, check_first=True)
    for foretold, outcome in zip(outcomes[::2], outcomes[1::2], strict=True):
        assert not outcome.get("failed"), outcome["msg"]
        assert (foretold["changed"], foretold["changes"], foretold["diff"]) == (outcome["changed"], outcome["changes"], outcome["diff"])
    assert [outcome["changed"] for outcome in outcomes[1::2]] == [True, False] * 3


def test_playbooks(scheduling: Scheduling, tmp_path: Path) -> None:
    """Refused without a limit or a confirmation, one message; with one they do it."""
    hosts = inventory_of(scheduling.lab, tmp_path, ["zj", "cddev"])
    for playbook in ("cordon", "drain"):
        refused = played("-i", hosts, f"playbooks/{playbook}.yml")
        assert refused.returncode != 0 and refused.stdout.count("fatal: [") == 1
        said = " ".join(refused.stdout.split())
        assert f"playbooks/{playbook}.yml --limit" in said and "federation_confirm=local" in said
    for playbook, changed in (("cordon", 1), ("drain", 1), ("drain", 0), ("uncordon", 1)):
        done = played("-i", hosts, f"playbooks/{playbook}.yml", "--limit", "zj", "-e", "member_wait=false")
        assert (done.returncode, recap(done.stdout)) == (0, {**recap(done.stdout), "zj": (changed, 0)}), done.stdout
        assert "cddev" not in recap(done.stdout)
