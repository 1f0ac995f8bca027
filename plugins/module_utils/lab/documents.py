# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a lab cluster is made of, as data: kwokctl's configuration, the stages that hand out addresses, the nodes. Pure."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from ansible_collections.edgefed.kubefed.plugins.module_utils.lab.layout import ClusterPorts

KWOKCTL_API = "config.kwok.x-k8s.io/v1alpha1"
STAGE_API = "kwok.x-k8s.io/v1alpha1"

_CAPACITY = {"cpu": "32", "memory": "256Gi", "pods": "110"}

# Component (as kwokctl names its process and pid file) -> name of the tool that it runs.
COMPONENTS: dict[str, str] = {
    "etcd": "etcd",
    "kube-apiserver": "kube-apiserver",
    "kube-controller-manager": "kube-controller-manager",
    "kube-scheduler": "kube-scheduler",
    "kwok-controller": "kwok",
}
TOOLS = ("kwokctl", "kubectl", *COMPONENTS.values())

# A lab's data may be lost with the machine, so etcd need not wait for the disk; and nobody else wants to lead.
_EXTRA_ARGS: dict[str, dict[str, str]] = {
    "etcd": {"unsafe-no-fsync": "true"},
    "kube-controller-manager": {"leader-elect": "false"},
    "kube-scheduler": {"leader-elect": "false"},
}

# Nothing listens at the addresses of Services and pods, and packets to them would leave the machine: the API server, which calls webhooks
# and aggregated APIs there, is sent to a socket that is not.
NO_EGRESS: dict[str, Any] = {
    "apiVersion": "apiserver.k8s.io/v1beta1",
    "kind": "EgressSelectorConfiguration",
    "egressSelections": [
        {
            "name": "cluster",
            "connection": {
                "proxyProtocol": "HTTPConnect",
                "transport": {"uds": {"udsName": "/nonexistent/no-service-answers-in-the-embedded-lab"}},
            },
        }
    ],
}


def kwokctl_documents(ports: ClusterPorts, octet: int, binaries: dict[str, str], version: str, egress: str) -> list[dict[str, Any]]:
    """The documents of one cluster's configuration file for kwokctl.

    ``octet`` n gives the cluster's addresses 127.n.0.0/16, ``binaries`` holds the path of each of :data:`TOOLS`,
    ``version`` is Kubernetes' (``v1.34.4``), from which kwokctl derives the flags that the components know; ``egress`` is the file with
    :data:`NO_EGRESS`.
    """
    options: dict[str, Any] = {
        "runtime": "binary",
        "bindAddress": "127.0.0.1",
        "kubeVersion": version,
        "kubeApiserverPort": ports.kube_apiserver,
        "etcdPort": ports.etcd,
        "etcdPeerPort": ports.etcd_peer,
        "kubeControllerManagerPort": ports.kube_controller_manager,
        "kubeSchedulerPort": ports.kube_scheduler,
        "kwokControllerPort": ports.kwok_controller,
        "etcdBinary": binaries["etcd"],
        "kubeApiserverBinary": binaries["kube-apiserver"],
        "kubeControllerManagerBinary": binaries["kube-controller-manager"],
        "kubeSchedulerBinary": binaries["kube-scheduler"],
        "kwokControllerBinary": binaries["kwok"],
        "kubectlBinary": binaries["kubectl"],
    }
    patches = [
        {"name": name, "extraArgs": [{"key": key, "value": value} for key, value in arguments.items()]}
        for name, arguments in {**_EXTRA_ARGS, "kube-apiserver": {"egress-selector-config-file": egress}}.items()
    ]
    configuration = {
        "apiVersion": KWOKCTL_API,
        "kind": "KwokctlConfiguration",
        "options": options,
        "componentsPatches": patches,
    }
    return [configuration, service_stage(octet), ingress_stage(octet)]


def service_stage(octet: int) -> dict[str, Any]:
    """Gives each LoadBalancer Service that has none the address 127.n.C.D, for the cluster IP A.B.C.D."""
    template = (
        '{{ $ip := splitList "." .spec.clusterIP }}\n'
        "loadBalancer:\n"
        "  ingress:\n"
        f'  - ip: "127.{octet}.{{{{ index $ip 2 }}}}.{{{{ index $ip 3 }}}}"\n'
    )
    selector: list[dict[str, Any]] = [
        {"key": ".spec.type", "operator": "In", "values": ["LoadBalancer"]},
        {"key": ".status.loadBalancer.ingress", "operator": "DoesNotExist"},
    ]
    return _stage("service-load-balancer", {"apiGroup": "v1", "kind": "Service"}, selector, template)


def ingress_stage(octet: int) -> dict[str, Any]:
    """Gives each Ingress that has none the one address that an ingress controller of this cluster would have."""
    template = f'loadBalancer:\n  ingress:\n  - ip: "{ingress_address(octet)}"\n'
    selector: list[dict[str, Any]] = [{"key": ".status.loadBalancer.ingress", "operator": "DoesNotExist"}]
    return _stage("ingress-address", {"apiGroup": "networking.k8s.io/v1", "kind": "Ingress"}, selector, template)


def ingress_address(octet: int) -> str:
    """Above every Service's address: those end with the cluster IP's last two octets, of 10.0.0.0/24."""
    return f"127.{octet}.255.1"


def _stage(name: str, kind: dict[str, str], selector: list[dict[str, Any]], template: str) -> dict[str, Any]:
    return {
        "apiVersion": STAGE_API,
        "kind": "Stage",
        "metadata": {"name": name},
        "spec": {
            "resourceRef": kind,
            "selector": {"matchExpressions": [{"jq": expression} for expression in selector]},
            "next": {"patches": [{"subresource": "status", "root": "status", "template": template}]},
        },
    }


def node_name(cluster: str, number: int) -> str:
    """Name of node ``number`` (from 0)."""
    return f"{cluster}-{number}"


def node_manifest(cluster: str, number: int, labels: dict[str, str]) -> dict[str, Any]:
    """Node ``number`` (from 0) of a cluster; kwok plays its kubelet."""
    name = node_name(cluster, number)
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": name,
            "annotations": {"kwok.x-k8s.io/node": "fake", "node.alpha.kubernetes.io/ttl": "0"},
            "labels": {
                "kubernetes.io/arch": "amd64",
                "kubernetes.io/hostname": name,
                "kubernetes.io/os": "linux",
                "node-role.kubernetes.io/agent": "",
                "type": "kwok",
                **labels,
            },
        },
        "status": {"allocatable": dict(_CAPACITY), "capacity": dict(_CAPACITY)},
    }


def node_labels(region: str, zone: str, more: dict[str, Any]) -> dict[str, str]:
    """The labels that tell where a cluster's nodes are, and those of the inventory."""
    topology = {"topology.kubernetes.io/region": region, "topology.kubernetes.io/zone": zone}
    return {**{key: value for key, value in topology.items() if value}, **{key: str(value) for key, value in more.items()}}


def digest(documents: list[dict[str, Any]]) -> str:
    """Tells whether two configurations are the same (sha256, hexadecimal)."""
    return hashlib.sha256(json.dumps(documents, sort_keys=True).encode()).hexdigest()
