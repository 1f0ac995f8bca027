# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Secrets as a task gives them, by keys of texts, base64 and files: made plain manifests, each with its own placement and overrides.

All values become ``data`` in base64, so that bytes stay what they are. No message has a value.
"""

from __future__ import annotations

import base64
from typing import Any, Callable, NamedTuple

from ansible_collections.edgefed.kubefed.plugins.module_utils.federate.wish import Inventory, Wish, layers_of, placement_of
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.fields import unknown, value_at, wrong_type
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.sources import Document, Path, Problem

Object = dict[str, Any]
CONTENT = ("data", "string_data", "files")
CLUSTERS = ("groups", "hosts")
KNOWN = ("name", "namespace", "type", "labels", "immutable", "placement", "overrides", *CONTENT)


class Unreadable(Exception):
    """A file that a secret's key is to be read from. ``cause`` and ``todo`` are for messages."""

    def __init__(self, cause: str, todo: str) -> None:
        super().__init__(cause)
        self.cause = cause
        self.todo = todo


class Secret(NamedTuple):
    """A plain manifest, what messages call it, and what is to be done to it."""

    origin: str
    manifest: Object
    wish: Wish


Read = Callable[[str], bytes]


def secrets_of(given: Any, inventory: Inventory, placement: Object | None, read: Read) -> tuple[list[Secret], list[Problem]]:
    """Each of the task's ``secrets``. ``placement`` is for those that have none; ``read`` gives a file's bytes or raises
    :class:`Unreadable`."""
    whole = Document({"secrets": given}, "the task")
    problems = wrong_type(whole, ("secrets",), list, "- name: …")
    found: list[Secret] = []
    for index, item in enumerate([] if problems else given):
        document = Document({"secret": item}, f"secrets[{index}]")
        secret, wrong = _secret(document, inventory, placement, read)
        found += [secret] if secret else []
        problems += wrong
    return found, problems


def identities_of(given: Any) -> tuple[list[Secret], list[Problem]]:
    """The same as far as it takes to remove them: what they hold is not looked at."""
    items = given if isinstance(given, list) else []
    return [
        Secret(f"secrets[{index}]", _manifest(item, {}), Wish({"clusters": []}))
        for index, item in enumerate(items)
        if isinstance(item, dict)
    ], wrong_type(Document({"secrets": given}, "the task"), ("secrets",), list, "- name: …")


def _secret(document: Document, inventory: Inventory, placement: Object | None, read: Read) -> tuple[Secret | None, list[Problem]]:
    here: Path = ("secret",)
    problems = wrong_type(document, here, dict, "name, namespace and data, string_data or files")
    if problems:
        return None, problems
    item = document.body["secret"]
    problems = unknown(document, here, KNOWN)
    data, wrong = _content(document, here, read)
    problems += wrong
    layers, wrong = _overrides(document, read)
    problems += wrong
    own, wrong = placement_of(item.get("placement"), inventory, document.origin)
    problems += wrong
    if problems:
        return None, problems
    found, problems = layers_of(layers, inventory, document.origin)
    return Secret(document.origin, _manifest(item, data), Wish(placement if own is None else own, found)), problems


def _manifest(item: Object, data: Object) -> Object:
    metadata = {name: item[name] for name in ("name", "namespace", "labels") if item.get(name) is not None}
    rest = {name: item[name] for name in ("type", "immutable") if item.get(name) is not None}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, **rest, **({"data": data} if data else {})}


def _overrides(document: Document, read: Read) -> tuple[list[Object], list[Problem]]:
    """The secret's overrides in the form of the task's own."""
    here: Path = ("secret", "overrides")
    given = value_at(document.body, here)
    if given is None:
        return [], []
    problems = wrong_type(document, here, list, "- groups: […]")
    found = []
    for index, _item in enumerate([] if problems else given):
        path = (*here, index)
        wrong = wrong_type(document, path, dict, "groups or hosts, and data, string_data or files")
        wrong = wrong or unknown(document, path, (*CLUSTERS, *CONTENT))
        data, more = ({}, []) if wrong else _content(document, path, read)
        problems += [*wrong, *more]
        if not wrong and not more:
            found.append({**{name: _item[name] for name in CLUSTERS if name in _item}, "values": {"data": data}})
    return found, problems


def _content(document: Document, path: Path, read: Read) -> tuple[Object, list[Problem]]:
    """The ``data`` of what stands at ``path``."""
    found: Object = {}
    problems: list[Problem] = []
    for name in CONTENT:
        here = (*path, name)
        if value_at(document.body, here) is None:
            continue
        wrong = wrong_type(document, here, dict, "keys with their values")
        problems += wrong
        for key in [] if wrong else value_at(document.body, here):
            if key in found:
                problems.append(document.problem((*here, key), "this key is there twice", f"give it in one of {', '.join(CONTENT)}"))
                continue
            value, more = _value(document, (*here, key), name, read)
            found[str(key)] = value
            problems += more
    return found, problems


def _value(document: Document, path: Path, name: str, read: Read) -> tuple[str, list[Problem]]:
    problems = wrong_type(document, path, str, "a text, a number in quotes,")
    if problems:
        return "", problems
    given = value_at(document.body, path)
    if name == "data":
        return _base64(document, path, given)
    try:
        content = given.encode() if name == "string_data" else read(given)
    except Unreadable as error:
        return "", [document.problem(path, error.cause, error.todo)]
    except UnicodeEncodeError:
        return "", [document.problem(path, "this holds half a character", "give it in data or files")]
    return base64.b64encode(content).decode(), []


def _base64(document: Document, path: Path, given: str) -> tuple[str, list[Problem]]:
    """Without the line ends that ``base64`` and YAML blocks bring along."""
    text = "".join(given.split())
    try:
        base64.b64decode(text, validate=True)
    except ValueError:
        return "", [document.problem(path, "this is not base64", "encode the value, or give it in string_data or files")]
    return text, []
