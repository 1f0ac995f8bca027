# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""In-process path of the module of the same name."""

from __future__ import annotations

from ansible_collections.edgefed.kubefed.plugins.modules.dns_zone_info import ARGUMENT_SPEC, run
from ansible_collections.edgefed.kubefed.plugins.plugin_utils.in_process import InProcessAction


class ActionModule(InProcessAction):
    """See ``ansible-doc edgefed.kubefed.dns_zone_info``."""

    RUN = staticmethod(run)
    ARGUMENT_SPEC = ARGUMENT_SPEC
