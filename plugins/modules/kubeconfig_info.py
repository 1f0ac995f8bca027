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
      - The kubeconfig; V(~) is the home of the user who reads. Empty means the place of O(flavour).
      - Several separated by V(:) are read as C(KUBECONFIG) is, and missing ones left out.
    type: str
    default: ""
  flavour:
    description:
      - What the cluster is, which says where its kubeconfig lies and which address in it is right.
      - V(auto) looks for V(starlingx), V(kubeedge), V(openshift), V(rke2), V(k3s), V(microk8s), V(kubeadm) and then for
        C(~/.kube/config), in this order, and takes the first that may be read.
      - V(rancher) has no place of its own, so it is C(~/.kube/config) without O(path).
    type: str
    choices: [auto, kubeadm, k3s, rke2, microk8s, starlingx, kubeedge, openshift, rancher]
    default: auto
  ask_address:
    description:
      - Whether a StarlingX controller is asked for its OAM floating address (C(system oam-show)), since its kubeconfig has an internal one.
    type: bool
    default: true
seealso:
  - module: edgefed.kubefed.kubeconfig
"""

EXAMPLES = r"""
- name: Read root's kubeconfig on a member's master
  edgefed.kubefed.kubeconfig_info:
    flavour: kubeadm
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
flavour:
  description: The flavour it was read as, empty when it is none that is known.
  returned: always
  type: str
  sample: kubeadm
address:
  description: The address that the flavour's own command told, as the API server's from outside.
  returned: always
  type: str
  sample: ""
address_of_master:
  description: Whether this flavour writes a loopback address, in whose place the master's own is right.
  returned: always
  type: bool
  sample: false
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

from ansible_collections.edgefed.kubefed.plugins.module_utils.kubeconfig.find import ask_address, find
from ansible_collections.edgefed.kubefed.plugins.module_utils.kubeconfig.flavours import MASTERS
from ansible_collections.edgefed.kubefed.plugins.module_utils.kubeconfig.read import ReadProblem, read_sources
from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import Result

FLAVOURS = ["auto", "kubeadm", "k3s", "rke2", "microk8s", "starlingx", "kubeedge", "openshift", "rancher"]
ARGUMENT_SPEC: dict[str, dict[str, Any]] = {
    "path": {"type": "str", "default": ""},
    "flavour": {"type": "str", "choices": FLAVOURS, "default": "auto"},
    "ask_address": {"type": "bool", "default": True},
}


def run(params: dict[str, Any], check: bool, diff: bool, connect: Callable[..., Any]) -> Result:
    """Read; a problem is a result too."""
    told: dict[str, Any] = {"flavour": "", "address": "", "address_of_master": False, "sources": []}
    try:
        found = find(params["flavour"], params["path"])
        told.update(flavour=found.flavour.name, address_of_master=found.flavour.address == MASTERS)
        sources = read_sources(found.path)
        address = ask_address(found.flavour) if params["ask_address"] else ""
    except ReadProblem as problem:
        return Result(data={**told, "problem": {"code": problem.code, "message": problem.message}})
    return Result(data={**told, "sources": sources, "address": address})


def _no_connection(*args: Any, **options: Any) -> Any:
    raise NotImplementedError("kubeconfig_info asks no cluster")


def main() -> None:
    """Not by ``run_as_module``, which brings the API client along: this runs on members' masters."""
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    module.exit_json(**run(module.params, module.check_mode, module._diff, _no_connection).as_task_result(False))


if __name__ == "__main__":
    main()
