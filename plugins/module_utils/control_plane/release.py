# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What Helm wrote down about the control plane, and the KubeFed version that follows from it. Pure."""

from __future__ import annotations

import base64
import binascii
import gzip
import json
import re
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any

from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import EdgefedError

SOURCE_CHART_VERSION = "0.0.6"
"""The chart inside KubeFed's source carries this number in every release; the published ones carry KubeFed's version."""


@dataclass(frozen=True)
class Release:
    """One record (revision) of a Helm release. ``version`` is KubeFed's, without ``v``; ``None`` when nothing tells it."""

    name: str
    namespace: str
    revision: int
    status: str
    chart: str
    version: str | None
    values: dict[str, Any] = field(default_factory=dict)
    runs_pods: bool = True
    """Whether the release has the Deployments; in the embedded lab the controllers are processes instead."""
    updated: datetime | None = None
    record: str = ""
    """Name of the Secret that holds this record."""


def merged(base: Any, over: Any) -> Any:
    """``over`` laid on ``base`` as Helm does it: mappings are merged, everything else is replaced."""
    if not (isinstance(base, dict) and isinstance(over, dict)):
        return over
    return {key: merged(base.get(key), over[key]) if key in over else base[key] for key in {**base, **over}}


def plain_version(text: Any) -> str | None:
    """``v0.10.0`` and ``0.10.0`` become ``0.10.0``; what is no version (``canary``, ``latest``) becomes ``None``."""
    found = re.fullmatch(r"v?(\d+\.\d+\.\d+(?:[-+][0-9A-Za-z.+-]+)?)", str(text or ""))
    return found.group(1) if found else None


def kubefed_version(chart: dict[str, Any], values: dict[str, Any]) -> str | None:
    """The controller manager's image tag tells what runs; a published chart with another kind of tag tells it by its own number."""
    effective = merged(chart.get("values") or {}, values)
    controller = (effective.get("controllermanager") or {}).get("controller") or {}
    tagged = plain_version(controller.get("tag"))
    number = (chart.get("metadata") or {}).get("version")
    return tagged or (plain_version(number) if number != SOURCE_CHART_VERSION else None)


def moment_of(text: Any) -> datetime | None:
    try:
        moment = datetime.fromisoformat(re.sub(r"(\.\d{1,6})\d*", r"\1", str(text)).replace("Z", "+00:00"))
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)


def decode(secret: dict[str, Any]) -> Release:
    """A :class:`Release` from Helm's Secret (type ``helm.sh/release.v1``): JSON, gzipped, twice in base64.

    Raises :class:`EdgefedError` with code ``release_unreadable`` when it cannot be read.
    """
    name = secret["metadata"]["name"]
    try:
        packed = base64.b64decode(base64.b64decode(secret["data"]["release"]))
        content = json.loads(gzip.decompress(packed) if packed[:2] == b"\x1f\x8b" else packed)
    except (KeyError, ValueError, OSError, EOFError, binascii.Error):
        raise EdgefedError(
            f'Helm\'s record of the release, Secret "{name}" in namespace "{secret["metadata"].get("namespace")}", cannot be read. '
            "Next: look at it with `helm history`; when it is damaged, delete that Secret and run this again.",
            code="release_unreadable",
            details={"secret": name},
        ) from None
    chart = content.get("chart") or {}
    metadata = chart.get("metadata") or {}
    info = content.get("info") or {}
    values = content.get("config") or {}
    return Release(
        name=content["name"],
        namespace=content["namespace"],
        revision=int(content["version"]),
        status=str(info.get("status") or "unknown"),
        chart=f"{metadata.get('name')}-{metadata.get('version')}",
        version=kubefed_version(chart, values),
        values=values,
        runs_pods=re.search(r"^kind: Deployment$", content.get("manifest") or "", re.MULTILINE) is not None,
        updated=moment_of(info.get("last_deployed")),
        record=name,
    )


def latest(releases: list[Release]) -> Release | None:
    """The record with the highest revision."""
    return max(releases, key=lambda release: release.revision, default=None)


def under_way(release: Release | None, now: datetime, grace: float) -> float:
    """Seconds until a ``pending-*`` record counts as cut off: another Helm may be at work for ``grace`` seconds after its start."""
    if release is None or not release.status.startswith("pending") or release.updated is None:
        return 0.0
    return min(grace, max(0.0, grace - (now - release.updated).total_seconds()))
