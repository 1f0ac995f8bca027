#!/usr/bin/python
# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: lab_process
short_description: Run one daemon of the lab, such as KubeFed's webhook or controller manager
version_added: 0.1.0
author: edgefed contributors (@edgefed)
description:
  - Starts a program in a session of its own, keeps its pid with its start time, and waits until it answers.
  - Starts it again when its command, its environment or a file that it was started with has changed.
  - Stops it by pid and start time, never by name.
extends_documentation_fragment:
  - edgefed.kubefed.attributes.plain
  - edgefed.kubefed.attributes.lab
  - edgefed.kubefed.lab
options:
  state:
    description: V(restarted) starts it, or starts it again.
    type: str
    choices: [started, restarted, stopped]
    default: started
  name:
    description: Name of the daemon. Its log is C(processes/NAME.log) in the lab's folder.
    type: str
    required: true
  command:
    description: Program and arguments.
    type: list
    elements: str
    default: []
  environment:
    description: Its environment, besides C(PATH) and C(HOME).
    type: dict
    default: {}
  files:
    description: Files that it reads when it starts; when one changes, it is started again.
    type: list
    elements: path
    default: []
  ports:
    description: Ports that it listens on; one that is taken is told with its process before anything is started.
    type: list
    elements: int
    default: []
  address:
    description: The address of this machine that O(ports) are on.
    type: str
    default: 127.0.0.1
  ready_url:
    description: It is ready when this answers; C(tcp://), C(http://) or C(https://).
    type: str
    default: ""
  ready_ca:
    description: CA file that an C(https://) O(ready_url) is verified with.
    type: path
  lock:
    description: File that it locks as long as it runs, so that no second one is started on this machine.
    type: path
  timeout:
    description: Seconds until it must be ready.
    type: int
    default: 30
  stop_timeout:
    description: Seconds it has to end by itself, before it is killed.
    type: int
    default: 5
"""

EXAMPLES = r"""
- name: Run KubeFed's controller manager
  edgefed.kubefed.lab_process:
    folder: "{{ lab_dir }}"
    name: controller-manager
    command:
      - "{{ tools_paths['controller-manager'] }}"
      - --kubeconfig={{ lab_dir }}/kubeconfigs/local
      - --healthz-addr=127.0.0.1:20007
      - --metrics-addr=127.0.0.1:20008
    ports: [20007, 20008]
    ready_url: http://127.0.0.1:20007/healthz
"""

RETURN = r"""
action:
  description: What was done, or would be done.
  returned: success
  type: str
  choices: [none, start, restart, stop]
  sample: restart
why:
  description: Why it was started again.
  returned: success
  type: list
  elements: str
  sample: [command changed]
pid:
  description: Its process.
  returned: when it runs
  type: int
  sample: 4242
log:
  description: Its log.
  returned: success
  type: str
  sample: /home/me/work/.edgefed/lab/processes/controller-manager.log
"""

import os
from typing import Any, Callable

from ansible_collections.edgefed.kubefed.plugins.module_utils.lab.daemon import Daemon, plan
from ansible_collections.edgefed.kubefed.plugins.module_utils.lab.layout import LabFiles
from ansible_collections.edgefed.kubefed.plugins.module_utils.lab.options import FOLDER
from ansible_collections.edgefed.kubefed.plugins.module_utils.module import run_as_module
from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import Result

ARGUMENT_SPEC: dict[str, Any] = {
    "state": {"type": "str", "choices": ["started", "restarted", "stopped"], "default": "started"},
    **FOLDER,
    "name": {"type": "str", "required": True},
    "command": {"type": "list", "elements": "str", "default": []},
    "environment": {"type": "dict", "default": {}},
    "files": {"type": "list", "elements": "path", "default": []},
    "ports": {"type": "list", "elements": "int", "default": []},
    "address": {"type": "str", "default": "127.0.0.1"},
    "ready_url": {"type": "str", "default": ""},
    "ready_ca": {"type": "path"},
    "lock": {"type": "path"},
    "timeout": {"type": "int", "default": 30},
    "stop_timeout": {"type": "int", "default": 5},
}
CONSTRAINTS: dict[str, Any] = {
    "required_if": [("state", "started", ("command",)), ("state", "restarted", ("command",))],
}


def run(params: dict[str, Any], check: bool, diff: bool, connect: Callable[..., Any]) -> Result:
    """Plan from what runs, then start or stop."""
    daemon = Daemon(
        name=params["name"],
        files=LabFiles(os.path.realpath(params["folder"])),
        command=params["command"],
        environment={key: str(value) for key, value in params["environment"].items()},
        watched=params["files"],
        ports=params["ports"],
        address=params["address"],
        ready=params["ready_url"],
        ready_ca=params["ready_ca"] or "",
        lock=params["lock"] or "",
    )
    process = daemon.running()
    was = "running" if process else "stopped"
    action, why = plan(params["state"], process is not None, daemon.started_with(), daemon.fingerprint())
    data: dict[str, Any] = {"action": action, "why": why, "log": daemon.log}
    if not check:
        if action in ("stop", "restart"):
            daemon.stop(params["stop_timeout"])
            process = None
        if action in ("start", "restart"):
            process = daemon.start(params["timeout"])
    if process:
        data["pid"] = process.pid
    before = {"state": was}
    after = {"state": "stopped" if params["state"] == "stopped" else "running", **({"started again": why} if why else {})}
    return Result(action != "none", {"before": before, "after": after}, data=data)


def main() -> None:
    run_as_module(run, ARGUMENT_SPEC, **CONSTRAINTS)


if __name__ == "__main__":
    main()
