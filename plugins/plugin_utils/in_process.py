# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Base of the action plugins: run a module's function in process where that is the same thing, else run the module.

Starting a Python module costs about 0.7 s, most of it imports; in process they are paid once, in the parent, before
Ansible forks. Only imports cross the fork: connections are made in the worker.
"""

from __future__ import annotations

import json
import sys
from typing import Any, Callable

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.common.json import AnsibleJSONEncoder
from ansible.module_utils.common.parameters import remove_values
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ansible_collections.edgefed.kubefed.plugins.module_utils.module import Run, harmless_paths, task_result
from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import Result

display = Display()


def plain(value: Any) -> Any:
    """``value`` as a module would receive it: tags and lazy vault values gone, JSON types only."""
    return json.loads(json.dumps(value, cls=AnsibleJSONEncoder, vault_to_text=True))


def showing(run: Callable[..., Result]) -> Run:
    """A module's ``run`` with its progress on the screen."""

    def run_and_show(params: dict[str, Any], check: bool, diff: bool, connect: Callable[..., Any]) -> Result:
        return run(params, check, diff, connect, display.display)

    return run_and_show


class InProcessAction(ActionBase):
    """Subclasses set ``RUN``, ``ARGUMENT_SPEC`` and, where the module has them, ``CONSTRAINTS``."""

    RUN: Run
    ARGUMENT_SPEC: dict[str, Any]
    CONSTRAINTS: dict[str, Any] = {}
    _requires_connection = False
    _supports_async = True

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        task_vars = task_vars or {}
        result = super().run(tmp, task_vars)
        del tmp
        if not self._may_run_in_process(task_vars):
            result.update(self._execute_module(task_vars=task_vars, wrap_async=self._task.async_val))
            return result
        result.update(self._run_in_process())
        return result

    def _may_run_in_process(self, task_vars: dict[str, Any]) -> bool:
        if self._connection.transport != "local" or self._connection.become or self._task.async_val:
            return False
        if any(self._templar.template(self._task.environment or [])):
            return False
        if self._task.delegate_to:
            task_vars = task_vars.get("ansible_delegated_vars", {}).get(self._task.delegate_to, task_vars)
        interpreter = self._templar.template(task_vars.get("ansible_python_interpreter", ""))
        return bool(interpreter == sys.executable)

    def _run_in_process(self) -> dict[str, Any]:
        spec = self.ARGUMENT_SPEC
        validated = ArgumentSpecValidator(spec, **self.CONSTRAINTS).validate(plain(self._task.args))
        secrets = {str(value) for value in validated._no_log_values}
        secrets -= harmless_paths(spec, validated.validated_parameters)
        if validated.error_messages:
            result: dict[str, Any] = {"failed": True, "changed": False, "msg": "; ".join(validated.error_messages)}
        else:
            run = type(self).RUN
            result = task_result(run, validated.validated_parameters, self._task.check_mode, self._task.diff)
        cleaned: dict[str, Any] = remove_values(result, secrets)
        return cleaned
