# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The plan: cached, download or build, and why; what is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import EdgefedError
from ansible_collections.edgefed.kubefed.plugins.module_utils.tools.model import Table, load_table
from ansible_collections.edgefed.kubefed.plugins.module_utils.tools.plan import (
    GoState,
    Situation,
    Stamp,
    build_groups,
    make_plan,
    not_downloadable,
    unreachable,
    usable,
)

VARIABLES = yaml.safe_load((Path(__file__).resolve().parents[3] / "roles" / "tools" / "vars" / "main.yml").read_text())
GO = GoState(version="1.26.8", path="/usr/bin/go", install_command="install-go")
NO_GO = GoState(install_command="install-go")


def table(arch: str = "amd64", **sha256: str) -> Table:
    return load_table(VARIABLES["_tools_table"], arch, sha256)


def planned(needed: str, source: str = "auto", cached: str = "", blocked: str = "", go: GoState = GO) -> list[tuple[str, str]]:
    reasons = dict.fromkeys(blocked.split(), "host.example: down")
    steps = make_plan(table(), table().select(needed.split()), Situation(source, cached.split(), reasons, go))
    return [(step.tool.name, step.action) for step in steps]


@pytest.mark.parametrize(
    ("needed", "source", "cached", "blocked", "expected"),
    [
        ("helm kubectl", "auto", "helm kubectl", "", [("kubectl", "cached"), ("helm", "cached")]),
        ("helm kubectl", "auto", "", "", [("kubectl", "download"), ("helm", "download")]),
        ("helm kubectl", "auto", "helm", "kubectl", [("helm", "cached"), ("kubectl", "build")]),
        ("helm kubectl", "download", "helm", "", [("helm", "cached"), ("kubectl", "download")]),
        ("helm kubectl", "build", "", "", [("kubectl", "build"), ("helm", "build")]),
        ("helm kwok kubefed", "auto", "", "kwok helm", [("kubefed", "download"), ("helm", "build"), ("kwok", "build")]),
        ("kubefed kwok helm", "build", "", "", [("helm", "build"), ("kwok", "build"), ("kubefed", "build")]),
        ("helm", "download", "helm", "helm", [("helm", "cached")]),
        ("bind9 helm", "auto", "", "helm", [("bind9", "download"), ("helm", "build")]),
        ("bind9 helm", "build", "", "", [("bind9", "download"), ("helm", "build")]),
    ],
)
def test_actions(needed: str, source: str, cached: str, blocked: str, expected: list[tuple[str, str]]) -> None:
    assert planned(needed, source, cached, blocked) == expected


def test_download_alone_refuses_what_it_cannot_download_all_at_once() -> None:
    with pytest.raises(EdgefedError) as error:
        planned("helm kwok etcd", "download", "etcd", "helm kwok")
    assert error.value.code == "no_download"
    assert error.value.details == {"tools": {"helm": "host.example: down", "kwok": "host.example: down"}}
    assert "helm, kwok: host.example: down" in error.value.message
    assert "Next: " in error.value.message


@pytest.mark.parametrize(
    ("go", "code", "words"),
    [
        (NO_GO, "no_go", "there is no Go"),
        (replace(NO_GO, version="1.19.8", path="/usr/bin/go"), "old_go", "Go 1.19.8 at /usr/bin/go is too old"),
        (replace(NO_GO, version="1.23.12", path="/x/go"), "old_go", "Go 1.23.12 at /x/go is too old"),
    ],
)
def test_without_a_go_that_will_do_the_install_command_is_named(go: GoState, code: str, words: str) -> None:
    with pytest.raises(EdgefedError) as error:
        planned("helm", blocked="helm", go=go)
    assert error.value.code == code
    assert words in error.value.message
    assert "Next: run `install-go`" in error.value.message


def test_go_does_not_matter_when_nothing_is_built() -> None:
    assert planned("helm", go=NO_GO) == [("helm", "download")]
    assert planned("helm", cached="helm", blocked="helm", go=NO_GO) == [("helm", "cached")]


def test_go_is_fetched_when_it_can_be_and_only_then() -> None:
    obtainable = replace(NO_GO, obtainable=True)
    assert planned("helm", blocked="helm", go=obtainable) == [("go", "download"), ("helm", "build")]
    assert planned("helm", cached="go", blocked="helm", go=obtainable) == [("helm", "build")]
    assert planned("helm", blocked="helm", go=replace(GO, obtainable=True)) == [("helm", "build")]


def test_tools_of_a_go_module_are_built_in_one_go() -> None:
    full = table()
    steps = make_plan(full, full.select(VARIABLES["_tools_lab"]), Situation("build", ["helm"], {}, GO))
    groups = {module: [tool.name for tool in tools] for module, tools in build_groups(steps).items()}
    assert groups == {
        "kubernetes": ["etcd", "kubectl", "kube-apiserver", "kube-controller-manager", "kube-scheduler"],
        "kwok": ["kwok", "kwokctl"],
        "kubefed": ["kubefed", "kubefedctl", "kubefed-chart"],
    }


@pytest.mark.parametrize(
    ("arch", "sha256", "expected"),
    [
        ("amd64", {}, {"kwok", "kwokctl", "kubefed"}),
        ("amd64", {"kwok": "a" * 64, "kubefed": "sha256:" + "b" * 64}, {"kwokctl"}),
        ("arm64", {}, {"kwok", "kwokctl", "kubefed", "kubefedctl"}),
        ("arm64", {"kubefed": "b" * 64, "kubefedctl": "b" * 64}, {"kwok", "kwokctl", "kubefed", "kubefedctl"}),
    ],
)
def test_not_downloadable(arch: str, sha256: dict[str, str], expected: set[str]) -> None:
    rows = table(arch, **sha256)
    blocked = not_downloadable(rows.select(VARIABLES["_tools_lab"]), arch)
    assert set(blocked) == expected
    assert all(blocked.values())


def test_reasons_name_the_variable_to_set() -> None:
    blocked = not_downloadable(table().select(["kwok", "kubefed"]), "amd64")
    assert "tools_sha256" in blocked["kwok"]
    assert "tools_kubefed_image_digest" in blocked["kubefed"]


def test_what_only_packages_have_is_told_when_there_are_none() -> None:
    tools = table().select(["bind9", "external-dns"])
    assert set(not_downloadable(tools, "amd64")) == {"external-dns"}
    blocked = not_downloadable(tools, "amd64", "this machine has no apt-get")
    assert blocked["bind9"] == "this machine has no apt-get"
    assert "tools_sha256: {external-dns: …}" in blocked["external-dns"]
    with pytest.raises(EdgefedError, match=r"Cannot take bind9 .*apt-get.* Next: .*tools_source: path") as error:
        make_plan(table(), tools, Situation("auto", [], blocked, GO))
    assert error.value.code == "packages"


def test_unreachable_hosts_block_their_tools_only() -> None:
    tools = table().select(["helm", "kubectl", "kubefed", "etcd"])
    down = {"get.helm.sh": "its name does not resolve", "quay.io": "no answer within 4 s"}
    assert unreachable(tools, down) == {
        "helm": "get.helm.sh: its name does not resolve",
        "kubefed": "quay.io: no answer within 4 s",
    }


@pytest.mark.parametrize(
    ("stamp", "size", "source", "recipe", "expected"),
    [
        (None, 0, "auto", "", False),
        (Stamp("download", 10, ""), 10, "auto", "", True),
        (Stamp("download", 10, ""), 9, "auto", "", False),
        (Stamp("download", 10, ""), 10, "download", "", True),
        (Stamp("download", 10, ""), 10, "build", "", False),
        (Stamp("build", 10, "r"), 10, "build", "r", True),
        (Stamp("build", 10, "r"), 10, "auto", "r", True),
        (Stamp("build", 10, "r"), 10, "auto", "changed", False),
        (Stamp("build", 10, "r"), 10, "download", "r", False),
    ],
)
def test_usable(stamp: Stamp | None, size: int, source: str, recipe: str, expected: bool) -> None:
    assert usable(stamp, size, source, recipe) is expected
