# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Fields that are not as template and overrides say, each with who wrote it. Pure."""

from __future__ import annotations

from typing import Any

from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.preview import MANAGED_LABEL
from ansible_collections.edgefed.kubefed.plugins.module_utils.verify.compare import ABSENT, Difference, covers, shown
from ansible_collections.edgefed.kubefed.plugins.module_utils.verify.writer import UNKNOWN, Writer, writer_of

HIDDEN = "a secret, not shown"


def drift_of(found: list[Difference], actual: dict[str, Any]) -> list[dict[str, str]]:
    """``{field, is, should, manager, operation, since}`` of each; values are JSON, cut where long, empty where there is none."""
    return [
        {"field": item.path, "is": _value(item, item.got), "should": _value(item, item.want), **vars(_writer(item, actual))}
        for item in found
    ]


def drift_of_extra(actual: dict[str, Any]) -> list[dict[str, str]]:
    """Of an object that should not be there: who gave it KubeFed's label."""
    return drift_of([Difference(("metadata", "labels", MANAGED_LABEL), ABSENT, "true")], actual)


def by_whom(entry: dict[str, str]) -> str:
    """``(kubectl, Update, since …)`` of one entry of :func:`drift_of`."""
    return Writer(entry["manager"], entry["operation"], entry["since"]).words()


def _writer(item: Difference, actual: dict[str, Any]) -> Writer:
    # who took something away is not recorded, and who owns what it was in need not be the one
    if item.got is ABSENT:
        return UNKNOWN
    if isinstance(item.want, list) and isinstance(item.got, list):
        more = [index for index, got in enumerate(item.got) if not any(covers(want, got, (*item.parts, index)) for want in item.want)]
        return max((writer_of(actual, (*item.parts, index)) for index in more), key=lambda writer: writer.since, default=UNKNOWN)
    return writer_of(actual, item.parts)


def _value(item: Difference, value: Any) -> str:
    if value is ABSENT:
        return ""
    return HIDDEN if item.secret else shown(value)
