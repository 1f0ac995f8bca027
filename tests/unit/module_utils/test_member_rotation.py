# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which token is in use, and for how long."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from ansible_collections.edgefed.kubefed.plugins.module_utils.kubeconfig.tokens import Token, read_token
from ansible_collections.edgefed.kubefed.plugins.module_utils.member import plan
from ansible_collections.edgefed.kubefed.plugins.module_utils.member.credentials import check_credentials
from ansible_collections.edgefed.kubefed.plugins.module_utils.member.desired import Wish, account_object, refs
from ansible_collections.edgefed.kubefed.plugins.module_utils.member.names import Names
from ansible_collections.edgefed.kubefed.plugins.module_utils.member.rotation import (
    EXPIRES,
    RETIRING,
    TOKEN_SECRET,
    Slots,
    moment,
    noted,
    older_than,
    probed_since_applied,
    remembered,
    slots_of,
    told,
)
from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import EdgefedError

NAMES = Names("zj", "local", "kube-federation-system")
NOW = moment("2026-06-01T00:00:00Z")


@pytest.mark.parametrize(
    ("token", "following"),
    [("zj-local", "zj-local-2"), ("zj-local-2", "zj-local-3"), ("zj-local-99", "zj-local-100"), ("zj-local-x", "zj-local-2")],
)
def test_names_are_counted_up(token: str, following: str) -> None:
    """No name comes twice: it would bring the same token again."""
    assert Slots(token).following("zj-local") == Slots(following, token)


@pytest.mark.parametrize(
    "slots", [Slots("zj-local"), Slots("zj-local-2"), Slots("zj-local-2", "zj-local"), Slots("zj-local-3", "zj-local-2")]
)
def test_the_account_says_it(slots: Slots) -> None:
    """What is written is read again; without a rotation nothing is written."""
    account = {"metadata": {"annotations": {"other": "1", **slots.annotations("zj-local")}}}
    assert slots_of(account, "zj-local") == slots
    assert slots_of(None, "zj-local") == slots_of({"metadata": {}}, "zj-local") == Slots("zj-local")
    assert Slots("zj-local").annotations("zj-local") == {}


def test_the_end_of_a_rotation() -> None:
    """The old secret goes, and the account forgets it and keeps the new one."""
    where = refs(NAMES, None, Slots("zj-local-2", "zj-local"))
    assert where.retiring and where.of_member("Cluster")[2:4] == [where.token, where.retiring]
    wish = Wish(NAMES, "Cluster", "x")
    account = account_object(wish, where).body
    assert account["metadata"]["annotations"] | {TOKEN_SECRET: "zj-local-2", RETIRING: "zj-local"} == account["metadata"]["annotations"]
    fields = {"f:metadata": {"f:annotations": {f"f:{key}": {} for key in account["metadata"]["annotations"]}}}
    account["metadata"]["managedFields"] = [{"manager": "edgefed", "operation": "Apply", "fieldsV1": fields}]
    old = {"metadata": {"name": "zj-local", "annotations": {}}, "data": {"token": "c2VjcmV0"}}
    later = account_object(wish, refs(NAMES, None, Slots("zj-local-2")))
    found = plan.retirement(later, {where.service_account: account, where.retiring: old}, where.retiring)
    assert [(change.action, change.ref) for change in found.changes] == [("delete", where.retiring), ("update", where.service_account)]
    assert RETIRING not in str(found.after) and "zj-local-2" in str(found.after) and "c2VjcmV0" not in str(found.before)
    assert plan.removal_order(where, [])[-3:] == [where.token, where.retiring, where.service_account]


@pytest.mark.parametrize(("made", "days", "due"), [("2026-05-31T00:00:01Z", 1, False), ("2026-05-30T23:59:59Z", 1, True)])
def test_age(made: str, days: int, due: bool) -> None:
    """By when the secret was made."""
    assert older_than({"metadata": {"creationTimestamp": made}}, days, NOW) is due


def jwt(claims: Any) -> str:
    """A token that says this."""
    return "e30." + base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=") + ".c2ln"


@pytest.mark.parametrize(
    ("token", "expected"),
    [
        (jwt({"exp": 1.5}), ("1970-01-01T00:00:01Z", "")),
        (jwt({"exp": 1800000000}), ("2027-01-15T08:00:00Z", "")),
        (jwt({"sub": "x"}), ("", "")),
        (jwt({"exp": "soon"}), ("", "its claim exp is no time")),
        (jwt([1]), ("", "it is no JWT, so it does not tell when it expires")),
        ("kubeconfig-u-abcde:secret", ("", "it is no JWT, so it does not tell when it expires")),
        ("a.b.c", ("", "it is no JWT, so it does not tell when it expires")),
        ("", ("", "it is no JWT, so it does not tell when it expires")),
    ],
)
def test_expiry(token: str, expected: tuple[str, str]) -> None:
    """Read where it is said, unverified; whatever else a token is, it is no error, and why it is not known is told."""
    found = told("provided", read_token(token), NOW)
    assert (found["expires"], found["problem"]) == expected


def test_told() -> None:
    """Days left are whole days; negative once it ended."""
    assert told("provided", read_token(jwt({"exp": NOW + 86400 * 2 + 5})), NOW) == {
        "kind": "provided",
        "expires": "2026-06-03T00:00:05Z",
        "days_left": 2,
        "problem": "",
    }
    assert told("provided", read_token(jwt({"exp": NOW - 1})), NOW)["days_left"] == -1
    wish = Wish(NAMES, "Cluster", "x")
    assert told("full", wish.lifetime, NOW) == {"kind": "full", "expires": "", "days_left": None, "problem": ""}


@pytest.mark.parametrize("lifetime", [read_token(jwt({"exp": NOW})), Token(never=True)])
def test_what_was_asked_is_kept(lifetime: Token) -> None:
    """For the token that it was asked of, and no other; what was not learned is not kept."""
    notes = {"edgefed.io/credentials": "sha256:1", **noted(lifetime)}
    assert remembered({"metadata": {"annotations": notes}}, "sha256:1") == lifetime
    assert remembered({"metadata": {"annotations": notes}}, "sha256:2") is None
    assert noted(None) == noted(Token(problem="nothing tells")) == {}
    assert remembered(None, "sha256:1") is remembered({"metadata": {"annotations": {EXPIRES: "never"}}}, "sha256:1") is None


@pytest.mark.parametrize(
    ("applied", "probed", "expected"),
    [
        ("2026-06-01T00:00:05Z", "2026-06-01T00:00:06Z", True),
        ("2026-06-01T00:00:05Z", "2026-06-01T00:00:05Z", False),
        ("2026-06-01T00:00:05Z", "", False),
    ],
)
def test_whether_kubefed_looked_since(applied: str, probed: str, expected: bool) -> None:
    """Only a look in a later second counts; KubeFed's own writes of the status do not."""
    fields = [
        {"manager": "edgefed", "operation": "Apply", "time": applied},
        {"manager": "controller-manager", "operation": "Update", "subresource": "status", "time": "2026-06-01T00:01:00Z"},
    ]
    assert probed_since_applied({"metadata": {"managedFields": fields}}, "edgefed", probed) is expected


GIVEN = {"state": "present", "name": "zj", "token": None, "credentials": "full", "rotate": False, "credentials_max_age": None}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({}, ""),
        ({"rotate": True, "credentials_max_age": 3}, ""),
        ({"credentials": "provided", "token": "abc"}, ""),
        ({"credentials": "provided", "state": "absent"}, ""),
        ({"credentials": "provided"}, "there is no token"),
        ({"credentials": "least", "token": "abc"}, "which makes one"),
        ({"credentials": "provided", "token": "abc", "credentials_max_age": 3}, "cannot be rotated"),
        ({"credentials": "provided", "token": "a b"}, "holds spaces"),
        ({"credentials": "provided", "token": jwt({"exp": NOW - 5})}, "ended at 2026-05-31T23:59:55Z"),
    ],
)
def test_options_together(options: dict[str, Any], said: str) -> None:
    """What does not go together is refused, without showing the token."""
    if not said:
        check_credentials({**GIVEN, **options}, NOW)
        return
    with pytest.raises(EdgefedError, match=said) as caught:
        check_credentials({**GIVEN, **options}, NOW)
    assert "Next: " in caught.value.message and str(options.get("token")) not in caught.value.message
