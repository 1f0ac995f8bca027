# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The Job that dials a member from the host cluster, as KubeFed's controller will, and what its pod says. Pure.

It runs KubeFed's own image, which holds kubefedctl, with the same Go client as the controller. ``kubefedctl enable`` of a type that no
cluster serves asks the API server what it serves, writes nothing, and ends with the reason. Its kubeconfig is an annotation of the pod, so
that there is no other object to clean up. Its words are read from the pod's log: a trace of up to 7 KB follows them, more than the end of
it that a pod's status holds.
"""

from __future__ import annotations

import base64
import json
import posixpath
import re
from dataclasses import dataclass
from typing import Any

from ansible_collections.edgefed.kubefed.plugins.module_utils.control_plane.status import pod_troubles
from ansible_collections.edgefed.kubefed.plugins.module_utils.member.desired import CLUSTER, MANAGED_BY, Manifest
from ansible_collections.edgefed.kubefed.plugins.module_utils.member.readiness import advice, classify
from ansible_collections.edgefed.kubefed.plugins.module_utils.preflight.checks import FAILED, OK, TOLD, Check
from ansible_collections.edgefed.kubefed.plugins.module_utils.preflight.target import Target
from ansible_collections.edgefed.kubefed.plugins.module_utils.urls import has_credentials, without_credentials

BATCH = "batch/v1"
NAME = "edgefed-preflight"
CHECK = "connection from the host cluster"
PURPOSE = {"edgefed.io/purpose": "preflight"}
KUBECONFIG = "edgefed.io/kubeconfig"
DEADLINE = 90
KEPT = 60
"""Seconds after which the cluster itself removes a Job that a cut-off run left."""

_FOLDER = "/edgefed"
_PROGRAM = "/hyperfed/kubefedctl"
_NO_TYPE = NAME
# What decides whether a pod gets its image, where it runs, and how it finds and reaches an address.
_AS_THE_CONTROLLER = (
    *("dnsConfig", "dnsPolicy", "hostAliases", "hostNetwork", "imagePullSecrets", "nodeSelector", "priorityClassName"),
    *("runtimeClassName", "schedulerName", "serviceAccountName", "tolerations"),
)
_AS_ITS_CONTAINER = ("env", "envFrom", "image", "imagePullPolicy", "resources")
_CANNOT_START = (
    *("CreateContainerConfigError", "CreateContainerError", "ErrImageNeverPull", "ErrImagePull", "ImagePullBackOff", "InvalidImageName"),
    *("ContainerCannotRun", "RunContainerError", "StartError"),
)
_ERROR = re.compile(r"^Error: (.*)$", re.MULTILINE)
_DIALLED = re.compile(r"Error listing api resources: (?:Get \"[^\"]*\": )?(.*), Unable to find api resource named")
_ANSWERED = re.compile(r"^GET \S+ (\d{3}) ", re.MULTILINE)
_AN_API_SERVER = ("200", "401", "403")
_TOLERATED = {
    "SubjectName": ("certificate is valid for", "cannot validate certificate", "certificate is not valid for any names"),
    "ValidityPeriod": ("certificate has expired or is not yet valid",),
}
_ROOM = "make room for one small pod where kubefed-controller-manager may run"
_NEXT = (
    (("Image", "pull"), "let the host cluster's nodes have KubeFed's image, as kubefed-controller-manager needs it too"),
    (("/log", "kubelet"), "let the user read logs of pods in KubeFed's namespace, and the API server reach its nodes' kubelets"),
    (("quota",), "leave room for one small pod in the quota of KubeFed's namespace"),
    (("PodSecurity", "security"), "let KubeFed's namespace admit this pod, which keeps Kubernetes' restricted profile"),
    (("Unschedulable", "Insufficient"), _ROOM),
    (("forbidden", "cannot create"), "use credentials that may create and delete Jobs in KubeFed's namespace"),
)


@dataclass(frozen=True)
class Dial:
    """What is dialled, for which cluster; ``secret`` has KubeFed's token for it where it is joined already."""

    cluster: str
    target: Target
    secret: str | None = None

    @property
    def address(self) -> str:
        """As it may be shown."""
        return without_credentials(self.target.address)


@dataclass(frozen=True)
class Seen:
    """A look at the Job's pod: the ``code`` that it ended with, or why it is ``stuck``; neither while it is on its way."""

    pod: str = ""
    code: int | None = None
    stuck: str = ""
    runs: bool = False

    @property
    def over(self) -> bool:
        """Whether nothing more will come."""
        return self.code is not None or bool(self.stuck)


def kubeconfig_of(dial: Dial) -> str:
    """Address, CA and proxy alone. Nobody's credentials are brought into the host cluster; KubeFed's own are there already."""
    target, cluster = dial.target, {"server": dial.address}
    if "*" in target.unchecked:
        cluster["insecure-skip-tls-verify"] = True  # type: ignore[assignment]
    elif target.ca:
        cluster["certificate-authority-data"] = base64.b64encode(target.ca).decode()
    if target.proxy:
        cluster["proxy-url"] = without_credentials(target.proxy)
    name = dial.cluster
    user = {"tokenFile": f"{_FOLDER}/secret/token"} if dial.secret else {}
    return json.dumps(
        {
            "current-context": name,
            "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
            "clusters": [{"name": name, "cluster": cluster}],
            "users": [{"name": name, "user": user}],
        }
    )


def job_of(dial: Dial, name: str, controller: Manifest) -> Manifest:
    """The Job, its pod placed and equipped as the controller's are."""
    place, pod = controller["metadata"]["namespace"], controller["spec"]["template"]["spec"]
    labels = {**MANAGED_BY, **PURPOSE, CLUSTER: dial.cluster}
    return {
        "apiVersion": BATCH,
        "kind": "Job",
        "metadata": {"name": name, "namespace": place, "labels": labels},
        "spec": {
            "backoffLimit": 0,
            "activeDeadlineSeconds": DEADLINE,
            "ttlSecondsAfterFinished": KEPT,
            "template": {
                "metadata": {"labels": labels, "annotations": {KUBECONFIG: kubeconfig_of(dial)}},
                "spec": _pod_of(dial, pod),
            },
        },
    }


def _pod_of(dial: Dial, pod: dict[str, Any]) -> dict[str, Any]:
    fields = [{"path": "kubeconfig", "fieldRef": {"fieldPath": f"metadata.annotations['{KUBECONFIG}']"}}]
    volumes: list[dict[str, Any]] = [{"name": "kubeconfig", "downwardAPI": {"items": fields}}]
    if dial.secret:
        volumes.append({"name": "secret", "secret": {"secretName": dial.secret, "items": [{"key": "token", "path": "token"}]}})
    return {
        **{key: pod[key] for key in _AS_THE_CONTROLLER if pod.get(key)},
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": 0,
        "securityContext": {"seccompProfile": {"type": "RuntimeDefault"}, **(pod.get("securityContext") or {}), "runAsNonRoot": True},
        "containers": [_container_of(pod["containers"], volumes)],
        "volumes": volumes,
    }


def _container_of(containers: list[dict[str, Any]], volumes: list[dict[str, Any]]) -> dict[str, Any]:
    controller = next((one for one in containers if one["name"] == "controller-manager"), containers[0])
    folder = posixpath.dirname((controller.get("command") or [_PROGRAM])[0])
    return {
        **{key: controller[key] for key in _AS_ITS_CONTAINER if controller.get(key)},
        "name": "preflight",
        "command": [posixpath.join(folder, "kubefedctl"), *arguments(f"{_FOLDER}/kubeconfig/kubeconfig")],
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "readOnlyRootFilesystem": True,
        },
        "volumeMounts": [{"name": one["name"], "mountPath": f"{_FOLDER}/{one['name']}", "readOnly": True} for one in volumes],
    }


def arguments(kubeconfig: str) -> list[str]:
    """Of kubefedctl. Level 6 has the HTTP statuses."""
    return ["enable", _NO_TYPE, "--output=yaml", f"--kubeconfig={kubeconfig}", "--skip-headers", "--v=6"]


def seen(pod: Manifest) -> Seen:
    """What a pod of the Job tells by now."""
    name, status = pod["metadata"]["name"], pod.get("status") or {}
    states = [one.get("state") or {} for one in status.get("containerStatuses") or []]
    for state in states:
        ended = state.get("terminated") or {}
        halted = ended or state.get("waiting") or {}
        if halted.get("reason") in _CANNOT_START:
            return Seen(name, stuck=f"{halted['reason']}: {halted.get('message') or 'no further words'}")
        if ended:
            return Seen(name, code=int(ended["exitCode"]))
    if status.get("phase") in ("Failed", "Succeeded"):
        return Seen(name, stuck=f"{status.get('reason') or status['phase']}: {status.get('message') or 'no further words'}")
    return Seen(name, runs=any("running" in state for state in states))


def waits_for(pod: Manifest | None) -> str:
    """Why a pod that was not stuck has not ended either."""
    if pod is None:
        return "the host cluster made no pod for the Job"
    troubles = [trouble.partition(": ")[2] for trouble in pod_troubles([pod])]
    return "; ".join(troubles) or f"its pod is {(pod.get('status') or {}).get('phase') or 'Pending'}"


def finding(dial: Dial, said: str) -> Check | None:
    """The verdict on what kubefedctl wrote; ``None`` where it wrote nothing, so that it cannot have run."""
    wrong, statuses = _DIALLED.search(said), _ANSWERED.findall(said)
    if wrong:
        return _of_error(dial, wrong[1])
    if statuses:
        return _reached(dial, statuses[-1]) if statuses[-1] in _AN_API_SERVER else _failed(dial, "no_api", f"HTTP {statuses[-1]}")
    other = _ERROR.search(said)
    return _failed(dial, classify(other[1]), other[1]) if other else None


def _of_error(dial: Dial, said: str) -> Check:
    cause = classify(said)
    if cause == "unauthorized" and not dial.secret and said == "Unauthorized":
        return _reached(dial, "401")
    if dial.target.proxy and said in ("Proxy Authentication Required", "Forbidden"):
        if has_credentials(dial.target.proxy):
            detail = f"the proxy in front of {dial.address} answers, and wants its login, which is not brought into the host cluster"
            return Check(CHECK, TOLD, detail, "join, and see whether KubeFed finds the cluster ready")
        cause = "proxy"
    for validation, signs in _TOLERATED.items():
        if validation in dial.target.unchecked and any(sign in said for sign in signs):
            detail = f"{dial.address}: {said}, as disabled_tls_validations allows"
            return Check(CHECK, TOLD, detail, "join, and see whether KubeFed finds the cluster ready")
    return _failed(dial, cause, said)


def _reached(dial: Dial, status: str) -> Check:
    how = "KubeFed's token is accepted" if dial.secret else f"asked without credentials, hence {status}"
    return Check(CHECK, OK, f"{dial.address} answers the host cluster ({how})")


def _failed(dial: Dial, cause: str, said: str) -> Check:
    what, todo = advice(cause, dial.address)
    return Check(CHECK, FAILED, f"{dial.address}: {what} ({said})", todo)


def unasked(reason: str, required: bool) -> Check:
    """That the host cluster could not be asked says nothing of the member: a failure only where nothing else was wanted."""
    todo = next((todo for signs, todo in _NEXT if any(sign in reason for sign in signs)), "see the Job's events in KubeFed's namespace")
    detail = f"could not be asked: {reason.rstrip('.')}"
    return Check(CHECK, FAILED if required else TOLD, detail, f"{todo}, or look from this machine alone (preflight_from: controller)")
