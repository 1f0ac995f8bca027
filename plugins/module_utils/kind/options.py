# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Options that the modules of the kind driver share, and what they make of them."""

from __future__ import annotations

from typing import Any

from ansible_collections.edgefed.kubefed.plugins.module_utils.kind.engine import Engine, PodmanFiles, engine_environment, podman_files
from ansible_collections.edgefed.kubefed.plugins.module_utils.kind.host import Host
from ansible_collections.edgefed.kubefed.plugins.module_utils.kind.layout import lab_files
from ansible_collections.edgefed.kubefed.plugins.module_utils.lab import storage
from ansible_collections.edgefed.kubefed.plugins.module_utils.lab.options import FOLDER
from ansible_collections.edgefed.kubefed.plugins.module_utils.tools.options import cache_of

SPEC: dict[str, dict[str, Any]] = {
    **FOLDER,
    "provider": {"type": "str", "choices": ["podman", "docker"], "default": "podman"},
    "kind": {"type": "path", "default": "kind"},
    "isolated": {"type": "bool", "default": True},
    "cache_dir": {"type": "path"},
}


def engine_of(params: dict[str, Any], provider: str | None = None) -> tuple[Engine, PodmanFiles]:
    """The engine for the lab's network, and podman's files."""
    _files, _kind, names = lab_files(params["folder"])
    podman = podman_files(cache_of(params))
    chosen = provider or params["provider"]
    environment = engine_environment(chosen, names.network, podman, params["isolated"])
    return Engine(chosen, names.network, environment, params["kind"]), podman


def host_of(params: dict[str, Any]) -> Host:
    """This machine, for the lab."""
    _files, _kind, names = lab_files(params["folder"])
    return Host(*engine_of(params), names)


def engine_of_record(record: dict[str, Any]) -> dict[str, Any]:
    """The options that a cluster was made with; it stays where it is, also when the environment names another cache now."""
    found = {"provider": record.get("provider"), "cache_dir": record.get("cache")}
    return {name: value for name, value in found.items() if value}


def as_made(params: dict[str, Any]) -> dict[str, Any]:
    """The options, with the engine that the lab's clusters were made with."""
    files, _kind, _names = lab_files(params["folder"])
    records = [storage.read_json(files.record(host)) for host in files.recorded_hosts()]
    return {**params, **next((engine_of_record(record) for record in records if record.get("driver") == "kind"), {})}
