#!/usr/bin/python
# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: kind_host
short_description: Prepare this machine for a lab of kind clusters
version_added: 0.1.0
author: edgefed contributors (@edgefed)
description:
  - Raises inotify's limits where they are too low, writes podman's settings for labs, makes the lab's own network, puts up its isolation
    and loads the node image. What was there before is noted, and put back by M(edgefed.kubefed.kind_remove) when the last lab leaves.
  - The isolation is an nftables table of the lab's own. It refuses what comes from the lab's bridge and is not for this machine, and
    questions to the container network's name server that are not for a node of the lab. It stands before the first container starts.
extends_documentation_fragment:
  - edgefed.kubefed.attributes.plain
  - edgefed.kubefed.attributes.lab
  - edgefed.kubefed.lab
  - edgefed.kubefed.kind
options:
  nodes:
    description: Names of all nodes that the lab will have. Only these can be looked up in an isolated lab.
    type: list
    elements: str
    required: true
  image:
    description: The node image.
    type: str
    required: true
  archive:
    description: Archive that the node image is in; empty when it is pulled.
    type: str
    default: ""
"""

EXAMPLES = r"""
- name: Prepare the machine
  edgefed.kubefed.kind_host:
    folder: "{{ lab_dir }}"
    nodes: [local-control-plane, zj-control-plane]
    image: "{{ tools_kind.node_image }}"
    archive: "{{ tools_kind.archive }}"
"""

RETURN = r"""
actions:
  description: What was done, or would be done.
  returned: success
  type: list
  elements: str
  sample: [make the lab's network, put up the lab's isolation]
seconds:
  description: How long it took.
  returned: success
  type: float
  sample: 11.3
"""

import time
from typing import Any, Callable

from ansible_collections.edgefed.kubefed.plugins.module_utils.kind.host import HostWish
from ansible_collections.edgefed.kubefed.plugins.module_utils.kind.layout import lab_files
from ansible_collections.edgefed.kubefed.plugins.module_utils.kind.options import SPEC, as_made, host_of
from ansible_collections.edgefed.kubefed.plugins.module_utils.lab import storage
from ansible_collections.edgefed.kubefed.plugins.module_utils.module import run_as_module
from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import Result

ARGUMENT_SPEC: dict[str, Any] = {
    **SPEC,
    "nodes": {"type": "list", "elements": "str", "required": True},
    "image": {"type": "str", "required": True},
    "archive": {"type": "str", "default": ""},
}


def run(params: dict[str, Any], check: bool, diff: bool, connect: Callable[..., Any]) -> Result:
    """Plan and, unless ``check``, carry out."""
    del diff, connect
    started = time.monotonic()
    files, _kind, _names = lab_files(params["folder"])
    host = host_of(as_made(params))
    # Clusters that this lab still has and the inventory no longer names keep their names.
    recorded = [name for one in files.recorded_hosts() for name in storage.read_json(files.record(one)).get("nodes", [])]
    wish = HostWish(params["isolated"], tuple(sorted({*params["nodes"], *recorded})), params["image"], params["archive"])
    if check:
        plan = host.plan(wish)
    else:
        with host.lab_locked(making=True), host.locked():
            plan = host.plan(wish)
            host.converge(plan, wish)
    views = {"before": "", "after": "".join(f"{action}\n" for action in plan.actions)}
    data = {"actions": plan.actions, "seconds": round(time.monotonic() - started, 1)}
    return Result(bool(plan.actions), views, data=data)


def main() -> None:
    run_as_module(run, ARGUMENT_SPEC)


if __name__ == "__main__":
    main()
