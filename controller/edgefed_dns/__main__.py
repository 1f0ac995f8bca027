# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""``python -m edgefed_dns``: the process. First the Lease, then Kopf."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import ssl
import sys

import kopf
from kubernetes.config import ConfigException

from edgefed_dns import metrics
from edgefed_dns.api import Api, host_connection
from edgefed_dns.app import App
from edgefed_dns.lease import Lease, Lost
from edgefed_dns.plan import ADDRESSES, CNAME, Options

LOG = logging.getLogger("edgefed_dns")


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser("edgefed-dns", description="Multi-cluster DNS of a KubeFed federation, on its host cluster.")
    parser.add_argument("--kubeconfig", help="of the host cluster; without it the cluster that this pod runs in")
    parser.add_argument("--context", help="in the kubeconfig; its current one by default")
    parser.add_argument(
        "--namespace", default="kube-federation-system", help="of KubeFed: KubeFedClusters, Domains and the Lease (%(default)s)"
    )
    parser.add_argument("--fallback", choices=(ADDRESSES, CNAME), default=ADDRESSES, help="of names without a living cluster (%(default)s)")
    parser.add_argument("--ttl-default", type=int, default=180, help="seconds (%(default)s)")
    parser.add_argument("--ttl-min", type=int, default=1, help="seconds (%(default)s)")
    parser.add_argument("--ttl-max", type=int, default=86400, help="seconds (%(default)s)")
    parser.add_argument("--min-healthy", type=int, default=1, help="clusters that have to be left before a sick one leaves (%(default)s)")
    parser.add_argument("--resync", type=float, default=1800, help="seconds between lists of a member (%(default)s)")
    parser.add_argument("--resolve", type=float, default=30, help="seconds between look-ups of a load balancer's host name (%(default)s)")
    parser.add_argument("--lease-seconds", type=int, default=15, help="without renewal until another process goes on (%(default)s)")
    parser.add_argument("--bind", default="127.0.0.1", help="address of /metrics and /healthz (%(default)s)")
    parser.add_argument("--port", type=int, default=8081, help="of /metrics and /healthz (%(default)s)")
    given = parser.parse_args()
    if not given.ttl_min <= given.ttl_default <= given.ttl_max:
        parser.error("--ttl-default has to lie between --ttl-min and --ttl-max")
    return given


async def lead(app: App, lease: Lease) -> None:
    """The leader's work, until a signal or a fault ends it."""
    tasks = [
        asyncio.create_task(kopf.operator(registry=app.registry, clusterwide=True, standalone=True), name="kopf"),
        asyncio.create_task(lease.keep(), name="lease"),
        asyncio.create_task(app.reconciler.run(), name="reconciler"),
        asyncio.create_task(app.resolver.run(), name="resolver"),
    ]
    done, others = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in others:
        task.cancel()
    for task in done:
        try:
            task.result()
        except Lost as lost:
            # At once, without waiting for what is under way: another process may lead by now. Nothing is written without the Lease.
            LOG.warning("Beginning again: %s.", lost)
            os.execv(sys.executable, [sys.executable, "-m", "edgefed_dns", *sys.argv[1:]])
    await asyncio.wait(tasks)


async def run(given: argparse.Namespace) -> None:
    """Serve, wait for the Lease, lead."""
    connection, headers = host_connection(given.kubeconfig, given.context)
    api = Api("host", connection.server, connection.as_ssl_context(), headers, proxy=connection.proxy_url)
    lease = Lease(api, given.namespace, given.lease_seconds)
    leads = asyncio.Event()
    web = await metrics.serve(given.bind, given.port, lambda: "the Lease is not held" if leads.is_set() and not lease.held else "")
    await lease.acquire()
    leads.set()
    options = Options(given.fallback, given.ttl_default, given.ttl_min, given.ttl_max, given.min_healthy)
    app = App(api, lease, options, given)
    await lead(app, lease)
    await lease.release()
    await web.cleanup()
    await api.close()


def main() -> None:
    """Run; what cannot start is told in one line."""
    given = arguments()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("kopf").setLevel(logging.WARNING)
    try:
        asyncio.run(run(given))
    except (ConfigException, ssl.SSLError, OSError) as error:
        sys.exit(f"edgefed-dns cannot start: {error}. Next: correct --kubeconfig, --context, --bind or --port.")


if __name__ == "__main__":
    main()
