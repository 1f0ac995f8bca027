# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a member's kubeconfig says of it: an address behind Rancher's proxy, a direct one beside it, a user that is a program."""

from __future__ import annotations

import base64
import os
import shutil
import traceback
from typing import Any

from ansible.module_utils.basic import missing_required_lib

from ansible_collections.edgefed.kubefed.plugins.module_utils.kubeconfig.rancher import DIRECT, Way, direct_context, proxied
from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import EdgefedError
from ansible_collections.edgefed.kubefed.plugins.module_utils.urls import without_credentials

try:
    import yaml

    IMPORT_ERROR = None
except ImportError:
    IMPORT_ERROR = traceback.format_exc()

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


def direct_address(given: list[Document], context: str) -> tuple[str, bytes | None] | None:
    """Address and CA of the same cluster without Rancher's proxy: what the merged kubeconfig keeps beside the proxy's, else the further
    context that Rancher wrote for its authorized cluster endpoint."""
    contexts = _named(given, "contexts", "context")
    clusters = _named(given, "clusters", "cluster")
    ways = {name: Way(str(_cluster(clusters, one).get("server") or ""), str(one.get("user"))) for name, one in contexts.items()}
    other = direct_context(ways, context)
    direct = _kept(_cluster(clusters, contexts.get(context, {}))) or _cluster(clusters, contexts.get(other or "", {}))
    if not direct.get("server"):
        return None
    data = direct.get("certificate-authority-data")
    return str(direct["server"]), base64.b64decode(data) if data else None


def _cluster(clusters: dict[str, Document], context: Document) -> Document:
    return clusters.get(str(context.get("cluster")), {})


def _kept(cluster: Document) -> Document:
    return next((item.get("extension") or {} for item in cluster.get("extensions") or [] if item.get("name") == DIRECT), {})


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
