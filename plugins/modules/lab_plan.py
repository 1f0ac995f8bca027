#!/usr/bin/python
# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: lab_plan
short_description: Check that a lab can be made on this machine, and say where its clusters lie
version_added: 0.1.0
author: edgefed contributors (@edgefed)
description:
  - Checks everything a lab needs before anything is started - the driver, the machine, its room, the tools, names and ports - and
    names all that is missing at once, each with its remedy.
  - Says which number, ports, addresses and files each cluster has. A cluster that exists keeps its number when hosts are added to the
    inventory before it.
  - Changes nothing.
extends_documentation_fragment:
  - edgefed.kubefed.attributes.plain
  - edgefed.kubefed.attributes.lab
  - edgefed.kubefed.lab
  - edgefed.kubefed.lab.plan
options:
  hosts:
    description: Inventory hosts, one for each cluster, in the inventory's order.
    type: list
    elements: str
    required: true
  driver:
    description: What makes the clusters.
    type: str
    default: embedded
  tools:
    description: Path of each tool by name.
    type: dict
    default: {}
"""

EXAMPLES = r"""
- name: Check that the lab can be made
  edgefed.kubefed.lab_plan:
    folder: "{{ lab_dir }}"
    hosts: "{{ groups['lab'] }}"
    port_base: 20000
    tools: "{{ tools_paths }}"
"""

RETURN = r"""
clusters:
  description: Where each cluster lies, by inventory host.
  returned: success
  type: dict
  sample:
    zj:
      cluster: zj
      index: 2
      addresses: 127.3.0.0/16
      ingress: 127.3.255.1
      ports: {kube_apiserver: 20020, etcd: 20021, kubefed_webhook: 20026}
      kubeconfig: /home/me/work/.edgefed/lab/kubeconfigs/zj
      pki: /home/me/work/.edgefed/lab/kwok/clusters/zj/pki
new:
  description: Hosts whose cluster has to be made.
  returned: success
  type: list
  elements: str
  sample: [zj]
others:
  description: Clusters that this folder holds and the inventory does not; C(lab_remove) removes them too.
  returned: success
  type: list
  elements: str
  sample: []
"""

import os
from dataclasses import replace
from typing import Any, Callable

from ansible_collections.edgefed.kubefed.plugins.module_utils.lab import processes
from ansible_collections.edgefed.kubefed.plugins.module_utils.lab.documents import ingress_address
from ansible_collections.edgefed.kubefed.plugins.module_utils.lab.kwok import PidFiles, ports_taken
from ansible_collections.edgefed.kubefed.plugins.module_utils.lab.layout import LabFiles, assign_indexes, cluster_ports, octet
from ansible_collections.edgefed.kubefed.plugins.module_utils.lab.options import FOLDER, PLAN
from ansible_collections.edgefed.kubefed.plugins.module_utils.lab.preflight import Wish, look, problems, unusable
from ansible_collections.edgefed.kubefed.plugins.module_utils.lab.results import records_of
from ansible_collections.edgefed.kubefed.plugins.module_utils.module import run_as_module
from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import EdgefedError, Result

ARGUMENT_SPEC: dict[str, Any] = {
    **FOLDER,
    **PLAN,
    "hosts": {"type": "list", "elements": "str", "required": True},
    "driver": {"type": "str", "default": "embedded"},
    "tools": {"type": "dict", "default": {}},
}


def _taken_ports(files: LabFiles, wish: Wish) -> list[processes.Listener]:
    """Ports of components that do not run, and that something else listens on."""
    wanted = []
    for host, cluster in wish.clusters.items():
        running = PidFiles(files, cluster).running()
        ports = cluster_ports(wish.port_base, wish.indexes[host]).by_component()
        wanted += [port for component, numbers in ports.items() if component not in running for port in numbers]
    found = processes.listeners(wanted) if wanted else []
    return [one for one in found if one.pid is None or (processes.mark(one.pid) or ("",))[0] != files.root]


def run(params: dict[str, Any], check: bool, diff: bool, connect: Callable[..., Any]) -> Result:
    """Look, judge, and say where things are."""
    files = LabFiles(os.path.realpath(params["folder"]))
    records = records_of(files, "embedded")
    clusters = {host: f"{params['prefix']}{host}" for host in params["hosts"]}
    wish = Wish(
        driver=params["driver"],
        folder=files.root,
        port_base=params["port_base"],
        clusters=clusters,
        indexes=assign_indexes({host: int(record["index"]) for host, record in records.items()}, list(clusters)),
        new=tuple(host for host in clusters if not records.get(host, {}).get("made")),
        tools=params["tools"],
    )
    wish = replace(wish, unusable_tools=unusable(wish.tools))
    found = problems(look(files.root), wish)
    if found:
        raise EdgefedError(f"The lab cannot be made: {' '.join(found)} Nothing was changed.", "preflight", {"problems": found})
    taken = _taken_ports(files, wish)
    if taken:
        raise ports_taken("The lab", taken)
    where = {
        host: {
            "cluster": cluster,
            "index": wish.indexes[host],
            "addresses": f"127.{octet(wish.indexes[host])}.0.0/16",
            "ingress": ingress_address(octet(wish.indexes[host])),
            "ports": cluster_ports(wish.port_base, wish.indexes[host]).as_dict(),
            "kubeconfig": files.kubeconfig(host),
            "pki": f"{files.work(cluster)}/pki",
        }
        for host, cluster in clusters.items()
    }
    return Result(data={"clusters": where, "new": list(wish.new), "others": sorted(set(records) - set(clusters))})


def main() -> None:
    run_as_module(run, ARGUMENT_SPEC)


if __name__ == "__main__":
    main()
