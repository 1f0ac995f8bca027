# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a zone says of names that are wanted, and whose they are."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.edgefed.kubefed.plugins.module_utils.dns.names import compare, owner_of, within

HERITAGE = '"heritage=external-dns,external-dns/owner={},external-dns/resource=crd/shop/service-web"'
RECORDS = {
    ("web.shop.example", "A"): frozenset({"127.1.0.1", "127.2.0.1"}),
    ("a-web.shop.example", "TXT"): frozenset({HERITAGE.format("ours")}),
    ("theirs.shop.example", "A"): frozenset({"192.0.2.1"}),
    ("a-theirs.shop.example", "TXT"): frozenset({HERITAGE.format("theirs")}),
    ("nobodys.shop.example", "A"): frozenset({"127.1.0.1"}),
    ("*.shop.example", "CNAME"): frozenset({"web.shop.example"}),
    ("cname-any.shop.example", "TXT"): frozenset({HERITAGE.format("ours")}),
}


@pytest.mark.parametrize(
    ("name", "kind", "targets", "owner", "state"),
    [
        ("web", "A", ["127.2.0.1", "127.1.0.1"], "ours", "answers"),
        ("WEB", "A", ["127.2.0.1", "127.1.0.1"], "ours", "answers"),
        ("web", "A", ["127.1.0.1"], "ours", "pending"),
        ("web", "AAAA", ["::1"], "ours", "missing"),
        ("theirs", "A", ["127.1.0.1"], "ours", "foreign"),
        ("nobodys", "A", ["127.1.0.1"], "ours", "foreign"),
        ("nobodys", "A", ["127.1.0.1"], "", "answers"),
        ("*", "CNAME", ["web.shop.example."], "ours", "answers"),
    ],
)
def test_compare(name: str, kind: str, targets: list[str], owner: str, state: str) -> None:
    entry: dict[str, Any] = {"dnsName": f"{name}.shop.example", "recordType": kind, "targets": targets, "recordTTL": 60}
    (found,) = compare(RECORDS, [entry], ["shop.example"], owner)
    assert (found["name"], found["type"], found["state"]) == (f"{name}.shop.example".lower(), kind, state)


def test_names_of_other_zones_are_left_out() -> None:
    entry = {"dnsName": "web.example.org", "recordType": "A", "targets": ["127.1.0.1"]}
    assert compare(RECORDS, [entry], ["shop.example"], "ours") == []
    assert within("shop.example", ["Shop.Example."]) and not within("workshop.example", ["shop.example"])


def test_owner_of_what_nobody_marked() -> None:
    assert owner_of(RECORDS, "nobodys.shop.example", "A") == ""
    assert owner_of(RECORDS, "theirs.shop.example", "A") == "theirs"
