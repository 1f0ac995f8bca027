# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Files of reports and previews: 0600 in a 0700 folder, written whole or not at all, and only when they say something new."""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile

from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import EdgefedError

MODE = 0o600
REPORTS = "verify_report_html, verify_report_json"


def read(path: str, option: str = REPORTS) -> str | None:
    """The text of a file; ``None`` when there is none, or what is there is no text of ours."""
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except (FileNotFoundError, UnicodeDecodeError):
        return None
    except OSError as error:
        raise _failure(path, "read", error, option) from None


def is_private(path: str) -> bool:
    """Whether only the owner may read and write it."""
    try:
        return stat.S_IMODE(os.stat(path).st_mode) == MODE
    except OSError:
        return False


def write(path: str, text: str, option: str = REPORTS) -> None:
    """Replace a file atomically. Raises :class:`EdgefedError` that names it."""
    folder = os.path.dirname(path)
    temporary = ""
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=folder, prefix=".edgefed-")
        with os.fdopen(handle, "w", encoding="utf-8", errors="replace") as file:
            file.write(text)
        os.replace(temporary, path)
    except OSError as error:
        if temporary:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
        raise _failure(path, "written", error, option) from None


def remove(path: str, option: str = REPORTS) -> None:
    """Remove a file that may already be gone."""
    try:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
    except OSError as error:
        raise _failure(path, "removed", error, option) from None


def _failure(path: str, what: str, error: OSError, option: str) -> EdgefedError:
    return EdgefedError(
        f"The file {path} cannot be {what}: {error.strerror}. Next: make its folder writable, free some space, or choose another path "
        f"({option}).",
        code="report_file",
        details={"path": path},
    )
