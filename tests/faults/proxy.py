# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A mitmproxy addon: counts the requests to each API server, and spoils one of them. Runs inside mitmdump, in its own environment.

It is told what to do at ``/faults`` of the listening port: ``PUT {"request": "GET /api", "time": 2, "fault": "cut", "reached": "/a/file"}``
arms it and begins to count, ``GET`` gives ``{"seen": ["GET /api", …]}``.
"""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from mitmproxy import http

CONTROL = "/faults"
# Longer than any client in these tests waits.
HELD_SECONDS = 60
STATUS = {"500": (500, "InternalError"), "409": (409, "Conflict")}


class Side:
    """One API server: what was asked of it since it was armed, and the request to spoil when it comes for the ``time``-th time."""

    def __init__(self) -> None:
        self.request = ""
        self.time = 0
        self.fault = ""
        self.reached = ""
        self.seen: list[str] = []


class Faults:
    """``cut``: the request never arrives. ``lost``: it is carried out and its answer never arrives. ``delay``: held. ``kill``: held, and
    the file ``reached`` tells whoever waits for this moment."""

    def __init__(self) -> None:
        self.sides: dict[int, Side] = {}

    async def request(self, flow: http.HTTPFlow) -> None:
        """Every request, when it has arrived here as a whole."""
        side = self.sides.setdefault(flow.client_conn.sockname[1], Side())
        if flow.request.path == CONTROL:
            self._control(flow, side)
            return
        asked = f"{flow.request.method} {flow.request.path.partition('?')[0]}"
        side.seen.append(asked)
        if asked != side.request or side.seen.count(asked) != side.time:
            return
        if side.fault in STATUS:
            flow.response = _refusal(*STATUS[side.fault])
        elif side.fault == "lost":
            flow.metadata["lost"] = True
        elif side.fault == "cut":
            flow.kill()
        else:
            if side.fault == "kill":
                Path(side.reached).touch()
            await asyncio.sleep(HELD_SECONDS)
            flow.kill()

    def response(self, flow: http.HTTPFlow) -> None:
        """Every answer of an API server."""
        if flow.metadata.get("lost"):
            flow.kill()

    def _control(self, flow: http.HTTPFlow, side: Side) -> None:
        if flow.request.method == "PUT":
            given = json.loads(flow.request.get_text() or "{}")
            side.request, side.time = given["request"], given["time"]
            side.fault, side.reached, side.seen = given["fault"], given["reached"], []
        flow.response = http.Response.make(200, json.dumps({"seen": side.seen}), {"Content-Type": "application/json"})


def _refusal(code: int, reason: str) -> http.Response:
    status = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": reason, "code": code}
    return http.Response.make(code, json.dumps({**status, "message": "made by the test"}), {"Content-Type": "application/json"})


addons = [Faults()]
