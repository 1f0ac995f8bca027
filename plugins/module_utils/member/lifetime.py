# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""When a token of Rancher's ends. It does not say so itself (``<name>:<key>``), but Rancher does, asked with it.

``GET /v3/tokens/<name>`` with ``expiresAt`` and ``ttl`` (0: never ends) is rancher/rancher ``pkg/auth/tokens/manager.go`` d8b35b9910c5 and
``pkg/client/generated/management/v3/zz_generated_token.go`` 076209eedc7f.
"""

from __future__ import annotations

import base64
import re
from dataclasses import replace
from datetime import datetime, timezone
from typing import Any, Callable, Mapping

from ansible_collections.edgefed.kubefed.plugins.module_utils.client import Client
from ansible_collections.edgefed.kubefed.plugins.module_utils.kubeconfig.rancher import proxied
from ansible_collections.edgefed.kubefed.plugins.module_utils.kubeconfig.tokens import Token, read_token
from ansible_collections.edgefed.kubefed.plugins.module_utils.member.desired import Wish
from ansible_collections.edgefed.kubefed.plugins.module_utils.member.rotation import moment
from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import EdgefedError

_RANCHERS = re.compile(r"([a-z0-9][a-z0-9.-]*):[A-Za-z0-9]+\Z")


def asked(wish: Wish, member: Client, connect: Callable[..., Client]) -> tuple[Wish, int]:
    """The wish with what Rancher says of its token, and the number of requests. Nobody is asked where the token itself says when it ends,
    or where no Rancher is known that could."""
    token = (wish.token or b"").decode()
    name = _RANCHERS.match(token)
    if not (wish.provided and name and proxied(wish.api_endpoint) and read_token(token).problem):
        return wish, 0
    rancher = connect(_login(wish, token, member.proxy), f"Rancher of {wish.names.cluster}")
    try:
        return replace(wish, rancher=of_record(rancher.get(f"/v3/tokens/{name.group(1)}"))), rancher.requests
    except EdgefedError as error:
        why = error.message.split(". Next:", maxsplit=1)[0]
        return replace(wish, rancher=Token(problem=f"Rancher does not tell when it ends: {why}")), rancher.requests


def _login(wish: Wish, token: str, proxy: str | None) -> dict[str, Any]:
    address = wish.api_endpoint if "//" in wish.api_endpoint else f"https://{wish.api_endpoint}"
    ca = {"certificate-authority-data": base64.b64encode(wish.ca).decode()} if wish.ca else {}
    kubeconfig = {
        "clusters": [{"name": "rancher", "cluster": {"server": address[: address.index("/k8s/clusters/")], **ca}}],
        "users": [{"name": "rancher", "user": {"token": token}}],
        "contexts": [{"name": "rancher", "context": {"cluster": "rancher", "user": "rancher"}}],
    }
    return {"kubeconfig": kubeconfig, "context": "rancher", "proxy": proxy}


def of_record(record: Mapping[str, Any]) -> Token:
    """What Rancher's record of a token says."""
    ends = str(record.get("expiresAt") or "")
    if not ends and record.get("ttl") == 0:
        return Token(never=True)
    try:
        return Token(expires=datetime.fromtimestamp(moment(ends), timezone.utc))
    except ValueError:
        return Token(problem="Rancher does not tell when it ends: its answer has no expiresAt")
