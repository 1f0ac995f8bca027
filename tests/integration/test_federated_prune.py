# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""An application on a real federation: what is not given any more goes, and nothing else does; or members keep theirs."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Callable

import pytest
from integration.conftest import PATHS
from integration.federate_lab import (
    REPOSITORY,
    TYPES,
    Federate,
    actions,
    config_map,
    federate,
    federated,
    fleeting,
    let_go,
    namespace,
    out_of_reach,
    without_counts,
)
from integration.inventory_site import Site
from integration.waiting import until

from ansible_collections.edgefed.kubefed.plugins.module_utils.client import Client, ConnectError, connect

__all__ = ["federate", "fleeting", "namespace"]

pytestmark = pytest.mark.lab

LABEL = "edgefed.io/application"
SECRET = "hunter2-hunter2"


def application(namespace: str) -> dict[str, Any]:
    """Options: one for each test, as each has a namespace of its own, and what is not given goes."""
    return {"application": f"app-{namespace}", "prune": True}


def twelve(federate: Federate, folder: Path, path: str, namespace: str) -> list[dict[str, Any]]:
    """The results: create, again, one of three stays, again, that leaves the federation, again; each in check mode first."""
    folder.mkdir()
    one, two = config_map("one", namespace), config_map("two", f"{namespace}-b")
    login = federated("FederatedSecret", "login", namespace, {"template": {"stringData": {"password": SECRET}}})
    base = {"kubeconfig": federate.lab.kubeconfig, "context": "local", **application(namespace)}
    absent = {"state": "absent", "orphan": True}
    steps: list[dict[str, Any]] = [{"definition": [one, two, login]}] * 2 + [{"definition": [one]}] * 2 + [absent] * 2
    tasks = [{"edgefed.kubefed.federated_resource": {**base, **step}, "check_mode": check} for step in steps for check in (True, False)]
    return Site(folder).run_tasks(tasks, "--diff", path=path)


def test_twelve_steps(federate: Federate, tmp_path: Path) -> None:
    """By both paths, side by side as KubeFed takes its time to remove; check mode predicts exactly."""
    with ThreadPoolExecutor(len(PATHS)) as pool:
        both = list(pool.map(lambda path: twelve(federate, tmp_path / path, path, f"fe-{path.replace('_', '-')}"), PATHS))
    for path, results in zip(PATHS, both, strict=True):
        name = f"fe-{path.replace('_', '-')}"
        assert [one.get("msg") for one in results] == [None] * 12
        assert SECRET not in str([one["diff"] for one in results])
        told = [{key: value for key, value in one.items() if key != "invocation"} for one in results]
        predicted, done = told[::2], told[1::2]
        assert [without_counts(one) for one in predicted] == [without_counts(one) for one in done]
        assert [one["changed"] for one in done] == [True, False, True, False, True, False]
        assert len(actions(done[0])) == 7
        pruned = ["FederatedConfigMap two", "FederatedSecret login", f"FederatedNamespace {name}-b", f"Namespace {name}-b"]
        assert actions(done[2]) == [f"delete {title}" for title in pruned]
        assert [entry["before_header"] for entry in done[2]["diff"]][:3] == [
            f"host cluster: FederatedConfigMap {name}-b/two",
            f"cluster local: ConfigMap {name}-b/two",
            f"cluster zj: ConfigMap {name}-b/two",
        ]
        assert actions(done[4]) == ["orphan FederatedConfigMap one"]
        for cluster in ("local", "zj"):
            assert federate.lab.get(cluster, "namespace", f"{name}-b") is None
            assert federate.find(cluster, "secret", "login", name) is None
            assert federate.value(cluster, "one", name) == "1", "members keep theirs"
        let_go(federate.lab, name)


def test_only_its_own(federate: Federate, fleeting: str) -> None:
    """Another application's objects, and those of none, stay; the label is in the host cluster alone; more than the limit is refused."""
    own, other = application(fleeting), {"application": f"other-{fleeting}", "wait": False}
    bodies = [config_map(name, fleeting) for name in ("a", "b", "c")]
    federate(*bodies, **own)
    federate(config_map("theirs", fleeting), **other)
    federate(config_map("nobodys", fleeting), wait=False)
    assert federate.find("local", "federatedconfigmap", "a", fleeting)["metadata"]["labels"] == {LABEL: own["application"]}
    assert LABEL not in federate.find("zj", "configmap", "a", fleeting)["metadata"]["labels"]
    assert not federate(bodies[0], wait=False).changed, "without the option it stays in its application"
    said = federate.refused(bodies[0], **other)
    assert f"FederatedConfigMap {fleeting}/a: it is of application '{own['application']}' already. Next: take it out of " in said
    error = federate.error(bodies[0], **own, prune_limit=1)
    assert (error.code, error.details["limit"]) == ("prune_limit", 1)
    titles = [f"FederatedConfigMap {fleeting}/{name}" for name in ("b", "c")]
    assert error.details["objects"] == titles
    assert f"would remove 2 objects of application {own['application']!r}, and prune_limit is 1: {', '.join(titles)}." in error.message
    assert "cluster 'nowhere' is not joined" in federate.refused(config_map("a", fleeting, placed=("nowhere",)), **own)
    assert not federate(bodies[0], **own, prune_namespaces=["fe-elsewhere"], wait=False).changed, "not where it may look"
    assert actions(federate(bodies[0], **{**own, "prune": False}, wait=False)) == []
    done = federate(bodies[0], **own, wait=False)
    assert actions(done) == ["delete FederatedConfigMap b", "delete FederatedConfigMap c"]
    assert staying(federate, fleeting) == ["a", "nobodys", "theirs"]
    where = ("--kubeconfig", federate.lab.kubeconfig, "--host-cluster-context", "local", "-n", fleeting)
    command = ["kubefedctl", "orphaning-deletion", "enable", "FederatedConfigMap", "nobodys", *where]
    subprocess.run(command, check=True, capture_output=True)
    said = federate(config_map("nobodys", fleeting), config_map("theirs", fleeting), state="absent", check=True)
    assert actions(said) == ["orphan FederatedConfigMap nobodys", "delete FederatedConfigMap theirs"], "kubefedctl's mark counts"


def staying(federate: Federate, namespace: str) -> list[str]:
    """Names of what is there and not in deletion."""
    found = [item["metadata"] for item in federate.lab.get("local", "federatedconfigmaps", "-n", namespace)["items"]]
    return [metadata["name"] for metadata in found if "deletionTimestamp" not in metadata]


def test_namespace_with_something_of_others_stays(federate: Federate, fleeting: str) -> None:
    """A FederatedNamespace that was given and is not any more, while another's object lies there."""
    own = application(fleeting)
    whole = [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": fleeting}},
        federated("FederatedNamespace", fleeting, fleeting, {}),
    ]
    federate(*whole, config_map("mine", fleeting), **own, wait=False)
    federate(config_map("theirs", fleeting), application="theirs", wait=False)
    kept = federate(config_map("mine", fleeting), **own, wait=False)
    assert actions(kept) == []
    assert f"FederatedNamespace {fleeting}/{fleeting} stays: in the host cluster it holds what is given" in kept.warnings[0]
    foretold = federate(state="absent", **own, check=True)
    assert actions(foretold) == ["delete FederatedConfigMap mine"]
    assert "in the host cluster it holds federatedconfigmaps theirs. Next: when nothing there is needed" in foretold.warnings[0]


def test_orphans(federate: Federate, fleeting: str) -> None:
    """A whole application leaves the federation: its pods run on in each cluster, and it is taken back without a restart."""
    container = {"name": "web", "image": "nginx:1.17"}
    spec = {
        "replicas": 2,
        "selector": {"matchLabels": {"app": "web"}},
        "template": {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [container]}},
    }
    web = federated("FederatedDeployment", "web", fleeting, {"template": {"metadata": {"labels": {"app": "web"}}, "spec": spec}})
    own = application(fleeting)
    federate(web, **own)
    running = {cluster: until(lambda name=cluster: pods(federate, name, fleeting, 2), "two pods run") for cluster in ("local", "zj")}
    foretold = federate(state="absent", orphan=True, **own, check=True)
    gone = federate(state="absent", orphan=True, **own)
    assert actions(gone) == actions(foretold) == ["orphan FederatedDeployment web"]
    assert [entry["before_header"] for entry in gone.diff or []] == [f"host cluster: FederatedDeployment {fleeting}/web"]
    assert federate.find("local", "federateddeployment", "web", fleeting) is None
    for cluster in ("local", "zj"):
        until(lambda name=cluster: not managed(federate, name, fleeting), f"KubeFed lets go of it in {cluster}")
        assert pods(federate, cluster, fleeting, 2) == running[cluster]
    assert not federate(state="absent", orphan=True, **own).changed
    refused = federate.refused(web, **own, adopt="never")
    assert f"local has Deployment {fleeting}/web already, and adopt is never (it is the same as it would get)" in refused
    back = federate(web, **own, adopt="same")
    assert [(one["cluster"], one["differences"]) for one in back.data["adopted"]] == [("local", []), ("zj", [])]
    for cluster in ("local", "zj"):
        assert managed(federate, cluster, fleeting)
        assert pods(federate, cluster, fleeting, 2) == running[cluster], "taken over without a restart"


def managed(federate: Federate, cluster: str, namespace: str) -> bool:
    labels = federate.find(cluster, "deployment", "web", namespace)["metadata"]["labels"]
    return bool(labels.get("kubefed.io/managed") == "true")


def pods(federate: Federate, cluster: str, namespace: str, count: int) -> list[str]:
    """The uids of the pods that run there, none before there are as many."""
    found = federate.lab.get(cluster, "pods", "-n", namespace)["items"]
    running = sorted(pod["metadata"]["uid"] for pod in found if pod.get("status", {}).get("phase") == "Running")
    return running if len(running) == count else []


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"prune": True}, "the task: prune needs to know of which application the objects are. Next: name it with application."),
        ({"application": "my shop"}, "the task: application 'my shop' is no value for a label."),
        ({"application": "shop", "prune": True, "prune_limit": -1}, "the task: prune_limit is -1."),
        ({"orphan": True}, "the task: orphan is about what is removed, and nothing is."),
    ],
)
def test_wrong_options(federate: Federate, options: dict[str, Any], said: str) -> None:
    assert said in federate.refused(config_map("x", "fe-never"), **options)


def test_an_empty_source_is_no_source(federate: Federate, fleeting: str, tmp_path: Path) -> None:
    """A folder that is empty by mistake prunes nothing."""
    assert "there is no manifest in this folder" in federate.refused(src=[str(tmp_path)], **application(fleeting))
    assert "there is no object in it" in federate.refused({"apiVersion": TYPES, "kind": "List", "items": []}, **application(fleeting))


def test_playbook(federate: Federate, fleeting: str) -> None:
    """``prune.yml`` refuses in one message without an application, and without anything that is to stay."""

    def run(*options: str) -> str:
        command = [str(Path(sys.executable).with_name("ansible-playbook")), "-i", str(REPOSITORY / "inventories/lab")]
        command += [str(REPOSITORY / "playbooks/prune.yml"), "-e", f"federation_kubeconfig={federate.lab.kubeconfig}", *options]
        environment = {**os.environ, "ANSIBLE_CONFIG": str(REPOSITORY / "ansible.cfg"), "ANSIBLE_FORCE_COLOR": "0"}
        done = subprocess.run(command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 2 and "Traceback" not in done.stdout + done.stderr
        return " ".join((done.stdout + done.stderr).split())

    before = federate.written()
    assert "federated_resources_application is empty. Next: name the application" in run()
    nothing = ("-e", f"federated_resources_application=app-{fleeting}", "-e", '{"federated_resources_definitions": []}')
    assert f"nothing is given of application app-{fleeting}. Next: name all that is to stay" in run(*nothing)
    assert federate.written() == before


def cut_before(kind: str) -> Callable[..., Client]:
    """A client whose connection is gone when it comes to delete a kind."""

    def using(*arguments: Any, **options: Any) -> Client:
        client = connect(*arguments, **options)
        send = client.delete

        def delete(path: str, *rest: Any) -> bool:
            if path.split("/")[-2] == kind:
                raise ConnectError("cut. Next: run again.", "reset")
            return send(path, *rest)

        client.delete = delete  # type: ignore[method-assign]
        return client

    return using


@pytest.mark.parametrize("kind", ["namespaces", "federatednamespaces"])
def test_cut_off(federate: Federate, fleeting: str, kind: str) -> None:
    """Between the last object of a namespace and the namespace: the next run finds that it is left over, and finishes."""
    own = application(fleeting)
    kept, emptied = config_map("kept", fleeting), f"{fleeting}-b"
    federate(kept, config_map("last", emptied, placed=("local",)), **own, wait=False)
    with pytest.raises(ConnectError):
        federate(kept, using=cut_before(kind), **own, wait=False)
    until(lambda: not federate.lab.get("local", "federatedconfigmap", "last", "-n", emptied), "the object is gone")
    federate(kept, **own)
    until(lambda: not federate.lab.get("local", "namespace", emptied), "the namespace is gone")
    assert not federate(kept, **own).changed


def test_a_member_that_cannot_be_seen(federate: Federate, fleeting: str, tmp_path: Path) -> None:
    """Its namespace stays, as somebody may have something there; the next prune looks again, though it is all that is left there."""
    own, emptied = application(fleeting), f"{fleeting}-b"
    kept = config_map("kept", fleeting, placed=("local",))
    federate(kept, config_map("last", emptied, placed=("zj",)), **own)
    done = federate(kept, kubeconfig=out_of_reach(federate.lab, "zj", tmp_path), **own, wait=False)
    assert actions(done) == ["delete FederatedConfigMap last"]
    assert f"Namespace {emptied} stays federated" in done.warnings[0] and "what zj has there cannot be seen" in done.warnings[0]
    until(lambda: not federate.lab.get("local", "federatedconfigmap", "last", "-n", emptied), "the object is gone")
    assert actions(federate(kept, **own)) == [f"delete FederatedNamespace {emptied}", f"delete Namespace {emptied}"]
    assert [federate.lab.get(cluster, "namespace", emptied) for cluster in ("local", "zj")] == [None, None]
    assert not federate(kept, **own).changed
