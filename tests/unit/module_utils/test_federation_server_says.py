# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""An API server's answers, told with the place in the manifest. The messages are those of Kubernetes 1.34."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.check import Resource
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.server_says import (
    complaints,
    conflict_problems,
    for_dry_run,
    known_fields,
    path_of,
    template_problem,
)
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.sources import parse
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.types import FederatedType

TEXT = """kind: FederatedDeployment
metadata:
  name: x
  namespace: ns
spec:
  template:
    spec:
      selector:
      replicsa: 1
      template:
        spec:
          containers:
            - image: 5
"""


def resource(target: str = "Deployment") -> Resource:
    (document,) = parse(TEXT, "f.yaml")[0]
    kind = FederatedType("deployments.apps", "FederatedDeployment", "t/v1", "fd", True, {"kind": target}, True)
    return Resource(document, document.body, kind)


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("spec.replicas", ("spec", "replicas")),
        ("spec.containers[0].image", ("spec", "containers", 0, "image")),
        ("metadata.labels[a.b/c]", ("metadata", "labels", "a.b/c")),
        ('data["x.y"]', ("data", "x.y")),
        ("", ()),
    ],
)
def test_paths(text: str, path: tuple[Any, ...]) -> None:
    assert path_of(text) == path


STRICT = (
    'Deployment in version "v1" cannot be handled as a Deployment: strict decoding error: '
    'unknown field "spec.replicsa", unknown field "spec.x"'
)
TYPED = (
    'ConfigMap in version "v1" cannot be handled as a ConfigMap: '
    "json: cannot unmarshal number into Go struct field ConfigMap.data of type string"
)
CAUSES = {"causes": [{"reason": "FieldValueInvalid", "message": "Invalid value: -1: must be 0 or more", "field": "spec.replicas"}]}


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (400, {"message": STRICT}, [(("spec", "replicsa"), "unknown field"), (("spec", "x"), "unknown field")]),
        (400, {"message": TYPED}, [(("data",), "a number where string is wanted")]),
        (422, {"message": "invalid", "details": CAUSES}, [(("spec", "replicas"), "Invalid value: -1: must be 0 or more")]),
        (400, {"message": "the object: is odd"}, [((), "is odd")]),
        (422, {"message": "provided port is already allocated", "details": CAUSES}, []),
        (400, {"message": 'admission webhook "x" denied the request: no'}, []),
        (409, {"message": "already exists"}, []),
        (403, {"message": "forbidden"}, []),
        (500, {}, []),
    ],
)
def test_complaints(status: int, body: dict[str, Any], said: list[Any]) -> None:
    assert complaints(status, body) == said


@pytest.mark.parametrize(
    ("path", "cause", "known", "cluster", "said"),
    [
        (
            ("spec", "replicsa"),
            "unknown field",
            ["replicas"],
            "",
            # the empty selector above it is no reason to think that it belongs there, but may be one
            "f.yaml:9:7: FederatedDeployment ns/x: spec.template.spec.replicsa: unknown field. Next: "
            'indent it under "selector", which is empty',
        ),
        (
            ("spec", "template", "spec", "containers", 0, "imag"),
            "unknown field",
            ["image", "name"],
            "zj",
            "f.yaml:13:15: FederatedDeployment ns/x: spec.template.spec.template.spec.containers[0].imag: "
            "unknown field (as zj would get it). "
            "Next: did you mean spec.template.spec.template.spec.containers[0].image.",
        ),
        (("q",), "unknown field", ["spec"], "", "Next: remove it, or use one of those that spec.template has: spec."),
        (("q",), "unknown field", [], "", "Next: remove it, or use one of those that spec.template has."),
        (("spec", "x"), "is odd", [], "zj", "is odd (as zj would get it). Next: correct the template, or the override that sets it."),
    ],
)
def test_template_problem(path: Any, cause: str, known: list[str], cluster: str, said: str) -> None:
    assert said in str(template_problem(resource(), path, cause, known, cluster))


def test_a_secret_is_not_told() -> None:
    assert "hunter2" not in str(template_problem(resource("Secret"), ("data",), 'illegal base64 data "hunter2"', [], ""))


def test_dry_run_beside_the_real_object() -> None:
    ports = [{"port": 80, "nodePort": 30000}]
    service = {
        "kind": "Service",
        "metadata": {"name": "x", "namespace": "ns", "finalizers": ["a/b"]},
        "spec": {"clusterIP": "10.0.0.1", "ports": ports},
    }
    assert for_dry_run(service) == {"kind": "Service", "metadata": {"name": "x", "namespace": "default"}, "spec": {"ports": [{"port": 80}]}}
    assert service["spec"]["ports"] == [{"port": 80, "nodePort": 30000}], "what is passed in stays"
    assert for_dry_run({"kind": "Namespace", "metadata": {"name": "x"}})["metadata"] == {"name": "x"}
    for odd in (None, {"ports": None}, {"ports": [None]}):
        assert for_dry_run({"kind": "Service", "metadata": {}, "spec": odd})["kind"] == "Service"


KIND = {"group": "apps", "version": "v1", "kind": "Deployment"}
OPENAPI = {
    "components": {
        "schemas": {
            "Deployment": {
                "x-kubernetes-group-version-kind": [KIND],
                "properties": {"metadata": {}, "spec": {"allOf": [{"$ref": "#/components/schemas/Spec"}]}},
            },
            "Spec": {
                "properties": {
                    "containers": {"type": "array", "items": {"$ref": "#/components/schemas/Container"}},
                    "labels": {"additionalProperties": {}},
                }
            },
            "Container": {"properties": {"image": {}, "name": {}}},
        }
    }
}


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        (("x",), ["metadata", "spec"]),
        (("spec", "x"), ["containers", "labels"]),
        (("spec", "containers", 0, "x"), ["image", "name"]),
        (("spec", "labels", "x"), []),
        (("nothing", "x"), []),
        ((), ["metadata", "spec"]),
    ],
)
def test_known_fields(path: Any, fields: list[str]) -> None:
    assert known_fields(OPENAPI, KIND, path) == fields
    assert known_fields({}, KIND, path) == []


def test_conflicts() -> None:
    causes = [
        {"reason": "FieldManagerConflict", "message": 'conflict with "kubectl" using t/v1', "field": ".spec.template"},
        {"reason": "FieldManagerConflict", "message": 'conflict with "kubectl" using t/v1', "field": ".metadata.labels.a"},
        {"reason": "FieldManagerConflict", "message": 'conflict with "other"', "field": ".spec.placement"},
    ]
    assert [str(problem) for problem in conflict_problems(resource(), {"details": {"causes": causes}})] == [
        "f.yaml:6:3: FederatedDeployment ns/x: spec.template: field manager 'kubectl' set spec.template, metadata.labels.a "
        "to something else. Next: let that manager go on and take the fields out here, or take them over with force_conflicts: true.",
        "f.yaml:5:1: FederatedDeployment ns/x: spec.placement: field manager 'other' set spec.placement to something else. "
        "Next: let that manager go on and take the fields out here, or take them over with force_conflicts: true.",
    ]
    assert conflict_problems(resource(), {"message": "the object has been modified"}) == []
