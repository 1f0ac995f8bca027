# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which application an object is of, and what is too much to prune."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.application import (
    LABEL,
    application_of,
    assign,
    refuse_too_many,
    wrong_options,
)
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.check import Resource
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.sources import Document
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.types import DEFAULTS
from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import EdgefedError

Object = dict[str, Any]


def body(application: str = "", **metadata: Any) -> Object:
    labels = {"labels": {LABEL: application, "tier": "a"}} if application else {}
    return {"kind": "FederatedConfigMap", "metadata": {"name": "x", "namespace": "ns", **labels, **metadata}}


def resource(application: str = "", kind: str = "FederatedConfigMap") -> Resource:
    made = {**body(application), "kind": kind}
    return Resource(Document({**made, "metadata": dict(made["metadata"])}, "in"), made, DEFAULTS.get(kind))


@pytest.mark.parametrize(
    ("said", "task", "there", "wanted", "problem"),
    [
        ("", "", None, "", ""),
        ("", "shop", None, "shop", ""),
        ("", "shop", body(), "shop", ""),
        ("", "shop", body("shop"), "shop", ""),
        ("", "", body("shop"), "shop", ""),
        ("shop", "", None, "shop", ""),
        ("shop", "shop", body("shop"), "shop", ""),
        ("", "shop", body("bank", deletionTimestamp="now"), "shop", ""),
        (
            "",
            "shop",
            body("bank"),
            "shop",
            "in: FederatedConfigMap ns/x: it is of application 'bank' already. Next: take it out of 'shop', or",
        ),
        ("shop", "", body("bank"), "shop", "(kubectl label federatedconfigmaps x -n ns edgefed.io/application-)"),
        ("bank", "shop", None, "bank", "its label says application 'bank', and the task 'shop'. Next: leave one of the two out."),
    ],
)
def test_assign(said: str, task: str, there: Object | None, wanted: str, problem: str) -> None:
    found = resource(said)
    problems = assign([found], lambda _key: there, task)
    assert application_of(found.body) == wanted
    assert found.body["metadata"].get("labels", {}).get("tier") == ("a" if said else None), "other labels stay"
    assert len(problems) == bool(problem) and problem in "".join(str(one) for one in problems)


def test_a_namespace_is_of_no_application() -> None:
    """Of several it would be; and with it all that lies there would go."""
    found = resource(kind="Namespace")
    assert assign([found], lambda _key: None, "shop") == []
    assert "labels" not in found.body["metadata"]


NAMES = st.sampled_from(["", "shop", "bank"])


@given(NAMES, NAMES, NAMES)
def test_no_object_changes_its_application(said: str, task: str, there: str) -> None:
    """Whatever is said where: it stays of the one that it is of, or it is refused."""
    found = resource(said)
    problems = assign([found], lambda _key: body(there), task)
    assert problems or application_of(found.body) == (there or said or task)
    assert bool(problems) == (len({name for name in (said, task, there) if name}) > 1)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("", False, 10, False, False), []),
        (("shop", True, 0, True, True), []),
        (("", False, 10, True, True), []),
        (("", True, 10, False, True), ["prune needs to know"]),
        (("a/b", False, 10, False, False), ["'a/b' is no value for a label"]),
        (("-a", False, 10, False, False), ["'-a' is no value for a label"]),
        (("a" * 64, False, 10, False, False), ["is no value for a label"]),
        (("shop", True, -1, True, False), ["prune_limit is -1", "orphan is about what is removed"]),
    ],
)
def test_options(options: tuple[str, bool, int, bool, bool], said: list[str]) -> None:
    problems = [str(problem) for problem in wrong_options(*options)]
    for problem, part in zip(problems, said, strict=True):
        assert part in problem and "Next: " in problem


def test_too_many() -> None:
    titles = [f"FederatedConfigMap ns/c{number}" for number in range(12)]
    refuse_too_many(titles, "shop", 12)
    refuse_too_many([], "shop", 0)
    with pytest.raises(EdgefedError) as caught:
        refuse_too_many(titles, "shop", 11)
    assert caught.value.message == (
        f"Pruning would remove 12 objects of application 'shop', and prune_limit is 11: {', '.join(titles[:10])} and 2 more. "
        "Nothing was sent to any cluster. Next: check that what is given is complete, and if these are to go, say prune_limit: 12."
    )
    assert caught.value.details == {"objects": titles, "limit": 11}
    with pytest.raises(EdgefedError, match="would remove 1 object of"):
        refuse_too_many(titles[:1], "shop", 0)
