# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How long to wait for a federation to come to rest. Pure."""

from __future__ import annotations

from typing import Any

ADDRESS_PATIENCE = 3
"""Seconds to wait for addresses: often nothing in a cluster gives any, so they are worth only a short wait."""


def worth_waiting(report: dict[str, Any], waited: float, timeout: float) -> bool:
    """Whether another look may find less wrong. ``waited`` and ``timeout`` are seconds.

    Nothing heals by waiting while every problem is a cluster that is not joined or does not answer.
    """
    if any(problem["may_heal"] for problem in report["problems"]):
        return waited < timeout
    pending = any(cell.get("pending_address") for row in report["resources"] for cell in row["clusters"].values())
    return bool(not report["problems"] and pending and waited < min(timeout, ADDRESS_PATIENCE))
