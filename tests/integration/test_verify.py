# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Verification against real clusters and KubeFed's real controller."""

from __future__ import annotations

import json
import random
import stat
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Iterator

import pytest
import yaml
from integration.waiting import until

from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.preview import OverrideError, preview

pytestmark = pytest.mark.lab

REPOSITORY = Path(__file__).resolve().parents[2]
CLUSTERS = ["cddev", "local", "zj"]
SYSTEM = "kube-federation-system"
NAMESPACE = "verify-test"
TYPES = "types.kubefed.io/v1beta1"
EVERYWHERE = {"clusters": [{"name": name} for name in CLUSTERS]}
HOSTILE = '"><script>alert(1)'


def federated(kind: str, name: str, spec: dict[str, Any], namespace: str | None = NAMESPACE) -> dict[str, Any]:
    metadata = {"name": name} | ({"namespace": namespace} if namespace else {})
    return {"apiVersion": TYPES, "kind": kind, "metadata": metadata, "spec": {"placement": EVERYWHERE, **spec}}


def apply(lab: Any, *objects: dict[str, Any]) -> None:
    """Give the objects to the host cluster; admission may still be warming up after a namespace was made."""
    lab.kubectl("local", "apply", "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)}))


def settled(lab: Any, resource: str, name: str, namespace: str | None = NAMESPACE) -> bool:
    """Whether the controller has told about every cluster for the present generation."""
    where = ["-n", namespace] if namespace else []
    found = lab.get("local", resource, name, *where)
    status = found.get("status") or {}
    return status.get("observedGeneration") == found["metadata"]["generation"] and len(status.get("clusters") or []) == len(CLUSTERS)


def kubefedctl(lab: Any, verb: str, name: str) -> None:
    command = ["kubefedctl", verb, name, "--cluster-context", name, "--host-cluster-context", "local", "--kubeconfig", lab.kubeconfig]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def is_ready(lab: Any, name: str) -> bool:
    conditions = (lab.get("local", "kubefedcluster", name, "-n", SYSTEM).get("status") or {}).get("conditions") or []
    return any(item["type"] == "Ready" and item["status"] == "True" for item in conditions)


@pytest.fixture(scope="module")
def joined(lab: Any) -> Iterator[Any]:
    """The lab with all three clusters joined; those that were not are unjoined in the end."""
    found = lab.get("local", "kubefedclusters", "-n", SYSTEM) or {"items": []}
    there = {item["metadata"]["name"] for item in found["items"]}
    new = [name for name in CLUSTERS if name not in there]
    for name in new:
        kubefedctl(lab, "join", name)
    for name in CLUSTERS:
        until(lambda name=name: is_ready(lab, name), f"{name} is Ready")
    yield lab
    for name in new:
        kubefedctl(lab, "unjoin", name)


@pytest.fixture(scope="module")
def workloads(joined: Any) -> Iterator[Any]:
    """A namespace in all clusters, with a deployment, a config map and a secret, each with an override."""
    lab = joined
    lab.kubectl("local", "create", "namespace", NAMESPACE)
    pod = {"metadata": {"labels": {"app": "x"}}, "spec": {"containers": [{"name": "x", "image": HOSTILE}]}}
    template = {"spec": {"replicas": 1, "selector": {"matchLabels": {"app": "x"}}, "template": pod}}
    replicas = [
        {"path": "/spec/replicas", "value": 2},
        {"path": "/metadata/annotations", "op": "add", "value": {"foo": "bar"}},
        {"path": "/metadata/annotations/foo", "op": "remove"},
    ]
    data = [{"path": "/data/b", "op": "remove"}, {"path": "/data/c", "op": "add", "value": "3"}]
    apply(
        lab,
        federated("FederatedNamespace", NAMESPACE, {}),
        federated(
            "FederatedDeployment", "web", {"template": template, "overrides": [{"clusterName": "cddev", "clusterOverrides": replicas}]}
        ),
        federated(
            "FederatedConfigMap",
            "settings",
            {"template": {"data": {"a": "1", "b": "2"}}, "overrides": [{"clusterName": "zj", "clusterOverrides": data}]},
        ),
        federated("FederatedSecret", "secret", {"template": {"type": "Opaque", "stringData": {"password": "hunter2-secret"}}}),
    )
    for resource, name in (("federateddeployment", "web"), ("federatedconfigmap", "settings"), ("federatedsecret", "secret")):
        until(lambda resource=resource, name=name: settled(lab, resource, name), f"{resource} {name} propagated")
    yield lab
    lab.kubectl("local", "delete", "federatednamespace,federateddeployment,federatedconfigmap,federatedsecret", "--all", "-n", NAMESPACE)
    lab.kubectl("local", "delete", "namespace", NAMESPACE)


@pytest.fixture
def verify(workloads: Any, run_task: Any) -> Any:
    """``verify(path=, check=, **options)`` gives the task's result."""

    def run(path: str = "in_process", check: bool = False, diff: bool = False, **options: Any) -> dict[str, Any]:
        arguments = {"kubeconfig": workloads.kubeconfig, "context": "local", "clusters": CLUSTERS, "namespaces": [NAMESPACE], **options}
        result: dict[str, Any] = run_task("federation_verify", arguments, check=check, diff=diff, path=path)
        return result

    return run


def cells(result: dict[str, Any], kind: str) -> dict[str, Any]:
    (row,) = [row for row in result["resources"] if row["kind"] == kind]
    found: dict[str, Any] = row["clusters"]
    return found


def states(result: dict[str, Any], kind: str) -> dict[str, str]:
    return {cluster: cell["state"] for cluster, cell in cells(result, kind).items()}


def everywhere(state: str) -> dict[str, str]:
    return dict.fromkeys(CLUSTERS, state)


def test_in_sync(verify: Any, path: str) -> None:
    result = verify(path)
    assert (result["in_sync"], result["problems"], result["changed"]) == (True, [], False)
    for kind in ("Namespace", "Deployment", "ConfigMap", "Secret"):
        assert states(result, kind) == everywhere("in_sync")
    assert {name: cell["replicas"] for name, cell in cells(result, "Deployment").items()} == {"local": "1/1", "cddev": "2/2", "zj": "1/1"}
    assert [row["state"] for row in result["clusters"]] == ["ok"] * 3
    assert all(row["version"].startswith("v1.") and row["nodes"]["total"] >= 1 for row in result["clusters"])


def test_both_paths_say_the_same(verify: Any) -> None:
    first, second = verify("in_process"), verify("module")
    for result in (first, second):
        for name in ("output", "looks", "api_requests"):
            result.pop(name)
    assert first == second


def test_one_list_for_each_kind_and_cluster(verify: Any) -> None:
    """4 reads of KubeFed's own objects at most, 1 list per federated kind, and in each cluster version, nodes, 1 list per kind."""
    result = verify(kinds=["ConfigMap", "Secret"], wait=False)
    assert result["looks"] == 1
    assert result["api_requests"] <= 3 + 3 + len(CLUSTERS) * (2 + 2)


def test_a_field_that_kubefed_does_not_own(verify: Any, workloads: Any) -> None:
    workloads.kubectl("cddev", "annotate", "configmap", "settings", "-n", NAMESPACE, "note=by hand")
    try:
        assert verify()["in_sync"]
        result = verify(strictness="exact", wait=False)
        assert states(result, "ConfigMap") == {**everywhere("in_sync"), "cddev": "differs"}
        assert cells(result, "ConfigMap")["cddev"]["fields"] == ["metadata.annotations.note"]
    finally:
        workloads.kubectl("cddev", "annotate", "configmap", "settings", "-n", NAMESPACE, "note-")


@pytest.fixture
def changed_by_hand(workloads: Any) -> Iterator[None]:
    """KubeFed leaves alone what is labelled so, and cannot put it right."""
    where = ("-n", NAMESPACE)
    workloads.kubectl("cddev", "label", "deployment", "web", *where, "kubefed.io/managed=false", "--overwrite")
    workloads.kubectl("cddev", "scale", "deployment", "web", *where, "--replicas", "3")
    workloads.kubectl("cddev", "annotate", "deployment", "web", *where, "foo=again")
    yield
    workloads.kubectl("cddev", "label", "deployment", "web", *where, "kubefed.io/managed=true", "--overwrite")
    until(lambda: workloads.get("cddev", "deployment", "web", *where)["spec"]["replicas"] == 2, "KubeFed put it right", 90)


def test_changed_by_hand(verify: Any, changed_by_hand: None) -> None:
    result = verify(wait_timeout=2)
    assert not result["in_sync"]
    assert states(result, "Deployment") == {**everywhere("in_sync"), "cddev": "differs"}
    fields = cells(result, "Deployment")["cddev"]["fields"]
    assert set(fields) >= {"spec.replicas", 'metadata.labels["kubefed.io/managed"]', "metadata.annotations.foo"}
    (problem,) = result["problems"]
    assert problem["message"].startswith(f"cddev: Deployment {NAMESPACE}/web is not template + override: ")
    assert "spec.replicas is 3, should be 2" in problem["message"]
    assert "Next: " in problem["message"]
    assert result["looks"] > 1


def test_label_removed_by_hand_is_not_missing(verify: Any, workloads: Any) -> None:
    """The list by label does not show it, so it is asked for: read at the moment when KubeFed has not yet put it right, or after."""
    workloads.kubectl("zj", "label", "secret", "secret", "-n", NAMESPACE, "kubefed.io/managed-")
    result = verify(wait=False)
    assert states(result, "Secret")["zj"] in ("differs", "in_sync")
    assert verify(wait_timeout=30)["in_sync"]


def test_missing_because_the_cluster_refuses_it(verify: Any, workloads: Any) -> None:
    overrides = [{"clusterName": "zj", "clusterOverrides": [{"path": "/spec/type", "value": "Nonsense"}]}]
    template = {"spec": {"type": "ClusterIP", "ports": [{"port": 80}]}}
    apply(workloads, federated("FederatedService", "refused", {"template": template, "overrides": overrides}))
    try:
        until(lambda: settled(workloads, "federatedservice", "refused"), "KubeFed tried")
        result = verify(wait=False)
        assert states(result, "Service") == {**everywhere("in_sync"), "zj": "missing"}
        assert cells(result, "Service")["zj"]["why"] == "the cluster refused to create it"
    finally:
        workloads.kubectl("local", "delete", "federatedservice", "refused", "-n", NAMESPACE)


def test_an_unreachable_member_hides_nothing(verify: Any, workloads: Any, tmp_path: Path) -> None:
    kubeconfig = yaml.safe_load(Path(workloads.kubeconfig).read_text())
    (entry,) = [item for item in kubeconfig["clusters"] if item["name"] == "cddev"]
    entry["cluster"]["server"] = "https://127.0.0.1:1"
    (tmp_path / "kubeconfig").write_text(json.dumps(kubeconfig))
    result = verify(kubeconfig=str(tmp_path / "kubeconfig"))
    assert states(result, "Deployment") == {**everywhere("in_sync"), "cddev": "unreachable"}
    (problem,) = result["problems"]
    assert (problem["cluster"], problem["state"]) == ("cddev", "unreachable")
    assert "https://127.0.0.1:1" in problem["message"]
    assert result["looks"] == 1


def test_a_member_without_context(verify: Any, workloads: Any, tmp_path: Path) -> None:
    kubeconfig = yaml.safe_load(Path(workloads.kubeconfig).read_text())
    kubeconfig["contexts"] = [item for item in kubeconfig["contexts"] if item["name"] != "zj"]
    (tmp_path / "kubeconfig").write_text(json.dumps(kubeconfig))
    result = verify(kubeconfig=str(tmp_path / "kubeconfig"))
    assert [item["cluster"] for item in result["problems"]] == ["zj"]
    assert "'zj'" in result["problems"][0]["message"]
    assert states(result, "Deployment") == {**everywhere("in_sync"), "zj": "unreachable"}


def test_expected_but_not_joined_and_joined_but_not_expected(verify: Any) -> None:
    result = verify(clusters=["local", "cddev", "absent"])
    assert [(item["cluster"], item["state"]) for item in result["problems"]] == [("absent", "not_joined")]
    assert any("zj is joined, but not in the inventory" in warning for warning in result["warnings"])


def test_the_host_cluster_must_answer_and_have_kubefed(verify: Any) -> None:
    assert verify(context="nowhere")["code"] == "kubeconfig"
    failed = verify(context="zj")
    assert failed["code"] == "no_kubefed"
    assert "control_plane.yml" in failed["msg"]


def test_reports_are_written_once(verify: Any, tmp_path: Path) -> None:
    """Whichever path writes them, the other finds nothing to do."""
    html, data = tmp_path / "state" / "report.html", tmp_path / "state" / "report.json"
    options = {"report_html": str(html), "report_json": str(data)}
    checked = verify(check=True, diff=True, **options)
    assert checked["changed"]
    assert not html.parent.exists()
    written = verify(diff=True, **options)
    assert written["changed"]
    assert written["diff"] == checked["diff"]
    assert [stat.S_IMODE(item.stat().st_mode) for item in (html, data, html.parent)] == [0o600, 0o600, 0o700]
    before = html.read_text(), data.read_text()
    time.sleep(1.1)
    for path, check in (("in_process", True), ("module", False)):
        again = verify(path, check=check, diff=True, **options)
        assert not again["changed"]
        assert again["diff"]["before"] == again["diff"]["after"] == written["diff"]["after"]
    assert before == (html.read_text(), data.read_text())
    assert HOSTILE in cells(json.loads(before[1]), "Deployment")["local"]["images"]
    assert "<script" not in before[0]
    assert "&quot;&gt;&lt;script&gt;alert(1)" in before[0]
    assert "hunter2-secret" not in "".join(before) + written["output"]
    html.unlink()
    assert verify("module", **options)["changed"]
    assert html.read_text() == before[0]


# --- the role --------------------------------------------------------------------------------------------------------------


@pytest.fixture
def playbook(workloads: Any, tmp_path: Path) -> Any:
    """``playbook(variables, members=, check=)`` runs playbooks/verify.yml and gives its exit code and output."""

    def run(variables: dict[str, Any] | None = None, members: list[str] | None = None, check: bool = False) -> tuple[int, str]:
        hosts = {name: {"ansible_connection": "local"} for name in members or CLUSTERS}
        groups = {"federation_host": {"hosts": {"local": {}}}, "federation_members": {"hosts": hosts}}
        (tmp_path / "hosts.yml").write_text(yaml.safe_dump({"all": {"children": groups}}))
        found = {"federation_state_dir": str(tmp_path / "state"), "federation_kubeconfig": workloads.kubeconfig}
        found |= {"verify_namespaces": [NAMESPACE], **(variables or {})}
        command = [str(Path(sys.executable).with_name("ansible-playbook")), "-i", str(tmp_path / "hosts.yml"), "playbooks/verify.yml"]
        command += ["-e", json.dumps(found), *(["--check"] if check else [])]
        done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr

    return run


def test_the_role_prints_the_table_and_changes_nothing_twice(playbook: Any, tmp_path: Path) -> None:
    for changed, check in ((1, True), (1, False), (0, False)):
        code, output = playbook(check=check)
        assert code == 0, output
        assert f"changed={changed} " in output
        assert "CLUSTER " in output
        assert "every object is template + override." in output
        assert str(tmp_path / "state" / "report.html") in output
    code, output = playbook({"verify_state": "absent"})
    assert (code, list((tmp_path / "state").iterdir())) == (0, []), output


def test_the_role_fails_after_the_report(playbook: Any, changed_by_hand: None, tmp_path: Path) -> None:
    code, output = playbook({"verify_wait": False}, members=[*CLUSTERS, "absent"])
    assert code != 0
    assert "absent is in the inventory, but not joined" in output
    assert f"cddev: Deployment {NAMESPACE}/web is not template + override" in output
    assert "CLUSTER " in output
    assert "Traceback" not in output
    assert json.loads((tmp_path / "state" / "report.json").read_text())["in_sync"] is False
    assert playbook({"verify_wait": False, "verify_fail": False}, members=[*CLUSTERS, "absent"])[0] == 0


# --- the preview against the real controller -----------------------------------------------------------------------------


def random_override(dice: random.Random) -> dict[str, Any]:
    """Mostly applicable; sometimes not, sometimes what only json-patch 4.12 allows."""
    word = f"v{dice.randrange(100)}"
    changes = [
        {"path": f"/data/{dice.choice('abcd')}", "value": word},
        {"path": f"/data/{dice.choice('abcd')}", "op": "add", "value": word},
        {"path": f"/data/{dice.choice('abcd')}", "op": "remove"},
        {"path": f"elsewhere/data/{dice.choice('abcd')}", "op": dice.choice(["add", "replace"]), "value": word},
        {"path": "/data", "op": dice.choice(["add", "replace"]), "value": {"all": word}},
        {"path": "/data", "op": "remove"},
        {"path": "/binaryData", "op": "add", "value": {"bin": "YWJj"}},
        {"path": "/binaryData/bin", "op": "add", "value": "YWJj"},
        {"path": "/metadata/labels", "op": "add", "value": {"label": word}},
        {"path": f"/metadata/labels/{dice.choice('ab')}", "op": dice.choice(["add", "replace", "remove"]), "value": word},
        {"path": "/metadata/labels/example.org~1x", "op": "add", "value": word},
        {"path": "/metadata/annotations", "op": "add", "value": {"note": word}},
        {"path": "/metadata/annotations/note", "op": dice.choice(["add", "remove"]), "value": word},
        {"path": "/immutable", "op": "add", "value": False},
    ]
    found = dict(dice.choice(changes))
    if found.get("op") == "remove":
        found.pop("value", None)
    return found


def random_config_map(dice: random.Random, number: int) -> dict[str, Any]:
    template: dict[str, Any] = {}
    if dice.random() < 0.9:
        template["data"] = {key: f"{key}{number}" for key in "abc" if dice.random() < 0.7}
    if dice.random() < 0.5:
        template["metadata"] = {"labels": {key: "t" for key in "ab" if dice.random() < 0.7}}
        if dice.random() < 0.3:
            template["metadata"]["annotations"] = {"note": "of the template"}
    overrides = []
    for cluster in CLUSTERS:
        changes: dict[str, dict[str, Any]] = {}
        for _ in range(dice.randrange(4)):
            change = random_override(dice)
            changes.setdefault(change["path"], change)
        if changes:
            overrides.append({"clusterName": cluster, "clusterOverrides": list(changes.values())})
    return federated("FederatedConfigMap", f"random-{number:02}", {"template": template, "overrides": overrides})


def essence(found: dict[str, Any] | None) -> dict[str, Any] | None:
    """What the controller decides about, empty the same as not there."""
    if found is None:
        return None
    metadata = found["metadata"]
    parts = {key: found.get(key) or {} for key in ("data", "binaryData")}
    return {**parts, "labels": metadata.get("labels") or {}, "annotations": metadata.get("annotations") or {}}


def expected(resource: dict[str, Any], cluster: str) -> dict[str, Any] | None:
    try:
        return essence(preview(resource, cluster, {"version": "v1", "kind": "ConfigMap"}))
    except OverrideError:
        return None


def test_the_preview_is_what_the_controller_writes(workloads: Any) -> None:
    dice = random.Random(20)
    resources = [random_config_map(dice, number) for number in range(30)]
    predictions = {(item["metadata"]["name"], name): expected(item, name) for item in resources for name in CLUSTERS}
    assert 5 < sum(found is None for found in predictions.values()) < 60
    try:
        apply(workloads, *resources)
        for item in resources:
            name = item["metadata"]["name"]
            until(lambda name=name: settled(workloads, "federatedconfigmap", name), f"{name} settled", 90)
        there = {
            (item["metadata"]["name"], name): essence(item)
            for name in CLUSTERS
            for item in workloads.get(name, "configmaps", "-n", NAMESPACE)["items"]
        }
        assert {key: there.get(key) for key in predictions} == predictions
    finally:
        names = [item["metadata"]["name"] for item in resources]
        workloads.kubectl("local", "delete", "federatedconfigmap", "-n", NAMESPACE, "--ignore-not-found", *names)
