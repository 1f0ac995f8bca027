# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Nothing starts without the lab's network and isolation. The lab is one that was never made, so nothing of this machine is changed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ansible_collections.edgefed.kubefed.plugins.module_utils.kind.engine import Engine, PodmanFiles
from ansible_collections.edgefed.kubefed.plugins.module_utils.kind.host import Host, HostWish
from ansible_collections.edgefed.kubefed.plugins.module_utils.kind.layout import LabNames
from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import EdgefedError


@pytest.fixture
def names(tmp_path: Path) -> LabNames:
    return LabNames(str(tmp_path / "lab"))


@pytest.fixture
def files(tmp_path: Path) -> PodmanFiles:
    return PodmanFiles(str(tmp_path / "podman"), str(tmp_path / "run"))


def write_network(files: PodmanFiles, name: str, bridge: str) -> None:
    path = Path(files.network(name))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"name": name, "network_interface": bridge}))


def test_no_container_starts_without_network_and_isolation(names: LabNames, files: PodmanFiles) -> None:
    host = Host(Engine("podman", names.network), files, names)
    with pytest.raises(EdgefedError) as caught:
        host.check_guarded(True)
    assert caught.value.details["wrong"] == [
        f"its network {names.network} is not there, or is on another bridge",
        f"its nftables table {names.table} is not there, or not whole",
    ]
    assert "Next: run lab_up.yml" in str(caught.value)


@pytest.mark.parametrize(("bridge", "refused"), [("", False), ("podman1", True)])
def test_a_network_on_another_bridge_does_not_count(names: LabNames, files: PodmanFiles, bridge: str, refused: bool) -> None:
    write_network(files, names.network, bridge or names.network)
    host = Host(Engine("podman", names.network), files, names)
    if refused:
        with pytest.raises(EdgefedError, match="on another bridge"):
            host.check_guarded(False)
    else:
        host.check_guarded(False)


def test_docker_is_refused_for_an_isolated_lab(names: LabNames, files: PodmanFiles) -> None:
    host = Host(Engine("docker", names.network), files, names)
    with pytest.raises(EdgefedError, match=r"An isolated lab needs podman: .* Next: "):
        host.plan(HostWish(True, (), "image", ""))
