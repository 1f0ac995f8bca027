# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What KubeFed has in a member: rights that are just enough, tokens that change without a gap, tokens of the user's own."""

from __future__ import annotations

import base64
import json
import re
import threading
import time
from pathlib import Path
from typing import Any, Iterator

import pytest
from integration.one_member import (
    MEMBER,
    ROLE,
    SYSTEM,
    Federation,
    actions,
    federation,
    inventory_of,
    played,
    recap,
    run_tasks,
    survives,
)
from integration.waiting import until

from ansible_collections.edgefed.kubefed.plugins.module_utils.client import ApiError, Client, connect

__all__ = ["federation", "run_tasks"]
pytestmark = pytest.mark.lab

SPACE = "least-proof"
WORKLOAD = {"selector": {"matchLabels": {"app": "proof"}}, "template": {"metadata": {"labels": {"app": "proof"}}}}
CONTAINER = {"containers": [{"name": "web", "image": "nginx:1.17"}]}
PODS = {**WORKLOAD, "template": {**WORKLOAD["template"], "spec": CONTAINER}}
TEMPLATES: dict[str, dict[str, Any]] = {
    "ClusterRole": {"rules": [{"apiGroups": [""], "resources": ["nodes"], "verbs": ["delete"]}]},
    "ConfigMap": {"data": {"is": "proof"}},
    "Deployment": {"spec": {"replicas": 1, **PODS}},
    "Ingress": {"spec": {"defaultBackend": {"service": {"name": "proof", "port": {"number": 80}}}}},
    # A selector that the API server makes up would be taken away again by KubeFed's next update, which is refused then.
    "Job": {"spec": {"manualSelector": True, **PODS, "template": {**PODS["template"], "spec": {**CONTAINER, "restartPolicy": "Never"}}}},
    "ReplicaSet": {"spec": {"replicas": 1, **PODS}},
    "Secret": {"data": {"is": "cHJvb2Y="}},
    "Service": {"spec": {"ports": [{"port": 80}]}},
    "ServiceAccount": {},
}
KINDS = {"Namespace", *TEMPLATES}
CLUSTER_WIDE = ("ClusterRole",)


def federated(kind: str, clusters: list[str], note: str = "first") -> dict[str, Any]:
    """One object of a federated type, named proof."""
    template = {"metadata": {"labels": {"note": note}}, **TEMPLATES.get(kind, {})}
    spec = {"placement": {"clusters": [{"name": name} for name in clusters]}, "template": template}
    meta = {"name": "proof"} if kind in CLUSTER_WIDE else {"name": SPACE if kind == "Namespace" else "proof", "namespace": SPACE}
    return {"apiVersion": "types.kubefed.io/v1beta1", "kind": f"Federated{kind}", "metadata": meta, "spec": spec}


def applied(fed: Federation, *objects: dict[str, Any]) -> None:
    """All of them, in the host cluster."""
    document = {"apiVersion": "v1", "kind": "List", "items": list(objects)}
    fed.lab.kubectl("local", "apply", "-f", "-", stdin=json.dumps(document))


def notes(fed: Federation, kinds: Any = tuple(TEMPLATES)) -> dict[str, str]:
    """Which of the objects are in zj, with their label ``note``."""
    found = fed.lab.kubectl("zj", "get", ",".join(sorted(kinds)), "-n", SPACE, "-l", "note", "--ignore-not-found", "-o", "json")
    items = json.loads(found)["items"] if found.strip() else []
    return {item["kind"]: item["metadata"]["labels"]["note"] for item in items if item["metadata"]["name"] in ("proof", SPACE)}


@pytest.fixture(scope="module")
def space(federation: Federation) -> Iterator[None]:
    """A federated namespace, and everything in it gone at the end."""
    until(lambda: federation.lab.get("local", "namespace", SPACE) is None, "the namespace of an earlier run is gone")
    federation.lab.kubectl("local", "create", "namespace", SPACE)
    yield
    federation(wait=True)
    federation.lab.kubectl("local", "delete", "federatedclusterrole", "proof", "--ignore-not-found", "--wait=false")
    federation.lab.kubectl("local", "delete", "namespace", SPACE, "--wait=false")
    federation.lab.kubectl("zj", "delete", "namespace", SPACE, "--ignore-not-found", "--wait=false")


def refusals(fed: Federation) -> list[str]:
    """What the controller was refused in zj, by its log."""
    log = Path(fed.lab.kubeconfig).parent / "lab" / "processes" / "controller-manager.log"
    user = f"system:serviceaccount:{SYSTEM}:zj-local"
    return [line for line in log.read_text(errors="replace").splitlines() if user in line and "forbidden" in line]


def test_least_is_enough_for_every_default_type(federation: Federation, space: None) -> None:
    """One object of each type is made, changed, taken away, one let go of, and one scaled by a preference, with no request refused."""
    before = len(refusals(federation))
    enabled = {item["spec"]["targetType"]["kind"] for item in federation.lab.get("local", "federatedtypeconfigs", "-n", SYSTEM)["items"]}
    assert enabled == KINDS, "every default type has to be among the objects below"
    done = federation(credentials="least", wait=True)
    assert done.data["cluster"]["ready"]
    assert any("clusterroles federated" in said for said in done.warnings)
    assert not federation(credentials="least").changed
    applied(federation, *(federated(kind, ["zj"]) for kind in KINDS))
    until(lambda: notes(federation) == dict.fromkeys(TEMPLATES, "first"), lambda: notes(federation))
    preference = {"apiVersion": "scheduling.kubefed.io/v1alpha1", "kind": "ReplicaSchedulingPreference"}
    preference |= {"metadata": {"name": "proof", "namespace": SPACE}, "spec": {"targetKind": "FederatedDeployment", "totalReplicas": 3}}
    preference["spec"]["clusters"] = {"zj": {"weight": 1}}  # type: ignore[index]
    applied(federation, preference, *(federated(kind, ["zj"], "second") for kind in KINDS))
    until(lambda: notes(federation) == dict.fromkeys(TEMPLATES, "second"), lambda: notes(federation))

    def replicas() -> int:
        return int(federation.lab.get("zj", "deployment", "proof", "-n", SPACE)["spec"]["replicas"])

    until(lambda: replicas() == 3, replicas)
    federation.lab.kubectl("local", "delete", "replicaschedulingpreference", "proof", "-n", SPACE)
    let_go = "federatedconfigmap"
    federation.lab.kubectl("local", "annotate", let_go, "proof", "-n", SPACE, "kubefed.io/orphan=true")
    federation.lab.kubectl("local", "delete", let_go, "proof", "-n", SPACE)
    until(
        lambda: "kubefed.io/managed" not in federation.lab.get("zj", "configmap", "proof", "-n", SPACE)["metadata"]["labels"], "let go of"
    )
    applied(federation, *(federated(kind, [], "second") for kind in TEMPLATES if kind != "ConfigMap"))
    until(lambda: set(notes(federation)) == {"ConfigMap"}, lambda: notes(federation))
    assert refusals(federation)[before:] == []


def allowed(fed: Federation, *question: str) -> bool:
    """Whether KubeFed may do this in zj."""
    user = f"--as=system:serviceaccount:{SYSTEM}:zj-local"
    return fed.lab.kubectl("zj", "auth", "can-i", *question, user, check=False).strip() == "yes"


def propagation(fed: Federation, name: str, state: str) -> None:
    """A type enabled or disabled, as kubefedctl does."""
    fed.lab.kubectl(
        "local", "patch", "federatedtypeconfig", name, "-n", SYSTEM, "--type=merge", "-p", json.dumps({"spec": {"propagation": state}})
    )


def test_least_follows_the_types(federation: Federation) -> None:
    """Nothing besides them is allowed; a type that goes takes its rights along, one that comes brings them; full gives all back."""
    federation(credentials="least")
    for question in (("delete", "pods"), ("list", "nodes"), ("create", "persistentvolumes"), ("get", "/metrics"), ("*", "*")):
        assert not allowed(federation, *question), question
    assert allowed(federation, "delete", "jobs.batch")
    propagation(federation, "jobs.batch", "Disabled")
    try:
        narrowed = federation(credentials="least", check=True)
        assert allowed(federation, "delete", "jobs.batch")
        assert federation(credentials="least").data["changes"] == narrowed.data["changes"]
        assert actions(narrowed.data) == ["update ClusterRole"]
        assert not allowed(federation, "delete", "jobs.batch") and allowed(federation, "delete", "deployments.apps")
        assert not federation(credentials="least").changed
    finally:
        propagation(federation, "jobs.batch", "Enabled")
    assert actions(federation(credentials="least").data) == ["update ClusterRole"]
    assert allowed(federation, "delete", "jobs.batch")
    assert actions(federation().data) == ["update ClusterRole"]
    assert allowed(federation, "*", "*")


def client_of(fed: Federation, token: str) -> Client:
    """zj, asked with a token."""
    member = connect({"kubeconfig": fed.lab.kubeconfig, "context": "zj"}, "zj")
    return connect({"host": member.server, "api_key": token, "validate_certs": False}, "zj")


def accepted(fed: Federation, token: str) -> bool:
    """Whether zj's API server knows the token."""
    try:
        client_of(fed, token).list("/api/v1/namespaces", {"limit": 1}).__next__()
    except ApiError as error:
        assert error.status == 401, error
        return False
    return True


def token_secrets(fed: Federation) -> list[str]:
    """Names of the secrets with tokens of KubeFed in zj."""
    found = fed.lab.get("zj", "secrets", "-n", SYSTEM, "--field-selector=type=kubernetes.io/service-account-token")["items"]
    return sorted(item["metadata"]["name"] for item in found)


class Watcher:
    """Looks at zj's KubeFedCluster all the time; ``bad`` are looks that did not find it ready."""

    def __init__(self, fed: Federation) -> None:
        self.looks = 0
        self.bad: list[Any] = []
        self._client = connect({"kubeconfig": fed.lab.kubeconfig, "context": "local"}, "local")
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look)

    def _look(self) -> None:
        path = f"/apis/core.kubefed.io/v1beta1/namespaces/{SYSTEM}/kubefedclusters/zj"
        while not self._ended.is_set():
            conditions = self._client.get(path)["status"]["conditions"]
            if {item["type"]: item["status"] for item in conditions} != {"Ready": "True"}:
                self.bad.append(conditions)
            self.looks += 1
            time.sleep(0.05)

    def __enter__(self) -> Watcher:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()


def test_rotation_without_a_gap(federation: Federation, space: None) -> None:
    """Ready throughout, the old token dead and the new one in use afterwards, and what is federated then arrives."""
    federation(wait=True)
    old, secrets = federation.token("local", "zj-credentials"), token_secrets(federation)
    foretold = federation(rotate=True, wait=True, check=True)
    assert (federation.token("local", "zj-credentials"), token_secrets(federation)) == (old, secrets)
    with Watcher(federation) as watcher:
        rotated = federation(rotate=True, wait=True)
        until(lambda: watcher.looks > 10, "the watcher has looked ten times")
    assert not watcher.bad
    assert rotated.data["changes"] == foretold.data["changes"]
    expected = [
        "update ServiceAccount",
        "create Secret",
        "update Secret",
        "update KubeFedCluster",
        "delete Secret",
        "update ServiceAccount",
    ]
    assert actions(rotated.data) == expected
    new = federation.token("local", "zj-credentials")
    assert new != old and accepted(federation, new)
    assert len(token_secrets(federation)) == len(secrets) and token_secrets(federation) != secrets
    federation.settled(secret=token_secrets(federation)[0])
    applied(federation, federated("Namespace", ["zj"]), federated("ConfigMap", ["zj"], "rotated"))
    until(lambda: notes(federation).get("ConfigMap") == "rotated", lambda: notes(federation))
    # An API server remembers for 10 s that it knew a token.
    until(lambda: not accepted(federation, old), "the old token is refused", 20)
    for secret in (old, new):
        assert secret not in json.dumps([rotated.diff, rotated.data]) and base64.b64encode(secret.encode()).decode() not in str(rotated)


def test_rotation_by_age(federation: Federation, monkeypatch: pytest.MonkeyPatch) -> None:
    """A token that is young enough stays; one that is older goes, and without waiting the old one stays until a later run."""
    federation(wait=True)
    assert not federation(credentials_max_age=1).changed
    now = time.time()
    monkeypatch.setattr("ansible_collections.edgefed.kubefed.plugins.module_utils.member.look.time.time", lambda: now + 2 * 86400)
    old = federation.token("local", "zj-credentials")
    begun = federation(credentials_max_age=1)
    assert begun.changed and any("stays valid until a later run" in said for said in begun.warnings)
    assert len(token_secrets(federation)) == 2 and federation.token("zj", token_secrets(federation)[0]) == old
    monkeypatch.undo()
    ended = federation(wait=True)
    assert actions(ended.data) == ["delete Secret", "update ServiceAccount"]
    assert [federation.token("zj", name) for name in token_secrets(federation)] == [federation.token("local", "zj-credentials")] != [old]
    assert not federation(credentials_max_age=1).changed


@pytest.mark.parametrize("writes", [2, 4, 6])
def test_rotation_cut_off(federation: Federation, writes: int) -> None:
    """After so many writes: the next run, which need not ask for it, finishes it, and one token is left, the one in use."""
    federation(wait=True)
    old = federation.token("local", "zj-credentials")
    assert not survives(federation, writes, only_writes=True, rotate=True, wait=True)
    assert len(token_secrets(federation)) == 2 or writes in (2, 6)
    federation(wait=True)
    assert [federation.token("zj", name) for name in token_secrets(federation)] == [federation.token("local", "zj-credentials")] != [old]
    federation.settled(secret=token_secrets(federation)[0])


def test_unjoin_during_a_rotation(federation: Federation) -> None:
    """Takes both tokens along."""
    federation(wait=True)
    assert not survives(federation, 5, only_writes=True, rotate=True, wait=True)
    assert len(token_secrets(federation)) == 2
    gone = federation(state="absent", wait=True)
    assert actions(gone.data).count("delete Secret") == 3
    assert federation.left() == []


@pytest.fixture
def own_token(federation: Federation) -> Iterator[str]:
    """A token of zj that ends in 20 days, of an account that may do everything."""
    kubectl = federation.lab.kubectl
    kubectl("zj", "create", "serviceaccount", "ours", "-n", "default")
    kubectl("zj", "create", "clusterrolebinding", "ours", "--clusterrole=cluster-admin", "--serviceaccount=default:ours")
    yield kubectl("zj", "create", "token", "ours", "-n", "default", "--duration=480h").strip()
    federation(state="absent")
    kubectl("zj", "delete", "serviceaccount", "ours", "-n", "default")
    kubectl("zj", "delete", "clusterrolebinding", "ours")


def test_provided_token(federation: Federation, own_token: str, run_tasks: Any) -> None:
    """Nothing is made in the member, what an earlier join made there goes once KubeFed has the token, and the end is told."""
    federation(wait=True)
    base = {"kubeconfig": federation.lab.kubeconfig, "context": "local", "name": "zj", "credentials": "provided", "token": own_token}
    steps = [base, {**base, "credentials_warn_days": 7}]
    for foretold, outcome in run_tasks(steps, "module"):
        assert not outcome.get("failed"), outcome["msg"]
        assert outcome["changes"] == foretold["changes"] and outcome["diff"]["after"] == foretold["diff"]["after"]
        credentials = outcome["cluster"]["credentials"]
        assert (credentials["kind"], credentials["days_left"]) == ("provided", 19) and re.match(r"20\d\d-", credentials["expires"])
        assert own_token not in json.dumps(outcome)
    again = federation(credentials="provided", token=own_token, wait=True)
    assert not again.changed and "ends in 19 days" in again.warnings[0]
    assert again.data["cluster"]["ready"]
    assert [item["kind"] for item in federation.all_of("zj", MEMBER)] == ["Namespace"]
    back = federation(wait=True)
    assert back.changed and back.data["cluster"]["ready"]
    federation.settled()


def test_refused_credentials(federation: Federation) -> None:
    """Before anything is asked."""
    claims = base64.urlsafe_b64encode(json.dumps({"exp": 1700000000}).encode()).decode().rstrip("=")
    for options, said in (
        ({"credentials": "provided"}, "there is no token"),
        ({"token": "abc"}, "set credentials: provided"),
        ({"credentials": "provided", "token": f"e30.{claims}.x"}, "ended at 2023-11-14"),
        ({"credentials": "provided", "token": "abc", "rotate": True}, "cannot be rotated"),
        ({"credentials": "provided", "token": "a\nbc"}, "line breaks"),
    ):
        error = federation.error(**options)
        assert error.code == "credentials" and said in error.message, error.message


def test_both_ways_the_same(federation: Federation, run_tasks: Any, path: str) -> None:
    """Least made, again, rotated, and away, in check mode first."""
    base = {"kubeconfig": federation.lab.kubeconfig, "context": "local", "name": "zj", "wait": False, "credentials": "least"}
    federation(state="absent", wait=True)
    steps = [base, base, {**base, "rotate": True}, {**base, "state": "absent", "wait": True}]
    outcomes = run_tasks(steps, path)
    assert [outcome["changed"] for _, outcome in outcomes] == [True, False, True, True]
    for foretold, outcome in outcomes:
        assert not outcome.get("failed"), outcome["msg"]
        assert outcome["changes"] == foretold["changes"]
        assert outcome["diff"]["before"] == foretold["diff"]["before"]
    assert federation.left() == []
    assert ROLE.rpartition(":")[2] == "zj-local"


def test_playbook(federation: Federation, tmp_path: Path) -> None:
    """rotate.yml foretells, rotates one cluster after the other where told to, leaves provided tokens alone, and joins nobody."""
    federation(wait=True)
    old = federation.token("local", "zj-credentials")
    hosts = inventory_of(federation.lab, tmp_path, ["zj"])
    for options, changed in ((["--check"], 1), (["-e", "member_serial=1"], 1)):
        assert federation.token("local", "zj-credentials") == old
        done = played("-i", hosts, "playbooks/rotate.yml", *options)
        assert (done.returncode, recap(done.stdout)["zj"]) == (0, (changed, 0)), done.stdout
        assert old not in done.stdout
    assert federation.token("local", "zj-credentials") != old
    provided = ["-e", "member_credentials=provided", "-e", f"member_token={old}", "--check"]
    assert "cannot be rotated" not in played("-i", hosts, "playbooks/rotate.yml", *provided).stdout
    federation(state="absent", wait=True)
    gone = played("-i", hosts, "playbooks/rotate.yml")
    assert (gone.returncode, recap(gone.stdout)["zj"]) == (0, (0, 0)), gone.stdout
    assert "zj is not joined, so nothing is rotated" in gone.stdout
    assert federation.left() == []
