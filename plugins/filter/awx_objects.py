# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

from pathlib import Path
from typing import Any, Callable

import yaml
from ansible.errors import AnsibleFilterError

from ansible_collections.edgefed.kubefed.plugins.module_utils.awx.objects import ready
from ansible_collections.edgefed.kubefed.plugins.module_utils.awx.survey import options_of
from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import EdgefedError
from ansible_collections.edgefed.kubefed.plugins.plugin_utils.in_process import plain

DOCUMENTATION = r"""
name: awx_objects
short_description: Make the data of an AWX installation ready for the modules of awx.awx
version_added: 0.1.0
author: edgefed contributors (@edgefed)
description:
  - Makes surveys of roles' argument specs, C(--check) variants of job templates, and takes nodes and links of workflows apart.
positional: roles
options:
  _input:
    description: The data, as C(awx_objects) of role P(edgefed.kubefed.awx#role).
    type: dict
    required: true
  roles:
    description: Folder of roles, of which each one's C(meta/argument_specs.yml) is read.
    type: path
    required: true
"""

EXAMPLES = r"""
- name: The survey of a job template
  ansible.builtin.debug:
    msg: "{{ (objects | edgefed.kubefed.awx_objects('roles')).job_templates[0].survey_spec }}"
  vars:
    objects:
      job_templates:
        - name: Join
          playbook: playbooks/join.yml
          survey: [member_preflight_from]
"""

RETURN = r"""
_value:
  description: Arguments for the modules of awx.awx, lists by kind, with C(nodes) and C(links) of workflows.
  type: dict
"""


def awx_objects(objects: Any, roles: Any) -> Any:
    """The filter."""
    specs = [yaml.safe_load(path.read_text()) for path in sorted(Path(str(roles)).glob("*/meta/argument_specs.yml"))]
    try:
        return ready(plain(objects), options_of(specs))
    except EdgefedError as error:
        raise AnsibleFilterError(error.message) from None


class FilterModule:
    """The collection's filters."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"awx_objects": awx_objects}
