# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the members have: Services, Ingresses and EndpointSlices, watched in each. Only what records need is kept in memory."""

from __future__ import annotations

import asyncio
import base64
import logging
import random
import ssl
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from urllib.parse import urlencode

from edgefed_dns.api import Api, ApiError, Unreachable
from edgefed_dns.metrics import MEMBER
from edgefed_dns.model import INGRESS, SERVICE, Access, Cluster, Key, Object, Point, Record, Sighting, points

LOG = logging.getLogger("edgefed_dns.members")
PAGE = 500
BACKOFF = (0.5, 30.0)
PENDING = "it is being read"
NO_CHECK_TIME = 0x200000  # OpenSSL's X509_V_FLAG_NO_CHECK_TIME, which Python has no name for
KINDS = {
    "services": "/api/v1/services",
    "ingresses": "/apis/networking.k8s.io/v1/ingresses",
    "endpointslices": "/apis/discovery.k8s.io/v1/endpointslices",
}
Name = tuple[str, str]


class Fault(Exception):
    """A member cannot be read; ``str()`` says why, in the same words each time."""


@dataclass(frozen=True)
class Exposed:
    """What is kept of a Service or Ingress. ``needs``: the Services behind an Ingress; ``always``: backed from outside the cluster."""

    points: tuple[Point, ...]
    needs: tuple[str, ...] = ()
    always: bool = False


def exposed(kind: str, body: Object) -> Exposed:
    """What is kept of a Service or Ingress."""
    spec, found = body.get("spec") or {}, points(body.get("status") or {})
    if kind == "services":
        return Exposed(found, always=spec.get("type") == "ExternalName")
    backends = [spec.get("defaultBackend") or {}]
    backends += [path.get("backend") or {} for rule in spec.get("rules") or [] for path in (rule.get("http") or {}).get("paths") or []]
    return Exposed(found, tuple(sorted({one["service"]["name"] for one in backends if one.get("service")})))


def has_ready(body: Object) -> bool:
    """Whether an EndpointSlice has a ready address; unknown counts as ready, as Kubernetes says."""
    return any((one.get("conditions") or {}).get("ready") is not False and one.get("addresses") for one in body.get("endpoints") or [])


@dataclass
class Content:
    """What a member has. ``slices``: of each Service its EndpointSlices and whether they have ready addresses."""

    services: dict[Name, Exposed] = field(default_factory=dict)
    ingresses: dict[Name, Exposed] = field(default_factory=dict)
    slices: dict[Name, dict[str, bool]] = field(default_factory=dict)

    def backed(self, name: Name) -> bool:
        found = self.services.get(name)
        return any(self.slices.get(name, {}).values()) or bool(found and found.always)

    def sighting(self, record: Record) -> Sighting:
        kind, *name = record.key
        key = (name[0], name[1])
        found = (self.services if kind == SERVICE else self.ingresses).get(key)
        if found is None:
            return Sighting()
        if kind == SERVICE:
            return Sighting(there=True, backed=self.backed(key), points=found.points)
        backed = not found.needs or any(self.backed((key[0], service)) for service in found.needs)
        return Sighting(there=True, backed=backed, points=found.points)

    def put(self, kind: str, body: Object, *, gone: bool = False) -> set[Key]:
        """Note one object; gives the records that it may concern."""
        meta = body["metadata"]
        if kind == "endpointslices":
            service = (meta["namespace"], (meta.get("labels") or {}).get("kubernetes.io/service-name", ""))
            before = self.backed(service)
            slices = self.slices.setdefault(service, {})
            slices.pop(meta["name"], None)
            if not gone:
                slices[meta["name"]] = has_ready(body)
            elif not slices:
                del self.slices[service]
            return self._of_service(service) if self.backed(service) != before else set()
        name = (meta["namespace"], meta["name"])
        held = self.services if kind == "services" else self.ingresses
        before_object = held.pop(name, None)
        if not gone:
            held[name] = exposed(kind, body)
        if held.get(name) == before_object:
            return set()
        return self._of_service(name) if kind == "services" else {(INGRESS, *name)}

    def _of_service(self, name: Name) -> set[Key]:
        behind = {(INGRESS, *key) for key, one in self.ingresses.items() if key[0] == name[0] and name[1] in one.needs}
        return {(SERVICE, *name), *behind}


def tls_of(access: Access) -> ssl.SSLContext:
    """TLS as KubeFed does it: the cluster's own CA, and less checks where it says so."""
    bundle = base64.b64decode(access.ca_bundle).decode() if access.ca_bundle else None
    context = ssl.create_default_context(cadata=bundle)
    # From Python 3.13 on, which refuses CAs that many clusters have.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    if "ValidityPeriod" in access.tls_off:
        context.verify_flags |= NO_CHECK_TIME
    if {"*", "SubjectName"} & set(access.tls_off):
        context.check_hostname = False
    if "*" in access.tls_off:
        context.verify_mode = ssl.CERT_NONE
    return context


class Member:
    """One member, watched until it is closed. ``changed(keys)`` with ``None`` means all records."""

    def __init__(self, cluster: Cluster, host: Api, changed: Callable[[Iterable[Key] | None], None], resync: float) -> None:
        self.cluster = cluster
        self._host = host
        self._changed = changed
        self._resync = resync
        self.content: Content | None = None
        self.fault = PENDING
        self.task = asyncio.create_task(self._run(), name=f"member {cluster.name}")

    @property
    def pending(self) -> bool:
        """The first look has not come to an end yet."""
        return self.fault == PENDING

    def sighting(self, record: Record) -> Sighting:
        """What it has for a record."""
        if self.content is None or self.fault:
            return Sighting(unknown=self.fault)
        return self.content.sighting(record)

    async def _run(self) -> None:
        delay = BACKOFF[0]
        while True:
            try:
                await self._watch_all()
                delay = BACKOFF[0]
            except Fault as fault:
                self._say(str(fault))
                await asyncio.sleep(delay * random.uniform(0.5, 1.0))
                delay = min(delay * 2, BACKOFF[1])

    def _say(self, fault: str, *, fresh: bool = False) -> None:
        if self.fault != fault:
            LOG.log(logging.WARNING if fault else logging.INFO, "Member %s: %s", self.cluster.name, fault or "read and watched.")
            self.fault, fresh = fault, True
            MEMBER.labels(self.cluster.name).set(0 if fault else 1)
        if fresh:
            self._changed(None)

    async def _watch_all(self) -> None:
        """List all, then watch all until one watch has to begin again: nobody is told of a mere cut, only of a list that fails."""
        api = await self._connect()
        try:
            content = Content()
            try:
                versions = await asyncio.gather(*(self._list(api, kind, content) for kind in KINDS))
            except Unreachable as error:
                raise Fault(f"its API server cannot be read: {error}") from None
            except ApiError as error:
                raise Fault(f"its API server refuses (HTTP {error.status}): {error}") from None
            fresh, self.content = self.content != content, content
            self._say("", fresh=fresh)
            watches = [asyncio.create_task(self._watch(api, kind, version, content)) for kind, version in zip(KINDS, versions, strict=True)]
            try:
                done, _others = await asyncio.wait(
                    watches, timeout=self._resync * random.uniform(0.8, 1.2), return_when=asyncio.FIRST_COMPLETED
                )
            finally:
                for watch in watches:
                    watch.cancel()
            for watch in done:
                watch.result()
        finally:
            await api.close()

    async def _connect(self) -> Api:
        access = self.cluster.access
        where = f"{self.cluster.namespace}/{access.secret}"
        try:
            secret = await self._host.request("GET", f"/api/v1/namespaces/{self.cluster.namespace}/secrets/{access.secret}")
            token = base64.b64decode(secret["data"]["token"]).decode()
            tls = tls_of(access)
        except (ApiError, Unreachable) as error:
            raise Fault(f"its secret {where} cannot be read on the host cluster: {error}") from None
        except (KeyError, TypeError, ValueError, ssl.SSLError):
            raise Fault(f"its secret {where} has no token, or the caBundle of its KubeFedCluster is none") from None
        headers = {"Authorization": f"Bearer {token}"}
        return Api(self.cluster.name, access.server, tls, lambda: headers, proxy=access.proxy, connections=len(KINDS))

    async def _list(self, api: Api, kind: str, content: Content) -> str:
        query = {"limit": str(PAGE)}
        while True:
            page = await api.request("GET", f"{KINDS[kind]}?{urlencode(query)}")
            for body in page.get("items") or []:
                content.put(kind, body)
            token = page["metadata"].get("continue")
            if not token:
                return str(page["metadata"]["resourceVersion"])
            query = {"limit": str(PAGE), "continue": token}

    async def _watch(self, api: Api, kind: str, version: str, content: Content) -> None:
        """Come back when it has to begin with a list again."""
        while True:
            query = {"watch": "1", "allowWatchBookmarks": "true", "resourceVersion": version}
            try:
                async for event in api.lines(f"{KINDS[kind]}?{urlencode(query)}"):
                    if event["type"] == "ERROR":
                        return
                    version = event["object"]["metadata"]["resourceVersion"]
                    if event["type"] != "BOOKMARK":
                        self._changed(content.put(kind, event["object"], gone=event["type"] == "DELETED"))
            except (ApiError, Unreachable):
                return
            await asyncio.sleep(random.uniform(0.1, 0.5))


class Members:
    """All members, as the KubeFedClusters say."""

    def __init__(self, host: Api, changed: Callable[[Iterable[Key] | None], None], resync: float) -> None:
        self._host = host
        self._changed = changed
        self._resync = resync
        self._members: dict[str, Member] = {}

    def put(self, cluster: Cluster) -> None:
        """Note a cluster. One that is Ready again, or reached otherwise, is read anew: what was watched before may be long dead."""
        held = self._members.get(cluster.name)
        if held and held.cluster == cluster:
            return
        again = held is None or held.cluster.access != cluster.access or (cluster.ready and not held.cluster.ready)
        if held and not again:
            held.cluster = cluster
        else:
            self.drop(cluster.name)
            self._members[cluster.name] = Member(cluster, self._host, self._changed, self._resync)
        self._changed(None)

    def drop(self, name: str) -> None:
        """Forget a cluster."""
        held = self._members.pop(name, None)
        if held:
            held.task.cancel()
            self._changed(None)

    @property
    def clusters(self) -> list[Cluster]:
        """All, by name."""
        return [self._members[name].cluster for name in sorted(self._members)]

    @property
    def pending(self) -> bool:
        """A Ready member is being read for the first time: what is decided now would be decided again at once."""
        return any(member.pending and member.cluster.ready for member in self._members.values())

    def sightings(self, record: Record) -> dict[str, Sighting]:
        """What each has for a record."""
        return {name: member.sighting(record) for name, member in self._members.items()}
