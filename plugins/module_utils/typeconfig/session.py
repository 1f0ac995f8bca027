# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One run's connections, what it reads of the host cluster first, and its writes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Callable

from ansible_collections.edgefed.kubefed.plugins.module_utils.auth_options import AUTH_SPEC
from ansible_collections.edgefed.kubefed.plugins.module_utils.client import ApiError, Client, object_path
from ansible_collections.edgefed.kubefed.plugins.module_utils.federate.carry_out import held_by, until
from ansible_collections.edgefed.kubefed.plugins.module_utils.federate.host import PARALLEL, Host
from ansible_collections.edgefed.kubefed.plugins.module_utils.member.objects import DISCOVERY, delete_first
from ansible_collections.edgefed.kubefed.plugins.module_utils.member.plan import data_of, token_subject
from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import EdgefedError
from ansible_collections.edgefed.kubefed.plugins.module_utils.typeconfig.desired import CORE, EXTENSIONS, Object
from ansible_collections.edgefed.kubefed.plugins.module_utils.typeconfig.plan import Change
from ansible_collections.edgefed.kubefed.plugins.module_utils.typeconfig.target import Target, aggregated, one_version


@dataclass(frozen=True)
class State:
    """What the host cluster has: API resources, FederatedTypeConfigs, KubeFedClusters and the KubeFedConfig."""

    catalog: list[Target]
    configs: list[Object]
    clusters: list[Object]
    settings: Object

    @property
    def limited(self) -> bool:
        """Whether KubeFed works in its own namespace only."""
        return bool((self.settings.get("spec") or {}).get("scope") == "Namespaced")

    def config(self, name: str) -> Object | None:
        """The FederatedTypeConfig of that name."""
        return next((item for item in self.configs if item["metadata"]["name"] == name), None)


@dataclass
class Session:
    """``host`` is the host cluster, ``auth`` the task's options that lead to it; times are seconds.

    ``subjects`` are those whom the host cluster's tokens for members belong to, of the members that are reached by these.
    """

    host: Host
    connect: Callable[..., Client]
    auth: dict[str, Any]
    check: bool = False
    wait: bool = True
    wait_sleep: float = 1
    wait_timeout: float = 120
    members: dict[str, Client] = field(default_factory=dict)
    subjects: dict[str, str] = field(default_factory=dict)

    @property
    def client(self) -> Client:
        """The host cluster's."""
        return self.host.client

    @property
    def requests(self) -> int:
        """How many requests were sent to all clusters together."""
        return self.client.requests + sum(client.requests for client in self.members.values())

    def own(self, plural: str, name: str | None = None) -> str:
        """The API path of one of KubeFed's own objects, or of all."""
        return object_path(CORE, plural, self.host.namespace, name)

    def member(self, cluster: Object) -> Client:
        """A joined cluster: by its context in the kubeconfig, else with the address and token that the host cluster has for KubeFed."""
        name = cluster["metadata"]["name"]
        if name not in self.members:
            self.members[name] = self._by_context(name) or self._by_secret(cluster)
        return self.members[name]

    def _by_context(self, name: str) -> Client | None:
        if self.auth.get("kubeconfig") is None:
            return None
        try:
            return self.connect({"kubeconfig": self.auth["kubeconfig"], "context": name}, name)
        except EdgefedError as error:
            if error.code != "kubeconfig":
                raise
            return None

    def _by_secret(self, cluster: Object) -> Client:
        name, spec = cluster["metadata"]["name"], cluster["spec"]
        secret = self.client.get(object_path("v1", "secrets", self.host.namespace, spec["secretRef"]["name"]))
        server: Object = {"server": spec["apiEndpoint"]}
        if spec.get("caBundle"):
            server["certificate-authority-data"] = spec["caBundle"]
        left_out = spec.get("disabledTLSValidations") or []
        if "*" in left_out:
            server = {"server": spec["apiEndpoint"], "insecure-skip-tls-verify": True}
        token = data_of(secret, "token") or b""
        self.subjects[name] = token_subject(token) or ""
        kubeconfig = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": name, "cluster": server}],
            "users": [{"name": name, "user": {"token": token.decode()}}],
            "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
        }
        auth = {"kubeconfig": kubeconfig, "context": name, "proxy": spec.get("proxyURL") or None}
        return self.connect(auth, name, left_out=left_out)

    def until(self, done: Callable[[], bool]) -> bool:
        """Wait for it, ``wait_timeout`` at most; whether it came true."""
        return until(done, self.wait_timeout, self.wait_sleep)

    def carry_out(self, client: Client, change: Change) -> bool:
        """Do one change; whether it was this run that did it, not another at the same time. What is being deleted is waited for: a write
        to it would be lost."""
        if change.action == "delete":
            return delete_first(client, change.path, change.live)
        if change.action == "update":
            client.patch(change.path, change.body)
            return True
        if change.action == "replace":
            self.await_gone(client, change.path, f"{change.kind} {change.name}")
        client.create(change.path.rsplit("/", 1)[0], change.body or {})
        return True

    def await_gone(self, client: Client, path: str, title: str) -> None:
        """Wait until an object is not there; raises :class:`EdgefedError` (code ``stuck``) with what holds it."""
        last: list[Object] = []

        def gone() -> bool:
            last[:] = [live] if (live := client.find(path)) else []
            return not last

        if not self.until(gone):
            raise EdgefedError(
                f"{title} in {client.where} is still being deleted after {self.wait_timeout:g} s: {held_by(last[0])}. Next: see that "
                "KubeFed's controller manager runs (playbooks/control_plane.yml) and finish what holds it, then run this again.",
                code="stuck",
                details={"object": title},
            )

    def await_served(self, client: Client, name: str) -> None:
        """Wait until a CRD is established."""
        await_served(client, name, self.wait_timeout, self.wait_sleep)


def await_served(client: Client, name: str, timeout: float, sleep: float) -> None:
    """Wait until a CRD is established; raises :class:`EdgefedError` (code ``not_established``) with what the API server says."""
    path = crd_path(name)
    said: list[str] = []

    def served() -> bool:
        conditions = ((client.find(path) or {}).get("status") or {}).get("conditions") or []
        said[:] = [f"{item['type']}: {item.get('message') or item.get('reason')}" for item in conditions if item["status"] == "False"]
        return any(item["type"] == "Established" and item["status"] == "True" for item in conditions)

    if not until(served, timeout, sleep):
        raise EdgefedError(
            f"{client.where} does not serve CRD {name} after {timeout:g} s: {'; '.join(said) or 'it says nothing'}. "
            "Next: correct what it says, for example another CRD with the same names, then run this again.",
            code="not_established",
            details={"crd": name, "conditions": list(said)},
        )


def crd_path(name: str) -> str:
    """The API path of a CRD."""
    return object_path(EXTENSIONS, "customresourcedefinitions", None, name)


def session_of(params: dict[str, Any], check: bool, connect: Callable[..., Client]) -> Session:
    """The session of a task's parameters; nothing is sent."""
    auth = {name: params.get(name) for name in AUTH_SPEC}
    host = Host(connect(auth, None, pool=PARALLEL), params["namespace"])
    return Session(host, connect, auth, check, params.get("wait", True), params.get("wait_sleep", 1), params.get("wait_timeout", 120))


def read_state(session: Session, catalog: bool = True) -> State:
    """Read the host cluster, side by side. Raises :class:`EdgefedError` (code ``no_kubefed``) where KubeFed is not installed."""
    roots = ("/api", "/apis") if catalog else ()
    reads: list[Callable[[], Any]] = [
        lambda: list(session.client.list(session.own("federatedtypeconfigs"))),
        lambda: list(session.client.list(session.own("kubefedclusters"))),
        lambda: session.client.get(session.own("kubefedconfigs", "kubefed")),
        *(lambda root=root: _catalog(session.client, root) for root in roots),
    ]
    try:
        configs, clusters, settings, *found = session.host.each(lambda read: read(), reads)
    except ApiError as error:
        if error.status != 404:
            raise
        raise EdgefedError(
            f"{session.client.where} has no KubeFed in namespace {session.host.namespace}. Next: run playbooks/control_plane.yml, or check "
            "the context and the namespace.",
            code="no_kubefed",
        ) from None
    return State([item for part in found for item in part], configs, clusters, settings)


def _catalog(client: Client, root: str) -> list[Target]:
    answer = client.request("GET", root, accept=DISCOVERY)
    if answer.get("kind") == "APIGroupDiscoveryList":
        return aggregated(answer)
    groups = answer.get("groups") or []
    versions = answer.get("versions") or [item["groupVersion"] for group in groups for item in group["versions"]]
    return [item for version in versions for item in one_version(version, client.get(f"{root}/{version}")["resources"])]


def is_ready(cluster: Object) -> bool:
    """Whether KubeFed finds a cluster ready; it looks only at those."""
    conditions = (cluster.get("status") or {}).get("conditions") or []
    return any(item.get("type") == "Ready" and item.get("status") == "True" for item in conditions)
