# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Joins and unjoins of real clusters, with KubeFed's real controller looking at them."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Callable, Iterator

import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.edgefed.kubefed.plugins.module_utils.client import Client, connect
from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import EdgefedError, Result
from ansible_collections.edgefed.kubefed.plugins.modules.kubefed_cluster import ARGUMENT_SPEC, run

pytestmark = pytest.mark.lab

SYSTEM = "kube-federation-system"
ROLE = "kubefed-controller-manager:zj-local"
MEMBER = [
    ("namespace", SYSTEM),
    ("serviceaccount", "zj-local"),
    ("clusterrole", ROLE),
    ("clusterrolebinding", ROLE),
    ("secret", "zj-local"),
]
HOST = [("secret", "zj-credentials"), ("kubefedcluster", "zj")]
OBJECTS = [("zj", *one) for one in MEMBER] + [("local", *one) for one in HOST]
KILLED = 9
OURS = "app.kubernetes.io/managed-by=edgefed"
READ_KINDS = "serviceaccounts,secrets,roles,rolebindings"


class Federation:
    """The module called directly, and what kubectl sees."""

    def __init__(self, lab: Any) -> None:
        self.lab = lab

    def __call__(self, check: bool = False, using: Callable[..., Client] = connect, **options: Any) -> Result:
        """One run, without waiting unless asked to."""
        given = {"kubeconfig": self.lab.kubeconfig, "context": "local", "name": "zj", "wait": False, **options}
        checked = ArgumentSpecValidator(ARGUMENT_SPEC).validate(given)
        assert not checked.error_messages, checked.error_messages
        return run(checked.validated_parameters, check, True, using)

    def error(self, **options: Any) -> EdgefedError:
        """The error of a run that has to fail."""
        with pytest.raises(EdgefedError) as caught:
            self(**options)
        assert "Next: " in caught.value.message
        return caught.value

    def find(self, context: str, kind: str, name: str) -> Any:
        """An object of the join."""
        return self.lab.get(context, kind, name, "-n", SYSTEM)

    def token(self, context: str, secret: str) -> str:
        """The token in a secret."""
        return base64.b64decode(self.find(context, "secret", secret)["data"]["token"]).decode()

    def settled(self, **options: Any) -> None:
        """The join is complete, each side fits the other, and a further run changes nothing, in the fewest requests."""
        for context, kind, name in OBJECTS:
            found = self.find(context, kind, name)
            assert found, f"{kind} {name} is missing in {context}"
            assert "deletionTimestamp" not in found["metadata"]
        assert self.token("zj", "zj-local") == self.token("local", "zj-credentials")
        again = self(**options)
        assert not again.changed, again.data["changes"]
        assert again.diff and again.diff["before"] == again.diff["after"]  # type: ignore[call-overload]
        assert again.data["api_requests"] <= 9

    def left(self) -> list[str]:
        """What a join of zj left anywhere."""
        found = []
        for context in ("zj", "local"):
            for kinds, scope in ((READ_KINDS, ("-n", SYSTEM)), ("namespaces,clusterroles,clusterrolebindings", ())):
                names = self.lab.kubectl(context, "get", kinds, *scope, "-o", "name", "--ignore-not-found").split()
                found += [name for name in names if "zj" in name.split("/", 1)[1]]
        if self.lab.get("zj", "namespace", SYSTEM):
            found.append("namespace")
        return found + self.lab.kubectl("local", "get", "kubefedclusters", "zj", "-n", SYSTEM, "-o", "name", "--ignore-not-found").split()


@pytest.fixture(scope="module")
def federation(lab: Any) -> Iterator[Federation]:
    """zj unjoined at the start; at the end the clusters that were joined are joined again."""
    fed = Federation(lab)
    joined = [name for name in ("local", "zj") if lab.get("local", "kubefedcluster", name, "-n", SYSTEM)]
    fed(state="absent", wait=True)
    yield fed
    for name in ("local", "zj"):
        fed(name=name, state="present" if name in joined else "absent", wait=True)


@pytest.fixture
def kept(federation: Federation) -> Iterator[Federation]:
    """The member's namespace stays while this test unjoins (an object of somebody else lies there), which saves 6 s each time."""
    lab = federation.lab
    federation()
    lab.kubectl("zj", "create", "configmap", "theirs", "-n", SYSTEM)
    yield federation
    lab.kubectl("zj", "delete", "configmap", "theirs", "-n", SYSTEM, "--ignore-not-found")
    federation(state="absent")


def actions(outcome: dict[str, Any]) -> list[str]:
    """What a task did, short."""
    return [f"{change['action']} {change['kind']}" for change in outcome["changes"]]


JOIN = ["create Namespace", "create ServiceAccount", "create ClusterRole", "create ClusterRoleBinding", "create Secret"]
JOIN += ["create Secret", "create KubeFedCluster"]
UNJOIN = ["delete Secret", "delete KubeFedCluster", "delete ClusterRoleBinding", "delete ClusterRole", "delete Secret"]
UNJOIN += ["delete ServiceAccount", "delete Namespace"]


def test_twelve_steps(federation: Federation, run_task: Any, path: str) -> None:
    """Create, again, change, again, delete, delete absent; each in check mode first, which foretells it and changes nothing."""
    base = {"kubeconfig": federation.lab.kubeconfig, "context": "local", "name": "zj", "wait": False}
    steps: list[tuple[dict[str, Any], list[str]]] = [
        ({}, JOIN),
        ({}, []),
        ({"region": "east", "labels": {"site": "factory"}}, ["update KubeFedCluster"]),
        ({"region": "east", "labels": {"site": "factory"}}, []),
        ({"state": "absent", "wait": True}, UNJOIN),
        ({"state": "absent"}, []),
    ]
    for options, expected in steps:
        before = federation.left()
        foretold = run_task("kubefed_cluster", {**base, **options}, check=True, path=path)
        assert federation.left() == before
        outcome = run_task("kubefed_cluster", {**base, **options}, path=path)
        for one in (foretold, outcome):
            assert not one.get("failed"), one["msg"]
            assert one["changed"] is bool(expected)
            assert actions(one) == expected
        assert outcome["diff"]["before"].keys() == foretold["diff"]["before"].keys()
        if outcome["diff"] != foretold["diff"]:
            assert "known after the join" in json.dumps(foretold["diff"])
    assert federation.left() == []


def spoiled(lab: Any, context: str, kind: str, name: str, patch: dict[str, Any]) -> None:
    """One field of an object made wrong."""
    lab.kubectl(context, "patch", kind, name, "-n", SYSTEM, "--type=merge", "-p", json.dumps(patch))


WRONG: list[tuple[str, str, str, dict[str, Any]]] = [
    ("zj", "serviceaccount", "zj-local", {"automountServiceAccountToken": True}),
    ("zj", "clusterrole", ROLE, {"rules": []}),
    ("zj", "clusterrolebinding", ROLE, {"subjects": []}),
    ("zj", "secret", "zj-local", {"metadata": {"annotations": {"kubernetes.io/service-account.name": "default"}}}),
    ("local", "secret", "zj-credentials", {"data": {"token": base64.b64encode(b"stale").decode()}}),
    ("local", "secret", "zj-credentials", {"data": None}),
    ("local", "kubefedcluster", "zj", {"spec": {"apiEndpoint": "https://127.0.0.1:1"}}),
    ("local", "kubefedcluster", "zj", {"spec": {"caBundle": base64.b64encode(b"wrong").decode()}}),
    ("local", "kubefedcluster", "zj", {"spec": {"secretRef": {"name": "zj-gone"}}}),
    ("local", "kubefedcluster", "zj", {"spec": {"disabledTLSValidations": ["*"]}}),
    ("local", "kubefedcluster", "zj", {"metadata": {"annotations": None, "labels": None}}),
]


@pytest.mark.parametrize(("context", "kind", "name"), OBJECTS[1:], ids=lambda value: str(value).split(":")[0])
def test_each_object_missing(kept: Federation, context: str, kind: str, name: str) -> None:
    """It is made again, and what hung on it."""
    kept.lab.kubectl(context, "delete", kind, name, "-n", SYSTEM)
    assert kept().changed
    kept.settled()


@pytest.mark.parametrize(("context", "kind", "name", "patch"), WRONG, ids=lambda value: json.dumps(value)[:40])
def test_each_object_wrong(kept: Federation, context: str, kind: str, name: str, patch: dict[str, Any]) -> None:
    """It is corrected. A KubeFedCluster's secret keeps the name that it says."""
    spoiled(kept.lab, context, kind, name, patch)
    assert kept().changed
    if "zj-gone" in str(patch):
        assert kept.token("local", "zj-gone") == kept.token("zj", "zj-local")
        assert not kept().changed
    else:
        kept.settled()


@pytest.mark.parametrize(("context", "kind", "name"), OBJECTS[1:], ids=lambda value: str(value).split(":")[0])
def test_each_object_in_deletion(kept: Federation, context: str, kind: str, name: str) -> None:
    """It is waited for, and made again. While something holds it, the message says what."""
    spoiled(kept.lab, context, kind, name, {"metadata": {"finalizers": ["edgefed.io/test"]}})
    kept.lab.kubectl(context, "delete", kind, name, "-n", SYSTEM, "--wait=false")
    stuck = kept.error(wait_timeout=0)
    assert stuck.code == "stuck"
    assert "finalizer edgefed.io/test" in stuck.message
    with ThreadPoolExecutor(1) as pool:
        joining = pool.submit(kept)
        time.sleep(0.1)
        spoiled(kept.lab, context, kind, name, {"metadata": {"finalizers": None}})
        assert joining.result().changed
    kept.settled()


def test_namespace_in_deletion(federation: Federation) -> None:
    """Joining again at once, which kubefedctl cannot: the namespace is waited for, and all is made again."""
    federation()
    federation.lab.kubectl("zj", "delete", "namespace", SYSTEM, "--wait=false")
    done = federation()
    assert {"action": "replace", "cluster": "member", "kind": "Namespace", "name": SYSTEM} in done.data["changes"]
    federation.settled()


class Mortal:
    """``connect`` whose clients end the process before its ``last``-th request, of all or of those that write."""

    def __init__(self, last: int, only_writes: bool) -> None:
        self.left, self.only_writes = last, only_writes

    def __call__(self, *arguments: Any, **options: Any) -> Client:
        client = connect(*arguments, **options)
        request = client.request

        def counted(method: str, *arguments: Any, **options: Any) -> Any:
            self.left -= method != "GET" or not self.only_writes
            if self.left <= 0:
                os._exit(KILLED)
            return request(method, *arguments, **options)

        client.request = counted  # type: ignore[method-assign]
        return client


def survives(federation: Federation, last: int, only_writes: bool = False, **options: Any) -> bool:
    """Whether a run in a process of its own came to its end before its ``last``-th request."""
    child = os.fork()
    if child == 0:
        try:
            federation(using=Mortal(last, only_writes), **options)
        finally:
            os._exit(0)
    ended = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert ended in (0, KILLED)
    return ended == 0


def test_join_cut_off_before_every_request(kept: Federation) -> None:
    """The next run completes it, the one after changes nothing, and unjoining leaves nothing but the namespace of others."""
    last = 0
    complete = False
    while not complete:
        last += 1
        assert last < 30
        kept(state="absent")
        assert kept.left() == ["namespace"]
        complete = survives(kept, last)
        kept()
        kept.settled()
    assert last >= 14


def test_unjoin_cut_off_before_every_write(kept: Federation) -> None:
    """The next run completes it."""
    for last in range(1, 30):
        kept()
        complete = survives(kept, last, only_writes=True, state="absent")
        kept(state="absent")
        assert kept.left() == ["namespace"]
        assert not kept(state="absent").changed
        if complete:
            break
    assert last == len(UNJOIN)


def kubefedctl(lab: Any, *arguments: str) -> None:
    """KubeFed's own client."""
    where = ["--host-cluster-context=local", "--cluster-context=zj", f"--kubeconfig={lab.kubeconfig}"]
    done = subprocess.run(["kubefedctl", *arguments, *where], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_what_kubefedctl_joined(federation: Federation) -> None:
    """Is adopted with one write to its KubeFedCluster, and unjoined without a trace, even what kubefedctl itself forgets."""
    lab = federation.lab
    federation(state="absent", wait=True)
    kubefedctl(lab, "join", "zj")
    kubefedctl(lab, "join", "zj", "--error-on-existing=false")
    secrets = [name for name in federation.left() if name.startswith("secret/zj-")]
    assert len(secrets) == 3, "kubefedctl was expected to leave a secret behind"
    adopted = federation()
    assert actions(adopted.data) == ["update KubeFedCluster"]
    assert not federation().changed
    gone = federation(state="absent", wait=True)
    assert actions(gone.data).count("delete Secret") == 3
    assert federation.left() == []


def test_kubefedctl_unjoins_what_we_joined(federation: Federation) -> None:
    """It finds everything under the names it expects."""
    federation()
    kubefedctl(federation.lab, "unjoin", "zj")
    assert not [name for name in federation.left() if name not in ("namespace", "secret/zj-local")]
    federation(state="absent", wait=True)
    assert federation.left() == []


def server_of(lab: Any, context: str) -> tuple[str, str]:
    """Address and CA (PEM) of a cluster."""
    clusters = {one["name"]: one["cluster"] for one in yaml.safe_load(Path(lab.kubeconfig).read_text())["clusters"]}
    contexts = {one["name"]: one["context"] for one in yaml.safe_load(Path(lab.kubeconfig).read_text())["contexts"]}
    found = clusters[contexts[context]["cluster"]]
    return found["server"], base64.b64decode(found["certificate-authority-data"]).decode()


def test_not_ready_says_why(federation: Federation) -> None:
    """Address, cause and next step; corrected in one run; and a token that the member forgot is replaced. All at once, as the
    controller looks only every 10 s."""
    other, other_ca = server_of(federation.lab, "cddev")
    wrong: dict[str, dict[str, Any]] = {
        "refused": {"api_endpoint": "https://127.0.0.1:9"},
        "tls": {"api_endpoint": other},
        "unauthorized": {"api_endpoint": other, "api_ca_cert": other_ca},
        "dns": {"api_endpoint": "https://edge.invalid:6443"},
    }
    federation()

    def fail(cause: str) -> EdgefedError:
        return federation.error(name=f"zj{cause}", member_context="zj", wait=True, wait_timeout=22, **wrong[cause])

    with ThreadPoolExecutor(6) as pool:
        ready = pool.submit(federation, wait=True)
        errors = dict(zip(wrong, pool.map(fail, wrong), strict=True))
    assert ready.result().data["cluster"]["ready"]
    for cause, error in errors.items():
        assert error.code == "not_ready"
        assert error.details["cause"] == cause, error.message
        assert wrong[cause]["api_endpoint"] in error.message
    federation.lab.kubectl("zj", "delete", "secret", "zj-local", "-n", SYSTEM)
    old = federation.token("local", "zj-credentials")
    started = time.monotonic()
    with ThreadPoolExecutor(6) as pool:
        healed = pool.submit(federation, wait=True)
        corrected = list(pool.map(lambda cause: federation(name=f"zj{cause}", member_context="zj", wait=True), wrong))
    assert time.monotonic() - started < 25
    assert all(one.changed and one.data["cluster"]["ready"] for one in [healed.result(), *corrected])
    assert federation.token("local", "zj-credentials") == federation.token("zj", "zj-local") != old
    for cause in wrong:
        assert any("stays" in said for said in federation(name=f"zj{cause}", state="absent", member_context="zj").warnings)
    federation(state="absent", wait=True)
    assert federation.left() == []


def moved(lab: Any, server: str) -> dict[str, Any]:
    """The kubeconfig with every server elsewhere."""
    found: dict[str, Any] = yaml.safe_load(Path(lab.kubeconfig).read_text())
    for one in found["clusters"]:
        one["cluster"]["server"] = server
    return found


def test_dead_member(federation: Federation) -> None:
    """Nothing is half done unless forced; the rest follows when the member is back."""
    dead = {"member_kubeconfig": moved(federation.lab, "https://127.0.0.1:9")}
    error = federation.error(**dead)
    assert error.code == "unreachable"
    assert 'cluster "zj" (https://127.0.0.1:9)' in error.message
    assert federation.left() == []
    federation()
    error = federation.error(state="absent", **dead)
    assert error.code == "member_unusable"
    assert "zj-local" in error.message and "force" in error.message
    federation.settled()
    forced = federation(state="absent", force=True, **dead)
    assert actions(forced.data) == ["delete Secret", "delete KubeFedCluster"]
    assert f"ServiceAccount {SYSTEM}/zj-local" in forced.warnings[0]
    assert not federation(state="absent", force=True, **dead).changed
    lost = federation(state="absent", force=True, member_context="no-such-context")
    assert "no-such-context" in lost.warnings[0]
    assert actions(federation(state="absent", wait=True).data) == UNJOIN[2:]
    assert federation.left() == []


def test_host_cluster_as_a_member(federation: Federation) -> None:
    """Its namespace is the control plane's and stays."""
    federation(name="local")
    assert not federation(name="local").changed
    gone = federation(name="local", state="absent", wait=True)
    assert "delete Namespace" not in actions(gone.data)
    assert federation.lab.get("local", "kubefedconfig", "kubefed", "-n", SYSTEM)


def test_namespaced_control_plane(federation: Federation) -> None:
    """Rights in one namespace, and a health check role that lets the controller look."""
    lab = federation.lab
    config = lab.get("local", "kubefedconfig", "kubefed", "-n", SYSTEM)
    config = {**config, "metadata": {"name": "kubefed", "namespace": "fed-small"}, "spec": {**config["spec"], "scope": "Namespaced"}}
    lab.kubectl("local", "create", "namespace", "fed-small")
    try:
        lab.kubectl("local", "apply", "-f", "-", stdin=json.dumps(config))
        done = federation(namespace="fed-small")
        assert {change["kind"] for change in done.data["changes"]} >= {"Role", "RoleBinding", "ClusterRole"}
        again = federation(namespace="fed-small")
        assert (again.changed, again.data["api_requests"]) == (False, 10)
        account = "system:serviceaccount:fed-small:zj-local"
        for verb, what, where, allowed in (
            ("get", "/healthz", (), "yes"),
            ("list", "nodes", (), "yes"),
            ("delete", "pods", ("-n", "fed-small"), "yes"),
            ("get", "pods", ("-n", "default"), "no"),
        ):
            said = lab.kubectl("zj", "auth", "can-i", verb, what, *where, f"--as={account}", check=False)
            assert said.strip() == allowed, (verb, what)
        federation(namespace="fed-small", state="absent", wait=True)
        assert lab.get("zj", "namespace", "fed-small") is None
        assert "zj-local" not in lab.kubectl("zj", "get", "clusterroles,clusterrolebindings", "-o", "name")
    finally:
        lab.kubectl("local", "delete", "namespace", "fed-small", "--wait=false")


def test_refusals(federation: Federation) -> None:
    """Each before anything is written."""
    lab = federation.lab
    assert "64 characters" in federation.error(name="a" * 64, member_context="zj").message
    assert "control_plane.yml" in federation.error(context="cddev").message
    assert "no KubeFedConfig other/kubefed" in federation.error(namespace="other").message
    lab.kubectl("local", "create", "secret", "generic", "zj-credentials", "-n", SYSTEM, "--from-literal=mine=1")
    assert federation.error().code == "foreign_object"
    lab.kubectl("local", "delete", "secret", "zj-credentials", "-n", SYSTEM)
    assert federation.left() == []
    federation()
    notes = {"edgefed.io/cluster": "z", "edgefed.io/host-cluster": "j-local"}
    spoiled(lab, "zj", "serviceaccount", "zj-local", {"metadata": {"annotations": notes}})
    for state in ("present", "absent"):
        error = federation.error(state=state)
        assert "'z' of host cluster 'j-local'" in error.message and "'zj' of host cluster 'local'" in error.message
    spoiled(lab, "zj", "serviceaccount", "zj-local", {"metadata": {"annotations": {key: None for key in notes}}})
    warned = federation(disabled_tls_validations=["*"])
    assert "TLS VALIDATION IS OFF" in warned.warnings[0]
    assert federation().changed


def test_no_secret_is_shown(federation: Federation, run_task: Any, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the token, nor the certificates and keys of kubeconfigs given inline, at -vvvv with --diff, also when it fails."""
    monkeypatch.setenv("ANSIBLE_VERBOSITY", "4")
    inline = yaml.safe_load(Path(federation.lab.kubeconfig).read_text())
    base = {"kubeconfig": inline, "context": "local", "name": "zj", "wait": False}
    federation()
    seen = [federation.token("zj", "zj-local")]
    spoiled(federation.lab, "local", "secret", "zj-credentials", {"data": {"token": base64.b64encode(b"stale-token").decode()}})
    shown = run_task("kubefed_cluster", base, path=path)
    assert actions(shown) == ["update Secret"]
    assert "sha256:" in shown["output"]
    spoiled(federation.lab, "zj", "serviceaccount", "zj-local", {"metadata": {"annotations": {"edgefed.io/cluster": "z"}}})
    refused = run_task("kubefed_cluster", base, path=path)
    assert refused["code"] == "joined_elsewhere"
    spoiled(federation.lab, "zj", "serviceaccount", "zj-local", {"metadata": {"annotations": {"edgefed.io/cluster": "zj"}}})
    seen += [value for user in inline["users"] for key, value in user["user"].items() if "key" in key or "token" in key]
    text = shown.pop("output") + refused.pop("output") + json.dumps([shown, refused])
    for secret in [*seen, "stale-token"]:
        assert secret not in text
        assert base64.b64encode(secret.encode()).decode() not in text
