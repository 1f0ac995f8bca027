# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What would be lost with a namespace, besides what goes anyway."""

from __future__ import annotations

from typing import Any, Iterable

from ansible_collections.edgefed.kubefed.plugins.module_utils.client import Client
from ansible_collections.edgefed.kubefed.plugins.module_utils.federate.host import Host
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.preview import MANAGED_LABEL
from ansible_collections.edgefed.kubefed.plugins.module_utils.member.objects import METADATA_ONLY, namespaced_resources
from ansible_collections.edgefed.kubefed.plugins.module_utils.member.plan import foreign_names

NAMED_AT_MOST = 3
# They come and go with others.
DERIVED = ("endpoints", "endpointslices", "propagatedversions")


def contents(host: Host, client: Client, namespace: str, going: Iterable[tuple[str, str]] = (), orphaned: bool = False) -> list[str]:
    """Some of what lies in the namespace, as ``<resource> <name>``, that neither KubeFed put there nor an owner takes along.

    ``going`` are (plural, name) of what is deleted at the same time. ``orphaned``: what KubeFed put there stays, and so counts as well.
    One list for each kind, side by side.
    """
    gone = set(going)
    kinds = [(path, plural) for path, plural in namespaced_resources(client) if plural not in DERIVED]

    def read(kind: tuple[str, str]) -> list[str]:
        path, plural = kind
        items = client.request("GET", f"{path}/namespaces/{namespace}/{plural}", query={"limit": 500}, accept=METADATA_ONLY)["items"] or []
        left = [item for item in items if not _goes_along(item["metadata"], orphaned) and (plural, item["metadata"]["name"]) not in gone]
        return [f"{plural} {name}" for name in foreign_names(plural, left, ())]

    return [name for names in host.each(read, kinds) for name in names][:NAMED_AT_MOST]


def _goes_along(metadata: dict[str, Any], orphaned: bool) -> bool:
    managed = (metadata.get("labels") or {}).get(MANAGED_LABEL) == "true"
    return (managed and not orphaned) or bool(metadata.get("ownerReferences"))
