# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What KubeFed put into a member: the objects of the federated types' targets that it labelled as managed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ansible_collections.edgefed.kubefed.plugins.module_utils.client import ApiError, Client, object_path
from ansible_collections.edgefed.kubefed.plugins.module_utils.federate.contents import contents
from ansible_collections.edgefed.kubefed.plugins.module_utils.federate.host import Host
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.preview import MANAGED_LABEL
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.types import FederatedType, table
from ansible_collections.edgefed.kubefed.plugins.module_utils.member.desired import KUBEFED, Manifest, Ref


@dataclass
class FederatedObjects:
    """``refs`` in the order they are to be deleted: namespaces last. ``kept`` are namespaces that hold more, and why."""

    objects: dict[Ref, Manifest] = field(default_factory=dict)
    kept: list[str] = field(default_factory=list)

    @property
    def refs(self) -> list[Ref]:
        return sorted(self.objects, key=lambda ref: (ref.kind == "Namespace", ref.kind, str(ref)))


def federated_objects(host: Client, member: Client, namespace: str) -> FederatedObjects:
    """One list for each federated type, enabled or not. A namespace goes only where nothing else would go with it."""
    found = FederatedObjects()
    types = table(host.list(object_path(KUBEFED, "federatedtypeconfigs", namespace)))
    for kind in types.values():
        for item in _managed(member, kind):
            ref = _ref(kind, item)
            if kind.target_kind == "Namespace":
                why = _why_kept(host, member, item)
                found.kept += [f"Namespace {ref.name} ({why})"] if why else []
                if why:
                    continue
            found.objects[ref] = item
    return found


def _managed(member: Client, kind: FederatedType) -> list[Manifest]:
    path = object_path(kind.target_api_version, kind.target["pluralName"])
    try:
        return list(member.list(path, {"labelSelector": f"{MANAGED_LABEL}=true"}))
    except ApiError as error:
        if error.status == 404:
            return []
        raise


def _ref(kind: FederatedType, item: dict[str, Any]) -> Ref:
    meta = item["metadata"]
    return Ref("member", kind.target_api_version, kind.target_kind, meta["name"], meta.get("namespace"), kind.target["pluralName"])


def _why_kept(host: Client, member: Client, item: Manifest) -> str:
    name = item["metadata"]["name"]
    own = host.find(object_path("v1", "namespaces", name=name))
    if own and own["metadata"]["uid"] == item["metadata"]["uid"]:
        return "it is the host cluster's own"
    left = contents(Host(host, name), member, name)
    return f"it holds {', '.join(left)}" if left else ""
