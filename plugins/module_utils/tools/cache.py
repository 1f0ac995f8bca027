# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The cache of binaries, ``<root>/<tool>/<version>/``, shared by all checkouts of a user.

A version's folder appears by one rename when everything in it is complete, under a lock per tool; what lies beside it as
``<version>.part`` was cut off and is thrown away by the next who holds the lock.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import shutil
import time
from contextlib import ExitStack, contextmanager
from typing import Any, Callable, Iterator

from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import EdgefedError
from ansible_collections.edgefed.kubefed.plugins.module_utils.tools.model import Tool
from ansible_collections.edgefed.kubefed.plugins.module_utils.tools.plan import Stamp
from ansible_collections.edgefed.kubefed.plugins.module_utils.tools.progress import Progress

STAMP = ".edgefed.json"
_FULL = (errno.ENOSPC, errno.EDQUOT)
_DENIED = (errno.EACCES, errno.EPERM, errno.EROFS)


def default_root() -> str:
    """``${XDG_CACHE_HOME:-~/.cache}/edgefed``."""
    return os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "edgefed")


def storage_error(error: OSError, path: str) -> EdgefedError:
    """What a failed write means, in one message."""
    where = error.filename or path
    if error.errno in _FULL:
        return EdgefedError(
            f"The disk is full: cannot write {where}. Next: free some space (all tools take about 0.6 GB, building them "
            "another 5 GB in Go's caches), or point tools_cache_dir somewhere else.",
            code="disk_full",
            details={"path": str(where)},
        )
    if error.errno in _DENIED:
        return EdgefedError(
            f"Cannot write {where}: {error.strerror}. Next: make it writable, or point tools_cache_dir at a folder of your own.",
            code="cache_read_only",
            details={"path": str(where)},
        )
    return EdgefedError(
        f"Cannot write {where}: {error.strerror}. Next: check tools_cache_dir and its file system.",
        code="cache",
        details={"path": str(where)},
    )


@contextmanager
def writing(path: str) -> Iterator[None]:
    """Turns an :class:`OSError` within into one message about ``path``."""
    try:
        yield
    except OSError as error:
        raise storage_error(error, path) from None


class Cache:
    """Folders, stamps and locks below ``root``."""

    def __init__(self, root: str) -> None:
        self.root = root

    def folder(self, tool: Tool) -> str:
        """The folder of the tool's version."""
        return os.path.join(self.root, tool.name, tool.version)

    def binary(self, tool: Tool) -> str:
        """The tool's binary, or for a tree its folder."""
        return os.path.join(self.folder(tool), tool.binary)

    def stamp(self, tool: Tool) -> tuple[Stamp | None, int]:
        """What was noted when the tool was completed, and the binary's present size; ``(None, 0)`` when it is not there."""
        try:
            with open(os.path.join(self.folder(tool), STAMP), encoding="utf-8") as file:
                noted = json.load(file)
            paths = [os.path.join(self.folder(tool), name) for name in (tool.binary, *tool.links)]
            if not all(os.path.exists(path) for path in paths):
                return None, 0
            size = 0 if tool.tree else os.stat(paths[0]).st_size
            return Stamp(noted["source"], noted["size"], noted["recipe"]), size
        except (OSError, ValueError, KeyError):
            return None, 0

    @contextmanager
    def staged(self, tool: Tool, source: str, recipe: str = "") -> Iterator[str]:
        """A fresh folder to put the tool into; when the block ends well it becomes the tool's folder at once."""
        final = self.folder(tool)
        part, old = f"{final}.part", f"{final}.old"
        with writing(part):
            self.discard(part, old)
            os.makedirs(part, mode=0o755)
        try:
            yield part
        except BaseException:
            shutil.rmtree(part, ignore_errors=True)
            raise
        with writing(part):
            for link in tool.links:
                os.symlink(tool.binary, os.path.join(part, link))
            _seal(part, tool, source, recipe)
            if os.path.lexists(final):
                os.rename(final, old)
            os.rename(part, final)
            self.discard(old)

    @staticmethod
    def discard(*folders: str) -> None:
        """Remove folders that may not exist."""
        for folder in folders:
            if os.path.lexists(folder):
                shutil.rmtree(folder)

    @contextmanager
    def locked(self, names: list[str], progress: Progress) -> Iterator[None]:
        """Hold the locks of ``names`` (always taken in the given order), waiting for another run that holds one."""
        folder = os.path.join(self.root, ".locks")
        with ExitStack() as stack:
            for name in names:
                path = os.path.join(folder, f"{name}.lock")
                with writing(path):
                    os.makedirs(folder, exist_ok=True)
                    handle = stack.enter_context(open(path, "a+", encoding="utf-8"))
                _wait_for(handle, name, path, progress)
            yield

    def purge(self, tool: Tool) -> bool:
        """Remove every version of the tool; whether there was one."""
        folder = os.path.join(self.root, tool.name)
        if not os.path.lexists(folder):
            return False
        with writing(folder):
            shutil.rmtree(folder)
        return True


def _seal(part: str, tool: Tool, source: str, recipe: str) -> None:
    binary = os.path.join(part, tool.binary)
    size = 0
    if not tool.tree:
        os.chmod(binary, 0o755)
        size = os.stat(binary).st_size
        with open(binary, "rb") as file:
            os.fsync(file.fileno())
    with open(os.path.join(part, STAMP), "w", encoding="utf-8") as file:
        json.dump({"tool": tool.name, "version": tool.version, "source": source, "size": size, "recipe": recipe}, file)
        file.flush()
        os.fsync(file.fileno())


def _wait_for(handle: Any, name: str, path: str, progress: Progress, sleep: Callable[[float], None] = time.sleep) -> None:
    waiting = False
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            break
        except BlockingIOError:
            handle.seek(0)
            what = f"waiting until another run (process {handle.read().strip() or 'unknown'}) has made it; lock {path}"
            if waiting:
                progress.tick(name, what)
            else:
                progress.begin(name, what)
            waiting = True
            sleep(0.2)
    handle.truncate(0)
    handle.write(str(os.getpid()))
    handle.flush()
