# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a lab takes from the machine and gives back. No other lab of these tests is up meanwhile, so that the last one leaves."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kind_site import NODES, Site, container, names_of, prepare, run

from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import EdgefedError
from ansible_collections.edgefed.kubefed.plugins.modules import kind_remove


def test_the_machines_part_goes_without_an_engine(site: Site, images: dict[str, Any], run_task: Any) -> None:
    """As after a run that was killed before podman had its settings: another cache is asked, in which there are none."""
    before = _state()
    prepare(site, images)
    record = Path("/run/edgefed-kind/machine.json")
    noted = json.loads(record.read_text())
    other = str(site.folder / "no-cache")
    noted["engines"][names_of(site.lab).folder]["cache"] = other
    record.write_text(json.dumps(noted))
    done = run_task("kind_remove", {"folder": site.lab, "cache_dir": other})
    assert done["changed"], done
    assert not run_task("kind_remove", {"folder": site.lab, "cache_dir": other})["changed"]
    assert _state() == before


def test_another_cache_now_is_no_hindrance_and_isolation_stays_while_anybody_is_on_the_bridge(site: Site, images: dict[str, Any]) -> None:
    prepare(site, images)
    given = {"folder": site.lab, "cache_dir": str(site.folder / "no-cache")}
    names = names_of(site.lab)
    # No node, so that the lab's removal does not know it.
    with container(site, "tk-one"):
        with pytest.raises(EdgefedError, match=r"Containers are still on the lab's bridge .* its isolation stays. Next: "):
            kind_remove.run(given, False, False, print)
        assert names.table in run("nft", "list", "tables").stdout
    assert kind_remove.run(given, False, False, print).changed
    assert names.table not in run("nft", "list", "tables").stdout
    assert not Path(f"/sys/class/net/{names.network}").exists()
    assert names.network not in site.podman("network", "ls", "--format", "{{.Name}}").stdout.split()


def test_an_engine_that_is_gone_is_told_and_nothing_is_taken_away(
    site: Site, images: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare(site, images)
    with monkeypatch.context() as without:
        without.setenv("PATH", str(site.folder))
        with pytest.raises(EdgefedError, match=r"made with podman, which cannot be reached.*Next: "):
            kind_remove.run({"folder": site.lab, "cache_dir": None}, False, False, print)
    assert names_of(site.lab).table in run("nft", "list", "tables").stdout


def test_a_second_run_changes_nothing_and_check_mode_foretells(site: Site, images: dict[str, Any], run_task: Any) -> None:
    arguments = {"folder": site.lab, "nodes": NODES, "image": images["node"], "archive": images["archive"]}
    foretold = run_task("kind_host", arguments, check=True)
    done = run_task("kind_host", arguments)
    assert foretold["actions"] == done["actions"]
    assert not run_task("kind_host", arguments)["changed"]
    more = run_task("kind_host", {**arguments, "nodes": [*NODES, "tk-cddev-control-plane"]})
    assert more["actions"] == ["renew the lab's isolation"]


def test_nothing_is_left(site: Site, images: dict[str, Any], run_task: Any) -> None:
    """Kernel settings, tables, networks, processes, folders: as before the lab. Removing what is not there asks podman
    nothing, which would make folders."""
    before = _state()
    run_task("kind_host", {"folder": site.lab, "nodes": NODES, "image": images["node"], "archive": images["archive"]})
    with container(site, "tk-one"):
        assert _state() != before
    for _time in range(2):
        site.play("lab_down.yml")
        assert _state() == before
        assert not Path(site.lab).exists()
        assert not Path("/run/edgefed-kind").exists()


def _processes() -> Iterator[str]:
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if entry.name.isdigit():
                yield (entry / "comm").read_text().strip()


def _state() -> dict[str, Any]:
    settings = [
        "fs.inotify.max_user_instances",
        "fs.inotify.max_user_watches",
        "net.ipv4.ip_forward",
        "fs.file-max",
        "kernel.panic",
        "kernel.panic_on_oops",
    ]
    settings += ["vm.overcommit_memory", "vm.panic_on_oom", "kernel.keys.root_maxkeys", "kernel.keys.root_maxbytes"]
    links = [one["ifname"] for one in json.loads(run("ip", "-json", "link").stdout)]
    return {
        "settings": run("sysctl", *settings).stdout,
        "tables": [one for one in run("nft", "list", "tables").stdout.splitlines() if "sandbox" not in one],
        "chains": [one for one in run("nft", "list", "chains").stdout.splitlines() if "NETAVARK" in one],
        "links": sorted(name for name in links if name.startswith("edgefed-")),
        "processes": sorted(name for name in _processes() if name in ("aardvark-dns", "conmon", "kind")),
        "modules": Path("/lib/modules").exists(),
    }


def test_a_machine_that_lets_nobody_run_containers_is_told_apart() -> None:
    """As in a container without the right to mount: `make kind` says so and skips."""
    command = [sys.executable, str(Path(__file__).with_name("can_run.py"))]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2] / "collections")}
    before = _mounts()
    for prefix, status in ([], 0), (["setpriv", "--bounding-set=-sys_admin"], 1):
        done = subprocess.run([*prefix, *command], env=environment, capture_output=True, text=True, check=False)
        assert (done.returncode, bool(done.stdout)) == (status, bool(status)), done.stderr
    assert _mounts() == before


def _mounts() -> list[str]:
    return [line.split()[1] for line in Path("/proc/self/mounts").read_text().splitlines() if "/tmp" in line.split()[1]]
