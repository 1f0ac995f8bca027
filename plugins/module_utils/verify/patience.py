# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How long to wait for a federation to come to rest. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

INGRESS_PATIENCE = 3
"""Seconds to wait for addresses of Ingresses: often nothing in a cluster gives any, so they are worth only a short wait."""


def worth_waiting(report: dict[str, Any], waited: float, timeout: float, now: datetime) -> bool:
    """Whether another look may find less wrong. ``waited`` and ``timeout`` are seconds.

    Nothing heals by waiting while every problem is a cluster that is not joined or does not answer. Where there is no problem,
    KubeFed may still have to look, or an address may be about to come: a report of that moment would be another one at the next.
    """
    if any(problem["may_heal"] for problem in report["problems"]):
        return waited < timeout
    if report["problems"]:
        return False
    cells = [(row["kind"], cell) for row in report["resources"] for cell in row["clusters"].values()]
    young = {kind for kind, cell in cells if cell.get("pending_address") and _is_young(cell["created"], now, timeout)}
    if any(cell.get("unsettled") for _kind, cell in cells) or young - {"Ingress"}:
        return waited < timeout
    return bool(young) and waited < min(timeout, INGRESS_PATIENCE)


def _is_young(created: str, now: datetime, timeout: float) -> bool:
    """Whether an address may still come: what has waited longer than anybody waits here will hardly get one."""
    return bool(created) and now - datetime.fromisoformat(created.replace("Z", "+00:00")) < timedelta(seconds=timeout)
