# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The cache on a real file system: what is complete, what is thrown away, what a failed write says."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
import yaml

from ansible_collections.edgefed.kubefed.plugins.module_utils.tools.cache import Cache, default_root, storage_error
from ansible_collections.edgefed.kubefed.plugins.module_utils.tools.golang import recipe
from ansible_collections.edgefed.kubefed.plugins.module_utils.tools.model import load_table
from ansible_collections.edgefed.kubefed.plugins.module_utils.tools.plan import Stamp

VARIABLES = yaml.safe_load((Path(__file__).resolve().parents[3] / "roles" / "tools" / "vars" / "main.yml").read_text())
TOOLS = load_table(VARIABLES["_tools_table"], "amd64", {}).tools
KUBEFED = TOOLS["kubefed"]


def put(cache: Cache, content: str) -> None:
    with cache.staged(KUBEFED, "build", "r") as folder:
        (Path(folder) / "kubefed").write_text(content)


def test_a_tool_appears_complete_with_its_links(tmp_path: Path) -> None:
    cache = Cache(str(tmp_path))
    with cache.staged(KUBEFED, "build", "r") as folder:
        (Path(folder) / "kubefed").write_text("binary")
        assert cache.stamp(KUBEFED) == (None, 0)
        assert not Path(cache.folder(KUBEFED)).exists()
    assert cache.stamp(KUBEFED) == (Stamp("build", 6, "r"), 6)
    assert os.readlink(os.path.join(cache.folder(KUBEFED), "webhook")) == "kubefed"
    assert os.access(cache.binary(KUBEFED), os.X_OK)


def test_a_failed_attempt_leaves_what_was_there(tmp_path: Path) -> None:
    cache = Cache(str(tmp_path))
    put(cache, "old")
    with pytest.raises(KeyError), cache.staged(KUBEFED, "build") as folder:
        (Path(folder) / "kubefed").write_text("half")
        raise KeyError
    assert Path(cache.binary(KUBEFED)).read_text() == "old"
    assert sorted(os.listdir(tmp_path / "kubefed")) == ["0.10.0"]
    put(cache, "newer")
    assert Path(cache.binary(KUBEFED)).read_text() == "newer"
    assert sorted(os.listdir(tmp_path / "kubefed")) == ["0.10.0"]


def test_leftovers_of_a_killed_run_are_thrown_away(tmp_path: Path) -> None:
    cache = Cache(str(tmp_path))
    for leftover in ("0.10.0.part", "0.10.0.old"):
        (tmp_path / "kubefed" / leftover).mkdir(parents=True)
        (tmp_path / "kubefed" / leftover / "kubefed").write_text("half")
    put(cache, "whole")
    assert Path(cache.binary(KUBEFED)).read_text() == "whole"
    assert sorted(os.listdir(tmp_path / "kubefed")) == ["0.10.0"]


@pytest.mark.parametrize("damage", ["truncate", "no_link", "no_stamp", "bad_stamp", "no_binary"])
def test_a_damaged_tool_is_not_complete(tmp_path: Path, damage: str) -> None:
    cache = Cache(str(tmp_path))
    put(cache, "whole")
    folder = Path(cache.folder(KUBEFED))
    if damage == "truncate":
        (folder / "kubefed").write_text("who")
    elif damage == "bad_stamp":
        (folder / ".edgefed.json").write_text("{")
    else:
        (folder / {"no_link": "webhook", "no_stamp": ".edgefed.json", "no_binary": "kubefed"}[damage]).unlink()
    stamp, size = cache.stamp(KUBEFED)
    assert stamp is None or stamp.size != size


@pytest.mark.parametrize(
    ("number", "code", "words"),
    [
        (errno.ENOSPC, "disk_full", "The disk is full"),
        (errno.EDQUOT, "disk_full", "The disk is full"),
        (errno.EROFS, "cache_read_only", "Read-only file system"),
        (errno.EACCES, "cache_read_only", "Permission denied"),
        (errno.EIO, "cache", "Input/output error"),
    ],
)
def test_storage_errors(number: int, code: str, words: str) -> None:
    error = storage_error(OSError(number, os.strerror(number), "/cache/helm"), "/elsewhere")
    assert error.code == code
    assert words in error.message
    assert "/cache/helm" in error.message
    assert "Next: " in error.message


def test_default_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/x")
    assert default_root() == "/x/edgefed"
    monkeypatch.setenv("XDG_CACHE_HOME", "")
    monkeypatch.setenv("HOME", "/home/me")
    assert default_root() == "/home/me/.cache/edgefed"


def test_a_recipe_changes_with_the_go_module_and_the_flags(tmp_path: Path) -> None:
    (tmp_path / "go.mod").write_text("module a\n")
    (tmp_path / "main.go").write_text("package main\n")
    first = recipe(str(tmp_path), "-s")
    (tmp_path / "README").write_text("nothing that is built")
    assert recipe(str(tmp_path), "-s") == first
    assert recipe(str(tmp_path), "-w") != first
    (tmp_path / "main.go").write_text("package main\n\n")
    assert recipe(str(tmp_path), "-s") != first
