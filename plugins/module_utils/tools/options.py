# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The options that the modules share which bring what the version table names."""

from __future__ import annotations

import os
import platform
from typing import Any

from ansible_collections.edgefed.kubefed.plugins.module_utils.tools.cache import Cache, default_root
from ansible_collections.edgefed.kubefed.plugins.module_utils.tools.ensure import Request
from ansible_collections.edgefed.kubefed.plugins.module_utils.tools.model import architecture, load_table

SPEC: dict[str, dict[str, Any]] = {
    "needed": {"type": "list", "elements": "str", "required": True},
    "table": {"type": "dict", "required": True},
    "sha256": {"type": "dict", "default": {}},
    "mirrors": {"type": "dict", "default": {}, "no_log": True},
    "cache_dir": {"type": "path"},
    "go_dir": {"type": "path", "required": True},
    "probe_timeout": {"type": "float", "default": 4},
}


def cache_of(params: dict[str, Any]) -> str:
    """The cache's folder."""
    return os.path.abspath(params["cache_dir"] or default_root())


def system_release() -> str:
    """What this system's packages are made for, as ``debian-12``; ``linux`` where it does not say."""
    try:
        found = platform.freedesktop_os_release()
    except OSError:
        return "linux"
    return "-".join(found[key] for key in ("ID", "VERSION_ID") if key in found)


def request_of(params: dict[str, Any]) -> Request:
    """What is wanted of the table, for this machine."""
    table = load_table(params["table"], architecture(platform.system(), platform.machine()), params["sha256"], system_release())
    needed = table.select(params["needed"])
    cache = Cache(cache_of(params))
    return Request(table, needed, params["source"], cache, params["go_dir"], params["mirrors"], params["probe_timeout"])
