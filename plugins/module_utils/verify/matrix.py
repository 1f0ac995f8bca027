# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The verdict: clusters by resources, what differs, where, why, and what to do. Pure.

The report holds no counters or versions of objects, and no times but those of the writers of fields that differ (see report.plan), so
that two looks at the same federation give the same report.
"""

from __future__ import annotations

import contextlib
import re
from dataclasses import dataclass
from typing import Any

from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.preview import (
    OverrideError,
    overrides_of,
    preview,
)
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.types import FederatedType
from ansible_collections.edgefed.kubefed.plugins.module_utils.member.desired import CORDON
from ansible_collections.edgefed.kubefed.plugins.module_utils.member.readiness import facts as cluster_facts
from ansible_collections.edgefed.kubefed.plugins.module_utils.member.readiness import readiness, why_not
from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import EdgefedError
from ansible_collections.edgefed.kubefed.plugins.module_utils.verify import facts
from ansible_collections.edgefed.kubefed.plugins.module_utils.verify.compare import compare
from ansible_collections.edgefed.kubefed.plugins.module_utils.verify.drift import by_whom, drift_of, drift_of_extra
from ansible_collections.edgefed.kubefed.plugins.module_utils.verify.observed import (
    Host,
    Member,
    Name,
    Object,
    ignored,
    placing,
    target_name,
)

STATES = ("in_sync", "differs", "missing", "extra", "unreachable")
_AFTERWARDS = "KubeFed takes it for propagated, and has not put right (does its controller run?) that something in the cluster"
_LOCAL_PORT = re.compile(r":\d+->")


@dataclass(frozen=True)
class Options:
    """``expected``: cluster names, all joined ones when empty. ``kinds`` (of targets or federated), ``namespaces``, ``names`` and
    ``selector`` (of the federated resources' labels, as kubectl has it) filter."""

    expected: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    namespaces: tuple[str, ...] = ()
    exact: bool = False
    require_ready: bool = True
    names: tuple[str, ...] = ()
    selector: str = ""

    def wants_kind(self, kind: FederatedType) -> bool:
        return not self.kinds or bool({kind.kind, kind.target_kind} & set(self.kinds))

    def wants_name(self, name: Name, kind: FederatedType) -> bool:
        there = name[1] if kind.target_kind == "Namespace" else name[0]
        return (not self.namespaces or there in self.namespaces) and (not self.names or name[1] in self.names)


def label(kind: str, name: Name) -> str:
    """``Deployment ns/x``."""
    return f"{kind} {name[0]}/{name[1]}" if name[0] else f"{kind} {name[1]}"


def some(names: list[str], limit: int = 5) -> str:
    """The first names of a list, and how many more there are."""
    more = f" and {len(names) - limit} more" if len(names) > limit else ""
    return f"{', '.join(names[:limit])}{more}"


# --- clusters ------------------------------------------------------------------------------------------------------------


def _cluster(name: str, host: Host, member: Member, expected: bool) -> Object:
    row: Object = {"name": name, "expected": expected, "joined": name in host.clusters, "ready": False, "reachable": not member.error}
    row |= {"state": "ok", "why": "", "api_endpoint": "", "version": member.version, "region": "", "zones": [], "nodes": None}
    row["cordon"] = str((host.clusters.get(name, {}).get("metadata", {}).get("annotations") or {}).get(CORDON) or "")
    if not row["joined"]:
        row |= {"state": "not_joined", "why": f"{name} is in the inventory, but not joined. Next: run playbooks/join.yml --limit {name}."}
        return row
    joined = host.clusters[name]
    state = readiness(joined)
    known = cluster_facts(joined, state)
    nodes = member.nodes or {}
    row |= {key: known[key] for key in ("ready", "api_endpoint")}
    row["version"] = member.version or known["kubernetes_version"]
    row["region"] = known["region"] or nodes.get("region", "")
    row["zones"] = known["zones"] or nodes.get("zones", [])
    row["nodes"] = {key: nodes[key] for key in ("ready", "total")} if nodes else None
    if not state.ready:
        row |= {"state": "not_ready", "why": _LOCAL_PORT.sub("->", why_not(name, state, known["api_endpoint"]))}
    if member.error:
        row["state"] = "unreachable"
        row["why"] = f"{row['why']} {member.error}".strip()
    return row


# --- cells ---------------------------------------------------------------------------------------------------------------


def _cell(state: str, why: str = "", **more: Any) -> Object:
    cell: Object = {"state": state, "why": why, "fields": [], "drift": [], "replicas": None, "ready": True, "images": [], "addresses": []}
    return {**cell, **more}


def desired_of(federated: Object, cluster: str, kind: FederatedType, actual: Object, exact: bool) -> Object:
    """What the controller would make of the member's object; where a removal is already done, what it would create.

    An update retains the annotations that are there; ``exact`` asks for those alone that the overrides set.
    """
    try:
        desired = preview(federated, cluster, kind.target, actual)
    except OverrideError:
        return preview(federated, cluster, kind.target)
    if exact:
        with contextlib.suppress(OverrideError):
            created = preview(federated, cluster, kind.target)
            desired["metadata"]["annotations"] = created["metadata"].get("annotations") or {}
    return desired


def _describe(cell: Object, kind: str, actual: Object) -> Object:
    pods = facts.replicas(kind, actual)
    cell["replicas"] = f"{pods[0]}/{pods[1]}" if pods else None
    cell["images"] = facts.images(actual)
    cell["addresses"] = facts.addresses(actual)
    cell["pending_address"] = facts.wants_address(kind, actual) and not cell["addresses"]
    cell["created"] = str((actual.get("metadata") or {}).get("creationTimestamp") or "")
    cell["ready"] = not pods or pods[0] >= pods[1]
    return cell


def _compared(federated: Object, cluster: str, kind: FederatedType, actual: Object, exact: bool) -> Object:
    try:
        desired = desired_of(federated, cluster, kind, actual, exact)
        overrides = overrides_of(federated).get(cluster, [])
    except EdgefedError as error:
        return _cell("differs", f"{error.message}; KubeFed cannot compute what this cluster gets")
    template = (federated.get("spec") or {}).get("template") or {}
    found = compare(desired, actual, overrides, template, exact)
    view = facts.kubefed_view(federated, cluster)
    if not found:
        unsettled = bool(view) and facts.kubefed_will_look_again(federated, cluster)
        return _describe(_cell("in_sync", kubefed=view, unsettled=unsettled), kind.target_kind, actual)
    why = view or f"{_AFTERWARDS} changed it"
    told = {"fields": [item.path for item in found], "differences": [item.words() for item in found]}
    cell = _cell("differs", why, **told, drift=drift_of(found, actual))
    return _describe(cell, kind.target_kind, actual)


def _placed(federated: Object, kind: FederatedType, member: Member, exact: bool) -> Object:
    if member.error:
        return _cell("unreachable", member.error)
    if kind.kind in member.unreadable:
        return _cell("unreachable", member.unreadable[kind.kind])
    actual = member.objects.get(kind.kind, {}).get(target_name(federated, kind))
    if actual is None:
        return _cell("missing", facts.kubefed_view(federated, member.name) or f"{_AFTERWARDS} deleted it")
    if (actual.get("metadata") or {}).get("deletionTimestamp"):
        return _cell("missing", "it is being deleted")
    return _compared(federated, member.name, kind, actual, exact)


def _row(kind: FederatedType, name: Name) -> Object:
    row = {"kind": kind.target_kind, "federated_kind": kind.kind, "api_version": kind.target_api_version}
    return {**row, "namespace": name[0], "name": name[1], "clusters": {}}


def _resource(federated: Object, kind: FederatedType, host: Host, members: dict[str, Member], exact: bool) -> Object:
    name = target_name(federated, kind)
    row = _row(kind, name)
    placed = placing(federated, kind, host)
    for cluster in placed.chosen:
        row["clusters"][cluster] = _placed(federated, kind, members[cluster], exact)
    for cluster, why in placed.left_out.items():
        row["clusters"][cluster] = _cell("missing", f"the placement names {cluster}, but {why}")
    return row


def _is_extra(actual: Object) -> bool:
    metadata = actual.get("metadata") or {}
    managed = (metadata.get("labels") or {}).get("kubefed.io/managed") == "true"
    return managed and not metadata.get("ownerReferences") and not metadata.get("deletionTimestamp")


def _add_extras(rows: dict[tuple[str, Name], Object], host: Host, members: dict[str, Member], options: Options) -> None:
    """Objects that carry KubeFed's label where no federated resource puts them."""
    for member in members.values():
        for federated_kind, objects in member.objects.items():
            kind = host.types[federated_kind]
            for name, actual in objects.items():
                if not options.wants_kind(kind) or not options.wants_name(name, kind) or not _is_extra(actual):
                    continue
                row = rows.get((federated_kind, name)) or _row(kind, name)
                if member.name in row["clusters"] and row["clusters"][member.name]["state"] != "missing":
                    continue
                if member.name in row["clusters"]:
                    why = row["clusters"][member.name]["why"]
                else:
                    why = "it carries KubeFed's label, but no federated resource places it here"
                row["clusters"][member.name] = _describe(_cell("extra", why, drift=drift_of_extra(actual)), kind.target_kind, actual)
                rows[federated_kind, name] = row


_KIND_ORDER = ("Namespace", "Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job", "Service", "Ingress", "ConfigMap", "Secret")


def _order(row: Object) -> tuple[Any, ...]:
    kind = row["kind"]
    place = _KIND_ORDER.index(kind) if kind in _KIND_ORDER else len(_KIND_ORDER)
    return (place, kind, row["namespace"], row["name"])


def _resources(host: Host, members: dict[str, Member], options: Options, warnings: list[str]) -> list[Object]:
    rows: dict[tuple[str, Name], Object] = {}
    for federated_kind, kind in host.types.items():
        for federated in host.federated.get(federated_kind, []) if options.wants_kind(kind) else []:
            name = target_name(federated, kind)
            if not options.wants_name(name, kind):
                continue
            because = ignored(federated, kind, host)
            if because:
                warnings.append(f"{label(federated_kind, name)} is left out: {because}.")
                continue
            try:
                rows[federated_kind, name] = _resource(federated, kind, host, members, options.exact)
            except EdgefedError as error:
                cells = {cluster: _cell("missing", error.message) for cluster in members}
                rows[federated_kind, name] = {**_row(kind, name), "clusters": cells}
    if not options.selector:
        # what labels a federated resource has that is not there, nobody knows
        _add_extras(rows, host, members, options)
    return sorted((row for row in rows.values() if row["clusters"]), key=_order)


# --- verdict -------------------------------------------------------------------------------------------------------------


def _next(state: str, host: Host, row: Object, cluster: str) -> str:
    where = f" -n {row['namespace']}" if row["namespace"] else (f" -n {row['name']}" if row["kind"] == "Namespace" else "")
    describe = f"kubectl --context {host.name}{where} describe {row['federated_kind'].lower()} {row['name']}"
    if state == "extra":
        return f"delete it in {cluster}, or remove its label kubefed.io/managed to keep it"
    return f"see the events of `{describe}`, or apply the federated resource again (playbooks/federate.yml)"


_STATE_WORDS = {
    "differs": "is not template + override",
    "missing": "is missing",
    "extra": "should not be there",
    "unreachable": "could not be read",
}


def _cell_problem(host: Host, row: Object, cluster: str, cell: Object, options: Options) -> Object | None:
    state, what = cell["state"], label(row["kind"], (row["namespace"], row["name"]))
    if state == "in_sync":
        if cell["ready"] or not options.require_ready:
            return None
        message = f"{cluster}: {what} has {cell['replicas']} pods ready. Next: kubectl --context {cluster} -n {row['namespace']} get pods."
        return {"cluster": cluster, "resource": what, "state": "not_ready", "message": message, "may_heal": True}
    differences = [f"{said} {by_whom(entry)}".rstrip() for said, entry in zip(cell.get("differences") or [], cell["drift"])]
    more = f" (and {len(differences) - 3} more)" if len(differences) > 3 else ""
    fields = f": {'; '.join(differences[:3])}{more}" if differences else ""
    message = f"{cluster}: {what} {_STATE_WORDS[state]}{fields}. Why: {cell['why'].rstrip('.')}. Next: {_next(state, host, row, cluster)}."
    return {"cluster": cluster, "resource": what, "state": state, "message": message, "may_heal": cluster in host.clusters}


def _problems(host: Host, clusters: list[Object], resources: list[Object], options: Options) -> list[Object]:
    """What fails the verification. A cluster that could not be read is one problem, not one for each of its objects."""
    found = []
    dead = {row["name"] for row in clusters if row["state"] == "unreachable"}
    for row in clusters:
        if row["state"] != "ok" and (row["expected"] or row["state"] != "not_joined"):
            may_heal = row["state"] == "not_ready"
            found.append({"cluster": row["name"], "resource": "", "state": row["state"], "message": row["why"], "may_heal": may_heal})
    for row in resources:
        for cluster, cell in row["clusters"].items():
            problem = None if cluster in dead else _cell_problem(host, row, cluster, cell, options)
            if problem:
                found.append(problem)
    return found


def _warnings(clusters: list[Object], resources: list[Object]) -> list[str]:
    found = [
        f"Cluster {row['name']} is joined, but not in the inventory group federation_members. Next: add it there, or unjoin it."
        for row in clusters
        if row["joined"] and not row["expected"]
    ]
    for row in resources:
        what = label(row["kind"], (row["namespace"], row["name"]))
        there = {cluster: cell for cluster, cell in row["clusters"].items() if cell["state"] == "in_sync"}
        pending = [cluster for cluster, cell in there.items() if cell.get("pending_address")]
        if pending:
            found.append(f"{what} has no address yet in {some(pending)}; something in the cluster must give it one.")
        for view in sorted({cell["kubefed"] for cell in there.values() if cell.get("kubefed")}):
            where = [cluster for cluster, cell in there.items() if cell.get("kubefed") == view]
            found.append(f"{what} is as it should be in {some(where)}, though {view}.")
    return found


def _summary(clusters: list[Object], resources: list[Object]) -> Object:
    counts = dict.fromkeys(STATES, 0)
    for row in resources:
        for cell in row["clusters"].values():
            counts[cell["state"]] += 1
    ready = sum(1 for row in clusters if row["state"] == "ok")
    return {"clusters": len(clusters), "clusters_ok": ready, "resources": len(resources), "objects": sum(counts.values()), **counts}


def build_report(host: Host, members: dict[str, Member], options: Options) -> Object:
    """``{host, in_sync, summary, clusters, resources, problems, warnings}``, JSON values throughout.

    ``members`` has an entry for each joined cluster. Resources are ``{kind, federated_kind, api_version, namespace,
    name, clusters: {cluster: cell}}``; a cell has ``state`` (one of ``STATES``), ``why``, ``fields`` (paths that
    differ), ``differences`` (in words), ``drift`` (each field with who wrote it), ``replicas`` (``2/3``), ``ready``, ``images`` and
    ``addresses``.
    """
    expected = set(options.expected or host.clusters)
    names = list(options.expected) + sorted(set(host.clusters) - expected) if options.expected else sorted(host.clusters)
    clusters = [_cluster(name, host, members.get(name, Member(name)), name in expected) for name in names]
    warnings: list[str] = []
    resources = _resources(host, members, options, warnings)
    problems = _problems(host, clusters, resources, options)
    return {
        "host": host.name,
        "in_sync": not problems,
        "summary": _summary(clusters, resources),
        "clusters": clusters,
        "resources": resources,
        "problems": problems,
        "warnings": warnings + _warnings(clusters, resources),
    }
