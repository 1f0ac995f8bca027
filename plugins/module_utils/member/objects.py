# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reading and writing the objects of a join through a :class:`Client`."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Callable, Iterable, Iterator

from ansible_collections.edgefed.kubefed.plugins.module_utils.client import ApiError, Client, group_path, object_path
from ansible_collections.edgefed.kubefed.plugins.module_utils.member.desired import CORE, Manifest, Ref, Refs
from ansible_collections.edgefed.kubefed.plugins.module_utils.member.names import Names
from ansible_collections.edgefed.kubefed.plugins.module_utils.member.plan import (
    Change,
    foreign_names,
    leaving,
    merged,
    orphaned_secrets,
)
from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import EdgefedError

QUICK = 0.05
METADATA_ONLY = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
DISCOVERY = ",".join(
    [f"application/json;g=apidiscovery.k8s.io;v={version};as=APIGroupDiscoveryList" for version in ("v2", "v2beta1")] + ["application/json"]
)
NOT_CONTENT = ("events", "bindings", "localsubjectaccessreviews")
DERIVED_GROUPS = ("events.k8s.io", "metrics.k8s.io", "custom.metrics.k8s.io", "packages.operators.coreos.com")
NAMED_AT_MOST = 5
# as many as a client keeps connections
PARALLEL = 4
CONFLICTS_AT_MOST = 5
CREATED, CONFLICT = 201, 409


def path_of(ref: Ref) -> str:
    """The object's API path."""
    return object_path(ref.api_version, ref.plural, ref.namespace, ref.name)


def read(client: Client, wanted: Iterable[Ref]) -> dict[Ref, Manifest]:
    """Those of ``wanted`` that are there. In a namespace that isn't there nothing is looked for."""
    found: dict[Ref, Manifest] = {}
    missing: set[str] = set()
    for ref in wanted:
        if ref.namespace in missing:
            continue
        live = client.find(path_of(ref))
        if live is not None:
            found[ref] = live
        elif ref.kind == "Namespace":
            missing.add(ref.name)
    return found


def carry_out(client: Client, change: Change, timeout: int) -> tuple[bool, Manifest | None]:
    """Do one change; gives whether it was this run that did it, not another at the same time, and the object as it is then.

    What is being deleted is waited for, ``timeout`` seconds at most: a write to it would be lost.
    """
    if change.action == "delete":
        return delete_first(client, path_of(change.ref), change.live), None
    if change.action == "update":
        return _update(client, change, timeout)
    if change.action == "replace":
        _clear_away(client, change)
        wait_gone(client, change.ref, timeout)
    return _make(client, change, timeout)


def _clear_away(client: Client, change: Change) -> None:
    """Delete what is to be made anew, but not what another run made anew already: that is for the plan to look at."""
    live = client.find(path_of(change.ref))
    if live is None or leaving(live):
        return
    if change.live and live["metadata"].get("uid") != change.live["metadata"].get("uid"):
        raise ApiError(f"{client.where}: {change.ref} was made anew by another run meanwhile", CONFLICT, "Conflict", {})
    delete_first(client, path_of(change.ref), change.live)


def _make(client: Client, change: Change, timeout: int) -> tuple[bool, Manifest]:
    path, body, statuses = path_of(change.ref), change.body or {}, list[int]()
    live = client.apply(path, body, statuses=statuses)
    if leaving(live):
        wait_gone(client, change.ref, timeout)
        live = client.apply(path, body, statuses=statuses)
    return statuses[-1] == CREATED, live


def _update(client: Client, change: Change, timeout: int) -> tuple[bool, Manifest]:
    """Only what it was planned on is written to. Where others wrote meanwhile, as KubeFed does to the status, it is looked at again."""
    body, live = change.body or {}, change.live
    for last in _tries():
        version = {"resourceVersion": live["metadata"].get("resourceVersion")} if live else {}
        try:
            applied = client.apply(path_of(change.ref), {**body, "metadata": {**body["metadata"], **version}})
            break
        except ApiError as error:
            live = client.find(path_of(change.ref)) if error.status == CONFLICT and not last else None
            if live is None or leaving(live):
                raise
            if merged(live, body) == live:
                return False, live
    return (True, applied) if not leaving(applied) else _make(client, change, timeout)


def delete_first(client: Client, path: str, live: Manifest | None) -> bool:
    """Delete an object that was read as ``live``; whether it was this run that did, not another at the same time."""
    for last in _tries():
        try:
            return client.delete(path, _only(live))
        except ApiError as error:
            if error.status != CONFLICT or last:
                raise
        live = client.find(path)
        if live is None or leaving(live):
            break
    return False


def _only(live: Manifest | None) -> dict[str, Any] | None:
    """Options by which a deletion is refused when another has begun: one that something holds changes the object. A CRD's objects hold it,
    and it is given its finalizer by the first deletion."""
    if live is None:
        return None
    meta = live["metadata"]
    held = meta.get("finalizers") or (live.get("spec") or {}).get("finalizers") or live.get("kind") == "CustomResourceDefinition"
    conditions = {"uid": meta.get("uid"), "resourceVersion": meta.get("resourceVersion") if held else None}
    return {"preconditions": {key: value for key, value in conditions.items() if value}}


def _tries() -> Iterator[bool]:
    """Whether it is the last one."""
    yield from (number == CONFLICTS_AT_MOST for number in range(1, CONFLICTS_AT_MOST + 1))


def wait_gone(client: Client, ref: Ref, timeout: int) -> None:
    """Wait until the object isn't there; raises :class:`EdgefedError` naming what holds it (code ``stuck``)."""
    last: list[Manifest] = []

    def gone() -> bool:
        last[:] = [live] if (live := client.find(path_of(ref))) else []
        return not last

    if until(gone, timeout, QUICK):
        return
    raise EdgefedError(
        f"{ref} in {client.where} is still being deleted after {timeout} s: {_held_by(last[0])}. "
        "Next: finish or remove what holds it, then run this again.",
        code="stuck",
        details={"object": str(ref)},
    )


def until(done: Callable[[], bool], timeout: float, sleep: float, longest: float = 1.0) -> bool:
    """Ask ``done`` at once and then after ``sleep`` seconds, doubling up to ``longest``; whether it came true in time."""
    deadline = time.monotonic() + timeout
    while not done():
        left = deadline - time.monotonic()
        if left <= 0:
            return False
        time.sleep(min(sleep, left))
        sleep = max(sleep, min(sleep * 2, longest))
    return True


def find_orphans(host: Client, where: Refs, names: Names, used: str | None) -> list[Ref]:
    """Secrets in the host cluster that kubefedctl left behind with this join's token."""
    collection = object_path(CORE, "secrets", names.namespace)
    page = host.request("GET", collection, query={"fieldSelector": "type=Opaque"}, accept=METADATA_ONLY)
    prefix = f"{names.cluster}-"
    likely = [item["metadata"]["name"] for item in page["items"] or [] if item["metadata"].get("generateName") == prefix]
    secrets = [host.find(f"{collection}/{name}") for name in likely]
    orphans = orphaned_secrets([secret for secret in secrets if secret], names, used)
    return [Ref("host", CORE, "Secret", name, where.secret.namespace) for name in orphans]


def leftovers(member: Client, namespace: str, ours: Iterable[Ref]) -> list[str]:
    """Some of what would be lost with the namespace, as ``<resource> <name>``; empty when nothing would."""
    own = list(ours)

    def foreign(resource: tuple[str, str]) -> list[str]:
        path, plural = resource
        query = {"limit": 500}
        items = member.request("GET", f"{path}/namespaces/{namespace}/{plural}", query=query, accept=METADATA_ONLY)["items"] or []
        return [f"{plural} {name}" for name in foreign_names(plural, items, own)]

    resources = list(namespaced_resources(member))
    with ThreadPoolExecutor(PARALLEL) as pool:
        return next((names[:NAMED_AT_MOST] for names in pool.map(foreign, resources) if names), [])


def refused(error: EdgefedError) -> bool:
    """Whether a cluster cannot be worked with: no answer, no access, or no kubeconfig for it."""
    return error.code in ("unreachable", "kubeconfig") or (isinstance(error, ApiError) and error.status in (401, 403))


def _held_by(live: Manifest) -> str:
    meta = live["metadata"]
    holding = [*(meta.get("finalizers") or []), *((live.get("spec") or {}).get("finalizers") or [])]
    said = [
        str(item.get("message"))
        for item in (live.get("status") or {}).get("conditions") or []
        if item.get("status") == "True" and item.get("message")
    ]
    return "; ".join([*(f"finalizer {name}" for name in holding), *said]) or "nothing says why"


def namespaced_resources(client: Client) -> Iterator[tuple[str, str]]:
    """``(path of the group's version, plural)`` of everything that can lie in a namespace: 2 requests since Kubernetes 1.26."""
    for root in ("/api", "/apis"):
        answer = client.request("GET", root, accept=DISCOVERY)
        if answer.get("kind") == "APIGroupDiscoveryList":
            yield from _aggregated(answer)
        else:
            yield from _one_by_one(client, answer)


def _aggregated(answer: Manifest) -> Iterator[tuple[str, str]]:
    for group in answer["items"]:
        name = group["metadata"].get("name") or ""
        version = group["versions"][0]
        path = group_path(f"{name}/{version['version']}" if name else version["version"])
        for item in version.get("resources") or []:
            if item["scope"] == "Namespaced" and _holds_content(name, item["resource"], item["verbs"]):
                yield path, item["resource"]


def _one_by_one(client: Client, answer: Manifest) -> Iterator[tuple[str, str]]:
    versions = answer.get("versions") or [group["preferredVersion"]["groupVersion"] for group in answer["groups"]]
    for version in versions:
        served: list[dict[str, Any]] = client.get(group_path(version))["resources"]
        group = version.split("/")[0] if "/" in version else ""
        for item in served:
            if item["namespaced"] and "/" not in item["name"] and _holds_content(group, item["name"], item["verbs"]):
                yield group_path(version), item["name"]


def _holds_content(group: str, plural: str, verbs: list[str]) -> bool:
    return "list" in verbs and group not in DERIVED_GROUPS and plural not in NOT_CONTENT
