# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A TLS server with OpenShift's OAuth login by user name and password, and the answer to /version behind it: no OpenShift is here.

The steps are those of openshift/library-go pkg/oauth/tokenrequest/request_token.go (1cb0ebeafdca) as the openshift package 0.13.2 takes
them: discovery, authorization by basic auth with a code in the Location, the code for a token.
"""

from __future__ import annotations

import base64
import contextlib
import json
import secrets
import ssl
import threading
from dataclasses import dataclass, field
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Iterator
from urllib.parse import parse_qs, urlsplit

from certificates import DAY, NOW
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

CHALLENGING = "Basic " + base64.b64encode(b"openshift-challenging-client:").decode()


@dataclass
class FakeOAuth:
    """``tokens`` are valid; ``asked`` are the paths of requests; ``lifetime`` is that of a new token."""

    ca: Path
    port: int = 0
    username: str = "admin"
    password: str = field(default_factory=lambda: secrets.token_urlsafe(18))
    lifetime: timedelta = DAY
    login: bool = True
    tokens: set[str] = field(default_factory=set)
    codes: set[str] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)

    @property
    def server(self) -> str:
        return f"https://127.0.0.1:{self.port}"


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def log_message(self, *arguments: Any) -> None:
        """Be quiet."""

    def do_GET(self) -> None:
        fake, path = self.server.fake, urlsplit(self.path).path
        fake.asked.append(path)
        authorization = self.headers.get("Authorization", "")
        if path == "/.well-known/oauth-authorization-server" and fake.login:
            ends = {name: f"{fake.server}/oauth/{end}" for name, end in (("authorization", "authorize"), ("token", "token"))}
            self._send(200, {f"{name}_endpoint": address for name, address in ends.items()})
        elif path == "/oauth/authorize":
            given = base64.b64decode(authorization.removeprefix("Basic ")).decode()
            if given != f"{fake.username}:{fake.password}" or not self.headers.get("X-Csrf-Token"):
                self._send(401, {})
                return
            fake.codes.add(code := secrets.token_urlsafe(18))
            self._send(302, {}, Location=f"{fake.server}/oauth/token/implicit?code={code}&state=1")
        elif path == "/version":
            known = not authorization or authorization.removeprefix("Bearer ") in fake.tokens
            self._send(200, {"gitVersion": "v1.29.0"}) if known else self._send(401, {"kind": "Status", "code": 401})
        else:
            self._send(404, {"kind": "Status", "code": 404})

    def do_POST(self) -> None:
        fake = self.server.fake
        fake.asked.append(self.path)
        given = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        code = given.get("code", [""])[0]
        if self.path != "/oauth/token" or code not in fake.codes or self.headers.get("Authorization") != CHALLENGING:
            self._send(400, {"error": "invalid_grant"})
            return
        fake.codes.remove(code)
        fake.tokens.add(token := f"sha256~{secrets.token_urlsafe(32)}")
        self._send(200, {"access_token": token, "expires_in": int(fake.lifetime.total_seconds()), "scope": "user:full"})

    def _send(self, status: int, body: dict[str, Any], **headers: str) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", "Content-Length": str(len(data)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    fake: FakeOAuth

    def handle_error(self, *arguments: Any) -> None:
        """A client that trusts nobody is no news."""


def certificate(folder: Path, subject: str = "fake-oauth") -> Path:
    """A self-signed certificate for 127.0.0.1 with its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)])
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), NOW - DAY, NOW + DAY)
    builder = builder.add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    signed = builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)
    file = folder / "serving.pem"
    file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) + signed)
    (folder / "ca.crt").write_bytes(signed)
    return file


@contextlib.contextmanager
def fake_oauth(folder: Path) -> Iterator[FakeOAuth]:
    """Serve on a free port of 127.0.0.1."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate(folder))
    with _Server(("127.0.0.1", 0), _Handler) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        server.fake = FakeOAuth(folder / "ca.crt", server.server_port)
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield server.fake
        server.shutdown()
