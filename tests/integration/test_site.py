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
            "lab_port_base": 26700,
            "kubeconfig_path": "{{ federation_state_dir }}/lab/kubeconfigs/{{ inventory_hostname }}",
            "kubefed_runtime": "process",
            "federated_resources_definitions": [RESOURCE],
        }
        children = {"lab": group, "federation_host": group, "federation_members": group}
        self.inventory.write_text(json.dumps({"all": {"vars": common, "children": children}}))

    def run(self, playbook: str, *options: str) -> tuple[str, int]:
        """What it printed, in one line, and how many tasks changed something."""
        environment = {**os.environ, "AWX_PRIVATE_DATA_DIR": str(self.folder)}
        command = [ANSIBLE, "-i", str(self.inventory), str(REPOSITORY / "playbooks" / f"{playbook}.yml"), *options]
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


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    found = Site(tmp_path_factory.mktemp("site"))
    yield found
    found.run("lab_down")
    assert not found.files().keys() - {str(found.folder / ".edgefed" / name) for name in ("kubeconfig", "report.json", "report.html")}


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
