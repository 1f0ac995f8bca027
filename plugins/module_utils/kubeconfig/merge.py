# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Files merged as kubectl does, and our entries put into and taken out of a kubeconfig that others use too. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Sequence

from ansible_collections.edgefed.kubefed.plugins.module_utils.kubeconfig.model import SECTIONS, Entry, Kubeconfig
from ansible_collections.edgefed.kubefed.plugins.module_utils.kubeconfig.take import ORIGIN, Taken
from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import EdgefedError


@dataclass(frozen=True)
class Plan:
    """What the file holds and what it shall hold."""

    before: Kubeconfig
    after: Kubeconfig
    warnings: list[str] = field(default_factory=list)

    @property
    def changed(self) -> bool:
        """Whether there is anything to write."""
        return self.before != self.after


def merge_files(files: Sequence[Kubeconfig]) -> Kubeconfig:
    """Several files as ``KUBECONFIG=a:b`` makes one of them: for each name, and for current-context, the first wins.

    Only what a cluster can be taken from; preferences and the like are left out.
    """
    sections: dict[str, dict[str, Entry]] = {section: {} for section in SECTIONS}
    for file in files:
        for section, entries in sections.items():
            entries.update({name: entry for name, entry in file.section(section).items() if name not in entries})
    current = next((file.current_context for file in files if file.current_context), "")
    return Kubeconfig(**sections, current_context=current)


def origin_of(entry: Entry) -> dict[str, Any] | None:
    """The origin that we wrote into this entry, ``None`` when it is not ours."""
    for item in entry.body.get("extensions") or []:
        found = item.get("extension")
        if item.get("name") == ORIGIN and isinstance(found, dict):
            return found
    return None


def place(current: Kubeconfig, taken: Taken, dest: str, set_current: bool = False) -> Plan:
    """Our cluster, user and context in ``current``. Raises (code ``foreign``) when one of the names is not ours to change."""
    sections: dict[str, Any] = {}
    for section, entry in taken.entries.items():
        entries = current.section(section)
        if taken.name in entries:
            _check_owner(entries[taken.name], section, taken, dest)
        sections[section] = {**entries, taken.name: entry}
    after = replace(current, **sections)
    if set_current:
        after = replace(after, current_context=taken.name)
    return Plan(current, after)


def _check_owner(entry: Entry, section: str, taken: Taken, dest: str) -> None:
    owner = origin_of(entry)
    if owner == vars(taken.origin):
        return
    kind = SECTIONS[section]
    if owner is None:
        whose = "which this collection did not write"
        remedy = (
            f"rename or delete it (kubectl config --kubeconfig {dest} delete-{kind} {taken.name}), or set kubeconfig_dest to another file"
        )
    else:
        source, context = owner.get("source"), owner.get("source_context")
        whose = f"which came from context {context!r} of {source}, inventory host {owner.get('inventory_host')}"
        remedy = "if that is no longer right, run playbooks/kubeconfig.yml with kubeconfig_state=absent for this host, then again"
    raise EdgefedError(
        f"{dest} already has a {kind} {taken.name!r}, {whose}. It is not replaced by {taken.origin}. Nothing was written. Next: {remedy}.",
        code="foreign",
        details={"kind": kind, "name": taken.name, "origin": owner},
    )


def remove(current: Kubeconfig, name: str, dest: str, set_current: bool = False) -> Plan:
    """``current`` without the context of this inventory host, and without its cluster and user when nothing else uses them."""
    warnings: list[str] = []
    after = current
    for section in ("contexts", "clusters", "users"):
        entry = after.section(section).get(name)
        if entry is None:
            continue
        kind = SECTIONS[section]
        owner = origin_of(entry)
        if owner is None or owner.get("inventory_host") != name:
            warnings.append(f"{dest}: the {kind} {name!r} stays, since it was not written for inventory host {name}.")
            continue
        users = [context.name for context in after.contexts.values() if context.body.get(kind) == name]
        if section != "contexts" and users:
            warnings.append(f"{dest}: the {kind} {name!r} stays, since the context {', '.join(users)} uses it.")
            continue
        kept: dict[str, Any] = {section: {key: value for key, value in after.section(section).items() if key != name}}
        after = replace(after, **kept)
    if after.current_context == name and name not in after.contexts and name in current.contexts:
        if set_current:
            after = replace(after, current_context="")
        else:
            warnings.append(f"{dest}: current-context is still {name!r}, which is gone. Choose another: kubectl config use-context NAME.")
    return Plan(current, after, warnings)
