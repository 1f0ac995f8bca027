# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the report files should hold, given what they hold. Pure.

The time in them is when the federation was first seen in this state: it stays while the report stays, so that looking
again changes no file. Nor does it when a field that differs was only written once more by the same manager.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from ansible_collections.edgefed.kubefed.plugins.module_utils.report import page

FORMAT = 1
_WRITTEN = re.compile(r"""(\bsince |"since": ")[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}Z""")


@dataclass(frozen=True)
class Wanted:
    """The texts of both files."""

    json: str
    html: str


def as_json(report: dict[str, Any], since: str) -> str:
    """The report as a JSON file."""
    return json.dumps({"format": FORMAT, "since": since, **report}, indent=2, ensure_ascii=False) + "\n"


def decode(text: str | None) -> dict[str, Any] | None:
    """An older JSON file's content; ``None`` when there is none, or of another format."""
    try:
        value = json.loads(text or "")
    except ValueError:
        return None
    return value if isinstance(value, dict) and value.get("format") == FORMAT else None


def _same(new: str, old: str | None) -> bool:
    """Whether two texts differ at most in when fields were written."""
    return old is not None and _WRITTEN.sub(r"\1", new) == _WRITTEN.sub(r"\1", old)


def _since(report: dict[str, Any], old_json: str | None, old_html: str | None, now: str) -> str:
    old = decode(old_json)
    candidates = [old.get("since") if old else None, page.since_of(old_html)]
    for since in candidates:
        if isinstance(since, str) and (_same(as_json(report, since), old_json) or _same(page.render(report, since), old_html)):
            return since
    return now


def plan(report: dict[str, Any], old_json: str | None, old_html: str | None, now: str) -> Wanted:
    """Both files' texts. ``now`` is ISO 8601 in UTC."""
    since = _since(report, old_json, old_html, now)
    texts = ((as_json(report, since), old_json), (page.render(report, since), old_html))
    json_text, html_text = (old if old is not None and _same(new, old) else new for new, old in texts)
    return Wanted(json_text, html_text)
