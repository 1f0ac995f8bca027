#!/usr/bin/python
# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: kind_plan
short_description: Check that a lab of kind clusters can be made on this machine, and say where its clusters lie
version_added: 0.1.0
author: edgefed contributors (@edgefed)
description:
  - Checks everything before anything is made - the provider and its programs, cgroups, limits, disk, memory, names and ports - and
    names all that is missing at once, each with its remedy.
  - Says which number, port and nodes each cluster has, and how many may be made at once. Changes nothing.
extends_documentation_fragment:
  - edgefed.kubefed.attributes.plain
  - edgefed.kubefed.attributes.lab
  - edgefed.kubefed.lab
  - edgefed.kubefed.lab.plan
options:
  clusters:
    description: By inventory host, in the inventory's order, C(nodes) (how many) and C(config) (what is added to kind's configuration).
    type: dict
    required: true
  provider:
    description:
      - What the nodes shall run in. V(auto) takes podman for an isolated lab, else Docker where its daemon answers, else podman.
      - V(docker) is refused with O(isolated=true).
    type: str
    choices: [auto, podman, docker]
    default: auto
  isolated:
    description: Whether nothing that nodes and pods send may leave this machine.
    type: bool
    default: true
  kind:
    description: Path of kind.
    type: path
    default: kind
  image:
    description: The node image.
    type: str
    required: true
  archive:
    description: Archive that the node image is in; empty when it is pulled.
    type: str
    default: ""
  cache_dir:
    description: The cache's folder, in which podman's images lie. The default is C(${XDG_CACHE_HOME:-~/.cache}/edgefed).
    type: path
"""

EXAMPLES = r"""
- name: Check that the lab can be made
  edgefed.kubefed.kind_plan:
    folder: "{{ lab_dir }}"
    clusters:
      local: {nodes: 1}
      zj: {nodes: 2, config: {kubeadmConfigPatches: []}}
    port_base: 20000
    image: "{{ tools_kind.node_image }}"
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
      ports: {kube_apiserver: 20020}
      kubeconfig: /home/me/work/.edgefed/lab/kubeconfigs/zj
      nodes: [zj-control-plane]
new:
  description: Hosts whose cluster has to be made.
  returned: success
  type: list
  elements: str
  sample: [zj]
others:
  description: Clusters that this folder holds and the inventory does not.
  returned: success
  type: list
  elements: str
  sample: []
provider:
  description: What the nodes run in.
  returned: success
  type: str
  sample: podman
at_once:
  description: How many clusters may be made at the same time.
  returned: success
  type: int
  sample: 3
"""

import os
from typing import Any, Callable

from ansible_collections.edgefed.kubefed.plugins.module_utils.kind import preflight
from ansible_collections.edgefed.kubefed.plugins.module_utils.kind.config import check_added, cluster_config, roles
from ansible_collections.edgefed.kubefed.plugins.module_utils.kind.layout import lab_files, node_names
from ansible_collections.edgefed.kubefed.plugins.module_utils.kind.options import as_made, engine_of
from ansible_collections.edgefed.kubefed.plugins.module_utils.lab import preflight as lab_preflight
from ansible_collections.edgefed.kubefed.plugins.module_utils.lab import processes
from ansible_collections.edgefed.kubefed.plugins.module_utils.lab.layout import assign_indexes, cluster_ports
from ansible_collections.edgefed.kubefed.plugins.module_utils.lab.options import FOLDER, PLAN
from ansible_collections.edgefed.kubefed.plugins.module_utils.lab.results import records_of
from ansible_collections.edgefed.kubefed.plugins.module_utils.module import run_as_module
from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import Result
from ansible_collections.edgefed.kubefed.plugins.module_utils.tools.options import cache_of

ARGUMENT_SPEC: dict[str, Any] = {
    **FOLDER,
    **PLAN,
    "clusters": {"type": "dict", "required": True},
    "provider": {"type": "str", "choices": ["auto", "podman", "docker"], "default": "auto"},
    "isolated": {"type": "bool", "default": True},
    "kind": {"type": "path", "default": "kind"},
    "image": {"type": "str", "required": True},
    "archive": {"type": "str", "default": ""},
    "cache_dir": {"type": "path"},
}


# A paused node keeps its port, and comes back with it.
_HOLD_PORTS = ("running", "paused")


def _nodes(params: dict[str, Any], host: str, cluster: str) -> list[str]:
    wish = params["clusters"][host]
    check_added(wish.get("config") or {}, host)
    config = cluster_config(params["image"], 0, int(wish.get("nodes") or 1), False, wish.get("config") or {})
    return node_names(cluster, roles(config))


def _taken_ports(ports: dict[str, int]) -> list[str]:
    return [str(one) for one in processes.listeners(list(ports.values()))] if ports else []


def run(params: dict[str, Any], check: bool, diff: bool, connect: Callable[..., Any]) -> Result:
    """Look, judge, and say where things are."""
    del check, diff, connect
    files, _kind, _names = lab_files(params["folder"])
    records = records_of(files, "kind")
    clusters = {host: f"{params['prefix']}{host}" for host in params["clusters"]}
    nodes = {host: _nodes(params, host, cluster) for host, cluster in clusters.items()}
    indexes = assign_indexes({host: int(record["index"]) for host, record in records.items()}, list(clusters))
    machine = preflight.look(cache_of(params))
    wish = preflight.Wish(params["provider"], params["isolated"], (), True)
    provider = preflight.choose_provider(machine, wish)
    found = lab_preflight.name_problems(clusters, indexes, params["port_base"]) + preflight.problems(machine, wish)
    living: dict[str, bool] = {}
    if not found:
        engine, podman = engine_of(as_made(params), provider)
        ready = provider != "podman" or os.path.exists(podman.containers_conf)
        living = {host: ready and any(node.state in _HOLD_PORTS for node in engine.nodes(cluster)) for host, cluster in clusters.items()}
        wish = preflight.Wish(
            params["provider"],
            params["isolated"],
            tuple(host for host in clusters if not (records.get(host, {}).get("made") and ready and engine.nodes(clusters[host]))),
            ready and engine.has_image(params["image"]),
            tuple(sorted({node.cluster for node in engine.foreign(clusters.values())})) if ready else (),
        )
        found = preflight.problems(machine, wish)
        ports = {host: cluster_ports(params["port_base"], indexes[host]).kube_apiserver for host in clusters if not living[host]}
        taken = _taken_ports(ports)
        if taken:
            found.append(f"{'; '.join(taken)}. Next: stop them, or set lab_port_base to another range.")
    preflight.check(found)
    where = {
        host: {
            "cluster": cluster,
            "index": indexes[host],
            "ports": {"kube_apiserver": cluster_ports(params["port_base"], indexes[host]).kube_apiserver},
            "kubeconfig": files.kubeconfig(host),
            "nodes": nodes[host],
        }
        for host, cluster in clusters.items()
    }
    data = {
        "clusters": where,
        "new": list(wish.new),
        "others": sorted(set(records) - set(clusters)),
        "provider": provider,
        "at_once": preflight.at_once(machine, max(1, len(wish.new))),
    }
    return Result(data=data)


def main() -> None:
    run_as_module(run, ARGUMENT_SPEC)


if __name__ == "__main__":
    main()
