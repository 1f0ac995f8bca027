# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The control plane on a real cluster of its own: installed, kept, broken, healed, removed by the real playbooks.

One cluster lives through the whole file, so the tests run in its order.
"""

from __future__ import annotations

import base64
import gzip
import json
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Iterator

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
ANSIBLE = str(Path(sys.executable).with_name("ansible-playbook"))
PORT_BASE = 26900
NAMESPACE = "kube-federation-system"
TYPES = "types.kubefed.io"


@dataclass
class Run:
    """What a playbook run said; ``changed`` counts the host's and localhost's tasks."""

    status: int
    output: str

    @property
    def changed(self) -> int:
        return sum(int(count) for count in re.findall(r"^\S+ +: ok=\d+ +changed=(\d+)", self.output, re.M))


@dataclass
class Cluster:
    """A lab of one cluster, ``local``, host cluster and (not joined) member; with a member that never was, ``ghost``."""

    folder: Path
    tools: dict[str, str]

    @property
    def kubeconfig(self) -> str:
        return str(self.folder / ".edgefed" / "kubeconfig")

    def write_inventory(self) -> None:
        common = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable, "kubefed_runtime": "process"}
        common |= {"lab_port_base": PORT_BASE, "lab_prefix": "cpt-", "lab_nodes": 1, "tools_paths": self.tools}
        common |= {"federation_state_dir": str(self.folder / ".edgefed"), "kubefed_wait_timeout": 60}
        groups = {"federation_host": {"hosts": {"local": None}}, "federation_members": {"hosts": {"local": None}}}
        (self.folder / "lab.json").write_text(json.dumps({"all": {"vars": common, "children": {"lab": {"children": groups}}}}))
        groups["federation_members"] = {"hosts": {"local": None, "ghost": None}}
        (self.folder / "ghost.json").write_text(json.dumps({"all": {"vars": common, "children": groups}}))

    def play(self, playbook: str, *options: str, inventory: str = "lab", **variables: Any) -> Run:
        command = [ANSIBLE, "-i", str(self.folder / f"{inventory}.json"), str(REPOSITORY / "playbooks" / f"{playbook}.yml"), *options]
        command += ["-e", json.dumps(variables)]
        done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
        output = done.stdout + done.stderr
        assert "Traceback" not in output
        assert "a bug in edgefed" not in output
        return Run(done.returncode, output)

    def converge(self, *options: str, **variables: Any) -> Run:
        run = self.play("control_plane", *options, **variables)
        assert run.status == 0, run.output
        return run

    def remove(self, *options: str, **variables: Any) -> Run:
        run = self.play("control_plane", *options, kubefed_state="absent", **variables)
        assert run.status == 0, run.output
        return run

    def kubectl(self, *arguments: str, stdin: str | None = None) -> str:
        command = [self.tools["kubectl"], "--kubeconfig", self.kubeconfig, "--context", "local", *arguments]
        done = subprocess.run(command, input=stdin, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{command}: {done.stderr}"
        return done.stdout

    def get(self, *arguments: str) -> Any:
        text = self.kubectl("get", *arguments, "-o", "json", "--ignore-not-found")
        return json.loads(text) if text.strip() else None

    def names(self, kind: str, *arguments: str) -> list[str]:
        return self.kubectl("get", kind, "-o", "name", "--ignore-not-found", *arguments).split()

    def helm(self, *arguments: str) -> str:
        command = [self.tools["helm"], "--kubeconfig", self.kubeconfig, "--kube-context", "local", "-n", NAMESPACE, *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    def gates(self) -> dict[str, str]:
        listed = self.get("kubefedconfig", "kubefed", "-n", NAMESPACE)["spec"]["featureGates"]
        return {gate["name"]: gate["configuration"] for gate in listed}

    def daemons(self) -> dict[str, int]:
        """KubeFed's processes of this lab, by ps."""
        listing = subprocess.run(["ps", "-eww", "-o", "pid=,args="], capture_output=True, text=True, check=True).stdout
        found = {}
        for line in listing.splitlines():
            if str(self.folder) in line:
                for name in ("controller-manager", "webhook"):
                    if re.search(rf"\d+ \S*/{name} ", line):
                        found[name] = int(line.split()[0])
        return found

    def stop(self, *names: str) -> None:
        for name in names:
            os.kill(self.daemons()[name], signal.SIGKILL)
        while set(names) & set(self.daemons()):
            time.sleep(0.05)

    def nothing_left(self) -> None:
        assert [name for name in self.names("crd") if name.endswith("kubefed.io")] == []
        for kind in ("mutatingwebhookconfiguration", "validatingwebhookconfiguration", "clusterrole", "clusterrolebinding"):
            assert [name for name in self.names(kind) if "kubefed" in name] == []
        assert self.get("namespace", NAMESPACE) is None
        assert self.daemons() == {}


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A bare cluster with the lab's own playbooks, its kubeconfig's context renamed as playbooks/kubeconfig.yml would."""
    folder = tmp_path_factory.mktemp("control-plane")
    paths = folder / "paths.json"
    tasks = [
        {"ansible.builtin.include_role": {"name": "edgefed.kubefed.tools"}},
        {"ansible.builtin.copy": {"content": "{{ tools_paths }}", "dest": str(paths), "mode": "0600"}},
    ]
    play = {"hosts": "localhost", "gather_facts": False, "vars": {"ansible_python_interpreter": sys.executable}, "tasks": tasks}
    (folder / "tools.json").write_text(json.dumps([play]))
    hosts = {"hosts": {"a": None}}
    inventory = {"all": {"children": {"lab": hosts, "federation_host": hosts, "federation_members": hosts}}}
    (folder / "inventory.json").write_text(json.dumps(inventory))
    subprocess.run([ANSIBLE, "-i", str(folder / "inventory.json"), str(folder / "tools.json")], cwd=REPOSITORY, check=True)
    made = Cluster(folder, json.loads(paths.read_text()))
    made.write_inventory()
    up = made.play("lab_up")
    assert up.status == 0, up.output
    made_by_lab = (folder / ".edgefed" / "lab" / "kubeconfigs" / "local").read_text()
    Path(made.kubeconfig).write_text(made_by_lab)
    rename = [made.tools["kubectl"], "--kubeconfig", made.kubeconfig, "config"]
    context = subprocess.run([*rename, "current-context"], capture_output=True, text=True, check=True).stdout.strip()
    if context != "local":
        subprocess.run([*rename, "rename-context", context, "local"], check=True)
    yield made
    made.play("lab_down")


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
    run = cluster.converge("--check", "--diff")
    assert run.changed > 0
    assert "+            controller:\n+                    tag: v0.10.0" in run.output.replace("    +", "+") or "tag: v0.10.0" in run.output
    cluster.nothing_left()


def test_absent_on_an_empty_cluster(cluster: Cluster) -> None:
    assert cluster.remove().changed == 0


def test_converge(cluster: Cluster, info: Any, path: str) -> None:
    """The first parameter installs, the second finds it; what kubectl and helm say is the oracle."""
    run = cluster.converge("-vvvv", "--diff")
    assert (run.changed > 0) is (path == "in_process")
    assert webhook_key(cluster) not in run.output
    found = info(path, wait=True, wait_timeout=20)
    assert found["ready"] and found["webhook"]["answers"] and found["leader"]["fresh"]
    assert (found["version"], found["scope"], found["namespace"], found["crds"]["missing"]) == ("0.10.0", "Cluster", NAMESPACE, [])
    assert set(found["crds"]["served"]) == {name.split("/")[1] for name in cluster.names("crd") if name.endswith("kubefed.io")}
    assert found["feature_gates"] == cluster.gates() == dict.fromkeys(found["feature_gates"], "Enabled")
    lock = cluster.get("configmap", "kubefed-controller-manager", "-n", NAMESPACE)
    leader = json.loads(lock["metadata"]["annotations"]["control-plane.alpha.kubernetes.io/leader"])
    assert found["leader"]["holder"] == leader["holderIdentity"]
    release = json.loads(cluster.helm("list", "-o", "json"))[0]
    assert (release["name"], release["status"]) == ("kubefed", "deployed") and release["chart"] == found["release"]["chart"]
    assert found["api_requests"] <= 20
    assert "edgefed.io/made-by" in cluster.get("namespace", NAMESPACE)["metadata"]["annotations"]


def test_again_changes_nothing(cluster: Cluster) -> None:
    before, daemons = cluster.helm("history", "kubefed"), cluster.daemons()
    for options in ((), ("--check",), ("--diff",)):
        assert cluster.converge(*options).changed == 0
    assert (cluster.helm("history", "kubefed"), cluster.daemons()) == (before, daemons)


def test_module_paths_agree(cluster: Cluster, run_task: Any, path: str) -> None:
    """The module finds nothing to do, and in check mode says what a change would be, without doing it."""
    options = {"kubeconfig": cluster.kubeconfig, "context": "local", "version": "0.10.0"}
    values = json.loads(cluster.helm("get", "values", "kubefed", "-o", "json"))
    same = run_task("kubefed_control_plane", {**options, "values": values}, path=path)
    assert (same["changed"], same["chart"], same["steps"]) == (False, "none", [])
    other = run_task("kubefed_control_plane", {**options, "values": {**values, "more": 1}}, check=True, path=path)
    assert (other["changed"], other["chart"], other["reasons"]) == (True, "upgrade", ["values differ"])
    gate = {"feature_gates": {"PushReconciler": "Disabled"}, "values": values}
    assert run_task("kubefed_control_plane", {**options, **gate}, check=True, path=path)["steps"] == ["set_gates"]
    assert cluster.gates()["PushReconciler"] == "Enabled"


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
    assert cluster.converge(**gates).changed == 0
    assert cluster.converge().changed > 0


def test_unknown_gate(cluster: Cluster) -> None:
    run = cluster.play("control_plane", kubefed_feature_gates={"PushReconcilers": "Enabled"})
    assert run.status != 0 and 'Did you mean "PushReconciler"' in run.output


def test_values_are_an_upgrade(cluster: Cluster) -> None:
    values = {"kubefed_values": {"controllermanager": {"clusterHealthCheckPeriod": "7s"}}}
    check = cluster.converge("--check", "--diff", **values)
    assert check.changed > 0 and "clusterHealthCheckPeriod: 7s" in check.output
    cluster.converge(**values)
    assert cluster.get("kubefedconfig", "kubefed", "-n", NAMESPACE)["spec"]["clusterHealthCheck"]["period"] == "7s"
    assert cluster.gates()["RawResourceStatusCollection"] == "Enabled"
    assert cluster.converge(**values).changed == 0


def test_other_version_is_reported_and_left_alone(cluster: Cluster) -> None:
    before = cluster.helm("history", "kubefed")
    for options in ((), ("--check",)):
        run = cluster.play("control_plane", *options, kubefed_version="0.9.2")
        assert run.status != 0
        said = " ".join(run.output.split())
        assert "KubeFed 0.10.0 is already in namespace" in said and "kubefed_version asks for 0.9.2" in said
        assert "kubefed_version: 0.10.0" in said and "teardown.yml" in said
    assert cluster.helm("history", "kubefed") == before


def test_other_scope_and_other_namespace_are_reported(cluster: Cluster) -> None:
    scope = cluster.play("control_plane", kubefed_scope="Namespaced")
    assert scope.status != 0 and "kubefed_scope: Cluster" in " ".join(scope.output.split())
    place = cluster.play("control_plane", federation_namespace="elsewhere")
    assert place.status != 0 and f"federation_namespace: {NAMESPACE}" in " ".join(place.output.split())
    assert cluster.get("namespace", "elsewhere") is None


def test_dead_controller_and_webhook_are_told_and_healed(cluster: Cluster, info: Any, path: str) -> None:
    cluster.stop("webhook", "controller-manager")
    time.sleep(16)
    found = info(path, wait=True, wait_timeout=1, log_hint="/lab/controller.log")
    assert found["failed"]
    assert "connection refused" in found["msg"] and f"127.0.0.1:{PORT_BASE}"[:-2] in found["msg"]
    assert re.search(r"renewed the lock last at \S+, \d+ s ago; a lease lasts 15 s", found["msg"])
    assert "Next: read /lab/controller.log" in found["msg"]
    assert len(found["details"]["missing"]) == 2
    assert cluster.converge().changed > 0
    assert info(path)["ready"]


def test_webhook_that_nobody_asks(cluster: Cluster, info: Any) -> None:
    cluster.kubectl("delete", "mutatingwebhookconfiguration", "mutation.core.kubefed.io")
    found = info()
    assert not found["ready"] and "did not ask it" in found["webhook"]["reason"]
    assert cluster.converge("--check").changed > 0
    assert cluster.converge().changed > 0
    assert info()["ready"] and cluster.converge().changed == 0


def test_missing_crd_comes_back(cluster: Cluster, info: Any) -> None:
    cluster.kubectl("delete", "crd", "federateddeployments.types.kubefed.io", "kubefedclusters.core.kubefed.io")
    found = info(wait=True, wait_timeout=1)
    assert "CRDs not established: federateddeployments.types.kubefed.io, kubefedclusters.core.kubefed.io" in found["msg"]
    refused = cluster.play("control_plane", kubefed_state="absent")
    assert refused.status != 0 and "Helm cannot uninstall while CRDs" in " ".join(refused.output.split())
    assert cluster.converge().changed > 0
    assert info(wait=True, wait_timeout=20)["ready"] and cluster.converge().changed == 0


@pytest.mark.parametrize("status", ["pending-upgrade", "failed"])
def test_release_left_by_a_cut_off_run(cluster: Cluster, info: Any, status: str) -> None:
    """Helm's own record with another status, as a killed Helm leaves it, and a part of the objects gone."""
    name = cluster.names("secret", "-n", NAMESPACE, "-l", "owner=helm,status=deployed")[0]
    secret = cluster.get(name, "-n", NAMESPACE)
    content = json.loads(gzip.decompress(base64.b64decode(base64.b64decode(secret["data"]["release"]))))
    content["info"]["status"] = status
    content["info"]["last_deployed"] = "2026-01-01T00:00:00Z"
    packed = base64.b64encode(base64.b64encode(gzip.compress(json.dumps(content).encode()))).decode()
    cluster.kubectl(
        "patch", name, "-n", NAMESPACE, "-p", json.dumps({"data": {"release": packed}, "metadata": {"labels": {"status": status}}})
    )
    cluster.kubectl("delete", "clusterrole", "kubefed-admin")
    assert info()["release"]["status"] == status
    assert cluster.converge("--check").changed > 0
    assert cluster.converge().changed > 0
    assert json.loads(cluster.helm("list", "-o", "json"))[0]["status"] == "deployed"
    assert cluster.get("clusterrole", "kubefed-admin")
    assert cluster.converge().changed == 0


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
    cluster.kubectl("apply", "-f", "-", stdin=json.dumps(JOINED))
    run = cluster.play("control_plane", kubefed_state="absent")
    said = " ".join(run.output.split())
    assert run.status != 0 and "1 cluster(s) are still joined: cddev" in said and "unjoin.yml" in said
    cluster.kubectl("delete", "kubefedcluster", "cddev", "-n", NAMESPACE)
    assert cluster.converge().changed == 0


def test_teardown_asks_before_anything_is_touched(cluster: Cluster) -> None:
    """Without a word, and with federated objects left, it ends before the first cluster is unjoined."""
    run = cluster.play("teardown", inventory="ghost")
    said = " ".join(run.output.split())
    assert run.status != 0 and "federation_confirm=local" in said and "(local, ghost)" in said
    assert "kubefed : Unjoin" not in run.output
    cluster.kubectl("apply", "-f", "-", stdin=json.dumps(FEDERATED))
    run = cluster.play("teardown", inventory="ghost", federation_confirm="local")
    said = " ".join(run.output.split())
    assert run.status != 0 and "1 federated object(s) would go with their CRDs (1 federatedconfigmaps)" in said
    assert "kubefed_purge: true" in said
    assert "ghost" not in run.output.partition("PLAY RECAP")[2]
    assert cluster.converge().changed == 0


def test_absent(cluster: Cluster) -> None:
    """Predicted, done with the federated object dropped, and nothing left; again nothing to do."""
    predicted = cluster.remove("--check", "--diff", kubefed_purge=True)
    assert predicted.changed > 0 and "kubefedclusters.core.kubefed.io" in predicted.output
    assert cluster.converge().changed == 0
    assert cluster.remove(kubefed_purge=True).changed > 0
    cluster.nothing_left()
    assert cluster.remove().changed == 0


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
    helm = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while not cluster.names("secret", "-n", NAMESPACE, "-l", "owner=helm"):
        assert helm.poll() is None
        time.sleep(0.02)
    helm.kill()
    helm.wait()
    assert cluster.get("secret", "-n", NAMESPACE, "-l", "owner=helm,status=pending-install")["items"]
    assert cluster.converge().changed > 0
    assert json.loads(cluster.helm("list", "-o", "json"))[0]["status"] == "deployed"
    assert cluster.converge().changed == 0


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
    other = cluster.play("control_plane", kubefed_runtime="pods", kubefed_version="0.9.2")
    assert "KubeFed 0.10.0 is already" in " ".join(other.output.split())
    assert cluster.remove(kubefed_runtime="pods").changed > 0
    cluster.nothing_left()


def test_foreign_kubefed_is_left_alone(cluster: Cluster) -> None:
    """Applied without Helm: reported by present and absent, and as it was."""
    chart = cluster.helm("template", "kubefed", cluster.tools["kubefed-chart"], "--include-crds", "--no-hooks")
    cluster.kubectl("create", "namespace", NAMESPACE)
    cluster.kubectl("apply", "--server-side", "-f", f"{cluster.tools['kubefed-chart']}/charts/controllermanager/crds")
    config = chart[chart.index("kind: KubeFedConfig") :].partition("\n---")[0]
    cluster.kubectl("apply", "-n", NAMESPACE, "-f", "-", stdin=f"apiVersion: core.kubefed.io/v1beta1\n{config}")
    for state in ("present", "absent"):
        run = cluster.play("control_plane", kubefed_state=state)
        assert run.status != 0 and "installed without Helm. It is left alone" in " ".join(run.output.split())
    assert cluster.get("kubefedconfig", "kubefed", "-n", NAMESPACE)
