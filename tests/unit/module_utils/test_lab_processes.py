# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Who a process is; with real processes of this machine."""

from __future__ import annotations

import fcntl
import os
import signal
import socket
import stat
import subprocess
import sys
import time
from pathlib import Path
from typing import Iterator

import pytest

from ansible_collections.edgefed.kubefed.plugins.module_utils.lab import processes, storage
from ansible_collections.edgefed.kubefed.plugins.module_utils.lab.daemon import Daemon
from ansible_collections.edgefed.kubefed.plugins.module_utils.lab.kwok import PidFiles, stop_marked
from ansible_collections.edgefed.kubefed.plugins.module_utils.lab.layout import LabFiles
from ansible_collections.edgefed.kubefed.plugins.module_utils.lab.plan import Observed
from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import EdgefedError


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(["sleep", "600"])
    yield process
    process.kill()
    process.wait()


def identity(process: subprocess.Popen[bytes]) -> processes.ProcessId:
    found = processes.identify(process.pid)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"7 (sleep) S {'0 ' * 18}4711 0", ("S", 4711)),
        (f"7 (a) b (c) R {'0 ' * 18}12 0", ("R", 12)),
        ("", None),
        ("7 (cut", None),
    ],
)
def test_stat_is_read_whatever_the_name(text: str, expected: tuple[str, int] | None) -> None:
    assert processes.parse_stat(text) == expected


def test_the_same_pid_with_another_start_or_boot_is_another_process(sleeper: subprocess.Popen[bytes]) -> None:
    one = identity(sleeper)
    assert processes.is_alive(one)
    assert processes.from_record(one.as_dict()) == one
    for stranger in (processes.ProcessId(one.pid, one.start - 1, one.boot), processes.ProcessId(one.pid, one.start, "earlier")):
        assert not processes.is_alive(stranger)
        assert processes.stop([stranger], 1) == []
    assert sleeper.poll() is None


@pytest.mark.parametrize("record", [None, {}, {"pid": "x", "start": 1, "boot": ""}, []])
def test_a_record_that_is_none(record: object) -> None:
    assert processes.from_record(record) is None


def test_stopping_ends_it_and_a_zombie_is_dead(sleeper: subprocess.Popen[bytes]) -> None:
    one = identity(sleeper)
    assert processes.stop([one], 5) == [one]
    assert not processes.is_alive(one)
    assert sleeper.wait() == -signal.SIGTERM


def test_what_does_not_end_by_itself_is_killed() -> None:
    stubborn = subprocess.Popen(
        [sys.executable, "-c", "import signal, time; signal.signal(15, signal.SIG_IGN); print(1, flush=True); time.sleep(600)"],
        stdout=subprocess.PIPE,
    )
    assert stubborn.stdout is not None
    stubborn.stdout.readline()
    processes.stop([identity(stubborn)], 0.3)
    assert stubborn.wait() == -signal.SIGKILL
    stubborn.stdout.close()


def test_a_daemon_is_detached_marked_and_found_again(tmp_path: Path) -> None:
    root = str(tmp_path)
    environment = {"PATH": os.environ["PATH"], **processes.mark_environment(root, "part")}
    log = tmp_path / "log"
    started = processes.start(["sh", "-c", "echo said; umask; exec sleep 600"], environment, str(log), root)
    while len(log.read_text().split()) < 2:
        time.sleep(0.01)
    assert log.read_text().split() == ["said", "0077"]
    assert stat.S_IMODE(log.stat().st_mode) == 0o600
    assert os.getsid(started.pid) == started.pid
    assert os.readlink(f"/proc/{started.pid}/fd/0") == "/dev/null"
    assert [one.pid for one in processes.marked(root)] == [started.pid]
    assert processes.marked(root, "other") == processes.marked(f"{root}/other") == []
    assert [one.pid for one in stop_marked(root, "part")] == [started.pid]
    assert started.wait() == -signal.SIGKILL


def test_listeners_are_named_with_their_process() -> None:
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("0.0.0.0", 0)) as two:
        ports = [one.getsockname()[1], two.getsockname()[1]]
        found = processes.listeners(ports)
        assert sorted(listener.port for listener in found) == sorted(ports)
        assert {listener.pid for listener in found} == {os.getpid()}
        assert str(found[0]) == f"port {found[0].port} is taken by process {os.getpid()} ({processes.name(os.getpid())})"
    assert processes.listeners(ports) == []


def test_addresses_that_do_not_collide_are_left_out() -> None:
    head = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
    row = " 0: {address}:{port:04X} 00000000:0000 {state} 00000000:00000000 00:00000000 00000000 0 0 {inode} 1\n"
    table = head + row.format(address="0100007F", port=20000, state="0A", inode=11)
    table += row.format(address="0200007F", port=20001, state="0A", inode=12)
    table += row.format(address="0100007F", port=20002, state="01", inode=13)
    table += row.format(address="00000000", port=20003, state="0A", inode=14)
    assert processes.parse_listening(table, "127.0.0.1") == {20000: "11", 20003: "14"}
    assert processes.parse_listening(table, "127.0.0.2") == {20001: "12", 20003: "14"}


def test_pid_files_that_do_not_tell_the_truth(tmp_path: Path, sleeper: subprocess.Popen[bytes]) -> None:
    files = LabFiles(str(tmp_path))
    pid_files = PidFiles(files, "a")
    one = identity(sleeper)
    for component in ("etcd", "kube-apiserver"):
        storage.write(files.pid("a", component), str(one.pid))
    storage.write(files.pid("a", "kube-scheduler"), "no number")
    assert pid_files.running() == {}
    storage.write_json(files.starts("a"), {"etcd": one.as_dict(), "kube-apiserver": {**one.as_dict(), "start": 1}})
    assert pid_files.running() == {"etcd": one}
    pid_files.settle(Observed(stale=("kube-apiserver", "kube-scheduler")), {"etcd": one})
    assert sorted(os.listdir(tmp_path / "kwok/clusters/a/pids")) == ["edgefed.json", "etcd.pid"]
    assert sleeper.poll() is None


def test_a_component_that_no_record_knows_is_known_by_mark_and_path(tmp_path: Path) -> None:
    files = LabFiles(str(tmp_path))
    binary = Path(files.work("a")) / "bin" / "etcd"
    binary.parent.mkdir(parents=True)
    binary.symlink_to("/bin/sleep")
    environment = processes.mark_environment(files.root, "a")
    started = processes.start([str(binary), "600"], environment, str(tmp_path / "log"), files.root)
    pid_files = PidFiles(files, "a")
    one = identity(started)
    processes.await_program(one, 60)
    assert pid_files.running() == {}
    assert pid_files.orphans({}) == {"etcd": one}
    pid_files.settle(Observed(orphans=("etcd",)), {"etcd": one})
    assert pid_files.running() == {"etcd": one}
    assert processes.from_record(storage.read_json(files.starts("a"))["etcd"]) == one
    stop_marked(files.root)
    started.wait()


def test_files_are_private_and_whole(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "c.json"
    storage.write_json(str(path), {"x": 1})
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert {stat.S_IMODE(folder.stat().st_mode) for folder in (path.parent, path.parent.parent)} == {0o700}
    assert os.listdir(path.parent) == ["c.json"]
    assert storage.read_json(str(path)) == {"x": 1}
    path.write_text('{"x":')
    assert storage.read_json(str(path)) == storage.read_json(f"{path}.none") == {}


def test_a_second_run_waits_for_the_lock_and_then_says_so(tmp_path: Path) -> None:
    lock = str(tmp_path / "lock")
    with (
        storage.locked(lock, "it", 1),
        pytest.raises(EdgefedError, match=r"Another run has worked on it.*Next:"),
        storage.locked(lock, "it", 0),
    ):
        pass
    with storage.locked(lock, "it", 0):
        pass


def test_the_published_webhook_runs_once_on_a_machine(tmp_path: Path) -> None:
    lock = tmp_path / "machine.lock"
    one, two = (Daemon("webhook", LabFiles(str(tmp_path / name)), ["sleep", "600"], lock=str(lock)) for name in ("one", "two"))
    process = one.start(5)
    with pytest.raises(EdgefedError, match=rf"lab {tmp_path}/one.*port 8080.*Next: "):
        two.start(5)
    assert two.running() is None
    one.stop(2)
    os.waitpid(process.pid, 0)
    with open(lock, encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_a_process_that_was_just_started_is_waited_for() -> None:
    """Whoever starts one is told so before the kernel shows what it is; without waiting most of these have no command line yet."""
    for _ in range(50):
        started = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
        try:
            process = identity(started)
            processes.await_program(process)
            assert processes.command_line(started.pid)[0] == sys.executable
        finally:
            started.kill()
            started.communicate()


def test_a_process_that_ended_is_not_waited_for(sleeper: subprocess.Popen[bytes]) -> None:
    process = identity(sleeper)
    sleeper.kill()
    sleeper.wait()
    begun = time.monotonic()
    processes.await_program(process, seconds=60)
    assert time.monotonic() - begun < 30
