# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A cluster of its own for the tests of the control plane, with what the real playbooks do to it and what kubectl and Helm see."""

from __future__ import annotations

import base64
import gzip
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Iterator

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.edgefed.kubefed.plugins.module_utils.client import connect
from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import Result
from ansible_collections.edgefed.kubefed.plugins.modules import kubefed_config, kubefed_control_plane, kubefed_control_plane_info

REPOSITORY = Path(__file__).resolve().parents[2]
ANSIBLE = str(Path(sys.executable).with_name("ansible-playbook"))
NAMESPACE = "kube-federation-system"
# A new controller manager asks for the lock every 2 s instead of 5, and looks at its members as often.
QUICK = {"leader_elect": {"retry_period": "2s"}, "cluster_health_check": {"period": "2s"}}


@dataclass
class Run:
    """What a playbook run said; ``changed`` counts the host's and localhost's tasks."""

    status: int
    output: str

    @property
    def said(self) -> str:
        """The output on one line."""
        return " ".join(self.output.split())

    @property
    def changed(self) -> int:
        return sum(int(count) for count in re.findall(r"^\S+ +: ok=\d+ +changed=(\d+)", self.output, re.M))


@dataclass
class Cluster:
    """A lab of one cluster, ``local``, host cluster and (not joined) member; with a member that never was, ``ghost``."""

    folder: Path
    tools: dict[str, str]
    port_base: int

    @property
    def kubeconfig(self) -> str:
        return str(self.folder / ".edgefed" / "kubeconfig")

    def write_inventory(self) -> None:
        common = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable, "kubefed_runtime": "process"}
        common |= {"lab_port_base": self.port_base, "lab_prefix": "cpt-", "lab_nodes": 1, "tools_paths": self.tools}
        common |= {"federation_state_dir": str(self.folder / ".edgefed"), "kubefed_wait_timeout": 60}
        common |= {"kubefed_settings": QUICK}
        groups = {"federation_host": {"hosts": {"local": None}}, "federation_members": {"hosts": {"local": None}}}
        (self.folder / "lab.json").write_text(json.dumps({"all": {"vars": common, "children": {"lab": {"children": groups}}}}))
        groups["federation_members"] = {"hosts": {"local": None, "ghost": None}}
        (self.folder / "ghost.json").write_text(json.dumps({"all": {"vars": common, "children": groups}}))

    def play(self, playbook: str, *options: str, inventory: str = "lab", **variables: Any) -> Run:
        playbooks = [name if "/" in name else str(REPOSITORY / "playbooks" / f"{name}.yml") for name in playbook.split()]
        command = [ANSIBLE, "-i", str(self.folder / f"{inventory}.json"), *playbooks, *options]
        command += ["-e", json.dumps(variables)]
        done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
        output = done.stdout + done.stderr
        assert "Traceback" not in output
        assert "a bug in edgefed" not in output
        return Run(done.returncode, output)

    def converge(self, *options: str, **variables: Any) -> Run:
        run = self.play("control_plane", *options, **variables)
        assert run.status == 0, run.output
        return run

    def remove(self, *options: str, **variables: Any) -> Run:
        run = self.play("control_plane", *options, kubefed_state="absent", **variables)
        assert run.status == 0, run.output
        return run

    def ask(self, check: bool = True, **options: Any) -> Result:
        """The module called directly, with the values of Helm's record; by default it only foretells."""
        values = json.loads(self.helm("get", "values", "kubefed", "-o", "json"))
        given = {"kubeconfig": self.kubeconfig, "context": "local", "version": "0.10.0", "values": values, **options}
        checked = ArgumentSpecValidator(kubefed_control_plane.ARGUMENT_SPEC).validate(given)
        return kubefed_control_plane.run(checked.validated_parameters, check, True, connect)

    def configure(self, check: bool = True, **options: Any) -> Result:
        """The module of the settings called directly; by default it only foretells."""
        given = {"kubeconfig": self.kubeconfig, "context": "local", **options}
        checked = ArgumentSpecValidator(kubefed_config.ARGUMENT_SPEC).validate(given)
        return kubefed_config.run(checked.validated_parameters, check, True, connect)

    def settled(self) -> None:
        """Ready, and nothing to do."""
        for again in (self.ask(), self.configure()):
            assert not again.changed, (again.data, again.diff)
        given = {"kubeconfig": self.kubeconfig, "context": "local", "wait": True, "wait_timeout": 30}
        checked = ArgumentSpecValidator(kubefed_control_plane_info.ARGUMENT_SPEC).validate(given)
        assert kubefed_control_plane_info.run(checked.validated_parameters, False, False, connect).data["ready"]

    def kubectl(self, *arguments: str, stdin: str | None = None) -> str:
        command = [self.tools["kubectl"], "--kubeconfig", self.kubeconfig, "--context", "local", *arguments]
        done = subprocess.run(command, input=stdin, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{command}: {done.stderr}"
        return done.stdout

    def get(self, *arguments: str) -> Any:
        text = self.kubectl("get", *arguments, "-o", "json", "--ignore-not-found")
        return json.loads(text) if text.strip() else None

    def names(self, kind: str, *arguments: str) -> list[str]:
        return self.kubectl("get", kind, "-o", "name", "--ignore-not-found", *arguments).split()

    def helm(self, *arguments: str) -> str:
        command = [self.tools["helm"], "--kubeconfig", self.kubeconfig, "--kube-context", "local", "-n", NAMESPACE, *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    def cut_off(self, status: str) -> None:
        """Helm's own record with another status, as a killed Helm leaves it."""
        name = self.names("secret", "-n", NAMESPACE, "-l", "owner=helm,status=deployed")[0]
        secret = self.get(name, "-n", NAMESPACE)
        content = json.loads(gzip.decompress(base64.b64decode(base64.b64decode(secret["data"]["release"]))))
        content["info"]["status"] = status
        content["info"]["last_deployed"] = "2026-01-01T00:00:00Z"
        packed = base64.b64encode(base64.b64encode(gzip.compress(json.dumps(content).encode()))).decode()
        patch = {"data": {"release": packed}, "metadata": {"labels": {"status": status}}}
        self.kubectl("patch", name, "-n", NAMESPACE, "-p", json.dumps(patch))

    def gates(self) -> dict[str, str]:
        listed = self.get("kubefedconfig", "kubefed", "-n", NAMESPACE)["spec"]["featureGates"]
        return {gate["name"]: gate["configuration"] for gate in listed}

    def state(self) -> Any:
        """What tells whether a run changed something: KubeFed's namespace, its objects' versions, Helm's records, the processes."""
        kept = "namespaces,customresourcedefinitions,clusterroles,clusterrolebindings,mutatingwebhookconfigurations,secrets,deployments"
        listed = self.get(kept, "-A")["items"]
        versions = {(item["kind"], item["metadata"]["name"]): item["metadata"]["resourceVersion"] for item in listed}
        config = self.get("kubefedconfig", "-A") if ("CustomResourceDefinition", "kubefedconfigs.core.kubefed.io") in versions else None
        return versions, config, self.daemons()

    def daemons(self) -> dict[str, int]:
        """KubeFed's processes of this lab, by ps."""
        listing = subprocess.run(["ps", "-eww", "-o", "pid=,args="], capture_output=True, text=True, check=True).stdout
        found = {}
        for line in listing.splitlines():
            if str(self.folder) in line:
                for name in ("controller-manager", "webhook"):
                    if re.search(rf"\d+ \S*/{name} ", line):
                        found[name] = int(line.split()[0])
        return found

    def stop(self, *names: str) -> None:
        for name in names:
            os.kill(self.daemons()[name], signal.SIGKILL)
        while set(names) & set(self.daemons()):
            time.sleep(0.05)

    def nothing_left(self) -> None:
        assert [name for name in self.names("crd") if name.endswith("kubefed.io")] == []
        for kind in ("mutatingwebhookconfiguration", "validatingwebhookconfiguration", "clusterrole", "clusterrolebinding"):
            assert [name for name in self.names(kind) if "kubefed" in name] == []
        assert self.get("namespace", NAMESPACE) is None
        assert self.daemons() == {}


def free_ports() -> int:
    """The first of ten ports that nobody has; another run of these tests may be under way on this machine."""

    def is_free(port: int) -> bool:
        with socket.socket() as tried:
            return tried.connect_ex(("127.0.0.1", port)) != 0

    return next(base for base in range(26900, 27900, 20) if all(is_free(base + offset) for offset in range(10)))


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A bare cluster with the lab's own playbooks, its kubeconfig's context renamed as playbooks/kubeconfig.yml would."""
    folder = tmp_path_factory.mktemp("control-plane")
    paths = folder / "paths.json"
    tasks = [
        {"ansible.builtin.include_role": {"name": "edgefed.kubefed.tools"}},
        {"ansible.builtin.copy": {"content": "{{ tools_paths }}", "dest": str(paths), "mode": "0600"}},
    ]
    play = {"hosts": "localhost", "gather_facts": False, "vars": {"ansible_python_interpreter": sys.executable}, "tasks": tasks}
    (folder / "tools.json").write_text(json.dumps([play]))
    hosts = {"hosts": {"a": None}}
    inventory = {"all": {"children": {"lab": hosts, "federation_host": hosts, "federation_members": hosts}}}
    (folder / "inventory.json").write_text(json.dumps(inventory))
    subprocess.run([ANSIBLE, "-i", str(folder / "inventory.json"), str(folder / "tools.json")], cwd=REPOSITORY, check=True)
    made = Cluster(folder, json.loads(paths.read_text()), free_ports())
    made.write_inventory()
    up = made.play("lab_up")
    assert up.status == 0, up.output
    made_by_lab = (folder / ".edgefed" / "lab" / "kubeconfigs" / "local").read_text()
    Path(made.kubeconfig).write_text(made_by_lab)
    rename = [made.tools["kubectl"], "--kubeconfig", made.kubeconfig, "config"]
    context = subprocess.run([*rename, "current-context"], capture_output=True, text=True, check=True).stdout.strip()
    if context != "local":
        subprocess.run([*rename, "rename-context", context, "local"], check=True)
    yield made
    made.play("lab_down")
