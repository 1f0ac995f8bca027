# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A TLS server with Rancher's ways in front of a real cluster: the proxy ``/k8s/clusters/<id>/…``, which knows Rancher's own tokens only,
and ``/v3/tokens/<name>``. No Rancher is here.

The proxy talks to the cluster with credentials of its own, as Rancher does. The record's fields are those of rancher/rancher
pkg/client/generated/management/v3/zz_generated_token.go (076209eedc7f).
"""

from __future__ import annotations

import base64
import contextlib
import json
import ssl
import threading
from dataclasses import dataclass, field
from http.client import HTTPResponse, HTTPSConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Iterator
from urllib.parse import urlsplit

from integration.fake_oauth import certificate

PROXY = "/k8s/clusters/c-abc"


@dataclass
class FakeRancher:
    """``tokens`` are the valid ones, by name: their key. ``records`` are what is told of them, ``asked`` the names it was asked of."""

    ca: Path
    target: str
    trust: ssl.SSLContext
    port: int = 0
    tokens: dict[str, str] = field(default_factory=dict)
    records: dict[str, dict[str, Any]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    @property
    def server(self) -> str:
        """The cluster's address behind the proxy."""
        return f"https://127.0.0.1:{self.port}{PROXY}"

    def token(self, name: str, key: str, **record: Any) -> str:
        """A valid token from now on, with what is told of it."""
        self.tokens[name] = key
        self.records[name] = {"type": "token", "id": name, "name": name, "userId": "u-abc", **record}
        return f"{name}:{key}"

    def kubeconfig(self, cluster: str, token: str, direct: dict[str, Any] | None = None) -> dict[str, Any]:
        """As Rancher writes it; ``direct`` is the cluster with its authorized cluster endpoint."""
        ca = base64.b64encode(self.ca.read_bytes()).decode()
        ways = {cluster: {"server": self.server, "certificate-authority-data": ca}}
        ways |= {f"{cluster}-fqdn": direct} if direct else {}
        return {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": name, "cluster": way} for name, way in ways.items()],
            "users": [{"name": cluster, "user": {"token": token}}],
            "contexts": [{"name": name, "context": {"user": cluster, "cluster": name}} for name in ways],
            "current-context": cluster,
        }


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments: Any) -> None:
        """Be quiet."""

    def _answer(self) -> None:
        fake = self.server.fake
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        name, _, key = self.headers.get("Authorization", "").removeprefix("Bearer ").partition(":")
        if not key or fake.tokens.get(name) != key:
            self._send(401, {"type": "error", "status": "401", "message": "must authenticate"})
        elif self.path.startswith("/v3/tokens/"):
            fake.asked.append(asked := self.path.removeprefix("/v3/tokens/"))
            self._send(200, fake.records[asked]) if asked in fake.records else self._send(404, {"type": "error", "status": "404"})
        elif self.path.startswith(f"{PROXY}/"):
            self._pass_on(body)
        else:
            self._send(404, {"type": "error", "status": "404"})

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _answer

    def _send(self, status: int, record: dict[str, Any]) -> None:
        data = json.dumps(record).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _pass_on(self, body: bytes) -> None:
        fake = self.server.fake
        far = HTTPSConnection(urlsplit(fake.target).netloc, context=fake.trust)
        headers = {key: self.headers[key] for key in ("Accept", "Content-Type", "User-Agent") if key in self.headers}
        with contextlib.closing(far):
            far.request(self.command, self.path.removeprefix(PROXY), body or None, headers)
            self._stream(far.getresponse())

    def _stream(self, response: HTTPResponse) -> None:
        """As it comes: a watch has no end."""
        self.send_response(response.status)
        self.send_header("Content-Type", response.headers.get("Content-Type", ""))
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        while data := response.read1(65536):
            self.wfile.write(b"%x\r\n%b\r\n" % (len(data), data))
        self.wfile.write(b"0\r\n\r\n")


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    fake: FakeRancher

    def handle_error(self, *arguments: Any) -> None:
        """A client that ends its watch is no news."""


@contextlib.contextmanager
def fake_rancher(folder: Path, cluster: dict[str, Any], user: dict[str, Any]) -> Iterator[FakeRancher]:
    """Serve on a free port of 127.0.0.1, before a cluster that a kubeconfig's bodies describe."""
    for key, owner in (("client-certificate-data", user), ("client-key-data", user)):
        (folder / key).write_bytes(base64.b64decode(owner[key]))
    trust = ssl.create_default_context(cadata=base64.b64decode(cluster["certificate-authority-data"]).decode())
    trust.load_cert_chain(folder / "client-certificate-data", folder / "client-key-data")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate(folder, "fake-rancher"))
    with _Server(("127.0.0.1", 0), _Handler) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        server.fake = FakeRancher(folder / "ca.crt", cluster["server"], trust, server.server_port)
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield server.fake
        server.shutdown()
