# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What has to be done to have a control plane, or none: everything the chart cannot do itself, and what the chart has to do. Pure.

The chart's own work (``Plan.chart``) lies between two calls: the first prepares it, the second (``chart_done``) completes it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.edgefed.kubefed.plugins.module_utils.control_plane.release import Release, kubefed_version, latest
from ansible_collections.edgefed.kubefed.plugins.module_utils.control_plane.settings import in_chart_values

CONFIG = "kubefed"
CONTROLLER = "kubefed-controller-manager"
WEBHOOK = "kubefed-admission-webhook"
MADE_BY = "edgefed.io/made-by"
"""Annotation of a namespace that we made: ``absent`` removes only such a one."""

_SECRET_KEY = re.compile(r"(password|passwd|token|secret|key|credentials?)$", re.IGNORECASE)


@dataclass(frozen=True)
class Current:
    """What is in the host cluster. What follows ``older_pods`` is read for ``absent`` only."""

    namespace_there: bool = False
    namespace_ours: bool = False
    namespace_named: bool = True
    """Whether its label ``name`` is its name, which the webhooks of scope Namespaced select by."""
    releases: list[Release] = field(default_factory=list)
    config: dict[str, Any] | None = None
    elsewhere: dict[str, str] = field(default_factory=dict)
    """KubeFedConfigs of other namespaces: namespace → scope."""
    crds_missing: tuple[str, ...] = ()
    webhooks: tuple[str, ...] = ()
    deployments: dict[str, str] = field(default_factory=dict)
    """KubeFed's Deployments: name → version of the image, ``""`` when its tag is none."""
    older_pods: tuple[str, ...] = ()
    """Deployments that are older than the release's last change: their pods still have the certificate of before."""
    clusters: tuple[str, ...] = ()
    federated: dict[str, int] = field(default_factory=dict)
    """Federated objects: CRD → how many."""
    crds: tuple[str, ...] = ()
    lock_there: bool = False


@dataclass(frozen=True)
class Desired:
    """What is asked for. ``where`` names the cluster in messages."""

    where: str
    namespace: str
    release: str = "kubefed"
    version: str = ""
    scope: str = "Cluster"
    values: dict[str, Any] = field(default_factory=dict)
    config: dict[str, Any] = field(default_factory=dict)
    """The chart's KubeFedConfig, which has to be there before pods of the controller manager start; empty where none will."""
    config_crd: dict[str, Any] = field(default_factory=dict)
    purge: bool = False


@dataclass(frozen=True)
class Step:
    """One thing to do; ``name`` is the object's. Verbs: see ``control_plane_api.apply``."""

    verb: str
    name: str = ""


@dataclass(frozen=True)
class Plan:
    """``chart``: ``none install upgrade uninstall``. ``reasons``: why, for people. ``before``/``after``: what changes, for the diff."""

    chart: str = "none"
    reasons: tuple[str, ...] = ()
    steps: tuple[Step, ...] = ()
    before: dict[str, Any] = field(default_factory=dict)
    after: dict[str, Any] = field(default_factory=dict)

    @property
    def changed(self) -> bool:
        """Whether anything is to be done, by the chart or by us."""
        return self.chart != "none" or bool(self.steps)


@dataclass(frozen=True)
class Objection:
    """Why nothing may be done: a message without the cluster's name, a word for programs, and details."""

    message: str
    code: str
    details: dict[str, Any]


def webhook_names(scope: str, namespace: str) -> dict[str, str]:
    """The chart's webhook configurations: name → plural."""
    suffix = f"-{namespace}" if scope == "Namespaced" else ""
    return {
        f"mutation.core.kubefed.io{suffix}": "mutatingwebhookconfigurations",
        f"validations.core.kubefed.io{suffix}": "validatingwebhookconfigurations",
    }


def veiled(values: Any) -> Any:
    """``values`` for a diff: what a key calls a password, token, secret or key is not shown."""
    if isinstance(values, dict):
        return {
            key: "VALUE_HIDDEN" if _SECRET_KEY.search(str(key)) and not isinstance(value, dict) else veiled(value)
            for key, value in values.items()
        }
    if isinstance(values, list):
        return [veiled(value) for value in values]
    return values


def _owner(config: dict[str, Any]) -> tuple[str, str]:
    notes = config["metadata"].get("annotations") or {}
    return notes.get("meta.helm.sh/release-name", ""), notes.get("meta.helm.sh/release-namespace", "")


def _is_helms(config: dict[str, Any] | None, desired: Desired) -> bool:
    return config is not None and _owner(config) == (desired.release, desired.namespace)


def installed_version(current: Current) -> str:
    """The version that is there: the running image tells it, else Helm's record, ``""`` when neither does."""
    release = latest(current.releases)
    return current.deployments.get(CONTROLLER) or (release.version if release else None) or ""


def _settings_in_values(desired: Desired) -> Objection | None:
    """Chart values that set what the module kubefed_config owns: the next run of the chart would set it back."""
    found = in_chart_values(desired.values)
    if not found:
        return None
    return Objection(
        f"kubefed_values sets fields of the KubeFedConfig ({', '.join(value for value, _option in found)}), which the chart would set back "
        f"each time. Nothing was changed. Next: use {', '.join(dict.fromkeys(option for _value, option in found))} instead.",
        "settings_in_values",
        {"values": [value for value, _option in found]},
    )


def _foreign(current: Current, desired: Desired) -> Objection | None:
    """A KubeFed that somebody else installed, here or in another namespace."""
    for namespace, scope in current.elsewhere.items():
        if "Cluster" in (scope, desired.scope):
            return Objection(
                f'a KubeFed control plane of scope {scope} is already in namespace "{namespace}"; two would work against each other. '
                f"Next: set federation_namespace: {namespace} to use that one, or remove it first.",
                "other_control_plane",
                {"namespace": namespace, "scope": scope},
            )
    if current.releases or not (current.config or current.deployments):
        return None
    name, namespace = _owner(current.config) if current.config else ("", "")
    if (name, namespace) == (desired.release, desired.namespace):
        return None
    by = f'by the Helm release "{name}" in namespace "{namespace}"' if name else "without Helm"
    remedy = f"set kubefed_release_name: {name}" if name else "remove it with what installed it, and run this again"
    return Objection(
        f'KubeFed {installed_version(current) or "of unknown version"} is already in namespace "{desired.namespace}", installed {by}. '
        f"It is left alone. Next: {remedy}.",
        "foreign",
        {"release": name, "namespace": namespace, "installed": installed_version(current)},
    )


def _unselected(current: Current, desired: Desired) -> Objection | None:
    """A namespace that was there before, without the label that the webhooks of scope Namespaced select it by."""
    if desired.scope != "Namespaced" or not current.namespace_there or current.namespace_named:
        return None
    label = f"name={desired.namespace}"
    return Objection(
        f'namespace "{desired.namespace}" has no label {label}, by which the webhooks of a KubeFed of scope Namespaced select their '
        "namespace, so the API server would never ask them. Nothing was changed. "
        f"Next: kubectl label namespace {desired.namespace} {label} --overwrite, then run this again.",
        "namespace_label",
        {"namespace": desired.namespace, "label": label},
    )


def objection(current: Current, desired: Desired) -> Objection | None:
    """What forbids to install or change: settings among the chart's values, another's KubeFed, another version, another scope, a namespace
    that no webhook would select."""
    trouble = _settings_in_values(desired) or _foreign(current, desired)
    if trouble:
        return trouble
    there = installed_version(current)
    if there and there not in (desired.version, kubefed_version({}, desired.values)):
        return Objection(
            f'KubeFed {there} is already in namespace "{desired.namespace}", and kubefed_version asks for {desired.version}. Nothing was '
            f"changed: this role does not upgrade. Next: set kubefed_version: {there} to keep it, or remove it with playbooks/teardown.yml "
            "and install again.",
            "other_version",
            {"installed": there, "asked": desired.version},
        )
    scope = ((current.config or {}).get("spec") or {}).get("scope")
    if scope and scope != desired.scope:
        return Objection(
            f'KubeFed in namespace "{desired.namespace}" has scope {scope}, and kubefed_scope asks for {desired.scope}; KubeFed cannot '
            f"change it later. Next: set kubefed_scope: {scope}, or remove it with playbooks/teardown.yml and install again.",
            "other_scope",
            {"installed": scope, "asked": desired.scope},
        )
    return _unselected(current, desired)


def lost_parts(current: Current, desired: Desired, release: Release) -> list[str]:
    """What the release once made and somebody removed."""
    lost = [f"CRD {name}" for name in current.crds_missing]
    if current.config is None:
        lost.append(f'KubeFedConfig "{CONFIG}"')
    lost += [f"webhook configuration {name}" for name in webhook_names(desired.scope, desired.namespace) if name not in current.webhooks]
    if release.runs_pods:
        lost += [f"Deployment {name}" for name in (CONTROLLER, WEBHOOK) if name not in current.deployments]
    return lost


def _chart_work(current: Current, desired: Desired) -> tuple[str, bool, list[str]]:
    """``(chart, afresh, reasons)``. ``afresh``: Helm's records are dropped first, so that it installs again and adopts what is there.

    An upgrade neither goes on from a cut-off release nor brings back CRDs; an install does both.
    """
    release = latest(current.releases)
    if release is None:
        return "install", False, ["not installed"]
    if release.status != "deployed":
        return "install", True, [f"release {release.name} was left {release.status} (revision {release.revision})"]
    lost = lost_parts(current, desired, release)
    if lost:
        return "install", True, [f"missing: {', '.join(lost)}"]
    if release.values != desired.values:
        return "upgrade", False, ["values differ"]
    return "none", False, []


def plan_present(current: Current, desired: Desired, chart_done: bool = False) -> Plan:
    """Namespace, Helm's stale records, the KubeFedConfig, chart; after it the webhook's pods that still have the certificate of before."""
    chart, afresh, reasons = ("none", False, []) if chart_done else _chart_work(current, desired)
    steps: list[Step] = []
    before: dict[str, Any] = {}
    after: dict[str, Any] = {}
    release = latest(current.releases)
    if not current.namespace_there and not chart_done:
        steps.append(Step("create_namespace", desired.namespace))
        before["namespace"], after["namespace"] = None, desired.namespace
    if afresh:
        steps.append(Step("drop_superseded", desired.release))
        steps += [Step("drop_record", item.record) for item in current.releases]
        steps += [Step("delete_webhook", name) for name in current.webhooks]
    if chart == "install" and desired.config and not _is_helms(current.config, desired):
        steps.append(Step("put_config", CONFIG))
        before["config"], after["config"] = current.config and "not Helm's", "Helm's"
    if chart != "none":
        before["release"] = {"status": release.status, "values": veiled(release.values)} if release else None
        after["release"] = {"status": "deployed", "values": veiled(desired.values)}
    if chart_done and WEBHOOK in current.older_pods:
        steps.append(Step("restart", WEBHOOK))
    return Plan(chart, tuple(reasons), tuple(steps), before, after)


def absent_objection(current: Current, desired: Desired) -> Objection | None:
    """What forbids to remove: another's KubeFed, federated objects unless ``purge``, joined clusters, CRDs that Helm needs to uninstall.

    Federated objects come before joined clusters: they are best deleted while the clusters are still there.
    """
    if not current.releases and current.config and _owner(current.config) != (desired.release, desired.namespace):
        return _foreign(current, desired)
    if current.federated and not desired.purge and not current.elsewhere:
        count = sum(current.federated.values())
        kinds = ", ".join(f"{number} {name.split('.')[0]}" for name, number in sorted(current.federated.items()))
        return Objection(
            f"{count} federated object(s) would go with their CRDs ({kinds}). Nothing was removed. Next: delete them while the "
            "members are joined, which removes their copies too (playbooks/federate.yml -e federated_resources_state=absent does it for "
            "the inventory's), or set kubefed_purge: true to leave the copies where they are.",
            "federated_objects",
            {"federated": current.federated},
        )
    if current.clusters:
        return Objection(
            f"{len(current.clusters)} cluster(s) are still joined: {', '.join(current.clusters)}. KubeFed was not removed. Next: run "
            "playbooks/unjoin.yml first, or playbooks/teardown.yml, which does it.",
            "joined",
            {"clusters": list(current.clusters)},
        )
    if current.releases and current.crds_missing:
        return Objection(
            f"Helm cannot uninstall while CRDs of the release are missing ({', '.join(current.crds_missing)}). Nothing was removed. "
            "Next: run playbooks/control_plane.yml, which brings them back, and then this again.",
            "crds_missing",
            {"missing": list(current.crds_missing)},
        )
    return None


def plan_absent(current: Current, desired: Desired, chart_done: bool = False) -> Plan:
    """Webhook configurations first, so that nothing blocks; then the chart; then CRDs, lock and a namespace that we made.

    CRDs stay while a control plane in another namespace uses them.
    """
    crds = () if current.elsewhere else current.crds
    steps = [Step("delete_webhook", name) for name in current.webhooks]
    release = None if chart_done else latest(current.releases)
    chart = "uninstall" if release else "none"
    rest = [Step("release_objects", name) for name in crds]
    rest += [Step("delete_crd", name) for name in crds]
    rest += [Step("delete_lock")] if current.lock_there and not current.namespace_ours else []
    rest += [Step("delete_namespace", desired.namespace)] if current.namespace_there and current.namespace_ours else []
    before: dict[str, Any] = {}
    if release:
        before["release"] = {"status": release.status, "values": veiled(release.values)}
    before |= {"webhooks": list(current.webhooks)} if current.webhooks else {}
    before |= {"crds": list(crds)} if crds else {}
    before |= {"federated_objects": current.federated} if crds and current.federated else {}
    before |= {"namespace": desired.namespace} if current.namespace_there and current.namespace_ours else {}
    after = dict.fromkeys(before)
    return Plan(chart, (), tuple(steps if release else steps + rest), before, after)
