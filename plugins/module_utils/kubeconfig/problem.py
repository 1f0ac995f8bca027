# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Why a kubeconfig could not be read on a member's master, told without anything that the reading task may not show. Pure."""

from __future__ import annotations

import re
from typing import Any, Mapping

_SSH = "Next: check ansible_host, ansible_port and ansible_user, then: ansible HOST -m ansible.builtin.ping"
# sign in ssh's words, what it means, what to do
_UNREACHABLE = (
    (
        r"REMOTE HOST IDENTIFICATION HAS CHANGED|Host key verification failed|host key .*changed",
        "its SSH host key is unknown or has changed, so it may be another machine",
        "Next: find out why; if it is right, ssh-keygen -R ADDRESS and accept the new key",
    ),
    (r"Permission denied|Authentication failed|Too many authentication", "SSH refused the login", _SSH),
    (r"Connection refused", "SSH was refused: nothing listens there", _SSH),
    (r"Could not resolve|Name or service not known", "its name does not resolve", _SSH),
    (r"timed out|Operation timed out|Timeout", "SSH got no answer in time", _SSH),
    (r"No route to host|Network is unreachable", "there is no route to it", _SSH),
    (r"closed by|reset by|kex_exchange|Broken pipe", "the SSH connection was cut", _SSH),
)
_SUDO = "Next: allow it in sudoers, give ansible_become_password, or set kubeconfig_become to false"
_FAILED = (
    (r"(?i)missing sudo password|a password is required|incorrect sudo password|sorry, try again", "sudo wants a password", _SUDO),
    (r"(?i)not in the sudoers|may not run sudo|not allowed to (execute|run)", "sudo does not allow it", _SUDO),
    (
        r"(?i)sudo: (command )?not found|sudo: not found",
        "sudo is not installed there",
        "Next: install it, or set kubeconfig_become to false",
    ),
    (r"(?i)privilege escalation|become", "becoming root failed", _SUDO),
    (
        r"(?i)python.*not found|no such file.*python|interpreter|requires a minimum of Python|SyntaxError",
        "there is no usable Python 3.8 or later",
        "Next: install python3 there, or set ansible_python_interpreter",
    ),
)


def unread(result: Mapping[str, Any], host: str, address: str = "", port: int | str = 22) -> dict[str, str]:
    """``code`` and ``message`` of the problem with ``host``, whose reading ended as ``result`` without the module's own answer.

    What ssh or sudo said is only recognised, never repeated.
    """
    said = _said(result)
    if result.get("unreachable"):
        code, (what, todo) = "unreachable", _recognise(said, _UNREACHABLE, ("it cannot be reached by SSH", _SSH))
    else:
        default = (
            "the reading task failed in a way that is not shown, since it might show secrets",
            "Next: try ansible HOST -b -m ansible.builtin.ping",
        )
        code, (what, todo) = "failed", _recognise(said, _FAILED, default)
    known = address or host
    if int(port) != 22:
        known = f"'[{known}]:{port}'"
    return {"code": code, "message": f"{what}. {todo.replace('HOST', host).replace('ADDRESS', known)}"}


def read_problem(result: Mapping[str, Any], host: str, address: str = "") -> str:
    """One sentence for the failed reading of ``host``; ``""`` when it went well or was not needed.

    ``result`` is the registered result of the ``kubeconfig_info`` task.
    """
    if result.get("skipped") or result.get("sources"):
        return ""
    where = f"{host} ({address})" if address and address != host else host
    problem = result.get("problem") or unread(result, host, address)
    return f"{where}: the kubeconfig cannot be read: {problem['message']}."


def _said(result: Mapping[str, Any]) -> str:
    texts = [str(result.get(key) or "") for key in ("msg", "module_stderr", "module_stdout", "stderr")]
    lines = "\n".join(texts).splitlines()
    # at -vvvv ssh mixes its own log in
    return "\n".join(line for line in lines if not re.search(r"\bdebug\d: |OpenSSH_", line))


def _recognise(said: str, signs: tuple[tuple[str, str, str], ...], default: tuple[str, str]) -> tuple[str, str]:
    for sign, what, todo in signs:
        if re.search(sign, said):
            return what, todo
    return default
