# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What would become of an object that a member has already, and whether it may."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.adoption import Found, changes, is_strange, judge
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.check import Resource
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.diffs import of_adoption
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.redact import LAST_APPLIED
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.sources import Document
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.types import DEFAULTS

Object = dict[str, Any]
SECRET = "hunter2-hunter2"


def live(kind: str = "ConfigMap", **body: Any) -> Object:
    """As a member has it, with what its API server adds."""
    metadata = {"name": "x", "namespace": "ns", "uid": "1", "resourceVersion": "7", "generation": 2, **body.pop("metadata", {})}
    return {"apiVersion": "v1", "kind": kind, "metadata": metadata, "status": {"a": 1}, **body}


def after(before: Object, **changed: Any) -> Object:
    """The same after KubeFed's update."""
    result = {**copy.deepcopy(before), **changed}
    result["metadata"] |= {"resourceVersion": "8", "labels": {**result["metadata"].get("labels", {}), "kubefed.io/managed": "true"}}
    return result


def found(before: Object, made: Object | None = None, refused: str = "") -> Found:
    kind = f"Federated{before['kind']}"
    body = {"apiVersion": "types.kubefed.io/v1beta1", "kind": kind, "metadata": {"name": "x", "namespace": "ns"}}
    return Found(Resource(Document(body, "in"), body, DEFAULTS[kind]), "zj", before, made or {}, refused)


@pytest.mark.parametrize(
    ("before", "changed", "said"),
    [
        (live(data={"k": "1"}), {}, ""),
        (live(data={"k": "1"}), {"data": {"k": "2"}}, 'data.k is "1", should be "2"'),
        (live(data={"k": "1", "more": "x"}), {"data": {"k": "1"}}, 'data.more is "x", should not be there'),
        (live(), {"data": {"k": "1"}}, 'data is not there, should be {"k": "1"}'),
        (live(data={}), {}, ""),
        (
            live(spec={"ports": [{"port": 80}, {"port": 90}]}),
            {"spec": {"ports": [{"port": 80}, {"port": 91}]}},
            "spec.ports[1].port is 90, should be 91",
        ),
        (
            live(data={str(number): "a" for number in range(7)}),
            {"data": {str(number): "b" for number in range(7)}},
            'data["4"] is "a", should be "b"; and 2 more',
        ),
    ],
)
def test_words(before: Object, changed: Object, said: str) -> None:
    assert found(before, after(before, **changed)).words.endswith(said)
    assert bool(said) == bool(found(before, after(before, **changed)).differences)


def test_a_secret_is_never_told() -> None:
    before = live("Secret", data={"a": SECRET}, metadata={"annotations": {LAST_APPLIED: SECRET}})
    made = after(before, data={"a": f"{SECRET}-new", "b": SECRET})
    made["metadata"]["annotations"] = {LAST_APPLIED: f"{SECRET}-new"}
    one = found(before, made)
    assert len(one.differences) == 2, "what kubectl notes is no difference"
    assert SECRET not in one.words + str(one.as_dict()) + str(of_adoption(one)) + str(judge(one, "never", True))
    whole = found(live("Secret"), after(live("Secret"), data={"a": SECRET}))
    assert whole.words == "data is not there (a secret, not shown)"


@pytest.mark.parametrize(
    ("metadata", "strange"),
    [
        ({}, True),
        ({"labels": {"kubefed.io/managed": "false"}}, True),
        ({"labels": {"kubefed.io/managed": "true"}}, False),
        ({"deletionTimestamp": "now"}, False),
        ({"uid": "host"}, False),
    ],
)
def test_strange(metadata: Object, strange: bool) -> None:
    assert is_strange(live(metadata=metadata), "host") is strange


SAME = live(data={"k": "1"})


@pytest.mark.parametrize(
    ("one", "adopt", "adopts", "said"),
    [
        (found(SAME, after(SAME)), "always", True, ""),
        (found(SAME, after(SAME)), "same", True, ""),
        (
            found(SAME, after(SAME)),
            "never",
            True,
            "adopt is never (it is the same as it would get). Next: remove it in zj, place the object",
        ),
        (found(SAME, after(SAME, data={})), "always", True, ""),
        (
            found(SAME, after(SAME, data={})),
            "same",
            True,
            "in: FederatedConfigMap ns/x: zj has ConfigMap ns/x already, and adopt is same: data.k is ",
        ),
        (found(SAME, after(SAME, data={})), "never", False, "and adopt is never (data"),
        (found(SAME, after(SAME)), "always", False, "and KubeFed is set to adopt nothing. Next: "),
        (
            found(SAME, refused="field is immutable"),
            "always",
            True,
            "which cannot become what KubeFed would make of it: field is immutable.",
        ),
        (found(SAME, refused="field is immutable"), "never", True, "adopt is never (field is immutable)"),
    ],
)
def test_judge(one: Found, adopt: str, adopts: bool, said: str) -> None:
    problem = judge(one, adopt, adopts)
    assert bool(problem) == bool(said)
    assert said in str(problem)


JSON = st.recursive(
    st.one_of(st.booleans(), st.integers(-2, 2), st.text("ab", max_size=2)),
    lambda below: st.one_of(st.lists(below, max_size=3), st.dictionaries(st.sampled_from("abc"), below, min_size=1, max_size=3)),
    max_leaves=8,
)


@given(JSON, JSON)
def test_no_change_is_missed(left: Any, right: Any) -> None:
    """Nothing is told of the same, and something of everything else."""
    before, made = live(spec=left), live(spec=right)
    assert bool(changes(before, made, False)) == (json.dumps(left, sort_keys=True) != json.dumps(right, sort_keys=True))
