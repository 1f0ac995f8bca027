# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Runs the module in process where possible, and then shows how far it is."""

from __future__ import annotations

from typing import Any, Callable

from ansible.utils.display import Display

from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import Result
from ansible_collections.edgefed.kubefed.plugins.modules.kind_image import ARGUMENT_SPEC, run
from ansible_collections.edgefed.kubefed.plugins.plugin_utils.in_process import InProcessAction

display = Display()


def run_and_show(params: dict[str, Any], check: bool, diff: bool, connect: Callable[..., Any]) -> Result:
    """The module's ``run`` with its progress on the screen."""
    return run(params, check, diff, connect, display.display)


class ActionModule(InProcessAction):
    RUN = staticmethod(run_and_show)
    ARGUMENT_SPEC = ARGUMENT_SPEC
