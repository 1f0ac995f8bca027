# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Labs of kind clusters for the tests."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from integration.conftest import run_task  # noqa: F401 a fixture
from kind_site import CACHE, FOLDER, PLAYBOOK, REPOSITORY, Site, run


@pytest.fixture(scope="session")
def images() -> dict[str, Any]:
    """The images, made when they are not in the cache."""
    command = [PLAYBOOK, "-i", str(REPOSITORY / "inventories/lab"), str(REPOSITORY / "playbooks/tools.yml")]
    run(*command, "-e", "lab_driver=kind", "-e", "lab_kind_images=build")
    archives = sorted((CACHE / "kind-image").glob("*/images.json"), key=lambda path: path.stat().st_mtime)
    found: dict[str, Any] = json.loads(archives[-1].read_text())
    return {**found, "archive": str(archives[-1].with_name("images.tar.zst")), "node": found["images"][0]}


@pytest.fixture
def site(images: dict[str, Any]) -> Iterator[Site]:
    """A lab that is taken down whatever happens. Its folder is always the same, so that what a killed run left is found."""
    found = fixed_site()
    yield found
    found.play("lab_down.yml")


def fixed_site() -> Site:
    """The tests' one lab, with nothing in it."""
    found = Site(FOLDER, "tk-", 18700)
    FOLDER.mkdir(parents=True, exist_ok=True)
    found.play("lab_down.yml")
    return found
