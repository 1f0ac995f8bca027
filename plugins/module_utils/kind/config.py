# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""kind's configuration of one cluster, with what the user adds to it. Pure."""

from __future__ import annotations

import copy
from typing import Any, Mapping

from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import EdgefedError

API = "kind.x-k8s.io/v1alpha4"
# The lab's own CoreDNS takes the place of kubeadm's: see roles/tools/files/kind/edgefed-dns.yaml.
_OWN_DNS = "kind: InitConfiguration\nskipPhases: [preflight, addon/coredns]\n"
_OURS = ("kind", "apiVersion", "name")
_OUR_NETWORKING = ("apiServerAddress", "apiServerPort", "ipFamily")


def has_own_dns(built: bool, added: Mapping[str, Any]) -> bool:
    """Whether the lab brings CoreDNS: with its own node image, unless the user has other Service addresses or another network."""
    networking = added.get("networking") or {}
    return built and not networking.get("serviceSubnet") and not networking.get("disableDefaultCNI")


def cluster_config(image: str, port: int, nodes: int, own_dns: bool, added: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration; ``added`` is the user's (``lab_kind_config``): lists are appended, ``nodes`` replaces ours."""
    config: dict[str, Any] = {
        "kind": "Cluster",
        "apiVersion": API,
        "networking": {"apiServerAddress": "127.0.0.1", "apiServerPort": port},
        "nodes": [{"role": "control-plane" if number == 0 else "worker"} for number in range(nodes)],
        "kubeadmConfigPatches": [_OWN_DNS] if own_dns else [],
    }
    for key, value in added.items():
        if key == "nodes":
            config["nodes"] = copy.deepcopy(value)
        elif key == "networking":
            config["networking"] = {**value, **config["networking"]}
        elif isinstance(config.get(key), list):
            config[key] = [*config[key], *value]
        else:
            config[key] = value
    for node in config["nodes"]:
        node.setdefault("image", image)
    return config


def roles(config: Mapping[str, Any]) -> list[str]:
    """The role of each node."""
    return [node.get("role", "control-plane") for node in config["nodes"]]


def check_added(added: Any, host: str) -> None:
    """Refuse what is the lab's to say."""
    if not isinstance(added, Mapping):
        raise _refused(host, "is no mapping", "write it as kind's configuration file, without kind, apiVersion and name")
    ours = [key for key in _OURS if key in added]
    ours += [f"networking.{key}" for key in _OUR_NETWORKING if key in (added.get("networking") or {})]
    if ours:
        raise _refused(host, f"sets {', '.join(ours)}, which the lab sets itself", "leave it out; ports come from lab_port_base")
    nodes = added.get("nodes")
    if nodes is not None and not (isinstance(nodes, list) and nodes and all(isinstance(node, Mapping) for node in nodes)):
        raise _refused(host, "has nodes that are no list of nodes", "write each as a mapping with its role")


def _refused(host: str, what: str, todo: str) -> EdgefedError:
    return EdgefedError(f"lab_kind_config of host {host} {what}. Next: {todo}. Nothing was changed.", code="kind_config")
