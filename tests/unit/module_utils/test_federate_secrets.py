# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Secrets by keys of texts, base64 and files."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.edgefed.kubefed.plugins.module_utils.federate.given import Handed, packed, unpacked
from ansible_collections.edgefed.kubefed.plugins.module_utils.federate.secrets import Secret, Unreadable, identities_of, secrets_of
from ansible_collections.edgefed.kubefed.plugins.module_utils.federate.wish import Inventory

INVENTORY = Inventory({"all": ["local", "zj"], "edge": ["zj"]}, ["local", "zj"], ["local", "zj"])
HIDDEN = "hunter2-hunter2"
EVERYWHERE = {"clusterSelector": {}}


def no_file(path: str) -> bytes:
    raise Unreadable(f"there is no file {path}", "check the path")


def made(*items: Any, read: Any = no_file) -> tuple[list[Secret], list[str]]:
    found, problems = secrets_of(list(items), INVENTORY, EVERYWHERE, read)
    return found, [str(problem) for problem in problems]


def b64(content: bytes) -> str:
    return base64.b64encode(content).decode()


def test_three_ways_are_one() -> None:
    item = {
        "name": "login",
        "namespace": "shop",
        "type": "Opaque",
        "string_data": {"user": "né"},
        "data": {"blob": "AP8=\n"},
        "files": {"key": "a.key"},
    }
    (secret,), wrong = made(item, read=lambda path: f"{path}\0".encode())
    assert wrong == []
    assert secret.manifest == {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "login", "namespace": "shop"},
        "type": "Opaque",
        "data": {"user": b64("né".encode()), "blob": "AP8=", "key": b64(b"a.key\0")},
    }
    assert secret.wish.placement == EVERYWHERE
    assert unpacked(packed(Handed(secrets=[secret]))).secrets == [secret]


@given(st.binary())
def test_any_bytes_stay_what_they_are(content: bytes) -> None:
    (secret,), _wrong = made({"name": "x", "files": {"k": "f"}, "data": {"d": b64(content)}}, read=lambda path: content)
    assert {base64.b64decode(value) for value in secret.manifest["data"].values()} == {content}


def test_placement_and_overrides_of_its_own() -> None:
    overrides = [{"hosts": ["zj"], "string_data": {"password": "b"}}, {"groups": ["edge"], "data": {"password": "Yw=="}}]
    item = {"name": "x", "string_data": {"password": "a"}, "placement": {"hosts": ["zj", "local"]}, "overrides": overrides}
    (secret,), wrong = made(item)
    assert wrong == []
    assert secret.wish.placement == {"clusters": [{"name": "local"}, {"name": "zj"}]}
    assert [(layer.by, layer.values["data"]) for layer in secret.wish.layers] == [
        ("secrets[0].overrides[1] (group edge)", {"password": "Yw=="}),
        ("secrets[0].overrides[0] (hosts)", {"password": b64(b"b")}),
    ]


@pytest.mark.parametrize(
    ("item", "said"),
    [
        (HIDDEN, "secret: this is a text, not a mapping. Next: write name, namespace and data, string_data or files here."),
        ({"name": "x", "stringdata": {HIDDEN: HIDDEN}}, "secret.stringdata: unknown field. Next: did you mean secret.string_data."),
        ({"name": "x", "data": {"k": HIDDEN}}, "secret.data.k: this is not base64. Next: encode the value, or give it in string_data"),
        ({"name": "x", "data": {"k": "ä"}}, "secret.data.k: this is not base64. Next: encode the value, or give it in string_data"),
        (
            {"name": "x", "string_data": {"k": "\ud800"}},
            "secret.string_data.k: this holds half a character. Next: give it in data or files.",
        ),
        ({"name": "x", "string_data": {"pin": 1234}}, "secret.string_data.pin: this is a number, not a text. Next: write a text"),
        (
            {"name": "x", "string_data": HIDDEN},
            "secret.string_data: this is a text, not a mapping. Next: write keys with their values here.",
        ),
        ({"name": "x", "string_data": {"k": HIDDEN}, "data": {"k": "YQ=="}}, "secret.string_data.k: this key is there twice."),
        ({"name": "x", "files": {"k": "no.key"}}, "secret.files.k: there is no file no.key. Next: check the path."),
        ({"name": "x", "overrides": [{"hosts": ["zj"], "data": {"k": HIDDEN}}]}, "secret.overrides[0].data.k: this is not base64."),
        (
            {"name": "x", "overrides": [{"host": "zj"}]},
            "secret.overrides[0].host: unknown field. Next: did you mean secret.overrides[0].hosts.",
        ),
        (
            {"name": "x", "overrides": [{"hosts": ["zjj"], "data": {}}]},
            "overrides[0].hosts: the inventory has no host 'zjj'. Next: did you",
        ),
        ({"name": "x", "placement": {"groups": ["edg"]}}, "placement.groups: the inventory has no group 'edg'. Next: did you mean edge."),
    ],
)
def test_refused_by_key_and_never_by_value(item: Any, said: str) -> None:
    found, (message,) = made(item)
    assert message.startswith(f"secrets[0]: {said}") and HIDDEN not in message
    assert found == [] or "placement" not in said


def test_to_be_removed_nothing_of_it_is_read() -> None:
    (secret,), wrong = identities_of([{"name": "x", "namespace": "shop", "files": {"k": "no.key"}, "placement": {"hosts": ["gone"]}}])
    assert (secret.manifest["metadata"], "data" in secret.manifest, wrong) == ({"name": "x", "namespace": "shop"}, False, [])
    assert [str(problem) for problem in identities_of("x")[1]] == [
        "the task: secrets: this is a text, not a list. Next: write - name: … here."
    ]
