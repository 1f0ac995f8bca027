# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Options that the lab's modules share, whatever the driver."""

from __future__ import annotations

from typing import Any

FOLDER: dict[str, dict[str, Any]] = {"folder": {"type": "path", "required": True}}
CLUSTER: dict[str, dict[str, Any]] = {
    "host": {"type": "str", "required": True},
    "prefix": {"type": "str", "default": ""},
    "index": {"type": "int"},
    "port_base": {"type": "int"},
    "region": {"type": "str", "default": ""},
    "zone": {"type": "str", "default": ""},
    "labels": {"type": "dict", "default": {}},
}
PLAN: dict[str, dict[str, Any]] = {
    "prefix": {"type": "str", "default": ""},
    "port_base": {"type": "int", "required": True},
}
