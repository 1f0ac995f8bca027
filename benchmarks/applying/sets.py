# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The objects that are applied: one half ConfigMaps, one half Deployments without pods, as people write them."""

from __future__ import annotations

from typing import Any

from ansible_collections.edgefed.kubefed.plugins.module_utils.client import object_path

TYPES = "types.kubefed.io/v1beta1"
PLURALS = {"ConfigMap": "configmaps", "Deployment": "deployments"}
COLLECTIONS = [f"/apis/{TYPES}/namespaces/{{namespace}}/federated{plural}" for plural in PLURALS.values()]

Object = dict[str, Any]


def plain(number: int) -> Object:
    """A ConfigMap or a Deployment, the body of a template."""
    if number % 2:
        return {"kind": "ConfigMap", "apiVersion": "v1", "data": {f"key{key}": "a value of some words" for key in range(5)}}
    labels = {"app": f"web{number:04}"}
    container = {
        "name": "web",
        "image": "nginx:1.27",
        "ports": [{"name": "http", "containerPort": 80}],
        "env": [{"name": f"SETTING_{key}", "value": "some value"} for key in range(4)],
        "resources": {"limits": {"cpu": "1", "memory": "1Gi"}},
    }
    pods = {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
    spec = {"replicas": 0, "selector": {"matchLabels": labels}, "template": pods}
    return {"kind": "Deployment", "apiVersion": "apps/v1", "metadata": {"labels": labels}, "spec": spec}


def name_of(number: int) -> str:
    return f"object{number:04}"


def plain_object(number: int, namespace: str) -> Object:
    """The same as an object of its own."""
    body = plain(number)
    return {**body, "metadata": {**body.get("metadata", {}), "name": name_of(number), "namespace": namespace}}


def plain_collection(body: Object) -> str:
    """The API path of its collection."""
    return object_path(body["apiVersion"], PLURALS[body["kind"]], body["metadata"]["namespace"])


def federated(number: int, namespace: str, clusters: list[str]) -> Object:
    """The federated object, with one override for the first cluster."""
    body = plain(number)
    path = "/data/key0" if body["kind"] == "ConfigMap" else "/spec/template/spec/containers/0/image"
    template = {key: value for key, value in body.items() if key not in ("kind", "apiVersion")}
    return {
        "apiVersion": TYPES,
        "kind": f"Federated{body['kind']}",
        "metadata": {"name": name_of(number), "namespace": namespace},
        "spec": {
            "template": template,
            "placement": {"clusters": [{"name": cluster} for cluster in clusters]},
            "overrides": [{"clusterName": clusters[0], "clusterOverrides": [{"path": path, "value": "nginx:1.28"}]}],
        },
    }


def collection(body: Object) -> str:
    """The API path of a federated object's collection."""
    plural = PLURALS[body["kind"].removeprefix("Federated")]
    return object_path(TYPES, f"federated{plural}", body["metadata"]["namespace"])
