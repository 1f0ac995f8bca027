# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which images kind clusters get: upstream's, or our own archive in the cache, made when it is not there."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
from dataclasses import dataclass, replace
from typing import Any, Callable, Mapping

from ansible_collections.edgefed.kubefed.plugins.module_utils.kind import node_image, preflight
from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import EdgefedError
from ansible_collections.edgefed.kubefed.plugins.module_utils.tools.cache import Cache, writing
from ansible_collections.edgefed.kubefed.plugins.module_utils.tools.ensure import Request, ensure, tool_recipe
from ansible_collections.edgefed.kubefed.plugins.module_utils.tools.fetch import Fetcher, FetchError
from ansible_collections.edgefed.kubefed.plugins.module_utils.tools.progress import Progress

FOLDER = "kind-image"
KUBEFED = "quay.io/kubernetes-multicluster/kubefed"
REGISTRIES = ("registry-1.docker.io", "quay.io")
DEFAULT_MIRROR = "http://deb.debian.org/debian"
_FORMAT = 1
_FILES = ("packages.txt", "import-images.sh", "crictl", "edgefed-sysctl.sh", "12-edgefed.conf", "default-cni.yaml")
_MORE_FILES = ("default-storage.yaml", "edgefed-dns.yaml", "sysctl.conf")


@dataclass(frozen=True)
class Wanted:
    """What is asked for; ``tools`` names how the programs within are had, ``pulled`` is upstream's node image."""

    tools: Request
    images: str
    pulled: str
    files: str
    stand_ins: tuple[str, ...]
    mirror: str


@dataclass(frozen=True)
class Chosen:
    """The images of the lab. ``archive`` is empty when they are pulled; ``why`` says why they are built."""

    node: str
    kubefed: str
    archive: str
    stand_ins: tuple[str, ...] = ()
    made: bool = False
    why: str = ""


def recipe(wanted: Wanted) -> str:
    """A digest of all that the archive is made from: when it differs, it is made again. Needs no program to be built."""
    table = wanted.tools.table
    parts = [str(_FORMAT), table.arch, node_image.SUITE, *wanted.stand_ins]
    parts += [f"{tool.name} {tool.version} {tool_recipe(table, tool, wanted.tools.go_dir)}" for tool in wanted.tools.needed]
    for name in (*_FILES, *_MORE_FILES):
        with open(os.path.join(wanted.files, name), "rb") as file:
            parts.append(f"{name} {hashlib.sha256(file.read()).hexdigest()}")
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:12]


def full_name(image: str) -> str:
    """``nginx:1.17`` as nodes call it, ``docker.io/library/nginx:1.17``."""
    first, _dummy, rest = image.partition("/")
    if not rest:
        return f"docker.io/library/{image}"
    return image if "." in first or ":" in first or first == "localhost" else f"docker.io/{image}"


def registry_problem(fetcher: Fetcher, hosts: tuple[str, ...], seconds: float) -> str:
    """Why images cannot be pulled, empty when they can. A proxy that answers in the registry's place is no registry."""
    for host in hosts:
        try:
            fetcher.open(f"https://{host}/v2/", timeout=seconds).close()
        except FetchError as error:
            if "www-authenticate" not in {name.lower() for name in error.headers}:
                return f"{host}: {error}"
    return ""


def choose(wanted: Wanted) -> Chosen:
    """Pulled or built, and under which names; nothing is made."""
    table = wanted.tools.table
    kubernetes, kubefed = table.tools["kubelet"].version, table.tools["kubefed"].version
    pulled = Chosen(wanted.pulled, f"{KUBEFED}:v{kubefed}", "")
    if wanted.images == "pull":
        return pulled
    mark = recipe(wanted)
    archive = os.path.join(wanted.tools.cache.root, FOLDER, f"{kubernetes}-{mark}", "images.tar.zst")
    built = replace(
        pulled,
        node=f"localhost/edgefed/node:v{kubernetes}-{mark}",
        archive=archive,
        stand_ins=tuple(full_name(name) for name in wanted.stand_ins),
    )
    if os.path.exists(archive) or wanted.images == "build":
        return replace(built, made=not os.path.exists(archive), why="lab_kind_images is build" if wanted.images == "build" else "cached")
    why = registry_problem(Fetcher(wanted.tools.mirrors), REGISTRIES, wanted.tools.probe_timeout)
    return replace(built, made=True, why=why) if why else pulled


def bring(wanted: Wanted, show: Callable[[str], None], check: bool) -> Chosen:
    """Make the archive when it is asked for and not there."""
    chosen = choose(wanted)
    if not chosen.made or check:
        return chosen
    _check_machine(wanted.tools.cache.root)
    folder = os.path.dirname(chosen.archive)
    progress = Progress(show)
    with wanted.tools.cache.locked([FOLDER], progress):
        if os.path.exists(chosen.archive):
            return replace(chosen, made=False)
        with writing(folder):
            os.makedirs(folder, exist_ok=True)
        ensure(wanted.tools, progress, False)
        steps = Progress(show)
        steps.total = node_image.STEPS
        say = _Say(steps)
        place = node_image.Workplace(os.path.join(wanted.tools.cache.root, FOLDER, _base_name(wanted)), f"{folder}.part", say, say.tick)
        with writing(folder):
            names = node_image.make(_materials(wanted, chosen), place, chosen.archive)
        with open(os.path.join(folder, "images.json"), "w", encoding="utf-8") as file:
            json.dump({"images": names, "stand_ins": list(chosen.stand_ins)}, file, indent=2)
        _forget_others(wanted, folder)
    return chosen


class _Say:
    """Progress of the steps: called with each step's name, ticked within it."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._name = ""

    def __call__(self, name: str) -> None:
        if self._name:
            self._progress.done += 1
        self._name = name
        self._progress.begin("node image", name)

    def tick(self) -> None:
        self._progress.tick("node image", self._name)


def _base_name(wanted: Wanted) -> str:
    """The cached Debian system, called after what is in it."""
    return f"debian-{hashlib.sha256(repr((node_image.SUITE, _packages(wanted), wanted.tools.table.arch)).encode()).hexdigest()[:12]}.tar"


def _packages(wanted: Wanted) -> list[str]:
    with open(os.path.join(wanted.files, "packages.txt"), encoding="utf-8") as file:
        return file.read().split()


def _materials(wanted: Wanted, chosen: Chosen) -> node_image.Materials:
    cache: Cache = wanted.tools.cache
    table = wanted.tools.table
    return node_image.Materials(
        programs={tool.name: cache.binary(tool) for tool in wanted.tools.needed},
        files=wanted.files,
        packages=_packages(wanted),
        mirror=wanted.mirror or apt_mirror() or DEFAULT_MIRROR,
        arch=table.arch,
        kubernetes_version=f"v{table.tools['kubelet'].version}",
        node_name=chosen.node,
        kubefed_name=chosen.kubefed,
        net_name=f"localhost/edgefed/net:v{table.tools['net'].version}",
        stand_ins=list(chosen.stand_ins),
    )


def apt_mirror() -> str:
    """The mirror that apt of this Debian uses for the node's release; empty on any other system."""
    command = ["apt-get", "indextargets", "--format", "$(REPO_URI)", f"Codename: {node_image.SUITE}", "Origin: Debian"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return next((line.rstrip("/") for line in done.stdout.split() if "security" not in line), "")


def _check_machine(folder: str) -> None:
    found = preflight.build_problems(preflight.look(folder))
    if found:
        raise EdgefedError(" ".join(found), code="preflight", details={"problems": found})


def _forget_others(wanted: Wanted, kept: str) -> None:
    """One archive is kept: that of the present recipe."""
    parent = os.path.dirname(kept)
    base = _base_name(wanted)
    for name in os.listdir(parent):
        path = os.path.join(parent, name)
        if path != kept and name != base:
            shutil.rmtree(path) if os.path.isdir(path) else os.unlink(path)


def as_data(chosen: Chosen) -> Mapping[str, Any]:
    """For the task's result."""
    return {
        "node_image": chosen.node,
        "kubefed_image": chosen.kubefed,
        "archive": chosen.archive,
        "stand_ins": list(chosen.stand_ins),
        "why": chosen.why,
    }
