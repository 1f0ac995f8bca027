# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What one task costs on 50 SSH hosts when it is delegated to the control node and finds nothing to do.

Ours runs in process, kubernetes.core.k8s as a module. Both ask the same API server, in turns, in one run. Usage: tasks.py KUBECONFIG.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[1]
RESULT = Path(__file__).with_name("results") / "tasks.json"
HOSTS = 50
ROUNDS = 3
GOAL_SECONDS = 5


def tasks(kubeconfig: str) -> dict[str, dict[str, Any]]:
    """Each finds its object as it is wished."""
    where = {"kubeconfig": kubeconfig, "context": "local"}
    namespace = {"api_version": "v1", "kind": "Namespace", "name": "default", "state": "present"}
    return {
        "nothing but Ansible (ansible.builtin.debug)": {"ansible.builtin.debug": {"msg": "x"}},
        "edgefed.kubefed.kubefed_cluster": {"edgefed.kubefed.kubefed_cluster": {**where, "name": "local"}},
        "kubernetes.core.k8s": {"kubernetes.core.k8s": {**where, **namespace}},
    }


def play(folder: Path, task: dict[str, Any], settled: bool = True) -> float:
    """Seconds of a whole ansible-playbook; every host has to be ok, and once ``settled`` unchanged."""
    hosts = {f"edge{number:02}": {"ansible_connection": "ssh", "ansible_host": "192.0.2.1"} for number in range(1, HOSTS + 1)}
    (folder / "hosts.json").write_text(json.dumps({"all": {"hosts": hosts}}))
    variables = {"ansible_python_interpreter": sys.executable}
    step = {**task, "delegate_to": "localhost", "vars": variables}
    (folder / "play.json").write_text(json.dumps([{"hosts": "all", "gather_facts": False, "tasks": [step]}]))
    command = [str(Path(sys.executable).with_name("ansible-playbook")), "-i", "hosts.json", "play.json"]
    begun = time.monotonic()
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, "ANSIBLE_CONFIG": str(REPOSITORY / "ansible.cfg")},
        capture_output=True,
        text=True,
        check=False,
    )
    took = time.monotonic() - begun
    assert done.returncode == 0 and (not settled or done.stdout.count("changed=0") == HOSTS), done.stdout + done.stderr
    return took


def main(kubeconfig: str) -> None:
    """Print the table and keep it."""
    times: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for task in tasks(kubeconfig).values():
            play(Path(folder), task, settled=False)
        for _round in range(ROUNDS):
            for name, task in tasks(kubeconfig).items():
                times.setdefault(name, []).append(play(Path(folder), task))
    seconds = {name: round(statistics.median(taken), 2) for name, taken in times.items()}
    kept = {"hosts": HOSTS, "forks": 20, "rounds": ROUNDS, "seconds": seconds, "load": os.getloadavg()[0], "goal_seconds": GOAL_SECONDS}
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(kept, indent=1) + "\n")
    ours, theirs = seconds["edgefed.kubefed.kubefed_cluster"], seconds["kubernetes.core.k8s"]
    for name, taken in seconds.items():
        print(f"{taken:7.2f} s  {name}")
    print(
        f"{theirs / ours:.1f} times as fast; goal {GOAL_SECONDS} s {'met' if ours <= GOAL_SECONDS else 'NOT met'}; load {kept['load']:.1f}"
    )


if __name__ == "__main__":
    main(os.path.abspath(sys.argv[1]))
