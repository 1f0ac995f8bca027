# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a member has before KubeFed comes: told, and adopted or refused by choice; a workload is taken over while its pods run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from integration.federate_lab import (
    SYSTEM,
    Federate,
    actions,
    config_map,
    federate,
    federated,
    fleeting,
    namespace,
    out_of_reach,
    without_counts,
)
from integration.inventory_site import DEPLOYMENT, Site
from integration.waiting import until

from ansible_collections.edgefed.kubefed.plugins.module_utils.federate.given import Handed, packed
from ansible_collections.edgefed.kubefed.plugins.module_utils.federate.wish import Wish

__all__ = ["federate", "fleeting", "namespace"]

pytestmark = pytest.mark.lab

SECRET = "hunter2-hunter2"


def plain(kind: str, name: str, namespace: str, **body: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": kind, "metadata": {"name": name, "namespace": namespace}, **body}


def apply(federate: Federate, cluster: str, *manifests: dict[str, Any]) -> None:
    federate.lab.kubectl(cluster, "apply", "-f", "-", stdin=yaml.safe_dump_all(manifests))


@pytest.fixture
def before(federate: Federate, fleeting: str) -> str:
    """The namespace is there in zj, with a ConfigMap and a Secret that nobody federated."""
    settings = plain("ConfigMap", "settings", fleeting, data={"key": "theirs", "more": "x"})
    login = plain("Secret", "login", fleeting, stringData={"password": f"{SECRET}-theirs"})
    apply(federate, "zj", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": fleeting}}, settings, login)
    return fleeting


def test_by_choice(federate: Federate, before: str, path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Refused, refused where it differs, adopted; predicted exactly, each difference told, no secret at -vvvv, and once only."""
    monkeypatch.setenv("ANSIBLE_VERBOSITY", "4")
    login = federated("FederatedSecret", "login", before, {"template": {"stringData": {"password": f"{SECRET}-ours"}}})
    base = {"kubeconfig": federate.lab.kubeconfig, "context": "local", "definition": [config_map("settings", before), login]}
    steps = [("never", False), ("same", False), ("always", True), ("always", False), ("never", True), ("never", False)]
    written = federate.written()
    tasks = [{"edgefed.kubefed.federated_resource": {**base, "adopt": adopt}, "check_mode": check} for adopt, check in steps]
    results = Site(tmp_path).run_tasks(tasks, "--diff", path=path)
    told = [{key: value for key, value in one.items() if key not in ("output", "invocation")} for one in results]
    assert SECRET not in json.dumps(told)
    never, same, foretold, adopted, foretold_again, again = told
    settings = f"FederatedConfigMap {before}/settings: zj has ConfigMap {before}/settings already, and adopt is "
    changes = 'data.key is "theirs", should be "1"; data.more is "x", should not be there'
    assert never["failed"] and f"{settings}never ({changes}). Next: remove it in zj, place the object elsewhere, or say" in never["msg"]
    assert f"zj has Namespace {before} already, and adopt is never (it is the same as it would get)" in never["msg"]
    assert f"zj has Secret {before}/login already, and adopt is never (data.password is another value (a secret" in never["msg"]
    assert same["failed"] and f"{settings}same: {changes}. Next: make it the same, " in same["msg"]
    assert "Namespace" not in same["msg"].replace("FederatedNamespace", "")
    assert without_counts(foretold) == without_counts(adopted)
    assert [(one["object"].split()[0], one["cluster"]) for one in adopted["adopted"]] == [
        ("FederatedNamespace", "zj"),
        ("FederatedConfigMap", "zj"),
        ("FederatedSecret", "zj"),
    ]
    [entry] = [entry for entry in adopted["diff"] if entry.get("before_header") == f"cluster zj: ConfigMap {before}/settings (adopted)"]
    assert "theirs" in entry["before"] and "theirs" not in entry["after"]
    assert f"cluster zj: ConfigMap {before}/settings" not in [entry.get("before_header") for entry in adopted["diff"]]
    assert any(f"zj has ConfigMap {before}/settings already, and KubeFed changes it: {changes}." in said for said in adopted["warnings"])
    assert [one["changed"] for one in (foretold_again, again)] == [False, False], "what is federated already is not asked about"
    assert again["adopted"] == [] and again["api_requests"] <= 10
    assert federate.find("zj", "configmap", "settings", before)["data"] == {"key": "1"}
    assert written != federate.written()


def test_never_writes_nothing(federate: Federate, before: str, tmp_path: Path) -> None:
    """Neither where it may not, nor where KubeFed may not, nor where the member would refuse, nor where a member cannot be asked."""
    ours = config_map("settings", before, placed=("zj",))
    for adopt in ("never", "same"):
        assert f"zj has ConfigMap {before}/settings already" in federate.refused(ours, adopt=adopt)
    kept = plain("Secret", "kept", before, stringData={"password": SECRET}, immutable=True)
    frozen = plain("ConfigMap", "frozen", before, data={"key": "theirs"}, immutable=True)
    apply(federate, "zj", kept, frozen)
    secret = federated("FederatedSecret", "kept", before, {"template": {"stringData": {"password": f"{SECRET}-new"}}}, ("zj",))
    said = federate.refused(config_map("frozen", before, placed=("zj",)), secret, adopt="always")
    assert f"zj has ConfigMap {before}/frozen already, which cannot become what KubeFed would make of it: ConfigMap " in said
    assert "immutable: Forbidden: field is immutable when `immutable` is set" in said and "Next: remove it in zj, place" in said
    assert f"zj has Secret {before}/kept already, which cannot become" in said and SECRET not in said
    away = {"kubeconfig": out_of_reach(federate.lab, "zj", tmp_path)}
    assert 'adopt: what zj has already cannot be seen (Cannot reach cluster "zj"' in federate.refused(ours, adopt="same", **away)
    assert "zj has already cannot be seen" in "\n".join(federate(ours, adopt="always", check=True, **away).warnings)
    switch = ("local", "patch", "kubefedconfig", "kubefed", "-n", SYSTEM, "--type=merge", "-p")
    federate.lab.kubectl(*switch, '{"spec":{"syncController":{"adoptResources":"Disabled"}}}')
    try:
        said = federate.refused(ours, adopt="always")
    finally:
        federate.lab.kubectl(*switch, '{"spec":{"syncController":{"adoptResources":"Enabled"}}}')
    assert f"zj has ConfigMap {before}/settings already, and KubeFed is set to adopt nothing. Next: " in said


def test_where_an_object_is_new(federate: Federate, before: str) -> None:
    """Only clusters that it goes to now are asked, also of an object that is federated already."""
    federate(config_map("settings", before, placed=("local",)), adopt="never", wait=False)
    more = config_map("settings", before, placed=("local", "zj"))
    said = federate.refused(more, adopt="never")
    assert f"zj has ConfigMap {before}/settings already" in said and "local has" not in said
    done = federate(more, adopt="always")
    assert [(one["object"], one["cluster"]) for one in done.data["adopted"]] == [
        (f"FederatedNamespace {before}/{before}", "zj"),
        (f"FederatedConfigMap {before}/settings", "zj"),
    ]
    assert federate.value("zj", "settings", before) == "1"


def test_take_over(federate: Federate, before: str) -> None:
    """A workload that runs in zj alone becomes federated, and comes to cddev: in zj the same pods run on."""
    web = {**DEPLOYMENT, "metadata": {**DEPLOYMENT["metadata"], "namespace": before}}
    apply(federate, "zj", web)
    running = until(lambda: pods(federate, before), "a pod runs")
    replicas = federate.find("zj", "deployment", "web", before)["spec"]["replicas"]
    wanted = [{"kind": "Deployment", "name": "web", "namespace": before, "cluster": "zj"}]
    wish = Wish({"clusters": [{"name": "cddev"}, {"name": "zj"}]})
    options: dict[str, Any] = {"live": wanted, "federate": True, "packed": packed(Handed(wish=wish)), "adopt": "same"}
    foretold = federate(check=True, **options)
    done = federate(**options)
    assert (
        actions(done)
        == actions(foretold)
        == [
            f"create Namespace {before}",
            f"create FederatedNamespace {before}",
            "create FederatedDeployment web",
        ]
    )
    assert [(one["object"].split()[0], one["cluster"], one["differences"]) for one in done.data["adopted"]] == [
        ("FederatedNamespace", "zj", []),
        ("FederatedDeployment", "zj", []),
    ]
    assert federate.find("cddev", "deployment", "web", before)["spec"]["replicas"] == replicas
    live = federate.find("zj", "deployment", "web", before)
    assert live["metadata"]["labels"]["kubefed.io/managed"] == "true"
    assert pods(federate, before) == running, "none was started again"
    assert not federate(**options).changed
    nowhere = [{**wanted[0], "cluster": "nowhere"}]
    assert "nowhere" in federate.error(**{**options, "live": nowhere}).message


def pods(federate: Federate, namespace: str) -> list[str]:
    found = federate.lab.get("zj", "pods", "-n", namespace)["items"]
    return sorted(pod["metadata"]["uid"] for pod in found if pod.get("status", {}).get("phase") == "Running")
