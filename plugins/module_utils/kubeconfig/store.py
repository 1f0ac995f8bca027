# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The kubeconfig file on disk: read, locked against a second writer, written whole or not at all.

The lock is kubectl's own ``FILE.lock``, so that kubectl and we keep out of each other's way. kubectl only asks whether it
is there; ours is also flocked and says who made it, so one that a killed run left is known and taken over.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import glob
import os
import stat
import tempfile
import time
from datetime import datetime, timezone
from typing import Iterator

from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import EdgefedError

MODE = 0o600
_MARK = "edgefed"
_SUFFIX = ".edgefed-new"
_PAUSE = 0.05
_NO_LINKS = (errno.EPERM, errno.ENOTSUP, errno.ENOSYS)
_FULL = (errno.ENOSPC, errno.EDQUOT)


class Store:
    """One kubeconfig. ``dest`` may be a symlink: its target is replaced and the link stays."""

    def __init__(self, dest: str) -> None:
        self.dest = os.path.abspath(os.path.expanduser(dest))
        self.target = os.path.realpath(self.dest)
        self._folder = os.path.dirname(self.target)

    def check(self) -> None:
        """Raise unless the file could be written: before anything is changed, and in check mode too."""
        if os.path.islink(self.target):
            raise self._error("is a symlink that leads in a circle", "correct the link", "bad_dest")
        if os.path.isdir(self.target):
            raise self._error("is a folder", f"name a file in it, such as {self.dest}/kubeconfig", "bad_dest")
        folder = self._folder
        while not os.path.lexists(folder):
            folder = os.path.dirname(folder)
        if not os.path.isdir(folder):
            raise self._error(f"cannot be written: {folder} is not a folder", "choose another kubeconfig_dest", "bad_dest")
        if not os.access(folder, os.W_OK | os.X_OK):
            raise self._error(
                f"cannot be written: the folder {folder} is read-only for this user",
                "make it writable, or choose another kubeconfig_dest",
                "read_only",
            )

    def read(self) -> bytes | None:
        """The content, ``None`` when there is no such file."""
        try:
            with open(self.target, "rb") as file:
                return file.read()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._os_error("cannot be read", error) from None

    def mode(self) -> int | None:
        """The permission bits, ``None`` when there is no such file."""
        try:
            return stat.S_IMODE(os.stat(self.target).st_mode)
        except OSError:
            return None

    @contextlib.contextmanager
    def locked(self, who: str, timeout: float) -> Iterator[float]:
        """Hold the lock; gives the seconds waited for it. ``who`` is told to whoever waits for us."""
        try:
            os.makedirs(self._folder, mode=0o700, exist_ok=True)
            lock, waited = self._acquire(who, timeout)
        except OSError as error:
            raise self._os_error("cannot be locked", error) from None
        try:
            self._tidy()
            yield waited
        finally:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self._lock_path)
            os.close(lock)

    @property
    def _lock_path(self) -> str:
        return f"{self.target}.lock"

    def _acquire(self, who: str, timeout: float) -> tuple[int, float]:
        """The timeout counts for each holder anew: a queue that moves is no reason to give up."""
        started = since = time.monotonic()
        holder: tuple[int, int] | None = None
        while True:
            lock = self._try_lock(who)
            now = time.monotonic()
            if lock is not None:
                return lock, now - started
            found = self._holder()
            if found != holder:
                holder, since = found, now
            if now - since >= timeout:
                raise self._busy(who, now - started)
            time.sleep(_PAUSE)

    def _holder(self) -> tuple[int, int] | None:
        try:
            found = os.stat(self._lock_path)
        except FileNotFoundError:
            return None
        return found.st_ino, found.st_mtime_ns

    def _try_lock(self, who: str) -> int | None:
        try:
            lock = os.open(self._lock_path, os.O_RDWR)
        except FileNotFoundError:
            return self._new_lock(who)
        except PermissionError:
            return None  # kubectl's, which it makes with mode 0
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # the holder before us removed it, or it is kubectl's, which is never flocked
            if self._is_current(lock) and os.pread(lock, 100, 0).startswith(_MARK.encode()):
                _sign(lock, who)
                return lock
        except BlockingIOError:
            pass
        except OSError:
            os.close(lock)
            raise
        os.close(lock)
        return None

    def _new_lock(self, who: str) -> int | None:
        """Made beside its place and signed, then linked there: a run that is killed leaves no lock that nobody knows."""
        lock, temporary = self._temporary(self._lock_path)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _sign(lock, who)
            self._link(temporary)
        except (FileExistsError, FileNotFoundError):
            os.close(lock)
            return None
        except OSError:
            os.close(lock)
            raise
        finally:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(temporary)
        return lock

    def _link(self, temporary: str) -> None:
        try:
            os.link(temporary, self._lock_path)
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
            os.close(os.open(self._lock_path, os.O_CREAT | os.O_EXCL, MODE))
            os.replace(temporary, self._lock_path)

    def _temporary(self, path: str) -> tuple[int, str]:
        return tempfile.mkstemp(prefix=f".{os.path.basename(path)}.", suffix=_SUFFIX, dir=self._folder)

    def _tidy(self) -> None:
        """Remove what killed runs left; whoever has just made a file for a new lock makes another."""
        for path in glob.glob(os.path.join(glob.escape(self._folder), f".{glob.escape(os.path.basename(self.target))}.*{_SUFFIX}")):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)

    def _is_current(self, lock: int) -> bool:
        try:
            return os.path.samestat(os.fstat(lock), os.stat(self._lock_path))
        except FileNotFoundError:
            return False

    def _busy(self, who: str, waited: float) -> EdgefedError:
        try:
            with open(self._lock_path, encoding="utf-8", errors="replace") as file:
                holder = file.read(200).strip().removeprefix(_MARK).strip()
        except OSError:
            holder = ""
        by = f"by {holder}" if holder else "by kubectl, or by a kubectl that was killed"
        return self._error(
            f"is locked {by} ({self._lock_path}); {who} waited {waited:.0f} s for it",
            "try again; if nothing is writing it, remove the lock file" if not holder else "try again when that is done",
            "locked",
        )

    def write(self, content: bytes) -> None:
        """Replace the file's content, mode 0600, owner kept. On any failure the old file is as it was."""
        self._write(self.target, content)

    def back_up(self, content: bytes) -> str:
        """Keep ``content`` beside the file, 0600, named with the time; gives the path."""
        stamp = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H-%M-%S.%fZ")
        path = f"{self.target}.{stamp}.bak"
        self._write(path, content)
        return path

    def _write(self, path: str, content: bytes) -> None:
        temporary = None
        try:
            handle, temporary = self._temporary(path)
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fchmod(file.fileno(), MODE)
                self._keep_owner(file.fileno())
                os.fsync(file.fileno())
            os.replace(temporary, path)
            temporary = None
            self._sync_folder()
        except OSError as error:
            raise self._os_error("cannot be written", error) from None
        finally:
            if temporary:
                os.unlink(temporary)

    def _keep_owner(self, handle: int) -> None:
        with contextlib.suppress(OSError):
            owner = os.stat(self.target)
            os.fchown(handle, owner.st_uid, owner.st_gid)

    def _sync_folder(self) -> None:
        handle = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)

    def _os_error(self, what: str, error: OSError) -> EdgefedError:
        if error.errno in _FULL:
            return self._error(
                f"{what}: no space left in {self._folder}. The file is as it was", "free space, then run this again", "disk_full"
            )
        if error.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
            return self._error(f"{what}: {error.strerror}. The file is as it was", f"check the permissions of {self._folder}", "read_only")
        return self._error(f"{what}: {error.strerror}. The file is as it was", "check the path", "bad_dest")

    def _error(self, what: str, remedy: str, code: str) -> EdgefedError:
        return EdgefedError(f"kubeconfig {self.dest} {what}. Next: {remedy}.", code=code, details={"dest": self.dest})


def _sign(lock: int, who: str) -> None:
    os.ftruncate(lock, 0)
    os.pwrite(lock, f"{_MARK} {who}, process {os.getpid()} on {os.uname().nodename}\n".encode(), 0)
