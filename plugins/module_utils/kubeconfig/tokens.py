# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a bearer token says of itself: whose it is and when it expires. Only a JWT says anything. Read, not verified. Pure."""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any


@dataclass(frozen=True)
class Token:
    """Without ``expires`` it never does (``never``), or nothing tells when (``problem``)."""

    subject: str = ""
    expires: datetime | None = None
    never: bool = False
    problem: str = ""


def read_token(token: str) -> Token:
    """The claims ``sub`` and ``exp``."""
    claims = _claims(token)
    if claims is None:
        return Token(problem="it is no JWT, so it does not tell when it expires")
    subject = str(claims.get("sub") or "")
    if "exp" not in claims:
        return Token(subject, never=True)
    try:
        return Token(subject, datetime.fromtimestamp(float(claims["exp"]), timezone.utc))
    except (TypeError, ValueError, OverflowError, OSError):
        return Token(subject, problem="its claim exp is no time")


def _claims(token: str) -> dict[str, Any] | None:
    parts = token.split(".")
    if len(parts) != 3:
        return None
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (binascii.Error, ValueError):
        return None
    return claims if isinstance(claims, dict) else None
