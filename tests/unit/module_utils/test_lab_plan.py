# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is done about a cluster, a daemon, and a machine that does not have what a lab needs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.edgefed.kubefed.plugins.module_utils.lab import daemon
from ansible_collections.edgefed.kubefed.plugins.module_utils.lab.documents import TOOLS
from ansible_collections.edgefed.kubefed.plugins.module_utils.lab.plan import RUNNING, STOPPED, UNKNOWN, Observed, plan_present
from ansible_collections.edgefed.kubefed.plugins.module_utils.lab.preflight import MEGABYTE, Machine, Wish, problems
from ansible_collections.edgefed.kubefed.plugins.module_utils.lab.report import figures, lines

COMPONENTS = ["etcd", "kube-apiserver"]
NODES = {"a-0": {"zone": "z"}, "a-1": {"zone": "z"}}
WELL = Observed(
    made=True, components=dict.fromkeys(COMPONENTS, RUNNING), kubeconfig=True, nodes={name: dict(labels) for name, labels in NODES.items()}
)


@pytest.mark.parametrize(
    ("observed", "actions"),
    [
        (WELL, []),
        (Observed(), ["create the cluster", "add node a-0", "add node a-1"]),
        (
            Observed(leftovers=True),
            ["clear what an earlier run left half made", "create the cluster", "add node a-0", "add node a-1"],
        ),
        (replace(WELL, components={"etcd": STOPPED, "kube-apiserver": RUNNING}), ["start etcd"]),
        (replace(WELL, components={}, nodes=None), ["start etcd", "start kube-apiserver"]),
        (replace(WELL, kubeconfig=False), ["write the kubeconfig"]),
        (replace(WELL, nodes={}), ["add node a-0", "add node a-1"]),
        (replace(WELL, nodes={**NODES, "a-1": {"zone": "other", "own": "1"}}), ["label node a-1"]),
        (replace(WELL, nodes={**NODES, "a-1": {"zone": "z", "own": "1"}}), []),
        (replace(WELL, nodes={**NODES, "a-2": {}}), ["remove node a-2"]),
    ],
)
def test_just_what_is_missing_is_done(observed: Observed, actions: list[str]) -> None:
    plan = plan_present(observed, COMPONENTS, NODES)
    assert plan.actions == actions
    assert (plan.before == plan.after) == (not actions)


def test_labels_of_others_stay() -> None:
    plan = plan_present(replace(WELL, nodes={**NODES, "a-1": {"own": "1"}}), COMPONENTS, NODES)
    assert plan.label_nodes == {"a-1": {"zone": "z"}}
    assert plan.after["nodes"]["a-1"] == {"zone": "z", "own": "1"}


def test_nodes_are_not_guessed_while_the_api_server_is_down() -> None:
    plan = plan_present(replace(WELL, components={}, nodes=None), COMPONENTS, NODES)
    assert plan.before["nodes"] == plan.after["nodes"] == UNKNOWN


@pytest.mark.parametrize(
    ("state", "running", "then", "now", "expected"),
    [
        ("started", False, {}, {"command": "1"}, ("start", [])),
        ("started", True, {"command": "1"}, {"command": "1"}, ("none", [])),
        ("started", True, {"command": "1"}, {"command": "2"}, ("restart", ["command changed"])),
        ("started", True, {"file /a": "1"}, {}, ("restart", ["file /a changed"])),
        ("started", True, {}, {"command": "1"}, ("restart", ["command changed"])),
        ("restarted", True, {"command": "1"}, {"command": "1"}, ("restart", ["a restart was asked for"])),
        ("restarted", False, {}, {}, ("start", [])),
        ("stopped", True, {}, {}, ("stop", [])),
        ("stopped", False, {}, {}, ("none", [])),
    ],
)
def test_daemons(state: str, running: bool, then: dict[str, str], now: dict[str, str], expected: tuple[str, list[str]]) -> None:
    assert daemon.plan(state, running, then, now) == expected


def test_a_fingerprint_tells_what_changed() -> None:
    one = daemon.fingerprint(["a", "b"], {"A": "1", "B": "2"}, {"/x": b"1", "/gone": None})
    assert one == daemon.fingerprint(["a", "b"], {"B": "2", "A": "1"}, {"/gone": None, "/x": b"1"})
    other = daemon.fingerprint(["a b"], {"A": "1", "B": "2"}, {"/x": b"", "/gone": b""})
    assert {key for key in one if one[key] != other[key]} == {"command", "file /x", "file /gone"}


MACHINE = Machine("Linux", (6, 1), disk=10000 * MEGABYTE, memory=10000 * MEGABYTE, pids=10000)
WISH = Wish("embedded", "/l", 20000, {"a": "a", "b": "b"}, {"a": 0, "b": 1}, ("a", "b"), {name: f"/{name}" for name in TOOLS})


def test_a_good_machine_has_no_problems() -> None:
    assert problems(MACHINE, WISH) == []
    assert problems(replace(MACHINE, disk=None, memory=None, pids=None), WISH) == []


@pytest.mark.parametrize(
    ("machine", "wish", "said"),
    [
        ({}, {"driver": "minikube"}, "set lab_driver to one of: embedded"),
        ({}, {"driver": "docker"}, 'lab_driver "docker" is not known'),
        ({"system": "Darwin"}, {}, "this is Darwin"),
        ({"kernel": (4, 18)}, {}, "Linux 5.3 or later, and this is 4.18"),
        ({"disk": MEGABYTE}, {}, "need 1024 MB of disk, and 1 are left"),
        ({"memory": 1299 * MEGABYTE}, {}, "2 new cluster(s) need 1300 MB of memory, and 1299 are left"),
        ({"pids": 5}, {}, "need 200 processes and threads, and 5 are left"),
        ({}, {"clusters": {"a": "Lab_a"}}, "Lab_a (host a)"),
        ({}, {"clusters": {"a": "p" * 64}}, "at most 63"),
        ({}, {"port_base": 80}, "lab_port_base 80 gives ports 80 to 99"),
        ({}, {"port_base": 65520}, "set lab_port_base between 1024 and 65516"),
        ({}, {"indexes": {"a": 254}}, "at most 254 clusters"),
        ({}, {"tools": {"etcd": "/etcd"}}, "kwokctl, kubectl, kube-apiserver"),
        ({}, {"unusable_tools": ("etcd (/etcd)",)}, "Not there, or not executable: etcd (/etcd)"),
    ],
)
def test_each_problem_is_told_with_its_remedy(machine: dict[str, Any], wish: dict[str, Any], said: str) -> None:
    (problem,) = problems(replace(MACHINE, **machine), replace(WISH, **wish))
    assert said in problem
    assert "Next: " in problem


def test_room_is_asked_for_new_clusters_only() -> None:
    full = replace(MACHINE, disk=0, memory=0, pids=0)
    assert problems(full, replace(WISH, new=())) == []
    assert len(problems(full, replace(WISH, new=("b",)))) == 3


def test_figures_add_up() -> None:
    clusters = {"a": {"cluster": "p-a", "addresses": "127.1.0.0/16", "ports": {"kube_apiserver": 20000}}}
    measured = [("p-a", 3 * MEGABYTE), ("p-a", 4 * MEGABYTE), ("webhook", MEGABYTE)]
    report = figures("embedded", clusters, measured, {"a": 2.5})
    assert report["clusters"]["a"]["memory_bytes"] == 7 * MEGABYTE
    assert report["memory_bytes"] == 8 * MEGABYTE
    assert lines(report) == [
        "a        https://127.0.0.1:20000  127.1.0.0/16    2 processes  7 MB  made in 2.5 s",
        "webhook  1 MB",
    ]
