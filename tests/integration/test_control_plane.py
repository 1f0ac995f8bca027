# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The control plane on a real cluster of its own: installed, kept, broken, healed, removed by the real playbooks.

One cluster lives through the whole file, so the tests run in its order.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from integration.control_plane_cluster import NAMESPACE, REPOSITORY, Cluster, Run, cluster

from ansible_collections.edgefed.kubefed.plugins.module_utils.client import FIELD_MANAGER

__all__ = ["cluster"]
TYPES = "types.kubefed.io"


@pytest.fixture
def info(cluster: Cluster, run_task: Any) -> Any:
    """``info(path, **options)``: the task's result."""

    def ask(path: str = "in_process", **options: Any) -> Any:
        return run_task("kubefed_control_plane_info", {"kubeconfig": cluster.kubeconfig, "context": "local", **options}, path=path)

    return ask


def webhook_key(cluster: Cluster) -> str:
    """A line out of the middle of the TLS key that the chart made."""
    secret = cluster.get("secret", "kubefed-admission-webhook-serving-cert", "-n", NAMESPACE)
    return base64.b64decode(secret["data"]["tls.key"]).decode().splitlines()[5]


def test_info_on_an_empty_cluster(info: Any, path: str) -> None:
    found = info(path)
    assert (found["ready"], found["version"], found["release"], found["crds"]["served"]) == (False, "", None, [])
    assert not found["changed"]
    waited = info(path, wait=True, wait_timeout=1)
    assert waited["failed"] and waited["code"] == "not_ready"
    assert "CRDs: none of KubeFed's 17 is there" in waited["msg"]
    assert "control_plane.yml" in waited["msg"]


def test_check_mode_on_an_empty_cluster(cluster: Cluster) -> None:
    """A whole run foretells what later steps would do; a step alone says what is missing."""
    run = cluster.play("control_plane join verify", "--check", "--diff")
    assert run.status == 0 and run.changed > 0, run.output
    assert "tag: v0.10.0" in run.output
    assert "Cluster local would be joined once KubeFed is on local" in run.said and "nothing can be verified" in run.said
    alone = cluster.play("join", "--check")
    assert alone.status != 0 and "has no KubeFed: its CRDs are missing. Next: run playbooks/control_plane.yml" in alone.said
    cluster.nothing_left()


def test_absent_on_an_empty_cluster(cluster: Cluster) -> None:
    assert cluster.remove().changed == 0


def test_converge(cluster: Cluster, info: Any) -> None:
    """What kubectl and helm say is the oracle."""
    run = cluster.converge("-vvvv", "--diff")
    assert run.changed > 0
    assert webhook_key(cluster) not in run.output
    found = info(wait=True, wait_timeout=20)
    assert found["ready"] and found["webhook"]["answers"] and found["leader"]["fresh"]
    assert (found["version"], found["scope"], found["namespace"], found["crds"]["missing"]) == ("0.10.0", "Cluster", NAMESPACE, [])
    assert set(found["crds"]["served"]) == {name.split("/")[1] for name in cluster.names("crd") if name.endswith("kubefed.io")}
    assert found["feature_gates"] == cluster.gates() == dict.fromkeys(found["feature_gates"], "Enabled")
    lock = cluster.get("configmap", "kubefed-controller-manager", "-n", NAMESPACE)
    leader = json.loads(lock["metadata"]["annotations"]["control-plane.alpha.kubernetes.io/leader"])
    assert (found["leader"]["holder"], found["leader"]["acquired"]) == (leader["holderIdentity"], leader["acquireTime"])
    release = json.loads(cluster.helm("list", "-o", "json"))[0]
    assert (release["name"], release["status"]) == ("kubefed", "deployed") and release["chart"] == found["release"]["chart"]
    assert found["api_requests"] <= 20
    assert "edgefed.io/made-by" in cluster.get("namespace", NAMESPACE)["metadata"]["annotations"]
    other = info("module")
    for name in ("leader", "output"):
        found.pop(name), other.pop(name)
    assert other == {**found, "api_requests": other["api_requests"]}


def test_again_changes_nothing(cluster: Cluster) -> None:
    before, daemons = cluster.helm("history", "kubefed"), cluster.daemons()
    for options in ((), ("--check", "--diff")):
        assert cluster.converge(*options).changed == 0
    cluster.settled()
    assert (cluster.helm("history", "kubefed"), cluster.daemons()) == (before, daemons)


def test_restart_that_was_cut_off(cluster: Cluster) -> None:
    """The KubeFedConfig changed, and the controller manager still the one of before."""
    before = cluster.daemons()
    time.sleep(1)
    change = '{"spec": {"controllerDuration": {"unavailableDelay": "59s"}}}'
    cluster.kubectl("patch", "kubefedconfig", "kubefed", "-n", NAMESPACE, "--type=merge", "-p", change)
    assert cluster.configure().data["restart_controller"]
    assert cluster.converge().changed > 0
    assert cluster.daemons()["controller-manager"] != before["controller-manager"]
    cluster.settled()


def test_module_paths_agree(cluster: Cluster, run_task: Any, path: str) -> None:
    """The module finds nothing to do, and in check mode says what a change would be, without doing it."""
    options = {"kubeconfig": cluster.kubeconfig, "context": "local", "version": "0.10.0"}
    values = json.loads(cluster.helm("get", "values", "kubefed", "-o", "json"))
    same = run_task("kubefed_control_plane", {**options, "values": values}, path=path)
    assert (same["changed"], same["chart"], same["steps"]) == (False, "none", [])
    other = run_task("kubefed_control_plane", {**options, "values": {**values, "more": 1}}, check=True, path=path)
    assert (other["changed"], other["chart"], other["reasons"]) == (True, "upgrade", ["values differ"])


def test_gate_restarts_the_controller_manager(cluster: Cluster) -> None:
    gates = {"kubefed_feature_gates": {"SchedulerPreferences": "Disabled"}}
    before = cluster.daemons()
    predicted = cluster.converge("--check", "--diff", **gates)
    assert predicted.changed > 0 and "SchedulerPreferences: Disabled" in predicted.output
    assert cluster.daemons() == before
    assert cluster.converge(**gates).changed == predicted.changed
    assert cluster.gates() == {"PushReconciler": "Enabled", "RawResourceStatusCollection": "Enabled", "SchedulerPreferences": "Disabled"}
    after = cluster.daemons()
    assert after["controller-manager"] != before["controller-manager"] and after["webhook"] == before["webhook"]
    cluster.settled()


FAKE_HELM = """#!/bin/sh
touch "$0.ran"
echo v2.16.1+g1234567
"""


def test_helm_client_that_was_asked_for(cluster: Cluster) -> None:
    """A good one is used; one that is too old, missing or of another checksum is told, left alone, and in the last case not started."""
    play = {"hosts": "local", "gather_facts": False, "roles": ["edgefed.kubefed.helm"]}
    tell = {"ansible.builtin.debug": {"var": "helm_binary_path"}}
    (cluster.folder / "helm.json").write_text(json.dumps([{**play, "tasks": [tell]}]))
    real, fake = cluster.tools["helm"], cluster.folder / "fake-helm"
    fake.write_text(FAKE_HELM)
    fake.chmod(0o700)

    def use(binary: str, checksum: str = "") -> Run:
        return cluster.play(str(cluster.folder / "helm.json"), helm_binary=binary, helm_checksum=checksum)

    good = use(real, "sha256:" + hashlib.sha256(Path(real).read_bytes()).hexdigest())
    assert good.status == 0 and f"helm_binary_path: {real}" in good.said
    other = use(str(fake), "0" * 64)
    assert other.status != 0 and hashlib.sha256(fake.read_bytes()).hexdigest() in other.said and "0" * 64 in other.said
    assert not Path(f"{fake}.ran").exists()
    old = use(str(fake))
    assert old.status != 0 and f"helm_binary {fake} on localhost is Helm 2.16.1; Helm 3.10 or later, below 4, is needed" in old.said
    gone = use(str(cluster.folder / "none"))
    assert gone.status != 0 and "is not a Helm client that runs" in gone.said and "Next: " in gone.said


def test_unknown_gate(cluster: Cluster) -> None:
    run = cluster.play("control_plane", kubefed_feature_gates={"PushReconcilers": "Enabled"})
    assert run.status != 0 and 'Did you mean "PushReconciler"' in run.said


def test_values_are_an_upgrade(cluster: Cluster) -> None:
    """They leave the settings as they are, and the controller manager running."""
    values = {"kubefed_values": {"controllermanager": {"controller": {"logLevel": 3}}}}
    cluster.converge()
    before = cluster.daemons()
    check = cluster.converge("--check", "--diff", **values)
    assert check.changed > 0 and "logLevel: 3" in check.output
    cluster.converge(**values)
    assert json.loads(cluster.helm("get", "values", "kubefed", "-o", "json"))["controllermanager"]["controller"]["logLevel"] == 3
    assert cluster.get("kubefedconfig", "kubefed", "-n", NAMESPACE)["spec"]["clusterHealthCheck"]["period"] == "2s"
    assert cluster.gates()["RawResourceStatusCollection"] == cluster.gates()["SchedulerPreferences"] == "Enabled"
    assert cluster.daemons()["controller-manager"] == before["controller-manager"]
    cluster.settled()


def test_settings_among_the_values(cluster: Cluster) -> None:
    """One owner: the chart would set them back."""
    before = cluster.helm("history", "kubefed")
    run = cluster.play("control_plane", kubefed_values={"controllermanager": {"clusterHealthCheckPeriod": "3s"}})
    assert run.status != 0 and "controllermanager.clusterHealthCheckPeriod" in run.said
    assert "kubefed_settings.cluster_health_check.period" in run.said
    assert cluster.helm("history", "kubefed") == before


def test_other_version_is_reported_and_left_alone(cluster: Cluster) -> None:
    before = cluster.helm("history", "kubefed")
    run = cluster.play("control_plane", kubefed_version="0.9.2")
    assert run.status != 0
    assert "KubeFed 0.10.0 is already in namespace" in run.said and "kubefed_version asks for 0.9.2" in run.said
    assert "kubefed_version: 0.10.0" in run.said and "teardown.yml" in run.said
    assert cluster.helm("history", "kubefed") == before


def test_other_scope_and_other_namespace_are_reported(cluster: Cluster) -> None:
    scope = cluster.play("control_plane", kubefed_scope="Namespaced")
    assert scope.status != 0 and "kubefed_scope: Cluster" in scope.said
    place = cluster.play("control_plane", federation_namespace="elsewhere")
    assert place.status != 0 and f"federation_namespace: {NAMESPACE}" in place.said
    assert cluster.get("namespace", "elsewhere") is None


def test_dead_controller_and_webhook_are_told_and_healed(cluster: Cluster, info: Any) -> None:
    """By the info module, and by a join that needs the webhook."""
    cluster.stop("webhook", "controller-manager")
    died = time.monotonic()
    joining = cluster.play("join")
    assert joining.status != 0 and joining.output.count("fatal: [") == 1
    assert "KubeFed's admission webhook, which checks every KubeFedCluster, does not answer: https://127.0.0.1:" in joining.said
    assert "connection refused. Next: make it run (playbooks/control_plane.yml" in joining.said
    time.sleep(max(0.0, 16 - (time.monotonic() - died)))
    for path in ("in_process", "module"):
        found = info(path, wait=True, wait_timeout=1, log_hint="/lab/controller.log")
        assert found["failed"]
        assert "connection refused" in found["msg"] and f"127.0.0.1:{cluster.port_base + 6}" in found["msg"]
        assert re.search(r"renewed the lock last at \S+, \d+ s ago; a lease lasts 15 s", found["msg"])
        assert "Next: read /lab/controller.log" in found["msg"]
        assert len(found["details"]["missing"]) == 2
    assert cluster.converge().changed > 0
    cluster.settled()
    joined = cluster.play("join")
    assert joined.status == 0 and joined.changed == 1, joined.output


def test_dead_controller_manager_while_joining(cluster: Cluster) -> None:
    """The wait for Ready says who does not look."""
    cluster.stop("controller-manager")
    options = {"member_labels": {"site": "x"}, "member_api_endpoint": "https://localhost:1", "member_wait_timeout": 2}
    run = cluster.play("join", **options)
    assert run.status != 0 and "KubeFed has not looked at it yet" in run.said
    assert "check that kubefed-controller-manager runs in the host cluster" in run.said
    assert cluster.converge().changed > 0
    cluster.settled()
    assert cluster.play("join").changed == 1


def test_webhook_that_nobody_asks(cluster: Cluster, info: Any) -> None:
    cluster.kubectl("delete", "mutatingwebhookconfiguration", "mutation.core.kubefed.io")
    found = info()
    assert not found["ready"] and "did not ask it" in found["webhook"]["reason"]
    assert cluster.ask().data["chart"] == "install"
    assert cluster.converge().changed > 0
    cluster.settled()


def test_missing_crd_comes_back(cluster: Cluster, info: Any) -> None:
    cluster.kubectl("delete", "crd", "federateddeployments.types.kubefed.io", "federatedjobs.types.kubefed.io")
    found = info(wait=True, wait_timeout=1)
    assert "CRDs not established: federateddeployments.types.kubefed.io, federatedjobs.types.kubefed.io" in found["msg"]
    assert cluster.converge().changed > 0
    cluster.settled()


@pytest.mark.parametrize("status", ["pending-upgrade", "failed"])
def test_release_left_by_a_cut_off_run(cluster: Cluster, info: Any, status: str) -> None:
    """Helm's own record with another status, as a killed Helm leaves it, and a part of the objects gone."""
    cluster.cut_off(status)
    cluster.kubectl("delete", "clusterrole", "kubefed-admin")
    assert info()["release"]["status"] == status
    assert cluster.ask().data["chart"] == "install"
    assert cluster.converge().changed > 0
    assert json.loads(cluster.helm("list", "-o", "json"))[0]["status"] == "deployed"
    assert cluster.get("clusterrole", "kubefed-admin")
    cluster.settled()


JOINED = {
    "apiVersion": "core.kubefed.io/v1beta1",
    "kind": "KubeFedCluster",
    "metadata": {"name": "cddev", "namespace": NAMESPACE},
    "spec": {"apiEndpoint": "https://127.0.0.1:1", "secretRef": {"name": "none"}},
}
FEDERATED = {
    "apiVersion": f"{TYPES}/v1beta1",
    "kind": "FederatedConfigMap",
    "metadata": {"name": "kept", "namespace": "default", "finalizers": ["kubefed.io/sync-controller"]},
    "spec": {"template": {"data": {"a": "b"}}, "placement": {"clusters": []}},
}


def test_absent_refuses_while_joined(cluster: Cluster) -> None:
    """Also a teardown, before the first cluster leaves, when one would stay that is not in the inventory."""
    cluster.kubectl("apply", "-f", "-", stdin=json.dumps(JOINED))
    run = cluster.play("control_plane", kubefed_state="absent")
    assert run.status != 0 and "2 cluster(s) are still joined: cddev, local" in run.said and "unjoin.yml" in run.said
    run = cluster.play("teardown", federation_confirm="local")
    assert run.status != 0 and "1 joined cluster(s) would stay (cddev)" in run.said
    assert "edgefed.kubefed.member : Unjoin" not in run.output
    cluster.kubectl("delete", "kubefedcluster", "cddev", "-n", NAMESPACE)
    cluster.settled()


def test_teardown_asks_before_anything_is_touched(cluster: Cluster) -> None:
    """Without a word, and with federated objects left, it ends before the first cluster is unjoined."""
    run = cluster.play("teardown", inventory="ghost")
    assert run.status != 0 and "federation_confirm=local" in run.said and "(ghost, local)" in run.said
    assert run.output.count("fatal: [") == 1
    refused = cluster.play("teardown", "--limit", "all", inventory="ghost")
    assert refused.status != 0 and "federation_confirm=local" in refused.said
    cluster.kubectl("apply", "-f", "-", stdin=json.dumps(FEDERATED))
    left = cluster.play("teardown", inventory="ghost", federation_confirm="local")
    assert left.status != 0 and "1 federated object(s) would go with their CRDs (1 federatedconfigmaps)" in left.said
    assert "kubefed_purge: true" in left.said
    assert "edgefed.kubefed.member : Unjoin" not in run.output + refused.output + left.output
    cluster.settled()


def test_teardown_and_back(cluster: Cluster) -> None:
    """Foretold; done with the federated object dropped, and nothing left; again nothing to do; and all of it made again."""
    options = {"federation_confirm": "local", "kubefed_purge": True}
    foretold = cluster.play("teardown", "--check", "--diff", **options)
    assert foretold.status == 0 and "KubeFed would be removed from local once local left" in foretold.said, foretold.output
    cluster.settled()
    done = cluster.play("teardown", **options)
    assert done.status == 0, done.output
    cluster.nothing_left()
    again = cluster.play("teardown", **options)
    assert (again.status, again.changed) == (0, 0), again.output
    back = cluster.play("control_plane join")
    assert back.status == 0, back.output
    cluster.settled()
    assert cluster.get("kubefedcluster", "local", "-n", NAMESPACE)
    unjoined = cluster.play("unjoin", "--limit", "local")
    assert unjoined.status == 0, unjoined.output
    foretold = cluster.remove("--check", "--diff")
    assert foretold.changed > 0 and "kubefedclusters.core.kubefed.io" in foretold.output
    cluster.settled()
    assert cluster.remove().changed > 0
    cluster.nothing_left()


def as_modules(folder: Path) -> str:
    """playbooks/control_plane.yml where an ``environment:`` keeps every task out of Ansible's own process."""
    _, play = yaml.safe_load((REPOSITORY / "playbooks" / "control_plane.yml").read_text())
    (folder / "as_modules.json").write_text(json.dumps([{**play, "environment": {"EDGEFED_TEST": "1"}}]))
    return str(folder / "as_modules.json")


def test_twelve_steps_as_modules(cluster: Cluster) -> None:
    """Present, again, changed, again, absent, again; each foretold first, with as many changes as there are."""
    playbook = as_modules(cluster.folder)
    gates = {"kubefed_feature_gates": {"SchedulerPreferences": "Disabled"}}
    absent = {"kubefed_state": "absent"}
    for variables, changes in ({}, True), ({}, False), (gates, True), (gates, False), (absent, True), (absent, False):
        before = cluster.state()
        foretold = cluster.play(playbook, "--check", "--diff", **variables)
        assert foretold.status == 0 and cluster.state() == before, foretold.output
        done = cluster.play(playbook, **variables)
        assert (done.status, done.changed > 0, foretold.changed > 0) == (0, changes, changes), (variables, done.output)
        if not changes:
            assert cluster.state() == before
    cluster.nothing_left()


def test_helm_killed_while_it_installs(cluster: Cluster) -> None:
    """A real Helm, killed with its record pending: the next run waits out its grace, and finishes the work."""
    cluster.kubectl("create", "namespace", NAMESPACE)
    cluster.kubectl("label", "namespace", NAMESPACE, "team=shop")
    drop = cluster.folder / "drop.py"
    drop.write_text(
        f"#!{sys.executable}\nimport sys, yaml\n"
        "yaml.safe_dump_all([d for d in yaml.safe_load_all(sys.stdin) if d and d['kind'] != 'Deployment'], sys.stdout)\n"
    )
    drop.chmod(0o700)
    command = [cluster.tools["helm"], "--kubeconfig", cluster.kubeconfig, "--kube-context", "local", "-n", NAMESPACE]
    command += ["install", "kubefed", cluster.tools["kubefed-chart"], "--no-hooks", "--post-renderer", str(drop)]
    command += ["--qps", "1", "--burst-limit", "1"]  # slow, so that it is killed in the middle on a fast machine too
    helm = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while not cluster.names("secret", "-n", NAMESPACE, "-l", "owner=helm"):
        assert helm.poll() is None
        time.sleep(0.02)
    helm.kill()
    helm.wait()
    assert cluster.get("secret", "-n", NAMESPACE, "-l", "owner=helm,status=pending-install")["items"]
    assert cluster.converge().changed > 0
    assert json.loads(cluster.helm("list", "-o", "json"))[0]["status"] == "deployed"
    cluster.settled()


def test_namespace_of_others_stays(cluster: Cluster) -> None:
    """It was there before: its label is untouched, and it is left without KubeFed's objects."""
    before = cluster.get("namespace", NAMESPACE)["metadata"]
    assert before["labels"]["team"] == "shop" and "annotations" not in before
    assert cluster.remove().changed > 0
    after = cluster.get("namespace", NAMESPACE)["metadata"]
    assert (after["labels"], after["uid"]) == (before["labels"], before["uid"])
    assert cluster.names("secret,configmap,serviceaccount,role", "-n", NAMESPACE) == [
        "configmap/kube-root-ca.crt",
        "serviceaccount/default",
    ]
    assert cluster.remove().changed == 0
    cluster.kubectl("delete", "namespace", NAMESPACE)


def test_namespaced(cluster: Cluster, info: Any) -> None:
    """Refused where no webhook would be asked; else installed, joined with rights in its namespace only, and removed without a trace."""
    scope = {"kubefed_scope": "Namespaced"}
    cluster.kubectl("create", "namespace", NAMESPACE)
    for option in ("--check", "--diff"):
        refused = cluster.play("control_plane", option, **scope)
        assert refused.status != 0 and refused.output.count("fatal: [") == 1
        assert f'namespace "{NAMESPACE}" has no label name={NAMESPACE}' in refused.said and "Next: kubectl label" in refused.said
        assert set(cluster.names("all,secret,configmap", "-n", NAMESPACE)) <= {"configmap/kube-root-ca.crt"}
    cluster.kubectl("label", "namespace", NAMESPACE, f"name={NAMESPACE}")
    assert cluster.converge(**scope).changed > 0
    found = info(wait=True, wait_timeout=20)
    assert (found["ready"], found["scope"], found["webhook"]["answers"]) == (True, "Namespaced", True)
    hooks = cluster.names("mutatingwebhookconfiguration,validatingwebhookconfiguration")
    assert [name.partition("/")[2] for name in hooks if "kubefed" in name] == [
        f"mutation.core.kubefed.io-{NAMESPACE}",
        f"validations.core.kubefed.io-{NAMESPACE}",
    ]
    assert cluster.converge(**scope).changed == 0
    joined = cluster.play("join", **scope)
    assert joined.status == 0 and joined.changed == 1, joined.output
    given = "kubefed-controller-manager:local-local"
    assert cluster.get("rolebinding", given, "-n", NAMESPACE) and cluster.get("clusterrolebinding", given) is None
    assert cluster.play("join", **scope).changed == 0
    done = cluster.play("teardown", federation_confirm="local", **scope)
    assert done.status == 0, done.output
    assert cluster.names("rolebinding,serviceaccount", "-n", NAMESPACE) == ["serviceaccount/default"]
    cluster.kubectl("delete", "namespace", NAMESPACE)
    cluster.nothing_left()


def test_pods_that_never_answer(cluster: Cluster) -> None:
    """kwok's pods say Running and run nothing: the chart's Deployments are right, and the message names what is missing."""
    options = {"kubefed_runtime": "pods", "kubefed_wait_timeout": 3}
    run = cluster.play("control_plane", **options)
    said = " ".join(run.output.split())
    assert run.status != 0 and "the admission webhook does not answer" in said
    images = {
        container["image"]
        for deployment in cluster.get("deployment", "-n", NAMESPACE)["items"]
        for container in deployment["spec"]["template"]["spec"]["containers"]
    }
    assert images == {"quay.io/kubernetes-multicluster/kubefed:v0.10.0"}
    assert not cluster.names("job", "-n", NAMESPACE)
    config = cluster.get("kubefedconfig", "kubefed", "-n", NAMESPACE, "--show-managed-fields")
    assert config["metadata"]["managedFields"][0]["manager"] == FIELD_MANAGER, "it comes before Helm starts a controller manager"
    # As when a controller manager was quicker, and Helm failed over what that had made.
    cluster.cut_off("failed")
    for kind in ("mutating", "validating"):
        cluster.kubectl("delete", f"{kind}webhookconfiguration", "--all")
    cluster.kubectl("annotate", "kubefedconfig", "kubefed", "-n", NAMESPACE, "meta.helm.sh/release-name-")
    again = cluster.play("control_plane", **options)
    assert again.status != 0 and "the admission webhook does not answer" in " ".join(again.output.split()), again.output
    assert json.loads(cluster.helm("list", "-o", "json"))[0]["status"] == "deployed"
    other = cluster.play("control_plane", kubefed_runtime="pods", kubefed_version="0.9.2")
    assert "KubeFed 0.10.0 is already" in " ".join(other.output.split())
    assert cluster.remove(kubefed_runtime="pods").changed > 0
    cluster.nothing_left()


def test_foreign_kubefed_is_left_alone(cluster: Cluster) -> None:
    """Applied without Helm: reported by present and absent, and as it was."""
    chart = cluster.helm("template", "kubefed", cluster.tools["kubefed-chart"], "--include-crds", "--no-hooks")
    cluster.kubectl("create", "namespace", NAMESPACE)
    cluster.kubectl("apply", "--server-side", "-f", f"{cluster.tools['kubefed-chart']}/charts/controllermanager/crds")
    (config,) = [item for item in yaml.safe_load_all(chart) if item and item["kind"] == "KubeFedConfig"]
    cluster.kubectl("apply", "-n", NAMESPACE, "-f", "-", stdin=json.dumps(config))
    for state in ("present", "absent"):
        run = cluster.play("control_plane", kubefed_state=state)
        assert run.status != 0 and "installed without Helm. It is left alone" in " ".join(run.output.split())
    assert cluster.get("kubefedconfig", "kubefed", "-n", NAMESPACE)
