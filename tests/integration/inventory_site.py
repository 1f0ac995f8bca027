# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A real inventory with groups, and tasks of modules that take manifests run on it, several in one run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

REPOSITORY = Path(__file__).resolve().parents[2]
PROGRAMS = Path(sys.executable).parent
CONFIG_MAP = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings", "namespace": "shop"}, "data": {"kept": "1"}}
POD = {"spec": {"containers": [{"name": "web", "image": "nginx:1.17"}, {"name": "side", "image": "side:1"}]}}
DEPLOYMENT = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "web", "namespace": "shop", "annotations": {"team": "a"}},
    "spec": {"replicas": 1, "selector": {"matchLabels": {"app": "web"}}, "template": {"metadata": {"labels": {"app": "web"}}, **POD}},
}
INVENTORY: dict[str, Any] = {
    "all": {
        "vars": {"ansible_connection": "local", "ansible_python_interpreter": sys.executable},
        "children": {
            "federation_host": {"hosts": {"local": {}}},
            "federation_members": {"hosts": {"local": {}, "cddev": {"member_region": "west"}, "zj": {"member_labels": {"tier": "edge"}}}},
            "edge": {"children": {"gpu": {"hosts": {"zj": {}}}}, "hosts": {"cddev": {}}},
            "spare": {"hosts": {"masters": {}}},
        },
    }
}


class Site:
    """An inventory and a playbook in a folder each, with their ``group_vars`` and ``host_vars``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.inventory = yaml.safe_load(yaml.safe_dump(INVENTORY))
        self.preview = folder / "preview"

    def variables(self, where: str, what: str, name: str, **content: Any) -> None:
        """What ``inventory/group_vars/gpu.yml`` and its like say."""
        path = self.folder / where / f"{what}_vars" / f"{name}.yml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(yaml.safe_dump(content))

    def run(self, arguments: dict[str, Any], *options: str, path: str = "in_process", tasks: Any = ()) -> dict[str, Any]:
        """The result of one offline preview, and what was said."""
        return self.run_all([arguments], *options, path=path, tasks=tasks)[0]

    def run_all(self, several: list[dict[str, Any]], *options: str, path: str = "in_process", tasks: Any = ()) -> list[dict[str, Any]]:
        """The results of several."""
        common = {"offline": True, "federate": True, "dest": str(self.preview)}
        given = [{"edgefed.kubefed.federated_resource_preview": {**common, **arguments}} for arguments in several]
        return self.run_tasks(given, *options, path=path, before=tasks)

    def run_tasks(self, given: list[dict[str, Any]], *options: str, path: str = "in_process", before: Any = ()) -> list[dict[str, Any]]:
        """The result of each task, in one run; ``before`` are tasks that go first."""
        for name in ("inventory", "play"):
            (self.folder / name).mkdir(exist_ok=True)
        (self.folder / "inventory" / "hosts.yml").write_text(yaml.safe_dump(self.inventory))
        hand_over = {"environment": {"EDGEFED_TEST": "1"}} if path == "module" else {}
        asked = [{**task, **hand_over, "register": f"outcome{number}", "ignore_errors": True} for number, task in enumerate(given)]
        content = "{{ [" + ", ".join(f"outcome{number}" for number in range(len(asked))) + "] }}"
        keep = {"ansible.builtin.copy": {"content": content, "dest": str(self.folder / "outcome.json"), "mode": "0600"}}
        play = {"hosts": "local", "gather_facts": False, "tasks": [*before, *asked, {**keep, "check_mode": False, "diff": False}]}
        (self.folder / "play" / "play.yml").write_text(yaml.safe_dump([play]))
        command = [
            str(PROGRAMS / "ansible-playbook"),
            "-i",
            str(self.folder / "inventory"),
            str(self.folder / "play" / "play.yml"),
            *options,
        ]
        environment = {**os.environ, "PATH": f"{PROGRAMS}:{os.environ['PATH']}"}
        done = subprocess.run(command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "Traceback" not in done.stdout + done.stderr and "bug in edgefed" not in done.stdout
        results: list[dict[str, Any]] = json.loads((self.folder / "outcome.json").read_text())
        return [{**result, "output": done.stdout + done.stderr} for result in results]

    def got(self, cluster: str, file: str) -> Any:
        """What a file of the preview says; ``None`` where there is none."""
        path = self.preview / cluster / file
        return yaml.safe_load(path.read_text()) if path.exists() else None


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)
