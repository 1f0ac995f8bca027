# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

from typing import Any

from ansible_collections.edgefed.kubefed.plugins.modules.kubeconfig_info import ARGUMENT_SPEC as SPEC
from ansible_collections.edgefed.kubefed.plugins.modules.kubeconfig_info import run as read_here
from ansible_collections.edgefed.kubefed.plugins.plugin_utils.in_process import InProcessAction


class ActionModule(InProcessAction):
    """Reads in process, and says whether that was on this machine: only the connection knows."""

    RUN = staticmethod(read_here)
    ARGUMENT_SPEC = SPEC

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result = super().run(tmp, task_vars)
        return {**result, "remote": self._connection.transport != "local"}
