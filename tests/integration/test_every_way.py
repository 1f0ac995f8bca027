# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Every module of the action group, with the group's ``module_defaults``: in process, and as a module by environment, become and async."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from integration.conftest import REPOSITORY

from ansible_collections.edgefed.kubefed.plugins.module_utils.client import connect
from ansible_collections.edgefed.kubefed.plugins.modules import kubefed_cluster

pytestmark = pytest.mark.lab

MANIFEST = {
    "apiVersion": "types.kubefed.io/v1beta1",
    "kind": "FederatedConfigMap",
    "metadata": {"name": "every-way", "namespace": "every-way"},
    "spec": {"template": {"data": {"key": "value"}}, "placement": {"clusters": [{"name": "local"}]}},
}
# What finds nothing to do, or only reads; and what would change something, in check mode.
SETTLED: dict[str, dict[str, Any]] = {
    "kubefed_cluster": {"name": "local"},
    "kubefed_cluster_info": {},
    "kubefed_cluster_preflight": {"name": "local"},
    "kubefed_cluster_scheduling": {"name": "local", "state": "uncordoned"},
    "kubefed_config": {},
    "kubefed_control_plane": {"state": "absent"},
    "kubefed_control_plane_info": {},
    "federated_resource": {"definition": MANIFEST, "state": "absent"},
    "federated_resource_preview": {"definition": MANIFEST},
    "federated_type": {"name": "configmaps"},
    "federated_type_info": {"names": ["configmaps"]},
    "federation_verify": {"namespaces": ["every-way"], "wait": False},
}
CHANGING: dict[str, dict[str, Any]] = {
    "kubefed_cluster": {"name": "local", "labels": {"edgefed.io/every-way": "yes"}},
    "kubefed_cluster_scheduling": {"name": "local", "state": "cordoned"},
    "kubefed_config": {"sync_controller": {"max_concurrent_reconciles": 7}},
    "federated_resource": {"definition": MANIFEST},
    "federated_type": {"name": "poddisruptionbudgets.policy"},
}
WAYS: dict[str, dict[str, Any]] = {
    "in process": {},
    "environment": {"environment": {"EDGEFED_TEST": "1"}},
    # su asks root for no password
    "become": {"become": True, "become_method": "ansible.builtin.su"},
    "async": {"async": 120, "poll": 1},
}
# How it ran, and what moves by itself.
BESIDE = ("ansible_job_id", "finished", "started", "results_file", "stdout", "stdout_lines", "stderr", "stderr_lines", "invocation")

MOVING = ("last_probe", "renewed", "age")


def still(value: Any) -> Any:
    """A result without what KubeFed itself changes every few seconds."""
    if isinstance(value, dict):
        moving = (*MOVING, "detail") if value.get("check") == "clock" else MOVING
        return {key: still(item) for key, item in value.items() if key not in moving}
    return [still(item) for item in value] if isinstance(value, list) else value


def asked() -> dict[str, dict[str, Any]]:
    """All tasks by ``module way``. Ansible itself runs no check mode with async."""
    ways = [way for way in WAYS if way != "become" or os.geteuid() == 0]
    found = {f"{name}, {way}": {f"edgefed.kubefed.{name}": options, **WAYS[way]} for name, options in SETTLED.items() for way in ways}
    for name, options in CHANGING.items():
        for way in set(ways) - {"async", "environment"}:
            found[f"{name} changes, {way}"] = {f"edgefed.kubefed.{name}": options, **WAYS[way], "check_mode": True, "diff": True}
    return found


@pytest.fixture(scope="module")
def outcomes(lab: Any, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """The result of each task, all in one play."""
    folder = tmp_path_factory.mktemp("every_way")
    where = {"kubeconfig": lab.kubeconfig, "context": "local"}
    tasks = asked()
    steps: list[dict[str, Any]] = [
        {"name": name, **task, "register": f"outcome_{number}", "ignore_errors": True} for number, (name, task) in enumerate(tasks.items())
    ]
    content = "{{ {" + ", ".join(f"'{name}': outcome_{number}" for number, name in enumerate(tasks)) + "} | to_json }}"
    steps.append({"name": "Keep", "ansible.builtin.copy": {"content": content, "dest": str(folder / "kept.json"), "mode": "0600"}})
    play = {
        "hosts": "localhost",
        "gather_facts": False,
        "module_defaults": {"group/edgefed.kubefed.federation": where},
        # Ansible writes below HOME and reads below the user's home, which differ where HOME was set.
        "vars": {
            "ansible_connection": "local",
            "ansible_python_interpreter": sys.executable,
            "ansible_async_dir": str(folder / "async"),
        },
        "tasks": steps,
    }
    (folder / "play.yml").write_text(yaml.safe_dump([play]))
    command = [str(Path(sys.executable).with_name("ansible-playbook")), "-i", "localhost,", str(folder / "play.yml")]
    environment = {**os.environ, "ANSIBLE_CONFIG": str(REPOSITORY / "ansible.cfg"), "ANSIBLE_NOCOLOR": "1"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment, cwd=REPOSITORY)
    assert done.returncode == 0, done.stdout + done.stderr
    kept: dict[str, dict[str, Any]] = json.loads((folder / "kept.json").read_text())
    return {name: {key: still(value) for key, value in outcome.items() if key not in BESIDE} for name, outcome in kept.items()}


@pytest.mark.parametrize("task", [*SETTLED, *(f"{name} changes" for name in CHANGING)])
def test_the_same_every_way(outcomes: dict[str, dict[str, Any]], task: str) -> None:
    """Result, diff, warnings, failure and the number of requests."""
    first = outcomes[f"{task}, in process"]
    others = {way: outcomes[f"{task}, {way}"] for way in WAYS if f"{task}, {way}" in outcomes and way != "in process"}
    assert others and others == dict.fromkeys(others, first)
    assert first["changed"] == task.endswith("changes")
    assert first.get("failed", False) == (task == "kubefed_control_plane"), first.get("msg")
    assert "Traceback" not in json.dumps(first)
    assert not task.endswith("changes") or first["diff"]


@pytest.fixture(scope="module", autouse=True)
def joined(lab: Any) -> None:
    """The host cluster is a member."""
    given = {"kubeconfig": lab.kubeconfig, "context": "local", "name": "local"}
    defaults = {name: option.get("default") for name, option in kubefed_cluster.ARGUMENT_SPEC.items()}
    kubefed_cluster.run({**defaults, **given}, False, False, connect)
