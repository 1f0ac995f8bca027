# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The lab's own small files: written whole or not at all, readable by their owner only."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import time
from typing import Any, Iterator

from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import EdgefedError


def make_folder(path: str) -> None:
    """Make a folder and its parents; the new ones are their owner's only (0700)."""
    if os.path.isdir(path):
        return
    make_folder(os.path.dirname(path))
    with contextlib.suppress(FileExistsError):
        os.mkdir(path, 0o700)


def write(path: str, text: str, mode: int = 0o600) -> None:
    """Write a file whole: a temporary file, then renamed."""
    make_folder(os.path.dirname(path))
    temporary = f"{path}.{os.getpid()}.tmp"
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with open(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    os.rename(temporary, path)


def write_json(path: str, value: Any) -> None:
    """Write a record."""
    write(path, json.dumps(value, indent=2, sort_keys=True) + "\n")


def read(path: str) -> str | None:
    """The file's text, ``None`` when there is none."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except (FileNotFoundError, NotADirectoryError):
        return None


def read_json(path: str) -> dict[str, Any]:
    """A record; empty when there is none, or one that was cut off."""
    try:
        value = json.loads(read(path) or "{}")
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def remove(path: str) -> bool:
    """Remove a file; ``False`` when there was none."""
    try:
        os.unlink(path)
        return True
    except (FileNotFoundError, NotADirectoryError):
        return False


def last_lines(path: str, count: int = 5, width: int = 300) -> str:
    """The end of a log, for a message."""
    lines = [line for line in (read(path) or "").splitlines() if line.strip()]
    return " | ".join(line[:width] for line in lines[-count:]) or "(nothing)"


@contextlib.contextmanager
def locked(path: str | None, what: str, timeout: float) -> Iterator[None]:
    """Hold a lock, so that two runs at once do one after the other; an error when that takes too long. ``None``: no lock."""
    if path is None:
        yield
        return
    make_folder(os.path.dirname(path))
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    end = time.monotonic() + timeout
    try:
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= end:
                    raise EdgefedError(
                        f"Another run has worked on {what} for more than {timeout:.0f} s (lock {path}). "
                        "Next: wait until it is done, or stop it, and run again.",
                        code="locked",
                    ) from None
                time.sleep(0.1)
        yield
    finally:
        os.close(descriptor)
