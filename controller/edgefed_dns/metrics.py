# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is counted, and the server of ``/metrics`` and ``/healthz``."""

from __future__ import annotations

from collections.abc import Callable

from aiohttp import web
from prometheus_client import Counter, Gauge, Histogram, generate_latest

REQUESTS = Counter("edgefed_dns_api_requests", "Requests to API servers by this controller itself.", ["cluster", "verb", "code"])
WRITES = Counter("edgefed_dns_writes", "Objects written on the host cluster.", ["what"])
RECORDS = Gauge("edgefed_dns_records", "Records by the reason of their condition.", ["reason"])
FAILURES = Counter("edgefed_dns_failures", "Reconciliations of one record that failed and are tried again.")
SECONDS = Histogram("edgefed_dns_reconcile_seconds", "Time that one record took, writing included.")
MEMBER = Gauge("edgefed_dns_member_synced", "Whether a member's Services, Ingresses and EndpointSlices are known.", ["cluster"])
LEADER = Gauge("edgefed_dns_leader", "Whether this process holds the Lease.")


async def serve(address: str, port: int, fault: Callable[[], str]) -> web.AppRunner:
    """Answer on ``address``. ``/healthz`` is 200 as long as ``fault()`` is empty."""

    async def healthz(_request: web.Request) -> web.Response:
        said = fault()
        return web.Response(text=(said or "ok") + "\n", status=503 if said else 200)

    async def metrics(_request: web.Request) -> web.Response:
        return web.Response(body=generate_latest(), headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"})

    application = web.Application()
    application.add_routes([web.get("/healthz", healthz), web.get("/metrics", metrics)])
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, address, port, reuse_address=True).start()
    return runner
