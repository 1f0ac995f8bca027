# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What we applied to an object, made an apply again from its ``managedFields``: a change of one field then gives up none of the others.
Pure."""

from __future__ import annotations

import copy
import json
from typing import Any

from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.ownership import MANAGER

Object = dict[str, Any]


def applied(live: Object, api_version: str, kind: str) -> Object:
    """The object with just the fields that we own. Its resourceVersion makes the API server refuse it if the object changes meanwhile."""
    meta = live["metadata"]
    body: Object = {}
    for entry in meta.get("managedFields") or []:
        if (entry.get("manager"), entry.get("operation")) == (MANAGER, "Apply") and not entry.get("subresource"):
            body = _owned(live, entry.get("fieldsV1") or {})
    place = {"namespace": meta["namespace"]} if meta.get("namespace") else {}
    identity = {"name": meta["name"], **place, "resourceVersion": meta["resourceVersion"]}
    return {**body, "apiVersion": api_version, "kind": kind, "metadata": {**body.get("metadata", {}), **identity}}


def _owned(value: Any, fields: dict[str, Any]) -> Any:
    inside = {name: below for name, below in fields.items() if name != "."}
    if not inside:
        return copy.deepcopy(value)
    if isinstance(value, list):
        return [copy.deepcopy(item) for item in value if any(_is(item, name) for name in inside)]
    found = {name.removeprefix("f:"): below for name, below in inside.items()}
    return {name: _owned(value[name], below) for name, below in found.items() if isinstance(value, dict) and name in value}


def _is(item: Any, name: str) -> bool:
    """Whether an item of a merged list is the one that ``v:<value>`` or ``k:<keys>`` means."""
    wanted = json.loads(name[2:])
    if name.startswith("k:"):
        return isinstance(item, dict) and all(item.get(key) == value for key, value in wanted.items())
    return bool(item == wanted)
