# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The KubeFedConfig: what is refused, what a profile says, and what has to change."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.edgefed.kubefed.plugins.module_utils.control_plane import settings
from ansible_collections.edgefed.kubefed.plugins.module_utils.control_plane.status import DEFAULT_GATES, Leader, config_is_newer
from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import EdgefedError

CONFIG: dict[str, Any] = {"metadata": {}, "spec": {"scope": "Cluster", "featureGates": []}}
for item in settings.FIELDS:
    CONFIG["spec"].setdefault(item.section, {})[item.key] = item.default


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("30s", 30),
        ("1m30s", 90),
        ("1.5h", 5400),
        ("250ms", 0.25),
        ("0s", 0),
        (30, None),
        ("30", None),
        ("", None),
        ("s", None),
        ("-1s", None),
    ],
)
def test_seconds(text: Any, length: float | None) -> None:
    """Go's durations, which have a unit."""
    assert settings.seconds(text) == length


@given(st.integers(0, 99), st.integers(0, 59), st.integers(0, 59))
def test_seconds_of_any(hours: int, minutes: int, seconds: int) -> None:
    """Parts add up."""
    assert settings.seconds(f"{hours}h{minutes}m{seconds}s") == hours * 3600 + minutes * 60 + seconds


@pytest.mark.parametrize(("value", "word"), [(True, "Enabled"), ("false", "Disabled"), ("Enabled", "Enabled"), ("perhaps", "perhaps")])
def test_gate_word(value: Any, word: str) -> None:
    """Booleans are understood."""
    assert settings.gate_word(value) == word


def test_profiles_are_whole_and_fit() -> None:
    """Each sets every field, and KubeFed takes it; the one named default is what KubeFed does by itself."""
    for name in settings.PROFILES:
        found = settings.wanted(name, {}, {})
        assert set(found.fields) == {item.path for item in settings.FIELDS}
        again = {section: {} for section in CONFIG["spec"]}
        for item in settings.FIELDS:
            again[item.option[0]] = {**again.get(item.option[0], {}), item.option[1]: found.fields[item.path]}
        assert settings.wanted("", again, {}).fields == found.fields
        assert bool(settings.plan(CONFIG, found).patch) == (name != "default")


def test_given_wins_over_the_profile() -> None:
    """Field by field; what the profile says of the same section stays."""
    found = settings.wanted("fast_failover", {"cluster_health_check": {"timeout": "4s", "period": None}}, {}).fields
    assert (found["clusterHealthCheck.timeout"], found["clusterHealthCheck.period"]) == ("4s", "3s")


def test_without_a_profile_only_what_is_given() -> None:
    """Sections that are not given are None, as a module's parameters are."""
    found = settings.wanted("", {"leader_elect": {"retry_period": "2s"}, "sync_controller": None}, {"PushReconciler": False})
    assert found == settings.Settings({"leaderElect.retryPeriod": "2s"}, {"PushReconciler": "Disabled"})


@pytest.mark.parametrize(
    ("sections", "gates", "says"),
    [
        ({"cluster_health_check": {"period": "10"}}, {}, 'cluster_health_check.period "10" is no duration such as 30s'),
        ({"cluster_health_check": {"timeout": "0s"}}, {}, "cluster_health_check.timeout 0s is not more than 0"),
        ({"sync_controller": {"max_concurrent_reconciles": 0}}, {}, "sync_controller.max_concurrent_reconciles 0 is not more than 0"),
        ({}, {"PushReconcilers": True}, 'no feature gate "PushReconcilers". Did you mean "PushReconciler"?'),
        ({}, {"Nothing": True}, 'no feature gate "Nothing". It knows PushReconciler'),
        ({}, {"PushReconciler": "on"}, 'feature gate PushReconciler is "on"'),
    ],
)
def test_mistakes(sections: dict[str, Any], gates: dict[str, Any], says: str) -> None:
    """Told before anything is sent, with the option's name."""
    with pytest.raises(EdgefedError) as caught:
        settings.wanted("", sections, gates)
    assert caught.value.code == "invalid" and says in caught.value.message and "Next: " in caught.value.message


def test_all_mistakes_in_one_message() -> None:
    with pytest.raises(EdgefedError) as caught:
        settings.wanted("", {"leader_elect": {"retry_period": "x", "lease_duration": "y"}}, {"Nothing": True})
    assert len(caught.value.details["problems"]) == 3


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"leaderElect.leaseDuration": "10s"}, "lease_duration 10s is not longer than renew_deadline 10s"),
        ({"leaderElect.renewDeadline": "6s"}, "renew_deadline 6s is not longer than 1.2 times retry_period 5s"),
    ],
)
def test_fields_that_do_not_fit(fields: dict[str, Any], says: str) -> None:
    """Also with those that stay; KubeFed's webhook would say it in other words, and not what the other field is."""
    with pytest.raises(EdgefedError) as caught:
        settings.plan(CONFIG, settings.Settings(fields))
    assert says in caught.value.message


def test_only_what_differs_is_patched() -> None:
    """A duration in another spelling is the same."""
    same = settings.Settings({"controllerDuration.unavailableDelay": "1m", "clusterHealthCheck.failureThreshold": 3}, dict(DEFAULT_GATES))
    assert settings.plan(CONFIG, same).patch == {}
    other = settings.Settings({"clusterHealthCheck.period": "2s"}, {"SchedulerPreferences": "Disabled"})
    found = settings.plan(CONFIG, other)
    assert found.patch["clusterHealthCheck"] == {"period": "2s"}
    assert {gate["name"]: gate["configuration"] for gate in found.patch["featureGates"]} == {
        **DEFAULT_GATES,
        "SchedulerPreferences": "Disabled",
    }
    assert (found.before["clusterHealthCheck.period"], found.after["clusterHealthCheck.period"]) == ("10s", "2s")


def test_before_kubefed_is_there() -> None:
    """Foretold against KubeFed's own defaults."""
    assert settings.plan(None, settings.wanted("default", {}, {})).patch == {}
    assert settings.plan(None, settings.wanted("slow_links", {}, {})).patch["clusterHealthCheck"]["period"] == "30s"


def test_other_scope() -> None:
    assert settings.other_scope(CONFIG, "Namespaced") == "Cluster"
    assert settings.other_scope(CONFIG, "Cluster") == settings.other_scope(CONFIG, "") == settings.other_scope(None, "Namespaced") == ""


def test_every_field_is_refused_as_a_chart_value() -> None:
    """The names are the chart's own, so that none is forgotten."""
    values: dict[str, Any] = {"controller": {"tag": "v0.10.0"}, "webhook": None, "featureGates": {"PushReconciler": "Enabled"}}
    for item in settings.FIELDS:
        name, _dot, below = item.chart.partition(".")
        if below:
            values.setdefault(name, {})[below] = item.default
        else:
            values[name] = item.default
    found = dict(settings.in_chart_values({"controllermanager": values}))
    assert len(found) == len(settings.FIELDS) + 1
    assert found["controllermanager.clusterAvailableDelay"] == "kubefed_settings.controller_duration.available_delay"
    assert found["controllermanager.featureGates.PushReconciler"] == "kubefed_feature_gates"
    harmless = {"controllermanager": {"controller": {"tag": "x"}, "syncController": None, "clusterHealthCheckPeriod": None}}
    assert settings.in_chart_values(harmless) == settings.in_chart_values({}) == []


@pytest.mark.parametrize(
    ("moment", "fields", "newer"),
    [
        ("2026-01-01T12:00:01Z", "f:spec", True),
        ("2026-01-01T12:00:00Z", "f:spec", False),
        ("2026-01-01T12:00:01Z", "f:metadata", False),
        ("nonsense", "f:spec", False),
    ],
)
def test_controller_manager_of_before_the_change(moment: str, fields: str, newer: bool) -> None:
    """It reads its KubeFedConfig once: a run that was cut off before the restart is made up for by the next."""
    config = {**CONFIG, "metadata": {"managedFields": [{"time": moment, "fieldsV1": {fields: {}}}]}}
    assert config_is_newer(config, Leader(holder="a", acquired="2026-01-01T12:00:00Z")) is newer
    assert not config_is_newer(config, Leader())
