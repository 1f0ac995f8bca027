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


def writer_of(actual: Object, parts: tuple[Any, ...]) -> Writer:
    """The manager that wrote last of those that own the field at ``parts``, as :class:`Difference` has them."""
    found = []
    for entry in (actual.get("metadata") or {}).get("managedFields") or []:
        if _owns(entry.get("fieldsV1") or {}, actual, parts):
            found.append(Writer(str(entry.get("manager") or ""), str(entry.get("operation") or ""), str(entry.get("time") or "")))
    return max(found, key=lambda writer: writer.since, default=UNKNOWN)


def _owns(fields: Object, value: Any, parts: tuple[Any, ...]) -> bool:
    """Whether a manager's ``fields`` of ``value`` reach the field, or end above it: a map or list owned as a whole."""
    for depth, part in enumerate(parts):
        if depth and not fields:
            return True
        name, value = _step(fields, value, part)
        if name not in fields:
            return False
        fields = fields[name]
    return True


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
