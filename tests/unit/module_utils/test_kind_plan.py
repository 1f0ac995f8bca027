# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is done about one kind cluster, and what the machine must have."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.edgefed.kubefed.plugins.module_utils.kind import preflight
from ansible_collections.edgefed.kubefed.plugins.module_utils.kind.engine import parse_nodes
from ansible_collections.edgefed.kubefed.plugins.module_utils.kind.images import full_name
from ansible_collections.edgefed.kubefed.plugins.module_utils.kind.memory import Memory, parse_cgroup, parse_stat
from ansible_collections.edgefed.kubefed.plugins.module_utils.kind.plan import Observed, Wanted, plan_present
from ansible_collections.edgefed.kubefed.plugins.module_utils.lab import preflight as lab_preflight

NODE = "zj-control-plane"
WANTED = Wanted(nodes=(NODE,), labels={"a": "1"}, corefile="core", images=("i",))
GOOD = Observed(
    made=True, nodes={NODE: "running"}, kubeconfig=True, labels={NODE: {"a": "1", "b": "2"}}, corefile="core", images={NODE: {"i"}}
)


@pytest.mark.parametrize(
    ("changes", "actions"),
    [
        ({}, []),
        ({"nodes": {NODE: "exited"}, "labels": None, "images": {}}, [f"start node {NODE}"]),
        ({"nodes": {NODE: "paused"}, "labels": None, "images": {}}, [f"unpause node {NODE}"]),
        ({"kubeconfig": False, "labels": None}, ["write the kubeconfig"]),
        ({"corefile": "other"}, ["configure CoreDNS"]),
        ({"labels": {NODE: {"a": "2"}}}, [f"label node {NODE}"]),
        ({"images": {NODE: set()}}, [f"load image i into node {NODE}"]),
        ({"made": False, "nodes": {}}, ["create the cluster"]),
        ({"made": False}, ["clear what is left of it", "create the cluster"]),
        ({"nodes": {}}, ["create the cluster"]),
    ],
)
def test_just_what_is_broken_is_healed(changes: dict[str, Any], actions: list[str]) -> None:
    assert plan_present(replace(GOOD, **changes), WANTED).actions == actions


def test_views_of_a_healthy_cluster_are_equal() -> None:
    plan = plan_present(GOOD, WANTED)
    assert plan.before == plan.after


BASE = lab_preflight.Machine(system="Linux", kernel=(6, 1), disk=100 << 30, memory=16 << 30, pids=None)
MACHINE = preflight.Machine(
    root=True, docker=False, missing=(), controllers=preflight.CONTROLLERS, limits={}, files=20000, cores=2, base=BASE
)
WISH = preflight.Wish("auto", True, ("local", "zj"), False)


def test_a_good_machine_has_no_problem() -> None:
    assert preflight.problems(MACHINE, WISH) == []


@pytest.mark.parametrize(
    ("machine", "wish", "said"),
    [
        ({"base": replace(BASE, system="Darwin")}, {}, "this is Darwin"),
        ({"root": False}, {}, "run as root"),
        ({}, {"provider": "docker", "isolated": False}, "systemctl start docker"),
        ({"docker": True}, {"provider": "docker"}, "An isolated lab needs podman"),
        ({"missing": ("ip", "zstd")}, {}, "apt-get install --no-install-recommends iproute2 zstd"),
        ({"missing": ("runc",)}, {}, "apt-get install --no-install-recommends runc"),
        ({"missing": ("aardvark-dns", "podman")}, {}, "apt-get install --no-install-recommends aardvark-dns podman"),
        ({"missing": ("nft",)}, {}, "apt-get install --no-install-recommends nftables"),
        ({"controllers": ("cpu", "cpuset", "pids")}, {}, "controllers memory are not mounted"),
        ({"docker": True, "root": False, "limits": {"fs/inotify/max_user_instances": 128}}, {"isolated": False}, "sysctl -w fs.inotify"),
        ({"files": 1024}, {}, "ulimit -Hn 4096"),
        ({"base": replace(BASE, disk=1 << 30)}, {}, "GB of disk"),
        ({"base": replace(BASE, memory=1 << 30)}, {}, "GB of memory"),
        ({}, {"foreign": ("zj",)}, "set lab_prefix"),
        ({"missing": ("debootstrap",)}, {"building": True}, "apt-get install --no-install-recommends debootstrap"),
        ({"root": False, "docker": True}, {"building": True, "isolated": False}, "sudo make kind-image"),
        ({"base": replace(BASE, disk=3 << 30)}, {"building": True, "new": ()}, "4.0 GB of disk, and 3.0 GB are left"),
    ],
)
def test_each_problem_is_told_by_itself_with_what_to_do(machine: dict[str, Any], wish: dict[str, Any], said: str) -> None:
    found = preflight.problems(replace(MACHINE, **machine), replace(WISH, **wish))
    assert len(found) == 1
    assert said in found[0]
    assert "Next: " in found[0]


def test_what_building_needs_is_asked_for_when_something_is_built() -> None:
    assert preflight.problems(replace(MACHINE, missing=("debootstrap", "unshare")), WISH) == []


def test_limits_are_raised_by_root_and_not_complained_about() -> None:
    assert preflight.problems(replace(MACHINE, limits={"fs/inotify/max_user_instances": 128}), WISH) == []


def test_nft_is_needed_for_isolation_only() -> None:
    assert preflight.problems(replace(MACHINE, missing=("nft",)), replace(WISH, isolated=False)) == []


@pytest.mark.parametrize(
    ("docker", "isolated", "asked", "chosen"),
    [
        (True, False, "auto", "docker"),
        (True, True, "auto", "podman"),
        (False, False, "auto", "podman"),
        (True, False, "podman", "podman"),
    ],
)
def test_docker_is_taken_where_it_answers_and_nothing_is_isolated(docker: bool, isolated: bool, asked: str, chosen: str) -> None:
    assert preflight.choose_provider(replace(MACHINE, docker=docker), replace(WISH, provider=asked, isolated=isolated)) == chosen


@pytest.mark.parametrize(
    ("memory", "cores", "count", "at_once"),
    [(16 << 30, 2, 3, 3), (16 << 30, 1, 3, 2), (2 << 30, 8, 5, 2), (1 << 20, 8, 5, 1), (None, 1, 1, 1)],
)
def test_clusters_are_made_at_once_by_memory_and_cores(memory: int | None, cores: int, count: int, at_once: int) -> None:
    assert preflight.at_once(replace(MACHINE, cores=cores, base=replace(BASE, memory=memory)), count) == at_once


INSPECTED = """[
  {"Name": "/zj-control-plane", "State": {"Status": "running", "Pid": 42}, "Config": {"Labels": {"io.x-k8s.kind.cluster": "zj"}},
   "NetworkSettings": {"Networks": {"edgefed-0a1b2c": {}}}},
  {"Name": "someone", "State": {"Status": "running", "Pid": 43}, "Config": {"Labels": null}, "NetworkSettings": {}}
]"""


def test_nodes_are_read_from_podman_and_docker_alike() -> None:
    nodes = parse_nodes(INSPECTED)
    assert [(node.name, node.cluster, node.pid, node.networks) for node in nodes] == [(NODE, "zj", 42, ("edgefed-0a1b2c",))]
    assert parse_nodes("") == []


@pytest.mark.parametrize(
    ("text", "folder"),
    [
        ("5:memory:/libpod_parent/libpod-1\n1:cpu:/x\n", "/sys/fs/cgroup/memory/libpod_parent/libpod-1"),
        ("0::/machine.slice/libpod-1\n", "/sys/fs/cgroup/machine.slice/libpod-1"),
        ("0::/a\n4:memory:/b\n", "/sys/fs/cgroup/memory/b"),
    ],
)
def test_the_memory_group_is_found_in_both_versions(text: str, folder: str) -> None:
    assert parse_cgroup(text) == folder


def test_memory_is_counted_apart_from_the_page_cache() -> None:
    assert parse_stat("rss 1\ntotal_rss 500\ntotal_cache 70\n") == Memory(500, 70)
    assert parse_stat("anon 500\nfile 70\nkernel 5\n") == Memory(505, 70)


@pytest.mark.parametrize(
    ("short", "full"),
    [
        ("nginx:1.17", "docker.io/library/nginx:1.17"),
        ("bitnami/nginx:1", "docker.io/bitnami/nginx:1"),
        ("quay.io/a/b:1", "quay.io/a/b:1"),
        ("localhost/a:1", "localhost/a:1"),
    ],
)
def test_images_are_named_as_nodes_name_them(short: str, full: str) -> None:
    assert full_name(short) == full
