# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One real cluster for the tests of kubeconfigs, and playbooks run on inventories made up for it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
BIN = REPOSITORY / ".venv" / "bin"
ANSIBLE = str(Path(sys.executable).with_name("ansible-playbook"))
KUBECTL = str(BIN / "kubectl")
PORT_BASE = 26100
LOCAL = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}


@dataclass(frozen=True)
class Cluster:
    """Its administrator's kubeconfig, as the lab left it: certificate files beside it. ``flat`` has them inside."""

    kubeconfig: Path
    flat: str

    def document(self) -> dict[str, Any]:
        """Decoded; a fresh copy each time."""
        found: dict[str, Any] = json.loads(self.flat)
        return found

    @property
    def server(self) -> str:
        return str(self.document()["clusters"][0]["cluster"]["server"])

    def text(self, cluster: dict[str, Any] | None = None, user: dict[str, Any] | None = None) -> str:
        """A kubeconfig of it with other fields; ``user`` replaces the credentials."""
        document = self.document()
        document["clusters"][0]["cluster"] |= cluster or {}
        if user is not None:
            document["users"][0]["user"] = user
        return json.dumps(document)

    def token(self) -> str:
        """A real token of a service account, another one each time."""
        return self.kubectl("create", "token", "tester", "-n", "default").strip()

    def kubectl(self, *arguments: str, kubeconfig: Path | str | None = None) -> str:
        command = [KUBECTL, "--kubeconfig", str(kubeconfig or self.kubeconfig), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout


@dataclass(frozen=True)
class Outcome:
    """One run of a playbook. ``said`` is its output on one line, YAML's doubled quotes undone."""

    status: int
    output: str

    @property
    def said(self) -> str:
        return " ".join(self.output.split()).replace("''", "'")

    def count(self, what: str) -> dict[str, int]:
        """``changed``, ``failed``, … by host."""
        return {host: int(count) for host, count in re.findall(rf"^(\S+) +: ok=.*\b{what}=(\d+)", self.output, re.M)}


def inventory(hosts: dict[str, dict[str, Any]], **common: Any) -> dict[str, Any]:
    """The first host is the host cluster; all are members."""
    groups = {"federation_host": {"hosts": {next(iter(hosts)): hosts[next(iter(hosts))]}}, "federation_members": {"hosts": hosts}}
    return {"all": {"vars": common, "children": groups}}


def run_playbook(folder: Path, hosts: dict[str, Any], playbook: str | list[dict[str, Any]], *options: str, **env: str) -> Outcome:
    """A playbook of the project by name, or one made up, on an inventory. No traceback may be seen."""
    (folder / "hosts.json").write_text(json.dumps(hosts))
    file = REPOSITORY / "playbooks" / f"{playbook}.yml"
    if not isinstance(playbook, str):
        file = folder / "play.json"
        file.write_text(json.dumps(playbook))
    command = [ANSIBLE, "-i", str(folder / "hosts.json"), str(file), *options]
    environment = {**os.environ, "AWX_PRIVATE_DATA_DIR": str(folder), **env}
    done = subprocess.run(command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=False)
    output = done.stdout + done.stderr
    assert "Traceback" not in output
    assert "a bug in edgefed" not in output
    return Outcome(done.returncode, output)


CLUSTER = pytest.StashKey[Cluster]()


@pytest.fixture(scope="session")
def cluster(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Cluster:
    """One for the whole session, whichever test files ask for it; taken down at the end."""
    stash = request.config.stash
    if CLUSTER not in stash:
        folder = tmp_path_factory.mktemp("kubeconfig-lab")
        variables = {**LOCAL, "lab_prefix": "kct-", "lab_port_base": PORT_BASE, "lab_nodes": 0}
        hosts = inventory({"real": {}}, **variables)
        hosts["all"]["children"]["lab"] = {"hosts": {"real": {}}}

        def down() -> None:
            outcome = run_playbook(folder, hosts, "lab_down")
            assert outcome.status == 0, outcome.output

        request.config.add_cleanup(down)
        outcome = run_playbook(folder, hosts, "lab_up")
        assert outcome.status == 0, outcome.output
        kubeconfig = folder / ".edgefed" / "lab" / "kubeconfigs" / "real"
        view = [KUBECTL, "--kubeconfig", str(kubeconfig), "config", "view", "--flatten", "--raw", "-o", "json"]
        stash[CLUSTER] = real = Cluster(kubeconfig, subprocess.run(view, capture_output=True, text=True, check=True).stdout)
        real.kubectl("create", "serviceaccount", "tester", "-n", "default")
    return stash[CLUSTER]
