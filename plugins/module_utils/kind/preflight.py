# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether kind clusters can be made on this machine. The judgement is pure; :func:`look` gathers what it judges."""

from __future__ import annotations

import os
import resource
import subprocess
from dataclasses import dataclass, field

from ansible_collections.edgefed.kubefed.plugins.module_utils.kind.commands import missing_programs, which
from ansible_collections.edgefed.kubefed.plugins.module_utils.kind.host import DOCKER_IS_NOT_ISOLATED, LIMITS, read_setting
from ansible_collections.edgefed.kubefed.plugins.module_utils.lab import preflight as lab_preflight
from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import EdgefedError

GIGABYTE = 1024 * 1024 * 1024
# Measured with the built image: 0.45 GB and as much of page cache; a further node takes a quarter of that.
MEMORY_PER_CLUSTER = 900 * 1024 * 1024
DISK_PER_CLUSTER = GIGABYTE
DISK_OF_IMAGE = 3 * GIGABYTE
# By their sizes, with room to spare: the node's file system, its images' layers and all of it packed lie side by side while it is made.
DISK_OF_BUILD = 4 * GIGABYTE
CONTROLLERS = ("cpu", "cpuset", "memory", "pids")
FEWEST_FILES = 4096
# Program -> Debian package. nft only where the lab is isolated.
PODMAN_PROGRAMS = {"podman": "podman", "runc": "runc", "conmon": "conmon", "iptables": "iptables", "zstd": "zstd", "ip": "iproute2"}
NETWORK_PROGRAMS = {"netavark": "netavark", "aardvark-dns": "aardvark-dns"}
BUILD_PROGRAMS = {"debootstrap": "debootstrap", "tar": "tar", "zstd": "zstd", "unshare": "util-linux", "chroot": "coreutils"}
_PODMAN_FOLDERS = ("/usr/lib/podman", "/usr/libexec/podman", "/usr/local/lib/podman", "/usr/local/libexec/podman")
# At most this many clusters are made at once for each core: two share what one leaves idle while it waits.
CLUSTERS_PER_CORE = 2


@dataclass(frozen=True)
class Machine:
    """What there is. Sizes in bytes, ``None`` where it cannot be told."""

    root: bool
    docker: bool
    missing: tuple[str, ...]
    controllers: tuple[str, ...]
    limits: dict[str, int]
    files: int
    cores: int
    base: lab_preflight.Machine


@dataclass(frozen=True)
class Wish:
    """What is asked for. ``provider`` may be ``auto``; ``image_there``: the node image is loaded already; ``building``: it will be made."""

    provider: str
    isolated: bool
    new: tuple[str, ...]
    image_there: bool
    foreign: tuple[str, ...] = field(default=())
    building: bool = False


def check(found: list[str]) -> None:
    """Fail when something was found, with all of it at once."""
    if found:
        raise EdgefedError(f"The lab cannot be made: {' '.join(found)} Nothing was changed.", "preflight", {"problems": found})


def choose_provider(machine: Machine, wish: Wish) -> str:
    """podman for an isolated lab; else docker where it answers (its user has it already)."""
    if wish.provider != "auto":
        return wish.provider
    return "docker" if machine.docker and not wish.isolated else "podman"


def problems(machine: Machine, wish: Wish) -> list[str]:
    """What stands in the way, each with its remedy; empty when nothing does."""
    if machine.base.system != "Linux":
        return [f"kind clusters of a lab run on Linux, and this is {machine.base.system}. Next: use lab_driver on a Linux machine."]
    provider = choose_provider(machine, wish)
    found = [*_provider_problems(machine, wish, provider), *_kernel_problems(machine)]
    found += build_problems(machine) if wish.building else []
    return found + _room_problems(machine, wish) + _foreign_problems(wish)


def build_problems(machine: Machine) -> list[str]:
    """What stands in the way of making the images here; clusters need not be able to run."""
    found = []
    missing = [name for name in machine.missing if name in BUILD_PROGRAMS]
    if missing:
        packages = " ".join(sorted({BUILD_PROGRAMS[name] for name in missing}))
        found.append(
            f"Building the node image of kind needs {', '.join(missing)}. Next: apt-get install --no-install-recommends {packages}; "
            "or pull it (lab_kind_images: pull); or take images.tar.zst from another machine's cache."
        )
    if not machine.root:
        found.append(
            "Building the node image of kind needs root, for a Debian system's files have their own owners. Next: run "
            "`sudo make kind-image`; or pull it (lab_kind_images: pull); or use lab_driver: embedded, which needs no root."
        )
    if machine.base.disk is not None and machine.base.disk < DISK_OF_BUILD:
        found.append(
            f"Building the node image of kind needs {DISK_OF_BUILD / GIGABYTE:.1f} GB of disk, and {machine.base.disk / GIGABYTE:.1f} GB "
            "are left. Next: free some where the cache lies, or set XDG_CACHE_HOME to another disk."
        )
    return found


def _provider_problems(machine: Machine, wish: Wish, provider: str) -> list[str]:
    if provider == "docker" and wish.isolated:
        return [DOCKER_IS_NOT_ISOLATED]
    found = []
    if provider == "docker" and not machine.docker:
        found.append(
            "lab_kind_provider is docker, and no Docker daemon answers (`docker info`). Next: systemctl start docker; or set "
            "lab_kind_provider: podman."
        )
    if provider == "podman" and not machine.root:
        found.append(
            "podman without root needs the controllers of cgroup v2 delegated to you, and its network could not be isolated: kind labs "
            "are made by root only. Next: run as root (sudo), or use lab_driver: embedded, which needs no root."
        )
    known = {**(PODMAN_PROGRAMS | NETWORK_PROGRAMS if provider == "podman" else {}), **({"nft": "nftables"} if wish.isolated else {})}
    missing = [name for name in machine.missing if name in known]
    if missing:
        packages = " ".join(sorted({known[name] for name in missing}))
        found.append(f"{', '.join(missing)} cannot be found. Next: apt-get install --no-install-recommends {packages}.")
    return found


def _kernel_problems(machine: Machine) -> list[str]:
    found = []
    missing = [name for name in CONTROLLERS if name not in machine.controllers]
    if missing:
        found.append(
            f"The cgroup controllers {', '.join(missing)} are not mounted. Next: mount cgroup v2 (mount -t cgroup2 none /sys/fs/cgroup), "
            "or boot without cgroup_disable."
        )
    if machine.limits and not machine.root:
        commands = "; ".join(f"sysctl -w {name.replace('/', '.')}={LIMITS[name]}" for name in machine.limits)
        low = ", ".join(f"{name.replace('/', '.')} is {value}" for name, value in machine.limits.items())
        found.append(f"inotify's limits are too low for several nodes ({low}). Next: sudo sh -c '{commands}'.")
    if machine.files < FEWEST_FILES:
        found.append(f"At most {machine.files} files may be open, and nodes need {FEWEST_FILES}. Next: ulimit -Hn {FEWEST_FILES} as root.")
    return found


def _room_problems(machine: Machine, wish: Wish) -> list[str]:
    count = len(wish.new)
    if not count:
        return []
    disk = DISK_PER_CLUSTER * count + (0 if wish.image_there else DISK_OF_IMAGE)
    rooms = (
        (machine.base.disk, disk, "disk", "free some where the cache lies, or set XDG_CACHE_HOME to another disk"),
        (machine.base.memory, MEMORY_PER_CLUSTER * count, "memory", "stop programs, or take hosts out of the inventory"),
    )
    return [
        f"{count} new cluster(s) need {needed / GIGABYTE:.1f} GB of {what}, and {left / GIGABYTE:.1f} GB are left. Next: {remedy}."
        for left, needed, what, remedy in rooms
        if left is not None and left < needed
    ]


def _foreign_problems(wish: Wish) -> list[str]:
    if not wish.foreign:
        return []
    return [
        f"There are kind clusters of the same names that are not this lab's: {', '.join(wish.foreign)}. "
        "Next: remove them, or set lab_prefix."
    ]


def at_once(machine: Machine, count: int) -> int:
    """How many clusters are made at the same time, by memory and cores."""
    by_memory = count if machine.base.memory is None else machine.base.memory // MEMORY_PER_CLUSTER
    return max(1, min(count, machine.cores * CLUSTERS_PER_CORE, by_memory))


def look(folder: str) -> Machine:
    """This machine; ``folder`` is where the images lie."""
    programs = {*PODMAN_PROGRAMS, *BUILD_PROGRAMS, "nft"}
    return Machine(
        root=os.geteuid() == 0,
        docker=_docker_answers(),
        missing=tuple(missing_programs(sorted(programs)) + [name for name in NETWORK_PROGRAMS if not _podman_has(name)]),
        controllers=tuple(_controllers()),
        limits={name: int(value) for name in LIMITS if (value := read_setting(name)) and int(value) < LIMITS[name]},
        files=_most_files(),
        cores=len(os.sched_getaffinity(0)),
        base=lab_preflight.look(folder),
    )


def _docker_answers() -> bool:
    program = which("docker")
    if program is None:
        return False
    try:
        return subprocess.run([program, "info"], capture_output=True, check=False, timeout=10).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def _podman_has(name: str) -> bool:
    return any(os.access(f"{folder}/{name}", os.X_OK) for folder in _PODMAN_FOLDERS) or which(name) is not None


def _controllers() -> list[str]:
    """Those of cgroup v2, and the mounted ones of v1."""
    found: list[str] = []
    try:
        with open("/sys/fs/cgroup/cgroup.controllers", encoding="ascii") as file:
            found += file.read().split()
    except OSError:
        pass
    with open("/proc/self/mounts", encoding="utf-8", errors="replace") as file:
        for line in file:
            fields = line.split()
            if len(fields) > 3 and fields[2] == "cgroup":
                found += fields[3].split(",")
    return found


def _most_files() -> int:
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return 1 << 30 if hard == resource.RLIM_INFINITY else hard
