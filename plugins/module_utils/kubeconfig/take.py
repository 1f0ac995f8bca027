# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One cluster taken out of what was read: context chosen, names and address changed, files embedded. Pure."""

from __future__ import annotations

import base64
import binascii
import ipaddress
import re
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Mapping
from urllib.parse import urlsplit

from ansible_collections.edgefed.kubefed.plugins.module_utils.kubeconfig.certificates import (
    Certificate,
    check_dates,
    moment,
    read_pem,
)
from ansible_collections.edgefed.kubefed.plugins.module_utils.kubeconfig.model import Entry, Kubeconfig
from ansible_collections.edgefed.kubefed.plugins.module_utils.kubeconfig.rancher import DIRECT, direct_context, proxied, ways_of
from ansible_collections.edgefed.kubefed.plugins.module_utils.kubeconfig.tokens import read_token
from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import EdgefedError

ORIGIN = "edgefed.io/origin"
_NAME = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?\Z")
# a token that expires so soon is told of
_SOON = timedelta(days=7)
# what is written where nobody knew the address
_NOWHERE = ("", "none")
# field with a path, field that embeds it, whether the embedding field is base64
_FILES = {
    "certificate-authority": ("certificate-authority-data", True),
    "client-certificate": ("client-certificate-data", True),
    "client-key": ("client-key-data", True),
    "tokenFile": ("token", False),
}


@dataclass(frozen=True)
class Origin:
    """Where our entries come from; stored as the extension ``edgefed.io/origin`` of each of them."""

    inventory_host: str
    source: str
    source_context: str

    def __str__(self) -> str:
        return f"context {self.source_context!r} of {self.source}, inventory host {self.inventory_host}"


@dataclass(frozen=True)
class Source:
    """What was read. ``files`` and ``problems`` are keyed by (kubeconfig file, path as written there)."""

    kubeconfig: Kubeconfig
    label: str
    remote: bool = False
    files: Mapping[tuple[str, str], bytes] = field(default_factory=dict)
    problems: Mapping[tuple[str, str], str] = field(default_factory=dict)


@dataclass(frozen=True)
class Wishes:
    """What the user asks for beyond the source; ``None`` keeps what the source has. ``ca`` is PEM.

    ``servers`` are tried in this order, ``fallbacks`` where the source's own address is good on its own machine only. Each is a URL, or
    an address alone, which gets the source's port. ``rancher_token``: KubeFed gets a token that Rancher's proxy accepts.
    """

    name: str
    context: str | None = None
    server: str | None = None
    tls_server_name: str | None = None
    proxy_url: str | None = None
    insecure: bool | None = None
    ca: bytes | None = None
    servers: tuple[str, ...] = ()
    fallbacks: tuple[str, ...] = ()
    rancher_token: bool = False


@dataclass(frozen=True)
class Taken:
    """The three entries under the inventory host's name, and what there is to say about them."""

    name: str
    origin: Origin
    entries: dict[str, Entry]
    certificates: dict[str, list[Certificate]]
    warnings: list[str]

    @property
    def server(self) -> str:
        """The API server's URL."""
        return str(self.entries["clusters"].body["server"])

    def kubeconfig(self) -> Kubeconfig:
        """A kubeconfig of this cluster alone."""
        alone = {section: {self.name: entry} for section, entry in self.entries.items()}
        return Kubeconfig(**alone, current_context=self.name)


def take(source: Source, wishes: Wishes, now: datetime) -> Taken:
    """Choose, rename, move and embed. Raises :class:`EdgefedError` for whatever could not work afterwards."""
    check_name(wishes.name)
    context = _choose(source, wishes)
    cluster = _refer(source, context, "clusters", "cluster", wishes.name)
    user = _refer(source, context, "users", "user", wishes.name)
    cluster_body = _with_wishes(_embed(source, cluster, "cluster", wishes), wishes)
    user_body = _embed(source, user, "user", wishes)
    warnings = _server_warnings(cluster_body, source, wishes) + _user_warnings(user, wishes.name)
    if proxied(cluster_body["server"]):
        cluster_body, said = _past_the_proxy(cluster_body, source, context, wishes)
        warnings += said
    certificates = _certificates(cluster_body, user_body, wishes.name)
    for what, found in certificates.items():
        warnings += check_dates(found, f"cluster {wishes.name}: {what} from {source.label}", now)
    warnings += _token_warnings(user_body, f"cluster {wishes.name}: the token from {source.label}", now)
    origin = Origin(wishes.name, source.label, context.name)
    context_body = {**context.body, "cluster": wishes.name, "user": wishes.name}
    bodies = {"clusters": (cluster_body, cluster), "users": (user_body, user), "contexts": (context_body, context)}
    entries = {
        section: Entry(wishes.name, _with_extension(body, ORIGIN, {**vars(origin)}), original.extra)
        for section, (body, original) in bodies.items()
    }
    return Taken(wishes.name, origin, entries, certificates, warnings)


def servers_of(source: Source, wishes: Wishes) -> list[str | None]:
    """The addresses to try, in this order; ``None`` keeps the source's."""
    if wishes.server is not None:
        return [wishes.server]
    own = str(_refer(source, _choose(source, wishes), "clusters", "cluster", wishes.name).body.get("server") or "")
    given = wishes.servers or (wishes.fallbacks if _is_useless(own, source.remote) else ())
    return list(dict.fromkeys(_as_server(one, own) for one in given)) or [None]


def _as_server(address: str, own: str) -> str:
    if "://" in address:
        return address
    shown = f"[{address}]" if ":" in address and not address.startswith("[") else address
    return f"https://{shown}:{_port(own)}"


def _port(server: str) -> int:
    try:
        return urlsplit(server).port or 6443
    except ValueError:
        return 6443


def _is_useless(server: str, remote: bool) -> bool:
    host = _host(server)
    return host in _NOWHERE or (remote and _is_loopback(host))


def _host(server: str) -> str:
    try:
        return urlsplit(server).hostname or ""
    except ValueError:
        return ""


def check_name(name: str) -> None:
    """Raise (code ``bad_name``) unless ``name`` can be a cluster's name: DNS-1123, at most 63 characters."""
    if len(name) > 63:
        problem = f"has {len(name)} characters, 63 are the most"
    elif not _NAME.match(name) or ".." in name or re.search(r"\.-|-\.", name):
        problem = "is not a DNS-1123 name (lower case letters, digits, '-' and '.', a letter or digit at both ends)"
    else:
        return
    raise EdgefedError(
        f"The cluster name {name!r} {problem}. It becomes a Kubernetes name and label. Next: rename the inventory host.", code="bad_name"
    )


def _wrong(wishes: Wishes, message: str, code: str) -> EdgefedError:
    return EdgefedError(f"cluster {wishes.name}: {message}", code=code)


def _list(names: Mapping[str, Any]) -> str:
    return ", ".join(repr(name) for name in names) or "none"


def _choose(source: Source, wishes: Wishes) -> Entry:
    contexts = source.kubeconfig.contexts
    wanted = wishes.context or source.kubeconfig.current_context
    if not contexts:
        raise _wrong(wishes, f"{source.label} holds no context. Next: name the right file in kubeconfig_path.", "no_context")
    if not wanted:
        raise _wrong(
            wishes,
            f"{source.label} has no current-context. Next: set kubeconfig_context to one of {_list(contexts)}.",
            "no_context",
        )
    if wanted not in contexts:
        which = "" if wishes.context else ", its current-context"
        raise _wrong(
            wishes,
            f"{source.label} has no context {wanted!r}{which}. Next: set kubeconfig_context to one of {_list(contexts)}.",
            "no_context",
        )
    return contexts[wanted]


def _refer(source: Source, context: Entry, section: str, kind: str, name: str) -> Entry:
    entries = source.kubeconfig.section(section)
    wanted = context.body.get(kind) or ""
    if wanted not in entries:
        raise EdgefedError(
            f"cluster {name}: context {context.name!r} of {source.label} names the {kind} {wanted!r}, which is not in the file "
            f"(there: {_list(entries)}). Next: correct the file, or choose another context with kubeconfig_context.",
            code=f"no_{kind}",
        )
    return entries[wanted]


def _embed(source: Source, entry: Entry, kind: str, wishes: Wishes) -> dict[str, Any]:
    body = dict(entry.body)
    for path_field, (data_field, encoded) in _FILES.items():
        path = body.pop(path_field, None)
        if not path:
            continue
        if path_field == "certificate-authority" and wishes.ca is not None:
            continue
        if body.get(data_field) and encoded:
            raise _wrong(
                wishes,
                f"{kind} {entry.name!r} of {source.label} has both {path_field} and {data_field}, which kubectl refuses. "
                "Next: remove one of them.",
                "ambiguous",
            )
        data = _file(source, entry, path, path_field, wishes)
        # as in client-go, tokenFile goes before token
        body[data_field] = base64.b64encode(data).decode() if encoded else data.decode("utf-8", "replace").strip()
    return body


def _file(source: Source, entry: Entry, path: str, path_field: str, wishes: Wishes) -> bytes:
    key = (entry.file, path)
    if key in source.files:
        return source.files[key]
    why = source.problems.get(key, "it was not read with the kubeconfig (an inline kubeconfig cannot refer to files)")
    raise _wrong(
        wishes,
        f"the {path_field} {path} that {entry.file} names cannot be embedded: {why}. Next: correct the path, or write "
        f"{_FILES[path_field][0]} into the kubeconfig (kubectl config view --flatten --raw).",
        "file",
    )


def _with_wishes(cluster: dict[str, Any], wishes: Wishes) -> dict[str, Any]:
    body = dict(cluster)
    changes = {"server": wishes.server, "tls-server-name": wishes.tls_server_name, "proxy-url": wishes.proxy_url}
    body.update({key: value for key, value in changes.items() if value is not None})
    if wishes.ca is not None:
        body["certificate-authority-data"] = base64.b64encode(wishes.ca).decode()
        body.pop("insecure-skip-tls-verify", None)
    if wishes.insecure is not None:
        body["insecure-skip-tls-verify"] = wishes.insecure
    if wishes.insecure:
        body.pop("certificate-authority-data", None)
    return body


def _server_warnings(cluster: dict[str, Any], source: Source, wishes: Wishes) -> list[str]:
    server = cluster.get("server") or ""
    host = _check_server(server, wishes)
    loopback = _is_loopback(host)
    if loopback and source.remote and wishes.server is None:
        raise _wrong(
            wishes,
            f"{source.label} gives the server address {server}, which on any other machine means that machine itself, not "
            "this cluster. Next: set kubeconfig_server to the address that the API server has from outside, such as "
            f"https://ADDRESS:{urlsplit(server).port or 443} (k3s and RKE2 write 127.0.0.1).",
            "loopback",
        )
    if host in _NOWHERE:
        raise _wrong(
            wishes,
            f"{source.label} gives the server address {server}, which stands for none. Next: set kubeconfig_server, such as "
            "https://ADDRESS:6443.",
            "server",
        )
    if cluster.get("insecure-skip-tls-verify"):
        if cluster.get("certificate-authority-data"):
            raise _wrong(
                wishes,
                f"{source.label} has both certificate-authority and insecure-skip-tls-verify, which kubectl refuses. Next: set "
                "kubeconfig_insecure_skip_tls_verify to false (or true, which drops the CA).",
                "ambiguous",
            )
        return [
            f"INSECURE: cluster {wishes.name}: insecure-skip-tls-verify is on. Nobody checks that {server} is the right cluster, and "
            "whoever sits on the way can read its credentials. Set kubeconfig_ca_cert to its CA instead."
        ]
    return []


def _past_the_proxy(cluster: dict[str, Any], source: Source, context: Entry, wishes: Wishes) -> tuple[dict[str, Any], list[str]]:
    """The cluster with its direct address, which a join takes; a warning where there is none, and KubeFed would need one."""
    found = direct_context(ways_of(source.kubeconfig), context.name)
    if found is None:
        said = (
            f"cluster {wishes.name}: {source.label} reaches it through Rancher's proxy alone, which rejects the tokens that a join makes. "
            "To join it, turn on its authorized cluster endpoint in Rancher and take its kubeconfig anew, or give a token of Rancher's "
            "(member_credentials: provided, member_token) or an address of its own (member_api_endpoint)."
        )
        return cluster, [] if wishes.rancher_token else [said]
    entry = _refer(source, source.kubeconfig.contexts[found], "clusters", "cluster", wishes.name)
    body = _embed(source, entry, "cluster", replace(wishes, ca=None))
    kept = {key: body[key] for key in ("server", "certificate-authority-data") if body.get(key)}
    return _with_extension(cluster, DIRECT, {"source_context": found, **kept}), []


def _check_server(server: str, wishes: Wishes) -> str:
    try:
        parts = urlsplit(server)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        parts, host, port = urlsplit(""), "", None
    if parts.username or parts.password:
        raise _wrong(wishes, "its server address holds a user name or password. Next: write it as https://ADDRESS:PORT.", "server")
    if parts.scheme not in ("https", "http") or not host or port == 0:
        shown = repr(server) if server else "no address"
        raise _wrong(wishes, f"{shown} is no server address. Next: set kubeconfig_server, such as https://ADDRESS:6443.", "server")
    return host


def _is_loopback(host: str) -> bool:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        name = host.rstrip(".")
        return name == "localhost" or name.endswith(".localhost")
    address = getattr(address, "ipv4_mapped", None) or address
    return address.is_loopback or address.is_unspecified


def _user_warnings(user: Entry, name: str) -> list[str]:
    warnings = []
    if user.body.get("exec"):
        command = user.body["exec"].get("command")
        warnings.append(
            f"cluster {name}: user {user.name!r} gets its credentials from the program {command!r}: it must be installed wherever "
            "this kubeconfig is used."
        )
    if user.body.get("auth-provider"):
        provider = user.body["auth-provider"].get("name")
        warnings.append(
            f"cluster {name}: user {user.name!r} uses the auth-provider {provider!r}, which kubectl 1.26 and later refuses for most "
            "providers. Use a client certificate, a token or an exec plugin instead."
        )
    if user.body.get("tokenFile"):
        warnings.append(
            f"cluster {name}: the token in {user.body['tokenFile']} was copied as it is now. When it is renewed there, run "
            "playbooks/kubeconfig.yml again."
        )
    return warnings


def _token_warnings(user: dict[str, Any], what: str, now: datetime) -> list[str]:
    expires = read_token(str(user.get("token") or "")).expires
    if expires is None or expires - now > _SOON:
        return []
    if expires <= now:
        raise EdgefedError(
            f"{what} expired on {moment(expires)}. Nothing was written. Next: log in again where it comes from, then run this again.",
            code="expired",
            details={"expired": expires.isoformat()},
        )
    hours = int((expires - now).total_seconds() // 3600)
    return [
        f"{what} expires on {moment(expires)}, in {hours} hour(s). Run playbooks/kubeconfig.yml with a new one before; KubeFed, once the "
        "cluster is joined, uses a token of its own."
    ]


def _certificates(cluster: dict[str, Any], user: dict[str, Any], name: str) -> dict[str, list[Certificate]]:
    found = {}
    for body, key in ((cluster, "certificate-authority-data"), (user, "client-certificate-data")):
        if body.get(key):
            what = f"cluster {name}: {key}"
            found[key.removesuffix("-data")] = read_pem(decode_base64(body[key], what), what)
    if user.get("client-key-data"):
        decode_base64(user["client-key-data"], f"cluster {name}: client-key-data")
    return found


def decode_base64(text: str, what: str) -> bytes:
    """The bytes, or :class:`EdgefedError` that names the field and not its value."""
    try:
        return base64.b64decode(text.replace("\r", "").replace("\n", ""), validate=True)
    except (binascii.Error, ValueError):
        raise EdgefedError(f"{what} is not base64. Next: take a fresh kubeconfig from the cluster.", code="bad_base64") from None


def _with_extension(body: dict[str, Any], name: str, extension: dict[str, Any]) -> dict[str, Any]:
    others = [item for item in body.get("extensions") or [] if item.get("name") != name]
    return {**body, "extensions": [*others, {"name": name, "extension": extension}]}
