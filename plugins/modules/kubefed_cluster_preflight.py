#!/usr/bin/python
# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: kubefed_cluster_preflight
short_description: Find out whether a cluster can be joined to a KubeFed federation
version_added: 0.1.0
author: edgefed contributors (@edgefed)
description:
  - Looks at a member from this machine before anything is written, and tells all that is wrong at once, each with the next step.
  - Looks whether the address resolves, whether an API server answers there (through the proxy, where one is set), whether its certificate
    fits the CA, is for this address and lasts, whether the clocks agree, whether its version can be worked with, whether the token is
    accepted, and whether one may do in both clusters what a join does.
  - Refuses Rancher's proxy and users that are programs, as M(edgefed.kubefed.kubefed_cluster) does.
  - Where O(api_endpoint) is another address than the kubeconfig's, both are looked at. That this machine does not reach it is only a
    warning then, since KubeFed dials it from the host cluster.
  - Changes nothing, but for a short Job on the host cluster where O(preflight_from) asks for one.
extends_documentation_fragment:
  - kubernetes.core.k8s_auth_options
  - edgefed.kubefed.member
  - edgefed.kubefed.attributes.info
options:
  preflight_from:
    description:
      - Where the address that KubeFed dials is looked at from.
      - V(controller) is the machine that this runs on, Ansible's control node.
      - V(host) is the host cluster, which is where KubeFed dials from. A short Job in O(namespace) dials it with KubeFed's own image,
        placed and equipped as C(kubefed-controller-manager) is, and is removed afterwards, also after a failure. No credentials are
        brought into the host cluster. The Job asks anonymously, or with the token that KubeFed has for the cluster already.
      - That needs the right to create and delete Jobs and to read pods and their logs in O(namespace).
      - V(both) tells both findings. That the host cluster could not be asked (its image, quota, Pod Security, no room) is a warning then.
      - Where KubeFed's controller is no Deployment but a process, as in an embedded lab, there is no pod to ask from. A warning says so,
        and this machine looks.
      - In check mode no Job is started, and a warning says so.
    type: str
    choices: [controller, host, both]
    default: controller
"""

EXAMPLES = r"""
- name: Look before joining
  edgefed.kubefed.kubefed_cluster_preflight:
    kubeconfig: .edgefed/kubeconfig
    context: local
    name: zj
    api_endpoint: https://10.20.0.7:6443

- name: Look from the host cluster too, which is where KubeFed dials from
  edgefed.kubefed.kubefed_cluster_preflight:
    kubeconfig: .edgefed/kubeconfig
    context: local
    name: zj
    api_endpoint: https://10.20.0.7:6443
    preflight_from: both
"""

RETURN = r"""
checks:
  description:
    - Each finding in the order it was made. RV(ignore:outcome) is V(ok), V(warning) or V(failed).
    - In a failed task they are in RV(ignore:details).
  returned: success
  type: list
  elements: dict
  sample:
    - check: clock
      outcome: warning
      detail: the API server's clock is 75 s ahead of this machine's
      next: set both clocks (NTP)
"""

import time
from typing import Any, Callable

from ansible_collections.edgefed.kubefed.plugins.module_utils.auth_options import AUTH_SPEC
from ansible_collections.edgefed.kubefed.plugins.module_utils.client import Client
from ansible_collections.edgefed.kubefed.plugins.module_utils.member.credentials import check_credentials
from ansible_collections.edgefed.kubefed.plugins.module_utils.member.names import Names, check_names
from ansible_collections.edgefed.kubefed.plugins.module_utils.member.options import MEMBER_SPEC
from ansible_collections.edgefed.kubefed.plugins.module_utils.module import run_as_module
from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import Result
from ansible_collections.edgefed.kubefed.plugins.module_utils.preflight.run import preflight

ARGUMENT_SPEC: dict[str, dict[str, Any]] = {
    **AUTH_SPEC,
    **MEMBER_SPEC,
    "preflight_from": {"type": "str", "choices": ["controller", "host", "both"], "default": "controller"},
}


def run(params: dict[str, Any], check: bool, diff: bool, connect: Callable[..., Client]) -> Result:
    """Look at one cluster."""
    del diff
    names = Names(params["name"], params["host_cluster_name"] or params["context"] or "", params["namespace"])
    check_names(names)
    check_credentials({**params, "state": "present", "rotate": False, "credentials_max_age": None}, time.time())
    return preflight(params, names, connect, check)


def main() -> None:
    """Run as a module."""
    run_as_module(run, ARGUMENT_SPEC)


if __name__ == "__main__":
    main()
