# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
name: clusters
short_description: The clusters of a KubeFed federation as hosts
version_added: 0.1.0
author: edgefed contributors (@edgefed)
description:
  - Each C(KubeFedCluster) of the host cluster becomes a host, with what is known of it in variables C(kubefed_*).
  - Hosts are in groups by readiness, region, zone, label and cordon, so that C(--limit 'region_east:&ready') works; together with a static
    inventory too, as a second C(-i), where its hosts are named as the clusters.
  - The file's name ends in C(kubefed.yml) or C(kubefed.yaml).
  - Costs one request to the host cluster, or none with a cache. Members are not asked.
extends_documentation_fragment:
  - kubernetes.core.k8s_auth_options
  - constructed
  - inventory_cache
options:
  plugin:
    description: Marks the file as one for this plugin.
    type: str
    required: true
    choices: [edgefed.kubefed.clusters]
  kubeconfig:
    description: The kubeconfig of the B(host cluster), a path or the content as a dictionary.
    type: raw
  context:
    description: The context of the B(host cluster) in O(kubeconfig).
    type: str
  namespace:
    description: The namespace of KubeFed in the host cluster.
    type: str
    default: kube-federation-system
  group_by:
    description:
      - Which groups are made. All hosts are in C(kubefed_clusters).
      - With V(readiness) C(ready) or C(not_ready).
      - With V(region) C(region_<region>), with V(zone) C(zone_<zone>).
      - With V(label) C(label_<key>_<value>) for each label but the collection's own and the topology's.
      - With V(cordon) C(cordoned) or C(drained).
      - What Ansible does not accept in a group's name becomes C(_), as in C(region_east_china).
    type: list
    elements: str
    choices: [readiness, region, zone, label, cordon]
    default: [readiness, region, zone, label, cordon]
seealso:
  - module: edgefed.kubefed.kubefed_cluster_info
notes:
  - The C(K8S_AUTH_*) environment variables hold for what the file leaves out, so that in AWX a credential of type OpenShift or Kubernetes
    API Bearer Token is enough.
  - Where the host cluster does not answer there are no hosts, and one message. Set E(ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED) to end the
    run there, as AWX does.
requirements:
  - kubernetes >= 29
"""

EXAMPLES = r"""
# clusters.kubefed.yml, as small as can be; address and token from K8S_AUTH_HOST and K8S_AUTH_API_KEY
---
plugin: edgefed.kubefed.clusters

# ansible-playbook -i inventories/yours -i clusters.kubefed.yml playbooks/verify.yml --limit 'region_east:&ready'
---
plugin: edgefed.kubefed.clusters
kubeconfig: .edgefed/kubeconfig
context: center

# Kept for five minutes, with groups of one's own
---
plugin: edgefed.kubefed.clusters
kubeconfig: .edgefed/kubeconfig
context: center
group_by: [readiness, region]
cache: true
cache_plugin: ansible.builtin.jsonfile
cache_connection: .edgefed/inventory
cache_timeout: 300
strict: true
compose:
  site: kubefed_labels['site'] | default('none')
groups:
  federation_members: true
  old: kubefed_kubernetes_version is version('v1.30', '<')
keyed_groups:
  - key: kubefed_labels['tier'] | default('other')
    prefix: tier
"""

import hashlib
import json
from typing import Any

from ansible.errors import AnsibleParserError
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.plugins.inventory import BaseInventoryPlugin, Cacheable, Constructable
from ansible.utils.unsafe_proxy import wrap_var

from ansible_collections.edgefed.kubefed.plugins.module_utils.auth_options import AUTH_SPEC
from ansible_collections.edgefed.kubefed.plugins.module_utils.client import connect, forget
from ansible_collections.edgefed.kubefed.plugins.module_utils.clusters.describe import describe
from ansible_collections.edgefed.kubefed.plugins.module_utils.clusters.groups import groups_of
from ansible_collections.edgefed.kubefed.plugins.module_utils.clusters.look import kubefed_clusters
from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import EdgefedError
from ansible_collections.edgefed.kubefed.plugins.plugin_utils.in_process import plain


class InventoryModule(BaseInventoryPlugin, Constructable, Cacheable):
    """KubeFedClusters as hosts."""

    NAME = "edgefed.kubefed.clusters"

    def verify_file(self, path: str) -> bool:
        """By the file's name."""
        return bool(super().verify_file(path)) and path.endswith(("kubefed.yml", "kubefed.yaml"))

    def parse(self, inventory: Any, loader: Any, path: str, cache: bool = True) -> None:
        """One list of the host cluster, or none."""
        super().parse(inventory, loader, path)
        self._read_config_data(path)
        for record in self._records(path, cache):
            self._add(record)

    def _records(self, path: str, cache: bool) -> list[dict[str, Any]]:
        auth = self._auth()
        key = f"{self.get_cache_key(path)}_{self._federation(auth)}"
        keep = self.get_option("cache")
        if keep and cache and key in self._cache:
            found: list[dict[str, Any]] = self._cache[key]
            return found
        records = self._look(auth)
        if keep:
            self._cache[key] = records
        return records

    def _auth(self) -> dict[str, Any]:
        """As the modules get it: with the types, and from the environment what the file leaves out."""
        given = {name: value for name in AUTH_SPEC if (value := plain(self.get_option(name))) is not None}
        validated = ArgumentSpecValidator(AUTH_SPEC).validate(given)
        if validated.error_messages:
            raise AnsibleParserError("; ".join(validated.error_messages))
        parameters: dict[str, Any] = validated.validated_parameters
        return parameters

    def _federation(self, auth: dict[str, Any]) -> str:
        """Another federation has another place in the cache, though the file be the same. Nothing secret is in it."""
        kubeconfig = auth["kubeconfig"] if isinstance(auth["kubeconfig"], str) else ""
        where = [kubeconfig, auth["context"], auth["host"], self.get_option("namespace")]
        return hashlib.sha256(json.dumps(where).encode()).hexdigest()[:8]

    def _look(self, auth: dict[str, Any]) -> list[dict[str, Any]]:
        try:
            host = connect(auth, auth["context"])
            return [describe(item) for item in kubefed_clusters(host, self.get_option("namespace"))]
        except EdgefedError as error:
            raise AnsibleParserError(error.message) from None
        finally:
            forget()

    def _add(self, record: dict[str, Any]) -> None:
        name, strict = record["name"], self.get_option("strict")
        self.inventory.add_host(name)
        for group in groups_of(record, self.get_option("group_by")):
            self.inventory.add_child(self.inventory.add_group(self._sanitize_group_name(group)), name)
        # words of clusters are no templates: before ansible-core 2.19 that had to be said
        variables = {f"kubefed_{field}": wrap_var(value) for field, value in record.items()}
        for field, value in variables.items():
            self.inventory.set_variable(name, field, value)
        self._set_composite_vars(self.get_option("compose"), variables, name, strict)
        self._add_host_to_composed_groups(self.get_option("groups"), variables, name, strict)
        self._add_host_to_keyed_groups(self.get_option("keyed_groups"), variables, name, strict)
