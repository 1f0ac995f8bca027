# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Options about credentials that do not go together. Pure."""

from __future__ import annotations

from typing import Any

from ansible_collections.edgefed.kubefed.plugins.module_utils.kubeconfig.tokens import Token, read_token
from ansible_collections.edgefed.kubefed.plugins.module_utils.member.rotation import told
from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import EdgefedError


def check_credentials(params: dict[str, Any], now: float) -> None:
    """Raise :class:`EdgefedError` (code ``credentials``) before anything is asked of any cluster."""
    if params["state"] == "absent":
        return
    name, token, provided = params["name"], params["token"], params["credentials"] == "provided"
    if provided and not token:
        _refuse(f"Cluster {name!r} is to be joined with credentials: provided, and there is no token", "give one (token, member_token)")
    if token and not provided:
        _refuse(
            f"A token is given for cluster {name!r}, but credentials is {params['credentials']!r}, which makes one",
            "set credentials: provided (member_credentials), or leave the token out",
        )
    if not provided:
        return
    if params["rotate"] or params["credentials_max_age"] is not None:
        _refuse(
            f"The token of cluster {name!r} is provided, so it cannot be rotated here",
            "have a new one made where it comes from, and give that",
        )
    if any(character.isspace() or not character.isprintable() for character in token):
        _refuse(f"The token of cluster {name!r} holds spaces or line breaks, which no token does", "give the token alone, in one line")
    refuse_ended(name, read_token(token), now)


def refuse_ended(name: str, lifetime: Token, now: float) -> None:
    """Raise :class:`EdgefedError` (code ``credentials``) for a token that has ended."""
    credentials = told("provided", lifetime, now)
    if credentials["days_left"] is not None and credentials["days_left"] < 0:
        _refuse(f"The token that is provided for cluster {name!r} ended at {credentials['expires']}", "give one that is valid")


def _refuse(what: str, todo: str) -> None:
    raise EdgefedError(f"{what}. Next: {todo}. Nothing was changed.", code="credentials")
