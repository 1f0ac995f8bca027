# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether a joined cluster is ready, and why not, from its KubeFedCluster's status. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from ansible_collections.edgefed.kubefed.plugins.module_utils.member.desired import REGION, ZONE, Manifest
from ansible_collections.edgefed.kubefed.plugins.module_utils.urls import without_credentials

_CAUSES = (
    ("proxy", ("proxyconnect", "socks connect")),
    ("tls", ("x509:", "tls:", "certificate", "server gave HTTP response to HTTPS client")),
    ("no_api", ("couldn't get version/kind", "could not find the requested resource")),
    ("dns", ("no such host", "dial tcp: lookup", "server misbehaving", "name resolution", "name or service not known")),
    ("refused", ("connection refused",)),
    ("unauthorized", ("Unauthorized", "unauthorized", "asked for the client to provide credentials")),
    ("forbidden", ("forbidden", "Forbidden")),
    ("timeout", ("i/o timeout", "deadline exceeded", "Client.Timeout", "handshake timeout", "no route to host", "network is unreachable")),
    ("reset", ("connection reset", "EOF", "broken pipe")),
)
_ADVICE = {
    "tls": (
        "the TLS certificate at this address does not fit the CA that KubeFed was given",
        "use an address from the certificate's SAN list (api_endpoint), or give the right CA (api_ca_cert)",
    ),
    "dns": ("its name does not resolve in the host cluster", "set api_endpoint to an address that the host cluster resolves"),
    "refused": ("the connection was refused", "set api_endpoint to the address and port where the API server listens for the host cluster"),
    "unauthorized": (
        "the API server rejects the token (401)",
        "run the join again; if it stays so, api_endpoint leads to another API server (Rancher's proxy refuses these tokens)",
    ),
    "forbidden": ("the service account may not ask for its health (403)", "check admission and authorization in the member"),
    "proxy": ("the proxy on the way failed", "check api_proxy_url"),
    "timeout": ("it does not answer in time", "check routes and firewalls between the host cluster and this address, or set api_endpoint"),
    "reset": ("the connection was cut", "check proxies and load balancers between the host cluster and this address"),
    "no_api": (
        "something else than a Kubernetes API server answers there",
        "check the address, and what answers in its place on the way (a captive portal, a proxy's log-in page)",
    ),
    "malformed": ("KubeFed cannot use its configuration", "check the address, and the controller's events on the KubeFedCluster"),
    "unhealthy": ("its API server answers, but says it is not healthy", "look at /healthz?verbose of this cluster"),
    "not_probed": (
        "KubeFed has not looked at it yet",
        "check that kubefed-controller-manager runs in the host cluster, or wait longer (wait_timeout)",
    ),
    "unknown": ("KubeFed cannot reach it", "read KubeFed's own words in reason"),
}
_LOOPBACK_HINT = "; a loopback address means the controller's own machine, set api_endpoint to one that the host cluster reaches"


@dataclass(frozen=True)
class Readiness:
    """``cause`` is a key of ``_ADVICE``, empty when ready; ``said`` is KubeFed's message; ``probed`` is when it last looked."""

    ready: bool
    cause: str = ""
    said: str = ""
    probed: str = ""


def readiness(cluster: Manifest) -> Readiness:
    """Reads the conditions; an absent ``Ready`` is not ready, its reason is in ``Offline`` or ``ConfigMalformed``."""
    conditions = {item["type"]: item for item in (cluster.get("status") or {}).get("conditions") or []}
    probed = max((str(item.get("lastProbeTime", "")) for item in conditions.values()), default="")
    ready = conditions.get("Ready", {})
    if ready.get("status") == "True":
        return Readiness(True, probed=probed)
    if conditions.get("Offline", {}).get("status") == "True":
        said = str(conditions["Offline"].get("message") or "")
        return Readiness(False, classify(said), said, probed)
    if conditions.get("ConfigMalformed", {}).get("status") == "True":
        return Readiness(False, "malformed", str(conditions["ConfigMalformed"].get("message") or ""), probed)
    if ready:
        return Readiness(False, "unhealthy", str(ready.get("message") or ""), probed)
    return Readiness(False, "not_probed")


def classify(message: str) -> str:
    """The cause in a message of KubeFed's health check; ``unknown`` when it is none we know."""
    return next((cause for cause, signs in _CAUSES if any(sign in message for sign in signs)), "unknown")


def advice(cause: str, address: str) -> tuple[str, str]:
    """What a cause means, and what to do about it."""
    what, todo = _ADVICE[cause]
    host = urlsplit(address if "//" in address else f"//{address}").hostname or ""
    loopback = host in ("localhost", "::1") or host.startswith("127.")
    return what, f"{todo}{_LOOPBACK_HINT}" if loopback and cause in ("refused", "timeout", "tls") else todo


def why_not(name: str, state: Readiness, address: str) -> str:
    """One message: what is not ready, the address that KubeFed dials, the cause, KubeFed's words, what to do."""
    address = without_credentials(address)
    what, todo = advice(state.cause, address)
    said = f" KubeFed says: {state.said}." if state.said else ""
    return f"Cluster {name!r} is joined but not ready: KubeFed dials {address}, and {what}.{said} Next: {todo}."


def facts(cluster: Manifest, state: Readiness) -> dict[str, Any]:
    """The part of a task's result that describes the cluster."""
    status = cluster.get("status") or {}
    labels = cluster["metadata"].get("labels") or {}
    zones = status.get("zones") or ([labels[ZONE]] if ZONE in labels else [])
    return {
        "name": cluster["metadata"]["name"],
        "api_endpoint": without_credentials(cluster["spec"]["apiEndpoint"]),
        "ready": state.ready,
        "reason": "" if state.ready else (state.said or _ADVICE[state.cause][0]),
        "region": status.get("region") or labels.get(REGION, ""),
        "zones": zones,
        "kubernetes_version": status.get("kubernetesVersion", ""),
    }
