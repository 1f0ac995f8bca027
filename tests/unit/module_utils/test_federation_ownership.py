# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""When a server-side apply changes nothing, told by managedFields alone. That the API server agrees is tested in the lab."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.ownership import owns, same_value, unchanged_by

API = "apps/v1"
Body = dict[str, Any]


def applied(wanted: Body, fields: Body, there: Body | None = None, others: list[Body] | None = None, **entry: str) -> Body:
    """An object that has ``there`` (by default what was wanted), of which we own ``fields``."""
    ours = {"manager": "edgefed", "operation": "Apply", "apiVersion": API, "fieldsV1": fields, **entry}
    theirs = [{"manager": f"other{number}", "operation": "Update", "fieldsV1": found} for number, found in enumerate(others or [])]
    body = wanted if there is None else there
    return {**body, "metadata": {"name": "x", "namespace": "n", **body.get("metadata", {}), "managedFields": [*theirs, ours]}}


def manifest(wanted: Body) -> Body:
    return {**wanted, "apiVersion": API, "kind": "X", "metadata": {"name": "x", "namespace": "n", **wanted.get("metadata", {})}}


PORT = 'k:{"port":80,"protocol":"TCP"}'
CASES: dict[str, tuple[Body, Body, Body | None, list[Body], bool]] = {
    # name: wanted, what we own, what is there (None: as wanted), what others own, whether it is a no-op
    "scalar": ({"spec": {"a": 1}}, {"f:spec": {"f:a": {}}}, None, [], True),
    "other value": ({"spec": {"a": 1}}, {"f:spec": {"f:a": {}}}, {"spec": {"a": 2}}, [], False),
    "1 is not true": ({"spec": {"a": 1}}, {"f:spec": {"f:a": {}}}, {"spec": {"a": True}}, [], False),
    "defaulted beside it": ({"spec": {"a": 1}}, {"f:spec": {"f:a": {}}}, {"spec": {"a": 1, "b": 5}}, [{"f:spec": {"f:b": {}}}], True),
    "taken over": ({"spec": {"a": 1, "b": 1}}, {"f:spec": {"f:b": {}}}, None, [{"f:spec": {"f:a": {}}}], False),
    "shared": ({"spec": {"a": 1}}, {"f:spec": {"f:a": {}}}, None, [{"f:spec": {"f:a": {}}}], True),
    "dropped from the source": ({"spec": {"a": 1}}, {"f:spec": {"f:a": {}, "f:b": {}}}, {"spec": {"a": 1, "b": 1}}, [], False),
    "null": ({"spec": {"a": None}}, {"f:spec": {"f:a": {}}}, {"spec": {}}, [], False),
    "empty": ({"spec": {"a": {}}}, {"f:spec": {"f:a": {}}}, None, [], True),
    "empty, filled by others": ({"a": {}}, {"f:a": {}}, {"a": {"b": 1}}, [{"f:a": {"f:b": {}}}], False),
    "was empty": ({"a": {"b": 1}}, {"f:a": {}}, None, [{"f:a": {".": {}, "f:b": {}}}], False),
    "atomic map": ({"spec": {"a": {"b": 1}}}, {"f:spec": {"f:a": {}}}, None, [{"f:spec": {"f:a": {}}}], True),
    "atomic list": ({"spec": {"a": [{"n": 1}, 2]}}, {"f:spec": {"f:a": {}}}, None, [], True),
    "atomic list, longer": ({"spec": {"a": [1]}}, {"f:spec": {"f:a": {}}}, {"spec": {"a": [1, 2]}}, [], False),
    "set": ({"l": ["a", "b"]}, {"f:l": {'v:"a"': {}, 'v:"b"': {}}}, {"l": ["c", "a", "b"]}, [{"f:l": {'v:"c"': {}}}], True),
    "set, other order": ({"l": ["a", "b"]}, {"f:l": {'v:"a"': {}, 'v:"b"': {}}}, {"l": ["b", "a"]}, [], False),
    "set, one dropped": ({"l": ["a"]}, {"f:l": {'v:"a"': {}, 'v:"b"': {}}}, {"l": ["a", "b"]}, [], False),
    "items by index": ({"l": ["a"]}, {"f:l": {"i:0": {}}}, None, [], False),
    "keyed": ({"l": [{"n": "a", "v": 1}]}, {"f:l": {'k:{"n":"a"}': {".": {}, "f:n": {}, "f:v": {}}}}, None, [], True),
    "keyed, beside others'": (
        {"l": [{"n": "b"}]},
        {"f:l": {'k:{"n":"b"}': {".": {}, "f:n": {}}}},
        {"l": [{"n": "a", "v": 2}, {"n": "b", "w": 3}]},
        [],
        True,
    ),
    "keyed, other value": (
        {"l": [{"n": "a", "v": 1}]},
        {"f:l": {'k:{"n":"a"}': {"f:n": {}, "f:v": {}}}},
        {"l": [{"n": "a", "v": 2}]},
        [],
        False,
    ),
    "keyed, other order": (
        {"l": [{"n": "a"}, {"n": "b"}]},
        {"f:l": {'k:{"n":"a"}': {"f:n": {}}, 'k:{"n":"b"}': {"f:n": {}}}},
        {"l": [{"n": "b"}, {"n": "a"}]},
        [],
        False,
    ),
    "keyed, one more wanted": ({"l": [{"n": "a"}, {"n": "b"}]}, {"f:l": {'k:{"n":"a"}': {"f:n": {}}}}, None, [], False),
    "a key by default": (
        {"l": [{"port": 80}]},
        {"f:l": {PORT: {".": {}, "f:port": {}}}},
        {"l": [{"port": 80, "protocol": "TCP"}]},
        [],
        True,
    ),
    "a key now written": (
        {"l": [{"port": 80, "protocol": "TCP"}]},
        {"f:l": {PORT: {".": {}, "f:port": {}}}},
        {"l": [{"port": 80, "protocol": "TCP"}]},
        [],
        False,
    ),
    "labels": ({"metadata": {"labels": {"a": "b"}}}, {"f:metadata": {"f:labels": {".": {}, "f:a": {}}}}, None, [], True),
    "no labels any more": ({}, {"f:metadata": {"f:labels": {"f:a": {}}}}, {"metadata": {"labels": {"a": "b"}}}, [], False),
}


@pytest.mark.parametrize("name", CASES)
def test_cases(name: str) -> None:
    wanted, fields, there, others, noop = CASES[name]
    assert unchanged_by(manifest(wanted), applied(wanted, fields, there, others)) == noop


@pytest.mark.parametrize("entry", [{"manager": "kubectl"}, {"operation": "Update"}, {"subresource": "status"}, {"apiVersion": "apps/v2"}])
def test_an_entry_that_is_not_ours(entry: dict[str, str]) -> None:
    assert not unchanged_by(manifest({"a": 1}), applied({"a": 1}, {"f:a": {}}, **entry))


# --- a model of what an API server keeps ---
#
# The first letter of a field tells what it is: m a map, a an atomic list, k a list with the key "x", s a set, x a scalar. A field of
# others' begins with o.

SCALARS = st.none() | st.booleans() | st.integers(-2, 2) | st.sampled_from(["", "a", "1", "true"])
ATOMIC = st.lists(SCALARS | st.dictionaries(st.sampled_from("xy"), SCALARS, max_size=2), max_size=3)
ITEMS = st.lists(st.sampled_from("abcd"), unique=True, max_size=3)


def _map(below: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    keyed = st.lists(st.tuples(st.sampled_from("abcd"), below), unique_by=lambda pair: pair[0], max_size=3).map(
        lambda pairs: [{**inside, "x": key} for key, inside in pairs]
    )
    fields = {"x1": SCALARS, "x2": SCALARS, "a1": ATOMIC, "s1": ITEMS, "k1": keyed, "m1": below, "m2": below}
    return st.fixed_dictionaries({}, optional=fields)


WANTED = st.recursive(st.fixed_dictionaries({}, optional={"x1": SCALARS, "a1": ATOMIC}), _map, max_leaves=5).filter(bool)


def owned(name: str, value: Any) -> Body:
    """``fieldsV1`` of a value that was applied."""
    if name[0] == "m":
        return {".": {}, **{f"f:{key}": owned(key, inside) for key, inside in value.items()}}
    if name[0] == "k":
        return {f"k:{json.dumps({'x': item['x']})}": owned("m", item) for item in value}
    return {f"v:{json.dumps(item)}": {} for item in value} if name[0] == "s" else {}


def kept(name: str, value: Any) -> Any:
    """What the server has of it, with what others put beside."""
    if name[0] == "m" and value:
        return {**{key: kept(key, inside) for key, inside in value.items()}, "o1": {"defaulted": True}}
    if name[0] == "k" and value:
        return [{"x": "others", "o1": 1}, *(kept("m", item) for item in value)]
    return ["others", *value, "more"] if name[0] == "s" and value else value


def changes(name: str, value: Any) -> list[Any]:
    """Every value that differs from ``value`` in one place: one field more, less, or other."""
    if name[0] == "m":
        less = [{key: inside for key, inside in value.items() if key != left} for left in value]
        other = [{**value, key: changed} for key, inside in value.items() for changed in changes(key, inside)]
        return [*less, *other, {**value, "x9": 1}, {**value, "m9": {}}]
    if name[0] == "k":
        items = [
            [*value[:at], changed, *value[at + 1 :]]
            for at, item in enumerate(value)
            for changed in changes("m", item)
            if changed.get("x") == item["x"]
        ]
        return [*items, *_lists(value, {"x": "new"})]
    if name[0] == "s":
        return _lists(value, "new")
    if name[0] == "a":
        return [*_lists(value, 9), *([[*value[:-1], [value[-1]]]] if value else [])]
    return [other for other in (None, True, False, 0, 1, "a", "1", "true") if not same_value(other, value)]


def _lists(value: list[Any], new: Any) -> list[list[Any]]:
    turned = [value[::-1]] if not same_value(value[::-1], value) else []
    return [[*value, new], *turned, *([value[1:]] if value else [])]


def live(wanted: Body) -> Body:
    return applied({}, {key: inside for key, inside in owned("m", wanted).items() if key != "."}, kept("m", wanted))


@given(WANTED)
def test_what_was_applied_is_a_no_op_whatever_others_add(wanted: Body) -> None:
    assert unchanged_by(manifest(wanted), live(wanted))


@given(WANTED)
def test_every_change_of_the_manifest_is_seen(wanted: Body) -> None:
    there = live(wanted)
    for changed in changes("m", wanted):
        assert not unchanged_by(manifest(changed), there), changed


@given(WANTED, st.data())
def test_what_another_took_over_is_seen(wanted: Body, data: st.DataObject) -> None:
    """Who takes over a field by force takes it out of our entry."""
    there = live(wanted)
    entry = there["metadata"]["managedFields"][0]
    entry["fieldsV1"] = fields = copy.deepcopy(entry["fieldsV1"])
    while True:
        name = data.draw(st.sampled_from(sorted(name for name in fields if name != ".")))
        below = {key: inside for key, inside in fields[name].items() if key != "."}
        if not below or data.draw(st.booleans()):
            del fields[name]
            break
        fields = fields[name]
    assume(entry["fieldsV1"])
    assert not unchanged_by(manifest(wanted), there)


def test_owned_as_a_whole() -> None:
    wanted = {"spec": {"overrides": [1], "placement": {"clusters": []}}}
    there = applied(
        wanted, {"f:spec": {"f:overrides": {}, "f:placement": {".": {}, "f:clusters": {}}}}, others=[{"f:spec": {"f:template": {}}}]
    )
    assert owns(there, "spec", "overrides")
    assert owns(there, "spec", "placement", "clusters")
    assert not owns(there, "spec", "placement"), "of it we own a part"
    assert not owns(there, "spec", "template"), "another owns it"
    assert not owns({"metadata": {}}, "spec", "overrides")
