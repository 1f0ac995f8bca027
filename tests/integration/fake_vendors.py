# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A local HTTP server laid out like the vendors of the tools: dl.k8s.io, get.helm.sh, GitHub's releases, quay.io, dl.google.com.

What it serves are small fake binaries (shell scripts); addresses, archives, checksum files, redirects, tokens and manifests
have the vendors' shape. The real hosts are not reached by any test.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

HOSTS = ("dl.k8s.io", "get.helm.sh", "github.com", "quay.io", "dl.google.com")
KUBE, HELM, ETCD, KWOK, KUBEFED, GO = "1.34.4", "3.19.5", "3.6.8", "0.7.0", "0.10.0", "1.26.8"
GITHUB = "/github.com/{}/releases/download/v{}/"
IMAGE = "/quay.io/v2/kubernetes-multicluster/kubefed"
TOKEN = "anonymous-token"


def fake_binary(name: str, version: str) -> bytes:
    """A shell script that tells its name and version; padded, so that cutting it off shows."""
    return f'#!/bin/sh\necho {name} v{version} "$@"\nexit 0\n{"#" * 5000}\n'.encode()


def archive(files: dict[str, bytes]) -> bytes:
    """A .tar.gz."""
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as tar:
        for name, content in files.items():
            item = tarfile.TarInfo(name)
            item.size, item.mode = len(content), 0o755 if b"#!" in content[:2] else 0o644
            tar.addfile(item, io.BytesIO(content))
    return gzip.compress(raw.getvalue(), mtime=0)


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@dataclass
class FakeVendors:
    """Paths are ``/<vendor's host>/<path there>``. ``cut`` maps a path to how many times its body is cut off half way."""

    port: int = 0
    files: dict[str, bytes] = field(default_factory=dict)
    cut: dict[str, int] = field(default_factory=dict)
    slow: float = 0
    requests: list[tuple[str, str]] = field(default_factory=list)
    leaked: list[str] = field(default_factory=list)
    image_digest: str = ""

    @property
    def mirrors(self) -> dict[str, str]:
        return {host: f"http://127.0.0.1:{self.port}/{host}" for host in HOSTS}

    def gets(self, end: str) -> int:
        """How often a path with this end was asked for."""
        return sum(method == "GET" and path.endswith(end) for method, path in self.requests)

    def publish(self, arch: str) -> None:
        """Everything that the version table may ask for."""
        self.publish_kubernetes(arch, KUBE)
        helm = archive({f"linux-{arch}/README.md": b"text", f"linux-{arch}/helm": fake_binary("helm", HELM)})
        self._with_sum("/get.helm.sh/", f"helm-v{HELM}-linux-{arch}.tar.gz", helm, ".sha256sum")
        name = f"etcd-v{ETCD}-linux-{arch}"
        etcd = archive({f"{name}/etcdctl": fake_binary("etcdctl", ETCD), f"{name}/etcd": fake_binary("etcd", ETCD)})
        sums = f"{'0' * 64}  etcd-v{ETCD}-darwin-{arch}.zip\n{sha256(etcd)}  {name}.tar.gz\n"
        folder = GITHUB.format("etcd-io/etcd", ETCD)
        self.files |= {f"{folder}{name}.tar.gz": etcd, f"{folder}SHA256SUMS": sums.encode()}
        for name in ("kwok", "kwokctl"):
            self.files[GITHUB.format("kubernetes-sigs/kwok", KWOK) + f"{name}-linux-{arch}"] = fake_binary(name, KWOK)
        self._publish_kubefed()

    def publish_kubernetes(self, arch: str, version: str) -> None:
        for name in ("kubectl", "kube-apiserver", "kube-controller-manager", "kube-scheduler"):
            path, content = f"/dl.k8s.io/release/v{version}/bin/linux/{arch}/{name}", fake_binary(name, version)
            self.files |= {path: content, f"{path}.sha256": sha256(content).encode()}

    def _publish_kubefed(self) -> None:
        folder = GITHUB.format("kubernetes-sigs/kubefed", KUBEFED)
        ctl = archive({"kubefedctl": fake_binary("kubefedctl", KUBEFED)})
        self._with_sum(folder, f"kubefedctl-{KUBEFED}-linux-amd64.tgz", ctl, ".sha")
        files = {"kubefed/Chart.yaml": f"version: {KUBEFED}\n".encode(), "kubefed/templates/x.yaml": b"x: 1\n", "../evil": b"x"}
        self._with_sum(folder, f"kubefed-{KUBEFED}.tgz", archive(files), ".sha")
        base = archive({"bin/busybox": b"#!busybox"})
        layer = archive({"hyperfed/hyperfed": fake_binary("hyperfed", KUBEFED)})
        late = archive({"etc/passwd": b"root"})
        blobs = [self._blob(content) for content in (base, layer, late)]
        manifest = json.dumps({"schemaVersion": 2, "layers": [{"digest": digest} for digest in blobs]}).encode()
        digest = f"sha256:{sha256(manifest)}"
        platform = {"os": "linux", "architecture": "amd64"}
        index = json.dumps({"schemaVersion": 2, "manifests": [{"digest": digest, "platform": platform}]}).encode()
        self.image_digest = f"sha256:{sha256(index)}"
        self.files |= {f"{IMAGE}/manifests/{digest}": manifest, f"{IMAGE}/manifests/{self.image_digest}": index}
        self.files["/quay.io/v2/auth"] = json.dumps({"token": TOKEN}).encode()

    def publish_go(self, arch: str, real_go: str) -> None:
        """A Go archive whose ``go`` is a script that calls the Go of this machine."""
        script = f'#!/bin/sh\nexec {real_go} "$@"\n'.encode()
        name = f"go{GO}.linux-{arch}.tar.gz"
        content = archive({"go/bin/go": script, "go/VERSION": b"go"})
        self.files |= {f"/dl.google.com/go/{name}": content, f"/dl.google.com/go/{name}.sha256": sha256(content).encode()}

    def _with_sum(self, folder: str, name: str, content: bytes, ending: str) -> None:
        self.files |= {folder + name: content, folder + name + ending: f"{sha256(content)}  {name}\n".encode()}

    def _blob(self, content: bytes) -> str:
        digest = f"sha256:{sha256(content)}"
        self.files[f"/cdn/{digest}"] = content
        return digest


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def log_message(self, *arguments: Any) -> None:
        """Be quiet."""

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def _answer(self) -> None:
        vendors, path = self.server.vendors, self.path.split("?")[0]
        vendors.requests.append((self.command, path))
        authorization = self.headers.get("Authorization")
        if path.startswith("/cdn/") and authorization:
            vendors.leaked.append(path)
        if path.startswith(IMAGE) and authorization != f"Bearer {TOKEN}":
            challenge = 'Bearer realm="https://quay.io/v2/auth",service="quay.io",scope="repository:x:pull"'
            self._send(401, b"", {"WWW-Authenticate": challenge})
        elif path.startswith(f"{IMAGE}/blobs/"):
            self._send(302, b"", {"Location": f"/cdn/{path.rsplit('/', 1)[-1]}"})
        elif path in vendors.files:
            self._send(200, vendors.files[path], {})
        else:
            self._send(404, b"not found", {})

    def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            self._write(body)

    def _write(self, body: bytes) -> None:
        vendors, path = self.server.vendors, self.path.split("?")[0]
        half = len(body) // 2
        self.wfile.write(body[:half])
        self.wfile.flush()
        if vendors.cut.get(path, 0) > 0:
            vendors.cut[path] -= 1
            self.close_connection = True
            return
        if half > 1000:
            time.sleep(vendors.slow)
        self.wfile.write(body[half:])


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    vendors: FakeVendors

    def handle_error(self, *arguments: Any) -> None:
        """A client that was killed is no news."""


def serve(vendors: FakeVendors) -> ThreadingHTTPServer:
    """Serve on a free port of 127.0.0.1 until ``shutdown()``."""
    server = _Server(("127.0.0.1", 0), _Handler)
    server.vendors = vendors
    vendors.port = server.server_port
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    return server
