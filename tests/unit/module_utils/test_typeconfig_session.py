# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A member that is reached by what the host cluster keeps for KubeFed: real TLS on this machine, with certificates of the test's own."""

from __future__ import annotations

import base64
import json
import ssl
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Iterator

import pytest
from certificates import DAY, NOW, Pair, pair

from ansible_collections.edgefed.kubefed.plugins.module_utils.client import ConnectError, connect
from ansible_collections.edgefed.kubefed.plugins.module_utils.federate.host import Host
from ansible_collections.edgefed.kubefed.plugins.module_utils.typeconfig.session import Session

SYSTEM = "kube-federation-system"
CERTIFICATES = {
    "good": pair("localhost", dns="localhost"),
    "other name": pair("other", dns="other.example.com"),
    "ended": pair("ended", NOW - 2 * DAY, NOW - DAY, dns="localhost"),
    "both": pair("both", NOW - 2 * DAY, NOW - DAY, dns="other.example.com"),
}
STRANGER = pair("stranger", dns="localhost")


class _Api(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        known = self.headers.get("Authorization") == "Bearer hunter2" or "/secrets/" in self.path
        data = {"token": base64.b64encode(b"hunter2").decode()}
        body = json.dumps({"kind": "Secret", "data": data}).encode()
        self.send_response(200 if known else 401)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: Any) -> None:
        """Be quiet."""


class _Server(ThreadingHTTPServer):
    def handle_error(self, *arguments: Any) -> None:
        """A client that does not trust the certificate is no news."""


@contextmanager
def api(folder: Path, shown: Pair | None = None) -> Iterator[int]:
    """An API server that knows one token, behind a certificate; its port."""
    with _Server(("127.0.0.1", 0), _Api) as server:
        if shown:
            (folder / "serving.pem").write_bytes(shown.key + shown.certificate)
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(folder / "serving.pem")
            server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield server.server_port
        server.shutdown()


@pytest.mark.parametrize(
    ("shown", "left_out", "trusted"),
    [
        ("good", [], True),
        ("other name", [], False),
        ("other name", ["SubjectName"], True),
        ("other name", ["ValidityPeriod"], False),
        ("ended", [], False),
        ("ended", ["SubjectName"], False),
        ("ended", ["ValidityPeriod"], True),
        ("both", ["ValidityPeriod"], False),
        ("both", ["SubjectName", "ValidityPeriod"], True),
        ("both", ["*"], True),
    ],
)
@pytest.mark.parametrize("signed", [True, False])
def test_checks_that_a_cluster_leaves_out(tmp_path: Path, shown: str, left_out: list[str], trusted: bool, signed: bool) -> None:
    """Each as KubeFed does; who signed the certificate is checked all the same, but for ``*``."""
    bundle = CERTIFICATES[shown] if signed else STRANGER
    with api(tmp_path) as host, api(tmp_path, CERTIFICATES[shown]) as member:
        spec = {"apiEndpoint": f"https://localhost:{member}", "secretRef": {"name": "zj"}, "caBundle": bundle.certificate_data}
        session = Session(Host(connect({"host": f"http://127.0.0.1:{host}", "api_key": "x"}), SYSTEM), connect, {})
        client = session.member({"metadata": {"name": "zj"}, "spec": {**spec, "disabledTLSValidations": left_out}})
        if (trusted and signed) or left_out == ["*"]:
            assert client.get("/api/v1/namespaces")["kind"] == "Secret"
            return
        with pytest.raises(ConnectError) as raised:
            client.get("/api/v1/namespaces")
    assert raised.value.cause == "tls" and 'cluster "zj"' in raised.value.message
