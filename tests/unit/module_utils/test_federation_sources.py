# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""YAML as Kubernetes reads it, with the place of every field; kubectl is the oracle where it knows."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from random import Random
from typing import Any

import pytest
import yaml
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ansible_collections.edgefed.kubefed.plugins.module_utils.federation import sources
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.sources import Document, Place, dotted, from_value, parse, plain

DATA = Path(__file__).resolve().parents[2] / "data"
OBJECT = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: x\n"


def one(text: str) -> Document:
    documents, problems = parse(text, "f.yaml")
    assert not problems, [str(problem) for problem in problems]
    (document,) = documents
    return document


def wrong(text: str) -> str:
    documents, problems = parse(text, "f.yaml")
    assert not documents
    (problem,) = problems
    return str(problem)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("1", 1),
        ("1.5", 1.5),
        ("0o17", 15),
        ("017", 15),
        ("y", True),
        ("Off", False),
        ("true", True),
        ("yes", True),
        ("null", None),
        ("~", None),
        ("", None),
        ("'1'", "1"),
        ("2024-01-01", "2024-01-01"),
        ("12:30:45", "12:30:45"),
        ("0x1F", 31),
        ("1e3", 1000),
        ("1.0e+3", 1000),
        ("1e400", "1e400"),
        ("=", "="),
        ("18446744073709551615", 2**64 - 1),
        ("-x", "-x"),
        ("!!str 5", "5"),
        ("|\n    a\n    b", "a\nb\n"),
        ("[a, {b: c}]", ["a", {"b": "c"}]),
    ],
)
def test_scalars(written: str, read: Any) -> None:
    assert one(f"{OBJECT}data:\n  key: {written}\n").body["data"]["key"] == read


def test_keys_are_texts() -> None:
    assert one("a: 1\n0x10: b\nyes: c\n'n': d\n").body == {"a": 1, "16": "b", "true": "c", "n": "d"}


def test_places() -> None:
    document = one("# comment\n---\nkind: X\nspec:\n  clusters:\n    - name: a\n    - name: b\n")
    assert document.place("kind") == Place("f.yaml", 3, 1)
    assert document.place("spec", "clusters", 1) == Place("f.yaml", 7, 7)
    assert document.place("spec", "clusters", 1, "name") == Place("f.yaml", 7, 7)
    assert document.place("spec", "clusters", 1, "nothing", 4) == Place("f.yaml", 7, 7)
    assert str(document.place()) == "f.yaml:3:1"
    assert str(document.problem(("spec", "clusters", 0), "bad", "do")) == "f.yaml:6:7: X: spec.clusters[0]: bad. Next: do."
    assert dotted(()) == ""


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("", []),
        ("---\n---\n", []),
        ("# only this\n", []),
        ("a: 1\n---\na: 2\n", [1, 2]),
        ("---\na: 1\n---\n\n---\na: 2\n...\n", [1, 2]),
        ("\ufeffa: 1\n", [1]),
        ("%YAML 1.1\n# c\n---\na: 1\n", [1]),
        ("# c\n\n---\na: 1\n---\n# c\n---\na: 2\n", [1, 2]),
        ("a: 1\r\n---\r\na: 2\r\n", [1, 2]),
        ('{"a": 1}', [1]),
        ('{\n\t"a": 1,\n\t"b": "\\t"\n}\n', [1]),
        ("a: 1\n--- # next\na: 2\n", [1, 2]),
        ("kind: List\nitems:\n- a: 1\n- a: 2\n", [1, 2]),
        ("kind: FederatedThingList\nitems:\n- kind: List\n  items: [{a: 3}]\n", [3]),
    ],
)
def test_documents(text: str, names: list[int]) -> None:
    documents, problems = parse(text, "f.yaml")
    assert ([document.body["a"] for document in documents], problems) == (names, [])


def test_places_in_lists_and_later_documents() -> None:
    documents, _ = parse("a: 1\n---\nkind: List\nitems:\n- metadata:\n    name: x\n", "f")
    assert str(documents[1].place("metadata", "name")) == "f:6:5"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a:\n\tb: 1\n", "f.yaml:2:1: a tab where YAML wants spaces. Next: replace it by spaces."),
        ("a:\n  b: 1\n  \tc: 2\n", "f.yaml:3:3: a tab"),
        ("a: 1\n---\nb:\n\tc: 1\n", ""),
        ("metadata:\nname: x\n", 'f.yaml:2:1: "name" stands at the margin, but belongs to "metadata" of line 1: the indentation was lost'),
        ("kind: X\nspec:\n\n# c\nplacement:\n", 'f.yaml:5:1: "placement" stands at the margin, but belongs to "spec" of line 2'),
        ("a: [1\n", "f.yaml:1:1: not YAML:"),
        ("a: 'x\n", "not YAML:"),
        ("a: b: c\n", "f.yaml:1:5: not YAML: mapping values are not allowed"),
        ("- a\n", "f.yaml:1:1: this document is a list, not an object. Next: begin it with apiVersion and kind."),
        ("text\n", "f.yaml:1:1: this document is a text"),
        ("kind: List\nitems: [1]\n", "f.yaml:2:9: this item is a number, not an object"),
        ("a: 1\nb: 2\na: 3\n", 'f.yaml:3:1: "a" is there twice (first in line 1)'),
        ("~: 1\n", "f.yaml:1:1: an empty key"),
        ("? [a]\n: 1\n", "f.yaml:1:3: a key that is a list or a mapping"),
        ("a: !vault x\n", "f.yaml:1:4: the tag !vault is not YAML that Kubernetes knows"),
        ("a: .inf\n", "f.yaml:1:4: .inf is not a number that JSON knows"),
        ("a: *b\n", "f.yaml:1:4: not YAML: found undefined alias"),
        ("a: 1\nb: \x00\n", "not YAML"),
        ("# c\n---\na: &x [*x]\n", "f.yaml:1: an alias that holds itself, or far too much nesting"),
        (f"a: {'[' * 5000}{']' * 5000}\n", "far too much nesting"),
        ("<<: 5\n", "f.yaml:1:5: not YAML: expected a mapping or list of mappings for merging"),
    ],
)
def test_refused(text: str, said: str) -> None:
    _, problems = parse(text, "f.yaml")
    (problem,) = problems
    assert said in str(problem)
    assert "Next: " in str(problem)


def test_a_broken_document_hides_no_other() -> None:
    documents, problems = parse("a: 1\n---\nb: [\n---\na: 2\n---\nc:\n\td: 1\n", "f")
    assert [document.body for document in documents] == [{"a": 1}, {"a": 2}]
    assert [problem.place.line for problem in problems] == [3, 8]


def test_aliases_that_multiply() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    assert "too large (or its aliases multiply)" in wrong("\n".join(lines))


def test_merge_keys() -> None:
    assert one("a: &x {b: 1, c: 2}\nd: {<<: *x, c: 3}\n").body["d"] == {"b": 1, "c": 3}


@pytest.mark.parametrize(
    ("value", "names", "said"),
    [
        ({"a": 1}, [1], []),
        ("a: 1\n---\na: 2", [1, 2], []),
        ([{"a": 1}, "a: 2", [{"a": 3}]], [1, 2, 3], []),
        ({"kind": "List", "items": [{"a": 1}]}, [1], []),
        (None, [], []),
        (5, [], ["vars: this is a number, not an object. Next: give a mapping with apiVersion and kind."]),
        ([{"a": 1}, True], [1], ["vars[1]: this is true or false, not an object. Next: give a mapping with apiVersion and kind."]),
        (["a:\n\tb"], [], ["vars[0]:2:1: a tab where YAML wants spaces. Next: replace it by spaces."]),
        (
            {"kind": "List", "items": [1]},
            [],
            ["vars: this item is a number, not an object. Next: each item of a List is an object with apiVersion and kind."],
        ),
    ],
)
def test_inline(value: Any, names: list[int], said: list[str]) -> None:
    documents, problems = from_value(value, "vars")
    assert [document.body["a"] for document in documents] == names
    assert [str(problem) for problem in problems] == said


def test_the_article_as_printed() -> None:
    for file in (DATA / "article_as_printed").iterdir():
        documents, problems = parse(file.read_text(), file.name)
        assert not documents
        assert [str(problem.place) for problem in problems] == [f"{file.name}:4:1"]


KEYS = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), min_size=1, max_size=8)
LEAVES = st.one_of(st.none(), st.booleans(), st.integers(-(10**12), 10**12), KEYS, st.text("0123456789:.eE+-_xo yn~", max_size=8))
VALUES = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3), max_leaves=12)


def only_texts_that_need_no_quotes(value: Any) -> bool:
    """PyYAML leaves out the quotes where Kubernetes reads 1e3 or y."""
    if isinstance(value, dict):
        return all(only_texts_that_need_no_quotes(item) for item in (*value, *value.values()))
    if isinstance(value, list):
        return all(map(only_texts_that_need_no_quotes, value))
    return not isinstance(value, str) or value in ("", ".inf", ".nan") or plain(value) == value


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(KEYS, VALUES, max_size=4), st.booleans())
def test_what_is_dumped_is_read_back(body: dict[str, Any], flow: bool) -> None:
    """Also that every field has a place, inside the text."""
    assume(only_texts_that_need_no_quotes(body))
    text = yaml.safe_dump({"kind": "X", **body}, allow_unicode=True, default_flow_style=flow)
    document = one(text)
    assert document.body == {"kind": "X", **body}
    rows = len(re.findall("\r\n|[\n\r\x85\u2028\u2029]", text))
    assert all(1 <= line <= rows for line, _column in document.marks.values())


@settings(max_examples=100, deadline=None)
@given(st.dictionaries(KEYS, VALUES, max_size=4))
def test_json_is_read_too(body: dict[str, Any]) -> None:
    assert one(json.dumps({"kind": "X", **body}, indent="\t")).body == {"kind": "X", **body}


SAMPLES = [
    "plain",
    "2024-01-01",
    "2024-01-01T00:00:00Z",
    "12:30",
    "é漢",
    "'it''s'",
    '"\\u00e9"',
    "!!str 5",
    "!!int 0x1f",
    "!!float 1",
    "-.5e3",
]
SAMPLES += ["1_000", "0_1", "1__0", "_1", "9223372036854775808", "18446744073709551616", "-9223372036854775808", "1e20", "1e21", "1e22"]
SAMPLES += ["0.1", "1.", "1.5e-7", "123456789.125", "0b101", "-0b11", "0o8", "08", "-017", "+0x1F", "0xg", "1e", "..", "+", ".", "-1-"]
SAMPLES += ["y", "Y", "yes", "Yes", "yEs", "on", "OFF", "No", "nO", "True", "tRUE", "~", "null", "Null", "NULL", "nULL", "=", "<"]


def as_kubectl_reads(text: str, folder: Path) -> Any:
    """The object as the project's own kubectl understands the text, without any server."""
    (folder / "x.yaml").write_text(text)
    command = ["kubectl", "--kubeconfig", "/dev/null", "label", "--local", "-f", str(folder / "x.yaml"), "test=1", "-o", "json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)["spec"]


def same_in_json(ours: Any, theirs: Any) -> bool:
    """kubectl's output has large integers rounded."""
    if isinstance(ours, int) and abs(ours) >= 2**63:
        return float(ours) == float(theirs)
    return (ours, type(ours)) == (theirs, type(theirs))


def test_scalars_as_kubectl_reads_them(tmp_path: Path) -> None:
    """As values and as keys; and some hundred that look like numbers."""
    random = Random(4)
    made = ["".join(random.choices("0123456789xob_eE.+-:", k=random.randint(1, 6))) for _ in range(600)]
    alphabet_is_fine = [text for text in made if not text.endswith(":") and not text.startswith((":", "- ", "-:"))]
    values = [*SAMPLES, *alphabet_is_fine]
    text = "apiVersion: x/v1\nkind: X\nmetadata:\n  name: x\nspec:\n"
    text += "".join(f"  k{number}: {sample}\n" for number, sample in enumerate(values))
    ours, theirs = one(text).body["spec"], as_kubectl_reads(text, tmp_path)
    different = {values[int(key[1:])]: (ours[key], theirs.get(key)) for key in ours if not same_in_json(ours[key], theirs.get(key))}
    assert different == {}


@pytest.mark.parametrize("key", ["y", "No", "1", "0x10", "017", "plain", "'1'", "1.5", "on", "2024-01-01"])
def test_keys_as_kubectl_reads_them(key: str, tmp_path: Path) -> None:
    text = f"apiVersion: x/v1\nkind: X\nmetadata:\n  name: x\nspec:\n  {key}: v\n"
    assert one(text).body["spec"] == as_kubectl_reads(text, tmp_path)


def test_library_is_there() -> None:
    assert sources.IMPORT_ERROR is None
