# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A lab for one benchmark, behind proxies, that is gone afterwards, also on Ctrl-C."""

from __future__ import annotations

import signal
import sys
from contextlib import contextmanager
from typing import Iterator

from joining.delay import Proxies, built
from joining.lab import REPOSITORY, Lab

STATE = REPOSITORY / ".cache" / "bench"


@contextmanager
def lab_behind_proxies(name: str, members: int, port_base: int, first_proxy: int) -> Iterator[tuple[Lab, Proxies]]:
    """The lab's clusters are ``edge01`` and on; its kubeconfig ``proxied`` leads through the proxies, which add nothing yet."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    lab = Lab(STATE / name, [f"edge{number:02}" for number in range(1, members + 1)], port_base, "bench-")
    program = built(STATE / "bin")
    lab.check_limits()
    try:
        lab.up()
        proxies = Proxies(program, first_proxy, lab.servers())
        try:
            lab.write_proxied(proxies.addresses)
            yield lab, proxies
        finally:
            proxies.stop()
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        lab.down()
