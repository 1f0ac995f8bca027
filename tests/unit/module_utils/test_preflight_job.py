# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The Job that dials from the host cluster, and what its pod says: words of kubefedctl 0.10.0, taken from real runs."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from ansible_collections.edgefed.kubefed.plugins.module_utils.preflight.job import (
    KUBECONFIG,
    Dial,
    Seen,
    finding,
    job_of,
    kubeconfig_of,
    seen,
    unasked,
    waits_for,
)
from ansible_collections.edgefed.kubefed.plugins.module_utils.preflight.target import Target

ADDRESS = "https://10.0.0.7:6443"
CONTROLLER: dict[str, Any] = {
    "metadata": {"name": "kubefed-controller-manager", "namespace": "fed"},
    "spec": {
        "template": {
            "spec": {
                "serviceAccountName": "kubefed-controller",
                "imagePullSecrets": [{"name": "mirror"}],
                "tolerations": [{"key": "edge", "operator": "Exists"}],
                "nodeSelector": {},
                "hostAliases": [{"ip": "10.0.0.7", "hostnames": ["edge"]}],
                "securityContext": {"runAsUser": 1001},
                "containers": [
                    {"name": "sidecar", "image": "mesh:1"},
                    {
                        "name": "controller-manager",
                        "image": "mirror/kubefed:v0.10.0",
                        "command": ["/opt/hyperfed/controller-manager", "--v=2"],
                        "env": [{"name": "HTTPS_PROXY", "value": "http://proxy:3128"}],
                        "resources": {"limits": {"cpu": "500m"}},
                        "livenessProbe": {"httpGet": {"port": 8080}},
                    },
                ],
            }
        }
    },
}


def dial(secret: str | None = None, **target: Any) -> Dial:
    """Of zj."""
    return Dial("zj", Target(ADDRESS, **target), secret)


def test_the_job_is_as_the_controller_and_nothing_more() -> None:
    """Image, place and ways of the controller; restricted, once, for a while; no token of a service account."""
    job = job_of(dial(ca=b"PEM"), "edgefed-preflight-1", CONTROLLER)
    pod = job["spec"]["template"]["spec"]
    [container] = pod["containers"]
    assert (job["metadata"]["namespace"], job["metadata"]["labels"]["edgefed.io/cluster"]) == ("fed", "zj")
    assert {key: job["spec"][key] for key in job["spec"] if key != "template"} == {
        "backoffLimit": 0,
        "activeDeadlineSeconds": 90,
        "ttlSecondsAfterFinished": 60,
    }
    assert (container["image"], container["env"], container["resources"]) == (
        "mirror/kubefed:v0.10.0",
        [{"name": "HTTPS_PROXY", "value": "http://proxy:3128"}],
        {"limits": {"cpu": "500m"}},
    )
    assert container["command"][:2] == ["/opt/hyperfed/kubefedctl", "enable"] and "livenessProbe" not in container
    given = CONTROLLER["spec"]["template"]["spec"]
    assert all(pod[key] == given[key] for key in ("serviceAccountName", "imagePullSecrets", "tolerations", "hostAliases"))
    assert "nodeSelector" not in pod and pod["restartPolicy"] == "Never" and pod["automountServiceAccountToken"] is False
    assert pod["securityContext"] == {"seccompProfile": {"type": "RuntimeDefault"}, "runAsUser": 1001, "runAsNonRoot": True}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "readOnlyRootFilesystem": True,
    }
    assert [volume["name"] for volume in pod["volumes"]] == ["kubeconfig"]
    assert job["spec"]["template"]["metadata"]["annotations"] == {KUBECONFIG: kubeconfig_of(dial(ca=b"PEM"))}


@pytest.mark.parametrize(
    ("secret", "target", "cluster", "user"),
    [
        (None, {"ca": b"PEM"}, {"certificate-authority-data": base64.b64encode(b"PEM").decode()}, {}),
        ("zj-credentials", {}, {}, {"tokenFile": "/edgefed/secret/token"}),
        (None, {"ca": b"PEM", "unchecked": ("*",)}, {"insecure-skip-tls-verify": True}, {}),
        (None, {"proxy": "http://edge:s3cret@proxy:3128"}, {"proxy-url": "http://proxy:3128"}, {}),
    ],
)
def test_the_kubeconfig_has_no_credentials(
    secret: str | None, target: dict[str, Any], cluster: dict[str, Any], user: dict[str, str]
) -> None:
    """Neither a user's nor a proxy's; KubeFed's own token is mounted where it has one."""
    given = dial(secret, **target)
    found = json.loads(kubeconfig_of(given))
    assert found["clusters"][0]["cluster"] == {"server": ADDRESS, **cluster} and found["users"][0]["user"] == user
    volumes = job_of(given, "edgefed-preflight-1", CONTROLLER)["spec"]["template"]["spec"]["volumes"]
    assert [volume["secret"]["secretName"] for volume in volumes if "secret" in volume] == ([secret] if secret else [])
    assert "s3cret" not in json.dumps(job_of(given, "edgefed-preflight-1", CONTROLLER))


def said(error: str, status: str = "") -> str:
    """As kubefedctl writes it, before its trace."""
    lines = ["Config loaded from file:  /edgefed/kubeconfig/kubeconfig", f"GET {ADDRESS}/api?timeout=32s {status} in 3 milliseconds"]
    listing = f'[Error listing api resources: {error}, Unable to find api resource named "edgefed-preflight".]'
    none = 'Unable to find api resource named "edgefed-preflight".'
    return "\n".join([*lines, f"Error: {listing if error else none}", "goroutine 1 [running]:", "k8s.io/klog/v2.stacks(0x1)"])


def getting(error: str) -> str:
    """An error of Go's HTTP client."""
    return said(f'Get "{ADDRESS}/api?timeout=32s": {error}')


ANY = dial(ca=b"PEM")
JOINED = dial("zj-credentials", ca=b"PEM")
PROXIED = dial(proxy="http://proxy:3128")
WITH_LOGIN = dial(proxy="http://edge:s3cret@proxy:3128")
UNKNOWN_CA = "x509: certificate signed by unknown authority"
OTHER_NAME = "x509: certificate is valid for 10.0.0.8, not 10.0.0.7"
EXPIRED = "x509: certificate has expired or is not yet valid: current time 2026-11-24T12:00:00Z is after 2026-11-23T12:00:00Z"


@pytest.mark.parametrize(
    ("given", "text", "outcome", "words"),
    [
        (ANY, said("Unauthorized", "401 Unauthorized"), "ok", "answers the host cluster (asked without credentials, hence 401)"),
        (ANY, said("", "403 Forbidden"), "ok", "hence 403"),
        (ANY, said("", "200 OK"), "ok", "answers the host cluster"),
        (JOINED, said("", "200 OK"), "ok", "KubeFed's token is accepted"),
        (JOINED, said("Unauthorized", "401 Unauthorized"), "failed", "the API server rejects the token (401)"),
        (ANY, getting("dial tcp: lookup edge.invalid on 10.96.0.10:53: no such host"), "failed", "does not resolve in the host cluster"),
        (ANY, getting("dial tcp 10.0.0.7:6443: connect: connection refused"), "failed", "the connection was refused"),
        (ANY, getting("dial tcp 10.0.0.7:6443: i/o timeout"), "failed", "does not answer in time"),
        (ANY, getting("net/http: TLS handshake timeout"), "failed", "does not answer in time"),
        (ANY, getting(UNKNOWN_CA), "failed", "does not fit the CA that KubeFed was given (x509: certificate signed by unknown authority)"),
        (ANY, getting(f"tls: failed to verify certificate: {OTHER_NAME}"), "failed", "does not fit the CA"),
        (ANY, getting(EXPIRED), "failed", "does not fit the CA"),
        (dial(unchecked=("SubjectName",)), getting(OTHER_NAME), "warning", "as disabled_tls_validations allows"),
        (dial(unchecked=("SubjectName",)), getting(EXPIRED), "failed", "has expired"),
        (dial(unchecked=("ValidityPeriod",)), getting(EXPIRED), "warning", "as disabled_tls_validations allows"),
        (
            PROXIED,
            getting("proxyconnect tcp: dial tcp 10.0.0.9:3128: connect: connection refused"),
            "failed",
            "the proxy on the way failed",
        ),
        (PROXIED, getting("Proxy Authentication Required"), "failed", "the proxy on the way failed"),
        (WITH_LOGIN, getting("Proxy Authentication Required"), "warning", "wants its login"),
        (ANY, said("", "404 Not Found"), "failed", "something else than a Kubernetes API server answers there (HTTP 404)"),
        (ANY, said("couldn't get version/kind; json parse error: json: cannot", "200 OK"), "failed", "something else than a Kubernetes"),
        (ANY, said("the server is currently unable to handle the request", "503 Service"), "failed", "KubeFed cannot reach it"),
        (ANY, "Error: Failed to get host cluster config: unable to parse bytes as PEM block", "failed", "unable to parse bytes as PEM"),
    ],
)
def test_what_it_said(given: Dial, text: str, outcome: str, words: str) -> None:
    """Each by its cause, in Go's words, and with the next step; to be a stranger is fine."""
    check = finding(given, text)
    assert check and (check.check, check.outcome) == ("connection from the host cluster", outcome)
    assert words in check.detail and ADDRESS in check.detail and bool(check.next) == (outcome != "ok")
    assert "s3cret" not in str(check) and "goroutine" not in str(check) and "Get " not in check.detail


def test_loopback_is_told() -> None:
    """The commonest wrong address of all."""
    text = getting("dial tcp 127.0.0.1:6443: connect: connection refused")
    check = finding(Dial("zj", Target("https://127.0.0.1:6443")), text)
    assert check and "a loopback address means the controller's own machine" in check.next


@pytest.mark.parametrize("text", ["", "goroutine 1 [running]:", "Config loaded from file:  kubeconfig"])
def test_nothing_was_said(text: str) -> None:
    """Then it has not run."""
    assert finding(ANY, text) is None


def pod(state: dict[str, Any] | None = None, phase: str = "Pending", **status: Any) -> dict[str, Any]:
    """The Job's, with its container in that state."""
    containers = [{"name": "preflight", "state": state}] if state else []
    return {"metadata": {"name": "p"}, "status": {"phase": phase, "containerStatuses": containers, **status}}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (pod(), Seen("p")),
        (pod({"waiting": {"reason": "ContainerCreating"}}), Seen("p")),
        (pod({"running": {"startedAt": "now"}}, "Running"), Seen("p", runs=True)),
        (pod({"terminated": {"exitCode": 255, "reason": "Error"}}, "Failed"), Seen("p", code=255)),
        (pod({"terminated": {"exitCode": 0, "reason": "Completed"}}, "Succeeded"), Seen("p", code=0)),
        (pod({"waiting": {"reason": "ImagePullBackOff", "message": "no pull"}}), Seen("p", stuck="ImagePullBackOff: no pull")),
        (pod({"terminated": {"exitCode": 128, "reason": "StartError", "message": "no file"}}), Seen("p", stuck="StartError: no file")),
        (pod(None, "Failed", reason="Evicted", message="disk pressure"), Seen("p", stuck="Evicted: disk pressure")),
        (pod(None, "Succeeded"), Seen("p", stuck="Succeeded: no further words")),
    ],
)
def test_looks_at_the_pod(given: dict[str, Any], expected: Seen) -> None:
    """On its way, ended, or never to start."""
    assert seen(given) == expected and expected.over == (expected.code is not None or expected.stuck != "")


def test_why_it_waits() -> None:
    """In the host cluster's words."""
    refused = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/1 nodes are available"}
    assert waits_for(pod(conditions=[refused])) == "Unschedulable (0/1 nodes are available)"
    assert waits_for(pod()) == "its pod is Pending" and "made no pod" in waits_for(None)


@pytest.mark.parametrize(
    ("reason", "todo"),
    [
        ("ErrImagePull: not found", "have KubeFed's image"),
        ('FailedCreate: pods "x" is forbidden: exceeded quota: small', "quota"),
        ('FailedCreate: pods "x" is forbidden: violates PodSecurity "restricted:latest"', "admit this pod"),
        ("Unschedulable (0/1 nodes are available)", "make room"),
        ('cluster "local" (https://h): POST /apis/batch/v1: jobs.batch is forbidden: User "u" cannot create', "may create and delete Jobs"),
        ('cluster "local" (https://h): GET /api/v1/namespaces/fed/pods/x/log: dial tcp: i/o timeout', "read logs of pods"),
        ("its pod is Pending", "see the Job's events"),
    ],
)
def test_could_not_be_asked(reason: str, todo: str) -> None:
    """That says nothing of the member, unless nothing else was asked for."""
    told, refused = unasked(reason, required=False), unasked(reason, required=True)
    assert (told.outcome, refused.outcome) == ("warning", "failed")
    assert todo in told.next and "preflight_from: controller" in told.next and told.detail.startswith("could not be asked: ")
