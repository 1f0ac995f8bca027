# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Kubeconfigs merged: the module on both paths, the role, and a real API server that is asked."""

from __future__ import annotations

import json
import os
import socket
import stat
import subprocess
import sys
import threading
import time
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Iterator

import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from certificates import DAY, NOW, pair
from integration.real_cluster import KUBECTL, LOCAL, Cluster, cluster, inventory, run_playbook

from ansible_collections.edgefed.kubefed.plugins.module_utils.client import connect
from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import EdgefedError, Result
from ansible_collections.edgefed.kubefed.plugins.modules.kubeconfig import ARGUMENT_SPEC, CONSTRAINTS, run

__all__ = ["cluster"]
OTHERS = """
current-context: mine
clusters: [{name: mine, cluster: {server: "https://mine:6443"}}]
users: [{name: mine, user: {token: theirs}}]
contexts: [{name: mine, context: {cluster: mine, user: mine}}]
"""


@pytest.fixture
def dest(tmp_path: Path) -> Path:
    """A kubeconfig that somebody else uses."""
    path = tmp_path / "kubeconfig"
    path.write_text(OTHERS)
    path.chmod(0o600)
    return path


def merge(dest: Path, content: str | None = None, check: bool = False, **options: Any) -> Result:
    """One run of the module, as ``edge1``."""
    given = {"name": "edge1", "dest": str(dest), **({"content": content} if content else {}), **options}
    checked = ArgumentSpecValidator(ARGUMENT_SPEC, **CONSTRAINTS).validate(given)
    assert not checked.error_messages, checked.error_messages
    return run(checked.validated_parameters, check, True, connect)


def refused(dest: Path, content: str | None, code: str, **options: Any) -> str:
    """The message of a run that has to fail, in check mode too, and to change nothing."""
    before = {path.name: path.read_bytes() for path in dest.parent.iterdir() if path.is_file()}
    messages = []
    for check in (True, False):
        with pytest.raises(EdgefedError) as caught:
            merge(dest, content, check, **options)
        assert caught.value.code == code, caught.value.message
        assert "Next: " in caught.value.message
        messages.append(caught.value.message)
    assert {path.name: path.read_bytes() for path in dest.parent.iterdir() if path.is_file()} == before
    return messages[1]


def steps(cluster: Cluster, dest: Path) -> list[tuple[dict[str, Any], bool]]:
    """``(arguments, changed)`` of create, again, change, again, delete, delete absent."""
    base = {"name": "edge1", "dest": str(dest)}
    created = {**base, "content": cluster.text(), "source": "edge1:/admin.conf"}
    renewed = {**created, "content": cluster.text(user={"token": cluster.token()}), "set_current_context": True}
    absent = {**base, "state": "absent", "set_current_context": True}
    return [(created, True), (created, False), (renewed, True), (renewed, False), (absent, True), (absent, False)]


def test_twelve_steps(cluster: Cluster, dest: Path, path: str, tmp_path: Path) -> None:
    """Each in check mode first, which foretells the change and its diff, and makes none."""
    wanted = steps(cluster, dest)
    tasks: list[dict[str, Any]] = []
    for number, (arguments, _changed) in enumerate(wanted):
        for check in (True, False):
            task = {"edgefed.kubefed.kubeconfig": arguments, "register": f"r{number}_{check}", "check_mode": check}
            tasks.append(task | ({"environment": {"EDGEFED_TEST": "1"}} if path == "module" else {}))
            tasks.append({"ansible.builtin.slurp": {"src": str(dest)}, "register": f"f{number}_{check}"})
    names = [f"{kind}{number}_{check}" for number in range(len(wanted)) for check in (True, False) for kind in "rf"]
    tasks.append({"ansible.builtin.copy": {"content": "{{ [" + ", ".join(names) + "] }}", "dest": str(tmp_path / "out"), "mode": "0600"}})
    outcome = run_playbook(
        tmp_path, {"all": {"hosts": {"localhost": LOCAL}}}, [{"hosts": "localhost", "gather_facts": False, "tasks": tasks}], "--diff"
    )
    assert outcome.status == 0, outcome.output
    results = json.loads((tmp_path / "out").read_text())
    content = None
    for number, (arguments, changed) in enumerate(wanted):
        foretold, unchanged, done, after = results[4 * number : 4 * number + 4]
        assert content in (None, unchanged["content"])
        content = after["content"]
        assert (foretold["changed"], done["changed"]) == (changed, changed)
        if "diff" in done:
            assert foretold["diff"] == done["diff"]
            assert (done["diff"]["before"] != done["diff"]["after"]) is changed
        for one in (foretold, done):
            assert one["api_requests"] == (0 if arguments.get("state") else 1)
            assert one.get("version", "v1.").startswith("v1.")
    final = yaml.safe_load(dest.read_text())
    assert final["current-context"] == ""
    assert [item["name"] for section in ("clusters", "users", "contexts") for item in final[section]] == ["mine"] * 3
    assert final["users"][0]["user"]["token"] == "theirs"


def test_kubectl_gets_an_answer_through_what_was_merged(cluster: Cluster, dest: Path) -> None:
    result = merge(dest, cluster.text())
    assert "gitVersion" in cluster.kubectl("--context", "edge1", "get", "--raw", "/version", kubeconfig=dest)
    assert cluster.kubectl("config", "current-context", kubeconfig=dest).strip() == "mine"
    assert (result.data["server"], result.data["version"]) == (cluster.server, "v1.34.4")
    assert stat.S_IMODE(dest.stat().st_mode) == 0o600


def test_a_renewed_credential_is_updated(cluster: Cluster, dest: Path) -> None:
    merge(dest, cluster.text())
    token = cluster.token()
    assert merge(dest, cluster.text(user={"token": token})).changed
    users = {item["name"]: item["user"] for item in yaml.safe_load(dest.read_text())["users"]}
    assert users["edge1"]["token"] == token
    assert "client-key-data" not in users["edge1"]


def test_a_symlink_stays_and_a_wide_mode_is_corrected(cluster: Cluster, dest: Path) -> None:
    link = dest.with_name("link")
    link.symlink_to(dest.name)
    merge(link, cluster.text())
    assert link.is_symlink()
    dest.chmod(0o644)
    for check, changed in ((True, True), (False, True), (False, False)):
        result = merge(link, cluster.text(), check)
        assert result.changed is changed
        assert ("mode: '0644'" in result.diff["before"]) is changed  # type: ignore[index, call-overload]
    assert stat.S_IMODE(dest.stat().st_mode) == 0o600


def test_a_backup_on_demand(cluster: Cluster, dest: Path) -> None:
    kept = merge(dest, cluster.text(), backup=True).data["backup_file"]
    assert Path(kept).read_text() == OTHERS
    assert stat.S_IMODE(Path(kept).stat().st_mode) == 0o600
    assert "backup_file" not in merge(dest, cluster.text(), backup=True).data


def test_absent_where_there_is_no_file(tmp_path: Path) -> None:
    assert not merge(tmp_path / "none" / "kubeconfig", state="absent").changed
    assert list(tmp_path.iterdir()) == []


def test_a_foreign_entry_is_refused_and_named(cluster: Cluster, dest: Path) -> None:
    assert f"{dest} already has a cluster 'mine', which this collection did not write" in refused(
        dest, cluster.text(), "foreign", name="mine"
    )
    merge(dest, cluster.text(), source="edge1:/old.conf")
    assert "which came from context 'kwok-kct-real' of edge1:/old.conf" in refused(
        dest, cluster.text(), "foreign", source="edge1:/new.conf"
    )


def test_certificates_that_cannot_work(cluster: Cluster, dest: Path) -> None:
    old, stranger = pair("old-admin", NOW - 9 * DAY, NOW - DAY), pair("stranger")
    expired = {"client-certificate-data": old.certificate_data, "client-key-data": old.key_data}
    assert f"(CN=old-admin) expired on {(NOW - DAY):%Y-%m-%d}" in refused(dest, cluster.text(user=expired), "expired")
    wrong_ca = cluster.text({"certificate-authority-data": stranger.certificate_data})
    message = refused(dest, wrong_ca, "unreachable")
    assert f'cluster "edge1" ({cluster.server}): its certificate is not signed by the CA in the kubeconfig: that CA is stale' in message
    no_ca = cluster.document()
    no_ca["clusters"][0]["cluster"].pop("certificate-authority-data")
    message = refused(dest, json.dumps(no_ca), "unreachable")
    assert "is not signed by a CA that this machine trusts, and the kubeconfig names none. Next: set kubeconfig_ca_cert" in message
    message = refused(dest, cluster.text(), "unreachable", tls_server_name="wrong.example")
    assert "its certificate is for another name, but for 127.0.0.1" in message
    assert "Next: use one of its addresses (kubeconfig_server), or set kubeconfig_tls_server_name to one of its names" in message
    unknown = {"client-certificate-data": stranger.certificate_data, "client-key-data": stranger.key_data}
    assert "the credentials were rejected (401)" in refused(dest, cluster.text(user=unknown), "api")
    merge(dest, wrong_ca, insecure_skip_tls_verify=True)


def test_a_ca_from_a_file(cluster: Cluster, dest: Path) -> None:
    ca = dest.with_name("ca.crt")
    ca.write_bytes(pair("stranger").certificate)
    assert "its certificate is not signed by the CA" in refused(dest, cluster.text(), "unreachable", ca_cert=str(ca))
    assert "The CA file" in refused(dest, cluster.text(), "file", ca_cert=str(dest.with_name("gone.crt")))


@pytest.fixture
def silent() -> Iterator[int]:
    """A port that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture
def web_server() -> Iterator[int]:
    """A real web server that is no API server."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *arguments: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Quiet) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


def test_clusters_that_do_not_answer(cluster: Cluster, dest: Path, silent: int, web_server: int) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        closed = server.getsockname()[1]
    assert "the connection was refused" in refused(dest, cluster.text(), "unreachable", server=f"https://127.0.0.1:{closed}")
    started = time.monotonic()
    message = refused(dest, cluster.text(), "unreachable", server=f"https://127.0.0.1:{silent}", check_timeout=1)
    assert "it did not answer in time" in message
    assert "kubeconfig_check_reachable: false leaves this check out" in message
    assert time.monotonic() - started < 4
    assert "not as a Kubernetes API server" in refused(dest, cluster.text(), "no_kubernetes", server=f"http://127.0.0.1:{web_server}")
    assert merge(dest, cluster.text(), server=f"https://127.0.0.1:{closed}", check_reachable=False).data["api_requests"] == 0


def test_a_loopback_address_read_elsewhere(cluster: Cluster, dest: Path) -> None:
    assert "Next: set kubeconfig_server" in refused(dest, cluster.text(), "loopback", source_is_remote=True)
    merge(dest, cluster.text(), source_is_remote=True, server=cluster.server)


def test_the_first_address_that_answers_is_taken_and_kept(cluster: Cluster, dest: Path) -> None:
    dead, port = "https://127.0.0.1:1", cluster.server.rsplit(":", 1)[1]
    result = merge(dest, cluster.text({"server": "https://none"}), servers=[dead, cluster.server])
    assert (result.data["server"], result.data["api_requests"]) == (cluster.server, 2)
    again = merge(dest, cluster.text({"server": "https://none"}), servers=[dead, cluster.server])
    assert (again.changed, again.data["api_requests"]) == (False, 1)
    message = refused(dest, cluster.text(), "unreachable", servers=[dead, "https://127.0.0.1:2"])
    assert f'none of its 2 addresses can be used: Cannot reach cluster "edge1" ({dead}): the connection was refused; ' in message
    source = cluster.text({"server": f"https://127.0.0.1:{port}"})
    assert merge(dest, source, source_is_remote=True, fallback_servers=["127.0.0.1"]).data["server"] == cluster.server
    assert "which stands for none" in refused(dest, cluster.text({"server": "https://none"}), "server")


@pytest.mark.parametrize("name", ["Edge_1", "e" * 64])
def test_names_that_are_no_clusters(cluster: Cluster, dest: Path, name: str) -> None:
    refused(dest, cluster.text(), "bad_name", name=name)


def test_a_broken_dest_is_not_replaced(cluster: Cluster, dest: Path) -> None:
    dest.write_text("clusters:\n\t- a")
    assert f"{dest}, line 2, column 1: a tab where YAML wants spaces" in refused(dest, cluster.text(), "bad_kubeconfig")


@pytest.fixture
def tmpfs(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 KiB, which needs root."""
    if os.geteuid():
        pytest.fail("a small tmpfs needs root. Next: run the tests as root (sudo make test)")
    folder = tmp_path / "small"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)], check=True)
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_leaves_the_old_file(cluster: Cluster, tmpfs: Path) -> None:
    dest = tmpfs / "kubeconfig"
    dest.write_text(OTHERS)
    dest.chmod(0o600)
    with (tmpfs / "filler").open("wb", buffering=0) as filler, pytest.raises(OSError, match="No space left"):
        for _ in range(100):
            filler.write(b"x" * 4096)
    before = sorted(path.name for path in tmpfs.iterdir())
    with pytest.raises(EdgefedError, match=r"no space left in .*The file is as it was. Next: free space") as caught:
        merge(dest, cluster.text())
    assert caught.value.code == "disk_full"
    assert (dest.read_text(), sorted(path.name for path in tmpfs.iterdir())) == (OTHERS, before)


def test_a_read_only_folder(cluster: Cluster, tmpfs: Path) -> None:
    dest = tmpfs / "kubeconfig"
    dest.write_text(OTHERS)
    dest.chmod(0o600)
    subprocess.run(["mount", "-o", "remount,ro", str(tmpfs)], check=True)
    message = refused(dest, cluster.text(), "read_only")
    assert f"kubeconfig {dest} cannot be written" in message
    assert not merge(dest, state="absent").changed


def many(cluster: Cluster, **options: Any) -> dict[str, Any]:
    """Twenty hosts, each with the whole kubeconfig in a variable."""
    hosts = {f"edge{number:02}": {"kubeconfig_content": cluster.text(), **options} for number in range(20)}
    return inventory(hosts, **LOCAL)


def contexts(dest: Path) -> set[str]:
    return {item["name"] for item in yaml.safe_load(dest.read_text())["contexts"]}


def test_twenty_hosts_at_once_lose_nothing(cluster: Cluster, tmp_path: Path) -> None:
    dest = tmp_path / "kubeconfig"
    options = ("-e", f"kubeconfig_dest={dest}", "--forks", "20")
    expected = {f"edge{number:02}" for number in range(20)}
    outcome = run_playbook(tmp_path, many(cluster), "kubeconfig", *options)
    assert outcome.status == 0, outcome.output
    assert outcome.count("changed") == {"localhost": 0, **dict.fromkeys(expected, 1)}
    assert contexts(dest) == expected
    again = run_playbook(tmp_path, many(cluster), "kubeconfig", *options)
    assert set(again.count("changed").values()) == {0}
    gone = run_playbook(tmp_path, many(cluster), "kubeconfig", *options, "-e", "kubeconfig_state=absent")
    assert gone.status == 0, gone.output
    assert contexts(dest) == set()


def test_what_kubectl_writes_meanwhile_is_kept(cluster: Cluster, dest: Path) -> None:
    """The other way round kubectl gives no such promise: it reads before it locks, and then removes what it had not seen."""
    stop, written = threading.Event(), []

    def kubectl() -> None:
        while not stop.is_set():
            name = f"other{len(written)}"
            command = [KUBECTL, "config", "--kubeconfig", str(dest), "set-context", name, "--cluster=c"]
            if subprocess.run(command, capture_output=True, check=False).returncode == 0:
                written.append(name)

    other = threading.Thread(target=kubectl)
    other.start()
    while len(written) < 20:
        merge(dest, cluster.text(), check_reachable=False, set_current_context=len(written) % 2 == 0)
        merge(dest, state="absent")
    stop.set()
    other.join()
    assert {"mine", *written} <= contexts(dest)


def secrets_of(cluster: Cluster, token: str) -> list[str]:
    user = cluster.document()["users"][0]["user"]
    return [token, user["client-key-data"], user["client-key-data"][40:100], user["client-certificate-data"][40:100]]


@pytest.mark.parametrize("path", ["in_process", "module"])
def test_one_broken_host_fails_alone_and_nothing_secret_is_shown(cluster: Cluster, tmp_path: Path, path: str) -> None:
    """From a file, a mapping and a vault variable; a wrong path, a wrong context and a text that is no kubeconfig."""
    token = cluster.token()
    password = tmp_path / "password"
    password.write_text("vault-password")
    vault = str(Path(sys.executable).with_name("ansible-vault"))
    command = [vault, "encrypt_string", "--vault-password-file", str(password), "--stdin-name", "secret_kubeconfig"]
    given = cluster.text(user={"token": token})
    done = subprocess.run(command, input=given, capture_output=True, text=True, check=True)
    (tmp_path / "secrets.yml").write_text(done.stdout)
    hosts = {
        "file": {"kubeconfig_path": str(cluster.kubeconfig)},
        "mapping": {"kubeconfig_content": cluster.document()},
        "vault": {"kubeconfig_content": "{{ secret_kubeconfig }}"},
        "wrongpath": {"kubeconfig_path": "/nowhere/admin.conf"},
        "wrongcontext": {"kubeconfig_content": given, "kubeconfig_context": "gone"},
        "broken": {"kubeconfig_content": given.replace("}", "", 1)},
        "contradiction": {"kubeconfig_content": given, "kubeconfig_ca_cert": "/ca.crt", "kubeconfig_insecure_skip_tls_verify": True},
    }
    options = ["-e", f"@{tmp_path / 'secrets.yml'}", "--vault-password-file", str(password), "--diff", "-vvvv"]
    play = {"hosts": "federation_members", "gather_facts": False, "roles": ["edgefed.kubefed.kubeconfig"]}
    play |= {"environment": {"EDGEFED_TEST": "1"}} if path == "module" else {}
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    outcome = run_playbook(tmp_path, inventory(hosts, **LOCAL), [play], *options, TMPDIR=str(scratch))
    assert outcome.status == 2
    assert ("> EXEC " in outcome.output) is (path == "module")
    assert {host for host, failed in outcome.count("failed").items() if failed} == {"wrongpath", "wrongcontext", "broken", "contradiction"}
    assert contexts(tmp_path / ".edgefed" / "kubeconfig") == {"file", "mapping", "vault"}
    for message in (
        "wrongpath: the kubeconfig cannot be read: /nowhere/admin.conf does not exist. Next: set kubeconfig_path to where",
        "cluster wrongcontext: kubeconfig_content of wrongcontext has no context 'gone'. Next: set kubeconfig_context to one of",
        "kubeconfig_content of broken, line 1, column",
        "Cluster contradiction: kubeconfig_ca_cert (/ca.crt) and kubeconfig_insecure_skip_tls_verify contradict each other",
    ):
        assert outcome.said.count(message) >= 1, outcome.output
    for secret in secrets_of(cluster, token):
        assert secret not in outcome.output
    assert [path for path in scratch.rglob("*") if path.is_file()] == []
