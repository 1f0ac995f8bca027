# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A token of an OpenShift cluster by user name and password: its OAuth login, through the ``openshift`` package."""

from __future__ import annotations

from datetime import datetime, timedelta
from importlib import import_module
from typing import Any, Callable, Mapping

from ansible_collections.edgefed.kubefed.plugins.module_utils.kubeconfig.model import Entry
from ansible_collections.edgefed.kubefed.plugins.module_utils.kubeconfig.serving import told
from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import EdgefedError

TOKEN = "edgefed.io/token"
"""Extension of a user whose token we got, with its end: OpenShift's tokens do not tell it themselves."""
UNKNOWN = "(known after the login)"
EARLY = timedelta(hours=6)
_DISCOVERY = "/.well-known/oauth-authorization-server"


def expires_of(user: Mapping[str, Any]) -> datetime | None:
    """The end of a token that we got, from the body of a user in a kubeconfig."""
    for item in user.get("extensions") or []:
        if item.get("name") == TOKEN:
            return datetime.fromisoformat(str(item["extension"]["expires"]))
    return None


def in_use(entry: Entry | None, now: datetime) -> dict[str, Any] | None:
    """Token and its end of the user in the merged kubeconfig, while that is some hours off."""
    expires = expires_of(entry.body) if entry else None
    if entry is None or expires is None or expires - now <= EARLY:
        return None
    return {field: entry.body[field] for field in ("token", "extensions")}


def document(server: str, ca_file: str | None, insecure: bool, user: Mapping[str, Any]) -> dict[str, Any]:
    """A kubeconfig for the cluster and this user."""
    cluster: dict[str, Any] = {"server": server}
    cluster.update({"certificate-authority": ca_file} if ca_file else {})
    cluster.update({"insecure-skip-tls-verify": True} if insecure else {})
    return {
        "clusters": [{"name": "openshift", "cluster": cluster}],
        "users": [{"name": "openshift", "user": dict(user)}],
        "contexts": [{"name": "openshift", "context": {"cluster": "openshift", "user": "openshift"}}],
        "current-context": "openshift",
    }


def check_there(kubeconfig: dict[str, Any], name: str, timeout: float, connect: Callable[..., Any]) -> None:
    """Raise :class:`EdgefedError` unless an OpenShift API server answers; nothing is logged in."""
    client = connect({"kubeconfig": kubeconfig, "context": "openshift"}, name=name)
    try:
        answer = client.request("GET", _DISCOVERY, timeout=(timeout, timeout))
    except EdgefedError as error:
        if error.details.get("status") == 404:
            answer = {}
        else:
            raise told(error, kubeconfig["clusters"][0]["cluster"], timeout) from None
    if "token_endpoint" not in answer:
        raise EdgefedError(f"{client.where} has no OAuth login, so it is no OpenShift. Next: check kubeconfig_server.", code="no_login")


def log_in(server: str, ca_file: str | None, insecure: bool, login: Mapping[str, str], now: datetime) -> dict[str, Any]:
    """The body of a user with a new token and its end. Raises :class:`EdgefedError`, without the password."""
    package, requests = _packages()
    session = package.OCPLoginConfiguration(host=server.rstrip("/"), ocp_username=login["username"], ocp_password=login["password"])
    session.verify_ssl, session.ssl_ca_cert = not insecure, ca_file
    try:
        session.get_token()
    except package.OCPLoginException as error:
        status = getattr(error, "req_info", {}).get("req_status_code")
        what = "user name or password was refused" if status == 401 else f"the OAuth login failed (HTTP {status})"
        todo = "check kubeconfig_openshift_login" if status == 401 else "try oc login, and see the log of oauth-openshift"
        raise _failed(server, login, f"{what}. Next: {todo}", "login") from None
    except (requests.RequestException, ValueError, KeyError, OSError) as error:
        what = f"its OAuth server does not answer as one ({type(error).__name__})"
        raise _failed(
            server, login, f"{what}. Next: check that this machine reaches it and trusts its CA (kubeconfig_ca_cert)", "login"
        ) from None
    expires = now.replace(microsecond=0) + timedelta(seconds=int(session.api_key_expires))
    return {"token": session.token["access_token"], "extensions": [{"name": TOKEN, "extension": {"expires": expires.isoformat()}}]}


def _packages() -> tuple[Any, Any]:
    """Only where somebody logs in: they bring much along."""
    try:
        return import_module("openshift.helper.userpassauth"), import_module("requests.exceptions")
    except ImportError:
        raise EdgefedError(
            "The Python package openshift is missing on the machine that merges kubeconfigs. Next: pip install 'openshift>=0.13.2' "
            "'kubernetes<36', or read lb-ext.kubeconfig on a master instead (kubeconfig_flavour: openshift).",
            code="missing_library",
        ) from None


def _failed(server: str, login: Mapping[str, str], why: str, code: str) -> EdgefedError:
    return EdgefedError(f"OpenShift at {server}, user {login['username']!r}: {why}.", code=code)
