# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Federated types: which kind is meant, the objects that are made of it, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import EdgefedError
from ansible_collections.edgefed.kubefed.plugins.module_utils.typeconfig import desired, members, plan, schema, target
from ansible_collections.edgefed.kubefed.plugins.module_utils.typeconfig.desired import Federated, Wish
from ansible_collections.edgefed.kubefed.plugins.module_utils.typeconfig.target import Target

ALL = ("create", "delete", "get", "list", "patch", "update", "watch")
DEPLOYMENT = Target("apps", "v1", "Deployment", "deployments", True, "deployment", ("deploy",), ALL, True)
CONFIGMAP = Target("", "v1", "ConfigMap", "configmaps", True, "configmap", ("cm",), ALL)
NAMESPACE = Target("", "v1", "Namespace", "namespaces", False, "namespace", ("ns",), ALL)
SERVICE = Target("", "v1", "Service", "services", True, "service", ("svc",), ALL)
KNATIVE = Target("serving.knative.dev", "v1", "Service", "services", True, "service", ("kservice",), ALL)
OLD = replace(DEPLOYMENT, version="v1beta2")
EVENT = Target("events.k8s.io", "v1", "Event", "events", True, "event", ("ev",), ALL)
HPA2 = Target("autoscaling", "v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers", True, "", ("hpa",), ALL)
GATE_A = Target("a.example.com", "v1", "Gate", "gates", True, "gate", ("gt",), ALL)
GATE_B = Target("b.example.com", "v1", "Gate", "gates", False, "gate", (), ALL)
REVIEW = Target("authentication.k8s.io", "v1", "TokenReview", "tokenreviews", False, "", (), ("create",))
OURS = Target("types.kubefed.io", "v1beta1", "FederatedJob", "federatedjobs", True, "", (), ALL)
CATALOG = [DEPLOYMENT, OLD, CONFIGMAP, NAMESPACE, SERVICE, KNATIVE, HPA2, GATE_A, GATE_B, REVIEW, OURS]


@pytest.mark.parametrize(
    ("word", "options", "expected"),
    [
        ("deployments.apps", {}, DEPLOYMENT),
        ("Deployment", {}, DEPLOYMENT),
        ("deploy", {}, DEPLOYMENT),
        ("deploy", {"version": "v1beta2"}, OLD),
        ("deploy", {"kept": "v1beta2"}, OLD),
        ("deploy", {"kept": "v1beta1"}, DEPLOYMENT),
        ("deploy", {"version": "v1", "kept": "v1beta2"}, DEPLOYMENT),
        ("cm", {}, CONFIGMAP),
        ("service", {}, SERVICE),
        ("services", {}, SERVICE),
        ("services.serving.knative.dev", {}, KNATIVE),
        ("gates.b.example.com", {}, GATE_B),
    ],
)
def test_choose(word: str, options: dict[str, str], expected: Target) -> None:
    """By any name; the core group wins, as with kubefedctl; the version that is asked for, kept or preferred."""
    assert target.choose(CATALOG, word, **options) == expected


@pytest.mark.parametrize(
    ("word", "options", "code", "says"),
    [
        ("gates", {}, "ambiguous", "gates.a.example.com, gates.b.example.com"),
        ("deploymants.apps", {}, "no_kind", "deployments.apps"),
        ("deploy", {"version": "v2"}, "no_version", "only in v1, v1beta2"),
        ("tokenreviews", {}, "not_federatable", "no delete, get, list, update, watch"),
        ("federatedjobs", {}, "not_federatable", "of KubeFed itself"),
    ],
)
def test_not_chosen(word: str, options: dict[str, str], code: str, says: str) -> None:
    with pytest.raises(EdgefedError) as caught:
        target.choose(CATALOG, word, **options)
    assert caught.value.code == code and says in caught.value.message and "Next: " in caught.value.message


def test_both_forms_of_discovery_tell_the_same() -> None:
    """Aggregated, and one version at a time as before Kubernetes 1.26."""
    listed = [
        {
            "name": "deployments",
            "kind": "Deployment",
            "namespaced": True,
            "singularName": "deployment",
            "shortNames": ["deploy"],
            "verbs": [*ALL],
        },
        {"name": "deployments/scale", "kind": "Scale", "namespaced": True, "singularName": "", "verbs": ["get"]},
    ]
    resource = {
        "resource": "deployments",
        "responseKind": {"group": "apps", "version": "v1", "kind": "Deployment"},
        "scope": "Namespaced",
        "singularResource": "deployment",
        "shortNames": ["deploy"],
        "verbs": [*ALL],
        "subresources": [{"subresource": "scale"}],
    }
    group = {
        "metadata": {"name": "apps"},
        "versions": [{"version": "v1", "resources": [resource, {"resource": "unknown", "scope": "Cluster"}]}],
    }
    assert target.aggregated({"items": [group]}) == target.one_version("apps/v1", listed) == [DEPLOYMENT]
    core = target.one_version("v1", [{"name": "pods", "kind": "Pod", "namespaced": True}])
    assert (core[0].group, core[0].version, core[0].name) == ("", "v1", "pods")


# --- schema ---

LEAF = st.sampled_from([{"type": "string", "default": "x", "description": "d"}, {"type": "integer", "format": "int32", "minimum": 1}])
SCHEMAS = st.recursive(
    LEAF,
    lambda below: st.one_of(
        st.builds(lambda item: {"type": "array", "items": item, "x-kubernetes-list-type": "atomic"}, below),
        st.builds(
            lambda one, other: {"type": "object", "properties": {"a": one, "b": other}, "required": ["a"], "x-kubernetes-validations": []},
            below,
            below,
        ),
        st.builds(lambda item: {"type": "object", "additionalProperties": item}, below),
    ),
    max_leaves=6,
)


def crd_of(spec: dict[str, Any], **root: Any) -> dict[str, Any]:
    whole = {"type": "object", "properties": {"spec": spec, "status": {"type": "object"}, "metadata": {"type": "object"}}, **root}
    versions = [{"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": whole}}]
    return {"metadata": {"name": "gates.a.example.com", "uid": "1"}, "spec": {"group": "a.example.com", "versions": versions}}


def words(tree: Any) -> set[str]:
    """Every key of a schema that is not a property's name."""
    if not isinstance(tree, dict):
        return set()
    below = [*tree.get("properties", {}).values(), tree.get("items"), tree.get("additionalProperties")]
    return set(tree).union(*(words(item) for item in below))


@given(SCHEMAS)
def test_template_says_nothing_that_only_a_whole_object_can_fulfil(spec: dict[str, Any]) -> None:
    """Structure and types stay, at any depth."""
    found = schema.template_of(crd_of(spec), "v1")
    assert not words(found) & set(schema.NOT_OF_A_TEMPLATE)
    assert set(found["properties"]) == {"apiVersion", "kind", "metadata", "spec"}
    assert found["properties"]["spec"]["type"] == spec["type"]
    assert found["properties"]["metadata"] == schema.ANYTHING


def test_template_corners() -> None:
    """int-or-string has no type; a root that takes anything goes on doing so; without a schema anything goes."""
    spec = {"type": "object", "properties": {"limit": {"x-kubernetes-int-or-string": True, "anyOf": [{"type": "integer"}]}}}
    assert schema.template_of(crd_of(spec), "v1")["properties"]["spec"]["properties"]["limit"] == {"x-kubernetes-int-or-string": True}
    assert schema.template_of(crd_of(spec, **{"x-kubernetes-preserve-unknown-fields": True}), "v1")["x-kubernetes-preserve-unknown-fields"]
    assert schema.template_of(crd_of(spec), "v2") == schema.ANYTHING


@pytest.mark.parametrize(
    ("replicas", "retained"),
    [
        ({"type": "integer", "format": "int32"}, True),
        ({"type": "integer", "format": "int64"}, False),
        ({"type": "string"}, False),
        (None, False),
    ],
)
def test_replicas_that_an_autoscaler_may_set(replicas: Any, retained: bool) -> None:
    spec = {"type": "object", "properties": {"replicas": replicas} if replicas else {}}
    crd = desired.crd_object(GATE_A, desired.federated_for(GATE_A, Wish("gates"), None), crd_of(spec), False)
    properties = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]
    assert ("retainReplicas" in properties) is retained


# --- objects ---


def config(of: Target, **federated: Any) -> dict[str, Any]:
    kind = desired.federated_for(of, Wish(of.name), None)
    spec = desired.config_spec(of, kind, Wish(of.name))
    return {"metadata": {"name": of.name}, "spec": {**spec, "federatedType": {**spec["federatedType"], **federated}}}


def test_names_are_kubefedctls() -> None:
    found = desired.federated_for(DEPLOYMENT, Wish("x"), None)
    assert found == Federated("types.kubefed.io", "v1beta1", "FederatedDeployment", "federateddeployments", True)
    assert found.crd_name == "federateddeployments.types.kubefed.io"
    assert desired.federated_for(NAMESPACE, Wish("x"), None).namespaced
    own = desired.federated_for(DEPLOYMENT, Wish("x", federated_group="fed.example.com", federated_version="v1"), None)
    assert own.api_version == "fed.example.com/v1"
    there = desired.federated_for(DEPLOYMENT, Wish("x"), config(DEPLOYMENT, group="theirs.example.com", kind="FedDeploy"))
    assert (there.group, there.kind) == ("theirs.example.com", "FedDeploy")


def test_status_of_services_without_the_gate() -> None:
    """Only services have a status type of their own."""
    for of, typed in ((SERVICE, True), (DEPLOYMENT, False)):
        spec = desired.config_spec(of, desired.federated_for(of, Wish("x"), None), Wish("x", status_collection="Enabled"))
        assert ("statusType" in spec) is typed and spec["statusCollection"] == "Enabled"
    assert "statusCollection" not in desired.config_spec(SERVICE, desired.federated_for(SERVICE, Wish("x"), None), Wish("x"))


def test_the_finalizer_from_birth() -> None:
    """Or KubeFed starts its controller twice; but for namespaces, whose finalizer wakes the others."""
    for of, born in ((DEPLOYMENT, True), (NAMESPACE, False)):
        assert ("finalizers" in desired.config_object(of, "fed", {})["metadata"]) is born


def test_carried_crd_is_bare() -> None:
    crd = crd_of({"type": "object"})
    crd["spec"]["conversion"] = {"strategy": "None"}
    crd |= {"status": {"x": 1}}
    carried = desired.carried_crd(crd)
    assert set(carried) == {"apiVersion", "kind", "metadata", "spec"} and "uid" not in carried["metadata"]
    assert "conversion" not in carried["spec"]


@pytest.mark.parametrize("limited", [False, True])
def test_rights_of_a_group(limited: bool) -> None:
    role, binding = desired.rights("fed.example.com", "fed", limited)
    assert role["kind"] == binding["roleRef"]["kind"] == ("Role" if limited else "ClusterRole")
    assert ("namespace" in role["metadata"]) is limited
    assert binding["subjects"] == [{"kind": "ServiceAccount", "name": "kubefed-controller", "namespace": "fed"}]


# --- plan ---

LEAVING = {"deletionTimestamp": "now"}


def test_config_change() -> None:
    """Only what is asked for differs; a group that must not be there goes."""
    wanted = desired.config_object(CONFIGMAP, "fed", config(CONFIGMAP)["spec"])
    live = {**config(CONFIGMAP), "metadata": {"name": "configmaps", "resourceVersion": "7"}}
    assert plan.config_change(None, wanted, "p")[0].action == "create"  # type: ignore[union-attr]
    assert plan.config_change(live, wanted, "p")[0] is None
    live["spec"] = {**live["spec"], "statusCollection": "Enabled"}
    assert plan.config_change(live, wanted, "p")[0] is None
    live["spec"] = {**live["spec"], "targetType": {**live["spec"]["targetType"], "group": "apps"}}
    change, _before, after = plan.config_change(live, wanted, "p")
    assert change and change.body and change.body["spec"]["targetType"]["group"] is None and after["statusCollection"] == "Enabled"
    assert change.body["metadata"] == {"resourceVersion": "7"}, "of two runs at once only one does it"
    assert plan.config_change({**live, "metadata": LEAVING}, wanted, "p")[0].action == "replace"  # type: ignore[union-attr]


def live_crd(of: Target = DEPLOYMENT) -> dict[str, Any]:
    """As an API server gives it back, with what it fills in."""
    crd = desired.crd_object(of, desired.federated_for(of, Wish("x"), None), None, False)
    names = {**crd["spec"]["names"], "singular": "filled", "listKind": "Filled"}
    spec = {**crd["spec"], "names": names, "conversion": {"strategy": "None"}}
    return {**crd, "metadata": {**crd["metadata"], "resourceVersion": "7"}, "spec": spec}


def test_crd_change() -> None:
    wanted = desired.crd_object(DEPLOYMENT, desired.federated_for(DEPLOYMENT, Wish("x"), None), None, False)
    assert plan.crd_change(live_crd(), wanted, "p")[0] is None
    other = live_crd()
    columns = [{"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"}]
    other["spec"]["versions"] = [{**other["spec"]["versions"][0], "additionalPrinterColumns": columns, "served": False}]
    change, before, after = plan.crd_change(other, wanted, "p")
    assert change and change.body and (change.action, before != after) == ("update", True)
    assert change.body["spec"]["versions"][0]["additionalPrinterColumns"] == columns and change.body["spec"]["versions"][0]["served"]
    assert change.body["metadata"] == {"resourceVersion": "7"}
    assert plan.crd_change({**other, "metadata": LEAVING}, wanted, "p")[0].action == "replace"  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("meta", "ours"),
    [
        ({"annotations": {"edgefed.io/made-by": "edgefed"}}, True),
        (
            {
                "managedFields": [
                    {"manager": "kube-apiserver", "time": "1", "subresource": "status"},
                    {"manager": "kubefedctl", "time": "1"},
                ]
            },
            True,
        ),
        ({"managedFields": [{"manager": "helm", "time": "1"}, {"manager": "kubefedctl", "time": "2"}]}, False),
        ({}, False),
    ],
)
def test_made_by_us(meta: dict[str, Any], ours: bool) -> None:
    """By the first who wrote it, the API server's own status aside."""
    assert plan.made_by_us({"metadata": meta}) is ours


NAMESPACES = config(NAMESPACE)


@pytest.mark.parametrize(
    ("of", "wish", "configs", "limited", "code"),
    [
        (DEPLOYMENT, Wish("x", federated_group="fed.example.com"), [config(DEPLOYMENT)], False, "other_federated_type"),
        (DEPLOYMENT, Wish("x", federated_version="v1"), [config(DEPLOYMENT)], False, "other_federated_type"),
        (replace(DEPLOYMENT, group="extensions"), Wish("x"), [config(DEPLOYMENT)], False, "equivalent_type"),
        (EVENT, Wish("x"), [config(replace(EVENT, group=""))], False, "equivalent_type"),
        (GATE_A, Wish("x"), [config(GATE_B)], False, "name_taken"),
        (GATE_B, Wish("x"), [], True, "scope"),
        (DEPLOYMENT, Wish("x"), [], False, "no_namespaces"),
    ],
)
def test_refused_present(of: Target, wish: Wish, configs: list[Any], limited: bool, code: str) -> None:
    with pytest.raises(EdgefedError) as caught:
        plan.refuse_present(of, desired.federated_for(of, wish, None), wish, configs, limited)
    assert caught.value.code == code and "Next: " in caught.value.message


@pytest.mark.parametrize(
    ("of", "wish", "configs", "limited"),
    [
        (DEPLOYMENT, Wish("x"), [config(DEPLOYMENT), NAMESPACES], False),
        (DEPLOYMENT, Wish("x", federated_group="types.kubefed.io", federated_version="v1beta1"), [config(DEPLOYMENT), NAMESPACES], False),
        (
            DEPLOYMENT,
            Wish("x", federated_version="v2"),
            [{**config(DEPLOYMENT), "metadata": {"name": "deployments.apps", **LEAVING}}, NAMESPACES],
            False,
        ),
        (GATE_A, Wish("x", federated_group="fed.example.com"), [config(GATE_B), NAMESPACES], False),
        (GATE_B, Wish("x"), [], False),
        (NAMESPACE, Wish("x"), [], True),
    ],
)
def test_not_refused(of: Target, wish: Wish, configs: list[Any], limited: bool) -> None:
    plan.refuse_present(of, desired.federated_for(of, wish, None), wish, configs, limited)


def test_foreign_crd() -> None:
    kind = desired.federated_for(DEPLOYMENT, Wish("x"), None)
    plan.refuse_foreign_crd(kind, None)
    plan.refuse_foreign_crd(kind, live_crd())
    plan.refuse_foreign_crd(replace(kind, kind="Other"), {**live_crd(), "metadata": LEAVING})
    for wrong in (replace(kind, kind="Other"), replace(kind, namespaced=False)):
        with pytest.raises(EdgefedError) as caught:
            plan.refuse_foreign_crd(wrong, live_crd())
        assert caught.value.code == "foreign_crd"


def test_refused_absent() -> None:
    """With the first few names, and the number of all; namespaces while others need them."""
    kind = desired.federated_for(DEPLOYMENT, Wish("x"), None)
    objects = [{"metadata": {"name": f"web-{number}", "namespace": "shop"}} for number in range(9)]
    with pytest.raises(EdgefedError) as caught:
        plan.refuse_absent("deployments.apps", kind, objects, "refuse", [])
    assert caught.value.details == {"count": 9, "objects": [f"FederatedDeployment shop/web-{number}" for number in range(5)]}
    assert "and 4 more" in caught.value.message
    plan.refuse_absent("deployments.apps", kind, objects, "orphan", [])
    plan.refuse_absent("deployments.apps", kind, [], "refuse", [])
    with pytest.raises(EdgefedError, match=r"deployments\.apps"):
        plan.refuse_absent("namespaces", kind, [], "delete", [config(DEPLOYMENT), NAMESPACES])
    plan.refuse_absent("namespaces", kind, [], "delete", [config(GATE_B), NAMESPACES])


def test_rights_go_with_the_last_of_a_group() -> None:
    own = config(GATE_A, group="fed.example.com")
    assert plan.group_is_left("fed.example.com", GATE_A.name, [own, config(DEPLOYMENT)])
    assert not plan.group_is_left("fed.example.com", GATE_A.name, [own, config(GATE_B, group="fed.example.com")])
    assert not plan.group_is_left("types.kubefed.io", "deployments.apps", [config(DEPLOYMENT)])


@pytest.mark.parametrize(
    ("status", "propagation", "settled"),
    [
        ({"observedGeneration": 2, "propagationController": "Running"}, "Enabled", True),
        ({"observedGeneration": 2, "propagationController": "NotRunning"}, "Enabled", False),
        ({"observedGeneration": 1, "propagationController": "Running"}, "Enabled", False),
        ({"observedGeneration": 2, "propagationController": "NotRunning"}, "Disabled", True),
        ({}, "Enabled", False),
    ],
)
def test_running(status: dict[str, Any], propagation: str, settled: bool) -> None:
    """Never by a status of an older generation."""
    assert plan.running({"metadata": {"generation": 2}, "status": status}, propagation) is settled
    assert not plan.running(None, propagation)


# --- members ---


def member(name: str, state: str, ready: bool = True) -> members.Seen:
    conditions = [{"type": "Ready" if ready else "Offline", "status": "True"}]
    return members.Seen({"metadata": {"name": name}, "status": {"conditions": conditions}}, state, "v1alpha1")


@pytest.mark.parametrize(
    ("seen", "crd", "policy", "says"),
    [
        (member("zj", members.LACKS), None, "carry", 'cluster "zj" does not serve apps/v1 Deployment'),
        (member("zj", members.LACKS), {"spec": {}}, "require", "does not serve"),
        (member("zj", members.OTHER), {"spec": {}}, "carry", "only in v1alpha1, not in v1"),
        (member("zj", members.AWAY), {"spec": {}}, "carry", "cannot be looked at"),
        (member("zj", members.LACKS), {"spec": {"conversion": {"strategy": "Webhook"}}}, "carry", "converts its versions by a webhook"),
    ],
)
def test_members_refused(seen: members.Seen, crd: Any, policy: str, says: str) -> None:
    with pytest.raises(EdgefedError) as caught:
        members.refuse([member("cddev", members.SERVED), seen], DEPLOYMENT, crd, policy)
    assert says in caught.value.message and "zj" in caught.value.message and "Next: " in caught.value.message


def test_members_not_refused() -> None:
    """One that KubeFed leaves out anyway is only warned of."""
    assert members.refuse([member("zj", members.LACKS)], DEPLOYMENT, {"spec": {}}, "carry") == []
    webhook = {"spec": {"conversion": {"strategy": "Webhook"}}}
    assert members.refuse([member("zj", members.SERVED)], DEPLOYMENT, webhook, "carry") == []
    (warning,) = members.refuse([member("zj", members.AWAY, ready=False)], DEPLOYMENT, None, "carry")
    assert '"zj"' in warning and "Next: " in warning
