# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is kept of a member's objects, and which records are told."""

from __future__ import annotations

import ssl
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgefed_dns.members import Content, tls_of
from edgefed_dns.model import INGRESS, SERVICE, Access, Record, Sighting

SERVICE_KEY, INGRESS_KEY = (SERVICE, "ns", "web"), (INGRESS, "ns", "front")


def record_of(key: Any) -> Record:
    return Record(key, "uid", 1, 1, "", (), False, {}, {})


def service(address: str = "", **spec: Any) -> Any:
    ingress = {"ingress": [{"ip": address}]} if address else {}
    return {"metadata": {"namespace": "ns", "name": "web"}, "spec": spec, "status": {"loadBalancer": ingress}}


def ingress(*backends: str, address: str = "192.0.2.9") -> Any:
    paths = [{"backend": {"service": {"name": name, "port": {"number": 80}}}} for name in backends]
    spec = {"rules": [{"host": "www.example", "http": {"paths": paths}}, {"host": "other.example"}]}
    status = {"loadBalancer": {"ingress": [{"ip": address}]}}
    return {"metadata": {"namespace": "ns", "name": "front"}, "spec": spec, "status": status}


def endpoints(name: str, *ready: bool | None) -> Any:
    metadata = {"namespace": "ns", "name": name, "labels": {"kubernetes.io/service-name": "web"}}
    found = [{"addresses": ["10.0.0.1"], "conditions": {} if one is None else {"ready": one}} for one in ready]
    return {"metadata": metadata, "endpoints": found or None}


def test_a_service_with_its_slices() -> None:
    content = Content()
    assert content.sighting(record_of(SERVICE_KEY)) == Sighting()
    assert content.put("services", service("192.0.2.1")) == {SERVICE_KEY}
    assert content.put("services", service("192.0.2.1", note="no news")) == set()
    assert not content.sighting(record_of(SERVICE_KEY)).backed
    assert content.put("endpointslices", endpoints("a", False, True)) == {SERVICE_KEY}
    assert content.put("endpointslices", endpoints("b", None)) == set()
    assert content.sighting(record_of(SERVICE_KEY)) == Sighting(there=True, backed=True, points=(("192.0.2.1", ""),))
    assert content.put("endpointslices", endpoints("a", False)) == set()
    assert content.put("endpointslices", endpoints("b", None), gone=True) == {SERVICE_KEY}
    assert not content.sighting(record_of(SERVICE_KEY)).backed
    assert content.put("services", service("192.0.2.1"), gone=True) == {SERVICE_KEY}
    assert content.put("endpointslices", endpoints("a"), gone=True) == set() and content == Content()


def test_an_ingress_lives_as_long_as_a_service_behind_it() -> None:
    content = Content()
    assert content.put("ingresses", ingress("web", "gone")) == {INGRESS_KEY}
    assert not content.sighting(record_of(INGRESS_KEY)).backed
    assert content.put("endpointslices", endpoints("a", True)) == {SERVICE_KEY, INGRESS_KEY}
    assert content.sighting(record_of(INGRESS_KEY)) == Sighting(there=True, backed=True, points=(("192.0.2.9", ""),))
    assert content.put("endpointslices", endpoints("a")) == {SERVICE_KEY, INGRESS_KEY}
    assert content.put("services", service(type="ExternalName")) == {SERVICE_KEY, INGRESS_KEY}
    assert content.sighting(record_of(INGRESS_KEY)).backed


def test_an_ingress_without_services_is_taken_at_its_word() -> None:
    content = Content()
    content.put("ingresses", ingress())
    assert content.sighting(record_of(INGRESS_KEY)).backed


KEPT = st.tuples(st.sampled_from("abc"), st.lists(st.sampled_from([True, False, None]), max_size=2), st.booleans())


@given(st.lists(KEPT, max_size=12))
def test_slices_in_any_order_come_to_what_is_there(events: Any) -> None:
    content, there = Content(), {}
    for name, ready, gone in events:
        before = content.backed(("ns", "web"))
        told = content.put("endpointslices", endpoints(name, *ready), gone=gone)
        there.pop(name, None)
        if not gone:
            there[name] = any(one is not False for one in ready)
        assert content.backed(("ns", "web")) == any(there.values())
        assert bool(told) == (before != any(there.values()))


ACCESS = Access("https://x", "", "s", (), "")


@pytest.mark.parametrize(
    ("off", "names", "mode"),
    [
        ((), True, ssl.CERT_REQUIRED),
        (("*",), False, ssl.CERT_NONE),
        (("SubjectName",), False, ssl.CERT_REQUIRED),
        (("ValidityPeriod",), True, ssl.CERT_REQUIRED),
    ],
)
def test_tls_as_the_cluster_says(off: Any, names: bool, mode: Any) -> None:
    context = tls_of(replace(ACCESS, tls_off=off))
    assert (context.check_hostname, context.verify_mode) == (names, mode)
    assert bool(context.verify_flags & 0x200000) == ("ValidityPeriod" in off)
