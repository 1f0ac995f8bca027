# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The version table as a model: what a tool is, where its vendor publishes it, how it is built. Pure.

The table itself is ``roles/tools/vars/main.yml``; placeholders in its strings are ``{version}`` and ``{arch}``
(``amd64``, ``arm64``).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Collection, Mapping
from urllib.parse import urlsplit

from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import EdgefedError

MACHINES = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}
GO = "go"


@dataclass(frozen=True)
class Download:
    """Where the vendor publishes a tool.

    ``url`` is a file's address, or with ``image`` a container image's name without tag. ``member`` is the path inside
    the archive (empty: the file is the binary itself). ``checksums`` is the address of the vendor's checksum file, empty
    when there is none. ``arches`` are the published architectures. ``packages`` are those of this Debian or Ubuntu, in place of an address.
    """

    url: str
    image: bool
    member: str
    checksums: str
    arches: tuple[str, ...]
    packages: tuple[str, ...] = ()


@dataclass(frozen=True)
class Build:
    """How a tool comes out of a Go module: the ``package`` to build, named ``output`` by go; or a folder to copy.

    ``folder`` (inside the directory of the module ``package``) is copied for trees, each ``(file, pattern, text)`` of
    ``replace`` applied to it.
    """

    module: str
    package: str
    output: str
    folder: str
    replace: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True)
class Accepts:
    """Which versions of a binary on PATH will do: ``minimum`` <= version < ``below``."""

    minimum: str
    below: str


@dataclass(frozen=True)
class Tool:
    """One row of the version table. ``links`` are further names that the binary is called by."""

    name: str
    version: str
    binary: str
    tree: bool
    links: tuple[str, ...]
    accepts: Accepts
    version_arguments: tuple[str, ...]
    sha256: str
    download: Download | None
    build: Build | None


@dataclass(frozen=True)
class Table:
    """The version table of this machine's architecture; by Go module ``flags`` are linker flags, ``tags`` the build tags of some."""

    arch: str
    tools: Mapping[str, Tool]
    flags: Mapping[str, str]
    tags: Mapping[str, str] = field(default_factory=dict)

    def select(self, names: Collection[str]) -> list[Tool]:
        """The named tools in the table's order; raises for a name that is not in the table."""
        known = [name for name in self.tools if name != GO]
        unknown = sorted(set(names) - set(known))
        if unknown:
            raise EdgefedError(
                f"tools_needed names {', '.join(unknown)}, which the version table does not have. Next: choose from {', '.join(known)}.",
                code="unknown_tool",
                details={"unknown": unknown, "known": known},
            )
        return [self.tools[name] for name in known if name in names]


def architecture(system: str, machine: str) -> str:
    """``amd64`` or ``arm64`` from ``uname``'s words; raises for any other platform."""
    arch = MACHINES.get(machine.lower())
    if system != "Linux" or arch is None:
        raise EdgefedError(
            f"The tools exist for Linux on amd64 and arm64; this is {system} on {machine}. "
            "Next: run on such a machine, or bring your own with tools_source: path.",
            code="platform",
        )
    return arch


def load_table(raw: Mapping[str, Any], arch: str, sha256: Mapping[str, str], release: str = "linux") -> Table:
    """The table of ``arch`` from its YAML; ``sha256`` (by tool) overrides the checksums in it. Raises for a row that lacks a field.

    What comes from packages has as its version the ``release`` of the system that they are made for (``debian-12``).
    """
    _require("table", raw, ("tools", "go_modules"))
    tools = {name: _tool(name, row, arch, sha256.get(name, ""), release) for name, row in raw["tools"].items()}
    versions = {name.replace("-", "_"): tool.version for name, tool in tools.items()}
    flags = {module: " ".join(lines).format(**versions) for module, lines in raw["go_modules"].items()}
    return Table(arch, tools, flags, {module: ",".join(names) for module, names in raw.get("go_tags", {}).items()})


def _require(where: str, found: Any, fields: tuple[str, ...]) -> None:
    lacking = [name for name in fields if name not in found] if isinstance(found, Mapping) else ["fields"]
    if lacking:
        raise EdgefedError(
            f"{where} has no {' and no '.join(lacking)}. "
            "Next: give the table of role tools (roles/tools/vars/main.yml), as playbooks/tools.yml does.",
            code="table",
            details={"where": where, "lacking": lacking},
        )


def _tool(name: str, row: Mapping[str, Any], arch: str, sha256: str, release: str) -> Tool:
    def fill(text: str) -> str:
        return text.format(version=row["version"], arch=arch)

    where = f"table.tools.{name}"
    _require(where, row, ("version", "accepts"))
    _require(f"{where}.accepts", row["accepts"], ("minimum", "below"))
    return Tool(
        name=name,
        version=row["version"].format(release=release),
        binary=row.get("binary", name),
        tree=row.get("tree", False),
        links=tuple(row.get("links", ())),
        accepts=Accepts(row["accepts"]["minimum"], row["accepts"]["below"]),
        version_arguments=tuple(row.get("version_arguments", ())),
        sha256=(sha256 or row.get("sha256", {}).get(arch, "")).removeprefix("sha256:").lower(),
        download=_download(f"{where}.download", row["download"], fill) if "download" in row else None,
        build=_build(f"{where}.build", row["build"], fill) if "build" in row else None,
    )


def _download(where: str, row: Mapping[str, Any], fill: Any) -> Download:
    _require(where, row, ())
    _require(where, row, () if "image" in row or "packages" in row else ("url",))
    return Download(
        url=fill(row.get("url") or row.get("image", "")),
        image="image" in row,
        member=fill(row.get("member", "")),
        checksums=fill(row.get("checksums", "")),
        arches=tuple(row.get("arches", ("amd64", "arm64"))),
        packages=tuple(row.get("packages", ())),
    )


def _build(where: str, row: Mapping[str, Any], fill: Any) -> Build:
    _require(where, row, ("module", "package"))
    return Build(
        module=row["module"],
        package=row["package"],
        output=row.get("output", ""),
        folder=row.get("folder", ""),
        replace=tuple((item["file"], item["pattern"], fill(item["text"])) for item in row.get("replace", ())),
    )


def host_of(download: Download) -> str:
    """The vendor's host that a download comes from."""
    return download.url.split("/", 1)[0] if download.image else urlsplit(download.url).netloc


def mirrored(url: str, mirrors: Mapping[str, str]) -> str:
    """``url`` with its scheme and host replaced by what ``mirrors`` has for the host."""
    parts = urlsplit(url)
    base = mirrors.get(parts.netloc)
    if base is None:
        return url
    return base.rstrip("/") + parts.path + (f"?{parts.query}" if parts.query else "")


def version_in(text: str) -> str | None:
    """The first ``1.2.3`` in a command's output, or ``None``."""
    found = re.search(r"(?<![\d.])v?(\d+\.\d+\.\d+)", text)
    return found.group(1) if found else None


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version))


def acceptable(version: str, accepts: Accepts) -> bool:
    """Whether ``version`` lies in the range; pre-release words are ignored."""
    return _numbers(accepts.minimum) <= _numbers(version) and _numbers(version)[:2] < _numbers(accepts.below)
