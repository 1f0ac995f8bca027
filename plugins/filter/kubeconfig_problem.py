# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

from typing import Any, Callable

from ansible_collections.edgefed.kubefed.plugins.module_utils.kubeconfig.problem import read_problem

DOCUMENTATION = r"""
name: kubeconfig_problem
short_description: Why a kubeconfig could not be read
version_added: 0.1.0
author: edgefed contributors (@edgefed)
description:
  - Tells in one sentence, with the next step, why a task with M(edgefed.kubefed.kubeconfig_info) got nothing.
  - The task has to be C(no_log), so Ansible hides the cause; what is told here holds nothing that was read.
positional: host, address
options:
  _input:
    description: The task's registered result.
    type: dict
    required: true
  host:
    description: The inventory host it was read on.
    type: str
    required: true
  address:
    description: Its address, where that is another word than its name.
    type: str
    default: ""
"""

EXAMPLES = r"""
- name: Say why
  ansible.builtin.assert:
    that: problem == ''
    fail_msg: "{{ problem }}"
  vars:
    problem: "{{ read | edgefed.kubefed.kubeconfig_problem(inventory_hostname, ansible_host | default('')) }}"
"""

RETURN = r"""
_value:
  description: The sentence, empty when the reading went well or was skipped.
  type: str
"""


class FilterModule:
    """The collection's filters."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"kubeconfig_problem": read_problem}
