# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What has to be done to enable or disable a federated type: current objects against wanted ones. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ansible_collections.edgefed.kubefed.plugins.module_utils.control_plane.plan import MADE_BY
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.redact import fingerprint
from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import EdgefedError
from ansible_collections.edgefed.kubefed.plugins.module_utils.typeconfig.desired import (
    DEFAULT_GROUP,
    ENABLERS,
    NAMESPACES,
    Federated,
    Object,
    Wish,
    federated_of,
)
from ansible_collections.edgefed.kubefed.plugins.module_utils.typeconfig.target import Target

NAMED_AT_MOST = 5
EQUIVALENT = {
    "deployments": ("apps", "extensions"),
    "daemonsets": ("apps", "extensions"),
    "replicasets": ("apps", "extensions"),
    "networkpolicies": ("networking.k8s.io", "extensions"),
    "podsecuritypolicies": ("policy", "extensions"),
    "ingresses": ("networking.k8s.io", "extensions"),
    "events": ("", "events.k8s.io"),
}
"""Groups that serve the same objects under the same plural: two types on them would write them in turn."""


@dataclass(frozen=True)
class Change:
    """One write. ``action`` is ``create update replace delete``, ``cluster`` a member's name or ``host``; ``body`` is what is sent,
    ``live`` what is to be deleted, as it was read."""

    action: str
    cluster: str
    kind: str
    name: str
    path: str = ""
    body: Object | None = None
    live: Object | None = None

    def describe(self) -> dict[str, str]:
        """As a task's result shows it."""
        return {"action": self.action, "cluster": self.cluster, "kind": self.kind, "name": self.name}


@dataclass
class Plan:
    """``before`` and ``after`` are for the diff, by ``"<cluster>: <kind> <name>"``."""

    changes: list[Change] = field(default_factory=list)
    before: dict[str, Any] = field(default_factory=dict)
    after: dict[str, Any] = field(default_factory=dict)

    def step(self, change: Change | None, before: Any, after: Any, title: str) -> None:
        """Note one object, changed or not; an unchanged one is in the diff on both sides."""
        if change:
            self.changes.append(change)
        if before is not None:
            self.before[title] = before
        if after is not None:
            self.after[title] = after


def leaving(live: Object | None) -> bool:
    """Whether the object is being deleted: a write to it would be lost."""
    return bool(live and live["metadata"].get("deletionTimestamp"))


def made_by_us(live: Object) -> bool:
    """Whether ``federated_type`` or ``kubefedctl enable`` made the object; the chart's and other people's stay."""
    meta = live["metadata"]
    if MADE_BY in (meta.get("annotations") or {}):
        return True
    written = [entry for entry in meta.get("managedFields") or [] if not entry.get("subresource")]
    first = sorted(written, key=lambda entry: str(entry.get("time", "")))[:1]
    return any(entry.get("manager") in ENABLERS for entry in first)


def refuse_present(target: Target, federated: Federated, wish: Wish, configs: list[Object], limited: bool) -> None:
    """Raise :class:`EdgefedError` where enabling would do harm, or where KubeFed would not propagate the type anyway."""
    _refuse_other_names(target, wish, configs)
    for config in configs:
        _refuse_neighbour(target, federated, config)
    if limited and not target.namespaced and target.name != NAMESPACES:
        raise EdgefedError(
            f'KubeFed is of scope Namespaced, and starts no controller for "{target.name}", which has no namespace. Next: leave it out.',
            code="scope",
        )
    if target.namespaced and not any(config["metadata"]["name"] == NAMESPACES for config in configs):
        raise EdgefedError(
            f'KubeFed starts no controller for "{target.name}" while namespaces are not federated, since placement needs them. '
            "Next: enable namespaces first.",
            code="no_namespaces",
        )


def _refuse_other_names(target: Target, wish: Wish, configs: list[Object]) -> None:
    config = next((item for item in configs if item["metadata"]["name"] == target.name), None)
    if config is None or leaving(config):
        return
    there = federated_of(config)
    asked = (wish.federated_group or there.group, wish.federated_version or there.version)
    if asked != (there.group, there.version):
        raise EdgefedError(
            f'"{target.name}" is federated as {there.kind} of {there.api_version}, and {"/".join(asked)} is asked for: objects of the one '
            "would lose their controller. Next: disable it first (state: absent), or leave federated_group and federated_version out.",
            code="other_federated_type",
            details={"federated": there.crd_name, "version": there.version},
        )


def _refuse_neighbour(target: Target, federated: Federated, config: Object) -> None:
    name, spec = config["metadata"]["name"], config["spec"]["targetType"]
    groups = EQUIVALENT.get(target.plural, ())
    if name == target.name:
        return
    if spec.get("pluralName") == target.plural and target.group in groups and (spec.get("group") or "") in groups:
        raise EdgefedError(
            f'"{target.name}" and "{name}", which is federated already, are the same objects under two groups; two controllers would '
            f"write them in turn. Next: use {federated_of(config).kind}, or disable {name} first.",
            code="equivalent_type",
            details={"name": name},
        )
    if federated_of(config).crd_name == federated.crd_name:
        raise EdgefedError(
            f'"{name}" is federated as {federated.crd_name} already, so "{target.name}" cannot be. Next: give another federated_group.',
            code="name_taken",
            details={"name": name, "crd": federated.crd_name},
        )


def refuse_foreign_crd(federated: Federated, crd: Object | None) -> None:
    """Raise :class:`EdgefedError` where a CRD of that name is for something else, which cannot be changed."""
    if crd is None or leaving(crd):
        return
    spec = crd["spec"]
    scope = "Namespaced" if federated.namespaced else "Cluster"
    if (spec["names"]["kind"], spec["scope"]) != (federated.kind, scope):
        raise EdgefedError(
            f"CRD {federated.crd_name} is there, for {spec['names']['kind']} of scope {spec['scope']}; {federated.kind} of scope {scope} "
            "is needed. It is left alone. Next: give another federated_group, or remove that CRD with its objects.",
            code="foreign_crd",
            details={"crd": federated.crd_name},
        )


def config_change(live: Object | None, wanted: Object, path: str) -> tuple[Change | None, Object | None, Object]:
    """``(change, before, after)`` of the FederatedTypeConfig, ``before`` and ``after`` being ``spec``."""
    name, spec = wanted["metadata"]["name"], wanted["spec"]
    if live is None or leaving(live):
        action = "replace" if live else "create"
        return Change(action, "host", "FederatedTypeConfig", name, path, wanted), live and live["spec"], spec
    before = live["spec"]
    after = {**before, **spec}
    if before == after:
        return None, before, after
    patch = {key: {**dict.fromkeys(before.get(key) or {}), **value} if isinstance(value, dict) else value for key, value in spec.items()}
    body = {"metadata": {"resourceVersion": live["metadata"]["resourceVersion"]}, "spec": patch}
    return Change("update", "host", "FederatedTypeConfig", name, path, body), before, after


def crd_change(live: Object | None, wanted: Object, path: str, cluster: str = "host") -> tuple[Change | None, Object | None, Object]:
    """``(change, before, after)`` of a CRD; the latter two are what counts of ``spec``. What others added to a version stays."""
    name = wanted["metadata"]["name"]
    after = comparable(wanted["spec"])
    if live is None or leaving(live):
        action = "replace" if live else "create"
        return Change(action, cluster, "CustomResourceDefinition", name, path, wanted), live and comparable(live["spec"]), after
    before = comparable(live["spec"])
    if before == after:
        return None, before, after
    there = {item["name"]: item for item in live["spec"]["versions"]}
    versions = [{**there.get(item["name"], {}), **item} for item in wanted["spec"]["versions"]]
    body = {
        "metadata": {"resourceVersion": live["metadata"]["resourceVersion"]},
        "spec": {"names": wanted["spec"]["names"], "versions": versions},
    }
    return Change("update", cluster, "CustomResourceDefinition", name, path, body), before, after


def comparable(spec: Object) -> Object:
    """What counts of a CRD's ``spec``: names and, of each version, how it is served and its schema."""
    names = spec["names"]
    kept = ("name", "served", "storage", "schema", "subresources")
    return {
        "group": spec["group"],
        "scope": spec["scope"],
        "names": {"kind": names["kind"], "plural": names["plural"], "shortNames": sorted(names.get("shortNames") or [])},
        "versions": [{key: item[key] for key in kept if item.get(key) is not None} for item in spec["versions"]],
    }


def brief(spec: Object | None) -> Object | None:
    """A CRD in few words, for where its content is of no interest, or there may be hundreds of them."""
    return spec and {"versions": [item["name"] for item in spec["versions"]], "content": fingerprint(spec)}


def rights_change(live: Object | None, wanted: Object, path: str) -> tuple[Change | None, Object | None, Object]:
    """``(change, before, after)`` of a role or its binding."""
    kind, name = wanted["kind"], wanted["metadata"]["name"]
    key = "rules" if "rules" in wanted else "subjects"
    after = {key: wanted[key]}
    if live is None:
        return Change("create", "host", kind, name, path, wanted), None, after
    before = {key: live.get(key)}
    return (None if before == after else Change("update", "host", kind, name, path, after)), before, after


def object_title(federated: Federated, meta: Object) -> str:
    """``FederatedConfigMap shop/settings``."""
    place = f"{meta['namespace']}/" if meta.get("namespace") else ""
    return f"{federated.kind} {place}{meta['name']}"


def refuse_absent(name: str, federated: Federated, objects: list[Object], policy: str, configs: list[Object]) -> None:
    """Raise :class:`EdgefedError` where objects are left that nobody said what to do with, or where other types need this one."""
    if name == NAMESPACES:
        others = [item["metadata"]["name"] for item in configs if item["spec"]["targetType"].get("scope") == "Namespaced"]
        if others:
            raise EdgefedError(
                f"namespaces cannot be disabled while {len(others)} type(s) in namespaces are federated ({_some(sorted(others))}): KubeFed "
                "would stop propagating them all. Nothing was changed. Next: disable these first.",
                code="needed",
                details={"names": sorted(others)},
            )
    if objects and policy == "refuse":
        titles = sorted(object_title(federated, item["metadata"]) for item in objects)
        raise EdgefedError(
            f'"{name}" cannot be disabled while {len(titles)} federated object(s) are there: {_some(titles)}. Nothing was changed. Next: '
            "say what becomes of them: objects: delete removes them in all clusters, objects: orphan leaves the copies in the members.",
            code="federated_objects",
            details={"count": len(titles), "objects": titles[:NAMED_AT_MOST]},
        )


def _some(names: list[str]) -> str:
    more = f" and {len(names) - NAMED_AT_MOST} more" if len(names) > NAMED_AT_MOST else ""
    return ", ".join(names[:NAMED_AT_MOST]) + more


def group_is_left(group: str, name: str, configs: list[Object]) -> bool:
    """Whether no other federated type is of a group that is not KubeFed's own, so that its rights go too."""
    users = [item["metadata"]["name"] for item in configs if item["spec"]["federatedType"].get("group") == group]
    return group != DEFAULT_GROUP and not set(users) - {name}


def running(config: Object | None, propagation: str) -> bool:
    """Whether the controller has seen the FederatedTypeConfig as it is, and its controller runs, or has stopped."""
    if config is None:
        return False
    status = config.get("status") or {}
    wanted = "Running" if propagation == "Enabled" else "NotRunning"
    return bool(status.get("observedGeneration") == config["metadata"].get("generation") and status.get("propagationController") == wanted)
