# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Drift made by hand and by other managers in real clusters, told with who made it and since when."""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from integration.federate_lab import CLUSTERS, REPOSITORY, Federate, config_map, federate, federated, overridden
from integration.test_federated_resource_faults import controller_of
from integration.waiting import until

from ansible_collections.edgefed.kubefed.plugins.module_utils.client import connect
from ansible_collections.edgefed.kubefed.plugins.modules.federated_resource_info import ARGUMENT_SPEC, run

__all__ = ["federate"]

pytestmark = pytest.mark.lab

NAMESPACE = "fe-drift"
UNMANAGED = "kubefed.io/managed=false"
SECRET = "hunter2-hunter2"
LABELS = {"app": "web"}


def web() -> dict[str, Any]:
    pod = {"metadata": {"labels": LABELS}, "spec": {"containers": [{"name": "web", "image": "nginx:1.17"}]}}
    template = {"spec": {"replicas": 1, "selector": {"matchLabels": LABELS}, "template": pod}}
    overrides = overridden("zj", {"path": "/spec/replicas", "value": 2})
    found = federated("FederatedDeployment", "web", NAMESPACE, {"template": template, "overrides": overrides})
    found["metadata"]["labels"] = LABELS
    return found


def free() -> dict[str, Any]:
    """A Deployment whose number of replicas is the member's own."""
    found = web()
    found["metadata"]["name"] = "free"
    found["spec"] = {"template": found["spec"]["template"], "placement": found["spec"]["placement"], "retainReplicas": True}
    return found


@pytest.fixture(scope="module")
def drifted(federate: Federate) -> Federate:
    """In zj a Deployment and a Secret are changed that KubeFed is told to leave alone, and a Service is refused."""
    secret = federated("FederatedSecret", "secret", NAMESPACE, {"template": {"stringData": {"password": SECRET}}})
    federate(web(), free(), secret, config_map("settings", NAMESPACE))
    kubectl = federate.lab.kubectl
    for kind, name in (("deployment", "web"), ("secret", "secret")):
        kubectl("zj", "label", kind, name, UNMANAGED, "--overwrite", "-n", NAMESPACE)
    for name in ("web", "free"):
        kubectl("zj", "scale", "deployment", name, "--replicas=5", "-n", NAMESPACE)
    head = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": NAMESPACE}}
    theirs = {**head, "spec": {"template": {"spec": {"containers": [{"name": "web", "image": "nginx:theirs"}]}}}}
    how = ("apply", "--server-side", "--field-manager=theirs", "--force-conflicts", "-f", "-")
    kubectl("zj", *how, stdin=json.dumps(theirs))
    data = {"data": {"password": base64.b64encode(f"{SECRET}-other".encode()).decode()}}
    kubectl("zj", "patch", "secret", "secret", "-n", NAMESPACE, "--type=merge", "-p", json.dumps(data))
    ports = {"template": {"spec": {"ports": [{"port": 80}]}}, "overrides": overridden("zj", {"path": "/spec/type", "value": "Nonsense"})}
    kubectl("local", "apply", "-f", "-", stdin=json.dumps(federated("FederatedService", "refused", NAMESPACE, ports)))
    until(lambda: word(federate, "federateddeployment", "web") == "ManagedLabelFalse", "KubeFed leaves the Deployment alone")
    until(lambda: word(federate, "federatedservice", "refused") == "CreationFailed", "KubeFed tried to make the Service")
    return federate


def word(federate: Federate, kind: str, name: str) -> str:
    """KubeFed's own for zj."""
    status = federate.find("local", kind, name, NAMESPACE).get("status") or {}
    return next((item.get("status", "") for item in status.get("clusters") or [] if item["name"] == "zj"), "")


def arguments(federate: Federate, **options: Any) -> dict[str, Any]:
    return {"kubeconfig": federate.lab.kubeconfig, "context": "local", "namespaces": [NAMESPACE], **options}


def written(federate: Federate, kind: str, name: str, manager: str) -> str:
    """When a manager wrote, as kubectl shows it."""
    found = json.loads(federate.lab.kubectl("zj", "get", kind, name, "-n", NAMESPACE, "-o", "json", "--show-managed-fields"))
    [time] = [item.get("time", "") for item in found["metadata"]["managedFields"] if item["manager"] == manager]
    return str(time)


def test_each_field_with_its_writer(drifted: Federate, run_task: Any) -> None:
    """Of the manager that wrote the field, by both paths, and the same in check mode."""
    options = arguments(drifted, label_selectors=["app=web"])
    results = [run_task("federated_resource_info", options, path=path, check=path == "module") for path in ("in_process", "module")]
    for result in results:
        assert not result["changed"]
        result.pop("output")
        result.pop("api_requests")
    assert results[0] == results[1]
    told = {item["field"]: (item["is"], item["should"], item["manager"], item["operation"], item["since"]) for item in results[0]["drift"]}
    container = "spec.template.spec.containers[0].image"
    assert told == {
        'metadata.labels["kubefed.io/managed"]': (
            '"false"',
            '"true"',
            "kubectl-label",
            "Update",
            written(drifted, "deployment", "web", "kubectl-label"),
        ),
        "spec.replicas": ("5", "2", "kubectl", "Update", written(drifted, "deployment", "web", "kubectl")),
        container: ('"nginx:theirs"', '"nginx:1.17"', "theirs", "Apply", written(drifted, "deployment", "web", "theirs")),
    }
    assert {(item["cluster"], item["object"]) for item in results[0]["drift"]} == {("zj", f"Deployment {NAMESPACE}/web")}
    assert {row["name"] for row in results[0]["resources"]} == {"web", "free"}, "replicas that are the member's own are no drift"
    [row] = [row for row in results[0]["resources"] if row["name"] == "web"]
    assert row["propagation"]["current"] and row["propagation"]["clusters"] == {"local": "OK", "zj": "ManagedLabelFalse"}
    assert "KubeFed leaves it alone" in row["clusters"]["zj"]["why"]
    assert len(results[0]["table"]) == 4


def test_missing_with_the_controllers_reason(drifted: Federate, run_task: Any) -> None:
    result = run_task("federated_resource_info", arguments(drifted, kinds=["Service"]))
    [entry] = result["drift"]
    assert (entry["cluster"], entry["field"], entry["is"], entry["manager"]) == ("zj", "", "missing", "")
    assert result["resources"][0]["propagation"]["clusters"]["zj"] == "CreationFailed"
    assert result["api_requests"] <= 3 + 2 + len(CLUSTERS) * (2 + 1) + 1


def test_a_secret_is_never_shown(drifted: Federate, run_task: Any, monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    monkeypatch.setenv("ANSIBLE_VERBOSITY", "4")
    result = run_task("federated_resource_info", arguments(drifted, names=["secret"], strictness="exact"), path=path)
    assert {(item["field"], item["manager"]) for item in result["drift"]} == {
        ("data.password", "kubectl-patch"),
        ('metadata.labels["kubefed.io/managed"]', "kubectl-label"),
    }
    for text in (SECRET, base64.b64encode(SECRET.encode()).decode(), base64.b64encode(f"{SECRET}-other".encode()).decode()):
        assert text not in json.dumps(result)


def look(federate: Federate, **options: Any) -> dict[str, Any]:
    """The module's function itself, for a moment that is short."""
    params = ArgumentSpecValidator(ARGUMENT_SPEC).validate(arguments(federate, **options)).validated_parameters
    return run(params, False, False, connect).data


def test_a_condition_of_an_old_generation_counts_for_nothing(drifted: Federate) -> None:
    process = controller_of(drifted.lab)
    os.kill(process, signal.SIGSTOP)
    try:
        change = {"spec": {"template": {"data": {"key": "2"}}}}
        drifted.lab.kubectl("local", "patch", "federatedconfigmap", "settings", "-n", NAMESPACE, "--type=merge", "-p", json.dumps(change))
        [row] = look(drifted, kinds=["ConfigMap"])["resources"]
    finally:
        os.kill(process, signal.SIGCONT)
    said = row["propagation"]
    assert (said["current"], said["status"], said["observed_generation"]) == (False, "Unknown", said["generation"] - 1)
    assert set(said["clusters"].values()) == {"not yet looked at by KubeFed's controller"}
    [entry] = row["clusters"]["local"]["drift"]
    assert (entry["field"], entry["is"], entry["should"], entry["manager"]) == ("data.key", '"1"', '"2"', "controller-manager")
    until(lambda: look(drifted, kinds=["ConfigMap"])["in_sync"], "KubeFed brought it to all")


def test_a_selector_that_is_none_and_a_cluster_without_context(drifted: Federate, run_task: Any, tmp_path: Path) -> None:
    failed = run_task("federated_resource_info", arguments(drifted, label_selectors=["app in web"]))
    assert failed["failed"] and "Option label_selectors: 'app in web': unable to parse requirement" in failed["msg"]
    kubeconfig = yaml.safe_load(Path(drifted.lab.kubeconfig).read_text())
    kubeconfig["contexts"] = [item for item in kubeconfig["contexts"] if item["name"] != "zj"]
    (tmp_path / "kubeconfig").write_text(json.dumps(kubeconfig))
    found = look(drifted, kinds=["ConfigMap"], kubeconfig=str(tmp_path / "kubeconfig"))
    assert (found["in_sync"], list(found["unreachable"])) == (False, ["zj"])


def test_verify_tells_it_too_and_changes_no_report_for_another_write(drifted: Federate, run_task: Any, tmp_path: Path) -> None:
    """kubectl-patch writes again, another field, and so at another time: nothing new for the report."""
    files = {"report_html": str(tmp_path / "report.html"), "report_json": str(tmp_path / "report.json")}
    options = arguments(drifted, clusters=CLUSTERS, kinds=["Secret"], wait=False, **files)
    first = run_task("federation_verify", options)
    since = written(drifted, "secret", "secret", "kubectl-patch")
    said = f"data.password is another value (a secret, not shown) (kubectl-patch, Update, since {since})"
    assert first["changed"] and said in first["problems"][0]["message"]
    assert any(line.startswith(f"zj       Secret {NAMESPACE}/secret  data.password") and line.endswith(since) for line in first["table"])
    assert said in (tmp_path / "report.json").read_text() and said in (tmp_path / "report.html").read_text()

    def once_more() -> bool:
        note = {"metadata": {"annotations": {"note": os.urandom(4).hex()}}}
        drifted.lab.kubectl("zj", "patch", "secret", "secret", "-n", NAMESPACE, "--type=merge", "-p", json.dumps(note))
        return written(drifted, "secret", "secret", "kubectl-patch") != since

    until(once_more, "kubectl-patch has written in another second")
    again = run_task("federation_verify", options, path="module")
    assert not again["changed"]
    assert written(drifted, "secret", "secret", "kubectl-patch") in again["problems"][0]["message"]


def test_playbook(drifted: Federate, tmp_path: Path) -> None:
    """A table, and then a failure, which is asked for here."""
    hosts = {name: {"ansible_connection": "local"} for name in CLUSTERS}
    groups = {"federation_host": {"hosts": {"local": {}}}, "federation_members": {"hosts": hosts}}
    (tmp_path / "hosts.yml").write_text(yaml.safe_dump({"all": {"children": groups}}))
    given = {"federation_kubeconfig": drifted.lab.kubeconfig, "verify_namespaces": [NAMESPACE], "verify_drift_fail": True}
    command = [str(Path(sys.executable).with_name("ansible-playbook")), "-i", str(tmp_path / "hosts.yml"), "playbooks/drift.yml"]
    done = subprocess.run([*command, "-e", json.dumps(given)], cwd=REPOSITORY, capture_output=True, text=True, check=False)
    output = " ".join(f"{done.stdout}{done.stderr}".split())
    assert done.returncode == 2, output
    assert "CLUSTER OBJECT FIELD IS SHOULD BE BY SINCE" in output
    assert f"zj Deployment {NAMESPACE}/web spec.replicas 5 2 kubectl (Update)" in output
    assert "undo what was changed by hand" in output and "changed=1" not in output and "Traceback" not in output
