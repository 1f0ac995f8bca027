# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Checksum files as vendors write them, registries' challenges and manifests."""

from __future__ import annotations

import json

import pytest

from ansible_collections.edgefed.kubefed.plugins.module_utils.tools.checksums import bearer_challenge, find_sha256, read_manifest

A, B = "a" * 64, "B" * 64


@pytest.mark.parametrize(
    ("text", "name", "expected"),
    [
        (A, "kubectl", A),
        (f"{B}\n", "kubectl", B.lower()),
        (f"{A}  helm-v3-linux-amd64.tar.gz\n", "helm-v3-linux-amd64.tar.gz", A),
        (f"{A} *binary-mode.tgz\n", "binary-mode.tgz", A),
        (f"{A}  ./bin/kwok\n", "kwok", A),
        (f"{A}  etcd-linux-arm64.tar.gz\r\n{B}  etcd-linux-amd64.tar.gz\r\n", "etcd-linux-amd64.tar.gz", B.lower()),
        (f"{A}  other.tgz\n", "wanted.tgz", None),
        (f"{A}  wanted.tgz.asc\n", "wanted.tgz", None),
        ("<html>not found</html>", "kubectl", None),
        ("", "kubectl", None),
        (f"{A[:-1]}  short.tgz", "short.tgz", None),
        (f"{A * 2}  sha512.tgz", "sha512.tgz", None),
    ],
)
def test_find_sha256(text: str, name: str, expected: str | None) -> None:
    assert find_sha256(text, name) == expected


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (
            'Bearer realm="https://quay.io/v2/auth",service="quay.io",scope="repository:a/b:pull"',
            {"realm": "https://quay.io/v2/auth", "service": "quay.io", "scope": "repository:a/b:pull"},
        ),
        ('bearer realm="x"', {"realm": "x"}),
        ('Basic realm="x"', None),
        ("", None),
    ],
)
def test_bearer_challenge(header: str, expected: dict[str, str] | None) -> None:
    assert bearer_challenge(header) == expected


def test_manifest_gives_layers_topmost_first() -> None:
    body = json.dumps({"layers": [{"digest": "sha256:1"}, {"digest": "sha256:2"}]}).encode()
    assert read_manifest(body, "amd64") == (None, ["sha256:2", "sha256:1"])


def test_index_gives_the_architectures_manifest() -> None:
    platforms = [("linux", "arm64", "sha256:arm"), ("windows", "amd64", "sha256:win"), ("linux", "amd64", "sha256:amd")]
    items = [{"digest": digest, "platform": {"os": os, "architecture": arch}} for os, arch, digest in platforms]
    body = json.dumps({"manifests": items}).encode()
    assert read_manifest(body, "amd64") == ("sha256:amd", [])
    assert read_manifest(body, "arm64") == ("sha256:arm", [])
    with pytest.raises(ValueError, match="linux/s390x"):
        read_manifest(body, "s390x")


def test_manifest_that_is_no_json() -> None:
    with pytest.raises(ValueError):
        read_manifest(b"<html>", "amd64")
