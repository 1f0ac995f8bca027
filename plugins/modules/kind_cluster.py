#!/usr/bin/python
# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: kind_cluster
short_description: Make, heal or remove one kind cluster of a lab
version_added: 0.1.0
author: edgefed contributors (@edgefed)
description:
  - A cluster whose nodes are containers, made by kind, with its API server on 127.0.0.1 for this machine and at
    C(https://CLUSTER-control-plane:6443) for the pods of the lab's other clusters.
  - Heals just what is broken. A node that was stopped or paused is started, an image that is missing on a node is loaded, labels and the
    kubeconfig are set right. A cluster whose first node is gone is made anew.
requirements:
  - kubernetes
extends_documentation_fragment:
  - edgefed.kubefed.attributes.plain
  - edgefed.kubefed.attributes.lab
  - edgefed.kubefed.lab
  - edgefed.kubefed.lab.cluster
  - edgefed.kubefed.kind
options:
  state:
    description:
      - Whether the cluster shall be there, running and ready.
      - V(verified) changes nothing and fails when a node lacks one of O(images).
    type: str
    choices: [present, absent, verified]
    default: present
  image:
    description: The node image.
    type: str
    default: ""
  built:
    description: Whether the node image is the lab's own, which brings CoreDNS as an isolated lab needs it.
    type: bool
    default: false
  images:
    description: Images that every node must have. Those that are missing are taken from the provider, or pulled by it.
    type: list
    elements: str
    default: []
  nodes:
    description: How many nodes the cluster has.
    type: int
    default: 1
  config:
    description: What is added to kind's configuration of the cluster. C(nodes) in it replaces O(nodes).
    type: dict
    default: {}
  timeout:
    description: Seconds until the cluster must be ready.
    type: int
    default: 300
"""

EXAMPLES = r"""
- name: Bring up a cluster
  edgefed.kubefed.kind_cluster:
    folder: "{{ lab_dir }}"
    host: zj
    index: 2
    port_base: 20000
    image: "{{ tools_kind.node_image }}"
    region: east
    zone: hangzhou-1
"""

RETURN = r"""
actions:
  description: What was done, or would be done.
  returned: success
  type: list
  elements: str
  sample: [start node zj-control-plane]
kubeconfig:
  description: The cluster's kubeconfig.
  returned: success
  type: str
  sample: /home/me/work/.edgefed/lab/kubeconfigs/zj
server:
  description: The API server's URL for this machine.
  returned: state=present
  type: str
  sample: https://127.0.0.1:20020
api_endpoint:
  description: The API server's URL for pods of the lab's other clusters.
  returned: state=present
  type: str
  sample: https://zj-control-plane:6443
seconds:
  description: How long it took.
  returned: success
  type: float
  sample: 25.1
api_requests:
  description: Requests sent to the API server.
  returned: success
  type: int
  sample: 40
"""

import contextlib
import json
import time
from typing import Any, Callable

from ansible_collections.edgefed.kubefed.plugins.module_utils.kind import dns
from ansible_collections.edgefed.kubefed.plugins.module_utils.kind.cluster import Cluster, Place, Settings
from ansible_collections.edgefed.kubefed.plugins.module_utils.kind.config import check_added, cluster_config, has_own_dns, roles
from ansible_collections.edgefed.kubefed.plugins.module_utils.kind.layout import API_SERVER_PORT, lab_files, node_names
from ansible_collections.edgefed.kubefed.plugins.module_utils.kind.options import SPEC, engine_of, engine_of_record, host_of
from ansible_collections.edgefed.kubefed.plugins.module_utils.kind.plan import Wanted, plan_present
from ansible_collections.edgefed.kubefed.plugins.module_utils.lab import storage
from ansible_collections.edgefed.kubefed.plugins.module_utils.lab.documents import node_labels
from ansible_collections.edgefed.kubefed.plugins.module_utils.lab.layout import cluster_ports
from ansible_collections.edgefed.kubefed.plugins.module_utils.lab.options import CLUSTER
from ansible_collections.edgefed.kubefed.plugins.module_utils.lab.results import converged, finished, removed
from ansible_collections.edgefed.kubefed.plugins.module_utils.module import run_as_module
from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import Result

LOCK_TIMEOUT = 300
RESOLV_CONF = "/etc/resolv.conf"

ARGUMENT_SPEC: dict[str, Any] = {
    **SPEC,
    **CLUSTER,
    "state": {"type": "str", "choices": ["present", "absent", "verified"], "default": "present"},
    "image": {"type": "str", "default": ""},
    "built": {"type": "bool", "default": False},
    "images": {"type": "list", "elements": "str", "default": []},
    "nodes": {"type": "int", "default": 1},
    "config": {"type": "dict", "default": {}},
    "timeout": {"type": "int", "default": 300},
}
CONSTRAINTS: dict[str, Any] = {"required_if": [("state", "present", ("index", "port_base", "image"))]}


def _cluster(params: dict[str, Any], connect: Callable[..., Any]) -> tuple[Cluster, Wanted]:
    _files, kind_files, _names = lab_files(params["folder"])
    engine, _podman = engine_of(params)
    host = host_of(params)
    name = f"{params['prefix']}{params['host']}"
    port = cluster_ports(params["port_base"] or 0, params["index"] or 0).kube_apiserver
    check_added(params["config"], params["host"])
    own_dns = has_own_dns(params["built"], params["config"])
    config = cluster_config(params["image"], port, params["nodes"], own_dns, params["config"])
    wanted = Wanted(
        nodes=tuple(node_names(name, roles(config))),
        labels=node_labels(params["region"], params["zone"], params["labels"]),
        corefile=dns.corefile(RESOLV_CONF, params["isolated"], "dns.podman" if params["provider"] == "podman" else "") if own_dns else None,
        images=tuple(params["images"]),
    )
    settings = Settings(params["index"] or 0, port)
    document = json.dumps(config, indent=2)
    place = Place(params["host"], name, kind_files, engine, lambda: host.check_guarded(params["isolated"]), not params["built"])
    return Cluster(place, settings, document, params["timeout"], connect), wanted


def _present(cluster: Cluster, wanted: Wanted, params: dict[str, Any], check: bool) -> Result:
    done = plan_present(cluster.observe(wanted), wanted) if check else cluster.converge(wanted)
    port = cluster_ports(params["port_base"], params["index"]).kube_apiserver
    endpoint = f"https://{wanted.nodes[0]}:{API_SERVER_PORT}"
    return converged(done, cluster.access.requests, server=f"https://127.0.0.1:{port}", api_endpoint=endpoint)


def _absent(cluster: Cluster, check: bool) -> Result:
    found = cluster.anything()
    if found and not check:
        cluster.remove()
    return removed(found)


def _verified(cluster: Cluster, wanted: Wanted) -> Result:
    cluster.check_images(wanted.images)
    return Result(data={"actions": [], "api_requests": 0})


def run(params: dict[str, Any], check: bool, diff: bool, connect: Callable[..., Any]) -> Result:
    """Converge one cluster; one run at a time works on it."""
    del diff
    started = time.monotonic()
    files, _kind, _names = lab_files(params["folder"])
    record = storage.read_json(files.record(params["host"]))
    known = {**params, **engine_of_record(record)}
    cluster, wanted = _cluster(known, connect)
    quiet = check or params["state"] == "verified" or (params["state"] == "absent" and not record)
    with contextlib.nullcontext() if quiet else host_of(known).lab_locked(making=True):
        with storage.locked(None if quiet else files.lock(cluster.host), f'lab cluster "{cluster.host}"', LOCK_TIMEOUT):
            if params["state"] == "present":
                result = _present(cluster, wanted, params, check)
            elif params["state"] == "verified":
                result = _verified(cluster, wanted)
            else:
                result = _absent(cluster, check)
        if params["state"] == "absent" and not quiet:
            storage.remove(files.lock(cluster.host))
        return finished(result, started, files.kubeconfig(cluster.host), None if check else cluster.note)


def main() -> None:
    run_as_module(run, ARGUMENT_SPEC, **CONSTRAINTS)


if __name__ == "__main__":
    main()
