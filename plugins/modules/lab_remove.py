#!/usr/bin/python
# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: lab_remove
short_description: Remove a whole lab of the embedded driver
version_added: 0.1.0
author: edgefed contributors (@edgefed)
description:
  - Stops every process that the lab in this folder started, also those of clusters that the inventory no longer has and of runs that
    were cut off, and removes the lab's files.
  - Needs no tools. Files in the folder that are not the lab's stay, and are named.
extends_documentation_fragment:
  - edgefed.kubefed.attributes.plain
  - edgefed.kubefed.attributes.lab
  - edgefed.kubefed.lab
"""

EXAMPLES = r"""
- name: Remove the lab
  edgefed.kubefed.lab_remove:
    folder: "{{ lab_dir }}"
"""

RETURN = r"""
clusters:
  description: Clusters that were removed.
  returned: success
  type: list
  elements: str
  sample: [cddev, local, zj]
processes:
  description: Number of processes that were stopped, or would be.
  returned: success
  type: int
  sample: 17
"""

import os
import shutil
from typing import Any, Callable

from ansible_collections.edgefed.kubefed.plugins.module_utils.lab import processes, storage
from ansible_collections.edgefed.kubefed.plugins.module_utils.lab.kwok import stop_marked
from ansible_collections.edgefed.kubefed.plugins.module_utils.lab.layout import LabFiles
from ansible_collections.edgefed.kubefed.plugins.module_utils.lab.options import FOLDER
from ansible_collections.edgefed.kubefed.plugins.module_utils.module import run_as_module
from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import Result

ARGUMENT_SPEC: dict[str, Any] = FOLDER


def _remove_files(files: LabFiles, known: list[str]) -> list[str]:
    """Remove what is the lab's; give the names of what is not."""
    for path in known:
        if os.path.isdir(path) and not os.path.islink(path):
            shutil.rmtree(path)
        else:
            storage.remove(path)
    left = sorted(os.listdir(files.root)) if os.path.isdir(files.root) else []
    if not left and os.path.isdir(files.root):
        os.rmdir(files.root)
    return left


def run(params: dict[str, Any], check: bool, diff: bool, connect: Callable[..., Any]) -> Result:
    """Stop what the lab started, then remove its files."""
    files = LabFiles(os.path.realpath(params["folder"]))
    clusters = files.recorded_hosts()
    drivers = {storage.read_json(files.record(host)).get("driver", "embedded") for host in clusters}
    # The other driver removes its own, and would have done so by now were this no check.
    known = [path for path in files.top_level() if os.path.lexists(path)] if drivers != {"kind"} else []
    living = processes.marked(files.root)
    found = bool(known or living)
    left: list[str] = []
    if found and not check:
        living = stop_marked(files.root)
        left = _remove_files(files, known)
    warnings = [f"{files.root} keeps what is not the lab's: {', '.join(left)}."] if left else []
    before = {"clusters": clusters, "processes": len(living)} if found else {"state": "absent"}
    data = {"clusters": clusters, "processes": len(living)}
    return Result(found, {"before": before, "after": {"state": "absent"}}, warnings, data)


def main() -> None:
    run_as_module(run, ARGUMENT_SPEC)


if __name__ == "__main__":
    main()
