# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What StarlingX' dcmanager prints, read."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from flavour_fixtures import fixture

from ansible_collections.edgefed.kubefed.plugins.module_utils.kubeconfig import subclouds
from ansible_collections.edgefed.kubefed.plugins.module_utils.kubeconfig.read import ReadProblem

ONLINE = {
    "name": "far",
    "management": "managed",
    "availability": "online",
    "deploy_status": "complete",
    "software_version": "24.09",
    "oam_floating_ip": "2001:db8::2",
}


@pytest.fixture(autouse=True)
def _fake_dcmanager(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = tmp_path / "dcmanager"
    fake.write_text(fixture("starlingx", SUBCLOUD="2001:db8::2")["others"]["/etc/platform/fake/dcmanager"])
    fake.chmod(0o755)
    run = subprocess.run

    def without_openrc(shell: tuple[str, ...], **options: object) -> object:
        command = shell[-1].removeprefix(". /etc/platform/openrc && ")
        return run(["bash", "-c", f"PATH={tmp_path}:$PATH; {command}"], **options)  # type: ignore[call-overload]

    monkeypatch.setattr(subprocess, "run", without_openrc)


def test_online() -> None:
    assert subclouds.ask("far") == ONLINE


@pytest.mark.parametrize(
    ("name", "code", "words"),
    [
        ("dark", "subcloud_offline", "it is managed, offline, deployment complete. Next: "),
        ("far; echo", "no_subcloud", "Its subclouds are: dark, far. Next: set kubeconfig_subcloud"),
    ],
)
def test_told(name: str, code: str, words: str) -> None:
    with pytest.raises(ReadProblem) as caught:
        subclouds.ask(name)
    assert caught.value.code == code and words in caught.value.message


def test_without_dcmanager(tmp_path: Path) -> None:
    (tmp_path / "dcmanager").unlink()
    with pytest.raises(ReadProblem, match="this is no system controller of StarlingX, or not its active one") as caught:
        subclouds.ask("far")
    assert caught.value.code == "no_system_controller"


@pytest.mark.parametrize("said", ["", "ERROR", "| name | |"])
def test_no_table(said: str) -> None:
    assert subclouds.described(said) == {} and subclouds.listed(said) == []
