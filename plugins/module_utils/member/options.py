# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Options of the modules that join a cluster, or look whether it can be joined. Documented in ``edgefed.kubefed.member``."""

from __future__ import annotations

from typing import Any

MEMBER_SPEC: dict[str, dict[str, Any]] = {
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
