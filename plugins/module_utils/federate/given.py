# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the user gave: files, folders and inline definitions, read into documents."""

from __future__ import annotations

import json
import os
from typing import Any

from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.sources import Document, Place, Problem, from_value, parse

PACKED = "_packed"
ENDINGS = (".yaml", ".yml", ".json")


def read(params: dict[str, Any]) -> tuple[list[Document], list[Problem]]:
    """Every document of ``src``, ``definition`` and the rendered templates, and what is wrong with reading them."""
    documents: list[Document] = []
    problems: list[Problem] = []
    for path in params["src"]:
        for file in _files(path, problems):
            _read_file(file, documents, problems)
    for origin, value in _inline(params):
        more, wrong = from_value(value, origin)
        documents += more
        problems += wrong
    if not documents and not problems:
        given = ", ".join([*params["src"], *(origin for origin, value in _inline(params))]) or "src, definition and template"
        problems.append(Problem(Place(given), "there is no object in it", "give a file, a folder or a definition with at least one"))
    return documents, problems


def packed(entries: list[tuple[str, Any]]) -> str:
    """``(name for messages, object or text)`` as the one text that the action plugin hands over.

    One text, so that hiding it (it may hold secrets) doesn't hide each of its words in all that is said.
    """
    return json.dumps(entries)


def _inline(params: dict[str, Any]) -> list[tuple[str, Any]]:
    entries: list[tuple[str, Any]] = [(origin, value) for origin, value in json.loads(params.get(PACKED) or "[]")]
    if params["definition"] is not None:
        entries.append((params["definition_name"], params["definition"]))
    return entries


def _files(path: str, problems: list[Problem]) -> list[str]:
    if not os.path.exists(path):
        cause = f"there is no such file or folder (looked from {os.getcwd()})"
        problems.append(Problem(Place(path), cause, "check the path"))
        return []
    if not os.path.isdir(path):
        return [path]
    found = []
    for folder, folders, names in os.walk(path):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        found += [os.path.join(folder, name) for name in sorted(names) if name.endswith(ENDINGS) and not name.startswith(".")]
    if not found:
        problems.append(Problem(Place(path), "there is no manifest in this folder", f"put files there that end in {', '.join(ENDINGS)}"))
    return found


def _read_file(path: str, documents: list[Document], problems: list[Problem]) -> None:
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read()
    except UnicodeDecodeError as error:
        problems.append(Problem(Place(path), f"not UTF-8 text (byte {error.start + 1})", "save it as UTF-8"))
        return
    except OSError as error:
        problems.append(Problem(Place(path), f"cannot be read: {error.strerror}", "check its rights"))
        return
    if text.startswith("$ANSIBLE_VAULT;"):
        problems.append(Problem(Place(path, 1), "it is encrypted with ansible-vault", "give it as template, which decrypts it"))
        return
    more, wrong = parse(text, path)
    documents += more
    problems += wrong
