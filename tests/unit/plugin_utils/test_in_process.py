# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which tasks run in process: real ``ansible-playbook`` runs. Ansible says ``Using module file`` where it is a module."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).resolve().parents[3]
HERE = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
PROXY = "http://me:hunter2-proxy@127.0.0.1:1"
ASKED = {
    "edgefed.kubefed.kubefed_cluster": {"kubeconfig": "{{ kubeconfig }}", "context": "local", "name": "zj", "api_proxy_url": "{{ proxy }}"}
}
AWAY = {"ansible_connection": "ssh", "ansible_host": "127.0.0.1", "ansible_port": 1}
IN_PROCESS: dict[str, dict[str, Any]] = {
    "local": {},
    "an empty environment": {"environment": {}},
    "an environment that is empty once templated": {"environment": "{{ {} }}"},
    "no become": {"become": False},
    "delegated from an SSH host": {"host": "away", "delegate_to": "here"},
}
AS_MODULE: dict[str, dict[str, Any]] = {
    "environment": {"environment": {"EDGEFED_TEST": "1"}},
    "async": {"async": 60, "poll": 1},
    "another interpreter": {"host": "other_python"},
    "delegated to another interpreter": {"delegate_to": "other_python"},
    "delegated from an SSH host to another interpreter": {"host": "away", "delegate_to": "other_python"},
}
# su asks root for no password; whoever is not root cannot become anybody without one
AS_ROOT: dict[str, dict[str, Any]] = {"become": {"become": True, "become_method": "ansible.builtin.su"}} if os.geteuid() == 0 else {}


def play(number: int, name: str, given: dict[str, Any]) -> dict[str, Any]:
    """One task on one host, its result kept."""
    options = {key: value for key, value in given.items() if key != "host"}
    keep = {"content": "{{ outcome }}", "dest": f"{{{{ folder }}}}/{number}.json", "mode": "0600"}
    return {
        "hosts": given.get("host", "here"),
        "gather_facts": False,
        "tasks": [
            {"name": f"Ask: {name}", **ASKED, **options, "register": "outcome", "ignore_errors": True},
            {"name": "Keep", "ansible.builtin.copy": keep, "delegate_to": "here", "diff": False},
        ],
    }


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, dict[str, Any]], str]:
    """Every task's result by its name, and all that was printed, in one run with ``-vvvv --diff``."""
    folder = tmp_path_factory.mktemp("in_process")
    other = folder / "python"
    other.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    other.chmod(0o755)
    tasks = {**IN_PROCESS, **AS_MODULE, **AS_ROOT}
    hosts = {"here": HERE, "other_python": {**HERE, "ansible_python_interpreter": str(other)}, "away": AWAY}
    secrets = {"folder": str(folder), "kubeconfig": str(folder / "gone"), "proxy": PROXY}
    (folder / "inventory.json").write_text(json.dumps({"all": {"hosts": hosts}}))
    (folder / "secrets.json").write_text(json.dumps(secrets))
    (folder / "playbook.json").write_text(json.dumps([play(number, *task) for number, task in enumerate(tasks.items())]))
    command = [str(Path(sys.executable).with_name("ansible-playbook")), "-vvvv", "--diff", "-i", str(folder / "inventory.json")]
    command += ["-e", f"@{folder / 'secrets.json'}", str(folder / "playbook.json")]
    # by default Ansible looks for the job in the home that the system knows, and writes it into $HOME
    environment = {**os.environ, "ANSIBLE_ASYNC_DIR": str(folder / "async")}
    done = subprocess.run(command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=False)
    printed = done.stdout + done.stderr
    assert done.returncode == 0, printed
    return {name: json.loads((folder / f"{number}.json").read_text()) for number, name in enumerate(tasks)}, printed


def was_module(printed: str, name: str) -> bool:
    """What Ansible says of one task."""
    said = printed.partition(f"TASK [Ask: {name}]")[2].partition("TASK [Keep]")[0]
    assert said, f"no task {name}"
    return "plugins/modules/kubefed_cluster.py" in said


@pytest.mark.parametrize("name", IN_PROCESS)
def test_in_process(ran: tuple[dict[str, dict[str, Any]], str], name: str) -> None:
    assert not was_module(ran[1], name)


@pytest.mark.parametrize("name", [*AS_MODULE, *AS_ROOT])
def test_as_a_module(ran: tuple[dict[str, dict[str, Any]], str], name: str) -> None:
    assert was_module(ran[1], name)


def test_both_say_the_same(ran: tuple[dict[str, dict[str, Any]], str]) -> None:
    """The same message, which names the file; a path is no secret although the option is ``no_log``."""
    messages = {result["msg"] for result in ran[0].values()}
    assert len(messages) == 1
    assert "/gone, context 'local'" in messages.pop()
    assert {result["code"] for result in ran[0].values()} == {"kubeconfig"}


def test_no_secret_and_no_traceback(ran: tuple[dict[str, dict[str, Any]], str]) -> None:
    for sign in ("hunter2", "Traceback", "a bug in edgefed"):
        assert sign not in ran[1], sign
