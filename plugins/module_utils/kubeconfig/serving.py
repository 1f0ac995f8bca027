# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Why the certificate that an API server shows was refused, with what to do about it."""

from __future__ import annotations

import socket
import ssl
from typing import Any, Mapping
from urllib.parse import urlsplit

from ansible_collections.edgefed.kubefed.plugins.module_utils.kubeconfig.certificates import alternative_names
from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import EdgefedError

_OTHER_NAME = ("not for this address", "for another name")
_NOT_SIGNED = "is not signed by the CA in the kubeconfig"
NAMED_AT_MOST = 8


def told(error: EdgefedError, cluster: Mapping[str, Any], timeout: float) -> EdgefedError:
    """``error`` with the names that the certificate is for, or with what is wrong about the CA; as it is where it is about neither."""
    said = error.message.split(". Next:")[0]
    if any(words in said for words in _OTHER_NAME):
        names = _names(str(cluster.get("server") or ""), timeout)
        if names:
            more = "" if len(names) <= NAMED_AT_MOST else f" and {len(names) - NAMED_AT_MOST} more"
            said += f", but for {', '.join(names[:NAMED_AT_MOST])}{more}"
        todo = "use one of its addresses (kubeconfig_server), or set kubeconfig_tls_server_name to one of its names"
    elif _NOT_SIGNED in said and not cluster.get("certificate-authority-data"):
        said = said.replace(_NOT_SIGNED, "is not signed by a CA that this machine trusts, and the kubeconfig names none")
        todo = "set kubeconfig_ca_cert to the file of the CA that signed it"
    elif _NOT_SIGNED in said:
        said += ": that CA is stale, or another machine answers here"
        todo = "take a fresh kubeconfig from the cluster, or set kubeconfig_ca_cert to the file of its present CA"
    else:
        return error
    return EdgefedError(f"{said}. Next: {todo}", error.code, error.details)


def _names(server: str, timeout: float) -> list[str]:
    """What the certificate that is shown there is for; empty when it cannot be had."""
    try:
        parts = urlsplit(server)
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # nothing is sent: only its names are wanted
        where = (parts.hostname or "", parts.port or 443)
        with socket.create_connection(where, timeout) as plain, context.wrap_socket(plain, server_hostname=where[0]) as secure:
            return alternative_names(secure.getpeercert(binary_form=True) or b"")
    except (OSError, ValueError):
        return []
