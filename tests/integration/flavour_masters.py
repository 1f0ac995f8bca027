# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A real sshd for each flavour of Kubernetes, which sees that flavour's files in /etc, /var and /root; needs root.

Each has a mount namespace of its own, so nothing of it is in the machine's folders. What listens at a master's address passes
bytes on to the one real API server.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from pathlib import Path
from typing import Any, Iterator

from flavour_fixtures import fixture, lay
from integration.real_cluster import Cluster
from integration.ssh_masters import Master, Masters

IN_ITS_OWN = """
for name in etc var root; do
  [ -d "$0/$name" ] && mount -t overlay overlay -o "lowerdir=$0/$name:/$name" "/$name"
done
exec "$@"
"""


class FlavourMaster(Master):
    """An sshd whose machine is of one flavour. ``files`` is where they are laid out."""

    files: Path

    def command(self, config: Path) -> list[str]:
        return ["unshare", "--mount", "sh", "-c", IN_ITS_OWN, str(self.files), *super().command(config)]


def values(cluster: Cluster, address: str, token: str) -> dict[str, str]:
    """What the fixtures have placeholders for."""
    document = cluster.document()
    body, user = document["clusters"][0]["cluster"], document["users"][0]["user"]
    port = cluster.server.rsplit(":", 1)[1]
    return {
        "CA": body["certificate-authority-data"],
        "CERTIFICATE": user["client-certificate-data"],
        "KEY": user["client-key-data"],
        "TOKEN": token,
        "SERVER": f"https://10.0.0.10:{port}",
        "PORT": port,
        "ADDRESS": address,
    }


@contextlib.contextmanager
def flavour_master(masters: Masters, flavour: str, address: str, given: dict[str, str]) -> Iterator[Master]:
    """One that serves until the end."""
    master = FlavourMaster(masters.folder, address, masters.user)
    master.files = masters.folder / f"machine-{flavour or 'bare'}"
    master.files.mkdir()
    if flavour:
        lay(master.files, fixture(flavour, **given))
    master.new_host_key()
    master.start()
    with (masters.folder / "known_hosts").open("a") as known:
        known.write(master.known)
    try:
        yield master
    finally:
        master.stop()


@contextlib.contextmanager
def passed_on(address: str, port: int) -> Iterator[None]:
    """Connections to ``address`` go to the same port of 127.0.0.1."""
    with socket.create_server((address, port)) as server:
        threading.Thread(target=_accept, args=(server, port), daemon=True).start()
        yield
        server.shutdown(socket.SHUT_RDWR)


def _accept(server: socket.socket, port: int) -> None:
    with contextlib.suppress(OSError):
        while True:
            near, _address = server.accept()
            far = socket.create_connection(("127.0.0.1", port))
            for one, other in ((near, far), (far, near)):
                threading.Thread(target=_copy, args=(one, other), daemon=True).start()


def _copy(one: socket.socket, other: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := one.recv(65536):
            other.sendall(data)
    with contextlib.suppress(OSError):
        other.shutdown(socket.SHUT_WR)


def settings(masters: Masters, master: Master, **more: Any) -> dict[str, Any]:
    """What the inventory says of one of them."""
    return masters.variables(master, kubeconfig_become=True, **more)
