# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A node's memory, from the control group that its first process is in."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Memory:
    """In bytes: what processes hold, and files that the kernel keeps for them as long as nobody else needs the room."""

    used: int = 0
    cache: int = 0


def parse_cgroup(text: str) -> str | None:
    """The folder of the memory controller of ``/proc/<pid>/cgroup``, for version 1 or 2."""
    found = None
    for line in text.splitlines():
        _number, controllers, path = line.split(":", 2)
        if "memory" in controllers.split(","):
            return f"/sys/fs/cgroup/memory{path}"
        if controllers == "":
            found = f"/sys/fs/cgroup{path}"
    return found


def parse_stat(text: str) -> Memory:
    """``memory.stat`` of a group with all below it."""
    values = {key: int(value) for key, _space, value in (line.partition(" ") for line in text.splitlines()) if value.isdigit()}
    if "total_rss" in values:
        return Memory(values["total_rss"], values.get("total_cache", 0))
    return Memory(values.get("anon", 0) + values.get("kernel", 0), values.get("file", 0))


def of_process(pid: int) -> Memory:
    """The memory of the node whose first process this is; zero when it cannot be read."""
    try:
        with open(f"/proc/{pid}/cgroup", encoding="ascii") as file:
            folder = parse_cgroup(file.read())
        if folder is None:
            return Memory()
        # systemd in the node puts itself into a group of its own, below the node's.
        folder = folder.partition("/init.scope")[0]
        with open(f"{folder}/memory.stat", encoding="ascii") as file:
            return parse_stat(file.read())
    except OSError:
        return Memory()
