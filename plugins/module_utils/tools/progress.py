# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Lines that tell how far a long run is."""

from __future__ import annotations

import subprocess
import time
from typing import Any, Callable

POLL = 0.2
Show = Callable[[str], None]


def silent(line: str) -> None:
    """Shows nothing: as a module there is nobody to show it to."""
    del line


def await_end(process: subprocess.Popen[Any], tick: Callable[[], None]) -> None:
    """Wait for it, with a ``tick`` now and then; it ends with us when we are interrupted."""
    try:
        while process.poll() is None:
            tick()
            time.sleep(POLL)
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait()


class Progress:
    """Says ``tools: 3 of 9 helm: building (elapsed 75 s)``; while something lasts, once every ``every`` seconds."""

    def __init__(self, show: Show, every: float = 20, clock: Callable[[], float] = time.monotonic) -> None:
        self._show = show
        self._every = every
        self._clock = clock
        self._started = clock()
        self._last = self._started
        self.total = 0
        self.done = 0

    @property
    def elapsed(self) -> float:
        """Seconds since the run began."""
        return self._clock() - self._started

    def say(self, what: str) -> None:
        """One line now."""
        self._last = self._clock()
        self._show(f"tools: {what} (elapsed {self.elapsed:.0f} s)")

    def begin(self, name: str, what: str) -> None:
        """The next tool (or group) begins."""
        self.say(f"{self.done + 1} of {self.total} {name}: {what}")

    def tick(self, name: str, what: str) -> None:
        """The same is still going on: a line when the last one is old enough."""
        if self._clock() - self._last >= self._every:
            self.begin(name, what)
