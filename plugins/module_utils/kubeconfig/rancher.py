# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Kubeconfigs that Rancher wrote: which of the many contexts is the cluster's, and which lead past Rancher's proxy. Pure.

Each cluster has a context through Rancher's proxy, named as the cluster, and where its authorized cluster endpoint is on, direct ones
of the same user, named ``<cluster>-fqdn`` or ``<cluster>-<node>``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Mapping
from urllib.parse import urlsplit

from ansible_collections.edgefed.kubefed.plugins.module_utils.kubeconfig.model import Kubeconfig
from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import EdgefedError

DIRECT = "edgefed.io/authorized-cluster-endpoint"
"""The extension of a merged cluster behind Rancher's proxy that keeps its direct address, for the join."""
_PROXIED = re.compile(r"/k8s/clusters/[^/]+/?$")


@dataclass(frozen=True)
class Way:
    """Where a context leads, and as whom."""

    server: str
    user: str

    @property
    def proxied(self) -> bool:
        """Whether it is through Rancher's proxy."""
        return proxied(self.server)


def proxied(address: str) -> bool:
    """Whether an address is Rancher's proxy in front of a cluster."""
    try:
        path = urlsplit(address if "//" in address else f"//{address}").path
    except ValueError:
        return False
    return bool(_PROXIED.search(path))


def ways_of(kubeconfig: Kubeconfig) -> dict[str, Way]:
    """By context."""
    return {name: _way(kubeconfig, entry.body) for name, entry in kubeconfig.contexts.items()}


def _way(kubeconfig: Kubeconfig, context: Mapping[str, Any]) -> Way:
    cluster = kubeconfig.clusters.get(str(context.get("cluster") or ""))
    return Way(str(cluster.body.get("server") or "") if cluster else "", str(context.get("user") or ""))


def choose(kubeconfig: Kubeconfig, cluster: str, label: str) -> str:
    """The cluster's context, the proxy's, which has Rancher's name of it. Raises :class:`EdgefedError` (``no_context``)."""
    known = sorted(name for name, way in ways_of(kubeconfig).items() if way.proxied)
    if cluster in known:
        return cluster
    raise EdgefedError(
        f"{label} has no cluster {cluster!r} of Rancher (there: {', '.join(known) or 'none'}). Next: set kubeconfig_rancher_cluster to its "
        "name in Rancher, or kubeconfig_context to the context that is meant.",
        code="no_context",
    )


def recognised(kubeconfig: Kubeconfig, name: str, label: str) -> str | None:
    """The context of a kubeconfig whose current one leads through Rancher's proxy, ``None`` for any other kubeconfig: the one of this
    ``name``, or the only one. Raises :class:`EdgefedError` (``no_context``) where it can't be told which of many is meant."""
    current = ways_of(kubeconfig).get(kubeconfig.current_context)
    if current is None or not current.proxied:
        return None
    known = [one for one, way in ways_of(kubeconfig).items() if way.proxied]
    return known[0] if len(known) == 1 else choose(kubeconfig, name, label)


def direct_context(ways: Mapping[str, Way], context: str) -> str | None:
    """The context past the proxy to the same cluster: ``-fqdn`` before nodes."""
    through = ways.get(context)
    if through is None or not through.proxied:
        return None
    clusters = [name for name, way in ways.items() if way.proxied]
    direct = [
        name
        for name, way in ways.items()
        if way.server and not way.proxied and way.user == through.user and _owner(name, clusters) == context
    ]
    return min(direct, key=lambda name: name != f"{context}-fqdn", default=None)


def _owner(name: str, clusters: list[str]) -> str:
    """Of ``shop`` and ``shop-2`` the second owns ``shop-2-fqdn``."""
    return max((cluster for cluster in clusters if name.startswith(f"{cluster}-")), key=len, default="")
