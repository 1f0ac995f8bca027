# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Secrets shown as their keys with a fingerprint, so that a change is seen and the value is not. Pure."""

from __future__ import annotations

import copy
import hashlib
import json
from typing import Any

DATA = ("data", "stringData")
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
# What kubectl and controllers note on the object of one cluster: annotations that begin so.
NOTED = (LAST_APPLIED, "deployment.kubernetes.io/")


def fingerprint(value: Any) -> str:
    """``sha256:`` and the first 12 digits."""
    text = value if isinstance(value, str) else json.dumps(value, sort_keys=True, default=str)
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()[:12]}"


def _hidden(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: fingerprint(item) for key, item in value.items()}
    return fingerprint(value)


def _hide_object(body: dict[str, Any]) -> None:
    for name in DATA:
        if body.get(name) is not None:
            body[name] = _hidden(body[name])
    metadata = body.get("metadata")
    annotations = metadata.get("annotations") if isinstance(metadata, dict) else None
    if isinstance(annotations, dict) and LAST_APPLIED in annotations:
        annotations[LAST_APPLIED] = fingerprint(annotations[LAST_APPLIED])


def _items(value: Any) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _hide_overrides(spec: dict[str, Any]) -> None:
    for item in _items(spec.get("overrides")):
        for override in _items(item.get("clusterOverrides")):
            if "value" in override and not str(override.get("path")).startswith("/metadata/"):
                override["value"] = _hidden(override["value"])


def redacted(body: Any) -> Any:
    """A copy of a Secret or FederatedSecret (or a list or List of them) without its data; anything else as it is."""
    if isinstance(body, list):
        return [redacted(item) for item in body]
    if not isinstance(body, dict):
        return body
    if isinstance(body.get("items"), list):
        return {**body, "items": redacted(body["items"])}
    return _redacted_secret(body) if str(body.get("kind")).endswith("Secret") else body


def _redacted_secret(body: dict[str, Any]) -> dict[str, Any]:
    result = copy.deepcopy(body)
    _hide_object(result)
    spec = result.get("spec")
    if isinstance(spec, dict):
        if isinstance(spec.get("template"), dict):
            _hide_object(spec["template"])
        elif "template" in spec:
            spec["template"] = fingerprint(spec["template"])
        _hide_overrides(spec)
    return result
