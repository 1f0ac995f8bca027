# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which pods a ResourceQuota with scopes counts, as the quota evaluator of Kubernetes has it. Pure."""

from __future__ import annotations

from typing import Any, Iterator

from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.fields import value_at

Object = dict[str, Any]
_AFFINITIES = ("podAffinity", "podAntiAffinity")


def has_scopes(quota: Object) -> bool:
    """Whether it counts nothing but pods, and of these only some."""
    return bool(_wanted(quota))


def in_scope(quota: Object, pod: Object, best_effort: bool) -> bool:
    """Whether the quota counts pods of this spec: all of its scopes have to fit. ``best_effort``: no container asks for anything."""
    return all(_fits(one, pod, best_effort) for one in _wanted(quota))


def _wanted(quota: Object) -> list[Object]:
    scopes = value_at(quota, ("spec", "scopes")) or []
    selected = value_at(quota, ("spec", "scopeSelector", "matchExpressions")) or []
    return [*({"scopeName": name, "operator": "Exists"} for name in scopes), *selected]


def _fits(wanted: Object, pod: Object, best_effort: bool) -> bool:
    scope = wanted.get("scopeName")
    if scope == "PriorityClass":
        return _of_priority(wanted, str(pod.get("priorityClassName") or ""))
    ends = pod.get("activeDeadlineSeconds") is not None
    known = {
        "Terminating": ends,
        "NotTerminating": not ends,
        "BestEffort": best_effort,
        "NotBestEffort": not best_effort,
        "CrossNamespacePodAffinity": any(_crosses(term) for term in _terms(pod)),
    }
    # another scope is of something that is no pod
    return known.get(str(scope), False)


def _of_priority(wanted: Object, name: str) -> bool:
    """A class that is the cluster's default is not seen: it is in no manifest."""
    values = wanted.get("values") or []
    return {
        "Exists": bool(name),
        "DoesNotExist": not name,
        "In": name in values,
        "NotIn": name not in values,
    }.get(str(wanted.get("operator")), False)


def _terms(pod: Object) -> Iterator[Any]:
    for affinity in _AFFINITIES:
        yield from value_at(pod, ("affinity", affinity, "requiredDuringSchedulingIgnoredDuringExecution")) or []
        for weighted in value_at(pod, ("affinity", affinity, "preferredDuringSchedulingIgnoredDuringExecution")) or []:
            yield value_at(weighted, ("podAffinityTerm",))


def _crosses(term: Any) -> bool:
    return isinstance(term, dict) and bool(term.get("namespaces") or term.get("namespaceSelector") is not None)
