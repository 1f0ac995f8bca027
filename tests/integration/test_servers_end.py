# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""API servers that are killed in the middle of the work, and one that never comes back: on a federation that is made for it."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from integration.conftest import Lab
from integration.federate_lab import SYSTEM, Federate, actions, config_map
from integration.one_member import server_of
from integration.processes import listener
from integration.real_cluster import LOCAL, inventory, run_playbook
from integration.waiting import until

from ansible_collections.edgefed.kubefed.plugins.module_utils.client import Client, connect

PORT_BASE = 27500
MANY = 1000
# Some go to the members; KubeFed would take a minute for all.
PLACED = 20
NAMESPACE = "fe-many"
HOSTS: dict[str, Any] = {"local": {}, "zj": {}}


@dataclass(frozen=True)
class Own:
    """A host cluster, member too, and a member besides."""

    folder: Path
    federate: Federate

    def play(self, *playbooks: str) -> None:
        """Real playbooks, one after the other; lab_up and control_plane bring back what has ended."""
        common = {**LOCAL, "lab_prefix": "end-", "lab_port_base": PORT_BASE, "lab_nodes": 0, "kubefed_runtime": "process"}
        common["kubeconfig_path"] = "{{ federation_state_dir }}/lab/kubeconfigs/{{ inventory_hostname }}"
        hosts = inventory(HOSTS, **common)
        hosts["all"]["children"]["lab"] = {"hosts": HOSTS}
        for playbook in playbooks:
            outcome = run_playbook(self.folder, hosts, playbook)
            assert outcome.status == 0, outcome.output

    def server(self, cluster: str) -> int:
        """The process of its API server."""
        return listener(server_of(self.federate.lab, cluster)[0])


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Own]:
    folder = tmp_path_factory.mktemp("servers-end")
    made = Own(folder, Federate(Lab(str(folder / ".edgefed" / "kubeconfig"))))
    try:
        made.play("lab_up", "kubeconfig", "control_plane", "join")
        yield made
    finally:
        made.play("lab_down")


def bodies() -> list[dict[str, Any]]:
    placed = [config_map(f"p{number:02}", NAMESPACE, placed=("local", "zj")) for number in range(PLACED)]
    return [*placed, *(config_map(f"c{number:03}", NAMESPACE, placed=()) for number in range(MANY - PLACED))]


class Deadly:
    """``connect`` of clients that kill a process with their ``last``-th write."""

    def __init__(self, process: int, last: int) -> None:
        self._process = process
        self._left = last
        self._lock = threading.Lock()

    def __call__(self, *arguments: Any, **options: Any) -> Client:
        client = connect(*arguments, **options)
        request = client.request

        def counted(method: str, *given: Any, **more: Any) -> Any:
            with self._lock:
                self._left -= method == "PATCH" and not (more.get("query") or {}).get("dryRun")
                if self._left == 0:
                    os.kill(self._process, signal.SIGKILL)
                    self._left = -1
            return request(method, *given, **more)

        client.request = counted  # type: ignore[method-assign]
        return client


def test_the_hosts_api_server_is_killed_and_started_again(own: Own) -> None:
    """In the middle of a thousand objects: one message that tells how many are missing; the next run makes just those."""
    wanted, quietly = bodies(), {"lint": {"empty_placement": "off"}}
    error = own.federate.error(*wanted, using=Deadly(own.server("local"), MANY // 2), wait=False, **quietly)
    missing = len(error.details["failed"])
    assert error.code == "unreachable" and 0 < missing < MANY
    assert error.message.startswith(f"{missing} of {MANY} objects could not be applied; the others are.\n- Cannot reach cluster")
    assert error.message.count("Next: ") <= 2 and "Traceback" not in error.message
    own.play("lab_up", "control_plane")
    after = own.federate(*wanted, wait_timeout=200, **quietly)
    # of one whose answer was cut off nobody knows
    assert missing - 16 <= len(actions(after)) <= missing
    assert not own.federate(*wanted, **quietly).changed
    there = own.federate.lab.get("local", "federatedconfigmaps", "-n", NAMESPACE)["items"]
    assert len(there) == MANY
    assert [own.federate.value(cluster, "p00", NAMESPACE) for cluster in HOSTS] == ["1", "1"]


def test_a_member_that_is_gone_for_good(own: Own) -> None:
    """Its API server has ended: it is named, the other has everything. Once it is no member any more, an object cannot name it, one that
    chooses by selector goes on without it, and what was there can be removed."""
    by_name, selected = config_map("n", "fe-gone", placed=("local", "zj")), config_map("s", "fe-gone")
    selected["spec"]["placement"] = {"clusterSelector": {"matchLabels": {}}}
    own.federate(by_name, selected)
    os.kill(own.server("zj"), signal.SIGKILL)
    changed = [{**body, "spec": {**body["spec"], "template": {"data": {"key": "2"}}}} for body in (by_name, selected)]
    error = own.federate.error(*changed, wait_timeout=100)
    assert (error.code, error.details["clusters"]) == ("not_propagated", ["zj"])
    assert "- zj: FederatedConfigMap fe-gone/n, FederatedConfigMap fe-gone/s: the cluster is not ready (Offline" in error.message
    until(lambda: own.federate.value("local", "n", "fe-gone") == "2", "the other has it")
    own.federate.lab.kubectl("local", "delete", "kubefedcluster", "zj", "-n", SYSTEM)
    said = own.federate.refused(*changed)
    assert "cluster 'zj' is not joined" in said and "fe-gone/n" in said
    alone = {**by_name, "spec": {**changed[0]["spec"], "placement": {"clusters": [{"name": "local"}]}}}
    done = own.federate(alone, changed[1], wait_timeout=100)
    assert [set(one["clusters"]) for one in done.data["resources"][-2:]] == [{"local"}, {"local"}]
    assert not own.federate(alone, changed[1]).changed
    own.federate(alone, changed[1], state="absent", wait_timeout=200)
    assert own.federate.lab.get("local", "namespace", "fe-gone") is None
