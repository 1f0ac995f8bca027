# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Plain objects made federated: the project's own kubefedctl is the oracle."""

from __future__ import annotations

import copy
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.errors import AnsibleFilterError

from ansible_collections.edgefed.kubefed.plugins.filter.to_federated import federated
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.to_federated import NotFederated, is_federated, to_federated
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.types import DEFAULTS, FederatedType, table

KUBEFEDCTL = Path(__file__).resolve().parents[3] / ".venv" / "bin" / "kubefedctl"
NOWHERE = {
    "apiVersion": "v1",
    "kind": "Config",
    "current-context": "x",
    "clusters": [{"name": "x", "cluster": {"server": "https://127.0.0.1:9"}}],
    "users": [{"name": "x", "user": {"token": "x"}}],
    "contexts": [{"name": "x", "context": {"cluster": "x", "user": "x"}}],
}
SERVER_SET = {
    "uid": "6a1f",
    "resourceVersion": "17",
    "generation": 3,
    "creationTimestamp": "2026-01-01T00:00:00Z",
    "selfLink": "/x",
    "managedFields": [{"manager": "kubectl", "operation": "Apply"}],
    "ownerReferences": [{"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": "1"}],
    "finalizers": ["example.com/keep"],
    "annotations": {"kubectl.kubernetes.io/last-applied-configuration": "{}"},
}
POD = {
    "metadata": {"labels": {"app": "web"}, "annotations": {"kept": "yes"}},
    "spec": {"containers": [{"name": "web", "image": "nginx:1.17"}]},
}
PORTS = [{"name": "http", "port": 80, "nodePort": 30080, "targetPort": "http"}, {"port": 443, "nodePort": 30443}]


def manifest(api_version: str, kind: str, name: str = "web", namespace: str | None = "shop", **body: Any) -> dict[str, Any]:
    where = {"namespace": namespace} if namespace else {}
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": name, **where}, **body}


def live(of: dict[str, Any], **metadata: Any) -> dict[str, Any]:
    """As ``kubectl get -o yaml`` has it."""
    return {**of, "metadata": {**of["metadata"], **SERVER_SET, **metadata}, "status": {"phase": "Active"}}


DEPLOYMENT = manifest("apps/v1", "Deployment", spec={"replicas": 2, "selector": {"matchLabels": {"app": "web"}}, "template": POD})
SERVICE = manifest("v1", "Service", spec={"type": "NodePort", "clusterIP": "10.0.0.7", "clusterIPs": ["10.0.0.7"], "ports": PORTS})
OBJECTS: dict[str, dict[str, Any]] = {
    "deployment": DEPLOYMENT,
    "live deployment": live(DEPLOYMENT, labels={"app": "web", "tier": "front"}),
    "replica set": manifest("apps/v1", "ReplicaSet", spec={"replicas": 1, "template": POD}),
    "namespace": live(manifest("v1", "Namespace", "shop", None, spec={"finalizers": ["kubernetes"]}), labels={"team": "a"}),
    "bare namespace": manifest("v1", "Namespace", "shop", None),
    "config map": live(manifest("v1", "ConfigMap", data={"a": "1"}, binaryData={"b": "AAE="}, immutable=True)),
    "config map in no namespace": manifest("v1", "ConfigMap", namespace=None, data={}),
    "secret": live(manifest("v1", "Secret", type="Opaque", data={"password": "c2VjcmV0"}, stringData={"user": "me"}), labels={}),
    "service": SERVICE,
    "headless service": manifest("v1", "Service", spec={"clusterIP": "None", "selector": {"app": "web"}}),
    "service account": live(manifest("v1", "ServiceAccount", secrets=[{"name": "t"}], imagePullSecrets=[{"name": "p"}])),
    "ingress": manifest("networking.k8s.io/v1", "Ingress", spec={"defaultBackend": {"service": {"name": "web", "port": {"number": 80}}}}),
    "job": manifest("batch/v1", "Job", spec={"template": POD, "backoffLimit": 3}),
    "cluster role": live(manifest("rbac.authorization.k8s.io/v1", "ClusterRole", namespace=None, rules=[{"verbs": ["get"]}])),
}


@pytest.fixture(scope="module")
def by_kubefedctl(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What kubefedctl makes of each of ``OBJECTS``."""
    folder = tmp_path_factory.mktemp("oracle")
    (folder / "kubeconfig").write_text(json.dumps(NOWHERE))
    (folder / "objects.yaml").write_text(yaml.safe_dump_all(OBJECTS.values()))
    command = [str(KUBEFEDCTL), "federate", "--filename", str(folder / "objects.yaml"), "--kubeconfig", str(folder / "kubeconfig")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return dict(zip(OBJECTS, yaml.safe_load_all(done.stdout), strict=True))


@pytest.mark.parametrize("name", OBJECTS)
def test_as_kubefedctl(name: str, by_kubefedctl: dict[str, Any]) -> None:
    given = copy.deepcopy(OBJECTS[name])
    assert to_federated(given, DEFAULTS) == by_kubefedctl[name]
    assert given == OBJECTS[name], "what is passed in stays"


def test_placement_and_overrides() -> None:
    overrides = [{"clusterName": "zj", "clusterOverrides": [{"path": "/spec/replicas", "value": 3}]}]
    made = to_federated(DEPLOYMENT, DEFAULTS, {"clusters": [{"name": "zj"}]}, overrides)
    assert (made["spec"]["placement"], made["spec"]["overrides"]) == ({"clusters": [{"name": "zj"}]}, overrides)
    assert "overrides" not in to_federated(DEPLOYMENT, DEFAULTS, overrides=[])["spec"]


def test_live_job_loses_what_its_controller_set() -> None:
    marks = {"controller-uid": "1", "batch.kubernetes.io/controller-uid": "1", "job-name": "j", "batch.kubernetes.io/job-name": "j"}
    pod = {"metadata": {"labels": {**marks, "app": "j"}}, "spec": {}}
    job = manifest("batch/v1", "Job", spec={"selector": {"matchLabels": {"controller-uid": "1"}}, "template": pod})
    job["metadata"]["labels"] = {**marks, "app": "j"}
    template = to_federated(job, DEFAULTS)["spec"]["template"]
    assert template == {"metadata": {"labels": {"app": "j"}}, "spec": {"template": {"metadata": {"labels": {"app": "j"}}, "spec": {}}}}
    job["spec"]["manualSelector"] = True
    assert to_federated(job, DEFAULTS)["spec"]["template"]["spec"] == job["spec"]


def test_old_ingress_is_one() -> None:
    for version in ("extensions/v1beta1", "networking.k8s.io/v1beta1"):
        assert to_federated(manifest(version, "Ingress"), DEFAULTS)["kind"] == "FederatedIngress"


OFF = {
    "metadata": {"name": "gateways.shop.example.com"},
    "spec": {
        "propagation": "Disabled",
        "federatedType": {"group": "types.kubefed.io", "version": "v1beta1", "kind": "FederatedGateway", "pluralName": "federatedgateways"},
        "targetType": {"group": "shop.example.com", "version": "v1", "kind": "Gateway", "pluralName": "gateways", "scope": "Cluster"},
    },
}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            manifest("apps/v1", "StatefulSet"),
            "StatefulSet shop/web: StatefulSet of apps/v1 is not a federated kind. Next: enable it (statefulset in federated_types, ",
        ),
        (
            manifest("extensions/v1beta1", "Deployment"),
            "Deployment of extensions/v1beta1 is not served since Kubernetes 1.16, and is federated as apps/v1. Next: write it as apps/v1",
        ),
        (manifest("serving.knative.dev/v1", "Service"), "Service of serving.knative.dev/v1 is not a federated kind. Next: enable it"),
        (
            manifest("batch/v1beta1", "Job"),
            "Job shop/web: Job is federated as batch/v1, not as batch/v1beta1. Next: write the object as batch/v1.",
        ),
        (manifest("shop.example.com/v1", "Gateway"), "FederatedGateway is not enabled: propagation of FederatedTypeConfig gateways.shop."),
        ({}, "an object without kind: it of no apiVersion is not"),
    ],
)
def test_refused_by_name(given: dict[str, Any], said: str) -> None:
    with pytest.raises(NotFederated) as caught:
        to_federated(given, {**DEFAULTS, **table([OFF])})
    assert said in caught.value.message
    assert "Next: " in caught.value.message


def test_what_is_no_mapping_is_for_the_checks() -> None:
    """It is told there with its place; here it only must not end the run."""
    for broken in ({"metadata": ["x"]}, {"metadata": {"labels": 3}}, {"spec": "x"}, {"spec": {"ports": "x"}}, {"spec": {"ports": ["x"]}}):
        for kind in ("Service", "Namespace", "ServiceAccount"):
            assert to_federated({"apiVersion": "v1", "kind": kind, **copy.deepcopy(broken)}, DEFAULTS)["kind"] == f"Federated{kind}"
    assert to_federated({"apiVersion": "batch/v1", "kind": "Job", "spec": {"selector": {}, "template": 1}}, DEFAULTS)


def test_is_federated() -> None:
    assert is_federated({"apiVersion": "types.kubefed.io/v1beta1", "kind": "FederatedNonsense"}, DEFAULTS)
    assert not is_federated(DEPLOYMENT, DEFAULTS)


def test_filter() -> None:
    made = federated(DEPLOYMENT, ["zj"])
    assert (made["kind"], made["spec"]["placement"]) == ("FederatedDeployment", {"clusters": [{"name": "zj"}]})
    text = yaml.safe_dump_all([DEPLOYMENT, {"apiVersion": "v1", "kind": "List", "items": [SERVICE]}])
    assert [one["kind"] for one in federated(text, {"clusterSelector": {}})] == ["FederatedDeployment", "FederatedService"]
    assert federated([], []) == []
    on = copy.deepcopy(OFF)
    on["spec"]["propagation"] = "Enabled"
    gateway = federated(manifest("shop.example.com/v1", "Gateway", namespace=None), types=[on])
    assert gateway["metadata"] == {"name": "web"}
    for given, said in (
        (manifest("apps/v1", "DaemonSet"), "DaemonSet of apps/v1"),
        ("a: b: c", "to_federated:1:"),
        (3, "a number, not an object"),
    ):
        with pytest.raises(AnsibleFilterError) as caught:
            federated(given)
        assert said in str(caught.value) and "Next: " in str(caught.value)


@pytest.mark.parametrize("version", ["v1", "v1beta1"])
def test_a_version_that_is_federated_itself_stays(version: str) -> None:
    """Old API servers may have CronJobs of batch/v1beta1 only, and a type for these."""
    target = {"group": "batch", "version": version, "kind": "CronJob", "pluralName": "cronjobs", "scope": "Namespaced"}
    federated = FederatedType("cronjobs.batch", "FederatedCronJob", "types.kubefed.io/v1beta1", "federatedcronjobs", True, target, True)
    made = to_federated(manifest("batch/v1beta1", "CronJob"), {"FederatedCronJob": federated})
    assert made["kind"] == "FederatedCronJob"
