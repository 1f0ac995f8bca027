# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What to do for each tool: it is cached, is downloaded, or is built. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Collection, Mapping

from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import EdgefedError
from ansible_collections.edgefed.kubefed.plugins.module_utils.tools.model import GO, Table, Tool, acceptable, host_of

# Variables of their own for the digest of an image.
_DIGESTS = {"kubefed": "tools_kubefed_image_digest"}


@dataclass(frozen=True)
class Stamp:
    """What the cache noted when a tool was complete.

    ``source`` is ``download`` or ``build``, ``size`` the binary's bytes (0 for a tree), ``recipe`` the digest of the Go
    module and flags that it was built from (empty for a download).
    """

    source: str
    size: int
    recipe: str


@dataclass(frozen=True)
class Step:
    """One tool's part of the plan. ``action`` is ``cached``, ``download`` or ``build``; ``why`` says why it is built."""

    tool: Tool
    action: str
    why: str = ""


@dataclass(frozen=True)
class GoState:
    """The Go that was found: ``version`` is empty when there is none; ``obtainable`` when it can be downloaded."""

    version: str = ""
    path: str = ""
    obtainable: bool = False
    install_command: str = ""


def usable(stamp: Stamp | None, size: int, source: str, recipe: str) -> bool:
    """Whether a cached tool may be used: complete, from where the user wants it, and built as it would be built now."""
    if stamp is None or stamp.size != size:
        return False
    if source in ("download", "build") and stamp.source != source:
        return False
    return stamp.source != "build" or stamp.recipe == recipe


def not_downloadable(tools: Collection[Tool], arch: str, no_packages: str = "") -> dict[str, str]:
    """Why a tool cannot be downloaded, whatever the network says; ``no_packages`` says why this machine has none, if so."""
    blocked = {}
    for tool in tools:
        download = tool.download
        if download is None:
            blocked[tool.name] = "it is not published"
        elif arch not in download.arches:
            blocked[tool.name] = f"it is not published for {arch}"
        elif download.image and not tool.sha256:
            blocked[tool.name] = f"no digest of its image is pinned ({_DIGESTS.get(tool.name, f'tools_sha256: {{{tool.name}: …}}')})"
        elif download.packages:
            if no_packages:
                blocked[tool.name] = no_packages
        elif not download.checksums and not tool.sha256:
            blocked[tool.name] = f"its vendor publishes no checksum (set tools_sha256: {{{tool.name}: …}})"
    return blocked


def unreachable(tools: Collection[Tool], down: Mapping[str, str]) -> dict[str, str]:
    """Why a tool cannot be downloaded, when ``down`` maps a vendor's host to what is wrong with it."""
    return {
        tool.name: f"{host_of(tool.download)}: {down[host_of(tool.download)]}"
        for tool in tools
        if tool.download and host_of(tool.download) in down
    }


@dataclass(frozen=True)
class Situation:
    """What the plan depends on: ``blocked`` maps a tool to the reason why it cannot be downloaded."""

    source: str
    cached: Collection[str]
    blocked: Mapping[str, str]
    go: GoState


def make_plan(table: Table, needed: list[Tool], now: Situation) -> list[Step]:
    """The steps in order: cached, downloads (Go too when it must be fetched), then builds grouped by Go module.

    Raises :class:`EdgefedError` when a tool can be had in no way that ``source`` allows.
    """
    steps = [_step(tool, now) for tool in needed]
    builds = [step for step in steps if step.action == "build"]
    if bought := [step for step in builds if step.tool.build is None]:
        raise _only_packages(bought)
    downloads = [step for step in steps if step.action == "download"]
    if now.source == "download" and builds:
        raise _cannot_download(builds)
    go = table.tools[GO]
    if builds and GO not in now.cached and not acceptable(now.go.version or "0", go.accepts):
        if not now.go.obtainable:
            raise _no_go(go, now.go, builds)
        downloads.append(Step(go, "download", "to build with"))
    modules = list(table.flags)
    builds.sort(key=lambda step: modules.index(step.tool.build.module) if step.tool.build else -1)
    return [step for step in steps if step.action == "cached"] + downloads + builds


def _step(tool: Tool, now: Situation) -> Step:
    if tool.name in now.cached:
        return Step(tool, "cached")
    if now.source == "build" and tool.build:
        return Step(tool, "build", "tools_source is build")
    if tool.name in now.blocked:
        return Step(tool, "build", now.blocked[tool.name])
    return Step(tool, "download")


def build_groups(steps: list[Step]) -> dict[str, list[Tool]]:
    """The tools to build by Go module, in the plan's order: each module is built in one go."""
    groups: dict[str, list[Tool]] = {}
    for step in steps:
        if step.action == "build" and step.tool.build:
            groups.setdefault(step.tool.build.module, []).append(step.tool)
    return groups


def _reasons(steps: list[Step]) -> str:
    by_reason: dict[str, list[str]] = {}
    for step in steps:
        by_reason.setdefault(step.why, []).append(step.tool.name)
    return "; ".join(f"{', '.join(names)}: {why}" for why, names in by_reason.items())


def _details(steps: list[Step]) -> dict[str, Any]:
    return {"tools": {step.tool.name: step.why for step in steps}}


def _cannot_download(steps: list[Step]) -> EdgefedError:
    return EdgefedError(
        f"Cannot download with tools_source: download ({_reasons(steps)}). "
        "Next: check the network, proxy variables and tools_mirrors, or use tools_source: auto, which builds what cannot be downloaded.",
        code="no_download",
        details=_details(steps),
    )


def _only_packages(steps: list[Step]) -> EdgefedError:
    names = ", ".join(step.tool.name for step in steps)
    return EdgefedError(
        f"Cannot take {names} from this system's packages ({_reasons(steps)}). "
        "Next: check apt's sources, the network and proxy variables; or install it in any other way and use tools_source: path.",
        code="packages",
        details=_details(steps),
    )


def _no_go(wanted: Tool, go: GoState, steps: list[Step]) -> EdgefedError:
    have = f"Go {go.version} at {go.path} is too old" if go.version else "there is no Go"
    return EdgefedError(
        f"Go >= {wanted.accepts.minimum} is needed to build {', '.join(step.tool.name for step in steps)}, and {have}. "
        f"They must be built because they cannot be downloaded ({_reasons(steps)}). "
        f"Next: run `{go.install_command}` (or install Go any other way) and try again.",
        code="old_go" if go.version else "no_go",
        details=_details(steps),
    )
