# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Images written without a container engine."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

from ansible_collections.edgefed.kubefed.plugins.module_utils.kind.archive import Image, sha256_of, write_archive, write_layer


def layer(path: Path, content: str) -> str:
    program = path.with_suffix(".program")
    program.write_text(content)
    program.chmod(0o755)
    write_layer(str(path), {"usr/bin/it": str(program)}, {"bin": "usr/bin"}, ("tmp",))
    return str(path)


def test_a_layer_holds_parents_before_children_and_is_roots(tmp_path: Path) -> None:
    with tarfile.open(layer(tmp_path / "a.tar", "x")) as tar:
        entries = tar.getmembers()
    names = [entry.name for entry in entries]
    assert names == ["tmp", "usr", "usr/bin", "bin", "usr/bin/it"]
    assert {(entry.uid, entry.gid) for entry in entries} == {(0, 0)}
    modes = {entry.name: entry.mode for entry in entries}
    assert modes["usr/bin/it"] == 0o755
    assert modes["tmp"] == 0o1777


def test_the_same_content_gives_the_same_bytes(tmp_path: Path) -> None:
    assert sha256_of(layer(tmp_path / "a.tar", "x")) == sha256_of(layer(tmp_path / "b.tar", "x"))


def test_an_archive_is_what_engines_load(tmp_path: Path) -> None:
    path = layer(tmp_path / "a.tar", "x")
    images = [Image(("nginx:1.17",), path, "amd64", {"Env": ["A=1"]}), Image(("nginx:1.14", "n:2"), path, "amd64", {"Env": ["A=2"]})]
    stream = io.BytesIO()
    ids = write_archive(stream, images)
    stream.seek(0)
    with tarfile.open(fileobj=stream) as tar:
        files = {entry.name: tar.extractfile(entry) for entry in tar.getmembers()}
        read = {name: file.read() for name, file in files.items() if file}
    manifest = json.loads(read["manifest.json"])
    assert [one["RepoTags"] for one in manifest] == [["nginx:1.17"], ["nginx:1.14", "n:2"]]
    assert len({one["Layers"][0] for one in manifest}) == 1, "a layer of both is there once"
    for one in manifest:
        config = json.loads(read[one["Config"]])
        assert config["rootfs"]["diff_ids"] == [f"sha256:{sha256_of(path)}"]
        assert ids[one["RepoTags"][0]] == "sha256:" + one["Config"].removesuffix(".json")
    assert ids["n:2"] == ids["nginx:1.14"] != ids["nginx:1.17"]
