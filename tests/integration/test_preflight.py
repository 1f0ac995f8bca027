# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is in the way of a join, told before anything is written: against the lab's API servers, and TLS servers that are not."""

from __future__ import annotations

import ssl
import threading
import time
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socketserver import ThreadingTCPServer
from typing import Any, Iterator

import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from certificates import DAY, NOW, pair
from integration.one_member import inventory_of, moved, played, proxy, recap, server_of, tasks_run

from ansible_collections.edgefed.kubefed.plugins.module_utils.client import connect
from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import EdgefedError, Result
from ansible_collections.edgefed.kubefed.plugins.modules.kubefed_cluster_preflight import ARGUMENT_SPEC, run

__all__ = ["proxy"]
pytestmark = pytest.mark.lab


class Preflight:
    """The module called directly."""

    def __init__(self, lab: Any) -> None:
        self.lab = lab

    def __call__(self, **options: Any) -> Result:
        given = {"kubeconfig": self.lab.kubeconfig, "context": "local", "name": "zj", **options}
        checked = ArgumentSpecValidator(ARGUMENT_SPEC).validate(given)
        assert not checked.error_messages, checked.error_messages
        return run(checked.validated_parameters, False, False, connect)

    def error(self, **options: Any) -> str:
        with pytest.raises(EdgefedError) as caught:
            self(**options)
        assert "Next: " in caught.value.message
        return caught.value.message


@pytest.fixture(scope="module")
def preflight(lab: Any) -> Preflight:
    """Of zj, which the lab has."""
    return Preflight(lab)


def outcomes(result: Result) -> dict[str, str]:
    """Findings by what was looked at."""
    return {check["check"]: check["outcome"] for check in result.data["checks"]}


def test_fit(preflight: Preflight, path: str, tmp_path: Path) -> None:
    """Everything is looked at and found good, both ways."""
    arguments = {"kubeconfig": preflight.lab.kubeconfig, "context": "local", "name": "zj"}
    [outcome] = tasks_run(tmp_path, [("kubefed_cluster_preflight", arguments)], path)
    assert not outcome.get("failed") and not outcome["changed"], outcome
    found = {check["check"]: check["outcome"] for check in outcome["checks"]}
    looked_at = (
        "name",
        "connection",
        "certificate",
        "clock",
        "version",
        "kubeconfig",
        "rights in member zj",
        "rights in host cluster local",
    )
    assert found == dict.fromkeys(looked_at, "ok")
    assert "Kubernetes v1." in str(outcome["checks"])


class Answers(BaseHTTPRequestHandler):
    """Says a version, at a time."""

    def do_GET(self) -> None:
        body = b'{"gitVersion": "%s"}' % self.server.version.encode()  # type: ignore[attr-defined]
        self.send_response_only(200)
        self.send_header("Date", formatdate(time.time() + self.server.seconds, usegmt=True))  # type: ignore[attr-defined]
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Nothing is logged."""


@pytest.fixture
def fake_api_server(tmp_path: Path) -> Iterator[Any]:
    """``start(certificate=, version=, seconds=)`` gives the address and the CA of a TLS server with that certificate, version and clock."""
    running = []

    def start(certificate: Any, version: str = "v1.30.0", seconds: float = 0) -> tuple[str, str]:
        (tmp_path / "both.pem").write_bytes(certificate.certificate + certificate.key)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(tmp_path / "both.pem")
        server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        server.version, server.seconds = version, seconds  # type: ignore[attr-defined]
        running.append(server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return f"https://localhost:{server.server_address[1]}", certificate.certificate.decode()

    yield start
    for server in running:
        server.shutdown()
        server.server_close()


def test_what_is_in_the_way(preflight: Preflight, fake_api_server: Any) -> None:
    """Each by its name, with the next step; an address that only KubeFed dials is a failure when it answers wrongly."""
    good = pair("localhost", dns="localhost")
    expired = pair("localhost", NOW - 10 * DAY, NOW - DAY, dns="localhost")
    for certificate, options, said in (
        (good, {"version": "v1.19.16"}, "version: Kubernetes v1.19.16 is older than 1.22"),
        (good, {"version": "v1.30.0+k3s1", "seconds": 900}, "clock: the API server's clock is"),
        (good, {"version": "none"}, "does not say its version"),
        (pair("elsewhere", dns="elsewhere"), {}, "its certificate is for another name"),
        (expired, {}, "its certificate has expired"),
    ):
        address, ca = fake_api_server(certificate, **options)
        assert said in preflight.error(api_endpoint=address, api_ca_cert=ca)
    warned = preflight(api_endpoint="https://127.0.0.1:9").warnings
    assert any("the connection was refused" in said and "make sure that the host cluster reaches it" in said for said in warned)
    soon, ca = fake_api_server(pair("localhost", NOW - DAY, NOW + 5 * DAY, dns="localhost"))
    warned = preflight(api_endpoint=soon, api_ca_cert=ca)
    assert outcomes(warned)["certificate"] == "warning" and any("it ends in 4 days" in said for said in warned.warnings)


def test_the_kubeconfigs_own_address(preflight: Preflight) -> None:
    """What this machine has to reach is a failure when it does not; nothing hides behind the first."""
    for server, said in (
        ("https://127.0.0.1:9", "connection: https://127.0.0.1:9: the connection was refused"),
        ("https://edge.invalid:6443", "name: 'edge.invalid' does not resolve"),
        (server_of(preflight.lab, "cddev")[0], "its certificate is not signed by the CA"),
    ):
        message = preflight.error(member_kubeconfig=moved_with_ca(preflight.lab, server))
        assert said in message and "- kubeconfig: " in message, message
        assert message.startswith("Cluster 'zj' cannot be joined yet; nothing was changed.")


def moved_with_ca(lab: Any, server: str) -> dict[str, Any]:
    """zj's kubeconfig with another server."""
    found = moved(lab, server)
    keep = {context["context"]["cluster"] for context in found["contexts"] if context["name"] == "zj"}
    found["clusters"] = [cluster for cluster in found["clusters"] if cluster["name"] in keep]
    return found


def test_proxy(preflight: Preflight, proxy: ThreadingTCPServer) -> None:
    """The way goes through it; one that refuses is a warning, since KubeFed may reach it."""
    port = proxy.server_address[1]
    through = preflight(api_proxy_url=f"http://edge:s3cret@127.0.0.1:{port}")
    assert outcomes(through)["connection"] == "ok" and proxy.tunnels == 1  # type: ignore[attr-defined]
    for url, said in ((f"http://edge:wr0ng@127.0.0.1:{port}", "the HTTP proxy refused"), ("socks5://127.0.0.1:9", "scheme socks5")):
        warned = preflight(api_proxy_url=url)
        assert any(said in warning for warning in warned.warnings) and "wr0ng" not in str(warned)


def test_tokens_and_rights(preflight: Preflight) -> None:
    """A provided token has to be accepted and to have what the enabled types need; a poor kubeconfig lacks rights, all named."""
    kubectl = preflight.lab.kubectl
    kubectl("zj", "create", "serviceaccount", "poor", "-n", "default")
    try:
        poor = kubectl("zj", "create", "token", "poor", "-n", "default").strip()
        lacking = preflight.error(credentials="provided", token=poor)
        assert "rights in member zj: missing are " in lacking and "create deployments.apps" in lacking
        assert "rejects it (401)" in preflight.error(credentials="provided", token="unknown")
        kubeconfig = yaml.safe_load(Path(preflight.lab.kubeconfig).read_text())
        for user in kubeconfig["users"]:
            user["user"] = {"token": poor}
        message = preflight.error(member_kubeconfig=kubeconfig)
        assert "patch clusterroles.rbac.authorization.k8s.io" in message and "patch namespaces" in message
        kubectl("zj", "create", "clusterrolebinding", "poor", "--clusterrole=cluster-admin", "--serviceaccount=default:poor")
        rich = preflight(credentials="provided", token=poor)
        assert outcomes(rich)["token"] == outcomes(rich)["rights in member zj"] == "ok"
        assert len(outcomes(rich)) == len(rich.data["checks"]), "each finding once"
    finally:
        kubectl("zj", "delete", "serviceaccount", "poor", "-n", "default")
        kubectl("zj", "delete", "clusterrolebinding", "poor", "--ignore-not-found")


def test_playbook(preflight: Preflight, tmp_path: Path) -> None:
    """One cluster that cannot be joined does not stop the others, and nothing is changed."""
    hosts = inventory_of(preflight.lab, tmp_path, ["zj", "ghost"])
    done = played("-i", hosts, "playbooks/preflight.yml")
    assert recap(done.stdout)["zj"] == (0, 0) and recap(done.stdout)["ghost"] == (0, 1)
    assert "context 'ghost'" in " ".join(done.stdout.split())
