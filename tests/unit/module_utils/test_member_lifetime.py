# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What Rancher's record of a token says, and which tokens are asked about."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from ansible_collections.edgefed.kubefed.plugins.module_utils.kubeconfig.tokens import Token
from ansible_collections.edgefed.kubefed.plugins.module_utils.member.desired import Wish
from ansible_collections.edgefed.kubefed.plugins.module_utils.member.lifetime import asked, of_record
from ansible_collections.edgefed.kubefed.plugins.module_utils.member.names import Names

PROXY = "https://rancher.example/k8s/clusters/c-abc"
ENDS = Token(expires=datetime(2027, 3, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        ({"expiresAt": "2027-03-01T00:00:00Z", "ttl": 1000}, ENDS),
        ({"expiresAt": "", "ttl": 0}, Token(never=True)),
        ({"expiresAt": "", "ttl": 1000}, None),
        ({"expiresAt": "tomorrow"}, None),
        ({}, None),
    ],
)
def test_records(record: dict[str, Any], expected: Token | None) -> None:
    found = of_record(record)
    assert found == expected or (expected is None and "Rancher does not tell when it ends" in found.problem)


@pytest.mark.parametrize(
    ("token", "address", "credentials"),
    [
        ("e30.e30.c2ln", PROXY, "provided"),
        ("static", PROXY, "provided"),
        ("ext/token-abc:key", PROXY, "provided"),
        ("kubeconfig-u-abc:key", "https://10.0.0.5:6443", "provided"),
        (None, PROXY, "full"),
    ],
)
def test_nobody_is_asked(token: str | None, address: str, credentials: str) -> None:
    """About what is no token of a Rancher that is known."""

    def connect(*_arguments: Any) -> Any:
        raise AssertionError("asked")

    wish = Wish(Names("zj", "local", "kfs"), "Cluster", address, credentials=credentials, token=token.encode() if token else None)
    assert asked(wish, None, connect) == (wish, 0)  # type: ignore[arg-type]
