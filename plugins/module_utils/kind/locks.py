# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Locks in the folder that all kind labs of a user share, and that the last of them removes."""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from typing import Iterator

from ansible_collections.edgefed.kubefed.plugins.module_utils.lab import storage
from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import EdgefedError

POLL = 0.1


@contextlib.contextmanager
def held(path: str | None, what: str, timeout: float, *, shared: bool = False) -> Iterator[None]:
    """Hold a lock, alone or with others that share it; an error when that takes too long. ``None``: no lock."""
    if path is None:
        yield
        return
    end = time.monotonic() + timeout
    kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
    while (descriptor := _taken(path, kind)) is None:
        if time.monotonic() >= end:
            raise EdgefedError(
                f"Another run has worked on {what} for more than {timeout:.0f} s (lock {path}). "
                "Next: wait until it is done, or stop it, and run again.",
                code="locked",
            )
        time.sleep(POLL)
    try:
        yield
    finally:
        os.close(descriptor)


def _taken(path: str, kind: int) -> int | None:
    """The lock's descriptor, ``None`` when another holds it, or when its file went with the folder meanwhile."""
    storage.make_folder(os.path.dirname(path))
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
        if os.path.samestat(os.fstat(descriptor), os.stat(path)):
            return descriptor
    except (BlockingIOError, FileNotFoundError):
        pass
    os.close(descriptor)
    return None
