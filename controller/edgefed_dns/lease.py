# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One process at a time: a Lease, since Kopf elects none. What is written is written under it, or not at all."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import time
import uuid
from datetime import datetime, timezone
from typing import Any

from edgefed_dns.api import Api, ApiError, Unreachable
from edgefed_dns.metrics import LEADER

LOG = logging.getLogger("edgefed_dns.lease")
NAME = "edgefed-dns"


class Lost(Exception):
    """The Lease is no longer held, or may not be."""


class Lease:
    """``seconds`` without news after which another process may take it. Renewed each fifth of that, given up at two thirds."""

    def __init__(self, api: Api, namespace: str, seconds: int) -> None:
        self._api = api
        self._folder = f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases"
        self._namespace = namespace
        self._seconds = seconds
        self.identity = f"{socket.gethostname()}_{os.getpid()}_{uuid.uuid4().hex[:8]}"
        self._until = 0.0
        self._object: dict[str, Any] = {}

    @property
    def held(self) -> bool:
        """Whether nobody else can hold it now."""
        return time.monotonic() < self._until

    def check(self) -> None:
        """Raise :class:`Lost` unless it is held."""
        if not self.held:
            raise Lost("the Lease ran out before it could be renewed")

    async def acquire(self) -> None:
        """Come back holding it, whatever long that takes."""
        seen, since, said = "", time.monotonic(), ""
        while True:
            try:
                found = await self._get()
                holder = (found.get("spec") or {}).get("holderIdentity") if found else ""
                version = found["metadata"]["resourceVersion"] if found else ""
                if version != seen:
                    seen, since = version, time.monotonic()
                # Their clock isn't ours: what counts is how long we saw no renewal.
                if not holder or time.monotonic() - since > (found["spec"].get("leaseDurationSeconds") or self._seconds):
                    await self._write(found, self.identity)
                    LOG.info("This process leads now, as %s.", self.identity)
                    LEADER.set(1)
                    return
                news = f"Waiting: the Lease {self._namespace}/{NAME} is held by {holder}."
            except (ApiError, Unreachable) as error:
                news = f"Waiting: the Lease {self._namespace}/{NAME} cannot be read or written: {error}."
            if news != said:
                LOG.info(news)
                said = news
            await asyncio.sleep(self._seconds / 10)

    async def keep(self) -> None:
        """Renew it until that fails for too long; raises :class:`Lost`."""
        while True:
            await asyncio.sleep(self._seconds / 5)
            try:
                await self._write(self._object, self.identity)
            except ApiError as error:
                if error.status == 409:
                    raise Lost("another process has taken the Lease") from None
                LOG.warning("The Lease could not be renewed: %s", error)
            except Unreachable as error:
                LOG.warning("The Lease could not be renewed: %s", error)
            self.check()

    async def release(self) -> None:
        """Let another process go on at once."""
        LEADER.set(0)
        if self.held:
            await self._write(self._object, "")
        self._until = 0.0

    async def _get(self) -> dict[str, Any]:
        try:
            found: dict[str, Any] = await self._api.request("GET", f"{self._folder}/{NAME}")
        except ApiError as error:
            if error.status != 404:
                raise
            return {}
        return found

    async def _write(self, found: dict[str, Any], holder: str) -> None:
        """Create it, or replace just what was seen."""
        started = time.monotonic()
        now = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        spec = {"holderIdentity": holder, "leaseDurationSeconds": self._seconds, "renewTime": now}
        before = found.get("spec") or {}
        same = before.get("holderIdentity") == holder
        spec["acquireTime"] = before.get("acquireTime", now) if same else now
        spec["leaseTransitions"] = before.get("leaseTransitions", 0) + (0 if same or not found else 1)
        metadata: dict[str, Any] = {"name": NAME, "namespace": self._namespace}
        if found:
            metadata = {**found["metadata"], "managedFields": None}
        body = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata, "spec": spec}
        path = f"{self._folder}/{NAME}" if found else self._folder
        self._object = await self._api.request("PUT" if found else "POST", path, body, timeout=self._seconds / 3)
        self._until = started + self._seconds * 2 / 3
