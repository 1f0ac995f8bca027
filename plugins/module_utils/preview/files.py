# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A preview as files, ``<cluster>/<namespace>/<kind>-<name>.yaml``: those that there have to be, and those of an earlier one that go."""

from __future__ import annotations

import contextlib
import os
from typing import Any

from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.diffs import as_text
from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import EdgefedError
from ansible_collections.edgefed.kubefed.plugins.module_utils.report import files

# No namespace may be called so.
NO_NAMESPACE = "_cluster"
MARK = "# Preview of edgefed: what cluster "
OPTION = "dest"
KEY_FILE = ".fingerprints"


def place(cluster: str, body: dict[str, Any]) -> str:
    """The path of an object's file in the preview's folder."""
    metadata = body["metadata"]
    namespace = metadata["name"] if body["kind"] == "Namespace" else metadata.get("namespace") or NO_NAMESPACE
    return os.path.join(cluster, namespace, f"{body['kind'].lower()}-{metadata['name']}.yaml")


def key_of(folder: str) -> bytes | None:
    """The key of the fingerprints in an earlier preview; with it the next one's can be compared."""
    try:
        return bytes.fromhex(_read(os.path.join(folder, KEY_FILE)) or "") or None
    except ValueError:
        return None


def keep_key(folder: str, key: bytes) -> None:
    """For the next preview."""
    files.write(os.path.join(folder, KEY_FILE), key.hex(), OPTION)


def text(cluster: str, body: dict[str, Any], key: bytes) -> str:
    """The file of an object; of a Secret's data it has fingerprints only, by ``key``."""
    secret = " The data are fingerprints." if body["kind"] == "Secret" else ""
    return f"{MARK}{cluster} would get.{secret}\n{as_text(body, key)}"


def stale(folder: str, wanted: dict[str, str]) -> dict[str, str]:
    """Files of earlier previews that are not among ``wanted``, with their texts. What others put there stays."""
    found = {}
    for here, _folders, names in os.walk(folder):
        for name in sorted(names):
            path = os.path.join(here, name)
            content = _read(path) if name.endswith(".yaml") and path not in wanted else None
            if content and content.startswith(MARK):
                found[path] = content
    return found


def _read(path: str) -> str | None:
    return files.read(path, OPTION)


def plan(folder: str, wanted: dict[str, str]) -> tuple[list[dict[str, str]], dict[str, str], list[str]]:
    """``(diffs, texts to write by path, paths to remove)`` for ``wanted`` texts by path."""
    old = stale(folder, wanted)
    there = {path: _read(path) or "" for path in wanted}
    write = {path: content for path, content in wanted.items() if there[path] != content or not files.is_private(path)}
    changes = [(path, there[path], wanted[path]) for path in write] + [(path, content, "") for path, content in old.items()]
    diffs = [
        {"before": before, "after": after, "before_header": path, "after_header": path}
        for path, before, after in sorted(changes)
        if before != after
    ]
    return diffs, write, list(old)


def carry_out(folder: str, write: dict[str, str], remove: list[str]) -> None:
    """Bring the folder to it; folders that are empty then go too. Raises :class:`EdgefedError`."""
    for path, content in write.items():
        files.write(path, content, OPTION)
    for path in remove:
        files.remove(path, OPTION)
        inner = os.path.dirname(path)
        with contextlib.suppress(OSError):
            while inner != folder:
                os.rmdir(inner)
                inner = os.path.dirname(inner)


def check_folder(folder: str) -> None:
    """Refuse a path that is no folder."""
    if os.path.exists(folder) and not os.path.isdir(folder):
        raise EdgefedError(
            f"The preview cannot be written to {folder}: it is a file. Next: choose a folder ({OPTION}).", code="report_file"
        )
