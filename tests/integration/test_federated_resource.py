# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Federated resources applied to real clusters, with KubeFed's real controller propagating them."""

from __future__ import annotations

import base64
import json
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from integration.federate_lab import (
    ARTICLE,
    CLUSTERS,
    PRINTED,
    REPOSITORY,
    SYSTEM,
    Federate,
    actions,
    config_map,
    federate,
    federate_playbook,
    federated,
    namespace,
    overridden,
    without_counts,
)
from integration.waiting import until

from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.status import override_hash, template_hash

__all__ = ["federate", "namespace"]

pytestmark = pytest.mark.lab


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
    assert (again.changed, again.data["api_requests"]) == (False, 10)
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
    assert "dns.yaml:2:1: IngressDNSRecord vrfederation/test-ingress: kind: IngressDNSRecord is refused here" in said
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
    assert "Next: did you mean Deployment test-deployment (app: nginx-test)." in done.warnings[1]
    backend = federate.find("cddev", "ingress", "test-ingress", namespace)["spec"]["defaultBackend"]
    assert backend == {"service": {"name": "federated-svc", "port": {"number": 80}}}
    service = (ARTICLE / "service.yaml").read_text().replace("vrfederation", namespace)
    assert "Deployment test-deployment" in federate(service).warnings[0], "also when the Deployment is there already"
    assert federate(service.replace("app: nginx\n", "app: nginx-test\n")).warnings == []


def web(namespace: str, port: str, settings: str) -> list[dict[str, Any]]:
    """A Deployment with a named port and a ConfigMap, and a Service that leads to the port ``http``."""
    container = {"name": "web", "image": "nginx:1.17", "ports": [{"name": port, "containerPort": 80}]}
    pod = {"containers": [{**container, "envFrom": [{"configMapRef": {"name": settings}}]}]}
    labels = {"app": "web"}
    workload = {"selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": pod}}
    service = {"selector": labels, "ports": [{"port": 80, "targetPort": "http"}]}
    return [
        federated("FederatedDeployment", "web", namespace, {"template": {"spec": workload}}),
        federated("FederatedService", "web", namespace, {"template": {"spec": service}}),
    ]


def test_lint(federate: Federate, namespace: str) -> None:
    """A rule forbids, warns or is left out; what is federated already counts."""
    said = federate.refused(*web(namespace, "htp", "settings"))
    assert "'http' is the name of no container's port in Deployment web. Next: did you mean htp." in said
    made = federate(config_map("settings", namespace, placed=("zj",)), wait=False)
    assert (made.warnings, made.data["lint"]) == ([], [])
    done = federate(*web(namespace, "http", "settings"), wait=False)
    [finding] = done.data["lint"]
    assert (finding["rule"], finding["level"], finding["clusters"]) == ("reference", "warn", ["local"])
    assert finding["next"] == "place FederatedConfigMap settings there too" and finding["cause"] in done.warnings[0]
    assert "is not placed in this cluster (in local)" in federate.refused(*web(namespace, "http", "settings"), lint={"reference": "error"})
    assert federate(*web(namespace, "htp", "settings"), lint={"reference": False, "service_port": "off"}, check=True).data["lint"] == []
    assert "there is no rule 'ports'" in federate.refused(*web(namespace, "http", "settings"), lint={"ports": "warn"})


def test_lint_by_the_members_own_rules(federate: Federate, namespace: str) -> None:
    """Quotas and limit ranges of one member, its Kubernetes version; asked only where something changes."""
    lab = federate.lab
    quota = {"metadata": {"name": "few", "namespace": namespace}, "spec": {"hard": {"pods": "1"}}}
    small = {"metadata": {"name": "small", "namespace": namespace}, "spec": {"limits": [{"type": "Container", "max": {"memory": "1Mi"}}]}}
    items = [{"apiVersion": "v1", "kind": kind, **body} for kind, body in (("ResourceQuota", quota), ("LimitRange", small))]
    federate(config_map("settings", namespace), config_map("other", namespace))
    lab.kubectl("zj", "create", "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))
    until(lambda: lab.get("zj", "resourcequota", "few", "-n", namespace)["status"].get("used"), "the quota is counted")
    deployment, service = web(namespace, "http", "settings")
    deployment["spec"]["template"]["spec"]["replicas"] = 2
    deployment["spec"]["template"]["spec"]["template"]["spec"]["containers"][0]["resources"] = {"limits": {"memory": "64Mi"}}
    strict = {"quota": "error", "limit_range": "error"}
    said = federate.refused(deployment, service, lint=strict)
    assert "ResourceQuota few allows pods 1; 0 is used, and 2 would come (in zj). Next: ask for less here" in said
    assert "LimitRange small allows memory of 1048576 at most, and container web has the limit 67108864 (in zj)" in said
    quiet = federate(deployment, service, lint={"quota": "off", "limit_range": "off"}, check=True)
    asked = federate(deployment, service, check=True)
    assert [(one["rule"], one["level"], one["clusters"]) for one in asked.data["lint"]] == [
        ("limit_range", "warn", ["zj"]),
        ("quota", "warn", ["zj"]),
    ]
    assert asked.data["api_requests"] - quiet.data["api_requests"] == 5, "a list of each for each cluster, and of what a quota counts"
    federate(deployment, service, wait=False)
    again, unasked = (federate(deployment, service, wait=False, lint=lint) for lint in ({}, {"quota": "off", "limit_range": "off"}))
    assert (again.changed, again.data["api_requests"]) == (False, unasked.data["api_requests"])
    deployment["spec"]["template"]["apiVersion"] = "apps/v1beta2"
    old = federate.refused(deployment)
    assert "spec.template.apiVersion: Deployment of apps/v1beta2 is not served since Kubernetes 1.16, and this cluster has v1." in old
    assert "Next: write it as apps/v1." in old
    rules = {"apiVersion": "rbac.authorization.k8s.io/v1beta1", "rules": []}
    role = federated("FederatedClusterRole", f"{namespace}-role", "", {"template": rules})
    del role["metadata"]["namespace"]
    done = federate(role, check=True)
    assert "ClusterRole of rbac.authorization.k8s.io/v1beta1 is the same as of rbac.authorization.k8s.io/v1" in done.warnings[0]
    assert "apiVersion: rbac.authorization.k8s.io/v1\n" in done.diff[0]["after"]


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
