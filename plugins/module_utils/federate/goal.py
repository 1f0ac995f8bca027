# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""When waiting ends: in how many clusters, by whose word, and in which condition of the cluster's own object. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.check import Federation, Resource
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.preview import OverrideError, overrides_of, preview
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.sources import Place, Problem
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.status import FAILED, OK, UNRECORDED, WAITING, Verdict, settled
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.types import FederatedType, nearest
from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import EdgefedError
from ansible_collections.edgefed.kubefed.plugins.module_utils.verify.compare import Difference, compare, taken_away
from ansible_collections.edgefed.kubefed.plugins.module_utils.verify.facts import replicas
from ansible_collections.edgefed.kubefed.plugins.module_utils.verify.matrix import desired_of

ALL, STATUS, VERSION = "all", "status", "version"
READY, AVAILABLE = "Ready", "Available"
WAIT_FOR_SPEC: dict[str, Any] = {
    "type": "dict",
    "options": {
        # text or number: what is wrong with it is told in our words
        "clusters": {"type": "raw", "default": ALL},
        "condition": {"type": "str", "default": ""},
        "by": {"type": "str", "choices": [STATUS, VERSION], "default": STATUS},
    },
}
_CLUSTERS = re.compile(r"all|[1-9][0-9]{0,5}|(100|[1-9][0-9]?)%")
_CONDITION = re.compile(r"([A-Za-z0-9.-]+/)?[A-Za-z][A-Za-z0-9]*")
# Conditions that Kubernetes' own kinds have, the others none: one without the condition asked for is waited for only until it is there.
_CONDITIONS: dict[str, tuple[str, ...]] = {
    "APIService": (AVAILABLE,),
    "CustomResourceDefinition": ("Established", "NamesAccepted"),
    "Deployment": (AVAILABLE, "Progressing", "ReplicaFailure"),
    "HorizontalPodAutoscaler": ("AbleToScale", "ScalingActive", "ScalingLimited"),
    "Job": ("Complete", "Failed", "Suspended", "SuccessCriteriaMet", "FailureTarget"),
    "Pod": (READY, "PodScheduled", "Initialized", "ContainersReady"),
    "PodDisruptionBudget": ("DisruptionAllowed",),
    "ReplicaSet": ("ReplicaFailure",),
    "ReplicationController": ("ReplicaFailure",),
}
_OWN_GROUPS = (
    *("", "apps", "autoscaling", "batch", "extensions", "policy", "admissionregistration.k8s.io", "apiextensions.k8s.io"),
    *("apiregistration.k8s.io", "certificates.k8s.io", "coordination.k8s.io", "discovery.k8s.io", "events.k8s.io"),
    *("flowcontrol.apiserver.k8s.io", "networking.k8s.io", "node.k8s.io", "rbac.authorization.k8s.io", "resource.k8s.io"),
    *("scheduling.k8s.io", "storage.k8s.io"),
)
_WORKLOADS = ("Deployment", "ReplicaSet", "StatefulSet", "DaemonSet")
_PODS = "pods"


@dataclass(frozen=True)
class Goal:
    """``clusters`` is ``all``, a number, or a percentage; ``by`` is ``status`` (KubeFed's word) or ``version`` (the object itself)."""

    clusters: str = ALL
    condition: str = ""
    by: str = STATUS

    @property
    def asks_members(self) -> bool:
        """Whether the clusters' own objects have to be read."""
        return self.by == VERSION or bool(self.condition)

    def words(self) -> str:
        """What was waited for, after "not"."""
        where = "in every cluster" if self.clusters == ALL else f"in {self.clusters} of its clusters"
        return f"{self.condition} {where}".strip()

    def needed(self, count: int) -> int:
        """In how many of so many clusters; a percentage is rounded up."""
        if self.clusters == ALL:
            return count
        if self.clusters.endswith("%"):
            return -(-count * int(self.clusters[:-1]) // 100)
        return min(int(self.clusters), count)

    def reached(self, found: dict[str, Verdict], chosen: list[str]) -> bool:
        """Whether an object is where it has to be. For ``all`` no cluster may be left that is still to be rid of it."""
        if self.clusters == ALL:
            return all(verdict.state == OK for verdict in found.values())
        return sum(found[cluster].state == OK for cluster in chosen) >= self.needed(len(chosen))

    def done(self, found: dict[str, Verdict], chosen: list[str]) -> bool:
        """Whether waiting longer for an object is of no use."""
        return settled(found) or (self.clusters != ALL and self.reached(found, chosen))


def goal_of(given: dict[str, Any] | None) -> tuple[Goal, list[Problem]]:
    """From the option ``wait_for``."""
    options = given or {}
    clusters, condition = str(options.get("clusters", ALL)).strip(), options.get("condition") or ""
    problems = []
    if not _CLUSTERS.fullmatch(clusters):
        todo = "say all, a number as 2, or a percentage as 90%"
        problems.append(_problem("clusters", f"{clusters!r} is no number of clusters", todo))
    if condition and not _CONDITION.fullmatch(condition):
        problems.append(_problem("condition", f"{condition!r} cannot be a condition's type", "say one as Available or Ready"))
    return (Goal() if problems else Goal(clusters, condition, options.get("by") or STATUS)), problems


def problems_with(goal: Goal, federation: Federation, resources: list[Resource]) -> list[Problem]:
    """What of a goal cannot come true, whatever happens."""
    problems = []
    joined = len(federation.clusters)
    if goal.clusters.isdigit() and int(goal.clusters) > joined:
        todo = f"say {joined} at most, or all"
        problems.append(_problem("clusters", f"{goal.clusters} clusters are asked for, and {joined} are joined", todo))
    known = {READY, *(condition for conditions in _CONDITIONS.values() for condition in conditions)}
    kinds = [resource.type for resource in resources if resource.type and resource.propagated]
    if goal.condition and goal.condition not in known and not any(expected(kind, goal.condition) for kind in kinds):
        close = nearest(goal.condition, known)
        cause = f"no kind that is given has a condition {goal.condition!r}"
        problems.append(_problem("condition", cause, f"did you mean {close[0]}?" if close else f"use one of {', '.join(sorted(known))}"))
    return problems


def _problem(field: str, cause: str, todo: str) -> Problem:
    return Problem(Place("the task"), cause, todo.rstrip("?"), field=f"wait_for.{field}")


def expected(kind: FederatedType, condition: str) -> str:
    """What to look for in a member's object: a condition's type, ``pods`` that are ready, or nothing but the object."""
    target, group = kind.target_kind, str(kind.target.get("group") or "")
    conditions = _CONDITIONS.get(target, ()) if group in _OWN_GROUPS else (condition,)
    if condition in conditions:
        return condition
    return _PODS if target in _WORKLOADS and condition in (READY, AVAILABLE) else ""


@dataclass(frozen=True)
class Sight:
    """A federated resource as it is in the host cluster, and what one cluster has of it.

    ``recorded`` is whether KubeFed's record says that the cluster got this version, ``None`` where the record cannot tell; ``before`` the
    federated resource that this run changed.
    """

    kind: FederatedType
    federated: dict[str, Any]
    cluster: str
    actual: dict[str, Any] | None
    recorded: bool | None = None
    before: dict[str, Any] | None = None


def judge(goal: Goal, sight: Sight, told: Verdict) -> Verdict:
    """The verdict by what the cluster has. ``told`` is the one by KubeFed's word."""
    if told.state == FAILED or (goal.by == STATUS and told.state != OK):
        return told
    lacks = _lacks(goal, sight, told.state == OK)
    if not lacks:
        return Verdict(OK)
    namespace = sight.federated["metadata"].get("namespace") if sight.kind.target_namespaced else ""
    where = f"--context {sight.cluster}" + (f" -n {namespace}" if namespace else "")
    todo = f"see `kubectl {where} describe {sight.kind.target_kind.lower()} {sight.federated['metadata']['name']}`"
    return Verdict(WAITING, f"{lacks} (KubeFed: {told.reason})" if told.reason else lacks, todo)


def _lacks(goal: Goal, sight: Sight, confirmed: bool) -> str:
    """Where KubeFed has not ``confirmed`` this version, its record is asked, or what the version took away has to be gone: else one that
    only takes away would look like the one before."""
    kind, federated, actual = sight.kind, sight.federated, sight.actual
    if actual is None:
        return "it is not there"
    if actual["metadata"].get("deletionTimestamp"):
        return "it is being deleted"
    if not confirmed and sight.recorded is False and sight.before is None:
        return UNRECORDED
    try:
        desired = desired_of(federated, sight.cluster, kind, actual, exact=False)
    except EdgefedError as error:
        return error.message
    template = (federated.get("spec") or {}).get("template") or {}
    found = compare(desired, actual, overrides_of(federated).get(sight.cluster, []), template)
    if sight.before is not None and not confirmed and not sight.recorded:
        found += _left_over(sight, desired, actual)
    if found:
        more = f" and {len(found) - 1} more" if len(found) > 1 else ""
        return f"it is not of this version: {found[0].words()}{more}"
    wanted = expected(kind, goal.condition) if goal.condition else ""
    return _pods(kind, actual) if wanted == _PODS else _condition(actual, wanted) if wanted else ""


def _left_over(sight: Sight, desired: dict[str, Any], actual: dict[str, Any]) -> list[Difference]:
    """What is still there of what the version before had more."""
    try:
        before = preview(sight.before or {}, sight.cluster, sight.kind.target)
    except OverrideError:
        return []
    return compare(desired, actual, taken_away(before, desired), before)


def _pods(kind: FederatedType, actual: dict[str, Any]) -> str:
    ready, wanted = replicas(kind.target_kind, actual) or (0, 0)
    return "" if ready >= wanted else f"{ready}/{wanted} pods are ready"


def _condition(actual: dict[str, Any], wanted: str) -> str:
    status, generation = actual.get("status") or {}, actual["metadata"].get("generation") or 0
    if int(status.get("observedGeneration") or generation) < generation:
        return "its controller has not looked at this version yet"
    condition = next((item for item in status.get("conditions") or [] if item.get("type") == wanted), None)
    if condition is None:
        return f"it has no condition {wanted} yet"
    if condition.get("status") == "True":
        return ""
    said = ", ".join(str(condition[key]).rstrip(".") for key in ("reason", "message") if condition.get(key))
    return f"condition {wanted} is {condition.get('status')}" + (f": {said}" if said else "")
