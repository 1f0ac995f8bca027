# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""YAML text to objects that remember where each of their fields stands, so that every later message can name it. Pure.

Scalars are read as Kubernetes reads them: no dates, no base-60 numbers, keys are strings.
"""

from __future__ import annotations

import json
import re
import traceback
from dataclasses import dataclass, field
from typing import Any, Iterator, NoReturn, Union

try:
    import yaml
    from yaml.constructor import SafeConstructor

    IMPORT_ERROR = None
    Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

    class PlainLoader(Loader):  # type: ignore[misc]
        """Leaves unquoted scalars unread: PyYAML reads them otherwise than Kubernetes."""

        def resolve(self, kind: Any, value: Any, implicit: Any) -> Any:
            """The tag of a node that has none."""
            if kind is yaml.ScalarNode and implicit[0]:
                return MERGE if value == "<<" else PLAIN
            return super().resolve(kind, value, implicit)

except ImportError:
    IMPORT_ERROR = traceback.format_exc()

PLAIN, MERGE = "plain", "tag:yaml.org,2002:merge"
_TRUE = ("y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON")
_FALSE = ("n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF")
_CONSTANTS: dict[str, Any] = {
    **dict.fromkeys(_TRUE, True),
    **dict.fromkeys(_FALSE, False),
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
}
_NOT_A_NUMBER = re.compile(r"([-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN))\Z")
_INTEGER = re.compile(r"[-+]?(0[xX][0-9a-fA-F]+|0[bB][01]+|0[oO]?[0-7]+|0|[1-9][0-9]*)\Z")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?\Z")
_EXACT = 1e21
_SURROGATES = re.compile(r"(?<!\\)((?:\\\\)*)\\u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})")

Path = tuple[Union[str, int], ...]  # noqa: UP007
MAX_NODES = 200_000
# What a flush-left line after an empty "metadata:" or "spec:" may rightly be.
TOP_LEVEL = {"apiVersion", "kind", "metadata", "spec", "status", "data", "stringData", "binaryData", "type", "rules", "subjects", "roleRef"}
_SEPARATOR = re.compile(r"---(\s|$)")
# Blank lines, comments and directives (%YAML 1.2), which belong to the document after them.
_BEFORE = re.compile(r"\s*(#.*|%.*)?$")
_PARENT = re.compile(r"^(metadata|spec)\s*:\s*(#.*)?$")
_KEY = re.compile(r"^(\s*)(?:- +)?([A-Za-z0-9_./-]+)\s*:(\s|$)")


@dataclass(frozen=True)
class Place:
    """Where something stands: a file (or the name of an inline definition), line and column counted from 1, 0 when not known."""

    origin: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        return ":".join([self.origin, *(str(number) for number in (self.line, self.column) if number)])


@dataclass(frozen=True)
class Problem:
    """Something wrong with what the user gave. ``field`` is a path as ``spec.placement``; ``todo`` is the next step."""

    place: Place
    cause: str
    todo: str
    object: str = ""
    field: str = ""

    def __str__(self) -> str:
        about = ": ".join(part for part in (str(self.place), self.object, self.field, self.cause) if part)
        return f"{about}. Next: {self.todo}."

    def as_dict(self) -> dict[str, Any]:
        """For programs: ``{file, line, column, object, field, cause, next}``."""
        return {
            "file": self.place.origin,
            "line": self.place.line,
            "column": self.place.column,
            "object": self.object,
            "field": self.field,
            "cause": self.cause,
            "next": self.todo,
        }


@dataclass
class Document:
    """One object. ``marks`` holds (line, column) of each field's key, or of each item of a list, by its path; ``decisions`` what was
    decided when it was made of a plain one, and ``notices`` what the user is to know of that."""

    body: dict[str, Any]
    origin: str
    marks: dict[Path, tuple[int, int]] = field(default_factory=dict)
    decisions: list[Any] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)

    @property
    def kind(self) -> str:
        return str(self.body.get("kind") or "")

    @property
    def metadata(self) -> dict[str, Any]:
        found = self.body.get("metadata")
        return found if isinstance(found, dict) else {}

    @property
    def namespace(self) -> str:
        return str(self.metadata.get("namespace") or "")

    @property
    def name(self) -> str:
        return str(self.metadata.get("name") or "")

    @property
    def title(self) -> str:
        """``FederatedDeployment vrfederation/test``, as far as the parts are there."""
        name = "/".join(part for part in (self.namespace, self.name) if part)
        return " ".join(part for part in (self.kind, name) if part)

    def place(self, *path: str | int) -> Place:
        """The place of the field at ``path``, or of the nearest field above it that is there."""
        for length in range(len(path), -1, -1):
            if path[:length] in self.marks:
                return Place(self.origin, *self.marks[path[:length]])
        return Place(self.origin)

    def problem(self, path: Path, cause: str, todo: str) -> Problem:
        """A problem with the field at ``path``."""
        return Problem(self.place(*path), cause, todo, self.title, dotted(path))


def dotted(path: Path) -> str:
    """``("spec", "ports", 0)`` as ``spec.ports[0]``."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}"
    return text.lstrip(".")


def parse(text: str, origin: str) -> tuple[list[Document], list[Problem]]:
    """All objects of a YAML text, Lists opened, empty documents left out. A broken document does not hide the others."""
    documents: list[Document] = []
    problems: list[Problem] = []
    for first_line, chunk in _chunks(_json_as_yaml(text)):
        lost = _lost_indentation(chunk, origin, first_line)
        if lost:
            problems.append(lost)
            continue
        try:
            documents += _documents(chunk, origin, first_line)
        except _Refused as refused:
            problems.append(refused.problem)
        except yaml.YAMLError as error:
            problems.append(_syntax(error, chunk, origin, first_line))
        except RecursionError:
            todo = "write the repeated part out, or nest less"
            problems.append(Problem(Place(origin, first_line + 1), "an alias that holds itself, or far too much nesting", todo))
    return documents, problems


def from_value(value: Any, origin: str) -> tuple[list[Document], list[Problem]]:
    """Objects of an inline definition: a mapping, a YAML text, or a list of these."""
    if isinstance(value, str):
        return parse(value, origin)
    if isinstance(value, list):
        documents: list[Document] = []
        problems: list[Problem] = []
        for index, item in enumerate(value):
            more, wrong = from_value(item, f"{origin}[{index}]")
            documents += more
            problems += wrong
        return documents, problems
    if isinstance(value, dict):
        try:
            return list(_opened(Document(value, origin))), []
        except _Refused as refused:
            return [], [refused.problem]
    if value is None:
        return [], []
    return [], [Problem(Place(origin), f"this is {word(value)}, not an object", "give a mapping with apiVersion and kind")]


class _Refused(Exception):
    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.cause)
        self.problem = problem


def plain(text: str) -> Any:
    """An unquoted scalar as Kubernetes reads it (go-yaml 2). Raises :class:`ValueError` for what JSON has no number for."""
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if text[0] not in "+-.0123456789":
        return text
    if _NOT_A_NUMBER.match(text):
        raise ValueError(text)
    # Go reads no _ in a number that begins with a point
    bare = text.replace("_", "") if text[0] != "." else text
    if _INTEGER.match(bare):
        return _integer(bare)
    if _FLOAT.match(bare):
        value = float(bare)
        return text if value in (float("inf"), float("-inf")) else _short(value)
    return text


def _integer(text: str) -> int:
    digits = text.lstrip("+-").lower()
    base = {"0x": 16, "0b": 2, "0o": 8}.get(digits[:2], 8 if digits[0] == "0" and len(digits) > 1 else 10)
    return int(digits, base) * (-1 if text[0] == "-" else 1)


def _short(value: float) -> Any:
    """As Go writes it: 1.0 is 1, which an integer field takes."""
    return int(value) if value.is_integer() and abs(value) < _EXACT else value


def _json_as_yaml(text: str) -> str:
    """JSON may be indented by tabs and writes characters in two halves, YAML not; in JSON a bare tab is always mere space."""
    if not text.lstrip("\ufeff \t\r\n").startswith("{"):
        return text
    try:
        json.loads(text.lstrip("\ufeff"))
    except ValueError:
        return text
    return _SURROGATES.sub(lambda found: found[1] + _joined(found[2], found[3]), text.replace("\t", " "))


def _joined(high: str, low: str) -> str:
    return bytes.fromhex(high + low).decode("utf-16-be")


def _chunks(text: str) -> Iterator[tuple[int, str]]:
    """``(number of lines before it, text)`` of each document: ``---`` at the margin always ends one."""
    lines = text.lstrip("\ufeff").splitlines(keepends=True)
    start = 0
    for number, line in enumerate(lines):
        if _SEPARATOR.match(line) and not all(_BEFORE.match(each) for each in lines[start:number]):
            yield start, "".join(lines[start:number])
            start = number
    if lines:
        yield start, "".join(lines[start:])


def _lost_indentation(chunk: str, origin: str, before: int) -> Problem | None:
    parent: tuple[str, int] | None = None
    for number, line in enumerate(chunk.splitlines(), before + 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        key = _KEY.match(line)
        if parent and key and not key[1] and not line.startswith("-") and key[2] not in TOP_LEVEL:
            cause = f'"{key[2]}" stands at the margin, but belongs to "{parent[0]}" of line {parent[1]}: the indentation was lost'
            todo = (
                f'indent the lines that belong to "{parent[0]}" by two spaces, and so on further in; copies from a web page often lose it'
            )
            return Problem(Place(origin, number, 1), cause, todo)
        found = _PARENT.match(line)
        parent = (found[1], number) if found else None
    return None


def _syntax(error: Any, chunk: str, origin: str, before: int) -> Problem:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    lines = chunk.splitlines()
    row = min(mark.line, max(len(lines) - 1, 0)) if mark else 0
    for near in (row, row - 1):
        tab = _indenting_tab(lines[near]) if 0 <= near < len(lines) else -1
        if tab >= 0:
            todo = "replace it by spaces"
            return Problem(Place(origin, before + near + 1, tab + 1), "a tab where YAML wants spaces", todo)
    said = str(getattr(error, "problem", None) or "it cannot be read").rstrip(".")
    column = mark.column + 1 if mark else 0
    todo = "check the indentation and quotes of this line and the one above"
    return Problem(Place(origin, before + row + 1, column), f"not YAML: {said}", todo)


def _indenting_tab(line: str) -> int:
    head = line[: len(line) - len(line.lstrip(" \t-"))]
    return head.find("\t")


def _documents(chunk: str, origin: str, before: int) -> Iterator[Document]:
    for node in yaml.compose_all(chunk, Loader=PlainLoader):
        if node is None:
            continue
        builder = _Builder(origin, before)
        body = builder.build(node, ())
        if body is None:
            continue
        if not isinstance(body, dict):
            place = Place(origin, *builder.marks[()])
            raise _Refused(Problem(place, f"this document is {word(body)}, not an object", "begin it with apiVersion and kind"))
        yield from _opened(Document(body, origin, builder.marks))


def _opened(document: Document) -> Iterator[Document]:
    """The items of a ``List`` (or ``FederatedDeploymentList``), else the document itself."""
    items = document.body.get("items")
    if not (document.kind.endswith("List") and isinstance(items, list)):
        yield document
        return
    for index, item in enumerate(items):
        here: Path = ("items", index)
        marks = {path[2:]: mark for path, mark in document.marks.items() if path[:2] == here}
        if isinstance(item, dict):
            yield from _opened(Document(item, document.origin, marks))
        else:
            todo = "each item of a List is an object with apiVersion and kind"
            raise _Refused(Problem(document.place(*here), f"this item is {word(item)}, not an object", todo))


def word(value: Any) -> str:
    """What a JSON value is, in words."""
    names = {str: "a text", bool: "true or false", int: "a number", float: "a number", list: "a list", dict: "a mapping"}
    return "nothing" if value is None else names.get(type(value), "something else")


class _Builder:
    """Builds JSON values from YAML nodes, noting where each stands."""

    def __init__(self, origin: str, before: int) -> None:
        self.origin = origin
        self.before = before
        self.marks: dict[Path, tuple[int, int]] = {}
        self._scalars = SafeConstructor()
        self._nodes = 0

    def build(self, node: Any, path: Path) -> Any:
        self._nodes += 1
        if self._nodes > MAX_NODES:
            self._refuse(node, "the document is too large (or its aliases multiply)", "split it, or write the repeated parts out")
        self.marks.setdefault(path, self._mark(node))
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self.build(item, (*path, index)) for index, item in enumerate(node.value)]
        return self._scalar(node)

    def _mapping(self, node: Any, path: Path) -> dict[str, Any]:
        seen: dict[str, int] = {}
        for key, _value in node.value:
            name = self._name(key)
            if name in seen and key.tag != MERGE:
                todo = "keep one of the two; when they belong to different parents, indent each under its own"
                self._refuse(key, f'"{name}" is there twice (first in line {seen[name]})', todo)
            seen[name] = self._mark(key)[0]
        self._scalars.flatten_mapping(node)
        built: dict[str, Any] = {}
        for key, value in node.value:
            name = self._name(key)
            self.marks[(*path, name)] = self._mark(key)
            built[name] = self.build(value, (*path, name))
        return built

    def _name(self, key: Any) -> str:
        """A key as text: Kubernetes reads on, yes and 1 first, and then writes them as "true" and "1"."""
        if not isinstance(key, yaml.ScalarNode):
            self._refuse(key, "a key that is a list or a mapping", "use texts as keys")
        value = self._scalar(key) if key.tag != MERGE else key.value
        if value is None:
            self._refuse(key, "an empty key", "give the key a name, in quotes when it is to be null")
        return str(value).lower() if isinstance(value, bool) else str(value)

    def _scalar(self, node: Any) -> Any:
        tag = node.tag.rsplit(":", 1)[-1]
        if tag in ("str", "timestamp", "value", "binary"):
            return node.value
        if tag not in (PLAIN, "null", "bool", "int", "float"):
            todo = "remove it; for vaulted files use the option template"
            self._refuse(node, f"the tag {node.tag} is not YAML that Kubernetes knows", todo)
        try:
            return plain(node.value)
        except ValueError:
            self._refuse(node, f"{node.value} is not a number that JSON knows", "give a finite number, or quote it")

    def _mark(self, node: Any) -> tuple[int, int]:
        return self.before + node.start_mark.line + 1, node.start_mark.column + 1

    def _refuse(self, node: Any, cause: str, todo: str) -> NoReturn:
        raise _Refused(Problem(Place(self.origin, *self._mark(node)), cause, todo))
