# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Federated resources when something is in the way: others' fields, deletion, death, two at once. With KubeFed's real controller."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import yaml
from integration.federate_lab import CLUSTERS, KILLED, REPOSITORY, SYSTEM, Federate, actions, config_map, federate, federated, namespace
from integration.one_member import server_of
from integration.processes import listener
from integration.waiting import until

from ansible_collections.edgefed.kubefed.plugins.module_utils.client import Client, connect

__all__ = ["federate", "namespace"]

pytestmark = pytest.mark.lab


def test_conflict(federate: Federate, namespace: str) -> None:
    """Named with the field and its manager; taken over when asked to."""
    federate(config_map("x", namespace))
    theirs = json.dumps(config_map("x", namespace, "theirs"))
    federate.lab.kubectl("local", "apply", "--server-side", "--field-manager=theirs", "--force-conflicts", "-f", "-", stdin=theirs)
    said = federate.refused(config_map("x", namespace, "ours"), config_map("y", namespace))
    assert f"FederatedConfigMap {namespace}/x: spec.template.data.key: field manager 'theirs' set spec.template.data.key" in said
    assert "force_conflicts: true" in said
    assert actions(federate(config_map("x", namespace, "ours"), force_conflicts=True)) == ["apply FederatedConfigMap x"]
    assert [federate.value(name, "x", namespace) for name in ("local", "zj")] == ["ours", "ours"]


WEBHOOK: dict[str, Any] = {
    "apiVersion": "admissionregistration.k8s.io/v1",
    "kind": "ValidatingWebhookConfiguration",
    "metadata": {"name": "fe-test"},
    "webhooks": [
        {
            "name": "policy.example.com",
            "clientConfig": {"url": "https://127.0.0.1:9/"},
            "rules": [{"apiGroups": ["types.kubefed.io"], "apiVersions": ["*"], "resources": ["federatedconfigmaps"], "operations": ["*"]}],
            "sideEffects": "None",
            "admissionReviewVersions": ["v1"],
        }
    ],
}


def test_webhook_down(federate: Federate, namespace: str) -> None:
    """An admission webhook that does not answer is named, and nothing was written."""
    federate.lab.kubectl("local", "create", "namespace", namespace)
    federate.lab.kubectl("local", "apply", "-f", "-", stdin=json.dumps(WEBHOOK))
    try:
        until(lambda: "webhook" in federate.error(config_map("x", namespace), check=True).message, "the webhook is in force", 10)
        said = federate.refused(config_map("x", namespace))
    finally:
        federate.lab.kubectl("local", "delete", "validatingwebhookconfiguration", "fe-test")
    assert 'failed calling webhook "policy.example.com"' in said
    assert "Next: bring the service of admission webhook policy.example.com back, or remove its configuration" in said


# --- namespaces --------------------------------------------------------------------------------------------------------


def federated_to(federate: Federate, namespace: str) -> list[str]:
    placement = federate.find("local", "federatednamespace", namespace, namespace)["spec"]["placement"]
    return sorted(one["name"] for one in placement["clusters"])


def test_namespace_follows_its_resources(federate: Federate, namespace: str) -> None:
    """Refused where it must be there; else made, federated to the union, and never taken away from a cluster."""
    body = config_map("x", namespace, placed=("zj",))
    said = federate.refused(body, namespace_policy="require")
    assert f"namespace {namespace} is not in the host cluster, and namespace_policy is require" in said
    federate(body, config_map("y", namespace, placed=("local",)))
    assert federated_to(federate, namespace) == ["local", "zj"]
    federate(config_map("z", namespace, placed=("cddev",)))
    assert federated_to(federate, namespace) == ["cddev", "local", "zj"]
    assert not federate(config_map("z", namespace, placed=("cddev",)), namespace_policy="require").changed


def test_namespace_of_others(federate: Federate, namespace: str) -> None:
    """Is never changed: refused with what is missing; and stays when its resources go."""
    federate.lab.kubectl("local", "create", "namespace", namespace)
    theirs = json.dumps(federated("FederatedNamespace", namespace, namespace, {}, ("local",)))
    federate.lab.kubectl("local", "apply", "-f", "-", stdin=theirs)
    said = federate.refused(config_map("x", namespace))
    assert f"it would not reach zj: the FederatedNamespace {namespace} in the host cluster goes to local only" in said
    federate(config_map("x", namespace, placed=("local",)))
    assert actions(federate(config_map("x", namespace), state="absent", wait=False)) == ["delete FederatedConfigMap x"]
    assert "deletionTimestamp" not in federate.lab.get("local", "namespace", namespace)["metadata"]


def test_what_others_have_in_a_member_is_not_lost(federate: Federate, namespace: str) -> None:
    """KubeFed would delete the whole namespace there. It goes when that is gone."""
    body = config_map("x", namespace)
    federate(body)
    federate.lab.kubectl("zj", "create", "configmap", "theirs", "-n", namespace)
    kept = federate(body, state="absent", wait=False)
    assert actions(kept) == ["delete FederatedConfigMap x"]
    assert (
        f"Namespace {namespace} stays federated, since KubeFed would delete it in the members: in zj it holds configmaps theirs"
        in kept.warnings[0]
    )
    federate.lab.kubectl("zj", "delete", "configmap", "theirs", "-n", namespace)
    done = actions(federate(body, state="absent"))
    assert done[-2:] == [f"delete FederatedNamespace {namespace}", f"delete Namespace {namespace}"]
    assert federate.lab.get("zj", "namespace", namespace) is None


def test_what_others_have_in_the_host_cluster_is_not_lost(federate: Federate, namespace: str) -> None:
    federate(config_map("x", namespace), config_map("y", namespace))
    assert actions(federate(config_map("x", namespace), state="absent", wait=False)) == ["delete FederatedConfigMap x"]
    federate.lab.kubectl("local", "create", "secret", "generic", "theirs", "-n", namespace)
    assert actions(federate(config_map("y", namespace), state="absent", wait=False)) == ["delete FederatedConfigMap y"]


# --- deletion, races, dead ends ----------------------------------------------------------------------------------------


def hold(federate: Federate, kind: str, name: str, namespace: str, held: bool) -> None:
    """Put a finalizer of ours on an object, beside KubeFed's, or take it off."""
    found = federate.find("local", kind, name, namespace)
    finalizers = [one for one in found["metadata"].get("finalizers", []) if one != "edgefed.io/test"]
    patch = {"metadata": {"finalizers": [*finalizers, *(["edgefed.io/test"] if held else [])]}}
    federate.lab.kubectl("local", "patch", kind, name, "-n", namespace, "--type=merge", "-p", json.dumps(patch))


def test_object_in_deletion(federate: Federate, namespace: str) -> None:
    """It is waited for and made again; and what holds it too long is named."""
    federate(config_map("x", namespace))
    old = federate.find("local", "federatedconfigmap", "x", namespace)["metadata"]["uid"]
    hold(federate, "federatedconfigmap", "x", namespace, True)
    federate.lab.kubectl("local", "delete", "federatedconfigmap", "x", "-n", namespace, "--wait=false")
    assert actions(federate(config_map("x", namespace), check=True)) == ["recreate FederatedConfigMap x"]
    stuck = federate.error(config_map("x", namespace), wait_timeout=1)
    assert (stuck.code, "finalizer edgefed.io/test" in stuck.message) == ("stuck", True)
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(federate, config_map("x", namespace, "new"))
        time.sleep(1)
        hold(federate, "federatedconfigmap", "x", namespace, False)
        assert actions(running.result()) == ["recreate FederatedConfigMap x"]
    assert federate.find("local", "federatedconfigmap", "x", namespace)["metadata"]["uid"] != old
    assert [federate.value(name, "x", namespace) for name in ("local", "zj")] == ["new", "new"]


def test_namespace_in_deletion(federate: Federate, namespace: str) -> None:
    """All that lies in it goes with it, and all is made again."""
    federate(config_map("x", namespace))
    federate.lab.kubectl("local", "delete", "namespace", namespace, "--wait=false")
    done = federate(config_map("x", namespace))
    assert [one.split()[1] for one in actions(done)] == ["Namespace", "FederatedNamespace", "FederatedConfigMap"]
    assert [federate.value(name, "x", namespace) for name in ("local", "zj")] == ["1", "1"]
    assert not federate(config_map("x", namespace)).changed


def test_deleted_while_it_is_applied(federate: Federate, namespace: str) -> None:
    """A deletion between our look and our write, and one during the wait: 60 objects, none is lost."""
    bodies = [config_map(f"c{number:02}", namespace) for number in range(60)]
    federate(*bodies)
    bodies = [config_map(f"c{number:02}", namespace, "2") for number in range(60)]
    half, deleted = threading.Event(), threading.Event()
    writes = itertools.count(1)

    class Halfway:
        """Halts in the middle of the writes until the deletion has been ordered."""

        def __call__(self, *arguments: Any, **options: Any) -> Client:
            client = connect(*arguments, **options)
            request = client.request

            def halting(method: str, *arguments: Any, **options: Any) -> Any:
                if method == "PATCH" and not (options.get("query") or {}).get("dryRun") and next(writes) > 30:
                    half.set()
                    assert deleted.wait(60)
                return request(method, *arguments, **options)

            client.request = halting  # type: ignore[method-assign]
            return client

    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(federate, *bodies, using=Halfway())
        assert half.wait(60)
        federate.lab.kubectl("local", "delete", "federatedconfigmaps", "--all", "-n", namespace, "--wait=false")
        deleted.set()
        running.result()
    found = federate.lab.get("local", "federatedconfigmaps", "-n", namespace)["items"]
    assert len(found) == 60
    assert not [one for one in found if one["metadata"].get("deletionTimestamp")]
    assert {
        item["data"]["key"] for item in federate.lab.get("zj", "configmaps", "-l", "kubefed.io/managed=true", "-n", namespace)["items"]
    } == {"2"}


def test_two_runs_at_once(federate: Federate, namespace: str) -> None:
    """Both end well, and there is nothing left to do."""
    bodies = [config_map(f"c{number}", namespace) for number in range(12)]
    with ThreadPoolExecutor(2) as pool:
        for running in [pool.submit(federate, *bodies) for _ in range(2)]:
            running.result()
    assert not federate(*bodies).changed


def test_without_waiting(federate: Federate, namespace: str) -> None:
    """Done when the host cluster has it; and the next run waits for the rest without changing anything."""
    done = federate(config_map("x", namespace), wait=False)
    assert done.data["resources"][2]["clusters"] == {"local": "not awaited", "zj": "not awaited"}
    assert federate.find("local", "federatedconfigmap", "x", namespace)
    later = federate(config_map("x", namespace))
    assert (later.changed, later.data["resources"][-1]["clusters"]) == (False, {"local": "OK", "zj": "OK"})


class Mortal:
    """``connect`` whose clients end the process before its ``last``-th write."""

    def __init__(self, last: int) -> None:
        self.left = last
        self.lock = threading.Lock()

    def __call__(self, *arguments: Any, **options: Any) -> Client:
        client = connect(*arguments, **options)
        request = client.request

        def counted(method: str, *arguments: Any, **options: Any) -> Any:
            with self.lock:
                self.left -= method != "GET" and not (options.get("query") or {}).get("dryRun")
                if self.left <= 0:
                    os._exit(KILLED)
            return request(method, *arguments, **options)

        client.request = counted  # type: ignore[method-assign]
        return client


def survives(federate: Federate, last: int, *bodies: Any, **options: Any) -> bool:
    """Whether a run in a process of its own came to its end before its ``last``-th write. A new process, since OpenSSL may
    not work on in a fork of one that has used it from several threads."""
    given = json.dumps({"kubeconfig": federate.lab.kubeconfig, "last": last, "bodies": bodies, "options": options})
    environment = {**os.environ, "PYTHONPATH": f"{REPOSITORY / 'collections'}:{REPOSITORY / 'tests'}"}
    done = subprocess.run([sys.executable, __file__, given], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode in (0, KILLED), done.stderr
    return done.returncode == 0


def run_and_die(given: dict[str, Any]) -> None:
    """What :func:`survives` starts."""

    class Where:
        kubeconfig = given["kubeconfig"]

    Federate(Where())(*given["bodies"], using=Mortal(given["last"]), **given["options"])


def test_cut_off_before_every_write(federate: Federate, namespace: str) -> None:
    """The next run completes it, in both directions."""
    for last in range(1, 10):
        own = f"{namespace}-{last}"
        bodies = [config_map("x", own), config_map("y", own)]
        complete = survives(federate, last, *bodies, wait=False)
        federate(*bodies)
        assert not federate(*bodies).changed
        if complete:
            break
    assert last == 5

    def cut_off(last: int) -> bool:
        own = f"{namespace}-{last}"
        bodies = [config_map("x", own), config_map("y", own)]
        complete = survives(federate, last, *bodies, state="absent")
        federate(*bodies, state="absent")
        assert federate.lab.get("local", "namespace", own) is None
        assert federate.lab.get("zj", "namespace", own) is None
        return complete

    # one after the other would take a minute: KubeFed looks again only after 10 s
    with ThreadPoolExecutor(5) as pool:
        assert list(pool.map(cut_off, range(1, 6))) == [False] * 4 + [True]


def test_dead_member(federate: Federate, namespace: str) -> None:
    """A frozen API server: that cluster is named with its address and KubeFed's own reason, all others have everything; and it
    is given up long before the time is out. When it is back, the next run completes it."""
    bodies = [config_map("x", namespace), config_map("y", namespace, placed=("local", "cddev"))]
    federate(*bodies)
    address = server_of(federate.lab, "zj")[0]
    process = listener(address)
    os.kill(process, signal.SIGSTOP)
    try:
        bodies = [config_map("x", namespace, "2"), config_map("y", namespace, "2", placed=("local", "cddev"))]
        started = time.monotonic()
        error = federate.error(*bodies, wait_timeout=100)
        assert time.monotonic() - started < 60
        values = [federate.value(*where, namespace) for where in (("local", "x"), ("local", "y"), ("cddev", "y"))]
        blocked = federate.error(config_map("x", namespace), state="absent", wait_timeout=2)
    finally:
        os.kill(process, signal.SIGCONT)
    assert blocked.code == "stuck"
    assert "cluster zj is not ready, and KubeFed waits until it can remove things there (Offline: ClusterNotReachable" in blocked.message
    assert error.code == "not_propagated"
    assert error.details["clusters"] == ["zj"]
    assert f"- zj: FederatedConfigMap {namespace}/x: the cluster is not ready (Offline: ClusterNotReachable" in error.message
    assert f"address {address}" in error.message
    assert values == ["2"] * 3, "the others have everything"
    assert actions(federate(*bodies)) in (["create FederatedConfigMap x"], ["recreate FederatedConfigMap x"])
    assert federate.value("zj", "x", namespace) == "2"


def controller_of(lab: Any) -> int:
    """KubeFed's controller manager of this lab, a process."""
    folder = str(Path(lab.kubeconfig).parent)
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            words = file.read_bytes().decode().split("\0")
            if words[0].endswith("/controller-manager") and any(word.startswith(f"--kubeconfig={folder}/") for word in words):
                return int(file.parts[2])
    raise AssertionError("KubeFed's controller manager does not run")


def test_controller_down(federate: Federate, namespace: str) -> None:
    """Nobody looks at what is applied: that is said, and what to look for."""
    process = controller_of(federate.lab)
    os.kill(process, signal.SIGSTOP)
    try:
        error = federate.error(config_map("x", namespace), wait_timeout=2)
    finally:
        os.kill(process, signal.SIGCONT)
    titles = f"FederatedNamespace {namespace}/{namespace}, FederatedConfigMap {namespace}/x"
    assert f"- zj: {titles}: not yet looked at by KubeFed's controller. Next: see whether KubeFed's" in error.message
    assert not federate(config_map("x", namespace)).changed


def test_refused_by_one_member(federate: Federate, namespace: str) -> None:
    """Something that only the member refuses: KubeFed's own event is told."""
    federate(config_map("other", namespace))
    quota = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "q"}, "spec": {"hard": {"count/configmaps": "2"}}}
    federate.lab.kubectl("zj", "apply", "-n", namespace, "-f", "-", stdin=json.dumps(quota))
    until(lambda: (federate.find("zj", "resourcequota", "q", namespace).get("status") or {}).get("hard"), "the quota is in force")
    error = federate.error(config_map("x", namespace), wait_timeout=4)
    assert error.code == "not_propagated"
    assert f"- zj: FederatedConfigMap {namespace}/x: CreationFailed" in error.message
    assert "exceeded quota: q" in error.message
    assert federate.value("local", "x", namespace) == "1"


# --- when a wait ends ----------------------------------------------------------------------------------------------------


def deployment(namespace: str, **pod: Any) -> dict[str, Any]:
    labels = {"app": "web"}
    pod = {"containers": [{"name": "web", "image": "nginx:1.17"}], **pod}
    spec = {"replicas": 1, "selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": pod}}
    return federated("FederatedDeployment", "web", namespace, {"template": {"spec": spec}}, ("local", "cddev"))


def task(federate: Federate, *definitions: Any, **options: Any) -> dict[str, Any]:
    return {"kubeconfig": federate.lab.kubeconfig, "context": "local", "definition": list(definitions), **options}


def not_ready(federate: Federate, name: str) -> bool:
    conditions = (federate.find("local", "kubefedcluster", name, SYSTEM).get("status") or {}).get("conditions") or []
    return not any(item["type"] == "Ready" and item["status"] == "True" for item in conditions)


def test_enough_clusters_while_one_is_dead(federate: Federate, run_task: Any, namespace: str) -> None:
    """Two of three are enough: by the objects themselves while KubeFed is still busy with the third, and by its own word afterwards."""
    everywhere = ("local", "cddev", "zj")
    federate(config_map("x", namespace, placed=everywhere))
    new, other = config_map("x", namespace, "2", placed=everywhere), config_map("y", namespace, "2", placed=everywhere)
    process = listener(server_of(federate.lab, "zj")[0])
    os.kill(process, signal.SIGSTOP)
    try:
        by_version = run_task("federated_resource", task(federate, new, wait_for={"clusters": 2, "by": "version"}))
        until(lambda: not_ready(federate, "zj"), "KubeFed finds that zj is not ready")
        by_word = run_task("federated_resource", task(federate, other, wait_for={"clusters": "60%"}), path="module")
        values = [federate.value(cluster, name, namespace) for cluster in ("local", "cddev") for name in ("x", "y")]
    finally:
        os.kill(process, signal.SIGCONT)
    for done in (by_version, by_word):
        assert done["changed"], done
        told = done["resources"][-1]["clusters"]
        assert (told["cddev"], told["local"], told["zj"] == "OK") == ("OK", "OK", False)
    assert values == ["2"] * 4
    federate(new, other, wait_timeout=200)
    assert [federate.value("zj", name, namespace) for name in ("x", "y")] == ["2", "2"]


def test_available(federate: Federate, namespace: str) -> None:
    """The wait ends when the clusters' own objects say so."""
    for condition in ("Available", "Ready"):
        done = federate(deployment(namespace), config_map("x", namespace), wait_for={"condition": condition})
        assert done.data["resources"][-2]["clusters"] == {"local": "OK", "cddev": "OK"}
        for name in ("local", "cddev"):
            status = federate.find(name, "deployment", "web", namespace)["status"]
            assert {item["type"]: item["status"] for item in status["conditions"]}["Available"] == "True"
    assert not done.changed


def test_never_available(federate: Federate, run_task: Any, namespace: str) -> None:
    """Each cluster is named with what its Deployment says, and with the last event there."""
    body = deployment(namespace, nodeSelector={"no": "such-node"})
    federate(body, wait=False)

    def stuck(name: str) -> Any:
        found = federate.find(name, "deployment", "web", namespace) or {}
        conditions = {item["type"]: item["status"] for item in (found.get("status") or {}).get("conditions") or []}
        events = federate.lab.get(name, "events", "-n", namespace, "--field-selector", "involvedObject.kind=Deployment")
        return conditions.get("Available") == "False" and events and events["items"]

    for name in ("local", "cddev"):
        until(lambda name=name: stuck(name), f"the Deployment in {name} is not available")
    federate(body)
    for path in ("in_process", "module"):
        failed = run_task("federated_resource", task(federate, body, wait_for={"condition": "Available"}, wait_timeout=1), path=path)
        assert (failed["failed"], failed["code"]) == (True, "not_propagated")
        assert "not Available in every cluster; the clusters not named have all." in failed["msg"]
        for name in ("local", "cddev"):
            assert (
                f"- {name}: FederatedDeployment {namespace}/web: condition Available is False: MinimumReplicasUnavailable" in failed["msg"]
            )
            assert f"Next: see `kubectl --context {name} -n {namespace} describe deployment web`." in failed["msg"]
        assert failed["details"]["clusters"] == ["cddev", "local"]
        assert all("last event there: Scaled up replica set web-" in item["event"] for item in failed["details"]["missed"])


def test_the_controllers_own_reason(federate: Federate, namespace: str) -> None:
    """What only one member refuses: KubeFed's word and its last event."""
    federate(config_map("other", namespace))
    quota = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "q"}, "spec": {"hard": {"count/configmaps": "2"}}}
    federate.lab.kubectl("zj", "apply", "-n", namespace, "-f", "-", stdin=json.dumps(quota))
    until(lambda: (federate.find("zj", "resourcequota", "q", namespace).get("status") or {}).get("hard"), "the quota is in force")
    body = config_map("x", namespace)
    assert federate(body, wait_for={"clusters": 1}).data["resources"][-1]["clusters"]["local"] == "OK"

    def refused() -> bool:
        status = federate.find("local", "federatedconfigmap", "x", namespace).get("status") or {}
        return {"name": "zj", "status": "CreationFailed"} in (status.get("clusters") or [])

    until(refused, "KubeFed says that zj refuses it")
    error = federate.error(body, wait_for={"by": "version"}, wait_timeout=2)
    assert f"- zj: FederatedConfigMap {namespace}/x: it is not there (KubeFed: CreationFailed)" in error.message
    assert "exceeded quota: q" in error.message
    assert error.details["clusters"] == ["zj"]


def test_a_wait_that_cannot_end_is_refused_by_field(federate: Federate, run_task: Any, namespace: str, tmp_path: Path) -> None:
    """Before anything is sent, also in check mode."""
    kubeconfig = yaml.safe_load(Path(federate.lab.kubeconfig).read_text())
    kubeconfig["contexts"] = [item for item in kubeconfig["contexts"] if item["name"] != "zj"]
    (tmp_path / "kubeconfig").write_text(json.dumps(kubeconfig))
    body = config_map("x", namespace)
    before = federate.written()
    wrong = {"clusters": len(CLUSTERS) + 1, "condition": "Avaliable"}
    failed = run_task("federated_resource", task(federate, body, wait_for=wrong), path="module", check=True)
    assert failed["code"] == "invalid"
    assert [item["field"] for item in failed["details"]["problems"]] == ["wait_for.clusters", "wait_for.condition"]
    assert "Next: did you mean Available." in failed["msg"]
    assert federate.written() == before
    said = federate.refused(body, wait_for={"clusters": "most"})
    assert "the task: wait_for.clusters: 'most' is no number of clusters. Next: say all, a number as 2, or a percentage as 90%." in said
    said = federate.refused(body, kubeconfig=str(tmp_path / "kubeconfig"), wait_for={"by": "version"})
    assert "the task: wait_for: zj cannot be asked: " in said and "context 'zj'" in said


if __name__ == "__main__":
    run_and_die(json.loads(sys.argv[1]))
