#!/usr/bin/python
# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: kind_remove
short_description: Remove a whole lab of kind clusters
version_added: 0.1.0
author: edgefed contributors (@edgefed)
description:
  - Removes every container and volume on the lab's network, also of clusters that the inventory no longer has and of runs that were cut
    off, then the network, the nftables table and the lab's files. With the last lab of this machine it also puts back those kernel
    settings that still have the lab's value, and, while nobody's container runs, takes away what podman's network left of the lab in
    the packet filter.
  - The engine and the cache that the lab was made with are noted. Where that engine cannot be reached it fails, and isolation stays. What
    needs no engine is removed without one.
  - It waits while another run makes clusters of the same lab.
  - The images stay, they are a cache.
extends_documentation_fragment:
  - edgefed.kubefed.attributes.plain
  - edgefed.kubefed.attributes.lab
  - edgefed.kubefed.lab
options:
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
from dataclasses import dataclass
from typing import Any, Callable, Collection

from ansible_collections.edgefed.kubefed.plugins.module_utils.kind.commands import which
from ansible_collections.edgefed.kubefed.plugins.module_utils.kind.engine import PROVIDERS, Engine, kind_processes
from ansible_collections.edgefed.kubefed.plugins.module_utils.kind.host import Host
from ansible_collections.edgefed.kubefed.plugins.module_utils.kind.layout import lab_files
from ansible_collections.edgefed.kubefed.plugins.module_utils.kind.options import engine_of
from ansible_collections.edgefed.kubefed.plugins.module_utils.lab import processes, storage
from ansible_collections.edgefed.kubefed.plugins.module_utils.lab.layout import LabFiles
from ansible_collections.edgefed.kubefed.plugins.module_utils.lab.options import FOLDER
from ansible_collections.edgefed.kubefed.plugins.module_utils.module import run_as_module
from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import EdgefedError, Result
from ansible_collections.edgefed.kubefed.plugins.module_utils.tools.options import cache_of

ARGUMENT_SPEC: dict[str, Any] = {
    **FOLDER,
    "cache_dir": {"type": "path"},
}
STOP_TIMEOUT = 10


@dataclass(frozen=True)
class _Found:
    """What there is of the lab: ``machine`` is what no engine is needed for."""

    files: LabFiles
    records: dict[str, dict[str, Any]]
    engines: list[tuple[Engine, Host]]
    machine: Host
    nodes: list[str]

    def anything(self) -> bool:
        return bool(
            self.records or self.nodes or any(host.anything() for host in [self.machine, *[host for _engine, host in self.engines]])
        )


def _host(params: dict[str, Any], provider: str, cache: str) -> tuple[Engine, Host]:
    given = {**params, "isolated": True, "provider": provider, "kind": "kind", "cache_dir": cache or params["cache_dir"]}
    _files, _kind, names = lab_files(params["folder"])
    engine, podman = engine_of(given)
    return engine, Host(engine, podman, names)


def _engines(params: dict[str, Any], recorded: set[tuple[str, str]]) -> list[tuple[Engine, Host]]:
    """Those that the lab was made with, which have to answer, and those that may hold something of it though nothing is noted."""
    own = cache_of(params)
    made_with = {(provider, cache or own) for provider, cache in recorded}
    found = []
    for provider, cache in sorted(made_with | {(provider, own) for provider in PROVIDERS}):
        engine, host = _host(params, provider, cache)
        needed = any(one == provider and (provider != "podman" or where == cache) for one, where in made_with)
        # Without podman's settings nothing was ever started with them.
        if provider == "podman" and not os.path.exists(engine.environment["CONTAINERS_CONF"]):
            continue
        if needed:
            _check_reached(engine, params["folder"])
        elif which(provider) is None or not host.knows_network():
            continue
        found.append((engine, host))
    return found


def _check_reached(engine: Engine, folder: str) -> None:
    try:
        engine.nodes()
    except EdgefedError as error:
        raise EdgefedError(
            f"The lab in {folder} was made with {engine.provider}, which cannot be reached, so its nodes may still run: {error} "
            f"Nothing was changed. Next: install or start {engine.provider}, and run lab_down.yml again.",
            code="engine",
        ) from None


def _look(params: dict[str, Any]) -> _Found:
    files, _kind, _names = lab_files(params["folder"])
    records = {host: storage.read_json(files.record(host)) for host in files.recorded_hosts()}
    records = {host: record for host, record in records.items() if record.get("driver") == "kind"}
    machine = _host(params, "podman", "")[1]
    made_with = [*records.values(), machine.recorded_engine()]
    engines = _engines(params, {(one["provider"], one.get("cache", "")) for one in made_with if one.get("provider")})
    return _Found(files, records, engines, machine, sorted({node.name for engine, _host in engines for node in engine.nodes()}))


def _remove(found: _Found) -> None:
    processes.stop(kind_processes(found.files.root), STOP_TIMEOUT)
    for engine, host in found.engines:
        nodes = {node.name for node in engine.nodes()}
        _remove_nodes(engine, {*nodes, *(name for record in found.records.values() for name in record.get("nodes", []))})
        with host.locked():
            host.leave_network()
    with found.machine.locked():
        found.machine.leave()
        found.machine.forget()
    _remove_files(found.files, found.records)


def _remove_nodes(engine: Engine, names: Collection[str]) -> None:
    engine.remove_nodes(what="Removing the lab's nodes")
    volumes = _volumes(engine, names)
    if volumes:
        engine.call("volume", "rm", "--force", *volumes, what="Removing the lab's volumes")


def _volumes(engine: Engine, nodes: Collection[str]) -> list[str]:
    """What kind labels with a node's name, and leaves when it is killed before that node is made."""
    return sorted({name for node in nodes for name in engine.call("volume", "ls", "--quiet", "--filter", f"label={node}").split()})


def run(params: dict[str, Any], check: bool, diff: bool, connect: Callable[..., Any]) -> Result:
    """Stop what still makes clusters, remove containers, then what they stood on."""
    del diff, connect
    found = _look(params)
    changed = found.anything()
    if changed and not check:
        with found.machine.lab_locked(making=False):
            # A run that had the lock meanwhile may have made more.
            found = _look(params)
            _remove(found)
    data = {"clusters": sorted(found.records), "nodes": found.nodes}
    return Result(changed, {"before": data if changed else {"state": "absent"}, "after": {"state": "absent"}}, data=data)


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
