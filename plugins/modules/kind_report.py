#!/usr/bin/python
# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: kind_report
short_description: Measure a lab of kind clusters and write down where its clusters are
version_added: 0.1.0
author: edgefed contributors (@edgefed)
description:
  - Reads each node's memory from its control group, processes apart from the page cache, and writes C(lab.json) in the lab's folder.
  - New figures are not a change.
extends_documentation_fragment:
  - edgefed.kubefed.attributes.plain
  - edgefed.kubefed.attributes.lab
  - edgefed.kubefed.lab
  - edgefed.kubefed.kind
options:
  clusters:
    description: The clusters, as C(kind_plan) returns them.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Report the lab's figures
  edgefed.kubefed.kind_report:
    folder: "{{ lab_dir }}"
    clusters: "{{ plan.clusters }}"
"""

RETURN = r"""
lines:
  description: The figures, one line for each cluster.
  returned: success
  type: list
  elements: str
  sample: ["zj  https://127.0.0.1:20020  1 node  452 MB and 380 MB of page cache  made in 25.1 s"]
report:
  description: The file with all of it.
  returned: success
  type: str
  sample: /home/me/work/.edgefed/lab/lab.json
memory_bytes:
  description: Memory of all nodes' processes.
  returned: success
  type: int
  sample: 1421869056
"""

from typing import Any, Callable

from ansible_collections.edgefed.kubefed.plugins.module_utils.kind.layout import lab_files
from ansible_collections.edgefed.kubefed.plugins.module_utils.kind.memory import of_process
from ansible_collections.edgefed.kubefed.plugins.module_utils.kind.options import SPEC, engine_of
from ansible_collections.edgefed.kubefed.plugins.module_utils.lab import storage
from ansible_collections.edgefed.kubefed.plugins.module_utils.lab.results import reported
from ansible_collections.edgefed.kubefed.plugins.module_utils.module import run_as_module
from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import Result

ARGUMENT_SPEC: dict[str, Any] = {**SPEC, "clusters": {"type": "dict", "required": True}}
MEGABYTE = 1024 * 1024


def _line(host: str, width: int, one: dict[str, Any]) -> str:
    made = f"  made in {one['seconds']} s" if one["seconds"] is not None else ""
    nodes = f"{len(one['nodes'])} node{'s' if len(one['nodes']) > 1 else ''}"
    memory = f"{one['memory_bytes'] // MEGABYTE} MB and {one['cache_bytes'] // MEGABYTE} MB of page cache"
    return f"{host:<{width}}  https://127.0.0.1:{one['ports']['kube_apiserver']}  {nodes}  {memory}{made}"


def run(params: dict[str, Any], check: bool, diff: bool, connect: Callable[..., Any]) -> Result:
    """Measure, add up, write."""
    del diff, connect
    files, _kind, _names = lab_files(params["folder"])
    engine, _podman = engine_of(params)
    nodes = engine.nodes()
    clusters = {}
    for host, cluster in params["clusters"].items():
        measured = [of_process(node.pid) for node in nodes if node.cluster == cluster["cluster"] and node.pid]
        clusters[host] = {
            **cluster,
            "memory_bytes": sum(one.used for one in measured),
            "cache_bytes": sum(one.cache for one in measured),
            "seconds": storage.read_json(files.record(host)).get("seconds"),
        }
    report = {
        "driver": "kind",
        "provider": params["provider"],
        "isolated": params["isolated"],
        "clusters": clusters,
        "memory_bytes": sum(one["memory_bytes"] for one in clusters.values()),
    }
    width = max((len(host) for host in clusters), default=0)
    lines = [_line(host, width, one) for host, one in clusters.items()]
    return reported(files, report, lines, check)


def main() -> None:
    run_as_module(run, ARGUMENT_SPEC)


if __name__ == "__main__":
    main()
