# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One cluster of the embedded lab on this machine: kwokctl, its files, its processes.

kwokctl trusts its pid files: a pid that another process has by now counts as running, and is killed unchecked. So our
own record holds each process's start time, and before kwokctl is called every pid file that does not match is dropped.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from typing import Any

from ansible_collections.edgefed.kubefed.plugins.module_utils.lab import processes, storage
from ansible_collections.edgefed.kubefed.plugins.module_utils.lab.documents import COMPONENTS, NO_EGRESS, digest
from ansible_collections.edgefed.kubefed.plugins.module_utils.lab.layout import ClusterPorts, LabFiles
from ansible_collections.edgefed.kubefed.plugins.module_utils.lab.plan import RUNNING, STOPPED, Observed
from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import EdgefedError

KWOKCTL_TIMEOUT = 90
STOP_TIMEOUT = 10
_SEPARATOR = "\n---\n"


@dataclass(frozen=True)
class PidFiles:
    """kwokctl's pid files of one cluster, with our record of start times next to them."""

    files: LabFiles
    cluster: str

    def _is_component(self, process: processes.ProcessId, component: str) -> bool:
        """Whether a process that no record knows is this component, started by kwokctl in this folder."""
        binary = f"{self.files.work(self.cluster)}/bin/{component}"
        processes.await_program(process)
        return processes.mark(process.pid) == (self.files.root, self.cluster) and processes.command_line(process.pid)[0] == binary

    def running(self) -> dict[str, processes.ProcessId]:
        """Component -> its process, for those that have a pid file that tells the truth."""
        record = storage.read_json(self.files.starts(self.cluster))
        found = {}
        for component in COMPONENTS:
            text = storage.read(self.files.pid(self.cluster, component)) or ""
            process = processes.identify(int(text)) if text.strip().isdigit() else None
            if process and (processes.from_record(record.get(component)) == process or self._is_component(process, component)):
                found[component] = process
        return found

    def orphans(self, running: dict[str, processes.ProcessId]) -> dict[str, processes.ProcessId]:
        """Components that run though their pid file is lost, as when kwokctl was killed while it started them."""
        missing = [component for component in COMPONENTS if component not in running]
        if not missing or not os.path.isdir(self.files.work(self.cluster)):
            return {}
        marked = processes.marked(self.files.root, self.cluster)
        return {component: process for component in missing for process in marked if self._is_component(process, component)}

    def settle(self, observed: Observed, living: dict[str, processes.ProcessId]) -> None:
        """Make kwokctl's pid files true: drop the stale ones, write those of orphans."""
        for component in observed.stale:
            storage.remove(self.files.pid(self.cluster, component))
        for component in observed.orphans:
            storage.write(self.files.pid(self.cluster, component), str(living[component].pid))
        self.record_starts()

    def record_starts(self) -> None:
        path = self.files.starts(self.cluster)
        record = {component: process.as_dict() for component, process in self.running().items()}
        if record != storage.read_json(path):
            storage.write_json(path, record)


@dataclass(frozen=True)
class Cluster:
    """One cluster: ``host`` is its inventory host, ``name`` what kwokctl calls it (with the lab's prefix)."""

    host: str
    name: str
    index: int
    ports: ClusterPorts
    files: LabFiles
    binaries: dict[str, str]
    documents: list[dict[str, Any]]

    @property
    def pid_files(self) -> PidFiles:
        return PidFiles(self.files, self.name)

    def observe(self) -> tuple[Observed, dict[str, processes.ProcessId]]:
        """What is there (without the nodes), and the processes by component. Raises when it was made otherwise."""
        record = storage.read_json(self.files.record(self.host))
        work = self.files.work(self.name)
        made = bool(record.get("made")) and os.path.exists(f"{work}/kwok.yaml")
        running = self.pid_files.running()
        orphans = self.pid_files.orphans(running)
        if made and record.get("digest") != digest(self.documents):
            raise self._made_otherwise()
        observed = Observed(
            made=made,
            leftovers=not made and (os.path.exists(work) or bool(record)),
            components={name: RUNNING if name in running or name in orphans else STOPPED for name in COMPONENTS},
            stale=tuple(c for c in COMPONENTS if c not in running and os.path.exists(self.files.pid(self.name, c))),
            orphans=tuple(orphans),
            kubeconfig=storage.read(self.files.kubeconfig(self.host)) == storage.read(f"{work}/kubeconfig.yaml"),
        )
        return observed, {**running, **orphans}

    def _made_otherwise(self) -> EdgefedError:
        text = storage.read(self.files.config(self.host)) or ""
        there: dict[str, Any] = {}
        with contextlib.suppress(ValueError):
            there = json.loads(text.split(_SEPARATOR)[0]).get("options", {})
        now = self.documents[0]["options"]
        differing = [f"{key}: {there.get(key)} -> {now.get(key)}" for key in sorted({*there, *now}) if there.get(key) != now.get(key)]
        return EdgefedError(
            f'Lab cluster "{self.host}" was made with other settings ({"; ".join(differing) or "other stages"}), and they cannot '
            "change while it lives. Next: run lab_down.yml (with --limit for this cluster alone), then lab_up.yml; "
            "or take the settings back.",
            code="made_otherwise",
            details={"cluster": self.host, "differing": differing},
        )

    def check_ports(self, running: dict[str, processes.ProcessId]) -> None:
        """Raises when a port of a component that does not run is taken."""
        wanted = [port for name, ports in self.ports.by_component().items() if name not in running for port in ports]
        taken = processes.listeners(wanted) if wanted else []
        if taken:
            raise ports_taken(f'Lab cluster "{self.host}"', taken)

    def create(self) -> None:
        """Let kwokctl make the cluster and start its components."""
        record = {"host": self.host, "cluster": self.name, "index": self.index, "made": False, "digest": digest(self.documents)}
        storage.write_json(self.files.record(self.host), record)
        storage.write(self.files.config(self.host), _SEPARATOR.join(json.dumps(one, indent=1) for one in self.documents) + "\n")
        storage.write_json(self.files.egress(self.host), NO_EGRESS)
        self._kwokctl("create", "cluster", "--kubeconfig", "")
        self.pid_files.record_starts()
        # The names that KubeFed's webhook looks for in its --cert-dir.
        for wanted, there in (("tls.crt", "admin.crt"), ("tls.key", "admin.key")):
            os.symlink(there, f"{self.files.work(self.name)}/pki/{wanted}")
        storage.write_json(self.files.record(self.host), {**record, "made": True})

    def start(self) -> None:
        """Let kwokctl start what does not run; the pid files must be true."""
        self._kwokctl("start", "cluster")
        self.pid_files.record_starts()

    def note(self, seconds: float) -> None:
        """Remember how long it took to make."""
        path = self.files.record(self.host)
        storage.write_json(path, {**storage.read_json(path), "seconds": seconds})

    def write_kubeconfig(self) -> None:
        """The cluster's kubeconfig for others, as kwokctl made it."""
        storage.write(self.files.kubeconfig(self.host), storage.read(f"{self.files.work(self.name)}/kubeconfig.yaml") or "")

    def remove(self) -> bool:
        """Stop every process of the cluster and remove its files; ``False`` when there was nothing."""
        found = bool(stop_marked(self.files.root, self.name))
        work = self.files.work(self.name)
        known = [self.files.kubeconfig, self.files.record, self.files.config, self.files.egress, self.files.log]
        found = sum(storage.remove(path(self.host)) for path in known) > 0 or found
        if os.path.isdir(work):
            shutil.rmtree(work)
            found = True
        return found

    def has_anything(self) -> bool:
        """Whether :meth:`remove` would find something of this driver's."""
        if storage.read_json(self.files.record(self.host)).get("driver", "embedded") != "embedded":
            return False
        paths = [self.files.work(self.name), self.files.kubeconfig(self.host), self.files.record(self.host)]
        return any(os.path.exists(path) for path in paths) or bool(processes.marked(self.files.root, self.name))

    def log_of(self, component: str) -> str:
        return f"{self.files.work(self.name)}/logs/{component}.log"

    def _kwokctl(self, *arguments: str) -> None:
        files = self.files
        for folder in (files.kwok, files.clusters, files.kubeconfigs, files.path):
            storage.make_folder(folder)
        # kwokctl would ask kubectl five times a second whether the API server answers. We ask ourselves, more cheaply.
        with contextlib.suppress(FileExistsError):
            os.symlink(shutil.which("true") or "/bin/true", f"{files.path}/kubectl")
        environment = {
            "PATH": f"{files.path}:/usr/bin:/bin",
            "HOME": files.root,
            "KWOK_WORKDIR": files.kwok,
            **processes.mark_environment(files.root, self.name),
        }
        command = [self.binaries["kwokctl"], "--name", self.name, "--config", files.config(self.host), *arguments]
        started = processes.start(command, environment, files.log(self.host), files.kwok)
        try:
            status: int | None = started.wait(KWOKCTL_TIMEOUT)
        except subprocess.TimeoutExpired:
            started.kill()
            started.wait()
            status = None
        if status != 0:
            raise EdgefedError(
                f'kwokctl {" ".join(arguments[:2])} for lab cluster "{self.host}" '
                f"{'did not end in time' if status is None else f'failed (exit {status})'}: "
                f"{storage.last_lines(files.log(self.host), 3)}. "
                f"Next: read {files.log(self.host)}, or run lab_down.yml and lab_up.yml again.",
                code="kwokctl",
                details={"cluster": self.host, "log": files.log(self.host)},
            )


def ports_taken(
    who: str, taken: list[processes.Listener], remedy: str = "lab_port_base to a free range (ten ports for each cluster)"
) -> EdgefedError:
    """The error that names each taken port with its process, and the lab that the process belongs to."""
    said = []
    for listener in taken:
        lab = processes.mark(listener.pid) if listener.pid else None
        said.append(f"{listener}{f' of the lab in {lab[0]}' if lab else ''}")
    return EdgefedError(
        f"{who} cannot start: {'; '.join(said)}. Next: stop that process, or set {remedy}. Nothing was started.",
        code="port_taken",
        details={"ports": [{"port": one.port, "pid": one.pid, "name": one.name} for one in taken]},
    )


def stop_marked(root: str, part: str | None = None) -> list[processes.ProcessId]:
    """Stop every process that this lab (or one part of it) started; those that start others meanwhile, too."""
    stopped: list[processes.ProcessId] = []
    while found := processes.marked(root, part):
        stopped += processes.stop(found, STOP_TIMEOUT, gently=False)
        if any(processes.is_alive(process) for process in found):
            raise EdgefedError(
                f"Process(es) {', '.join(str(process.pid) for process in found if processes.is_alive(process))} of the lab in {root} "
                f"do not end. Next: look at them (ps -p PID), and run again.",
                code="not_stopped",
            )
    return stopped
