# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The control plane's objects read from and written to the host cluster, for the pure package ``control_plane``."""

from __future__ import annotations

import time
from datetime import datetime, timezone
from typing import Any, Callable

from ansible_collections.edgefed.kubefed.plugins.module_utils.client import ApiError, Client, object_path
from ansible_collections.edgefed.kubefed.plugins.module_utils.control_plane import release as helm
from ansible_collections.edgefed.kubefed.plugins.module_utils.control_plane.plan import (
    CONFIG,
    CONTROLLER,
    MADE_BY,
    WEBHOOK,
    Current,
    Desired,
    Step,
    webhook_names,
)
from ansible_collections.edgefed.kubefed.plugins.module_utils.control_plane.status import (
    CORE_GROUP,
    CRDS,
    LOCK,
    Leader,
    Status,
    Webhook,
    pod_troubles,
    read_leader,
    rolled_out,
    split_crds,
    unready_containers,
    webhook_of_answer,
    webhook_of_error,
)
from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import EdgefedError

ADMISSION = "admissionregistration.k8s.io/v1"
EXTENSIONS = "apiextensions.k8s.io/v1"
REVIEW = "authorization.k8s.io/v1"
LOG_LINES = 3
PROBE = {"apiVersion": CORE_GROUP, "kind": "KubeFedConfig", "metadata": {"name": "edgefed-probe"}, "spec": {"scope": "Cluster"}}


def now() -> datetime:
    """This machine's clock, in UTC."""
    return datetime.now(timezone.utc)


def config_path(namespace: str) -> str:
    """The API path of the KubeFedConfig."""
    return object_path(CORE_GROUP, "kubefedconfigs", namespace, CONFIG)


def served_crds(client: Client) -> dict[str, set[str]]:
    """Group version → plurals that the API server serves, of KubeFed's groups. Four small requests, whatever else is installed."""
    found = {}
    for version in CRDS:
        listing = client.find(f"/apis/{version}") or {}
        found[version] = {item["name"] for item in listing.get("resources") or [] if "/" not in item["name"]}
    return found


def read_releases(client: Client, namespace: str, name: str) -> list[helm.Release]:
    """Helm's records of the release, without those that a later revision replaced."""
    selector = f"owner=helm,name={name},status!=superseded"
    return [helm.decode(item) for item in client.list(object_path("v1", "secrets", namespace), {"labelSelector": selector})]


def _deployments(client: Client, namespace: str) -> list[dict[str, Any]]:
    found = client.list(object_path("apps/v1", "deployments", namespace))
    return [item for item in found if item["metadata"]["name"] in (CONTROLLER, WEBHOOK)]


def _is_older(deployment: dict[str, Any], release: helm.Release | None) -> bool:
    made = helm.moment_of(deployment["metadata"]["creationTimestamp"])
    return bool(release and release.updated and made and made < release.updated.replace(microsecond=0))


def _image_version(deployment: dict[str, Any]) -> str:
    image = deployment["spec"]["template"]["spec"]["containers"][0]["image"]
    return helm.plain_version(image.rsplit(":", 1)[-1]) or ""


def read_current(client: Client, desired: Desired, removing: bool = False) -> Current:
    """A :class:`Current` in about ten requests; with ``removing`` also what ``absent`` needs.

    A namespace that is being deleted counts as gone already, unless it is ``removing`` that waits for it.
    """
    namespace = client.find(f"/api/v1/namespaces/{desired.namespace}")
    if namespace and namespace["metadata"].get("deletionTimestamp") and not removing:
        namespace = None
    meta = (namespace or {}).get("metadata") or {}
    served = served_crds(client)
    configs = list(client.list(object_path(CORE_GROUP, "kubefedconfigs"))) if "kubefedconfigs" in served[CORE_GROUP] else []
    deployments = _deployments(client, desired.namespace) if namespace else []
    releases = read_releases(client, desired.namespace, desired.release) if namespace else []
    webhooks = webhook_names(desired.scope, desired.namespace)
    config = next((item for item in configs if item["metadata"]["namespace"] == desired.namespace), None)
    return Current(
        namespace_there=namespace is not None,
        namespace_ours=MADE_BY in (meta.get("annotations") or {}),
        namespace_named=(meta.get("labels") or {}).get("name") == desired.namespace,
        releases=releases,
        config=config,
        elsewhere={
            item["metadata"]["namespace"]: str((item.get("spec") or {}).get("scope") or "Cluster")
            for item in configs
            if item["metadata"]["namespace"] != desired.namespace
        },
        crds_missing=split_crds(served)[1],
        webhooks=tuple(name for name, plural in webhooks.items() if client.find(object_path(ADMISSION, plural, None, name))),
        deployments={item["metadata"]["name"]: _image_version(item) for item in deployments},
        older_pods=tuple(item["metadata"]["name"] for item in deployments if _is_older(item, helm.latest(releases))),
        **(_read_for_removal(client, desired, served) if removing else {}),
    )


def _read_for_removal(client: Client, desired: Desired, served: dict[str, set[str]]) -> dict[str, Any]:
    crds = [item for item in client.list(object_path(EXTENSIONS, "customresourcedefinitions")) if _is_kubefed(item)]
    joined: list[str] = []
    if "kubefedclusters" in served[CORE_GROUP]:
        clusters = client.list(object_path(CORE_GROUP, "kubefedclusters", desired.namespace))
        joined = [item["metadata"]["name"] for item in clusters]
    federated: dict[str, int] = {}
    for crd in crds:
        if crd["spec"]["group"] == "types.kubefed.io":
            count = sum(1 for _dummy in client.list(_collection(crd)))
            federated |= {crd["metadata"]["name"]: count} if count else {}
    return {
        "clusters": tuple(sorted(joined)),
        "federated": federated,
        "crds": tuple(sorted(item["metadata"]["name"] for item in crds)),
        "lock_there": client.find(object_path("v1", "configmaps", desired.namespace, LOCK)) is not None,
    }


def _is_kubefed(crd: dict[str, Any]) -> bool:
    return str(crd["spec"]["group"]).endswith(".kubefed.io")


def _collection(crd: dict[str, Any]) -> str:
    version = next(item["name"] for item in crd["spec"]["versions"] if item.get("served"))
    return object_path(f"{crd['spec']['group']}/{version}", crd["spec"]["names"]["plural"])


def await_other_helm(client: Client, desired: Desired, grace: float) -> None:
    """Give a Helm that may be at work elsewhere ``grace`` seconds from its start; after that its record counts as cut off."""
    while True:
        left = helm.under_way(helm.latest(read_releases(client, desired.namespace, desired.release)), now(), grace)
        if not left:
            return
        time.sleep(min(1.0, left))


def apply(client: Client, desired: Desired, steps: tuple[Step, ...], timeout: float, sleep: float) -> None:
    """Do the steps of a plan, in order. ``timeout`` and ``sleep`` in seconds: for what must be waited for."""
    deadline = time.monotonic() + timeout
    verbs: dict[str, Callable[[str], Any]] = {
        "create_namespace": lambda name: _create_namespace(client, name, deadline, sleep),
        "drop_superseded": lambda name: _drop_superseded(client, desired.namespace, name),
        "drop_record": lambda name: client.delete(object_path("v1", "secrets", desired.namespace, name)),
        "delete_webhook": lambda name: client.delete(
            object_path(ADMISSION, webhook_names(desired.scope, desired.namespace)[name], None, name)
        ),
        "put_config": lambda _: _put_config(client, desired, deadline, sleep),
        "restart": lambda name: restart(client, desired.namespace, name),
        "release_objects": lambda name: _release_objects(client, name),
        "delete_crd": lambda name: client.delete(object_path(EXTENSIONS, "customresourcedefinitions", None, name)),
        "delete_lock": lambda _: client.delete(object_path("v1", "configmaps", desired.namespace, LOCK)),
        "delete_namespace": lambda name: client.delete(f"/api/v1/namespaces/{name}"),
    }
    for step in steps:
        verbs[step.verb](step.name)
    gone = {
        "delete_crd": lambda name: object_path(EXTENSIONS, "customresourcedefinitions", None, name),
        "delete_namespace": lambda name: f"/api/v1/namespaces/{name}",
    }
    for step in steps:
        if step.verb in gone:
            _await_gone(client, gone[step.verb](step.name), deadline, sleep)


def _create_namespace(client: Client, name: str, deadline: float, sleep: float) -> None:
    _await_gone(client, f"/api/v1/namespaces/{name}", deadline, sleep)
    meta = {"name": name, "labels": {"name": name}, "annotations": {MADE_BY: "edgefed"}}
    client.create("/api/v1/namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": meta})


def _drop_superseded(client: Client, namespace: str, release: str) -> None:
    """Records of revisions that were replaced: with any left Helm upgrades, which brings back no CRDs."""
    path = object_path("v1", "secrets", namespace)
    for item in list(client.list(path, {"labelSelector": f"owner=helm,name={release},status=superseded"})):
        client.delete(f"{path}/{item['metadata']['name']}")


def _put_config(client: Client, desired: Desired, deadline: float, sleep: float) -> None:
    """Make the KubeFedConfig, or take over one that a controller manager made, with the marks by which Helm knows its own."""
    crds = object_path(EXTENSIONS, "customresourcedefinitions")
    if client.find(f"{crds}/{desired.config_crd['metadata']['name']}") is None:
        client.create(crds, desired.config_crd)
    marks = {
        "labels": {"app.kubernetes.io/managed-by": "Helm"},
        "annotations": {"meta.helm.sh/release-name": desired.release, "meta.helm.sh/release-namespace": desired.namespace},
    }
    body = {**desired.config, "metadata": {"name": CONFIG, "namespace": desired.namespace, **marks}}
    while True:
        try:
            client.apply(config_path(desired.namespace), body)
            return
        except ApiError as error:
            # A kind is served a moment after its CRD was made.
            if error.status != 404 or time.monotonic() >= deadline:
                raise
        time.sleep(sleep)


def find_config(client: Client, namespace: str) -> dict[str, Any] | None:
    """The KubeFedConfig, ``None`` also where its CRD is not there."""
    return client.find(config_path(namespace))


def set_config(client: Client, namespace: str, patch: dict[str, Any], deadline: float, sleep: float) -> dict[str, Any]:
    """Patch the ``spec`` of the KubeFedConfig; the webhook checks it, so a webhook that is just starting is waited for."""
    while True:
        try:
            return client.patch(config_path(namespace), {"spec": patch})
        except ApiError as error:
            if "failed calling webhook" not in error.message:
                raise
            if time.monotonic() >= deadline:
                raise _unset(client, namespace, error) from None
        time.sleep(sleep)


def _unset(client: Client, namespace: str, error: ApiError) -> EdgefedError:
    reason = webhook_of_error(error.status, error.message).reason
    troubles = read_troubles(client, namespace)
    pods = f" Pods: {'; '.join(troubles)}." if troubles else ""
    return EdgefedError(
        f'{client.where}: KubeFedConfig "{CONFIG}" in namespace "{namespace}" could not be changed, because the '
        f"admission webhook does not answer: {reason}.{pods} Next: make the webhook run, then run playbooks/control_plane.yml again.",
        code="webhook",
        details={"reason": reason, "pods": troubles},
    )


def find_controller(client: Client, namespace: str) -> dict[str, Any] | None:
    """The controller manager's Deployment, ``None`` where it is a process."""
    return client.find(object_path("apps/v1", "deployments", namespace, CONTROLLER))


def may_lock(client: Client, namespace: str, plural: str) -> bool:
    """Whether the account that KubeFed's pods run under may keep the leader's lock on that kind of object."""
    asked = {"namespace": namespace, "verb": "update", "group": "", "resource": plural, "name": LOCK}
    user = f"system:serviceaccount:{namespace}:kubefed-controller"
    review = {"apiVersion": REVIEW, "kind": "SubjectAccessReview", "spec": {"user": user, "resourceAttributes": asked}}
    return bool(client.create(object_path(REVIEW, "subjectaccessreviews"), review)["status"]["allowed"])


def await_rollout(client: Client, namespace: str, timeout: float, sleep: float) -> None:
    """Wait until only pods that were started after the restart are left: one of before would lead on with what it read then."""
    deadline = time.monotonic() + timeout
    while True:
        live = find_controller(client, namespace)
        if live is None or rolled_out(live):
            return
        if time.monotonic() >= deadline:
            troubles = read_troubles(client, namespace)
            raise EdgefedError(
                f"{client.where}: the pods of {CONTROLLER} were not all replaced within {timeout:g} s after its settings were changed"
                f"{': ' + '; '.join(troubles) if troubles else ''}. Next: make the cluster run these pods (kubectl describe pod), then run "
                "this again.",
                code="rollout",
                details={"pods": troubles},
            )
        time.sleep(sleep)


def restart(client: Client, namespace: str, name: str) -> None:
    """Let a Deployment replace its pods."""
    notes = {"kubectl.kubernetes.io/restartedAt": now().isoformat(timespec="seconds")}
    path = object_path("apps/v1", "deployments", namespace, name)
    client.patch(path, {"spec": {"template": {"metadata": {"annotations": notes}}}})


def _release_objects(client: Client, crd_name: str) -> None:
    """Take the finalizers off a CRD's objects: KubeFed's controllers, which would do it, are gone, and the members have left."""
    crd = client.find(object_path(EXTENSIONS, "customresourcedefinitions", None, crd_name))
    if crd is None:
        return
    base = _collection(crd)
    for item in client.list(base):
        meta = item["metadata"]
        if meta.get("finalizers"):
            group, plural = base.rsplit("/", 1)
            place = f"{group}/namespaces/{meta['namespace']}/{plural}" if meta.get("namespace") else base
            client.patch(f"{place}/{meta['name']}", {"metadata": {"finalizers": None}})


def _await_gone(client: Client, path: str, deadline: float, sleep: float) -> None:
    while True:
        left = client.find(path)
        if left is None:
            return
        if time.monotonic() >= deadline:
            conditions = (left.get("status") or {}).get("conditions") or []
            said = "; ".join(str(item["message"]) for item in conditions if item.get("message") and item.get("status") == "True")
            raise EdgefedError(
                f"{client.where}: {path} is still being deleted. {said or 'Something holds it with a finalizer'}. "
                "Next: remove what holds it, then run playbooks/teardown.yml again.",
                code="still_deleting",
                details={"path": path},
            )
        time.sleep(sleep)


def probe_webhook(client: Client, namespace: str) -> Webhook:
    """Ask the webhook: a dry-run create, which stores nothing."""
    try:
        return webhook_of_answer(client.create(object_path(CORE_GROUP, "kubefedconfigs", namespace), PROBE, dry_run=True), namespace)
    except ApiError as error:
        return webhook_of_error(error.status, error.message, namespace)


def leader_of(
    client: Client, namespace: str, config: dict[str, Any] | None, previous: Leader | None = None, not_holder: str = ""
) -> Leader:
    """The leader on the controller manager's lock, which is of the kind that the KubeFedConfig says."""
    kind = str((((config or {}).get("spec") or {}).get("leaderElect") or {}).get("resourceLock") or "configmaps")
    return read_leader(client.find(object_path("v1", kind, namespace, LOCK)), now(), previous, not_holder)


def look(client: Client, namespace: str, config: dict[str, Any] | None, last: Status | None, not_holder: str) -> Status:
    """One look at the three parts; those that ``last`` saw in order are not looked at again."""
    if last is None or last.crds_missing:
        served, missing = split_crds(served_crds(client))
    else:
        served, missing = last.crds_served, last.crds_missing
    leader = last.leader if last else None
    if leader is None or not leader.fresh:
        leader = leader_of(client, namespace, config, leader, not_holder)
    webhook = last.webhook if last and last.webhook.answers else probe_webhook(client, namespace)
    return Status(served, missing, leader, webhook)


def _last_words(client: Client, path: str, container: str, ended: bool) -> list[str]:
    """The end of a container's log (of its last run, when it ended); empty where it has not written any."""
    try:
        text = client.text(path, {"container": container, "tailLines": LOG_LINES, "previous": "true" if ended else None})
    except EdgefedError:
        return []
    lines = [line.strip()[:300] for line in str(text).splitlines() if line.strip()]
    return [f"{path.split('/')[-2]}/{container} wrote: {' | '.join(lines)}"] if lines else []


def read_troubles(client: Client, namespace: str) -> list[str]:
    """Why pods of the control plane wait, what they wrote last, and the last three warnings of its namespace; empty without pods."""
    path = object_path("v1", "pods", namespace)
    pods = []
    for selector in ("kubefed-control-plane=controller-manager", "kubefed-admission-webhook=true"):
        pods += list(client.list(path, {"labelSelector": selector}))
    troubles = pod_troubles(pods)
    for pod, container, ended in unready_containers(pods):
        troubles += _last_words(client, f"{path}/{pod}/log", container, ended)
    if pods:
        events = list(client.list(object_path("v1", "events", namespace), {"fieldSelector": "type=Warning"}))
        events.sort(key=lambda event: str(event.get("lastTimestamp") or event.get("eventTime") or ""))
        troubles += [f"event {event['involvedObject'].get('name')}: {event.get('reason')} {event.get('message')}" for event in events[-3:]]
    return troubles
