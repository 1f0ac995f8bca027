# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The collection as it is published: built, installed into an empty folder, and the whole site run from there by its name."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Iterator

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
# What an installed collection has at its top, and nothing else.
TOP_LEVEL = {
    "CHANGELOG.rst",
    "CONTRIBUTING.md",
    "FILES.json",
    "LICENSE",
    "MANIFEST.json",
    "README.md",
    "README.zh.md",
    "bindep.txt",
    "changelogs",
    "controller",
    "docs",
    "execution-environment.yml",
    "meta",
    "playbooks",
    "plugins",
    "requirements.lock",
    "requirements.txt",
    "roles",
}
GO_MODULES = Path("roles", "tools", "files", "go")
LAB = {"lab_prefix": "pkg-", "lab_port_base": 25000}


class Installed:
    """The installed collection, and commands run in an empty folder that knows nothing of the checkout."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.collections = folder / "collections"
        self.empty = folder / "empty"
        self.empty.mkdir()
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "AWX_"))}
        self.environment = {**kept, "ANSIBLE_COLLECTIONS_PATH": str(self.collections), "ANSIBLE_HOME": str(folder / "ansible")}

    @property
    def tarball(self) -> Path:
        (found,) = self.folder.glob("edgefed-kubefed-*.tar.gz")
        return found

    def run(self, *command: str) -> str:
        done = subprocess.run(
            [str(BIN / command[0]), *command[1:]], cwd=self.empty, env=self.environment, capture_output=True, text=True, check=False
        )
        output = done.stdout + done.stderr
        assert done.returncode == 0, output
        assert "Traceback" not in output
        return done.stdout

    def playbook(self, name: str) -> dict[str, dict[str, int]]:
        """The recap by host."""
        options = [word for key, value in LAB.items() for word in ("-e", f"{key}={value}")]
        output = self.run("ansible-playbook", "-i", str(self.folder / "inventory"), *options, f"edgefed.kubefed.{name}")
        lines = re.findall(r"^(\S+) +: (ok=.*)$", output, re.M)
        return {host: {key: int(count) for key, count in re.findall(r"(\w+)=(\d+)", counts)} for host, counts in lines}


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installed]:
    """Built from the checkout as it is."""
    folder = tmp_path_factory.mktemp("package")
    found = Installed(folder)
    found.run("ansible-galaxy", "collection", "build", "--output-path", str(folder), str(REPOSITORY))
    found.run("ansible-galaxy", "collection", "install", "--no-deps", "-p", str(found.collections), str(found.tarball))
    shutil.copytree(REPOSITORY / "inventories" / "lab", folder / "inventory")
    yield found
    found.playbook("lab_down")


def test_tarball_is_clean(installed: Installed) -> None:
    """No tests, inventories, Molecule scenarios, caches or links out of it."""
    with tarfile.open(installed.tarball) as archive:
        members = archive.getmembers()
    assert {member.name.split("/")[0] for member in members} == TOP_LEVEL
    assert not [member.name for member in members if "__pycache__" in member.name or member.name.endswith(".pyc")]
    assert not [member.name for member in members if member.issym() or member.islnk()]


def test_tarball_has_what_the_tools_are_built_from(installed: Installed) -> None:
    """Each Go module whole, and the same bytes: a go.sum that is left out would be noticed only where nothing can be downloaded."""
    files = {str(path.relative_to(REPOSITORY)): path.read_bytes() for path in (REPOSITORY / GO_MODULES).rglob("*") if path.is_file()}
    modules = {path.name for path in (REPOSITORY / GO_MODULES).iterdir()}
    assert {str(GO_MODULES / module / "go.mod") for module in modules} <= set(files)
    assert {str(GO_MODULES / module / "go.sum") for module in ("kubernetes", "kwok", "kubefed")} <= set(files)
    with tarfile.open(installed.tarball) as archive:
        packed = {member.name: archive.extractfile(member) for member in archive if member.name.startswith(f"{GO_MODULES}/")}
        assert {name: file.read() for name, file in packed.items() if file} == files


def test_installed_role_builds_a_tool(installed: Installed) -> None:
    """With an empty cache of tools; the quickest to build, from a Go module that the installed collection brings."""
    cache = installed.folder / "tools"
    variables = {"tools_needed": ["pause"], "tools_source": "build", "tools_cache_dir": str(cache)}
    command = ["ansible-playbook", "-i", str(installed.folder / "inventory"), "-e", json.dumps(variables), "edgefed.kubefed.tools"]
    assert "changed=1" in installed.run(*command)
    assert "changed=0" in installed.run(*command)
    (pause,) = (path for path in cache.glob("pause/*/**/*") if path.is_file() and os.access(path, os.X_OK))
    process = subprocess.Popen([str(pause)])
    process.send_signal(signal.SIGTERM)
    assert process.wait(10) in (0, -signal.SIGTERM)


def test_documentation_lists_every_module(installed: Installed) -> None:
    """``ansible-doc -l`` from the installed collection, and each module's own page."""
    listed = json.loads(installed.run("ansible-doc", "-l", "-j", "edgefed.kubefed"))
    modules = {path.stem for path in (REPOSITORY / "plugins" / "modules").glob("*.py")}
    assert set(listed) == {f"edgefed.kubefed.{name}" for name in modules}
    pages = json.loads(installed.run("ansible-doc", "-j", *listed))
    assert all(page["doc"]["options"] and page["return"] and page["examples"] for page in pages.values())
    assert all(str(installed.collections) in page["doc"]["filename"] for page in pages.values())


def test_documentation_lists_every_role(installed: Installed) -> None:
    listed = json.loads(installed.run("ansible-doc", "-t", "role", "-l", "-j", "edgefed.kubefed"))
    assert set(listed) == {f"edgefed.kubefed.{path.name}" for path in (REPOSITORY / "roles").iterdir()}


def test_site_runs_by_name_and_changes_nothing_again(installed: Installed) -> None:
    """The article's federation from an empty folder, whose state lies there and nowhere else."""
    first = installed.playbook("site")
    assert set(first) >= {"local", "cddev", "zj"}
    assert all(host["failed"] == host["unreachable"] == 0 for host in first.values())
    assert sorted(path.name for path in installed.empty.iterdir()) == [".edgefed"]
    assert {"kubeconfig", "lab", "report.html", "report.json"} <= {path.name for path in (installed.empty / ".edgefed").iterdir()}
    again = installed.playbook("site")
    assert {host: counts["changed"] for host, counts in again.items()} == dict.fromkeys(again, 0)
