# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The structural schema of a federated type: kubefedctl's, with the template described where the target's own schema is known. Pure."""

from __future__ import annotations

from typing import Any

Schema = dict[str, Any]

ANYTHING: Schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
NOT_OF_A_TEMPLATE = (
    # an override of a cluster may give it
    "required",
    # each member's API server fills in its own
    "default",
    # rules see the whole object, which template and overrides are only together
    "x-kubernetes-validations",
    "anyOf",
    "allOf",
    "oneOf",
    "not",
    # keys of lists have to be required or have a default
    "x-kubernetes-list-type",
    "x-kubernetes-list-map-keys",
    "minItems",
    "minProperties",
    "description",
    "example",
    "externalDocs",
    "title",
)


def crd_version(crd: Schema, version: str) -> Schema:
    """The entry of a version in a CRD; ``{}`` when there is none."""
    return next((item for item in crd["spec"]["versions"] if item["name"] == version), {})


def has_replicas(crd: Schema, version: str) -> bool:
    """Whether its ``spec.replicas`` is one that an autoscaler may set, by kubefedctl's rule."""
    root = (crd_version(crd, version).get("schema") or {}).get("openAPIV3Schema") or {}
    spec = (root.get("properties") or {}).get("spec") or {}
    replicas = (spec.get("properties") or {}).get("replicas") or {}
    return bool(replicas.get("type") == "integer" and replicas.get("format") == "int32")


def template_of(crd: Schema, version: str) -> Schema:
    """The schema of ``spec.template`` for a custom resource: its own, without what only a whole object can fulfil, and without status."""
    root = (crd_version(crd, version).get("schema") or {}).get("openAPIV3Schema") or {}
    properties = {name: _relaxed(below) for name, below in (root.get("properties") or {}).items() if name not in ("status", "metadata")}
    if not properties:
        return dict(ANYTHING)
    properties |= {"apiVersion": {"type": "string"}, "kind": {"type": "string"}, "metadata": dict(ANYTHING)}
    keep = {key: True for key in ("x-kubernetes-preserve-unknown-fields",) if root.get(key)}
    return {"type": "object", "properties": properties, **keep}


def _relaxed(schema: Schema) -> Schema:
    result = {key: value for key, value in schema.items() if key not in NOT_OF_A_TEMPLATE}
    if schema.get("x-kubernetes-int-or-string"):
        result.pop("type", None)
    if "properties" in result:
        result["properties"] = {name: _relaxed(below) for name, below in result["properties"].items()}
    for key in ("items", "additionalProperties"):
        if isinstance(result.get(key), dict):
            result[key] = _relaxed(result[key])
    return result


def federated(template: Schema, scalable: bool) -> Schema:
    """The schema of a whole federated resource, field by field kubefedctl's."""
    spec: Schema = {"placement": _PLACEMENT, "overrides": _OVERRIDES, "template": template}
    if scalable:
        spec["retainReplicas"] = {"type": "boolean"}
    return {
        "type": "object",
        "properties": {
            "apiVersion": {"type": "string"},
            "kind": {"type": "string"},
            "metadata": {"type": "object"},
            "spec": {"type": "object", "properties": spec},
            "status": _STATUS,
        },
        "required": ["spec"],
    }


def _list(items: Schema) -> Schema:
    return {"type": "array", "items": items}


def _object(properties: Schema, *required: str) -> Schema:
    return {"type": "object", "properties": properties, **({"required": list(required)} if required else {})}


_TEXT: Schema = {"type": "string"}
_PLACEMENT = _object(
    {
        "clusters": _list(_object({"name": _TEXT}, "name")),
        "clusterSelector": _object(
            {
                "matchExpressions": _list(_object({"key": _TEXT, "operator": _TEXT, "values": _list(_TEXT)}, "key", "operator")),
                "matchLabels": {"type": "object", "additionalProperties": _TEXT},
            }
        ),
    }
)
_OVERRIDES = _list(
    _object(
        {
            "clusterName": _TEXT,
            "clusterOverrides": _list(
                _object(
                    {
                        "op": {"type": "string", "pattern": "^(add|remove|replace)?$"},
                        "path": _TEXT,
                        "value": {"x-kubernetes-preserve-unknown-fields": True},
                    },
                    "path",
                )
            ),
        }
    )
)
_MOMENT = {"type": "string", "format": "date-time"}
_STATUS = _object(
    {
        "conditions": _list(
            _object(
                {"type": _TEXT, "status": _TEXT, "reason": _TEXT, "lastUpdateTime": _MOMENT, "lastTransitionTime": _MOMENT},
                "type",
                "status",
            )
        ),
        "clusters": _list(_object({"name": _TEXT, "status": _TEXT, "remoteStatus": dict(ANYTHING)}, "name")),
        "observedGeneration": {"type": "integer", "format": "int64"},
    }
)
