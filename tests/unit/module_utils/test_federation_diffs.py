# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Diffs show each object and what each cluster gets, and no secret."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.check import Resource
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.diffs import as_text, of_clusters, of_object
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.preview import preview
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.redact import LAST_APPLIED, fingerprint, redacted, veiled
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.sources import Document
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.types import FederatedType, nearest, table

CLUSTERS: dict[str, dict[str, str]] = {"a": {}, "b": {}}
SECRET = "hunter2-hunter2"


def resource(value: str = "1", kind: str = "ConfigMap", clusters: tuple[str, ...] = ("a", "b")) -> Resource:
    target = {"version": "v1", "kind": kind, "pluralName": f"{kind.lower()}s", "scope": "Namespaced"}
    found = FederatedType(f"{kind.lower()}s", f"Federated{kind}", "t/v1", "fs", True, target, True)
    overrides = [{"clusterName": "b", "clusterOverrides": [{"path": "/data/k", "value": f"{value}-b"}]}]
    placement = {"clusters": [{"name": name} for name in clusters]}
    spec = {"template": {"data": {"k": value}}, "placement": placement, "overrides": overrides}
    body = {"apiVersion": "t/v1", "kind": f"Federated{kind}", "metadata": {"name": "x", "namespace": "ns"}, "spec": spec}
    return Resource(Document(body, "in"), body, found, list(clusters), {name: preview(body, name, target) for name in clusters})


def live(of: Resource) -> dict[str, Any]:
    """As the server gives it in a list: without kind, with what it adds."""
    meta = {**of.body["metadata"], "uid": "1", "managedFields": [{}], "finalizers": ["kubefed.io/sync-controller"]}
    return {"metadata": meta, "spec": of.body["spec"], "status": {"a": 1}}


def test_nothing_changes() -> None:
    entry = of_object(resource(), live(resource()), resource().body)
    assert entry["before"] == entry["after"] != ""
    assert of_clusters(resource(), live(resource()), CLUSTERS) == []


def test_created_and_gone() -> None:
    new = of_object(resource(), None, resource().body)
    assert (new["before"], "k: '1'" in new["after"]) == ("", True)
    assert new["before_header"] == "host cluster: FederatedConfigMap ns/x"
    assert [entry["before_header"] for entry in of_clusters(resource(), None, CLUSTERS)] == [
        "cluster a: ConfigMap ns/x",
        "cluster b: ConfigMap ns/x",
    ]
    gone = of_clusters(resource(), live(resource()), CLUSTERS, gone=True)
    assert [entry["after"] for entry in gone] == ["", ""]


def test_only_the_clusters_that_change() -> None:
    (entry,) = of_clusters(resource(clusters=("a", "b")), live(resource(clusters=("a",))), CLUSTERS)
    assert entry["before_header"] == "cluster b: ConfigMap ns/x"
    assert (entry["before"], "k: 1-b" in entry["after"]) == ("", True)


def test_what_kubefed_itself_cannot_use() -> None:
    broken = live(resource())
    broken["spec"] = {"placement": {"clusters": [{"name": "a"}]}, "overrides": "nonsense"}
    assert len(of_clusters(resource(), broken, CLUSTERS)) == 2


def test_a_secret_is_a_fingerprint() -> None:
    entries = [
        of_object(resource("old-" + SECRET, "Secret"), live(resource("old-" + SECRET, "Secret")), resource(SECRET, "Secret").body),
        *of_clusters(resource(SECRET, "Secret"), live(resource("old-" + SECRET, "Secret")), CLUSTERS),
    ]
    assert len(entries) == 3
    text = json.dumps(entries)
    assert SECRET not in text
    assert veiled(SECRET) in text and veiled("old-" + SECRET) in text


FORMS: list[Any] = [
    {"kind": "Secret", "data": {"k": SECRET}, "stringData": {"k": SECRET}},
    {"kind": "Secret", "data": SECRET},
    {"kind": "Secret", "data": None, "metadata": {"annotations": {LAST_APPLIED: SECRET}}},
    {"kind": "FederatedSecret", "metadata": {"annotations": {LAST_APPLIED: SECRET}}, "spec": {"template": {"stringData": {"k": SECRET}}}},
    {"kind": "FederatedSecret", "spec": {"template": SECRET}},
    {"kind": "FederatedSecret", "spec": {"overrides": [{"clusterOverrides": [{"path": "/data/k", "value": SECRET}]}]}},
    {"kind": "FederatedSecret", "spec": {"overrides": [{"clusterOverrides": [{"path": "/data", "value": {"k": [SECRET]}}]}]}},
    *(
        {"kind": "FederatedSecret", "spec": {"overrides": [{"clusterOverrides": [override]}]}}
        for override in (
            {"op": "add", "path": "/metadata/annotations", "value": {LAST_APPLIED: SECRET}},
            {"op": "add", "path": "/metadata/annotations/kubectl.kubernetes.io~1last-applied-configuration", "value": SECRET},
        )
    ),
    {"kind": "FederatedSecret", "spec": {"overrides": "nonsense"}},
    {"kind": "FederatedSecret", "metadata": "nonsense", "spec": "nonsense"},
    {"kind": "List", "items": [{"kind": "Secret", "data": {"k": SECRET}}]},
    [{"kind": "Secret", "data": {"k": SECRET}}],
]


@pytest.mark.parametrize("form", FORMS)
def test_redacted(form: Any) -> None:
    before = json.dumps(form)
    assert SECRET not in json.dumps(redacted(form))
    assert json.dumps(form) == before


@pytest.mark.parametrize("form", ["text", 5, None, {"kind": "ConfigMap", "data": {"k": "v"}}, {"spec": {}}])
def test_anything_else_stays(form: Any) -> None:
    assert redacted(form) == form


def test_types() -> None:
    def config(group: str, propagation: str) -> dict[str, Any]:
        federated = {
            "group": "types.kubefed.io",
            "version": "v1beta1",
            "kind": "FederatedX",
            "pluralName": "federatedxs",
            "scope": "Cluster",
        }
        target = {"group": group, "version": "v1", "kind": "X", "pluralName": "xs", "scope": "Cluster"}
        return {"metadata": {"name": f"xs.{group}"}, "spec": {"federatedType": federated, "targetType": target, "propagation": propagation}}

    for configs in ([config("a", "Enabled"), config("b", "Disabled")], [config("b", "Disabled"), config("a", "Enabled")]):
        found = table(configs)["FederatedX"]
        assert (found.name, found.enabled, found.target_api_version, found.target_namespaced) == ("xs.a", True, "a/v1", False)
        assert found.collection("ns") == "/apis/types.kubefed.io/v1beta1/federatedxs"


@pytest.mark.parametrize(
    ("word", "known", "found"),
    [
        ("clusers", ["clusters", "name"], ["clusters"]),
        ("CLUSTERS", ["clusters"], ["clusters"]),
        ("q", ["clusters"], []),
        ("", ["a"], []),
        ("a", [], []),
    ],
)
def test_nearest(word: str, known: list[str], found: list[str]) -> None:
    assert nearest(word, known) == found


def test_fingerprints_of_secrets_need_their_key() -> None:
    """What everybody can compute of a guess is not what is shown; equal values look equal by the same key only."""
    assert fingerprint("1234") not in veiled("1234") and veiled("1234") == veiled("1234") != veiled("1235")
    assert veiled("1234", b"another") != veiled("1234")
    assert redacted(FORMS[0], b"one") == redacted(FORMS[0], b"one") != redacted(FORMS[0], b"two")


def test_no_anchors() -> None:
    """What is the same object twice reads as what the API server has, which knows of no such thing."""
    shared = {"team": "a"}
    assert as_text({"kind": "ConfigMap", "one": shared, "two": shared}) == "kind: ConfigMap\none:\n  team: a\ntwo:\n  team: a\n"
