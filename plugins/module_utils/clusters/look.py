# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reads a federation's clusters: one list of KubeFedClusters and one of secrets, whatever their number."""

from __future__ import annotations

import base64
import json
import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Callable, Mapping

from ansible_collections.edgefed.kubefed.plugins.module_utils.client import ApiError, Client, object_path
from ansible_collections.edgefed.kubefed.plugins.module_utils.clusters.expiry import Credential, of_kubeconfig
from ansible_collections.edgefed.kubefed.plugins.module_utils.kubeconfig.merge import merge_files
from ansible_collections.edgefed.kubefed.plugins.module_utils.kubeconfig.model import Kubeconfig, parse, read_from
from ansible_collections.edgefed.kubefed.plugins.module_utils.kubeconfig.read import ReadProblem, read_sources
from ansible_collections.edgefed.kubefed.plugins.module_utils.member.desired import CORE, KUBEFED, Manifest
from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import EdgefedError

# Helm keeps its releases, megabytes of them, in the same namespace
_NO_RELEASES = {"fieldSelector": "type!=helm.sh/release.v1"}
_FILES = {
    "certificate-authority": "certificate-authority-data",
    "client-certificate": "client-certificate-data",
    "tokenFile": "token",
}


def kubefed_clusters(host: Client, namespace: str) -> list[Manifest]:
    """Every KubeFedCluster, sorted by name."""
    try:
        found = list(host.list(object_path(KUBEFED, "kubefedclusters", namespace)))
    except ApiError as error:
        raise _explained(error, host, namespace) from None
    return sorted(found, key=lambda item: str(item["metadata"]["name"]))


def _explained(error: ApiError, host: Client, namespace: str) -> EdgefedError:
    if "Next: " in error.message:
        return error
    if error.status == 404:
        message = (
            f"{host.where} serves no KubeFedCluster, so it is no host cluster. Next: check the context, or run playbooks/control_plane.yml."
        )
        return EdgefedError(message, "no_kubefed", error.details)
    todo = f"use a user who may list kubefedclusters.core.kubefed.io in namespace {namespace}" if error.status == 403 else "try it again"
    return EdgefedError(f"{error.message.rstrip('.')}. Next: {todo}.", error.code, error.details)


def secrets(host: Client, namespace: str) -> tuple[dict[str, Manifest] | None, list[str]]:
    """The namespace's secrets by name, ``None`` and a warning where they may not be read."""
    try:
        return {item["metadata"]["name"]: item for item in host.list(object_path(CORE, "secrets", namespace), _NO_RELEASES)}, []
    except ApiError as error:
        if error.status != 403:
            raise _explained(error, host, namespace) from None
        said = f"{host.where}: the secrets of namespace {namespace} may not be listed, so nothing is known of KubeFed's tokens."
        return None, [f"{said} Next: use a user who may, or leave it so."]


class Kubeconfigs:
    """The merged kubeconfig, given as a path or as its content; empty where neither was given."""

    def __init__(self, given: Any) -> None:
        self._label = given if isinstance(given, str) else "the given kubeconfig"
        self._files: dict[tuple[str, str], str] = {}
        self._model = self._read(given) if given else Kubeconfig()

    def _read(self, given: Any) -> Kubeconfig:
        if not isinstance(given, str):
            return parse(json.dumps(given), self._label)
        try:
            sources = read_sources(given)
        except ReadProblem as problem:
            raise EdgefedError(f"The merged kubeconfig cannot be read: {problem.message}.", code="kubeconfig") from None
        self._files = {(source["path"], name): data for source in sources for name, data in source["files"].items()}
        return merge_files([read_from(parse(source["content"], source["path"]), source["path"]) for source in sources])

    def credentials(self, name: str) -> list[Credential]:
        """What the context ``name`` uses; nothing where there is no such context."""
        context = self._model.contexts.get(name)
        if context is None:
            return []
        bodies = [
            self._embedded(section, str(context.body.get(kind) or "")) for section, kind in (("clusters", "cluster"), ("users", "user"))
        ]
        return of_kubeconfig(bodies[0], bodies[1], f"context {name} of {self._label}")

    def _embedded(self, section: str, name: str) -> Mapping[str, Any]:
        entry = self._model.section(section).get(name)
        if entry is None:
            return {}
        body = dict(entry.body)
        for field, to in _FILES.items():
            if (data := self._files.get((entry.file, str(body.get(field))))) is not None:
                body[to] = base64.b64decode(data).decode("utf-8", "replace").strip() if to == "token" else data
        return body


def default_kubeconfig(params: Mapping[str, Any]) -> Any:
    """The kubeconfig that the connection uses: the one given, else kubectl's own, and none beside a bare address."""
    return params["kubeconfig"] or (None if params.get("host") else os.environ.get("KUBECONFIG") or "~/.kube/config")


def versions(names: list[str], kubeconfig: Any, connect: Callable[..., Client], parallel: int) -> dict[str, tuple[str, str, int]]:
    """``(version, why none, requests)`` of each member, asked side by side."""

    def ask(name: str) -> tuple[str, str, int]:
        try:
            client = connect({"kubeconfig": kubeconfig, "context": name}, name)
            return str(client.get("/version").get("gitVersion", "")), "", client.requests
        except EdgefedError as error:
            return "", error.message, int(error.code != "kubeconfig")

    with ThreadPoolExecutor(max_workers=max(1, parallel)) as pool:
        return dict(zip(names, pool.map(ask, names)))
