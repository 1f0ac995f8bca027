# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The queue, the claims on names, and what was written here before the watch tells."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from edgefed_dns.claims import Claims
from edgefed_dns.host import Newest, endpoint
from edgefed_dns.model import Key
from edgefed_dns.work import Work


def key(name: str) -> Key:
    return ("service", "ns", name)


def asynchronous(test: Callable[[], Awaitable[None]]) -> Callable[[], None]:
    def run() -> None:
        asyncio.run(asyncio.wait_for(test(), 60))

    return run


@asynchronous
async def test_answers_come_before_what_tells_of_them() -> None:
    work = Work()
    work.add_later(key("told"))
    work.add([key("a"), key("b"), key("a")])
    assert [await work.take() for _ in range(3)] == [key("a"), key("b"), key("told")]


@asynchronous
async def test_one_record_is_never_in_two_hands() -> None:
    work = Work()
    work.add([key("a")])
    assert await work.take() == key("a")
    work.add([key("a")])
    other = asyncio.create_task(work.take())
    await asyncio.sleep(0)
    assert not other.done() and not work.urgent
    work.done(key("a"))
    assert await other == key("a")


@asynchronous
async def test_what_failed_is_tried_again() -> None:
    work = Work()
    work.add([key("a")])
    work.done(await work.take(), failed=True)
    assert not work.urgent
    assert await work.take() == key("a")


CLAIMS = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 2), st.one_of(st.none(), st.sets(st.sampled_from("xyz")))), max_size=15)


@given(CLAIMS)
def test_a_name_is_the_oldest_records_whatever_came_first(events: Any) -> None:
    claims, there = Claims(), {}
    for number, born, names in events:
        one = key(str(number))
        told = claims.drop(one) if names is None else claims.put((str(born), one), names)
        before = there.pop(one, (0, set()))[1]
        if names is not None:
            there[one] = (born, names)
        assert one not in told
        assert told <= {other for other, (_, held) in there.items() if held & (before | (names or set()))}
        for other, (age, held) in there.items():
            lost = {
                name for name in held if any(name in more and (str(than), who) < (str(age), other) for who, (than, more) in there.items())
            }
            taken = claims.taken(other)
            assert (taken[0] if taken else None) == (min(lost) if lost else None)


@dataclass(frozen=True)
class Known:
    version: int


def test_what_was_written_is_known_until_the_index_has_it() -> None:
    newest: Newest[Known] = Newest()
    newest[key("a")] = (5, Known(5))
    assert newest.of(key("a"), None) == Known(5)
    assert newest.of(key("a"), Known(4)) == Known(5)
    assert newest.of(key("a"), Known(6)) == Known(6) and not newest
    newest[key("a")] = (7, None)
    assert newest.of(key("a"), Known(6)) is None
    assert newest.of(key("b"), Known(1)) == Known(1)


def test_whose_a_dnsendpoint_is() -> None:
    body: Any = {"metadata": {"name": "service-a", "resourceVersion": "3"}, "spec": {}}
    assert not endpoint(body).ours
    body["metadata"]["labels"] = {"app.kubernetes.io/managed-by": "edgefed-dns", "x": "y"}
    assert endpoint(body).ours and endpoint(body).endpoints == []
