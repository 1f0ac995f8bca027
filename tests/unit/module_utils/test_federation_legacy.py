# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Old Ingress templates, case by case."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.legacy import convert_ingress

OLD = {"serviceName": "web", "servicePort": 80}
NEW = {"service": {"name": "web", "port": {"number": 80}}}


def rules(path: dict[str, Any]) -> dict[str, Any]:
    return {"spec": {"rules": [{"host": "x", "http": {"paths": [path]}}]}}


@pytest.mark.parametrize(
    ("template", "result", "count"),
    [
        ({"spec": {"backend": OLD}}, {"spec": {"defaultBackend": NEW}}, 1),
        (
            {"spec": {"backend": {**OLD, "servicePort": "http"}}},
            {"spec": {"defaultBackend": {"service": {"name": "web", "port": {"name": "http"}}}}},
            1,
        ),
        ({"spec": {"backend": {**OLD, "servicePort": "80"}}}, {"spec": {"defaultBackend": NEW}}, 1),
        ({"spec": {"backend": {"serviceName": "web"}}}, {"spec": {"defaultBackend": {"service": {"name": "web"}}}}, 1),
        (rules({"backend": OLD}), rules({"backend": NEW, "pathType": "ImplementationSpecific"}), 1),
        (rules({"backend": OLD, "path": "/a", "pathType": "Exact"}), rules({"backend": NEW, "path": "/a", "pathType": "Exact"}), 1),
        (
            {"apiVersion": "extensions/v1beta1", "spec": {"backend": OLD}},
            {"apiVersion": "networking.k8s.io/v1", "spec": {"defaultBackend": NEW}},
            2,
        ),
        ({"apiVersion": "networking.k8s.io/v1beta1", "spec": {}}, {"apiVersion": "networking.k8s.io/v1", "spec": {}}, 1),
    ],
)
def test_converted(template: dict[str, Any], result: dict[str, Any], count: int) -> None:
    before = copy.deepcopy(template)
    found, done = convert_ingress(template)
    assert (found, len(done), template) == (result, count, before)
    assert convert_ingress({**found})[1] == [], "once is enough"


@pytest.mark.parametrize(
    "template",
    [
        {},
        {"spec": None},
        {"spec": {"defaultBackend": NEW}},
        {"spec": {"backend": OLD, "defaultBackend": NEW}},
        rules({"backend": NEW, "pathType": "Prefix"}),
        {"apiVersion": "example.com/v1", "spec": {"backend": OLD}},
        {"spec": {"rules": ["nonsense"]}},
        {"spec": {"rules": [{"http": {"paths": ["nonsense"]}}]}},
        {"spec": {"backend": "nonsense"}},
    ],
)
def test_left_alone(template: dict[str, Any]) -> None:
    assert convert_ingress(template) == (template, [])
