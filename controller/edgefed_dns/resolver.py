# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Host names of load balancers, resolved and looked up again. What was found last stays until there is another answer."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Iterable

from edgefed_dns.model import Key


class Resolver:
    """``changed(keys)`` is told of the records whose host names lead elsewhere now."""

    def __init__(self, changed: Callable[[Iterable[Key]], None], seconds: float) -> None:
        self._changed = changed
        self._seconds = seconds
        self.found: dict[str, tuple[str, ...]] = {}
        self._users: dict[str, set[Key]] = {}

    def use(self, key: Key, hosts: set[str]) -> bool:
        """Note what a record needs; whether all of it has been looked up."""
        for host, users in list(self._users.items()):
            if key in users and host not in hosts:
                users.discard(key)
        for host in hosts:
            self._users.setdefault(host, set()).add(key)
        return all(host in self.found for host in hosts)

    async def run(self) -> None:
        """Look up what is new at once, and all again each ``seconds``."""
        due: dict[str, float] = {}
        clock = asyncio.get_running_loop().time
        while True:
            self._users = {host: users for host, users in self._users.items() if users}
            hosts = [host for host in self._users if due.get(host, 0) <= clock()]
            await asyncio.gather(*map(self._look, hosts))
            due.update({host: clock() + self._seconds for host in hosts})
            await asyncio.sleep(0.2)

    async def _look(self, host: str) -> None:
        try:
            answers = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
            found = tuple(sorted({str(answer[4][0]) for answer in answers}))
        except OSError:
            found = self.found.get(host, ())
        if self.found.get(host) != found:
            self.found[host] = found
            self._changed(self._users.get(host, ()))
