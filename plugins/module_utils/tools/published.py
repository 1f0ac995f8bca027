# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One published tool brought into a folder: a binary, an archive's member, a folder of an archive, or a file of an image."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tarfile
from functools import partial
from typing import Any, Callable
from urllib.parse import urlencode

from ansible_collections.edgefed.kubefed.plugins.module_utils.tools import packages
from ansible_collections.edgefed.kubefed.plugins.module_utils.tools.cache import writing
from ansible_collections.edgefed.kubefed.plugins.module_utils.tools.checksums import bearer_challenge, find_sha256, read_manifest
from ansible_collections.edgefed.kubefed.plugins.module_utils.tools.fetch import ChecksumError, Fetcher, FetchError, Tick
from ansible_collections.edgefed.kubefed.plugins.module_utils.tools.model import Download, Tool

MANIFEST_TYPES = ", ".join(
    (
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
        "application/vnd.docker.distribution.manifest.v2+json",
    )
)


def download(fetcher: Fetcher, tool: Tool, arch: str, folder: str, tick: Tick) -> None:
    """Put the tool's binary (or tree) into ``folder``.

    Raises :class:`FetchError` when it cannot be had, :class:`ChecksumError` when it is not what was published.
    """
    source = tool.download
    if source is None:
        raise AssertionError("the plan takes no tool without its source")
    if source.packages:
        packages.unpack(tool, arch, folder, tick)
        return
    target = os.path.join(folder, tool.binary)
    if source.image:
        _Image(fetcher, source.url, arch, tick).extract(f"sha256:{tool.sha256}", source.member, target)
        return
    name = source.url.rsplit("/", 1)[-1]
    sha256 = tool.sha256 or _published_sha256(fetcher, source, name)
    archive = os.path.join(folder, ".download")
    fetcher.save(source.url, archive, sha256, tick)
    if not source.member:
        os.rename(archive, target)
        return
    if not extract(archive, source.member, target, tool.tree):
        raise FetchError(f"{name} has no {source.member}", final=True)
    os.unlink(archive)


def _published_sha256(fetcher: Fetcher, source: Download, name: str) -> str:
    text = fetcher.body(source.checksums).decode("utf-8", "replace")
    sha256 = find_sha256(text, name)
    if sha256 is None:
        raise FetchError(f"{source.checksums} has no SHA-256 of {name}", final=True)
    return sha256


def extract(archive: str, member: str, target: str, tree: bool) -> bool:
    """Extract a file, or with ``tree`` a folder's regular files, to ``target``; whether the archive had it."""
    found = False
    try:
        with tarfile.open(archive) as files:
            for item in files:
                name = os.path.normpath(item.name)
                if not item.isfile() or name.startswith(("..", "/")):
                    continue
                if tree and name.startswith(f"{member}/"):
                    _write(files, item, os.path.join(target, os.path.relpath(name, member)))
                    found = True
                elif not tree and name == member:
                    _write(files, item, target)
                    return True
    except (tarfile.TarError, EOFError) as error:
        raise FetchError(f"the archive cannot be read: {error}", final=True) from None
    return found


def _write(files: tarfile.TarFile, item: tarfile.TarInfo, path: str) -> None:
    content = files.extractfile(item)
    if content is None:
        raise AssertionError("the plan takes no tool without its content")
    with writing(path):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            shutil.copyfileobj(content, file)
        os.chmod(path, 0o755 if item.mode & 0o100 else 0o644)


class _Image:
    """A container image's content, by the registry's HTTP API; every piece is checked against its digest."""

    def __init__(self, fetcher: Fetcher, name: str, arch: str, tick: Tick) -> None:
        host, self._repository = name.split("/", 1)
        self._base = f"https://{host}/v2/{self._repository}"
        self._fetcher = fetcher
        self._arch = arch
        self._tick = tick
        self._headers: dict[str, str] = {}

    def extract(self, digest: str, member: str, target: str) -> None:
        """Write ``member`` of the topmost layer that has it to ``target``."""
        for layer in self._layers(digest):
            blob = f"{target}.layer"
            self._authorised(partial(self._save_blob, layer, blob))
            found = extract(blob, member, target, tree=False)
            os.unlink(blob)
            if found:
                return
        raise FetchError(f"image {self._repository}@{digest} has no {member}", final=True)

    def _save_blob(self, digest: str, path: str) -> None:
        self._fetcher.save(f"{self._base}/blobs/{digest}", path, digest.removeprefix("sha256:"), self._tick, self._headers)

    def _layers(self, digest: str) -> list[str]:
        body = self._manifest(digest)
        try:
            chosen, layers = read_manifest(body, self._arch)
            if chosen:
                layers = read_manifest(self._manifest(chosen), self._arch)[1]
        except (ValueError, KeyError, TypeError) as error:
            raise FetchError(f"image {self._repository}@{digest}: {error}", final=True) from None
        return layers

    def _manifest(self, digest: str) -> bytes:
        url = f"{self._base}/manifests/{digest}"
        body: bytes = self._authorised(lambda: self._fetcher.body(url, {**self._headers, "Accept": MANIFEST_TYPES}))
        got = f"sha256:{hashlib.sha256(body).hexdigest()}"
        if got != digest:
            raise ChecksumError(url, digest, got)
        return body

    def _authorised(self, attempt: Callable[[], Any]) -> Any:
        try:
            return attempt()
        except FetchError as error:
            headers = {key.lower(): value for key, value in error.headers.items()}
            challenge = bearer_challenge(headers.get("www-authenticate", ""))
            if challenge is None or "Authorization" in self._headers:
                raise
        query = {"service": challenge.get("service", ""), "scope": f"repository:{self._repository}:pull"}
        try:
            answer = json.loads(self._fetcher.body(f"{challenge['realm']}?{urlencode(query)}"))
            self._headers["Authorization"] = f"Bearer {answer.get('token') or answer['access_token']}"
        except (ValueError, KeyError) as error:
            raise FetchError(f"the registry's token cannot be read: {error}", final=True) from None
        return attempt()
