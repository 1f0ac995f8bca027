# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  src:
    description:
      - Files with manifests, or folders that are searched for C(.yaml), C(.yml) and C(.json) files.
      - They are read on the controller. Relative paths start from the working directory.
    type: list
    elements: path
    default: []
  definition:
    description: Manifests inline, one as a dictionary, YAML text with one or more, or a list of these.
    type: raw
  definition_name:
    description: What messages call O(definition), usually the name of the variable that it comes from.
    type: str
    default: definition
  template:
    description:
      - Jinja templates of manifests, rendered on the controller. Encrypted ones (C(ansible-vault)) are decrypted.
      - Relative paths start from the working directory, and else are searched for as P(ansible.builtin.template#lookup) does.
      - Lines in messages are those of the rendered text.
    type: list
    elements: str
    default: []
  packed:
    description: Set by the action plugin, which hands over all of the above in it. Not for playbooks.
    type: str
  namespace:
    description: The namespace of resources that name none.
    type: str
    default: default
  lint:
    description:
      - How seriously to take what is valid by itself and goes wrong together, V(error), V(warn) or V(off) for each rule. What is given
        with this task counts, and what is federated already; a member may have more. Of the members only quotas and limits are read, and
        only of those in which a workload changes.
      - C(selector), a Service selects no pods of what is federated in its namespace (V(warn)).
      - C(service_port), a Service names a C(targetPort) that no container of the pods it selects has (V(error)).
      - C(reference), a ConfigMap, Secret or ServiceAccount that is named does not come to a cluster with what names it (V(warn)).
      - C(ingress_backend), the Service of an Ingress does not come with it, or has no such port (V(warn)).
      - C(empty_placement), no cluster is chosen (V(warn)).
      - C(removed_api), a member's Kubernetes does not serve the object's apiVersion any more (V(error)).
      - C(deprecated_api), it will stop to (V(warn)). Where nothing but group and version changed, a template is converted instead.
      - C(quota), a ResourceQuota of a member, or one given with this task, has not enough left for a workload (V(warn)).
      - C(limit_range), a container or pod lies outside a LimitRange of a member, or one given with this task (V(warn)).
      - C(replicas_twice), replicas are overridden that a ReplicaSchedulingPreference sets as well (V(warn)).
    type: dict
    default: {}
  federate:
    description:
      - Make plain manifests federated, as C(kubefedctl federate) does, and place them by O(placement). What kustomize and
        M(kubernetes.core.helm_template) render are plain manifests as well. Manifests of federated resources stay as they are.
      - Annotations of a plain manifest become overrides, since KubeFed drops those of a template.
      - A kind that is not federated is refused by name.
    type: bool
    default: false
  placement:
    description: Where plain manifests go. Groups and hosts of the inventory become clusters' names, and are refused when it has no such.
    type: dict
    suboptions:
      groups:
        description: Groups. Of their hosts those count that are in C(federation_members), where there is such a group.
        type: list
        elements: str
      hosts:
        description: Hosts, named as the clusters.
        type: list
        elements: str
      selector:
        description: KubeFed's C(clusterSelector), C(matchLabels) and C(matchExpressions). V({}) selects all clusters.
        type: dict
  overrides:
    description:
      - Overrides of plain manifests, weakest first those for all clusters, then those of groups by the groups' own precedence (depth,
        C(ansible_group_priority), name), then those of hosts. Of two for the same path the stronger one stands, and C(--diff) tells so.
      - The weakest of all are those in the variable O(override_variable) of groups and hosts.
    type: list
    elements: dict
    suboptions:
      groups:
        description: For the clusters of these groups.
        type: list
        elements: str
      hosts:
        description: For these clusters.
        type: list
        elements: str
      kind:
        description: Only for objects of this kind, as V(Deployment).
        type: str
      name:
        description: Only for objects of this name.
        type: str
      namespace:
        description: Only for objects in this namespace.
        type: str
      values:
        description:
          - What is merged into the object. V(null) takes a field away.
          - Where the object has a list, a mapping names its items by their C(name) or their number. A list replaces the list.
        type: dict
      patches:
        description: KubeFed's own overrides, each with C(path), C(op) (V(add), V(remove), or by default V(replace)) and C(value).
        type: list
        elements: dict
  live:
    description:
      - Objects that a cluster has, made federated as plain manifests are, as C(kubefedctl federate) does. It needs O(federate).
      - Where that cluster is among those that O(placement) chooses, KubeFed adopts them there as they are, and their pods run on.
    type: list
    elements: dict
    default: []
    suboptions:
      kind:
        description: The kind, or its plural, as V(Deployment) or V(deployments.apps).
        type: str
        required: true
      name:
        description: Its name.
        type: str
        required: true
      namespace:
        description: Its namespace. By default O(namespace).
        type: str
      cluster:
        description: The member that has it, by the context in O(kubeconfig) that is named as the cluster. By default the host cluster.
        type: str
      contents:
        description:
          - Of a C(Namespace), all in it of federated kinds as well, but for what has an owner, what KubeFed put there, and what each
            cluster makes of its own (the service account V(default), V(kube-root-ca.crt), tokens, Helm's releases).
        type: bool
        default: false
  secrets:
    description:
      - Secrets by their keys, as vaulted variables and files hold them. Each becomes a C(FederatedSecret), all values base64 in C(data), so
        that any bytes arrive in the members as they are.
      - Nothing of them is in the output. A diff shows keys, and of each value a fingerprint by a random key that each run makes anew, so
        that a change is seen and no value, however short, can be found by trying.
    type: list
    elements: dict
    suboptions:
      name:
        description: Its name.
        type: str
        required: true
      namespace:
        description: Its namespace. By default O(namespace).
        type: str
      type:
        description: The Secret's type, as V(kubernetes.io/tls). By default V(Opaque).
        type: str
      labels:
        description: Labels of the Secret in the members.
        type: dict
      immutable:
        description: Whether the members let nobody change it.
        type: bool
      data:
        description: Values in base64, by key.
        type: dict
      string_data:
        description: Values as texts, by key.
        type: dict
      files:
        description:
          - Files with the values, by key. They are read on the controller, byte by byte, and decrypted where C(ansible-vault) encrypted
            them.
        type: dict
      placement:
        description: Where it goes, as O(placement), which it is by default.
        type: dict
        suboptions:
          groups:
            description: Groups.
            type: list
            elements: str
          hosts:
            description: Hosts, named as the clusters.
            type: list
            elements: str
          selector:
            description: KubeFed's C(clusterSelector).
            type: dict
      overrides:
        description: Other values for some clusters. The precedence is that of O(overrides).
        type: list
        elements: dict
        suboptions:
          groups:
            description: For the clusters of these groups.
            type: list
            elements: str
          hosts:
            description: For these clusters.
            type: list
            elements: str
          data:
            description: Values in base64, by key.
            type: dict
          string_data:
            description: Values as texts, by key.
            type: dict
          files:
            description: Files with the values, by key.
            type: dict
  override_variable:
    description:
      - The variable that holds overrides in the inventory, in C(group_vars), C(host_vars) or the inventory itself. Each item is as one of
        O(overrides) without C(groups) and C(hosts).
      - Those of a group and of a host are merged, in the order of Ansible's precedence. What is set above the inventory, as by C(-e),
        stands alone.
    type: str
    default: federated_overrides
"""
