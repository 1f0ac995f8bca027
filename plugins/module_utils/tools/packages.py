# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Programs out of the packages of this Debian or Ubuntu, unpacked into a folder: nothing is installed, no service started, no root needed.

The libraries that the packages depend on come too, except the C library itself, so that what is cached runs on every machine of the same
release. Apt checks signatures and checksums.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from typing import Callable, Sequence

from ansible_collections.edgefed.kubefed.plugins.module_utils.tools.cache import writing
from ansible_collections.edgefed.kubefed.plugins.module_utils.tools.fetch import FetchError
from ansible_collections.edgefed.kubefed.plugins.module_utils.tools.model import Tool
from ansible_collections.edgefed.kubefed.plugins.module_utils.tools.progress import await_end

PROGRAMS = ("apt-get", "dpkg-deb")
# Apt's own user could not write into the cache of ours, and a container may forbid to become it.
_OPTIONS = {"APT::Sandbox::User": "root", "Debug::NoLocking": "true", "Acquire::Retries": "2"}
_TIMEOUTS = {f"Acquire::{scheme}::Timeout": "20" for scheme in ("http", "https")}
_CHOSEN = re.compile(r"^Inst (\S+) (?:\[\S+\] )?\((\S+) ", re.MULTILINE)
_TRIPLETS = {"amd64": "x86_64-linux-gnu", "arm64": "aarch64-linux-gnu"}
_RUN = """\
#!/bin/sh
# Runs the program that this file is called as, out of the packages unpacked beside it.
here=$(dirname "$(readlink -f "$0")")/root
name=${{0##*/}}
export LD_LIBRARY_PATH="$here/usr/lib/{triplet}:$here/lib/{triplet}"
for folder in "$here/usr/sbin" "$here/usr/bin"; do
  if [ -x "$folder/$name" ]; then exec "$folder/$name" "$@"; fi
done
echo "$name is not among the packages in $here" >&2
exit 127
"""


def missing_programs() -> str:
    """Why packages cannot be taken on this machine; empty when they can."""
    lacking = [name for name in PROGRAMS if shutil.which(name) is None]
    return f"this machine has no {' and no '.join(lacking)}" if lacking else ""


def chosen(simulated: str, wanted: Sequence[str]) -> list[str]:
    """``name=version`` of the packages to unpack, from what ``apt-get --simulate install`` says. Pure."""
    found = dict(_CHOSEN.findall(simulated))
    names = [name for name in found if name in wanted or (name.startswith("lib") and name.partition(":")[0] != "libc6")]
    return [f"{name}={found[name]}" for name in names]


def said_by_apt(output: str) -> str:
    """The first error that apt tells, else its first warning, without the mark. Pure."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    marked = [line[2:].strip() for mark in ("E:", "W:") for line in lines if line.startswith(mark)]
    return (marked or lines or ["nothing"])[0]


def unpack(tool: Tool, arch: str, folder: str, tick: Callable[[str], None]) -> None:
    """Unpack the tool's packages into ``folder``, with a program that runs what is in them. Raises :class:`FetchError`."""
    if tool.download is None:
        raise AssertionError("the plan takes no tool without its source")
    wanted = tool.download.packages
    own = os.path.join(folder, ".apt")
    archives = os.path.join(folder, ".archives")
    with writing(folder):
        os.makedirs(archives)
    try:
        _bring(wanted, archives, {}, tick)
    except FetchError:
        # The system's lists know no such package, or one that the mirror has replaced by now. Only root may update those: lists of our own.
        with writing(own):
            for path in ("state/lists/partial", "cache/archives/partial"):
                os.makedirs(os.path.join(own, path))
        private = {"Dir::State": f"{own}/state", "Dir::State::Lists": f"{own}/state/lists", "Dir::Cache": f"{own}/cache"}
        updated = _run([*_apt(private), "update"], folder, lambda: tick("updating lists of packages"))
        try:
            _bring(wanted, archives, private, tick)
        except FetchError as error:
            raise FetchError(f"{error}; and of its lists: {said_by_apt(updated)}", final=True) from None
    for name in sorted(os.listdir(archives)):
        _run(["dpkg-deb", "-x", os.path.join(archives, name), os.path.join(folder, "root")], folder, lambda: tick("unpacking"))
    with writing(folder):
        shutil.rmtree(archives)
        shutil.rmtree(own, ignore_errors=True)
        with open(os.path.join(folder, tool.binary), "w", encoding="utf-8") as file:
            file.write(_RUN.format(triplet=_TRIPLETS[arch]))


def _apt(options: dict[str, str]) -> list[str]:
    everything = {**_OPTIONS, **_TIMEOUTS, **options}
    return ["apt-get", "-q", *(part for key, value in everything.items() for part in ("-o", f"{key}={value}"))]


def _bring(wanted: Sequence[str], archives: str, options: dict[str, str], tick: Callable[[str], None]) -> None:
    """Download the packages, as if nothing were installed."""
    nothing = {**options, "Dir::State::status": "/dev/null"}
    simulate = [*_apt(nothing), "--simulate", "--no-install-recommends", "install", *wanted]
    packages = chosen(_run(simulate, archives, lambda: tick("asking apt")), wanted)
    _run([*_apt(options), "download", *packages], archives, lambda: tick("downloading packages"))


def _run(command: list[str], folder: str, tick: Callable[[], None]) -> str:
    """What the command says; :class:`FetchError` with its first error when it fails."""
    log = os.path.join(os.path.dirname(folder), f".{os.path.basename(folder)}.log")
    with writing(log), open(log, "w+", encoding="utf-8", errors="replace") as output:
        process = subprocess.Popen(
            command, cwd=folder, env={**os.environ, "LC_ALL": "C"}, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
        )
        await_end(process, tick)
        output.seek(0)
        said = output.read()
    os.unlink(log)
    if process.returncode:
        raise FetchError(f"{command[0]} says: {said_by_apt(said)}", final=True)
    return said
