# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Links to the tools in a folder such as ``.venv/bin``: only ours are made, moved or removed."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Mapping

from ansible_collections.edgefed.kubefed.plugins.module_utils.tools.cache import writing


@dataclass(frozen=True)
class LinkPlan:
    """``make`` maps a name to its target, ``remove`` names links of ours, ``foreign`` names what others own."""

    make: dict[str, str] = field(default_factory=dict)
    remove: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)

    @property
    def changed(self) -> bool:
        """Whether there is something to do."""
        return bool(self.make or self.remove)


def plan_links(present: Mapping[str, str | None], wanted: Mapping[str, str], root: str) -> LinkPlan:
    """Pure. ``present`` maps each existing name to its link target (``None``: not a link), ``wanted`` to what it should be.

    A name in ``present`` that is not wanted is removed when it is ours, that is, when it points below ``root`` (the cache).
    """
    plan = LinkPlan()
    for name, target in present.items():
        ours = target is not None and target.startswith(root.rstrip("/") + "/")
        if target == wanted.get(name, ""):
            continue
        if not ours:
            if name in wanted:
                plan.foreign.append(name)
        elif name in wanted:
            plan.make[name] = wanted[name]
        else:
            plan.remove.append(name)
    plan.make.update({name: target for name, target in wanted.items() if name not in present})
    return plan


def read_links(folder: str, names: tuple[str, ...]) -> dict[str, str | None]:
    """What is there under these names: a link's target, or ``None`` for anything else."""
    present: dict[str, str | None] = {}
    for name in names:
        path = os.path.join(folder, name)
        if os.path.islink(path):
            present[name] = os.readlink(path)
        elif os.path.lexists(path):
            present[name] = None
    return present


def apply_links(folder: str, plan: LinkPlan) -> None:
    """Make and remove links, each in one step."""
    with writing(folder):
        if plan.make:
            os.makedirs(folder, exist_ok=True)
        for name, target in plan.make.items():
            temporary = os.path.join(folder, f".{name}.{os.getpid()}")
            os.symlink(target, temporary)
            os.replace(temporary, os.path.join(folder, name))
        for name in plan.remove:
            os.unlink(os.path.join(folder, name))
