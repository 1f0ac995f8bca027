# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Runs the module in process where possible, and then shows how far it is."""

from __future__ import annotations

from ansible_collections.edgefed.kubefed.plugins.modules.kind_image import ARGUMENT_SPEC, CONSTRAINTS, run
from ansible_collections.edgefed.kubefed.plugins.plugin_utils.in_process import InProcessAction, showing


class ActionModule(InProcessAction):
    RUN = staticmethod(showing(run))
    ARGUMENT_SPEC = ARGUMENT_SPEC
    CONSTRAINTS = CONSTRAINTS
