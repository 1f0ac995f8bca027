# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a record's DNSEndpoint and status have to be: tables, then what holds for all."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgefed_dns.model import INGRESS, SERVICE, Access, Cluster, Record, Sighting, cluster
from edgefed_dns.names import Refused
from edgefed_dns.plan import CNAME, INVALID, KEPT, NO_ADDRESS, WRITTEN, Options, Wanted, names_of, refused, shards_of, status_of, wanted

ACCESS = Access("https://x", "", "secret", (), "")
NOW, LATER = "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"
OPTIONS = Options()


def record_of(kind: str = INGRESS, status: Any = None, **spec: Any) -> Record:
    given: dict[str, Any] = {"hosts": ["www.example"]} if kind == INGRESS else {"domainRef": "fed"}
    return Record((kind, "ns", "web"), "uid", 1, 1, NOW, (), False, {**given, **spec}, status or {})


def cluster_of(name: str, region: str = "", zones: tuple[str, ...] = (), *, ready: bool = True, drained: bool = False) -> Cluster:
    return Cluster(name, "kube-federation-system", ready, drained, region, zones, ACCESS)


def up(*addresses: str, backed: bool = True) -> Sighting:
    return Sighting(there=True, backed=backed, points=tuple((one, "") if one[0].isdigit() else ("", one) for one in addresses))


def planned(
    record: Record, members: dict[Cluster, Sighting], resolved: Any = None, options: Options = OPTIONS, domain: str = "zone.top"
) -> Wanted:
    names = names_of(record, domain, members)
    shards = shards_of(record, members, {one.name: seen for one, seen in members.items()}, options)
    return wanted(record, names, domain, shards, resolved or {}, options=options)


def answers(want: Wanted) -> dict[tuple[str, str], list[str]]:
    assert want.endpoints is not None
    return {(one["dnsName"], one["recordType"]): one["targets"] for one in want.endpoints}


EAST, WEST = cluster_of("a", "east", ("e1",)), cluster_of("b", "west", ("w1", "w2"))
COMMON = "web.ns.fed.svc"


def test_an_ingress_over_two_clusters() -> None:
    want = planned(record_of(recordTTL=600), {EAST: up("192.0.2.1"), WEST: up("192.0.2.2", "2001:db8::2")})
    assert want.endpoints == [
        {"dnsName": "www.example", "recordTTL": 600, "recordType": "A", "targets": ["192.0.2.1", "192.0.2.2"]},
        {"dnsName": "www.example", "recordTTL": 600, "recordType": "AAAA", "targets": ["2001:db8::2"]},
    ]
    assert (want.reason, want.message) == (WRITTEN, "2 of 2 clusters answer: a, b.")


def test_a_service_by_region_and_zone() -> None:
    assert answers(planned(record_of(SERVICE), {EAST: up("192.0.2.1"), WEST: up("192.0.2.2")})) == {
        (f"{COMMON}.zone.top", "A"): ["192.0.2.1", "192.0.2.2"],
        (f"{COMMON}.east.zone.top", "A"): ["192.0.2.1"],
        (f"{COMMON}.e1.east.zone.top", "A"): ["192.0.2.1"],
        (f"{COMMON}.west.zone.top", "A"): ["192.0.2.2"],
        (f"{COMMON}.w1.west.zone.top", "A"): ["192.0.2.2"],
        (f"{COMMON}.w2.west.zone.top", "A"): ["192.0.2.2"],
    }


MEMBERS_OF_TWO_ZONES = {
    cluster_of("a", "east", ("e1",), ready=False): Sighting(unknown="gone"),
    cluster_of("b", "east", ("e2",)): up("192.0.2.2"),
    cluster_of("c", "west", ("w1",), drained=True): up("192.0.2.3"),
    cluster_of("d", "north", ("n1",)): up("192.0.2.4"),
}


def test_fallback_repeats_the_wider_addresses() -> None:
    found = answers(planned(record_of(SERVICE, dnsPrefix="hello"), MEMBERS_OF_TWO_ZONES))
    everywhere = ["192.0.2.2", "192.0.2.4"]
    assert found[f"{COMMON}.e1.east.zone.top", "A"] == ["192.0.2.2"]
    assert found[f"{COMMON}.w1.west.zone.top", "A"] == found[f"{COMMON}.west.zone.top", "A"] == everywhere
    assert found["hello.zone.top", "A"] == everywhere
    assert {kind for _, kind in found} == {"A"}


def test_fallback_as_upstream_does_it() -> None:
    found = answers(planned(record_of(SERVICE, dnsPrefix="hello"), MEMBERS_OF_TWO_ZONES, options=Options(fallback=CNAME)))
    assert found[f"{COMMON}.e1.east.zone.top", "CNAME"] == [f"{COMMON}.east.zone.top"]
    assert found[f"{COMMON}.w1.west.zone.top", "CNAME"] == [f"{COMMON}.west.zone.top"]
    assert found[f"{COMMON}.west.zone.top", "CNAME"] == found["hello.zone.top", "CNAME"] == [f"{COMMON}.zone.top"]


def test_an_external_name_and_its_label() -> None:
    want = planned(record_of(SERVICE, externalName="shop"), {cluster_of("a"): up("192.0.2.1")})
    assert want.endpoints == [
        {
            "recordTTL": 180,
            "labels": {"serviceName": "web"},
            "dnsName": "shop.ns.fed.svc.zone.top",
            "recordType": "A",
            "targets": ["192.0.2.1"],
        }
    ]


@pytest.mark.parametrize(
    ("member", "seen", "words"),
    [
        (cluster_of("b", ready=False), up("192.0.2.2"), "b (not Ready)"),
        (cluster_of("b", drained=True), up("192.0.2.2"), "b (drained)"),
        (cluster_of("b"), up("192.0.2.2", backed=False), "b (no ready endpoints)"),
        (cluster_of("b"), Sighting(), "b (no Ingress of this name)"),
        (cluster_of("b"), up(), "b (no address yet)"),
        (cluster_of("b"), Sighting(unknown="it is being read"), "b (it is being read)"),
    ],
)
def test_who_leaves_and_why(member: Cluster, seen: Sighting, words: str) -> None:
    want = planned(record_of(), {cluster_of("a"): up("192.0.2.1"), member: seen})
    assert answers(want) == {("www.example", "A"): ["192.0.2.1"]}
    assert want.message == f"1 of 2 clusters answer: a; out: {words}."


def seen_before(*clusters: str) -> Any:
    return {
        "dns": [{"cluster": name, "loadBalancer": {"ingress": [{"ip": f"192.0.2.{number}"}]}} for number, name in enumerate(clusters, 1)]
    }


def test_what_cannot_be_seen_stays_as_it_was() -> None:
    members = {cluster_of("a"): up("192.0.2.9"), cluster_of("b"): Sighting(unknown="it does not answer")}
    want = planned(record_of(status=seen_before("a", "b")), members)
    assert answers(want) == {("www.example", "A"): ["192.0.2.2", "192.0.2.9"]}
    assert want.reason == KEPT and "as last seen: b (it does not answer)" in want.message


@pytest.mark.parametrize(("least", "left"), [(0, []), (1, ["192.0.2.1", "192.0.2.2"]), (2, ["192.0.2.1", "192.0.2.2"])])
def test_sick_members_stay_while_too_few_are_left(least: int, left: list[str]) -> None:
    members = {cluster_of(name, ready=False): Sighting(unknown="gone") for name in "ab"}
    want = planned(record_of(status=seen_before("a", "b")), members, options=Options(min_healthy=least))
    assert want.endpoints is not None
    assert [target for one in want.endpoints for target in one["targets"]] == left
    assert want.reason == (KEPT if left else NO_ADDRESS)


def test_drained_members_leave_even_when_none_is_left() -> None:
    want = planned(record_of(status=seen_before("a")), {cluster_of("a", drained=True): up("192.0.2.1")})
    assert want.endpoints == [] and want.reason == NO_ADDRESS


def test_services_without_endpoints_where_the_record_allows_it() -> None:
    want = planned(record_of(SERVICE, allowServiceWithoutEndpoints=True), {cluster_of("a"): up("192.0.2.1", backed=False)})
    assert answers(want) == {(f"{COMMON}.zone.top", "A"): ["192.0.2.1"]}


def test_host_names_are_resolved_beside_addresses() -> None:
    members = {cluster_of("a"): up("192.0.2.1"), cluster_of("b"): up("lb.example")}
    assert answers(planned(record_of(), members, {"lb.example": ("192.0.2.7", "2001:db8::7")})) == {
        ("www.example", "A"): ["192.0.2.1", "192.0.2.7"],
        ("www.example", "AAAA"): ["2001:db8::7"],
    }
    lost = planned(record_of(), members, {"lb.example": ()})
    assert answers(lost) == {("www.example", "A"): ["192.0.2.1"]} and "host names that do not resolve: lb.example" in lost.message
    assert planned(record_of(), {cluster_of("b"): up("lb.example")}, {"lb.example": ()}).endpoints is None


@pytest.mark.parametrize(("asked", "used"), [(None, 180), (0, 180), (600, 600), (5, 30), (100000, 3600)])
def test_ttl(asked: int | None, used: int) -> None:
    want = planned(record_of(recordTTL=asked), {cluster_of("a"): up("192.0.2.1")}, options=Options(ttl_min=30, ttl_max=3600))
    assert want.endpoints and want.endpoints[0]["recordTTL"] == used
    assert ("out of bounds" in want.message) == (asked not in (None, 0, 600))


@pytest.mark.parametrize(
    ("record", "domain", "words"),
    [
        (record_of(hosts=["good.example", "müller.example"]), None, "spec.hosts[1]: "),
        (record_of(SERVICE, dnsPrefix="a" * 64), "zone.top", "spec.dnsPrefix with the domain: "),
        (record_of(SERVICE), ".".join(["a" * 60] * 4), "the name of the service with the domain: "),
        (record_of(SERVICE), "müller.top", 'the domain of Domain "fed": '),
    ],
)
def test_refused_by_field(record: Record, domain: str | None, words: str) -> None:
    with pytest.raises(Refused) as caught:
        names_of(record, domain, [])
    assert str(caught.value).startswith(words)


def test_a_zone_that_is_no_label_is_left_out_and_said() -> None:
    want = planned(record_of(SERVICE), {cluster_of("a", "East", ("Zone_A", "e1")): up("192.0.2.1")})
    assert {name for name, _ in answers(want)} == {f"{COMMON}.zone.top", f"{COMMON}.east.zone.top", f"{COMMON}.e1.east.zone.top"}
    assert 'names left out: the region or zone "zone_a" of a' in want.message


def test_the_status_turns_its_time_only_with_its_truth() -> None:
    record = record_of(SERVICE)
    first = status_of(record, planned(record, {EAST: up("192.0.2.1")}), NOW)
    assert first == {
        "domain": "zone.top",
        "dns": [{"cluster": "a", "loadBalancer": {"ingress": [{"ip": "192.0.2.1"}]}, "zones": ["e1"], "region": "east"}],
        "conditions": [
            {
                "type": "Ready",
                "status": "True",
                "reason": WRITTEN,
                "message": "1 of 1 clusters answer: a.",
                "observedGeneration": 1,
                "lastTransitionTime": NOW,
            }
        ],
    }
    held = replace(record, status=first)
    assert status_of(held, planned(held, {EAST: up("192.0.2.1")}), LATER) == first
    bad = status_of(held, refused(held, INVALID, "no."), LATER)
    assert bad["dns"] == first["dns"] and bad["conditions"][0]["lastTransitionTime"] == LATER


def test_clusters_as_kubefed_writes_them() -> None:
    body: dict[str, Any] = {
        "metadata": {"name": "a", "namespace": "kube-federation-system", "annotations": {"edgefed.io/cordon": "cordoned"}},
        "spec": {"apiEndpoint": "10.0.0.1:6443", "secretRef": {"name": "a-x"}, "disabledTLSValidations": ["*"]},
    }
    found = cluster(body)
    assert not found.ready and not found.drained and found.access == Access("https://10.0.0.1:6443", "", "a-x", ("*",), "")
    body["metadata"]["annotations"]["edgefed.io/cordon"] = "drained"
    body["status"] = {"conditions": [{"type": "Offline", "status": "False"}, {"type": "Ready", "status": "True"}], "zones": ["b", "a"]}
    assert cluster(body).ready and cluster(body).drained and cluster(body).zones == ("a", "b")
    body["metadata"]["labels"] = {"topology.kubernetes.io/region": "east", "topology.kubernetes.io/zone": "e1"}
    assert (cluster(body).region, cluster(body).zones) == ("east", ("a", "b"))
    body["status"] = {}
    assert (cluster(body).region, cluster(body).zones) == ("east", ("e1",))


ADDRESS = st.sampled_from(["192.0.2.1", "192.0.2.2", "192.0.2.3", "2001:db8::1", "lb.example"])
SIGHTINGS = st.one_of(
    st.builds(lambda points, backed: up(*sorted(points), backed=backed), st.sets(ADDRESS, max_size=3), st.booleans()),
    st.just(Sighting()),
    st.just(Sighting(unknown="gone")),
)
CLUSTERS = st.builds(
    lambda region, zones, ready, drained: cluster_of("", region, tuple(sorted(zones)) if region else (), ready=ready, drained=drained),
    st.sampled_from(["", "east", "west", "Bad_One"]),
    st.sets(st.sampled_from(["z1", "z2"])),
    st.booleans(),
    st.booleans(),
)
MEMBERS = st.lists(st.tuples(CLUSTERS, SIGHTINGS), max_size=5).map(
    lambda found: {replace(one, name=f"c{n}"): seen for n, (one, seen) in enumerate(found)}
)
RECORDS = st.one_of(
    st.builds(record_of, st.just(INGRESS), hosts=st.lists(st.sampled_from(["a.example", "*.b.example", "A.example"]), max_size=3)),
    st.builds(record_of, st.just(SERVICE), dnsPrefix=st.sampled_from(["", "www", "*"]), allowServiceWithoutEndpoints=st.booleans()),
)
CHOICES = st.builds(Options, fallback=st.sampled_from(["addresses", "cname"]), min_healthy=st.integers(0, 3))
RESOLVED = {"lb.example": ("192.0.2.9",)}


@given(RECORDS, MEMBERS, MEMBERS, CHOICES)
def test_what_holds_for_all(record: Record, before: Any, members: Any, options: Options) -> None:
    held = replace(record, status=status_of(record, planned(record, before, RESOLVED, options), NOW))
    want = planned(held, members, RESOLVED, options)
    # What was decided is decided again.
    again = replace(held, status=status_of(held, want, NOW))
    assert planned(again, members, RESOLVED, options).endpoints == want.endpoints
    assert status_of(again, planned(again, members, RESOLVED, options), LATER) == again.status
    found = want.endpoints or []
    assert [(one["dnsName"], one["recordType"]) for one in found] == sorted({(one["dnsName"], one["recordType"]) for one in found})
    aliases = {one["dnsName"] for one in found if one["recordType"] == "CNAME"}
    assert all(one["targets"] and one["targets"] == sorted(set(one["targets"])) for one in found)
    assert not aliases & {one["dnsName"] for one in found if one["recordType"] != "CNAME"}
    assert all(
        target in {one["dnsName"] for one in found} - {name}
        for one in found
        for name in [one["dnsName"]]
        if name in aliases
        for target in one["targets"]
    )


@given(RECORDS, MEMBERS)
def test_only_living_members_while_enough_live(record: Record, members: Any) -> None:
    allowed = bool(record.spec.get("allowServiceWithoutEndpoints"))
    living = {one for one, seen in members.items() if one.ready and not one.drained and seen.there and (seen.backed or allowed)}
    expected = {address or "192.0.2.9" for one in living for address, _ in members[one].points}
    want = planned(record, members, RESOLVED)
    if expected and not any(seen.unknown for seen in members.values()) and names_of(record, "zone.top", members).hosts:
        assert {target for one in want.endpoints or [] for target in one["targets"]} == expected
