# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  folder:
    description: Folder of the lab.
    type: path
    required: true
"""
    CLUSTER = r"""
options:
  host:
    description: Inventory host that the cluster belongs to.
    type: str
    required: true
  prefix:
    description: Put before the host's name to get the cluster's name.
    type: str
    default: ""
  index:
    description: The cluster's number in the lab, from C(lab_plan) or C(kind_plan). Gives its ports and addresses.
    type: int
  port_base:
    description: First port of the lab. Each cluster has ten.
    type: int
  region:
    description: Label C(topology.kubernetes.io/region) of the nodes.
    type: str
    default: ""
  zone:
    description: Label C(topology.kubernetes.io/zone) of the nodes.
    type: str
    default: ""
  labels:
    description: More labels of the nodes.
    type: dict
    default: {}
"""
    PLAN = r"""
options:
  prefix:
    description: Put before each host's name to get the cluster's name.
    type: str
    default: ""
  port_base:
    description: First port. Each cluster has ten.
    type: int
    required: true
"""
