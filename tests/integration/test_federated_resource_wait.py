# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""When a wait ends, with real clusters, one of them dead, and KubeFed's real controller."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest
import yaml
from integration.federate_lab import CLUSTERS, SYSTEM, Federate, config_map, federate, federated, namespace
from integration.test_federated_resource_faults import listener, server_of
from integration.waiting import until

__all__ = ["federate", "namespace"]

pytestmark = pytest.mark.lab


def deployment(namespace: str, **pod: Any) -> dict[str, Any]:
    labels = {"app": "web"}
    pod = {"containers": [{"name": "web", "image": "nginx:1.17"}], **pod}
    spec = {"replicas": 1, "selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": pod}}
    return federated("FederatedDeployment", "web", namespace, {"template": {"spec": spec}}, ("local", "cddev"))


def task(federate: Federate, *definitions: Any, **options: Any) -> dict[str, Any]:
    return {"kubeconfig": federate.lab.kubeconfig, "context": "local", "definition": list(definitions), **options}


def not_ready(federate: Federate, name: str) -> bool:
    conditions = (federate.find("local", "kubefedcluster", name, SYSTEM).get("status") or {}).get("conditions") or []
    return not any(item["type"] == "Ready" and item["status"] == "True" for item in conditions)


def test_enough_clusters_while_one_is_dead(federate: Federate, run_task: Any, namespace: str) -> None:
    """Two of three are enough: by the objects themselves while KubeFed is still busy with the third, and by its own word afterwards."""
    everywhere = ("local", "cddev", "zj")
    federate(config_map("x", namespace, placed=everywhere))
    new, other = config_map("x", namespace, "2", placed=everywhere), config_map("y", namespace, "2", placed=everywhere)
    process = listener(server_of(federate.lab, "zj"))
    os.kill(process, signal.SIGSTOP)
    try:
        by_version = run_task("federated_resource", task(federate, new, wait_for={"clusters": 2, "by": "version"}))
        until(lambda: not_ready(federate, "zj"), "KubeFed finds that zj is not ready")
        by_word = run_task("federated_resource", task(federate, other, wait_for={"clusters": "60%"}), path="module")
        values = [federate.value(cluster, name, namespace) for cluster in ("local", "cddev") for name in ("x", "y")]
    finally:
        os.kill(process, signal.SIGCONT)
    for done in (by_version, by_word):
        assert done["changed"], done
        told = done["resources"][-1]["clusters"]
        assert (told["cddev"], told["local"], told["zj"] == "OK") == ("OK", "OK", False)
    assert values == ["2"] * 4
    federate(new, other, wait_timeout=200)
    assert [federate.value("zj", name, namespace) for name in ("x", "y")] == ["2", "2"]


def test_available(federate: Federate, namespace: str) -> None:
    """The wait ends when the clusters' own objects say so."""
    for condition in ("Available", "Ready"):
        done = federate(deployment(namespace), config_map("x", namespace), wait_for={"condition": condition})
        assert done.data["resources"][-2]["clusters"] == {"local": "OK", "cddev": "OK"}
        for name in ("local", "cddev"):
            status = federate.find(name, "deployment", "web", namespace)["status"]
            assert {item["type"]: item["status"] for item in status["conditions"]}["Available"] == "True"
    assert not done.changed


def test_never_available(federate: Federate, run_task: Any, namespace: str) -> None:
    """Each cluster is named with what its Deployment says, and with the last event there."""
    body = deployment(namespace, nodeSelector={"no": "such-node"})
    federate(body, wait=False)

    def stuck(name: str) -> Any:
        found = federate.find(name, "deployment", "web", namespace) or {}
        conditions = {item["type"]: item["status"] for item in (found.get("status") or {}).get("conditions") or []}
        events = federate.lab.get(name, "events", "-n", namespace, "--field-selector", "involvedObject.kind=Deployment")
        return conditions.get("Available") == "False" and events and events["items"]

    for name in ("local", "cddev"):
        until(lambda name=name: stuck(name), f"the Deployment in {name} is not available")
    federate(body)
    for path in ("in_process", "module"):
        failed = run_task("federated_resource", task(federate, body, wait_for={"condition": "Available"}, wait_timeout=1), path=path)
        assert (failed["failed"], failed["code"]) == (True, "not_propagated")
        assert "not Available in every cluster; the clusters not named have all." in failed["msg"]
        for name in ("local", "cddev"):
            assert (
                f"- {name}: FederatedDeployment {namespace}/web: condition Available is False: MinimumReplicasUnavailable" in failed["msg"]
            )
            assert f"Next: see `kubectl --context {name} -n {namespace} describe deployment web`." in failed["msg"]
        assert failed["details"]["clusters"] == ["cddev", "local"]
        assert all("last event there: Scaled up replica set web-" in item["event"] for item in failed["details"]["missed"])


def test_the_controllers_own_reason(federate: Federate, namespace: str) -> None:
    """What only one member refuses: KubeFed's word and its last event."""
    federate(config_map("other", namespace))
    quota = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "q"}, "spec": {"hard": {"count/configmaps": "2"}}}
    federate.lab.kubectl("zj", "apply", "-n", namespace, "-f", "-", stdin=json.dumps(quota))
    until(lambda: (federate.find("zj", "resourcequota", "q", namespace).get("status") or {}).get("hard"), "the quota is in force")
    body = config_map("x", namespace)
    assert federate(body, wait_for={"clusters": 1}).data["resources"][-1]["clusters"]["local"] == "OK"

    def refused() -> bool:
        status = federate.find("local", "federatedconfigmap", "x", namespace).get("status") or {}
        return {"name": "zj", "status": "CreationFailed"} in (status.get("clusters") or [])

    until(refused, "KubeFed says that zj refuses it")
    error = federate.error(body, wait_for={"by": "version"}, wait_timeout=2)
    assert f"- zj: FederatedConfigMap {namespace}/x: it is not there (KubeFed: CreationFailed)" in error.message
    assert "exceeded quota: q" in error.message
    assert error.details["clusters"] == ["zj"]


def test_refused_by_field(federate: Federate, run_task: Any, path: str, namespace: str, tmp_path: Path) -> None:
    """Before anything is sent, by both paths, also in check mode."""
    kubeconfig = yaml.safe_load(Path(federate.lab.kubeconfig).read_text())
    kubeconfig["contexts"] = [item for item in kubeconfig["contexts"] if item["name"] != "zj"]
    (tmp_path / "kubeconfig").write_text(json.dumps(kubeconfig))
    body = config_map("x", namespace)
    before = federate.written()
    wrong = {"clusters": len(CLUSTERS) + 1, "condition": "Avaliable"}
    failed = run_task("federated_resource", task(federate, body, wait_for=wrong), path=path, check=True)
    assert failed["code"] == "invalid"
    assert [item["field"] for item in failed["details"]["problems"]] == ["wait_for.clusters", "wait_for.condition"]
    assert "Next: did you mean Available." in failed["msg"]
    assert federate.written() == before
    said = federate.refused(body, wait_for={"clusters": "most"})
    assert "the task: wait_for.clusters: 'most' is no number of clusters. Next: say all, a number as 2, or a percentage as 90%." in said
    said = federate.refused(body, kubeconfig=str(tmp_path / "kubeconfig"), wait_for={"by": "version"})
    assert "the task: wait_for: zj cannot be asked: " in said and "context 'zj'" in said
