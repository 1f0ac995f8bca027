# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether a federated resource has reached its clusters."""

from __future__ import annotations

import hashlib
from datetime import datetime, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.status import (
    FAILED,
    OK,
    UNSEEN,
    WAITING,
    Verdict,
    override_hash,
    remedy,
    settled,
    template_hash,
    verdicts,
    version_name,
)

SPEC: dict[str, Any] = {"template": {"data": {"a": "1"}}}


def live(clusters: list[dict[str, str]] | None, observed: int = 3, reason: str = "", spec: dict[str, Any] | None = None) -> dict[str, Any]:
    condition = {"type": "Propagation", "status": "False" if reason else "True", **({"reason": reason} if reason else {})}
    status = {"observedGeneration": observed, "conditions": [condition], **({"clusters": clusters} if clusters is not None else {})}
    return {"metadata": {"name": "x", "generation": 3}, "spec": SPEC if spec is None else spec, "status": status}


def version(*clusters: str, spec: dict[str, Any] | None = None) -> dict[str, Any]:
    of = {"spec": SPEC if spec is None else spec}
    hashes = {"templateVersion": template_hash(of), "overridesVersion": override_hash(of)}
    return {"status": {**hashes, "clusterVersions": [{"clusterName": name, "version": "gen:1"} for name in clusters]}}


def both(state: str, reason: str = "") -> dict[str, Verdict]:
    return dict.fromkeys(["a", "b"], Verdict(state, reason))


FINE = [{"name": "a"}, {"name": "b"}]


@pytest.mark.parametrize(
    ("federated", "record", "expected"),
    [
        (live(FINE), version("a", "b"), both(OK)),
        (live(FINE, observed=2), version("a", "b"), both(WAITING, UNSEEN)),
        ({"metadata": {"generation": 1}, "spec": SPEC}, None, both(WAITING, UNSEEN)),
        (live(FINE), None, both(WAITING, "this version is not there yet")),
        (live(FINE), version("a"), {"a": Verdict(OK), "b": Verdict(WAITING, "this version is not there yet")}),
        (live(FINE), version("a", "b", spec={"template": {"data": {"a": "0"}}}), both(WAITING, "this version is not there yet")),
        (live([{"name": "a"}]), version("a", "b"), {"a": Verdict(OK), "b": Verdict(WAITING, UNSEEN)}),
        (live([]), version("a", "b"), both(WAITING, UNSEEN)),
        (
            live([{"name": "a", "status": "ClusterNotReady"}, {"name": "b"}], reason="CheckClusters"),
            version("a", "b"),
            {"a": Verdict(WAITING, "ClusterNotReady"), "b": Verdict(OK)},
        ),
        (
            live([{"name": "a", "status": "ApplyOverridesFailed"}, {"name": "b"}], reason="CheckClusters"),
            version("b"),
            {"a": Verdict(FAILED, "ApplyOverridesFailed"), "b": Verdict(OK)},
        ),
        (live(None, reason="NamespaceNotFederated"), None, both(WAITING, "NamespaceNotFederated")),
        (
            live([*FINE, {"name": "c", "status": "WaitingForRemoval"}]),
            version("a", "b"),
            {**both(OK), "c": Verdict(WAITING, "WaitingForRemoval")},
        ),
        # Go writes a float otherwise than Python, so the hashes can't tell, and the rest has to do
        (live(FINE, spec={"template": {"a": 0.5}}), None, both(OK)),
    ],
)
def test_verdicts(federated: dict[str, Any], record: Any, expected: dict[str, Verdict]) -> None:
    found = verdicts(federated, record, ["a", "b"])
    assert found == expected
    assert settled(found) == all(verdict.state != WAITING for verdict in expected.values())


@pytest.mark.parametrize(
    ("record", "seconds", "expected"),
    [
        (None, 5, both(WAITING, "this version is not there yet")),
        (None, 15, both(OK)),
        (version(spec={"template": {}}), 15, both(WAITING, "this version is not there yet")),
    ],
)
def test_a_lost_record(record: Any, seconds: float, expected: dict[str, Verdict]) -> None:
    """It stays lost, so the status has to do after a while; a record that is there counts always."""
    federated = live(FINE)
    federated["metadata"]["managedFields"] = [
        {"time": "2026-01-01T00:00:00Z"},
        {"time": "2026-01-01T00:01:00Z"},
        {"time": "2026-01-01T01:00:00Z", "subresource": "status"},
    ]
    start = datetime(2026, 1, 1, 0, 1, tzinfo=timezone.utc).timestamp()
    assert verdicts(federated, record, ["a", "b"], start + seconds) == expected


def test_no_clusters() -> None:
    assert verdicts(live(None), None, []) == {}
    assert settled({})


OVERRIDES = [
    {"clusterName": "a", "clusterOverrides": [{"path": "/x", "op": "add", "value": {"b": 1, "a": "<&>"}}, {"path": "/y", "value": None}]}
]


@pytest.mark.parametrize(
    ("spec", "template", "overrides"),
    [
        ({}, None, '{"overrides":null}'),
        ({"template": {}}, "{}", '{"overrides":null}'),
        ({"template": {"b": [1, True, None], "a": "é<"}}, '{"a":"é\\u003c","b":[1,true,null]}', '{"overrides":null}'),
        (
            {"overrides": OVERRIDES},
            None,
            '{"overrides":[{"clusterName":"a","clusterOverrides":[{"op":"add","path":"/x","value":{"a":"\\u003c\\u0026\\u003e","b":1}},'
            '{"path":"/y"}]}]}',
        ),
    ],
)
def test_what_is_hashed(spec: dict[str, Any], template: str | None, overrides: str) -> None:
    """The JSON as Go writes it; the integration tests compare with what the controller recorded."""
    assert template_hash({"spec": spec}) == ("" if template is None else md5(template))
    assert override_hash({"spec": spec}) == md5(overrides)


def md5(text: str) -> str:
    return hashlib.md5(f"{text}\n".encode(), usedforsecurity=False).hexdigest()


@given(
    st.recursive(
        st.none() | st.text() | st.floats() | st.integers(), lambda of: st.lists(of) | st.dictionaries(st.text(), of), max_leaves=8
    )
)
def test_hashes_never_fail(value: Any) -> None:
    found = template_hash({"spec": {"template": {"a": value}}})
    assert found is None or len(found) == 32


def test_order_of_keys_does_not_count() -> None:
    assert template_hash({"spec": {"template": {"a": 1, "b": {"d": 1, "c": 2}}}}) == template_hash(
        {"spec": {"template": {"b": {"c": 2, "d": 1}, "a": 1}}}
    )


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        ("ClusterNotReady", "bring zj back and run again"),
        ("AlreadyExists", "remove it in zj"),
        (UNSEEN, "see whether KubeFed's controller manager runs in the host cluster (namespace fed)"),
        ("CreationFailed", "see the events of the object"),
    ],
)
def test_remedies(reason: str, said: str) -> None:
    assert said in remedy(Verdict(WAITING, reason), "zj", "fed")


def test_names() -> None:
    assert version_name("ConfigMap", "x") == "configmap-x"
    assert (str(Verdict(OK)), str(Verdict(WAITING, "X"))) == ("OK", "X")
