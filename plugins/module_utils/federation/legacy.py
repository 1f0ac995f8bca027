# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Ingress templates of the time before networking.k8s.io/v1, rewritten. Pure.

FederatedIngress accepts the old backend, and only the members refuse it later: no current Kubernetes serves it.
"""

from __future__ import annotations

import copy
from typing import Any

CURRENT = "networking.k8s.io/v1"
LEGACY = ("extensions/v1beta1", "networking.k8s.io/v1beta1")
OLD_KEYS = ("serviceName", "servicePort")


def _is_old(backend: Any) -> bool:
    return isinstance(backend, dict) and any(key in backend for key in OLD_KEYS)


def _backend(old: dict[str, Any]) -> dict[str, Any]:
    new = {key: value for key, value in old.items() if key not in OLD_KEYS}
    service: dict[str, Any] = {"name": old.get("serviceName")}
    port = old.get("servicePort")
    if port is not None:
        is_number = isinstance(port, int) or str(port).isdigit()
        service["port"] = {"number": int(port)} if is_number else {"name": port}
    new["service"] = service
    return new


def _convert_paths(spec: dict[str, Any]) -> bool:
    found = False
    for rule in spec.get("rules") or []:
        for path in (rule.get("http") or {}).get("paths") or []:
            if _is_old(path.get("backend")):
                path["backend"] = _backend(path["backend"])
                path.setdefault("pathType", "ImplementationSpecific")
                found = True
    return found


def convert_ingress(template: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """``(template, what was converted)``: a template in the form of networking.k8s.io/v1; itself and ``[]`` when it was that.

    The meaning stays: ``backend`` becomes ``defaultBackend``, a path without a type keeps what it was, implementation specific.
    """
    spec = template.get("spec")
    if not isinstance(spec, dict) or template.get("apiVersion", CURRENT) not in (CURRENT, *LEGACY):
        return template, []
    result = copy.deepcopy(template)
    spec = result["spec"]
    done: list[str] = []
    if _is_old(spec.get("backend")) and "defaultBackend" not in spec:
        spec["defaultBackend"] = _backend(spec.pop("backend"))
        done.append("spec.backend to spec.defaultBackend.service")
    try:
        if _convert_paths(spec):
            done.append("serviceName and servicePort of the rules' paths to backend.service")
    except AttributeError:
        return template, []
    if result.get("apiVersion") in LEGACY:
        done.insert(0, f"apiVersion {result['apiVersion']} to {CURRENT}")
        result["apiVersion"] = CURRENT
    return (result, done) if done else (template, [])
