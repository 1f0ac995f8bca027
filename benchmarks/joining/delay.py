# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A TCP proxy before each API server (toxiproxy, built from its Go module), which keeps every packet for half the delay on each way."""

from __future__ import annotations

import json
import os
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

MODULE = "github.com/Shopify/toxiproxy/v2/cmd/server@v2.12.0"
WAYS = ("upstream", "downstream")


def built(folder: Path) -> Path:
    """The proxy's program, built once."""
    program = folder / "server"
    if not program.exists():
        subprocess.run(["go", "install", MODULE], env={**os.environ, "GOBIN": str(folder)}, check=True)
    return program


class Proxies:
    """Listens on ``first_port`` (its own API) and the ports after it, one for each of ``servers`` (name -> host:port)."""

    def __init__(self, program: Path, first_port: int, servers: dict[str, str]) -> None:
        self._api = f"http://127.0.0.1:{first_port}"
        self.addresses = {name: f"127.0.0.1:{first_port + number}" for number, name in enumerate(servers, 1)}
        command = [str(program), "-host", "127.0.0.1", "-port", str(first_port)]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
        self._wait()
        for name, server in servers.items():
            self._ask("POST", "/proxies", {"name": name, "listen": self.addresses[name], "upstream": server, "enabled": True})
        self._delayed = False

    def delay(self, milliseconds: int) -> None:
        """What every round trip on an open connection takes more from now on."""
        for name in self.addresses:
            for way in WAYS:
                if self._delayed:
                    self._ask("DELETE", f"/proxies/{name}/toxics/{way}")
                if milliseconds:
                    toxic = {"name": way, "type": "latency", "stream": way, "attributes": {"latency": milliseconds // len(WAYS)}}
                    self._ask("POST", f"/proxies/{name}/toxics", toxic)
        self._delayed = bool(milliseconds)

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(20)

    def _ask(self, method: str, path: str, body: Any = None) -> None:
        data = None if body is None else json.dumps(body).encode()
        with urllib.request.urlopen(urllib.request.Request(self._api + path, data, method=method), timeout=10):
            pass

    def _wait(self) -> None:
        end = time.monotonic() + 20
        while True:
            try:
                return self._ask("GET", "/version")
            except urllib.error.URLError:
                if self._process.poll() is not None or time.monotonic() > end:
                    raise
                time.sleep(0.05)
