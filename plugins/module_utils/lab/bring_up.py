# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Bring one cluster to what its plan says, and wait until it is ready."""

from __future__ import annotations

import dataclasses
import socket
import time
from typing import Any, Callable

from ansible_collections.edgefed.kubefed.plugins.module_utils.lab import storage
from ansible_collections.edgefed.kubefed.plugins.module_utils.lab.access import NODES, Access
from ansible_collections.edgefed.kubefed.plugins.module_utils.lab.documents import COMPONENTS, node_manifest
from ansible_collections.edgefed.kubefed.plugins.module_utils.lab.kwok import Cluster
from ansible_collections.edgefed.kubefed.plugins.module_utils.lab.plan import Labels, Plan, plan_present
from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import EdgefedError

# Without these nothing answers; the others are started again when they gave up waiting for a slow API server.
_BASE = ("etcd", "kube-apiserver")
_ROUNDS = 3


class BringUp:
    """One cluster's way up. ``nodes``: name -> labels; ``timeout``: seconds until it must be ready."""

    def __init__(self, cluster: Cluster, nodes: dict[str, Labels], timeout: float, connect: Callable[..., Any]) -> None:
        self._cluster = cluster
        self._nodes = nodes
        self.access = Access(cluster.files.kubeconfig(cluster.host), cluster.host, timeout, connect)

    def plan(self) -> Plan:
        """What would be done now; nothing is changed. The nodes are looked at when the API server answers."""
        observed, living = self._cluster.observe()
        if observed.made and "kube-apiserver" in living and observed.kubeconfig and self._answers():
            observed = dataclasses.replace(observed, nodes=self.access.node_labels())
        return plan_present(observed, list(COMPONENTS), self._nodes)

    def converge(self) -> Plan:
        """Do it, and give what was done."""
        observed, living = self._cluster.observe()
        todo = plan_present(observed, list(COMPONENTS), self._nodes)
        if todo.clear:
            self._cluster.remove()
            living = {}
        if todo.create or todo.start:
            self._cluster.check_ports(living)
        if todo.create:
            self._cluster.create()
        elif todo.start or observed.orphans:
            self._cluster.pid_files.settle(observed, living)
        if todo.start:
            self._cluster.start()
        if todo.kubeconfig:
            self._cluster.write_kubeconfig()
        self._wait_ready()
        if todo.create or todo.start:
            self._revive()
        there = self.access.node_labels()
        observed = dataclasses.replace(observed, nodes=there if observed.made else observed.nodes)
        return self._settle_nodes(there, plan_present(observed, list(COMPONENTS), self._nodes))

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self._cluster.ports.kube_apiserver), 1):
                return self.access.answers()
        except OSError:
            return False

    def _wait_ready(self) -> None:
        while not self._answers():
            ended = [name for name in _BASE if name not in self._cluster.pid_files.running()]
            if ended:
                raise self._ended(ended[0])
            if self.access.is_late():
                raise EdgefedError(
                    f'The API server of lab cluster "{self._cluster.host}" did not become ready in {self.access.timeout:.0f} s. Its log '
                    f"ends: {storage.last_lines(self._cluster.log_of('kube-apiserver'), 3)}. Next: give it longer (lab_timeout) when the "
                    "machine is busy, or run lab_down.yml and lab_up.yml.",
                    code="not_ready",
                )
            time.sleep(0.05)

    def _revive(self) -> None:
        for _round in range(_ROUNDS):
            observed, living = self._cluster.observe()
            dead = [name for name in COMPONENTS if name not in living]
            if not dead:
                return
            self._cluster.pid_files.settle(observed, living)
            self._cluster.start()
            time.sleep(0.5)
        _observed, living = self._cluster.observe()
        for name in COMPONENTS:
            if name not in living:
                raise self._ended(name)

    def _ended(self, component: str) -> EdgefedError:
        log = self._cluster.log_of(component)
        return EdgefedError(
            f'{component} of lab cluster "{self._cluster.host}" ended right after its start. Its log ends: '
            f"{storage.last_lines(log, 3)}. Next: remove what it complains about, and run lab_up.yml again; the log is {log}.",
            code="ended",
            details={"cluster": self._cluster.host, "component": component, "log": log},
        )

    def _settle_nodes(self, there: dict[str, Labels], plan: Plan) -> Plan:
        numbers = {name: number for number, name in enumerate(self._nodes)}
        for name in plan.add_nodes:
            if name not in there:
                self.access.client.create(NODES, node_manifest(self._cluster.host, numbers[name], self._nodes[name]))
        for name, labels in plan.label_nodes.items():
            self.access.client.patch(f"{NODES}/{name}", {"metadata": {"labels": labels}})
        for name in plan.drop_nodes:
            self.access.client.delete(f"{NODES}/{name}")
        return plan
