# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Overrides by groups and hosts of the inventory, resolved to KubeFed's own: a list for each cluster. Pure.

Layers come in the order of their precedence, the weakest first. Of two for the same path the later one stands, and the decision is kept for
who asks. The later one also replaces what the earlier wrote below its path, as it would anyway when they were carried out one by one.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from typing import Any, Iterator

from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.fields import lookup
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.preview import (
    OverrideError,
    apply_overrides,
    operation,
    path_parts,
)

Object = dict[str, Any]
_NOTHING: Any = object()


@dataclass(frozen=True)
class Layer:
    """One item of overrides: ``values`` to merge into the object, ``patches`` in KubeFed's form (``{op?, path, value?}``).

    ``by`` tells people whose it is. ``clusters`` of ``None`` are all; empty ``kind``, ``name`` and ``namespace`` match every object.
    ``must`` is of what the task itself says: it has to be for some object, and the clusters that it names for those that get it.
    """

    by: str
    clusters: frozenset[str] | None = None
    kind: str = ""
    name: str = ""
    namespace: str = ""
    values: Object = field(default_factory=dict)
    patches: list[Object] = field(default_factory=list)
    must: bool = False

    def fits(self, body: Object) -> bool:
        """Whether it is for this object (a plain one, as its clusters get it)."""
        metadata = body["metadata"]
        wanted = ((self.kind, body["kind"]), (self.name, metadata.get("name")), (self.namespace, metadata.get("namespace")))
        return all(not want or want == got for want, got in wanted)


@dataclass(frozen=True)
class Decision:
    """In ``cluster`` the override of ``path`` is that of ``by``, and not that of ``over``."""

    cluster: str
    path: str
    by: str
    over: str

    def __str__(self) -> str:
        return f"cluster {self.cluster}: {self.path}: {self.by} wins over {self.over}"


class NoSuchItem(Exception):
    """``values`` name an item that a list of the object does not have. ``by`` is whose they are."""

    def __init__(self, path: str, known: list[str]) -> None:
        super().__init__(path)
        self.path = path
        self.known = known
        self.by = ""


@dataclass
class _Entry:
    override: Object
    layer: Layer

    @property
    def path(self) -> str:
        return str(self.override.get("path") or "")


def resolve(base: Object, layers: list[Layer], clusters: list[str]) -> tuple[list[Object], list[Decision]]:
    """KubeFed's ``spec.overrides`` for ``clusters``, and what was decided. ``base`` is the object before any override.

    Raises :class:`NoSuchItem`. A patch that does not apply stays in, for the checks of the manifest to tell.
    """
    overrides: list[Object] = []
    decisions: list[Decision] = []
    fitting = [layer for layer in layers if layer.fits(base)]
    for cluster in clusters:
        entries: list[_Entry] = []
        for layer in fitting:
            if layer.clusters is None or cluster in layer.clusters:
                decisions += [Decision(cluster, path, layer.by, over) for path, over in _add(base, entries, layer)]
        if entries:
            overrides.append({"clusterName": cluster, "clusterOverrides": [entry.override for entry in entries]})
    return overrides, list(dict.fromkeys(decisions))


def _add(base: Object, entries: list[_Entry], layer: Layer) -> list[tuple[str, str]]:
    """Puts one layer on top; gives ``(path, whose it was)`` of what had to go."""
    gone: list[tuple[str, str]] = []
    try:
        merged = list(_of_values(layer.values, _state(base, entries), ""))
    except NoSuchItem as error:
        error.by = layer.by
        raise
    for wanted in [*merged, *layer.patches]:
        dropped = [entry for entry in _covered(base, entries, wanted) if entry.layer is not layer]
        entries[:] = [entry for entry in entries if entry not in dropped]
        override = _as_needed(wanted, _state(base, entries)) if dropped else wanted
        if override:
            entries.append(_Entry(override, layer))
        gone += [(entry.path, entry.layer.by) for entry in dropped]
    return gone


def _covered(base: Object, entries: list[_Entry], wanted: Object) -> list[_Entry]:
    """The earlier overrides of which nothing is left once the later is carried out."""
    path = str(wanted.get("path") or "")
    found = [entry for entry in entries if entry.path == path or entry.path.startswith(path + "/")]
    if operation(wanted) != "add" or all(entry.path == path for entry in found):
        return found
    # into a list, add makes room instead of replacing
    inserts = isinstance(lookup(_state(base, entries), path_parts(path)[:-1], _NOTHING), list)
    return [entry for entry in found if entry.path == path or not inserts]


def _as_needed(override: Object, state: Object) -> Object | None:
    """The override for what is there once earlier ones are gone: replace where something is, add where not, nothing to remove twice."""
    there = lookup(state, path_parts(str(override.get("path") or "")), _NOTHING)
    if operation(override) == "remove":
        return None if there is _NOTHING else override
    if operation(override) == "replace" and there is _NOTHING:
        return {**override, "op": "add"}
    return override


def _state(base: Object, entries: list[_Entry]) -> Object:
    """The object after the overrides that apply."""
    with contextlib.suppress(OverrideError):
        return apply_overrides(base, [entry.override for entry in entries])
    state = base
    for entry in entries:
        with contextlib.suppress(OverrideError):
            state = apply_overrides(state, [entry.override])
    return state


def _of_values(values: Object, there: Any, path: str) -> Iterator[Object]:
    """Overrides that merge a mapping into an object; ``null`` takes a field away. Where the object has a list, a mapping's keys are the
    items' names, or their numbers."""
    for key, value in values.items():
        place = _item(there, str(key), path) if isinstance(there, list) else str(key)
        here = f"{path}/{place.replace('~', '~0').replace('/', '~1')}"
        old = lookup(there, [place], _NOTHING)
        if isinstance(value, dict) and value and isinstance(old, (dict, list)):
            yield from _of_values(value, old, here)
        elif value is None:
            if old is not _NOTHING:
                yield {"op": "remove", "path": here}
        elif old is _NOTHING:
            yield {"op": "add", "path": here, "value": value}
        elif old != value or isinstance(old, bool) != isinstance(value, bool):
            yield {"op": "replace", "path": here, "value": value}


def _item(items: list[Any], key: str, path: str) -> str:
    names = [str(item.get("name")) if isinstance(item, dict) and "name" in item else "" for item in items]
    if key in names:
        return str(names.index(key))
    if key.isdigit() and int(key) < len(items):
        return key
    raise NoSuchItem(f"{path}/{key}", [name for name in names if name] or [str(number) for number in range(len(items))])
