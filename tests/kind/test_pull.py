# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Images that are pulled, from a registry of the test's own in Docker Hub's place: the node image by digest, one more by tag."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from integration.waiting import closed_port, until
from kind_site import WEB, Site, prepare, run

MORE, ZSTD_IMAGE = "docker.io/edgefed/pulled:1", "docker.io/edgefed/zstd:1"
NODE = "tk-zj-control-plane"
ONLY = ("--limit", "zj")
# Quicker than gzip. Podman 4.3 runs such images, and cannot save them for a node.
ZSTD = ("--compression-format", "zstd", "--format", "oci")


@dataclass(frozen=True)
class Registry:
    """Where it is, and what it was asked."""

    address: str
    log: Path

    def was_asked_for(self, manifest: str) -> bool:
        return f"GET /v2/{manifest}" in self.log.read_text()


def answers(address: str) -> bool:
    host, _colon, port = address.partition(":")
    with socket.socket() as client:
        return client.connect_ex((host, int(port))) == 0


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Registry]:
    """go-containerregistry's registry on loopback; nothing else is asked for names of docker.io, as a company's mirror would have it."""
    if not shutil.which("go"):
        pytest.skip("there is no Go to build a registry with")
    program = tmp_path / "registry"
    run("go", "-C", str(Path(__file__).with_name("registry")), "build", "-o", str(program), ".")
    address = f"127.0.0.1:{closed_port()}"
    settings = tmp_path / "registries.conf"
    settings.write_text(f'[[registry]]\nprefix = "docker.io"\nlocation = "{address}"\ninsecure = true\n')
    monkeypatch.setenv("CONTAINERS_REGISTRIES_CONF", str(settings))
    log, layers = tmp_path / "registry.log", tmp_path / "layers"
    layers.mkdir()
    with log.open("wb") as sink, subprocess.Popen([program, address, layers], stdout=sink, stderr=sink) as process:
        until(lambda: answers(address), log.read_text)
        yield Registry(address, log)
        process.terminate()


def pushed(site: Site, registry: Registry, image: str, name: str, digest: Path, *options: str) -> str:
    """The digest of an image of the lab's podman, put into the registry."""
    how = ("--tls-verify=false", *options, "--digestfile", str(digest))
    site.podman("push", *how, image, f"{registry.address}/{name}")
    return digest.read_text().strip()


def test_pulled(site: Site, registry: Registry, images: dict[str, Any], tmp_path: Path) -> None:
    """The node image by its digest and another image, again nothing to do, and what the registry has not is named."""
    prepare(site, images)
    digest = pushed(site, registry, images["node"], "kindest/node:v1", tmp_path / "digest", *ZSTD)
    pushed(site, registry, WEB, "edgefed/pulled:1", tmp_path / "digest.more")
    pushed(site, registry, WEB, "edgefed/zstd:1", tmp_path / "digest.zstd", *ZSTD)
    node = f"kindest/node:v1@{digest}"
    wanted = {"lab_kind_images": "pull", "tools_kind_node_image": node, "lab_kind_load_images": [MORE]}
    try:
        site.play("lab_up.yml", *ONLY, "-e", json.dumps(wanted))
        assert digest in site.podman("container", "inspect", "--format", "{{.ImageName}}", NODE).stdout
        assert registry.was_asked_for(f"kindest/node/manifests/{digest}") and registry.was_asked_for("edgefed/pulled/manifests/1")
        assert MORE.rpartition(":")[0] in site.podman("exec", NODE, "crictl", "images").stdout
        assert "changed=1" not in site.play("lab_up.yml", *ONLY, "-e", json.dumps(wanted)).stdout
        for image, said in {"absent": "Pulling image docker.io/edgefed/absent:1", "zstd": "zstd"}.items():
            more = {**wanted, "lab_kind_load_images": [f"docker.io/edgefed/{image}:1"]}
            refused = site.play("lab_up.yml", *ONLY, "-e", json.dumps(more), check=False)
            assert refused.returncode != 0 and said in " ".join((refused.stdout + refused.stderr).split())
    finally:
        site.play("lab_down.yml")
        site.podman("rmi", "--force", f"docker.io/kindest/node@{digest}", MORE, ZSTD_IMAGE, check=False)
