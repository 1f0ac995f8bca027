# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Where a lab of kind clusters lies: names, addresses and files. Pure, but for the files' names."""

from __future__ import annotations

import hashlib
import ipaddress
import os
from dataclasses import dataclass
from typing import Collection

from ansible_collections.edgefed.kubefed.plugins.module_utils.lab.layout import LabFiles

API_SERVER_PORT = 6443
# What the clusters use within, and no lab may have for itself.
INNER_NETWORKS = ("10.96.0.0/16", "10.244.0.0/16")
_CANDIDATES = 4096


@dataclass(frozen=True)
class LabNames:
    """The names of the lab in ``folder`` (absolute): its network, which is also its bridge, and its nftables table."""

    folder: str

    @property
    def mark(self) -> str:
        return hashlib.sha256(self.folder.encode()).hexdigest()[:6]

    @property
    def network(self) -> str:
        """A bridge's name has at most 15 characters."""
        return f"edgefed-{self.mark}"

    @property
    def table(self) -> str:
        return f"edgefed_{self.mark}"


@dataclass(frozen=True)
class KindFiles:
    """What a lab of kind clusters has in its folder besides the files that every lab has."""

    lab: LabFiles

    def config(self, host: str) -> str:
        return f"{self.lab.clusters}/{host}.kind.yaml"


def control_plane(cluster: str) -> str:
    """The name of a cluster's first node, which is also its API server's name among the nodes."""
    return f"{cluster}-control-plane"


def node_names(cluster: str, roles: Collection[str]) -> list[str]:
    """The names that kind gives to nodes of these roles, in their order."""
    counts: dict[str, int] = {}
    names = []
    for role in roles:
        counts[role] = counts.get(role, 0) + 1
        names.append(f"{cluster}-{role}{counts[role] if counts[role] > 1 else ''}")
    if counts.get("control-plane", 0) > 1:
        names.append(f"{cluster}-external-load-balancer")
    return names


def choose_subnet(mark: str, taken: Collection[str]) -> str | None:
    """A network of 254 addresses for the lab, always the same for the same lab, that overlaps none that is taken."""
    used = [ipaddress.ip_network(one) for one in [*taken, *INNER_NETWORKS]]
    first = int(mark, 16) % _CANDIDATES
    for step in range(_CANDIDATES):
        number = (first + step) % _CANDIDATES
        subnet = ipaddress.ip_network(f"10.{200 + number // 256}.{number % 256}.0/24")
        if not any(subnet.overlaps(other) for other in used if other.version == subnet.version):
            return str(subnet)
    return None


def gateway(subnet: str) -> str:
    """The machine's own address in the lab's network."""
    return str(ipaddress.ip_network(subnet)[1])


def parse_routes(table: str) -> list[str]:
    """The networks of ``/proc/net/route``, without the default."""
    found = []
    for line in table.splitlines()[1:]:
        fields = line.split()
        if len(fields) > 7 and fields[1] != "00000000":
            address = ipaddress.ip_address(int.from_bytes(bytes.fromhex(fields[1]), "little"))
            mask = ipaddress.ip_address(int.from_bytes(bytes.fromhex(fields[7]), "little"))
            found.append(str(ipaddress.ip_network(f"{address}/{mask}", strict=False)))
    return found


def lab_files(folder: str) -> tuple[LabFiles, KindFiles, LabNames]:
    """All three for the lab in ``folder``."""
    files = LabFiles(os.path.realpath(folder))
    return files, KindFiles(files), LabNames(files.root)
