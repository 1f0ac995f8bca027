# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The merged kubeconfig kept on a real cluster: kept, changed, fetched into another folder, removed; first in check mode, both ways."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml
from integration.real_cluster import Cluster, cluster

__all__ = ["cluster"]
NAMES = "-o=jsonpath={.items[*].metadata.name}"


def merged(cluster: Cluster, path: Path, *names: str, token: str = "") -> str:
    """A merged kubeconfig in which all of these names are the one cluster."""
    one = json.loads(cluster.flat)
    user = {"token": token} if token else one["users"][0]["user"]
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": name, "cluster": one["clusters"][0]["cluster"]} for name in names],
        "users": [{"name": name, "user": user} for name in names],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name}} for name in names],
        "current-context": "",
    }
    path.write_text(yaml.safe_dump(document))
    return str(path)


def secrets(cluster: Cluster, namespace: str) -> list[str]:
    return cluster.kubectl("get", "secrets", "-n", namespace, NAMES).split()


def test_twelve_steps(cluster: Cluster, run_task: Any, path: str, tmp_path: Path) -> None:
    namespace = f"kept-{path.replace('_', '-')}"
    auth = {"kubeconfig": str(cluster.kubeconfig), "namespace": namespace}
    file = tmp_path / "merged"
    arguments = {**auth, "name": "shop-1", "path": merged(cluster, file, "center", "shop-1")}

    def step(state: str, **change: Any) -> dict[str, Any]:
        """In check mode it foretells what it then does."""
        given = {**arguments, "state": state, **change}
        before = secrets(cluster, namespace)
        foretold = run_task("kubeconfig_kept", given, check=True, path=path)
        assert secrets(cluster, namespace) == before
        done = run_task("kubeconfig_kept", given, path=path)
        assert not foretold.get("failed") and not done.get("failed"), (foretold, done)
        for field in ("changed", "clusters", "diff"):
            assert foretold[field] == done[field]
        for hidden in ("a-secret-token", cluster.document()["users"][0]["user"]["client-key-data"]):
            assert hidden not in foretold["output"] + done["output"] + json.dumps([foretold, done])
        return done

    assert step("present")["changed"]
    assert secrets(cluster, namespace) == ["kubeconfig-shop-1"]
    assert not step("present")["changed"]
    merged(cluster, file, "center", "shop-1", token="a-secret-token")
    assert step("present")["changed"]
    assert not step("present")["changed"]

    # Another run, with another folder; what is there besides stays.
    other = tmp_path / "other"
    merged(cluster, other, "mine")
    assert step("fetched", path=str(other))["changed"]
    fetched = yaml.safe_load(other.read_text())
    assert [entry["name"] for entry in fetched["contexts"]] == ["mine", "shop-1"]
    assert fetched["users"][1]["user"] == {"token": "a-secret-token"}
    assert not step("fetched", path=str(other))["changed"]

    assert step("absent")["changed"]
    assert secrets(cluster, namespace) == []
    assert not step("absent")["changed"]


def test_what_is_not_merged_is_not_kept(cluster: Cluster, run_task: Any, path: str, tmp_path: Path) -> None:
    arguments = {"kubeconfig": str(cluster.kubeconfig), "name": "shop-9", "path": merged(cluster, tmp_path / "merged", "center")}
    said = run_task("kubeconfig_kept", arguments, path=path)["msg"]
    assert "has no context shop-9" in said and "Next: run playbooks/kubeconfig.yml for shop-9" in said


def test_requests(cluster: Cluster, run_task: Any, tmp_path: Path) -> None:
    """One list brings all back; one look finds that nothing is to be done."""
    arguments = {"kubeconfig": str(cluster.kubeconfig), "name": "shop-1", "namespace": "kept-requests"}
    arguments["path"] = merged(cluster, tmp_path / "merged", "shop-1")
    assert run_task("kubeconfig_kept", arguments)["api_requests"] == 4
    assert run_task("kubeconfig_kept", arguments)["api_requests"] == 1
    assert run_task("kubeconfig_kept", {**arguments, "state": "fetched"})["api_requests"] == 1
