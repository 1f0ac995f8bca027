#!/usr/bin/python
# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: kind_remove
short_description: Remove a whole lab of kind clusters
version_added: 0.2.0
author: edgefed contributors (@edgefed)
description:
  - Removes every container and volume on the lab's network, also of clusters that the inventory no longer has and of runs that were cut
    off, then the network, the nftables table and the lab's files. With the last lab of this machine it also puts back the kernel's
    limits and what podman's network left in the packet filter.
  - The images stay, they are a cache.
extends_documentation_fragment:
  - edgefed.kubefed.attributes.lab
options:
  folder:
    description: Folder of the lab.
    type: path
    required: true
  cache_dir:
    description: The cache's folder, in which podman's images lie. The default is C(${XDG_CACHE_HOME:-~/.cache}/edgefed).
    type: path
"""

EXAMPLES = r"""
- name: Remove the lab
  edgefed.kubefed.kind_remove:
    folder: "{{ lab_dir }}"
"""

RETURN = r"""
clusters:
  description: Clusters that were removed, or would be.
  returned: success
  type: list
  elements: str
  sample: [cddev, local, zj]
nodes:
  description: Containers that were removed, or would be.
  returned: success
  type: list
  elements: str
  sample: [cddev-control-plane, local-control-plane, zj-control-plane]
"""

import os
from typing import Any, Callable

from ansible_collections.edgefed.kubefed.plugins.module_utils.kind.commands import which
from ansible_collections.edgefed.kubefed.plugins.module_utils.kind.engine import PROVIDERS, Engine, kind_processes
from ansible_collections.edgefed.kubefed.plugins.module_utils.kind.host import Host
from ansible_collections.edgefed.kubefed.plugins.module_utils.kind.layout import lab_files
from ansible_collections.edgefed.kubefed.plugins.module_utils.kind.options import engine_of
from ansible_collections.edgefed.kubefed.plugins.module_utils.lab import processes, storage
from ansible_collections.edgefed.kubefed.plugins.module_utils.module import run_as_module
from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import Result

ARGUMENT_SPEC: dict[str, Any] = {
    "folder": {"type": "path", "required": True},
    "cache_dir": {"type": "path"},
}
STOP_TIMEOUT = 10


def _engines(params: dict[str, Any]) -> list[tuple[Engine, Host]]:
    """Those that may hold something of this lab's: podman where it has settings for labs, docker where it has the lab's network."""
    _files, _kind, names = lab_files(params["folder"])
    found = []
    for provider in PROVIDERS:
        engine, podman = engine_of({**params, "isolated": True, "provider": provider, "kind": "kind"})
        host = Host(engine, podman, names)
        if which(provider) is None:
            continue
        if (provider == "podman" and os.path.exists(podman.containers_conf)) or (
            provider == "docker" and engine.works("network", "inspect", names.network)
        ):
            found.append((engine, host))
    return found


def _remove_nodes(engine: Engine, volumes: list[str]) -> None:
    names = [node.name for node in engine.nodes()]
    if names:
        engine.call("rm", "--force", "--volumes", *names, what="Removing the lab's nodes")
    if volumes:
        engine.call("volume", "rm", "--force", *volumes, what="Removing the lab's volumes")


def _volumes(engine: Engine, nodes: list[str]) -> list[str]:
    """What kind labels with a node's name, and leaves when it is killed before that node is made."""
    return sorted({name for node in nodes for name in engine.call("volume", "ls", "--quiet", "--filter", f"label={node}").split()})


def run(params: dict[str, Any], check: bool, diff: bool, connect: Callable[..., Any]) -> Result:
    """Stop what still makes clusters, remove containers, then what they stood on."""
    del diff, connect
    files, _kind, _names = lab_files(params["folder"])
    records = {host: storage.read_json(files.record(host)) for host in files.recorded_hosts()}
    records = {host: record for host, record in records.items() if record.get("driver") == "kind"}
    engines = _engines(params)
    nodes = sorted({node.name for engine, _host in engines for node in engine.nodes()})
    found = bool(records or nodes or any(host.anything() for _engine, host in engines))
    if found and not check:
        processes.stop(kind_processes(files.root), STOP_TIMEOUT)
        wanted = sorted({*nodes, *(name for record in records.values() for name in record.get("nodes", []))})
        for engine, host in engines:
            _remove_nodes(engine, _volumes(engine, wanted))
            with host.locked():
                host.leave()
            host.forget()
        _remove_files(files, records)
    before = {"clusters": sorted(records), "nodes": nodes} if found else {"state": "absent"}
    return Result(found, {"before": before, "after": {"state": "absent"}}, data={"clusters": sorted(records), "nodes": nodes})


def _remove_files(files: Any, records: dict[str, Any]) -> None:
    _files, kind_files, _names = lab_files(files.root)
    for host in records:
        scratch = f"{files.clusters}/{host}.kubeconfig"
        for path in (files.record(host), files.lock(host), files.kubeconfig(host), files.log(host), kind_files.config(host), scratch):
            storage.remove(path)
    storage.remove(files.report)
    for folder in (files.clusters, files.kubeconfigs, files.root):
        if os.path.isdir(folder) and not os.listdir(folder):
            os.rmdir(folder)


def main() -> None:
    run_as_module(run, ARGUMENT_SPEC)


if __name__ == "__main__":
    main()
