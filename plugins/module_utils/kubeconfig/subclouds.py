# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a StarlingX system controller says of a subcloud, by its own ``dcmanager``. Only reads. Runs on the system controller.

Format: starlingx/distcloud-client ``distributedcloud-client/dcmanagerclient/commands/v1/subcloud_manager.py``
02444385e977d1c3d002a764a11fd6f9fc2aa0dc. An address that is not known is left out there.
"""

from __future__ import annotations

import re
import shlex

from ansible_collections.edgefed.kubefed.plugins.module_utils.kubeconfig.find import starlingx_says
from ansible_collections.edgefed.kubefed.plugins.module_utils.kubeconfig.flavours import ROW
from ansible_collections.edgefed.kubefed.plugins.module_utils.kubeconfig.read import ReadProblem

TOLD = ("name", "management", "availability", "deploy_status", "software_version", "oam_floating_ip")
_LISTED = re.compile(r"^\|\s*\d+\s*\|\s*(\S+)\s*\|", re.MULTILINE)


def described(table: str) -> dict[str, str]:
    """``TOLD`` of what ``dcmanager subcloud show --detail`` prints, each empty where it is not in there; nothing where that is no table."""
    rows = dict(ROW.findall(table))
    return {key: rows.get(key, "") for key in TOLD} if rows.get("name") else {}


def listed(table: str) -> list[str]:
    """The names in what ``dcmanager subcloud list`` prints."""
    return sorted(_LISTED.findall(table))


def ask(name: str) -> dict[str, str]:
    """``TOLD`` of a subcloud that can be reached. Raises :class:`ReadProblem`."""
    found = described(starlingx_says(f"dcmanager subcloud show {shlex.quote(name)} --detail"))
    if not found:
        raise _unknown(name, listed(starlingx_says("dcmanager subcloud list")))
    if not found["oam_floating_ip"]:
        state = (
            f"{found['management'] or 'unknown'}, {found['availability'] or 'unknown'}, deployment {found['deploy_status'] or 'unknown'}"
        )
        todo = "see `dcmanager subcloud errors` and its alarms, or set ansible_host when it can be reached all the same"
        raise ReadProblem(f"subcloud {name} has no OAM floating address now: it is {state}. Next: {todo}", "subcloud_offline")
    return found


def _unknown(name: str, names: list[str]) -> ReadProblem:
    if not names:
        message = "`dcmanager subcloud list` names no subcloud: this is no system controller of StarlingX, or not its active one"
        todo = "set kubeconfig_system_controller to a host whose ansible_host is the system controller's OAM floating address"
        return ReadProblem(f"{message}. Next: {todo}", "no_system_controller")
    todo = "set kubeconfig_subcloud to the name that it has there"
    return ReadProblem(f"there is no subcloud {name}. Its subclouds are: {', '.join(names)}. Next: {todo}", "no_subcloud")
