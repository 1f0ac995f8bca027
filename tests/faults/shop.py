# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""An application of each lane's own: what is given of it, and what the clusters have of it."""

from __future__ import annotations

import json
from typing import Any, Callable, Iterator

from ansible_collections.edgefed.kubefed.plugins.module_utils.client import Client, object_path
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.application import LABEL
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.redact import fingerprint

TYPES = "types.kubefed.io/v1beta1"
MANAGED = "kubefed.io/managed"
SECRET = "hunter2-hunter2"
_HERE = ("configmaps", "secrets")
_FEDERATED = ("federatednamespaces", "federatedconfigmaps", "federatedsecrets")


def places(member: str) -> tuple[str, str]:
    """The namespaces of a lane's application: one that stays, and one that goes with what lies in it."""
    return f"{member}-shop", f"{member}-shop-old"


def federated(kind: str, member: str, place: str, name: str, template: dict[str, Any]) -> dict[str, Any]:
    meta = {"name": name, "namespace": place}
    spec = {"template": template, "placement": {"clusters": [{"name": member}]}}
    return {"apiVersion": TYPES, "kind": kind, "metadata": meta, "spec": spec}


def staying(member: str) -> list[dict[str, Any]]:
    """What is given of the application now."""
    here = places(member)[0]
    login = federated("FederatedSecret", member, here, "login", {"stringData": {"password": SECRET}})
    return [federated("FederatedConfigMap", member, here, "settings", {"data": {"key": "ours"}}), login]


def going(member: str) -> dict[str, Any]:
    """What was given of it once."""
    return federated("FederatedConfigMap", member, places(member)[1], "former", {"data": {"key": "ours"}})


def theirs(member: str) -> list[tuple[str, dict[str, Any]]]:
    """What a member has already before anything is federated, each with its path."""
    here = places(member)[0]
    meta = {"name": "settings", "namespace": here}
    settings = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": {"key": "theirs"}}
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": here}}
    return [(path_of_namespace(here), namespace), (object_path("v1", "configmaps", here, "settings"), settings)]


def path_of_namespace(name: str) -> str:
    return object_path("v1", "namespaces", None, name)


def is_managed(found: dict[str, Any] | None) -> bool:
    return found is not None and (found["metadata"].get("labels") or {}).get(MANAGED) == "true"


def is_going(found: dict[str, Any] | None) -> bool:
    return found is not None and bool(found["metadata"].get("deletionTimestamp"))


def state(client: Client, member: str, plurals: tuple[str, ...], common: Callable[[str], str]) -> Iterator[str]:
    for place in places(member):
        found = client.find(path_of_namespace(place))
        if found:
            yield f"namespace {place}{_managed(found)}"
        for plural in plurals if found else ():
            for item in client.list(object_path(TYPES if plural in _FEDERATED else "v1", plural, place)):
                if item["metadata"]["name"] != "kube-root-ca.crt":
                    content = fingerprint(common(json.dumps([item.get("spec"), item.get("data")], sort_keys=True)))
                    application = (item["metadata"].get("labels") or {}).get(LABEL)
                    yield f"{plural} {place}/{item['metadata']['name']} of {application} {content}{_managed(item)}"


def in_host(client: Client, member: str, common: Callable[[str], str]) -> Iterator[str]:
    """What the host cluster has of the application."""
    return state(client, member, _FEDERATED, common)


def in_member(client: Client, member: str, common: Callable[[str], str]) -> Iterator[str]:
    """What the member has of it, whoever brought it."""
    return state(client, member, _HERE, common)


def _managed(item: dict[str, Any]) -> str:
    return " by KubeFed" if is_managed(item) else ""
