# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A kubeconfig as a model, read from and written as YAML the way kubectl reads it. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import Any, Iterator

from ansible_collections.edgefed.kubefed.plugins.module_utils.kubeconfig.dialect import (
    BOOL,
    FLOAT,
    INT,
    MERGE,
    NULL,
    STR,
    Loader,
    check_library,
    number,
    to_yaml,
)
from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import EdgefedError

try:
    import yaml
except ImportError:
    yaml = None  # type: ignore[assignment]

SECTIONS = {"clusters": "cluster", "users": "user", "contexts": "context"}
_TEXT, _FLAG = "text", "flag"
# A list's items and a mapping's "*" are all alike. Fields that are not here may be anything.
_TYPES: dict[str, dict[str, Any]] = {
    "cluster": {
        **dict.fromkeys(("server", "tls-server-name", "certificate-authority", "certificate-authority-data", "proxy-url"), _TEXT),
        **dict.fromkeys(("insecure-skip-tls-verify", "disable-compression"), _FLAG),
    },
    "user": {
        **dict.fromkeys(("client-certificate", "client-certificate-data", "client-key", "client-key-data"), _TEXT),
        **dict.fromkeys(("token", "tokenFile", "username", "password", "as", "as-uid"), _TEXT),
        "as-groups": [_TEXT],
        "as-user-extra": {"*": [_TEXT]},
        "auth-provider": {"name": _TEXT, "config": {"*": _TEXT}},
        "exec": {
            **dict.fromkeys(("command", "apiVersion", "installHint", "interactiveMode"), _TEXT),
            "args": [_TEXT],
            "env": [{"name": _TEXT, "value": _TEXT}],
            "provideClusterInfo": _FLAG,
        },
    },
    "context": dict.fromkeys(("cluster", "user", "namespace"), _TEXT),
}
# "<<" is a merge only as a key
_TEXT_TAGS = (STR, MERGE)
_NEXT = "Nothing was written. Next: correct the file, or name another one"


@dataclass(frozen=True)
class Entry:
    """One named cluster, user or context. ``extra`` are unknown fields beside ``name``; ``file`` is where it was read."""

    name: str
    body: dict[str, Any]
    extra: dict[str, Any] = field(default_factory=dict)
    file: str = field(default="", compare=False)


@dataclass(frozen=True)
class Kubeconfig:
    """A kubeconfig; ``rest`` holds the remaining top-level fields, known or not, as they are."""

    clusters: dict[str, Entry] = field(default_factory=dict)
    users: dict[str, Entry] = field(default_factory=dict)
    contexts: dict[str, Entry] = field(default_factory=dict)
    current_context: str = ""
    rest: dict[str, Any] = field(default_factory=dict)

    def section(self, name: str) -> dict[str, Entry]:
        """``clusters``, ``users`` or ``contexts`` by that name."""
        found: dict[str, Entry] = getattr(self, name)
        return found

    def document(self) -> dict[str, Any]:
        """The file's document, in kubectl's order of fields."""
        document: dict[str, Any] = {"apiVersion": "v1", "kind": "Config", "preferences": {}, **self.rest}
        document["current-context"] = self.current_context
        for section, kind in SECTIONS.items():
            entries = self.section(section).values()
            document[section] = [{**entry.extra, "name": entry.name, kind: entry.body} for entry in entries]
        return {key: document[key] for key in sorted(document)}


def dump(kubeconfig: Kubeconfig) -> str:
    """The kubeconfig as YAML text."""
    return to_yaml(kubeconfig.document())


def parse(content: bytes | str, file: str) -> Kubeconfig:
    """The model of a kubeconfig. ``file`` names it in errors.

    Raises :class:`EdgefedError` with code ``bad_kubeconfig``, and file, line and column, for what kubectl cannot read and
    for what rewriting would lose (a second document). Values, which may be secrets, are in no message.
    """
    check_library()
    reader = _Reader(file)
    root = reader.compose(_decode(content, file))
    if root is None:
        return Kubeconfig()
    fields = reader.mapping(root, "a kubeconfig")
    for key, wanted in (("apiVersion", "v1"), ("kind", "Config")):
        if key in fields and reader.text(fields[key], key) not in ("", wanted):
            raise reader.error(fields[key], f"{key} is not {wanted}, so this is no kubeconfig")
    current = reader.text(fields.pop("current-context", None), "current-context")
    sections = {section: reader.entries(fields.pop(section, None), section) for section in SECTIONS}
    rest = {key: reader.value(node) for key, node in fields.items()}
    return Kubeconfig(**sections, current_context=current, rest=rest)


def read_from(model: Kubeconfig, file: str) -> Kubeconfig:
    """The model with ``file`` as the place where each of its entries was read."""

    def named(entries: dict[str, Entry]) -> dict[str, Entry]:
        return {name: replace(entry, file=file) for name, entry in entries.items()}

    return replace(model, clusters=named(model.clusters), users=named(model.users), contexts=named(model.contexts))


def _decode(content: bytes | str, file: str) -> str:
    if isinstance(content, str):
        return content.removeprefix("\ufeff")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        column = error.start - content.rfind(b"\n", 0, error.start)
        raise _bad(file, line, column, "this is not UTF-8 text") from None


def _bad(file: str, line: int, column: int, problem: str) -> EdgefedError:
    return EdgefedError(
        f"{file}, line {line}, column {column}: {problem}. {_NEXT}.",
        code="bad_kubeconfig",
        details={"file": file, "line": line, "column": column},
    )


class _Reader:
    """Walks the YAML nodes, so that every complaint knows its line and column."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._inside: list[Any] = []

    def error(self, node: Any, problem: str) -> EdgefedError:
        mark = node.start_mark
        return _bad(self._file, mark.line + 1, mark.column + 1, problem)

    def compose(self, text: str) -> Any:
        """The root node, ``None`` for a file without content."""
        try:
            nodes = list(yaml.compose_all(text, Loader=Loader))
        except yaml.reader.ReaderError as error:
            before = text[: error.position]
            column = len(before) - before.rfind("\n")
            raise _bad(self._file, before.count("\n") + 1, column, "a character that YAML does not allow") from None
        except yaml.MarkedYAMLError as error:
            raise self._yaml_error(text, error) from None
        if len(nodes) > 1:
            raise self.error(nodes[1], "a second YAML document, which kubectl ignores and rewriting would lose")
        if not nodes or nodes[0].tag == NULL:
            return None
        return nodes[0]

    def _yaml_error(self, text: str, error: Any) -> EdgefedError:
        mark = error.problem_mark or error.context_mark
        # what stands in quotes comes from the file
        problem = re.sub(r"(?<=\s)('[^']{3,}'|\"[^\"]{3,}\")", "'…'", str(error.problem or "this is not YAML"))
        lines = text.splitlines()
        line = lines[mark.line] if mark.line < len(lines) else ""
        if "\t" in line[: mark.column + 1] and not line[: mark.column].strip():
            problem = "a tab where YAML wants spaces"
        return _bad(self._file, mark.line + 1, mark.column + 1, problem)

    def _descend(self, node: Any) -> None:
        if any(node is outer for outer in self._inside):
            raise self.error(node, "an anchor that contains itself")
        self._inside.append(node)

    def _pairs(self, node: Any) -> Iterator[tuple[str, Any]]:
        """Keys and values, those of ``<<`` first so that the mapping's own win."""
        own = []
        self._descend(node)
        for key, value in node.value:
            if key.tag == MERGE:
                for merged in value.value if isinstance(value, yaml.SequenceNode) else [value]:
                    if not isinstance(merged, yaml.MappingNode):
                        raise self.error(value, "<< needs a mapping")
                    yield from self._pairs(merged)
            else:
                own.append((self._key(key), value))
        self._inside.pop()
        yield from own

    def _key(self, node: Any) -> str:
        """Text; kubectl takes ``y`` and ``1`` too, and makes text of their values."""
        value = self._scalar(node) if isinstance(node, yaml.ScalarNode) else None
        if value is None or isinstance(value, float):
            raise self.error(node, "a key that is not text")
        return str(value).lower() if isinstance(value, bool) else str(value)

    def mapping(self, node: Any, what: str) -> dict[str, Any]:
        """The value nodes by key; ``{}`` for null."""
        if node is None or node.tag == NULL:
            return {}
        if not isinstance(node, yaml.MappingNode):
            raise self.error(node, f"{what} must be a mapping")
        return dict(self._pairs(node))

    def text(self, node: Any, what: str) -> str:
        """A string; ``""`` for null."""
        if node is None or node.tag == NULL:
            return ""
        if not isinstance(node, yaml.ScalarNode) or node.tag not in _TEXT_TAGS:
            raise self.error(node, f"{what} must be text; write it in quotes")
        return str(self.value(node))

    def entries(self, node: Any, section: str) -> dict[str, Entry]:
        """The named entries of one section."""
        kind = SECTIONS[section]
        found: dict[str, Entry] = {}
        lines: dict[str, int] = {}
        for item in self._items(node, section):
            fields = self.mapping(item, f"an entry of {section}")
            name = self.text(fields.pop("name", None), "name")
            if name in found:
                raise self.error(item, f"duplicate {kind} {name!r}, which is already in line {lines[name]}")
            body = self._body(fields.pop(kind, None), kind, name)
            lines[name] = item.start_mark.line + 1
            found[name] = Entry(name, body, {key: self.value(value) for key, value in fields.items()}, self._file)
        return found

    def _items(self, node: Any, what: str) -> list[Any]:
        if node is None or node.tag == NULL:
            return []
        if not isinstance(node, yaml.SequenceNode):
            raise self.error(node, f"{what} must be a list")
        return list(node.value)

    def _body(self, node: Any, kind: str, name: str) -> dict[str, Any]:
        what = f"{kind} {name!r}"
        fields = self.mapping(node, what)
        if node is not None:
            self._check(node, _TYPES[kind], what)
        self._extensions(fields.get("extensions"), f"extensions of {what}")
        return {key: self.value(value) for key, value in fields.items()}

    def _check(self, node: Any, wanted: Any, what: str) -> None:
        if wanted == _TEXT:
            self.text(node, what)
        elif wanted == _FLAG:
            if node.tag not in (BOOL, NULL):
                raise self.error(node, f"{what} must be true or false")
        elif isinstance(wanted, list):
            for item in self._items(node, what):
                self._check(item, wanted[0], f"an item of {what}")
        else:
            for key, value in self.mapping(node, what).items():
                inner = wanted.get(key, wanted.get("*"))
                if inner:
                    self._check(value, inner, f"{key} of {what}")

    def _extensions(self, node: Any, what: str) -> None:
        names = set()
        for item in self._items(node, what):
            name = self.text(self.mapping(item, what).get("name"), f"name in {what}")
            if name in names:
                raise self.error(item, f"duplicate extension {name!r} in {what}")
            names.add(name)

    def value(self, node: Any) -> Any:
        """The node as JSON value."""
        if isinstance(node, yaml.MappingNode):
            return {key: self.value(value) for key, value in self._nested(node)}
        if isinstance(node, yaml.SequenceNode):
            self._descend(node)
            values = [self.value(item) for item in node.value]
            self._inside.pop()
            return values
        return self._scalar(node)

    def _nested(self, node: Any) -> Iterator[tuple[str, Any]]:
        pairs = dict(self._pairs(node))
        self._descend(node)
        yield from pairs.items()
        self._inside.pop()

    def _scalar(self, node: Any) -> Any:
        text = str(node.value)
        if node.tag == NULL:
            return None
        if node.tag == BOOL:
            return text.lower() in ("y", "yes", "true", "on")
        if node.tag in (FLOAT, INT):
            found = number(text)
            if found is None:
                raise self.error(node, "infinity or no number, which kubectl refuses")
            return found
        if node.tag not in _TEXT_TAGS:
            raise self.error(node, "a YAML tag that kubeconfigs do not have")
        if any("\ud800" <= character <= "\udfff" for character in text):
            raise self.error(node, "an escape that is no Unicode character")
        return text
