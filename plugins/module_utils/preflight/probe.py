# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""An API server looked at from this machine step by step: its name, the way to it, its certificate, its clock, its version, a token."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
import time
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import unquote, urlsplit

from ansible_collections.edgefed.kubefed.plugins.module_utils.client import explain
from ansible_collections.edgefed.kubefed.plugins.module_utils.preflight.checks import (
    FAILED,
    OK,
    TOLD,
    Check,
    Right,
    certificate_of,
    clock_of,
    review,
    version_of,
)
from ansible_collections.edgefed.kubefed.plugins.module_utils.preflight.target import Target
from ansible_collections.edgefed.kubefed.plugins.module_utils.urls import basic_login, without_credentials

TIMEOUT = 5
WARN_DAYS = 30
REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"


@dataclass
class Probe:
    """Looks once. ``checks`` are the findings so far; after a failure there are no more."""

    target: Target
    checks: list[Check] = field(default_factory=list)
    connection: http.client.HTTPSConnection | None = None
    mistrusted: bool = False
    """Whether something answered, with a certificate that is not to be trusted."""

    @property
    def reached(self) -> bool:
        """Whether an API server answered."""
        return self.connection is not None

    def look(self) -> Probe:
        """Everything but a token."""
        host, port = self.target.host_port
        via = self._proxy()
        if via is None or not self._resolves(*(via[:2] if via[0] else (host, port))):
            return self
        connection = self._connection(via)
        try:
            connection.connect()
            certificate = connection.sock.getpeercert() or {}
            version, date = self._version(connection)
        except (OSError, http.client.HTTPException, ValueError) as error:
            self.mistrusted = isinstance(error, ssl.SSLCertVerificationError)
            self._fail("connection", error)
            return self
        self.checks.append(Check("connection", OK, f"{without_credentials(self.target.address)} answers"))
        now = time.time()
        if certificate.get("notAfter"):
            self.checks.append(certificate_of(ssl.cert_time_to_seconds(str(certificate["notAfter"])), now, WARN_DAYS))
        if date:
            self.checks.append(clock_of(parsedate_to_datetime(date).timestamp(), now))
        self.checks.append(version_of(version))
        self.connection = connection
        return self

    def missing(self, token: str, rights: list[Right], namespace: str) -> list[Right] | None:
        """Those of ``rights`` that the token does not have; ``None`` (and a finding) where it is not accepted."""
        connection = self.connection
        if connection is None:
            return None
        missing = []
        for right in rights:
            status, answer = self._ask(connection, review(right, namespace), token)
            if status == 401:
                self.checks.append(Check("token", FAILED, "the API server rejects it (401)", "give one that is valid for this cluster"))
                return None
            if not (answer.get("status") or {}).get("allowed"):
                missing.append(right)
        self.checks.append(Check("token", OK, "accepted"))
        return missing

    def _proxy(self) -> tuple[str, int, str] | None:
        """Host, port and login of the proxy (empty: none); ``None`` for one that is not looked through here."""
        if not self.target.proxy:
            return "", 0, ""
        url, login = basic_login(self.target.proxy)
        parts = urlsplit(url)
        if parts.scheme != "http":
            detail = f"the way through a proxy of scheme {parts.scheme} is not looked at here"
            self.checks.append(Check("connection", TOLD, detail, "join, and see whether KubeFed finds the cluster ready"))
            return None
        return unquote(parts.hostname or ""), parts.port or 80, login

    def _resolves(self, host: str, port: int) -> bool:
        try:
            socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except OSError:
            self.checks.append(
                Check("name", FAILED, f"{host!r} does not resolve on this machine", "correct the address, or DNS on this machine")
            )
            return False
        self.checks.append(Check("name", OK, f"{host!r} resolves"))
        return True

    def _connection(self, via: tuple[str, int, str]) -> http.client.HTTPSConnection:
        host, port = self.target.host_port
        context = ssl.create_default_context(cadata=self.target.ca.decode() if self.target.ca else None)
        if "*" in self.target.unchecked:
            context = ssl._create_unverified_context()
        elif "SubjectName" in self.target.unchecked:
            context.check_hostname = False
        if not via[0]:
            return http.client.HTTPSConnection(host, port, timeout=TIMEOUT, context=context)
        connection = http.client.HTTPSConnection(via[0], via[1], timeout=TIMEOUT, context=context)
        connection.set_tunnel(host, port, headers={"Proxy-Authorization": via[2]} if via[2] else {})
        return connection

    def _version(self, connection: http.client.HTTPSConnection) -> tuple[str, str]:
        connection.request("GET", f"{self.target.path}/version")
        response = connection.getresponse()
        answer = response.read()
        if response.status == 200:
            return str(json.loads(answer).get("gitVersion") or ""), response.getheader("Date") or ""
        return f"(HTTP {response.status})", response.getheader("Date") or ""

    def _ask(self, connection: http.client.HTTPSConnection, body: Any, token: str) -> tuple[int, dict[str, Any]]:
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        connection.request("POST", f"{self.target.path}{REVIEWS}", json.dumps(body), headers)
        response = connection.getresponse()
        answer = json.loads(response.read() or b"{}")
        return response.status, answer if isinstance(answer, dict) else {}

    def _fail(self, check: str, error: Exception) -> None:
        what, todo = explain(error)[1:]
        tolerated = "ValidityPeriod" in self.target.unchecked and "expired" in what
        self.checks.append(Check(check, TOLD if tolerated else FAILED, f"{without_credentials(self.target.address)}: {what}", todo))
