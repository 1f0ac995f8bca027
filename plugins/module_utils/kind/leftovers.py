# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What podman's network leaves in the packet filter of a lab, and kernel settings that a lab changed: what may be taken back. Pure.

The machine may have other containers, of other engines and users. What is not for certain the lab's stays.
"""

from __future__ import annotations

import hashlib
from typing import Any, Collection, Mapping

NETAVARK = "NETAVARK"
# Netavark's chains of one network end with so many digits of a digest of it.
_DIGITS = 13
# Netavark's chains that all networks share; a chain that is named otherwise is of some network.
_SHARED = (
    "NETAVARK-HOSTPORT-DNAT",
    "NETAVARK-HOSTPORT-SETMARK",
    "NETAVARK-HOSTPORT-MASQ",
    "NETAVARK_FORWARD",
    "NETAVARK_INPUT",
    "NETAVARK_ISOLATION_1",
    "NETAVARK_ISOLATION_2",
    "NETAVARK_ISOLATION_3",
)
# Where iptables puts what netavark asks for.
_TABLES = (("ip", "nat"), ("ip", "filter"))
_FORWARDING = "net/ipv4/ip_forward"
# What a node's systemd, kubelet and network set where nothing keeps them from it. Any other value is somebody else's.
_LARGEST_FILES = tuple(str((2147483647 >> shift) & ~7) for shift in range(6))
SET_BY_NODES: dict[str, tuple[str, ...]] = {
    _FORWARDING: ("1",),
    "fs/file-max": ("9223372036854775807",),
    "fs/nr_open": _LARGEST_FILES,
    "vm/overcommit_memory": ("1",),
    "vm/panic_on_oom": ("0",),
    "kernel/panic": ("10",),
    "kernel/panic_on_oops": ("1",),
    "kernel/keys/root_maxkeys": ("1000000",),
    "kernel/keys/root_maxbytes": ("25000000",),
}


def marks(network: str, identity: str) -> set[str]:
    """How netavark marks the chains of a network, by its name or by its id."""
    return {hashlib.sha512(text.encode()).hexdigest()[:_DIGITS].upper() for text in (network, identity)}


def removal(listed: Collection[Mapping[str, Any]], before: Collection[str], own: Collection[str]) -> str:
    """nft's commands that remove netavark's chains of the lab's networks (``own`` marks), with the rules that lead to them.

    ``listed`` is ``nft -j list ruleset``, ``before`` the chains that were there before the first lab ("family table name"). Chains that
    all networks share go only when none is left of a network that is not the lab's.
    """
    chains = [_key(one["chain"]) for one in listed if "chain" in one and one["chain"]["name"].startswith(NETAVARK)]
    mine = [chain for chain in chains if any(chain[2].endswith(f"-{mark}") for mark in own)]
    shared = [chain for chain in chains if chain[2] in _SHARED]
    if len(mine) + len(shared) == len(chains):
        mine += [chain for chain in shared if " ".join(chain) not in before]
    lines = []
    for rule in (one["rule"] for one in listed if "rule" in one):
        place = (rule["family"], rule["table"], rule["chain"])
        if place not in mine and any((*place[:2], target) in mine for target in _targets(rule)):
            lines.append(f"delete rule {' '.join(place)} handle {rule['handle']}")
    lines += [f"{what} chain {' '.join(chain)}" for what in ("flush", "delete") for chain in mine]
    return "".join(f"{line}\n" for line in lines)


def empty_tables(listed: Collection[Mapping[str, Any]], before: Collection[str]) -> list[str]:
    """Tables that iptables made for netavark since the first lab, in which nothing is, and nothing refuses a packet."""
    found = []
    for family, name in _TABLES:
        inside = [one["chain"] for one in listed if "chain" in one and _key(one["chain"])[:2] == (family, name)]
        rules = [one for one in listed if "rule" in one and (one["rule"]["family"], one["rule"]["table"]) == (family, name)]
        there = any("table" in one and (one["table"]["family"], one["table"]["name"]) == (family, name) for one in listed)
        harmless = all("hook" in chain and chain.get("policy", "accept") == "accept" for chain in inside)
        if there and harmless and not rules and f"{family} {name}" not in before:
            found.append(f"{family} {name}")
    return found


def settings_to_restore(noted: Mapping[str, str], now: Mapping[str, str], ours: Mapping[str, str], forwarding_used: bool) -> dict[str, str]:
    """Kernel settings to put back: those that still have the value that the lab (``ours``) or its nodes gave them."""
    return {
        name: value
        for name, value in noted.items()
        if now.get(name, value) != value
        and (now[name] == ours.get(name) or now[name] in SET_BY_NODES.get(name, ()))
        and not (name == _FORWARDING and forwarding_used)
    }


def _key(chain: Mapping[str, Any]) -> tuple[str, str, str]:
    return chain["family"], chain["table"], chain["name"]


def _targets(rule: Mapping[str, Any]) -> list[str]:
    """The chains that a rule leads to."""
    steps = [part[word] for part in rule.get("expr", []) for word in ("jump", "goto") if isinstance(part, dict) and word in part]
    return [str(step["target"]) for step in steps if isinstance(step, dict) and "target" in step]
