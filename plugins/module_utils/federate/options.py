# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a run was asked for, and one object's share of its plan."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Callable, Mapping

from ansible_collections.edgefed.kubefed.plugins.module_utils.auth_options import AUTH_SPEC
from ansible_collections.edgefed.kubefed.plugins.module_utils.client import Client
from ansible_collections.edgefed.kubefed.plugins.module_utils.federate.goal import Goal
from ansible_collections.edgefed.kubefed.plugins.module_utils.federate.host import PARALLEL, Host
from ansible_collections.edgefed.kubefed.plugins.module_utils.federate.members import Members
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.check import Resource
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.lint import DEFAULTS
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.plan import NONE
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.types import FEDERATED_NAMESPACE


@dataclass(frozen=True)
class Prune:
    """How many objects may go at most, and in which namespaces they are looked for (none: in all)."""

    limit: int
    namespaces: tuple[str, ...] = ()


@dataclass(frozen=True)
class Session:
    """One run. ``diff`` is whether to tell what changes; times are seconds. ``lint`` has the level of each rule, ``goal`` says when
    waiting ends. ``adopt`` is ``""`` where KubeFed decides; with ``orphan`` members keep what goes."""

    host: Host
    members: Members
    namespace: str = "default"
    policy: str = "create"
    force: bool = False
    check: bool = False
    diff: bool = True
    wait: bool = True
    wait_sleep: float = 1
    wait_timeout: float = 120
    lint: Mapping[str, str] = field(default_factory=lambda: DEFAULTS)
    goal: Goal = field(default_factory=Goal)
    application: str = ""
    prune: Prune | None = None
    orphan: bool = False
    adopt: str = ""

    @property
    def requests(self) -> int:
        """How many requests were sent, to the host cluster and to members."""
        return self.host.client.requests + self.members.requests


def host_of(params: dict[str, Any], connect: Callable[..., Client], parallel: int = PARALLEL) -> Host:
    """The host cluster that the options of a module name."""
    auth = {name: params.get(name) for name in AUTH_SPEC}
    return Host(connect(auth, None, pool=parallel), params["federation_namespace"], parallel)


@dataclass
class Step:
    """What is to be done with one object. ``current`` is what is there, ``after`` what will be there in its place."""

    resource: Resource
    current: dict[str, Any] | None
    action: str
    after: dict[str, Any] | None = None

    @property
    def todo(self) -> bool:
        """Whether there is anything to do."""
        return self.action != NONE

    def describe(self, clusters: dict[str, str]) -> dict[str, Any]:
        """For the task's result. ``clusters`` maps each cluster's name to how it stands there."""
        kind, namespace, name = self.resource.key
        return {
            "kind": kind,
            "namespace": namespace,
            "name": name,
            "action": self.action,
            "from": str(self.resource.document.place()),
            "clusters": clusters,
        }


def tiers(steps: list[Step]) -> list[list[Step]]:
    """Namespaces, then federated namespaces, then what lies in them; empty ones left out."""
    found: tuple[list[Step], list[Step], list[Step]] = ([], [], [])
    for step in steps:
        kind = step.resource.key[0]
        found[0 if kind == "Namespace" else 1 if kind == FEDERATED_NAMESPACE else 2].append(step)
    return [tier for tier in found if tier]
