# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Tokens of a member: which secret holds the one in use, when it is time for another, when it ends. Pure.

A token of a secret is signed for the secret's name and its account, so the same name would give the same token again: names are
counted up. The service account says which secret is in use and which is on its way out, so that a rotation that was cut off anywhere is
finished by the next run, and no valid token is forgotten.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any, Mapping

from ansible_collections.edgefed.kubefed.plugins.module_utils.kubeconfig.tokens import Token

Manifest = Mapping[str, Any]

CREDENTIALS = "edgefed.io/credentials"
EXPIRES = "edgefed.io/credentials-expire"
NEVER = "never"
TOKEN_SECRET = "edgefed.io/token-secret"
RETIRING = "edgefed.io/retiring-token-secret"
DAY = 86400


@dataclass(frozen=True)
class Slots:
    """Names of the secret with the token in use, and of the one that is still to be removed."""

    token: str
    retiring: str | None = None

    def annotations(self, account: str) -> dict[str, str]:
        """As the service account says it; nothing as long as all is as kubefedctl would have it."""
        said = {} if self.token == account else {TOKEN_SECRET: self.token}
        return {**said, RETIRING: self.retiring} if self.retiring else said

    def following(self, account: str) -> Slots:
        """A new token beside this one."""
        number = self.token[len(account) + 1 :] if self.token.startswith(f"{account}-") else ""
        return Slots(f"{account}-{int(number) + 1 if number.isdigit() else 2}", self.token)


def slots_of(live: Manifest | None, account: str) -> Slots:
    """What the service account ``account`` says."""
    notes = (live or {}).get("metadata", {}).get("annotations") or {}
    return Slots(notes.get(TOKEN_SECRET, account), notes.get(RETIRING))


def moment(text: str) -> float:
    """Seconds since the epoch of a time as Kubernetes writes it."""
    return datetime.strptime(text[:19], "%Y-%m-%dT%H:%M:%S").replace(tzinfo=timezone.utc).timestamp()


def older_than(secret: Manifest, days: int, now: float) -> bool:
    """Whether the secret was made more than ``days`` days ago."""
    return now - moment(secret["metadata"]["creationTimestamp"]) > days * DAY


def claims_of(token: bytes | None) -> dict[str, Any]:
    """What a token says of itself, unverified; empty when it is none that says anything (Rancher's, bootstrap tokens)."""
    try:
        payload = (token or b"").split(b".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + b"=" * (-len(payload) % 4)))
    except (IndexError, ValueError):
        return {}
    return claims if isinstance(claims, dict) else {}


def told(kind: str, lifetime: Token, now: float) -> dict[str, Any]:
    """The credentials as a task's result shows them."""
    left = None if lifetime.expires is None else int((lifetime.expires.timestamp() - now) // DAY)
    return {"kind": kind, "expires": _written(lifetime.expires), "days_left": left, "problem": lifetime.problem}


def _written(when: datetime | None) -> str:
    return "" if when is None else when.strftime("%Y-%m-%dT%H:%M:%SZ")


def noted(lifetime: Token | None) -> dict[str, str]:
    """The annotation that keeps what was asked of a token; nothing where nothing was learned."""
    if lifetime is None or lifetime.problem:
        return {}
    return {EXPIRES: _written(lifetime.expires) or NEVER}


def remembered(cluster: Manifest | None, fingerprint: str) -> Token | None:
    """What the KubeFedCluster keeps of the token with this fingerprint."""
    notes = ((cluster or {}).get("metadata") or {}).get("annotations") or {}
    if EXPIRES not in notes or notes.get(CREDENTIALS) != fingerprint:
        return None
    if notes[EXPIRES] == NEVER:
        return Token(never=True)
    return Token(expires=datetime.fromtimestamp(moment(notes[EXPIRES]), timezone.utc))


def probed_since_applied(cluster: Manifest, manager: str, probed: str) -> bool:
    """Whether KubeFed looked at the cluster after ``manager`` last wrote its KubeFedCluster."""
    times = [
        str(entry["time"])
        for entry in cluster["metadata"].get("managedFields") or []
        if entry.get("manager") == manager and not entry.get("subresource") and entry.get("time")
    ]
    return bool(probed and times and moment(probed) > moment(max(times)))
