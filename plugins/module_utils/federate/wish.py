# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Placement and overrides in the inventory's words, as the task gives them, made clusters' names. Pure."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import Any

from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.fields import unknown, value_at, wrong_type
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.layers import Layer
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.sources import Document, Path, Problem, dotted
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.types import PREFERENCE, nearest

Object = dict[str, Any]
PLACEMENT = ("groups", "hosts", "selector")
FILTERS = ("kind", "name", "namespace")
CONTENT = ("values", "patches")
TASK = "the task"


@dataclass(frozen=True)
class Inventory:
    """Groups with their hosts, in the order of their precedence, the weakest first; all hosts; the hosts that are clusters."""

    groups: dict[str, list[str]]
    hosts: list[str]
    members: list[str]

    def clusters(self, group: str) -> list[str]:
        """The clusters among a group's hosts."""
        return [host for host in self.groups[group] if host in self.members]


@dataclass(frozen=True)
class Wish:
    """What is to be done to plain manifests. ``placement`` is KubeFed's own, ``None`` when none is given."""

    placement: Object | None = None
    layers: list[Layer] = field(default_factory=list)

    def as_dict(self) -> Object:
        """As JSON values; :func:`wish_of` reads them."""
        layers = [{**asdict(layer), "clusters": None if layer.clusters is None else sorted(layer.clusters)} for layer in self.layers]
        return {"placement": self.placement, "layers": layers}


def wish_of(given: Object) -> Wish:
    """What :meth:`Wish.as_dict` gave."""
    layers = [Layer(**{**one, "clusters": None if one["clusters"] is None else frozenset(one["clusters"])}) for one in given["layers"]]
    return Wish(given["placement"], layers)


def placement_of(given: Any, inventory: Inventory, whose: str = TASK) -> tuple[Object | None, list[Problem]]:
    """KubeFed's placement for ``{groups, hosts, selector}``. ``whose`` is for messages."""
    if given is None:
        return None, []
    document = Document({"placement": given}, whose)
    problems = wrong_type(document, ("placement",), dict, "groups, hosts or selector")
    if problems:
        return None, problems
    problems = unknown(document, ("placement",), PLACEMENT)
    names, more = clusters_at(document, ("placement",), inventory)
    problems += more
    if "selector" in given:
        problems += wrong_type(document, ("placement", "selector"), dict, "matchLabels or matchExpressions ({} selects all)")
        if names is not None:
            cause = "KubeFed looks at no selector where clusters are named"
            problems.append(document.problem(("placement", "selector"), cause, "give groups and hosts, or the selector"))
        return {"clusterSelector": given["selector"]}, problems
    if names is None and not problems:
        problems.append(document.problem(("placement",), "it names no clusters", "give groups, hosts, or selector ({} selects all)"))
    return {"clusters": [{"name": name} for name in names or []]}, problems


def layers_of(given: Any, inventory: Inventory, whose: str = TASK) -> tuple[list[Layer], list[Problem]]:
    """The layers of the task's own overrides: those for all first, then those of groups by the groups' precedence, then those of hosts."""
    document = Document({"overrides": given}, whose)
    within = "" if whose == TASK else f"{whose}."
    problems = wrong_type(document, ("overrides",), list, "- groups: […]")
    if problems:
        return [], problems
    ranked: list[tuple[int, Layer]] = []
    order = list(inventory.groups)
    for index, item in enumerate(given):
        here: Path = ("overrides", index)
        wrong = _item_problems(document, here, (*FILTERS, *CONTENT, "groups", "hosts"))
        clusters, more = clusters_at(document, here, inventory) if not wrong else (None, [])
        problems += [*wrong, *more]
        if wrong or more:
            continue
        if clusters is None:
            ranked.append((-1, _layer(item, f"{within}{dotted(here)}", None, True)))
        for group in _texts(item, "groups"):
            layer = _layer(item, f"{within}{dotted(here)} (group {group})", frozenset(inventory.clusters(group)), False)
            ranked.append((order.index(group), layer))
        if _texts(item, "hosts"):
            ranked.append((len(order), _layer(item, f"{within}{dotted(here)} (hosts)", frozenset(_texts(item, "hosts")), True)))
    return [layer for _rank, layer in sorted(ranked, key=lambda entry: entry[0])], problems


def host_layers(given: Any, by: str, cluster: str) -> tuple[list[Layer], list[Problem]]:
    """The layers of a variable of a host's, or of one of its groups."""
    document = Document({"overrides": given}, by)
    problems = wrong_type(document, ("overrides",), list, "- values: …")
    if problems:
        return [], problems
    layers = []
    for index, item in enumerate(given):
        wrong = _item_problems(document, ("overrides", index), (*FILTERS, *CONTENT))
        problems += wrong
        if not wrong:
            layers.append(_layer(item, by, frozenset([cluster]), False))
    return layers, problems


def merged(layers: list[Layer]) -> list[Layer]:
    """Layers that say the same of several clusters as one; they come in the order of the first."""
    found: dict[str, Layer] = {}
    for layer in layers:
        key = repr({**asdict(layer), "clusters": None})
        known = found.get(key, layer).clusters or frozenset()
        found[key] = layer if layer.clusters is None else replace(layer, clusters=known | layer.clusters)
    return list(found.values())


def _layer(item: Object, by: str, clusters: frozenset[str] | None, must: bool) -> Layer:
    given = {key: item[key] for key in (*FILTERS, *CONTENT) if item.get(key) is not None}
    return Layer(by=by, clusters=clusters, must=must, **given)


def _item_problems(document: Document, here: Path, known: tuple[str, ...]) -> list[Problem]:
    problems = wrong_type(document, here, dict, "values or patches")
    if problems:
        return problems
    item = value_at(document.body, here)
    problems = unknown(document, here, known)
    for name, wanted in (*((name, str) for name in FILTERS), ("values", dict), ("patches", list)):
        if name in item:
            problems += wrong_type(document, (*here, name), wanted)
    if item.get("kind") == PREFERENCE.kind:
        cause = "a preference is led by no override: it says itself what each cluster gets"
        problems.append(
            document.problem((*here, "kind"), cause, "write groups and hosts in its spec.clusters, with weight, minReplicas, maxReplicas")
        )
    for number in range(len(item.get("patches") or []) if not problems else 0):
        problems += wrong_type(document, (*here, "patches", number), dict, "path, op and value")
    if not problems and not any(item.get(name) for name in CONTENT):
        problems.append(document.problem(here, "it overrides nothing", "give values or patches"))
    return problems


def _texts(item: Object, name: str) -> list[str]:
    given = item.get(name)
    return [str(one) for one in given] if isinstance(given, list) else []


def clusters_at(document: Document, path: Path, inventory: Inventory) -> tuple[list[str] | None, list[Problem]]:
    """The clusters of ``groups`` and ``hosts`` at ``path``, sorted; ``None`` where neither is given."""
    item = value_at(document.body, path)
    problems: list[Problem] = []
    for name in ("groups", "hosts"):
        if name in item:
            problems += wrong_type(document, (*path, name), list, f"a list of {name}")
    if problems or not ("groups" in item or "hosts" in item):
        return None, problems
    found: set[str] = set()
    for group in _texts(item, "groups"):
        problems += _group_problems(document, (*path, "groups"), group, inventory)
        found |= set(inventory.clusters(group) if group in inventory.groups else [])
    for host in _texts(item, "hosts"):
        if host not in inventory.hosts:
            problems.append(_unknown_name(document, (*path, "hosts"), "host", host, inventory.members))
        elif host not in inventory.members:
            cause = f"host {host!r} is no cluster: it is not in the inventory group federation_members"
            problems.append(document.problem((*path, "hosts"), cause, "add it there, or leave it out"))
        found.add(host)
    return sorted(found), problems


def _group_problems(document: Document, path: Path, group: str, inventory: Inventory) -> list[Problem]:
    if group not in inventory.groups:
        return [_unknown_name(document, path, "group", group, inventory.groups)]
    if not inventory.clusters(group):
        cause = f"group {group!r} holds no cluster: none of its hosts is in the inventory group federation_members"
        return [document.problem(path, cause, "add its hosts there, or leave it out")]
    return []


def _unknown_name(document: Document, path: Path, what: str, name: str, known: Any) -> Problem:
    close = nearest(name, known, 3)
    todo = f"did you mean {' or '.join(close)}" if close else f"use one of the inventory's ({', '.join(sorted(known)) or 'none'})"
    return document.problem(path, f"the inventory has no {what} {name!r}", todo)
