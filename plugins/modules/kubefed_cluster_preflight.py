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
  - Changes nothing.
extends_documentation_fragment:
  - kubernetes.core.k8s_auth_options
  - edgefed.kubefed.attributes.info
options:
  name:
    description: The cluster's name in the federation.
    type: str
    required: true
  namespace:
    description: The namespace of KubeFed in the host cluster.
    type: str
    default: kube-federation-system
  host_cluster_name:
    description: The host cluster's name. The default is O(context).
    type: str
  member_kubeconfig:
    description: The kubeconfig of the member, a path or the content as a dictionary. The default is O(kubeconfig).
    type: raw
  member_context:
    description: The member's context in O(member_kubeconfig). The default is O(name).
    type: str
  api_endpoint:
    description: The address that KubeFed is to dial, as in M(edgefed.kubefed.kubefed_cluster).
    type: str
  api_ca_cert:
    description: The CA (PEM text) that it is verified with.
    type: str
  api_proxy_url:
    description: The proxy that KubeFed uses. Only one with scheme C(http) is looked through.
    type: str
  disabled_tls_validations:
    description: Checks that KubeFed leaves out, so that they are left out here.
    type: list
    elements: str
    choices: ["*", SubjectName, ValidityPeriod]
    default: []
  credentials:
    description: What the join will be asked for, since it decides which rights it needs.
    type: str
    choices: [full, least, provided]
    default: full
  token:
    description: The token of O(credentials=provided), which has to be accepted and to have the rights that KubeFed needs.
    type: str
"""

EXAMPLES = r"""
- name: Look before joining
  edgefed.kubefed.kubefed_cluster_preflight:
    kubeconfig: .edgefed/kubeconfig
    context: local
    name: zj
    api_endpoint: https://10.20.0.7:6443
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
from ansible_collections.edgefed.kubefed.plugins.module_utils.module import run_as_module
from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import Result
from ansible_collections.edgefed.kubefed.plugins.module_utils.preflight.run import preflight

ARGUMENT_SPEC: dict[str, dict[str, Any]] = {
    **AUTH_SPEC,
    "name": {"type": "str", "required": True},
    "namespace": {"type": "str", "default": "kube-federation-system"},
    "host_cluster_name": {"type": "str"},
    "member_kubeconfig": {"type": "raw", "no_log": True},
    "member_context": {"type": "str"},
    "api_endpoint": {"type": "str"},
    "api_ca_cert": {"type": "str"},
    "api_proxy_url": {"type": "str", "no_log": True},
    "disabled_tls_validations": {
        "type": "list",
        "elements": "str",
        "choices": ["*", "SubjectName", "ValidityPeriod"],
        "default": [],
    },
    "credentials": {"type": "str", "choices": ["full", "least", "provided"], "default": "full"},
    "token": {"type": "str", "no_log": True},
}


def run(params: dict[str, Any], check: bool, diff: bool, connect: Callable[..., Client]) -> Result:
    """Look at one cluster."""
    del check, diff
    names = Names(params["name"], params["host_cluster_name"] or params["context"] or "", params["namespace"])
    check_names(names)
    check_credentials({**params, "state": "present", "rotate": False, "credentials_max_age": None}, time.time())
    return preflight(params, names, connect)


def main() -> None:
    """Run as a module."""
    run_as_module(run, ARGUMENT_SPEC)


if __name__ == "__main__":
    main()
