#!/usr/bin/python
# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: lab_report
short_description: Measure the lab's memory and write down where its clusters are
version_added: 0.1.0
author: edgefed contributors (@edgefed)
description:
  - Adds up the memory of the processes of each cluster (their share of it, PSS), and writes C(lab.json) in the lab's folder.
  - New figures are not a change.
extends_documentation_fragment:
  - edgefed.kubefed.attributes.plain
  - edgefed.kubefed.attributes.lab
  - edgefed.kubefed.lab
options:
  clusters:
    description: The clusters, as C(lab_plan) returns them.
    type: dict
    required: true
  driver:
    description: What made the clusters.
    type: str
    default: embedded
"""

EXAMPLES = r"""
- name: Report the lab's figures
  edgefed.kubefed.lab_report:
    folder: "{{ lab_dir }}"
    clusters: "{{ lab_plan_result.clusters }}"
"""

RETURN = r"""
lines:
  description: The figures, one line for each cluster.
  returned: success
  type: list
  elements: str
  sample: ["zj  https://127.0.0.1:20020  127.3.0.0/16  5 processes  297 MB  made in 5.1 s"]
report:
  description: The file with all of it.
  returned: success
  type: str
  sample: /home/me/work/.edgefed/lab/lab.json
memory_bytes:
  description: Memory of all processes of the lab.
  returned: success
  type: int
  sample: 934281216
"""

import os
from typing import Any, Callable

from ansible_collections.edgefed.kubefed.plugins.module_utils.lab import processes, storage
from ansible_collections.edgefed.kubefed.plugins.module_utils.lab.layout import LabFiles
from ansible_collections.edgefed.kubefed.plugins.module_utils.lab.options import FOLDER
from ansible_collections.edgefed.kubefed.plugins.module_utils.lab.report import figures, lines
from ansible_collections.edgefed.kubefed.plugins.module_utils.lab.results import reported
from ansible_collections.edgefed.kubefed.plugins.module_utils.module import run_as_module
from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import Result

ARGUMENT_SPEC: dict[str, Any] = {
    **FOLDER,
    "clusters": {"type": "dict", "required": True},
    "driver": {"type": "str", "default": "embedded"},
}


def run(params: dict[str, Any], check: bool, diff: bool, connect: Callable[..., Any]) -> Result:
    """Measure, add up, write."""
    files = LabFiles(os.path.realpath(params["folder"]))
    measured = [((processes.mark(one.pid) or ("", ""))[1], processes.memory(one.pid)) for one in processes.marked(files.root)]
    seconds = {host: storage.read_json(files.record(host)).get("seconds") for host in params["clusters"]}
    report = figures(params["driver"], params["clusters"], measured, seconds)
    return reported(files, report, lines(report), check)


def main() -> None:
    run_as_module(run, ARGUMENT_SPEC)


if __name__ == "__main__":
    main()
