# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is valid by itself and goes wrong together."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.check import Resource
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.limits import Limits
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.lint import (
    DEFAULTS,
    Beside,
    Finding,
    levels,
    lint,
    under_quota,
    wants,
)
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.preview import placed_clusters, preview
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.sources import Document
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.types import FederatedType
from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import EdgefedError

CLUSTERS: dict[str, dict[str, str]] = {"cddev": {}, "zj": {}}
KINDS = ("Deployment", "Pod", "CronJob", "ConfigMap", "Secret", "Service", "ServiceAccount", "Ingress", "ResourceQuota")
TYPES = {
    f"Federated{kind}": FederatedType(
        kind.lower(),
        f"Federated{kind}",
        "types.kubefed.io/v1beta1",
        f"federated{kind.lower()}s",
        True,
        {"version": "v1", "kind": kind, "scope": "Namespaced", "pluralName": f"{kind.lower()}s"},
        True,
    )
    for kind in KINDS
}


def federated(kind: str, name: str, template: dict[str, Any], *clusters: str, **spec: Any) -> dict[str, Any]:
    placement = {"clusters": [{"name": cluster} for cluster in clusters or CLUSTERS]}
    meta = {"name": name, "namespace": "shop"}
    return {"kind": f"Federated{kind}", "metadata": meta, "spec": {"template": template, "placement": placement, **spec}}


def resource(body: dict[str, Any]) -> Resource:
    kind = TYPES[body["kind"]]
    chosen = placed_clusters(body, CLUSTERS)
    return Resource(Document(body, "in"), body, kind, chosen, {cluster: preview(body, cluster, kind.target) for cluster in chosen})


def found(*bodies: dict[str, Any], there: tuple[dict[str, Any], ...] = (), preferences: tuple[str, ...] = ()) -> list[Finding]:
    objects = {(body["kind"], "shop", body["metadata"]["name"]): body for body in there}
    led = {"spec": {"targetKind": "FederatedDeployment"}}
    objects |= {("ReplicaSchedulingPreference", "shop", name): led for name in preferences}
    beside = Beside(objects, TYPES, CLUSTERS)
    return lint([resource(body) for body in bodies], beside, DEFAULTS)


def told(*bodies: dict[str, Any], **options: Any) -> list[tuple[str, str]]:
    return [(finding.rule, str(finding.problem)) for finding in found(*bodies, **options)]


def web(name: str = "web", *clusters: str, pod: dict[str, Any] | None = None, **labels: str) -> dict[str, Any]:
    return federated("Deployment", name, {"spec": {"template": {"metadata": {"labels": labels}, "spec": pod or {}}}}, *clusters)


def service(*clusters: str, port: Any = 80, **selector: str) -> dict[str, Any]:
    return federated(
        "Service", "svc", {"spec": {"selector": selector, "ports": [{"name": "http", "port": 80, "targetPort": port}]}}, *clusters
    )


def pod(**spec: Any) -> dict[str, Any]:
    return web(pod=spec)


def container(**fields: Any) -> dict[str, Any]:
    return pod(containers=[{"name": "c", **fields}])


def config(name: str, *clusters: str, kind: str = "ConfigMap") -> dict[str, Any]:
    return federated(kind, name, {}, *clusters)


POD = "spec.template.spec.template.spec"


@pytest.mark.parametrize(
    ("body", "field", "kind"),
    [
        (pod(volumes=[{"configMap": {"name": "settings"}}]), f"{POD}.volumes[0].configMap.name", "ConfigMap"),
        (pod(volumes=[{"secret": {"secretName": "settings"}}]), f"{POD}.volumes[0].secret.secretName", "Secret"),
        (
            pod(volumes=[{"projected": {"sources": [{"secret": {"name": "settings"}}]}}]),
            f"{POD}.volumes[0].projected.sources[0].secret.name",
            "Secret",
        ),
        (container(envFrom=[{"configMapRef": {"name": "settings"}}]), f"{POD}.containers[0].envFrom[0].configMapRef.name", "ConfigMap"),
        (
            container(env=[{"valueFrom": {"secretKeyRef": {"name": "settings"}}}]),
            f"{POD}.containers[0].env[0].valueFrom.secretKeyRef.name",
            "Secret",
        ),
        (
            pod(initContainers=[{"envFrom": [{"secretRef": {"name": "settings"}}]}]),
            f"{POD}.initContainers[0].envFrom[0].secretRef.name",
            "Secret",
        ),
        (pod(imagePullSecrets=[{"name": "settings"}]), f"{POD}.imagePullSecrets[0].name", "Secret"),
        (pod(serviceAccountName="settings"), f"{POD}.serviceAccountName", "ServiceAccount"),
        (
            federated("CronJob", "c", {"spec": {"jobTemplate": {"spec": {"template": {"spec": {"serviceAccountName": "settings"}}}}}}),
            "spec.template.spec.jobTemplate.spec.template.spec.serviceAccountName",
            "ServiceAccount",
        ),
        (federated("Ingress", "i", {"spec": {"tls": [{"secretName": "settings"}]}}), "spec.template.spec.tls[0].secretName", "Secret"),
    ],
)
def test_references(body: dict[str, Any], field: str, kind: str) -> None:
    [finding] = found(body)
    assert (finding.rule, finding.level, finding.problem.field, finding.clusters) == ("reference", "warn", field, ("cddev", "zj"))
    assert finding.problem.cause == f"there is no {kind} settings among what is federated in namespace shop"
    assert wants([resource(body)]) == {(kind, "shop")}
    assert found(body, config("settings", kind=kind)) == found(body, there=(config("settings", kind=kind),)) == []
    assert wants([resource(body), resource(config("settings", kind=kind))]) == set()


def test_a_reference_that_only_one_cluster_lacks() -> None:
    [finding] = found(pod(volumes=[{"configMap": {"name": "settings"}}]), config("settings", "zj"))
    assert finding.clusters == ("cddev",)
    assert finding.problem.cause == "ConfigMap settings is not placed in this cluster (in cddev)"
    assert finding.problem.todo == "place FederatedConfigMap settings there too"


def test_a_misspelt_reference() -> None:
    [finding] = found(pod(volumes=[{"configMap": {"name": "setings"}}]), config("settings"))
    assert finding.problem.todo == "did you mean settings"


@pytest.mark.parametrize(
    "body",
    [
        pod(volumes=[{"configMap": {"name": "x", "optional": True}}, {"emptyDir": {}}]),
        pod(volumes=[{"configMap": {"name": "kube-root-ca.crt"}}], serviceAccountName="default"),
        pod(volumes="nonsense", containers=[None, {"env": {}, "envFrom": [{"configMapRef": []}]}]),
        federated("Deployment", "web", {"spec": "nonsense"}),
        federated("Ingress", "i", {"spec": {"rules": [None, {"http": {"paths": [{"backend": {"resource": {}}}]}}]}}),
        federated("Service", "svc", {"spec": {"selector": "nonsense", "ports": "none"}}),
    ],
)
def test_nothing_to_say(body: dict[str, Any]) -> None:
    assert told(body) == []


SELECTS_NONE = (
    "in: FederatedService shop/svc: spec.template.spec.selector: selector app: nginx selects no pods of what is federated in namespace shop"
)


@pytest.mark.parametrize(
    ("bodies", "meant"),
    [
        ([web(app="nginx-test")], "Deployment web (app: nginx-test)"),
        ([web("a", app="mysql"), web("b", app="nginx2"), web("c")], "Deployment b (app: nginx2)"),
        ([web(tier="x")], "Deployment web (tier: x)"),
        ([web(app="nginx", tier="x")], None),
        ([federated("Pod", "p", {"metadata": {"labels": {"app": "nginx"}}})], None),
        ([], None),
    ],
)
def test_selector(bodies: list[dict[str, Any]], meant: str | None) -> None:
    expected = [("selector", f"{SELECTS_NONE}. Next: did you mean {meant}.")] if meant else []
    assert told(service(app="nginx"), *bodies) == told(service(app="nginx"), there=tuple(bodies)) == expected


def test_a_selector_that_selects_nothing_in_one_cluster() -> None:
    [finding] = found(service(app="nginx"), web("a", "zj", app="nginx"), web("b", "cddev", app="other"))
    assert (finding.rule, finding.clusters) == ("selector", ("cddev",))


@pytest.mark.parametrize(
    ("port", "ports", "todo"),
    [
        ("http", [{"name": "htp", "containerPort": 80}], "did you mean htp"),
        ("http", [{"name": "metrics", "containerPort": 9}], "use one of their names (metrics)"),
        ("http", [{"containerPort": 80}], "name the container's port so"),
        ("http", [{"name": "http", "containerPort": 80}], None),
        (80, [], None),
        ("80", [], None),
    ],
)
def test_service_port(port: Any, ports: list[dict[str, Any]], todo: str | None) -> None:
    workload = web(pod={"containers": [{"name": "c", "ports": ports}]}, app="nginx")
    seen = found(service(port=port, app="nginx"), workload)
    assert [(one.rule, one.level, one.problem.field, one.problem.todo) for one in seen] == (
        [("service_port", "error", "spec.template.spec.ports[0].targetPort", todo)] if todo else []
    )
    assert found(service(port=port, app="nginx")) == []


@pytest.mark.parametrize(("policy", "rules"), [({"restartPolicy": "Always"}, []), ({}, ["service_port"])])
def test_service_port_of_a_sidecar(policy: dict[str, Any], rules: list[str]) -> None:
    """An init container that goes on running has ports; others are gone when the pod is there."""
    proxy = {"name": "proxy", "ports": [{"name": "http", "containerPort": 80}], **policy}
    workload = web(pod={"initContainers": [proxy], "containers": [{"name": "c"}]}, app="nginx")
    assert [one.rule for one in found(service(port="http", app="nginx"), workload)] == rules


def ingress(port: dict[str, Any]) -> dict[str, Any]:
    backend = {"service": {"name": "svc", "port": port}}
    return federated("Ingress", "i", {"spec": {"rules": [{"http": {"paths": [{"backend": backend}]}}]}})


BACKEND = "spec.template.spec.rules[0].http.paths[0].backend.service"


@pytest.mark.parametrize(
    ("bodies", "expected"),
    [
        ([ingress({"number": 80})], (f"{BACKEND}.name", "there is no Service svc among what is federated in namespace shop")),
        ([ingress({"number": 81}), service()], (f"{BACKEND}.port.number", "Service svc has no port 81")),
        ([ingress({"name": "web"}), service()], (f"{BACKEND}.port.name", "Service svc has no port 'web'")),
        ([ingress({"number": 80}), service()], None),
        ([ingress({"name": "http"}), service()], None),
        ([federated("Ingress", "i", {"spec": {"defaultBackend": {"service": {"name": "svc", "port": {"number": 80}}}}}), service()], None),
    ],
)
def test_ingress_backend(bodies: list[dict[str, Any]], expected: tuple[str, str] | None) -> None:
    seen = [(finding.rule, (finding.problem.field, finding.problem.cause)) for finding in found(*bodies)]
    assert seen == ([("ingress_backend", expected)] if expected else [])


def test_empty_placement() -> None:
    body = config("x")
    body["spec"]["placement"] = {"clusterSelector": {"matchLabels": {"region": "moon"}}}
    [(rule, message)] = told(body)
    assert rule == "empty_placement"
    assert "spec.placement: it chooses no cluster (joined: cddev, zj), so nothing is propagated. Next: name clusters" in message


def test_replicas_twice() -> None:
    override = {"clusterName": "zj", "clusterOverrides": [{"path": "/spec/replicas", "value": 3}]}
    body = federated("Deployment", "web", {"spec": {}}, overrides=[override])
    assert told(body) == []
    [(rule, message)] = told(body, preferences=("web",))
    assert rule == "replicas_twice"
    assert "spec.overrides[0].clusterOverrides[0]: ReplicaSchedulingPreference shop/web sets the replicas of each cluster too" in message


def test_old_versions_by_the_clusters_own() -> None:
    body = federated("Deployment", "web", {"apiVersion": "apps/v1beta2", "spec": {}})
    beside = Beside({}, TYPES, CLUSTERS, versions={"cddev": "v1.15.3", "zj": "v1.34.4"})
    warned, refused = lint([resource(body)], beside, DEFAULTS)
    assert (warned.rule, warned.level, warned.clusters) == ("deprecated_api", "warn", ("cddev",))
    assert (refused.rule, refused.level, refused.clusters) == ("removed_api", "error", ("zj",))
    assert refused.problem.field == "spec.template.apiVersion"
    assert refused.problem.cause.endswith("is not served since Kubernetes 1.16, and this cluster has v1.34.4 (in zj)")


def test_limits_of_one_cluster_and_of_the_set_itself() -> None:
    quota = {"kind": "ResourceQuota", "metadata": {"name": "q"}, "spec": {"hard": {"pods": "1"}}}
    body = federated("Deployment", "web", {"spec": {"replicas": 2, "template": {"spec": {"containers": [{"name": "c"}]}}}})
    there = Beside({}, TYPES, CLUSTERS, limits={("zj", "shop"): Limits([quota])})
    (finding,) = lint([resource(body)], there, DEFAULTS)
    assert (finding.rule, finding.level, finding.clusters) == ("quota", "warn", ("zj",))
    assert finding.problem.cause == "ResourceQuota q allows pods 1; 0 is used, and 2 would come (in zj)"
    given = federated("ResourceQuota", "q", {"spec": {"hard": {"pods": "1"}}}, "cddev")
    assert [one.clusters for one in found(body, given)] == [("cddev",)]
    known = Beside({("FederatedDeployment", "shop", "web"): body}, TYPES, CLUSTERS, limits={("zj", "shop"): Limits([quota])})
    assert lint([resource(body)], known, DEFAULTS) == [], "what is there already adds nothing"
    running = resource(body)
    members = {("zj", running.key): {"kind": "Deployment", **body["spec"]["template"]}}
    adopted = Beside({}, TYPES, CLUSTERS, limits={("zj", "shop"): Limits([quota])}, members=members)
    assert lint([running], adopted, DEFAULTS) == [], "nor what a member has by itself"
    assert under_quota(running, "zj", Limits([quota])) and not under_quota(running, "zj", None)
    assert not under_quota(running, "zj", Limits([{"metadata": {"name": "q"}, "spec": {"hard": {"services": "1"}}}]))


def test_levels() -> None:
    assert levels({}) == DEFAULTS
    # YAML reads off as false
    chosen = levels({"reference": False, "selector": "error"})
    assert (chosen["reference"], chosen["selector"], chosen["service_port"]) == ("off", "error", "error")
    body = pod(volumes=[{"configMap": {"name": "settings"}}])
    assert lint([resource(body)], Beside({}, TYPES, CLUSTERS), chosen) == []


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"selectors": "warn"}, "lint: there is no rule 'selectors'. Next: did you mean selector?"),
        ({"x": "warn"}, "lint: there is no rule 'x'. Next: use deprecated_api, empty_placement"),
        ({"selector": "fatal"}, "lint: selector cannot be 'fatal'. Next: use error, warn, off."),
        ({"selector": True}, "lint: selector cannot be True. Next: use error, warn, off."),
    ],
)
def test_levels_that_are_none(given: dict[str, Any], message: str) -> None:
    with pytest.raises(EdgefedError) as raised:
        levels(given)
    assert raised.value.message.startswith(message)


def test_as_dict() -> None:
    [finding] = found(pod(serviceAccountName="x"))
    said = finding.as_dict()
    assert {name: said[name] for name in ("rule", "level", "clusters", "object")} == {
        "rule": "reference",
        "level": "warn",
        "clusters": ["cddev", "zj"],
        "object": "FederatedDeployment shop/web",
    }


def test_an_object_there_of_which_nothing_can_be_made_is_nowhere() -> None:
    broken = config("settings")
    broken["spec"]["placement"] = {"clusterSelector": {"matchExpressions": [{"key": "a", "operator": "Like"}]}}
    assert [one.rule for one in found(pod(volumes=[{"configMap": {"name": "settings"}}]), there=(broken,))] == ["reference"]


def test_without_limits_nothing_is_made_again_of_what_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a thousand objects on twenty clusters a run that changes nothing would take longer than the first."""
    resources = [resource(config(name)) for name in "abc"]
    there = Beside({one.key: one.body for one in resources}, TYPES, CLUSTERS)
    monkeypatch.setattr("ansible_collections.edgefed.kubefed.plugins.module_utils.federation.lint.preview", None)
    assert lint(resources, there, DEFAULTS) == []
