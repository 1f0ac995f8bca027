# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What to do when an API server refuses a part of a join or unjoin. Pure."""

from __future__ import annotations

import re

from ansible_collections.edgefed.kubefed.plugins.module_utils.client import ApiError
from ansible_collections.edgefed.kubefed.plugins.module_utils.control_plane.status import webhook_of_error
from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import EdgefedError

_KUBEFED_WEBHOOK = re.compile(r'failed calling webhook "[^"]*\.kubefed\.io"')
_RIGHTS = "use a kubeconfig with the role cluster-admin there; joining makes cluster roles and secrets"


def advised(error: ApiError) -> EdgefedError:
    """The error with its next step; as it is where it has one."""
    if "Next: " in error.message:
        return error
    if _KUBEFED_WEBHOOK.search(error.message):
        where = error.message.partition(": ")[0]
        reason = webhook_of_error(error.status, error.message).reason
        return EdgefedError(
            f"{where}: KubeFed's admission webhook, which checks every KubeFedCluster, does not answer: {reason}. "
            "Next: make it run (playbooks/control_plane.yml tells what it lacks), then run this again; it goes on from here.",
            code="webhook",
            details={**error.details, "cause": reason},
        )
    return EdgefedError(f"{error.message.rstrip('.')}. Next: {_todo(error)}.", error.code, error.details)


def _todo(error: ApiError) -> str:
    if "failed calling webhook" in error.message:
        return "make what serves this webhook run, then run this again; it goes on from here"
    if "admission webhook" in error.message:
        return "let this webhook's rules admit what a join makes, then run this again; it goes on from here"
    if error.status == 403:
        return _RIGHTS
    if error.status in (400, 422):
        return "correct the value that it names"
    return "see the API server's log, then run this again; it goes on from here"
