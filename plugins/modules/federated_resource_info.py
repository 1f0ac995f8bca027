#!/usr/bin/python
# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: federated_resource_info
short_description: Tells where clusters differ from their federated resources, and who did it
version_added: 0.1.0
author: edgefed contributors (@edgefed)
description:
  - Compares what each cluster has with template and overrides, as M(edgefed.kubefed.federation_verify) does, and tells for each field that
    differs which field manager wrote it, and since when.
  - Tells what KubeFed says of each federated resource, its reason for each cluster, and whether that is of the present generation. The
    condition C(Propagation) stays C(True) from an older one while a cluster is away.
  - Reads once and does not wait. It never fails because of what it finds.
  - The values of a Secret are never shown.
options:
  kubeconfig:
    description: The merged kubeconfig, a path or the content as a dictionary, with a context for the host cluster and for each member.
    type: raw
  context:
    description: The context of the B(host cluster) in O(kubeconfig).
    type: str
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
  names:
    description: Only resources of these names.
    type: list
    elements: str
    default: []
  label_selectors:
    description:
      - Only federated resources with these labels, each as V(app=web), V(tier in (front, back\)) or V(!canary). All must match.
      - Objects that no federated resource accounts for are not looked for then.
    type: list
    elements: str
    default: []
  strictness:
    description:
      - V(desired) asks that all is there that template and overrides say.
      - V(exact) also tells labels, annotations and data that they do not say, and any value in a field that an override removes.
    type: str
    choices: [desired, exact]
    default: desired
  federation_namespace:
    description: The namespace of KubeFed in the host cluster.
    type: str
    default: kube-federation-system
  parallel:
    description: How many requests may be under way at one time.
    type: int
    default: 16
extends_documentation_fragment:
  - kubernetes.core.k8s_auth_options
  - edgefed.kubefed.attributes.info
notes:
  - An API server records who wrote a field, and not who took one away. For a field or an object that is gone nobody is named.
  - It records when a manager last changed any of its fields. The field is that old, or older. Of what was written through the subresource
    C(scale), as C(kubectl scale) does, it keeps no time for a Deployment.
seealso:
  - module: edgefed.kubefed.federation_verify
  - module: edgefed.kubefed.federated_resource
  - module: edgefed.kubefed.federated_resource_preview
"""

EXAMPLES = r"""
- name: What differs in the federation
  edgefed.kubefed.federated_resource_info:
    kubeconfig: .edgefed/kubeconfig
    context: local
  register: found

- name: Show it
  ansible.builtin.debug:
    msg: "{{ found.table | join('\n') }}"

- name: One application, exactly
  edgefed.kubefed.federated_resource_info:
    kubeconfig: .edgefed/kubeconfig
    context: local
    namespaces: [shop]
    label_selectors: [app=web]
    strictness: exact
  register: web

- name: Nobody has changed it by hand
  ansible.builtin.assert:
    that: web.drift | length == 0
"""

RETURN = r"""
drift:
  description:
    - What differs, by cluster, object and field. RV(ignore:is) and RV(ignore:should) are JSON, cut where they are long, and empty for a
      field that is not there.
    - RV(ignore:manager), RV(ignore:operation) and RV(ignore:since) are those of the field's last writer, empty where nobody is recorded.
    - An object that is missing, should not be there or could not be read is one entry with an empty RV(ignore:field). Its
      RV(ignore:is) is V(missing), V(extra) or V(unreachable).
  returned: success
  type: list
  elements: dict
  sample:
    - cluster: cddev
      object: Deployment shop/web
      field: spec.replicas
      is: "5"
      should: "3"
      manager: kubectl
      operation: Update
      since: "2026-03-04T05:06:07Z"
resources:
  description:
    - Each resource that was chosen. RV(ignore:clusters) has for each cluster what RV(edgefed.kubefed.federation_verify#module:resources)
      has, RV(ignore:state), RV(ignore:why), RV(ignore:fields), RV(ignore:drift) and more.
    - RV(ignore:propagation) is what KubeFed says, its RV(ignore:status) V(Unknown) unless RV(ignore:current), that is of the present
      generation. Its RV(ignore:clusters) have V(OK) or the controller's own reason. It is empty where there is no federated resource.
  returned: success
  type: list
  elements: dict
  sample:
    - kind: Deployment
      federated_kind: FederatedDeployment
      api_version: apps/v1
      namespace: shop
      name: web
      clusters:
        cddev:
          state: differs
          why: the cluster refused to update it
          fields: [spec.replicas]
          differences: ["spec.replicas is 5, should be 3"]
          drift:
            - {field: spec.replicas, is: "5", should: "3", manager: kubectl, operation: Update, since: "2026-03-04T05:06:07Z"}
          replicas: 5/5
          ready: true
          images: ["nginx:1.14.0-alpine"]
          addresses: []
      propagation:
        generation: 4
        observed_generation: 4
        current: true
        status: "False"
        reason: CheckClusters
        since: "2026-03-04T05:06:17Z"
        clusters: {cddev: UpdateFailed}
unreachable:
  description: Clusters that could not be read, with the reason.
  returned: success
  type: dict
  sample: {}
in_sync:
  description: Whether nothing differs, and every cluster could be read.
  returned: success
  type: bool
  sample: false
table:
  description: The table of RV(drift), line by line. Empty when nothing differs.
  returned: success
  type: list
  elements: str
  sample: ["CLUSTER  OBJECT               FIELD          IS  SHOULD BE  BY                SINCE", "…"]
api_requests:
  description: How many requests were sent to all clusters together.
  returned: success
  type: int
  sample: 24
"""

from typing import Any, Callable

from ansible_collections.edgefed.kubefed.plugins.module_utils.auth_options import AUTH_SPEC
from ansible_collections.edgefed.kubefed.plugins.module_utils.client import ApiError, Client
from ansible_collections.edgefed.kubefed.plugins.module_utils.federate.refuse import with_remedy
from ansible_collections.edgefed.kubefed.plugins.module_utils.module import run_as_module
from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import EdgefedError, Result
from ansible_collections.edgefed.kubefed.plugins.module_utils.report.drift import drifted, render
from ansible_collections.edgefed.kubefed.plugins.module_utils.verify.matrix import Options, build_report
from ansible_collections.edgefed.kubefed.plugins.module_utils.verify.observe import Observer
from ansible_collections.edgefed.kubefed.plugins.module_utils.verify.told import with_propagation

ARGUMENT_SPEC: dict[str, dict[str, Any]] = {
    **AUTH_SPEC,
    "kinds": {"type": "list", "elements": "str", "default": []},
    "namespaces": {"type": "list", "elements": "str", "default": []},
    "names": {"type": "list", "elements": "str", "default": []},
    "label_selectors": {"type": "list", "elements": "str", "default": []},
    "strictness": {"type": "str", "choices": ["desired", "exact"], "default": "desired"},
    "federation_namespace": {"type": "str", "default": "kube-federation-system"},
    "parallel": {"type": "int", "default": 16},
}
HTTP_BAD_REQUEST = 400


def _explained(error: ApiError, selector: str) -> EdgefedError:
    if not selector or error.status != HTTP_BAD_REQUEST:
        return with_remedy(error)
    cause = f"Option label_selectors: {selector!r}: {error.body.get('message') or error.reason}"
    return EdgefedError(f"{cause}. Next: write each as app=web, tier in (front, back) or !canary.", "invalid")


def run(params: dict[str, Any], check: bool, diff: bool, connect: Callable[..., Client]) -> Result:
    """Only reads: ``check`` and ``diff`` make no difference."""
    del check, diff
    options = Options(
        kinds=tuple(params["kinds"]),
        namespaces=tuple(params["namespaces"]),
        names=tuple(params["names"]),
        selector=",".join(params["label_selectors"]),
        exact=params["strictness"] == "exact",
    )
    auth = {name: params.get(name) for name in AUTH_SPEC}
    observer = Observer(connect, auth, params["federation_namespace"], options, max(1, params["parallel"]))
    try:
        host, members = observer.look()
    except ApiError as error:
        raise _explained(error, options.selector) from None
    report = build_report(host, members, options)
    unreachable = {name: member.error for name, member in members.items() if member.error}
    drift = drifted(report)
    data = {
        "drift": drift,
        "resources": with_propagation(report["resources"], host),
        "unreachable": unreachable,
        "in_sync": not drift and not unreachable,
        "table": render(report),
        "api_requests": observer.requests,
    }
    return Result(warnings=report["warnings"], data=data)


def main() -> None:
    """Run as a module."""
    run_as_module(run, ARGUMENT_SPEC)


if __name__ == "__main__":
    main()
