# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Two runs at once end in the same state, and neither lies: what was to be done is told once, by the run that did it."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Callable, Iterator

import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from integration.one_member import SYSTEM, Federation, federation

from ansible_collections.edgefed.kubefed.plugins.module_utils.client import Client, connect
from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import Result
from ansible_collections.edgefed.kubefed.plugins.modules import federated_type

__all__ = ["federation"]
pytestmark = pytest.mark.lab

TIMES = 2
KIND = "lanterns.atonce.example.com"
SCHEMA = {"openAPIV3Schema": {"type": "object"}}
CRD = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": KIND},
    "spec": {
        "group": "atonce.example.com",
        "scope": "Namespaced",
        "names": {"kind": "Lantern", "plural": "lanterns"},
        "versions": [{"name": "v1", "served": True, "storage": True, "schema": SCHEMA}],
    },
}


class Waiting:
    """``connect`` for one of two runs, whose first write waits until the other comes to its first: each has read what there was before."""

    def __init__(self, barrier: threading.Barrier) -> None:
        self._barrier = barrier
        self._waited = False

    def __call__(self, *arguments: Any, **options: Any) -> Client:
        client = connect(*arguments, **options)
        request = client.request

        def together(method: str, *given: Any, **more: Any) -> Any:
            if method != "GET" and not self._waited:
                self._waited = True
                self._barrier.wait(60)
            return request(method, *given, **more)

        client.request = together  # type: ignore[method-assign]
        return client


def at_once(run: Callable[..., Result], **options: Any) -> list[Result]:
    """What was foretold is told once by both together, and each says whether it changed anything."""
    foretold = run(check=True, **options).data["changes"]
    barrier = threading.Barrier(2)
    with ThreadPoolExecutor(2) as pool:
        running = [pool.submit(run, using=Waiting(barrier), **options) for _ in range(2)]
        both = [one.result() for one in running]
    told = [change for result in both for change in result.data["changes"]]
    assert foretold and sorted(map(json.dumps, told)) == sorted(map(json.dumps, foretold))
    for result in both:
        assert result.changed is bool(result.data["changes"])
        assert (result.diff["before"] != result.diff["after"]) is result.changed  # type: ignore[index]
    return both


def test_join_and_unjoin(federation: Federation) -> None:
    """One token, and it is in use; then nothing is left."""
    for _ in range(TIMES):
        at_once(federation)
        federation.settled()
        at_once(federation, state="absent", wait=True)
        assert federation.left() == []
        assert not federation(state="absent").changed


def test_rotate(federation: Federation) -> None:
    """Both find KubeFed with the one new token, and the old one is gone."""
    federation(wait=True)
    old = federation.token("local", "zj-credentials")
    at_once(federation, rotate=True, wait=True)
    found = federation.lab.get("zj", "secrets", "-n", SYSTEM, "--field-selector=type=kubernetes.io/service-account-token")["items"]
    (secret,) = [item["metadata"]["name"] for item in found]
    assert federation.token("zj", secret) == federation.token("local", "zj-credentials") != old
    federation.settled(secret=secret)


@pytest.fixture
def enabling(lab: Any) -> Iterator[Callable[..., Result]]:
    """The module called directly, for a kind that only the host cluster has, with a group of its own; all gone at the end."""

    def run(check: bool = False, using: Callable[..., Client] = connect, **options: Any) -> Result:
        given = {"kubeconfig": lab.kubeconfig, "context": "local", "name": KIND, "federated_group": "fed.atonce.example.com", **options}
        checked = ArgumentSpecValidator(federated_type.ARGUMENT_SPEC).validate(given)
        assert not checked.error_messages, checked.error_messages
        return federated_type.run(checked.validated_parameters, check, True, using)

    def forget() -> None:
        run(state="absent", delete_crd=True)
        for cluster in ("local", "cddev", "zj"):
            lab.kubectl(cluster, "delete", "crd", KIND, "--ignore-not-found")

    forget()
    lab.kubectl("local", "apply", "-f", "-", stdin=yaml.safe_dump(CRD))
    lab.established("local", KIND)
    yield run
    forget()


def test_enable(lab: Any, enabling: Callable[..., Result]) -> None:
    """The kind in all members, KubeFed's rights, and its controller for the type."""
    both = at_once(enabling)
    assert [result.data["controller"] for result in both] == ["Running", "Running"]
    assert all(lab.get(each, "crd", KIND) for each in ("local", "cddev", "zj"))
    again = enabling()
    assert (again.changed, again.data["controller"]) == (False, "Running")
    at_once(enabling, status_collection="Enabled", propagation="Disabled")
    assert enabling(status_collection="Enabled", propagation="Disabled").data["controller"] == "NotRunning"


def test_disable(lab: Any, enabling: Callable[..., Result]) -> None:
    """Both end with nothing left of the type, whichever object each of them came to first."""
    enabling()
    at_once(enabling, state="absent", delete_crd=True)
    assert not enabling(state="absent", delete_crd=True).changed
    assert not lab.get("local", "federatedtypeconfig", KIND, "-n", SYSTEM, "--ignore-not-found")
    assert not lab.get("local", "crd", "federatedlanterns.fed.atonce.example.com", "--ignore-not-found")
