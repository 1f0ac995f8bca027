# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Where no kind cluster can be made, `make kind` says why, and that nothing passed."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
import side_by_side

RUN = Path(__file__).resolve().parents[1] / "kind" / "run"
PROGRAMS = ("bash", "dirname", "id", "mktemp", "rm", "tail", "tr")


def run(folder: Path) -> subprocess.CompletedProcess[str]:
    """With nothing on PATH but what the script itself is made of, and what the test put there."""
    for name in PROGRAMS:
        (folder / name).symlink_to(shutil.which(name) or name)
    bash = str(folder / "bash")
    return subprocess.run([bash, str(RUN), "podman", "zstd"], env={"PATH": str(folder)}, capture_output=True, text=True, check=False)


def skipped(said: str) -> str:
    """The reason, as `make test` finds it."""
    (line,) = [line for line in said.splitlines() if line.startswith(side_by_side.SKIPPED)]
    return line


def test_without_podman_and_without_apt(tmp_path: Path) -> None:
    done = run(tmp_path)
    assert done.returncode == 0, done.stderr
    assert "Next: " in skipped(done.stdout)


@pytest.mark.skipif(os.geteuid() != 0, reason="apt-get is run by root only")
def test_an_apt_that_fails_is_shown(tmp_path: Path) -> None:
    fake = tmp_path / "apt-get"
    fake.write_text("#!/bin/sh\necho this fake apt-get has no network >&2\nexit 100\n")
    fake.chmod(0o755)
    done = run(tmp_path)
    assert done.returncode == 0, done.stderr
    assert "Installing podman" in done.stdout and "this fake apt-get has no network" in done.stdout
    assert "There is no podman" in skipped(done.stdout) and "apt-get install --no-install-recommends podman zstd" in skipped(done.stdout)
