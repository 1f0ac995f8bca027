# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

from ansible_collections.edgefed.kubefed.plugins.modules.kubefed_cluster_preflight import ARGUMENT_SPEC as SPEC
from ansible_collections.edgefed.kubefed.plugins.modules.kubefed_cluster_preflight import run
from ansible_collections.edgefed.kubefed.plugins.plugin_utils.in_process import InProcessAction


class ActionModule(InProcessAction):
    """Looks in process."""

    RUN = staticmethod(run)
    ARGUMENT_SPEC = SPEC
