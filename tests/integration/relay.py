# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A way to a real API server that can go away as the server does when it is started again: connections are cut, new ones refused."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading

CHUNK = 65536
# Closed with it, a connection is reset.
AT_ONCE = struct.pack("ii", 1, 0)


class Relay:
    """Listens on ``port`` of 127.0.0.1 while it is up, and carries bytes to and from ``server`` (host, port)."""

    def __init__(self, server: tuple[str, int]) -> None:
        self.server = server
        self.port = 0
        self._lock = threading.Lock()
        self._open: list[socket.socket] = []
        self._listener: socket.socket | None = None

    def up(self) -> None:
        """Listen, again on the same port."""
        self._listener = socket.create_server(("127.0.0.1", self.port))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def down(self) -> None:
        """Cut all, and listen no more."""
        with self._lock:
            listener, self._listener = self._listener, None
            ends, self._open = self._open, []
        for end in [*([listener] if listener else []), *ends]:
            with contextlib.suppress(OSError):
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, AT_ONCE)
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                near, _peer = listener.accept()
            except OSError:
                return
            far = socket.create_connection(self.server)
            with self._lock:
                alive = self._listener is listener
                self._open += [near, far]
            if not alive:
                near.close()
                return
            for source, drain in ((near, far), (far, near)):
                threading.Thread(target=_carry, args=(source, drain), daemon=True).start()


def _carry(source: socket.socket, drain: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(CHUNK):
            drain.sendall(data)
    for end in (source, drain):
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
