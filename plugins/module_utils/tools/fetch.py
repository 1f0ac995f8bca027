# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Downloads over HTTP with the standard library: proxies from the environment, certificates verified, checksums checked."""

from __future__ import annotations

import hashlib
import http.client
import os
import socket
import ssl
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from typing import Any, Callable, Mapping

from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import EdgefedError
from ansible_collections.edgefed.kubefed.plugins.module_utils.tools.cache import writing
from ansible_collections.edgefed.kubefed.plugins.module_utils.tools.model import mirrored
from ansible_collections.edgefed.kubefed.plugins.module_utils.urls import basic_login, without_credentials

TRIES = 3
CHUNK = 1 << 20
Tick = Callable[[str], None]


class FetchError(Exception):
    """A download did not work; the text says which address and why. ``final``: trying again would not help."""

    def __init__(self, reason: str, final: bool = False, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(reason)
        self.final = final
        self.headers = headers or {}


class ChecksumError(EdgefedError):
    """What was downloaded is not what the vendor published."""

    def __init__(self, url: str, expected: str, got: str) -> None:
        name = url.rsplit("/", 1)[-1]
        super().__init__(
            f"The checksum of {name} differs: expected {expected}, got {got} ({url}). Nothing was installed. "
            "Next: check for a proxy or mirror that alters files, then try again; if it stays so, do not use this file.",
            code="checksum",
            details={"file": name, "url": url, "expected": expected, "got": got},
        )


def _reason(error: Exception) -> str:
    cause = error.reason if isinstance(error, urllib.error.URLError) else error
    if isinstance(cause, socket.gaierror):
        return "its name does not resolve"
    if isinstance(cause, TimeoutError):
        return "no answer in time"
    if isinstance(cause, ConnectionRefusedError):
        return "connection refused"
    if isinstance(cause, ssl.SSLError):
        return f"TLS failed ({cause.reason or cause})"
    if isinstance(cause, (ConnectionError, http.client.HTTPException)):
        return "the connection was cut"
    return str(cause)


def _is_address(url: str) -> bool:
    try:
        parts = urllib.parse.urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _shown(url: str) -> str:
    """Without credentials, and without the query, where signed addresses have theirs."""
    return without_credentials(url).partition("?")[0]


class Fetcher:
    """HTTP with the mirrors applied; ``timeout`` (seconds) is for each connection and read."""

    def __init__(self, mirrors: Mapping[str, str], timeout: float = 30, sleep: Callable[[float], None] = time.sleep) -> None:
        self._mirrors = mirrors
        self._timeout = timeout
        self._sleep = sleep
        self._opener = urllib.request.build_opener()

    def open(self, url: str, headers: Mapping[str, str] | None = None, method: str = "GET", timeout: float | None = None) -> Any:
        """The response, to be closed; raises :class:`FetchError`. ``headers`` are not sent on to where it redirects."""
        address, login = basic_login(mirrored(url, self._mirrors))
        shown = _shown(address)
        if not _is_address(address):
            raise FetchError(f"{shown} is not an address with http:// or https://", final=True)
        request = urllib.request.Request(address, method=method, headers={"User-Agent": "edgefed"})
        for name, value in {**({"Authorization": login} if login else {}), **(headers or {})}.items():
            request.add_unredirected_header(name, value)
        try:
            return self._opener.open(request, timeout=timeout or self._timeout)
        except urllib.error.HTTPError as error:
            final = error.code < 500 and error.code not in (408, 429)
            raise FetchError(f"{shown} answered {error.code}", final, dict(error.headers)) from None
        except (urllib.error.URLError, OSError, http.client.HTTPException) as error:
            raise FetchError(f"{shown}: {_reason(error)}") from None

    def body(self, url: str, headers: Mapping[str, str] | None = None, limit: int = 4 << 20) -> bytes:
        """A small document, tried three times."""
        content: bytes = self._retry(lambda: self._body(url, headers, limit))
        return content

    def _body(self, url: str, headers: Mapping[str, str] | None, limit: int) -> bytes:
        with self.open(url, headers) as response:
            try:
                content: bytes = response.read(limit)
            except (OSError, http.client.HTTPException) as error:
                raise FetchError(f"{_shown(response.url)}: {_reason(error)}") from None
            return content

    def save(self, url: str, path: str, sha256: str, tick: Tick, headers: Mapping[str, str] | None = None) -> None:
        """Download into ``path`` and check it; raises :class:`FetchError` or :class:`ChecksumError`, leaving no file."""
        got = self._retry(lambda: self._save(url, path, tick, headers))
        if got != sha256:
            os.unlink(path)
            raise ChecksumError(_shown(mirrored(url, self._mirrors)), sha256, got)

    def _save(self, url: str, path: str, tick: Tick, headers: Mapping[str, str] | None) -> str:
        digest = hashlib.sha256()
        with self.open(url, headers) as response:
            wanted = int(response.headers.get("Content-Length") or 0)
            received = 0
            with writing(path), open(path, "wb") as file:
                while chunk := self._read(response):
                    file.write(chunk)
                    digest.update(chunk)
                    received += len(chunk)
                    tick(f"downloading, {received / 1e6:.0f} of {wanted / 1e6:.0f} MB" if wanted else "downloading")
        if wanted and received != wanted:
            os.unlink(path)
            raise FetchError(f"{_shown(response.url)}: the connection was cut after {received} of {wanted} bytes")
        return digest.hexdigest()

    @staticmethod
    def _read(response: Any) -> bytes:
        try:
            chunk: bytes = response.read(CHUNK)
            return chunk
        except (OSError, http.client.HTTPException) as error:
            raise FetchError(f"{_shown(response.url)}: {_reason(error)}") from None

    def _retry(self, attempt: Callable[[], Any]) -> Any:
        for number in range(1, TRIES + 1):
            try:
                return attempt()
            except FetchError as error:
                if error.final or number == TRIES:
                    raise
                self._sleep(number * 0.5)
        raise AssertionError("unreachable")

    def probe(self, urls: Mapping[str, str], seconds: float) -> dict[str, str]:
        """Which hosts cannot be reached, and why; all are asked at once and given ``seconds`` together.

        ``urls`` maps each host to an address on it. Any HTTP answer counts as reachable. Threads are daemons, because a
        name look-up knows no timeout.
        """
        answers: dict[str, str] = {}

        def ask(host: str, url: str) -> None:
            try:
                self.open(url, method="HEAD", timeout=seconds).close()
                answers[host] = ""
            except FetchError as error:
                answers[host] = "" if error.headers else str(error).removeprefix(f"{_shown(mirrored(url, self._mirrors))}: ")

        threads = [threading.Thread(target=ask, args=item, daemon=True) for item in urls.items()]
        deadline = time.monotonic() + seconds
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        down = {host: answers.get(host, f"no answer within {seconds:g} s") for host in urls}
        return {host: why for host, why in down.items() if why}
