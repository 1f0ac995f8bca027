# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Names as a zone has them, held against names as they are wanted. Pure."""

from __future__ import annotations

import re
from typing import Any, Collection, Iterable, Mapping

ANSWERS = "answers"
MISSING = "missing"
PENDING = "pending"
FOREIGN = "foreign"

# ``(name, type)`` without the last dot, in small letters -> the values.
Records = Mapping[tuple[str, str], frozenset[str]]

_OWNER = re.compile(r"external-dns/owner=([^,\"]+)")
# What ExternalDNS is told to write in place of "*" (--txt-wildcard-replacement).
WILDCARD = "any"


def owner_of(records: Records, name: str, kind: str) -> str:
    """Who ExternalDNS noted as the owner of a name, in its TXT record beside it; empty when there is none."""
    marked = f"{kind.lower()}-{re.sub(r'^[*]', WILDCARD, name)}"
    found = [_OWNER.search(text) for text in sorted(records.get((marked, "TXT"), ()))]
    return next((match.group(1) for match in found if match), "")


def within(name: str, zones: Iterable[str]) -> bool:
    """Whether a name lies in one of the zones."""
    return any(f".{name}".endswith(f".{zone.rstrip('.').lower()}") for zone in zones)


def compare(records: Records, wanted: Iterable[Mapping[str, Any]], zones: Collection[str], owner: str) -> list[dict[str, Any]]:
    """Each entry of a DNSEndpoint that lies in the zones, with what they say of it, who owns it there, and its state."""
    found = []
    for entry in wanted:
        name, kind = str(entry["dnsName"]).rstrip(".").lower(), str(entry["recordType"])
        if not within(name, zones):
            continue
        targets = frozenset(str(target).rstrip(".").lower() for target in entry["targets"])
        there = records.get((name, kind), frozenset())
        noted = owner_of(records, name, kind)
        found.append(
            {
                "name": name,
                "type": kind,
                "targets": sorted(targets),
                "answers": sorted(there),
                "owner": noted,
                "state": _state(targets, there, noted, owner),
            }
        )
    return sorted(found, key=lambda one: (one["name"], one["type"]))


def _state(targets: frozenset[str], there: frozenset[str], noted: str, owner: str) -> str:
    if not there:
        return MISSING
    if owner and noted != owner:
        return FOREIGN
    return ANSWERS if there == targets else PENDING
