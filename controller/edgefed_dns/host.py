# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The host cluster's objects: read from Kopf's indexes, written under the Lease, and known as written before the watch tells."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any, Protocol, TypeVar

from edgefed_dns.api import MERGE_PATCH, Api, ApiError
from edgefed_dns.lease import Lease
from edgefed_dns.metrics import WRITES
from edgefed_dns.model import KINDS, Endpoint, Key, Object, Record, record

GROUP, VERSION = "multiclusterdns.kubefed.io", "v1alpha1"
API_VERSION = f"{GROUP}/{VERSION}"
ENDPOINT_GROUP = "externaldns.k8s.io"
FINALIZER = "edgefed.io/dns"
MANAGED_BY = {"app.kubernetes.io/managed-by": "edgefed-dns"}
PLURALS = {kind: f"{KINDS[kind].lower()}s" for kind in KINDS}


class Versioned(Protocol):
    """What has a resourceVersion."""

    @property
    def version(self) -> int: ...


Known = TypeVar("Known", bound=Versioned)


class Newest(dict[Key, tuple[int, "Known | None"]]):
    """What was written here, until Kopf's index has it too. ``None``: deleted."""

    def of(self, key: Key, indexed: Known | None) -> Known | None:
        """The newer of what was written and what is in the index."""
        if key not in self:
            return indexed
        version, written = self[key]
        if indexed is None or indexed.version < version:
            return written
        del self[key]
        return indexed


def endpoint_name(key: Key) -> str:
    """Upstream's name of a record's DNSEndpoint."""
    return f"{key[0]}-{key[2]}"


def endpoint(body: Object) -> Endpoint:
    """A DNSEndpoint from its object."""
    meta = body["metadata"]
    owners = [one["uid"] for one in meta.get("ownerReferences") or [] if one.get("controller")]
    return Endpoint(
        name=meta["name"],
        version=int(meta["resourceVersion"]),
        ours=(meta.get("labels") or {}).items() >= MANAGED_BY.items(),
        deleting="deletionTimestamp" in meta,
        owner=owners[0] if owners else "",
        endpoints=[dict(one) for one in (body.get("spec") or {}).get("endpoints") or []],
    )


class Host:
    """Reads and writes. ``indexes`` are Kopf's: ``records``, ``domains``, ``endpoints``."""

    def __init__(self, api: Api, lease: Lease, namespace: str, indexes: Mapping[str, Any]) -> None:
        self._api = api
        self._lease = lease
        self._namespace = namespace
        self._indexes = indexes
        self._records: Newest[Record] = Newest()
        self._endpoints: Newest[Endpoint] = Newest()

    def all_records(self) -> list[Key]:
        """All records."""
        return [key for kind in KINDS for key in self._indexes[PLURALS[kind]]]

    def _indexed(self, index: str, key: Any) -> Any:
        found = self._indexes[index].get(key)
        return next(iter(found), None) if found is not None else None

    def record(self, key: Key) -> Record | None:
        """A record as last known."""
        indexed: Record | None = self._indexed(PLURALS[key[0]], key)
        return self._records.of(key, indexed)

    def domain(self, name: str) -> str | None:
        """The zone of a Domain, which lies beside KubeFed's controller."""
        found: str | None = self._indexed("domains", (self._namespace, name))
        return found

    def endpoint(self, key: Key) -> Endpoint | None:
        """A record's DNSEndpoint as last known, whoever made it."""
        indexed: Endpoint | None = self._indexed("dnsendpoints", (key[1], endpoint_name(key)))
        return self._endpoints.of(key, indexed)

    def forget_record(self, key: Key) -> None:
        """It is gone."""
        self._records.pop(key, None)

    def forget_endpoint(self, key: Key) -> None:
        """It is gone."""
        self._endpoints.pop(key, None)

    async def _write(self, what: str, verb: str, path: str, body: Object | None, content_type: str = "application/json") -> Any:
        self._lease.check()
        answer = await self._api.request(verb, path, body, content_type=content_type)
        WRITES.labels(what).inc()
        return answer

    def _folder(self, key: Key) -> str:
        return f"/apis/{ENDPOINT_GROUP}/{VERSION}/namespaces/{key[1]}/dnsendpoints"

    async def write_endpoint(self, owner: Record, found: Endpoint | None, endpoints: list[Object]) -> None:
        """Create it, or replace just what was seen, so that nobody's newer word is lost."""
        key, name = owner.key, endpoint_name(owner.key)
        reference = {"apiVersion": API_VERSION, "kind": KINDS[key[0]], "name": key[2], "uid": owner.uid, "controller": True}
        metadata: Object = {"name": name, "namespace": key[1], "labels": MANAGED_BY, "ownerReferences": [reference]}
        body = {"apiVersion": f"{ENDPOINT_GROUP}/{VERSION}", "kind": "DNSEndpoint", "metadata": metadata, "spec": {"endpoints": endpoints}}
        if found:
            metadata["resourceVersion"] = str(found.version)
            answer = await self._write("endpoint", "PATCH", f"{self._folder(key)}/{name}", body, MERGE_PATCH)
        else:
            answer = await self._write("endpoint", "POST", self._folder(key), body)
        known = endpoint(answer)
        self._endpoints[key] = (known.version, known)

    async def delete_endpoint(self, key: Key, found: Endpoint) -> None:
        """Delete it, when it is still what was seen."""
        body = {"preconditions": {"resourceVersion": str(found.version)}}
        try:
            await self._write("endpoint", "DELETE", f"{self._folder(key)}/{found.name}", body)
        except ApiError as error:
            if error.status != 404:
                raise
        self._endpoints[key] = (found.version + 1, None)

    def _path(self, key: Key) -> str:
        return f"/apis/{API_VERSION}/namespaces/{key[1]}/{PLURALS[key[0]]}/{key[2]}"

    async def _patch_record(self, what: str, known: Record, path: str, body: Object) -> Record:
        answer = record(known.key[0], await self._write(what, "PATCH", path, body, MERGE_PATCH))
        self._records[known.key] = (answer.version, answer)
        return answer

    async def set_finalizer(self, known: Record, *, on: bool) -> Record:
        """Ours among the others' finalizers, or not."""
        finalizers = [one for one in known.finalizers if one != FINALIZER] + [FINALIZER] * on
        body = {"metadata": {"finalizers": finalizers, "resourceVersion": str(known.version)}}
        return await self._patch_record("finalizer", known, self._path(known.key), body)

    async def write_status(self, known: Record, status: Object) -> Record:
        """Replace the status of the record that was seen, not of a later one of its name."""
        body = {"metadata": {"uid": known.uid}, "status": status}
        return await self._patch_record("status", known, f"{self._path(known.key)}/status", body)

    async def tell(self, known: Record, reason: str, message: str, *, warning: bool) -> None:
        """An Event of the record."""
        now = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        kind, namespace, name = known.key
        about = {"apiVersion": API_VERSION, "kind": KINDS[kind], "namespace": namespace, "name": name, "uid": known.uid}
        body = {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": f"{name[:200]}.{uuid.uuid4().hex[:16]}", "namespace": namespace},
            "involvedObject": about,
            "reason": reason,
            "message": message[:1024],
            "type": "Warning" if warning else "Normal",
            "source": {"component": "edgefed-dns"},
            "firstTimestamp": now,
            "lastTimestamp": now,
            "count": 1,
        }
        await self._write("event", "POST", f"/api/v1/namespaces/{namespace}/events", body)
