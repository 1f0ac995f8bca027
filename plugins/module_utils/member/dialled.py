# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Where KubeFed dials a member, from a task's options and the member's kubeconfig."""

from __future__ import annotations

from typing import Any

from ansible_collections.edgefed.kubefed.plugins.module_utils.client import Client
from ansible_collections.edgefed.kubefed.plugins.module_utils.member.given import documents, endpoint
from ansible_collections.edgefed.kubefed.plugins.module_utils.member.names import Names


def dialled(params: dict[str, Any], names: Names, member: Client) -> tuple[str, bytes | None]:
    """The address that KubeFed is to dial, and its CA."""
    address, pem = params["api_endpoint"] or member.server, params["api_ca_cert"]
    if params["credentials"] != "provided":
        given, context = documents(params["member_kubeconfig"] or params["kubeconfig"]), params["member_context"] or names.cluster
        other = endpoint(given, context, address, chosen=bool(params["api_endpoint"]))
        if other:
            return other[0], pem.encode() if pem else other[1]
    return address, pem.encode() if pem else member.ca_data
