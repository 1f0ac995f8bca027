#!/usr/bin/python
# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: kubeconfig_info
short_description: Read a kubeconfig where it lies, with the files it names
version_added: 0.1.0
author: edgefed contributors (@edgefed)
description:
  - Reads a kubeconfig and the certificate, key and token files that it names, on the machine where they lie.
  - Its result B(is secret). Set C(no_log=true) on the task, since the ssh connection prints a module's whole output at C(-vvv).
  - What cannot be read is returned as RV(problem) and does not fail, so that a following task can say why without showing anything. That
    holds for a machine that cannot be reached, and for C(become) that is refused, too.
  - It needs nothing on that machine but Python.
extends_documentation_fragment:
  - edgefed.kubefed.attributes.plain_info
options:
  path:
    description:
      - The kubeconfig; V(~) is the home of the user who reads.
      - Several separated by V(:) are read as C(KUBECONFIG) is, and missing ones left out.
    type: str
    default: ~/.kube/config
seealso:
  - module: edgefed.kubefed.kubeconfig
"""

EXAMPLES = r"""
- name: Read root's kubeconfig on a member's master
  edgefed.kubefed.kubeconfig_info:
    path: /etc/kubernetes/admin.conf
  become: true
  no_log: true
  register: read
"""

RETURN = r"""
sources:
  description: What was read, empty when there is a RV(problem). B(Secret.)
  returned: always
  type: list
  elements: dict
  contains:
    path:
      description: The file's absolute path.
      type: str
      sample: /etc/kubernetes/admin.conf
    content:
      description: Its text.
      type: str
      sample: "apiVersion: v1"
    files:
      description: The files that it names, base64, by the path as written in it.
      type: dict
      sample: {pki/ca.crt: LS0tLS1CRUdJTg==}
    problems:
      description: Why one of those files could not be read.
      type: dict
      sample: {pki/admin.key: "/etc/kubernetes/pki/admin.key does not exist"}
remote:
  description: Whether it was read on another machine than Ansible's, so that a loopback address in it is no good here.
  returned: always
  type: bool
  sample: true
problem:
  description: Why there is nothing, as C(message) and C(code). It holds no content of any file.
  returned: when the kubeconfig cannot be read
  type: dict
  sample: {code: missing, message: "/etc/kubernetes/admin.conf does not exist. Next: set kubeconfig_path to where the kubeconfig lies"}
"""

from typing import Any, Callable

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.edgefed.kubefed.plugins.module_utils.kubeconfig.read import ReadProblem, read_sources
from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import Result

ARGUMENT_SPEC: dict[str, dict[str, Any]] = {"path": {"type": "str", "default": "~/.kube/config"}}


def run(params: dict[str, Any], check: bool, diff: bool, connect: Callable[..., Any]) -> Result:
    """Read; a problem is a result too."""
    try:
        return Result(data={"sources": read_sources(params["path"])})
    except ReadProblem as problem:
        return Result(data={"sources": [], "problem": {"code": problem.code, "message": problem.message}})


def _no_connection(*args: Any, **options: Any) -> Any:
    raise NotImplementedError("kubeconfig_info asks no cluster")


def main() -> None:
    """Not by ``run_as_module``, which brings the API client along: this runs on members' masters."""
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    module.exit_json(**run(module.params, module.check_mode, module._diff, _no_connection).as_task_result(False))


if __name__ == "__main__":
    main()
