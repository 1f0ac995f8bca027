# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Records that have to be looked at: each once, one at a time, what changes answers before what only tells of it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from edgefed_dns.model import Key

BACKOFF = (1.0, 30.0)


class Work:
    """The queue. A record that fails is tried again later and later; the others go on."""

    def __init__(self) -> None:
        self._first: dict[Key, None] = {}
        self._later: dict[Key, None] = {}
        self._active: set[Key] = set()
        self._delays: dict[Key, float] = {}
        self._news = asyncio.Event()

    def add(self, keys: Iterable[Key]) -> None:
        """Look at these."""
        for key in keys:
            self._later.pop(key, None)
            self._first[key] = None
        self._news.set()

    def add_later(self, key: Key) -> None:
        """Look at this when nothing else is to be done."""
        if key not in self._first:
            self._later[key] = None
            self._news.set()

    @property
    def urgent(self) -> bool:
        """Whether something that may change an answer can be taken now."""
        return any(key not in self._active for key in self._first)

    async def take(self) -> Key:
        """The next one, which nobody else gets until it is :meth:`done`."""
        while True:
            for waiting in (self._first, self._later):
                key = next((one for one in waiting if one not in self._active), None)
                if key:
                    del waiting[key]
                    self._active.add(key)
                    return key
            self._news.clear()
            await self._news.wait()

    def done(self, key: Key, *, failed: bool = False) -> None:
        """Give it back."""
        self._active.discard(key)
        self._news.set()
        if not failed:
            self._delays.pop(key, None)
            return
        delay = self._delays.get(key, BACKOFF[0])
        self._delays[key] = min(delay * 2, BACKOFF[1])
        asyncio.get_running_loop().call_later(delay, self.add, [key])
