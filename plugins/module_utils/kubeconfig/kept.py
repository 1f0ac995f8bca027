# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The merged kubeconfig kept on the host cluster, for runs whose folder goes with them: a Secret for each cluster.

One for each, since a Secret holds at most a megabyte, and two runs for different clusters then never write the same one.
"""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import Any

from ansible_collections.edgefed.kubefed.plugins.module_utils.client import Client, object_path
from ansible_collections.edgefed.kubefed.plugins.module_utils.kubeconfig.merge import Plan
from ansible_collections.edgefed.kubefed.plugins.module_utils.kubeconfig.model import SECTIONS, Kubeconfig, dump, parse
from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import EdgefedError

LABEL = "edgefed.io/kubeconfig"
KEY = "kubeconfig"


def manifest(name: str, namespace: str, kubeconfig: Kubeconfig) -> dict[str, Any]:
    """The Secret of one cluster."""
    content = base64.b64encode(dump(kubeconfig).encode()).decode()
    meta = {"name": f"kubeconfig-{name}", "namespace": namespace, "labels": {LABEL: name}}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": meta, "type": "Opaque", "data": {KEY: content}}


def one_of(kubeconfig: Kubeconfig, name: str, path: str) -> Kubeconfig:
    """Cluster, user and context of this name alone."""
    if name not in kubeconfig.contexts:
        raise EdgefedError(
            f"kubeconfig {path} has no context {name}, so it cannot be kept on the host cluster. "
            f"Next: run playbooks/kubeconfig.yml for {name}.",
            code="no_context",
        )
    sections = {section: {name: kubeconfig.section(section)[name]} for section in SECTIONS if name in kubeconfig.section(section)}
    return Kubeconfig(**sections, current_context=name)


def with_kept(current: Kubeconfig, secrets: list[dict[str, Any]]) -> Plan:
    """``current`` with the clusters that the Secrets keep; what it has besides stays."""
    sections: dict[str, Any] = {section: dict(current.section(section)) for section in SECTIONS}
    for secret in secrets:
        name = secret["metadata"]["name"]
        kept = parse(base64.b64decode((secret.get("data") or {}).get(KEY, "")), f"Secret {name}")
        for section, entries in sections.items():
            entries.update(kept.section(section))
    return Plan(current, replace(current, **sections))


def path_of(namespace: str, name: str = "") -> str:
    """The API path of one cluster's Secret, or of all."""
    return object_path("v1", "secrets", namespace, f"kubeconfig-{name}" if name else None)


def all_of(host: Client, namespace: str) -> list[dict[str, Any]]:
    """Every Secret that keeps a kubeconfig."""
    return list(host.list(path_of(namespace), {"labelSelector": LABEL}))


def namespace_manifest(namespace: str) -> dict[str, Any]:
    """Where they lie."""
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}
