# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Federated resources applied to real clusters, with KubeFed's real controller propagating them."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Callable, Iterator
from urllib.parse import urlsplit

import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.edgefed.kubefed.plugins.module_utils.client import Client, connect
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.status import override_hash, template_hash
from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import EdgefedError, Result
from ansible_collections.edgefed.kubefed.plugins.modules import kubefed_cluster
from ansible_collections.edgefed.kubefed.plugins.modules.federated_resource import ARGUMENT_SPEC, run

pytestmark = pytest.mark.lab

REPOSITORY = Path(__file__).resolve().parents[2]
ARTICLE = REPOSITORY / "tests" / "data" / "article"
PRINTED = REPOSITORY / "tests" / "data" / "article_as_printed"
SYSTEM = "kube-federation-system"
TYPES = "types.kubefed.io/v1beta1"
CLUSTERS = ["local", "cddev", "zj"]
KILLED = 9
KINDS = "federatednamespaces,federatedconfigmaps,federatedsecrets,federatedservices,federateddeployments,federatedingresses"


def until(condition: Callable[[], Any], what: str, seconds: float = 60) -> Any:
    """The first true value of ``condition``."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = condition()
        if found:
            return found
        time.sleep(0.2)
    raise AssertionError(f"not within {seconds} s: {what}")


def clusters(*names: str) -> dict[str, Any]:
    return {"clusters": [{"name": name} for name in names]}


def federated(kind: str, name: str, namespace: str, spec: dict[str, Any], placed: tuple[str, ...] = ("local", "zj")) -> dict[str, Any]:
    head = {"apiVersion": TYPES, "kind": kind, "metadata": {"name": name, "namespace": namespace}}
    return {**head, "spec": {"placement": clusters(*placed), **spec}}


def config_map(name: str, namespace: str, value: str = "1", placed: tuple[str, ...] = ("local", "zj"), **spec: Any) -> dict[str, Any]:
    return federated("FederatedConfigMap", name, namespace, {"template": {"data": {"key": value}}, **spec}, placed)


def overridden(cluster: str, *overrides: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"clusterName": cluster, "clusterOverrides": list(overrides)}]


class Federate:
    """The module called directly, and what kubectl sees."""

    def __init__(self, lab: Any) -> None:
        self.lab = lab

    def __call__(self, *definitions: Any, check: bool = False, using: Callable[..., Client] = connect, **options: Any) -> Result:
        """One run."""
        given = {"kubeconfig": self.lab.kubeconfig, "context": "local", **options}
        if definitions:
            given["definition"] = list(definitions)
        checked = ArgumentSpecValidator(ARGUMENT_SPEC).validate(given)
        assert not checked.error_messages, checked.error_messages
        return run(checked.validated_parameters, check, True, using)

    def error(self, *definitions: Any, **options: Any) -> EdgefedError:
        """The error of a run that has to fail."""
        with pytest.raises(EdgefedError) as caught:
            self(*definitions, **options)
        assert "Next: " in caught.value.message
        return caught.value

    def refused(self, *definitions: Any, **options: Any) -> str:
        """The message of a run that is refused before anything is written."""
        before = self.written()
        error = self.error(*definitions, **options)
        assert self.written() == before
        return error.message

    def written(self) -> list[str]:
        """Every object that a run may write, as far as KubeFed itself doesn't write to it."""
        fields = ["uid", "generation", "labels", "annotations"]
        form = "custom-columns=" + ",".join(f"{field}:.metadata.{field}" for field in fields)
        lines = self.lab.kubectl("local", "get", KINDS, "-A", "--no-headers", "--ignore-not-found", "-o", form)
        return sorted([*lines.splitlines(), *self.lab.kubectl("local", "get", "namespaces", "-o", "name").splitlines()])

    def find(self, context: str, kind: str, name: str, namespace: str) -> Any:
        return self.lab.get(context, kind, name, "-n", namespace)

    def value(self, context: str, name: str, namespace: str) -> str | None:
        """What a cluster's ConfigMap says."""
        found = self.find(context, "configmap", name, namespace)
        return str(found["data"]["key"]) if found else None


def actions(outcome: Result | dict[str, Any]) -> list[str]:
    """What was done, short."""
    data = outcome.data if isinstance(outcome, Result) else outcome
    return [f"{one['action']} {one['kind']} {one['name']}" for one in data["resources"] if one["action"] != "none"]


@pytest.fixture(scope="module")
def federate(lab: Any) -> Iterator[Federate]:
    """All three clusters joined; at the end no namespace of these tests is left, and what was not joined is unjoined."""
    there = [name for name in CLUSTERS if lab.get("local", "kubefedcluster", name, "-n", SYSTEM)]

    def member(name: str, state: str) -> None:
        given = {"kubeconfig": lab.kubeconfig, "context": "local", "name": name, "state": state}
        params = ArgumentSpecValidator(kubefed_cluster.ARGUMENT_SPEC).validate(given).validated_parameters
        kubefed_cluster.run(params, False, False, connect)

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda name: member(name, "present"), CLUSTERS))
    yield Federate(lab)
    ours = [item["metadata"]["name"] for item in lab.get("local", "namespaces")["items"] if item["metadata"]["name"].startswith("fe-")]
    if ours:
        lab.kubectl("local", "delete", "namespace", *ours)
    for name in CLUSTERS:
        if name not in there:
            member(name, "absent")


COUNT = iter(range(1, 1000))


@pytest.fixture
def namespace() -> str:
    """A name that no other test has."""
    return f"fe-{next(COUNT)}"


def without_counts(result: dict[str, Any]) -> dict[str, Any]:
    """A result as far as check mode can predict it: not how many requests, nor how the clusters stand after the wait."""
    kept = {key: value for key, value in result.items() if key not in ("output", "api_requests", "resources")}
    return {**kept, "resources": [{**one, "clusters": sorted(one["clusters"])} for one in result["resources"]]}


def test_twelve_steps(federate: Federate, run_task: Any, path: str, namespace: str, tmp_path: Path) -> None:
    """Create, again, change, again, delete, delete what is absent; each in check mode first, which predicts exactly and writes nothing."""
    manifest = tmp_path / "manifests"
    manifest.mkdir()

    def step(value: str, state: str) -> dict[str, Any]:
        (manifest / "one.yaml").write_text(yaml.safe_dump(config_map("one", namespace, value)))
        arguments = {"kubeconfig": federate.lab.kubeconfig, "context": "local", "src": [str(manifest)], "state": state}
        before = federate.written()
        predicted = run_task("federated_resource", arguments, check=True, path=path)
        assert federate.written() == before
        done = run_task("federated_resource", arguments, path=path)
        assert without_counts(predicted) == without_counts(done)
        return dict(done)

    made = ["create Namespace", "create FederatedNamespace", "create FederatedConfigMap"]
    first = step("1", "present")
    assert (first["changed"], [one.rsplit(" ", 1)[0] for one in actions(first)]) == (True, made)
    assert first["resources"][2]["clusters"] == {"local": "OK", "zj": "OK"}
    assert first["resources"][2]["from"] == f"{manifest}/one.yaml:1:1"
    assert [federate.value(name, "one", namespace) for name in CLUSTERS] == ["1", None, "1"]
    again = step("1", "present")
    assert (again["changed"], actions(again), again["diff"]) == (False, [], [])
    assert again["api_requests"] <= 8
    changed = step("2", "present")
    assert actions(changed) == ["apply FederatedConfigMap one"]
    assert [entry["before_header"] for entry in changed["diff"]] == [
        f"host cluster: FederatedConfigMap {namespace}/one",
        f"cluster local: ConfigMap {namespace}/one",
        f"cluster zj: ConfigMap {namespace}/one",
    ]
    assert [federate.value(name, "one", namespace) for name in ("local", "zj")] == ["2", "2"]
    assert not step("2", "present")["changed"]
    gone = step("2", "absent")
    assert actions(gone) == ["delete FederatedConfigMap one", f"delete FederatedNamespace {namespace}", f"delete Namespace {namespace}"]
    assert federate.lab.get("local", "namespace", namespace) is None
    assert federate.lab.get("zj", "namespace", namespace) is None
    assert not step("2", "absent")["changed"]


# --- the article -------------------------------------------------------------------------------------------------------


def corrected() -> list[dict[str, Any]]:
    """The data of the lab's inventory."""
    found = yaml.safe_load((REPOSITORY / "inventories/lab/group_vars/all/article.yml").read_text())
    placeholder, value = json.dumps("{{ _article_clusters }}"), json.dumps(found["_article_clusters"])
    result: list[dict[str, Any]] = json.loads(json.dumps(found["federated_resources_definitions"]).replace(placeholder, value))
    return result


def test_the_article(federate: Federate) -> None:
    """In each cluster as overridden; a second run changes nothing, in a handful of requests; and the hashes are the controller's."""
    first = federate(*corrected())
    assert len(actions(first)) == 5
    assert all(set(one["clusters"].values()) <= {"OK"} for one in first.data["resources"])
    for name, replicas, image, project in (("local", 1, "nginx:1.17", "p-6rt82"), ("cddev", 3, "nginx:1.14.0-alpine", "p-64g94")):
        deployment = federate.find(name, "deployment", "test-deployment", "vrfederation")
        assert (deployment["spec"]["replicas"], deployment["spec"]["template"]["spec"]["containers"][0]["image"]) == (replicas, image)
        assert "foo" not in deployment["metadata"].get("annotations", {})
        meta = federate.lab.get(name, "namespace", "vrfederation")["metadata"]
        assert meta["labels"]["field.cattle.io/projectId"] == project
        assert meta["annotations"]["field.cattle.io/projectId"] == f"local:{project}"
        assert federate.find(name, "service", "federated-svc", "vrfederation")["spec"]["selector"] == {"app": "nginx-test"}
        assert (
            federate.find(name, "ingress", "test-ingress", "vrfederation")["spec"]["defaultBackend"]["service"]["name"] == "federated-svc"
        )
    assert federate.lab.get("zj", "namespace", "vrfederation") is None
    again = federate(*corrected())
    assert (again.changed, again.data["api_requests"]) == (False, 9)
    for item in federate.lab.get("local", "propagatedversions", "-n", "vrfederation")["items"]:
        kind, name = item["metadata"]["name"].split("-", 1)
        live = federate.find("local", f"federated{kind}", name, "vrfederation")
        assert (item["status"]["templateVersion"], item["status"]["overridesVersion"]) == (template_hash(live), override_hash(live))
    gone = federate(*corrected(), state="absent")
    assert actions(gone)[-1] == "delete Namespace vrfederation"
    for name in CLUSTERS:
        assert federate.lab.get(name, "namespace", "vrfederation") is None


def test_the_article_literally(federate: Federate) -> None:
    """The text as printed is answered, never repaired silently."""
    said = federate.refused(src=[str(ARTICLE)])
    assert (
        "ingress.yaml:13:5: FederatedIngress vrfederation/test-ingress: spec.placement.cluster: unknown field. Next: did you mean" in said
    )
    assert "did you mean spec.placement.clusters" in said
    assert "dns.yaml:2:1: IngressDNSRecord vrfederation/test-ingress: kind: IngressDNSRecord is refused: DNS is not set up" in said
    printed = federate.refused(src=[str(PRINTED)])
    for name in ("namespace.yaml", "deployment.yaml"):
        assert f'{name}:4:1: "name" stands at the margin, but belongs to "metadata" of line 3: the indentation was lost' in printed


def test_legacy_backend_and_selector(federate: Federate, namespace: str) -> None:
    """Two warnings, and it works: converted in each member, the Deployment named."""
    text = "---\n".join((ARTICLE / f"{name}.yaml").read_text() for name in ("namespace", "deployment", "service", "ingress"))
    text = text.replace("cluster:\n", "clusters:\n").replace("vrfederation", namespace)
    done = federate(text)
    assert len(done.warnings) == 2
    assert "spec.template was converted to networking.k8s.io/v1: spec.backend to spec.defaultBackend.service" in done.warnings[0]
    assert "selector app: nginx selects no pods" in done.warnings[1]
    assert "Did you mean FederatedDeployment test-deployment (app: nginx-test)?" in done.warnings[1]
    backend = federate.find("cddev", "ingress", "test-ingress", namespace)["spec"]["defaultBackend"]
    assert backend == {"service": {"name": "federated-svc", "port": {"number": 80}}}
    service = (ARTICLE / "service.yaml").read_text().replace("vrfederation", namespace)
    assert "FederatedDeployment test-deployment" in federate(service).warnings[0], "also when the Deployment is there already"
    assert federate(service.replace("app: nginx\n", "app: nginx-test\n")).warnings == []


# --- refusals ----------------------------------------------------------------------------------------------------------


def test_everything_wrong_at_once(federate: Federate, namespace: str) -> None:
    """Nothing is written, and each problem has its place, its cause and the nearest thing that is right."""
    replicsa = {"spec": {"replicsa": 1, "selector": {"matchLabels": {"a": "b"}}, "template": {"metadata": {"labels": {"a": "b"}}}}}
    said = federate.refused(
        config_map("a", namespace, placed=("cdev",)),
        config_map("b", namespace, overrides=overridden("zj", {"path": "/data/kye", "value": "2"})),
        config_map("c", namespace, overrides=overridden("zj", {"path": "/data/key", "value": 5})),
        federated("FederatedDeployment", "d", namespace, {"template": replicsa}),
        federated("FederatedPod", "e", namespace, {"template": {}}),
        "metadata:\n\tname: f\n",
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}, "spce": {}},
    )
    for part in (
        "definition[0]: FederatedConfigMap {0}/a: spec.placement.clusters[0].name: cluster 'cdev' is not joined. Next: did you mean cddev?",
        "definition[1]: FederatedConfigMap {0}/b: spec.overrides[0].clusterOverrides[0].path: override for zj: "
        "path /data/kye does not exist: /data has no 'kye'. Next: did you mean 'key'",
        "definition[2]: FederatedConfigMap {0}/c: spec.template.data: a number where string is wanted (as zj would get it). "
        "Next: correct the template, or the override that sets it.",
        "definition[3]: FederatedDeployment {0}/d: spec.template.spec.replicsa: unknown field. "
        "Next: did you mean spec.template.spec.replicas",
        "definition[4]: FederatedPod {0}/e: kind: FederatedPod is not a federated kind.",
        "definition[5]:2:1: a tab where YAML wants spaces.",
    ):
        assert part.format(namespace) in said
    assert said.count("\n- ") == 6
    assert "spce" in federate.refused({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}, "spce": {}})


def test_kind_not_enabled(federate: Federate, namespace: str) -> None:
    """It says which FederatedTypeConfig to change."""
    job = federated("FederatedJob", "x", namespace, {"template": {"spec": {}}})
    switch = ("local", "patch", "federatedtypeconfig", "jobs.batch", "-n", SYSTEM, "--type=merge", "-p")
    federate.lab.kubectl(*switch, '{"spec":{"propagation":"Disabled"}}')
    try:
        said = federate.refused(job)
    finally:
        federate.lab.kubectl(*switch, '{"spec":{"propagation":"Enabled"}}')
    assert "FederatedJob is not enabled: propagation of FederatedTypeConfig jobs.batch is off" in said


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        ({"context": "cddev"}, "no_kubefed", 'cluster "cddev" (https://127.0.0.1:'),
        ({"federation_namespace": "other"}, "no_kubefed", "has no KubeFed in namespace other"),
        ({"context": "nowhere"}, "kubeconfig", "nowhere"),
        ({"kubeconfig": "/no/such/file"}, "kubeconfig", "/no/such/file"),
        ({"host": "https://127.0.0.1:9"}, "unreachable", "the connection was refused"),
        ({"src": ["nowhere.yaml"]}, "invalid", "nowhere.yaml: there is no such file or folder"),
        ({"namespace": "default"}, "invalid", "KubeFed propagates nothing of the namespace 'default'"),
    ],
)
def test_cannot_start(federate: Federate, options: dict[str, Any], code: str, said: str) -> None:
    body = config_map("x", "fe-never")
    if "namespace" in options:
        del body["metadata"]["namespace"]
    error = federate.error(body, **options)
    assert error.code == code
    assert said in error.message


def test_manifests_are_told_before_a_dead_host_cluster(federate: Federate) -> None:
    assert "a tab where YAML wants spaces" in federate.error("a:\n\tb: 1", host="https://127.0.0.1:9").message


def test_conflict(federate: Federate, namespace: str) -> None:
    """Named with the field and its manager; taken over when asked to."""
    federate(config_map("x", namespace))
    theirs = json.dumps(config_map("x", namespace, "theirs"))
    federate.lab.kubectl("local", "apply", "--server-side", "--field-manager=theirs", "--force-conflicts", "-f", "-", stdin=theirs)
    said = federate.refused(config_map("x", namespace, "ours"), config_map("y", namespace))
    assert f"FederatedConfigMap {namespace}/x: spec.template.data.key: field manager 'theirs' set spec.template.data.key" in said
    assert "force_conflicts: true" in said
    assert actions(federate(config_map("x", namespace, "ours"), force_conflicts=True)) == ["apply FederatedConfigMap x"]
    assert [federate.value(name, "x", namespace) for name in ("local", "zj")] == ["ours", "ours"]


WEBHOOK: dict[str, Any] = {
    "apiVersion": "admissionregistration.k8s.io/v1",
    "kind": "ValidatingWebhookConfiguration",
    "metadata": {"name": "fe-test"},
    "webhooks": [
        {
            "name": "policy.example.com",
            "clientConfig": {"url": "https://127.0.0.1:9/"},
            "rules": [{"apiGroups": ["types.kubefed.io"], "apiVersions": ["*"], "resources": ["federatedconfigmaps"], "operations": ["*"]}],
            "sideEffects": "None",
            "admissionReviewVersions": ["v1"],
        }
    ],
}


def test_webhook_down(federate: Federate, namespace: str) -> None:
    """An admission webhook that does not answer is named, and nothing was written."""
    federate.lab.kubectl("local", "create", "namespace", namespace)
    federate.lab.kubectl("local", "apply", "-f", "-", stdin=json.dumps(WEBHOOK))
    try:
        until(lambda: "webhook" in federate.error(config_map("x", namespace), check=True).message, "the webhook is in force", 10)
        said = federate.refused(config_map("x", namespace))
    finally:
        federate.lab.kubectl("local", "delete", "validatingwebhookconfiguration", "fe-test")
    assert 'failed calling webhook "policy.example.com"' in said
    assert "Next: bring the service of admission webhook policy.example.com back, or remove its configuration" in said


# --- namespaces --------------------------------------------------------------------------------------------------------


def federated_to(federate: Federate, namespace: str) -> list[str]:
    placement = federate.find("local", "federatednamespace", namespace, namespace)["spec"]["placement"]
    return sorted(one["name"] for one in placement["clusters"])


def test_namespace_follows_its_resources(federate: Federate, namespace: str) -> None:
    """Refused where it must be there; else made, federated to the union, and never taken away from a cluster."""
    body = config_map("x", namespace, placed=("zj",))
    said = federate.refused(body, namespace_policy="require")
    assert f"namespace {namespace} is not in the host cluster, and namespace_policy is require" in said
    federate(body, config_map("y", namespace, placed=("local",)))
    assert federated_to(federate, namespace) == ["local", "zj"]
    federate(config_map("z", namespace, placed=("cddev",)))
    assert federated_to(federate, namespace) == ["cddev", "local", "zj"]
    assert not federate(config_map("z", namespace, placed=("cddev",)), namespace_policy="require").changed


def test_namespace_of_others(federate: Federate, namespace: str) -> None:
    """Is never changed: refused with what is missing; and stays when its resources go."""
    federate.lab.kubectl("local", "create", "namespace", namespace)
    theirs = json.dumps(federated("FederatedNamespace", namespace, namespace, {}, ("local",)))
    federate.lab.kubectl("local", "apply", "-f", "-", stdin=theirs)
    said = federate.refused(config_map("x", namespace))
    assert f"it would not reach zj: the FederatedNamespace {namespace} in the host cluster goes to local only" in said
    federate(config_map("x", namespace, placed=("local",)))
    assert actions(federate(config_map("x", namespace), state="absent", wait=False)) == ["delete FederatedConfigMap x"]
    assert "deletionTimestamp" not in federate.lab.get("local", "namespace", namespace)["metadata"]


def test_what_others_have_in_a_member_is_not_lost(federate: Federate, namespace: str) -> None:
    """KubeFed would delete the whole namespace there. It goes when that is gone."""
    body = config_map("x", namespace)
    federate(body)
    federate.lab.kubectl("zj", "create", "configmap", "theirs", "-n", namespace)
    kept = federate(body, state="absent", wait=False)
    assert actions(kept) == ["delete FederatedConfigMap x"]
    assert (
        f"Namespace {namespace} stays federated, since KubeFed would delete it in the members: in zj it holds configmaps theirs"
        in kept.warnings[0]
    )
    federate.lab.kubectl("zj", "delete", "configmap", "theirs", "-n", namespace)
    done = actions(federate(body, state="absent"))
    assert done[-2:] == [f"delete FederatedNamespace {namespace}", f"delete Namespace {namespace}"]
    assert federate.lab.get("zj", "namespace", namespace) is None


def test_what_others_have_in_the_host_cluster_is_not_lost(federate: Federate, namespace: str) -> None:
    federate(config_map("x", namespace), config_map("y", namespace))
    assert actions(federate(config_map("x", namespace), state="absent", wait=False)) == ["delete FederatedConfigMap x"]
    federate.lab.kubectl("local", "create", "secret", "generic", "theirs", "-n", namespace)
    assert actions(federate(config_map("y", namespace), state="absent", wait=False)) == ["delete FederatedConfigMap y"]


# --- deletion, races, dead ends ----------------------------------------------------------------------------------------


def hold(federate: Federate, kind: str, name: str, namespace: str, held: bool) -> None:
    """Put a finalizer of ours on an object, beside KubeFed's, or take it off."""
    found = federate.find("local", kind, name, namespace)
    finalizers = [one for one in found["metadata"].get("finalizers", []) if one != "edgefed.io/test"]
    patch = {"metadata": {"finalizers": [*finalizers, *(["edgefed.io/test"] if held else [])]}}
    federate.lab.kubectl("local", "patch", kind, name, "-n", namespace, "--type=merge", "-p", json.dumps(patch))


def test_object_in_deletion(federate: Federate, namespace: str) -> None:
    """It is waited for and made again; and what holds it too long is named."""
    federate(config_map("x", namespace))
    old = federate.find("local", "federatedconfigmap", "x", namespace)["metadata"]["uid"]
    hold(federate, "federatedconfigmap", "x", namespace, True)
    federate.lab.kubectl("local", "delete", "federatedconfigmap", "x", "-n", namespace, "--wait=false")
    assert actions(federate(config_map("x", namespace), check=True)) == ["recreate FederatedConfigMap x"]
    stuck = federate.error(config_map("x", namespace), wait_timeout=1)
    assert (stuck.code, "finalizer edgefed.io/test" in stuck.message) == ("stuck", True)
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(federate, config_map("x", namespace, "new"))
        time.sleep(1)
        hold(federate, "federatedconfigmap", "x", namespace, False)
        assert actions(running.result()) == ["recreate FederatedConfigMap x"]
    assert federate.find("local", "federatedconfigmap", "x", namespace)["metadata"]["uid"] != old
    assert [federate.value(name, "x", namespace) for name in ("local", "zj")] == ["new", "new"]


def test_namespace_in_deletion(federate: Federate, namespace: str) -> None:
    """All that lies in it goes with it, and all is made again."""
    federate(config_map("x", namespace))
    federate.lab.kubectl("local", "delete", "namespace", namespace, "--wait=false")
    done = federate(config_map("x", namespace))
    assert [one.split()[1] for one in actions(done)] == ["Namespace", "FederatedNamespace", "FederatedConfigMap"]
    assert [federate.value(name, "x", namespace) for name in ("local", "zj")] == ["1", "1"]
    assert not federate(config_map("x", namespace)).changed


def test_deleted_while_it_is_applied(federate: Federate, namespace: str) -> None:
    """A deletion between our look and our write, and one during the wait: 60 objects, none is lost."""
    bodies = [config_map(f"c{number:02}", namespace) for number in range(60)]
    federate(*bodies)
    bodies = [config_map(f"c{number:02}", namespace, "2") for number in range(60)]
    started = threading.Event()

    class Slow:
        def __call__(self, *arguments: Any, **options: Any) -> Client:
            client = connect(*arguments, **options)
            request = client.request

            def slowed(method: str, *arguments: Any, **options: Any) -> Any:
                if method == "PATCH" and not (options.get("query") or {}).get("dryRun"):
                    started.set()
                    time.sleep(0.05)
                return request(method, *arguments, **options)

            client.request = slowed  # type: ignore[method-assign]
            return client

    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(federate, *bodies, using=Slow())
        assert started.wait(30)
        federate.lab.kubectl("local", "delete", "federatedconfigmaps", "--all", "-n", namespace, "--wait=false")
        running.result()
    found = federate.lab.get("local", "federatedconfigmaps", "-n", namespace)["items"]
    assert len(found) == 60
    assert not [one for one in found if one["metadata"].get("deletionTimestamp")]
    assert {
        item["data"]["key"] for item in federate.lab.get("zj", "configmaps", "-l", "kubefed.io/managed=true", "-n", namespace)["items"]
    } == {"2"}


def test_two_runs_at_once(federate: Federate, namespace: str) -> None:
    """Both end well, and there is nothing left to do."""
    bodies = [config_map(f"c{number}", namespace) for number in range(12)]
    with ThreadPoolExecutor(2) as pool:
        for running in [pool.submit(federate, *bodies) for _ in range(2)]:
            running.result()
    assert not federate(*bodies).changed


def test_without_waiting(federate: Federate, namespace: str) -> None:
    """Done when the host cluster has it; and the next run waits for the rest without changing anything."""
    done = federate(config_map("x", namespace), wait=False)
    assert done.data["resources"][2]["clusters"] == {"local": "not awaited", "zj": "not awaited"}
    assert federate.find("local", "federatedconfigmap", "x", namespace)
    later = federate(config_map("x", namespace))
    assert (later.changed, later.data["resources"][-1]["clusters"]) == (False, {"local": "OK", "zj": "OK"})


class Mortal:
    """``connect`` whose clients end the process before its ``last``-th write."""

    def __init__(self, last: int) -> None:
        self.left = last
        self.lock = threading.Lock()

    def __call__(self, *arguments: Any, **options: Any) -> Client:
        client = connect(*arguments, **options)
        request = client.request

        def counted(method: str, *arguments: Any, **options: Any) -> Any:
            with self.lock:
                self.left -= method != "GET" and not (options.get("query") or {}).get("dryRun")
                if self.left <= 0:
                    os._exit(KILLED)
            return request(method, *arguments, **options)

        client.request = counted  # type: ignore[method-assign]
        return client


def survives(federate: Federate, last: int, *bodies: Any, **options: Any) -> bool:
    """Whether a run in a process of its own came to its end before its ``last``-th write. A new process, since OpenSSL may
    not work on in a fork of one that has used it from several threads."""
    given = json.dumps({"kubeconfig": federate.lab.kubeconfig, "last": last, "bodies": bodies, "options": options})
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY / "collections")}
    done = subprocess.run([sys.executable, __file__, given], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode in (0, KILLED), done.stderr
    return done.returncode == 0


def run_and_die(given: dict[str, Any]) -> None:
    """What :func:`survives` starts."""

    class Where:
        kubeconfig = given["kubeconfig"]

    Federate(Where())(*given["bodies"], using=Mortal(given["last"]), **given["options"])


def test_cut_off_before_every_write(federate: Federate, namespace: str) -> None:
    """The next run completes it, in both directions."""
    for last in range(1, 10):
        own = f"{namespace}-{last}"
        bodies = [config_map("x", own), config_map("y", own)]
        complete = survives(federate, last, *bodies, wait=False)
        federate(*bodies)
        assert not federate(*bodies).changed
        if complete:
            break
    assert last == 5

    def cut_off(last: int) -> bool:
        own = f"{namespace}-{last}"
        bodies = [config_map("x", own), config_map("y", own)]
        complete = survives(federate, last, *bodies, state="absent")
        federate(*bodies, state="absent")
        assert federate.lab.get("local", "namespace", own) is None
        assert federate.lab.get("zj", "namespace", own) is None
        return complete

    # one after the other would take a minute: KubeFed looks again only after 10 s
    with ThreadPoolExecutor(5) as pool:
        assert list(pool.map(cut_off, range(1, 6))) == [False] * 4 + [True]


def listener(url: str) -> int:
    """The process that listens on an address of 127.0.0.1."""
    wanted = f"0100007F:{urlsplit(url).port:04X}"
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()]
    inode = next(row[9] for row in rows if row[1] == wanted and row[3] == "0A")
    for link in Path("/proc").glob("[0-9]*/fd/*"):
        with contextlib.suppress(OSError):
            if os.readlink(link) == f"socket:[{inode}]":
                return int(link.parts[2])
    raise AssertionError(f"nobody listens on {url}")


def server_of(lab: Any, context: str) -> str:
    found = {one["name"]: one["cluster"]["server"] for one in yaml.safe_load(Path(lab.kubeconfig).read_text())["clusters"]}
    return str(found[context])


def test_dead_member(federate: Federate, namespace: str) -> None:
    """A frozen API server: that cluster is named with its address and KubeFed's own reason, all others have everything; and it
    is given up long before the time is out. When it is back, the next run completes it."""
    bodies = [config_map("x", namespace), config_map("y", namespace, placed=("local", "cddev"))]
    federate(*bodies)
    address = server_of(federate.lab, "zj")
    process = listener(address)
    os.kill(process, signal.SIGSTOP)
    try:
        bodies = [config_map("x", namespace, "2"), config_map("y", namespace, "2", placed=("local", "cddev"))]
        started = time.monotonic()
        error = federate.error(*bodies, wait_timeout=100)
        assert time.monotonic() - started < 60
        values = [federate.value(*where, namespace) for where in (("local", "x"), ("local", "y"), ("cddev", "y"))]
        blocked = federate.error(config_map("x", namespace), state="absent", wait_timeout=2)
    finally:
        os.kill(process, signal.SIGCONT)
    assert blocked.code == "stuck"
    assert "cluster zj is not ready, and KubeFed waits until it can remove things there (Offline: ClusterNotReachable" in blocked.message
    assert error.code == "not_propagated"
    assert error.details["clusters"] == ["zj"]
    assert f"- zj: FederatedConfigMap {namespace}/x: the cluster is not ready (Offline: ClusterNotReachable" in error.message
    assert f"address {address}" in error.message
    assert values == ["2"] * 3, "the others have everything"
    assert actions(federate(*bodies)) in (["create FederatedConfigMap x"], ["recreate FederatedConfigMap x"])
    assert federate.value("zj", "x", namespace) == "2"


def controller_of(lab: Any) -> int:
    """KubeFed's controller manager of this lab, a process."""
    folder = str(Path(lab.kubeconfig).parent)
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            words = file.read_bytes().decode().split("\0")
            if words[0].endswith("/controller-manager") and any(word.startswith(f"--kubeconfig={folder}/") for word in words):
                return int(file.parts[2])
    raise AssertionError("KubeFed's controller manager does not run")


def test_controller_down(federate: Federate, namespace: str) -> None:
    """Nobody looks at what is applied: that is said, and what to look for."""
    process = controller_of(federate.lab)
    os.kill(process, signal.SIGSTOP)
    try:
        error = federate.error(config_map("x", namespace), wait_timeout=2)
    finally:
        os.kill(process, signal.SIGCONT)
    titles = f"FederatedNamespace {namespace}/{namespace}, FederatedConfigMap {namespace}/x"
    assert f"- zj: {titles}: not yet looked at by KubeFed's controller. Next: see whether KubeFed's" in error.message
    assert not federate(config_map("x", namespace)).changed


def test_refused_by_one_member(federate: Federate, namespace: str) -> None:
    """Something that only the member refuses: KubeFed's own event is told."""
    federate(config_map("other", namespace))
    quota = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "q"}, "spec": {"hard": {"count/configmaps": "2"}}}
    federate.lab.kubectl("zj", "apply", "-n", namespace, "-f", "-", stdin=json.dumps(quota))
    until(lambda: (federate.find("zj", "resourcequota", "q", namespace).get("status") or {}).get("hard"), "the quota is in force")
    error = federate.error(config_map("x", namespace), wait_timeout=4)
    assert error.code == "not_propagated"
    assert f"- zj: FederatedConfigMap {namespace}/x: CreationFailed" in error.message
    assert "exceeded quota: q" in error.message
    assert federate.value("local", "x", namespace) == "1"


def test_three_hundred_objects(federate: Federate, namespace: str, capsys: pytest.CaptureFixture[str]) -> None:
    """With time and requests told; KubeFed itself needs 13.5 s for 300 objects of a type."""
    bodies = [config_map(f"c{number:03}", namespace, str(number)) for number in range(300)]
    told = []
    for what, options in (("create", {"wait": False}), ("wait", {}), ("again", {}), ("check", {"check": True})):
        started = time.monotonic()
        done = federate(*bodies, **options)
        told.append(f"{what} {time.monotonic() - started:.1f} s, {done.data['api_requests']} requests")
        assert done.changed == (what == "create")
    changed = [config_map(f"c{number:03}", namespace, f"{number}-new") for number in range(300)]
    started = time.monotonic()
    assert len(actions(federate(*changed))) == 300
    told.append(f"change and wait {time.monotonic() - started:.1f} s")
    assert len(federate.lab.get("zj", "configmaps", "-l", "kubefed.io/managed=true", "-n", namespace)["items"]) == 300
    with capsys.disabled():
        print(f"\n300 objects: {'; '.join(told)}")


# --- by the role, and secrets ------------------------------------------------------------------------------------------

SECRET = "hunter2-hunter2"


def every_form(secret: str) -> list[str]:
    return [secret, base64.b64encode(secret.encode()).decode()]


@pytest.fixture
def verbose(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """As with ``-vvvv``, and a vault's password at hand."""
    monkeypatch.setenv("ANSIBLE_VERBOSITY", "4")
    (tmp_path / "password").write_text("vault-password")
    monkeypatch.setenv("ANSIBLE_VAULT_PASSWORD_FILE", str(tmp_path / "password"))


@pytest.mark.usefixtures("verbose")
def test_no_secret_is_shown(federate: Federate, run_task: Any, path: str, namespace: str, tmp_path: Path) -> None:
    """Inline, in a file, in a vaulted template; changed, refused by us, refused by the API server; at -vvvv with --diff."""

    def secret(name: str, value: Any, **spec: Any) -> dict[str, Any]:
        return federated("FederatedSecret", name, namespace, {"template": {"stringData": {"password": value}}, **spec})

    override = overridden("zj", {"path": "/stringData/password", "value": f"{SECRET}-zj"})
    (tmp_path / "file.yaml").write_text(yaml.safe_dump(secret("from-file", SECRET, overrides=override)))
    template = tmp_path / "template.yml.j2"
    template.write_text(json.dumps(secret("from-template", f"{{{{ '{SECRET}' ~ '-x' }}}}"), indent=2))
    command = [str(Path(sys.executable).with_name("ansible-vault")), "encrypt", str(template)]
    subprocess.run(command, check=True, capture_output=True)
    base = {"kubeconfig": federate.lab.kubeconfig, "context": "local", "wait": False}
    outputs = []
    for value in (SECRET, f"{SECRET}-new"):
        given = {"definition": [secret("inline", value)], "src": [str(tmp_path / "file.yaml")], "template": [str(template)]}
        done = run_task("federated_resource", {**base, **given}, path=path)
        assert done["changed"], done
        assert "sha256:" in done["output"]
        outputs.append(json.dumps(done))
    stored = federate.find("local", "federatedsecret", "from-template", namespace)["spec"]["template"]["stringData"]
    assert stored == {"password": f"{SECRET}-x"}
    broken = tmp_path / "broken.yml.j2"
    broken.write_text("{{ '" + SECRET + "' " + SECRET + " }}")
    subprocess.run([*command[:-1], str(broken)], check=True, capture_output=True)
    for wrong in (
        {"template": [str(broken)]},
        {"template": [str(tmp_path / "file.yaml"), str(template)], "definition": {SECRET: SECRET}},
        {"definition": [secret("inline", SECRET, overrides=overridden("zj", {"path": "/stringData/passwrd", "value": SECRET}))]},
        {"definition": [secret("inline", {SECRET: SECRET})]},
        {"definition": yaml.safe_dump(secret("inline", SECRET)) + "\t" + SECRET},
        {"definition": [secret("inline", SECRET)], "wait": "nonsense"},
        {"definition": [secret("inline", SECRET)], "context": "nowhere"},
    ):
        failed = run_task("federated_resource", {**base, **wrong}, path=path)
        assert failed["failed"]
        outputs.append(json.dumps(failed))
    shown = "".join(outputs)
    # What the play itself says of the definition (the playbook is a file of the test) is not the module's.
    for text in every_form(SECRET):
        assert text not in shown


def test_both_paths_say_the_same(federate: Federate, run_task: Any, namespace: str) -> None:
    base = {"kubeconfig": federate.lab.kubeconfig, "context": "local"}
    federate(config_map("x", namespace))
    for given in (
        {"definition": config_map("x", namespace)},
        {"definition": config_map("x", namespace, placed=("q",))},
        {"src": ["tests/data/article"]},
    ):
        first, second = (run_task("federated_resource", {**base, **given}, path=one) for one in ("in_process", "module"))
        for result in (first, second):
            for name in ("output", "api_requests"):
                result.pop(name, None)
        assert first == second


def federate_playbook(federate: Federate, *options: str, cwd: Path) -> tuple[int, str]:
    """``federate.yml`` on the lab's inventory, as a person would run it."""
    command = [str(Path(sys.executable).with_name("ansible-playbook")), "-i", str(REPOSITORY / "inventories/lab")]
    command += [str(REPOSITORY / "playbooks/federate.yml"), "-e", f"federation_kubeconfig={federate.lab.kubeconfig}", *options]
    environment = {**os.environ, "ANSIBLE_CONFIG": str(REPOSITORY / "ansible.cfg"), "ANSIBLE_FORCE_COLOR": "0"}
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    output = done.stdout + done.stderr
    assert "Traceback" not in output
    return done.returncode, output


def changed_hosts(output: str) -> list[str]:
    return [line.split()[0] for line in output.splitlines() if re.search(r"\bchanged=[1-9]", line)]


def test_playbook(federate: Federate, namespace: str, tmp_path: Path) -> None:
    """A path relative to the working directory, a template, nothing at all, and a refusal in one message."""
    (tmp_path / "manifests").mkdir()
    manifest = tmp_path / "manifests/one.yaml"
    manifest.write_text(yaml.safe_dump(config_map("one", namespace)))
    status, output = federate_playbook(
        federate, "-e", "federated_resources_src=manifests", "-e", "federated_resources_wait=false", cwd=tmp_path
    )
    assert (status, changed_hosts(output)) == (0, ["local"]), output
    assert "federated_resources_definitions of the inventory (4) are left out" in " ".join(output.split())
    assert federate.lab.get("local", "namespace", "vrfederation") is None, "only the path that was given"
    status, output = federate_playbook(federate, "-e", "federated_resources_src=manifests/one.yaml", cwd=tmp_path)
    assert (status, changed_hosts(output)) == (0, []), output
    (tmp_path / "t.yml.j2").write_text(yaml.safe_dump(config_map("two", namespace, "{{ inventory_hostname }}")))
    status, output = federate_playbook(federate, "-e", "federated_resources_template=t.yml.j2", cwd=tmp_path)
    assert (status, changed_hosts(output)) == (0, ["local"]), output
    assert federate.value("zj", "two", namespace) == "local"
    status, output = federate_playbook(federate, "-e", '{"federated_resources_definitions": []}', cwd=tmp_path)
    assert (status, changed_hosts(output)) == (0, []), output
    assert "Nothing to do: neither federated_resources_src" in " ".join(output.split())
    manifest.write_text("metadata:\n\tname: x\n")
    status, output = federate_playbook(federate, "-e", "federated_resources_src=manifests", cwd=tmp_path)
    assert status == 2
    assert "manifests/one.yaml:2:1: a tab where YAML wants spaces. Next: replace it by spaces." in " ".join(output.split())
    (tmp_path / "t.yml.j2").write_text("{{ not_there }}")
    status, output = federate_playbook(federate, "-e", "federated_resources_template=t.yml.j2", cwd=tmp_path)
    assert status == 2
    assert "Template t.yml.j2 cannot be rendered:" in " ".join(output.split()) and "not_there" in output


if __name__ == "__main__":
    run_and_die(json.loads(sys.argv[1]))
