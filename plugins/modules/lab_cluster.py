#!/usr/bin/python
# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: lab_cluster
short_description: Make, heal or remove one cluster of the embedded lab
version_added: 0.1.0
author: edgefed contributors (@edgefed)
description:
  - A real etcd, kube-apiserver, kube-controller-manager and kube-scheduler as processes of this machine, started by C(kwokctl), with
    kwok in place of nodes and pods. Everything listens on 127.0.0.1.
  - LoadBalancer Services and Ingresses get addresses from a range 127.n of the cluster's own.
  - Heals just what is broken. A component that does not run is started again; a pid file that points to another process is neither
    trusted nor acted on.
requirements:
  - kubernetes
extends_documentation_fragment:
  - edgefed.kubefed.attributes.plain
  - edgefed.kubefed.attributes.lab
  - edgefed.kubefed.lab
  - edgefed.kubefed.lab.cluster
options:
  state:
    description: Whether the cluster shall be there, running and ready.
    type: str
    choices: [present, absent]
    default: present
  tools:
    description: Path of each tool by name.
    type: dict
    default: {}
  kubernetes_version:
    description: Version of the Kubernetes tools, as V(v1.34.4).
    type: str
    default: v1.34.4
  nodes:
    description: How many nodes the cluster has.
    type: int
    default: 2
  timeout:
    description: Seconds until the cluster must be ready.
    type: int
    default: 120
"""

EXAMPLES = r"""
- name: Bring up a cluster
  edgefed.kubefed.lab_cluster:
    folder: "{{ lab_dir }}"
    host: zj
    index: 2
    port_base: 20000
    tools: "{{ tools_paths }}"
    region: east
    zone: hangzhou-1
"""

RETURN = r"""
actions:
  description: What was done, or would be done.
  returned: success
  type: list
  elements: str
  sample: [start kube-scheduler]
kubeconfig:
  description: The cluster's kubeconfig.
  returned: success
  type: str
  sample: /home/me/work/.edgefed/lab/kubeconfigs/zj
server:
  description: The API server's URL.
  returned: state=present
  type: str
  sample: https://127.0.0.1:20020
seconds:
  description: How long it took.
  returned: success
  type: float
  sample: 5.3
api_requests:
  description: Requests sent to the API server.
  returned: success
  type: int
  sample: 4
"""

import os
import time
from typing import Any, Callable

from ansible_collections.edgefed.kubefed.plugins.module_utils.lab import storage
from ansible_collections.edgefed.kubefed.plugins.module_utils.lab.bring_up import BringUp
from ansible_collections.edgefed.kubefed.plugins.module_utils.lab.documents import TOOLS, kwokctl_documents, node_labels, node_name
from ansible_collections.edgefed.kubefed.plugins.module_utils.lab.kwok import Cluster
from ansible_collections.edgefed.kubefed.plugins.module_utils.lab.layout import LabFiles, cluster_ports, octet
from ansible_collections.edgefed.kubefed.plugins.module_utils.lab.options import CLUSTER, FOLDER
from ansible_collections.edgefed.kubefed.plugins.module_utils.lab.results import converged, finished, removed
from ansible_collections.edgefed.kubefed.plugins.module_utils.module import run_as_module
from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import EdgefedError, Result

LOCK_TIMEOUT = 120

ARGUMENT_SPEC: dict[str, Any] = {
    **FOLDER,
    **CLUSTER,
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "tools": {"type": "dict", "default": {}},
    "kubernetes_version": {"type": "str", "default": "v1.34.4"},
    "nodes": {"type": "int", "default": 2},
    "timeout": {"type": "int", "default": 120},
}
CONSTRAINTS: dict[str, Any] = {"required_if": [("state", "present", ("index", "port_base"))]}


def _cluster(params: dict[str, Any]) -> Cluster:
    index = params["index"] or 0
    ports = cluster_ports(params["port_base"] or 0, index)
    present = params["state"] == "present"
    missing = [name for name in TOOLS if name not in params["tools"]] if present else []
    if missing:
        raise EdgefedError(
            f'Lab cluster "{params["host"]}" needs the tools {", ".join(missing)}, and option tools does not name them. '
            "Next: run tools.yml, and give its tools_paths.",
            code="tools",
        )
    files = LabFiles(os.path.realpath(params["folder"]))
    egress = files.egress(params["host"])
    documents = kwokctl_documents(ports, octet(index), params["tools"], params["kubernetes_version"], egress) if present else []
    return Cluster(params["host"], f"{params['prefix']}{params['host']}", index, ports, files, params["tools"], documents)


def _present(cluster: Cluster, params: dict[str, Any], check: bool, connect: Callable[..., Any]) -> Result:
    labels = node_labels(params["region"], params["zone"], params["labels"])
    nodes = {node_name(params["host"], number): labels for number in range(params["nodes"])}
    way = BringUp(cluster, nodes, params["timeout"], connect)
    done = way.plan() if check else way.converge()
    return converged(done, way.access.requests, server=f"https://127.0.0.1:{cluster.ports.kube_apiserver}")


def _absent(cluster: Cluster, check: bool) -> Result:
    found = cluster.has_anything()
    if found and not check:
        cluster.remove()
        storage.remove(cluster.files.lock(cluster.host))
    return removed(found)


def run(params: dict[str, Any], check: bool, diff: bool, connect: Callable[..., Any]) -> Result:
    """Converge one cluster; one run at a time works on it."""
    started = time.monotonic()
    cluster = _cluster(params)
    lock = None if check or not (params["state"] == "present" or cluster.has_anything()) else cluster.files.lock(cluster.host)
    with storage.locked(lock, f'lab cluster "{cluster.host}"', LOCK_TIMEOUT):
        result = _present(cluster, params, check, connect) if params["state"] == "present" else _absent(cluster, check)
    return finished(result, started, cluster.files.kubeconfig(cluster.host), None if check else cluster.note)


def main() -> None:
    run_as_module(run, ARGUMENT_SPEC, **CONSTRAINTS)


if __name__ == "__main__":
    main()
