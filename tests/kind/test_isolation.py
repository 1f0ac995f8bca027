# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Nothing leaves an isolated lab, and nobody else's traffic is touched. The outside is a network namespace of the test's own."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from kind_site import FOLDER, NODES, Site, container, names_of, prepare, run

from ansible_collections.edgefed.kubefed.plugins.module_utils.kind.options import host_of
from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import EdgefedError

# For documentation (RFC 5737); here it leads into the sink and no further.
SINK, GATEWAY = "203.0.113.6", "203.0.113.5"
FOREIGN, FOREIGN_GATEWAY = "198.51.100.2", "198.51.100.1"
SEEN = """table inet seen {
  chain input {
    type filter hook input priority 0; policy accept;
    ip daddr %s counter drop
  }
}
"""
# In the lab's table's place: what goes to the sink is let through, all else from the bridge is dropped.
ONLY_SINK = """table inet %(table)s
delete table inet %(table)s
table inet %(table)s {
  chain forward {
    type filter hook forward priority -10; policy accept;
    iifname "%(bridge)s" oifname "tk-sink0" ip daddr %(sink)s accept
    iifname "%(bridge)s" counter drop
  }
  chain input {
    type filter hook input priority -10; policy accept;
    iifname "%(bridge)s" counter drop
  }
}
"""
# Behind the lab's own table, which has a lower priority. It lets none through either.
WATCH = """table inet tk_watch {
  chain output {
    type filter hook output priority 0; policy accept;
    udp dport 53 @th,160,%d %s counter drop
  }
}
"""


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
    _remove_sink()
    try:
        for command in setup:
            run(*command.split())
        run("ip", "netns", "exec", "tk-sink", "nft", "-f", "-", text=table)
        yield _seen
    finally:
        _remove_sink()


def _remove_sink() -> None:
    """With its namespace the link would go too, but later."""
    run("ip", "link", "delete", "tk-sink0", check=False)
    run("ip", "netns", "delete", "tk-sink", check=False)


def _seen() -> int:
    said = json.loads(run("ip", "netns", "exec", "tk-sink", "nft", "-j", "list", "table", "inet", "seen").stdout)
    counters = [part["counter"]["packets"] for one in said["nftables"] for part in one.get("rule", {}).get("expr", []) if "counter" in part]
    return int(counters[0])


@pytest.fixture(scope="module")
def lab(images: dict[str, Any]) -> Iterator[Site]:
    """One lab's network and isolation for all that only look, with no cluster in it."""
    site = Site(FOLDER.with_name("test-kind-looks"), "tk-", 18700)
    site.folder.mkdir(parents=True, exist_ok=True)
    site.play("lab_down.yml")
    yield site
    site.play("lab_down.yml")


@pytest.fixture
def machine(lab: Site, images: dict[str, Any]) -> Site:
    """It stands, also when the test before took something away."""
    prepare(lab, images)
    return lab


@pytest.mark.parametrize("network", ["tcp", "udp"])
def test_packets_are_refused_at_once_and_the_sink_sees_none(machine: Site, sink: Callable[[], int], network: str) -> None:
    """At once is within the container: /web waits 5 s, and then says that time is over, not that it was refused."""
    with container(machine, "tk-one") as ask:
        said = ask("dial", network, f"{SINK}:53")
    assert said.returncode != 0
    assert "connection refused" in said.stderr
    assert sink() == 0


def test_without_the_table_the_sink_would_have_seen_them(machine: Site, sink: Callable[[], int], images: dict[str, Any]) -> None:
    """The sink is no proof when it could not see anything anyway."""
    names = names_of(machine.lab)
    with container(machine, "tk-one") as ask:
        run("nft", "-f", "-", text=ONLY_SINK % {"table": names.table, "bridge": names.network, "sink": SINK})
        try:
            ask("dial", "tcp", f"{SINK}:53")
        finally:
            prepare(machine, images)
    assert sink() > 0


@pytest.mark.parametrize(
    "name", ["outside.example", "tk-zj-control-plane", "tk-zj-control-plane.dns.podman", "tk-zj-control-plane.example"]
)
def test_questions_are_not_passed_on(machine: Site, sink: Callable[[], int], name: str) -> None:
    """Also not for a node that is stopped: this machine's own questions for it are looked at, behind the lab's table."""
    label = name.split(".", maxsplit=1)[0]
    begin = (bytes([len(label)]) + label.encode())[:16]
    run("nft", "delete", "table", "inet", "tk_watch", check=False)
    with container(machine, "tk-one") as ask:
        run("nft", "-f", "-", text=WATCH % (8 * len(begin), f"0x{begin.hex()}"))
        try:
            said = ask("lookup", name)
            listed = run("nft", "list", "table", "inet", "tk_watch").stdout
        finally:
            run("nft", "delete", "table", "inet", "tk_watch")
    assert said.returncode != 0
    assert "packets 0 bytes 0" in listed, listed


def test_nodes_are_found_by_name(machine: Site) -> None:
    with container(machine, NODES[0]), container(machine, NODES[1]) as ask:
        for name in (NODES[0], f"{NODES[0]}.dns.podman"):
            said = ask("lookup", name)
            assert said.returncode == 0, said.stderr


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
    _remove_foreign()
    with container(machine, "tk-one"):
        try:
            for command in setup:
                run(*command.split())
            run("ip", "netns", "exec", "tk-guest", "bash", "-c", f"echo x >/dev/udp/{SINK}/9")
            deadline = time.monotonic() + 3
            while sink() == 0 and time.monotonic() < deadline:
                time.sleep(0.1)
        finally:
            _remove_foreign()
    assert sink() > 0


def _remove_foreign() -> None:
    run("ip", "link", "delete", "tk-guest0", check=False)
    run("ip", "netns", "delete", "tk-guest", check=False)
    run("ip", "link", "delete", "tk-foreign", check=False)


def test_nothing_starts_without_whole_isolation_and_a_run_renews_it(machine: Site, images: dict[str, Any]) -> None:
    names = names_of(machine.lab)
    host = host_of({"folder": machine.lab, "provider": "podman", "kind": "kind", "isolated": True, "cache_dir": None})
    host.check_guarded(True)
    run("nft", "flush", "chain", "inet", names.table, "forward")
    with pytest.raises(EdgefedError, match="may start"):
        host.check_guarded(True)
    assert prepare(machine, images, check=True) == prepare(machine, images) == ["renew the lab's isolation"]
    host.check_guarded(True)
