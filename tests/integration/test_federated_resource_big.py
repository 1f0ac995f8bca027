# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Many federated resources in one task, and how much is asked of the host cluster for them."""

from __future__ import annotations

import base64
import contextlib
import json
import threading
import urllib.error
import urllib.request
from collections import Counter
from pathlib import Path
from typing import Any, Callable
from urllib.parse import urlsplit

import pytest
import yaml
from integration.federate_lab import Federate, actions, config_map, federate, namespace, overridden
from integration.relay import Relay
from integration.waiting import until

from ansible_collections.edgefed.kubefed.plugins.module_utils.client import PAGE, Client, connect
from ansible_collections.edgefed.kubefed.plugins.module_utils.federate.host import Host
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.ownership import unchanged_by
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.plan import same
from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import EdgefedError

__all__ = ["federate", "namespace"]

pytestmark = pytest.mark.lab

MANY = PAGE + 20
# Placed nowhere, they cost the members nothing.
NOWHERE: dict[str, Any] = {"placed": (), "overrides": []}
QUIETLY: dict[str, Any] = {"wait": False, "lint": {"empty_placement": "off"}}


class Watching:
    """``connect`` of clients that note what they send, and how much of it at the same time. ``before`` is called before each."""

    def __init__(self) -> None:
        self.sent: Counter[str] = Counter()
        self.most = 0
        self.before: Callable[[], None] = lambda: None
        self._now = 0
        self._lock = threading.Lock()

    def __call__(self, *arguments: Any, **options: Any) -> Client:
        client = connect(*arguments, **options)
        request = client.request

        def noted(method: str, path: str, *arguments: Any, **options: Any) -> Any:
            with self._lock:
                self.sent[f"{method} (dry run)" if (options.get("query") or {}).get("dryRun") else method] += 1
                self._now += 1
                self.most = max(self.most, self._now)
                self.before()
            try:
                return request(method, path, *arguments, **options)
            finally:
                with self._lock:
                    self._now -= 1

        client.request = noted  # type: ignore[method-assign]
        return client


def test_more_than_a_page(federate: Federate, namespace: str) -> None:
    """Each is written once; the next run, and check mode, only list, page by page; one that is changed costs two requests more."""
    bodies = [config_map(f"c{number:03}", namespace, **NOWHERE) for number in range(MANY)]
    first, again, check, change = Watching(), Watching(), Watching(), Watching()
    made = federate(*bodies, using=first, parallel=4, **QUIETLY)
    assert len(actions(made)) == MANY + 2
    assert (first.sent["PATCH"], made.data["api_requests"]) == (MANY + 2, first.sent.total())
    assert first.most == 4, "as many at a time as were allowed"
    assert not federate(*bodies, using=again, **QUIETLY).changed
    assert not federate(*bodies, using=check, check=True, **QUIETLY).changed
    # types, clusters, two pages of objects, its FederatedNamespace, the namespace, KubeFed's settings
    assert again.sent == check.sent == {"GET": 7}
    bodies[5] = config_map("c005", namespace, "2", **NOWHERE)
    assert actions(federate(*bodies, using=change, **QUIETLY)) == ["apply FederatedConfigMap c005"]
    assert change.sent == {"GET": 7, "PATCH (dry run)": 1, "PATCH": 1}
    gone = federate(*bodies, state="absent", **QUIETLY)
    assert len(actions(gone)) >= MANY


def etcd_of(lab: Any, cluster: str) -> str:
    """The address of a lab cluster's etcd, a process that says it in its command line."""
    folder = f"--data-dir={Path(lab.kubeconfig).parent}/lab/"
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            words = file.read_bytes().decode().split("\0")
            if any(word.startswith(folder) and word.endswith(f"-{cluster}/etcd") for word in words):
                (url,) = [word.partition("=")[2] for word in words if word.startswith("--listen-client-urls=")]
                return url
    raise AssertionError(f"no etcd of {cluster} runs")


def test_a_page_that_comes_too_late(federate: Federate, namespace: str) -> None:
    """The server has forgotten the state that the next page is of: all is read anew, and nothing comes twice."""
    federate.lab.kubectl("local", "create", "namespace", namespace)
    for number in range(6):
        federate.lab.kubectl("local", "create", "configmap", f"c{number}", "-n", namespace)
    request = urllib.request.Request(f"{etcd_of(federate.lab, 'local')}/v3/kv/compaction", b'{"revision": 100}', method="POST")
    # refused where it has forgotten more than that by itself
    with contextlib.suppress(urllib.error.HTTPError):
        urllib.request.urlopen(request, timeout=30).close()
    client = connect({"kubeconfig": federate.lab.kubeconfig, "context": "local"})
    send, asked = client.request, []

    def late(method: str, path: str, *arguments: Any, **options: Any) -> Any:
        asked.append(options["query"])
        page = send(method, path, *arguments, **options)
        token = page["metadata"].get("continue")
        if token:
            state = json.loads(base64.b64decode(token + "==", altchars=b"-_"))
            page["metadata"]["continue"] = base64.urlsafe_b64encode(json.dumps({**state, "rv": 2}).encode()).decode().rstrip("=")
        return page

    client.request = late  # type: ignore[method-assign]
    names = [item["metadata"]["name"] for item in client.list(f"/api/v1/namespaces/{namespace}/configmaps", {"limit": 2})]
    assert sorted(names) == sorted([*(f"c{number}" for number in range(6)), "kube-root-ca.crt"])
    assert [("continue" in query, query["limit"]) for query in asked] == [(False, 2), (True, 2), (False, None)]


def test_many_namespaces(federate: Federate, namespace: str) -> None:
    """They are listed together, not asked for one by one."""
    bodies = [config_map("x", f"{namespace}-{number:02}", **NOWHERE) for number in range(12)]
    federate(*bodies, **QUIETLY)
    again = Watching()
    assert not federate(*bodies, using=again, **QUIETLY).changed
    # types, clusters, objects, FederatedNamespaces, namespaces, KubeFed's settings
    assert again.sent == {"GET": 6}
    assert federate(*bodies, state="absent", wait=False).changed


def policy(namespace: str) -> list[dict[str, Any]]:
    """An admission policy of the host cluster that wants no names that begin with "bad" in a namespace."""
    head = {"apiVersion": "admissionregistration.k8s.io/v1", "metadata": {"name": namespace}}
    resources = {"apiGroups": ["types.kubefed.io"], "apiVersions": ["*"], "operations": ["*"], "resources": ["federatedconfigmaps"]}
    where = {"resourceRules": [resources], "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}}}
    rule = {"expression": "!object.metadata.name.startsWith('bad')", "message": "no bad names"}
    spec = {"failurePolicy": "Fail", "matchConstraints": where, "validations": [rule]}
    binding = {"policyName": namespace, "validationActions": ["Deny"]}
    return [
        {**head, "kind": "ValidatingAdmissionPolicy", "spec": spec},
        {**head, "kind": "ValidatingAdmissionPolicyBinding", "spec": binding},
    ]


def test_those_that_fail_hide_no_others(federate: Federate, namespace: str) -> None:
    """All that fail are told in one message with their number, all others are there, and check mode refuses before anything is written."""
    federate(config_map("good0", namespace, **NOWHERE), **QUIETLY)
    bad = [config_map(f"bad{number}", namespace, **NOWHERE) for number in range(2)]
    bodies = [config_map("good1", namespace, **NOWHERE), *bad, config_map("good2", namespace, **NOWHERE)]
    stdin = json.dumps({"apiVersion": "v1", "kind": "List", "items": policy(namespace)})
    federate.lab.kubectl("local", "apply", "-f", "-", stdin=stdin)
    try:
        until(lambda: refuses(federate, bad[0]), "the policy is in force", 60)
        assert "no bad names" in federate.error(*bodies, check=True, **QUIETLY).message
        assert names_of(federate, namespace) == {"good0"}
        error = federate.error(*bodies, **QUIETLY)
    finally:
        federate.lab.kubectl("local", "delete", "-f", "-", stdin=stdin)
    assert error.message.startswith("2 of 4 objects could not be applied; the others are.\n- ")
    assert error.message.count("no bad names") == 2
    assert [one["object"] for one in error.details["failed"]] == [f"FederatedConfigMap {namespace}/bad{number}" for number in range(2)]
    assert names_of(federate, namespace) == {"good0", "good1", "good2"}


def names_of(federate: Federate, namespace: str) -> set[str]:
    """The federated ConfigMaps that are there."""
    return {item["metadata"]["name"] for item in federate.lab.get("local", "federatedconfigmaps", "-n", namespace)["items"]}


def refuses(federate: Federate, body: dict[str, Any]) -> bool:
    try:
        federate(body, check=True, **QUIETLY)
    except EdgefedError:
        return True
    return False


def test_the_api_server_is_away_in_the_middle(federate: Federate, namespace: str, tmp_path: Path) -> None:
    """One message that tells how many are missing, soon; the next run makes just what is missing."""
    document = yaml.safe_load(Path(federate.lab.kubeconfig).read_text())
    [host] = [item["cluster"] for item in document["clusters"] if item["name"] == "local"]
    address = urlsplit(host["server"])
    relay = Relay((str(address.hostname), int(address.port or 443)))
    relay.up()
    host["server"] = f"https://127.0.0.1:{relay.port}"
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.touch(0o600)
    kubeconfig.write_text(yaml.safe_dump(document))
    bodies = [config_map(f"c{number:03}", namespace, **NOWHERE) for number in range(400)]
    gone = Watching()
    gone.before = lambda: relay.down() if gone.sent["PATCH"] == 150 else None
    error = federate.error(*bodies, using=gone, kubeconfig=str(kubeconfig), **QUIETLY)
    relay.up()
    there = federate.lab.get("local", "federatedconfigmaps", "-n", namespace)["items"]
    missing = len(error.details["failed"])
    assert error.code == "unreachable" and error.message.startswith(f"{missing} of 400 objects could not be applied; the others are.\n- ")
    assert f"https://127.0.0.1:{relay.port}" in error.message and error.message.count("Next: ") <= 2
    assert gone.sent["PATCH"] < 250, "it was not asked for each of them"
    # of one whose answer was cut off nobody knows
    assert 400 - missing <= len(there) <= 400 - missing + 16
    after = federate(*bodies, kubeconfig=str(kubeconfig), **QUIETLY)
    relay.down()
    assert len(actions(after)) == 400 - len(there)
    assert not federate(*bodies, **QUIETLY).changed


# --- managedFields and the API server's own answer ---


def service(namespace: str, ports: list[dict[str, Any]], **spec: Any) -> dict[str, Any]:
    meta = {"name": "exact", "namespace": namespace}
    return {"apiVersion": "v1", "kind": "Service", "metadata": meta, "spec": {"selector": {"app": "x"}, "ports": ports, **spec}}


def account(namespace: str, finalizers: list[str], **meta: Any) -> dict[str, Any]:
    body = {"apiVersion": "v1", "kind": "ServiceAccount"}
    return {**body, "metadata": {"name": "exact", "namespace": namespace, "finalizers": finalizers, **meta}}


HTTP, DNS = {"name": "http", "port": 80}, {"name": "dns", "port": 53, "protocol": "UDP"}
FINALIZERS = ["edgefed.io/a", "edgefed.io/b"]


def variants(namespace: str) -> list[list[tuple[dict[str, Any], bool]]]:
    """For each object the manifest that is applied, then others, and whether applying them would change nothing."""
    return [
        [
            (service(namespace, [HTTP, DNS]), True),
            (service(namespace, [DNS, HTTP]), False),
            (service(namespace, [HTTP]), False),
            (service(namespace, [{**HTTP, "protocol": "TCP"}, DNS]), False),
            (service(namespace, [{**HTTP, "targetPort": 80}, DNS]), False),
            (service(namespace, [HTTP, DNS], type="ClusterIP"), False),
        ],
        [
            (account(namespace, FINALIZERS), True),
            (account(namespace, FINALIZERS[::-1]), False),
            (account(namespace, FINALIZERS[1:]), False),
            (account(namespace, FINALIZERS, labels={"a": "b"}), False),
        ],
        [
            (config_map("exact", namespace, placed=("local",), overrides=overridden("local", {"path": "/data/key", "value": 1})), True),
            (config_map("exact", namespace, placed=("local",), overrides=overridden("local", {"path": "/data/key", "value": True})), False),
            (
                config_map("exact", namespace, placed=("local", "zj"), overrides=overridden("local", {"path": "/data/key", "value": 1})),
                False,
            ),
            (config_map("exact", namespace, placed=("local",)), False),
        ],
    ]


def test_exact(federate: Federate, namespace: str) -> None:
    """What is told by managedFields alone is what a dry run says, also after others have added to the object and taken some of it over."""
    federate.lab.kubectl("local", "create", "namespace", namespace)
    host = Host(connect({"kubeconfig": federate.lab.kubeconfig, "context": "local"}), "kube-federation-system")
    for (first, _same), *others in variants(namespace):
        path = host.client.path_of(first)
        host.client.apply(path, first, strict=True)
        federate.lab.kubectl("local", "label", first["kind"].lower(), "exact", "-n", namespace, "theirs=x")
        for body, expected in ((first, True), *others):
            found = host.client.get(path)
            told, said = unchanged_by(body, found), same(found, host.client.apply(path, body, dry_run=True, strict=True))
            assert (told, said) == (expected, expected), body
    taken = config_map("exact", namespace, "theirs", placed=("local",))
    stdin = json.dumps(taken)
    federate.lab.kubectl("local", "apply", "--server-side", "--force-conflicts", "--field-manager=theirs", "-f", "-", stdin=stdin)
    found = host.client.get(host.client.path_of(taken))
    assert not unchanged_by(config_map("exact", namespace, "theirs", placed=("local",)), found), (
        "theirs now, though the values are those wanted"
    )
    patch = json.dumps({"metadata": {"finalizers": None}})
    federate.lab.kubectl("local", "patch", "serviceaccount", "exact", "-n", namespace, "--type=merge", "-p", patch)
