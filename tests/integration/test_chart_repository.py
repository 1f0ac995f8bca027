# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""KubeFed's chart from a chart repository, as on real clusters: served on 127.0.0.1, installed on a real API server.

Nothing runs the chart's pods there, so each run ends with the control plane not ready, once the chart is in.
"""

from __future__ import annotations

import functools
import json
import os
import subprocess
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Iterator

import pytest
import yaml
from integration.real_cluster import BIN, LOCAL, REPOSITORY, Cluster, Outcome, cluster, inventory, run_playbook
from integration.waiting import closed_port

__all__ = ["cluster"]
VERSION = yaml.safe_load((REPOSITORY / "roles" / "kubefed" / "defaults" / "main.yml").read_text())["kubefed_version"]
NAMESPACE = "kube-federation-system"
NOT_READY = "the admission webhook does not answer"


class Handler(SimpleHTTPRequestHandler):
    asked: list[str] = []

    def log_message(self, *arguments: Any) -> None:
        """Kept, not printed."""
        self.asked.append(self.path)


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Helm with nothing cached or configured."""
    folder = tmp_path_factory.mktemp("helm")
    return {f"HELM_{name}_HOME": str(folder / name) for name in ("CACHE", "CONFIG", "DATA")}


def helm(environment: dict[str, str], *arguments: str) -> str:
    done = subprocess.run([str(BIN / "helm"), *arguments], env={**os.environ, **environment}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def repository(environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Laid out like the published one: an index, and each version's archive where the index says."""
    folder = tmp_path_factory.mktemp("repository")
    chart = (BIN / "helm").resolve().parents[2] / "kubefed-chart" / VERSION / "kubefed"
    helm(environment, "package", str(chart), "--destination", str(folder))
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=str(folder)))
    url = f"http://127.0.0.1:{server.server_port}"
    helm(environment, "repo", "index", str(folder), "--url", url)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield url
    server.shutdown()
    server.server_close()


class Federation:
    """One host cluster, whose playbooks take the chart from ``repository`` unless told otherwise."""

    def __init__(self, cluster: Cluster, folder: Path, repository: str, environment: dict[str, str]) -> None:
        self.folder, self.environment, self.kubeconfig = folder, environment, folder / ".edgefed" / "kubeconfig"
        self.hosts = inventory(
            {"real": {**LOCAL, "kubeconfig_content": cluster.flat}},
            helm_binary=str(BIN / "helm"),
            kubefed_chart_repository=repository,
            kubefed_wait_timeout=3,
        )

    def play(self, playbook: str, *options: str, **variables: Any) -> Outcome:
        return run_playbook(self.folder, self.hosts, playbook, *options, "-e", json.dumps(variables), **self.environment)

    def releases(self) -> list[dict[str, Any]]:
        place = ["--kubeconfig", str(self.kubeconfig), "--kube-context", "real"]
        listed: list[dict[str, Any]] = json.loads(helm(self.environment, "list", "--all-namespaces", "-o", "json", *place))
        return listed


@pytest.fixture(scope="module")
def federation(
    cluster: Cluster, repository: str, environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Federation]:
    made = Federation(cluster, tmp_path_factory.mktemp("federation"), repository, environment)
    merged = made.play("kubeconfig")
    assert merged.status == 0, merged.output
    yield made
    gone = made.play("control_plane", kubefed_state="absent", kubefed_wait_timeout=60)
    assert gone.status == 0, gone.output
    assert made.releases() == []


@pytest.mark.parametrize("what", ["version", "repository", "folder"])
def test_what_is_not_there_is_told_and_nothing_is_changed(federation: Federation, cluster: Cluster, repository: str, what: str) -> None:
    dead = f"http://tester:hidden@127.0.0.1:{closed_port()}"
    wrong, named = {
        "version": ({"kubefed_chart_version": "9.9.9"}, ["9.9.9", repository, "Next: correct kubefed_chart_repository or kubefed_chart_v"]),
        "repository": (
            {"kubefed_chart_repository": dead},
            [dead.rpartition("@")[2], "connection refused", "Next: correct kubefed_chart_re"],
        ),
        "folder": ({"kubefed_chart": "/nowhere/kubefed"}, ["/nowhere/kubefed", "Next: set kubefed_chart to"]),
    }[what]
    outcome = federation.play("control_plane", **wrong)
    assert outcome.status == 2, outcome.output
    assert outcome.output.count("fatal: [") == 1
    assert [name for name in ["real: KubeFed", "Nothing was changed.", *named] if name not in outcome.said] == [], outcome.output
    assert "hidden" not in outcome.output
    assert outcome.count("changed")["real"] == 0
    assert federation.releases() == []
    assert NAMESPACE not in cluster.kubectl("get", "namespaces", "-o", "name")


def test_check_mode_asks_the_repository_and_installs_nothing(federation: Federation) -> None:
    Handler.asked.clear()
    outcome = federation.play("control_plane", "--check")
    assert outcome.status == 0, outcome.output
    assert outcome.count("changed")["real"] > 0
    assert "/index.yaml" in Handler.asked
    assert federation.releases() == []


def test_the_chart_is_installed_from_the_repository_once(federation: Federation, cluster: Cluster) -> None:
    Handler.asked.clear()
    first = federation.play("control_plane")
    assert first.status == 2 and NOT_READY in first.said, first.output
    assert {"/index.yaml", f"/kubefed-{VERSION}.tgz"} <= set(Handler.asked)
    (release,) = federation.releases()
    assert (release["name"], release["namespace"], release["status"]) == ("kubefed", NAMESPACE, "deployed")
    assert release["chart"] == f"kubefed-{VERSION}"
    deployments = json.loads(cluster.kubectl("get", "deployment", "-n", NAMESPACE, "-o", "json"))["items"]
    assert {item["metadata"]["name"] for item in deployments} == {"kubefed-controller-manager", "kubefed-admission-webhook"}
    asked = len(Handler.asked)
    again = federation.play("control_plane")
    assert NOT_READY in again.said and again.count("changed")["real"] == 0, again.output
    assert len(Handler.asked) == asked
    assert federation.releases() == [release]
