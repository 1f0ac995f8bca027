# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Where the clusters of a lab lie: numbers, ports, addresses and files."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass

PORTS_PER_CLUSTER = 10
LOWEST_PORT = 1024
HIGHEST_PORT = 65535
# 127.n.x.y with n from 1 (127.0.x.y is what everything else on the machine uses) to 254.
MOST_CLUSTERS = 254


@dataclass(frozen=True)
class ClusterPorts:
    """The ports of one cluster. The last three are KubeFed's, used in the host cluster only."""

    kube_apiserver: int
    etcd: int
    etcd_peer: int
    kube_controller_manager: int
    kube_scheduler: int
    kwok_controller: int
    kubefed_webhook: int
    kubefed_health: int
    kubefed_metrics: int

    def by_component(self) -> dict[str, list[int]]:
        """Component (kwokctl's name) -> the ports it listens on."""
        return {
            "etcd": [self.etcd, self.etcd_peer],
            "kube-apiserver": [self.kube_apiserver],
            "kube-controller-manager": [self.kube_controller_manager],
            "kube-scheduler": [self.kube_scheduler],
            "kwok-controller": [self.kwok_controller],
        }

    def as_dict(self) -> dict[str, int]:
        """Name -> port."""
        return asdict(self)


def cluster_ports(base: int, index: int) -> ClusterPorts:
    """The ports of cluster number ``index`` (from 0)."""
    first = base + index * PORTS_PER_CLUSTER
    return ClusterPorts(*range(first, first + len(ClusterPorts.__dataclass_fields__)))


def octet(index: int) -> int:
    """n of cluster ``index``'s addresses 127.n.x.y."""
    return index + 1


def assign_indexes(taken: dict[str, int], wanted: list[str]) -> dict[str, int]:
    """A number for each wanted cluster: those that exist keep theirs, new ones get the lowest free, in order.

    So a cluster keeps its ports when hosts are added to the inventory before it, or removed.
    """
    used = set(taken.values())
    free = (index for index in range(len(used) + len(wanted)) if index not in used)
    return {name: taken[name] if name in taken else next(free) for name in wanted}


@dataclass(frozen=True)
class LabFiles:
    """The files of one lab, below ``root`` (absolute)."""

    root: str

    @property
    def kwok(self) -> str:
        """kwokctl's work folder."""
        return f"{self.root}/kwok"

    @property
    def kubeconfigs(self) -> str:
        return f"{self.root}/kubeconfigs"

    @property
    def clusters(self) -> str:
        """Our records, one file per cluster."""
        return f"{self.root}/clusters"

    @property
    def processes(self) -> str:
        """Records, logs and files of what lab_process runs."""
        return f"{self.root}/processes"

    @property
    def path(self) -> str:
        """Folder that kwokctl finds its ``kubectl`` in."""
        return f"{self.root}/path"

    @property
    def report(self) -> str:
        return f"{self.root}/lab.json"

    def top_level(self) -> list[str]:
        """All that a lab has in its folder."""
        return [self.kwok, self.kubeconfigs, self.clusters, self.processes, self.path, self.report]

    def recorded_hosts(self) -> list[str]:
        """Inventory hosts of the clusters that are recorded here."""
        names = os.listdir(self.clusters) if os.path.isdir(self.clusters) else []
        return sorted(name.removesuffix(".json") for name in names if name.endswith(".json"))

    def lock(self, host: str) -> str:
        return f"{self.clusters}/{host}.lock"

    def kubeconfig(self, host: str) -> str:
        return f"{self.kubeconfigs}/{host}"

    def record(self, host: str) -> str:
        return f"{self.clusters}/{host}.json"

    def config(self, host: str) -> str:
        return f"{self.clusters}/{host}.kwok.yaml"

    def egress(self, host: str) -> str:
        """What the API server may reach of its cluster: nothing."""
        return f"{self.clusters}/{host}.egress.yaml"

    def log(self, host: str) -> str:
        """Output of kwokctl itself."""
        return f"{self.clusters}/{host}.log"

    def work(self, cluster: str) -> str:
        """kwokctl's folder of one cluster (named with the lab's prefix)."""
        return f"{self.kwok}/clusters/{cluster}"

    def pid(self, cluster: str, component: str) -> str:
        return f"{self.work(cluster)}/pids/{component}.pid"

    def starts(self, cluster: str) -> str:
        """Our record of the components' processes, next to kwokctl's pid files."""
        return f"{self.work(cluster)}/pids/edgefed.json"
