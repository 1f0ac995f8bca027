# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Flavours of Kubernetes: where each keeps its administrator's kubeconfig, and which address is right. Pure; runs on members' masters.

``docs/flavours.md`` is this table in words, with what was not found in a source.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

KEPT, MASTERS, ASKED = "kept", "masters", "asked"
"""Whose address is right: the kubeconfig's own, that of the master it was read on (it says 127.0.0.1), one that a command tells."""


@dataclass(frozen=True)
class Flavour:
    """``files`` in the order they are tried. ``sign`` marks a machine of this flavour where the file's place is another flavour's too.

    ``reader`` is who may read, ``source`` the repository, path and commit that say so.
    """

    name: str
    files: tuple[str, ...]
    reader: str
    address: str
    source: tuple[str, str, str]
    sign: str = ""
    command: str = ""


# What StarlingX' own commands need to be allowed anything.
OPENRC = "/etc/platform/openrc"
ADMIN_CONF = "/etc/kubernetes/admin.conf"
_LB_EXT = "/etc/kubernetes/static-pod-resources/kube-apiserver-certs/secrets/node-kubeconfigs/lb-ext.kubeconfig"

# In the order of auto-detection: what lies on a machine of one flavour only goes before what other flavours have too.
ON_MASTERS = (
    Flavour(
        "starlingx",
        (ADMIN_CONF,),
        "root",
        ASKED,
        (
            "starlingx/config",
            "sysinv/cgts-client/cgts-client/cgtsclient/v1/iextoam_shell.py",
            "4bb98c5ebb81b12f2bccae55dd1e263c4ceb95f6",
        ),
        sign=OPENRC,
        command="system oam-show",
    ),
    Flavour(
        "kubeedge",
        ("/root/.kube/config", ADMIN_CONF),
        "root",
        KEPT,
        ("kubeedge/kubeedge", "keadm/cmd/keadm/app/cmd/common/constant.go", "0254e7d6909ea5f154abdaf2aa4ffb9e856cf8a3"),
        sign="/etc/kubeedge/config/cloudcore.yaml",
    ),
    Flavour(
        "openshift",
        (_LB_EXT,),
        "root",
        KEPT,
        (
            "openshift/cluster-kube-apiserver-operator",
            "bindata/assets/kube-apiserver/node-kubeconfigs.yaml",
            "005a95607cf9f8db490e962b549811d8bc0c5eaf",
        ),
    ),
    Flavour(
        "rke2",
        ("/etc/rancher/rke2/rke2.yaml",),
        "root",
        MASTERS,
        ("rancher/rke2", "docs/cluster_access.md", "2ea9f178b5764748e40d0772620d96cc8fd376ee"),
    ),
    Flavour(
        "k3s",
        ("/etc/rancher/k3s/k3s.yaml",),
        "root (write-kubeconfig-mode may widen it)",
        MASTERS,
        ("k3s-io/k3s", "pkg/server/server.go", "0035b2178388d770afcaa7816a3fb39346b1519a"),
    ),
    Flavour(
        "microk8s",
        ("/var/snap/microk8s/current/credentials/client.config",),
        "root and group microk8s",
        MASTERS,
        ("canonical/microk8s", "microk8s-resources/client.config.template", "145ff32aec3b71547c8d67b2fc96c7a84dbf5eb6"),
    ),
    Flavour(
        "kubeadm",
        (ADMIN_CONF,),
        "root",
        KEPT,
        ("kubernetes/kubernetes", "cmd/kubeadm/app/constants/constants.go", "00886ac01fec1c8432967e8bb597828f46a9ba8b"),
    ),
)
OTHER = Flavour("", ("~/.kube/config",), "its owner", KEPT, ("", "", ""))
AUTO = "auto"
# A row of what StarlingX' commands print of one thing.
ROW = re.compile(r"^\|\s*(\S+)\s*\|\s*(\S+)\s*\|\s*$", re.MULTILINE)


def named(name: str) -> Flavour | None:
    """The flavour of that name, if its kubeconfig lies on masters."""
    return next((flavour for flavour in ON_MASTERS if flavour.name == name), None)


def oam_address(table: str) -> str:
    """The address in what ``system oam-show`` prints; a simplex system says ``oam_ip``. Empty when it tells none."""
    rows = dict(ROW.findall(table))
    return rows.get("oam_floating_ip") or rows.get("oam_ip") or ""
