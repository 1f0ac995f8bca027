# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Everything wrong with a set of manifests is found before anything is sent, and told with the place and the next step."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.check import Checked, Federation, check
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.namespaces import Situation, needed
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.sources import Document, from_value, parse
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.types import table

DATA = Path(__file__).resolve().parents[2] / "data"
TYPES = "types.kubefed.io/v1beta1"


def config(kind: str, plural: str, group: str = "", propagation: str = "Enabled", scope: str = "Namespaced") -> dict[str, Any]:
    """A FederatedTypeConfig as KubeFed's chart makes it."""
    target = {"kind": kind, "pluralName": plural, "scope": scope, "version": "v1", **({"group": group} if group else {})}
    federated = {
        "group": "types.kubefed.io",
        "kind": f"Federated{kind}",
        "pluralName": f"federated{plural}",
        "scope": "Namespaced",
        "version": "v1beta1",
    }
    name = f"{plural}.{group}" if group else plural
    return {"metadata": {"name": name}, "spec": {"propagation": propagation, "targetType": target, "federatedType": federated}}


CONFIGS = [
    config("ConfigMap", "configmaps"),
    config("Secret", "secrets"),
    config("Service", "services"),
    config("Deployment", "deployments", "apps"),
    config("Ingress", "ingresses", "networking.k8s.io"),
    config("Job", "jobs", "batch", propagation="Disabled"),
    config("Namespace", "namespaces", scope="Cluster"),
]
CLUSTERS = {"local": {"region": "center"}, "cddev": {"region": "west"}, "zj": {"region": "east"}}
FEDERATION = Federation(table(CONFIGS), CLUSTERS, "kube-federation-system")


def federated(kind: str = "FederatedConfigMap", **spec: Any) -> dict[str, Any]:
    template = {"data": {"a": "1"}} if kind != "FederatedNamespace" else None
    given = {"template": template, "placement": {"clusters": [{"name": "local"}, {"name": "zj"}]}, **spec}
    body = {key: value for key, value in given.items() if value is not None}
    return {"apiVersion": TYPES, "kind": kind, "metadata": {"name": "x", "namespace": "shop"}, "spec": body}


def checked(*values: Any, namespace: str = "default", full: bool = True) -> Checked:
    documents, problems = from_value(list(values), "in")
    assert not problems
    return check(documents, FEDERATION, namespace, full)


def told(*values: Any, **options: Any) -> list[str]:
    """The problems, without the place and the title."""
    found = checked(*values, **options)
    return [f"{problem.field}: {problem.cause} -> {problem.todo}" for problem in found.problems]


def override(*overrides: dict[str, Any], cluster: str = "zj", **spec: Any) -> dict[str, Any]:
    return federated(overrides=[{"clusterName": cluster, "clusterOverrides": list(overrides)}], **spec)


def test_all_right() -> None:
    found = checked(federated(), {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}}, federated("FederatedNamespace"))
    # a FederatedNamespace lies in the namespace that it federates
    assert [str(problem.cause) for problem in found.problems] == [
        "a FederatedNamespace lies in the namespace that it federates, not in 'shop'"
    ]
    assert [resource.title for resource in found.resources] == ["FederatedConfigMap shop/x", "Namespace shop"]
    first = found.resources[0]
    assert first.path == "/apis/types.kubefed.io/v1beta1/namespaces/shop/federatedconfigmaps/x"
    assert (first.clusters, sorted(first.previews)) == (["local", "zj"], ["local", "zj"])
    assert found.resources[1].path == "/api/v1/namespaces/shop"


def test_what_the_server_owns_is_left_out() -> None:
    body = federated()
    body["status"] = {"observedGeneration": 3}
    body["metadata"] |= {"uid": "1", "resourceVersion": "2", "managedFields": [], "creationTimestamp": None, "generation": 1}
    (resource,) = checked(body).resources
    assert resource.body["metadata"] == {"name": "x", "namespace": "shop"}
    assert "status" not in resource.body
    assert body["status"], "what was given stays as it was"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"apiVersion": None}, "apiVersion: there is no apiVersion -> begin the object with apiVersion: …"),
        ({"kind": 5}, "kind: there is no kind -> begin the object with kind: …"),
        (
            {"kind": "ConfigMap"},
            "kind: ConfigMap is not a federated kind -> use FederatedConfigMap, or enable the kind (kubefedctl enable)",
        ),
        (
            {"kind": "FederatedDeploymnet"},
            "kind: FederatedDeploymnet is not a federated kind -> use FederatedDeployment, or enable the kind",
        ),
        ({"kind": "FederatedPod"}, "kind: FederatedPod is not a federated kind -> use one of the enabled kinds (FederatedConfigMap, Fed"),
        (
            {"kind": "FederatedJob"},
            "kind: FederatedJob is not enabled: propagation of FederatedTypeConfig jobs.batch is off -> set propagation:",
        ),
        (
            {"apiVersion": "types.kubefed.io/v1alpha1"},
            f"apiVersion: FederatedConfigMap is not of types.kubefed.io/v1alpha1 -> write apiVersion: {TYPES}",
        ),
        ({"kind": "IngressDNSRecord"}, "kind: IngressDNSRecord is refused here: it is no federated resource, and KubeFed has no DNS"),
        (
            {"kind": "Other", "apiVersion": "multiclusterdns.kubefed.io/v1alpha1"},
            "kind: there is no kind Other for names -> use Domain or IngressDNSRecord or ServiceDNSRecord",
        ),
        ({"metadata": "x"}, "metadata: this is a text, not a mapping -> write name and namespace here"),
        ({"metadata": {"namespace": "shop"}}, "metadata.name: there is no name -> give the object a name"),
        ({"metadata": {"name": "X_1", "namespace": "shop"}}, "metadata.name: 'X_1' is not a name that Kubernetes accepts"),
        ({"metadata": {"name": 5, "namespace": "shop"}}, "metadata.name: 5 is not a name that Kubernetes accepts"),
        ({"metadata": {"name": "x", "lables": {}}}, "metadata.lables: unknown field -> did you mean metadata.labels"),
        (
            {"metadata": {"name": "x", "namespace": "shop", "labels": {"a": True}}},
            'metadata.labels.a: not a text -> put the value into quotes, as a: "…"',
        ),
        (
            {"metadata": {"name": "x", "namespace": "kube-system"}},
            "metadata.namespace: KubeFed propagates nothing of the namespace 'kube-system'",
        ),
        ({"metadata": {"name": "x"}}, "metadata.namespace: KubeFed propagates nothing of the namespace 'default'"),
        ({"spec": []}, "spec: this is a list, not a mapping -> write template and placement here"),
        ({"spec": None}, "spec: it is empty -> write template and placement here, indented under it"),
        ({"sepc": {}}, "sepc: unknown field -> did you mean spec"),
    ],
)
def test_head(change: dict[str, Any], said: str) -> None:
    body = {key: value for key, value in {**federated(), **change}.items() if value is not None or key == "spec"}
    found = told(body)
    assert any(said in one for one in found), found


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ({"template": None}, "spec.template: there is no template -> put the ConfigMap to propagate under spec.template"),
        ({"template": []}, "spec.template: this is a list, not a mapping"),
        ({"template": {"kind": "Secret"}}, "spec.template.kind: members get a ConfigMap -> remove kind and apiVersion from the template"),
        ({"template": {"metadata": {"labels": {"v": 1.5}}}}, "spec.template.metadata.labels.v: not a text"),
        ({"templat": {}}, "spec.templat: unknown field -> did you mean spec.template"),
        (
            {"retainReplicas": True},
            "spec.retainReplicas: unknown field -> remove it, or use one of those that spec has: overrides, placement, template",
        ),
        ({"placement": None}, "spec.placement: there is no placement -> name the clusters: placement: clusters: - name: <cluster>"),
        (
            {"placement": {}},
            "spec.placement: it names no clusters -> add placement.clusters (- name: <cluster>) or placement.clusterSelector",
        ),
        ({"placement": {"cluster": [{"name": "zj"}]}}, "spec.placement.cluster: unknown field -> did you mean spec.placement.clusters"),
        ({"placement": {"clusters": ["zj"]}}, "spec.placement.clusters[0]: this is a text, not a mapping -> write - name: zj here"),
        ({"placement": {"clusters": {"name": "zj"}}}, "spec.placement.clusters: this is a mapping, not a list"),
        (
            {"placement": {"clusters": [{}]}},
            "spec.placement.clusters[0].name: there is no cluster name -> name one of the joined clusters (cddev, local, zj)",
        ),
        (
            {"placement": {"clusters": [{"name": "zj"}, {"name": "zj"}]}},
            "spec.placement.clusters[1].name: cluster 'zj' is there twice -> keep one",
        ),
        (
            {"placement": {"clusters": [{"name": "cdev"}]}},
            "cluster 'cdev' is not joined -> did you mean cddev? Joined are: cddev, local, zj",
        ),
        (
            {"placement": {"clusters": [{"name": "q"}]}},
            "cluster 'q' is not joined -> join it (playbooks/join.yml), or choose of the joined clusters: cdd",
        ),
        ({"placement": {"clusterSelector": []}}, "spec.placement.clusterSelector: this is a list, not a mapping"),
        (
            {"placement": {"clusterSelector": {"matchExpressions": [{"key": "a", "operator": "Is"}]}}},
            "spec.placement.clusterSelector: 'Is' is not one of In, NotIn, Exists, DoesNotExist -> correct the selector",
        ),
        ({"overrides": {}}, "spec.overrides: this is a mapping, not a list -> write - clusterName: <cluster> here"),
        ({"overrides": ["zj"]}, "spec.overrides[0]: this is a text, not a mapping"),
        ({"overrides": [{"clusterName": "zj"}]}, "spec.overrides[0].clusterOverrides: there are no clusterOverrides"),
        (
            {"overrides": [{"clusterName": "cddev", "clusterOverrides": []}]},
            "the override is for cluster 'cddev', where the object is not placed",
        ),
        ({"overrides": [{"clusterName": "xy", "clusterOverrides": []}]}, "cluster 'xy' is not joined"),
    ],
)
def test_spec(spec: dict[str, Any], said: str) -> None:
    found = told(federated(**spec))
    assert any(said in one for one in found), found


@pytest.mark.parametrize(
    ("override_", "said"),
    [
        ({"value": 1}, "clusterOverrides[0].path: there is no path -> add the path in the template to change"),
        ({"path": "data.a", "value": "2"}, "'data.a' is not a JSON pointer -> write it as /data/a"),
        ({"path": "/metadata/name", "value": "y"}, "KubeFed lets no override change /metadata/name"),
        ({"path": "/data/a", "op": "test", "value": 1}, "'test' is no operation -> use one of add, remove, replace (left out: replace)"),
        ({"path": "/data/a"}, "there is no value -> add the value, or op: remove"),
        ({"path": "/data/a", "valeu": "2"}, "valeu: unknown field -> did you mean"),
        ({"path": "/data/b", "value": "2"}, "override for zj: path /data/b does not exist: /data has no 'b' -> write op: add to add it"),
        ({"path": "/dat/a", "value": "2"}, "path /dat/a does not exist: the template has no 'dat' -> did you mean 'data'"),
        ({"path": "/data/c/d", "op": "add", "value": "2"}, "/data has no 'c' -> use what is there (a), or add the part above it first"),
        ({"path": "/data/b", "op": "remove"}, "path /data/b does not exist: /data has no 'b' -> use what is there (a)"),
        ({"path": "/data/a/x", "op": "add", "value": "2"}, "-> shorten the path: there is nothing inside this value"),
        ({"path": "/metadata/annotations/x", "op": "add", "value": "2"}, "/metadata has no 'annotations' -> use what is there"),
    ],
)
def test_override(override_: dict[str, Any], said: str) -> None:
    found = told(override(override_))
    assert any(said in one for one in found), found


def test_overrides_are_applied_in_order() -> None:
    fine = override(
        {"path": "/metadata/annotations", "op": "add", "value": {"a": "b"}}, {"path": "/metadata/annotations/a", "op": "remove"}
    )
    (resource,) = checked(fine).resources
    assert resource.previews["zj"]["metadata"]["annotations"] == {}
    turned = override(
        {"path": "/metadata/annotations/a", "op": "remove"}, {"path": "/metadata/annotations", "op": "add", "value": {"a": "b"}}
    )
    assert "path /metadata/annotations/a does not exist" in told(turned)[0]
    assert "KubeFed takes /data/a only once per cluster" in told(override(*[{"path": "/data/a", "value": "2"}] * 2))[0]


@pytest.mark.parametrize("index", ["0", "-"])
def test_overrides_in_lists(index: str) -> None:
    template = {"spec": {"ports": [{"port": 80}]}}
    fine = override({"path": f"/spec/ports/{index}", "op": "add", "value": {"port": 81}}, kind="FederatedService", template=template)
    assert [port["port"] for port in checked(fine).resources[0].previews["zj"]["spec"]["ports"]] in ([80, 81], [81, 80])
    beyond = override({"path": "/spec/ports/3/port", "value": 81}, kind="FederatedService", template=template)
    assert "use an index below 1, or - with op: add to append" in told(beyond)[0]


def test_a_secret_is_not_told() -> None:
    found = told(
        federated("FederatedSecret", template={"stringData": "hunter2"}, overrides=[{"clusterName": "zj", "clusterOverrides": ["hunter2"]}])
    )
    assert found and "hunter2" not in "".join(found)


def test_all_problems_at_once() -> None:
    bad = federated(placement={"cluster": []}, overrides=[{"clusterName": "zj"}], templat={})
    assert len(told(bad, {"kind": "X"}, federated("FederatedPod"))) == 6


def test_twice() -> None:
    found = checked(federated(), federated())
    assert [problem.cause for problem in found.problems] == ["this object is defined twice, first in in[0]"]


def test_only_the_head_matters_to_remove() -> None:
    found = checked(federated(placement={"cluster": []}), full=False)
    assert ([resource.key for resource in found.resources], found.problems) == ([("FederatedConfigMap", "shop", "x")], [])


@pytest.mark.parametrize(
    ("spec", "notice"),
    [
        (
            {"template": {"metadata": {"annotations": {"a": "b"}}}},
            "KubeFed drops spec.template.metadata.annotations; set them by an override",
        ),
        ({"template": {"metadata": {"finalizers": ["a/b"]}}}, "KubeFed drops spec.template.metadata.finalizers"),
    ],
)
def test_notices(spec: dict[str, Any], notice: str) -> None:
    found = checked(federated(**spec))
    assert not found.problems
    assert notice in found.notices[0]


def test_selector_of_clusters() -> None:
    selector = {"matchExpressions": [{"key": "region", "operator": "In", "values": ["east", "west"]}]}
    assert checked(federated(placement={"clusterSelector": selector})).resources[0].clusters == ["cddev", "zj"]


def literal(*names: str) -> Checked:
    documents = [document for name in names for document in parse((DATA / "article" / name).read_text(), name)[0]]
    return check(documents, FEDERATION, "default")


def test_the_article_literally() -> None:
    found = literal("namespace.yaml", "deployment.yaml", "service.yaml", "ingress.yaml", "dns.yaml")
    assert [resource.key[0] for resource in found.resources] == ["FederatedNamespace", "FederatedDeployment", "FederatedService"]
    assert [str(problem).split(". Next")[0] for problem in found.problems] == [
        "ingress.yaml:13:5: FederatedIngress vrfederation/test-ingress: spec.placement.cluster: unknown field",
        "dns.yaml:2:1: IngressDNSRecord vrfederation/test-ingress: kind: IngressDNSRecord is refused here: "
        "it is no federated resource, and KubeFed has no DNS controllers since 0.7",
    ]
    previews = found.resources[1].previews
    assert (previews["local"]["spec"]["replicas"], previews["cddev"]["spec"]["replicas"]) == (1, 3)


def test_names_once_there_are_kinds_for_them() -> None:
    """They go to no cluster, need no spec, and may be in any namespace; a Domain is in KubeFed's own."""
    group = "multiclusterdns.kubefed.io/v1alpha1"
    domain = {
        "apiVersion": group,
        "kind": "Domain",
        "metadata": {"name": "d", "namespace": "kube-federation-system"},
        "domain": "a.example",
    }
    record = {"apiVersion": group, "kind": "ServiceDNSRecord", "metadata": {"name": "web", "namespace": "default"}, "spec": {}}
    federation = replace(FEDERATION, names=True)
    found = check([Document(body, "in") for body in (domain, record)], federation, "shop")
    assert (found.problems, found.notices) == ([], [])
    assert [(one.propagated, one.clusters, one.path) for one in found.resources] == [
        (False, [], f"/apis/{group}/namespaces/kube-federation-system/domains/d"),
        (False, [], f"/apis/{group}/namespaces/default/servicednsrecords/web"),
    ]
    need = needed(found.resources, Situation(federation, {"default": {"metadata": {}}}, {}))
    assert (need.resources, need.problems) == ([], [])


def test_legacy_backend_is_converted_with_a_notice() -> None:
    body = yaml.safe_load((DATA / "article" / "ingress.yaml").read_text())
    body["spec"]["placement"] = {"clusters": body["spec"]["placement"]["cluster"]}
    found = checked(body)
    assert not found.problems
    assert found.notices == [
        "in[0]: FederatedIngress vrfederation/test-ingress: spec.template was converted to networking.k8s.io/v1: "
        "spec.backend to spec.defaultBackend.service; better write it so"
    ]
    backend = {"service": {"name": "federated-svc", "port": {"number": 80}}}
    assert found.resources[0].body["spec"]["template"] == {"spec": {"defaultBackend": backend}}


def test_indentation_lost_inside() -> None:
    head = f"apiVersion: {TYPES}\nkind: FederatedConfigMap\nmetadata:\n  name: x\n  namespace: shop\n"
    text = f"{head}spec:\n  placement:\n  clusters:\n  - name: zj\n  template: {{}}\n"
    found = check(parse(text, "f")[0], FEDERATION, "default")
    said = [str(problem) for problem in found.problems]
    assert (
        'f:8:3: FederatedConfigMap shop/x: spec.clusters: unknown field, right after the empty "placement": its indentation was lost. '
        'Next: indent it under "placement" when it belongs to spec.placement.'
    ) in said
