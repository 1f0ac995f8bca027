# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Processes as Linux' /proc shows them: who they are, what they listen on, what they cost; starting and stopping them.

A pid says nothing by itself, as another process may have it by now. A process is known by its pid together with
its start time and the boot it was started in (:class:`ProcessId`), or by the mark that a lab leaves in the environment
of all it starts (:func:`marked`).
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import subprocess
import time
from dataclasses import dataclass
from typing import Any, Iterator

# Environment of every process of a lab: the lab's folder, and which part of the lab it is.
MARK_LAB = "EDGEFED_LAB"
MARK_PART = "EDGEFED_LAB_PART"

LOOPBACK = "127.0.0.1"
_LOOPBACK6 = "00000000000000000000000001000000"
_ANY_ADDRESS = ("00000000", "00000000000000000000000000000000", "0000000000000000FFFF000000000000")
_LISTENING = "0A"


@dataclass(frozen=True)
class ProcessId:
    """A process that cannot be mistaken for another. ``start`` is in clock ticks since boot."""

    pid: int
    start: int
    boot: str

    def as_dict(self) -> dict[str, Any]:
        """JSON form."""
        return {"pid": self.pid, "start": self.start, "boot": self.boot}


def from_record(record: Any) -> ProcessId | None:
    """The process of a record (``{pid, start, boot}``), ``None`` when that is no record."""
    try:
        return ProcessId(int(record["pid"]), int(record["start"]), str(record["boot"]))
    except (KeyError, TypeError, ValueError):
        return None


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return b""


def parse_stat(text: str) -> tuple[str, int] | None:
    """State letter and start time of ``/proc/<pid>/stat``; the name in it may hold spaces and brackets."""
    fields = text.rpartition(")")[2].split()
    return (fields[0], int(fields[19])) if len(fields) > 19 else None


def boot_id() -> str:
    """Which boot of this machine it is."""
    return _read("/proc/sys/kernel/random/boot_id").decode().strip()


def identify(pid: int) -> ProcessId | None:
    """The process that has this pid now; ``None`` when there is none, or just a zombie."""
    stat = parse_stat(_read(f"/proc/{pid}/stat").decode(errors="replace"))
    return None if stat is None or stat[0] in "ZX" else ProcessId(pid, stat[1], boot_id())


def is_alive(process: ProcessId | None) -> bool:
    """Whether this very process still runs."""
    return process is not None and identify(process.pid) == process


def command_line(pid: int) -> list[str]:
    """``argv`` of a process, empty when it is gone."""
    return _read(f"/proc/{pid}/cmdline").decode(errors="replace").rstrip("\0").split("\0")


def await_program(process: ProcessId, seconds: float = 5) -> None:
    """Wait until a process that was just started shows what it is.

    While the kernel loads its program (``execve``), it has neither a command line nor an environment yet, though whoever started it has
    been told that it runs. On a busy machine that takes a while.
    """
    end = time.monotonic() + seconds
    while not _read(f"/proc/{process.pid}/cmdline") and is_alive(process) and time.monotonic() < end:
        time.sleep(0.005)


def name(pid: int) -> str:
    """The short name that ``ps`` shows."""
    return _read(f"/proc/{pid}/comm").decode(errors="replace").strip()


def mark(pid: int) -> tuple[str, str] | None:
    """``(lab folder, part)`` of a process that a lab started, also when its files are lost."""
    lab = part = ""
    for entry in _read(f"/proc/{pid}/environ").split(b"\0"):
        key, _dummy, value = entry.partition(b"=")
        if key == MARK_LAB.encode():
            lab = value.decode(errors="replace")
        elif key == MARK_PART.encode():
            part = value.decode(errors="replace")
    return (lab, part) if lab else None


def marked(lab: str, part: str | None = None) -> list[ProcessId]:
    """Every living process that the lab in this folder started (of one part, when given)."""
    found = []
    for pid in _pids():
        marks = mark(pid)
        if marks and marks[0] == lab and part in (None, marks[1]):
            process = identify(pid)
            found += [process] if process else []
    return found


def mark_environment(lab: str, part: str) -> dict[str, str]:
    """What to add to the environment of a process of this lab."""
    return {MARK_LAB: lab, MARK_PART: part}


def _pids() -> Iterator[int]:
    for entry in os.listdir("/proc"):
        if entry.isdigit() and int(entry) != os.getpid():
            yield int(entry)


def memory(pid: int) -> int:
    """Bytes that the process takes: its share (PSS), or all it maps (RSS) where the kernel does not tell."""
    for line in _read(f"/proc/{pid}/smaps_rollup").decode().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    fields = _read(f"/proc/{pid}/statm").split()
    return int(fields[1]) * os.sysconf("SC_PAGE_SIZE") if len(fields) > 1 else 0


@dataclass(frozen=True)
class Listener:
    """Who listens on a port; ``pid`` is ``None`` when it belongs to another user."""

    port: int
    pid: int | None
    name: str

    def __str__(self) -> str:
        if self.pid is None:
            return f"port {self.port} is taken by a process of another user"
        return f"port {self.port} is taken by process {self.pid} ({self.name})"


def parse_listening(table: str, host: str) -> dict[int, str]:
    """Port -> socket inode of what listens on the IPv4 address ``host`` or on every one, from ``/proc/net/tcp`` or ``tcp6``."""
    found = {}
    own = socket.inet_aton(host)[::-1].hex().upper()
    colliding = (*_ANY_ADDRESS, own, f"0000000000000000FFFF0000{own}", *([_LOOPBACK6] if host == LOOPBACK else []))
    for line in table.splitlines()[1:]:
        fields = line.split()
        if len(fields) > 9 and fields[3] == _LISTENING:
            address, _dummy, port = fields[1].partition(":")
            if address in colliding:
                found[int(port, 16)] = fields[9]
    return found


def listeners(ports: list[int], host: str = LOOPBACK) -> list[Listener]:
    """Who listens on which of these ports of an address of this machine."""
    tables = {**parse_listening(_read("/proc/net/tcp6").decode(), host), **parse_listening(_read("/proc/net/tcp").decode(), host)}
    inodes = {f"socket:[{tables[port]}]": port for port in ports if port in tables}
    owners = _socket_owners(set(inodes)) if inodes else {}
    return [Listener(port, owners.get(link), name(owners[link]) if link in owners else "") for link, port in inodes.items()]


def _socket_owners(links: set[str]) -> dict[str, int]:
    owners: dict[str, int] = {}
    for pid in [*_pids(), os.getpid()]:
        with contextlib.suppress(OSError):
            for descriptor in os.listdir(f"/proc/{pid}/fd"):
                with contextlib.suppress(OSError):
                    link = os.readlink(f"/proc/{pid}/fd/{descriptor}")
                    if link in links:
                        owners.setdefault(link, pid)
    return owners


def start(
    command: list[str],
    environment: dict[str, str],
    log: str,
    folder: str,
    keep_open: tuple[int, ...] = (),
) -> subprocess.Popen[bytes]:
    """Start a daemon: a session of its own, nothing of ours open (but ``keep_open``), output appended to ``log``."""
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=descriptor,
            stderr=descriptor,
            start_new_session=True,
            cwd=folder,
            env=environment,
            umask=0o077,
            pass_fds=keep_open,
        )
    finally:
        os.close(descriptor)


def stop(processes: list[ProcessId], timeout: float, gently: bool = True) -> list[ProcessId]:
    """Stop these very processes: SIGTERM, and SIGKILL to what still runs after ``timeout`` seconds. Gives those it found.

    A process is held by a descriptor before its start time is compared, so that no other can get its pid in between.
    """
    held: dict[ProcessId, int] = {}
    for process in processes:
        with contextlib.suppress(OSError):
            descriptor = os.pidfd_open(process.pid)
            if is_alive(process):
                held[process] = descriptor
            else:
                os.close(descriptor)
    try:
        remaining = held
        if gently:
            _signal(remaining, signal.SIGTERM)
            remaining = _wait_gone(remaining, timeout)
        _signal(remaining, signal.SIGKILL)
        _wait_gone(remaining, timeout)
    finally:
        for descriptor in held.values():
            os.close(descriptor)
    return list(held)


def _signal(held: dict[ProcessId, int], number: signal.Signals) -> None:
    for descriptor in held.values():
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(descriptor, number)


def _wait_gone(held: dict[ProcessId, int], timeout: float) -> dict[ProcessId, int]:
    poll = select.poll()
    for descriptor in held.values():
        poll.register(descriptor, select.POLLIN)
    end = time.monotonic() + timeout
    gone: set[int] = set()
    while len(gone) < len(held) and time.monotonic() < end:
        for descriptor, _event in poll.poll(max(0.0, end - time.monotonic()) * 1000):
            poll.unregister(descriptor)
            gone.add(descriptor)
    return {process: descriptor for process, descriptor in held.items() if descriptor not in gone}
