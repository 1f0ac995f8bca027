# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""``site.yml --check`` at every stage of a federation that grows: it succeeds, foretells what is missing, and changes nothing."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, Iterator

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
ANSIBLE = str(Path(sys.executable).with_name("ansible-playbook"))
PORT_BASE = 26700
# The lab's ports: API server, etcd's two, controller manager, scheduler, kwok; KubeFed's webhook, and its controller manager's two.
PORTS = list(range(PORT_BASE, PORT_BASE + 9))
RESOURCE = {
    "apiVersion": "types.kubefed.io/v1beta1",
    "kind": "FederatedConfigMap",
    "metadata": {"name": "settings", "namespace": "shop"},
    "spec": {"template": {"data": {"colour": "green"}}, "placement": {"clusters": [{"name": "only"}]}},
}
# What each step adds, and a word of what a check before it has to say.
STAGES = [
    ("lab_up", "Lab cluster only would be made"),
    ("kubeconfig", "only would get KubeFed"),
    ("control_plane", "Cluster only would be joined once KubeFed is on only"),
    ("join", "The resources would be applied once"),
    ("federate", "cluster only: ConfigMap shop/settings"),
]


class Site:
    """One cluster, host and member at once, in a state folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.inventory = folder / "hosts.json"
        group: dict[str, Any] = {"hosts": {"only": None}}
        common = {
            "ansible_connection": "local",
            "ansible_python_interpreter": sys.executable,
            "lab_prefix": "site-",
            "lab_port_base": PORT_BASE,
            "kubeconfig_path": "{{ federation_state_dir }}/lab/kubeconfigs/{{ inventory_hostname }}",
            "kubefed_runtime": "process",
            "federated_resources_definitions": [RESOURCE],
        }
        children = {"lab": group, "federation_host": group, "federation_members": group}
        self.inventory.write_text(json.dumps({"all": {"vars": common, "children": children}}))

    def run(self, playbook: str, *options: str, inventory: Path | None = None, **more: str) -> tuple[str, int]:
        """What it printed, in one line, and how many tasks changed something. ``more``: environment."""
        environment = {**os.environ, "AWX_PRIVATE_DATA_DIR": str(self.folder), **more}
        command = [ANSIBLE, "-i", str(inventory or self.inventory), str(REPOSITORY / "playbooks" / f"{playbook}.yml"), *options]
        done = subprocess.run(command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=False)
        output = done.stdout + done.stderr
        assert done.returncode == 0, output
        assert "Traceback" not in output
        assert "[WARNING]" not in output, output
        return " ".join(output.split()), sum(int(count) for count in re.findall(r"changed=(\d+)", output))

    def files(self) -> dict[str, str]:
        """Every file that tells what is there, with its content."""
        kept = ("kubeconfig", "lab.json", "report.json", "report.html")
        return {str(path): path.read_text() for path in self.folder.rglob("*") if path.name in kept and path.is_file()}

    def listening(self) -> list[tuple[str, int]]:
        """``(address, port)`` of all that listens on the lab's ports."""
        text = subprocess.run(["ss", "-Hltn"], capture_output=True, text=True, check=True).stdout
        pairs = [line.split()[3].rpartition(":") for line in text.splitlines()]
        return sorted((address, int(port)) for address, _colon, port in pairs if PORT_BASE <= int(port) < PORT_BASE + 10)

    def processes(self) -> list[str]:
        """Command lines that name the folder."""
        text = subprocess.run(["ps", "-eww", "-o", "args="], capture_output=True, text=True, check=True).stdout
        return [line for line in text.splitlines() if str(self.folder / ".edgefed") in line]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    found = Site(tmp_path_factory.mktemp("site"))
    yield found
    found.run("lab_down")
    assert found.listening() == found.processes() == []


@pytest.mark.parametrize(("step", "said"), STAGES)
def test_check_before_each_step(site: Site, step: str, said: str) -> None:
    before = site.files()
    output, changed = site.run("site", "--check", "--diff")
    assert said in output
    assert changed > 0
    assert site.files() == before
    _, changed = site.run(step)
    assert changed > 0


def test_check_of_what_is_complete_foretells_nothing(site: Site) -> None:
    site.run("site")
    before = site.files()
    _, changed = site.run("site", "--check", "--diff")
    assert changed == 0
    assert site.files() == before


def test_check_before_helm_is_there(site: Site, tmp_path: Path) -> None:
    """On a machine whose cache is empty, as before a first run on real clusters."""
    site.run("teardown", "-e", "federation_confirm=only", "-e", "kubefed_purge=true")
    inventory = json.loads(site.inventory.read_text())
    del inventory["all"]["children"]["lab"]
    inventory["all"]["vars"]["kubefed_runtime"] = "pods"
    real = tmp_path / "hosts.json"
    real.write_text(json.dumps(inventory))
    output, changed = site.run("site", "--check", inventory=real, XDG_CACHE_HOME=str(tmp_path / "cache"))
    assert "once playbooks/tools.yml has brought Helm" in output
    assert changed > 0
    assert not (tmp_path / "cache").exists()


def test_everything_is_on_loopback_and_taken_down(site: Site) -> None:
    """KubeFed's processes too; the lab's entry of the merged kubeconfig goes with it."""
    site.run("site")
    assert site.listening() == [("127.0.0.1", port) for port in PORTS]
    site.run("lab_down")
    assert site.listening() == site.processes() == []
    assert "only" not in (site.folder / ".edgefed" / "kubeconfig").read_text()
    assert not (site.folder / ".edgefed" / "lab").exists()
