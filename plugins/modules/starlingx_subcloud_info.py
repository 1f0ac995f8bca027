#!/usr/bin/python
# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: starlingx_subcloud_info
short_description: Ask a StarlingX system controller where one of its subclouds is
version_added: 0.1.0
author: edgefed contributors (@edgefed)
description:
  - Runs C(dcmanager subcloud show --detail) on the active system controller, and C(dcmanager subcloud list) when it knows no such subcloud.
  - What it cannot tell, also of a subcloud that is offline, is returned as RV(problem) and does not fail.
  - It needs nothing on that machine but Python and StarlingX' own commands, which root may use with C(/etc/platform/openrc).
extends_documentation_fragment:
  - edgefed.kubefed.attributes.plain_info
options:
  name:
    description: The subcloud's name.
    type: str
    required: true
seealso:
  - module: edgefed.kubefed.kubeconfig_info
"""

EXAMPLES = r"""
- name: Where a site is
  edgefed.kubefed.starlingx_subcloud_info:
    name: site-001
  delegate_to: system-controller
  become: true
  register: asked
"""

RETURN = r"""
subcloud:
  description: What is known of it, empty when there is a RV(problem). Values are StarlingX' own words.
  returned: success
  type: dict
  sample:
    name: site-001
    management: managed
    availability: online
    deploy_status: complete
    software_version: "24.09"
    oam_floating_ip: 10.10.20.2
problem:
  description: Why there is nothing, as C(message) and C(code).
  returned: when the system controller cannot tell an address
  type: dict
  sample:
    code: subcloud_offline
    message: "subcloud site-001 has no OAM floating address now: it is managed, offline, deployment complete. Next: see …"
"""

from typing import Any, Callable

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.edgefed.kubefed.plugins.module_utils.kubeconfig.read import ReadProblem
from ansible_collections.edgefed.kubefed.plugins.module_utils.kubeconfig.subclouds import ask
from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import Result

ARGUMENT_SPEC: dict[str, dict[str, Any]] = {"name": {"type": "str", "required": True}}


def run(params: dict[str, Any], check: bool, diff: bool, connect: Callable[..., Any]) -> Result:
    """Ask; a problem is a result too."""
    try:
        return Result(data={"subcloud": ask(params["name"])})
    except ReadProblem as problem:
        return Result(data={"subcloud": {}, "problem": {"code": problem.code, "message": problem.message}})


def _no_connection(*args: Any, **options: Any) -> Any:
    raise NotImplementedError("starlingx_subcloud_info asks no cluster")


def main() -> None:
    """Not by ``run_as_module``, which brings the API client along: this runs on system controllers."""
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    module.exit_json(**run(module.params, module.check_mode, module._diff, _no_connection).as_task_result(False))


if __name__ == "__main__":
    main()
