# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One run of the module federated_resource_preview: nothing is sent but reads, and offline nothing at all."""

from __future__ import annotations

import os
import re
from typing import Any, Callable

from ansible_collections.edgefed.kubefed.plugins.module_utils.client import Client
from ansible_collections.edgefed.kubefed.plugins.module_utils.federate.given import PACKED, read, require_libraries, unpacked
from ansible_collections.edgefed.kubefed.plugins.module_utils.federate.linting import Asked, look_and_lint
from ansible_collections.edgefed.kubefed.plugins.module_utils.federate.look import Seen
from ansible_collections.edgefed.kubefed.plugins.module_utils.federate.look import look as look_at_host
from ansible_collections.edgefed.kubefed.plugins.module_utils.federate.members import Members
from ansible_collections.edgefed.kubefed.plugins.module_utils.federate.options import host_of
from ansible_collections.edgefed.kubefed.plugins.module_utils.federate.prepare import Prepared, prepare
from ansible_collections.edgefed.kubefed.plugins.module_utils.federate.refuse import refuse, with_remedy
from ansible_collections.edgefed.kubefed.plugins.module_utils.federate.sources import gather
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.check import Federation, Resource, names_in
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.diffs import told_decisions
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.lint import levels
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.namespaces import placed
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.redact import KEY
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.types import DEFAULTS, table
from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import EdgefedError, Result
from ansible_collections.edgefed.kubefed.plugins.module_utils.preview import files
from ansible_collections.edgefed.kubefed.plugins.module_utils.preview.members import GOES, SAME, UNKNOWN, Item, look

# They become folders.
_NAME = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?\Z")


def run(params: dict[str, Any], check: bool, diff: bool, connect: Callable[..., Client]) -> Result:
    """Compute what each cluster would get, keep it as files, and compare it with what the cluster has."""
    del diff
    require_libraries()
    if params["dest"]:
        files.check_folder(params["dest"])
    try:
        return _preview(params, check, connect)
    except EdgefedError as error:
        raise with_remedy(error) from None


def _preview(params: dict[str, Any], check: bool, connect: Callable[..., Client]) -> Result:
    chosen = levels(params["lint"])
    documents, problems = read(params)
    host = None if params["offline"] else host_of(params, connect)
    members = Members(params, connect)
    federation = host.federation(names_in(documents)) if host else _of_inventory(params)
    documents, wrong = gather(params, documents, federation, host, unpacked(params.get(PACKED)), member=members.client)
    problems += wrong

    def seen(resources: list[Resource]) -> Seen:
        return look_at_host(host, federation, resources, False) if host else Seen({}, {}, {}, False)

    prepared = prepare(documents, problems, federation, namespace=params["namespace"], policy=params["namespace_policy"], look=seen)
    asked = Asked(host, members.client, prepared.given if params["compare"] else [])
    linted = look_and_lint(asked, federation, prepared.seen, prepared.given, chosen)
    refuse([*prepared.problems, *linted.problems])
    items = _items(prepared, federation)
    if host and params["compare"]:
        look(items, members.client)
    requests = (host.client.requests if host else 0) + members.requests
    items = [item for item in items if item.body is not None or item.state != SAME]
    result = _result(params, check, prepared, items, requests)
    result.warnings += linted.notices
    result.data["lint"] = [finding.as_dict() for finding in linted.findings]
    return result


def _of_inventory(params: dict[str, Any]) -> Federation:
    clusters = {str(name): {str(key): str(value) for key, value in (labels or {}).items()} for name, labels in params["clusters"].items()}
    bad = sorted(name for name in clusters if not _NAME.match(name))
    if bad or not clusters:
        cause = f"No cluster can be called {', '.join(map(repr, bad))}" if bad else "No cluster is known, so there is nothing to preview"
        raise EdgefedError(f"{cause}. Next: correct the inventory group federation_members, or the option clusters.", code="no_clusters")
    types = table(params["types"]) if params["types"] else {}
    return Federation({**DEFAULTS, **types}, clusters, params["federation_namespace"], names=True)


def _items(prepared: Prepared, federation: Federation) -> list[Item]:
    found: list[Item] = []
    for resource in prepared.resources:
        if resource.type is None:
            continue
        there = placed(prepared.seen.current(resource.key), federation)
        found += [Item(cluster, resource, resource.type, resource.previews[cluster]) for cluster in resource.clusters]
        found += [Item(cluster, resource, resource.type, None) for cluster in there if cluster not in resource.clusters]
    return sorted(found, key=lambda item: item.cluster)


def _result(params: dict[str, Any], check: bool, prepared: Prepared, items: list[Item], requests: int) -> Result:
    folder = params["dest"]
    diffs: list[dict[str, str]] = []
    changed = False
    if folder:
        bodies = {os.path.join(folder, files.place(item.cluster, item.body)): (item.cluster, item.body) for item in items if item.body}
        known = files.key_of(folder)
        wanted = {path: files.text(cluster, body, known or KEY) for path, (cluster, body) in bodies.items()}
        diffs, write, remove = files.plan(folder, wanted)
        changed = bool(write or remove)
        if changed and not check:
            files.carry_out(folder, write, remove)
            if known is None and any(body["kind"] == "Secret" for _cluster, body in bodies.values()):
                files.keep_key(folder, KEY)
    objects = [_told(item, folder) for item in items]
    data = {
        "objects": objects,
        "in_sync": all(item.state == SAME for item in items),
        "table": [_line(item) for item in items],
        "decisions": [decision for resource in prepared.resources for decision in told_decisions(resource)],
        "api_requests": requests,
    }
    return Result(changed=changed, diff=diffs, warnings=prepared.notices, data=data)


def _told(item: Item, folder: str | None) -> dict[str, Any]:
    _kind, namespace, name = item.resource.key
    return {
        "cluster": item.cluster,
        "kind": item.type.target_kind,
        "namespace": namespace if item.type.target_namespaced else "",
        "name": name,
        "state": item.state,
        "differences": item.differences,
        "why": item.why,
        "file": os.path.join(folder, files.place(item.cluster, item.body)) if folder and item.body else "",
        "from": str(item.resource.document.place()),
    }


def _line(item: Item) -> str:
    said = "; ".join(item.differences) or item.why or ("it would be taken away" if item.state == GOES else "")
    parts = [item.cluster, item.title, "" if item.state == UNKNOWN and not item.why else item.state]
    return ": ".join(part for part in parts if part) + (f" ({said})" if said else "")
