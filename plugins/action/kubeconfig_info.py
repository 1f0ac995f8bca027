# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleConnectionFailure, AnsibleError

from ansible_collections.edgefed.kubefed.plugins.module_utils.kubeconfig.problem import unread
from ansible_collections.edgefed.kubefed.plugins.modules.kubeconfig_info import ARGUMENT_SPEC as SPEC
from ansible_collections.edgefed.kubefed.plugins.modules.kubeconfig_info import run as read_here
from ansible_collections.edgefed.kubefed.plugins.plugin_utils.in_process import InProcessAction

# Ansible's own, which hold nothing that was read or said.
KEPT = ("ansible_facts", "deprecations", "warnings")


class ActionModule(InProcessAction):
    """Reads in process, and says whether that was on this machine: only the connection knows.

    The task has to be ``no_log``, and then Ansible hides every cause too. Here it can still be known, so it becomes the problem.
    """

    RUN = staticmethod(read_here)
    ARGUMENT_SPEC = SPEC

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        try:
            result = super().run(tmp, task_vars)
        except AnsibleConnectionFailure as error:
            result = {"unreachable": True, "msg": f"{error}\n{self._asked_again()}"}
        except AnsibleError as error:
            result = {"failed": True, "msg": str(error)}
        if result.get("failed") or result.get("unreachable"):
            result = self._told(result, task_vars or {})
        return {**result, "remote": self._connection.transport != "local"}

    def _asked_again(self) -> str:
        """What ssh says: with ``no_log`` the connection keeps it even from us, so a command that has nothing to hide asks for it."""
        context = self._connection._play_context
        hidden, context.no_log = context.no_log, False
        try:
            self._low_level_execute_command(":")
        except AnsibleError as error:
            return str(error)
        finally:
            context.no_log = hidden
        return ""

    def _told(self, result: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        task_vars = task_vars.get("ansible_delegated_vars", {}).get(self._task.delegate_to, task_vars)
        host = task_vars.get("inventory_hostname", "")
        address = self._templar.template(task_vars.get("ansible_host", ""))
        port = self._templar.template(task_vars.get("ansible_port")) or 22
        kept = {key: result[key] for key in KEPT if key in result}
        return {**kept, "changed": False, "sources": [], "problem": unread(result, host, address, port)}
