# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A kind lab of a test's own, and what the tests look at it with. Needs root, podman and nft."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.edgefed.kubefed.plugins.module_utils.kind.layout import LabNames
from ansible_collections.edgefed.kubefed.plugins.modules import kind_host

REPOSITORY = Path(__file__).resolve().parents[1]
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "edgefed"
PLAYBOOK = str(Path(sys.executable).with_name("ansible-playbook"))
# Always the same, so that what a killed run left is found.
FOLDER = REPOSITORY / ".cache/test-kind"
NODES = ["tk-local-control-plane", "tk-zj-control-plane"]
WEB = "docker.io/library/nginx:1.17"


def run(*command: str, check: bool = True, env: dict[str, str] | None = None, text: str | None = None) -> subprocess.CompletedProcess[str]:
    """A command's outcome; a failure shows what it said."""
    done = subprocess.run(command, capture_output=True, text=True, input=text, check=False, env={**os.environ, **(env or {})})
    assert not check or done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    return done


@dataclass(frozen=True)
class Site:
    """A lab in a folder of the test's own."""

    folder: Path
    prefix: str
    port: int

    def play(self, playbook: str, *options: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        command = [PLAYBOOK, "-i", str(REPOSITORY / "inventories/lab"), str(REPOSITORY / "playbooks" / playbook)]
        return run(*command, "-e", self.variables, *options, env={"AWX_PRIVATE_DATA_DIR": str(self.folder)}, check=check)

    @property
    def variables(self) -> str:
        """For ``-e``. Isolation is no option in tests."""
        given = {"lab_driver": "kind", "lab_kind_provider": "podman", "lab_kind_images": "build", "lab_kind_isolated": True}
        return json.dumps({**given, "lab_prefix": self.prefix, "lab_port_base": self.port})

    @property
    def lab(self) -> str:
        return str(self.folder / ".edgefed/lab")

    @property
    def environment(self) -> dict[str, str]:
        podman = CACHE / "kind-podman"
        return {"CONTAINERS_CONF": str(podman / "containers.conf"), "CONTAINERS_STORAGE_CONF": str(podman / "storage.conf")}

    def podman(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        return run("podman", *arguments, env=self.environment, check=check)


def names_of(lab: str) -> LabNames:
    """The names of a lab's network and table."""
    return LabNames(os.path.realpath(lab))


def prepare(site: Site, images: dict[str, Any], check: bool = False) -> list[str]:
    """Network and isolation of a lab; gives what was done."""
    given = {"folder": site.lab, "nodes": NODES, "image": images["node"], "archive": images["archive"]}
    parameters = {name: option.get("default") for name, option in kind_host.ARGUMENT_SPEC.items()}
    actions: list[str] = kind_host.run({**parameters, **given}, check, False, print).data["actions"]
    return actions


@contextlib.contextmanager
def container(site: Site, name: str) -> Iterator[Callable[..., subprocess.CompletedProcess[str]]]:
    """A container on the lab's network; gives a function that asks from within."""
    site.podman("run", "--detach", "--name", name, "--network", names_of(site.lab).network, WEB)

    def ask(*words: str) -> subprocess.CompletedProcess[str]:
        return site.podman("exec", name, "/web", *words, check=False)

    try:
        yield ask
    finally:
        site.podman("rm", "--force", name)
