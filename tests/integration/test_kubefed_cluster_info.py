# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The clusters of a real federation, one of which nobody can reach and has credentials that end, told in two requests."""

from __future__ import annotations

import base64
import json
import time
from pathlib import Path
from typing import Any, Iterator

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from certificates import DAY, NOW, pair
from integration.real_cluster import LOCAL, inventory, run_playbook

from ansible_collections.edgefed.kubefed.plugins.module_utils.client import connect
from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import EdgefedError, Result
from ansible_collections.edgefed.kubefed.plugins.modules.kubefed_cluster_info import ARGUMENT_SPEC, run

pytestmark = pytest.mark.lab

SYSTEM = "kube-federation-system"
READER = """
apiVersion: v1
kind: ServiceAccount
metadata: {name: reader, namespace: default}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: reader, namespace: kube-federation-system}
rules: [{apiGroups: [core.kubefed.io], resources: [kubefedclusters], verbs: [list]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: reader, namespace: kube-federation-system}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: reader}
subjects: [{kind: ServiceAccount, name: reader, namespace: default}]
"""


def look(lab: Any, **options: Any) -> Result:
    given = {"kubeconfig": lab.kubeconfig, "context": "local", **options}
    checked = ArgumentSpecValidator(ARGUMENT_SPEC).validate(given)
    assert not checked.error_messages, checked.error_messages
    return run(checked.validated_parameters, False, False, connect)


def by_name(result: Any) -> dict[str, Any]:
    return {one["name"]: one for one in result["clusters"]}


@pytest.fixture(scope="module")
def token(lab: Any) -> Iterator[str]:
    """A token of half an hour, whose owner may list KubeFedClusters and nothing else."""
    lab.kubectl("local", "apply", "-f", "-", stdin=READER)
    yield lab.kubectl("local", "create", "token", "reader", "-n", "default", "--duration=30m").strip()
    lab.kubectl("local", "delete", "-f", "-", stdin=READER)


@pytest.fixture(scope="module")
def ghost(lab: Any, token: str) -> Iterator[str]:
    """A cluster in which nothing listens, with a token of half an hour and a CA of nine days, cordoned."""
    ca = pair("ghost-ca", NOW - DAY, NOW + 9 * DAY)
    meta = {"name": "ghost", "namespace": SYSTEM}
    objects = [
        {"apiVersion": "v1", "kind": "Secret", "metadata": meta, "data": {"token": base64.b64encode(token.encode()).decode()}},
        {
            "apiVersion": "core.kubefed.io/v1beta1",
            "kind": "KubeFedCluster",
            "metadata": {**meta, "annotations": {"edgefed.io/cordon": "cordoned"}, "labels": {"tier": "shop"}},
            "spec": {"apiEndpoint": "https://127.0.0.1:1", "caBundle": ca.certificate_data, "secretRef": {"name": "ghost"}},
        },
    ]
    text = json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})
    lab.kubectl("local", "apply", "-f", "-", stdin=text)
    end = time.monotonic() + 60
    while not (lab.get("local", "kubefedcluster", "ghost", "-n", SYSTEM).get("status") or {}).get("conditions"):
        assert time.monotonic() < end, "KubeFed does not look at the cluster"
        time.sleep(0.5)
    yield "ghost"
    lab.kubectl("local", "delete", "-f", "-", stdin=text)


def test_both_paths_tell_the_same_in_two_requests(lab: Any, ghost: str, token: str, run_task: Any) -> None:
    given = {"kubeconfig": lab.kubeconfig, "context": "local"}
    in_process = run_task("kubefed_cluster_info", given)
    as_module = run_task("kubefed_cluster_info", given, check=True, path="module")
    for result in (in_process, as_module):
        assert (result["changed"], result["api_requests"]) == (False, 2)
        assert token not in result["output"]
        for one in result["clusters"]:
            one.pop("last_probe")
    assert in_process["clusters"] == as_module["clusters"]
    assert in_process["table"] == as_module["table"]
    found = by_name(in_process)
    assert list(found) == sorted(found) and {"local", "cddev", "zj", ghost} <= set(found)
    assert (found["zj"]["ready"], found["zj"]["credential_kind"], found["zj"]["reachable"]) == (True, "service_account_token", None)
    kinds = [(one["user"], one["kind"]) for one in found["zj"]["credentials"]]
    assert kinds == [("kubefed", "service_account_token"), ("kubefed", "ca"), ("kubeconfig", "ca"), ("kubeconfig", "client_certificate")]
    assert [one["never"] for one in found["zj"]["credentials"]] == [True, False, False, False]


def test_what_is_wrong_with_a_cluster(lab: Any, ghost: str) -> None:
    result = look(lab, clusters=[ghost, "nobody"])
    (one,) = result.data["clusters"]
    assert (one["ready"], one["cause"], one["cordon"], one["labels"]["tier"]) == (False, "refused", "cordoned", "shop")
    assert "Next: set api_endpoint" in one["message"]
    assert [(item["kind"], item["days_left"]) for item in one["credentials"]] == [("service_account_token", 0), ("ca", 8)]
    assert one["days_left"] == 0
    assert result.data["not_joined"] == ["nobody"]
    assert [warning.split(" in ")[0] for warning in result.warnings] == [
        "Cluster ghost: the service account token (system:serviceaccount:default:reader)",
        "Cluster ghost: the CA (CN=ghost-ca)",
    ]
    assert len(look(lab, clusters=[ghost], credentials_warn_days=5).warnings) == 1


def test_members_are_asked_side_by_side_where_wanted(lab: Any, ghost: str) -> None:
    result = look(lab, contact_members=True)
    found = by_name(result.data)
    assert result.data["api_requests"] == 2 + len(found) - 1  # the merged kubeconfig has no context for the ghost
    assert (found["zj"]["reachable"], found["zj"]["kubernetes_version"]) == (True, "v1.34.4")
    assert (found[ghost]["reachable"], "context 'ghost'" in found[ghost]["unreachable"]) == (False, True)


def test_without_the_right_to_read_secrets(lab: Any, token: str) -> None:
    server = by_name(look(lab).data)["local"]["api_endpoint"]
    result = look(lab, kubeconfig=None, context=None, host=server, api_key=token, validate_certs=False)
    assert {one["credential_kind"] for one in result.data["clusters"]} == {""}
    assert "the secrets of namespace kube-federation-system may not be listed" in result.warnings[0]
    with pytest.raises(EdgefedError, match="Next: use a user who may list kubefedclusters") as caught:
        look(lab, kubeconfig=None, context=None, host=server, api_key=token, validate_certs=False, namespace="default")
    assert caught.value.details["status"] == 403


def test_a_cluster_that_is_no_host_cluster(lab: Any) -> None:
    with pytest.raises(EdgefedError, match=r"serves no KubeFedCluster, so it is no host cluster\. Next: check the context") as caught:
        look(lab, context="zj")
    assert caught.value.code == "no_kubefed"


def test_the_playbook(lab: Any, ghost: str, token: str, tmp_path: Path) -> None:
    """Also in check mode, with AWX's artifacts, and a member of the inventory that nobody joined."""
    hosts = inventory({name: {} for name in ("local", "cddev", "zj", "later")}, **LOCAL, kubeconfig_dest=lab.kubeconfig)
    for options in ((), ("--check", "--limit", "zj")):
        outcome = run_playbook(tmp_path, hosts, "info", "-vvvv", "--diff", *options, ANSIBLE_SHOW_CUSTOM_STATS="1")
        assert outcome.status == 0, outcome.output
        assert token not in outcome.output
        assert set(outcome.count("changed").values()) == {0}
        assert "CLUSTER READY VERSION REGION CORDON DAYS LEFT REASON" in outcome.said
        assert "Not joined: later" in outcome.said
        assert "ghost NO - - cordoned 0 " in outcome.said
        assert "federation_not_joined" in outcome.output and "expires on" in outcome.said
