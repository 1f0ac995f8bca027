# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is known: records, domains, clusters, and what was seen in each member. Plain values, read once from the API's objects. Pure."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import Any

Object = dict[str, Any]
# kind of the record, namespace, name
Key = tuple[str, str, str]

SERVICE, INGRESS = "service", "ingress"
KINDS = {SERVICE: "ServiceDNSRecord", INGRESS: "IngressDNSRecord"}
# Of a KubeFedCluster that takes part less, or not at all.
CORDON = "edgefed.io/cordon"
DRAINED = "drained"
# On KubeFedClusters by the inventory; KubeFed's status has what the nodes say, which goes first.
REGION, ZONE = "topology.kubernetes.io/region", "topology.kubernetes.io/zone"


@dataclass(frozen=True)
class Record:
    """A ServiceDNSRecord or IngressDNSRecord."""

    key: Key
    uid: str
    version: int
    generation: int
    created: str
    finalizers: tuple[str, ...]
    deleting: bool
    spec: Object
    status: Object

    @property
    def title(self) -> str:
        return f"{KINDS[self.key[0]]} {self.key[1]}/{self.key[2]}"

    @property
    def domain_ref(self) -> str:
        """The Domain of a ServiceDNSRecord."""
        return str(self.spec.get("domainRef", ""))

    @property
    def age(self) -> tuple[str, Key]:
        """Of two records that want one name, the smaller has it."""
        return self.created, self.key

    def seen_before(self, cluster: str) -> Object:
        """What the status says of a cluster."""
        found: Object = next((entry for entry in self.status.get("dns") or [] if entry.get("cluster") == cluster), {})
        return found


@dataclass(frozen=True)
class Access:
    """How to reach a member, as KubeFed does it."""

    server: str
    ca_bundle: str
    secret: str
    tls_off: tuple[str, ...]
    proxy: str


@dataclass(frozen=True)
class Cluster:
    """A KubeFedCluster."""

    name: str
    namespace: str
    ready: bool
    drained: bool
    region: str
    zones: tuple[str, ...]
    access: Access


# One point of a load balancer: an address, or a host name.
Point = tuple[str, str]


@dataclass(frozen=True)
class Sighting:
    """What a member has for a record. ``unknown`` says why it is not known; then nothing else counts."""

    unknown: str = ""
    there: bool = False
    backed: bool = False
    points: tuple[Point, ...] = ()


@dataclass(frozen=True)
class Endpoint:
    """A DNSEndpoint."""

    name: str
    version: int
    ours: bool
    deleting: bool
    owner: str
    endpoints: list[Object]


def record(kind: str, body: Object) -> Record:
    """A record from its object."""
    meta = body["metadata"]
    return Record(
        key=(kind, meta["namespace"], meta["name"]),
        uid=meta["uid"],
        version=int(meta["resourceVersion"]),
        generation=meta.get("generation", 0),
        created=meta["creationTimestamp"],
        finalizers=tuple(meta.get("finalizers") or ()),
        deleting="deletionTimestamp" in meta,
        spec=dict(body.get("spec") or {}),
        status=dict(body.get("status") or {}),
    )


def cluster(body: Object) -> Cluster:
    """A cluster from its KubeFedCluster. Not Ready, and no word about it, are the same."""
    meta, spec, status = body["metadata"], body["spec"], body.get("status") or {}
    labels = meta.get("labels") or {}
    zones = status.get("zones") or ([labels[ZONE]] if ZONE in labels else [])
    server = spec["apiEndpoint"]
    return Cluster(
        name=meta["name"],
        namespace=meta["namespace"],
        ready=any(one["type"] == "Ready" and one["status"] == "True" for one in status.get("conditions") or []),
        drained=(meta.get("annotations") or {}).get(CORDON) == DRAINED,
        region=status.get("region") or labels.get(REGION, ""),
        zones=tuple(sorted(zones)),
        access=Access(
            server=server if "://" in server else f"https://{server}",
            ca_bundle=spec.get("caBundle") or "",
            secret=(spec.get("secretRef") or {}).get("name", ""),
            tls_off=tuple(sorted(spec.get("disabledTLSValidations") or [])),
            proxy=spec.get("proxyURL") or "",
        ),
    )


def points(status: Object) -> tuple[Point, ...]:
    """The points of a ``loadBalancer``, sorted, each once."""
    ingress = (status.get("loadBalancer") or {}).get("ingress") or []
    return tuple(sorted({(one.get("ip") or "", one.get("hostname") or "") for one in ingress}))


def is_address(text: str) -> bool:
    """Whether it is an IPv4 or IPv6 address."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
