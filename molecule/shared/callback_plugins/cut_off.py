# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""For tests: stop before the n-th writing API request of a worker and wait there to be killed, or run a command and go on.

``EDGEFED_CUT_AT`` is n. ``EDGEFED_CUT_MARKER`` is the file that is written (with the worker's pid) when it is reached;
``EDGEFED_CUT_COMMAND``, given instead, the command that is run then.
"""

from __future__ import annotations

import itertools
import os
import shlex
import subprocess
import time
from pathlib import Path
from typing import Any

from ansible.plugins.callback import CallbackBase

from ansible_collections.edgefed.kubefed.plugins.module_utils.client import Client

DOCUMENTATION = r"""
name: cut_off
type: aggregate
short_description: For tests, stop before the n-th writing API request
description: See the file's docstring.
"""


def stop() -> None:
    """Do what the environment says."""
    if command := os.environ.get("EDGEFED_CUT_COMMAND"):
        subprocess.run(shlex.split(command), check=True)
        return
    Path(os.environ["EDGEFED_CUT_MARKER"]).write_text(str(os.getpid()))
    time.sleep(600)


class CallbackModule(CallbackBase):
    """Wraps the client's ``request`` in the parent; the workers that it forks inherit that."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "cut_off"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self) -> None:
        super().__init__()
        request = Client.request
        numbers = itertools.count(1)
        cut_at = int(os.environ["EDGEFED_CUT_AT"])

        def stop_before(self: Client, method: str, path: str, *args: Any, **kwargs: Any) -> Any:
            # reviews are questions that are posted
            if method != "GET" and not path.endswith("reviews") and next(numbers) == cut_at:
                stop()
            return request(self, method, path, *args, **kwargs)

        Client.request = stop_before
