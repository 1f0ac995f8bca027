# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a lab takes back from the machine, and what it leaves because it may be somebody else's."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.edgefed.kubefed.plugins.module_utils.kind import leftovers
from ansible_collections.edgefed.kubefed.plugins.module_utils.kind.engine import network_id

NETWORK = "edgefed-0a1b2c"
OWN = leftovers.marks(NETWORK, network_id(NETWORK))
MINE = f"NETAVARK-{sorted(OWN)[0]}"
THEIRS = "NETAVARK-1D8721804F16F"
SHARED = "NETAVARK-HOSTPORT-DNAT"


def table(family: str = "ip", name: str = "nat") -> dict[str, Any]:
    return {"table": {"family": family, "name": name}}


def chain(name: str, **more: str) -> dict[str, Any]:
    return {"chain": {"family": "ip", "table": "nat", "name": name, **more}}


def rule(where: str, handle: int, target: str) -> dict[str, Any]:
    place = {"family": "ip", "table": "nat", "chain": where, "handle": handle}
    return {"rule": {**place, "expr": [{"counter": {"packets": 0, "bytes": 0}}, {"jump": {"target": target}}]}}


BASE = chain("POSTROUTING", type="nat", hook="postrouting", policy="accept")


def test_chains_of_the_labs_network_go_with_the_rules_that_lead_to_them() -> None:
    said = leftovers.removal([table(), BASE, chain(MINE), rule("POSTROUTING", 7, MINE), rule("POSTROUTING", 8, "OTHER")], [], OWN)
    assert said.splitlines() == ["delete rule ip nat POSTROUTING handle 7", f"flush chain ip nat {MINE}", f"delete chain ip nat {MINE}"]


def test_chains_of_another_network_stay_and_so_do_those_it_shares() -> None:
    said = leftovers.removal([BASE, chain(MINE), chain(THEIRS), chain(SHARED), rule("POSTROUTING", 7, THEIRS)], [], OWN)
    assert said.splitlines() == [f"flush chain ip nat {MINE}", f"delete chain ip nat {MINE}"]


def test_shared_chains_go_when_no_other_network_is_there_unless_they_are_older_than_the_lab() -> None:
    listed = [BASE, chain(SHARED), chain("NETAVARK-HOSTPORT-MASQ"), rule("PREROUTING", 3, SHARED)]
    said = leftovers.removal(listed, ["ip nat NETAVARK-HOSTPORT-MASQ"], OWN)
    assert said.splitlines() == [
        "delete rule ip nat PREROUTING handle 3",
        f"flush chain ip nat {SHARED}",
        f"delete chain ip nat {SHARED}",
    ]


def test_a_chain_that_netavark_does_not_name_so_counts_as_somebody_elses() -> None:
    assert leftovers.removal([chain(SHARED), chain("NETAVARK-DN-1D8721804F16F")], [], OWN) == ""


@pytest.mark.parametrize(
    ("listed", "before", "gone"),
    [
        ([table(), BASE], [], ["ip nat"]),
        ([table(), BASE], ["ip nat"], []),
        ([table(), BASE, rule("POSTROUTING", 1, "X")], [], []),
        ([table(), chain("POSTROUTING", hook="postrouting", policy="drop")], [], []),
        ([table(), BASE, chain("MINE")], [], []),
        ([table("inet", "firewall")], [], []),
        ([table("ip", "mangle")], [], []),
    ],
)
def test_a_table_goes_only_when_it_was_made_for_the_lab_and_does_nothing(
    listed: list[dict[str, Any]], before: list[str], gone: list[str]
) -> None:
    assert leftovers.empty_tables(listed, before) == gone


NOTED = {"fs/inotify/max_user_instances": "128", "net/ipv4/ip_forward": "0", "kernel/panic": "0", "fs/nr_open": "1048576"}
OURS = {"fs/inotify/max_user_instances": "1024"}


@pytest.mark.parametrize(
    ("now", "used", "restored"),
    [
        ({}, False, {}),
        ({"fs/inotify/max_user_instances": "1024"}, False, {"fs/inotify/max_user_instances": "128"}),
        ({"fs/inotify/max_user_instances": "4096"}, False, {}),
        ({"net/ipv4/ip_forward": "1"}, False, {"net/ipv4/ip_forward": "0"}),
        ({"net/ipv4/ip_forward": "1"}, True, {}),
        ({"kernel/panic": "10"}, False, {"kernel/panic": "0"}),
        ({"kernel/panic": "30"}, False, {}),
        ({"fs/nr_open": "1073741816"}, False, {"fs/nr_open": "1048576"}),
        ({"fs/nr_open": "2000000"}, False, {}),
    ],
)
def test_only_values_that_the_lab_gave_are_put_back(now: dict[str, str], used: bool, restored: dict[str, str]) -> None:
    assert leftovers.settings_to_restore(NOTED, {**NOTED, **now}, OURS, used) == restored
