# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The context that ansible-builder makes of execution-environment.yml holds all that a job needs; no image is built for it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

REPOSITORY = Path(__file__).resolve().parents[2]
BUILDER = Path(sys.executable).with_name("ansible-builder")
PROGRAMS = ("helm", "kubectl", "kubefedctl")


def lines(file: str) -> set[str]:
    return {line.strip() for line in (REPOSITORY / file).read_text().splitlines() if line.strip() and not line.startswith("#")}


def test_the_same_ranges_as_requirements() -> None:
    assert lines("meta/ee-requirements.txt") - {"dnspython>=2.6"} == {line for line in lines("requirements.txt") if "ansible" not in line}
    assert lines("meta/ee-bindep.txt") == {line for line in lines("bindep.txt") if " test]" not in line}


def test_other_environments_can_include_the_collection() -> None:
    dependencies = yaml.safe_load((REPOSITORY / "meta/execution-environment.yml").read_text())["dependencies"]
    assert all((REPOSITORY / file).is_file() for file in dependencies.values())


@pytest.mark.skipif(not BUILDER.exists(), reason="ansible-builder is of the newest environment alone")
def test_the_context_has_everything(tmp_path: Path) -> None:
    shutil.copy(REPOSITORY / "execution-environment.yml", tmp_path)
    shutil.copytree(REPOSITORY / "meta", tmp_path / "meta")
    programs = tmp_path / ".edgefed/ee/bin"
    programs.mkdir(parents=True)
    for name in PROGRAMS:
        (programs / name).write_text("#!/bin/sh\n")
    command = [str(BUILDER), "create", "-f", "execution-environment.yml", "--context", "context", "-v", "1"]
    environment = {**os.environ, "PATH": f"{BUILDER.parent}:{os.environ['PATH']}"}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    context = tmp_path / "context"
    recipe = (context / "Containerfile").read_text()
    assert "ansible>=11,<13 ansible-runner>=2.4" in recipe
    assert "quay.io/centos/centos:stream9" in recipe and "python3.12" in recipe
    assert "COPY --chmod=0755 _build/bin/ /usr/local/bin/" in recipe
    assert sorted(path.name for path in (context / "_build/bin").iterdir()) == sorted(PROGRAMS)
    wanted = {path.read_text() for path in (REPOSITORY / "meta").glob("ee-*.txt")}
    assert wanted <= {path.read_text() for path in (context / "_build").glob("*.txt")}
    # Galaxy may be out of reach, and what a build takes from it nobody pins.
    assert not list((context / "_build").glob("requirements.yml"))
    assert "USER 1000" in recipe
