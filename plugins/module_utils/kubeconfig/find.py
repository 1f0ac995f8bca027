# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which flavour a master is, where its kubeconfig lies, and its address where a command tells it. Only reads. Runs on members' masters."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from typing import Iterator

from ansible_collections.edgefed.kubefed.plugins.module_utils.kubeconfig.flavours import (
    ASKED,
    AUTO,
    ON_MASTERS,
    OPENRC,
    OTHER,
    Flavour,
    named,
    oam_address,
)
from ansible_collections.edgefed.kubefed.plugins.module_utils.kubeconfig.read import ReadProblem, user_name

PATIENCE = 30
"""Seconds that a command may take."""


@dataclass(frozen=True)
class Found:
    """A file that can be read, and the flavour it belongs to."""

    flavour: Flavour
    path: str


def find(wanted: str, path: str, root: str = "/") -> Found:
    """Where to read. ``path`` goes before everything; ``wanted`` is a flavour's name or ``auto``. Raises :class:`ReadProblem`.

    ``root`` is the folder that holds the machine's files.
    """
    if path:
        return Found(_of_path(path, root) if wanted == AUTO else _known(wanted), path)
    looked: list[str] = []
    for flavour, file in _places(wanted):
        why = _unreadable(flavour, file, root)
        if not why:
            return Found(flavour, _under(root, file))
        looked.append(f"{file} ({why})")
    what = "no kubeconfig was recognised" if wanted == AUTO else f"flavour {wanted} has no kubeconfig here"
    denied = any("may not be read" in why for why in looked)
    todo = "set kubeconfig_become to true when it is root's" if denied else "set kubeconfig_path to where the kubeconfig lies"
    message = f"{what}. Looked, as user {user_name()}, at {', '.join(looked)}. Next: {todo}, or kubeconfig_flavour to what this cluster is"
    raise ReadProblem(message, "permission" if denied else "not_recognised")


def _known(wanted: str) -> Flavour:
    flavour = named(wanted)
    if flavour is None:
        return OTHER
    return flavour


def _of_path(path: str, root: str) -> Flavour:
    """Only a place that is some flavour's own says which one it is."""
    return next((flavour for flavour in ON_MASTERS if path in flavour.files and _signed(flavour, root)), OTHER)


def _places(wanted: str) -> Iterator[tuple[Flavour, str]]:
    flavours = (*ON_MASTERS, OTHER) if wanted == AUTO else (_known(wanted),)
    for flavour in flavours:
        for file in flavour.files:
            yield flavour, file


def _under(root: str, file: str) -> str:
    return os.path.expanduser(file) if file.startswith("~") else os.path.join(root, file.lstrip("/"))


def _signed(flavour: Flavour, root: str) -> bool:
    return not flavour.sign or os.path.exists(_under(root, flavour.sign))


def _unreadable(flavour: Flavour, file: str, root: str) -> str:
    if not _signed(flavour, root):
        return f"no {flavour.name}: {flavour.sign} does not exist"
    try:
        with open(_under(root, file), "rb"):
            return ""
    except PermissionError:
        return "may not be read"
    except FileNotFoundError:
        return "does not exist"
    except OSError as error:
        return str(error.strerror)


def ask_address(flavour: Flavour) -> str:
    """The address that this flavour's own command tells; empty where it needs none. Raises :class:`ReadProblem`."""
    if flavour.address != ASKED:
        return ""
    address = oam_address(starlingx_says(flavour.command))
    if not address:
        message = f"`. {OPENRC} && {flavour.command}` does not tell the OAM floating address, which only the active controller knows"
        todo = "set ansible_host to the OAM floating address, or kubeconfig_server to https://ADDRESS:6443"
        raise ReadProblem(f"{message}. Next: {todo}", "no_address")
    return address


def starlingx_says(command: str) -> str:
    """What one of StarlingX' own commands prints; empty where it cannot be run."""
    shell = ("bash", "-c", f". {OPENRC} && {command}")
    try:
        done = subprocess.run(shell, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=PATIENCE, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.decode("utf-8", "replace")
