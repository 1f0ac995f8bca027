# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Running a program, and what it says when it fails, in one message."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import IO, Any, Callable

from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import EdgefedError
from ansible_collections.edgefed.kubefed.plugins.module_utils.tools.progress import await_end


def last_words(output: str, count: int = 3, width: int = 400) -> str:
    """The last lines of a program's output, for a message."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    return " | ".join(line[:width] for line in lines[-count:]) or "(nothing)"


def run(
    command: list[str],
    what: str,
    todo: str,
    env: dict[str, str] | None = None,
    *,
    tick: Callable[[], None] | None = None,
    stdin: IO[Any] | int | None = None,
    log: str | None = None,
    timeout: float | None = None,
) -> str:
    """Run it and give its standard output; an error says what it was for, its last words and what to do.

    With ``tick`` that is called while it lasts, and all output goes to the file ``log``. ``timeout`` counts without ``tick`` only.
    """
    try:
        if tick is None:
            done = subprocess.run(
                command,
                env=env,
                stdin=stdin or subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                check=False,
                timeout=timeout,
            )
            code, output, said = done.returncode, done.stdout, done.stdout + done.stderr
        else:
            code, output = _watched(command, env, tick, stdin, log or os.devnull)
            said = output
    except OSError as error:
        raise EdgefedError(f"{what} failed: cannot run {command[0]}: {error.strerror}. Next: {todo}.", code="cannot_run") from None
    except subprocess.TimeoutExpired:
        raise EdgefedError(
            f"{what} was given up: {os.path.basename(command[0])} did not end within {timeout:.0f} s. Next: see with `ps` what holds it "
            f"up; then {todo}.",
            code="timeout",
            details={"command": command},
        ) from None
    if code:
        raise EdgefedError(
            f"{what} failed: {os.path.basename(command[0])} said: {last_words(said)}. Next: {todo}.",
            code="command",
            details={"command": command, "status": code, "output": said.strip().splitlines()[-30:]},
        )
    return output


def _watched(
    command: list[str], env: dict[str, str] | None, tick: Callable[[], None], stdin: IO[Any] | int | None, log: str
) -> tuple[int, str]:
    with open(log, "w+", encoding="utf-8", errors="replace") as output:
        process = subprocess.Popen(command, env=env, stdin=stdin or subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT)
        await_end(process, tick)
        if log == os.devnull:
            return process.returncode, ""
        output.seek(0)
        return process.returncode, output.read()


def missing_programs(names: list[str]) -> list[str]:
    """Those that are not on PATH (and not in the folders of the administrator's programs)."""
    return [name for name in names if which(name) is None]


def which(name: str) -> str | None:
    """The program's path; ``/usr/sbin`` and ``/sbin`` are looked in too, which are not on everybody's PATH."""
    return shutil.which(name, path=os.environ.get("PATH", os.defpath) + ":/usr/local/sbin:/usr/sbin:/sbin")
