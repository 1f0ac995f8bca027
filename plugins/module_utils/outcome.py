# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a module's ``run`` gives back, and the one error it may raise. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


class EdgefedError(Exception):
    """A failure a user can act on.

    ``message`` names the object (file, host, field, cluster and context), the cause and the next step, and never
    holds a secret. ``code`` is a short stable word for programs; ``details`` are JSON values for programs.
    """

    def __init__(self, message: str, code: str = "failed", details: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.details = details or {}

    @property
    def without_next(self) -> str:
        """The message without its next step, to go into another's."""
        return self.message.split(" Next: ", maxsplit=1)[0].rstrip(".")

    @property
    def next_step(self) -> str:
        """The message's next step, empty where it has none."""
        return self.message.partition(" Next: ")[2].rstrip(".")


@dataclass
class Result:
    """Outcome of one run.

    ``diff`` is Ansible's ``{before, after, before_header?, after_header?}`` or a list of them, free of secrets.
    ``data`` is merged into the task's result as it is.
    """

    changed: bool = False
    diff: dict[str, Any] | list[dict[str, Any]] | None = None
    warnings: list[str] = field(default_factory=list)
    data: dict[str, Any] = field(default_factory=dict)

    def as_task_result(self, with_diff: bool) -> dict[str, Any]:
        """The task result; ``diff`` only when asked for (``--diff``)."""
        result: dict[str, Any] = {"changed": self.changed, **self.data}
        if with_diff and self.diff is not None:
            result["diff"] = self.diff
        if self.warnings:
            result["warnings"] = list(self.warnings)
        return result
