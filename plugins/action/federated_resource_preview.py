# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""In-process path of the module of the same name; what it is given is read and resolved here, offline the clusters too."""

from __future__ import annotations

from typing import Any

from ansible.module_utils.parsing.convert_bool import boolean

from ansible_collections.edgefed.kubefed.plugins.modules.federated_resource_preview import ARGUMENT_SPEC as SPEC
from ansible_collections.edgefed.kubefed.plugins.modules.federated_resource_preview import run as preview_here
from ansible_collections.edgefed.kubefed.plugins.plugin_utils.given import GivenAction
from ansible_collections.edgefed.kubefed.plugins.plugin_utils.in_process import plain
from ansible_collections.edgefed.kubefed.plugins.plugin_utils.inventory import clusters_of


class ActionModule(GivenAction):
    """Previews in process."""

    RUN = staticmethod(preview_here)
    ARGUMENT_SPEC = SPEC

    def _with_packed(self, args: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        if boolean(args.get("offline") or False, strict=False) and not args.get("clusters"):
            args["clusters"] = plain(clusters_of(task_vars))
        return super()._with_packed(args, task_vars)
