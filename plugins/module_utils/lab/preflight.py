# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether a lab can be made on this machine. The judgement is pure; :func:`look` gathers what it judges."""

from __future__ import annotations

import os
import platform
import re
import resource
from dataclasses import dataclass, field

from ansible_collections.edgefed.kubefed.plugins.module_utils.lab.documents import TOOLS
from ansible_collections.edgefed.kubefed.plugins.module_utils.lab.layout import (
    HIGHEST_PORT,
    LOWEST_PORT,
    MOST_CLUSTERS,
    PORTS_PER_CLUSTER,
)

MEGABYTE = 1024 * 1024
DISK = 1024 * MEGABYTE
MEMORY_PER_CLUSTER = 650 * MEGABYTE
# Five processes of Go with about a dozen threads each; a thread takes a pid.
PIDS_PER_CLUSTER = 100
# pidfd_open, which keeps a pid from being taken by another process while it is stopped.
OLDEST_KERNEL = (5, 3)
DRIVERS = ("embedded",)
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
NAME_LENGTH = 63


@dataclass(frozen=True)
class Machine:
    """What the machine has left. Sizes in bytes; ``None`` where there is no limit or it cannot be told."""

    system: str
    kernel: tuple[int, ...]
    disk: int | None
    memory: int | None
    pids: int | None


@dataclass(frozen=True)
class Wish:
    """The lab that is asked for. ``clusters``: inventory host -> cluster name; ``indexes``: host -> number; ``new``: not yet there."""

    driver: str
    folder: str
    port_base: int
    clusters: dict[str, str]
    indexes: dict[str, int]
    new: tuple[str, ...]
    tools: dict[str, str]
    unusable_tools: tuple[str, ...] = field(default=())


def problems(machine: Machine, wish: Wish) -> list[str]:
    """What stands in the way, each with its remedy; empty when nothing does."""
    if wish.driver not in DRIVERS:
        return [_driver_problem(wish.driver)]
    names = name_problems(wish.clusters, wish.indexes, wish.port_base)
    return [*_system_problems(machine), *names, *_tool_problems(wish), *_room_problems(machine, wish)]


def _driver_problem(driver: str) -> str:
    return f'lab_driver "{driver}" is not known. Next: set lab_driver to one of: {", ".join(DRIVERS)}.'


def _system_problems(machine: Machine) -> list[str]:
    if machine.system != "Linux":
        return [
            f"The embedded lab runs on Linux, and this is {machine.system}. Next: use a Linux machine or virtual machine, "
            "or set federation_run_from to an inventory host that is one."
        ]
    if machine.kernel and machine.kernel < OLDEST_KERNEL:
        version = ".".join(map(str, machine.kernel))
        return [f"The lab needs Linux 5.3 or later, and this is {version}. Next: use a machine with a newer kernel."]
    return []


def name_problems(clusters: dict[str, str], indexes: dict[str, int], port_base: int) -> list[str]:
    """What is wrong with the clusters' names (by host), numbers and ports, whatever the driver."""
    found = []
    bad = [f"{name} (host {host})" for host, name in clusters.items() if not _LABEL.fullmatch(name)]
    if bad:
        found.append(
            f"Cluster name(s) {', '.join(bad)}: lab_prefix and the inventory host's name together must be a DNS label: at most "
            f"{NAME_LENGTH} of a-z, 0-9 and '-'. Next: rename the host, or change lab_prefix."
        )
    most = max(indexes.values(), default=0) + 1
    if most > MOST_CLUSTERS:
        found.append(
            f"A lab has at most {MOST_CLUSTERS} clusters, as each has a range 127.n of its own, and this would need {most}. "
            "Next: take hosts out of the inventory."
        )
    last = port_base + most * PORTS_PER_CLUSTER - 1
    if port_base < LOWEST_PORT or last > HIGHEST_PORT:
        found.append(
            f"lab_port_base {port_base} gives ports {port_base} to {last}, ten for each of {most} cluster(s); "
            f"they must lie between {LOWEST_PORT} and {HIGHEST_PORT}. Next: set lab_port_base between {LOWEST_PORT} and "
            f"{HIGHEST_PORT + 1 - most * PORTS_PER_CLUSTER}."
        )
    return found


def _tool_problems(wish: Wish) -> list[str]:
    missing = [name for name in TOOLS if not wish.tools.get(name)]
    found = []
    if missing:
        found.append(f"The lab's tools {', '.join(missing)} are not known (tools_paths). Next: run tools.yml, which gets and builds them.")
    if wish.unusable_tools:
        found.append(
            f"Not there, or not executable: {', '.join(wish.unusable_tools)} (tools_paths). "
            "Next: run tools.yml again, which makes them anew."
        )
    return found


def _room_problems(machine: Machine, wish: Wish) -> list[str]:
    count = len(wish.new)
    rooms = (
        (machine.disk, DISK, MEGABYTE, "MB of disk", f"free some below {wish.folder}, or set federation_state_dir to another disk"),
        (
            machine.memory,
            MEMORY_PER_CLUSTER * count,
            MEGABYTE,
            "MB of memory",
            "stop programs, or take hosts out of the inventory",
        ),
        (machine.pids, PIDS_PER_CLUSTER * count, 1, "processes and threads", "raise the limit (ulimit -u, or pids.max of the container)"),
    )
    if not count:
        return []
    return [
        f"{count} new cluster(s) need {needed // unit} {what}, and {left // unit} are left. Next: {remedy}."
        for left, needed, unit, what, remedy in rooms
        if left is not None and left < needed
    ]


def look(folder: str) -> Machine:
    """This machine, and the disk that ``folder`` (or its nearest parent) lies on."""
    while not os.path.isdir(folder) and folder != os.path.dirname(folder):
        folder = os.path.dirname(folder)
    disk = os.statvfs(folder)
    kernel = re.match(r"(\d+)\.(\d+)", platform.release())
    return Machine(
        system=platform.system(),
        kernel=tuple(int(part) for part in kernel.groups()) if kernel else (),
        disk=disk.f_bavail * disk.f_frsize,
        memory=_least(_available_memory(), _cgroup_left("memory.max", "memory.current")),
        pids=_least(_user_pids(), _cgroup_left("pids.max", "pids.current")),
    )


def _least(*limits: int | None) -> int | None:
    return min((limit for limit in limits if limit is not None), default=None)


def _number(path: str) -> int | None:
    try:
        with open(path, encoding="ascii") as file:
            return int(file.read())
    except (OSError, ValueError):
        return None


def _cgroup_left(limit: str, used: str) -> int | None:
    most, now = _number(f"/sys/fs/cgroup/{limit}"), _number(f"/sys/fs/cgroup/{used}")
    return None if most is None or now is None else most - now


def _available_memory() -> int | None:
    try:
        with open("/proc/meminfo", encoding="ascii") as file:
            return next(int(line.split()[1]) * 1024 for line in file if line.startswith("MemAvailable:"))
    except (OSError, StopIteration):
        return None


def _user_pids() -> int | None:
    soft, _hard = resource.getrlimit(resource.RLIMIT_NPROC)
    most = _number("/proc/sys/kernel/threads-max")
    return _least(None if soft == resource.RLIM_INFINITY else soft, most)


def unusable(tools: dict[str, str]) -> tuple[str, ...]:
    """The tools that are named but cannot be run, as ``name (path)``."""
    return tuple(f"{name} ({path})" for name, path in sorted(tools.items()) if name in TOOLS and not os.access(path, os.X_OK))
