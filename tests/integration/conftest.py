# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The lab that the integration tests talk to, and real ``ansible-playbook`` runs of one task."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from integration.waiting import until

REPOSITORY = Path(__file__).resolve().parents[2]
PATHS = ("in_process", "module")
FORBIDDEN = ("Traceback", "a bug in edgefed")


@dataclass(frozen=True)
class Lab:
    """A running lab: the merged kubeconfig with the contexts ``local`` (host cluster), ``cddev`` and ``zj``."""

    kubeconfig: str

    def kubectl(self, context: str, *arguments: str, stdin: str | None = None, check: bool = True) -> str:
        """Standard output of the project's own kubectl on one cluster."""
        command = ["kubectl", "--kubeconfig", self.kubeconfig, "--context", context, *arguments]
        done = subprocess.run(command, input=stdin, capture_output=True, text=True, check=False)
        assert not check or done.returncode == 0, f"{command}: {done.stderr}"
        return done.stdout

    def get(self, context: str, *arguments: str) -> Any:
        """``kubectl get … -o json`` decoded; ``None`` when it is not there."""
        text = self.kubectl(context, "get", *arguments, "-o", "json", "--ignore-not-found")
        return json.loads(text) if text.strip() else None

    def established(self, context: str, *crds: str) -> None:
        """Wait until the API server serves these kinds. ``kubectl wait`` fails at once for one that has no conditions yet."""

        def served(name: str) -> bool:
            conditions = (self.get(context, "crd", name) or {}).get("status", {}).get("conditions") or []
            return any(item["type"] == "Established" and item["status"] == "True" for item in conditions)

        for name in crds:
            until(lambda name=name: served(name), f"{name} is established")


@pytest.fixture(scope="session")
def lab() -> Lab:
    """The lab named by ``EDGEFED_LAB_KUBECONFIG``; without it the test cannot run and says so."""
    kubeconfig = os.environ.get("EDGEFED_LAB_KUBECONFIG")
    if not kubeconfig:
        pytest.fail("EDGEFED_LAB_KUBECONFIG is not set: run `make test`, or lab_up.yml and site.yml first")
    return Lab(kubeconfig)


@pytest.fixture(params=PATHS)
def path(request: pytest.FixtureRequest) -> str:
    """Both ways to run a module: in process by its action plugin, and as a module."""
    return str(request.param)


def playbook_of(module: str, arguments: dict[str, Any], path: str) -> list[dict[str, Any]]:
    """One task; ``path="module"`` sets an ``environment``, which the action plugin hands over to the module."""
    task: dict[str, Any] = {"name": "The task", f"edgefed.kubefed.{module}": arguments, "register": "outcome"}
    if path == "module":
        task["environment"] = {"EDGEFED_TEST": "1"}
    task["ignore_errors"] = True
    keep = {"name": "Keep", "ansible.builtin.copy": {"content": "{{ outcome }}", "dest": "{{ outcome_file }}", "mode": "0600"}}
    keep["check_mode"] = False
    keep["diff"] = False
    return [{"hosts": "localhost", "gather_facts": False, "tasks": [task, keep]}]


@pytest.fixture
def run_task(tmp_path: Path) -> Any:
    """``run_task(module, arguments, check=, diff=, path=)`` gives the task's result of a real ansible-playbook run."""

    def run(module: str, arguments: dict[str, Any], check: bool = False, diff: bool = True, path: str = "in_process") -> dict[str, Any]:
        playbook = tmp_path / "playbook.json"
        outcome = tmp_path / "outcome.json"
        playbook.write_text(json.dumps(playbook_of(module, arguments, path)))
        command = [str(Path(sys.executable).with_name("ansible-playbook")), "-i", "localhost,", "-c", "local", str(playbook)]
        command += ["-e", f"outcome_file={outcome}", "-e", f"ansible_python_interpreter={sys.executable}"]
        command += ["--check"] if check else []
        command += ["--diff"] if diff else []
        done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        for sign in FORBIDDEN:
            assert sign not in done.stdout + done.stderr, done.stdout + done.stderr
        result: dict[str, Any] = json.loads(outcome.read_text())
        result.pop("invocation", None)
        result["output"] = done.stdout + done.stderr
        return result

    return run
