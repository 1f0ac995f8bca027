# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""In-process path of the module of the same name; what it is given is read and resolved here."""

from __future__ import annotations

from ansible_collections.edgefed.kubefed.plugins.modules.federated_resource import ARGUMENT_SPEC as SPEC
from ansible_collections.edgefed.kubefed.plugins.modules.federated_resource import run as apply_here
from ansible_collections.edgefed.kubefed.plugins.plugin_utils.given import GivenAction


class ActionModule(GivenAction):
    """Applies in process."""

    RUN = staticmethod(apply_here)
    ARGUMENT_SPEC = SPEC
