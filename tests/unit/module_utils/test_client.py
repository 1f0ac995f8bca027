# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the client makes of answers that no API server gives: real sockets on this machine, whose bytes are the test's own."""

from __future__ import annotations

import json
import socket
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Callable, Iterator

import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.edgefed.kubefed.plugins.module_utils.client import (
    BUSY_SECONDS,
    BUSY_TRIES,
    ApiError,
    Client,
    ConnectError,
    connect,
)
from ansible_collections.edgefed.kubefed.plugins.module_utils.member.given import documents
from ansible_collections.edgefed.kubefed.plugins.module_utils.module import task_result
from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import EdgefedError, Result
from ansible_collections.edgefed.kubefed.plugins.module_utils.verify.matrix import Options
from ansible_collections.edgefed.kubefed.plugins.module_utils.verify.observe import Observer
from ansible_collections.edgefed.kubefed.plugins.modules import federated_type, federated_type_info

HTML = b"<html><body>Log in to go on</body></html>"
PODS = "/api/v1/pods"


def answer(body: bytes, status: str = "200 OK", kind: str = "application/json", length: int | None = None, more: str = "") -> bytes:
    """An HTTP answer; ``length`` may lie."""
    said = len(body) if length is None else length
    return f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {said}\r\n{more}Connection: close\r\n\r\n".encode() + body


def as_json(document: Any, status: str = "200 OK") -> bytes:
    """An answer that holds JSON."""
    return answer(json.dumps(document).encode(), status)


@contextmanager
def serving(reply: Callable[[str], bytes]) -> Iterator[str]:
    """A TCP server that gives ``reply(path)`` and closes; its URL."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    connection, _peer = server.accept()
                except OSError:
                    return
                with connection:
                    asked = connection.recv(65536).decode("latin-1")
                    connection.sendall(reply(asked.split(" ")[1].partition("?")[0]))

        threading.Thread(target=serve, daemon=True).start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
        server.shutdown(socket.SHUT_RDWR)


@contextmanager
def client_of(reply: bytes) -> Iterator[Client]:
    """A client of a server that always gives the same bytes."""
    with serving(lambda path: reply) as url:
        yield connect({"host": url, "api_key": "hunter2"}, "edge1")


@pytest.mark.skipif(not yaml.__with_libyaml__, reason="this PyYAML has no libyaml")
def test_large_kubeconfigs_are_read_by_libyaml(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """PyYAML's own parser takes 0.3 s for 200 clusters, and each host's task reads them for each connection."""
    path = tmp_path / "kubeconfig"
    cluster, user = {"server": "https://127.0.0.1:9"}, {"token": "x"}
    entries = {"clusters": [{"name": "a", "cluster": cluster}], "users": [{"name": "a", "user": user}]}
    path.write_text(yaml.safe_dump({**entries, "contexts": [{"name": "a", "context": {"cluster": "a", "user": "a"}}]}))
    monkeypatch.delattr(yaml.SafeLoader, "__init__")
    assert connect({"kubeconfig": str(path), "context": "a"}).server == "https://127.0.0.1:9"
    assert len(documents(str(path))) == 1


CUT = {
    "length": answer(b'{"kind":"P', length=1000),
    "chunks": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3e8\r\n0123456789",
    "error": answer(b'{"kind":"S', "500 Internal Server Error", length=1000),
    "nothing": b"",
}


@pytest.mark.parametrize("name", CUT)
def test_an_answer_cut_off(name: str) -> None:
    with client_of(CUT[name]) as client, pytest.raises(ConnectError) as raised:
        client.get(PODS)
    assert raised.value.cause == "reset"
    assert 'Cannot reach cluster "edge1" (http://127.0.0.1:' in raised.value.message
    assert "the connection was cut" in raised.value.message and "Next: " in raised.value.message


STRANGERS = {
    "html": answer(HTML, kind="text/html"),
    "words": answer(b"ok", kind="text/plain"),
    "nothing": answer(b""),
    "not utf-8": answer(b"\xff\xfe\x00"),
    "a JSON list": as_json([]),
    "a JSON word": as_json("hello"),
    "null": as_json(None),
    "JSON of another service": as_json({"error": "log in"}),
    "a redirect": answer(b"", "302 Found", more="Location: http://127.0.0.1:1/login\r\n"),
}


@pytest.mark.parametrize("name", STRANGERS)
def test_a_stranger_answers(name: str) -> None:
    """As a captive portal or a proxy's log-in page does: no API server, which is said, and a list isn't taken for empty."""
    for ask in (lambda client: client.get(PODS), lambda client: list(client.list(PODS)), lambda client: client.find(PODS)):
        with client_of(STRANGERS[name]) as client, pytest.raises(ConnectError) as raised:
            ask(client)
        assert raised.value.cause == "no_api"
        assert raised.value.code == "unreachable"
        assert 'cluster "edge1" (http://127.0.0.1:' in raised.value.message
        assert "Next: check the server address" in raised.value.message


REFUSALS = {
    "html": answer(HTML, "502 Bad Gateway", kind="text/html"),
    "not utf-8": answer(b"<p>\xe9</p>", "502 Bad Gateway", kind="text/html"),
    "a JSON list": as_json([], "502 Bad Gateway"),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_a_refusal_in_other_words(name: str) -> None:
    with client_of(REFUSALS[name]) as client, pytest.raises(EdgefedError) as raised:
        client.get(PODS)
    assert isinstance(raised.value, (ApiError, ConnectError))
    assert 'cluster "edge1"' in raised.value.message


BUSY = as_json({"kind": "Status", "reason": "TooManyRequests", "message": "storage is (re)initializing"}, "429 Too Many Requests")
BUSY = BUSY.replace(b"Connection:", b"Retry-After: 0\r\nConnection:")


@pytest.mark.parametrize("method", ["GET", "POST", "PATCH"])
@pytest.mark.parametrize(("more", "tries"), [(BUSY, BUSY_TRIES + 1), (BUSY.replace(b"Retry-After", b"Elsewhere"), 1)])
def test_a_server_that_asks_to_come_again(more: bytes, tries: int, method: str) -> None:
    """It is asked again, a few times, whatever is asked, and then told in its own words; one that does not say that it may help is asked
    once. Each time counts."""
    asked: list[str] = []

    def reply(path: str) -> bytes:
        asked.append(path)
        return more

    with serving(reply) as url, pytest.raises(ApiError) as raised:
        client = connect({"host": url, "api_key": "hunter2"}, "edge1")
        client.request(method, PODS, None if method == "GET" else {"kind": "Pod"})
    assert (raised.value.status, len(asked), client.requests) == (429, tries, tries)
    assert "storage is (re)initializing" in raised.value.message


def test_nobody_is_waited_for_all_day(monkeypatch: pytest.MonkeyPatch) -> None:
    """A wild Retry-After is cut short, and many long ones together; one that cannot be read is a second."""
    slept: list[float] = []
    monkeypatch.setattr("urllib3.util.retry.time.sleep", slept.append)
    empty = as_json({"kind": "PodList", "items": []})

    def asking(*seconds: bytes) -> list[bytes]:
        return [BUSY.replace(b"Retry-After: 0", b"Retry-After: " + word) for word in seconds]

    for answers in ([*asking(b"86400"), empty], [*asking(b"soon", b"25"), empty]):
        with serving(lambda path, answers=answers: answers.pop(0)) as url:
            assert connect({"host": url, "api_key": "hunter2"}, "edge1").get(PODS)["items"] == []
    answers = asking(b"25", b"25", b"25", b"25")
    with serving(lambda path: answers.pop(0)) as url, pytest.raises(ApiError):
        connect({"host": url, "api_key": "hunter2"}, "edge1").get(PODS)
    assert slept == [BUSY_SECONDS, 1, 25, 25, 25, BUSY_SECONDS - 50]


def test_a_body_that_is_too_large_is_sent_once() -> None:
    """413 with Retry-After is no word of a busy API server."""
    asked: list[str] = []

    def reply(path: str) -> bytes:
        asked.append(path)
        return BUSY.replace(b"429 Too Many Requests", b"413 Payload Too Large")

    with serving(reply) as url, pytest.raises(ApiError):
        connect({"host": url, "api_key": "hunter2"}, "edge1").get(PODS)
    assert len(asked) == 1


def test_a_server_that_is_busy_only_once() -> None:
    answers = [BUSY, as_json({"kind": "PodList", "items": []})]
    with serving(lambda path: answers.pop(0)) as url:
        assert list(connect({"host": url, "api_key": "hunter2"}, "edge1").list(PODS)) == []
    assert answers == []


def test_what_is_asked_for_in_words() -> None:
    with client_of(answer(b"ok", kind="text/plain")) as client:
        assert client.text("/readyz") == "ok"
    log = b'{"level":"error"}'
    with client_of(answer(log, kind="text/plain")) as client:
        assert client.text(f"{PODS}/a/log", {"tailLines": 1}) == log.decode()


def test_the_version_has_no_kind() -> None:
    with client_of(as_json({"gitVersion": "v1.34.4"})) as client:
        assert client.get("/version") == {"gitVersion": "v1.34.4"}


@pytest.mark.parametrize(
    ("module", "options"),
    [(federated_type, {"name": "jobs"}), (federated_type, {"name": "jobs", "state": "absent"}), (federated_type_info, {})],
)
def test_a_refused_look_has_a_next_step(module: Any, options: dict[str, Any]) -> None:
    """Before anything is written as well."""
    status = {"kind": "Status", "status": "Failure", "reason": "InternalError", "message": "etcd is away"}
    with serving(lambda path: as_json(status, "500 Internal Server Error")) as url:
        given = ArgumentSpecValidator(module.ARGUMENT_SPEC).validate({"host": url, "api_key": "hunter2", **options})
        with pytest.raises(ApiError) as raised:
            module.run(given.validated_parameters, False, False, connect)
    assert "etcd is away. Next: see the API server's log, then run this again." in raised.value.message


@pytest.mark.parametrize("reply", [CUT["length"], STRANGERS["html"]], ids=["cut", "html"])
def test_a_task_says_it_without_calling_it_a_bug(reply: bytes) -> None:
    with client_of(reply) as client:
        result = task_result(lambda *given: Result(data=client.get(PODS)), {}, False, False)
    assert result["code"] == "unreachable"
    assert "bug" not in result["msg"]


def member_kubeconfig(tmp_path: Path, servers: dict[str, str]) -> str:
    """A kubeconfig with a context for each server."""
    file = tmp_path / "kubeconfig"
    names = list(servers)
    document = {
        "clusters": [{"name": name, "cluster": {"server": servers[name]}} for name in names],
        "users": [{"name": "me", "user": {"token": "hunter2"}}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": "me"}} for name in names],
        "current-context": names[0],
    }
    file.write_text(json.dumps(document))
    return str(file)


CONFIG_MAPS = {
    "metadata": {"name": "configmaps"},
    "spec": {
        "propagation": "Enabled",
        "targetType": {"group": "", "version": "v1", "kind": "ConfigMap", "pluralName": "configmaps", "scope": "Namespaced"},
        "federatedType": {
            "group": "types.kubefed.io",
            "version": "v1beta1",
            "kind": "FederatedConfigMap",
            "pluralName": "federatedconfigmaps",
            "scope": "Namespaced",
        },
    },
}


def fake_host(path: str) -> bytes:
    """A made-up host cluster with four members and one federated type."""
    items: list[Any] = []
    if path.endswith("/kubefedclusters"):
        items = [{"metadata": {"name": name}, "spec": {}} for name in ("cut", "good", "portal", "sly")]
    if path.endswith("/federatedtypeconfigs"):
        items = [CONFIG_MAPS]
    return as_json({"kind": "List", "items": items})


def fake_member(path: str) -> bytes:
    """A made-up member in which nothing lies."""
    return as_json({"gitVersion": "v1.34.4"} if path == "/version" else {"kind": "List", "items": []})


def test_one_strange_member_does_not_end_the_verification(tmp_path: Path) -> None:
    """Cut, a portal, and one that is a portal only after the first answers: each is told for its own, the good one is read."""

    def sly(path: str) -> bytes:
        return STRANGERS["html"] if path.endswith("/configmaps") else fake_member(path)

    with (
        serving(fake_host) as host,
        serving(lambda path: CUT["length"]) as cut,
        serving(fake_member) as good,
        serving(lambda path: STRANGERS["html"]) as portal,
        serving(sly) as sly_one,
    ):
        servers = {"local": host, "cut": cut, "good": good, "portal": portal, "sly": sly_one}
        auth = {"kubeconfig": member_kubeconfig(tmp_path, servers), "context": "local"}
        members = Observer(connect, auth, "kube-federation-system", Options(), 4).look()[1]
    assert "the connection was cut" in members["cut"].error
    assert "not as a Kubernetes API server" in members["portal"].error
    assert not members["sly"].error
    assert "not as a Kubernetes API server" in members["sly"].unreadable["FederatedConfigMap"]
    assert not members["good"].error and not members["good"].unreadable
    assert members["good"].objects == {"FederatedConfigMap": {}}


def test_a_ca_file_that_is_gone_is_named(tmp_path: Path) -> None:
    file = tmp_path / "ca.crt"
    client = connect({"host": "https://127.0.0.1:1", "api_key": "hunter2", "ca_cert": str(file)}, "edge1")
    with pytest.raises(EdgefedError) as raised:
        _ = client.ca_data
    assert f"{file} of cluster" in raised.value.message and "Next: " in raised.value.message
    file.write_text("PEM")
    assert client.ca_data == b"PEM"


def test_one_full_stop(tmp_path: Path) -> None:
    """Kubernetes' own text may end with one."""
    with pytest.raises(EdgefedError) as raised:
        connect({"kubeconfig": str(tmp_path / "gone")})
    assert ".." not in raised.value.message
    assert "No configuration found. Next: " in raised.value.message
