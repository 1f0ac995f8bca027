# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What an API server finds wrong with a template, told with the place in the manifest. Pure."""

from __future__ import annotations

import re
from typing import Any

from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.check import Resource
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.fields import value_at
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.sources import Path, Problem, dotted
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.types import nearest

_UNKNOWN = re.compile(r'unknown field "([^"]+)"')
_GO_FIELD = re.compile(r"cannot unmarshal (\w+) into Go struct field (\S+) of type (\S+)")
# True of a dry run beside the object itself, but not of the member.
_ELSEWHERE = ("already allocated", "already exists", "admission webhook")
_IN_USE = ("clusterIP", "clusterIPs", "healthCheckNodePort", "loadBalancerIP")


def path_of(text: str) -> Path:
    """``spec.containers[0].image`` as a path."""
    parts: list[str | int] = []
    for name, index in re.findall(r"([^.\[\]]+)|\[([^\]]*)\]", text):
        parts.append(name or (int(index) if index.isdigit() else index.strip('"')))
    return tuple(parts)


def for_dry_run(body: dict[str, Any]) -> dict[str, Any]:
    """An object to try beside the real one: in the namespace that is always there, without addresses that may be taken."""
    meta = {key: value for key, value in body["metadata"].items() if key != "finalizers"}
    if "namespace" in meta:
        meta["namespace"] = "default"
    result = {**body, "metadata": meta}
    if body["kind"] == "Service" and isinstance(body.get("spec"), dict):
        spec = {key: value for key, value in body["spec"].items() if key not in _IN_USE}
        if isinstance(spec.get("ports"), list):
            spec["ports"] = [_without_node_port(port) for port in spec["ports"]]
        result["spec"] = spec
    return result


def _without_node_port(port: Any) -> Any:
    return {key: value for key, value in port.items() if key != "nodePort"} if isinstance(port, dict) else port


def complaints(status: int, body: dict[str, Any]) -> list[tuple[Path, str]]:
    """``(path, cause)`` of each fault that a server's answer of 400 or 422 names; nothing for what says nothing about the member."""
    message = str(body.get("message", ""))
    if status not in (400, 422) or any(sign in message for sign in _ELSEWHERE):
        return []
    unknown = _UNKNOWN.findall(message)
    if unknown:
        return [(path_of(field), "unknown field") for field in unknown]
    typed = _GO_FIELD.search(message)
    if typed:
        return [(path_of(typed[2].split(".", 1)[-1]), f"a {typed[1]} where {typed[3].lstrip('*')} is wanted")]
    causes = (body.get("details") or {}).get("causes") or []
    found = [(path_of(str(item.get("field", ""))), str(item.get("message", ""))) for item in causes]
    return found or [((), message.rsplit(": ", 1)[-1])]


def template_problem(resource: Resource, path: Path, cause: str, known: list[str], cluster: str = "") -> Problem:
    """A problem with the field at ``path`` of the template. ``known`` are the fields that its parent may have, if known."""
    where: Path = ("spec", "template", *path)
    as_got = f" (as {cluster} would get it)" if cluster else ""
    todo = "correct the template, or the override that sets it" if cluster else "correct the template"
    if cause == "unknown field":
        todo = _meant(resource, where, known)
    elif resource.secret:
        cause = "the API server refuses it"
    return resource.document.problem(where, f"{cause}{as_got}", todo)


def _meant(resource: Resource, where: Path, known: list[str]) -> str:
    siblings = value_at(resource.document.body, where[:-1])
    empty = None
    for key, value in siblings.items() if isinstance(siblings, dict) else ():
        if key == where[-1]:
            break
        empty = key if value is None else empty
    if empty:
        return f'indent it under "{empty}", which is empty: the indentation was lost'
    close = nearest(str(where[-1]), known)
    parent = dotted(where[:-1])
    if close:
        return f"did you mean {parent}.{close[0]}?".rstrip("?")
    return f"remove it, or use one of those that {parent} has" + (f": {', '.join(sorted(known))}" if known else "")


def known_fields(openapi: dict[str, Any], kind: dict[str, str], path: Path) -> list[str]:
    """The fields that the parent of ``path`` may have, by the server's OpenAPI v3 document of the group ``{group, version, kind}``."""
    schemas = (openapi.get("components") or {}).get("schemas") or {}
    schema: dict[str, Any] = next((item for item in schemas.values() if kind in (item.get("x-kubernetes-group-version-kind") or [])), {})
    for part in path[:-1]:
        schema = _resolved(schema, schemas)
        below = schema.get("items") if isinstance(part, int) else (schema.get("properties") or {}).get(part)
        schema = below or schema.get("additionalProperties") or {}
        if not isinstance(schema, dict):
            return []
    return sorted(_resolved(schema, schemas).get("properties") or {})


def _resolved(schema: dict[str, Any], schemas: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in schema or "allOf" in schema:
        reference = schema.get("$ref") or schema["allOf"][0].get("$ref", "")
        schema = schemas.get(reference.rsplit("/", 1)[-1], {})
    return schema


def conflict_problems(resource: Resource, body: dict[str, Any]) -> list[Problem]:
    """One problem for each manager that owns fields which we want otherwise (server-side apply's 409)."""
    fields: dict[str, list[str]] = {}
    for item in (body.get("details") or {}).get("causes") or []:
        if item.get("reason") == "FieldManagerConflict":
            named = re.search(r'conflict with "([^"]+)"', str(item.get("message", "")))
            fields.setdefault(named[1] if named else "another manager", []).append(str(item.get("field", "")).lstrip("."))
    todo = "let that manager go on and take the fields out here, or take them over with force_conflicts: true"
    return [
        resource.document.problem(path_of(names[0]), f"field manager {manager!r} set {', '.join(names)} to something else", todo)
        for manager, names in fields.items()
    ]
