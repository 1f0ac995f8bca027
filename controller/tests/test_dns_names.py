# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Names, held to dnspython's rules, and the CRDs' rules held to them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import dns.exception
import dns.name
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from edgefed_dns.names import MAX_NAME, Refused, checked

CRDS = Path(__file__).resolve().parents[1] / "crds"
LABELS = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,70}[a-z0-9])?", fullmatch=True)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("www.vr.wellmaxwang.top", "www.vr.wellmaxwang.top"),
        ("WWW.Example.", "www.example"),
        ("*.example", "*.example"),
        ("a" * 63 + ".b", "a" * 63 + ".b"),
        ("xn--mller-kva.example", "xn--mller-kva.example"),
        (".".join(["a" * 49] * 5 + ["abc"]), ".".join(["a" * 49] * 5 + ["abc"])),
    ],
)
def test_taken(text: str, name: str) -> None:
    assert checked(text, "spec.hosts[0]", wildcard=True) == name


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("müller.example", "xn-- form"),
        ("a" * 64 + ".b", "a label of 64 characters"),
        (".".join(["a" * 49] * 5 + ["abcd"]), "has 254 characters"),
        ("a..b", "an empty label"),
        ("", "an empty label"),
        (".", "an empty label"),
        ("*", "hyphens"),
        ("a.*.b", "hyphens"),
        ("*.*.b", "hyphens"),
        ("-a.b", "no hyphen at its ends"),
        ("a_b.c", "letters, digits and hyphens"),
        ("a b.c", "letters, digits and hyphens"),
        ("a\n.c", "letters, digits and hyphens"),
    ],
)
def test_refused_by_field(text: str, words: str) -> None:
    with pytest.raises(Refused) as caught:
        checked(text, "spec.hosts[3]", wildcard=True)
    assert str(caught.value).startswith("spec.hosts[3]: ") and words in str(caught.value)
    assert len(str(caught.value)) < 250


def test_a_wildcard_only_where_it_may_be() -> None:
    with pytest.raises(Refused):
        checked("*.example", "the domain")


@given(st.one_of(st.text(max_size=300), st.lists(LABELS, min_size=1, max_size=8).map(".".join)))
def test_what_is_taken_dnspython_takes_as_it_is(text: str) -> None:
    try:
        name = checked(text, "field", wildcard=True)
    except Refused:
        return
    parsed = dns.name.from_text(name)
    assert parsed.to_text(omit_final_dot=True) == name and len(parsed.to_wire()) <= MAX_NAME + 2


@given(st.lists(LABELS, min_size=1, max_size=8).map(".".join))
def test_of_plain_labels_what_dnspython_takes_is_taken(text: str) -> None:
    try:
        dns.name.from_text(text)
    except dns.exception.DNSException:
        with pytest.raises(Refused):
            checked(text, "field")
    else:
        assert checked(text, "field") == text


def schema(kind: str) -> Any:
    """The properties of a CRD's schema."""
    crd = yaml.safe_load((CRDS / f"multiclusterdns.kubefed.io_{kind}.yaml").read_text())
    return crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]


def pattern(field: Any) -> re.Pattern[str]:
    """The expression in a field's CEL rule. re2's ``$`` is the end alone."""
    found = re.fullmatch(r"self\.matches\('(.*)'\)", field["x-kubernetes-validations"][0]["rule"])
    assert found
    return re.compile(found[1].replace("$", r"\Z"))


@given(st.one_of(st.text(max_size=80), st.text("aZ9-.*ü", max_size=80), st.lists(LABELS, max_size=4).map(".".join)))
def test_the_api_refuses_what_the_controller_would(text: str) -> None:
    host = pattern(schema("ingressdnsrecords")["spec"]["properties"]["hosts"]["items"])
    domain = pattern(schema("domains")["domain"])
    for expression, wildcard in ((host, True), (domain, False)):
        try:
            checked(text, "field", wildcard=wildcard)
            taken = True
        except Refused:
            taken = False
        assert bool(expression.match(text)) == taken


@pytest.mark.parametrize("text", ["www", "a.b", "*", "*.a", "A1"])
def test_prefixes(text: str) -> None:
    assert pattern(schema("servicednsrecords")["spec"]["properties"]["dnsPrefix"]).match(text)


@pytest.mark.parametrize("text", ["", "a.", "a*", "**", "*a", "ü", "-"])
def test_no_prefixes(text: str) -> None:
    assert not pattern(schema("servicednsrecords")["spec"]["properties"]["dnsPrefix"]).match(text)
