# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a member's kubeconfig says of it: an address behind Rancher's proxy, a direct one beside it, a user that is a program."""

from __future__ import annotations

import base64
import os
import re
import shutil
import traceback
from typing import Any
from urllib.parse import urlsplit

from ansible.module_utils.basic import missing_required_lib

from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import EdgefedError
from ansible_collections.edgefed.kubefed.plugins.module_utils.urls import without_credentials

try:
    import yaml

    IMPORT_ERROR = None
except ImportError:
    IMPORT_ERROR = traceback.format_exc()

_PROXIED = re.compile(r"/k8s/clusters/[^/]+/?$")
Document = dict[str, Any]


def documents(kubeconfig: Any) -> list[Document]:
    """A kubeconfig as dictionaries: given as one, or a path, or several as in ``KUBECONFIG``; those that can't be read are left out, since
    who connects with them says why."""
    if isinstance(kubeconfig, dict):
        return [kubeconfig]
    if IMPORT_ERROR:
        raise EdgefedError(missing_required_lib("PyYAML"), code="missing_library")
    found = []
    for path in str(kubeconfig or os.environ.get("KUBECONFIG") or "~/.kube/config").split(os.pathsep):
        try:
            with open(os.path.expanduser(path), encoding="utf-8") as file:
                found.append(yaml.load(file, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)))
        except (OSError, ValueError, yaml.YAMLError):
            continue
    return [one for one in found if isinstance(one, dict)]


def proxied(address: str) -> bool:
    """Whether an address is Rancher's proxy in front of a cluster."""
    return bool(_PROXIED.search(urlsplit(address if "//" in address else f"//{address}").path))


def direct_address(given: list[Document], context: str) -> tuple[str, bytes | None] | None:
    """Address and CA of the same cluster without Rancher's proxy: Rancher writes authorized cluster endpoints as further contexts, named
    ``<context>-<endpoint>``, of the same user. The first is the one with a name of its own, where there is one."""
    contexts = _named(given, "contexts", "context")
    clusters = _named(given, "clusters", "cluster")
    user = contexts.get(context, {}).get("user")
    for name, other in contexts.items():
        cluster = clusters.get(str(other.get("cluster")), {})
        if not name.startswith(f"{context}-") or other.get("user") != user or not cluster.get("server") or proxied(cluster["server"]):
            continue
        data = cluster.get("certificate-authority-data")
        return str(cluster["server"]), base64.b64decode(data) if data else None
    return None


def endpoint(given: list[Document], context: str, address: str, chosen: bool) -> tuple[str, bytes | None] | None:
    """Another address than ``address`` for KubeFed, ``None`` where that one will do. ``chosen``: it was set by the user.

    Raises :class:`EdgefedError` for Rancher's proxy, which knows Rancher's tokens only.
    """
    if not proxied(address):
        return None
    direct = None if chosen else direct_address(given, context)
    if direct:
        return direct
    raise EdgefedError(
        f"Cluster {context!r} is behind Rancher's proxy ({without_credentials(address)}), which rejects the tokens that a join makes in "
        "the cluster, so KubeFed would never find it ready. Next: set api_endpoint (member_api_endpoint) to an address of the cluster "
        "itself, or enable its authorized cluster endpoint in Rancher and take its kubeconfig anew, or give a token of Rancher's with "
        "credentials: provided (member_credentials, member_token). Nothing was changed.",
        code="rancher_proxy",
        details={"address": without_credentials(address)},
    )


def refuse_program(given: list[Document], context: str) -> None:
    """Raise :class:`EdgefedError` where the context's user is a program that cannot be run. One that can be run here is good enough for
    joining, since KubeFed gets a token of its own."""
    name = str(_named(given, "contexts", "context").get(context, {}).get("user") or "")
    user = _named(given, "users", "user").get(name, {})
    command = str((user.get("exec") or {}).get("command") or "")
    if command and not shutil.which(command):
        _refuse_user(name, context, f"is the program {command!r}, which is not on this machine", "install it here")
    if user.get("auth-provider"):
        provider = user["auth-provider"].get("name")
        _refuse_user(name, context, f"needs the auth-provider {provider!r}, which clients no longer have", "take a kubeconfig without it")


def _refuse_user(name: str, context: str, what: str, todo: str) -> None:
    raise EdgefedError(
        f"User {name!r} of cluster {context!r} {what}, so nothing can be made in the cluster; KubeFed's controller could not run it "
        f"either. Next: {todo}, or give a kubeconfig with a token or a client certificate of an administrator. Nothing was changed.",
        code="user_is_program",
        details={"user": name},
    )


def _named(given: list[Document], plural: str, key: str) -> dict[str, Document]:
    """Entries by name; the first file that has one wins, as with kubectl."""
    found: dict[str, Document] = {}
    for document in given:
        for entry in document.get(plural) or []:
            found.setdefault(str(entry.get("name")), entry.get(key) or {})
    return found
