# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

from ansible_collections.edgefed.kubefed.plugins.modules.starlingx_subcloud_info import ARGUMENT_SPEC as SPEC
from ansible_collections.edgefed.kubefed.plugins.modules.starlingx_subcloud_info import run
from ansible_collections.edgefed.kubefed.plugins.plugin_utils.in_process import InProcessAction


class ActionModule(InProcessAction):
    """Asks in process where the system controller is this machine."""

    RUN = staticmethod(run)
    ARGUMENT_SPEC = SPEC
