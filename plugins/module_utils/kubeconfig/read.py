# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A kubeconfig read where it lies, with the files it names. Runs on members' masters: Python 3.8 and its standard library only.

There may be no YAML reader there, so the files' names are found by a scan that knows plain and quoted scalars in block and flow
style. Whoever parses the text afterwards notices a name that the scan did not see.
"""

from __future__ import annotations

import base64
import json
import os
import pwd
import re
from typing import Any

LIMIT = 4 * 1024 * 1024
_REFERENCE = re.compile(
    r"""(?:^|[\s{,"'-])(?:certificate-authority|client-certificate|client-key|tokenFile)["']?[ \t]*:[ \t\n]*"""
    r"""("(?:[^"\\]|\\.)*"|'(?:[^']|'')*'|[^\s"',{}\[\]#&*!|>%@`][^\n,}\]]*)""",
    re.MULTILINE,
)


class ReadProblem(Exception):
    """Why something cannot be read: a message without content of the file, and a ``code``."""

    def __init__(self, message: str, code: str) -> None:
        super().__init__(message)
        self.message = message
        self.code = code


def references(text: str) -> list[str]:
    """The paths that the kubeconfig's text names, as written there, in order."""
    found = []
    for match in _REFERENCE.finditer(text.replace("\r\n", "\n")):
        path = _scalar(match.group(1))
        if path and path not in found:
            found.append(path)
    return found


def _scalar(text: str) -> str:
    if text.startswith('"'):
        try:
            return str(json.loads(text))
        except ValueError:
            return text[1:-1]
    if text.startswith("'"):
        return text[1:-1].replace("''", "'")
    return re.split(r"[ \t]#", text)[0].strip()


def read_sources(path: str) -> list[dict[str, Any]]:
    """Read ``path``, which may be several separated by ``:`` as in KUBECONFIG (missing ones are then left out).

    Each is ``{path, content, files: {name: base64}, problems: {name: why}}``. Raises :class:`ReadProblem`.
    """
    paths = [os.path.expanduser(part) for part in path.split(os.pathsep) if part]
    if len(paths) > 1:
        paths = [part for part in paths if os.path.exists(part)] or paths[:1]
    if not paths:
        raise ReadProblem("the path is empty. Next: set kubeconfig_path", "no_path")
    return [_read_source(os.path.abspath(part)) for part in paths]


def _read_source(path: str) -> dict[str, Any]:
    try:
        content = _read(path).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ReadProblem(f"{path} is not UTF-8 text, so no kubeconfig. Next: check kubeconfig_path", "not_text") from None
    files, problems = _read_files(os.path.dirname(path), references(content))
    return {"path": path, "content": content, "files": files, "problems": problems}


def _read_files(folder: str, names: list[str]) -> tuple[dict[str, str], dict[str, str]]:
    files, problems = {}, {}
    for name in names:
        try:
            files[name] = base64.b64encode(_read(os.path.join(folder, name))).decode("ascii")
        except ReadProblem as problem:
            problems[name] = problem.message.split(". Next:")[0]
    return files, problems


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            data = file.read(LIMIT + 1)
    except FileNotFoundError:
        raise ReadProblem(f"{path} does not exist. Next: set kubeconfig_path to where the kubeconfig lies", "missing") from None
    except PermissionError:
        raise ReadProblem(
            f"{path} may not be read by user {user_name()}. Next: set kubeconfig_become to true when it is root's, or name a file "
            "that this user may read",
            "permission",
        ) from None
    except IsADirectoryError:
        raise ReadProblem(f"{path} is a folder. Next: set kubeconfig_path to the file in it", "folder") from None
    except OSError as error:
        raise ReadProblem(f"{path} cannot be read: {error.strerror}. Next: check kubeconfig_path", "unreadable") from None
    if len(data) > LIMIT:
        raise ReadProblem(f"{path} is larger than {LIMIT} bytes, so no kubeconfig. Next: check kubeconfig_path", "large")
    return data


def user_name() -> str:
    """Who reads."""
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return str(os.geteuid())
