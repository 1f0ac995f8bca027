# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Masters of each flavour of Kubernetes, read over SSH without being told what they are."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any, Iterator

import pytest
import yaml
from integration.flavour_masters import flavour_master, passed_on, settings, values
from integration.real_cluster import Cluster, cluster, inventory, run_playbook
from integration.ssh_masters import Master, Masters, masters

from ansible_collections.edgefed.kubefed.plugins.module_utils.kubeconfig.flavours import ON_MASTERS

__all__ = ["cluster", "masters"]
NAMES = [flavour.name for flavour in ON_MASTERS]
# Of the machines of the fixture, the one whose address the fake dcmanager tells.
SUBCLOUD = f"127.0.1.{10 + NAMES.index('k3s')}"
BY_MASTERS_ADDRESS = ("k3s", "rke2", "microk8s", "starlingx")


@pytest.fixture(scope="module")
def token(cluster: Cluster) -> str:
    return cluster.token()


@pytest.fixture(scope="module")
def machines(cluster: Cluster, masters: Masters, token: str) -> Iterator[dict[str, Master]]:
    """One for each flavour, and a bare one."""
    found = {}
    with contextlib.ExitStack() as stack:
        port = int(cluster.server.rsplit(":", 1)[1])
        for number, name in enumerate([*NAMES, ""]):
            address = f"127.0.1.{10 + number}"
            given = {**values(cluster, address, token), "SUBCLOUD": SUBCLOUD}
            found[name] = stack.enter_context(flavour_master(masters, name, address, given))
            stack.enter_context(passed_on(address, port))
        yield found


def servers(folder: Path) -> dict[str, str]:
    document = yaml.safe_load((folder / ".edgefed" / "kubeconfig").read_text())
    return {item["name"]: item["cluster"]["server"] for item in document["clusters"]}


def test_all_flavours_at_once(cluster: Cluster, masters: Masters, machines: dict[str, Master], token: str, tmp_path: Path) -> None:
    """Each is recognised, gets its right address, answers there, and a second run changes nothing; nothing secret is shown."""
    # the real certificate names none of the masters' addresses
    hosts = {name: settings(masters, machines[name], kubeconfig_tls_server_name="localhost") for name in NAMES}
    for name in set(NAMES) - set(BY_MASTERS_ADDRESS):
        hosts[name]["kubeconfig_server"] = cluster.server  # the address in its kubeconfig is no one's here
    for changed in (1, 0):
        outcome = run_playbook(tmp_path, inventory(hosts), "kubeconfig", "-vvvv", "--diff")
        assert outcome.status == 0, outcome.output
        assert {host: count for host, count in outcome.count("changed").items() if host != "localhost"} == dict.fromkeys(NAMES, changed)
        for secret in (token, masters.password, cluster.document()["users"][0]["user"]["client-key-data"]):
            assert secret not in outcome.output
    port = cluster.server.rsplit(":", 1)[1]
    expected = {name: machines[name].address if name in BY_MASTERS_ADDRESS else "127.0.0.1" for name in NAMES}
    assert servers(tmp_path) == {name: f"https://{address}:{port}" for name, address in expected.items()}


def test_what_cannot_be_used_is_told(cluster: Cluster, masters: Masters, machines: dict[str, Master], tmp_path: Path) -> None:
    """A bare machine, one that is another flavour than was said, not root's, an address outside of the SAN; each alone."""
    hosts: dict[str, dict[str, Any]] = {
        "bare": settings(masters, machines[""]),
        "other": settings(masters, machines["kubeadm"], kubeconfig_flavour="k3s"),
        "plain": {**settings(masters, machines["k3s"]), "kubeconfig_become": False},
        "san": settings(masters, machines["rke2"]),
    }
    outcome = run_playbook(tmp_path, inventory(hosts), "kubeconfig")
    assert outcome.status == 2
    assert {host for host, failed in outcome.count("failed").items() if failed} == set(hosts)
    for message in (
        "bare (127.0.1.17): the kubeconfig cannot be read: no kubeconfig was recognised. Looked, as user root, at /etc/kubernetes",
        "flavour k3s has no kubeconfig here. Looked, as user root, at /etc/rancher/k3s/k3s.yaml (does not exist). Next: set kube",
        "/etc/rancher/k3s/k3s.yaml (may not be read)",
        "Next: set kubeconfig_become to true when it is root's",
        "its certificate is not for this address",
    ):
        assert message in outcome.said, outcome.output


def test_several_masters_of_which_one_can_be_read(cluster: Cluster, masters: Masters, machines: dict[str, Master], tmp_path: Path) -> None:
    """And several addresses of which one answers: the first is the dead master's."""
    hosts = inventory({"shop": {"kubeconfig_masters": ["dead", "alive"], "kubeconfig_tls_server_name": "localhost"}})
    port = cluster.server.rsplit(":", 1)[1]
    hosts["all"]["children"]["masters"] = {
        "hosts": {
            "dead": settings(masters, masters.refusing),
            "alive": settings(masters, machines["k3s"]),
        }
    }
    hosts["all"]["children"]["federation_members"]["hosts"]["shop"]["kubeconfig_become"] = True
    outcome = run_playbook(tmp_path, hosts, "kubeconfig")
    assert outcome.status == 0, outcome.output
    assert servers(tmp_path) == {"shop": f"https://{machines['k3s'].address}:{port}"}


def test_subclouds_by_their_system_controller(cluster: Cluster, masters: Masters, machines: dict[str, Master], tmp_path: Path) -> None:
    """Names are enough; what is offline or unknown there is told with its words, and does not stop the others."""
    of_subcloud = settings(masters, machines["k3s"], kubeconfig_tls_server_name="localhost", kubeconfig_system_controller="central")
    del of_subcloud["ansible_host"]
    hosts = inventory(
        {"far": of_subcloud, "dark": of_subcloud, "nowhere": of_subcloud, "shop": {**of_subcloud, "kubeconfig_subcloud": "far"}}
    )
    hosts["all"]["children"]["controllers"] = {"hosts": {"central": settings(masters, machines["starlingx"])}}
    outcome = run_playbook(tmp_path, hosts, "kubeconfig")
    assert outcome.status == 2
    assert {host for host, failed in outcome.count("failed").items() if failed} == {"dark", "nowhere"}, outcome.output
    port = cluster.server.rsplit(":", 1)[1]
    assert servers(tmp_path) == dict.fromkeys(("far", "shop"), f"https://{SUBCLOUD}:{port}")
    for message in (
        "dark: central says: subcloud dark has no OAM floating address now: it is managed, offline, deployment complete. Next: see",
        "nowhere: central says: there is no subcloud nowhere. Its subclouds are: dark, far. Next: set kubeconfig_subcloud",
    ):
        assert message in outcome.said, outcome.output


def test_no_system_controller(cluster: Cluster, masters: Masters, machines: dict[str, Master], tmp_path: Path) -> None:
    hosts = inventory({"far": settings(masters, machines["kubeadm"], kubeconfig_system_controller="plain")})
    hosts["all"]["children"]["controllers"] = {"hosts": {"plain": settings(masters, machines["k3s"])}}
    outcome = run_playbook(tmp_path, hosts, "kubeconfig")
    assert outcome.status == 2
    assert "far: plain says: `dcmanager subcloud list` names no subcloud: this is no system controller" in outcome.said, outcome.output
