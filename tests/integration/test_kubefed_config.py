# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The settings of a real control plane: applied, again, wrong, and the restart that they need.

One cluster lives through the whole file, so the tests run in its order.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from integration.control_plane_cluster import NAMESPACE, Cluster, cluster

from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import EdgefedError

__all__ = ["cluster"]


def test_settings_of_a_control_plane_that_is_not_there(cluster: Cluster, run_task: Any, path: str) -> None:
    """Foretold against KubeFed's defaults, since the chart will make it with these; not done."""
    options = {"kubeconfig": cluster.kubeconfig, "context": "local", "profile": "slow_links"}
    assert "clusterHealthCheck.period" in run_task("kubefed_config", options, check=True, path=path)["changes"]
    assert not run_task("kubefed_config", {**options, "profile": "default"}, check=True, path=path)["changed"]
    failed = run_task("kubefed_config", options, path=path)
    assert failed["failed"] and failed["code"] == "no_kubefed" and "Next: run playbooks/control_plane.yml" in failed["msg"]


def test_settings_playbook(cluster: Cluster) -> None:
    """Foretold, done with one restart, again nothing; and back. What is given by itself wins over the profile."""
    own = {"cluster_health_check": {"timeout": "4s"}}
    cluster.converge()
    before = cluster.daemons()
    foretold = cluster.play("settings", "--check", "--diff", kubefed_profile="fast_failover", kubefed_settings=own)
    assert foretold.status == 0 and "+ clusterHealthCheck.timeout: 4s" in foretold.said and cluster.daemons() == before, foretold.output
    done = cluster.play("settings", kubefed_profile="fast_failover", kubefed_settings=own)
    assert (done.status, done.changed) == (0, foretold.changed), done.output
    spec = cluster.get("kubefedconfig", "kubefed", "-n", NAMESPACE)["spec"]
    assert spec["clusterHealthCheck"] == {"period": "3s", "timeout": "4s", "failureThreshold": 3, "successThreshold": 1}
    assert spec["controllerDuration"]["unavailableDelay"] == "10s" and spec["syncController"]["maxConcurrentReconciles"] == 4
    after = cluster.daemons()
    assert after["controller-manager"] != before["controller-manager"] and after["webhook"] == before["webhook"]
    again = cluster.play("settings", kubefed_profile="fast_failover", kubefed_settings=own)
    assert (again.status, again.changed, cluster.daemons()) == (0, 0, after), again.output
    cluster.settled()
    back = cluster.play("settings", kubefed_profile="default")
    assert back.status == 0 and back.changed > 0, back.output


def test_settings_paths_agree(cluster: Cluster, run_task: Any, path: str) -> None:
    """Nothing to do, a change foretold, and mistakes told before anything is asked; all fields of the real CRD are known."""
    options = {"kubeconfig": cluster.kubeconfig, "context": "local"}
    same = run_task("kubefed_config", options, path=path)
    assert (same["changed"], same["changes"], same["restart_controller"], same["api_requests"]) == (False, [], False, 2)
    other = run_task("kubefed_config", {**options, "profile": "slow_links"}, check=True, path=path)
    assert other["changed"] and other["restart_controller"] and "clusterHealthCheck.period" in other["changes"]
    wrong = run_task("kubefed_config", {**options, "scope": "Namespaced"}, path=path)
    assert wrong["failed"] and wrong["code"] == "other_scope" and "KubeFed has scope Cluster" in wrong["msg"]
    wrong = run_task("kubefed_config", {"kubeconfig": "/none", "cluster_health_check": {"period": "often"}}, path=path)
    assert wrong["failed"] and wrong["code"] == "invalid" and 'cluster_health_check.period "often" is no duration' in wrong["msg"]
    crd = cluster.get("crd", "kubefedconfigs.core.kubefed.io")
    spec = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]
    fields = {f"{name}.{key}" for name, below in spec.items() if name not in ("scope", "featureGates") for key in below["properties"]}
    assert fields == set(same["settings"]) - {"featureGates"}
    change = {**options, "sync_controller": {"max_concurrent_reconciles": 2}}
    foretold, done, again = (run_task("kubefed_config", change, check=check, path=path) for check in (True, False, True))
    assert foretold["changes"] == done["changes"] == ["syncController.maxConcurrentReconciles"] and foretold["diff"] == done["diff"]
    assert again["changes"] == [] and again["restart_controller"]
    assert cluster.converge(kubefed_profile="default").changed > 0
    cluster.settled()


def test_settings_restart_a_deployment(cluster: Cluster) -> None:
    """Where KubeFed runs in pods: they are replaced, and waited for. kwok's pods are ready at once."""
    labels = {"app": "stand-in"}
    container = {"name": "controller-manager", "image": "example.com/kubefed:v0.10.0"}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
    spec = {"replicas": 2, "selector": {"matchLabels": labels}, "template": template}
    meta = {"name": "kubefed-controller-manager", "namespace": NAMESPACE}
    cluster.kubectl("apply", "-f", "-", stdin=json.dumps({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta, "spec": spec}))
    with pytest.raises(EdgefedError, match=r"has no right to endpoints in namespace .* Next: give service account"):
        cluster.configure(leader_elect={"resource_lock": "endpoints"})
    done = cluster.configure(check=False, cluster_health_check={"period": "4s"})
    assert done.data["restart_controller"] and done.data["changes"] == ["clusterHealthCheck.period"]
    live = cluster.get("deployment", "kubefed-controller-manager", "-n", NAMESPACE)
    assert "kubectl.kubernetes.io/restartedAt" in live["spec"]["template"]["metadata"]["annotations"]
    assert (live["status"]["updatedReplicas"], live["status"]["replicas"]) == (2, 2)
    cluster.kubectl("delete", "deployment", "kubefed-controller-manager", "-n", NAMESPACE)
    assert cluster.converge().changed > 0
    cluster.settled()
