# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What has to be done with one object, found without asking the server wherever that is exact. Pure."""

from __future__ import annotations

import copy
from typing import Any

from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.ownership import unchanged_by

NONE, CREATE, APPLY, RECREATE, DELETE, AWAIT_DELETION = "none", "create", "apply", "recreate", "delete", "await deletion"
# Deleted in the host cluster alone: the members keep theirs.
ORPHAN = "orphan"
# KubeFed's mark for that, on the federated object.
ORPHAN_MARK = "kubefed.io/orphan"


def decide(desired: dict[str, Any], current: dict[str, Any] | None) -> str:
    """``CREATE``, ``RECREATE`` (it is in deletion: wait until it is gone), ``NONE``, or ``APPLY`` (which may prove to be nothing)."""
    if current is None:
        return CREATE
    if in_deletion(current):
        return RECREATE
    return NONE if unchanged_by(desired, current) else APPLY


def decide_absent(current: dict[str, Any] | None, orphan: bool = False) -> str:
    """``NONE`` when it is not there, ``DELETE``, ``ORPHAN`` when the members keep theirs, or ``AWAIT_DELETION`` when that is under way."""
    if current is None:
        return NONE
    if in_deletion(current):
        return ORPHAN if orphan and not orphans(current) else AWAIT_DELETION
    return ORPHAN if orphan or orphans(current) else DELETE


def orphans(current: dict[str, Any]) -> bool:
    """Whether the members keep theirs when it goes: somebody said so to KubeFed."""
    return bool((current["metadata"].get("annotations") or {}).get(ORPHAN_MARK) == "true")


def in_deletion(current: dict[str, Any]) -> bool:
    """Whether it will vanish: what is applied to it now is lost with it."""
    return bool(current["metadata"].get("deletionTimestamp"))


def same(before: dict[str, Any], after: dict[str, Any]) -> bool:
    """Whether a dry run changed nothing, not even who owns what."""
    return _comparable(before) == _comparable(after)


def _comparable(body: dict[str, Any]) -> dict[str, Any]:
    result = {key: value for key, value in body.items() if key not in ("status", "apiVersion", "kind")}
    meta = result["metadata"] = dict(body["metadata"])
    meta.pop("resourceVersion", None)
    entries = [{key: value for key, value in entry.items() if key != "time"} for entry in meta.get("managedFields") or []]
    meta["managedFields"] = [entry for entry in entries if not entry.get("subresource")]
    return result


def shown(body: dict[str, Any] | None) -> dict[str, Any]:
    """An object as people write it: without what the server adds. ``{}`` for none."""
    if body is None:
        return {}
    result = copy.deepcopy({key: value for key, value in body.items() if key != "status"})
    for name in ("managedFields", "resourceVersion", "uid", "creationTimestamp", "generation", "selfLink"):
        result["metadata"].pop(name, None)
    return result
