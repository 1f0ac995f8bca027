# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Failures in words: problems with what was given, and what an API server answers. Pure."""

from __future__ import annotations

import re

from ansible_collections.edgefed.kubefed.plugins.module_utils.client import ApiError
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.sources import Problem
from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import EdgefedError

TOLD_AT_MOST = 40
_WEBHOOK = re.compile(r'failed calling webhook "([^"]+)"')
_REMEDIES = {
    403: "give the user of this context the right to do it, or use another context",
    404: "check that KubeFed and its CRDs are complete (playbooks/control_plane.yml)",
    409: "somebody else changed it at the same time: run this again",
    429: "the API server is busy: run this again",
}


def refuse(problems: list[Problem]) -> None:
    """Raise one :class:`EdgefedError` for all ``problems``, if there are any; told in the order of the files."""
    if not problems:
        return
    unique = sorted(dict.fromkeys(problems), key=lambda problem: (problem.place.origin, problem.place.line, problem.place.column))
    lines = [f"- {problem}" for problem in unique[:TOLD_AT_MOST]]
    if len(unique) > TOLD_AT_MOST:
        lines.append(f"- and {len(unique) - TOLD_AT_MOST} more")
    count = "1 problem" if len(unique) == 1 else f"{len(unique)} problems"
    raise EdgefedError(
        "\n".join([f"{count} with what was given; nothing was sent to any cluster.", *lines]),
        code="invalid",
        details={"problems": [problem.as_dict() for problem in unique]},
    )


def with_remedy(error: EdgefedError) -> EdgefedError:
    """The error with a next step, where its text has none yet."""
    if not isinstance(error, ApiError) or "Next: " in error.message:
        return error
    return ApiError(f"{error.message.rstrip('.')}. Next: {_remedy(error)}.", error.status, error.reason, error.body)


def _remedy(error: ApiError) -> str:
    webhook = _WEBHOOK.search(error.message)
    if webhook:
        return f"bring the service of admission webhook {webhook[1]} back, or remove its configuration; then run this again"
    if "denied the request" in error.message:
        return "change the object as this admission policy asks, or the policy"
    fallback = "see the API server's log, then run this again" if error.status >= 500 else "correct the object"
    return _REMEDIES.get(error.status, fallback)
