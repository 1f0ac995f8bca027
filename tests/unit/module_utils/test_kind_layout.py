# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Names, addresses and kind's configuration of a lab."""

from __future__ import annotations

import ipaddress
from typing import Any

import pytest

from ansible_collections.edgefed.kubefed.plugins.module_utils.kind import config, dns, layout
from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import EdgefedError

ROUTES = """Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0
eth0\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0
tun0\t0000C80A\t00000000\t0001\t0\t0\t0\t0000F8FF\t0\t0\t0
"""


def test_names_fit_a_bridge_and_differ_by_folder() -> None:
    one, other = layout.LabNames("/a/.edgefed/lab"), layout.LabNames("/b/.edgefed/lab")
    assert len(one.network) <= 15
    assert one.network != other.network
    assert one.table != other.table


@pytest.mark.parametrize(
    ("roles", "names"),
    [
        (["control-plane"], ["zj-control-plane"]),
        (["control-plane", "worker", "worker"], ["zj-control-plane", "zj-worker", "zj-worker2"]),
        (["control-plane", "control-plane"], ["zj-control-plane", "zj-control-plane2", "zj-external-load-balancer"]),
    ],
)
def test_nodes_are_called_as_kind_calls_them(roles: list[str], names: list[str]) -> None:
    assert layout.node_names("zj", roles) == names


def test_routes_are_read_without_the_default() -> None:
    assert layout.parse_routes(ROUTES) == ["192.0.2.0/24", "10.200.0.0/13"]


def test_a_subnet_stays_the_same_and_overlaps_nothing() -> None:
    chosen = layout.choose_subnet("0a1b2c", [])
    assert chosen == layout.choose_subnet("0a1b2c", [])
    assert layout.choose_subnet("0a1b2c", [str(chosen)]) != chosen
    assert layout.choose_subnet("0a1b2c", ["10.0.0.0/8"]) is None
    assert chosen and layout.gateway(chosen) == str(ipaddress.ip_network(chosen)[1])


def test_configuration_is_ours_with_the_users_added() -> None:
    added = {"featureGates": {"A": True}, "networking": {"podSubnet": "10.1.0.0/16"}, "kubeadmConfigPatches": ["kind: X"]}
    made = config.cluster_config("image", 20000, 2, True, added)
    assert [node["role"] for node in made["nodes"]] == ["control-plane", "worker"]
    assert made["networking"] == {"podSubnet": "10.1.0.0/16", "apiServerAddress": "127.0.0.1", "apiServerPort": 20000}
    assert len(made["kubeadmConfigPatches"]) == 2
    assert made["kubeadmConfigPatches"][1] == "kind: X"
    assert made["featureGates"] == {"A": True}
    assert {node["image"] for node in made["nodes"]} == {"image"}


def test_the_users_nodes_replace_ours_and_are_not_altered() -> None:
    added = {"nodes": [{"role": "control-plane"}, {"role": "worker", "image": "other"}]}
    made = config.cluster_config("image", 20000, 1, False, added)
    assert [node["image"] for node in made["nodes"]] == ["image", "other"]
    assert added["nodes"][0] == {"role": "control-plane"}
    assert config.roles(made) == ["control-plane", "worker"]


@pytest.mark.parametrize(
    ("added", "said"),
    [
        (["nodes"], "is no mapping"),
        ({"name": "x"}, "sets name"),
        ({"networking": {"apiServerPort": 1}}, "sets networking.apiServerPort"),
        ({"nodes": []}, "no list of nodes"),
        ({"nodes": ["worker"]}, "no list of nodes"),
    ],
)
def test_what_the_lab_sets_itself_is_refused(added: Any, said: str) -> None:
    with pytest.raises(EdgefedError) as caught:
        config.check_added(added, "zj")
    assert said in caught.value.message
    assert "host zj" in caught.value.message
    assert "Next: " in caught.value.message


@pytest.mark.parametrize(
    ("built", "added", "own"),
    [(True, {}, True), (False, {}, False), (True, {"networking": {"serviceSubnet": "10.9.0.0/16"}}, False)],
)
def test_core_dns_is_the_labs_only_with_its_own_image_and_addresses(built: bool, added: dict[str, Any], own: bool) -> None:
    assert config.has_own_dns(built, added) is own


def test_an_isolated_cluster_asks_for_nodes_only() -> None:
    isolated, open_one = dns.corefile("/etc/resolv.conf", True), dns.corefile("/etc/resolv.conf", False)
    assert "dns.podman:53" in isolated and "rcode REFUSED" in isolated
    assert "REFUSED" not in open_one and "forward . /etc/resolv.conf" in open_one
    assert isolated.count("{") == isolated.count("}")
    # Docker's name server has no domain of its own for containers.
    assert "forward ." in dns.corefile("/etc/resolv.conf", True, "")
