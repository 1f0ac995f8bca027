# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One daemon of the lab besides kwokctl's, such as KubeFed's webhook or controller manager."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import socket
import ssl
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.edgefed.kubefed.plugins.module_utils.lab import processes, storage
from ansible_collections.edgefed.kubefed.plugins.module_utils.lab.kwok import ports_taken
from ansible_collections.edgefed.kubefed.plugins.module_utils.lab.layout import LabFiles
from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import EdgefedError

PORTS = "other ports: lab_port_base gives each cluster ten, lab_dns_port and lab_ingress_port have their own"


def fingerprint(command: list[str], environment: dict[str, str], contents: dict[str, bytes | None]) -> dict[str, str]:
    """What the daemon was started with, as digests: ``command``, ``environment``, and each file by path. Pure."""

    def digest(value: bytes) -> str:
        return hashlib.sha256(value).hexdigest()[:16]

    return {
        "command": digest(json.dumps(command).encode()),
        "environment": digest(json.dumps(environment, sort_keys=True).encode()),
        **{f"file {path}": "missing" if content is None else digest(content) for path, content in sorted(contents.items())},
    }


def plan(state: str, running: bool, then: dict[str, str], now: dict[str, str]) -> tuple[str, list[str]]:
    """``(action, why)`` with action ``none``, ``start``, ``restart`` or ``stop``. Pure.

    ``then`` is the fingerprint that the running daemon was started with, ``now`` the one it would be started with.
    """
    if state == "stopped":
        return ("stop", []) if running else ("none", [])
    if not running:
        return "start", []
    if state == "restarted":
        return "restart", ["a restart was asked for"]
    changed = [f"{key} changed" for key in sorted({*then, *now}) if then.get(key) != now.get(key)]
    return ("restart", changed) if changed else ("none", [])


@dataclass(frozen=True)
class Daemon:
    """A daemon called ``name`` of the lab in ``files``; its log, record and lock are called after it."""

    name: str
    files: LabFiles
    command: list[str] = field(default_factory=list)
    environment: dict[str, str] = field(default_factory=dict)
    watched: list[str] = field(default_factory=list)
    ports: list[int] = field(default_factory=list)
    address: str = processes.LOOPBACK
    ready: str = ""
    ready_ca: str = ""
    lock: str = ""

    @property
    def record_path(self) -> str:
        return f"{self.files.processes}/{self.name}.json"

    @property
    def log(self) -> str:
        return f"{self.files.processes}/{self.name}.log"

    def running(self) -> processes.ProcessId | None:
        """Its process: the recorded one, or one that was started and not yet recorded when a run was cut off."""
        recorded = processes.from_record(storage.read_json(self.record_path))
        if processes.is_alive(recorded):
            return recorded
        orphans = processes.marked(self.files.root, self.name) if os.path.isdir(self.files.processes) else []
        return orphans[0] if orphans else None

    def fingerprint(self) -> dict[str, str]:
        contents: dict[str, bytes | None] = {}
        for path in self.watched:
            try:
                with open(path, "rb") as file:
                    contents[path] = file.read()
            except OSError:
                contents[path] = None
        return fingerprint(self.command, self.environment, contents)

    def started_with(self) -> dict[str, str]:
        """The fingerprint of the last start."""
        found = storage.read_json(self.record_path).get("fingerprint")
        return found if isinstance(found, dict) else {}

    def stop(self, timeout: float) -> None:
        """Stop it: SIGTERM, after ``timeout`` seconds SIGKILL."""
        processes.stop([*processes.marked(self.files.root, self.name)], timeout)
        storage.remove(self.record_path)

    def start(self, timeout: float) -> processes.ProcessId:
        """Start it and wait until it answers; a daemon that does not is stopped again."""
        taken = processes.listeners(self.ports, self.address)
        if taken:
            raise ports_taken(f"The lab's {self.name}", taken, PORTS)
        storage.make_folder(self.files.processes)
        lock = self._take_lock()
        environment = {"PATH": "/usr/bin:/bin", "HOME": self.files.root, **self.environment}
        environment |= processes.mark_environment(self.files.root, self.name)
        try:
            started = processes.start(self.command, environment, self.log, self.files.processes, lock)
        except OSError as error:
            raise EdgefedError(
                f"Cannot run {self.command[0]}: {error.strerror}. Next: run tools.yml, or check tools_paths.", code="cannot_run"
            ) from None
        finally:
            for descriptor in lock:
                os.close(descriptor)
        process = processes.identify(started.pid)
        if process:
            storage.write_json(self.record_path, {**process.as_dict(), "fingerprint": self.fingerprint(), "command": self.command})
        self._wait_ready(started, timeout)
        return process or processes.ProcessId(started.pid, 0, "")

    def _wait_ready(self, started: Any, timeout: float) -> None:
        end = time.monotonic() + timeout
        while True:
            if started.poll() is not None:
                said = f"ended at once (exit {started.returncode})"
                break
            if answers(self.ready, self.ready_ca):
                return
            if time.monotonic() > end:
                said = f"did not answer at {self.ready} in {timeout:.0f} s"
                break
            time.sleep(0.05)
        self.stop(2)
        started.poll()
        raise EdgefedError(
            f"The lab's {self.name} {said}. Its log ends: {storage.last_lines(self.log, 3)}. "
            f"Next: remove what it complains about and run again; the log is {self.log}.",
            code="not_ready",
            details={"name": self.name, "log": self.log},
        )

    def _take_lock(self) -> tuple[int, ...]:
        """A lock that the daemon holds as long as it lives, as it inherits the open file."""
        if not self.lock:
            return ()
        try:
            descriptor = os.open(self.lock, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o666)
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = (storage.read(self.lock) or "unknown").strip() if isinstance(error, BlockingIOError) else error.strerror
            raise EdgefedError(
                f"Another lab on this machine runs the published webhook (lock {self.lock}: {holder}), which opens port 8080 and has no "
                "option against it, so only one can. Next: remove that lab (lab_down.yml there), or let role tools build our own "
                "webhook (tools_source: build).",
                code="locked",
            ) from None
        os.truncate(descriptor, 0)
        os.write(descriptor, f"lab {self.files.root}\n".encode())
        return (descriptor,)


def answers(url: str, ca: str = "") -> bool:
    """Whether ``tcp://host:port``, ``http://…`` or ``https://…`` (verified with the CA file ``ca``) answers; always, without one."""
    if not url:
        return True
    try:
        if url.startswith("tcp://"):
            host, _dummy, port = url.removeprefix("tcp://").rpartition(":")
            socket.create_connection((host, int(port)), 1).close()
            return True
        context = ssl.create_default_context(cafile=ca) if url.startswith("https://") else None
        opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), *([urllib.request.HTTPSHandler(context=context)] if context else [])
        )
        with opener.open(url, timeout=2):
            return True
    except urllib.error.HTTPError as error:
        return error.code < 500
    except (OSError, ValueError):
        return False
