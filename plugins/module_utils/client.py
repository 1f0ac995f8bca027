# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Connections to API servers: the only importer of ``kubernetes``. One :class:`Client` per cluster and task, pooled.

Requests are plain JSON over the API's paths, so that a task costs only the requests it needs (no discovery of whole
API groups, no typed models). ``Client.requests`` counts them.
"""

from __future__ import annotations

import json
import ssl
import threading
import traceback
from typing import Any, Collection, Iterator
from urllib.parse import urlencode

from ansible.module_utils.basic import missing_required_lib

from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import EdgefedError

try:
    import urllib3
    import yaml
    from kubernetes.client import ApiClient, Configuration
    from kubernetes.config import ConfigException, kube_config
    from kubernetes.config.kube_config import _cleanup_temp_files, load_kube_config, load_kube_config_from_dict

    IMPORT_ERROR = None
except ImportError:
    IMPORT_ERROR = traceback.format_exc()

PAGE = 500
TIMEOUT = (5, 30)
MERGE_PATCH = "application/merge-patch+json"
JSON_PATCH = "application/json-patch+json"
APPLY_PATCH = "application/apply-patch+yaml"
# with text/plain alone a container's log is refused (406)
TEXT = "text/plain, */*"
FIELD_MANAGER = "edgefed"
# An API server asks for 1 second, or a few.
BUSY_TRIES, BUSY_SECONDS = 6, 60
Statuses = list[int]


class _Yaml:
    """What the kubernetes package uses of PyYAML, by libyaml where it is there: 14 times as fast. Each host's task reads the kubeconfig of
    all clusters for each of its connections, so that of 200 clusters, 1 MB, would cost the play minutes."""

    @staticmethod
    def safe_load(stream: Any) -> Any:
        return yaml.load(stream, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))

    @staticmethod
    def safe_dump(*args: Any, **kwargs: Any) -> Any:
        return yaml.safe_dump(*args, **kwargs)


if not IMPORT_ERROR:
    kube_config.yaml = _Yaml

    class _Busy(urllib3.Retry):
        """Sends again only what the API server itself asks to send again (429 or 503 with Retry-After: it is busy, or a CRD is new; it did
        nothing with the request, so this is right for every method), and in the end gives its own words. ``left`` are the seconds that
        may still be waited for one request."""

        RETRY_AFTER_STATUS_CODES = frozenset({429, 503})
        left: float = BUSY_SECONDS

        def new(self, **kw: Any) -> _Busy:
            """The same for the next try."""
            found = super().new(**kw)
            found.left = self.left
            return found

        def is_exhausted(self) -> bool:
            """Whether it is not tried again."""
            return super().is_exhausted() or self.left <= 0

        def get_retry_after(self, response: Any) -> float | None:
            """Seconds to wait."""
            try:
                asked = super().get_retry_after(response)
            except urllib3.exceptions.InvalidHeader:
                asked = 1
            return None if asked is None else min(asked, self.left)

        def sleep_for_retry(self, response: Any) -> bool:
            """Wait as it asks to."""
            asked = self.get_retry_after(response) or 0
            slept = super().sleep_for_retry(response)
            self.left -= asked
            return slept


class ApiError(EdgefedError):
    """The API server answered, and said no. ``status`` is the HTTP status, ``reason`` Kubernetes' word (``Conflict``)."""

    def __init__(self, message: str, status: int, reason: str, body: dict[str, Any]) -> None:
        super().__init__(message, code="api", details={"status": status, "reason": reason})
        self.status = status
        self.reason = reason
        self.body = body


class ConnectError(EdgefedError):
    """No API server answered. ``cause`` is one of ``dns refused timeout tls proxy reset no_api unknown``."""

    def __init__(self, message: str, cause: str) -> None:
        super().__init__(message, code="unreachable", details={"cause": cause})
        self.cause = cause


_RENEW = "renew the API server's certificate"
_OTHER_NAME = "use an address from the certificate's SAN list, or reissue it"
_ROUTES = "check routes and firewalls between this machine and the cluster"
_RESOLVE = "check the server address, or DNS on this machine"
_AGAIN = "try again; if it stays so, check proxies and load balancers on the way"
_ADDRESS = "check the server address, and what answers in its place on the way (a captive portal, a proxy's log-in page)"
_CAUSES = (
    ("certificate has expired", "tls", "its certificate has expired", _RENEW),
    ("doesn't match", "tls", "its certificate is for another name", _OTHER_NAME),
    ("IP address mismatch", "tls", "its certificate is not for this address", _OTHER_NAME),
    ("Hostname mismatch", "tls", "its certificate is for another name", _OTHER_NAME),
    ("certificate verify failed", "tls", "its certificate is not signed by the CA in the kubeconfig", "take a fresh kubeconfig"),
    ("SSL", "tls", "the TLS handshake failed", "check that this is the API server's address and the client certificate is valid"),
    ("Tunnel connection failed", "proxy", "the HTTP proxy refused", "check the proxy option"),
    ("Cannot connect to proxy", "proxy", "the HTTP proxy does not answer", "check the proxy option"),
    ("Failed to resolve", "dns", "its name does not resolve", _RESOLVE),
    ("Name or service not known", "dns", "its name does not resolve", _RESOLVE),
    ("Connection refused", "refused", "the connection was refused", "check that the API server runs and listens on this address"),
    ("timed out", "timeout", "it did not answer in time", _ROUTES),
    ("Network is unreachable", "timeout", "there is no route to it", _ROUTES),
    ("No route to host", "timeout", "there is no route to it", _ROUTES),
    ("Connection aborted", "reset", "the connection was cut", _AGAIN),
    ("Connection reset", "reset", "the connection was cut", _AGAIN),
    ("Connection broken", "reset", "the connection was cut in the middle of the answer", _AGAIN),
    ("too many redirects", "no_api", "it sends on to another address, as a log-in page does", _ADDRESS),
)
_API_PATHS = ("/api/", "/apis/")


def explain(error: Exception) -> tuple[str, str, str]:
    """``(cause, what happened, what to do)`` of a failed connection, in words without secrets."""
    text = str(error)
    for sign, cause, what, todo in _CAUSES:
        if sign in text:
            return cause, what, todo
    return "unknown", f"the connection failed ({type(error).__name__})", "check the address and the network on the way"


class Client:
    """One cluster's API. ``where`` names it in messages, as ``cluster "x" (https://…)``."""

    def __init__(self, api_client: Any, where: str) -> None:
        self._api = api_client
        self.where = where
        self.requests = 0
        self._lock = threading.Lock()
        self._resources: dict[str, dict[str, dict[str, Any]]] = {}

    @property
    def server(self) -> str:
        """The API server's URL."""
        return str(self._api.configuration.host)

    @property
    def ca_data(self) -> bytes | None:
        """The CA bundle (PEM) that the server is verified with, ``None`` when it is the system's."""
        path = self._api.configuration.ssl_ca_cert
        if not path:
            return None
        try:
            with open(path, "rb") as file:
                return file.read()
        except OSError as error:
            raise EdgefedError(
                f"Cannot read the CA file {path} of {self.where}: {error.strerror}. Next: correct certificate-authority in the "
                "kubeconfig (or ca_cert), or run playbooks/kubeconfig.yml to write it again.",
                code="file",
                details={"file": str(path)},
            ) from None

    @property
    def proxy(self) -> str | None:
        """The HTTP proxy in use."""
        return self._api.configuration.proxy or None

    def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        query: dict[str, Any] | None = None,
        content_type: str = "application/json",
        timeout: tuple[float, float] = TIMEOUT,
        accept: str = "application/json",
        statuses: Statuses | None = None,
    ) -> Any:
        """Send one request and give the decoded JSON, or the text where ``accept`` is ``TEXT``.

        ``accept`` asks for another form of the answer (aggregated discovery, metadata only). ``statuses`` takes its HTTP status.
        Raises :class:`ApiError` for an answer of 400 and above, :class:`ConnectError` when there is none, or none of an API server.
        """
        headers = {**self._api.default_headers, "Accept": accept}
        data = None
        if body is not None:
            headers["Content-Type"] = content_type
            data = json.dumps(body)
        try:
            response = self._send(method, self._url(path, query), headers, data, timeout)
            said = response.data
        except (urllib3.exceptions.HTTPError, OSError) as error:
            cause, what, todo = explain(error)
            raise ConnectError(f"Cannot reach {self.where}: {what}. Next: {todo}.", cause) from None
        if response.status >= 300:
            raise self._api_error(method, path, response.status, response.reason, said)
        if statuses is not None:
            statuses.append(int(response.status))
        if accept == TEXT:
            return said.decode("utf-8", "replace")
        answer = _object(said)
        if answer is None or (path.startswith(_API_PATHS) and "kind" not in answer):
            raise self._no_api()
        return answer

    def _url(self, path: str, query: dict[str, Any] | None) -> str:
        words = urlencode([(key, value) for key, value in (query or {}).items() if value is not None])
        return f"{self.server}{path}?{words}" if words else f"{self.server}{path}"

    def _send(self, method: str, url: str, headers: dict[str, str], data: str | None, timeout: tuple[float, float]) -> Any:
        """By the kubernetes package's pool, past its own walk through each body, which takes as long as all the rest."""
        self._api.update_params_for_auth(headers, [], ["BearerToken"])
        limits = urllib3.Timeout(connect=timeout[0], read=timeout[1])
        tries = 1
        try:
            pool = self._api.rest_client.pool_manager
            response = pool.request(method, url, body=data, headers=headers, timeout=limits, preload_content=False)
            tries += len(response.retries.history)
            return response
        finally:
            with self._lock:
                self.requests += tries

    def _no_api(self) -> ConnectError:
        return ConnectError(f"{self.where} answers, but not as a Kubernetes API server. Next: {_ADDRESS}.", "no_api")

    def _api_error(self, method: str, path: str, status: int, phrase: str | None, answer: bytes) -> ApiError:
        body = _object(answer) or {}
        reason = str(body.get("reason") or phrase or "")
        said = str(body.get("message") or phrase or f"HTTP {status}")
        if status == 401:
            said = "the credentials were rejected (401). Next: take a fresh kubeconfig or token for this cluster"
        return ApiError(f"{self.where}: {method} {path.split('?', maxsplit=1)[0]}: {said}", status, reason, body)

    def text(self, path: str, query: dict[str, Any] | None = None) -> str:
        """``GET`` of what an API server answers in words: ``/readyz``, a container's log."""
        return str(self.request("GET", path, query=query, accept=TEXT))

    def get(self, path: str, query: dict[str, Any] | None = None) -> Any:
        """``GET``; raises :class:`ApiError` also for 404."""
        return self.request("GET", path, query=query)

    def find(self, path: str) -> dict[str, Any] | None:
        """``GET``, ``None`` for 404."""
        try:
            found: dict[str, Any] = self.get(path)
            return found
        except ApiError as error:
            if error.status == 404:
                return None
            raise

    def list(self, path: str, query: dict[str, Any] | None = None, timeout: tuple[float, float] = TIMEOUT) -> Iterator[dict[str, Any]]:
        """Every item of a collection, page by page (500 each), or at once where a page is too late (410). In lists none has a ``kind``."""
        wanted = {"limit": PAGE, **(query or {})}
        items: list[dict[str, Any]] = []
        while True:
            try:
                page = self.request("GET", path, query=wanted, timeout=timeout)
            except ApiError as error:
                if error.status != 410 or "continue" not in wanted:
                    raise
                items = []
                page = self.request("GET", path, query={**(query or {}), "limit": None}, timeout=timeout)
            items += page.get("items") or []
            token = (page.get("metadata") or {}).get("continue")
            if not token:
                return iter(items)
            wanted = {**wanted, "continue": token}

    def create(self, path: str, body: dict[str, Any], dry_run: bool = False) -> dict[str, Any]:
        """``POST``; ``dry_run`` lets the server check without storing."""
        created: dict[str, Any] = self.request(
            "POST", path, body, query={"fieldManager": FIELD_MANAGER, "dryRun": "All" if dry_run else None}
        )
        return created

    def apply(
        self,
        path: str,
        body: dict[str, Any],
        dry_run: bool = False,
        force: bool = True,
        *,
        statuses: Statuses | None = None,
        strict: bool = False,
    ) -> dict[str, Any]:
        """Server-side apply with our field manager. ``statuses`` takes 201 where that made the object, 200 where it was there; ``strict``
        refuses unknown fields."""
        query = {
            "fieldManager": FIELD_MANAGER,
            "fieldValidation": "Strict" if strict else None,
            "force": "true" if force else "false",
            "dryRun": "All" if dry_run else None,
        }
        applied: dict[str, Any] = self.request("PATCH", path, body, query=query, content_type=APPLY_PATCH, statuses=statuses)
        return applied

    def patch(self, path: str, body: Any, content_type: str = MERGE_PATCH, dry_run: bool = False) -> dict[str, Any]:
        """``PATCH`` with a merge patch (or ``JSON_PATCH``)."""
        query = {"fieldManager": FIELD_MANAGER, "dryRun": "All" if dry_run else None}
        patched: dict[str, Any] = self.request("PATCH", path, body, query=query, content_type=content_type)
        return patched

    def delete(self, path: str, body: dict[str, Any] | None = None) -> bool:
        """``DELETE``; ``False`` when it was not there. ``body`` is a DeleteOptions (preconditions, propagationPolicy)."""
        try:
            self.request("DELETE", path, body)
            return True
        except ApiError as error:
            if error.status == 404:
                return False
            raise

    def resource(self, api_version: str, kind: str) -> dict[str, Any]:
        """The APIResource (``name`` = plural, ``namespaced``, ``kind``) of a kind; one request per group version.

        Raises :class:`EdgefedError` with code ``no_kind`` when the cluster does not serve it.
        """
        if api_version not in self._resources:
            try:
                served = self.get(f"{group_path(api_version)}")["resources"]
            except ApiError as error:
                if error.status != 404:
                    raise
                served = []
            self._resources[api_version] = {item["kind"]: item for item in served if "/" not in item["name"]}
        try:
            return self._resources[api_version][kind]
        except KeyError:
            raise EdgefedError(
                f"{self.where} serves no {kind} of {api_version}. Next: check kind and apiVersion, or install its CRD.",
                code="no_kind",
                details={"kind": kind, "api_version": api_version},
            ) from None

    def path_of(self, manifest: dict[str, Any], collection: bool = False) -> str:
        """The API path of a manifest's object (or of its collection), its kind looked up at the server."""
        found = self.resource(manifest["apiVersion"], manifest["kind"])
        meta = manifest.get("metadata") or {}
        namespace = meta.get("namespace", "default") if found["namespaced"] else None
        name = None if collection else meta["name"]
        return object_path(manifest["apiVersion"], found["name"], namespace, name)


def _object(data: Any) -> dict[str, Any] | None:
    try:
        decoded = json.loads(data)
    except (TypeError, ValueError):
        return None
    return decoded if isinstance(decoded, dict) else None


def group_path(api_version: str) -> str:
    """``/api/v1`` or ``/apis/<group>/<version>``."""
    return f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"


def object_path(api_version: str, plural: str, namespace: str | None = None, name: str | None = None) -> str:
    """The path of one object, or of the collection without ``name``."""
    parts = [group_path(api_version)]
    if namespace:
        parts.append(f"namespaces/{namespace}")
    parts.append(plural)
    if name:
        parts.append(name)
    return "/".join(parts)


def forget() -> None:
    """Remove the files, keys among them, that the kubernetes package writes for TLS: it would at exit, which Ansible's workers skip."""
    if not IMPORT_ERROR:
        _cleanup_temp_files()


def _has_own_credentials(auth: dict[str, Any]) -> bool:
    enough = (("username", "password"), ("api_key",), ("client_cert", "client_key"))
    return bool(auth.get("host")) and any(all(auth.get(name) for name in names) for names in enough)


def _load(auth: dict[str, Any], configuration: Any) -> None:
    kubeconfig = auth.get("kubeconfig")
    options = {
        "context": auth.get("context"),
        "client_configuration": configuration,
        "persist_config": bool(auth.get("persist_config")),
    }
    if isinstance(kubeconfig, dict):
        load_kube_config_from_dict(kubeconfig, **options)
    else:
        load_kube_config(config_file=kubeconfig, **options)


def _kubeconfig_error(auth: dict[str, Any], error: Exception) -> EdgefedError:
    kubeconfig = auth.get("kubeconfig")
    file = "the given kubeconfig" if isinstance(kubeconfig, dict) else f"kubeconfig {kubeconfig or '(default)'}"
    context = f", context {auth['context']!r}" if auth.get("context") else ""
    reason = str(error).rstrip(".") if isinstance(error, ConfigException) else type(error).__name__
    return EdgefedError(
        f"Cannot use {file}{context}: {reason}. Next: check the path and the context's name "
        "(kubectl config get-contexts), or run playbooks/kubeconfig.yml to write it again.",
        code="kubeconfig",
    )


_OVERRIDES = {
    "username": "username",
    "password": "password",
    "validate_certs": "verify_ssl",
    "ca_cert": "ssl_ca_cert",
    "client_cert": "cert_file",
    "client_key": "key_file",
    "proxy": "proxy",
    "no_proxy": "no_proxy",
}


def _override(auth: dict[str, Any], configuration: Any) -> None:
    if auth.get("host"):
        configuration.host = auth["host"].rstrip("/")
    for option, attribute in _OVERRIDES.items():
        if auth.get(option) is not None:
            setattr(configuration, attribute, auth[option])
    if auth.get("api_key"):
        configuration.api_key["authorization"] = f"Bearer {auth['api_key']}"
    headers = {key: value for key, value in (auth.get("proxy_headers") or {}).items() if value}
    if headers:
        configuration.proxy_headers = urllib3.util.make_headers(**headers)
    configuration.retries = _Busy(connect=0, read=0, redirect=0, status=BUSY_TRIES, other=0, allowed_methods=None, raise_on_status=False)


# OpenSSL's X509_V_FLAG_NO_CHECK_TIME, which Python gives no name
_NO_CHECK_TIME = 0x200000


def _leave_out(validations: Collection[str], api_client: Any) -> None:
    """Check the server's certificate without its names or without its dates, as KubeFed does for a cluster that says so."""
    configuration, options = api_client.configuration, api_client.rest_client.pool_manager.connection_pool_kw
    if "SubjectName" in validations:
        options["assert_hostname"] = False
    if "ValidityPeriod" in validations:
        context = ssl.create_default_context(cafile=configuration.ssl_ca_cert)
        context.verify_flags |= _NO_CHECK_TIME
        options["ssl_context"] = context


def connect(auth: dict[str, Any], name: str | None = None, pool: int = 4, left_out: Collection[str] = ()) -> Client:
    """A client from kubernetes.core's auth options (``kubeconfig``, ``context``, ``host``, ``api_key``, …).

    ``name`` is the cluster's name for messages (default: the context). ``pool`` bounds the open connections. ``left_out`` are checks of the
    server's certificate that are not made, ``SubjectName`` and ``ValidityPeriod``.
    Nothing is sent. Raises :class:`EdgefedError` when kubeconfig or context cannot be used.
    """
    if IMPORT_ERROR:
        raise EdgefedError(missing_required_lib("kubernetes"), code="missing_library")
    configuration = Configuration()
    configuration.connection_pool_maxsize = pool
    if not _has_own_credentials(auth):
        try:
            _load(auth, configuration)
        except (ConfigException, OSError, ValueError, TypeError, KeyError, AttributeError) as error:
            raise _kubeconfig_error(auth, error) from None
    _override(auth, configuration)
    if not configuration.verify_ssl:
        # said once, by kubeconfig, in words of ours; from a worker it would be a second, garbled warning with every request
        urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
    api_client = ApiClient(configuration)
    _leave_out(left_out, api_client)
    if auth.get("impersonate_user"):
        api_client.set_default_header("Impersonate-User", auth["impersonate_user"])
    for group in auth.get("impersonate_groups") or []:
        api_client.set_default_header("Impersonate-Group", group)
    label = name or auth.get("context")
    where = f'cluster "{label}" ({configuration.host})' if label else f"cluster {configuration.host}"
    return Client(api_client, where)
