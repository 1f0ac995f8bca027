# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Kubeconfigs as kubectl reads and merges them: the project's own kubectl is the oracle."""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Sequence

import pytest
import yaml
from certificates import pair
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from ansible_collections.edgefed.kubefed.plugins.module_utils.kubeconfig.merge import merge_files
from ansible_collections.edgefed.kubefed.plugins.module_utils.kubeconfig.model import SECTIONS, Kubeconfig, dump, parse
from ansible_collections.edgefed.kubefed.plugins.module_utils.kubeconfig.read import read_sources
from ansible_collections.edgefed.kubefed.plugins.module_utils.kubeconfig.take import Source, Wishes, take
from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import EdgefedError

# another kubectl on the machine's PATH may dial a server, even for this
KUBECTL = Path(__file__).resolve().parents[3] / ".venv" / "bin" / "kubectl"
# shrinking a failure takes minutes of kubectl calls
QUICK = settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
Document = dict[str, Any]


def kubectl_view(files: Sequence[Path], *options: str) -> Document | None:
    """``kubectl config view`` of the files, normalised; ``None`` when it refuses them."""
    assert KUBECTL.exists(), f"{KUBECTL} is missing. Next: make tools"
    environment = {"PATH": "/nowhere", "HOME": "/nowhere", "KUBECONFIG": os.pathsep.join(map(str, files))}
    command = [str(KUBECTL), "config", "view", "--flatten", "--raw", "-o", "json", *options]
    done = subprocess.run(command, env=environment, capture_output=True, check=False)
    return normal(json.loads(done.stdout)) if done.returncode == 0 else None


def normal(document: Document) -> Document:
    """What the three sections and current-context say, whatever the order and however nothing is written."""
    found: Document = {"current-context": document.get("current-context") or ""}
    for section, kind in SECTIONS.items():
        found[section] = {item.get("name") or "": without_nothing(item.get(kind) or {}) for item in document.get(section) or []}
    return found


def without_nothing(value: Any) -> Any:
    """Empty values left out, as Go's omitempty does, and extensions by name."""
    if isinstance(value, dict):
        cleaned = {key: without_nothing(item) for key, item in value.items() if key != "extensions"}
        if value.get("extensions"):
            cleaned["extensions"] = {item["name"]: item["extension"] for item in value["extensions"]}
        return {key: item for key, item in cleaned.items() if item not in (None, "", False, [], {})}
    if isinstance(value, list):
        return [without_nothing(item) for item in value]
    return value


def ours(files: Sequence[Path]) -> Kubeconfig | None:
    """The files read and merged by us; ``None`` when we refuse them."""
    try:
        return merge_files([parse(file.read_bytes(), str(file)) for file in files])
    except EdgefedError as error:
        assert error.code == "bad_kubeconfig"
        assert "Next: " in error.message
        return None


NAMES = st.one_of(
    st.sampled_from(["kubernetes", "kubernetes-admin", "kubernetes-admin@kubernetes", "y", "1e3", "null", "城德", "a b", "x:1", "'"]),
    st.text(st.characters(exclude_categories=["Cs", "Cc", "Cn"]), min_size=1, max_size=8),
)
# a key such as 1e3, unquoted, we refuse: no need to guess how Go prints it
KEYS = NAMES.filter(lambda name: not re.match(r"[-+.0-9]*[.e]", name))
TEXT = st.one_of(
    NAMES, st.sampled_from(["", "on", "0x1F", "2001-01-01", "- a", "# no comment", "a\nb\n", " lead", "tail ", "%x", "{{ a }}"])
)
NUMBERS = st.one_of(st.integers(-(2**53), 2**53), st.booleans(), st.none(), st.floats(-1e6, 1e6))
JSON = st.recursive(
    st.one_of(TEXT, NUMBERS), lambda inner: st.one_of(st.lists(inner, max_size=2), st.dictionaries(KEYS, inner, max_size=2))
)
EXTENSIONS = st.dictionaries(NAMES, st.dictionaries(KEYS, JSON, max_size=2), max_size=2).map(
    lambda found: [{"name": name, "extension": {"kind": "Any", **value}} for name, value in found.items()]
)
EXEC = st.fixed_dictionaries(
    {
        "apiVersion": st.just("client.authentication.k8s.io/v1"),
        "command": NAMES.filter(lambda name: "/" not in name),
        "interactiveMode": st.just("Never"),
        "provideClusterInfo": st.booleans(),
    },
    optional={"args": st.lists(TEXT, max_size=2), "env": st.lists(st.fixed_dictionaries({"name": NAMES, "value": TEXT}), max_size=2)},
)
AUTH_PROVIDER = st.fixed_dictionaries({"name": NAMES, "config": st.dictionaries(KEYS, TEXT, max_size=2)})
CLUSTER = st.fixed_dictionaries(
    {"server": st.sampled_from(["https://127.0.0.1:6443", "https://[::1]:6443", "http://edge"])},
    optional={
        "tls-server-name": TEXT,
        "insecure-skip-tls-verify": st.booleans(),
        "disable-compression": st.booleans(),
        "proxy-url": TEXT,
        "certificate-authority-data": st.just(base64.b64encode(b"ca").decode()),
        "extensions": EXTENSIONS,
    },
)
USER = st.fixed_dictionaries(
    {},
    optional={
        "token": TEXT,
        "username": TEXT,
        "password": TEXT,
        "client-key-data": st.just(base64.b64encode(b"key").decode()),
        "as": TEXT,
        "as-groups": st.lists(NAMES, max_size=2),
        "as-user-extra": st.dictionaries(KEYS, st.lists(NAMES, min_size=1, max_size=2), max_size=2),
        "exec": EXEC,
        "auth-provider": AUTH_PROVIDER,
        "extensions": EXTENSIONS,
    },
)
CONTEXT = st.fixed_dictionaries(
    {"cluster": st.sampled_from(["kubernetes", "missing"]), "user": st.sampled_from(["kubernetes-admin", "missing"])},
    optional={"namespace": TEXT, "extensions": EXTENSIONS},
)


def named(kind: str, bodies: st.SearchStrategy[Document]) -> st.SearchStrategy[list[Document]]:
    """A section; sometimes with a name twice, which kubectl refuses."""
    item = st.fixed_dictionaries({"name": NAMES, kind: bodies})
    return st.one_of(st.lists(item, max_size=3, unique_by=lambda one: one["name"]), st.lists(item, max_size=2))


DOCUMENTS = st.fixed_dictionaries(
    {"apiVersion": st.just("v1"), "kind": st.just("Config")},
    optional={
        "clusters": named("cluster", CLUSTER),
        "users": named("user", USER),
        "contexts": named("context", CONTEXT),
        "current-context": st.one_of(NAMES, st.just("")),
        "preferences": st.just({}),
    },
)
WRITERS = (
    lambda document: yaml.safe_dump(document, allow_unicode=True),
    lambda document: yaml.safe_dump(document, default_flow_style=True, sort_keys=False),
    lambda document: yaml.safe_dump(document, default_style='"', width=30),
    json.dumps,
    lambda document: json.dumps(document, ensure_ascii=False, indent=1),
)
FILES = st.one_of(
    st.tuples(DOCUMENTS, st.sampled_from(WRITERS)).map(lambda drawn: str(drawn[1](drawn[0]))),
    st.sampled_from(["", "\n", "# nothing\n", "---\n", "{}", "null\n"]),
)


@QUICK
@given(st.lists(st.tuples(FILES, st.booleans()), min_size=1, max_size=3))
def test_merged_as_kubectl_merges_and_written_as_kubectl_reads(texts: list[tuple[str, bool]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        files = []
        for number, (text, crlf) in enumerate(texts):
            files.append(Path(folder, f"{number}.yaml"))
            files[-1].write_bytes((text.replace("\n", "\r\n") if crlf else text).encode())
        expected, merged = kubectl_view(files), ours(files)
        assert (merged is None) == (expected is None)
        if merged is None:
            return
        assert normal(merged.document()) == expected
        written = Path(folder, "written.yaml")
        written.write_text(dump(merged), encoding="utf-8")
        assert kubectl_view([written]) == expected
        assert parse(written.read_bytes(), "written") == parse(dump(merged), "merged")
        assert normal(yaml.safe_load(dump(merged))) == expected


PLAIN = """
y Y n yes No on OFF true FALSE null Null ~ 1 -1 +1 0 007 0o7 0x1F 0b11 1_000 1e3 1E-3 .5 5. 1.5 .inf .NaN
2001-01-01 2001-01-01T00:00:00Z 1:20 190:20:30 = << a:b a#b 'y' 'it''s' @a `a %a *a &a - ? : 城
"""
SCALARS = (
    *PLAIN.split(),
    "",
    "!!str",
    "!!str 5",
    "&a b",
    "[a]",
    "{a: b}",
    "a  b",
    "a: b",
    '"\\u00e9"',
    '"\\x41"',
    '"\\ud800"',
    '"\\ud83d\\ude00"',
    "|\n        a\n        b",
    ">-\n        a\n        b",
    "|",
    "'a",
    "\ta",
    "a\tb",
    "a # b",
)


@pytest.mark.parametrize("scalar", SCALARS)
def test_a_scalar_is_what_it_is_for_kubectl(scalar: str, tmp_path: Path) -> None:
    file = tmp_path / "config"
    file.write_text(f"users:\n- name: a\n  user:\n      token: {scalar}\n      password: x\n")
    merged, expected = ours([file]), kubectl_view([file])
    assert (merged and normal(merged.document())) == expected


REFERENCES = ("certificate-authority", "client-certificate", "client-key")


@pytest.mark.parametrize("style", ["relative", "absolute", "quoted", "flow", "double"])
def test_taken_and_embedded_as_kubectl_does(style: str, tmp_path: Path) -> None:
    """With a second file that has the same names, and other files of the same relative paths."""
    admin, ca = pair("admin"), pair("ca")
    texts = []
    for number, folder in enumerate((tmp_path / "a", tmp_path / "b b")):
        (folder / "pki").mkdir(parents=True)
        contents = dict(zip(REFERENCES, (ca.certificate, admin.certificate, admin.key), strict=True))
        paths = {}
        for field, content in contents.items():
            (folder / "pki" / f"{field}.pem").write_bytes(content)
            path = f"pki/{field}.pem"
            paths[field] = {"absolute": str(folder / path), "quoted": f"'{path}'", "double": f'"{path}"'}.get(style, path)
        cluster = f"server: https://edge{number}:6443, certificate-authority: {paths['certificate-authority']}"
        user = f"client-certificate: {paths['client-certificate']}, client-key: {paths['client-key']}"
        name = "kubernetes" if number == 0 else "other"
        if style == "flow":
            bodies = (f"cluster: {{{cluster}}}", f"user: {{{user}}}")
        else:
            bodies = tuple(f"{k}:\n    {b.replace(', ', chr(10) + '    ')}" for k, b in (("cluster", cluster), ("user", user)))
        texts.append(
            f"current-context: {name}\nclusters:\n- name: {name}\n  {bodies[0]}\nusers:\n- name: {name}\n  {bodies[1]}\n"
            f"contexts:\n- name: {name}\n  context: {{cluster: {name}, user: {name}, namespace: n{number}}}\n"
        )
        (folder / "config").write_text(texts[-1])
    files = [tmp_path / "a" / "config", tmp_path / "b b" / "config"]
    read = read_sources(os.pathsep.join(map(str, files)))
    contents = {(source["path"], path): base64.b64decode(data) for source in read for path, data in source["files"].items()}
    assert [source["problems"] for source in read] == [{}, {}]
    merged = merge_files([parse(source["content"], source["path"]) for source in read])
    for context in ("kubernetes", "other"):
        taken = take(Source(merged, "test", files=contents), Wishes("edge1", context=context), datetime.now(UTC))
        mine = normal(taken.kubeconfig().document())
        theirs = kubectl_view(files, "--minify", "--context", context)
        assert theirs is not None
        for section in SECTIONS:
            body = {key: value for key, value in mine[section]["edge1"].items() if key != "extensions"}
            renamed = {"cluster": "edge1", "user": "edge1"} if section == "contexts" else {}
            assert body == {**theirs[section][context], **renamed}
