# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

from typing import Any, Callable

from ansible.errors import AnsibleFilterError

from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.sources import from_value
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.to_federated import to_federated
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.types import DEFAULTS, table
from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import EdgefedError
from ansible_collections.edgefed.kubefed.plugins.plugin_utils.in_process import plain

DOCUMENTATION = r"""
name: to_federated
short_description: Make plain manifests federated
version_added: 0.1.0
author: edgefed contributors (@edgefed)
description:
  - Makes of plain objects what C(kubefedctl federate) makes of them, without asking an API server. The object without status, annotations,
    owners and what servers set becomes the template.
  - A C(Namespace) becomes a C(FederatedNamespace), which lies in the namespace itself.
  - Annotations do not go along, since KubeFed drops those of a template. M(edgefed.kubefed.federated_resource) with O(ignore:federate) sets
    them by overrides.
positional: placement, overrides
options:
  _input:
    description: A manifest as a dictionary, YAML text with one or more, or a list of these. A C(List) is opened.
    type: raw
    required: true
  placement:
    description: The names of clusters, or KubeFed's own placement (C(clusters), C(clusterSelector)). By default every cluster.
    type: raw
  overrides:
    description: KubeFed's overrides, each with C(clusterName) and C(clusterOverrides). They are the same for all objects.
    type: list
    elements: dict
  types:
    description: C(FederatedTypeConfigs) of the host cluster. By default the types that KubeFed's chart enables.
    type: list
    elements: dict
"""

EXAMPLES = r"""
- name: A chart's objects in two clusters
  edgefed.kubefed.federated_resource:
    kubeconfig: .edgefed/kubeconfig
    context: local
    definition: "{{ chart.stdout | edgefed.kubefed.to_federated(['cddev', 'zj']) }}"

- name: With the types of a federation
  ansible.builtin.set_fact:
    gateway: "{{ manifest | edgefed.kubefed.to_federated(types=configs.resources) }}"
"""

RETURN = r"""
_value:
  description: The federated object of a dictionary; the list of them of anything else.
  type: raw
"""


def federated(value: Any, placement: Any = None, overrides: Any = None, types: Any = None) -> Any:
    """The filter."""
    documents, problems = from_value(plain(value), "to_federated")
    if problems:
        raise AnsibleFilterError("\n".join(str(problem) for problem in problems))
    if isinstance(placement, list):
        placement = {"clusters": [{"name": str(name)} for name in placement]}
    known = DEFAULTS if types is None else table(plain(types))
    try:
        found = [to_federated(document.body, known, plain(placement), plain(overrides)) for document in documents]
    except EdgefedError as error:
        raise AnsibleFilterError(error.message) from None
    return found[0] if isinstance(value, dict) and len(found) == 1 else found


class FilterModule:
    """The collection's filters."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"to_federated": federated}
