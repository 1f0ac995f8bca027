# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Who wrote a field, by the object's ``managedFields``. Pure.

Nobody is recorded for a field that is not there: the API server forgets who took it away.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

Object = dict[str, Any]


@dataclass(frozen=True)
class Writer:
    """A field manager. ``since`` is its last write that changed what it owns (ISO 8601, UTC), so the field is that old or older.

    It is empty where the API server keeps none, as for a Deployment's replicas that were set through the subresource ``scale``.
    """

    manager: str = ""
    operation: str = ""
    since: str = ""

    def words(self) -> str:
        """``(kubectl, Update, since 2026-03-04T05:06:07Z)``; empty when nobody is known."""
        told = [self.manager, self.operation, f"since {self.since}" if self.since else "since when is not recorded"]
        return f"({', '.join(told)})" if self.manager else ""


UNKNOWN = Writer()
_NOT, _WHOLE, _ITSELF = 0, 1, 2


def writer_of(actual: Object, parts: tuple[Any, ...]) -> Writer:
    """The manager that wrote last of those that own the field at ``parts``, as :class:`Difference` has them.

    Where nobody owns the field itself, it is in a map or list that is owned as a whole.
    """
    owners: dict[int, list[Writer]] = {_WHOLE: [], _ITSELF: []}
    for entry in (actual.get("metadata") or {}).get("managedFields") or []:
        writer = Writer(str(entry.get("manager") or ""), str(entry.get("operation") or ""), str(entry.get("time") or ""))
        owners.setdefault(_owned(entry.get("fieldsV1") or {}, actual, parts), []).append(writer)
    return max(owners[_ITSELF] or owners[_WHOLE], key=lambda writer: writer.since, default=UNKNOWN)


def _owned(fields: Object, value: Any, parts: tuple[Any, ...]) -> int:
    """Whether a manager's ``fields`` of ``value`` reach the field itself, or end above it."""
    for depth, part in enumerate(parts):
        if depth and not fields:
            return _WHOLE
        name, value = _step(fields, value, part)
        if name not in fields:
            return _NOT
        fields = fields[name]
    return _ITSELF


def _step(fields: Object, value: Any, part: Any) -> tuple[str, Any]:
    """What ``fields`` call a part of ``value``, and that part's value. Items of merged lists go by their keys."""
    if not isinstance(value, list):
        return f"f:{part}", value.get(part) if isinstance(value, dict) else None
    item = _item(value, part)
    return next((name for name in fields if _names(name, item)), ""), item


def _item(items: list[Any], part: Any) -> Any:
    """An item by its number, also as a text, by its name, or the item itself."""
    if str(part).isdigit():
        return items[int(part)] if int(part) < len(items) else None
    return next((item for item in items if isinstance(item, dict) and item.get("name") == part), None)


def _names(name: str, item: Any) -> bool:
    sign, _colon, text = name.partition(":")
    if sign == "v":
        return bool(json.loads(text) == item)
    return sign == "k" and isinstance(item, dict) and all(item.get(key) == value for key, value in json.loads(text).items())
