# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The kubeconfig of a workload cluster, from the secret that Cluster API keeps on its management cluster."""

from __future__ import annotations

import base64
import binascii
from typing import Any, Callable, Mapping

from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import EdgefedError

KEY = "value"


def read_secret(where: Mapping[str, Any], connect: Callable[..., Any]) -> tuple[str, str]:
    """``(text, label)``. One request. Raises :class:`EdgefedError` for a secret that is missing or holds none."""
    secret = f"{where['name']}-kubeconfig"
    client = connect({"kubeconfig": where["kubeconfig"], "context": where["context"]}, where["context"])
    label = f"secret {where['namespace']}/{secret} of {client.where}"
    found = client.find(f"/api/v1/namespaces/{where['namespace']}/secrets/{secret}")
    if found is None:
        raise EdgefedError(
            f"{label} does not exist. Next: check name and namespace of the Cluster (kubeconfig_cluster_api), or wait until Cluster API "
            "has made it.",
            code="missing",
        )
    try:
        text = base64.b64decode((found.get("data") or {}).get(KEY) or "").decode()
    except (binascii.Error, ValueError):
        text = ""
    if not text:
        raise EdgefedError(f"{label} holds no kubeconfig under {KEY}. Next: let Cluster API make it again.", code="bad_kubeconfig")
    return text, f"secret {where['namespace']}/{secret} of {where['context'] or 'the management cluster'}"
