# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Downloads from a real HTTP server that wants a login, as a company's mirror does: it gets it, and no message shows it."""

from __future__ import annotations

import base64
import hashlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Iterator

import pytest

from ansible_collections.edgefed.kubefed.plugins.module_utils.tools.fetch import ChecksumError, Fetcher, FetchError

LOGIN = "Basic " + base64.b64encode(b"me:hunter2").decode()
URL = "https://dl.k8s.io/kubectl"


class _Mirror(BaseHTTPRequestHandler):
    def log_message(self, *arguments: object) -> None:
        """Be quiet."""

    def do_GET(self) -> None:
        asked, login = self.path.partition("?")[0], self.headers.get("Authorization")
        if asked == "/redirect/kubectl":
            self._send(302, b"", Location="/stored/kubectl?signature=hunter2")
        elif asked == "/cut/kubectl":
            self._send(200, b"short", said=1000)
        elif asked == "/stored/kubectl":
            self._send(200 if login is None else 500, b"stored", said=1000)
        else:
            self._send(200 if login == LOGIN and asked == "/k8s/kubectl" else 401, b"program")

    do_HEAD = do_GET

    def _send(self, status: int, body: bytes, said: int | None = None, **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body) if said is None else said), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def mirror() -> Iterator[str]:
    """Host and port."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Mirror) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()


def fetcher(address: str) -> Fetcher:
    """With this mirror, and without pauses."""
    return Fetcher({"dl.k8s.io": address}, timeout=5, sleep=lambda seconds: None)


def test_the_mirror_gets_its_login(mirror: str, tmp_path: Path) -> None:
    file = tmp_path / "kubectl"
    fetcher(f"http://me:hunter2@{mirror}/k8s").save(URL, str(file), hashlib.sha256(b"program").hexdigest(), lambda text: None)
    assert file.read_bytes() == b"program"
    assert fetcher(f"http://me:hunter2@{mirror}/k8s").probe({"dl.k8s.io": URL}, 5) == {}


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("http://me:hunter2@{mirror}/gone", "http://{mirror}/gone/kubectl answered 401"),
        ("http://me:hunter2@{mirror}/cut", "http://{mirror}/cut/kubectl: the connection was cut after 5 of 1000 bytes"),
        ("http://me:hunter2@{mirror}/redirect", "http://{mirror}/stored/kubectl: the connection was cut after 6 of 1000 bytes"),
        ("http://me:hunter2@127.0.0.1:1", "http://127.0.0.1:1/kubectl: connection refused"),
        ("me:hunter2@{mirror}", "is not an address with http:// or https://"),
        ("http://me:hun/ter2@{mirror}", "(not shown) is not an address"),
        ("http://[me:hunter2@", "(not shown) is not an address"),
    ],
)
def test_no_failure_shows_the_login(mirror: str, tmp_path: Path, address: str, says: str) -> None:
    with pytest.raises(FetchError) as raised:
        fetcher(address.format(mirror=mirror)).save(URL, str(tmp_path / "kubectl"), "0", lambda text: None)
    assert says.format(mirror=mirror) in str(raised.value)
    assert "hun" not in str(raised.value) and not list(tmp_path.iterdir())


def test_no_other_checksum_shows_the_login(mirror: str, tmp_path: Path) -> None:
    with pytest.raises(ChecksumError) as raised:
        fetcher(f"http://me:hunter2@{mirror}/k8s").save(URL, str(tmp_path / "kubectl"), "0", lambda text: None)
    assert raised.value.details["url"] == f"http://{mirror}/k8s/kubectl"
    assert "hunter2" not in raised.value.message + str(raised.value.details)


def test_no_probe_shows_the_login() -> None:
    assert fetcher("http://me:hunter2@127.0.0.1:1").probe({"dl.k8s.io": URL}, 5) == {"dl.k8s.io": "connection refused"}
