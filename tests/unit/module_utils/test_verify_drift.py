# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Who wrote a field, and what is told of it."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.status import UNSEEN
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.types import DEFAULTS
from ansible_collections.edgefed.kubefed.plugins.module_utils.report.drift import drifted, render
from ansible_collections.edgefed.kubefed.plugins.module_utils.verify.compare import compare
from ansible_collections.edgefed.kubefed.plugins.module_utils.verify.drift import HIDDEN, by_whom, drift_of
from ansible_collections.edgefed.kubefed.plugins.module_utils.verify.observed import Host
from ansible_collections.edgefed.kubefed.plugins.module_utils.verify.told import with_propagation
from ansible_collections.edgefed.kubefed.plugins.module_utils.verify.writer import Writer, writer_of

EARLY, LATE = "2026-03-04T05:06:07Z", "2026-03-04T06:00:00Z"


def entry(manager: str, fields: dict[str, Any], time: str = EARLY, operation: str = "Update", **more: str) -> dict[str, Any]:
    found = {"manager": manager, "operation": operation, "fieldsType": "FieldsV1", "fieldsV1": fields, **more}
    return {**found, "time": time} if time else found


CONTAINERS = {'k:{"name":"web"}': {".": {}, "f:image": {}, "f:name": {}, "f:env": {'k:{"name":"A"}': {"f:value": {}}}}}
PORTS = {'k:{"port":80,"protocol":"TCP"}': {".": {}, "f:port": {}}, 'k:{"port":81,"protocol":"TCP"}': {".": {}, "f:port": {}}}
ACTUAL: dict[str, Any] = {
    "metadata": {
        "labels": {"a.b/c": "1"},
        "finalizers": ["one", "two"],
        "managedFields": [
            entry("controller-manager", {"f:spec": {"f:paused": {}, "f:containers": CONTAINERS, "f:selector": {}}}),
            entry("kubectl", {"f:spec": {"f:replicas": {}}}, time="", subresource="scale"),
            entry("kubectl-set", {"f:spec": {"f:containers": {'k:{"name":"web"}': {"f:image": {}}}}}, LATE),
            entry(
                "helm", {"f:spec": {"f:ports": {'k:{"port":81,"protocol":"TCP"}': PORTS['k:{"port":81,"protocol":"TCP"}']}}}, LATE, "Apply"
            ),
            entry("labeller", {"f:metadata": {"f:labels": {".": {}, "f:a.b/c": {}}, "f:finalizers": {'v:"two"': {}}}}),
            entry("lister", {"f:spec": {"f:args": {}}}),
            # owns the map, and none of its keys any more
            entry("former", {"f:metadata": {"f:labels": {}}}, LATE),
        ],
    },
    "spec": {
        "paused": True,
        "replicas": 3,
        "selector": {"matchLabels": {"app": "web"}},
        "containers": [{"name": "sidecar"}, {"name": "web", "image": "nginx:2", "env": [{"name": "A", "value": "1"}]}],
        "ports": [{"port": 80, "protocol": "TCP"}, {"port": 81, "protocol": "TCP"}],
        "args": ["a", "b"],
    },
}


@pytest.mark.parametrize(
    ("parts", "manager", "operation", "since"),
    [
        (("spec", "paused"), "controller-manager", "Update", EARLY),
        (("spec", "replicas"), "kubectl", "Update", ""),
        # of two that own it, the one that wrote last
        (("spec", "containers", 1, "image"), "kubectl-set", "Update", LATE),
        (("spec", "containers", 1, "env", 0, "value"), "controller-manager", "Update", EARLY),
        (("spec", "containers", "1", "env", "0", "value"), "controller-manager", "Update", EARLY),
        (("spec", "containers", "web"), "kubectl-set", "Update", LATE),
        (("spec", "ports", 1, "port"), "helm", "Apply", LATE),
        (("spec", "ports", 0, "port"), "", "", ""),
        # owned as a whole
        (("spec", "selector", "matchLabels", "app"), "controller-manager", "Update", EARLY),
        (("spec", "args", 1), "lister", "Update", EARLY),
        (("metadata", "labels", "a.b/c"), "labeller", "Update", EARLY),
        (("metadata", "finalizers", 1), "labeller", "Update", EARLY),
        # gone, or never there
        (("metadata", "finalizers", "gone"), "", "", ""),
        (("spec", "containers", 7, "image"), "", "", ""),
        (("spec", "containers", "gone"), "", "", ""),
        (("status", "phase"), "", "", ""),
    ],
)
def test_writer(parts: tuple[Any, ...], manager: str, operation: str, since: str) -> None:
    assert writer_of(ACTUAL, parts) == Writer(manager, operation, since)


def test_an_api_server_that_keeps_no_managed_fields() -> None:
    assert writer_of({"metadata": {}, "spec": {"a": 1}}, ("spec", "a")) == Writer()


@pytest.mark.parametrize(
    ("ports", "manager"),
    [
        ([{"port": 80}], "helm"),
        # taken away: by whom is not recorded
        ([{"port": 80}, {"port": 81}, {"port": 82}], ""),
        # put in the place of others: the one that is there has a writer
        ([{"port": 79}, {"port": 80}, {"port": 82}], "helm"),
    ],
)
def test_who_made_a_list_longer(ports: list[dict[str, Any]], manager: str) -> None:
    [found] = drift_of(compare({"spec": {"ports": ports}}, ACTUAL, [], {}), ACTUAL)
    assert (found["field"], found["manager"]) == ("spec.ports", manager)


def test_drift_has_the_values_and_the_writer() -> None:
    desired = {
        "metadata": {"labels": {"gone": "1"}},
        "spec": {"replicas": 2, "missing": "x", "containers": [{"name": "sidecar"}, {"name": "web", "image": "nginx:1"}]},
    }
    found = drift_of(compare(desired, ACTUAL, [], {}), ACTUAL)
    assert found == [
        {"field": "metadata.labels.gone", "is": "", "should": '"1"', "manager": "", "operation": "", "since": ""},
        {
            "field": "spec.containers[1].image",
            "is": '"nginx:2"',
            "should": '"nginx:1"',
            "manager": "kubectl-set",
            "operation": "Update",
            "since": LATE,
        },
        {"field": "spec.missing", "is": "", "should": '"x"', "manager": "", "operation": "", "since": ""},
        {"field": "spec.replicas", "is": "3", "should": "2", "manager": "kubectl", "operation": "Update", "since": ""},
    ]
    assert [by_whom(item) for item in found] == [
        "",
        f"(kubectl-set, Update, since {LATE})",
        "",
        "(kubectl, Update, since when is not recorded)",
    ]


def test_a_secret_is_not_shown() -> None:
    applied = '{"data":{"password":"aHVudGVyMg=="}}'
    actual = {
        "metadata": {
            "annotations": {"kubectl.kubernetes.io/last-applied-configuration": applied},
            "managedFields": [entry("kubectl-edit", {"f:data": {"f:password": {}}})],
        },
        "data": {"password": "aHVudGVyMg=="},
    }
    differences = compare({"kind": "Secret", "stringData": {"password": "other"}}, actual, [], {}, exact=True)
    found = drift_of(differences, actual)
    assert [(item["field"], item["is"], item["manager"]) for item in found] == [
        ("data.password", HIDDEN, "kubectl-edit"),
        ('metadata.annotations["kubectl.kubernetes.io/last-applied-configuration"]', HIDDEN, ""),
    ]
    assert "aHVudGVyMg" not in f"{found}{[item.words() for item in differences]}"


def cell(state: str, drift: list[dict[str, str]] | None = None) -> dict[str, Any]:
    return {"state": state, "drift": drift or []}


REPLICAS = {"field": "spec.replicas", "is": "5", "should": "3", "manager": "kubectl", "operation": "Update", "since": EARLY}


def report(**cells: dict[str, Any]) -> dict[str, Any]:
    clusters = [{"name": name, "state": "unreachable" if name == "dead" else "ok"} for name in cells]
    return {"clusters": clusters, "resources": [{"kind": "Deployment", "namespace": "shop", "name": "web", "clusters": cells}]}


def test_table() -> None:
    found = report(
        zj=cell("missing"), cddev=cell("differs", [REPLICAS, {**REPLICAS, "field": "spec.paused", "is": ""}]), local=cell("in_sync")
    )
    assert [(item["cluster"], item["field"], item["is"]) for item in drifted(found)] == [
        ("cddev", "spec.replicas", "5"),
        ("cddev", "spec.paused", ""),
        ("zj", "", "missing"),
    ]
    assert render(found) == [
        "CLUSTER  OBJECT               FIELD          IS         SHOULD BE            BY                SINCE",
        f"cddev    Deployment shop/web  spec.replicas  5          3                    kubectl (Update)  {EARLY}",
        f"cddev    Deployment shop/web  spec.paused    not there  3                    kubectl (Update)  {EARLY}",
        "zj       Deployment shop/web  -              missing    template + override  -                 -",
    ]
    assert render(found, 1)[2:] == ["and 2 more"]
    assert render(report(zj=cell("in_sync"))) == []


def test_a_cluster_that_could_not_be_read_is_no_difference_of_each_object() -> None:
    found = drifted(report(dead=cell("unreachable"), zj=cell("unreachable"), local=cell("in_sync")))
    assert [(item["cluster"], item["is"]) for item in found] == [("zj", "unreachable")]


def test_what_is_extra_is_told_with_who_labelled_it() -> None:
    [found] = drifted(report(zj=cell("extra", [{**REPLICAS, "field": "metadata.labels"}])))
    assert (found["field"], found["is"], found["should"], found["manager"]) == ("", "extra", "not there", "kubectl")


def test_nothing_in_the_table_steers_the_terminal() -> None:
    assert "\x1b" not in "".join(render(report(zj=cell("differs", [{**REPLICAS, "manager": "\x1b[2J", "is": "\x1b]0;"}]))))


def row(*clusters: str, extra: str = "") -> dict[str, Any]:
    cells = {**{name: cell("in_sync") for name in clusters}, **({extra: cell("extra")} if extra else {})}
    return {"kind": "ConfigMap", "federated_kind": "FederatedConfigMap", "namespace": "ns", "name": "x", "clusters": cells}


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ({}, {"observed_generation": None, "current": False, "status": "Unknown", "reason": "", "clusters": {"a": UNSEEN}}),
        # True is of generation 1, and says nothing of generation 2
        (
            {"observedGeneration": 1, "conditions": [{"type": "Propagation", "status": "True"}], "clusters": [{"name": "a"}]},
            {"observed_generation": 1, "current": False, "status": "Unknown", "reason": "", "clusters": {"a": UNSEEN}},
        ),
        (
            {"observedGeneration": 2, "conditions": [{"type": "Propagation", "status": "True"}], "clusters": [{"name": "a"}]},
            {"observed_generation": 2, "current": True, "status": "True", "reason": "", "clusters": {"a": "OK"}},
        ),
        (
            {
                "observedGeneration": 2,
                "conditions": [{"type": "Propagation", "status": "False", "reason": "CheckClusters"}],
                "clusters": [{"name": "a", "status": "UpdateFailed"}],
            },
            {"observed_generation": 2, "current": True, "status": "False", "reason": "CheckClusters", "clusters": {"a": "UpdateFailed"}},
        ),
    ],
)
def test_kubefeds_word_counts_for_the_present_generation_only(status: dict[str, Any], expected: dict[str, Any]) -> None:
    federated = {"metadata": {"name": "x", "namespace": "ns", "generation": 2}, "spec": {}, "status": status}
    host = Host("hub", "system", {}, DEFAULTS, {"FederatedConfigMap": [federated]})
    [found] = with_propagation([row("a", extra="b")], host)
    assert found["propagation"] == {"generation": 2, "since": "", **expected}


def test_what_no_federated_resource_accounts_for_has_no_propagation() -> None:
    assert with_propagation([row(extra="b")], Host("hub", "system", {}, DEFAULTS, {}))[0]["propagation"] is None
