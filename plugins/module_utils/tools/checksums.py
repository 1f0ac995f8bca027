# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Checksum files, as vendors write them, and the registry's answers. Pure."""

from __future__ import annotations

import json
import re
from typing import Any

_LINE = re.compile(r"^([0-9a-fA-F]{64})(?:\s+\*?(?:\./)?(\S.*?))?\s*$")
_PARAMETER = re.compile(r'(\w+)="([^"]*)"')


def find_sha256(text: str, file_name: str) -> str | None:
    """The lower-case SHA-256 of ``file_name`` in a checksum file, ``None`` when it is not there.

    Knows a bare checksum (dl.k8s.io), and lines of ``sha256sum`` for one or many files (Helm, etcd, KubeFed).
    """
    bare = None
    for line in text.splitlines():
        found = _LINE.match(line.strip())
        if not found:
            continue
        digest, name = found.group(1).lower(), found.group(2)
        if name is None:
            bare = digest
        elif name.rsplit("/", 1)[-1] == file_name:
            return digest
    return bare


def bearer_challenge(header: str) -> dict[str, str] | None:
    """``{realm, service, scope}`` of a ``WWW-Authenticate: Bearer …`` header, ``None`` for any other scheme."""
    if not header.lower().startswith("bearer "):
        return None
    return dict(_PARAMETER.findall(header))


def read_manifest(body: bytes, arch: str) -> tuple[str | None, list[str]]:
    """``(digest of this architecture's manifest, [])`` for an image index, ``(None, layer digests)`` for a manifest.

    Layers come last first, because the file that counts is the topmost one. Raises :class:`ValueError` when the body is
    neither, or has nothing for ``arch``.
    """
    document: Any = json.loads(body)
    if "layers" in document:
        return None, [layer["digest"] for layer in reversed(document["layers"])]
    for item in document.get("manifests", []):
        platform = item.get("platform", {})
        if platform.get("os") == "linux" and platform.get("architecture") == arch:
            return str(item["digest"]), []
    raise ValueError(f"it has no image for linux/{arch}")
