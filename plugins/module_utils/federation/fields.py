# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Shapes that fields must have, and what to say when they have not. Pure."""

from __future__ import annotations

from typing import Any, Iterable, Sequence

from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.sources import Document, Path, Problem, dotted, word
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.types import nearest

WORDS = {dict: "a mapping", list: "a list", str: "a text", bool: "true or false"}


def value_at(body: Any, path: Path) -> Any:
    """The value at ``path``, ``None`` when it is not there."""
    for part in path:
        try:
            body = body[part]
        except (KeyError, IndexError, TypeError):
            return None
    return body


def lookup(value: Any, parts: Sequence[str], absent: Any) -> Any:
    """What is at a path of texts, as a JSON pointer has them (keys, indices), ``absent`` when nothing is."""
    for part in parts:
        if isinstance(value, dict) and part in value:
            value = value[part]
        elif isinstance(value, list) and part.isdigit() and int(part) < len(value):
            value = value[int(part)]
        else:
            return absent
    return value


def unknown(document: Document, path: Path, known: Iterable[str]) -> list[Problem]:
    """A problem for each key of the mapping at ``path`` that is not ``known``: with the one meant, or where it belongs."""
    mapping = value_at(document.body, path)
    problems: list[Problem] = []
    empty: str | None = None
    known = list(known)
    for key, value in mapping.items():
        if key not in known:
            problems.append(_unknown_key(document, (*path, key), known, empty))
        elif value is None:
            empty = key
    return problems


def _unknown_key(document: Document, path: Path, known: list[str], empty: str | None) -> Problem:
    parent, key = path[:-1], str(path[-1])
    if empty:
        cause = f'unknown field, right after the empty "{empty}": its indentation was lost'
        return document.problem(path, cause, f'indent it under "{empty}" when it belongs to {dotted((*parent, empty))}')
    close = nearest(key, known)
    if close:
        return document.problem(path, "unknown field", f"did you mean {dotted((*parent, close[0]))}?".rstrip("?"))
    here = dotted(parent) or "the object"
    return document.problem(path, "unknown field", f"remove it, or use one of those that {here} has: {', '.join(sorted(known))}")


def wrong_type(document: Document, path: Path, wanted: type, what: str = "") -> list[Problem]:
    """A problem when the value at ``path`` is there and is not of the ``wanted`` type."""
    value = value_at(document.body, path)
    if isinstance(value, wanted):
        return []
    todo = f"write {what or WORDS[wanted]} here"
    if value is None:
        return [document.problem(path, "it is empty", f"{todo}, indented under it")]
    # never the value itself: it may be a secret
    return [document.problem(path, f"this is {word(value)}, not {WORDS[wanted]}", todo)]


def string_map(document: Document, path: Path) -> list[Problem]:
    """Labels and annotations: texts only. YAML reads 1.0, yes and 2024 as something else."""
    if value_at(document.body, path) is None:
        return []
    problems = wrong_type(document, path, dict)
    if problems:
        return problems
    for key, value in value_at(document.body, path).items():
        if not isinstance(value, str):
            problems.append(document.problem((*path, key), "not a text", f'put the value into quotes, as {key}: "…"'))
    return problems
