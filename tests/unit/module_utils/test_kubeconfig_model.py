# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a kubeconfig may not be, told with line and column and without its values; what rewriting keeps."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

from ansible_collections.edgefed.kubefed.plugins.module_utils.kubeconfig.model import Kubeconfig, dump, parse
from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import EdgefedError

SECRET = "hunter2-secret"


@pytest.mark.parametrize(
    ("text", "place", "problem"),
    [
        ("- a", (1, 1), "a kubeconfig must be a mapping"),
        ("hello", (1, 1), "a kubeconfig must be a mapping"),
        ("apiVersion: apps/v1", (1, 13), "apiVersion is not v1, so this is no kubeconfig"),
        ("kind: Deployment", (1, 7), "kind is not Config, so this is no kubeconfig"),
        ("clusters: 3", (1, 11), "clusters must be a list"),
        ("clusters:\n- a", (2, 3), "an entry of clusters must be a mapping"),
        ("clusters:\n- name: 5", (2, 9), "name must be text; write it in quotes"),
        ("clusters:\n- name: a\n  cluster: x", (3, 12), "cluster 'a' must be a mapping"),
        ("clusters:\n- name: a\n- name: a", (3, 3), "duplicate cluster 'a', which is already in line 2"),
        ("contexts:\n- name: a\n- {name: a}", (3, 3), "duplicate context 'a', which is already in line 2"),
        ("users:\n- name: a\n  user:\n    token: 5", (4, 12), "token of user 'a' must be text; write it in quotes"),
        ("users:\n- name: a\n  user: {as-groups: x}", (3, 21), "as-groups of user 'a' must be a list"),
        ("users:\n- name: a\n  user: {exec: {args: [1]}}", (3, 24), "an item of args of exec of user 'a' must be text; write it in quotes"),
        ("clusters: [{name: a, cluster: {insecure-skip-tls-verify: maybe}}]", (1, 58), "insecure-skip-tls-verify of cluster 'a' must be"),
        ("clusters: [{name: a, cluster: {extensions: [{name: x}, {name: x}]}}]", (1, 56), "duplicate extension 'x'"),
        ("current-context: [a]", (1, 18), "current-context must be text"),
        ("a: 1\n---\nb: 2", (3, 1), "a second YAML document"),
        ("a:\n\tb: 1", (2, 1), "a tab where YAML wants spaces"),
        ("a: 'b", (1, 6), "found unexpected end of stream"),
        ("a: &x [*x]", (1, 4), "an anchor that contains itself"),
        ("? [a]\n: b", (1, 3), "a key that is not text"),
        ("a: !!binary YQ==", (1, 4), "a YAML tag that kubeconfigs do not have"),
        ("a: .inf", (1, 4), "infinity or no number"),
        ("<<: x", (1, 5), "<< needs a mapping"),
        ("a: \x01", (1, 4), "a character that YAML does not allow"),
        ("a: b: c", (1, 5), "mapping values are not allowed"),
        (f"users:\n- name: a\n  user: {{token: {SECRET}: {SECRET}}}", (3, 31), "did not find expected ',' or '}'"),
        (f"users:\n- name: a\n  user:\n    token: *{SECRET}", (4, 12), "found undefined alias"),
    ],
)
def test_refused_with_file_line_and_column(text: str, place: tuple[int, int], problem: str) -> None:
    with pytest.raises(EdgefedError) as caught:
        parse(text, "/etc/kubernetes/admin.conf")
    error = caught.value
    assert error.code == "bad_kubeconfig"
    assert error.message.startswith(f"/etc/kubernetes/admin.conf, line {place[0]}, column {place[1]}: {problem}")
    assert "Next: " in error.message
    assert SECRET not in error.message
    assert (error.details["line"], error.details["column"]) == place


def test_not_utf8() -> None:
    with pytest.raises(EdgefedError, match="line 2, column 4: this is not UTF-8 text"):
        parse(b"a: b\nc: \xff", "f")


@pytest.mark.parametrize("text", ["", "\n", "# only a comment", "---", "null", "\ufeff", b"\xef\xbb\xbf", b"\xef\xbb\xbf{}"])
def test_nothing_is_an_empty_kubeconfig(text: bytes | str) -> None:
    assert parse(text, "f") == Kubeconfig()


def test_what_is_not_known_is_kept() -> None:
    document: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "Config",
        "preferences": {"colors": True},
        "extensions": [{"name": "minikube", "extension": {"n": 1.5, "none": None, "text": "1e3", "y": "y"}}],
        "somebody": {"deep": [[1, {"a": "城"}]]},
        "current-context": "x",
        "clusters": [{"name": "a", "cluster": {"server": "https://e", "new-field": [True]}, "beside": 1}],
        "users": [{"name": "a", "user": {"exec": {"command": "c", "args": ["on", ""], "new": None}}}],
        "contexts": [{"name": "x", "context": {"cluster": "a", "user": "a", "namespace": "0x1F"}}],
    }
    text = dump(parse(json.dumps(document), "f"))
    assert yaml.safe_load(text) == document
    assert dump(parse(text, "f")) == text


def test_anchors_and_merge_keys() -> None:
    text = """
base: &base {server: https://edge, proxy-url: http://proxy}
clusters:
- name: a
  cluster: {<<: *base, server: https://own}
- name: b
  cluster: {<<: [*base, {server: later, tls-server-name: t}]}
"""
    clusters = parse(text, "f").clusters
    assert clusters["a"].body == {"server": "https://own", "proxy-url": "http://proxy"}
    assert clusters["b"].body["tls-server-name"] == "t"
