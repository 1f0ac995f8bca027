# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The lab's nftables table as text: what it lets through and what it refuses."""

from __future__ import annotations

import struct

import pytest

from ansible_collections.edgefed.kubefed.plugins.module_utils.kind.isolation import is_whole, name_matches, rules_of, ruleset, wire_name


def question(name: str, count: int = 1, kind: int = 1) -> bytes:
    """A UDP datagram from its header on, with one DNS question."""
    dns = struct.pack("!6H", 4711, 0x0100, count, 0, 0, 0) + wire_name(name) + struct.pack("!2H", kind, 1)
    return struct.pack("!4H", 40000, 53, 8 + len(dns), 0) + dns


def matches(conditions: str, datagram: bytes) -> bool:
    """What nft would say: every ``@th,BIT,BITS VALUE`` holds."""
    words = conditions.split()
    for where, value in zip(words[::2], words[1::2], strict=True):
        _base, bit, bits = where.split(",")
        start, length = int(bit) // 8, int(bits) // 8
        if int.from_bytes(datagram[start : start + length], "big") != int(value, 0) or len(datagram) < start + length:
            return False
    return True


@pytest.mark.parametrize("name", ["zj-control-plane", "a", "shop-001-control-plane.dns.podman", "x" * 63, "x" * 63 + ".dns.podman"])
def test_a_name_matches_its_own_question(name: str) -> None:
    assert matches(name_matches(name), question(name))
    assert matches(name_matches(name), question(name, kind=28))


@pytest.mark.parametrize(
    "other",
    [
        "zj-control-plane.example",
        "zj-control-planes",
        "zj-control-plan",
        "xzj-control-plane",
        "example",
        "zj-control-plane.dns.podman.example",
    ],
)
def test_it_matches_no_other(other: str) -> None:
    assert not matches(name_matches("zj-control-plane"), question(other))
    assert not matches(name_matches("zj-control-plane.dns.podman"), question(other))


def test_a_second_question_does_not_travel_along() -> None:
    assert not matches(name_matches("zj-control-plane"), question("zj-control-plane", count=2))


def test_no_comparison_is_wider_than_nft_can() -> None:
    widths = [int(word.split(",")[2]) for word in name_matches("x" * 63 + ".dns.podman").split()[::2]]
    assert max(widths) <= 128


def test_only_the_labs_own_bridge_is_named() -> None:
    text = ruleset("edgefed_0a1b2c", "edgefed-0a1b2c", ["zj-control-plane"])
    hooks = [line for line in text.splitlines() if "iifname" in line or "oifname" in line]
    assert hooks and all('"edgefed-0a1b2c"' in line for line in hooks)
    assert text.startswith("table inet edgefed_0a1b2c\ndelete table inet edgefed_0a1b2c\n")
    assert "policy drop" not in text


def test_all_names_may_be_asked_for_by_nodes_and_by_nobody_of_this_machine() -> None:
    text = ruleset("t", "b", ["zj-worker", "zj-control-plane"])
    assert text.count(" return\n") == text.count(" goto refused\n") - 3 == 4


def listed(text: str, *, without: str = "") -> list[dict[str, dict[str, str]]]:
    """As nft lists it in JSON, as far as it counts; ``without`` the rules of a chain."""
    hooks = [{"chain": {"name": name, "hook": name}} for name in ("forward", "input", "output")]
    rules = [{"rule": {"chain": chain}} for chain, count in rules_of(text).items() for _rule in range(count) if chain != without]
    return [*hooks, *rules]


def test_a_table_that_lacks_a_rule_or_a_hook_does_not_count_as_isolation() -> None:
    text = ruleset("t", "b", ["zj-control-plane"])
    assert is_whole(listed(text), text)
    for chain in ("forward", "refused", "input", "nodes_only", "output"):
        assert not is_whole(listed(text, without=chain), text)
    assert not is_whole(listed(text)[1:], text)
    assert not is_whole([], text)
    assert not is_whole([], "")
