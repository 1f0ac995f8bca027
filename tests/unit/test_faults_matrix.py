# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which requests stand for all in the matrix of faults, and what its page claims."""

from __future__ import annotations

from typing import Any

import pytest
from faults.lab import number_of, renumbered
from faults.matrix import NAMESPACES, Clean, cases_of, differences, standing_for_all
from faults.report import page

NAMESPACE = "GET /api/v1/namespaces/system"
SECRET = "GET /api/v1/namespaces/system/secrets/s"
PODS, ROLES, JOBS = (
    f"GET /{path}" for path in ("api/v1/namespaces/system/pods", "apis/a/v1/namespaces/system/roles", "apis/b/v1/namespaces/system/jobs")
)
KINDS = [f"GET /apis/c/v1/namespaces/system/kind{number}s" for number in range(4)]


@pytest.mark.parametrize(
    ("requests", "expected"),
    [
        ([], []),
        ([NAMESPACE, SECRET], [(NAMESPACE, 1), (SECRET, 1)]),
        ([SECRET, SECRET], [(SECRET, 1), (SECRET, 2)]),
        ([SECRET] * 9 + [NAMESPACE], [(SECRET, 1), (SECRET, 2), (NAMESPACE, 1)]),
        # waited for in the end, after it was read in the beginning
        ([NAMESPACE, SECRET, *[NAMESPACE] * 5], [(NAMESPACE, 1), (SECRET, 1), (NAMESPACE, 2), (NAMESPACE, 3)]),
        # all that lies in a namespace
        ([NAMESPACE, PODS, *KINDS, ROLES, JOBS, SECRET], [(NAMESPACE, 1), (PODS, 1), (JOBS, 1), (SECRET, 1)]),
        # a few, looked at again and again
        ([PODS, JOBS] * 9, [(PODS, 1), (JOBS, 1), (PODS, 2), (JOBS, 2)]),
        # with something else between, which is looked at in the same way
        ([PODS, NAMESPACES] * 9, [(PODS, 1), (NAMESPACES, 1), (PODS, 2), (NAMESPACES, 2)]),
        ([PODS, ROLES], [(PODS, 1), (ROLES, 1)]),
        ([PODS], [(PODS, 1)]),
        # another namespace is another matter
        ([PODS, PODS.replace("system", "other")], [(PODS, 1), (PODS.replace("system", "other"), 1)]),
        # objects one by one are not lists
        ([SECRET, f"{SECRET}2", f"{SECRET}3"], [(SECRET, 1), (f"{SECRET}2", 1), (f"{SECRET}3", 1)]),
        (["DELETE /a", "DELETE /b", "DELETE /c"], [("DELETE /a", 1), ("DELETE /b", 1), ("DELETE /c", 1)]),
    ],
)
def test_standing_for_all(requests: list[str], expected: list[tuple[str, int]]) -> None:
    assert standing_for_all(requests) == expected


@pytest.mark.parametrize(
    ("request_", "by", "expected"),
    [
        ("GET /api/v1/namespaces/system/secrets/MEMBER-local", 0, "GET /api/v1/namespaces/system/secrets/MEMBER-local"),
        ("GET /api/v1/namespaces/system/secrets/MEMBER-local", 4, "GET /api/v1/namespaces/system/secrets/MEMBER-local-5"),
        ("PATCH /api/v1/namespaces/system/secrets/MEMBER-local-2", 4, "PATCH /api/v1/namespaces/system/secrets/MEMBER-local-6"),
        ("PATCH /api/v1/namespaces/system/secrets/MEMBER-local-6", -5, "PATCH /api/v1/namespaces/system/secrets/MEMBER-local"),
        ("GET /api/v1/namespaces/system/secrets/MEMBER-credentials", 4, "GET /api/v1/namespaces/system/secrets/MEMBER-credentials"),
        ("GET /api/v1/namespaces/system/serviceaccounts/MEMBER-local", 4, "GET /api/v1/namespaces/system/serviceaccounts/MEMBER-local"),
    ],
)
def test_secrets_of_tokens_count_up(request_: str, by: int, expected: str) -> None:
    assert renumbered(request_, by) == expected


def test_number_of() -> None:
    assert [number_of(name) for name in ("edge1-local", "edge1-local-2", "edge1-local-17")] == [1, 2, 17]


def test_cases() -> None:
    """A read cannot be lost in another way than cut, and there is nothing in it to conflict with; everything else can be."""
    clean = Clean({"host": ["GET /a"], "member": ["PATCH /b"]}, {}, {})
    cases = cases_of("join", clean)
    assert [case.fault for case in cases if case.side == "host"] == ["cut", "500", "delay", "kill"]
    assert [case.fault for case in cases if case.side == "member"] == ["cut", "lost", "500", "409", "delay", "kill"]


def test_differences_count() -> None:
    """Two secrets of one name in words are one too many."""
    one, two = {"host": ["secret"], "member": []}, {"host": ["secret", "secret"], "member": []}
    assert differences("now", one, one) == []
    assert differences("now", one, two) == ["now there is still on host: secret"]
    assert differences("now", two, one) == ["now host lacks: secret"]


def row(request: str, fault: str, how: str, sent: bool = True, problems: tuple[str, ...] = ()) -> dict[str, Any]:
    case = {"operation": "join", "side": "host", "request": request, "time": 1, "fault": fault}
    return {"case": case, "sent": sent, "first": {"how": how, "changed": False, "message": ""}, "problems": list(problems)}


def test_page_claims_what_was_tried() -> None:
    """A request that never came was not tried, and a failure is seen in its cell and in the sum."""
    rows = [row("GET /a", "cut", "told"), row("GET /a", "kill", "done", sent=False), row("PATCH /b", "lost", "done", problems=("left",))]
    rows.append({"case": row("PATCH /b", "kill", "")["case"]})
    lines = page({"join": rows}).splitlines()
    assert "2 cases: 1 told, 1 done, 0 killed; 1 converged, 1 failed; 1 more not sent; 1 more not tried." in lines
    assert any(line.startswith("| host | `GET /a` | told | - |") and line.endswith(" not sent |") for line in lines)
    assert any("| host | `PATCH /b` |" in line and "done, FAILED" in line and line.endswith(" not tried |") for line in lines)
