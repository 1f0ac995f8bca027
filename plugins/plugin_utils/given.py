# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Manifests, placement and overrides as a task gives them: read, rendered and resolved here, where vaults are open and the inventory is,
and handed over as one hidden text, as they may hold secrets."""

from __future__ import annotations

import contextlib
import os
from typing import Any

from ansible.errors import AnsibleError
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.loader import lookup_loader

from ansible_collections.edgefed.kubefed.plugins.module_utils.federate.given import PACKED, Entry, files, packed
from ansible_collections.edgefed.kubefed.plugins.module_utils.federate.wish import Wish, host_layers, layers_of, merged, placement_of
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.sources import Place, Problem
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
        wish, wrong = self._wish(args, task_vars)
        return _handed_over(args, entries, [*problems, *wrong], wish)

    def _wish(self, args: dict[str, Any], task_vars: dict[str, Any]) -> tuple[Wish, list[Problem]]:
        placement, overrides = plain(args.pop("placement", None)) or None, plain(args.pop("overrides", None)) or []
        variable = str(args.get("override_variable") or self.ARGUMENT_SPEC["override_variable"]["default"])
        if not boolean(args.get("federate") or False, strict=False):
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


def _handed_over(args: dict[str, Any], entries: list[Entry], problems: list[Problem], wish: Wish) -> dict[str, Any]:
    return {**args, PACKED: packed(entries, problems, wish)} if entries or problems or wish != Wish() else args


def _listed(value: Any) -> list[str]:
    found = plain(value) or []
    return [str(path) for path in ([found] if isinstance(found, str) else found)]


def _cause(error: Exception, path: str) -> str:
    """In words of Jinja's, which may quote the template: not those of one that is encrypted."""
    with contextlib.suppress(OSError), open(path, "rb") as file:
        if file.read(14) == b"$ANSIBLE_VAULT":
            return f"it is encrypted, so no more is told than {type(error).__name__}"
    return " ".join(str(error).split()).rstrip(".")
