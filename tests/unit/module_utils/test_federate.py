# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is given is read; failures are told in few lines, with a next step; no word of a secret."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ansible_collections.edgefed.kubefed.plugins.module_utils.client import ApiError
from ansible_collections.edgefed.kubefed.plugins.module_utils.federate.carry_out import TOLD_AT_MOST, held_by, not_applied, until
from ansible_collections.edgefed.kubefed.plugins.module_utils.federate.given import PACKED, Handed, packed, read, unpacked
from ansible_collections.edgefed.kubefed.plugins.module_utils.federate.missed import Missed, failure
from ansible_collections.edgefed.kubefed.plugins.module_utils.federate.options import Step, tiers
from ansible_collections.edgefed.kubefed.plugins.module_utils.federate.refuse import refuse, with_remedy
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.check import Resource
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.sources import Document, Place, Problem
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.status import WAITING, Verdict
from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import EdgefedError


def given(*src: Path | str, definition: Any = None, entries: list[tuple[str, Any]] | None = None) -> tuple[list[str], list[str]]:
    """Names of the documents, and the problems."""
    params = {"src": [str(path) for path in src], "definition": definition, "definition_name": "vars", "live": []}
    documents, problems = read({**params, PACKED: packed(Handed(entries))} if entries else params)
    return [document.name for document in documents], [str(problem) for problem in problems]


def manifest(name: str) -> str:
    return f"kind: X\nmetadata: {{name: {name}}}\n"


def test_folders_and_files(tmp_path: Path) -> None:
    for name in ("b.yaml", "a.yml", "sub/c.json", ".hidden.yaml", ".git/d.yaml", "notes.txt", "sub/deep/e.yaml"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(manifest(Path(name).stem) if not name.endswith("json") else '{"metadata": {"name": "c"}}')
    assert given(tmp_path) == (["a", "b", "c", "e"], [])
    assert given(tmp_path / "notes.txt", tmp_path / "b.yaml") == (["notes", "b"], [])


def test_what_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "latin1.yaml").write_bytes(b"a: \xe9\n")
    (tmp_path / "vault.yaml").write_text("$ANSIBLE_VAULT;1.1;AES256\n6162\n")
    (tmp_path / "none.yaml").write_text("# nothing\n")
    (tmp_path / "good.yaml").write_text(manifest("good"))
    names, said = given(*(tmp_path / name for name in ("nowhere", "empty", "latin1.yaml", "vault.yaml", "good.yaml")))
    assert names == ["good"], "one that cannot be read hides no other"
    for text, expected in zip(
        said,
        (
            "nowhere: there is no such file or folder (looked from ",
            "no manifest in this folder",
            "not UTF-8 text (byte 4)",
            "as template, which",
        ),
        strict=True,
    ):
        assert expected in text and "Next: " in text
    assert given(tmp_path / "none.yaml")[1] == [
        f"{tmp_path / 'none.yaml'}: there is no object in it. Next: give a file, a folder or a definition with at least one."
    ]


def test_inline_and_rendered() -> None:
    entries = [("t.yml.j2", manifest("one") + "---\n" + manifest("two")), ("vars", [{"metadata": {"name": "three"}}])]
    assert given(entries=entries) == (["one", "two", "three"], [])
    assert given(definition={"metadata": {"name": "x"}}) == (["x"], [])
    assert given(entries=[("t.yml.j2", "a:\n\tb: 1")])[1] == ["t.yml.j2:2:1: a tab where YAML wants spaces. Next: replace it by spaces."]
    assert given()[1] == [
        "src, definition and template: there is no object in it. Next: give a file, a folder or a definition with at least one."
    ]
    assert "vars: there is no object" in given(definition=[])[1][0]


def test_packed() -> None:
    problems = [Problem(Place("a", 1), "bad", "do")]
    handed = Handed([("b", {"c": [1]})], problems)
    assert unpacked(packed(handed)) == handed
    assert unpacked(None) == Handed()


def resource(name: str = "x", kind: str = "FederatedConfigMap") -> Resource:
    body = {"kind": kind, "metadata": {"name": name, "namespace": "ns"}}
    return Resource(Document(body, "in"), body, None)


def problem(line: int, origin: str = "b") -> Problem:
    return Problem(Place(origin, line), "bad", "do")


def test_refuse() -> None:
    refuse([])
    with pytest.raises(EdgefedError) as caught:
        refuse([problem(2), problem(1), problem(5, "a"), problem(1)])
    assert caught.value.message.split("\n") == [
        "3 problems with what was given; nothing was sent to any cluster.",
        "- a:5: bad. Next: do.",
        "- b:1: bad. Next: do.",
        "- b:2: bad. Next: do.",
    ]
    assert caught.value.details["problems"][0] == {
        "file": "a",
        "line": 5,
        "column": 0,
        "object": "",
        "field": "",
        "cause": "bad",
        "next": "do",
    }
    with pytest.raises(EdgefedError) as caught:
        refuse([problem(line) for line in range(1, 101)])
    assert caught.value.message.endswith("- and 60 more")
    assert len(caught.value.details["problems"]) == 100


WEBHOOK = 'Internal error occurred: failed calling webhook "x.example.com": connection refused'


@pytest.mark.parametrize(
    ("status", "message", "said"),
    [
        (
            500,
            WEBHOOK,
            "Next: bring the service of admission webhook x.example.com back, or remove its configuration; then run this again.",
        ),
        (403, 'admission webhook "x" denied the request: no.', "no. Next: change the object as this admission policy asks, or the policy."),
        (403, "forbidden", "Next: give the user of this context the right to do it, or use another context."),
        (404, "not found", "Next: check that KubeFed and its CRDs are complete (playbooks/control_plane.yml)."),
        (429, "slow", "Next: the API server is busy: run this again."),
        (503, "away", "Next: see the API server's log, then run this again."),
        (418, "tea", "Next: correct the object."),
    ],
)
def test_remedies(status: int, message: str, said: str) -> None:
    assert with_remedy(ApiError(message, status, "", {})).message.endswith(said)


def test_a_remedy_is_enough() -> None:
    for error in (EdgefedError("x"), ApiError("x. Next: y.", 500, "", {})):
        assert with_remedy(error) is error


def test_missed_in_few_lines() -> None:
    away = {"zj": "Offline: ClusterNotReachable, cluster is not reachable; address https://127.0.0.3:6443"}
    missed = [Missed(resource(f"c{number}"), "zj", Verdict(WAITING, "ClusterNotReady")) for number in range(8)]
    missed.append(Missed(resource("odd"), "cddev", Verdict(WAITING, "CreationFailed"), "no room in cddev."))
    error = failure(missed, away, "fed", 12.3)
    assert error.message.split("\n") == [
        "9 objects are in the host cluster, but after 12 s not in every cluster; the clusters not named have all.",
        "- cddev: FederatedConfigMap ns/odd: CreationFailed (no room in cddev). "
        "Next: see the events of the object: kubectl describe, in the host cluster.",
        "- zj: FederatedConfigMap ns/c0, FederatedConfigMap ns/c1, FederatedConfigMap ns/c2, FederatedConfigMap ns/c3, "
        "FederatedConfigMap ns/c4 and 3 more: the cluster is not ready (Offline: ClusterNotReachable, "
        "cluster is not reachable; address https://127.0.0.3:6443). Next: bring zj back "
        "and run again (its conditions: kubectl -n fed get kubefedcluster zj -o yaml).",
    ]
    assert error.details["clusters"] == ["cddev", "zj"] and len(error.details["missed"]) == 9


def test_tiers() -> None:
    steps = [
        Step(resource(name, kind), None, "create")
        for name, kind in (("a", "X"), ("b", "FederatedNamespace"), ("c", "Namespace"), ("d", "X"))
    ]
    assert [[step.resource.key[2] for step in tier] for tier in tiers(steps)] == [["c"], ["b"], ["a", "d"]]
    assert tiers([]) == []


@pytest.mark.parametrize(
    ("live", "said"),
    [
        ({"metadata": {"finalizers": ["a/b"]}, "spec": {"finalizers": ["kubernetes"]}}, "finalizer a/b, finalizer kubernetes"),
        (
            {"metadata": {}, "status": {"conditions": [{"status": "True", "message": "x remains"}, {"status": "False", "message": "y"}]}},
            "x remains",
        ),
        ({"metadata": {}}, "nothing says why"),
    ],
)
def test_held_by(live: dict[str, Any], said: str) -> None:
    assert held_by(live) == said


def test_until() -> None:
    looks = iter([False, False, True])
    assert until(lambda: next(looks), 5, 0.01)
    assert not until(lambda: False, 0.05, 0.01)


@pytest.mark.parametrize(
    ("errors", "count", "untried", "lines", "code"),
    [
        ({"A a": EdgefedError("gone. Next: wait.", "unreachable")}, 1, 0, ["gone. Next: wait."], "unreachable"),
        (
            {"A a": EdgefedError("bad", "api")},
            1,
            5,
            ["1 of 1 objects could not be applied; 5 more that need them were not tried.", "- bad"],
            "api",
        ),
        ({"A a": EdgefedError("bad", "api")}, 3, 0, ["1 of 3 objects could not be applied; the others are.", "- bad"], "api"),
        (
            {"A a": EdgefedError("gone", "unreachable"), "A b": EdgefedError("gone", "unreachable"), "A c": EdgefedError("bad", "api")},
            9,
            0,
            ["3 of 9 objects could not be applied; the others are.", "- gone", "- bad"],
            "apply",
        ),
    ],
)
def test_what_could_not_be_applied(errors: dict[str, EdgefedError], count: int, untried: int, lines: list[str], code: str) -> None:
    """The same reason is told once; programs get every object."""
    found = not_applied(errors, count, untried)
    assert (found.message.splitlines(), found.code, found.details["of"]) == (lines, code, count)
    assert [one["object"] for one in found.details["failed"]] == list(errors)


def test_a_thousand_reasons_are_a_few_lines() -> None:
    found = not_applied({f"A {number}": EdgefedError(f"bad {number}", "api") for number in range(1000)}, 1000)
    assert len(found.message.splitlines()) == TOLD_AT_MOST + 2 and found.message.endswith("- and 990 more")
    assert len(found.details["failed"]) == 1000
