#!/usr/bin/python
# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: federated_resource_preview
short_description: What each cluster would get of federated resources, without touching anything
version_added: 0.1.0
author: edgefed contributors (@edgefed)
description:
  - Computes of the same manifests as M(edgefed.kubefed.federated_resource), plain ones too, what each cluster would get. That is template,
    placement and overrides exactly as KubeFed's controller puts them together, the namespaces that are made for them as well.
  - Keeps it as files for each cluster, and tells how each object differs from what the cluster has now.
  - Only reads. With O(offline) it asks no API server at all.
extends_documentation_fragment:
  - kubernetes.core.k8s_auth_options
  - edgefed.kubefed.manifests
  - edgefed.kubefed.attributes
options:
  kubeconfig:
    description:
      - The kubeconfig of the B(host cluster), a path or the content as a dictionary. The members are read through its contexts that are
        named as the clusters.
    type: raw
  context:
    description: The context of the B(host cluster) in O(kubeconfig).
    type: str
  namespace_policy:
    description: As in M(edgefed.kubefed.federated_resource).
    type: str
    choices: [create, require]
    default: create
  federation_namespace:
    description: The namespace of KubeFed in the host cluster.
    type: str
    default: kube-federation-system
  dest:
    description:
      - Folder for the files C(<cluster>/<namespace>/<kind>-<name>.yaml), C(_cluster) for objects in no namespace. Of a Secret's data they
        hold fingerprints, by a random key that lies beside them, so that the next preview can be compared.
      - Files of an earlier preview that do not belong to this one are removed, and what others put there stays.
      - Without it nothing is written.
    type: path
  compare:
    description: Whether to read what the members have now. A member that does not answer hides nothing of the others.
    type: bool
    default: true
  offline:
    description: Ask no API server. Clusters are O(clusters), federated types those of KubeFed's chart and O(types).
    type: bool
    default: false
  clusters:
    description:
      - With O(offline) the clusters, each with its labels. By default the inventory group C(federation_members), with the labels that
        P(edgefed.kubefed.member#role) gives them (C(member_labels), C(member_region), C(member_zone)).
    type: dict
    default: {}
  types:
    description: With O(offline) more federated types, as C(FederatedTypeConfigs).
    type: list
    elements: dict
    default: []
seealso:
  - module: edgefed.kubefed.federated_resource
  - module: edgefed.kubefed.federation_verify
notes:
  - The task is changed when files are.
"""

EXAMPLES = r"""
- name: What each cluster would get, as files, and how that differs from what it has
  edgefed.kubefed.federated_resource_preview:
    kubeconfig: .edgefed/kubeconfig
    context: local
    src: [manifests/]
    dest: .edgefed/preview
  register: preview

- name: The differences
  ansible.builtin.debug:
    var: preview.table

- name: The same of a plain application, by the inventory alone
  edgefed.kubefed.federated_resource_preview:
    src: [plain/]
    federate: true
    placement:
      groups: [edge_east]
    offline: true
    dest: .edgefed/preview
"""

RETURN = r"""
objects:
  description:
    - Each object in each cluster.
    - RV(ignore:state) is V(new), V(same), V(differs), V(goes) (the cluster has it, and would not any more), or V(unknown) (offline, or
      RV(ignore:why) it could not be read).
  returned: success
  type: list
  elements: dict
  sample:
    - cluster: zj
      kind: Deployment
      namespace: shop
      name: web
      state: differs
      differences: ["spec.replicas is 1, should be 3"]
      why: ""
      file: .edgefed/preview/zj/shop/deployment-web.yaml
      from: plain/web.yaml:1:1
in_sync:
  description: Whether every cluster has all of it already.
  returned: success
  type: bool
  sample: false
table:
  description: RV(objects) line by line.
  returned: success
  type: list
  elements: str
  sample: ["zj: Deployment shop/web: differs (spec.replicas is 1, should be 3)"]
lint:
  description: What the rules of O(lint) found, those that warn.
  returned: success
  type: list
  elements: dict
  sample:
    - rule: reference
      level: warn
      clusters: [zj]
      file: manifests/web.yml
      line: 21
      column: 17
      object: FederatedDeployment shop/web
      field: spec.template.spec.template.spec.volumes[0].configMap.name
      cause: there is no ConfigMap setings among what is federated in namespace shop (in zj)
      next: did you mean settings
decisions:
  description: Where overrides of two were for the same path, RV(ignore:by) whose it is and RV(ignore:over) whose it is not.
  returned: success
  type: list
  elements: dict
  sample:
    - object: FederatedDeployment shop/web
      cluster: zj
      path: /spec/replicas
      by: host zj
      over: group gpu
api_requests:
  description: How many requests were sent to all clusters together.
  returned: success
  type: int
  sample: 17
"""

from typing import Any

from ansible_collections.edgefed.kubefed.plugins.module_utils.auth_options import AUTH_SPEC
from ansible_collections.edgefed.kubefed.plugins.module_utils.federate.given import GIVEN_SPEC
from ansible_collections.edgefed.kubefed.plugins.module_utils.module import run_as_module
from ansible_collections.edgefed.kubefed.plugins.module_utils.preview.run import run

ARGUMENT_SPEC: dict[str, dict[str, Any]] = {
    **AUTH_SPEC,
    **GIVEN_SPEC,
    "namespace_policy": {"type": "str", "choices": ["create", "require"], "default": "create"},
    "federation_namespace": {"type": "str", "default": "kube-federation-system"},
    "dest": {"type": "path"},
    "compare": {"type": "bool", "default": True},
    "offline": {"type": "bool", "default": False},
    "clusters": {"type": "dict", "default": {}},
    "types": {"type": "list", "elements": "dict", "default": []},
}


def main() -> None:
    """Run as a module."""
    run_as_module(run, ARGUMENT_SPEC)


if __name__ == "__main__":
    main()
