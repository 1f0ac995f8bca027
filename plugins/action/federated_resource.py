# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reads files and renders templates here, where vaults are open, and hands all that may hold secrets over as one hidden text."""

from __future__ import annotations

import contextlib
import os
from typing import Any

from ansible.errors import AnsibleError
from ansible.plugins.loader import lookup_loader

from ansible_collections.edgefed.kubefed.plugins.module_utils.federate.given import PACKED, files, packed
from ansible_collections.edgefed.kubefed.plugins.modules.federated_resource import ARGUMENT_SPEC as SPEC
from ansible_collections.edgefed.kubefed.plugins.modules.federated_resource import run as apply_here
from ansible_collections.edgefed.kubefed.plugins.plugin_utils.in_process import InProcessAction, plain


class ActionModule(InProcessAction):
    """Applies in process."""

    RUN = staticmethod(apply_here)
    ARGUMENT_SPEC = SPEC

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
            entries.append((str(args.get("definition_name") or SPEC["definition_name"]["default"]), plain(definition)))
        return {**args, PACKED: packed(entries, problems)} if entries or problems else args

    def _rendered(self, path: str, task_vars: dict[str, Any]) -> Any:
        here = os.path.abspath(os.path.expanduser(path))
        lookup = lookup_loader.get("ansible.builtin.template", loader=self._loader, templar=self._templar)
        try:
            return plain(lookup.run([here if os.path.exists(here) else path], variables=task_vars)[0])
        except Exception as error:
            raise AnsibleError(f"Template {path} cannot be rendered: {_cause(error, here)}. Next: {_TODO}.") from None


_TODO = "correct the path, the template or its variables"


def _listed(value: Any) -> list[str]:
    found = plain(value) or []
    return [str(path) for path in ([found] if isinstance(found, str) else found)]


def _cause(error: Exception, path: str) -> str:
    """In words of Jinja's, which may quote the template: not those of one that is encrypted."""
    with contextlib.suppress(OSError), open(path, "rb") as file:
        if file.read(14) == b"$ANSIBLE_VAULT":
            return f"it is encrypted, so no more is told than {type(error).__name__}"
    return " ".join(str(error).split()).rstrip(".")
