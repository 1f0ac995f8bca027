# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Processes that tests stop, kill or freeze, as /proc shows them."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from urllib.parse import urlsplit


def descendants(pid: int) -> list[int]:
    """Every process below this one, also Ansible's workers, which are sessions of their own; none of one that is gone."""
    children: list[int] = []
    with contextlib.suppress(FileNotFoundError):
        children = [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return [*children, *(below for child in children for below in descendants(child))]


def listener(url: str) -> int:
    """The process that listens on an address of 127.0.0.1."""
    wanted = f"0100007F:{urlsplit(url).port:04X}"
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()]
    inode = next(row[9] for row in rows if row[1] == wanted and row[3] == "0A")
    for link in Path("/proc").glob("[0-9]*/fd/*"):
        with contextlib.suppress(OSError):
            if os.readlink(link) == f"socket:[{inode}]":
                return int(link.parts[2])
    raise AssertionError(f"nobody listens on {url}")
