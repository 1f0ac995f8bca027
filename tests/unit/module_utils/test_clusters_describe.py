# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A KubeFedCluster as a record, and records as a table."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from certificates import DAY, NOW, pair

from ansible_collections.edgefed.kubefed.plugins.module_utils.clusters.describe import credentials_of, describe, with_credentials
from ansible_collections.edgefed.kubefed.plugins.module_utils.clusters.table import render, summary
from ansible_collections.edgefed.kubefed.plugins.module_utils.member.desired import fingerprint
from ansible_collections.edgefed.kubefed.plugins.module_utils.member.rotation import CREDENTIALS

REFUSED = "dial tcp 10.0.0.1:6443: connect: connection refused"


def cluster(status: dict[str, Any] | None = None, annotations: dict[str, str] | None = None, **spec: Any) -> dict[str, Any]:
    meta = {"name": "zj", "namespace": "kfs", "creationTimestamp": "2026-01-01T00:00:00Z", "labels": {"tier": "shop"}}
    given = {"apiEndpoint": "https://10.0.0.1:6443", "secretRef": {"name": "zj-x"}, **spec}
    return {"metadata": {**meta, "annotations": annotations}, "spec": given, "status": status}


def condition(kind: str, message: str = "") -> dict[str, Any]:
    return {"conditions": [{"type": kind, "status": "True", "message": message, "lastProbeTime": "2026-01-02T00:00:00Z"}]}


def test_ready() -> None:
    found = describe(cluster({**condition("Ready"), "region": "east", "zones": ["a"], "kubernetesVersion": "v1.34.4"}))
    assert (found["ready"], found["reason"], found["message"], found["cause"]) == (True, "", "", "")
    assert (found["region"], found["zones"], found["kubernetes_version"]) == ("east", ["a"], "v1.34.4")
    assert (found["joined_since"], found["last_probe"]) == ("2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z")
    assert (found["labels"], found["cordon"], found["leaving"]) == ({"tier": "shop"}, "", False)


@pytest.mark.parametrize("cordon", ["cordoned", "drained", ""])
def test_cordon(cordon: str) -> None:
    assert describe(cluster(annotations={"edgefed.io/cordon": cordon}))["cordon"] == cordon


def test_not_ready_tells_the_reason_and_the_next_step() -> None:
    found = describe(cluster(condition("Offline", REFUSED)))
    assert (found["ready"], found["cause"], found["reason"]) == (False, "refused", REFUSED)
    assert "Next: set api_endpoint" in found["message"]
    assert describe(cluster())["reason"] == "KubeFed has not looked at it yet"


def test_no_credentials_of_a_proxy_or_an_address_are_shown() -> None:
    spec = {"proxyURL": "http://me:hunter2@proxy:3128", "apiEndpoint": "https://me:hunter2@10.0.0.1:6443"}
    found = describe(cluster(condition("Offline", REFUSED), **spec))
    assert found["proxy_url"] == "http://proxy:3128"
    assert "hunter2" not in json.dumps(found)
    assert describe(cluster(disabledTLSValidations=["*"]))["disabled_tls_validations"] == ["*"]


def test_credentials_of_kubefed() -> None:
    given = cluster(caBundle=pair("ca").certificate_data)
    missing = with_credentials(describe(given), credentials_of(given, {}), NOW)
    assert [(one["kind"], one["problem"]) for one in missing["credentials"]] == [("token", "it does not exist"), ("ca", "")]
    assert missing["credentials"][0]["where"] == "secret kfs/zj-x"
    assert (missing["credential_kind"], missing["days_left"]) == ("token", 365)
    unread = with_credentials(describe(given), credentials_of(given, None), NOW)
    assert (unread["credential_kind"], [one["kind"] for one in unread["credentials"]]) == ("", ["ca"])
    assert credentials_of(cluster(), None) == []


def test_what_rancher_said_of_a_token() -> None:
    data = {"data": {"token": base64.b64encode(b"kubeconfig-u-1:key").decode()}}
    for notes, known in (({CREDENTIALS: fingerprint(b"kubeconfig-u-1:key")}, True), ({CREDENTIALS: fingerprint(b"another")}, False)):
        given = cluster(annotations={**notes, "edgefed.io/credentials-expire": f"{NOW + 3 * DAY:%Y-%m-%dT%H:%M:%SZ}"})
        one = with_credentials(describe(given), credentials_of(given, {"zj-x": data}), NOW)["credentials"][0]
        assert (one["kind"], one["days_left"], one["problem"] == "") == ("token", 3 if known else None, known)


def record(name: str, **more: Any) -> dict[str, Any]:
    given = {"ready": True, "reason": "", "kubernetes_version": "v1.34.4", "region": "", "cordon": "", "days_left": None, "credentials": []}
    return {"name": name, **given, **more}


def test_the_table() -> None:
    never, unknown = {"never": True}, {"never": False}
    lines = render(
        [
            record("a", days_left=12, region="華東"),
            record("b", ready=False, reason=f"say\n{'x' * 80}", days_left=-1),
            record("c", cordon="drained", credentials=[never]),
            record("d", credentials=[never, unknown], unreachable="no route"),
        ]
    )
    assert lines[0].split() == ["CLUSTER", "READY", "VERSION", "REGION", "CORDON", "DAYS", "LEFT", "REASON"]
    assert [line.split()[:6] for line in lines[1:]] == [
        ["a", "yes", "v1.34.4", "華東", "-", "12"],
        ["b", "NO", "v1.34.4", "-", "-", "EXPIRED"],
        ["c", "yes", "v1.34.4", "-", "drained", "never"],
        ["d", "yes", "v1.34.4", "-", "-", "?"],
    ]
    assert lines[2].endswith("x…") and len(lines[2].split("EXPIRED")[1].strip()) == 60
    assert lines[4].endswith("does not answer Ansible: no route")
    assert summary([record("a", credentials=[never])]) == [
        {"name": "a", "ready": True, "reason": "", "kubernetes_version": "v1.34.4", "region": "", "cordon": "", "days_left": None}
    ]
