# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A host cluster and members made by the real playbooks, and before each API server proxies that can spoil a request."""

from __future__ import annotations

import base64
import contextlib
import itertools
import json
import os
import re
import socket
import ssl
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, Iterator

import pytest
import yaml
from faults import shop

from ansible_collections.edgefed.kubefed.plugins.module_utils.client import Client, connect, object_path
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.redact import fingerprint
from ansible_collections.edgefed.kubefed.plugins.module_utils.member.rotation import RETIRING, slots_of

REPOSITORY = Path(__file__).resolve().parents[2]
ANSIBLE = str(Path(sys.executable).with_name("ansible-playbook"))
MITMDUMP = REPOSITORY / ".venv-faults" / "bin" / "mitmdump"
HOST, SYSTEM = "local", "kube-federation-system"
EXTENSIONS, KUBEFED = "apiextensions.k8s.io/v1", "core.kubefed.io/v1beta1"
KINDS = "shop.example.com"
# In requests and states, in place of a lane's member.
MEMBER = "MEMBER"
_TOKEN = re.compile(rf"-{HOST}(?:-(\d+))?$")
PORT_BASE = 31000
# KubeFed looks at its members often, so that an unjoin is soon let go.
QUICK = {"leader_elect": {"retry_period": "2s"}, "cluster_health_check": {"period": "2s"}}


Common = Callable[[str], str]


@dataclass
class Lane:
    """One member and a way to the host cluster of its own, so that several cases are tried at once.

    ``kubeconfig`` leads through the proxies, ``direct`` past them; both have a context for the host cluster and one for the member.
    """

    folder: Path
    member: str
    servers: dict[str, str]
    authorities: dict[str, str]
    ports: dict[str, int]
    rotations: int = 0

    @property
    def sides(self) -> tuple[str, str]:
        return HOST, self.member

    @property
    def direct(self) -> str:
        return str(self.folder / ".edgefed" / "kubeconfig")

    @property
    def kubeconfig(self) -> str:
        return str(self.folder / f"through-proxies-{self.member}")

    @property
    def reached(self) -> Path:
        """A file that the proxy makes when a request that is to be the last has come."""
        return self.folder / f"reached-{self.ports[HOST]}-{self.ports[self.member]}"

    @property
    def kind(self) -> str:
        """A kind of this lane's own."""
        return f"{self.member}s.{KINDS}"

    @property
    def federated_group(self) -> str:
        """Where its federated kind is, so that KubeFed needs rights of its own for it."""
        return f"{self.member}.example.com"

    def common(self, text: str) -> str:
        """A name, path or line as it is for any lane."""
        return text.replace(self.member.title(), MEMBER).replace(self.member, MEMBER)

    def disarm(self) -> None:
        """Spoil nothing, and count from here, the secrets of tokens too."""
        self.rotations = number_of(self.in_use()) - 1
        for side in self.sides:
            self.arm(side, "", 0, "")

    def arm(self, side: str, request: str, time: int, fault: str) -> None:
        """Spoil a request to a side, as any lane has it, when it comes for the ``time``-th time from now on."""
        self.reached.unlink(missing_ok=True)
        asked = renumbered(request, self.rotations).replace(MEMBER, self.member)
        given = {"request": asked, "time": time, "fault": fault, "reached": str(self.reached)}
        self._control(side, json.dumps(given).encode())

    def seen(self, side: str) -> list[str]:
        """The requests to a side since it was armed, as any lane has them."""
        return [renumbered(self.common(request), -self.rotations) for request in self._control(side)["seen"]]

    def _control(self, side: str, body: bytes | None = None) -> Any:
        address = f"https://127.0.0.1:{self.ports[side]}/faults"
        context = ssl.create_default_context(cafile=str(self.folder / "mitmproxy" / "mitmproxy-ca-cert.pem"))
        request = urllib.request.Request(address, body, method="PUT" if body else "GET")
        with urllib.request.urlopen(request, timeout=30, context=context) as answer:
            return json.loads(answer.read())

    def client(self, side: str) -> Client:
        return connect({"kubeconfig": self.direct, "context": side}, side)

    def only_host_has_the_kind(self) -> None:
        """The CRD of this lane's own kind, which an enabled type brings to the members and leaves there."""
        host, member, path = (
            self.client(HOST),
            self.client(self.member),
            object_path(EXTENSIONS, "customresourcedefinitions", None, self.kind),
        )
        member.delete(path)
        if host.find(path) is None:
            names = {"kind": self.member.title(), "plural": f"{self.member}s"}
            version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": {"type": "object"}}}
            spec = {"group": KINDS, "scope": "Namespaced", "names": names, "versions": [version]}
            host.apply(path, {"apiVersion": EXTENSIONS, "kind": "CustomResourceDefinition", "metadata": {"name": self.kind}, "spec": spec})
        until(lambda: member.find(path) is None, f"no CRD {self.kind} in {self.member}")
        until(lambda: host.find(f"/apis/{KINDS}/v1/{self.member}s"), f"{self.kind} served")

    def nobody_has_the_application(self) -> None:
        """Members keep what is orphaned: that goes too."""
        for place in shop.places(self.member):
            self._without(place)

    def member_has_it_already(self) -> None:
        """A part of the application is in the member, and KubeFed has nothing to do with it."""
        self._without(shop.places(self.member)[1])
        member = self.client(self.member)
        for path, body in shop.theirs(self.member):
            until(lambda path=path: not shop.is_managed(member.find(path)), f"KubeFed lets go of {path}")  # type: ignore[misc]
            member.apply(path, body)
        member.delete(object_path("v1", "secrets", shop.places(self.member)[0], "login"))

    def _without(self, place: str) -> None:
        """The member, without a namespace."""
        member, path = self.client(self.member), shop.path_of_namespace(place)
        member.delete(path)
        until(lambda: member.find(path) is None, f"no namespace {place} in {self.member}")

    def in_use(self) -> str:
        """The secret of the token in use in the member."""
        account = f"{self.member}-{HOST}"
        return slots_of(self.client(self.member).find(object_path("v1", "serviceaccounts", SYSTEM, account)), account).token

    def token(self) -> str:
        """What KubeFed shows the member; empty when it has nothing."""
        found = self.client(HOST).find(object_path("v1", "secrets", SYSTEM, f"{self.member}-credentials")) or {}
        return base64.b64decode((found.get("data") or {}).get("token", "")).decode()

    def state(self) -> dict[str, list[str]]:
        """What the operations leave on each side, as any lane has it, with the fields of secrets; of the host cluster only this lane's.

        The secret of the token in use has a name that counts up.
        """
        host, member, in_use = self.client(HOST), self.client(self.member), self.in_use()
        for client, place in itertools.product((host, member), shop.places(self.member)):
            path = shop.path_of_namespace(place)
            until(lambda client=client, path=path: not shop.is_going(client.find(path)), f"{path} is gone")  # type: ignore[misc]
        in_host = [item for item in [*_objects(host, self.common), *_federation(host, self.common)] if self.member in item]
        in_host += shop.in_host(host, self.member, self.common)
        in_member = [*_objects(member, self.common), *(item for item in _crds(member, self.common) if self.kind in item)]
        in_member += shop.in_member(member, self.member, self.common)
        secret = member.find(object_path("v1", "secrets", SYSTEM, in_use)) or {}
        if (secret.get("data") or {}).get("token", "") == base64.b64encode(self.token().encode()).decode() != "":
            in_member.append("the token that KubeFed has")
        named = [item.replace(f"secrets {in_use} ", "secrets in use ") for item in in_member]
        return {"host": sorted(map(self.common, in_host)), "member": sorted(map(self.common, named))}


def number_of(secret: str) -> int:
    """The how-manieth token it is for: ``edge1-local`` 1, ``edge1-local-7`` 7."""
    found = _TOKEN.search(secret)
    return int(found[1] or 1) if found else 1


def renumbered(request: str, by: int) -> str:
    """A request for the secret of a token as it is so many rotations later."""
    found = _TOKEN.search(request)
    if not found or "/secrets/" not in request:
        return request
    number = int(found[1] or 1) + by
    return request[: found.start()] + f"-{HOST}" + (f"-{number}" if number > 1 else "")


def _objects(client: Client, common: Common) -> Iterator[str]:
    for version, plural in (("v1", "serviceaccounts"), ("v1", "secrets"), ("rbac.authorization.k8s.io/v1", "rolebindings")):
        for item in client.list(object_path(version, plural, SYSTEM)):
            # Helm's own records, and what is there whoever joins
            if item.get("type") != "helm.sh/release.v1":
                marks = sorted(set(item["metadata"].get("annotations") or {}) & {RETIRING})
                yield f"{plural} {item['metadata']['name']} {sorted(item.get('data') or {})} {marks}"
    for plural in ("clusterroles", "clusterrolebindings"):
        for item in client.list(object_path("rbac.authorization.k8s.io/v1", plural)):
            if "kubefed" in item["metadata"]["name"]:
                rights = [item.get("rules"), item.get("subjects")]
                yield f"{plural} {item['metadata']['name']} {fingerprint(common(json.dumps(rights)))}"
    if client.find(object_path("v1", "namespaces", None, SYSTEM)):
        yield "namespace"


def _crds(client: Client, common: Common) -> Iterator[str]:
    for item in client.list(object_path(EXTENSIONS, "customresourcedefinitions")):
        content = fingerprint(common(json.dumps(item["spec"]["versions"])))
        yield f"customresourcedefinitions {item['metadata']['name']} {item['spec']['names']['kind']} {content}"


def _federation(client: Client, common: Common) -> Iterator[str]:
    yield from _crds(client, common)
    for item in client.list(object_path(KUBEFED, "kubefedclusters", SYSTEM)):
        yield f"kubefedclusters {item['metadata']['name']} {item['spec']['secretRef']['name']}"
    for item in client.list(object_path(KUBEFED, "federatedtypeconfigs", SYSTEM)):
        said = (item.get("status") or {}).get("propagationController")
        yield f"federatedtypeconfigs {item['metadata']['name']} {said} {json.dumps(item['spec'], sort_keys=True)}"


def until(done: Callable[[], Any], what: str) -> None:
    """Wait for it, a minute at most."""
    end = time.monotonic() + 60
    while not done():
        assert time.monotonic() < end, f"not within a minute: {what}"
        time.sleep(0.1)


def play(folder: Path, members: list[str], *playbooks: str) -> None:
    """The real playbooks on the lab's own inventory."""
    common = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable, "kubefed_runtime": "process"}
    common |= {"lab_port_base": PORT_BASE, "lab_prefix": "flt-", "lab_nodes": 1, "federation_state_dir": str(folder / ".edgefed")}
    common |= {"kubeconfig_path": str(folder / ".edgefed/lab/kubeconfigs") + "/{{ inventory_hostname }}"}
    common |= {"kubefed_settings": QUICK}
    groups = {"federation_host": {"hosts": {HOST: None}}, "federation_members": {"hosts": dict.fromkeys(members)}}
    inventory = {"all": {"vars": common, "children": {"lab": {"children": groups}}}}
    (folder / "inventory.json").write_text(json.dumps(inventory))
    command = [ANSIBLE, "-i", str(folder / "inventory.json"), *(str(REPOSITORY / "playbooks" / f"{name}.yml") for name in playbooks)]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def free_ports(count: int) -> list[int]:
    """All are held until the last is found: one that is let go may be given out again."""
    with contextlib.ExitStack() as held:
        return [int(held.enter_context(socket.create_server(("127.0.0.1", 0))).getsockname()[1]) for _ in range(count)]


def start_proxies(folder: Path, lanes: list[Lane]) -> subprocess.Popen[bytes]:
    """One mitmdump for all, on loopback only, which verifies the API servers by their own CAs."""
    modes = [f"reverse:{lane.servers[side]}@127.0.0.1:{port}" for lane in lanes for side, port in lane.ports.items()]
    authorities = {authority for lane in lanes for authority in lane.authorities.values()}
    (folder / "authorities.pem").write_text("\n".join(sorted(authorities)))
    options = {"confdir": folder / "mitmproxy", "ssl_verify_upstream_trusted_ca": folder / "authorities.pem", "http2": "false"}
    command = [str(MITMDUMP), "-q", "-s", str(Path(__file__).with_name("proxy.py"))]
    command += [word for mode in modes for word in ("--mode", mode)]
    command += [word for name, value in options.items() for word in ("--set", f"{name}={value}")]
    log = (folder / "mitmdump.log").open("wb")
    return subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, env={**os.environ, "PYTHONPATH": ""})


def tokens(folder: Path, sides: list[str]) -> dict[str, str]:
    """TLS ends at the proxy, so a client shows a token instead of a certificate."""
    kubectl = [str(REPOSITORY / ".venv" / "bin" / "kubectl"), "--kubeconfig", str(folder / ".edgefed" / "kubeconfig")]
    made = {}
    for side in sides:
        for words in (
            "create serviceaccount faults -n kube-system",
            "create clusterrolebinding faults --clusterrole=cluster-admin --serviceaccount=kube-system:faults",
            "create token faults -n kube-system --duration 12h",
        ):
            command = [*kubectl, "--context", side, *words.split()]
            made[side] = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
    return made


def write_kubeconfig(lane: Lane, made: dict[str, str]) -> None:
    """The proxies' addresses and CA; the members of other lanes past the proxies."""
    proxy = base64.b64encode((lane.folder / "mitmproxy" / "mitmproxy-ca-cert.pem").read_bytes()).decode()
    document: dict[str, Any] = {"apiVersion": "v1", "kind": "Config", "clusters": [], "users": [], "contexts": []}
    for side, token in made.items():
        authority = base64.b64encode(lane.authorities[side].encode()).decode()
        server = {"server": lane.servers[side], "certificate-authority-data": authority}
        if side in lane.ports:
            server = {"server": f"https://127.0.0.1:{lane.ports[side]}", "certificate-authority-data": proxy}
        document["clusters"].append({"name": side, "cluster": server})
        document["users"].append({"name": side, "user": {"token": token}})
        document["contexts"].append({"name": side, "context": {"cluster": side, "user": side}})
    Path(lane.kubeconfig).touch(0o600)
    Path(lane.kubeconfig).write_text(yaml.safe_dump(document))


def wait_until_they_listen(process: subprocess.Popen[bytes], lanes: list[Lane]) -> None:
    log = lanes[0].folder / "mitmdump.log"

    def listens(port: int) -> bool:
        assert process.poll() is None, log.read_text()
        with socket.socket() as tried:
            return tried.connect_ex(("127.0.0.1", port)) == 0

    for lane in lanes:
        for port in lane.ports.values():
            until(lambda port=port: listens(port), f"the proxy listens at {port}, see {log}")  # type: ignore[misc]


def make_lanes(folder: Path, members: list[str]) -> list[Lane]:
    document = yaml.safe_load((folder / ".edgefed" / "kubeconfig").read_text())
    clusters = {item["name"]: item["cluster"] for item in document["clusters"]}
    servers = {name: cluster["server"] for name, cluster in clusters.items()}
    authorities = {name: base64.b64decode(cluster["certificate-authority-data"]).decode() for name, cluster in clusters.items()}
    ports = iter(free_ports(2 * len(members)))
    return [Lane(folder, member, servers, authorities, {HOST: next(ports), member: next(ports)}) for member in members]


@pytest.fixture(scope="session")
def lanes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Lane]]:
    """A host cluster with KubeFed, ``EDGEFED_FAULTS_LANES`` (3) members that are not joined, and the proxies; taken down in the end."""
    folder = tmp_path_factory.mktemp("faults")
    members = [f"edge{number}" for number in range(1, int(os.environ.get("EDGEFED_FAULTS_LANES", "3")) + 1)]
    try:
        play(folder, members, "lab_up", "kubeconfig", "control_plane")
        made = make_lanes(folder, members)
        process = start_proxies(folder, made)
        try:
            wait_until_they_listen(process, made)
            known = tokens(folder, [HOST, *members])
            for lane in made:
                write_kubeconfig(lane, known)
            yield made
        finally:
            process.terminate()
            process.wait(20)
    finally:
        play(folder, members, "lab_down")
