# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A host cluster and its members made by the real playbooks, and the competitors' commands in it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from ansible_collections.edgefed.kubefed.plugins.module_utils.client import Client, connect, object_path
from ansible_collections.edgefed.kubefed.plugins.module_utils.member.desired import KUBEFED

REPOSITORY = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
HOST, SYSTEM = "local", "kube-federation-system"
SETTLED_SECONDS = 180
# Watches that an API server and its controller manager hold; the kernel gives each user just so many.
INOTIFY, INOTIFY_LIMIT = 5, "/proc/sys/fs/inotify/max_user_instances"
# What has to be gone before the next competitor begins.
CRDS = ("apiextensions.k8s.io/v1", "customresourcedefinitions")
CONFIGS = (KUBEFED, "federatedtypeconfigs", SYSTEM)


@dataclass
class Lab:
    """``folder`` holds all of it. ``proxied`` is the kubeconfig that every competitor is given."""

    folder: Path
    members: list[str]
    port_base: int
    prefix: str

    @property
    def direct(self) -> str:
        return str(self.folder / ".edgefed" / "kubeconfig")

    @property
    def proxied(self) -> str:
        return str(self.folder / "through-proxies")

    def up(self) -> None:
        """A few at a time: 20 API servers that start at once would get in each other's way."""
        self._write_inventory()
        os.environ["ANSIBLE_FORKS"] = "4"
        self.play("lab_up", "kubeconfig", "control_plane")
        del os.environ["ANSIBLE_FORKS"]

    def down(self) -> None:
        """In a session of its own: the Ctrl-C that ends the benchmark is not to end this."""
        options = {"cwd": REPOSITORY, "env": self._environment(), "start_new_session": True}
        done = subprocess.run(self._command("lab_down"), **options, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        shutil.rmtree(self.folder)

    def play(self, *playbooks: str, **variables: Any) -> tuple[float, list[dict[str, Any]]]:
        """Seconds of a whole ``ansible-playbook``, and what its tasks that ask API servers say."""
        tasks = self.folder / "tasks.json"
        extra = {"ANSIBLE_CALLBACK_PLUGINS": str(REPOSITORY / "benchmarks" / "callback_plugins"), "EDGEFED_BENCH_TASKS": str(tasks)}
        extra["ANSIBLE_CALLBACKS_ENABLED"] = "api_tasks"
        command = [*self._command(*playbooks), "-e", json.dumps(variables)]
        began = time.monotonic()
        done = subprocess.run(command, cwd=REPOSITORY, env=self._environment() | extra, capture_output=True, text=True, check=False)
        took = time.monotonic() - began
        assert done.returncode == 0, done.stdout + done.stderr
        found: list[dict[str, Any]] = json.loads(tasks.read_text())
        return took, found

    def kubefedctl(self, *words: str) -> tuple[float, str]:
        """Seconds, and its log, in which every request is a line."""
        command = [str(BIN / "kubefedctl"), *words, "--kubeconfig", self.proxied, "--host-cluster-context", HOST, "-v", "6"]
        began = time.monotonic()
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        took = time.monotonic() - began
        assert done.returncode == 0, f"{' '.join(command)}: {done.stdout}{done.stderr}"
        return took, done.stderr

    def servers(self) -> dict[str, str]:
        """Name -> host:port of each API server."""
        return {item["name"]: item["cluster"]["server"].removeprefix("https://") for item in self._kubeconfig()["clusters"]}

    def write_proxied(self, addresses: dict[str, str]) -> None:
        """The lab's kubeconfig with the proxies' ports."""
        document = self._kubeconfig()
        for item in document["clusters"]:
            item["cluster"]["server"] = f"https://{addresses[item['name']]}"
        Path(self.proxied).touch(0o600)
        Path(self.proxied).write_text(yaml.safe_dump(document))

    def settle(self, types: list[str]) -> None:
        """Wait until nothing of a join, and no federated type of ``types``, is on its way out; remove what kubefedctl never does."""
        host = self.client(HOST)
        secrets = object_path("v1", "secrets", SYSTEM)
        for item in host.list(secrets):
            if item["metadata"].get("generateName", "").rstrip("-") in self.members:
                host.delete(f"{secrets}/{item['metadata']['name']}")
        clients = [self.client(member) for member in self.members]
        self._until(lambda: [*host.list(object_path(KUBEFED, "kubefedclusters", SYSTEM))])
        self._until(lambda: [client for client in clients if client.find(object_path("v1", "namespaces", None, SYSTEM))])
        federated = {f"federated{name.partition('.')[0]}.types.kubefed.io" for name in types}
        self._until(lambda: federated & {item["metadata"]["name"] for item in host.list(object_path(*CRDS))})
        self._until(lambda: set(types) & {item["metadata"]["name"] for item in host.list(object_path(*CONFIGS))})

    def client(self, name: str) -> Client:
        return connect({"kubeconfig": self.direct, "context": name}, name)

    def _until(self, left: Any) -> None:
        end = time.monotonic() + SETTLED_SECONDS
        while found := left():
            assert time.monotonic() < end, f"still there: {found}"
            time.sleep(0.2)

    def _kubeconfig(self) -> dict[str, Any]:
        document: dict[str, Any] = yaml.safe_load(Path(self.direct).read_text())
        return document

    def _command(self, *playbooks: str) -> list[str]:
        paths = [str(REPOSITORY / "playbooks" / f"{name}.yml") for name in playbooks]
        return [str(BIN / "ansible-playbook"), "-i", str(self.folder / "inventory.json"), *paths]

    def _environment(self) -> dict[str, str]:
        return {**os.environ, "ANSIBLE_CONFIG": str(REPOSITORY / "ansible.cfg"), "AWX_PRIVATE_DATA_DIR": str(self.folder)}

    def check_limits(self) -> None:
        """So that no API server ends with "too many open files"."""
        needed, limit = INOTIFY * (len(self.members) + 2), int(Path(INOTIFY_LIMIT).read_text())
        used = sum(1 for link in Path("/proc").glob("[0-9]*/fd/*") if _names(link) == "anon_inode:inotify")
        if used + needed > limit:
            raise SystemExit(
                f"{len(self.members) + 1} clusters need {needed} inotify instances; {used} of the {limit} that a user may have are in use. "
                "Next: end other labs, or as root: sysctl -w fs.inotify.max_user_instances=1024"
            )

    def _write_inventory(self) -> None:
        common = {
            "ansible_connection": "local",
            "ansible_python_interpreter": sys.executable,
            "kubefed_runtime": "process",
            "lab_port_base": self.port_base,
            "lab_prefix": self.prefix,
            "lab_nodes": 1,
            "lab_timeout": 600,
            "kubeconfig_path": f"{self.folder}/.edgefed/lab/kubeconfigs/{{{{ inventory_hostname }}}}",
            "kubefed_settings": {"leader_elect": {"retry_period": "2s"}},
        }
        groups = {"federation_host": {"hosts": {HOST: None}}, "federation_members": {"hosts": dict.fromkeys(self.members)}}
        inventory = {"all": {"vars": common, "children": {"lab": {"children": groups}}}}
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "inventory.json").write_text(json.dumps(inventory))


def _names(link: Path) -> str:
    try:
        return os.readlink(link)
    except OSError:
        return ""
