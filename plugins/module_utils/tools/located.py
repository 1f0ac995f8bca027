# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The user's own tools (``tools_source: path``): found on PATH or in a folder, versions checked."""

from __future__ import annotations

import os
import shutil
import subprocess

from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import EdgefedError
from ansible_collections.edgefed.kubefed.plugins.module_utils.tools.model import Tool, acceptable, version_in

SECONDS = 20


def locate(tools: list[Tool], folder: str | None) -> tuple[dict[str, str], dict[str, str]]:
    """``(paths by name, versions by tool)``; every tool that is missing or of a wrong version is named in one error."""
    paths: dict[str, str] = {}
    versions: dict[str, str] = {}
    wrong: list[str] = []
    for tool in tools:
        found = {name: _find(name, folder, tool.tree) for name in (tool.links or (tool.binary,))}
        missing = [name for name, path in found.items() if path is None]
        if missing:
            wrong.append(f"{', '.join(f'{name}/Chart.yaml' if tool.tree else name for name in missing)} not found")
            continue
        there = {name: path for name, path in found.items() if path}
        first = next(iter(there.values()))
        version = _version(tool, first)
        if version is None:
            wrong.append(f"{first} does not tell its version")
        elif not acceptable(version, tool.accepts):
            wrong.append(f"{first} is {version}, needed >= {tool.accepts.minimum}, < {tool.accepts.below}")
        paths.update(there if tool.links else {tool.name: first})
        versions[tool.name] = version or ""
    if wrong:
        where = folder or "PATH"
        raise EdgefedError(
            f"With tools_source: path, {where} does not have the tools that are needed: {'; '.join(wrong)}. "
            "Next: install them there, point tools_path at their folder, or use tools_source: auto.",
            code="path",
            details={"wrong": wrong, "path": where},
        )
    return paths, versions


def _find(name: str, folder: str | None, tree: bool) -> str | None:
    if tree:
        path = os.path.join(folder, name) if folder else ""
        return os.path.abspath(path) if path and os.path.isfile(os.path.join(path, "Chart.yaml")) else None
    found = shutil.which(name, path=folder)
    return os.path.abspath(found) if found else None


def _version(tool: Tool, path: str) -> str | None:
    if tool.tree:
        return tool.version
    try:
        done = subprocess.run([path, *tool.version_arguments], capture_output=True, text=True, timeout=SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return version_in(done.stdout + done.stderr)


def binds_loopback(webhook: str) -> bool:
    """Whether this webhook can be told which address to bind (the project's own can, the published one cannot)."""
    try:
        done = subprocess.run([webhook, "--help"], capture_output=True, text=True, timeout=SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return "--bind-address" in done.stdout + done.stderr
