#!/usr/bin/python
# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: kubeconfig_kept
short_description: Keep a merged kubeconfig in Secrets of the host cluster between runs
version_added: 0.1.0
author: edgefed contributors (@edgefed)
description:
  - For runs whose folder goes with them, as AWX's jobs. Keeps cluster, user and context of one cluster in a Secret of its own on the host
    cluster, and brings all that are kept back into a file.
  - Runs for different clusters never write the same Secret.
  - Nothing secret is in its output or diff.
extends_documentation_fragment:
  - kubernetes.core.k8s_auth_options
  - edgefed.kubefed.attributes.plain
options:
  kubeconfig:
    description: The kubeconfig of the B(host cluster), a path or the content as a dictionary. With it all other auth options.
    type: raw
  context:
    description: The context of the B(host cluster) in O(kubeconfig).
    type: str
  state:
    description:
      - V(present) keeps the cluster O(name) of O(path).
      - V(absent) removes what is kept of it.
      - V(fetched) writes all that are kept into O(path). What else is in the file stays.
    type: str
    choices: [present, absent, fetched]
    default: present
  name:
    description: The cluster, as its context in O(path) is named.
    type: str
  path:
    description: The merged kubeconfig.
    type: path
  namespace:
    description: The namespace of the Secrets. It is made when it is not there.
    type: str
    default: edgefed
seealso:
  - module: edgefed.kubefed.kubeconfig
requirements:
  - kubernetes >= 29
"""

EXAMPLES = r"""
- name: Keep what was merged
  edgefed.kubefed.kubeconfig_kept:
    kubeconfig: host.kubeconfig
    name: shop-001
    path: .edgefed/kubeconfig

- name: Bring all back, in another run
  edgefed.kubefed.kubeconfig_kept:
    kubeconfig: host.kubeconfig
    path: .edgefed/kubeconfig
    state: fetched

- name: Keep it no longer
  edgefed.kubefed.kubeconfig_kept:
    kubeconfig: host.kubeconfig
    name: shop-001
    state: absent
"""

RETURN = r"""
clusters:
  description: The clusters that were kept, removed or fetched.
  returned: success
  type: list
  elements: str
  sample: [shop-001]
api_requests:
  description: Requests sent to the host cluster.
  returned: success
  type: int
  sample: 2
"""

from typing import Any, Callable

from ansible_collections.edgefed.kubefed.plugins.module_utils.auth_options import AUTH_SPEC
from ansible_collections.edgefed.kubefed.plugins.module_utils.client import Client
from ansible_collections.edgefed.kubefed.plugins.module_utils.kubeconfig import kept
from ansible_collections.edgefed.kubefed.plugins.module_utils.kubeconfig.model import dump, parse
from ansible_collections.edgefed.kubefed.plugins.module_utils.kubeconfig.store import Store
from ansible_collections.edgefed.kubefed.plugins.module_utils.module import run_as_module
from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import Result

ARGUMENT_SPEC: dict[str, dict[str, Any]] = {
    **AUTH_SPEC,
    "state": {"type": "str", "choices": ["present", "absent", "fetched"], "default": "present"},
    "name": {"type": "str"},
    "path": {"type": "path"},
    "namespace": {"type": "str", "default": "edgefed"},
}
CONSTRAINTS: dict[str, Any] = {
    "required_if": [["state", "present", ["name", "path"]], ["state", "absent", ["name"]], ["state", "fetched", ["path"]]],
}
WAIT = 30


def run(params: dict[str, Any], check: bool, diff: bool, connect: Callable[..., Client]) -> Result:
    """Keep, remove or fetch."""
    host = connect(params, params["context"])
    does = {"present": _keep, "absent": _remove, "fetched": _fetch}[params["state"]]
    result = does(host, params, check)
    result.data["api_requests"] = host.requests
    return result


def _keep(host: Client, params: dict[str, Any], check: bool) -> Result:
    name, namespace = params["name"], params["namespace"]
    store = Store(params["path"])
    wanted = kept.manifest(name, namespace, kept.one_of(parse(store.read() or b"", store.dest), name, store.dest))
    there = host.find(kept.path_of(namespace, name))
    was = "none" if there is None else "kept" if there.get("data") == wanted["data"] else "another"
    result = _told(name, was, "kept")
    if result.changed and not check:
        if there is None and host.find(f"/api/v1/namespaces/{namespace}") is None:
            host.apply(f"/api/v1/namespaces/{namespace}", kept.namespace_manifest(namespace))
        host.apply(kept.path_of(namespace, name), wanted)
    return result


def _remove(host: Client, params: dict[str, Any], check: bool) -> Result:
    path = kept.path_of(params["namespace"], params["name"])
    there = host.find(path) is not None
    if there and not check:
        host.delete(path)
    return _told(params["name"], "kept" if there else "none", "none")


def _fetch(host: Client, params: dict[str, Any], check: bool) -> Result:
    secrets = kept.all_of(host, params["namespace"])
    clusters = sorted(secret["metadata"]["labels"][kept.LABEL] for secret in secrets)
    store = Store(params["path"])
    plan = kept.with_kept(parse(store.read() or b"", store.dest), secrets)
    if plan.changed:
        store.check()
        if not check:
            with store.locked("fetched clusters", WAIT):
                store.write(dump(kept.with_kept(parse(store.read() or b"", store.dest), secrets).after).encode())
    before, after = ("\n".join([*sorted(side.contexts), ""]) for side in (plan.before, plan.after))
    diff = {"before_header": store.dest, "after_header": store.dest, "before": before, "after": after}
    return Result(changed=plan.changed, diff=diff, data={"clusters": clusters})


def _told(name: str, before: str, after: str) -> Result:
    diff = {"before": f"kubeconfig of {name}: {before}\n", "after": f"kubeconfig of {name}: {after}\n"}
    return Result(changed=before != after, diff=diff, data={"clusters": [name]})


def main() -> None:
    """Run as a module."""
    run_as_module(run, ARGUMENT_SPEC, **CONSTRAINTS)


if __name__ == "__main__":
    main()
