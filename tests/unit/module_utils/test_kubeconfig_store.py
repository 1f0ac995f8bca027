# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The file on disk: whole or not at all, private, locked, with real files, processes and kills."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from ansible_collections.edgefed.kubefed.plugins.module_utils.kubeconfig.store import Store
from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import EdgefedError

REPOSITORY = Path(__file__).resolve().parents[3]
NOBODY = 65534
LOCK_AND_SLEEP = """
import sys, time
from ansible_collections.edgefed.kubefed.plugins.module_utils.kubeconfig.store import Store
with Store(sys.argv[1]).locked("cluster other", 5):
    print("locked", flush=True)
    time.sleep(float(sys.argv[2]))
"""
WRITE_FOREVER = """
import sys
from ansible_collections.edgefed.kubefed.plugins.module_utils.kubeconfig.store import Store
store = Store(sys.argv[1])
print("writing", flush=True)
while True:
    for letter in b"ab":
        with store.locked("cluster other", 5):
            store.write(bytes([letter]) * 300_000)
"""


def start(code: str, *arguments: str) -> subprocess.Popen[str]:
    """A second writer, once it has said that it is there."""
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY / "collections")}
    process = subprocess.Popen([sys.executable, "-c", code, *arguments], env=environment, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    assert process.stdout.readline()
    return process


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_written_private_whatever_the_umask(tmp_path: Path) -> None:
    dest = tmp_path / "new" / "folder" / "kubeconfig"
    before = os.umask(0)
    try:
        store = Store(str(dest))
        with store.locked("cluster a", 1) as waited:
            store.write(b"content")
    finally:
        os.umask(before)
    assert waited < 0.5
    assert (dest.read_bytes(), mode(dest), mode(dest.parent)) == (b"content", 0o600, 0o700)
    assert [path.name for path in dest.parent.iterdir()] == ["kubeconfig"]


def test_a_symlink_stays_and_its_target_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    target, link = tmp_path / "real" / "config", tmp_path / "link"
    target.write_text("old")
    link.symlink_to("real/config")
    store = Store(str(link))
    with store.locked("cluster a", 1):
        assert (tmp_path / "real" / "config.lock").exists()
        store.write(b"new")
    assert (link.is_symlink(), target.read_text()) == (True, "new")
    dangling = tmp_path / "dangling"
    dangling.symlink_to("later")
    Store(str(dangling)).write(b"x")
    assert (tmp_path / "later").read_text() == "x"


def test_a_backup_is_private_and_beside_it(tmp_path: Path) -> None:
    path = Path(Store(str(tmp_path / "config")).back_up(b"old"))
    assert (path.parent, path.read_bytes(), mode(path)) == (tmp_path, b"old", 0o600)
    assert path.name.startswith("config.") and path.name.endswith(".bak")


@pytest.mark.parametrize(
    ("make", "dest", "problem"),
    [
        (lambda folder: (folder / "d").mkdir(), "d", "is a folder"),
        (lambda folder: (folder / "f").write_text(""), "f/config", "is not a folder"),
        (lambda folder: (folder / "l").symlink_to("l"), "l", "leads in a circle"),
    ],
)
def test_places_that_cannot_be_written(make: object, dest: str, problem: str, tmp_path: Path) -> None:
    make(tmp_path)  # type: ignore[operator]
    with pytest.raises(EdgefedError, match=problem) as caught:
        Store(str(tmp_path / dest)).check()
    assert caught.value.code == "bad_dest"
    assert "Next: " in caught.value.message


def test_the_second_writer_waits_for_the_first(tmp_path: Path) -> None:
    dest = str(tmp_path / "config")
    other = start(LOCK_AND_SLEEP, dest, "0.5")
    with Store(dest).locked("cluster me", 10) as waited:
        assert 0.2 < waited < 5
    assert other.wait() == 0
    assert list(tmp_path.iterdir()) == []


def test_who_holds_the_lock_is_told(tmp_path: Path) -> None:
    dest = str(tmp_path / "config")
    other = start(LOCK_AND_SLEEP, dest, "30")
    try:
        with pytest.raises(EdgefedError) as caught, Store(dest).locked("cluster me", 0.2):
            pass
    finally:
        other.kill()
        other.wait()
    assert f"is locked by cluster other, process {other.pid} on {os.uname().nodename}" in caught.value.message
    assert "cluster me waited 0 s for it. Next: try again when that is done" in caught.value.message


def test_a_queue_that_moves_is_waited_for(tmp_path: Path) -> None:
    """Several writers, each shorter than the timeout, and together longer."""
    dest = tmp_path / "config"
    writer = start(WRITE_FOREVER, str(dest))
    try:
        lock, seen = dest.with_name("config.lock"), set()
        end = time.monotonic() + 5
        while len(seen) < 3 and time.monotonic() < end:
            with contextlib.suppress(FileNotFoundError):
                seen.add(lock.stat().st_mtime_ns)
        with Store(str(dest)).locked("cluster me", 1):
            assert dest.exists()
    finally:
        writer.kill()
        writer.wait()
    assert len(seen) == 3


def test_the_lock_of_a_killed_run_is_taken_over(tmp_path: Path) -> None:
    dest = tmp_path / "config"
    other = start(LOCK_AND_SLEEP, str(dest), "30")
    other.kill()
    other.wait()
    assert (tmp_path / "config.lock").exists()
    with Store(str(dest)).locked("cluster me", 0) as waited:
        assert waited < 0.5
    assert list(tmp_path.iterdir()) == []


def test_kubectls_lock_is_respected_and_told(tmp_path: Path) -> None:
    (tmp_path / "config.lock").touch()
    with pytest.raises(EdgefedError) as caught, Store(str(tmp_path / "config")).locked("cluster me", 0.2):
        pass
    assert caught.value.code == "locked"
    assert "is locked by kubectl, or by a kubectl that was killed" in caught.value.message
    assert "Next: try again; if nothing is writing it, remove the lock file" in caught.value.message
    assert (tmp_path / "config.lock").exists()


def test_kubectls_lock_of_another_user() -> None:
    """kubectl makes it with mode 0, which only root can open."""
    folder = Path(tempfile.mkdtemp())
    (folder / "config.lock").touch(0)
    folder.chmod(0o777)
    root = os.geteuid() == 0
    try:
        if root:
            os.seteuid(NOBODY)
        with pytest.raises(EdgefedError, match="or by a kubectl that was killed"), Store(str(folder / "config")).locked("cluster me", 0):
            pass
    finally:
        if root:
            os.seteuid(0)
        shutil.rmtree(folder)


def test_where_there_are_no_hard_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: object) -> None:
        raise OSError(errno.EPERM, "no hard links here")

    monkeypatch.setattr(os, "link", refuse)
    store = Store(str(tmp_path / "config"))
    with store.locked("cluster me", 0):
        assert (tmp_path / "config.lock").read_text().startswith("edgefed cluster me")
        with pytest.raises(EdgefedError, match="is locked by cluster me"), Store(store.dest).locked("cluster other", 0):
            pass
        store.write(b"x")
    assert [path.name for path in tmp_path.iterdir()] == ["config"]


def test_kubectl_respects_ours(tmp_path: Path) -> None:
    kubectl = REPOSITORY / ".venv" / "bin" / "kubectl"
    dest = tmp_path / "config"
    command = [str(kubectl), "config", "--kubeconfig", str(dest), "set-cluster", "a", "--server=https://a"]
    with Store(str(dest)).locked("cluster me", 0):
        refused = subprocess.run(command, capture_output=True, text=True, check=False)
    assert refused.returncode != 0
    assert "config.lock" in refused.stderr
    assert subprocess.run(command, capture_output=True, check=False).returncode == 0


def test_killed_in_the_middle_of_a_write_leaves_a_whole_file(tmp_path: Path) -> None:
    dest = tmp_path / "config"
    for attempt in range(25):
        writer = start(WRITE_FOREVER, str(dest))
        time.sleep(0.01 + attempt * 0.0007)
        writer.send_signal(signal.SIGKILL)
        writer.wait()
        if dest.exists():
            content = dest.read_bytes()
            assert content in (b"a" * 300_000, b"b" * 300_000)
        with Store(str(dest)).locked("cluster me", 1):
            assert {path.name for path in tmp_path.iterdir()} <= {"config", "config.lock"}


def test_readers_never_see_half_a_file(tmp_path: Path) -> None:
    dest = tmp_path / "config"
    Store(str(dest)).write(b"a" * 300_000)
    writer = start(WRITE_FOREVER, str(dest))
    try:
        seen = {dest.read_bytes() for _ in range(300)}
    finally:
        writer.kill()
        writer.wait()
    assert seen <= {b"a" * 300_000, b"b" * 300_000}
