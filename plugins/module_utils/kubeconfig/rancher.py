# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The right context of a kubeconfig that Rancher wrote for many clusters. Pure.

Each cluster has a context through Rancher's proxy, named as the cluster, and where its authorized cluster endpoint is on, direct ones
named ``<cluster>-fqdn`` or ``<cluster>-<node>``.
"""

from __future__ import annotations

from ansible_collections.edgefed.kubefed.plugins.module_utils.kubeconfig.model import Kubeconfig
from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import EdgefedError

PROXY = "/k8s/clusters/"


def choose(kubeconfig: Kubeconfig, cluster: str, label: str) -> tuple[str, list[str]]:
    """``(context, warnings)``: a direct one, ``-fqdn`` before nodes, else the proxy's. Raises :class:`EdgefedError` (``no_context``)."""
    proxied = [name for name in kubeconfig.contexts if PROXY in _server(kubeconfig, name)]
    direct = [name for name in kubeconfig.contexts if name not in proxied and _owner(name, proxied) == cluster]
    if direct:
        return min(direct, key=lambda name: name != f"{cluster}-fqdn"), []
    if cluster in proxied:
        return cluster, [
            f"cluster {cluster}: {label} reaches it through Rancher's proxy alone, which rejects the token that KubeFed would use, so it "
            "cannot be joined this way. Turn on its authorized cluster endpoint in Rancher, and download the kubeconfig again."
        ]
    known = ", ".join(sorted(proxied)) or "none"
    raise EdgefedError(
        f"{label} has no cluster {cluster!r} of Rancher (there: {known}). Next: set kubeconfig_rancher_cluster to its name in Rancher.",
        code="no_context",
    )


def _owner(name: str, clusters: list[str]) -> str:
    """Of ``shop`` and ``shop-2`` the second owns ``shop-2-fqdn``."""
    return max((cluster for cluster in clusters if name.startswith(f"{cluster}-")), key=len, default="")


def _server(kubeconfig: Kubeconfig, context: str) -> str:
    cluster = kubeconfig.clusters.get(str(kubeconfig.contexts[context].body.get("cluster") or ""))
    return str(cluster.body.get("server") or "") if cluster else ""
