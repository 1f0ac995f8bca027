# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""For benchmarks: how long each task that asks API servers took over all hosts, and how many requests it sent.

``EDGEFED_BENCH_TASKS`` is the file that is written in the end.
"""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = r"""
name: api_tasks
type: aggregate
short_description: For benchmarks, time and requests of tasks
description: See the file's docstring.
"""


class CallbackModule(CallbackBase):
    """A task lasts from its start to the last host's answer."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "api_tasks"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self) -> None:
        super().__init__()
        self._began = 0.0
        self._tasks: list[dict[str, Any]] = []

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:
        self._began = time.monotonic()
        self._tasks.append({"name": task.get_name(), "seconds": 0.0, "requests": 0, "changed": 0})

    def v2_runner_on_ok(self, result: Any) -> None:
        answer = result._result
        task = self._tasks[-1]
        task["seconds"] = time.monotonic() - self._began
        task["requests"] += sum(int(item.get("api_requests", 0)) for item in answer.get("results") or [answer])
        task["changed"] += bool(answer.get("changed"))

    def v2_playbook_on_stats(self, stats: Any) -> None:
        asking = [task for task in self._tasks if task["requests"]]
        Path(os.environ["EDGEFED_BENCH_TASKS"]).write_text(json.dumps(asking))
