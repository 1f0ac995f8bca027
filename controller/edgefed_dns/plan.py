# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a record's DNSEndpoint and status have to be, from what is known. Pure.

A cluster is in the answer when it is Ready, not drained, and has the Service or Ingress with ready endpoints and an address. What leaves
for its health alone is kept while fewer than ``min_healthy`` clusters would answer, and what cannot be seen stays as it was last seen: an
answer is never taken away because this controller, or KubeFed's, lost its connections.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from edgefed_dns.model import SERVICE, Cluster, Object, Point, Record, Sighting, is_address, points
from edgefed_dns.names import Refused, checked, label_fault

ADDRESSES, CNAME = "addresses", "cname"
WRITTEN, KEPT, NO_ADDRESS = "Written", "KeptLastState", "NoAddress"
INVALID, NO_DOMAIN, TAKEN = "InvalidName", "DomainMissing", "NameTaken"
STATUS_OF = {WRITTEN: "True", KEPT: "Unknown"}
READY = "Ready"


@dataclass(frozen=True)
class Options:
    """What holds for all records. ``fallback``: names without a living cluster repeat the addresses of the wider one, or are its CNAME."""

    fallback: str = ADDRESSES
    ttl_default: int = 180
    ttl_min: int = 1
    ttl_max: int = 86400
    min_healthy: int = 1

    def ttl(self, asked: int | None) -> int:
        return min(max(asked or self.ttl_default, self.ttl_min), self.ttl_max)


@dataclass(frozen=True)
class Shard:
    """A cluster's part in a record. ``out`` says why it has none; ``sick`` when that is its health; ``kept`` why it is as last seen."""

    cluster: str
    region: str = ""
    zones: tuple[str, ...] = ()
    points: tuple[Point, ...] = ()
    out: str = ""
    sick: bool = False
    kept: str = ""


@dataclass(frozen=True)
class Names:
    """The names of a record: ``hosts`` all lead to all clusters, the others to those of their region or zone. ``left_out`` in words."""

    hosts: tuple[str, ...]
    prefixed: str = ""
    regions: Mapping[str, str] = field(default_factory=dict)
    zones: Mapping[tuple[str, str], str] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()

    @property
    def all(self) -> set[str]:
        return {*self.hosts, *self.regions.values(), *self.zones.values(), self.prefixed} - {""}


@dataclass(frozen=True)
class Wanted:
    """``endpoints`` is ``None`` where what is there has to stay. ``reason`` and ``message`` are those of the condition."""

    endpoints: list[Object] | None
    shards: tuple[Shard, ...]
    domain: str
    reason: str
    message: str


def names_of(record: Record, domain: str | None, clusters: Iterable[Cluster]) -> Names:
    """The names of a record; raises :class:`Refused` where a field cannot be one. ``domain`` is what its ``domainRef`` leads to."""
    if record.key[0] != SERVICE:
        hosts = record.spec.get("hosts") or []
        return Names(tuple(dict.fromkeys(checked(host, f"spec.hosts[{number}]", wildcard=True) for number, host in enumerate(hosts))))
    zone = checked(domain or "", f'the domain of Domain "{record.domain_ref}"')
    prefix = record.spec.get("dnsPrefix")
    prefixed = checked(f"{prefix}.{zone}", "spec.dnsPrefix with the domain", wildcard=True) if prefix else ""
    service = record.spec.get("externalName") or record.key[2]
    common = f"{service}.{record.key[1]}.{record.domain_ref}.svc"
    return _by_place(Names((checked(f"{common}.{zone}", "the name of the service with the domain"),), prefixed), common, zone, clusters)


def _by_place(names: Names, common: str, zone: str, clusters: Iterable[Cluster]) -> Names:
    """With the names by region and zone. A region or zone that cannot be a label has none; it is said, and the others go on."""
    regions: dict[str, str] = {}
    zones: dict[tuple[str, str], str] = {}
    left_out: dict[str, None] = {}
    for cluster in clusters:
        for place, into in _places(cluster):
            parts = [part.lower() for part in place if part]
            try:
                for part in parts:
                    if label_fault(part):
                        raise Refused(f'the region or zone "{part}" of {cluster.name} {label_fault(part)}')
                name = checked(".".join([common, *parts, zone]), f"the name by region and zone of {cluster.name}")
            except Refused as refused:
                left_out[str(refused)] = None
                continue
            if into == "zone":
                zones[(place[0], place[1])] = name
            else:
                regions[place[1]] = name
    return replace(names, regions=regions, zones=zones, left_out=tuple(left_out))


def _places(cluster: Cluster) -> list[tuple[tuple[str, str], str]]:
    if not cluster.region:
        return []
    return [(("", cluster.region), "region"), *(((zone, cluster.region), "zone") for zone in cluster.zones)]


def shard_of(record: Record, cluster: Cluster, sighting: Sighting) -> Shard:
    """A cluster's part in a record, on its own."""
    shard = Shard(cluster.name, cluster.region, cluster.zones)
    if cluster.ready and not cluster.drained and sighting.unknown:
        before = points(record.seen_before(cluster.name))
        return replace(shard, points=before, kept=sighting.unknown, out="" if before else sighting.unknown)
    unbacked = not sighting.backed and not record.spec.get("allowServiceWithoutEndpoints")
    reasons = (
        ("drained", cluster.drained, False),
        ("not Ready", not cluster.ready, True),
        (f"no {'Service' if record.key[0] == SERVICE else 'Ingress'} of this name", not sighting.there, False),
        ("no ready endpoints", unbacked, True),
        ("no address yet", not sighting.points, False),
    )
    out, _holds, sick = next((reason for reason in reasons if reason[1]), ("", True, False))
    return replace(shard, out=out, sick=sick, points=() if out else sighting.points)


def shards_of(record: Record, clusters: Iterable[Cluster], seen: Mapping[str, Sighting], options: Options) -> tuple[Shard, ...]:
    """All clusters' parts, by name; the last known state of sick ones where too few would be left."""
    shards = [shard_of(record, cluster, seen[cluster.name]) for cluster in sorted(clusters, key=lambda one: one.name)]
    if sum(bool(shard.points) for shard in shards) >= options.min_healthy:
        return tuple(shards)
    return tuple(_held(record, shard, options.min_healthy) if shard.sick else shard for shard in shards)


def _held(record: Record, shard: Shard, least: int) -> Shard:
    before = points(record.seen_before(shard.cluster))
    if not before:
        return shard
    return replace(shard, points=before, out="", kept=f"{shard.out}, but fewer than {least} would answer without it")


def host_names(shards: Iterable[Shard]) -> set[str]:
    """Host names among the points, which have to be resolved."""
    return {host for shard in shards for address, host in shard.points if host and not address}


def _targets(shards: Iterable[Shard], resolved: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """``{"A": …, "AAAA": …}`` of the shards, without empty ones."""
    found: dict[str, set[str]] = {}
    for shard in shards:
        for address, host in shard.points:
            for one in [address] if address else resolved.get(host, ()):
                if is_address(one):
                    found.setdefault("AAAA" if ":" in one else "A", set()).add(one)
    return {kind: sorted(found[kind]) for kind in sorted(found)}


def endpoints_of(
    record: Record, names: Names, shards: Sequence[Shard], resolved: Mapping[str, Sequence[str]], options: Options
) -> list[Object]:
    """The DNSEndpoint's list, sorted by name and type; empty when no cluster has an address."""
    everywhere = _targets(shards, resolved)
    if not everywhere:
        return []
    common: Object = {"recordTTL": options.ttl(record.spec.get("recordTTL"))}
    if record.spec.get("externalName"):
        common["labels"] = {"serviceName": record.key[2]}

    def entries(name: str, targets: dict[str, list[str]], wider: str, otherwise: dict[str, list[str]]) -> list[Object]:
        chosen = targets or ({"CNAME": [wider]} if options.fallback == CNAME else otherwise)
        return [{**common, "dnsName": name, "recordType": kind, "targets": chosen[kind]} for kind in chosen]

    found = [entry for host in names.hosts for entry in entries(host, everywhere, "", {})]
    if names.prefixed and names.prefixed not in names.hosts:
        found += entries(names.prefixed, {}, names.hosts[0], everywhere)
    by_region = {region: _targets([shard for shard in shards if shard.region == region], resolved) for region in names.regions}
    for region, name in names.regions.items():
        found += entries(name, by_region[region], names.hosts[0], everywhere)
    for (zone, region), name in names.zones.items():
        inside = _targets([shard for shard in shards if shard.region == region and zone in shard.zones], resolved)
        wider = names.regions.get(region, names.hosts[0])
        found += entries(name, inside, wider, by_region.get(region) or everywhere)
    return sorted(found, key=lambda entry: (entry["dnsName"], entry["recordType"]))


def refused(record: Record, reason: str, message: str, *, withdraw: bool = False) -> Wanted:
    """A record that cannot be served: what it had stays, or goes where it would be another's."""
    return Wanted([] if withdraw else None, (), record.status.get("domain", ""), reason, message)


def wanted(
    record: Record,
    names: Names,
    domain: str | None,
    shards: tuple[Shard, ...],
    resolved: Mapping[str, Sequence[str]],
    *,
    options: Options,
) -> Wanted:
    """All of a record that can be served."""
    found = endpoints_of(record, names, shards, resolved, options)
    kept = [f"{shard.cluster} ({shard.kept})" for shard in shards if shard.kept and shard.points]
    lost = sorted(host for host in host_names(shards) if not resolved.get(host))
    answering = [shard.cluster for shard in shards if shard.points]
    parts = [f"{len(answering)} of {len(shards)} clusters answer: {', '.join(answering)}" if answering else "No cluster answers"]
    parts += _list("out", [f"{shard.cluster} ({shard.out})" for shard in shards if shard.out])
    parts += _list("as last seen", kept)
    parts += _list("host names that do not resolve", lost)
    parts += _list("names left out", names.left_out)
    asked = record.spec.get("recordTTL")
    if asked and options.ttl(asked) != asked:
        parts.append(f"recordTTL {asked} is out of bounds, {options.ttl(asked)} is used")
    reason = KEPT if kept or (lost and not found) else WRITTEN if found else NO_ADDRESS
    stays = not found and bool(lost or any(shard.kept for shard in shards))
    return Wanted(None if stays else found, shards, domain or "", reason, "; ".join(parts) + ".")


def _list(title: str, entries: Sequence[str]) -> list[str]:
    return [f"{title}: {', '.join(entries)}"] if entries else []


def status_of(record: Record, want: Wanted, now: str) -> Object:
    """The whole status, equal to the record's own where nothing is new. ``now`` is used where the condition turns."""
    status = dict(record.status)
    before: Object = next((one for one in status.get("conditions") or [] if one["type"] == READY), {})
    truth = STATUS_OF.get(want.reason, "False")
    condition = {
        "type": READY,
        "status": truth,
        "reason": want.reason,
        "message": want.message,
        "observedGeneration": record.generation,
        "lastTransitionTime": before["lastTransitionTime"] if before.get("status") == truth else now,
    }
    status["conditions"] = [condition]
    if want.shards or want.reason in (WRITTEN, KEPT, NO_ADDRESS):
        status["dns"] = [_entry(record, shard) for shard in want.shards]
    if record.key[0] == SERVICE and want.domain:
        status["domain"] = want.domain
    return status


def _entry(record: Record, shard: Shard) -> Object:
    entry: Object = {"cluster": shard.cluster, "loadBalancer": {}}
    if shard.points:
        entry["loadBalancer"] = {
            "ingress": [{key: text for key, text in zip(("ip", "hostname"), point, strict=True) if text} for point in shard.points]
        }
    if record.key[0] == SERVICE:
        entry.update({"zones": list(shard.zones)} if shard.zones else {})
        entry.update({"region": shard.region} if shard.region else {})
    return entry
