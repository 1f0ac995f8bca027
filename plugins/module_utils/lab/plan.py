# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What to do about one lab cluster, from what is there and what shall be. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

Labels = dict[str, str]

RUNNING = "running"
STOPPED = "stopped"
UNKNOWN = "unknown until the API server answers"


@dataclass(frozen=True)
class Observed:
    """What is there of one cluster.

    ``made`` is false until kwokctl has made it completely. ``components`` holds :data:`RUNNING` or :data:`STOPPED` by
    name. ``stale`` names the components whose pid file points to no process of theirs, ``orphans`` those that run
    without one. ``nodes`` (name -> labels) is ``None`` as long as the API server does not answer.
    """

    made: bool = False
    leftovers: bool = False
    components: dict[str, str] = field(default_factory=dict)
    stale: tuple[str, ...] = ()
    orphans: tuple[str, ...] = ()
    kubeconfig: bool = False
    nodes: dict[str, Labels] | None = None


@dataclass(frozen=True)
class Plan:
    """Steps, in the order they are done; a view of the cluster before and after."""

    clear: bool = False
    create: bool = False
    start: tuple[str, ...] = ()
    kubeconfig: bool = False
    add_nodes: tuple[str, ...] = ()
    label_nodes: dict[str, Labels] = field(default_factory=dict)
    drop_nodes: tuple[str, ...] = ()
    before: dict[str, Any] = field(default_factory=dict)
    after: dict[str, Any] = field(default_factory=dict)

    @property
    def actions(self) -> list[str]:
        """What is done, in words."""
        said = ["clear what an earlier run left half made"] if self.clear else []
        said += ["create the cluster"] if self.create else []
        said += [f"start {name}" for name in self.start]
        said += ["write the kubeconfig"] if self.kubeconfig and not self.create else []
        said += [f"add node {name}" for name in self.add_nodes]
        said += [f"label node {name}" for name in self.label_nodes]
        return said + [f"remove node {name}" for name in self.drop_nodes]


def plan_present(observed: Observed, components: list[str], nodes: dict[str, Labels]) -> Plan:
    """Make the cluster, or heal just what is broken. ``nodes``: name -> labels that each shall have (others may stay)."""
    before = view(observed)
    after = {
        "state": "present",
        "components": dict.fromkeys(components, RUNNING),
        "kubeconfig": True,
        "nodes": _nodes_after(observed, nodes),
    }
    if not observed.made:
        return Plan(
            clear=observed.leftovers,
            create=True,
            kubeconfig=True,
            add_nodes=tuple(nodes),
            before=before,
            after=after,
        )
    there = observed.nodes
    return Plan(
        start=tuple(name for name in components if observed.components.get(name) != RUNNING),
        kubeconfig=not observed.kubeconfig,
        add_nodes=() if there is None else tuple(name for name in nodes if name not in there),
        label_nodes={} if there is None else labels_to_set(there, nodes),
        drop_nodes=() if there is None else tuple(sorted(set(there) - set(nodes))),
        before=before,
        after=after,
    )


def labels_to_set(there: dict[str, Labels], nodes: dict[str, Labels]) -> dict[str, Labels]:
    """Of each node that is there, the labels that it lacks or has otherwise."""
    wrong = {
        name: {key: value for key, value in labels.items() if there[name].get(key) != value}
        for name, labels in nodes.items()
        if name in there
    }
    return {name: labels for name, labels in wrong.items() if labels}


def _nodes_after(observed: Observed, nodes: dict[str, Labels]) -> dict[str, Labels] | str:
    if observed.made and observed.nodes is None:
        return UNKNOWN
    there = observed.nodes or {}
    return {name: {**there.get(name, {}), **labels} for name, labels in sorted(nodes.items())}


def view(observed: Observed) -> dict[str, Any]:
    """The cluster as ``--diff`` shows it."""
    if not observed.made:
        return {"state": "half made" if observed.leftovers else "absent"}
    return {
        "state": "present",
        "components": dict(observed.components),
        "kubeconfig": observed.kubeconfig,
        "nodes": UNKNOWN if observed.nodes is None else dict(sorted(observed.nodes.items())),
    }
