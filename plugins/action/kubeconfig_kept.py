# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

from ansible_collections.edgefed.kubefed.plugins.modules.kubeconfig_kept import ARGUMENT_SPEC as SPEC
from ansible_collections.edgefed.kubefed.plugins.modules.kubeconfig_kept import CONSTRAINTS as MODULE_CONSTRAINTS
from ansible_collections.edgefed.kubefed.plugins.modules.kubeconfig_kept import run
from ansible_collections.edgefed.kubefed.plugins.plugin_utils.in_process import InProcessAction


class ActionModule(InProcessAction):
    """Merges in process."""

    RUN = staticmethod(run)
    ARGUMENT_SPEC = SPEC
    CONSTRAINTS = MODULE_CONSTRAINTS
