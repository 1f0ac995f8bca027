# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the user gave: files, folders and inline definitions, read into documents."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from ansible.module_utils.basic import missing_required_lib

from ansible_collections.edgefed.kubefed.plugins.module_utils.federate.secrets import Secret
from ansible_collections.edgefed.kubefed.plugins.module_utils.federate.wish import Inventory, Wish, wish_of
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation import check_spec, sources
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.sources import Document, Place, Problem, from_value
from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import EdgefedError

PACKED = "packed"
ENDINGS = (".yaml", ".yml", ".json")
_CLUSTERS: dict[str, Any] = {"groups": {"type": "list", "elements": "str"}, "hosts": {"type": "list", "elements": "str"}}
_KEYS: dict[str, Any] = {
    "data": {"type": "dict", "no_log": True},
    "string_data": {"type": "dict", "no_log": True},
    "files": {"type": "dict"},
}
GIVEN_SPEC: dict[str, dict[str, Any]] = {
    "src": {"type": "list", "elements": "path", "default": []},
    # The action plugin turns what is given into packed, one text, so that it can be hidden as a whole.
    "definition": {"type": "raw"},
    "definition_name": {"type": "str", "default": "definition"},
    "template": {"type": "list", "elements": "str", "default": []},
    "packed": {"type": "str", "no_log": True},
    "namespace": {"type": "str", "default": "default"},
    "lint": {"type": "dict", "default": {}},
    "federate": {"type": "bool", "default": False},
    "placement": {"type": "dict", "options": {**_CLUSTERS, "selector": {"type": "dict"}}},
    "overrides": {
        "type": "list",
        "elements": "dict",
        "options": {
            **_CLUSTERS,
            "kind": {"type": "str"},
            "name": {"type": "str"},
            "namespace": {"type": "str"},
            "values": {"type": "dict"},
            "patches": {"type": "list", "elements": "dict"},
        },
    },
    "override_variable": {"type": "str", "default": "federated_overrides"},
    "secrets": {
        "type": "list",
        "elements": "dict",
        "no_log": True,
        "options": {
            "name": {"type": "str", "required": True},
            "namespace": {"type": "str"},
            "type": {"type": "str"},
            "labels": {"type": "dict"},
            "immutable": {"type": "bool"},
            **_KEYS,
            "placement": {"type": "dict", "options": {**_CLUSTERS, "selector": {"type": "dict"}}},
            "overrides": {"type": "list", "elements": "dict", "options": {**_CLUSTERS, **_KEYS}},
        },
    },
    "live": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "kind": {"type": "str", "required": True},
            "name": {"type": "str", "required": True},
            "namespace": {"type": "str"},
            "contents": {"type": "bool", "default": False},
            "cluster": {"type": "str"},
        },
    },
}

Entry = tuple[str, Any]


@dataclass(frozen=True)
class Handed:
    """What the action plugin hands over: ``(name for messages, object or text)``, what is wrong, what is to be done to plain manifests,
    secrets, and the inventory where a preference may want it."""

    entries: list[Entry] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    wish: Wish = field(default_factory=Wish)
    secrets: list[Secret] = field(default_factory=list)
    inventory: Inventory | None = None

    def unplaced(self) -> Handed:
        """The same to be removed, which needs no placement."""
        nowhere = Wish({"clusters": []})
        return replace(self, wish=nowhere, secrets=[secret._replace(wish=nowhere) for secret in self.secrets])


def require_libraries() -> None:
    """Raise :class:`EdgefedError` (code ``missing_library``) where manifests can be neither read nor checked."""
    for library, error in (("PyYAML", sources.IMPORT_ERROR), ("jsonpatch", check_spec.IMPORT_ERROR)):
        if error:
            raise EdgefedError(missing_required_lib(library), code="missing_library")


def read(params: dict[str, Any]) -> tuple[list[Document], list[Problem]]:
    """Every document of ``src``, ``definition`` and what the action plugin packed, and what is wrong with reading them.

    None at all is wrong, for an empty folder may be a mistake, unless a whole application is to go.
    """
    handed = unpacked(params.get(PACKED))
    entries, problems = list(handed.entries), list(handed.problems)
    if params["definition"] is not None:
        entries.append((params["definition_name"], params["definition"]))
    more, wrong = files(params["src"])
    entries[:0], problems[:0] = more, wrong
    documents: list[Document] = []
    for origin, value in entries:
        found, wrong = from_value(value, origin)
        documents += found
        problems += wrong
    whole = params.get("prune") and params["state"] == "absent"
    if not documents and not problems and not params["live"] and not handed.secrets and not whole:
        given = ", ".join(dict.fromkeys(origin for origin, _value in entries)) or "src, definition and template"
        problems.append(Problem(Place(given), "there is no object in it", "give a file, a folder or a definition with at least one"))
    return documents, problems


def packed(handed: Handed) -> str:
    """As the one text that the action plugin hands over.

    One text, so that hiding it (it may hold secrets) doesn't hide each of its words in all that is said.
    """
    told = [[one.place.origin, one.place.line, one.cause, one.todo, one.object, one.field] for one in handed.problems]
    secrets = [[secret.origin, secret.manifest, secret.wish.as_dict()] for secret in handed.secrets]
    inventory = handed.inventory and asdict(handed.inventory)
    found = {"entries": handed.entries, "problems": told, "wish": handed.wish.as_dict(), "secrets": secrets, "inventory": inventory}
    return json.dumps(found)


def unpacked(text: str | None) -> Handed:
    """What :func:`packed` was given."""
    if not text:
        return Handed()
    found = json.loads(text)
    return Handed(
        entries=[(str(origin), value) for origin, value in found["entries"]],
        problems=[Problem(Place(origin, line), *told) for origin, line, *told in found["problems"]],
        wish=wish_of(found["wish"]),
        secrets=[Secret(origin, manifest, wish_of(wish)) for origin, manifest, wish in found["secrets"]],
        inventory=Inventory(**found["inventory"]) if found["inventory"] else None,
    )


def files(paths: list[str]) -> tuple[list[Entry], list[Problem]]:
    """The texts of files and of all manifests in folders, and what cannot be read."""
    entries: list[Entry] = []
    problems: list[Problem] = []
    for path in paths:
        for file in _files(path, problems):
            text = _text(file, problems)
            if text is not None:
                entries.append((file, text))
    return entries, problems


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


def _text(path: str, problems: list[Problem]) -> str | None:
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read()
    except UnicodeDecodeError as error:
        problems.append(Problem(Place(path), f"not UTF-8 text (byte {error.start + 1})", "save it as UTF-8"))
        return None
    except OSError as error:
        problems.append(Problem(Place(path), f"cannot be read: {error.strerror}", "check its rights"))
        return None
    if text.startswith("$ANSIBLE_VAULT;"):
        problems.append(Problem(Place(path, 1), "it is encrypted with ansible-vault", "give it as template, which decrypts it"))
        return None
    return text
