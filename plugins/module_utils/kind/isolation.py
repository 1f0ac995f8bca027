# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The lab's own nftables table: nothing that its nodes or pods send leaves this machine. Pure.

Two ways lead out. Packets are forwarded: until kube-proxy has its rules, even a pod's call to 10.96.0.1 follows the default
route. And the container network's name server, a process of this machine, asks the machine's own resolver for names that it
does not know. So it may be asked for the nodes' names only, and this machine may not ask anybody for these, as it would for a
node that is stopped.
"""

from __future__ import annotations

from collections import Counter
from typing import Any, Collection, Mapping

# Before any other table's filter (priority 0), so that nothing accepts first.
_PRIORITY = -10
# nft compares at most this many bits of a packet at once.
_BITS = 128
# Within a datagram: 8 bytes of UDP, then id, flags, the number of questions, three more numbers, and the first name at byte 20.
_QUESTIONS_BIT = 96
_NAME_BIT = 160
# podman answers to its nodes under this domain too, and puts it into their search list.
PODMAN_DOMAIN = "dns.podman"


def wire_name(name: str) -> bytes:
    """A name as a DNS question holds it."""
    return b"".join(bytes([len(label)]) + label.encode("ascii") for label in name.split(".")) + b"\0"


def name_matches(name: str) -> str:
    """nft's conditions for a datagram that asks for this name, and for nothing else."""
    wire = wire_name(name)
    step = _BITS // 8
    parts = [
        f"@th,{_NAME_BIT + 8 * start},{8 * len(wire[start : start + step])} 0x{wire[start : start + step].hex()}"
        for start in range(0, len(wire), step)
    ]
    return " ".join([f"@th,{_QUESTIONS_BIT},16 1", *parts])


def ruleset(table: str, bridge: str, names: Collection[str]) -> str:
    """The table as nft reads it, replacing what it was; ``names`` are the nodes', which may be asked for."""
    asked = [name_matches(form) for name in sorted(names) for form in (f"{name}.{PODMAN_DOMAIN}", name)]
    lines = [
        f"table inet {table}",
        f"delete table inet {table}",
        f"table inet {table} {{",
        "  chain refused {",
        # The kernel sends few ICMP errors a second, but any number of resets.
        "    counter meta l4proto tcp reject with tcp reset",
        "    reject",
        "  }",
        "  chain nodes_only {",
        *[f"    {one} return" for one in asked],
        "    goto refused",
        "  }",
        "  chain no_nodes {",
        *[f"    {one} goto refused" for one in asked],
        "  }",
        "  chain forward {",
        f"    type filter hook forward priority {_PRIORITY}; policy accept;",
        f'    iifname "{bridge}" oifname != "{bridge}" goto refused',
        f'    oifname "{bridge}" iifname != "{bridge}" ct state new counter drop',
        "  }",
        "  chain input {",
        f"    type filter hook input priority {_PRIORITY}; policy accept;",
        f'    iifname "{bridge}" udp dport 53 jump nodes_only',
        f'    iifname "{bridge}" tcp dport 53 goto refused',
        "  }",
        "  chain output {",
        f"    type filter hook output priority {_PRIORITY}; policy accept;",
        "    udp dport 53 jump no_nodes",
        "  }",
        "}",
        "",
    ]
    return "\n".join(lines)


def rules_of(text: str) -> Counter[str]:
    """How many rules each chain of a ruleset has."""
    counts: Counter[str] = Counter()
    chain = ""
    for line in text.splitlines():
        if line.startswith("  chain "):
            chain = line.split()[1]
        elif line.startswith("    ") and not line.startswith("    type "):
            counts[chain] += 1
    return counts


def is_whole(listed: Collection[Mapping[str, Any]], text: str) -> bool:
    """Whether the kernel has the ruleset ``text``: as many rules in each chain, and its chains hooked. ``listed`` is nft's JSON of it."""
    there = Counter(one["rule"]["chain"] for one in listed if "rule" in one)
    hooks = {one["chain"]["hook"] for one in listed if "chain" in one and "hook" in one["chain"]}
    return bool(text) and there == rules_of(text) and hooks == {"forward", "input", "output"}
