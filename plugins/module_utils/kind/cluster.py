# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One kind cluster of a lab: made, healed, removed."""

from __future__ import annotations

import dataclasses
import json
import time
from dataclasses import dataclass
from typing import Any, Callable

from ansible_collections.edgefed.kubefed.plugins.module_utils.kind import dns
from ansible_collections.edgefed.kubefed.plugins.module_utils.kind.commands import run
from ansible_collections.edgefed.kubefed.plugins.module_utils.kind.engine import Engine, kind_processes
from ansible_collections.edgefed.kubefed.plugins.module_utils.kind.layout import KindFiles, control_plane
from ansible_collections.edgefed.kubefed.plugins.module_utils.kind.plan import Observed, Plan, Wanted, plan_present
from ansible_collections.edgefed.kubefed.plugins.module_utils.lab import processes, storage
from ansible_collections.edgefed.kubefed.plugins.module_utils.lab.access import NODES, Access
from ansible_collections.edgefed.kubefed.plugins.module_utils.lab.plan import RUNNING, Labels, labels_to_set
from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import EdgefedError

COREFILE = "/api/v1/namespaces/kube-system/configmaps/coredns"
DNS_DEPLOYMENT = "/apis/apps/v1/namespaces/kube-system/deployments/coredns"
ADMIN = "--kubeconfig=/etc/kubernetes/admin.conf"
STOP_TIMEOUT = 10
LOAD_BALANCER = "-external-load-balancer"


@dataclass(frozen=True)
class Settings:
    """What cannot change while the cluster lives."""

    index: int
    port: int

    def as_record(self) -> dict[str, Any]:
        return {"index": self.index, "port": self.port}


@dataclass(frozen=True)
class Place:
    """Where the cluster is: ``host`` is its inventory host, ``name`` what kind calls it. ``guard`` raises unless containers may start.

    ``pulls``: whether images that are not there are pulled; those of the archive never are, another's would come in their place.
    """

    host: str
    name: str
    files: KindFiles
    engine: Engine
    guard: Callable[[], None]
    pulls: bool


class Cluster:
    """One cluster at its place. ``config`` is kind's configuration of it."""

    def __init__(self, place: Place, settings: Settings, config: str, timeout: float, connect: Callable[..., Any]) -> None:
        self.host = place.host
        self.name = place.name
        self._files = place.files
        self._engine = place.engine
        self._guard = place.guard
        self._pulls = place.pulls
        self._settings = settings
        self._config = config
        self.access = Access(self._kubeconfig, self.host, timeout, connect)

    @property
    def _record(self) -> str:
        return self._files.lab.record(self.host)

    @property
    def _kubeconfig(self) -> str:
        return self._files.lab.kubeconfig(self.host)

    @property
    def log(self) -> str:
        return self._files.lab.log(self.host)

    def observe(self, wanted: Wanted) -> Observed:
        """Look; nothing is changed."""
        record = storage.read_json(self._record)
        nodes = {node.name: node.state for node in self._engine.nodes(self.name)}
        made = bool(record.get("made"))
        observed = Observed(made=made, nodes=nodes, kubeconfig=storage.read(self._kubeconfig) is not None)
        if not made or not nodes:
            return observed
        self._check_unchanged(record, nodes, wanted)
        if wanted.images:
            running = [name for name, state in nodes.items() if state == RUNNING and name in wanted.nodes]
            observed = dataclasses.replace(observed, images={name: self._engine.node_images(name) for name in running})
        if observed.kubeconfig and nodes.get(wanted.nodes[0]) == RUNNING and self.access.answers():
            observed = dataclasses.replace(observed, labels=self.access.node_labels(), corefile=self._corefile())
        return observed

    def _check_unchanged(self, record: dict[str, Any], nodes: dict[str, str], wanted: Wanted) -> None:
        was = {key: record.get(key) for key in self._settings.as_record()}
        differs = [f"{key} {was[key]} and now {value}" for key, value in self._settings.as_record().items() if was[key] != value]
        if wanted.nodes[0] in nodes and set(nodes) != set(wanted.nodes):
            differs.append(f"nodes {', '.join(sorted(nodes))} and now {', '.join(wanted.nodes)}")
        if differs:
            raise EdgefedError(
                f'Lab cluster "{self.host}" was made with {"; ".join(differs)}. These cannot change while it lives. '
                f"Next: undo the change, or run lab_down.yml --limit {self.host} and then lab_up.yml.",
                code="changed",
                details={"cluster": self.host, "differs": differs},
            )

    def converge(self, wanted: Wanted) -> Plan:
        """Do it, and give what was done."""
        observed = self.observe(wanted)
        plan = plan_present(observed, wanted)
        if plan.clear:
            self.remove()
        if plan.create:
            self._create(wanted)
        for name in plan.start:
            self._guard()
            self._engine.call("start", name, what=f"Starting node {name}", todo="run lab_down.yml and lab_up.yml when it does not start")
        for name in plan.unpause:
            self._guard()
            self._engine.call("unpause", name, what=f"Unpausing node {name}")
        if plan.kubeconfig:
            self._write_kubeconfig()
        self._wait("its API server answers", self.access.answers)
        done = plan_present(dataclasses.replace(self.observe(wanted), nodes=observed.nodes), wanted) if not plan.create else plan
        if done.dns:
            self._configure_dns(wanted.corefile or "")
        # A node that just came back says Ready until it is missed, so its kubelet's own word is waited for.
        self._wait("all its nodes are Ready", lambda: self._nodes_ready(wanted))
        for name, labels in (self._labels_missing(wanted) if plan.create else done.label).items():
            self.access.client.patch(f"{NODES}/{name}", {"metadata": {"labels": labels}})
        load = plan_present(self.observe(wanted), wanted).load if wanted.images else ()
        for node, image in load:
            self._load(image, node)
        if done.dns:
            self._wait("CoreDNS is ready", self._dns_ready)
        return dataclasses.replace(done, clear=plan.clear, start=plan.start, unpause=plan.unpause, kubeconfig=plan.kubeconfig, load=load)

    def _create(self, wanted: Wanted) -> None:
        taken = processes.listeners([self._settings.port])
        if taken:
            raise EdgefedError(
                f'Lab cluster "{self.host}": {taken[0]}. Next: stop it, or set lab_port_base to another range. Nothing was changed.',
                code="ports",
            )
        record = {**self._settings.as_record(), "driver": "kind", "provider": self._engine.provider}
        record |= {"cluster": self.name, "nodes": list(wanted.nodes), "cache": self._engine.cache}
        storage.write_json(self._record, {**record, "made": False})
        config = self._files.config(self.host)
        storage.write(config, self._config)
        storage.make_folder(self._files.lab.kubeconfigs)
        storage.remove(self.log)
        scratch = f"{self._files.lab.clusters}/{self.host}.kubeconfig"
        arguments = ["create", "cluster", "--name", self.name, "--config", config, "--kubeconfig", scratch]
        if not self._pulls:
            self._check_images_of_nodes(wanted)
        # Here, not only in kind_host: kind itself would make a missing network, on a bridge that nothing isolates.
        self._guard()
        code = self._engine.run_kind(arguments, self.log, self._files.lab.root)
        storage.remove(scratch)
        if code:
            raise EdgefedError(
                f'kind could not make lab cluster "{self.host}": {self._kinds_reason()}. Next: see docs/lab.md for what it means; '
                f"the whole log is {self.log}.",
                code="kind",
                details={"cluster": self.host, "log": self.log},
            )
        storage.write_json(self._record, {**record, "made": True})

    def _check_images_of_nodes(self, wanted: Wanted) -> None:
        """kind itself would pull what is missing."""
        images = {node["image"] for node in json.loads(self._config)["nodes"]}
        missing = sorted(image for image in images if not self._engine.has_image(image))
        if any(name.endswith(LOAD_BALANCER) for name in wanted.nodes):
            missing.append("kind's load balancer for several control planes")
        if missing:
            raise EdgefedError(
                f'Lab cluster "{self.host}" needs what {self._engine.provider} has not: {", ".join(missing)}; a lab with built '
                "images pulls none. Next: run lab_up.yml again, which loads the archive; for others set lab_kind_images: pull.",
                code="image",
                details={"cluster": self.host, "missing": missing},
            )

    def _kinds_reason(self) -> str:
        lines = [line.strip() for line in (storage.read(self.log) or "").splitlines() if line.strip()]
        errors = [line.removeprefix("ERROR: ")[:400] for line in lines if line.startswith("ERROR: ")]
        output = next((index for index, line in enumerate(lines) if line.startswith("Command Output:")), None)
        said = lines[output][:400] if output is not None else ""
        return " | ".join([*errors[:1], *([said] if said else [])]) or " | ".join(lines[-3:])

    def note(self, seconds: float) -> None:
        """Remember how long it took to make it."""
        storage.write_json(self._record, {**storage.read_json(self._record), "seconds": seconds})

    def _write_kubeconfig(self) -> None:
        text = self._kind_says("get", "kubeconfig", "--name", self.name)
        storage.write(self._kubeconfig, text)

    def _kind_says(self, *arguments: str) -> str:
        return run([self._engine.kind, *arguments], f"kind {' '.join(arguments)}", "run lab_up.yml again", self._engine.environment)

    def _labels_missing(self, wanted: Wanted) -> dict[str, Labels]:
        there = self.access.node_labels()
        return labels_to_set(there, dict.fromkeys(there, wanted.labels))

    def _corefile(self) -> str | None:
        found = self.access.client.find(COREFILE)
        return None if found is None else str((found.get("data") or {}).get("Corefile"))

    def _nodes_ready(self, wanted: Wanted) -> bool:
        ready = {
            node["metadata"]["name"]
            for node in self.access.client.list(NODES)
            for condition in node.get("status", {}).get("conditions", [])
            if condition["type"] == "Ready" and condition["status"] == "True"
        }
        return ready >= {name for name in wanted.nodes if not name.endswith(LOAD_BALANCER)}

    def _configure_dns(self, corefile: str) -> None:
        node = f"{self.name}-control-plane"
        apply = ("kubectl", ADMIN, "apply", "--server-side", "--force-conflicts", "-f")
        self._engine.execute(node, *apply, "-", stdin=json.dumps(dns.config_map(corefile)))
        self._engine.execute(node, *apply, dns.MANIFEST)

    def _dns_ready(self) -> bool:
        found = self.access.client.find(DNS_DEPLOYMENT)
        return bool(found and found.get("status", {}).get("readyReplicas"))

    def _load(self, image: str, node: str) -> None:
        if not self._engine.has_image(image):
            if not self._pulls:
                raise EdgefedError(
                    f"Image {image} is not in {self._engine.provider}, and a lab with built images pulls none. Next: load it there, as "
                    "docs/lab.md shows, and run lab_up.yml again; or set lab_kind_images: pull.",
                    code="image",
                    details={"cluster": self.host, "missing": [image]},
                )
            todo = f"pull it, or load it into {self._engine.provider} another way"
            self._engine.call("pull", "--quiet", image, what=f"Pulling image {image}", todo=todo)
        self._engine.send_image(image, node)

    def _wait(self, what: str, met: Callable[[], bool]) -> None:
        while not self._met(met):
            if self.access.is_late():
                raise EdgefedError(
                    f'Lab cluster "{self.host}" was not ready in {self.access.timeout:.0f} s: it was waited until {what}. {self._why()} '
                    f"Next: give it longer (lab_timeout) when the machine is busy; the log of its making is {self.log}.",
                    code="not_ready",
                    details={"cluster": self.host, "log": self.log},
                )
            time.sleep(0.25)

    @staticmethod
    def _met(met: Callable[[], bool]) -> bool:
        try:
            return met()
        except (OSError, EdgefedError):
            return False

    def _why(self) -> str:
        states = ", ".join(f"{node.name} {node.state}" for node in self._engine.nodes(self.name))
        try:
            pods = [
                f"{pod['metadata']['name']} {pod['status'].get('phase')}"
                for pod in self.access.client.list("/api/v1/namespaces/kube-system/pods")
                if pod["status"].get("phase") != "Running"
            ]
        except (OSError, EdgefedError):
            pods = []
        return f"Nodes: {states or 'none'}." + (f" Pods: {', '.join(pods)}." if pods else "")

    def anything(self) -> bool:
        """Whether there is a container, a volume or a record of it."""
        if not self._engine.ready():
            return False
        return bool(storage.read_json(self._record).get("driver") == "kind" or self._engine.nodes(self.name) or self._volumes())

    def check_images(self, images: tuple[str, ...]) -> None:
        """Every running node has these images; an error names the node and the image."""
        missing = [
            (image, node.name)
            for node in (self._engine.nodes(self.name) if images else [])
            if node.state == RUNNING
            for image in sorted(set(images) - self._engine.node_images(node.name))
        ]
        if missing:
            said = "; ".join(f"image {image} is not on node {node}" for image, node in missing)
            raise EdgefedError(
                f'Lab cluster "{self.host}": {said}, and this lab pulls no images. Next: run lab_up.yml, which loads what is missing.',
                code="image",
                details={"missing": [{"image": image, "node": node} for image, node in missing]},
            )

    def _volumes(self) -> list[str]:
        """What kind labels with a node's name, and leaves when it is killed before that node is made."""
        noted = storage.read_json(self._record).get("nodes", [])
        found: list[str] = []
        for node in sorted({control_plane(self.name), *noted, *(node.name for node in self._engine.nodes(self.name))}):
            found += self._engine.call("volume", "ls", "--quiet", "--filter", f"label={node}").split()
        return found

    def remove(self) -> None:
        """Remove its containers, volumes and files; also what a kind that was killed has left."""
        processes.stop(kind_processes(self._files.config(self.host)), STOP_TIMEOUT)
        self._engine.remove_nodes(self.name, what=f'Removing lab cluster "{self.host}"')
        left = self._volumes()
        if left:
            self._engine.call("volume", "rm", "--force", *left, what=f'Removing the volumes of lab cluster "{self.host}"')
        for path in (
            self._record,
            self._files.config(self.host),
            self._kubeconfig,
            self.log,
            f"{self._files.lab.clusters}/{self.host}.kubeconfig",
        ):
            storage.remove(path)
        self.access.forget()
