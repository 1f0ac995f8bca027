# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Real clusters: a run that is killed while it makes one, several nodes, what cannot change."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from kind_site import PLAYBOOK, REPOSITORY, Site, names_of, run

# The node image may have to be loaded first, beside other work.
APPEARS = 300
NODE = "tk-zj-control-plane"
ONLY = ("--limit", "zj")


def containers(site: Site) -> list[str]:
    return site.podman("ps", "--all", "--format", "{{.Names}}", "--filter", f"network={names_of(site.lab).network}").stdout.split()


def volumes(site: Site) -> list[str]:
    return [name for node in (NODE,) for name in site.podman("volume", "ls", "--quiet", "--filter", f"label={node}").stdout.split()]


def killed(site: Site, seconds: float, *options: str) -> None:
    """``lab_up.yml``, killed with its workers, which are sessions of their own, so long after the first container appeared."""
    command = [
        PLAYBOOK,
        "-i",
        str(REPOSITORY / "inventories/lab"),
        str(REPOSITORY / "playbooks/lab_up.yml"),
        "-e",
        site.variables,
        *ONLY,
        *options,
    ]
    environment = {**os.environ, "AWX_PRIVATE_DATA_DIR": str(site.folder)}
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    end = time.monotonic() + APPEARS
    while not (Path(site.environment["CONTAINERS_CONF"]).exists() and containers(site)):
        assert time.monotonic() < end and process.poll() is None, "no container appeared"
        time.sleep(0.1)
    time.sleep(seconds)
    for pid in workers(site):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    process.wait()


def workers(site: Site) -> list[int]:
    """ansible-playbook and what it forked, known by this test's own folder in their environment."""
    found = []
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            mine = f"AWX_PRIVATE_DATA_DIR={site.folder}".encode() in (entry / "environ").read_bytes().split(b"\0")
            if entry.name.isdigit() and mine and b"ansible-playbook" in (entry / "cmdline").read_bytes():
                found.append(int(entry.name))
    return found


@pytest.mark.parametrize("seconds", [0.0, 6.0])
def test_what_was_cut_off_is_removed(site: Site, seconds: float) -> None:
    killed(site, seconds)
    site.play("lab_down.yml")
    assert containers(site) == []
    assert volumes(site) == []
    assert names_of(site.lab).table not in run("nft", "list", "tables").stdout
    assert not Path(site.lab).exists()


def test_what_was_cut_off_is_made_and_several_nodes_are_labelled(site: Site) -> None:
    nodes = (*ONLY, "-e", "lab_nodes=2")
    killed(site, 3.0, "-e", "lab_nodes=2")
    site.play("lab_up.yml", *nodes)
    kubeconfig = f"{site.lab}/kubeconfigs/zj"
    found: Any = json.loads(run("kubectl", "--kubeconfig", kubeconfig, "get", "nodes", "-o", "json").stdout)
    labels = {node["metadata"]["name"]: node["metadata"]["labels"] for node in found["items"]}
    assert set(labels) == {NODE, "tk-zj-worker"}
    for one in labels.values():
        assert one["topology.kubernetes.io/region"] == "east"
        assert one["topology.kubernetes.io/zone"] == "hangzhou-1"
    again = site.play("lab_up.yml", *nodes).stdout
    assert "changed=0" in again and "changed=1" not in again
    refused = site.play("lab_up.yml", *ONLY, "-e", "lab_nodes=1", check=False)
    assert refused.returncode != 0
    assert "These cannot change while it lives." in " ".join((refused.stdout + refused.stderr).split())
    foretold = site.play("lab_down.yml", *ONLY, "--check")
    assert "changed=1" in foretold.stdout and len(containers(site)) == 2
    site.play("lab_down.yml", *ONLY)
    assert containers(site) == []
