# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which cluster did not get what, why, and what to do: many objects, few lines. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.check import Resource
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.status import Verdict, remedy
from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import EdgefedError

TITLES_AT_MOST = 5
LINES_AT_MOST = 30


@dataclass(frozen=True)
class Missed:
    """One object that one cluster doesn't have. ``event`` is the controller's own word on it, if any."""

    resource: Resource
    cluster: str
    verdict: Verdict
    event: str = ""


def left_behind(missed: list[Missed], away: dict[str, str], federation: str) -> list[str]:
    """A warning for each cluster and reason, where enough others have the objects."""
    return [
        f"{cluster} has not got {_some(titles)}: {why}. Enough others have. Next: {todo}."
        for (cluster, why, todo), titles in sorted(_by_reason(missed, away, federation).items())
    ]


def _by_reason(missed: list[Missed], away: dict[str, str], federation: str) -> dict[tuple[str, str, str], list[str]]:
    groups: dict[tuple[str, str, str], list[str]] = {}
    for one in missed:
        groups.setdefault(_why(one, away, federation), []).append(one.resource.title)
    return groups


def failure(missed: list[Missed], away: dict[str, str], federation: str, seconds: float, goal: str = "in every cluster") -> EdgefedError:
    """The error for all of them. ``away`` says why clusters are not ready; ``federation`` is KubeFed's namespace; ``goal`` is what was
    waited for."""
    groups = _by_reason(missed, away, federation)
    lines = [f"- {cluster}: {_some(titles)}: {why}. Next: {todo}." for (cluster, why, todo), titles in sorted(groups.items())]
    if len(lines) > LINES_AT_MOST:
        lines[LINES_AT_MOST:] = [f"- and {len(lines) - LINES_AT_MOST} more"]
    count = len({one.resource.key for one in missed})
    objects = "1 object is" if count == 1 else f"{count} objects are"
    return EdgefedError(
        "\n".join([f"{objects} in the host cluster, but after {seconds:.0f} s not {goal}; the clusters not named have all.", *lines]),
        code="not_propagated",
        details={
            "missed": [
                {"object": one.resource.title, "cluster": one.cluster, "reason": str(one.verdict), "event": one.event} for one in missed
            ],
            "clusters": sorted({one.cluster for one in missed}),
        },
    )


def _why(one: Missed, away: dict[str, str], federation: str) -> tuple[str, str, str]:
    reason = str(one.verdict)
    if one.cluster in away:
        return (
            one.cluster,
            f"the cluster is not ready ({away[one.cluster]})",
            remedy(Verdict("", "ClusterNotReady"), one.cluster, federation),
        )
    return one.cluster, f"{reason} ({one.event.rstrip('.')})" if one.event else reason, remedy(one.verdict, one.cluster, federation)


def _some(titles: list[str]) -> str:
    more = f" and {len(titles) - TITLES_AT_MOST} more" if len(titles) > TITLES_AT_MOST else ""
    return ", ".join(titles[:TITLES_AT_MOST]) + more
