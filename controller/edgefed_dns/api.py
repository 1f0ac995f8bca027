# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One cluster's API: plain JSON over its paths, each request counted."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Callable
from typing import Any

import aiohttp
import kopf
from kubernetes import client, config

from edgefed_dns.metrics import REQUESTS

MERGE_PATCH = "application/merge-patch+json"
USER_AGENT = "edgefed-dns"
CONNECT_TIMEOUT = 5
REQUEST_TIMEOUT = 20
# A bookmark comes each minute: a watch that is silent for longer is dead.
SILENCE = 90


class ApiError(Exception):
    """The API server said no."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class Unreachable(Exception):
    """No API server answered. ``str()`` is one of few texts, so that it is the same each time."""


class Api:
    """``name`` is the cluster's, for counting. ``headers`` are asked for each request, since tokens are renewed."""

    def __init__(
        self,
        name: str,
        server: str,
        tls: ssl.SSLContext,
        headers: Callable[[], dict[str, str]],
        *,
        proxy: str | None = None,
        connections: int = 32,
    ) -> None:
        self.name = name
        self.server = server.rstrip("/")
        self._headers = headers
        self._proxy = proxy or None
        connector = aiohttp.TCPConnector(ssl=tls, limit=connections)
        self._session = aiohttp.ClientSession(connector=connector, headers={"User-Agent": USER_AGENT})

    async def close(self) -> None:
        """Close all connections."""
        await self._session.close()

    def _start(self, verb: str, path: str, timeout: aiohttp.ClientTimeout, **options: Any) -> Any:
        return self._session.request(
            verb,
            self.server + path,
            headers={**self._headers(), **options.pop("headers", {})},
            proxy=self._proxy,
            timeout=timeout,
            **options,
        )

    async def request(
        self, verb: str, path: str, body: Any = None, *, content_type: str = "application/json", timeout: float = REQUEST_TIMEOUT
    ) -> Any:
        """One request; raises :class:`ApiError` or :class:`Unreachable`."""
        options: dict[str, Any] = {"params": None}
        if body is not None:
            options.update(data=json.dumps(body), headers={"Content-Type": content_type})
        limit = aiohttp.ClientTimeout(total=timeout, sock_connect=CONNECT_TIMEOUT)
        try:
            async with self._start(verb, path, limit, **options) as response:
                data = await response.read()
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            REQUESTS.labels(self.name, verb, "none").inc()
            raise Unreachable(explain(error)) from None
        REQUESTS.labels(self.name, verb, str(response.status)).inc()
        if response.status >= 400:
            raise ApiError(_message(data, response.status), response.status)
        return json.loads(data)

    async def lines(self, path: str) -> AsyncIterator[dict[str, Any]]:
        """The events of a watch, until the server ends it."""
        limit = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_TIMEOUT, sock_read=SILENCE)
        try:
            async with self._start("GET", path, limit) as response:
                REQUESTS.labels(self.name, "WATCH", str(response.status)).inc()
                if response.status >= 400:
                    raise ApiError(_message(await response.read(), response.status), response.status)
                rest = b""
                async for chunk in response.content.iter_any():
                    *whole, rest = (rest + chunk).split(b"\n")
                    for line in whole:
                        yield json.loads(line)
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            raise Unreachable(explain(error)) from None


def _message(data: bytes, status: int) -> str:
    try:
        return str(json.loads(data)["message"])
    except (ValueError, KeyError, TypeError):
        return f"HTTP status {status}, and no answer of an API server"


def explain(error: BaseException) -> str:
    """What happened, without addresses and ports that differ each time."""
    for kind, text in (
        (aiohttp.ClientConnectorCertificateError, "its certificate is not trusted"),
        (aiohttp.ClientConnectorSSLError, "the TLS handshake failed"),
        (aiohttp.ClientConnectorDNSError, "its name does not resolve"),
        (asyncio.TimeoutError, "it did not answer in time"),
        (aiohttp.ClientConnectorError, "the connection was refused or has no route"),
    ):
        if isinstance(error, kind):
            return text
    return "the connection was cut"


def host_connection(kubeconfig: str | None, context: str | None) -> tuple[kopf.ConnectionInfo, Callable[[], dict[str, str]]]:
    """The host cluster for Kopf, and its headers of the moment. Without ``kubeconfig`` it is the one that this pod runs in."""
    settings = client.Configuration()
    if kubeconfig:
        config.load_kube_config(kubeconfig, context, settings, persist_config=False)
    else:
        config.load_incluster_config(settings)

    def headers() -> dict[str, str]:
        value = settings.get_api_key_with_prefix("authorization")
        return {"Authorization": value} if value else {}

    scheme, token = [*headers().get("Authorization", "").split(" ", 1), ""][:2]
    information = kopf.ConnectionInfo(
        server=settings.host,
        ca_path=settings.ssl_ca_cert,
        insecure=not settings.verify_ssl,
        certificate_path=settings.cert_file,
        private_key_path=settings.key_file,
        scheme=scheme or None,
        token=token or None,
        proxy_url=settings.proxy,
    )
    return information, headers
