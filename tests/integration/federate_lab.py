# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Federated resources on the tests' federation: what is applied, and what kubectl then sees."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Callable, Iterator

import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from integration.waiting import closed_port

from ansible_collections.edgefed.kubefed.plugins.module_utils.client import Client, connect
from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import EdgefedError, Result
from ansible_collections.edgefed.kubefed.plugins.modules import kubefed_cluster
from ansible_collections.edgefed.kubefed.plugins.modules.federated_resource import ARGUMENT_SPEC, run

REPOSITORY = Path(__file__).resolve().parents[2]
ARTICLE = REPOSITORY / "tests" / "data" / "article"
PRINTED = REPOSITORY / "tests" / "data" / "article_as_printed"
SYSTEM = "kube-federation-system"
TYPES = "types.kubefed.io/v1beta1"
CLUSTERS = ["local", "cddev", "zj"]
KILLED = 9
KINDS = "federatednamespaces,federatedconfigmaps,federatedsecrets,federatedservices,federateddeployments,federatedingresses"


def clusters(*names: str) -> dict[str, Any]:
    return {"clusters": [{"name": name} for name in names]}


def federated(kind: str, name: str, namespace: str, spec: dict[str, Any], placed: tuple[str, ...] = ("local", "zj")) -> dict[str, Any]:
    head = {"apiVersion": TYPES, "kind": kind, "metadata": {"name": name, "namespace": namespace}}
    return {**head, "spec": {"placement": clusters(*placed), **spec}}


def config_map(name: str, namespace: str, value: str = "1", placed: tuple[str, ...] = ("local", "zj"), **spec: Any) -> dict[str, Any]:
    return federated("FederatedConfigMap", name, namespace, {"template": {"data": {"key": value}}, **spec}, placed)


def overridden(cluster: str, *overrides: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"clusterName": cluster, "clusterOverrides": list(overrides)}]


class Federate:
    """The module called directly, and what kubectl sees."""

    def __init__(self, lab: Any) -> None:
        self.lab = lab

    def __call__(self, *definitions: Any, check: bool = False, using: Callable[..., Client] = connect, **options: Any) -> Result:
        """One run."""
        given = {"kubeconfig": self.lab.kubeconfig, "context": "local", **options}
        if definitions:
            given["definition"] = list(definitions)
        checked = ArgumentSpecValidator(ARGUMENT_SPEC).validate(given)
        assert not checked.error_messages, checked.error_messages
        return run(checked.validated_parameters, check, True, using)

    def error(self, *definitions: Any, **options: Any) -> EdgefedError:
        """The error of a run that has to fail."""
        with pytest.raises(EdgefedError) as caught:
            self(*definitions, **options)
        assert "Next: " in caught.value.message
        return caught.value

    def refused(self, *definitions: Any, **options: Any) -> str:
        """The message of a run that is refused before anything is written."""
        before = self.written()
        error = self.error(*definitions, **options)
        assert self.written() == before
        return error.message

    def written(self) -> list[str]:
        """Every object that a run may write, as far as KubeFed itself doesn't write to it."""
        fields = ["uid", "generation", "labels", "annotations"]
        form = "custom-columns=" + ",".join(f"{field}:.metadata.{field}" for field in fields)
        lines = self.lab.kubectl("local", "get", KINDS, "-A", "--no-headers", "--ignore-not-found", "-o", form)
        return sorted([*lines.splitlines(), *self.lab.kubectl("local", "get", "namespaces", "-o", "name").splitlines()])

    def find(self, context: str, kind: str, name: str, namespace: str) -> Any:
        return self.lab.get(context, kind, name, "-n", namespace)

    def value(self, context: str, name: str, namespace: str) -> str | None:
        """What a cluster's ConfigMap says."""
        found = self.find(context, "configmap", name, namespace)
        return str(found["data"]["key"]) if found else None


def actions(outcome: Result | dict[str, Any]) -> list[str]:
    """What was done, short."""
    data = outcome.data if isinstance(outcome, Result) else outcome
    return [f"{one['action']} {one['kind']} {one['name']}" for one in data["resources"] if one["action"] != "none"]


@pytest.fixture(scope="module")
def federate(lab: Any) -> Iterator[Federate]:
    """All three clusters joined; at the end no namespace of these tests is left, and what was not joined is unjoined."""
    there = [name for name in CLUSTERS if lab.get("local", "kubefedcluster", name, "-n", SYSTEM)]

    def member(name: str, state: str) -> None:
        given = {"kubeconfig": lab.kubeconfig, "context": "local", "name": name, "state": state}
        params = ArgumentSpecValidator(kubefed_cluster.ARGUMENT_SPEC).validate(given).validated_parameters
        kubefed_cluster.run(params, False, False, connect)

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda name: member(name, "present"), CLUSTERS))
    yield Federate(lab)
    for cluster in CLUSTERS:
        ours = [item["metadata"]["name"] for item in lab.get(cluster, "namespaces")["items"] if item["metadata"]["name"].startswith("fe-")]
        if ours:
            # some may be going already
            waits = f"--wait={str(cluster == 'local').lower()}"
            lab.kubectl(cluster, "delete", "namespace", *ours, "--ignore-not-found", waits)
    for name in CLUSTERS:
        if name not in there:
            member(name, "absent")


COUNT = iter(range(1, 1000))


@pytest.fixture
def namespace() -> str:
    """A name that no other test has."""
    return f"fe-{next(COUNT)}"


@pytest.fixture
def fleeting(federate: Federate, namespace: str) -> Iterator[str]:
    """A namespace that members keep at the end, since KubeFed takes 10 s and more to remove things; they go with all others."""
    yield namespace
    let_go(federate.lab, namespace)


def let_go(lab: Any, namespace: str) -> None:
    """Let members keep what they have of a namespace when it goes."""
    lab.kubectl("local", "annotate", KINDS, "--all", "-n", namespace, "kubefed.io/orphan=true", check=False)


def out_of_reach(lab: Any, cluster: str, folder: Path) -> str:
    """A kubeconfig in which nobody answers for a cluster."""
    document = yaml.safe_load(Path(lab.kubeconfig).read_text())
    for item in document["clusters"]:
        if item["name"] == cluster:
            item["cluster"]["server"] = f"https://127.0.0.1:{closed_port()}"
    file = folder / f"without-{cluster}"
    file.touch(0o600)
    file.write_text(yaml.safe_dump(document))
    return str(file)


def without_counts(result: dict[str, Any]) -> dict[str, Any]:
    """A result as far as check mode can predict it: not how many requests, nor how the clusters stand after the wait, nor fingerprints."""
    kept: dict[str, Any] = _unveiled({key: value for key, value in result.items() if key not in ("output", "api_requests", "resources")})
    return {**kept, "resources": [{**one, "clusters": sorted(one["clusters"])} for one in result["resources"]]}


def _unveiled(value: Any) -> Any:
    """Without the fingerprints of secrets, which each run makes by a key of its own."""
    if isinstance(value, str):
        return "\n".join(line.split("hmac-sha256:")[0] for line in value.split("\n"))
    if isinstance(value, dict):
        return {key: _unveiled(item) for key, item in value.items()}
    return [_unveiled(item) for item in value] if isinstance(value, list) else value


def federate_playbook(federate: Federate, *options: str, cwd: Path, name: str = "federate") -> tuple[int, str]:
    """``federate.yml``, or another playbook, on the lab's inventory, as a person would run it."""
    command = [str(Path(sys.executable).with_name("ansible-playbook")), "-i", str(REPOSITORY / "inventories/lab")]
    command += [str(REPOSITORY / f"playbooks/{name}.yml"), "-e", f"federation_kubeconfig={federate.lab.kubeconfig}", *options]
    environment = {**os.environ, "ANSIBLE_CONFIG": str(REPOSITORY / "ansible.cfg"), "ANSIBLE_FORCE_COLOR": "0"}
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    output = done.stdout + done.stderr
    assert "Traceback" not in output
    return done.returncode, output
