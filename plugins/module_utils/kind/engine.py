# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The container engine that kind's nodes run in: podman with settings and storage of its own, or docker as it is."""

from __future__ import annotations

import ctypes
import json
import os
import resource
import signal
import subprocess
import time
from dataclasses import dataclass, field
from typing import Any, Iterable

from ansible_collections.edgefed.kubefed.plugins.module_utils.kind.commands import last_words, run, which
from ansible_collections.edgefed.kubefed.plugins.module_utils.lab import processes
from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import EdgefedError

PROVIDERS = ("podman", "docker")
CLUSTER_LABEL = "io.x-k8s.kind.cluster"
RUNNING = "running"
# Of one call; loading the node image on a busy machine is the longest.
TIMEOUT = 900.0
# podman finds a container stopped that it was about to stop, and gives up.
REMOVALS = 5
_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None)
_PROXIES = ("http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")


@dataclass(frozen=True)
class Node:
    """One container of a cluster. ``state`` as the engine says it (``running``, ``paused``, ``exited``, ``created`` …)."""

    name: str
    cluster: str
    state: str
    pid: int
    networks: tuple[str, ...]


@dataclass(frozen=True)
class PodmanFiles:
    """Podman's settings and storage of all kind labs of this user; nothing of the user's own podman is touched.

    ``root`` holds the images (kept, they are a cache); ``run`` must not outlive a boot.
    """

    root: str
    run: str

    @property
    def containers_conf(self) -> str:
        return f"{self.root}/containers.conf"

    @property
    def storage_conf(self) -> str:
        return f"{self.root}/storage.conf"

    @property
    def networks(self) -> str:
        return f"{self.root}/networks"

    def network(self, name: str) -> str:
        return f"{self.networks}/{name}.json"


def podman_files(cache: str) -> PodmanFiles:
    """Below the cache, and below the user's folder of what a boot forgets."""
    home = "/run" if os.geteuid() == 0 else os.environ.get("XDG_RUNTIME_DIR") or f"/run/user/{os.geteuid()}"
    return PodmanFiles(f"{cache}/kind-podman", f"{home}/edgefed-kind")


def containers_conf(files: PodmanFiles, most_files: int, most_processes: int) -> str:
    """podman's settings. Limits: where CAP_SYS_RESOURCE is missing nothing can be raised above our own."""
    return "\n".join(
        [
            "[containers]",
            f'default_ulimits = ["nofile={most_files}:{most_files}", "nproc={most_processes}:{most_processes}"]',
            'log_driver = "k8s-file"',
            "[engine]",
            'runtime = "runc"',
            'cgroup_manager = "cgroupfs"',
            'events_logger = "none"',
            'lock_type = "file"',
            "stop_timeout = 1",
            f'tmp_dir = "{files.run}/tmp"',
            "[network]",
            'network_backend = "netavark"',
            f'network_config_dir = "{files.networks}"',
            "",
        ]
    )


def storage_conf(files: PodmanFiles) -> str:
    """podman's storage."""
    return "\n".join(["[storage]", 'driver = "overlay"', f'graphroot = "{files.root}/graph"', f'runroot = "{files.run}/run"', ""])


def network_id(name: str) -> str:
    """The id that the lab gives its network."""
    return (name.encode().hex() * 8)[:64].ljust(64, "0")


def network_document(name: str, subnet: str, gateway: str) -> str:
    """podman's file of a network, as ``podman network create`` would write it; that of podman 4.3 cannot name the bridge."""
    return json.dumps(
        {
            "name": name,
            "id": network_id(name),
            "driver": "bridge",
            "network_interface": name,
            "created": "2026-01-01T00:00:00Z",
            "subnets": [{"subnet": subnet, "gateway": gateway}],
            "ipv6_enabled": False,
            "internal": False,
            "dns_enabled": True,
            "ipam_options": {"driver": "host-local"},
        },
        indent=2,
    )


def parse_nodes(inspected: str) -> list[Node]:
    """The nodes of ``inspect``'s answer; podman and docker give the same fields that count here."""
    found = []
    for one in json.loads(inspected or "[]"):
        labels = (one.get("Config") or {}).get("Labels") or {}
        if CLUSTER_LABEL not in labels:
            continue
        state = one["State"]
        networks = tuple(((one.get("NetworkSettings") or {}).get("Networks") or {}).keys())
        found.append(Node(one["Name"].lstrip("/"), labels[CLUSTER_LABEL], state["Status"], int(state.get("Pid") or 0), networks))
    return sorted(found, key=lambda node: node.name)


def _die_with_parent() -> None:
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


@dataclass
class Engine:
    """``podman`` or ``docker`` for one lab's network; ``kind`` is kind's path."""

    provider: str
    network: str
    environment: dict[str, str] = field(default_factory=dict)
    kind: str = ""

    def call(self, *arguments: str, what: str = "", todo: str = "see what it says, and run again", stdin: Any = None) -> str:
        """Run the engine and give its output."""
        return run(
            [self.program, *arguments], what or f"{self.provider} {arguments[0]}", todo, self.environment, stdin=stdin, timeout=TIMEOUT
        )

    def works(self, *arguments: str) -> bool:
        """Whether the engine's command succeeds."""
        try:
            self.call(*arguments)
            return True
        except EdgefedError:
            return False

    @property
    def program(self) -> str:
        return which(self.provider) or self.provider

    @property
    def cache(self) -> str:
        """The cache that podman's settings for labs lie in; empty for docker."""
        settings = self.environment.get("CONTAINERS_CONF", "")
        return os.path.dirname(os.path.dirname(settings)) if self.provider == "podman" else ""

    def ready(self) -> bool:
        """Whether there may be anything in it: the program, and for podman the settings of labs."""
        settings = self.environment.get("CONTAINERS_CONF", "")
        return which(self.provider) is not None and (self.provider != "podman" or os.path.exists(settings))

    def nodes(self, cluster: str | None = None) -> list[Node]:
        """The nodes on the lab's network (of one cluster), whatever state they are in."""
        label = f"label={CLUSTER_LABEL}" + (f"={cluster}" if cluster else "")
        ids = self.call("ps", "--all", "--quiet", "--no-trunc", "--filter", label).split()
        nodes = parse_nodes(self.call("inspect", "--type", "container", *ids)) if ids else []
        return [node for node in nodes if self.network in node.networks]

    def foreign(self, clusters: Iterable[str]) -> list[Node]:
        """Nodes of clusters of these names that are another lab's, or nobody's."""
        ids = self.call("ps", "--all", "--quiet", "--no-trunc", "--filter", f"label={CLUSTER_LABEL}").split()
        nodes = parse_nodes(self.call("inspect", "--type", "container", *ids)) if ids else []
        wanted = set(clusters)
        return [node for node in nodes if node.cluster in wanted and self.network not in node.networks]

    def execute(self, node: str, *command: str, stdin: str | None = None) -> str:
        """Run a command in a node, with text on its standard input."""
        arguments = [self.program, "exec", "--interactive", "--privileged", node, *command]
        done = subprocess.run(
            arguments, env=self.environment, input=stdin or "", capture_output=True, text=True, errors="replace", check=False
        )
        if done.returncode:
            raise EdgefedError(
                f"Running {command[0]} in node {node} failed: {last_words(done.stderr or done.stdout)}. Next: look into the node with "
                f"{self.provider} exec, or run lab_down.yml and lab_up.yml.",
                code="node",
                details={"node": node, "command": list(command)},
            )
        return done.stdout

    def remove_nodes(self, cluster: str | None = None, *, what: str) -> None:
        """Remove the nodes on the lab's network (of one cluster) with their volumes."""
        for left in reversed(range(REMOVALS)):
            names = [node.name for node in self.nodes(cluster)]
            if not names:
                return
            try:
                self.call("rm", "--force", "--volumes", *names, what=what)
            except EdgefedError:
                if not left:
                    raise
                time.sleep(1)

    def has_image(self, name: str) -> bool:
        """Whether the engine's own storage has the image."""
        return self.works("image", "inspect", "--format", "{{.Id}}", name)

    def load(self, archive: str) -> None:
        """Load an archive (``.tar.zst``) into the engine's storage."""
        zstd = subprocess.Popen([which("zstd") or "zstd", "-dcq", archive], stdout=subprocess.PIPE)
        try:
            todo = "see that the disk is not full; when the archive is damaged remove it, and run again"
            self.call("load", "--quiet", what=f"Loading {archive}", todo=todo, stdin=zstd.stdout)
        finally:
            if zstd.stdout:
                zstd.stdout.close()
            zstd.wait()

    def node_images(self, node: str) -> set[str]:
        """The names of the images in a node's containerd."""
        return set(self.execute(node, "ctr", "--namespace=k8s.io", "images", "ls", "-q").split())

    def send_image(self, name: str, node: str) -> None:
        """Copy an image from the engine's storage into a node."""
        save = subprocess.Popen(
            [self.program, "save", *(["--format", "docker-archive"] if self.provider == "podman" else []), name],
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        into = ["exec", "--interactive", "--privileged", node, "ctr", "--namespace=k8s.io", "images", "import", "--digests", "-"]
        try:
            self.call(*into, what=f"Loading image {name} into node {node}", stdin=save.stdout)
        except EdgefedError:
            # What could not be saved cannot be read either, and the reader does not know why.
            said = last_words(save.communicate()[1].decode(errors="replace"))
            if save.returncode > 0 and said and "broken pipe" not in said:
                todo = "with podman 4.3, layers compressed by zstd are the cause: take an image whose layers are not"
                raise EdgefedError(f"Saving image {name} failed: {self.provider} said: {said}. Next: {todo}.", code="image") from None
            raise
        finally:
            if save.stdout:
                save.stdout.close()
            save.wait()

    def run_kind(self, arguments: list[str], log: str, folder: str) -> int:
        """Run kind, which ends when we do; gives its exit code, its output is appended to ``log``."""
        with open(log, "a", encoding="utf-8") as output:
            done = subprocess.run(
                [self.kind, *arguments],
                env=self.environment,
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                check=False,
                preexec_fn=_die_with_parent,
            )
        return done.returncode


def engine_environment(provider: str, network: str, files: PodmanFiles, isolated: bool) -> dict[str, str]:
    """The environment that the engine and kind run with. An isolated lab's nodes get no proxy, which they could not reach."""
    environment = {key: value for key, value in os.environ.items() if not (isolated and key in _PROXIES)}
    environment["PATH"] = os.environ.get("PATH", os.defpath) + ":/usr/local/sbin:/usr/sbin:/sbin"
    environment["KIND_EXPERIMENTAL_PROVIDER"] = provider
    environment[f"KIND_EXPERIMENTAL_{provider.upper()}_NETWORK"] = network
    if provider == "podman":
        environment["CONTAINERS_CONF"] = files.containers_conf
        environment["CONTAINERS_STORAGE_CONF"] = files.storage_conf
    return environment


def own_limits() -> tuple[int, int]:
    """How many files and processes a node may have: files as many as we may, processes as many as there are pids."""
    _soft, most_files = resource.getrlimit(resource.RLIMIT_NOFILE)
    with open("/proc/sys/kernel/pid_max", encoding="ascii") as file:
        most_processes = int(file.read())
    return 1048576 if most_files == resource.RLIM_INFINITY else most_files, most_processes


def kind_processes(path: str) -> list[processes.ProcessId]:
    """kind, as it was started with a file at or below this path."""
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdigit() and processes.name(int(entry)) == "kind":
            words = processes.command_line(int(entry))
            process = processes.identify(int(entry))
            if process and any(word == path or word.startswith(f"{path}/") for word in words):
                found.append(process)
    return found
