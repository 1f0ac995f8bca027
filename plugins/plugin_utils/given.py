# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Manifests, placement and overrides as a task gives them: read, rendered and resolved here, where vaults are open and the inventory is,
and handed over as one hidden text, as they may hold secrets."""

from __future__ import annotations

import contextlib
import os
from typing import Any

from ansible.errors import AnsibleError, AnsibleFileNotFound
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.loader import lookup_loader

from ansible_collections.edgefed.kubefed.plugins.module_utils.federate.given import PACKED, Handed, files, packed
from ansible_collections.edgefed.kubefed.plugins.module_utils.federate.secrets import Secret, Unreadable, identities_of, secrets_of
from ansible_collections.edgefed.kubefed.plugins.module_utils.federate.wish import (
    Inventory,
    Wish,
    host_layers,
    layers_of,
    merged,
    placement_of,
)
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.sources import Place, Problem
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.types import PREFERENCE
from ansible_collections.edgefed.kubefed.plugins.plugin_utils.in_process import InProcessAction, plain
from ansible_collections.edgefed.kubefed.plugins.plugin_utils.inventory import inventory_of, said

_TODO = "correct the path, the template or its variables"


class GivenAction(InProcessAction):
    """Base of the modules that take manifests."""

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        try:
            self._task.args = self._with_packed(dict(self._task.args), task_vars or {})
        except AnsibleError as error:
            return {"failed": True, "changed": False, "msg": str(error), "code": "template", "details": {}}
        result: dict[str, Any] = super().run(tmp, task_vars)
        return result

    def _with_packed(self, args: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        definition = args.pop("definition", None)
        sources = [os.path.expanduser(path) for path in _listed(args.pop("src", None))]
        entries, problems = files(sources)
        entries += [(path, self._rendered(path, task_vars)) for path in _listed(args.pop("template", None))]
        if definition is not None:
            entries.append((str(args.get("definition_name") or self.ARGUMENT_SPEC["definition_name"]["default"]), plain(definition)))
        placement, given = plain(args.pop("placement", None)) or None, plain(args.pop("secrets", None)) or []
        secrets, wrong = self._secrets(given, placement, args, task_vars)
        problems += wrong
        wish, wrong = self._wish(None if given and not _federates(args) else placement, args, task_vars)
        inventory = _clusters_only(inventory_of(task_vars)) if any(PREFERENCE.kind in str(value) for _origin, value in entries) else None
        handed = Handed(entries, list(dict.fromkeys([*problems, *wrong])), wish, secrets, inventory)
        return args if handed == Handed() else {**args, PACKED: packed(handed)}

    def _secrets(self, given: Any, placement: Any, args: dict[str, Any], task_vars: dict[str, Any]) -> tuple[list[Secret], list[Problem]]:
        if not given or args.get("state") == "absent":
            return identities_of(given)
        inventory = inventory_of(task_vars)
        placed, problems = placement_of(placement, inventory)
        found, wrong = secrets_of(given, inventory, placed, self._bytes)
        return found, [*problems, *wrong]

    def _bytes(self, path: str) -> bytes:
        """A file as it is, or as it was before ansible-vault encrypted it."""
        here = os.path.abspath(os.path.expanduser(path))
        try:
            content: bytes = self._loader._get_file_contents(here)[0]
        except AnsibleFileNotFound:
            raise Unreadable(f"there is no file {here}", "check the path") from None
        except AnsibleError:
            raise Unreadable(f"{here} cannot be read, or not decrypted", "check its rights, and the vault's password") from None
        return content

    def _wish(self, placement: Any, args: dict[str, Any], task_vars: dict[str, Any]) -> tuple[Wish, list[Problem]]:
        overrides = plain(args.pop("overrides", None)) or []
        variable = str(args.get("override_variable") or self.ARGUMENT_SPEC["override_variable"]["default"])
        if not _federates(args):
            given = "placement" if placement else "overrides" if overrides else ""
            todo = "say federate: true, or write them into the federated resources"
            return Wish(), [
                Problem(Place("the task"), f"{given} {'is' if placement else 'are'} for plain manifests", todo)
            ] if given else []
        inventory = inventory_of(task_vars)
        placed, problems = placement_of(placement, inventory)
        named = [item["name"] for item in placed["clusters"]] if placed and "clusters" in placed else inventory.members
        layers = []
        hosts = [host for host in named if host in inventory.members]
        for by, host, value in said(variable, hosts, task_vars, self._loader):
            more, wrong = host_layers(plain(value), by, host)
            layers += more
            problems += wrong
        own, wrong = layers_of(overrides, inventory)
        return Wish(placed, [*merged(layers), *own]), list(dict.fromkeys([*problems, *wrong]))

    def _rendered(self, path: str, task_vars: dict[str, Any]) -> Any:
        here = os.path.abspath(os.path.expanduser(path))
        lookup = lookup_loader.get("ansible.builtin.template", loader=self._loader, templar=self._templar)
        try:
            return plain(lookup.run([here if os.path.exists(here) else path], variables=task_vars)[0])
        except Exception as error:
            raise AnsibleError(f"Template {path} cannot be rendered: {_cause(error, here)}. Next: {_TODO}.") from None


def _clusters_only(inventory: Inventory) -> Inventory:
    """As small as it can be handed over: masters and what else the inventory has are no clusters."""
    groups = {name: inventory.clusters(name) for name in inventory.groups}
    return Inventory(groups, inventory.members, inventory.members)


def _federates(args: dict[str, Any]) -> bool:
    return bool(boolean(args.get("federate") or False, strict=False))


def _listed(value: Any) -> list[str]:
    found = plain(value) or []
    return [str(path) for path in ([found] if isinstance(found, str) else found)]


def _cause(error: Exception, path: str) -> str:
    """In words of Jinja's, which may quote the template: not those of one that is encrypted."""
    with contextlib.suppress(OSError), open(path, "rb") as file:
        if file.read(14) == b"$ANSIBLE_VAULT":
            return f"it is encrypted, so no more is told than {type(error).__name__}"
    return " ".join(str(error).split()).rstrip(".")
