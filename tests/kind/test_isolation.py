# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Nothing leaves an isolated lab, and nobody else's traffic is touched. The outside is a network namespace of the test's own."""

from __future__ import annotations

import contextlib
import json
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from kind_site import WEB, Site, names_of, run

from ansible_collections.edgefed.kubefed.plugins.modules import kind_host

# For documentation (RFC 5737); here it leads into the sink and no further.
SINK, GATEWAY = "203.0.113.6", "203.0.113.5"
FOREIGN, FOREIGN_GATEWAY = "198.51.100.2", "198.51.100.1"
SEEN = """table inet seen {
  chain input {
    type filter hook input priority 0; policy accept;
    ip daddr %s counter
  }
}
"""
# Behind the lab's own table, which has a lower priority.
WATCH = """table inet tk_watch {
  chain output {
    type filter hook output priority 0; policy accept;
    udp dport 53 @th,160,%d %s counter
  }
}
"""
NODES = ["tk-local-control-plane", "tk-zj-control-plane"]


@pytest.fixture
def sink() -> Iterator[Callable[[], int]]:
    """Gives how many packets the sink has seen, whoever's address they came with: podman's network hides its containers."""
    setup = [
        "ip netns add tk-sink",
        "ip link add tk-sink0 type veth peer name tk-sink1 netns tk-sink",
        f"ip address add {GATEWAY}/30 dev tk-sink0",
        "ip link set tk-sink0 up",
        f"ip -n tk-sink address add {SINK}/30 dev tk-sink1",
        "ip -n tk-sink link set tk-sink1 up",
        f"ip -n tk-sink route add default via {GATEWAY}",
    ]
    table = SEEN % SINK
    try:
        for command in setup:
            run(*command.split())
        run("ip", "netns", "exec", "tk-sink", "nft", "-f", "-", text=table)
        yield _seen
    finally:
        # With its namespace it would go too, but later.
        run("ip", "link", "delete", "tk-sink0", check=False)
        run("ip", "netns", "delete", "tk-sink", check=False)


def _seen() -> int:
    said = json.loads(run("ip", "netns", "exec", "tk-sink", "nft", "-j", "list", "table", "inet", "seen").stdout)
    counters = [part["counter"]["packets"] for one in said["nftables"] for part in one.get("rule", {}).get("expr", []) if "counter" in part]
    return int(counters[0])


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory, images: dict[str, Any]) -> Iterator[Site]:
    """One lab's network and isolation for all that only look, with no cluster in it."""
    site = Site(tmp_path_factory.mktemp("lab"), "tk-", 18700)
    yield site
    site.play("lab_down.yml")


@pytest.fixture
def machine(lab: Site, images: dict[str, Any]) -> Site:
    """It stands, also when the test before took something away."""
    given = {"folder": lab.lab, "nodes": NODES, "image": images["node"], "archive": images["archive"]}
    parameters = {name: option.get("default") for name, option in kind_host.ARGUMENT_SPEC.items()}
    kind_host.run({**parameters, **given}, False, False, print)
    return lab


@contextlib.contextmanager
def container(site: Site, name: str) -> Iterator[Callable[..., tuple[subprocess.CompletedProcess[str], float]]]:
    """A container on the lab's network; gives a function that asks from within, and how long it took."""
    site.podman("run", "--detach", "--name", name, "--network", names_of(site.lab).network, WEB)

    def ask(*words: str) -> tuple[subprocess.CompletedProcess[str], float]:
        started = time.monotonic()
        return site.podman("exec", name, "/web", *words, check=False), time.monotonic() - started

    try:
        yield ask
    finally:
        site.podman("rm", "--force", name)


@pytest.mark.parametrize("network", ["tcp", "udp"])
def test_packets_are_refused_at_once_and_the_sink_sees_none(machine: Site, sink: Callable[[], int], network: str) -> None:
    with container(machine, "tk-one") as ask:
        said, seconds = ask("dial", network, f"{SINK}:53")
    assert said.returncode != 0
    assert "connection refused" in said.stderr
    assert seconds < 3
    assert sink() == 0


def test_without_the_table_the_sink_would_have_seen_them(machine: Site, sink: Callable[[], int]) -> None:
    """The sink is no proof when it could not see anything anyway."""
    run("nft", "delete", "table", "inet", names_of(machine.lab).table)
    with container(machine, "tk-one") as ask:
        ask("dial", "tcp", f"{SINK}:53")
    assert sink() > 0


@pytest.mark.parametrize(
    "name", ["outside.example", "tk-zj-control-plane", "tk-zj-control-plane.dns.podman", "tk-zj-control-plane.example"]
)
def test_questions_are_not_passed_on(machine: Site, sink: Callable[[], int], name: str) -> None:
    """Also not for a node that is stopped: this machine's own questions for it are looked at, behind the lab's table."""
    label = name.split(".", maxsplit=1)[0]
    begin = (bytes([len(label)]) + label.encode())[:16]
    with container(machine, "tk-one") as ask:
        run("nft", "-f", "-", text=WATCH % (8 * len(begin), f"0x{begin.hex()}"))
        try:
            said, _seconds = ask("lookup", name)
            listed = run("nft", "list", "table", "inet", "tk_watch").stdout
        finally:
            run("nft", "delete", "table", "inet", "tk_watch")
    assert said.returncode != 0
    assert "packets 0 bytes 0" in listed, listed


def test_nodes_are_found_by_name(machine: Site) -> None:
    with container(machine, NODES[0]), container(machine, NODES[1]) as ask:
        for name in (NODES[0], f"{NODES[0]}.dns.podman"):
            said, seconds = ask("lookup", name)
            assert said.returncode == 0, said.stderr
            assert seconds < 3


def test_a_foreign_bridge_is_not_touched(machine: Site, sink: Callable[[], int]) -> None:
    """Another container network of the machine reaches the sink as before."""
    setup = [
        "ip link add tk-foreign type bridge",
        f"ip address add {FOREIGN_GATEWAY}/30 dev tk-foreign",
        "ip link set tk-foreign up",
        "ip netns add tk-guest",
        "ip link add tk-guest0 type veth peer name tk-guest1 netns tk-guest",
        "ip link set tk-guest0 master tk-foreign up",
        f"ip -n tk-guest address add {FOREIGN}/30 dev tk-guest1",
        "ip -n tk-guest link set tk-guest1 up",
        f"ip -n tk-guest route add default via {FOREIGN_GATEWAY}",
    ]
    with container(machine, "tk-one"):
        try:
            for command in setup:
                run(*command.split())
            run("ip", "netns", "exec", "tk-guest", "bash", "-c", f"echo x >/dev/udp/{SINK}/9")
            deadline = time.monotonic() + 3
            while sink() == 0 and time.monotonic() < deadline:
                time.sleep(0.1)
        finally:
            run("ip", "link", "delete", "tk-guest0", check=False)
            run("ip", "netns", "delete", "tk-guest", check=False)
            run("ip", "link", "delete", "tk-foreign", check=False)
    assert sink() > 0


def test_a_second_run_changes_nothing_and_check_mode_foretells(site: Site, images: dict[str, Any], run_task: Any) -> None:
    arguments = {"folder": site.lab, "nodes": NODES, "image": images["node"], "archive": images["archive"]}
    foretold = run_task("kind_host", arguments, check=True)
    done = run_task("kind_host", arguments)
    assert foretold["actions"] == done["actions"]
    assert not run_task("kind_host", arguments)["changed"]
    more = run_task("kind_host", {**arguments, "nodes": [*NODES, "tk-cddev-control-plane"]})
    assert more["actions"] == ["renew the lab's isolation"]


def test_nothing_is_left(site: Site, images: dict[str, Any], run_task: Any, tmp_path: Path) -> None:
    """Kernel settings, tables, networks, folders: as before the lab."""
    before = _state()
    run_task("kind_host", {"folder": site.lab, "nodes": NODES, "image": images["node"], "archive": images["archive"]})
    with container(site, "tk-one"):
        assert _state() != before
    site.play("lab_down.yml")
    assert _state() == before
    assert not Path(site.lab).exists()


def _state() -> dict[str, Any]:
    settings = ["fs.inotify.max_user_instances", "fs.inotify.max_user_watches", "net.ipv4.ip_forward", "fs.file-max"]
    links = [one["ifname"] for one in json.loads(run("ip", "-json", "link").stdout)]
    return {
        "settings": run("sysctl", *settings).stdout,
        "tables": [one for one in run("nft", "list", "tables").stdout.splitlines() if "sandbox" not in one],
        "chains": [one for one in run("nft", "list", "chains").stdout.splitlines() if "NETAVARK" in one],
        "links": sorted(name for name in links if name.startswith("edgefed-")),
        "modules": Path("/lib/modules").exists(),
    }
