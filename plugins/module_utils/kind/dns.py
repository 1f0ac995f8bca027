# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""CoreDNS' configuration in a cluster of the lab. Pure.

kubeadm's own asks the node's name server for all that is not the cluster's, and takes a name server that refuses for a dead
one. In an isolated lab that server knows the nodes and refuses the rest, so CoreDNS answers for the rest itself, at once.
"""

from __future__ import annotations

from ansible_collections.edgefed.kubefed.plugins.module_utils.kind.isolation import PODMAN_DOMAIN

MANIFEST = "/kind/manifests/edgefed-dns.yaml"
_CLUSTER = """cluster.local:53 in-addr.arpa:53 ip6.arpa:53 {
    errors
    kubernetes cluster.local in-addr.arpa ip6.arpa {
        pods insecure
        ttl 5
    }
    cache 5
}
"""
_NODES = """%(domain)s:53 {
    errors
    template ANY ANY %(domain)s {
        match "[.].+[.]%(pattern)s[.]$"
        rcode NXDOMAIN
        fallthrough
    }
    forward . %(server)s {
        max_fails 0
    }
    cache 5
}
"""
_REST = """.:53 {
    errors
    health {
        lameduck 1s
    }
    ready
%s    reload
}
"""
_REFUSE = """    template ANY ANY . {
        rcode REFUSED
    }
"""
_ASK = """    forward . %(server)s {
        max_fails 0
    }
    cache 5
"""


def corefile(server: str, isolated: bool, domain: str = PODMAN_DOMAIN) -> str:
    """The Corefile; ``server`` is the container network's name server or a resolv.conf, ``domain`` that of the nodes."""
    values = {"server": server, "domain": domain, "pattern": domain.replace(".", "[.]")}
    nodes = _NODES % values if isolated and domain else ""
    return _CLUSTER + nodes + _REST % (_REFUSE if isolated and domain else _ASK % values)


def config_map(text: str) -> dict[str, object]:
    """The object that CoreDNS' pod mounts."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "coredns", "namespace": "kube-system"},
        "data": {"Corefile": text},
    }
