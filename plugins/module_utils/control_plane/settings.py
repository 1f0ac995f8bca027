# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The KubeFedConfig: every field, the profiles, what is refused, and what has to change. Pure.

KubeFed's controller manager reads it only once, at its start, so that each change is followed by a restart.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.edgefed.kubefed.plugins.module_utils.control_plane.status import DEFAULT_GATES, gates_of
from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import EdgefedError

Object = dict[str, Any]

DURATION, COUNT = "duration", "count"
JITTER = 1.2
"""By so much client-go stretches the pauses between two tries for the leader's lock."""


@dataclass(frozen=True)
class Field:
    """One field of ``spec``: ``section.key`` in Kubernetes' spelling, ``default`` KubeFed's own; ``kind`` may be a tuple of words."""

    section: str
    key: str
    kind: Any
    default: Any
    chart: str

    @property
    def path(self) -> str:
        """``clusterHealthCheck.period``."""
        return f"{self.section}.{self.key}"

    @property
    def option(self) -> tuple[str, str]:
        """The module's option for it: ``("cluster_health_check", "period")``."""
        return snake(self.section), snake(self.key)


def snake(name: str) -> str:
    """``clusterHealthCheck`` as ``cluster_health_check``."""
    return re.sub(r"([A-Z])", lambda match: f"_{match[1].lower()}", name)


FIELDS = (
    Field("controllerDuration", "availableDelay", DURATION, "20s", "clusterAvailableDelay"),
    Field("controllerDuration", "unavailableDelay", DURATION, "60s", "clusterUnavailableDelay"),
    Field("controllerDuration", "cacheSyncTimeout", DURATION, "5m", "cacheSyncTimeout"),
    Field("leaderElect", "leaseDuration", DURATION, "15s", "leaderElectLeaseDuration"),
    Field("leaderElect", "renewDeadline", DURATION, "10s", "leaderElectRenewDeadline"),
    Field("leaderElect", "retryPeriod", DURATION, "5s", "leaderElectRetryPeriod"),
    Field("leaderElect", "resourceLock", ("configmaps", "endpoints"), "configmaps", "leaderElectResourceLock"),
    Field("clusterHealthCheck", "period", DURATION, "10s", "clusterHealthCheckPeriod"),
    Field("clusterHealthCheck", "failureThreshold", COUNT, 3, "clusterHealthCheckFailureThreshold"),
    Field("clusterHealthCheck", "successThreshold", COUNT, 1, "clusterHealthCheckSuccessThreshold"),
    Field("clusterHealthCheck", "timeout", DURATION, "3s", "clusterHealthCheckTimeout"),
    Field("syncController", "maxConcurrentReconciles", COUNT, 1, "syncController.maxConcurrentReconciles"),
    Field("syncController", "adoptResources", ("Enabled", "Disabled"), "Enabled", "syncController.adoptResources"),
    Field("statusController", "maxConcurrentReconciles", COUNT, 1, "statusController.maxConcurrentReconciles"),
)
DEFAULTS = {item.path: item.default for item in FIELDS}
PROFILES: dict[str, Object] = {
    "default": DEFAULTS,
    "fast_failover": {
        **DEFAULTS,
        "controllerDuration.availableDelay": "5s",
        "controllerDuration.unavailableDelay": "10s",
        "leaderElect.leaseDuration": "10s",
        "leaderElect.renewDeadline": "6s",
        "leaderElect.retryPeriod": "2s",
        "clusterHealthCheck.period": "3s",
        "clusterHealthCheck.timeout": "2s",
        "syncController.maxConcurrentReconciles": 4,
    },
    "slow_links": {
        **DEFAULTS,
        "controllerDuration.availableDelay": "30s",
        "controllerDuration.unavailableDelay": "5m",
        "controllerDuration.cacheSyncTimeout": "15m",
        "clusterHealthCheck.period": "30s",
        "clusterHealthCheck.successThreshold": 2,
        "clusterHealthCheck.timeout": "20s",
        "syncController.maxConcurrentReconciles": 8,
        "statusController.maxConcurrentReconciles": 4,
    },
}
_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)")


@dataclass(frozen=True)
class Settings:
    """What is asked for: fields by path, feature gates by name."""

    fields: Object = field(default_factory=dict)
    gates: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Plan:
    """``patch`` is the merge patch of ``spec``, empty when nothing differs; ``before`` and ``after`` are for the diff."""

    patch: Object
    before: Object
    after: Object


def seconds(text: Any) -> float | None:
    """The length of one of Go's durations, as ``1m30s``; ``None`` when it is none."""
    parts = _DURATION.findall(str(text))
    if not parts or "".join(number + unit for number, unit in parts) != str(text):
        return None
    return sum(float(number) * _UNITS[unit] for number, unit in parts)


def gate_word(value: Any) -> str:
    """``Enabled`` or ``Disabled`` of a gate's setting, YAML's booleans too."""
    return {"true": "Enabled", "false": "Disabled"}.get(str(value).lower(), str(value))


def wanted(profile: str, sections: Object, gates: Object) -> Settings:
    """The settings of a profile (``""``: of none), with what is given by itself in its place.

    ``sections`` are the module's options by section. Raises :class:`EdgefedError` (code ``invalid``), all mistakes in one message.
    """
    given = {item.path: value for item in FIELDS if (value := (sections.get(item.option[0]) or {}).get(item.option[1])) is not None}
    words = {str(name): gate_word(value) for name, value in gates.items()}
    problems = [said for item in FIELDS if item.path in given and (said := _problem(item, given[item.path]))]
    problems += [said for name, word in words.items() if (said := _gate_problem(name, word))]
    if problems:
        raise _invalid(problems)
    return Settings({**PROFILES.get(profile, {}), **given}, words)


def _invalid(problems: list[str]) -> EdgefedError:
    return EdgefedError(
        f"The KubeFedConfig was not changed: {'; '.join(problems)}. Next: correct what was asked for, then run this again.",
        code="invalid",
        details={"problems": problems},
    )


def _problem(item: Field, value: Any) -> str:
    name = ".".join(item.option)
    if item.kind == DURATION:
        length = seconds(value)
        if length is None:
            return f'{name} "{value}" is no duration such as 30s or 1m30s'
        return "" if length > 0 else f"{name} {value} is not more than 0"
    if item.kind == COUNT:
        return "" if value > 0 else f"{name} {value} is not more than 0"
    return ""


def _gate_problem(name: str, word: str) -> str:
    if name not in DEFAULT_GATES:
        near = difflib.get_close_matches(name, DEFAULT_GATES, 1, 0.4)
        hint = f' Did you mean "{near[0]}"?' if near else ""
        return f'KubeFed has no feature gate "{name}".{hint} It knows {", ".join(DEFAULT_GATES)}, and would not start with another'
    if word not in ("Enabled", "Disabled"):
        return f'feature gate {name} is "{word}", and can be Enabled or Disabled'
    return ""


def plan(config: Object | None, settings: Settings) -> Plan:
    """What has to change. ``config`` is ``None`` before KubeFed is installed, which begins with its defaults.

    Raises :class:`EdgefedError` (code ``invalid``) where fields do not fit together, also with those that stay.
    """
    spec = (config or {}).get("spec") or {}
    live = {item.path: (spec.get(item.section) or {}).get(item.key, item.default) for item in FIELDS}
    differing = [item for item in FIELDS if item.path in settings.fields and not _same(item, live[item.path], settings.fields[item.path])]
    whole = {**live, **{item.path: settings.fields[item.path] for item in differing}}
    problems = _misfits(whole)
    if problems:
        raise _invalid(problems)
    patch: Object = {}
    for item in differing:
        patch.setdefault(item.section, {})[item.key] = settings.fields[item.path]
    now = gates_of(config)
    gates = {**now, **settings.gates}
    if gates != now:
        patch["featureGates"] = [{"name": name, "configuration": gates[name]} for name in sorted(gates)]
    return Plan(patch, {**live, "featureGates": now}, {**whole, "featureGates": gates})


def _same(item: Field, one: Any, other: Any) -> bool:
    return one == other or (item.kind == DURATION and seconds(one) is not None and seconds(one) == seconds(other))


def _misfits(whole: Object) -> list[str]:
    lease, renew, retry = (seconds(whole[f"leaderElect.{key}"]) or 0.0 for key in ("leaseDuration", "renewDeadline", "retryPeriod"))
    problems = []
    if lease <= renew:
        problems.append(
            f"leader_elect.lease_duration {whole['leaderElect.leaseDuration']} is not longer than renew_deadline "
            f"{whole['leaderElect.renewDeadline']}"
        )
    if renew <= retry * JITTER:
        problems.append(
            f"leader_elect.renew_deadline {whole['leaderElect.renewDeadline']} is not longer than {JITTER} times retry_period "
            f"{whole['leaderElect.retryPeriod']}"
        )
    return problems


def other_scope(config: Object | None, scope: str) -> str:
    """The scope of the control plane where it is another than asked for (``""``: nothing is asked for, or it is the same)."""
    there = str(((config or {}).get("spec") or {}).get("scope") or "")
    return there if there and scope and there != scope else ""


def in_chart_values(values: Object) -> list[tuple[str, str]]:
    """Chart values that set fields of the KubeFedConfig, with the option that is theirs here: ``[(value, option), …]``."""
    given = values.get("controllermanager")
    if not isinstance(given, dict):
        return []
    found = []
    for item in FIELDS:
        name, _dot, below = item.chart.partition(".")
        value = (given.get(name) or {}).get(below) if below else given.get(name)
        if value is not None:
            found.append((f"controllermanager.{item.chart}", f"kubefed_settings.{'.'.join(item.option)}"))
    gates = given.get("featureGates") or {}
    return found + [(f"controllermanager.featureGates.{name}", "kubefed_feature_gates") for name in gates if gates[name] is not None]
