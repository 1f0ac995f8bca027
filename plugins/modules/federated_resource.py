#!/usr/bin/python
# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: federated_resource
short_description: Apply federated resources, and wait until each cluster has them
version_added: 0.1.0
author: edgefed contributors (@edgefed)
description:
  - Applies KubeFed's federated resources (template, placement and overrides) to the host cluster, from files, folders, inline definitions
    or templates, and waits until every chosen cluster has them at this version. When one has not, it says which, and why.
  - Checks everything before anything is sent, and tells all that is wrong in one message, each with file, line, column, object and field.
    That is the YAML, kinds and fields, clusters that are not joined, overrides that do not resolve against the template, and what the API
    server says to each template as each cluster would get it.
  - In check mode the API server is also asked whether it would take each object. Otherwise it is asked for each that changes, and for the
    first new one of each kind and namespace. Should it refuse some of the others after all, for a quota or a policy, then all that are
    refused are told in one message, and the rest is applied.
  - An object whose fields are all ours and as wanted, by its C(managedFields), is not asked for, so that a run that changes nothing only
    reads, some lists and no object by itself.
  - An API server that is busy (429, or 503 with C(Retry-After)) is asked again when it says.
  - Uses server-side apply with the field manager C(edgefed). Fields that an earlier run set and that are not given any more are removed,
    and those of others stay.
  - An object that is being deleted is waited for and then made again, since what is applied to it would be lost with it.
  - A cluster that is cordoned (M(edgefed.kubefed.kubefed_cluster_scheduling)) cannot be named where the object was not before. Where a
    selector chooses it, or it was drained, the object stays out of it until it is uncordoned, with a warning.
  - A C(ReplicaSchedulingPreference) is checked against the clusters that its target is placed in, and its C(clusters) may be a list of
    C(weight), C(minReplicas) and C(maxReplicas) by C(groups) and C(hosts) of the inventory. Of two for one cluster the stronger stands, as
    of O(overrides). What KubeFed writes into the target (its clusters, and the replicas of each) stays KubeFed's. It is foretold, and
    waited for.
  - A namespace that the resources need and nobody defined is made, and federated to all clusters that they go to.
extends_documentation_fragment:
  - kubernetes.core.k8s_auth_options
  - edgefed.kubefed.manifests
  - edgefed.kubefed.wait
  - edgefed.kubefed.attributes
options:
  kubeconfig:
    description: The kubeconfig of the B(host cluster), a path or the content as a dictionary.
    type: raw
  context:
    description: The context of the B(host cluster) in O(kubeconfig).
    type: str
  state:
    description:
      - Whether the resources are to be there.
      - V(absent) needs only kind, name and namespace of each. KubeFed removes them from the members. The namespaces that this module made
        go too, when nothing else lies in them, neither in the host cluster nor in a member. The members are looked at through the contexts
        in O(kubeconfig) that are named as the clusters.
    type: str
    choices: [present, absent]
    default: present
  namespace_policy:
    description:
      - V(create) makes the namespaces that the resources need and nobody defined, in the host cluster and as C(FederatedNamespace).
      - V(require) refuses when such a namespace is missing, or not federated to where the resources go.
      - A C(FederatedNamespace) that this module did not make is never changed, unless it is among the resources given.
    type: str
    choices: [create, require]
    default: create
  federation_namespace:
    description: The namespace of KubeFed in the host cluster.
    type: str
    default: kube-federation-system
  force_conflicts:
    description: Take over fields that another field manager has set to something else. Otherwise that is an error that names both.
    type: bool
    default: false
  application:
    description:
      - The application that the resources are of. Each federated object gets the label C(edgefed.io/application) in the host cluster.
        Templates, and with them what the members have, do not.
      - Without it an object keeps the application that it has. One that is of another application is refused.
    type: str
    default: ""
  prune:
    description:
      - Remove the federated objects of O(application) that are not given any more, after all that is given has arrived (with O(wait=false),
        when the host cluster has it). With O(state=absent) all of the application goes, also without manifests.
      - They are found by label, kinds that are not enabled left out. A C(Namespace) of the host cluster has no label and goes only where
        this module made it. A C(FederatedNamespace) stays, with a warning, where something of others lies in the namespace.
    type: bool
    default: false
  prune_limit:
    description: How many objects O(prune) may remove at most, the namespaces that were made for them not counted. More is refused.
    type: int
    default: 10
  prune_namespaces:
    description:
      - The namespaces that O(prune) looks in. By default in all, and at what is in none, which needs the right to list in the whole host
        cluster.
    type: list
    elements: str
    default: []
  orphan:
    description:
      - What is removed, by O(prune) or with O(state=absent), is removed from the host cluster alone. The members keep theirs, and KubeFed
        lets go of them.
      - A namespace of the host cluster stays where it holds what the host cluster keeps as a member.
    type: bool
    default: false
  adopt:
    description:
      - What to do about objects that a cluster has already, without KubeFed, where a resource is new to it. What KubeFed would change
        there is told before anything is sent, with C(--diff) in full. The members are asked through the contexts in O(kubeconfig) that
        are named as the clusters.
      - V(always) lets KubeFed adopt them. V(same) only those that would stay as they are. V(never) refuses them all, namespaces too.
      - KubeFed replaces an adopted object as a whole, but for annotations and finalizers. With the resource it goes.
      - Where a cluster cannot be asked, V(never) and V(same) refuse, and V(always) warns.
      - By default nothing is asked, and KubeFed's own setting C(syncController.adoptResources) decides.
    type: str
    choices: [always, never, same]
  parallel:
    description: How many requests to the host cluster to have under way at the same time, each over a connection that is kept.
    type: int
    default: 16
  wait:
    description:
      - Whether to wait until every chosen cluster has the resources at this version, or until they are gone everywhere.
      - With V(false) it is done when the host cluster has them. What is being deleted is waited for anyway before it is made again.
      - Clusters that KubeFed finds not ready are given up after 15 seconds when all others have everything.
  wait_for:
    description:
      - When the wait of O(wait) ends well. By default, when every chosen cluster has each resource by KubeFed's own word, which counts only
        for the present generation and with its record of the version.
      - What is not ready in the end is told with the controller's own reason, its last event, and that of the object in the cluster.
      - O(wait_for.condition) and O(wait_for.by=version) need a context for each cluster in O(kubeconfig), named as the cluster.
    type: dict
    suboptions:
      clusters:
        description:
          - In how many of the clusters that are chosen for a resource, V(all), a number as V(2), or a percentage as V(90%), rounded up.
          - A resource with fewer clusters than the number has to be in all of them.
        type: raw
        default: all
      condition:
        description:
          - A condition that the cluster's own object must have, besides being of this version, as V(Available) of a Deployment, V(Complete)
            of a Job, or one of a custom resource.
          - V(Ready), and V(Available) for workloads that have no such condition, mean as many ready pods of this version as wanted. A
            Deployment may be V(Available) by its old pods while it is rolled out.
          - Of kinds of Kubernetes' own that have no such condition, as ConfigMaps, only the version counts.
        type: str
        default: ""
      by:
        description:
          - V(status) takes KubeFed's word that a cluster has this version.
          - V(version) takes the object itself, compared with template and overrides, which also holds while KubeFed still waits for another
            cluster that hangs.
        type: str
        choices: [status, version]
        default: status
seealso:
  - module: edgefed.kubefed.federation_verify
  - name: KubeFed user guide
    description: Templates, placement and overrides.
    link: https://github.com/kubernetes-retired/kubefed/blob/master/docs/userguide.md
notes:
  - The data of a C(FederatedSecret) is never shown, in the diff only as fingerprints, by a key that each run makes anew.
  - KubeFed places what a preference leads in every ready cluster, with 0 replicas where it gives none, unless it says
    C(intersectWithClusterSelector) and the target a C(clusterSelector).
  - KubeFed lets C(replace) add what is not there. Here it is an error, because a misspelt path would go unseen. Use C(op=add) to add.
  - An Ingress template in the form of before C(networking.k8s.io/v1) is converted, with a warning.
"""

EXAMPLES = r"""
- name: All manifests of a folder
  edgefed.kubefed.federated_resource:
    kubeconfig: .edgefed/kubeconfig
    context: local
    src: [manifests/]

- name: One resource inline, in a namespace that is made for it
  edgefed.kubefed.federated_resource:
    kubeconfig: .edgefed/kubeconfig
    context: local
    definition:
      apiVersion: types.kubefed.io/v1beta1
      kind: FederatedConfigMap
      metadata:
        name: settings
        namespace: shop
      spec:
        template:
          data:
            currency: EUR
        placement:
          clusterSelector:
            matchLabels:
              topology.kubernetes.io/region: east
        overrides:
          - clusterName: zj
            clusterOverrides:
              - path: /data/currency
                value: CNY

- name: A vaulted template, without waiting for the members
  edgefed.kubefed.federated_resource:
    kubeconfig: .edgefed/kubeconfig
    context: local
    template: [registry-secret.yml.j2]
    wait: false

- name: Secrets from vaulted variables and files
  edgefed.kubefed.federated_resource:
    kubeconfig: .edgefed/kubeconfig
    context: local
    placement:
      groups: [edge_east]
    secrets:
      - name: web-tls
        namespace: shop
        type: kubernetes.io/tls
        files:
          tls.crt: certificates/web.crt
          tls.key: certificates/web.key.vault
      - name: database
        namespace: shop
        string_data:
          password: "{{ vaulted_password }}"
        overrides:
          - hosts: [zj]
            string_data:
              password: "{{ vaulted_password_of_zj }}"

- name: A plain application on the clusters of a group, more of it where there is more room
  edgefed.kubefed.federated_resource:
    kubeconfig: .edgefed/kubeconfig
    context: local
    src: [plain/]
    federate: true
    placement:
      groups: [edge_east]
    overrides:
      - groups: [gpu]
        kind: Deployment
        values:
          spec:
            replicas: 3
            template:
              spec:
                containers:
                  web: {image: "shop:2-gpu"}
      - hosts: [zj]
        kind: ConfigMap
        name: settings
        patches:
          - {path: /data/currency, value: CNY}

- name: Render a chart
  kubernetes.core.helm_template:
    chart_ref: charts/shop
    release_namespace: shop
    disable_hook: true
  register: chart

- name: The chart on every cluster
  edgefed.kubefed.federated_resource:
    kubeconfig: .edgefed/kubeconfig
    context: local
    definition: "{{ chart.stdout }}"
    namespace: shop
    federate: true
    placement:
      selector: {}

- name: The application is what the folder says, and what it said before goes
  edgefed.kubefed.federated_resource:
    kubeconfig: .edgefed/kubeconfig
    context: local
    src: [shop/]
    application: shop
    prune: true
    prune_limit: 3

- name: A whole application goes, and each cluster keeps what it has of it
  edgefed.kubefed.federated_resource:
    kubeconfig: .edgefed/kubeconfig
    context: local
    state: absent
    application: shop
    prune: true
    orphan: true

- name: What clusters have already is taken over only where nothing changes
  edgefed.kubefed.federated_resource:
    kubeconfig: .edgefed/kubeconfig
    context: local
    src: [shop/]
    adopt: same

- name: A new image, done when nine of ten clusters run it
  edgefed.kubefed.federated_resource:
    kubeconfig: .edgefed/kubeconfig
    context: local
    src: [manifests/]
    wait_timeout: 600
    wait_for:
      clusters: 90%
      condition: Available

- name: Nine replicas, three times as many on clusters with room, and one at most at zj
  edgefed.kubefed.federated_resource:
    kubeconfig: .edgefed/kubeconfig
    context: local
    definition:
      apiVersion: scheduling.kubefed.io/v1alpha1
      kind: ReplicaSchedulingPreference
      metadata:
        name: web
        namespace: shop
      spec:
        targetKind: FederatedDeployment
        totalReplicas: 9
        rebalance: true
        clusters:
          - {weight: 1, minReplicas: 1}
          - {groups: [large], weight: 3}
          - {hosts: [zj], maxReplicas: 1}

- name: Remove what these manifests define
  edgefed.kubefed.federated_resource:
    kubeconfig: .edgefed/kubeconfig
    context: local
    src: [manifests/]
    state: absent
"""

RETURN = r"""
resources:
  description:
    - Each object, those first that were made because others need them.
    - RV(ignore:action) is V(none), V(create), V(apply), V(recreate) (it was being deleted), V(delete), V(orphan) (deleted in the host
      cluster alone) or V(await deletion).
    - RV(ignore:clusters) has for each chosen cluster V(OK), or V(not awaited), or why it has not got there when O(wait_for) did not ask for
      all of them.
  returned: success
  type: list
  elements: dict
  sample:
    - kind: FederatedDeployment
      namespace: vrfederation
      name: test-deployment
      action: create
      from: manifests/test.yaml:1:1
      clusters: {cddev: OK, local: OK}
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
  returned: when O(state=present)
  type: list
  elements: dict
  sample:
    - object: FederatedDeployment shop/web
      cluster: zj
      path: /spec/replicas
      by: host zj
      over: group gpu
adopted:
  description: What clusters had already, as far as O(adopt) asked, with what KubeFed changes there.
  returned: when O(state=present)
  type: list
  elements: dict
  sample:
    - object: FederatedConfigMap shop/settings
      cluster: zj
      differences: ['data.currency is "CNY", should be "EUR"']
replicas:
  description: The replicas of what preferences lead, in check mode as they are foretold.
  returned: when O(state=present)
  type: list
  elements: dict
  sample:
    - object: FederatedDeployment shop/web
      clusters: {cddev: 2, local: 6, zj: 1}
api_requests:
  description: How many requests were sent.
  returned: success
  type: int
  sample: 10
code:
  description:
    - What kind of failure it was, as V(invalid) (the manifests, nothing was sent), V(not_propagated), V(stuck) (in deletion),
      V(prune_limit), V(no_kubefed), V(unreachable) or V(kubeconfig). V(apply) is several objects that could not be applied; all others are.
  returned: failure
  type: str
  sample: invalid
details:
  description: The failure for programs, as RV(ignore:problems) with code V(invalid), RV(ignore:missed) with V(not_propagated), and
    RV(ignore:failed) where objects could not be applied.
  returned: failure
  type: dict
  sample:
    problems:
      - file: manifests/test.yaml
        line: 12
        column: 5
        object: FederatedDeployment vrfederation/test-deployment
        field: spec.placement.cluster
        cause: unknown field
        next: did you mean spec.placement.clusters
"""

from typing import Any

from ansible_collections.edgefed.kubefed.plugins.module_utils.auth_options import AUTH_SPEC, wait_spec
from ansible_collections.edgefed.kubefed.plugins.module_utils.federate.given import GIVEN_SPEC
from ansible_collections.edgefed.kubefed.plugins.module_utils.federate.goal import WAIT_FOR_SPEC
from ansible_collections.edgefed.kubefed.plugins.module_utils.federate.run import run
from ansible_collections.edgefed.kubefed.plugins.module_utils.module import run_as_module

ARGUMENT_SPEC: dict[str, dict[str, Any]] = {
    **AUTH_SPEC,
    **wait_spec(),
    **GIVEN_SPEC,
    "wait_for": WAIT_FOR_SPEC,
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "namespace_policy": {"type": "str", "choices": ["create", "require"], "default": "create"},
    "federation_namespace": {"type": "str", "default": "kube-federation-system"},
    "force_conflicts": {"type": "bool", "default": False},
    "application": {"type": "str", "default": ""},
    "prune": {"type": "bool", "default": False},
    "prune_limit": {"type": "int", "default": 10},
    "prune_namespaces": {"type": "list", "elements": "str", "default": []},
    "orphan": {"type": "bool", "default": False},
    "adopt": {"type": "str", "choices": ["always", "never", "same"]},
    "parallel": {"type": "int", "default": 16},
}


def main() -> None:
    """Run as a module."""
    run_as_module(run, ARGUMENT_SPEC)


if __name__ == "__main__":
    main()
