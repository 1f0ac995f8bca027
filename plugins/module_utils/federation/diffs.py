# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What changes, as Ansible's ``--diff`` shows it: the object itself, then what each cluster would get. Pure; no secrets."""

from __future__ import annotations

import traceback
from dataclasses import asdict
from typing import Any, Collection

from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.adoption import Found, own
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.check import Resource
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.plan import shown
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.preview import PlacementError, placed_clusters, preview
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.redact import KEY, redacted
from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import EdgefedError

try:
    import yaml

    IMPORT_ERROR = None

    class Dumper(getattr(yaml, "CSafeDumper", yaml.SafeDumper)):  # type: ignore[misc]
        """What overrides of two clusters have in common is written out, as the API server has it."""

        def ignore_aliases(self, data: Any) -> bool:
            """No anchors."""
            return True

except ImportError:
    IMPORT_ERROR = traceback.format_exc()

Diff = dict[str, str]


def as_text(body: dict[str, Any], key: bytes = KEY) -> str:
    """An object as YAML, a Secret's data as fingerprints by ``key``; nothing for none."""
    return str(yaml.dump(redacted(body, key), Dumper=Dumper, sort_keys=True, allow_unicode=True, width=1000)) if body else ""


def _entry(before: dict[str, Any], after: dict[str, Any], header: str) -> Diff:
    return {"before": as_text(before), "after": as_text(after), "before_header": header, "after_header": header}


def of_object(resource: Resource, before: dict[str, Any] | None, after: dict[str, Any] | None) -> Diff:
    """The change of one object in the host cluster; ``None``: not there."""
    left, right = shown(before), shown(after)
    for body in (left, right):
        if body:
            body.setdefault("apiVersion", resource.body["apiVersion"])
            body.setdefault("kind", resource.body["kind"])
            body["metadata"].pop("finalizers", None)
    return _entry(left, right, f"host cluster: {resource.title}")


def of_clusters(
    resource: Resource,
    before: dict[str, Any] | None,
    clusters: dict[str, dict[str, str]],
    gone: bool = False,
    adopted: Collection[str] = (),
) -> list[Diff]:
    """What each cluster gets otherwise than before. ``clusters`` are the joined ones with their labels; ``adopted`` are told apart."""
    if resource.type is None:
        return []
    old = _previews(resource, before, clusters)
    new = {} if gone else resource.previews
    name = resource.title.removeprefix(resource.type.kind)
    return [
        _entry(old.get(cluster, {}), new.get(cluster, {}), f"cluster {cluster}: {resource.type.target_kind}{name}")
        for cluster in sorted({*old, *new})
        if old.get(cluster) != new.get(cluster) and cluster not in adopted
    ]


def of_adoption(found: Found) -> Diff:
    """What KubeFed makes of an object that a member has already."""
    identity = {name: found.before[name] for name in ("apiVersion", "kind")}
    after = {} if found.refused else {**own(found.after), **identity}
    return _entry({**own(found.before), **identity}, after, f"cluster {found.cluster}: {found.title} (adopted)")


def of_decisions(resource: Resource) -> list[Diff]:
    """Where overrides of two are for the same path: whose it is."""
    lines = [str(decision) for decision in resource.document.decisions]
    return [{"prepared": "\n".join([f"overrides of {resource.title}:", *lines, ""])}] if lines else []


def told_decisions(resource: Resource) -> list[dict[str, str]]:
    """The same for programs."""
    return [{"object": resource.title, **asdict(decision)} for decision in resource.document.decisions]


def _previews(resource: Resource, body: dict[str, Any] | None, clusters: dict[str, dict[str, str]]) -> dict[str, dict[str, Any]]:
    """Of what is there now; nothing of an object that KubeFed itself cannot use."""
    if body is None or resource.type is None:
        return {}
    try:
        return {cluster: preview(body, cluster, resource.type.target) for cluster in placed_clusters(body, clusters)}
    except (EdgefedError, PlacementError, KeyError, TypeError, AttributeError):
        return {}
