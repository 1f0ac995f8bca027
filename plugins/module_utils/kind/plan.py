# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What to do about one kind cluster, from what is there and what shall be. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ansible_collections.edgefed.kubefed.plugins.module_utils.lab.plan import RUNNING, UNKNOWN, Labels, labels_to_set

PAUSED = "paused"


@dataclass(frozen=True)
class Observed:
    """What is there: ``nodes`` (container -> state) also of a half-made cluster; ``labels`` is ``None`` while no API server answers.

    ``images`` holds what each running node has, of nodes that were asked.
    """

    made: bool = False
    nodes: dict[str, str] = field(default_factory=dict)
    kubeconfig: bool = False
    labels: dict[str, Labels] | None = None
    corefile: str | None = None
    images: dict[str, set[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Wanted:
    """What shall be: node names with kind's control plane first, labels of every node, CoreDNS' configuration (``None``: not ours),
    images that each node must have."""

    nodes: tuple[str, ...]
    labels: Labels
    corefile: str | None
    images: tuple[str, ...]


@dataclass(frozen=True)
class Plan:
    """Steps, in the order they are done; a view of the cluster before and after."""

    clear: bool = False
    create: bool = False
    start: tuple[str, ...] = ()
    unpause: tuple[str, ...] = ()
    kubeconfig: bool = False
    dns: bool = False
    label: dict[str, Labels] = field(default_factory=dict)
    load: tuple[tuple[str, str], ...] = ()
    before: dict[str, Any] = field(default_factory=dict)
    after: dict[str, Any] = field(default_factory=dict)

    @property
    def actions(self) -> list[str]:
        """What is done, in words."""
        said = ["clear what is left of it"] if self.clear else []
        said += ["create the cluster"] if self.create else []
        said += [f"start node {name}" for name in self.start] + [f"unpause node {name}" for name in self.unpause]
        said += ["write the kubeconfig"] if self.kubeconfig and not self.create else []
        said += ["configure CoreDNS"] if self.dns and not self.create else []
        said += [f"label node {name}" for name in self.label] if not self.create else []
        return said + [f"load image {image} into node {node}" for node, image in self.load]


def is_there(observed: Observed, wanted: Wanted) -> bool:
    """Whether the cluster can be healed: it was made, and its first node, which holds its data, exists."""
    return observed.made and wanted.nodes[0] in observed.nodes


def plan_present(observed: Observed, wanted: Wanted) -> Plan:
    """Make the cluster, or heal just what is broken."""
    before = view(observed)
    after = {
        "state": "present",
        "nodes": dict.fromkeys(wanted.nodes, RUNNING),
        "kubeconfig": True,
        "labels": {name: {**(observed.labels or {}).get(name, {}), **wanted.labels} for name in wanted.nodes},
    }
    if not is_there(observed, wanted):
        labels = {name: wanted.labels for name in wanted.nodes if wanted.labels}
        return Plan(
            clear=bool(observed.nodes),
            create=True,
            kubeconfig=True,
            dns=wanted.corefile is not None,
            label=labels,
            before=before,
            after=after,
        )
    if observed.labels is None:
        after["labels"] = UNKNOWN
    return Plan(
        start=tuple(name for name in wanted.nodes if observed.nodes.get(name) not in (RUNNING, PAUSED)),
        unpause=tuple(name for name in wanted.nodes if observed.nodes.get(name) == PAUSED),
        kubeconfig=not observed.kubeconfig,
        dns=wanted.corefile is not None and observed.labels is not None and observed.corefile != wanted.corefile,
        label=labels_to_set(observed.labels or {}, dict.fromkeys(observed.labels or {}, wanted.labels)),
        load=tuple(
            (node, image)
            for node in wanted.nodes
            if node in observed.images
            for image in wanted.images
            if image not in observed.images[node]
        ),
        before=before,
        after=after,
    )


def view(observed: Observed) -> dict[str, Any]:
    """The cluster as ``--diff`` shows it."""
    if not observed.made or not observed.nodes:
        return {"state": "half made" if observed.nodes else "absent"}
    return {
        "state": "present",
        "nodes": dict(sorted(observed.nodes.items())),
        "kubeconfig": observed.kubeconfig,
        "labels": UNKNOWN if observed.labels is None else dict(sorted(observed.labels.items())),
    }
