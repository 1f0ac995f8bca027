# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""From what is known to what is written: only what differs, answers first."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from datetime import datetime, timezone

from edgefed_dns.api import ApiError, Unreachable
from edgefed_dns.claims import Claims
from edgefed_dns.host import FINALIZER, Host, endpoint_name
from edgefed_dns.lease import Lost
from edgefed_dns.members import Members
from edgefed_dns.metrics import FAILURES, RECORDS, SECONDS
from edgefed_dns.model import KINDS, SERVICE, Endpoint, Key, Object, Record
from edgefed_dns.names import Refused
from edgefed_dns.plan import (
    INVALID,
    NO_ADDRESS,
    NO_DOMAIN,
    READY,
    TAKEN,
    WRITTEN,
    Names,
    Options,
    Wanted,
    host_names,
    names_of,
    refused,
    shards_of,
    status_of,
    wanted,
)
from edgefed_dns.resolver import Resolver
from edgefed_dns.work import Work

LOG = logging.getLogger("edgefed_dns")
WORKERS = 16
FOREIGN, WRITE_FAILED = "ForeignDNSEndpoint", "WriteFailed"
# What a later look puts right: an object that changed, came or went between.
AGAIN = (404, 409)


class Reconciler:
    """Looks at one record after the other."""

    def __init__(self, host: Host, members: Members, resolver: Resolver, work: Work, options: Options) -> None:
        self._host = host
        self._members = members
        self._resolver = resolver
        self._work = work
        self._options = options
        self._claims = Claims()
        self._reasons: dict[Key, str] = {}
        self._primed = False

    def changed(self, keys: Iterable[Key] | None) -> None:
        """Something is new for these records, or for all."""
        self._work.add(self._host.all_records() if keys is None else keys)

    async def run(self) -> None:
        """Work until cancelled."""
        async with asyncio.TaskGroup() as group:
            for _number in range(WORKERS):
                group.create_task(self._worker())

    async def _worker(self) -> None:
        while True:
            key = await self._work.take()
            failed = False
            try:
                with SECONDS.time():
                    await self._reconcile(key)
            except (ApiError, Unreachable, Lost) as error:
                failed = True
                FAILURES.inc()
                LOG.warning("%s %s/%s is tried again: %s", KINDS[key[0]], key[1], key[2], error)
            except Exception:
                # The one place where anything is caught: whatever one record brings about, the others go on.
                failed = True
                FAILURES.inc()
                LOG.exception("%s %s/%s: a bug in edgefed-dns; it is tried again.", KINDS[key[0]], key[1], key[2])
            self._work.done(key, failed=failed)
            # Many records without news must not hold up the watches and the Lease.
            await asyncio.sleep(0)

    async def _reconcile(self, key: Key) -> None:
        record = self._host.record(key)
        if record is None:
            self._forget(key)
            return
        if record.deleting:
            await self._finish(record)
            return
        # Who is read for the first time says so, with all records.
        if self._members.pending:
            return
        want = self._decide(record)
        if want is None:
            return
        found = self._host.endpoint(key)
        if want.endpoints and not self._same(record, found, want):
            record = record if FINALIZER in record.finalizers else await self._host.set_finalizer(record, on=True)
        wrote, want = await self._write(record, found, want)
        if wrote or (self._work.urgent and want.reason != WRITE_FAILED):
            self._work.add_later(key)
        else:
            await self._tell(record, want)

    def _decide(self, record: Record) -> Wanted | None:
        """What the record has to have; ``None`` while a host name is being looked up, whose answer comes with the record."""
        self._prime()
        domain = self._host.domain(record.domain_ref) if record.key[0] == SERVICE else None
        if record.key[0] == SERVICE and domain is None:
            self._work.add(self._claims.drop(record.key))
            message = f'There is no Domain "{record.domain_ref}" beside KubeFed\'s controller. Next: create it, or correct spec.domainRef.'
            return refused(record, NO_DOMAIN, message)
        clusters = self._members.clusters
        try:
            names = names_of(record, domain, clusters)
        except Refused as fault:
            self._work.add(self._claims.drop(record.key))
            return refused(record, INVALID, f"{fault}. Next: correct it; what was written before stays until then.")
        self._work.add(self._claims.put(record.age, names.all))
        return self._stranger(record) or self._served(record, names, domain)

    def _stranger(self, record: Record) -> Wanted | None:
        """Another's name, or another's DNSEndpoint, in the way."""
        taken = self._claims.taken(record.key)
        if taken:
            name, (kind, namespace, other) = taken
            message = f"{name} is a name of {KINDS[kind]} {namespace}/{other}, which is older. Next: give one of them another name."
            return refused(record, TAKEN, message, withdraw=True)
        found = self._host.endpoint(record.key)
        if found and not found.ours:
            message = f"DNSEndpoint {record.key[1]}/{found.name} is not this controller's, and is left as it is. Next: delete or rename it."
            return refused(record, FOREIGN, message)
        return None

    def _served(self, record: Record, names: Names, domain: str | None) -> Wanted | None:
        shards = shards_of(record, self._members.clusters, self._members.sightings(record), self._options)
        if not self._resolver.use(record.key, host_names(shards)):
            return None
        return wanted(record, names, domain, shards, self._resolver.found, options=self._options)

    def _prime(self) -> None:
        """All names before the first decision, so that no younger record is served first."""
        if self._primed:
            return
        self._primed = True
        for key in self._host.all_records():
            record = self._host.record(key)
            domain = self._host.domain(record.domain_ref) if record and key[0] == SERVICE else None
            if record is None or record.deleting or (key[0] == SERVICE and domain is None):
                continue
            try:
                self._claims.put(record.age, names_of(record, domain, self._members.clusters).all)
            except Refused:
                continue

    @staticmethod
    def _same(record: Record, found: Endpoint | None, want: Wanted) -> bool:
        if want.endpoints is None:
            return True
        if found is None:
            return not want.endpoints
        return found.endpoints == want.endpoints and found.owner == record.uid

    async def _write(self, record: Record, found: Endpoint | None, want: Wanted) -> tuple[bool, Wanted]:
        """Whether something was written, and what there is to say."""
        foreign = found and not found.ours
        if self._same(record, found, want) or foreign or (found and found.deleting):
            return False, want
        try:
            if want.endpoints:
                await self._host.write_endpoint(record, found, want.endpoints)
            elif found:
                await self._host.delete_endpoint(record.key, found)
        except ApiError as error:
            if error.status in AGAIN and found:
                raise
            said = f"DNSEndpoint {record.key[1]}/{endpoint_name(record.key)} cannot be written (HTTP {error.status}): {error}"
            await self._tell(
                record, refused(record, WRITE_FAILED, f"{said}. Next: set up the DNSEndpoint CRD and this controller's rights.")
            )
            raise
        return True, want

    async def _tell(self, record: Record, want: Wanted) -> None:
        """The status where it differs, with an Event where its reason does."""
        before: Object = next((one for one in record.status.get("conditions") or [] if one["type"] == READY), {})
        self._count(record.key, want.reason)
        status = status_of(record, want, datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"))
        if status == record.status:
            return
        record = await self._host.write_status(record, status)
        if before.get("reason") != want.reason:
            LOG.info("%s: %s: %s", record.title, want.reason, want.message)
            await self._host.tell(record, want.reason, want.message, warning=want.reason not in (WRITTEN, NO_ADDRESS))

    async def _finish(self, record: Record) -> None:
        """Of a record that is being deleted first the names go, then it may."""
        if FINALIZER not in record.finalizers:
            return
        found = self._host.endpoint(record.key)
        if found and found.ours:
            await self._host.delete_endpoint(record.key, found)
        await self._host.set_finalizer(record, on=False)

    def _forget(self, key: Key) -> None:
        self._work.add(self._claims.drop(key))
        self._resolver.use(key, set())
        self._host.forget_record(key)
        self._count(key, "")

    def _count(self, key: Key, reason: str) -> None:
        before = self._reasons.pop(key, "")
        if before:
            RECORDS.labels(before).dec()
        if reason:
            self._reasons[key] = reason
            RECORDS.labels(reason).inc()
