# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Somebody forbids it, or somebody else wants it otherwise at the same time."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from integration.federate_lab import Federate, actions, config_map, federate, federate_playbook, fleeting, namespace
from integration.test_at_once import Waiting
from integration.waiting import until

from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import EdgefedError, Result

__all__ = ["federate", "fleeting", "namespace"]

pytestmark = pytest.mark.lab


def policy(namespace: str) -> str:
    """An admission policy that lets in no ConfigMap of the name "bad" in a namespace."""
    head = {"apiVersion": "admissionregistration.k8s.io/v1", "metadata": {"name": namespace}}
    rule = {"apiGroups": [""], "apiVersions": ["*"], "operations": ["*"], "resources": ["configmaps"]}
    where = {"resourceRules": [rule], "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}}}
    validation = {"expression": "!has(object.metadata) || object.metadata.name != 'bad'", "message": "no bad names"}
    spec = {"failurePolicy": "Fail", "matchConstraints": where, "validations": [validation]}
    items = [
        {**head, "kind": "ValidatingAdmissionPolicy", "spec": spec},
        {**head, "kind": "ValidatingAdmissionPolicyBinding", "spec": {"policyName": namespace, "validationActions": ["Deny"]}},
    ]
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": items})


def test_a_member_that_forbids(federate: Federate, fleeting: str, tmp_path: Path) -> None:
    """By admission: that cluster is named with its own words, the others have everything, who waits for them alone is done, by the playbook
    too, and once it may be the next run converges."""
    federate(config_map("good", fleeting))
    federate.lab.kubectl("zj", "apply", "-f", "-", stdin=policy(fleeting))
    try:
        create = ("create", "configmap", "bad", "-n", fleeting, "--dry-run=server")
        until(lambda: not federate.lab.kubectl("zj", *create, check=False), "the policy is in force")
        error = federate.error(config_map("bad", fleeting), config_map("good", fleeting, "2"), wait_timeout=5)
        given = {"federated_resources_definitions": [config_map("bad", fleeting)], "federated_resources_wait_timeout": 5}
        enough = {**given, "federated_resources_wait_for": {"clusters": "50%", "by": "version"}}
        (status, output), (failed, why) = (federate_playbook(federate, "-e", json.dumps(one), cwd=tmp_path) for one in (enough, given))
    finally:
        federate.lab.kubectl("zj", "delete", "-f", "-", stdin=policy(fleeting))
    assert (error.code, error.details["clusters"]) == ("not_propagated", ["zj"])
    assert f"- zj: FederatedConfigMap {fleeting}/bad: CreationFailed" in error.message
    assert "no bad names" in error.message and "- local" not in error.message
    assert federate.value("local", "bad", fleeting) == "1"
    assert (status, failed) == (0, 2), output + why
    assert f"zj: FederatedConfigMap {fleeting}/bad: CreationFailed" in why
    federate(config_map("bad", fleeting), config_map("good", fleeting, "2"), wait_timeout=200)
    assert [federate.value("zj", name, fleeting) for name in ("bad", "good")] == ["1", "2"]


def test_a_host_cluster_that_forbids(federate: Federate, namespace: str) -> None:
    """By its roles: who it is and what it may not do is told in one message, before anything is written, also in check mode."""
    for check in (True, False):
        said = federate.refused(config_map("x", namespace), check=check, impersonate_user="nobody")
        assert 'cluster "local"' in said and 'User "nobody" cannot list resource' in said and said.count("Next: ") == 1


def runs(federate: Federate, *sources: tuple[list[dict[str, Any]], dict[str, Any]]) -> list[Result | EdgefedError]:
    """What became of two runs that have both read everything before either writes."""
    barrier = threading.Barrier(len(sources))

    def one(source: tuple[list[dict[str, Any]], dict[str, Any]]) -> Result | EdgefedError:
        try:
            return federate(*source[0], using=Waiting(barrier), **source[1])
        except EdgefedError as error:
            return error

    with ThreadPoolExecutor(len(sources)) as pool:
        return list(pool.map(one, sources))


def test_two_sources_at_once(federate: Federate, fleeting: str) -> None:
    """Each object is as one of the two has it, as a whole. Who waits for it where the other does not place it is told so, and the next
    run of either brings it to what that one has."""
    ours = [config_map("both", fleeting, "ours"), config_map("ours", fleeting)]
    theirs = [config_map("both", fleeting, "theirs", placed=("zj",)), config_map("theirs", fleeting)]
    (waited, _told) = runs(federate, (ours, {"wait_timeout": 300}), (theirs, {"wait": False}))
    if isinstance(waited, EdgefedError):
        said = f"- local: FederatedConfigMap {fleeting}/both: somebody else has taken the cluster out of its placement meanwhile. Next: "
        assert waited.code == "not_propagated" and said in waited.message
    assert federate.find("local", "federatedconfigmap", "both", fleeting)["spec"] in (ours[0]["spec"], theirs[0]["spec"])
    federate(*ours, wait_timeout=300)
    federate(*theirs, wait=False)
    assert not federate(*theirs, wait=False).changed
    until(lambda: federate.value("zj", "both", fleeting) == "theirs", "zj has what was applied last", 300)
    until(lambda: federate.value("local", "both", fleeting) is None, "it goes where it is not placed any more", 300)
    assert [federate.value("zj", name, fleeting) for name in ("ours", "theirs")] == ["1", "1"]


def test_two_applications_at_once(federate: Federate, fleeting: str) -> None:
    """An object that both give is of one of them; the other is told so when it comes again, and prunes nothing of it."""
    shop, till = ({"application": f"{name}-{fleeting}", "prune": True, "wait": False} for name in ("shop", "till"))
    sources = {
        shop["application"]: ([config_map("both", fleeting), config_map("shop", fleeting)], shop),
        till["application"]: ([config_map("both", fleeting, "2"), config_map("till", fleeting)], till),
    }
    runs(federate, *sources.values())
    owner = federate.find("local", "federatedconfigmap", "both", fleeting)["metadata"]["labels"]["edgefed.io/application"]
    (bodies, options), (others, theirs) = sources.pop(owner), *sources.values()
    federate(*bodies, **options)
    assert not federate(*bodies, **options).changed
    said = federate.refused(*others, **theirs)
    assert f"FederatedConfigMap {fleeting}/both: it is of application '{owner}' already. Next: take it out of" in said
    assert [one for one in actions(federate(*others[1:], **theirs)) if not one.startswith("create")] == []
    names = {item["metadata"]["name"] for item in federate.lab.get("local", "federatedconfigmaps", "-n", fleeting)["items"]}
    assert names == {"both", "shop", "till"}
