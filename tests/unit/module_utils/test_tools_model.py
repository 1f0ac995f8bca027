# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The model of the version table, and the real table against the Go modules that it is built from."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import EdgefedError
from ansible_collections.edgefed.kubefed.plugins.module_utils.tools.model import (
    Accepts,
    acceptable,
    architecture,
    host_of,
    load_table,
    mirrored,
    version_in,
)

ROLE = Path(__file__).resolve().parents[3] / "roles" / "tools"
VARIABLES = yaml.safe_load((ROLE / "vars" / "main.yml").read_text())
RAW: dict[str, Any] = VARIABLES["_tools_table"]


@pytest.mark.parametrize(
    ("system", "machine", "expected"),
    [("Linux", "x86_64", "amd64"), ("Linux", "aarch64", "arm64"), ("Linux", "arm64", "arm64"), ("Linux", "AMD64", "amd64")],
)
def test_architecture(system: str, machine: str, expected: str) -> None:
    assert architecture(system, machine) == expected


@pytest.mark.parametrize(("system", "machine"), [("Darwin", "arm64"), ("Linux", "riscv64"), ("Windows", "AMD64")])
def test_other_platforms_are_refused(system: str, machine: str) -> None:
    with pytest.raises(EdgefedError, match=f"{system} on {machine}.*Next:"):
        architecture(system, machine)


ROW = {"version": "1.0.0", "accepts": {"minimum": "1.0.0", "below": "2.0"}}


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({}, "table has no tools and no go_modules"),
        ({"tools": {"x": None}, "go_modules": {}}, "table.tools.x has no fields"),
        ({"tools": {"x": {"accepts": {}}}, "go_modules": {}}, "table.tools.x has no version"),
        ({"tools": {"x": {**ROW, "accepts": {"below": "2"}}}, "go_modules": {}}, "table.tools.x.accepts has no minimum"),
        ({"tools": {"x": {**ROW, "download": {}}}, "go_modules": {}}, "table.tools.x.download has no url"),
        ({"tools": {"x": {**ROW, "download": "https"}}, "go_modules": {}}, "table.tools.x.download has no fields"),
        ({"tools": {"x": {**ROW, "build": {"module": "m"}}}, "go_modules": {}}, "table.tools.x.build has no package"),
    ],
)
def test_a_table_that_is_not_one_is_told_by_its_field(table: Any, said: str) -> None:
    with pytest.raises(EdgefedError, match=f"^{re.escape(said)}. Next: "):
        load_table(table, "amd64", {})


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://dl.k8s.io/release/v1/kubectl", "http://127.0.0.1:80/k8s/release/v1/kubectl"),
        ("https://dl.k8s.io/a?b=c", "http://127.0.0.1:80/k8s/a?b=c"),
        ("https://get.helm.sh/helm.tgz", "https://get.helm.sh/helm.tgz"),
    ],
)
def test_mirrored(url: str, expected: str) -> None:
    assert mirrored(url, {"dl.k8s.io": "http://127.0.0.1:80/k8s/"}) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Client Version: v1.34.4\nKustomize Version: v5.7.1", "1.34.4"),
        ("etcd Version: 3.6.8\nGo Version: go1.26.8", "3.6.8"),
        ("v3.19.5+g1234", "3.19.5"),
        ('version.Info{Version:"v0.9.2-29-g76ad91b1f"}', "0.9.2"),
        ("kwok version v0.7.0 go1.26.8 (linux/amd64)", "0.7.0"),
        ("no version here, 1.2 only", None),
    ],
)
def test_version_in(text: str, expected: str | None) -> None:
    assert version_in(text) == expected


@pytest.mark.parametrize(
    ("version", "minimum", "below", "expected"),
    [
        ("1.34.4", "1.34", "1.35", True),
        ("1.34.0", "1.34", "1.35", True),
        ("1.35.0", "1.34", "1.35", False),
        ("1.33.9", "1.34", "1.35", False),
        ("3.19.5", "3.8", "4", True),
        ("3.7.9", "3.8", "4", False),
        ("4.0.0", "3.8", "4", False),
        ("1.9", "1.24", "2", False),
        ("1.100.1", "1.24", "2", True),
        ("0", "1.24", "2", False),
    ],
)
def test_acceptable(version: str, minimum: str, below: str, expected: bool) -> None:
    assert acceptable(version, Accepts(minimum, below)) is expected


# Not published by their vendors as programs, or the project's own.
OURS = ("kind-files", "pause", "net", "web")
# Out of the packages of the system.
PACKAGED = ("bind9", "nginx")
KUBERNETES = ("kubectl", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubelet", "kubeadm", "kube-proxy")


@pytest.mark.parametrize("arch", ["amd64", "arm64"])
def test_every_placeholder_of_the_real_table_is_filled(arch: str) -> None:
    table = load_table(RAW, arch, {}, "debian-12")
    assert not [flags for flags in table.flags.values() if "{" in flags]
    assert set(table.tags) <= set(table.flags)
    for tool in table.tools.values():
        assert not re.search(r"\{(version|arch|release)\}", repr(tool))
        if tool.name in OURS:
            assert tool.download is None and tool.build
            continue
        assert tool.download is not None
        if tool.name in PACKAGED:
            assert tool.download.packages and tool.build is None and tool.version == "debian-12"
            continue
        assert tool.version in tool.download.url or tool.download.image or tool.name == "go"
        assert tool.name == "go" or tool.version_arguments or tool.tree


def test_vendors_addresses() -> None:
    tools = load_table(RAW, "arm64", {}).tools
    downloads = {name: tool.download for name, tool in tools.items() if tool.download}
    assert downloads["kube-apiserver"].url == "https://dl.k8s.io/release/v1.34.4/bin/linux/arm64/kube-apiserver"
    assert downloads["helm"].checksums == "https://get.helm.sh/helm-v3.19.5-linux-arm64.tar.gz.sha256sum"
    assert downloads["etcd"].member == "etcd-v3.6.8-linux-arm64/etcd"
    assert {name: host_of(download) for name, download in downloads.items() if download.image} == {
        "kubefed": "quay.io",
        "external-dns": "registry.k8s.io",
    }


def test_versions_of_the_table_are_those_of_the_go_modules() -> None:
    required: dict[str, str] = {}
    for module in RAW["go_modules"]:
        text = (ROLE / "files" / "go" / module / "go.mod").read_text()
        required.update(re.findall(r"^\s*(?:require )?(\S+) v(\S+)", text, re.MULTILINE))
    wanted = {
        "etcd": "go.etcd.io/etcd/server/v3",
        "helm": "helm.sh/helm/v3",
        "kwok": "sigs.k8s.io/kwok",
        "kwokctl": "sigs.k8s.io/kwok",
        "kubefed": "sigs.k8s.io/kubefed",
        "kubefedctl": "sigs.k8s.io/kubefed",
        "kubefed-chart": "sigs.k8s.io/kubefed",
        **dict.fromkeys(KUBERNETES, "k8s.io/kubernetes"),
        "kind": "sigs.k8s.io/kind",
        "kind-files": "sigs.k8s.io/kind",
        "coredns": "github.com/coredns/coredns",
        "external-dns": "sigs.k8s.io/external-dns",
        **dict.fromkeys(("containerd", "containerd-shim-runc-v2", "ctr"), "github.com/containerd/containerd/v2"),
    }
    versions = {name: row["version"] for name, row in RAW["tools"].items() if name not in ("go", "pause", "net", "web", *PACKAGED)}
    assert versions == {name: required[module] for name, module in wanted.items()}
    kinds = {*VARIABLES["_tools_kind"], *VARIABLES["_tools_kind_image"]}
    assert set(VARIABLES["_tools_lab"]) | kinds == {*wanted, "pause", "net", "web"} - {"external-dns"}
    assert set(VARIABLES["_tools_client"]) < set(VARIABLES["_tools_lab"])
    assert set(VARIABLES["_tools_client"]) < set(VARIABLES["_tools_kind"])


def test_own_checksum_overrides_and_may_carry_a_prefix() -> None:
    pinned = {**RAW, "tools": {**RAW["tools"], "helm": {**RAW["tools"]["helm"], "sha256": {"amd64": "a" * 64}}}}
    assert load_table(pinned, "amd64", {}).tools["helm"].sha256 == "a" * 64
    assert load_table(pinned, "arm64", {}).tools["helm"].sha256 == ""
    assert load_table(pinned, "amd64", {"helm": "sha256:" + "B" * 64}).tools["helm"].sha256 == "b" * 64


def test_select_keeps_the_tables_order_and_names_what_it_does_not_know() -> None:
    table = load_table(RAW, "amd64", {})
    assert [tool.name for tool in table.select(["helm", "etcd", "helm"])] == ["etcd", "helm"]
    for name in ("kubctl", "go"):
        with pytest.raises(EdgefedError, match=f"{name}.*Next: choose from etcd, kubectl") as error:
            table.select([name])
        assert error.value.details["unknown"] == [name]
