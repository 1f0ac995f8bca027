# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Small labs of their own, brought up, broken, healed and taken down by the real playbooks.

One lab lives through the whole file, so the tests run in its order.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import stat
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Iterator

import pytest
from integration.processes import descendants

REPOSITORY = Path(__file__).resolve().parents[2]
ANSIBLE = str(Path(sys.executable).with_name("ansible-playbook"))
PORT_BASE = 26500
COMPONENTS = {"etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kwok-controller"}


@dataclass
class Outcome:
    status: int
    output: str
    changed: dict[str, int] = field(default_factory=dict)


@dataclass
class SmallLab:
    """A lab in a folder of its own, and the playbooks run on it."""

    state: Path
    inventory: Path
    tools: dict[str, str]
    variables: dict[str, Any]
    hosts: list[str]

    def __post_init__(self) -> None:
        self.write_inventory(self.hosts)

    def write_inventory(self, hosts: list[str]) -> None:
        groups = {"federation_host": {"hosts": {hosts[0]: {"member_region": "east", "member_zone": "east-1", "lab_nodes": 1}}}}
        groups["federation_members"] = {"hosts": {host: {"lab_node_labels": {"site": host}} for host in hosts}}
        common = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable, "tools_paths": self.tools}
        common |= {"federation_state_dir": str(self.state), **self.variables}
        self.inventory.write_text(json.dumps({"all": {"vars": common, "children": {"lab": {"children": groups}}}}))

    def command(self, playbook: str, *options: str) -> list[str]:
        return [ANSIBLE, "-i", str(self.inventory), str(REPOSITORY / "playbooks" / f"{playbook}.yml"), *options]

    def run(self, playbook: str, *options: str) -> Outcome:
        done = subprocess.run(self.command(playbook, *options), cwd=REPOSITORY, capture_output=True, text=True, check=False)
        output = done.stdout + done.stderr
        assert "Traceback" not in output
        assert "a bug in edgefed" not in output
        counts = {host: int(count) for host, count in re.findall(r"^(\S+) +: ok=\d+ +changed=(\d+)", output, re.M)}
        return Outcome(done.returncode, output, counts)

    def up(self, *options: str) -> dict[str, int]:
        """Changed tasks by host."""
        outcome = self.run("lab_up", *options)
        assert outcome.status == 0, outcome.output
        return {host: outcome.changed[host] for host in self.hosts}

    def down(self, *options: str) -> int:
        """Changed tasks."""
        outcome = self.run("lab_down", *options)
        assert outcome.status == 0, outcome.output
        return sum(outcome.changed.values())

    @property
    def folder(self) -> Path:
        return self.state / "lab"

    def pid_file(self, host: str, component: str) -> Path:
        return self.folder / "kwok" / "clusters" / f"{self.variables['lab_prefix']}{host}" / "pids" / f"{component}.pid"

    def pids(self, host: str) -> dict[str, int]:
        return {component: int(self.pid_file(host, component).read_text()) for component in COMPONENTS}

    def kubectl(self, host: str, *arguments: str, stdin: str | None = None) -> str:
        command = [self.tools["kubectl"], "--kubeconfig", str(self.folder / "kubeconfigs" / host), *arguments]
        return subprocess.run(command, input=stdin, capture_output=True, text=True, check=True).stdout


def command_lines(text: str) -> list[int]:
    """Processes whose command line names ``text``, by ps."""
    listing = subprocess.run(["ps", "-eww", "-o", "pid=,args="], capture_output=True, text=True, check=True).stdout
    return [int(line.split()[0]) for line in listing.splitlines() if text in line]


def listening(first: int, last: int) -> list[tuple[str, int]]:
    """``(address, port)`` of everything that listens on these ports, by ss."""
    listing = subprocess.run(["ss", "-Hltn"], capture_output=True, text=True, check=True).stdout
    pairs = [line.split()[3].rpartition(":") for line in listing.splitlines()]
    return sorted((address, int(port)) for address, _colon, port in pairs if first <= int(port) <= last)


def eventually(what: Any, seconds: float = 10) -> Any:
    end = time.monotonic() + seconds
    while not (found := what()) and time.monotonic() < end:
        time.sleep(0.1)
    assert found
    return found


@pytest.fixture(scope="module")
def tools(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Where role tools has them; from its cache, or made now."""
    folder = tmp_path_factory.mktemp("tools")
    play = {
        "hosts": "localhost",
        "gather_facts": False,
        "vars": {"ansible_python_interpreter": sys.executable},
        "tasks": [
            {"ansible.builtin.include_role": {"name": "edgefed.kubefed.tools"}},
            {"ansible.builtin.copy": {"content": "{{ tools_paths }}", "dest": str(folder / "paths.json"), "mode": "0600"}},
        ],
    }
    inventory = {
        "all": {
            "children": {
                "lab": {"hosts": {"a": None}},
                "federation_host": {"hosts": {"a": None}},
                "federation_members": {"hosts": {"a": None}},
            }
        }
    }
    (folder / "play.json").write_text(json.dumps([play]))
    (folder / "hosts.json").write_text(json.dumps(inventory))
    command = [ANSIBLE, "-i", str(folder / "hosts.json"), str(folder / "play.json")]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    found: dict[str, str] = json.loads((folder / "paths.json").read_text())
    return found


@pytest.fixture(scope="module")
def labs(tools: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Makes labs; whatever a failed test leaves is taken down at the end."""
    made: list[SmallLab] = []

    def make(name: str, port_base: int, hosts: list[str]) -> SmallLab:
        folder = tmp_path_factory.mktemp(name)
        lab = SmallLab(folder / "state", folder / "hosts.yml", tools, {"lab_prefix": f"{name}-", "lab_port_base": port_base}, hosts)
        made.append(lab)
        return lab

    yield make
    for lab in made:
        lab.run("lab_down")


@pytest.fixture(scope="module")
def small(labs: Any) -> SmallLab:
    """The lab of this file, a host cluster ``a`` and a member ``b``."""
    lab: SmallLab = labs("one", PORT_BASE, ["a", "b"])
    return lab


@pytest.fixture
def stranger() -> Iterator[subprocess.Popen[bytes]]:
    """A process that has nothing to do with any lab."""
    process = subprocess.Popen(["sleep", "600"])
    yield process
    assert process.poll() is None, "somebody stopped a stranger"
    process.kill()
    process.wait()


def test_check_mode_predicts_and_makes_nothing(small: SmallLab) -> None:
    assert small.up("--check") == {"a": 1, "b": 1}
    assert not small.folder.exists()
    assert listening(PORT_BASE, PORT_BASE + 99) == []


def test_up_then_again(small: SmallLab) -> None:
    assert small.up() == {"a": 1, "b": 1}
    before = [small.pids(host) for host in small.hosts]
    assert small.up() == {"a": 0, "b": 0}
    assert small.up("--check") == {"a": 0, "b": 0}
    assert [small.pids(host) for host in small.hosts] == before
    report = json.loads((small.folder / "lab.json").read_text())
    for host in small.hosts:
        assert report["clusters"][host]["processes"] == len(COMPONENTS)
        assert 100e6 < report["clusters"][host]["memory_bytes"] < 650e6


def test_nodes_have_region_zone_and_labels(small: SmallLab) -> None:
    def labels(host: str) -> dict[str, dict[str, str]]:
        nodes = json.loads(small.kubectl(host, "get", "nodes", "-o", "json"))["items"]
        return {node["metadata"]["name"]: node["metadata"]["labels"] for node in nodes}

    (host_node,) = labels("a").values()
    assert (host_node["topology.kubernetes.io/region"], host_node["topology.kubernetes.io/zone"]) == ("east", "east-1")
    assert {node["site"] for node in labels("b").values()} == {"b"}
    assert len(labels("b")) == 2


def test_loopback_only_and_private(small: SmallLab) -> None:
    found = listening(PORT_BASE, PORT_BASE + 99)
    assert [port for _address, port in found] == [*range(PORT_BASE, PORT_BASE + 6), *range(PORT_BASE + 10, PORT_BASE + 16)]
    assert {address for address, _port in found} == {"127.0.0.1"}
    everywhere = subprocess.run(["ss", "-Hltnp"], capture_output=True, text=True, check=True).stdout.splitlines()
    ours = {f"pid={pid}," for host in small.hosts for pid in small.pids(host).values()}
    assert all(line.split()[3].startswith("127.0.0.1:") for line in everywhere if any(pid in line for pid in ours))
    paths = [small.folder, *small.folder.rglob("*")]
    open_to_others = [path for path in paths if not path.is_symlink() and stat.S_IMODE(path.stat().st_mode) & 0o077]
    assert open_to_others == []


def test_load_balancers_and_ingresses_get_addresses_of_the_clusters_range(small: SmallLab) -> None:
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "web"},
        "spec": {"type": "LoadBalancer", "ports": [{"port": 80}]},
    }
    backend = {"service": {"name": "web", "port": {"number": 80}}}
    ingress = {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {"name": "web"}, "spec": {"defaultBackend": backend}}
    for number, host in enumerate(small.hosts, start=1):
        small.kubectl(host, "create", "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": [service, ingress]}))
        for kind in ("service", "ingress"):
            path = "jsonpath={.status.loadBalancer.ingress[0].ip}"
            address = eventually(lambda host=host, kind=kind, path=path: small.kubectl(host, "get", kind, "web", "-o", path))
            assert address.startswith(f"127.{number}.")


def test_a_killed_component_is_healed_and_only_that(small: SmallLab) -> None:
    before = {host: small.pids(host) for host in small.hosts}
    os.kill(before["b"]["kube-scheduler"], signal.SIGKILL)
    predicted = small.run("lab_up", "--check", "--diff")
    assert "-        kube-scheduler: stopped\n+        kube-scheduler: running" in predicted.output
    assert small.pids("b") == before["b"]
    assert small.up() == {"a": 0, "b": 1}
    assert small.pids("a") == before["a"]
    after = small.pids("b")
    assert {name for name in COMPONENTS if after[name] != before["b"][name]} == {"kube-scheduler"}


def test_a_strangers_pid_is_neither_trusted_nor_killed(small: SmallLab, stranger: subprocess.Popen[bytes]) -> None:
    before = small.pids("b")
    os.kill(before["kwok-controller"], signal.SIGKILL)
    small.pid_file("b", "kwok-controller").write_text(str(stranger.pid))
    assert small.up() == {"a": 0, "b": 1}
    after = small.pids("b")
    assert after["kwok-controller"] not in (stranger.pid, before["kwok-controller"])
    assert Path(f"/proc/{after['kwok-controller']}/cmdline").read_bytes().split(b"\0")[0].endswith(b"/bin/kwok-controller")


def test_a_lost_pid_file_of_a_living_component(small: SmallLab, stranger: subprocess.Popen[bytes]) -> None:
    """As when kwokctl was killed between starting a component and writing its pid file."""
    before = small.pids("b")
    small.pid_file("b", "etcd").unlink()
    small.pid_file("b", "kube-scheduler").write_text(str(stranger.pid))
    assert small.up() == {"a": 0, "b": 0}
    os.kill(before["kube-controller-manager"], signal.SIGKILL)
    assert small.up() == {"a": 0, "b": 1}
    after = small.pids("b")
    assert {name for name in COMPONENTS if after[name] != before[name]} == {"kube-controller-manager"}


def test_after_a_reboot_all_comes_back_with_its_data(small: SmallLab, stranger: subprocess.Popen[bytes]) -> None:
    """Everything is dead, and other processes have got the pids."""
    small.kubectl("a", "create", "namespace", "kept")
    for host in small.hosts:
        for component, pid in small.pids(host).items():
            os.kill(pid, signal.SIGKILL)
            small.pid_file(host, component).write_text(str(stranger.pid))
        record = small.pid_file(host, "x").with_name("edgefed.json")
        starts = json.loads(record.read_text())
        record.write_text(
            json.dumps({name: {**process, "pid": stranger.pid, "boot": "the one before"} for name, process in starts.items()})
        )
    assert small.up() == {"a": 1, "b": 1}
    assert small.kubectl("a", "get", "namespace", "kept", "-o", "name") == "namespace/kept\n"
    assert small.up() == {"a": 0, "b": 0}


def test_a_taken_port_is_named_with_its_process_before_anything_starts(labs: Any) -> None:
    lab = labs("taken", PORT_BASE + 200, ["a", "b"])
    with socket.create_server(("127.0.0.1", PORT_BASE + 211)):
        outcome = lab.run("lab_up")
    assert outcome.status != 0
    said = " ".join(outcome.output.split())
    name = Path("/proc/self/comm").read_text().strip()
    assert f"port {PORT_BASE + 211} is taken by process {os.getpid()} ({name})" in said
    assert "Next: stop that process, or set lab_port_base" in said
    assert not lab.folder.exists()
    assert listening(PORT_BASE + 200, PORT_BASE + 299) == []


def test_an_unknown_driver_is_refused_with_those_that_are_known(labs: Any) -> None:
    lab = labs("unknown", PORT_BASE + 400, ["a"])
    outcome = lab.run("lab_up", "-e", "lab_driver=minikube")
    assert outcome.status != 0
    assert 'lab_driver "minikube" is not known. Next: set lab_driver to one of embedded, kind.' in " ".join(outcome.output.split())
    assert not lab.folder.exists()


def test_twenty_more_hosts_are_twenty_more_clusters(labs: Any, run_task: Any) -> None:
    """``edge[01:20]`` as Ansible expands it: foretold only, since that many would need 14 GB."""
    base = PORT_BASE + 500
    lab = labs("many", base, ["a", "edge[01:20]"])
    hosts = ["a", *(f"edge{number:02}" for number in range(1, 21))]
    outcome = lab.run("lab_up", "--check")
    small_machine = re.search(rf"{len(hosts)} new cluster\(s\) need .* are left", " ".join(outcome.output.split()))
    if small_machine:
        assert outcome.status != 0
        pytest.skip(f"not on this machine, which is told: {small_machine[0]}")
    assert outcome.status == 0, outcome.output
    assert {host: outcome.changed[host] for host in hosts} == dict.fromkeys(hosts, 1)
    plan = {"folder": str(lab.folder), "hosts": hosts, "prefix": "many-", "port_base": base, "tools": lab.tools}
    where = run_task("lab_plan", plan)["clusters"]
    ports = [port for one in where.values() for port in one["ports"].values()]
    assert len(ports) == len(set(ports))
    assert {port // 10 for port in ports} == set(range(base // 10, base // 10 + len(hosts)))
    for what in ("cluster", "addresses", "kubeconfig"):
        assert len({one[what] for one in where.values()}) == len(hosts)
    assert not lab.folder.exists()
    assert listening(base, base + 10 * len(hosts)) == []


def test_two_labs_side_by_side_and_one_that_was_cut_off(small: SmallLab, labs: Any) -> None:
    small.up()
    before = {host: small.pids(host) for host in small.hosts}
    other = labs("two", PORT_BASE + 100, ["a"])
    cut = subprocess.Popen(other.command("lab_up"), cwd=REPOSITORY, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    record = other.folder / "clusters" / "a.json"
    eventually(record.exists, 60)
    for pid in [*descendants(cut.pid), cut.pid]:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    cut.wait()
    assert json.loads(record.read_text())["made"] is False
    assert other.up() == {"a": 1}
    assert other.up() == {"a": 0}
    assert command_lines(str(other.state))
    assert other.down() == 1
    assert command_lines(str(other.state)) == []
    assert listening(PORT_BASE + 100, PORT_BASE + 199) == []
    assert {host: small.pids(host) for host in small.hosts} == before
    assert small.up() == {"a": 0, "b": 0}


def test_other_settings_are_refused_with_the_difference(small: SmallLab) -> None:
    outcome = small.run("lab_up", "-e", f"lab_port_base={PORT_BASE + 300}")
    said = " ".join(outcome.output.split())
    assert outcome.status != 0
    assert f"kubeApiserverPort: {PORT_BASE} -> {PORT_BASE + 300}" in said
    assert "Next: run lab_down.yml" in said
    assert small.up() == {"a": 0, "b": 0}


def test_the_modules_own_process_finds_the_same(small: SmallLab, run_task: Any) -> None:
    """Not in process but as modules; the other tests take the fast path."""
    arguments = {"folder": str(small.folder), "host": "b", "prefix": "one-", "tools": small.tools, "labels": {"site": "b"}}
    arguments |= {"index": 1, "port_base": PORT_BASE}
    assert run_task("lab_cluster", arguments, check=True, path="module")["changed"] is False
    same = run_task("lab_cluster", arguments, path="module")
    assert (same["changed"], same["actions"], same["server"]) == (False, [], f"https://127.0.0.1:{PORT_BASE + 10}")
    plan = {"folder": str(small.folder), "hosts": ["new", "a", "b"], "prefix": "one-", "port_base": PORT_BASE, "tools": small.tools}
    located = run_task("lab_plan", plan, path="module")
    assert {host: where["index"] for host, where in located["clusters"].items()} == {"new": 2, "a": 0, "b": 1}
    assert located["new"] == ["new"]


def results_of(folder: Path, tasks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each task's result, of one real run of them all."""
    registered = [{**task, "register": f"r{number}"} for number, task in enumerate(tasks)]
    results = "{{ [" + ", ".join(task["register"] for task in registered) + "] }}"
    keep = {"ansible.builtin.copy": {"content": results, "dest": str(folder / "results"), "mode": "0600"}}
    (folder / "play.json").write_text(json.dumps([{"hosts": "localhost", "gather_facts": False, "tasks": [*registered, keep]}]))
    command = [ANSIBLE, "-i", "localhost,", "-c", "local", "-e", f"ansible_python_interpreter={sys.executable}"]
    done = subprocess.run([*command, str(folder / "play.json")], cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    found: list[dict[str, Any]] = json.loads((folder / "results").read_text())
    return found


def test_a_lab_made_measured_and_removed_by_the_modules_own_processes(small: SmallLab, tmp_path: Path) -> None:
    """What they start outlives them; all in one run, each first in check mode, and once more."""
    folder, base = str(tmp_path / "lab"), PORT_BASE + 800
    cluster = {"folder": folder, "host": "a", "prefix": "own-", "index": 0, "port_base": base, "tools": small.tools, "nodes": 1}
    gone = {key: cluster[key] for key in ("folder", "host", "prefix")} | {"state": "absent"}
    report = {"folder": folder, "clusters": {"a": {"cluster": "own-a", "addresses": "127.1.0.0/16", "ports": {"kube_apiserver": base}}}}
    steps: list[tuple[str, dict[str, Any], bool]] = [
        *(("lab_cluster", cluster, check) for check in (True, False, False)),
        *(("lab_report", report, check) for check in (True, False)),
        *(("lab_cluster", gone, check) for check in (True, False, False)),
        ("lab_cluster", cluster, False),
        *(("lab_remove", {"folder": folder}, check) for check in (True, False, False)),
    ]
    environment = {"EDGEFED_TEST": "1"}
    tasks = [
        {f"edgefed.kubefed.{module}": arguments, "check_mode": check, "environment": environment} for module, arguments, check in steps
    ]
    try:
        found = results_of(tmp_path, tasks)
        changed = [result["changed"] for result in found]
        assert changed == [True, True, False, False, False, True, True, False, True, True, True, False]
        predicted, made, again = found[:3]
        assert predicted["actions"] == made["actions"] and again["actions"] == []
        assert made["server"] == f"https://127.0.0.1:{base}"
        for result in found[3:5]:
            assert 100e6 < result["memory_bytes"] < 650e6
            assert f"{len(COMPONENTS)} processes" in result["lines"][0]
        assert found[5]["actions"] == found[6]["actions"] != []
        assert found[9]["processes"] == found[10]["processes"] == len(COMPONENTS)
        assert found[10]["clusters"] == ["a"]
    finally:
        left = results_of(tmp_path, [{"edgefed.kubefed.lab_remove": {"folder": folder}}])
    assert left[0]["changed"] is False
    assert not Path(folder).exists()
    assert command_lines(folder) == []
    assert listening(base, base + 9) == []


def daemon_steps(folder: Path, port: int) -> list[tuple[str, dict[str, Any]]]:
    """``(expected action, arguments)`` of one task after the other."""
    served = [sys.executable, "-m", "http.server", "--bind", "127.0.0.1", str(port)]
    common = {"folder": str(folder / "lab"), "name": "served"}
    started = {**common, "command": served, "files": [str(folder / "watched")], "ports": [port], "ready_url": f"http://127.0.0.1:{port}/"}
    stopped = {**common, "state": "stopped"}
    other = {**started, "environment": {"LANG": "C"}}
    again = {**other, "state": "restarted"}
    return [("start", started), ("none", started), ("restart", other), ("restart", again), ("stop", stopped), ("none", stopped)]


@pytest.mark.parametrize("path", ["in_process", "module"])
def test_a_daemon_lives_changes_and_ends(tmp_path: Path, path: str) -> None:
    port = PORT_BASE + 90
    (tmp_path / "watched").write_text("one")
    steps = daemon_steps(tmp_path, port)
    tasks: list[dict[str, Any]] = []
    # A module costs most of a second to start, and it is the same function: its predictions are tested in process only.
    checks = (True, False) if path == "in_process" else (False,)
    for _action, arguments in steps:
        for check in checks:
            task = {"edgefed.kubefed.lab_process": arguments, "check_mode": check}
            tasks.append(task | ({"environment": {"EDGEFED_TEST": "1"}} if path == "module" else {}))
    found = results_of(tmp_path, tasks)
    expected = [(action, action != "none") for action, _arguments in steps for _check in checks]
    assert [(result["action"], result["changed"]) for result in found] == expected
    pids = [result.get("pid") for result in found[len(checks) - 1 :: len(checks)]]
    assert pids[0] == pids[1]
    assert len({*pids[1:4]}) == 3
    assert pids[4:] == [None, None]
    assert listening(port, port) == []


def test_a_daemon_follows_the_files_it_was_started_with(tmp_path: Path, run_task: Any) -> None:
    (_action, arguments), *_others, (_none, stopped) = daemon_steps(tmp_path, PORT_BASE + 91)
    (tmp_path / "watched").write_text("one")
    first = run_task("lab_process", arguments)
    (tmp_path / "watched").write_text("two")
    second = run_task("lab_process", arguments)
    run_task("lab_process", stopped)
    assert second["why"] == [f"file {tmp_path}/watched changed"]
    assert first["pid"] != second["pid"]
    assert command_lines(f"127.0.0.1 {PORT_BASE + 91}") == []


def test_a_daemon_that_ends_at_once_says_why(tmp_path: Path, run_task: Any) -> None:
    failing = [sys.executable, "-c", "import sys; sys.exit('no such flag: --frob')"]
    done = run_task(
        "lab_process", {"folder": str(tmp_path / "lab"), "name": "webhook", "command": failing, "ready_url": "tcp://127.0.0.1:1"}
    )
    assert done["failed"] is True
    assert "ended at once (exit 1)" in done["msg"]
    assert "no such flag: --frob" in done["msg"]


def test_down_leaves_nothing_though_the_inventory_has_changed(small: SmallLab, stranger: subprocess.Popen[bytes]) -> None:
    small.pid_file("b", "etcd").write_text(str(stranger.pid))
    small.write_inventory(["a"])
    assert small.down("--check") == 1
    assert small.folder.exists()
    assert small.down() == 1
    assert command_lines(str(small.state)) == []
    assert listening(PORT_BASE, PORT_BASE + 99) == []
    assert not small.folder.exists()
    assert small.down() == 0
    assert small.down("--check") == 0
