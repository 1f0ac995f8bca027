# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Numbers, ports and configuration of the lab's clusters."""

from __future__ import annotations

import pytest

from ansible_collections.edgefed.kubefed.plugins.module_utils.lab.documents import (
    COMPONENTS,
    TOOLS,
    digest,
    ingress_address,
    kwokctl_documents,
    node_labels,
    node_manifest,
)
from ansible_collections.edgefed.kubefed.plugins.module_utils.lab.layout import LabFiles, assign_indexes, cluster_ports, octet

BINARIES = {name: f"/tools/{name}" for name in TOOLS}


@pytest.mark.parametrize(
    ("taken", "wanted", "expected"),
    [
        ({}, [], {}),
        ({}, ["a", "b", "c"], {"a": 0, "b": 1, "c": 2}),
        ({"a": 0, "b": 1}, ["a", "b"], {"a": 0, "b": 1}),
        ({"a": 0, "b": 1}, ["new", "a", "b"], {"new": 2, "a": 0, "b": 1}),
        ({"gone": 0, "b": 1}, ["new", "b"], {"new": 2, "b": 1}),
        ({"b": 1}, ["b", "new", "newer"], {"b": 1, "new": 0, "newer": 2}),
        ({"far": 7}, ["a", "far"], {"a": 0, "far": 7}),
    ],
)
def test_clusters_keep_their_numbers(taken: dict[str, int], wanted: list[str], expected: dict[str, int]) -> None:
    assert assign_indexes(taken, wanted) == expected


def test_no_two_clusters_share_a_port_or_an_address_range() -> None:
    all_ports = [port for index in range(20) for port in cluster_ports(20000, index).as_dict().values()]
    assert len(all_ports) == len(set(all_ports))
    assert (min(all_ports), max(all_ports)) == (20000, 20198)
    octets = [octet(index) for index in range(20)]
    assert 0 not in octets
    assert len(set(octets)) == 20


def test_every_component_has_ports() -> None:
    by_component = cluster_ports(20000, 3).by_component()
    assert by_component.keys() == COMPONENTS.keys()
    assert sorted(port for ports in by_component.values() for port in ports) == list(range(20030, 20036))


def test_the_configuration_binds_loopback_and_names_every_port_and_binary() -> None:
    configuration, service, ingress = kwokctl_documents(cluster_ports(20000, 1), octet(1), BINARIES, "v1.34.4", "/egress")
    options = configuration["options"]
    assert options["bindAddress"] == "127.0.0.1"
    ports = {name: value for name, value in options.items() if name.endswith("Port")}
    assert ports == {
        "kubeApiserverPort": 20010,
        "etcdPort": 20011,
        "etcdPeerPort": 20012,
        "kubeControllerManagerPort": 20013,
        "kubeSchedulerPort": 20014,
        "kwokControllerPort": 20015,
    }
    assert {value for name, value in options.items() if name.endswith("Binary")} == {
        f"/tools/{name}" for name in TOOLS if name != "kwokctl"
    }
    assert {patch["name"] for patch in configuration["componentsPatches"]} <= COMPONENTS.keys()
    assert service["spec"]["resourceRef"] == {"apiGroup": "v1", "kind": "Service"}
    assert ingress["spec"]["resourceRef"]["kind"] == "Ingress"


def test_stages_give_addresses_of_the_clusters_range_to_those_without() -> None:
    _configuration, service, ingress = kwokctl_documents(cluster_ports(20000, 4), octet(4), BINARIES, "v1.34.4", "/egress")
    (patch,) = service["spec"]["next"]["patches"]
    assert patch["subresource"] == "status"
    assert '- ip: "127.5.{{ index $ip 2 }}.{{ index $ip 3 }}"' in patch["template"]
    assert '- ip: "127.5.255.1"' in ingress["spec"]["next"]["patches"][0]["template"]
    for stage in (service, ingress):
        keys = [expression["jq"] for expression in stage["spec"]["selector"]["matchExpressions"]]
        assert {"key": ".status.loadBalancer.ingress", "operator": "DoesNotExist"} in keys
    assert ingress_address(5) == "127.5.255.1"


def test_another_port_is_another_configuration() -> None:
    def of(base: int) -> str:
        return digest(kwokctl_documents(cluster_ports(base, 0), 1, BINARIES, "v1.34.4", "/egress"))

    assert of(20000) == of(20000)
    assert of(20000) != of(20010)


def test_nodes_carry_topology_and_the_inventorys_labels() -> None:
    labels = node_labels("east", "", {"site": 7})
    assert labels == {"topology.kubernetes.io/region": "east", "site": "7"}
    node = node_manifest("zj", 1, labels)
    assert node["metadata"]["name"] == "zj-1"
    assert labels.items() <= node["metadata"]["labels"].items()


def test_everything_lies_below_the_labs_folder() -> None:
    files = LabFiles("/l")
    inside = [files.work("p-a"), files.pid("p-a", "etcd"), files.starts("p-a"), files.kubeconfig("a"), files.record("a"), files.lock("a")]
    assert all(any(path == top or path.startswith(f"{top}/") for top in files.top_level()) for path in inside)
