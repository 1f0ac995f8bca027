# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Plain documents made federated ones: where problems stand, what stays, and what is handed over."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.edgefed.kubefed.plugins.module_utils.federate.given import Handed, packed, unpacked
from ansible_collections.edgefed.kubefed.plugins.module_utils.federate.plain import federated_documents
from ansible_collections.edgefed.kubefed.plugins.module_utils.federate.wish import (
    Inventory,
    Wish,
    host_layers,
    layers_of,
    merged,
    placement_of,
)
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.check import Federation, check
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.layers import Layer
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.sources import Document, parse
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.types import DEFAULTS

FEDERATION = Federation(DEFAULTS, {"local": {}, "cddev": {"tier": "edge"}, "zj": {"tier": "edge"}}, "kube-federation-system")
INVENTORY = Inventory(
    {"all": ["local", "cddev", "zj", "m"], "edge": ["cddev", "zj"], "gpu": ["zj"], "others": ["m"]},
    ["local", "cddev", "zj", "m"],
    ["local", "cddev", "zj"],
)
BOTH = Wish({"clusters": [{"name": "cddev"}, {"name": "zj"}]})
WEB = """\
# a comment
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  namespace: shop
  labels: {app: 1}
  annotations:
    team: a
    deployment.kubernetes.io/revision: "3"
    kubectl.kubernetes.io/last-applied-configuration: "{}"
spec:
  replicas: 1
"""


def made(text: str, wish: Wish = BOTH) -> tuple[list[Document], list[str]]:
    documents, problems = parse(text, "web.yaml")
    found, wrong = federated_documents(documents, FEDERATION, wish, "shop")
    return found, [str(problem) for problem in [*problems, *wrong]]


def test_problems_stand_where_the_plain_manifest_has_them() -> None:
    (document,), _wrong = made(WEB)
    assert [str(document.place("spec", "template", *path)) for path in (("spec", "replicas"), ("metadata", "labels", "app"))] == [
        "web.yaml:13:3",
        "web.yaml:7:12",
    ]
    (problem,) = check([document], FEDERATION, "shop").problems
    assert str(problem).startswith("web.yaml:7:12: FederatedDeployment shop/web: spec.template.metadata.labels.app: not a text")


def test_annotations_become_overrides_but_for_a_clusters_own() -> None:
    (document,), _wrong = made(WEB)
    team = [{"op": "add", "path": "/metadata/annotations", "value": {"team": "a"}}]
    assert document.body["spec"]["overrides"] == [{"clusterName": name, "clusterOverrides": team} for name in ("cddev", "zj")]
    (document,), _wrong = made(WEB, Wish({"clusterSelector": {"matchLabels": {"tier": "edge"}}}))
    assert [one["clusterName"] for one in document.body["spec"]["overrides"]] == ["cddev", "zj"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("kind: Deployment\nmetadata: {name: x}", []),
        ("apiVersion: v1\nkind: ConfigMap\nmetadata: [x]", ["web.yaml:3:1: ConfigMap: metadata: this is a list, not a mapping."]),
        ("apiVersion: v1\nkind: Pod\nmetadata: {name: x}", ["web.yaml:2:1: Pod x: kind: Pod of v1 is not a federated kind."]),
        (
            "apiVersion: batch/v1beta1\nkind: Job\nmetadata: {name: x}",
            ["web.yaml:1:1: Job x: apiVersion: Job is federated as batch/v1, not as"],
        ),
    ],
)
def test_told_at_its_place(text: str, said: list[str]) -> None:
    _found, problems = made(text)
    assert len(problems) == len(said) and all(problem.startswith(start) for problem, start in zip(problems, said, strict=True)), problems


def test_federated_ones_stay() -> None:
    text = "apiVersion: types.kubefed.io/v1beta1\nkind: FederatedConfigMap\nmetadata: {name: x}"
    for wish in (Wish(), BOTH):
        (document,), wrong = made(text, wish)
        assert (document.kind, wrong) == ("FederatedConfigMap", []), "they need no placement"


def test_old_ingress_takes_overrides_of_the_new() -> None:
    text = "apiVersion: extensions/v1beta1\nkind: Ingress\nmetadata: {name: x}\nspec: {backend: {serviceName: web, servicePort: 80}}"
    layer = Layer("x", values={"spec": {"defaultBackend": {"service": {"port": {"number": 81}}}}})
    (document,), wrong = made(text, Wish(BOTH.placement, [layer]))
    assert not wrong
    (resource,) = check([document], FEDERATION, "shop").resources
    assert resource.previews["zj"]["spec"] == {"defaultBackend": {"service": {"name": "web", "port": {"number": 81}}}}


@pytest.mark.parametrize(
    ("version", "kind", "spec", "told"),
    [
        (
            "extensions/v1beta1",
            "Ingress",
            "{}",
            ["web.yaml:1:1: FederatedIngress shop/x: apiVersion was converted from extensions/v1beta1 to "],
        ),
        ("networking.k8s.io/v1", "Ingress", "{}", []),
        ("apps/v1", "Deployment", "{}", []),
    ],
)
def test_another_version_is_told(version: str, kind: str, spec: str, told: list[str]) -> None:
    (document,), wrong = made(f"apiVersion: {version}\nkind: {kind}\nmetadata: {{name: x, namespace: shop}}\nspec: {spec}")
    assert not wrong
    notices = check([document], FEDERATION, "shop").notices
    assert [notice[: len(said)] for notice, said in zip(notices, told, strict=True)] == told


def test_placement() -> None:
    wanted = [{"name": name} for name in ("cddev", "local", "zj")]
    assert placement_of({"groups": ["edge"], "hosts": ["local", "zj"]}, INVENTORY) == ({"clusters": wanted}, [])
    assert placement_of({"selector": {"matchLabels": {"a": "b"}}}, INVENTORY)[0] == {"clusterSelector": {"matchLabels": {"a": "b"}}}
    assert placement_of({"hosts": []}, INVENTORY) == ({"clusters": []}, []), "nowhere may be said"
    assert placement_of(None, INVENTORY) == (None, [])


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ([], "this is a list, not a mapping"),
        ({}, "it names no clusters"),
        ({"group": ["edge"]}, "unknown field. Next: did you mean placement.groups"),
        ({"groups": "edge"}, "placement.groups: this is a text, not a list"),
        ({"groups": ["others"]}, "group 'others' holds no cluster"),
        ({"hosts": ["q"]}, "the inventory has no host 'q'. Next: use one of the inventory's (cddev, local, zj)"),
        ({"selector": []}, "placement.selector: this is a list"),
    ],
)
def test_placement_refused(given: Any, said: str) -> None:
    problems = placement_of(given, INVENTORY)[1]
    assert said in str(problems[0]) and "Next: " in str(problems[0])


def test_layers_by_precedence() -> None:
    content = {"values": {"spec": {"replicas": 2}}}
    layers, problems = layers_of(
        [{"hosts": ["zj"], **content}, {"groups": ["gpu", "edge"], **content}, {**content, "kind": "Deployment"}], INVENTORY
    )
    assert not problems
    assert [(layer.by, layer.clusters and sorted(layer.clusters), layer.must) for layer in layers] == [
        ("overrides[2]", None, True),
        ("overrides[1] (group edge)", ["cddev", "zj"], False),
        ("overrides[1] (group gpu)", ["zj"], False),
        ("overrides[0] (hosts)", ["zj"], True),
    ]


@pytest.mark.parametrize(
    ("item", "said"),
    [
        ("x", "this is a text, not a mapping"),
        ({}, "it overrides nothing"),
        ({"values": [1]}, "values: this is a list"),
        ({"patches": ["x"]}, "patches[0]: this is a text"),
        ({"kind": 3, "values": {"a": 1}}, "kind: this is a number"),
        ({"groups": ["gpu"], "values": {"a": 1}}, "unknown field"),
        ({"kind": "ReplicaSchedulingPreference", "values": {"a": 1}}, "overrides[0].kind: a preference is led by no override"),
    ],
)
def test_host_layers_refused(item: Any, said: str) -> None:
    layers, problems = host_layers([item], "host zj", "zj")
    assert not layers and said in str(problems[0]) and str(problems[0]).startswith("host zj: overrides[0]")
    assert "this is a mapping, not a list" in str(host_layers({}, "host zj", "zj")[1][0])


def test_merged_and_handed_over() -> None:
    same = [host_layers([{"values": {"a": 1}}], "group edge", name)[0][0] for name in ("cddev", "zj")]
    other = host_layers([{"values": {"a": 2}}], "host zj", "zj")[0]
    found = merged([*same, *other])
    assert [(layer.by, sorted(layer.clusters or [])) for layer in found] == [("group edge", ["cddev", "zj"]), ("host zj", ["zj"])]
    wish = Wish({"clusterSelector": {}}, [*found, Layer("all", patches=[{"path": "/a"}])])
    assert unpacked(packed(Handed(wish=wish))).wish == wish
