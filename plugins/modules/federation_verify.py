#!/usr/bin/python
# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: federation_verify
short_description: Prove that every cluster has what its federated resources say
version_added: 0.1.0
author: edgefed contributors (@edgefed)
description:
  - Reads the host cluster and every member, and compares each object with what KubeFed makes of template, placement and overrides
    for that cluster. The condition C(Propagation) is not taken for a proof, least of all one of an older generation.
  - What should be there has to be a subset of what is there, as API servers add fields. Fields that an override removes must be gone.
    Replicas count as right where C(retainReplicas) leaves them to the member.
  - Checks that every cluster in O(clusters) is joined, ready and answers. One that does not answer hides nothing of the others.
  - Does not fail because of what it finds. See RV(in_sync) and RV(problems), or use the role P(edgefed.kubefed.verify#role), which does.
  - Clusters are read at the same time, with one list for each kind and cluster, under the context that is named as the cluster.
extends_documentation_fragment:
  - kubernetes.core.k8s_auth_options
  - edgefed.kubefed.wait
  - edgefed.kubefed.attributes
options:
  kubeconfig:
    description: The merged kubeconfig, a path or the content as a dictionary, with a context for the host cluster and for each member.
    type: raw
  context:
    description: The context of the B(host cluster) in O(kubeconfig).
    type: str
  clusters:
    description:
      - The clusters that have to take part, usually the inventory group C(federation_members).
      - A cluster that is joined and not among them is a warning. By default every joined cluster is expected.
    type: list
    elements: str
    default: []
  namespace:
    description: The namespace of KubeFed in the host cluster.
    type: str
    default: kube-federation-system
  kinds:
    description: Only these kinds, as V(Deployment) or V(FederatedDeployment). By default all enabled federated types.
    type: list
    elements: str
    default: []
  namespaces:
    description: Only these namespaces and what is in them. By default all. Kinds without a namespace are left out when this is set.
    type: list
    elements: str
    default: []
  strictness:
    description:
      - V(desired) asks that all is there that template and overrides say.
      - V(exact) also refuses labels, annotations and data that they do not say, and any value in a field that an override removes,
        even one that looks like the API server's default.
    type: str
    choices: [desired, exact]
    default: desired
  require_ready:
    description: Whether workloads that have fewer ready pods than they want are a problem.
    type: bool
    default: true
  report_html:
    description:
      - File for the report as one HTML page. Mode 0600; its folder is made with 0700.
      - Written only when it says something new. The time in it is when the federation was first seen in this state.
    type: path
  report_json:
    description: File for the report as JSON, kept as O(report_html) is.
    type: path
  parallel:
    description: How many requests may be under way at one time.
    type: int
    default: 16
  wait:
    description:
      - Whether to look again while something may still come right. A cluster that is not joined or does not answer is not waited for.
      - An address of a C(LoadBalancer) Service is waited for while the Service is younger than O(wait_timeout), one of an Ingress for
        3 seconds only, as often nothing gives it.
  wait_timeout:
    default: 30
notes:
  - Runs in process where its play runs on the same Python, in some 0.3 seconds for three clusters.
seealso:
  - module: edgefed.kubefed.federated_resource
"""

EXAMPLES = r"""
- name: Every cluster has what it should have
  edgefed.kubefed.federation_verify:
    kubeconfig: .edgefed/kubeconfig
    context: local
    clusters: "{{ groups['federation_members'] }}"
    report_html: .edgefed/report.html
    report_json: .edgefed/report.json
  register: verified

- name: Only the deployments of one namespace, as they are at this moment
  edgefed.kubefed.federation_verify:
    kubeconfig: .edgefed/kubeconfig
    context: local
    kinds: [Deployment]
    namespaces: [vrfederation]
    strictness: exact
    wait: false
"""

RETURN = r"""
in_sync:
  description: Whether there is no problem.
  returned: success
  type: bool
  sample: true
problems:
  description:
    - What is wrong, each with RV(ignore:cluster), RV(ignore:resource), RV(ignore:state) and a message that says what, where, why and next.
    - RV(ignore:may_heal) tells whether waiting could help.
  returned: success
  type: list
  elements: dict
  sample:
    - cluster: cddev
      resource: Deployment vrfederation/test-deployment
      state: differs
      message: "cddev: Deployment vrfederation/test-deployment is not template + override: spec.replicas is 5, should be 3 (kubectl, Update,
        since 2026-03-04T05:06:07Z). Why: …"
      may_heal: true
resources:
  description:
    - The matrix. For each resource and cluster RV(ignore:state) is V(in_sync), V(differs), V(missing), V(extra) or V(unreachable),
      RV(ignore:why) the reason, RV(ignore:fields) the paths that differ, and RV(ignore:drift) each of them with its value, the one it
      should have, the field manager that wrote it, and since when.
    - A cluster that a resource is not placed in has no entry.
  returned: success
  type: list
  elements: dict
  sample:
    - kind: Deployment
      federated_kind: FederatedDeployment
      api_version: apps/v1
      namespace: vrfederation
      name: test-deployment
      clusters:
        cddev:
          state: in_sync
          why: ""
          fields: []
          drift: []
          replicas: 3/3
          ready: true
          images: ["nginx:1.14.0-alpine"]
          addresses: []
clusters:
  description:
    - Each cluster, its RV(ignore:state) one of V(ok), V(not_ready), V(not_joined), V(unreachable), its RV(ignore:cordon) empty,
      V(cordoned) or V(drained).
  returned: success
  type: list
  elements: dict
  sample:
    - name: cddev
      expected: true
      joined: true
      ready: true
      reachable: true
      state: ok
      cordon: ""
      why: ""
      version: v1.34.4
      region: southwest
      zones: [chengdu-1]
      nodes: {ready: 2, total: 2}
      api_endpoint: https://10.1.0.10:6443
summary:
  description: Counts of clusters, resources and objects by state.
  returned: success
  type: dict
  sample: {clusters: 3, clusters_ok: 3, resources: 4, objects: 8, in_sync: 8, differs: 0, missing: 0, extra: 0, unreachable: 0}
table:
  description: The table of clusters and resources, line by line, and below it that of the fields that differ.
  returned: success
  type: list
  elements: str
  sample: ["CLUSTER  READY  VERSION  REGION     Deployment", "…"]
looks:
  description: How often the clusters were read.
  returned: success
  type: int
  sample: 1
api_requests:
  description: How many requests were sent to all clusters together.
  returned: success
  type: int
  sample: 57
"""

import time
from datetime import datetime, timezone
from typing import Any, Callable

from ansible_collections.edgefed.kubefed.plugins.module_utils.auth_options import AUTH_SPEC, wait_spec
from ansible_collections.edgefed.kubefed.plugins.module_utils.module import run_as_module
from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import Result
from ansible_collections.edgefed.kubefed.plugins.module_utils.report import drift, files
from ansible_collections.edgefed.kubefed.plugins.module_utils.report.plan import decode, plan
from ansible_collections.edgefed.kubefed.plugins.module_utils.report.table import render
from ansible_collections.edgefed.kubefed.plugins.module_utils.verify.matrix import Options, build_report
from ansible_collections.edgefed.kubefed.plugins.module_utils.verify.observe import Observer
from ansible_collections.edgefed.kubefed.plugins.module_utils.verify.patience import worth_waiting

ARGUMENT_SPEC = {
    **AUTH_SPEC,
    **wait_spec(timeout=30),
    "clusters": {"type": "list", "elements": "str", "default": []},
    "namespace": {"type": "str", "default": "kube-federation-system"},
    "kinds": {"type": "list", "elements": "str", "default": []},
    "namespaces": {"type": "list", "elements": "str", "default": []},
    "strictness": {"type": "str", "choices": ["desired", "exact"], "default": "desired"},
    "require_ready": {"type": "bool", "default": True},
    "report_html": {"type": "path"},
    "report_json": {"type": "path"},
    "parallel": {"type": "int", "default": 16},
}

DRIFT_SHOWN = 20


def _options(params: dict[str, Any]) -> Options:
    return Options(
        expected=tuple(params["clusters"]),
        kinds=tuple(params["kinds"]),
        namespaces=tuple(params["namespaces"]),
        exact=params["strictness"] == "exact",
        require_ready=params["require_ready"],
    )


def _write(params: dict[str, Any], report: dict[str, Any], check: bool) -> tuple[bool, dict[str, Any]]:
    """Keep the report files; gives whether one changed, and what the table was before."""
    paths = {"html": params["report_html"], "json": params["report_json"]}
    old = {kind: files.read(path) if path else None for kind, path in paths.items()}
    wanted = plan(report, old["json"], old["html"], time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()))
    texts = {"html": wanted.html, "json": wanted.json}
    stale = {path: texts[kind] for kind, path in paths.items() if path and (old[kind] != texts[kind] or not files.is_private(path))}
    for path, text in stale.items() if not check else ():
        files.write(path, text)
    return bool(stale), decode(old["json"]) or {}


def _table(report: dict[str, Any]) -> list[str]:
    differing = drift.render(report, DRIFT_SHOWN)
    return [*render(report), *(["", *differing] if differing else [])]


def _lines(report: dict[str, Any]) -> list[str]:
    return [*_table(report), *report["warnings"]] if report else []


def run(params: dict[str, Any], check: bool, diff: bool, connect: Callable[..., Any]) -> Result:
    """Look until there is nothing more to wait for, then keep the report."""
    options = _options(params)
    auth = {name: params.get(name) for name in AUTH_SPEC}
    observer = Observer(connect, auth, params["namespace"], options, max(1, params["parallel"]))
    started, looks = time.monotonic(), 1
    report = build_report(*observer.look(), options)
    while params["wait"] and worth_waiting(report, time.monotonic() - started, params["wait_timeout"], datetime.now(timezone.utc)):
        time.sleep(params["wait_sleep"])
        report = build_report(*observer.look(), options)
        looks += 1
    table = _table(report)
    changed, before = _write(params, report, check)
    old, new = _lines(before), _lines(report)
    lines = {"before": old, "after": new if changed else old}
    texts = {side: "".join(f"{line}\n" for line in text) for side, text in lines.items()}
    headers = {f"{side}_header": params["report_json"] or params["report_html"] for side in lines}
    data = {**report, "table": table, "looks": looks, "api_requests": observer.requests}
    warnings = data.pop("warnings")
    return Result(changed=changed, diff={**texts, **headers}, warnings=warnings, data=data)


def main() -> None:
    """The module's entry."""
    run_as_module(run, ARGUMENT_SPEC)


if __name__ == "__main__":
    main()
