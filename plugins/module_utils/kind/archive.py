# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Container images written as files, without a container engine: layers, and the archive that every engine loads.

The format is what ``docker save`` writes and ``podman load``, ``docker load`` and ``ctr images import`` read. The same
content gives the same bytes.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import tarfile
from dataclasses import dataclass, field
from typing import IO, Any

# One moment for all files of all images, so that nothing depends on when they were made.
MOMENT = 1767225600
CREATED = "2026-01-01T00:00:00Z"


@dataclass(frozen=True)
class Image:
    """One image of one layer. ``config`` is the ``config`` part of the image's JSON (``Entrypoint``, ``Env``, ``Labels`` …)."""

    tags: tuple[str, ...]
    layer: str
    arch: str
    config: dict[str, Any] = field(default_factory=dict)


def write_layer(path: str, files: dict[str, str], links: dict[str, str], folders: tuple[str, ...] = ()) -> None:
    """A layer's tar at ``path``: ``files`` (name in the image -> file here), ``links`` (name -> target), empty ``folders``."""
    wanted = {*folders, *(parent for name in [*files, *links, *folders] for parent in _parents(name))}
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as tar:
        for name in sorted(wanted):
            tar.addfile(_entry(name, tarfile.DIRTYPE, 0o1777 if name == "tmp" else 0o755))
        for name, target in sorted(links.items()):
            entry = _entry(name, tarfile.SYMTYPE, 0o777)
            entry.linkname = target
            tar.addfile(entry)
        for name, source in sorted(files.items()):
            with open(source, "rb") as file:
                executable = os.access(source, os.X_OK) or ".so" in os.path.basename(name)
                entry = _entry(name, tarfile.REGTYPE, 0o755 if executable else 0o644)
                entry.size = os.fstat(file.fileno()).st_size
                tar.addfile(entry, file)


def _parents(name: str) -> list[str]:
    parts = name.split("/")[:-1]
    return ["/".join(parts[: count + 1]) for count in range(len(parts))]


def _entry(name: str, kind: bytes, mode: int) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.type, entry.mode, entry.mtime = kind, mode, MOMENT
    return entry


def sha256_of(path: str) -> str:
    """The file's SHA-256."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def image_json(image: Image, diff_id: str) -> bytes:
    """The image's own JSON, whose digest is the image's id."""
    document = {
        "architecture": image.arch,
        "os": "linux",
        "created": CREATED,
        "config": image.config,
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{diff_id}"]},
        "history": [{"created": CREATED, "created_by": "edgefed"}],
    }
    return json.dumps(document, sort_keys=True).encode()


def write_archive(target: IO[bytes], images: list[Image]) -> dict[str, str]:
    """Write the images to a stream; gives the id of each tag's image."""
    ids: dict[str, str] = {}
    manifest: list[dict[str, Any]] = []
    with tarfile.open(fileobj=target, mode="w|", format=tarfile.PAX_FORMAT) as tar:
        for image in images:
            diff_id = sha256_of(image.layer)
            config = image_json(image, diff_id)
            image_id = hashlib.sha256(config).hexdigest()
            layer_name, config_name = f"{diff_id}.tar", f"{image_id}.json"
            if layer_name not in [layer for one in manifest for layer in one["Layers"]]:
                with open(image.layer, "rb") as file:
                    entry = _entry(layer_name, tarfile.REGTYPE, 0o644)
                    entry.size = os.fstat(file.fileno()).st_size
                    tar.addfile(entry, file)
            _add_bytes(tar, config_name, config)
            manifest.append({"Config": config_name, "RepoTags": list(image.tags), "Layers": [layer_name]})
            ids.update(dict.fromkeys(image.tags, f"sha256:{image_id}"))
        _add_bytes(tar, "manifest.json", json.dumps(manifest).encode())
    return ids


def _add_bytes(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    entry = _entry(name, tarfile.REGTYPE, 0o644)
    entry.size = len(content)
    tar.addfile(entry, io.BytesIO(content))
