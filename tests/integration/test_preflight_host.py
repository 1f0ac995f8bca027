# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A member dialled from the host cluster: kubefedctl's real words of real API servers, and Jobs on nodes that are only simulated, so that
none runs and each has to be told as what it is. Jobs that run are in Molecule's scenario kind."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from secrets import token_hex
from typing import Any, Iterator

import pytest
import yaml
from integration.one_member import SYSTEM, Federation, federation, inventory_of, played, recap, server_of

from ansible_collections.edgefed.kubefed.plugins.module_utils.client import Client, connect
from ansible_collections.edgefed.kubefed.plugins.module_utils.member.names import Names
from ansible_collections.edgefed.kubefed.plugins.module_utils.preflight import from_host as asking
from ansible_collections.edgefed.kubefed.plugins.module_utils.preflight.checks import Check
from ansible_collections.edgefed.kubefed.plugins.module_utils.preflight.job import Dial, arguments, finding, kubeconfig_of
from ansible_collections.edgefed.kubefed.plugins.module_utils.preflight.target import Target

__all__ = ["federation"]
pytestmark = pytest.mark.lab
CONTROLLER = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "kubefed-controller-manager"},
    "spec": {
        "replicas": 0,
        "selector": {"matchLabels": {"app": "controller"}},
        "template": {
            "metadata": {"labels": {"app": "controller"}},
            "spec": {
                "securityContext": {"runAsUser": 1001},
                "containers": [
                    {"name": "controller-manager", "image": "kubefed:v0.10.0", "command": ["/hyperfed/controller-manager"]},
                ],
            },
        },
    },
}


def dialled(folder: Path, target: Target, token: str = "") -> Check:
    """The Job's own program, run here with the Job's arguments and kubeconfig."""
    dial = Dial("zj", target, "zj-credentials" if token else None)
    given = json.loads(kubeconfig_of(dial))
    if token:
        (folder / "token").write_text(token)
        given["users"][0]["user"]["tokenFile"] = str(folder / "token")
    (folder / "kubeconfig").write_text(json.dumps(given))
    done = subprocess.run(["kubefedctl", *arguments(str(folder / "kubeconfig"))], capture_output=True, text=True, check=False)
    assert done.returncode and not done.stdout, "nothing may have been made"
    check = finding(dial, done.stderr[: asking.LOG_BYTES])
    assert check
    return check


def test_what_kubefedctl_says(lab: Any, federation: Federation, tmp_path: Path) -> None:
    """Of the real thing: a stranger, KubeFed's own token, another CA, nobody, no name, no API server."""
    address, ca = server_of(lab, "zj")
    other = server_of(lab, "cddev")[1].encode()
    assert "asked without credentials" in dialled(tmp_path, Target(address, ca.encode())).detail
    assert dialled(tmp_path, Target(address, other, unchecked=("*",))).outcome == "ok"
    federation()
    assert "KubeFed's token is accepted" in dialled(tmp_path, Target(address, ca.encode()), federation.token("zj", "zj-local")).detail
    for target, token, said in (
        (Target(address, other), "", "x509: certificate signed by unknown authority"),
        (Target("https://127.0.0.1:9", ca.encode()), "", "the connection was refused"),
        (Target("https://edge.invalid:6443", ca.encode()), "", "does not resolve in the host cluster"),
        (Target(address, ca.encode(), proxy="http://127.0.0.1:9"), "", "the proxy on the way failed"),
        (Target(address, ca.encode()), "wrong", "rejects the token (401)"),
    ):
        check = dialled(tmp_path, target, token)
        assert check.outcome == "failed" and said in str(check) and "Next: " in str(check), check


@pytest.fixture
def place(lab: Any) -> Iterator[Names]:
    """A namespace with a controller that has pods, as far as the API server is concerned."""
    namespace = f"preflight-{token_hex(4)}"
    lab.kubectl("local", "create", "namespace", namespace)
    lab.kubectl("local", "label", "namespace", namespace, "pod-security.kubernetes.io/enforce=restricted")
    lab.kubectl("local", "apply", "-n", namespace, "-f", "-", stdin=json.dumps(CONTROLLER))
    yield Names("zj", "local", namespace)
    lab.kubectl("local", "delete", "namespace", namespace, "--wait=false")


def asked(lab: Any, place: Names, required: bool = False, check: bool = False, **auth: str) -> list[Check]:
    """What ``from_host`` finds of zj."""
    address, ca = server_of(lab, "zj")
    host = connect({"kubeconfig": lab.kubeconfig, "context": "local", **auth}, "local")
    return asking.from_host(host, place, Target(address, ca.encode()), check, required)


def jobs(lab: Any, namespace: str) -> list[str]:
    """Names of Jobs that are there, or about to go."""
    return str(lab.kubectl("local", "get", "jobs", "-n", namespace, "-o", "name")).split()


def test_a_simulated_node_is_not_believed(lab: Any, place: Names) -> None:
    """Kwok's nodes say that a pod ran: it wrote nothing, so it did not. The restricted profile admitted it. Nothing is left over, and
    what a run of long ago left goes too."""
    [not_asked] = asked(lab, place, check=True)
    assert not_asked.outcome == "warning" and "check mode" in not_asked.detail and jobs(lab, place.namespace) == []
    [found] = asked(lab, place)
    assert found.outcome == "warning" and "nodes that are only simulated" in found.detail
    assert asked(lab, place, required=True)[0].outcome == "failed"
    assert jobs(lab, place.namespace) == []


def test_no_room_in_the_quota(lab: Any, place: Names) -> None:
    """The reason of the Job's controller is told, and is no fault of the member."""
    lab.kubectl("local", "create", "quota", "none", "-n", place.namespace, "--hard=pods=0")
    [found] = asked(lab, place)
    assert found.outcome == "warning" and "exceeded quota: none" in found.detail and "leave room" in found.next
    assert jobs(lab, place.namespace) == []


def test_a_node_that_takes_it_is_waited_for_and_told(lab: Any, place: Names, monkeypatch: pytest.MonkeyPatch) -> None:
    """A pod that no node takes does not keep a preflight for ever, and its Job goes with it, though another run's stays."""
    monkeypatch.setattr(asking, "STARTED", 3)
    lab.kubectl("local", "patch", "deployment", "kubefed-controller-manager", "-n", place.namespace, "--type=merge", "-p", NOWHERE)
    lab.kubectl("local", "apply", "-n", place.namespace, "-f", "-", stdin=json.dumps(OF_ANOTHER_RUN))
    [found] = asked(lab, place)
    assert found.outcome == "warning" and "Unschedulable" in found.detail and "make room" in found.next
    assert jobs(lab, place.namespace) == ["job.batch/edgefed-preflight-other"]
    monkeypatch.setattr(asking, "DEADLINE", -1)
    asked(lab, place)
    assert jobs(lab, place.namespace) == []


NOWHERE = json.dumps({"spec": {"template": {"spec": {"nodeSelector": {"no": "where"}}}}})
OF_ANOTHER_RUN = {
    "apiVersion": "batch/v1",
    "kind": "Job",
    "metadata": {
        "name": "edgefed-preflight-other",
        "labels": {"edgefed.io/purpose": "preflight", "edgefed.io/cluster": "zj"},
    },
    "spec": {
        "suspend": True,
        "template": {"spec": {"restartPolicy": "Never", "containers": [{"name": "a", "image": "a"}]}},
    },
}


def test_may_not_make_jobs(lab: Any, place: Names) -> None:
    """Told with what is missing."""
    kubectl, reads = lab.kubectl, ("deployments.apps", "kubefedclusters.core.kubefed.io")
    kubectl("local", "create", "role", "reader", "-n", place.namespace, "--verb=get", f"--resource={','.join(reads)}")
    kubectl(
        "local", "create", "rolebinding", "reader", "-n", place.namespace, "--role=reader", f"--serviceaccount={place.namespace}:default"
    )
    [found] = asked(lab, place, impersonate_user=f"system:serviceaccount:{place.namespace}:default")
    assert found.outcome == "warning" and "jobs.batch is forbidden" in found.detail and "create and delete Jobs" in found.next


HALF = ("--verb=get,list,patch,create", "--resource=namespaces,serviceaccounts")
READER = ("--verb=get,list", "--resource=secrets,clusterroles.rbac.authorization.k8s.io,clusterrolebindings.rbac.authorization.k8s.io")


@pytest.fixture
def half(lab: Any) -> Iterator[dict[str, Any]]:
    """A kubeconfig of somebody who may make only the first objects of a join."""
    kubectl = lab.kubectl
    kubectl("zj", "create", "serviceaccount", "half", "-n", "default")
    for name, rules in (("half", HALF), ("reader", READER)):
        kubectl("zj", "create", "clusterrole", name, *rules)
        kubectl("zj", "create", "clusterrolebinding", name, f"--clusterrole={name}", "--serviceaccount=default:half")
    kubeconfig = yaml.safe_load(Path(lab.kubeconfig).read_text())
    token = kubectl("zj", "create", "token", "half", "-n", "default").strip()
    for user in kubeconfig["users"]:
        user["user"] = {"token": token}
    yield kubeconfig
    kubectl("zj", "delete", "clusterrolebinding,clusterrole", "half", "reader")
    kubectl("zj", "delete", "serviceaccount", "half", "-n", "default")


class Reviews:
    """``connect`` whose clients note whom they ask what they may do."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def __call__(self, auth: dict[str, Any], name: str, **options: Any) -> Client:
        client = connect(auth, name, **options)
        request = client.request

        def noted(method: str, path: str, *arguments: Any, **options: Any) -> Any:
            self.asked += [name] if path.endswith("selfsubjectaccessreviews") else []
            return request(method, path, *arguments, **options)

        client.request = noted  # type: ignore[method-assign]
        return client


def test_join_looks_first(federation: Federation, half: dict[str, Any]) -> None:
    """With rights for half a join nothing is written, in check mode it is foretold, and all that is missing is told. A good cluster costs
    a question in each cluster, and a ready one none, until it is dialled in another way."""
    federation(state="absent", wait=True)
    for check in (True, False):
        error = federation.error(member_kubeconfig=half, preflight_from="controller", check=check)
        assert error.code == "preflight" and "patch secrets, patch clusterroles.rbac.authorization.k8s.io" in error.message, error.message
        assert federation.left() == []
    looking = Reviews()
    federation(preflight_from="controller", using=looking)
    assert looking.asked == ["zj", "local"]
    federation(wait=True)
    assert federation(preflight_from="controller", using=looking).data["api_requests"] == 8
    assert federation(preflight_from="controller", using=looking, disabled_tls_validations=["ValidityPeriod"]).changed
    assert looking.asked == ["zj", "local"] * 2


def test_playbooks_where_kubefed_is_a_process(lab: Any, federation: Federation, tmp_path: Path) -> None:
    """There is no pod to ask from: said as a warning, and this machine looks. The join does the same, and tells it once."""
    federation(state="absent", wait=True)
    hosts = inventory_of(lab, tmp_path, ["zj"], member_preflight_from="both")
    words = "connection from the host cluster: not asked, since KubeFed's controller is no Deployment there but a process"
    for playbook, changed, told in (("preflight", 0, 1), ("join", 1, 1), ("join", 0, 0)):
        done = played("-i", hosts, f"playbooks/{playbook}.yml")
        said = " ".join(done.stdout.split())
        assert recap(done.stdout)["zj"] == (changed, 0) and said.count(words) == told, done.stdout
    assert jobs(lab, SYSTEM) == []
