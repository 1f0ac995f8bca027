# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether a server-side apply would change nothing, by ``managedFields`` alone. Pure.

``fieldsV1`` is a tree: ``f:name`` is a field, ``k:{…}`` an item of a list with keys, ``v:…`` an item of a set, ``.`` the parent itself;
what has nothing below it is owned as a whole. An apply is a no-op when our entry holds just the fields of the manifest and each has the
value wanted: what others own beside them, and what the server has added, stays as it is anyway.
"""

from __future__ import annotations

import json
from typing import Any

MANAGER = "edgefed"
# Who owns something: manager and operation. KubeFed is named as its program is.
OURS, KUBEFED = (MANAGER, "Apply"), ("controller-manager", "Update")
# Fields that no manager owns.
_IDENTITY = ("apiVersion", "kind")
_NAMES = ("name", "namespace")

Fields = dict[str, Any]


def unchanged_by(desired: dict[str, Any], current: dict[str, Any]) -> bool:
    """Whether applying ``desired`` changes nothing, neither the object nor who owns what.

    Exact when ``True``. ``False`` also where it cannot be told from here: a value that the server writes otherwise, items of a list whose
    keys are not clear.
    """
    entries = current["metadata"].get("managedFields") or []
    ours: Fields = next(filter(_is_ours, entries), {})
    others = [entry.get("fieldsV1") or {} for entry in entries if not _is_ours(entry)]
    return ours.get("apiVersion") == desired["apiVersion"] and _covers(ours.get("fieldsV1") or {}, _fields_of(desired), current, others)


def owns(current: dict[str, Any], *path: str, who: tuple[str, str] = OURS) -> bool:
    """Whether the field at ``path`` is ours, or somebody else's, as a whole."""
    entries = current["metadata"].get("managedFields") or []
    own: Fields = next((entry for entry in entries if _is_of(entry, who)), {})
    fields = own.get("fieldsV1") or {}
    for name in path:
        if f"f:{name}" not in fields:
            return False
        fields = fields[f"f:{name}"]
    return not _below(fields)


def _is_ours(entry: Fields) -> bool:
    return _is_of(entry, OURS)


def _is_of(entry: Fields, who: tuple[str, str]) -> bool:
    return (entry.get("manager"), entry.get("operation"), entry.get("subresource") or "") == (*who, "")


def _fields_of(desired: dict[str, Any]) -> dict[str, Any]:
    """Without what no manager owns."""
    wanted = {key: value for key, value in desired.items() if key not in _IDENTITY}
    metadata = {key: value for key, value in wanted.pop("metadata").items() if key not in _NAMES}
    return {**wanted, "metadata": metadata} if metadata else wanted


def _covers(fields: Fields, wanted: Any, there: Any, others: list[Fields]) -> bool:
    """Whether ``fields`` are just those of ``wanted``, and ``there`` has their values. ``others`` own the same and what is beside it."""
    below = _below(fields)
    if not below:
        # Owned as a whole; or it was empty when we applied it, and what others put there is not ours.
        return same_value(wanted, there) and not (wanted and any(map(_below, others)))
    if isinstance(wanted, dict):
        return isinstance(there, dict) and _covers_map(below, wanted, there, others)
    return isinstance(wanted, list) and isinstance(there, list) and _covers_items(below, wanted, there, others)


def _below(fields: Fields) -> Fields:
    return {name: inside for name, inside in fields.items() if name != "."}


def _inside(others: list[Fields], name: str) -> list[Fields]:
    return [fields[name] for fields in others if name in fields]


def _covers_map(below: Fields, wanted: dict[str, Any], there: dict[str, Any], others: list[Fields]) -> bool:
    return {f"f:{key}" for key in wanted} == set(below) and all(
        key in there and _covers(below[f"f:{key}"], value, there[key], _inside(others, f"f:{key}")) for key, value in wanted.items()
    )


def _covers_items(below: Fields, wanted: list[Any], there: list[Any], others: list[Fields]) -> bool:
    """Items that are merged, in the same order."""
    places = []
    for name, inside in below.items():
        ours, theirs = _places(name, inside, wanted), _places(name, {}, there)
        if len(ours) != 1 or len(theirs) != 1:
            return False
        if name.startswith("k:") and not _covers(inside, wanted[ours[0]], there[theirs[0]], _inside(others, name)):
            return False
        places.append((ours[0], theirs[0]))
    in_order = [theirs for _ours, theirs in sorted(places)]
    return sorted(ours for ours, _theirs in places) == list(range(len(wanted))) and in_order == sorted(in_order)


def _places(name: str, inside: Fields, items: list[Any]) -> list[int]:
    """Where the item ``k:{…}`` or ``v:…`` stands. A key that the manifest left to its default is not among the fields ``inside`` of it."""
    sign, _colon, text = name.partition(":")
    if sign == "v":
        return [index for index, item in enumerate(items) if same_value(item, json.loads(text))]
    if sign != "k":
        return []
    keys = json.loads(text)
    left = {key for key in keys if inside and f"f:{key}" not in inside}
    return [
        index
        for index, item in enumerate(items)
        if isinstance(item, dict) and all(same_value(item.get(key), value) if key in item else key in left for key, value in keys.items())
    ]


def same_value(one: Any, other: Any) -> bool:
    """Whether two JSON values are the same: ``1`` and ``1.0`` are, ``1`` and ``true`` are not, though Python says so."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same_value(value, other[key]) for key, value in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same_value, one, other))
    return isinstance(one, bool) == isinstance(other, bool) and bool(one == other)
