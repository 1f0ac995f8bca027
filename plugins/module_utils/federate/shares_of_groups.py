# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A preference's ``clusters`` given as a list by groups and hosts of the inventory, made KubeFed's own map of clusters. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ansible_collections.edgefed.kubefed.plugins.module_utils.federate.wish import Inventory, clusters_at
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.fields import unknown, value_at, wrong_type
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.layers import Decision
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.preferences import SHARE
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.shares import EVERYWHERE
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.sources import Document, Path, Problem, dotted
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.types import PREFERENCE

# Whose it is, the clusters it is for, and what it says.
_Item = tuple[str, list[str], dict[str, Any]]


def with_clusters(documents: list[Document], inventory: Inventory) -> tuple[list[Document], list[Problem]]:
    """The documents with the lists of preferences resolved, and what is wrong with them."""
    found: list[Document] = []
    problems: list[Problem] = []
    for document in documents:
        wanted = document.kind == PREFERENCE.kind and isinstance(value_at(document.body, ("spec", "clusters")), list)
        made, wrong = _resolved(document, inventory) if wanted else (document, [])
        found.append(made)
        problems += wrong
    return found, problems


def _resolved(document: Document, inventory: Inventory) -> tuple[Document, list[Problem]]:
    items: list[tuple[int, _Item]] = []
    problems: list[Problem] = []
    for index in range(len(document.body["spec"]["clusters"])):
        here: Path = ("spec", "clusters", index)
        wrong = wrong_type(document, here, dict, "groups or hosts, and weight, minReplicas or maxReplicas")
        wrong = wrong or unknown(document, here, ("groups", "hosts", *SHARE))
        if not wrong:
            wrong = clusters_at(document, here, inventory)[1]
        problems += wrong
        items += _ranked(value_at(document.body, here), dotted(here), inventory) if not wrong else []
    merged = _Merged()
    for _rank, item in sorted(items, key=lambda entry: entry[0]):
        merged.put(*item)
    body = {**document.body, "spec": {**document.body["spec"], "clusters": merged.shares}}
    return replace(document, body=body, decisions=merged.decisions), problems


def _ranked(item: dict[str, Any], by: str, inventory: Inventory) -> list[tuple[int, _Item]]:
    """Those for all first, then those of groups by the groups' precedence, then those of hosts, as overrides have it."""
    share = {field: item[field] for field in SHARE if field in item}
    order = list(inventory.groups)
    found: list[tuple[int, _Item]] = []
    for group in item.get("groups") or []:
        found.append((order.index(group), (f"{by} (group {group})", inventory.clusters(group), share)))
    if item.get("hosts"):
        found.append((len(order), (f"{by} (hosts)", list(item["hosts"]), share)))
    return found if "groups" in item or "hosts" in item else [(-1, (by, [EVERYWHERE], share))]


class _Merged:
    """KubeFed takes one entry for a cluster and looks at no other then, so each holds also what is for all."""

    def __init__(self) -> None:
        self.shares: dict[str, dict[str, Any]] = {}
        self.decisions: list[Decision] = []
        self._by: dict[tuple[str, str], str] = {}

    def put(self, by: str, clusters: list[str], share: dict[str, Any]) -> None:
        """One item on top of those before it."""
        for cluster in clusters:
            if cluster not in self.shares:
                self.shares[cluster] = dict(self.shares.get(EVERYWHERE, {}))
                self._by.update({(cluster, field): self._by[EVERYWHERE, field] for field in self.shares[cluster]})
            for field, value in share.items():
                over = self._by.get((cluster, field))
                if over and self.shares[cluster][field] != value:
                    self.decisions.append(Decision(cluster, f"/spec/clusters/{cluster}/{field}", by, over))
                self.shares[cluster][field] = value
                self._by[cluster, field] = by
