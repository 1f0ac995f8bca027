# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

from typing import Any, Callable

from ansible_collections.edgefed.kubefed.plugins.module_utils.awx.check import problems
from ansible_collections.edgefed.kubefed.plugins.plugin_utils.in_process import plain

DOCUMENTATION = r"""
name: awx_problems
short_description: Tell what an AWX would refuse of objects
version_added: 0.1.0
author: edgefed contributors (@edgefed)
description:
  - Looks at names that have to be there, at what a launch may be given, at surveys, schedules and links, before anything is sent.
positional: existing
options:
  _input:
    description: Objects as P(edgefed.kubefed.awx_objects#filter) gives them.
    type: dict
    required: true
  existing:
    description: Names of objects that are in the AWX already and that the data refers to, by kind.
    type: dict
    default: {}
seealso:
  - plugin: edgefed.kubefed.awx_objects
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Nothing is wrong
  ansible.builtin.assert:
    that: objects | edgefed.kubefed.awx_objects('roles') | edgefed.kubefed.awx_problems(existing) == []
  vars:
    existing:
      credentials: [vault]
"""

RETURN = r"""
_value:
  description: A sentence for each problem.
  type: list
  elements: str
"""


def awx_problems(objects: Any, existing: Any = None) -> list[str]:
    """The filter."""
    return problems(plain(objects), plain(existing) or {})


class FilterModule:
    """The collection's filters."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"awx_problems": awx_problems}
