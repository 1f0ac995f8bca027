# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Services whose selector selects nothing of what is federated beside them. Pure."""

from __future__ import annotations

import difflib
from typing import Any

from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.check import Resource
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.fields import value_at

_POD_LABELS: dict[str, tuple[str, ...]] = {
    "FederatedPod": ("spec", "template", "metadata", "labels"),
    **{
        f"Federated{kind}": ("spec", "template", "spec", "template", "metadata", "labels")
        for kind in ("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job", "ReplicationController")
    },
}
WORKLOADS = tuple(_POD_LABELS)


def _labels(body: dict[str, Any]) -> dict[str, str]:
    found = value_at(body, _POD_LABELS[body["kind"]])
    return found if isinstance(found, dict) else {}


def _title(body: dict[str, Any]) -> str:
    return f"{body['kind']} {body['metadata']['name']}"


def selecting(resources: list[Resource]) -> list[Resource]:
    """The Services that select no workload of the set."""
    return [service for service in resources if _selector(service) and not _selected(service, [item.body for item in resources])]


def _selector(service: Resource) -> dict[str, str]:
    found = value_at(service.body, ("spec", "template", "spec", "selector")) if service.key[0] == "FederatedService" else None
    return found if isinstance(found, dict) else {}


def _around(service: Resource, bodies: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [body for body in bodies if body["kind"] in WORKLOADS and body["metadata"].get("namespace") == service.key[1]]


def _selected(service: Resource, bodies: list[dict[str, Any]]) -> bool:
    wanted = _selector(service).items()
    return any(wanted <= _labels(body).items() for body in _around(service, bodies))


def notices(services: list[Resource], bodies: list[dict[str, Any]]) -> list[str]:
    """A warning for each of ``services`` that selects none of the workloads in ``bodies``, though there are some."""
    found = []
    for service in services:
        around = _around(service, bodies)
        if around and not _selected(service, bodies):
            found.append(_notice(service, max(around, key=lambda body: _likeness(_selector(service), body))))
    return found


def _notice(service: Resource, meant: dict[str, Any]) -> str:
    place = service.document.place("spec", "template", "spec", "selector")
    return (
        f"{place}: {service.title}: selector {_pairs(_selector(service))} selects no pods of what is federated in namespace "
        f"{service.key[1]}. Did you mean {_title(meant)} ({_pairs(_labels(meant))})?"
    )


def _pairs(labels: dict[str, str]) -> str:
    return ", ".join(f"{key}: {value}" for key, value in sorted(labels.items())) or "no labels"


def _likeness(selector: dict[str, str], body: dict[str, Any]) -> tuple[int, float]:
    labels = _labels(body)
    kept = {key: labels.get(key) for key in selector}
    return len(selector.items() & labels.items()), difflib.SequenceMatcher(None, _pairs(selector), str(kept)).ratio()
