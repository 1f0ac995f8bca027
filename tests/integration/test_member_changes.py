# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Members that move, that are somebody else's, and that leave, dead or alive."""

from __future__ import annotations

import json
import subprocess
from socketserver import ThreadingTCPServer
from typing import Any, Iterator

import pytest
from integration.one_member import (
    SYSTEM,
    Federation,
    actions,
    federation,
    moved,
    proxy,
    run_tasks,
    server_of,
    spoiled,
)
from integration.waiting import until

__all__ = ["federation", "proxy", "run_tasks"]
pytestmark = pytest.mark.lab
SPACE = "leaving"


def test_moved_in_place(federation: Federation, proxy: ThreadingTCPServer) -> None:
    """Another address, another CA and another proxy change the KubeFedCluster and nothing else, and KubeFed uses them."""
    federation(wait=True)
    uid = federation.find("local", "kubefedcluster", "zj")["metadata"]["uid"]
    server, ca = server_of(federation.lab, "zj")
    address = server.replace("127.0.0.1", "localhost")
    through = f"http://edge:s3cret@127.0.0.1:{proxy.server_address[1]}"
    changes: list[dict[str, Any]] = [
        {"api_endpoint": address, "api_ca_cert": server_of(federation.lab, "cddev")[1] + ca},
        {"api_endpoint": address, "api_proxy_url": through},
    ]
    for options in changes:
        foretold = federation(check=True, **options)
        done = federation(wait=True, **options)
        assert actions(done.data) == actions(foretold.data) == ["update KubeFedCluster"]
        assert done.diff == foretold.diff and done.diff["before"] != done.diff["after"]  # type: ignore[index,call-overload]
        assert done.data["cluster"]["ready"] and "s3cret" not in str(done)
        assert not federation(**options).changed
    assert proxy.tunnels > 0  # type: ignore[attr-defined]
    assert federation(api_proxy_url="", wait=True).data["cluster"]["ready"]
    found = federation.find("local", "kubefedcluster", "zj")
    assert (found["metadata"]["uid"], found["spec"]["apiEndpoint"], found["spec"].get("proxyURL") or "") == (uid, server, "")


def test_who_is_who(federation: Federation) -> None:
    """A second name, a second cluster of one name, and a second host cluster, each told by name; and joined all the same by force."""
    federation(wait=True)
    second = federation.error(name="zj2", member_context="zj")
    assert second.code == "two_names" and "'zj2'" in second.message and "'zj'" in second.message
    assert not federation.find("zj", "serviceaccount", "zj2-local")
    taken = federation.error(member_context="cddev")
    assert taken.code == "name_taken" and server_of(federation.lab, "zj")[0] in taken.message
    notes = {"metadata": {"annotations": {"edgefed.io/host-cluster-uid": "another"}}}
    spoiled(federation.lab, "zj", "serviceaccount", "zj-local", notes)
    spoiled(federation.lab, "local", "kubefedcluster", "zj", {"metadata": {"labels": {"edgefed.io/cluster-uid": None}}})
    other = federation.error()
    assert other.code == "joined_to_other_host" and "'local' (another one of that name" in other.message
    assert actions(federation(force=True).data) == ["update ServiceAccount", "update KubeFedCluster"]
    federation.settled()


def test_rancher_and_programs(federation: Federation) -> None:
    """Both are refused before anything is written."""
    federation(state="absent", wait=True)
    server = server_of(federation.lab, "zj")[0]
    behind = moved(federation.lab, f"{server}/k8s/clusters/c-m-abcde")
    assert federation.error(member_kubeconfig=behind).code == "rancher_proxy"
    assert federation.error(api_endpoint=f"{server}/k8s/clusters/c-m-abcde").code == "rancher_proxy"
    program = moved(federation.lab, server)
    for user in program["users"]:
        user["user"] = {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": "no-such-login", "interactiveMode": "Never"}}
    assert "'no-such-login', which is not on this machine" in federation.error(member_kubeconfig=program).message
    assert federation.left() == []


@pytest.fixture
def workload(federation: Federation) -> Iterator[Federation]:
    """Federated into zj: a namespace that holds nothing else, and one that does."""
    lab = federation.lab
    federation(wait=True)
    items: list[dict[str, Any]] = []
    for name in (SPACE, f"{SPACE}-shared"):
        placement = {"placement": {"clusters": [{"name": "zj"}]}}
        meta = {"metadata": {"name": "proof", "namespace": name}, "apiVersion": "types.kubefed.io/v1beta1"}
        items.append({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
        items.append({**meta, "kind": "FederatedNamespace", "metadata": {"name": name, "namespace": name}, "spec": placement})
        items.append({**meta, "kind": "FederatedConfigMap", "spec": {**placement, "template": {"data": {"is": "proof"}}}})
    lab.kubectl("local", "apply", "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))
    until(lambda: all(lab.get("zj", "configmap", "proof", "-n", name) for name in (SPACE, f"{SPACE}-shared")), "both are in zj")
    lab.kubectl("zj", "create", "configmap", "theirs", "-n", f"{SPACE}-shared")
    yield federation
    federation(state="absent", wait=True)
    for cluster in ("local", "zj"):
        lab.kubectl(cluster, "delete", "namespace", SPACE, f"{SPACE}-shared", "--ignore-not-found", "--wait=false")


def test_what_leaves_with_a_cluster(workload: Federation, run_tasks: Any) -> None:
    """Kept by default, deleted when told, but for a namespace that holds something else; foretold, and said in the diff."""
    lab = workload.lab
    kept = workload(state="absent", check=True)
    assert "kept as they are" in kept.diff["after"]["federated objects in the member"]  # type: ignore[index,call-overload]
    base = {"kubeconfig": lab.kubeconfig, "context": "local", "name": "zj", "state": "absent", "federated_objects": "delete"}
    [(foretold, gone)] = run_tasks([base], "module")
    assert not gone.get("failed"), gone["msg"]
    assert gone["changes"] == foretold["changes"] and gone["diff"] == foretold["diff"]
    shared = f"Namespace {SPACE}-shared (it holds configmaps theirs)"
    assert gone["diff"]["after"]["federated objects in the member"] == f"deleted, but for {shared}"
    assert any(shared in said for said in gone["warnings"])
    done = [(change["action"], change["kind"], change["name"]) for change in gone["changes"]]
    rights = done.index(("delete", "ClusterRole", "kubefed-controller-manager:zj-local"))
    assert rights < done.index(("delete", "ConfigMap", "proof")) < done.index(("delete", "Namespace", SPACE))
    until(lambda: lab.get("zj", "namespace", SPACE) is None, "the namespace is gone from zj")
    assert lab.get("zj", "configmap", "theirs", "-n", f"{SPACE}-shared") and not lab.get(
        "zj", "configmap", "proof", "-n", f"{SPACE}-shared"
    )
    assert workload.left() == []


def test_commands_for_a_dead_member(federation: Federation) -> None:
    """What is left is told as commands, which clean the member when it is back."""
    federation(wait=True)
    dead = {"member_kubeconfig": moved(federation.lab, "https://127.0.0.1:9")}
    foretold = federation(state="absent", force=True, check=True, **dead)
    lost = federation(state="absent", force=True, **dead)
    assert lost.data["left_behind"] == foretold.data["left_behind"] and len(lost.data["left_behind"]) == 2
    assert all(command in lost.warnings[0] for command in lost.data["left_behind"])
    for command in lost.data["left_behind"]:
        assert command.startswith("kubectl --context zj delete ")
        subprocess.run([*command.split(), f"--kubeconfig={federation.lab.kubeconfig}"], check=True, capture_output=True)
    assert federation.left() == [f"namespace/{SYSTEM}"]
    assert actions(federation(state="absent", wait=True).data) == ["delete Namespace"]
