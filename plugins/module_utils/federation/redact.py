# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Secrets shown as their keys with a fingerprint, so that a change is seen and the value is not."""

from __future__ import annotations

import copy
import hashlib
import hmac
import json
import os
from typing import Any

DATA = ("data", "stringData")
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
# What kubectl and controllers note on the object of one cluster: annotations that begin so.
NOTED = (LAST_APPLIED, "deployment.kubernetes.io/")
# A short password would be found by trying all, were the key known: so it is of this run alone, and nobody has it afterwards.
KEY = os.urandom(32)


def _text(value: Any) -> bytes:
    return (value if isinstance(value, str) else json.dumps(value, sort_keys=True, default=str)).encode()


def fingerprint(value: Any) -> str:
    """Of what is no secret: ``sha256:`` and the first 12 digits."""
    return f"sha256:{hashlib.sha256(_text(value)).hexdigest()[:12]}"


def veiled(value: Any, key: bytes = KEY) -> str:
    """Of a secret: ``hmac-sha256:`` and the first 12 digits. Equal values look equal as long as the key is the same."""
    return f"hmac-sha256:{hmac.new(key, _text(value), hashlib.sha256).hexdigest()[:12]}"


def _hidden(value: Any, key: bytes) -> Any:
    if isinstance(value, dict):
        return {name: veiled(item, key) for name, item in value.items()}
    return veiled(value, key)


def _hide_object(body: dict[str, Any], key: bytes) -> None:
    for name in DATA:
        if body.get(name) is not None:
            body[name] = _hidden(body[name], key)
    metadata = body.get("metadata")
    annotations = metadata.get("annotations") if isinstance(metadata, dict) else None
    if isinstance(annotations, dict) and LAST_APPLIED in annotations:
        annotations[LAST_APPLIED] = veiled(annotations[LAST_APPLIED], key)


def _items(value: Any) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _hide_overrides(spec: dict[str, Any], key: bytes) -> None:
    for item in _items(spec.get("overrides")):
        for override in _items(item.get("clusterOverrides")):
            if "value" in override:
                override["value"] = _hidden_override(str(override.get("path")), override["value"], key)


def _hidden_override(path: str, value: Any, key: bytes) -> Any:
    """Labels and annotations are shown, but for what kubectl keeps there of all the rest."""
    if not path.startswith("/metadata/") or path.endswith(LAST_APPLIED.replace("/", "~1")):
        return _hidden(value, key)
    if isinstance(value, dict) and LAST_APPLIED in value:
        return {**value, LAST_APPLIED: veiled(value[LAST_APPLIED], key)}
    return value


def redacted(body: Any, key: bytes = KEY) -> Any:
    """A copy of a Secret or FederatedSecret (or a list or List of them) without its data; anything else as it is."""
    if isinstance(body, list):
        return [redacted(item, key) for item in body]
    if not isinstance(body, dict):
        return body
    if isinstance(body.get("items"), list):
        return {**body, "items": redacted(body["items"], key)}
    return _redacted_secret(body, key) if str(body.get("kind")).endswith("Secret") else body


def _redacted_secret(body: dict[str, Any], key: bytes) -> dict[str, Any]:
    result = copy.deepcopy(body)
    _hide_object(result, key)
    spec = result.get("spec")
    if isinstance(spec, dict):
        if isinstance(spec.get("template"), dict):
            _hide_object(spec["template"], key)
        elif "template" in spec:
            spec["template"] = veiled(spec["template"], key)
        _hide_overrides(spec, key)
    return result
