# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Every federated type, how it stands, and what keeps it from being propagated."""

from __future__ import annotations

from typing import Any, Iterable

from ansible_collections.edgefed.kubefed.plugins.module_utils.client import group_path
from ansible_collections.edgefed.kubefed.plugins.module_utils.member.objects import METADATA_ONLY
from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import EdgefedError, Result
from ansible_collections.edgefed.kubefed.plugins.module_utils.typeconfig.desired import Object, federated_of
from ansible_collections.edgefed.kubefed.plugins.module_utils.typeconfig.plan import running
from ansible_collections.edgefed.kubefed.plugins.module_utils.typeconfig.session import Session, read_state

Served = dict[str, set[str]]
"""API version → plurals."""


def info(session: Session, names: list[str], objects: bool, members: bool) -> Result:
    """One entry for each federated type, sorted by name; ``objects`` and ``members`` are looked at when asked for."""
    state = read_state(session, catalog=False)
    wanted = {name.lower() for name in names}
    configs = sorted((item for item in state.configs if not wanted or wanted & set(_names(item))), key=lambda item: str(_name(item)))
    on_host = _served(session, session.client, {federated_of(item).api_version for item in configs})
    there = [item for item in configs if _is_served(on_host, item)]
    counts = dict(zip(map(_name, there), session.host.each(lambda item: _count(session, item), there))) if objects else {}
    in_members, unseen = _ask(session, state.clusters, configs) if members else ({}, {})
    types = []
    for config in configs:
        lacking = sorted(name for name, served in in_members.items() if not _serves_target(served, config))
        entry = {**_facts(config), "problem": _problem(config, _is_served(on_host, config), lacking)}
        if objects:
            entry["objects"] = counts.get(_name(config), 0)
        if members:
            entry["members_lacking"] = lacking
        types.append(entry)
    return Result(data={"types": types, "members_unseen": unseen, "api_requests": session.requests})


def _name(config: Object) -> str:
    return str(config["metadata"]["name"])


def _names(config: Object) -> tuple[str, ...]:
    target = config["spec"]["targetType"]
    return _name(config), target["pluralName"], target["kind"].lower()


def _target_version(config: Object) -> str:
    target = config["spec"]["targetType"]
    return f"{target['group']}/{target['version']}" if target.get("group") else str(target["version"])


def _serves_target(served: Served, config: Object) -> bool:
    return config["spec"]["targetType"]["pluralName"] in served.get(_target_version(config), ())


def _is_served(served: Served, config: Object) -> bool:
    federated = federated_of(config)
    return federated.plural in served.get(federated.api_version, ())


def _served(session: Session, client: Any, versions: Iterable[str]) -> Served:
    """What a cluster serves of some API versions, one request for each."""

    def ask(version: str) -> set[str]:
        listing = client.find(group_path(version)) or {}
        return {item["name"] for item in listing.get("resources") or []}

    wanted = sorted(versions)
    return dict(zip(wanted, session.host.each(ask, wanted)))


def _ask(session: Session, clusters: list[Object], configs: list[Object]) -> tuple[dict[str, Served], dict[str, str]]:
    versions = {_target_version(config) for config in configs}
    found: dict[str, Served] = {}
    unseen: dict[str, str] = {}
    for cluster in clusters:
        name = cluster["metadata"]["name"]
        try:
            found[name] = _served(session, session.member(cluster), versions)
        except EdgefedError as error:
            unseen[name] = error.message
    return found, unseen


def _count(session: Session, config: Object) -> int:
    page = session.client.request("GET", federated_of(config).collection, query={"limit": 1}, accept=METADATA_ONLY)
    return len(page.get("items") or []) + int((page.get("metadata") or {}).get("remainingItemCount") or 0)


def _facts(config: Object) -> dict[str, Any]:
    spec, status = config["spec"], config.get("status") or {}
    return {
        "name": _name(config),
        "target": spec["targetType"],
        "federated": spec["federatedType"],
        "propagation": spec["propagation"],
        "status_collection": spec.get("statusCollection") or "Disabled",
        "controller": str(status.get("propagationController") or ""),
        "status_controller": str(status.get("statusController") or ""),
    }


def _problem(config: Object, served: bool, lacking: list[str]) -> str:
    """What keeps the type from being propagated; a type that is stopped on purpose has no problem."""
    name, spec = _name(config), config["spec"]
    if not served:
        return f"the host cluster does not serve CRD {federated_of(config).crd_name}. Next: enable the type again (playbooks/types.yml)"
    if config["metadata"].get("deletionTimestamp"):
        return f"FederatedTypeConfig {name} is being deleted. Next: see that kubefed-controller-manager runs"
    if spec["propagation"] == "Enabled" and lacking:
        return (
            f"{', '.join(lacking)} do(es) not serve {_target_version(config)} {spec['targetType']['kind']}, so KubeFed propagates it to no "
            "cluster. Next: enable the type again, which carries its CRD there, or unjoin these clusters"
        )
    if not running(config, spec["propagation"]):
        return "KubeFed's controller has not done what it says. Next: see that kubefed-controller-manager runs"
    return ""
