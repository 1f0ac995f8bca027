# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whose images kind clusters get, asked of a server of the test's own on 127.0.0.1."""

from __future__ import annotations

import http.server
import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.edgefed.kubefed.plugins.module_utils.kind import commands
from ansible_collections.edgefed.kubefed.plugins.module_utils.kind.images import REGISTRIES, Wanted, choose, recipe
from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import EdgefedError
from ansible_collections.edgefed.kubefed.plugins.module_utils.tools.cache import Cache
from ansible_collections.edgefed.kubefed.plugins.module_utils.tools.ensure import Request
from ansible_collections.edgefed.kubefed.plugins.module_utils.tools.model import load_table
from ansible_collections.edgefed.kubefed.plugins.module_utils.tools.options import request_of
from ansible_collections.edgefed.kubefed.plugins.modules import kind_image

ROLE = Path(__file__).resolve().parents[3] / "roles" / "tools"
VARIABLES = yaml.safe_load((ROLE / "vars" / "main.yml").read_text())
PULLED = "kindest/node:v1@sha256:0"


@pytest.fixture
def registry() -> Iterator[Callable[[int, dict[str, str]], str]]:
    """A server that answers everything with one status and headers; gives its address."""
    servers = []

    def start(status: int, headers: dict[str, str]) -> str:
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                del format, args

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def wanted(tmp_path: Path, images: str, address: str, files: Path = ROLE / "files" / "kind") -> Wanted:
    table = load_table(VARIABLES["_tools_table"], "amd64", {})
    needed = table.select(VARIABLES["_tools_kind_image"])
    mirrors = dict.fromkeys(REGISTRIES, address)
    tools = Request(table, needed, "auto", Cache(str(tmp_path)), str(ROLE / "files" / "go"), mirrors, 4)
    return Wanted(tools, images, PULLED, str(files), ("nginx:1.17",), "")


CHALLENGE = {"WWW-Authenticate": 'Bearer realm="http://127.0.0.1/token"'}


@pytest.mark.parametrize(
    ("images", "answer", "pulled"),
    [
        ("auto", (401, CHALLENGE), True),
        ("auto", (200, {}), True),
        # A corporate proxy answers in the registry's place.
        ("auto", (403, {}), False),
        ("auto", (502, {}), False),
        ("build", (401, CHALLENGE), False),
        ("pull", (502, {}), True),
    ],
)
def test_images_are_pulled_where_registries_answer(
    tmp_path: Path, registry: Any, images: str, answer: tuple[int, dict[str, str]], pulled: bool
) -> None:
    chosen = choose(wanted(tmp_path, images, registry(*answer)))
    assert (chosen.node == PULLED) is pulled
    assert bool(chosen.archive) is not pulled
    assert chosen.made is not pulled
    assert list(tmp_path.iterdir()) == [], "choosing makes nothing"


def test_where_nothing_listens_they_are_built_and_the_reason_is_told(tmp_path: Path) -> None:
    chosen = choose(wanted(tmp_path, "auto", "http://127.0.0.1:9"))
    assert chosen.made
    assert "registry-1.docker.io" in chosen.why and "connection refused" in chosen.why
    assert chosen.stand_ins == ("docker.io/library/nginx:1.17",)


def test_an_archive_in_the_cache_is_taken_without_asking(tmp_path: Path) -> None:
    asked = wanted(tmp_path, "auto", "http://127.0.0.1:9")
    archive = Path(choose(asked).archive)
    archive.parent.mkdir(parents=True)
    archive.touch()
    chosen = choose(asked)
    assert not chosen.made
    assert chosen.archive == str(archive)
    assert chosen.why == "cached"


def test_what_the_machine_lacks_is_told_before_anything_is_brought(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Programs of clusters and of building at once; and of building only where it is to be done."""
    monkeypatch.setattr(commands, "which", lambda name: None)
    asked = {"state": "checked", "images": "build", "node_image": PULLED, "files_dir": str(ROLE / "files" / "kind"), "hosts": ["zj"]}
    asked |= {"needed": VARIABLES["_tools_kind_image"], "table": VARIABLES["_tools_table"], "go_dir": str(ROLE / "files" / "go")}
    asked |= {"cache_dir": str(tmp_path / "cache"), "folder": str(tmp_path / "lab")}
    params = ArgumentSpecValidator(kind_image.ARGUMENT_SPEC, **kind_image.CONSTRAINTS).validate(asked).validated_parameters
    with pytest.raises(EdgefedError, match=r"podman.*Building the node image of kind needs .*debootstrap.*Nothing was changed"):
        kind_image.run(params, False, False, print)
    assert list(tmp_path.iterdir()) == []
    archive = Path(choose(Wanted(request_of(params), "build", PULLED, params["files_dir"], (), "")).archive)
    archive.parent.mkdir(parents=True)
    archive.touch()
    with pytest.raises(EdgefedError) as told:
        kind_image.run(params, False, False, print)
    assert "podman" in told.value.message and "debootstrap" not in told.value.message


def test_another_file_makes_another_archive(tmp_path: Path) -> None:
    files = tmp_path / "kind"
    shutil.copytree(ROLE / "files" / "kind", files)
    before = recipe(wanted(tmp_path, "build", "", files))
    assert before == recipe(wanted(tmp_path, "build", ""))
    for file in sorted(files.iterdir()):
        content = file.read_bytes()
        file.write_bytes(content + b"\n")
        assert recipe(wanted(tmp_path, "build", "", files)) != before, file.name
        file.write_bytes(content)
