# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One member, zj, joined and unjoined by the module called directly, and what kubectl sees of it."""

from __future__ import annotations

import base64
import json
import os
import re
import socket
import socketserver
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path
from socketserver import StreamRequestHandler, ThreadingTCPServer
from typing import Any, Callable, Iterator

import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.edgefed.kubefed.plugins.module_utils.client import Client, connect
from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import EdgefedError, Result
from ansible_collections.edgefed.kubefed.plugins.modules.kubefed_cluster import ARGUMENT_SPEC, run

REPOSITORY = Path(__file__).resolve().parents[2]
SYSTEM = "kube-federation-system"
ROLE = "kubefed-controller-manager:zj-local"
KILLED = 9
MEMBER = [
    ("namespace", SYSTEM),
    ("serviceaccount", "zj-local"),
    ("clusterrole", ROLE),
    ("clusterrolebinding", ROLE),
    ("secret", "zj-local"),
]
HOST = [("secret", "zj-credentials"), ("kubefedcluster", "zj")]
OBJECTS = [("zj", *one) for one in MEMBER] + [("local", *one) for one in HOST]
READ_KINDS = "serviceaccounts,secrets,roles,rolebindings,namespaces,clusterroles,clusterrolebindings"


class Federation:
    """The module called directly, and what kubectl sees."""

    def __init__(self, lab: Any) -> None:
        self.lab = lab

    def __call__(self, check: bool = False, using: Callable[..., Client] = connect, **options: Any) -> Result:
        """One run, without waiting unless asked to."""
        given = {"kubeconfig": self.lab.kubeconfig, "context": "local", "name": "zj", "wait": False, **options}
        checked = ArgumentSpecValidator(ARGUMENT_SPEC).validate(given)
        assert not checked.error_messages, checked.error_messages
        return run(checked.validated_parameters, check, True, using)

    def error(self, **options: Any) -> EdgefedError:
        """The error of a run that has to fail."""
        with pytest.raises(EdgefedError) as caught:
            self(**options)
        assert "Next: " in caught.value.message
        return caught.value

    def find(self, context: str, kind: str, name: str) -> Any:
        """An object of the join."""
        return self.lab.get(context, kind, name, "-n", SYSTEM)

    def token(self, context: str, secret: str) -> str:
        """The token in a secret."""
        return base64.b64decode(self.find(context, "secret", secret)["data"]["token"]).decode()

    def all_of(self, context: str, objects: list[tuple[str, str]]) -> list[Any]:
        """Those of the objects that are there, in the order of ``objects``."""
        found: list[Any] = self.lab.get(context, *(f"{kind}/{name}" for kind, name in objects), "-n", SYSTEM)["items"]
        return found

    def settled(self, secret: str = "zj-local", **options: Any) -> None:
        """The join is complete, each side fits the other, and a further run changes nothing, in the fewest requests. ``secret`` is where
        the member has its token."""
        expected = [*MEMBER[:-1], ("secret", secret)]
        in_member, in_host = self.all_of("zj", expected), self.all_of("local", HOST)
        assert [item["metadata"]["name"] for item in in_member + in_host] == [name for _, name in expected + HOST]
        assert not any("deletionTimestamp" in item["metadata"] for item in in_member + in_host)
        assert in_member[-1]["data"]["token"] == in_host[0]["data"]["token"]
        again = self(**options)
        assert not again.changed, again.data["changes"]
        assert again.diff and again.diff["before"] == again.diff["after"]  # type: ignore[call-overload]
        assert again.data["api_requests"] <= 9

    def left(self) -> list[str]:
        """What a join of zj left anywhere."""
        found: list[str] = []
        for context, kinds in (("zj", READ_KINDS), ("local", f"{READ_KINDS},kubefedclusters")):
            names = self.lab.kubectl(context, "get", kinds, "-n", SYSTEM, "-o", "name").split()
            found += [name for name in names if "zj" in name.split("/", 1)[1] or (context, name) == ("zj", f"namespace/{SYSTEM}")]
        return found


@pytest.fixture(scope="module")
def federation(lab: Any) -> Iterator[Federation]:
    """zj unjoined at the start; at the end the clusters that were joined are joined again."""
    fed = Federation(lab)
    joined = [name for name in ("local", "zj") if lab.get("local", "kubefedcluster", name, "-n", SYSTEM)]
    fed(state="absent", wait=True)
    yield fed
    for name in ("local", "zj"):
        fed(name=name, state="present" if name in joined else "absent", wait=True)


def played(*arguments: Any) -> subprocess.CompletedProcess[str]:
    """A real run of ansible-playbook, without traceback; errors are in ``stdout`` too."""
    command = [str(Path(sys.executable).with_name("ansible-playbook")), *map(str, arguments)]
    output = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    done = subprocess.run(command, cwd=REPOSITORY, text=True, check=False, **output)  # type: ignore[call-overload]
    assert "Traceback" not in done.stdout and "a bug in edgefed" not in done.stdout
    result: subprocess.CompletedProcess[str] = done
    return result


def actions(outcome: dict[str, Any]) -> list[str]:
    """What a task did, short."""
    return [f"{change['action']} {change['kind']}" for change in outcome["changes"]]


def spoiled(lab: Any, context: str, kind: str, name: str, patch: dict[str, Any]) -> None:
    """One field of an object made wrong."""
    lab.kubectl(context, "patch", kind, name, "-n", SYSTEM, "--type=merge", "-p", json.dumps(patch))


def server_of(lab: Any, context: str) -> tuple[str, str]:
    """Address and CA (PEM) of a cluster."""
    clusters = {one["name"]: one["cluster"] for one in yaml.safe_load(Path(lab.kubeconfig).read_text())["clusters"]}
    contexts = {one["name"]: one["context"] for one in yaml.safe_load(Path(lab.kubeconfig).read_text())["contexts"]}
    found = clusters[contexts[context]["cluster"]]
    return found["server"], base64.b64decode(found["certificate-authority-data"]).decode()


def tasks_run(folder: Path, tasks: list[tuple[str, dict[str, Any]]], path: str = "in_process", check_first: bool = False) -> list[Any]:
    """The outcomes of ``(module, arguments)``, all in one real ansible-playbook run, with ``check_first`` each in check mode before."""
    steps: list[dict[str, Any]] = []
    for module, arguments in tasks:
        for check in (True, False) if check_first else (False,):
            step = {f"edgefed.kubefed.{module}": arguments, "check_mode": check, "diff": True, "ignore_errors": True}
            step |= {"environment": {"EDGEFED_TEST": "1"}} if path == "module" else {}
            steps.append({**step, "register": f"outcome_{len(steps)}"})
    kept = "{{ [" + ", ".join(step["register"] for step in steps) + "] }}"
    steps.append({"ansible.builtin.copy": {"content": kept, "dest": str(folder / "outcomes"), "mode": "0600"}, "diff": False})
    (folder / "steps.json").write_text(json.dumps([{"hosts": "localhost", "gather_facts": False, "tasks": steps}]))
    done = played(folder / "steps.json", "-i", "localhost,", "-c", "local", "-e", f"ansible_python_interpreter={sys.executable}")
    assert done.returncode == 0, done.stdout
    outcomes: list[Any] = json.loads((folder / "outcomes").read_text())
    return outcomes


@pytest.fixture
def run_tasks(tmp_path: Path) -> Any:
    """``run_tasks([arguments, …], path)`` gives ``(in check mode, for real)`` of each, by the module kubefed_cluster."""

    def run_all(arguments: list[dict[str, Any]], path: str) -> list[tuple[Any, Any]]:
        outcomes = tasks_run(tmp_path, [("kubefed_cluster", one) for one in arguments], path, check_first=True)
        return list(zip(outcomes[::2], outcomes[1::2], strict=True))

    return run_all


def inventory_of(lab: Any, folder: Path, members: list[str], **variables: Any) -> Path:
    """An inventory of the lab's federation with these members."""
    common = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable, **variables}
    common |= {"federation_kubeconfig": lab.kubeconfig, "federation_state_dir": str(folder)}
    groups = {"federation_host": {"hosts": {"local": None}}, "federation_members": {"hosts": dict.fromkeys(members)}}
    (folder / "hosts.json").write_text(json.dumps({"all": {"vars": common, "children": groups}}))
    return folder / "hosts.json"


class Mortal:
    """``connect`` whose clients end the process before its ``last``-th request, of all or of those that write."""

    def __init__(self, last: int, only_writes: bool) -> None:
        self.left, self.only_writes = last, only_writes

    def __call__(self, *arguments: Any, **options: Any) -> Client:
        client = connect(*arguments, **options)
        request = client.request

        def counted(method: str, *arguments: Any, **options: Any) -> Any:
            self.left -= method != "GET" or not self.only_writes
            if self.left <= 0:
                os._exit(KILLED)
            return request(method, *arguments, **options)

        client.request = counted  # type: ignore[method-assign]
        return client


def survives(federation: Federation, last: int, only_writes: bool = False, **options: Any) -> bool:
    """Whether a run in a process of its own came to its end before its ``last``-th request."""
    child = os.fork()
    if child == 0:
        try:
            federation(using=Mortal(last, only_writes), **options)
        finally:
            os._exit(0)
    ended = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert ended in (0, KILLED)
    return ended == 0


class Forwarder(socketserver.BaseRequestHandler):
    """Passes a connection on to the server's ``target``."""

    def handle(self) -> None:
        with socket.create_connection(self.server.target) as far:  # type: ignore[attr-defined]
            answers = threading.Thread(target=pass_on, args=(far, self.request))
            answers.start()
            pass_on(self.request, far)
            answers.join()


def pass_on(source: socket.socket, target: socket.socket) -> None:
    """Everything that one side says, to the other."""
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)


def moved(lab: Any, server: str) -> dict[str, Any]:
    """The kubeconfig with every server elsewhere."""
    found: dict[str, Any] = yaml.safe_load(Path(lab.kubeconfig).read_text())
    for one in found["clusters"]:
        one["cluster"]["server"] = server
    return found


def recap(output: str) -> dict[str, tuple[int, int]]:
    """``(changed, failed)`` of each host."""
    found = re.findall(r"^(\S+) +: ok=\d+ +changed=(\d+) +unreachable=\d+ +failed=(\d+)", output, re.M)
    return {host: (int(changed), int(failed)) for host, changed, failed in found}


class Proxy(StreamRequestHandler):
    """An HTTP proxy that knows CONNECT, asks for a password, and counts the tunnels."""

    def handle(self) -> None:
        method, where, _ = self.rfile.readline().decode().split()
        headers = dict(line.decode().strip().split(": ", 1) for line in iter(self.rfile.readline, b"\r\n"))
        assert method == "CONNECT"
        if headers.get("Proxy-Authorization") != "Basic " + base64.b64encode(b"edge:s3cret").decode():
            self.wfile.write(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n")
            return
        host, port = where.rsplit(":", 1)
        with socket.create_connection((host, int(port))) as far, suppress(OSError):
            self.server.tunnels += 1  # type: ignore[attr-defined]
            self.wfile.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            answers = threading.Thread(target=pass_on, args=(far, self.request))
            answers.start()
            pass_on(self.request, far)
            answers.join()


@pytest.fixture
def proxy() -> Iterator[ThreadingTCPServer]:
    """The proxy, listening."""
    with ThreadingTCPServer(("127.0.0.1", 0), Proxy) as server:
        server.daemon_threads = True
        server.tunnels = 0  # type: ignore[attr-defined]
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()
