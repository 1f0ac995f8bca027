# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Bring every needed tool into the cache: look, plan, download, build."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Mapping

from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import EdgefedError
from ansible_collections.edgefed.kubefed.plugins.module_utils.tools import golang, published
from ansible_collections.edgefed.kubefed.plugins.module_utils.tools.cache import Cache, writing
from ansible_collections.edgefed.kubefed.plugins.module_utils.tools.fetch import Fetcher, FetchError
from ansible_collections.edgefed.kubefed.plugins.module_utils.tools.model import GO, Table, Tool, acceptable, host_of
from ansible_collections.edgefed.kubefed.plugins.module_utils.tools.packages import missing_programs
from ansible_collections.edgefed.kubefed.plugins.module_utils.tools.plan import (
    GoState,
    Situation,
    Step,
    build_groups,
    make_plan,
    not_downloadable,
    unreachable,
    usable,
)
from ansible_collections.edgefed.kubefed.plugins.module_utils.tools.progress import Progress


@dataclass(frozen=True)
class Request:
    """What is wanted. ``go_dir`` holds one folder per Go module; ``probe_timeout`` is in seconds."""

    table: Table
    needed: list[Tool]
    source: str
    cache: Cache
    go_dir: str
    mirrors: Mapping[str, str]
    probe_timeout: float


@dataclass
class Outcome:
    """By tool: where it came from (``download``, ``build``), what this run did (also ``cached``), why it was built."""

    sources: dict[str, str] = field(default_factory=dict)
    actions: dict[str, str] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)


def ensure(request: Request, progress: Progress, check: bool) -> Outcome:
    """Make every needed tool complete in the cache; with ``check`` only say what would be done."""
    workshop = _Workshop(request, progress)
    steps = workshop.plan()
    outcome = Outcome()
    for step in steps:
        outcome.actions[step.tool.name] = step.action
    if not check:
        steps = workshop.carry_out(steps, outcome)
    for step in steps:
        if step.action == "build":
            outcome.reasons[step.tool.name] = step.why
    for tool in request.needed:
        stamp, _size = request.cache.stamp(tool)
        planned = outcome.actions[tool.name]
        outcome.sources[tool.name] = stamp.source if stamp and (planned == "cached" or not check) else planned
    return outcome


def module_dir(go_dir: str, module: str) -> str:
    """The folder of a Go module of the table."""
    return os.path.realpath(os.path.join(go_dir, module))


def tool_recipe(table: Table, tool: Tool, go_dir: str) -> str:
    """The digest of what the tool is built from; empty for one that is never built."""
    if tool.build is None:
        return ""
    flags = f"{table.flags[tool.build.module]} {tool.build}"
    tags = table.tags.get(tool.build.module, "")
    return golang.recipe(module_dir(go_dir, tool.build.module), f"{flags} {tags}" if tags else flags)


class _Workshop:
    """One run's knowledge: which hosts are down, which downloads failed, which Go there is."""

    def __init__(self, request: Request, progress: Progress) -> None:
        self._request = request
        self._table = request.table
        self._cache = request.cache
        self._progress = progress
        self._fetcher = Fetcher(request.mirrors)
        self._blocked: dict[str, str] = {}
        self._go: golang.Go | None = None

    def plan(self) -> list[Step]:
        """The steps, after asking the vendors' hosts and looking for Go where that matters."""
        request = self._request
        missing = [tool for tool in request.needed if not self._is_cached(tool)]
        if missing:
            self._look_around(missing)
        return self._planned()

    def _planned(self) -> list[Step]:
        tools = [*self._request.needed, self._table.tools[GO]]
        cached = [tool.name for tool in tools if self._is_cached(tool)]
        go = GoState(
            version=self._go.version if self._go else "",
            path=self._go.path if self._go else "",
            obtainable=GO not in self._blocked,
            install_command=golang.INSTALL_COMMAND,
        )
        return make_plan(self._table, self._request.needed, Situation(self._request.source, cached, self._blocked, go))

    def _look_around(self, missing: list[Tool]) -> None:
        asked = [tool for tool in missing if self._request.source != "build" or tool.build is None]
        go = self._table.tools[GO]
        if self._request.source != "download":
            self._go = golang.find_go(next(iter(self._module_dirs()), "/"), self._cached_go())
            if not (self._go and acceptable(self._go.version, go.accepts)) and not self._is_cached(go):
                asked.append(go)
        self._blocked = not_downloadable(asked, self._table.arch, missing_programs())
        # Apt knows its own mirrors.
        open_ones = [tool for tool in asked if tool.name not in self._blocked and tool.download and not tool.download.packages]
        urls = {host_of(tool.download): _address(tool) for tool in open_ones if tool.download}
        down = self._fetcher.probe(urls, self._request.probe_timeout)
        self._blocked.update(unreachable(open_ones, down))

    def _cached_go(self) -> str:
        return os.path.join(self._cache.binary(self._table.tools[GO]), "bin", "go")

    def _module_dirs(self) -> list[str]:
        return [path for path in map(self._module_dir, self._table.flags) if os.path.isdir(path)]

    def _module_dir(self, module: str) -> str:
        return module_dir(self._request.go_dir, module)

    def _recipe(self, tool: Tool) -> str:
        if tool.build is None:
            return ""
        return tool_recipe(self._table, tool, self._request.go_dir)

    def _is_cached(self, tool: Tool) -> bool:
        stamp, size = self._cache.stamp(tool)
        source = self._request.source if tool.build else "auto"
        recipe = self._recipe(tool) if stamp and stamp.source == "build" else ""
        return usable(stamp, size, source, recipe)

    def carry_out(self, steps: list[Step], outcome: Outcome) -> list[Step]:
        """Do the steps; what cannot be downloaded after all is built. Gives the steps that were built in the end."""
        while downloads := [step for step in steps if step.action == "download"]:
            self._progress.total = self._progress.done + sum(step.action != "cached" for step in steps)
            for step in downloads:
                self._try_download(step.tool, outcome)
            steps = self._planned()
        builds = [step for step in steps if step.action == "build"]
        outcome.actions.update({step.tool.name: "build" for step in builds})
        self._progress.total = self._progress.done + len(builds)
        for module, tools in build_groups(builds).items():
            self._build(module, tools, outcome)
        return builds

    def _try_download(self, tool: Tool, outcome: Outcome) -> None:
        try:
            self._download(tool, outcome)
        except FetchError as error:
            if self._request.source == "download":
                raise EdgefedError(
                    f"Cannot download {tool.name} {tool.version}: {error}. "
                    "Next: check the network, proxy variables and tools_mirrors, or use tools_source: auto, which then builds it.",
                    code="download",
                    details={"tool": tool.name},
                ) from None
            self._blocked[tool.name] = str(error)
            self._progress.begin(tool.name, f"cannot be downloaded: {error}")

    def _download(self, tool: Tool, outcome: Outcome) -> None:
        with self._cache.locked([tool.name], self._progress):
            if self._is_cached(tool):
                outcome.actions[tool.name] = "cached"
            else:
                self._progress.begin(tool.name, "downloading")
                with self._cache.staged(tool, "download") as folder:
                    published.download(self._fetcher, tool, self._table.arch, folder, lambda what: self._progress.tick(tool.name, what))
        self._progress.done += 1

    def _build(self, module: str, tools: list[Tool], outcome: Outcome) -> None:
        locks = [*(tool.name for tool in tools), f"go-{module}"]
        with self._cache.locked(locks, self._progress):
            missing = [tool for tool in tools if not self._is_cached(tool)]
            for tool in tools:
                if tool not in missing:
                    outcome.actions[tool.name] = "cached"
            self._progress.done += len(tools) - len(missing)
            if missing:
                self._build_missing(module, missing)

    def _build_missing(self, module: str, tools: list[Tool]) -> None:
        go = golang.find_go(self._module_dir(module), self._cached_go())
        if go is None:
            raise AssertionError("the plan takes no tool without its go")
        source = golang.GoModule(go, self._module_dir(module), self._table.flags[module], self._table.tags.get(module, ""))
        out = os.path.join(self._cache.root, f".go-{module}.part")
        watch = _Watch(self._progress, out, tools)
        self._progress.begin(
            watch.current(), "building" if len(tools) == 1 else f"building, with {len(tools) - 1} more of Go module {module}"
        )
        with writing(out):
            self._cache.discard(out)
            os.makedirs(out)
        try:
            packages = list(dict.fromkeys(tool.build.package for tool in tools if tool.build and not tool.tree))
            if packages:
                golang.build(source, packages, out, watch.tick)
            for tool in tools:
                self._install_built(source, tool, out, watch)
                watch.appeared(tool.name)
        finally:
            self._cache.discard(out)

    def _install_built(self, source: golang.GoModule, tool: Tool, out: str, watch: _Watch) -> None:
        if tool.build is None:
            raise AssertionError("the plan takes no tool without its build")
        with self._cache.staged(tool, "build", self._recipe(tool)) as folder:
            target = os.path.join(folder, tool.binary)
            if tool.tree:
                golang.copy_folder(source, tool, target, watch.tick)
                return
            with writing(target):
                os.link(os.path.join(out, tool.build.output or tool.name), target)


class _Watch:
    """Tells of a running ``go build`` which of its binaries have appeared."""

    def __init__(self, progress: Progress, out: str, tools: list[Tool]) -> None:
        self._progress = progress
        self._pending = {tool.name: os.path.join(out, tool.build.output or tool.name) for tool in tools if tool.build}

    def current(self) -> str:
        """The first tool that has not appeared."""
        return next(iter(self._pending), "the last one")

    def tick(self) -> None:
        """Say what appeared since the last look; else, now and then, that it goes on."""
        for name in [name for name, path in self._pending.items() if os.path.exists(path)]:
            self.appeared(name)
        self._progress.tick(self.current(), "building")

    def appeared(self, name: str) -> None:
        """This one is there."""
        if self._pending.pop(name, None) is not None:
            self._progress.begin(name, "built")
            self._progress.done += 1


def _address(tool: Tool) -> str:
    if tool.download is None:
        raise AssertionError("the plan takes no tool without its download")
    return f"https://{host_of(tool.download)}/v2/" if tool.download.image else tool.download.url
