# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A failure is a task result, never an exception; what Ansible hides for what it may hold, it does not hide for nothing."""

from __future__ import annotations

import json
from typing import Any, Callable

import pytest

from ansible_collections.edgefed.kubefed.plugins.module_utils.module import harmless_paths, task_result
from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import EdgefedError, Result
from ansible_collections.edgefed.kubefed.plugins.modules.kubefed_cluster import ARGUMENT_SPEC as CLUSTER
from ansible_collections.edgefed.kubefed.plugins.modules.tools import ARGUMENT_SPEC as TOOLS


def raising(error: Exception) -> Callable[..., Result]:
    """A ``run`` that fails."""

    def run(*given: Any) -> Result:
        raise error

    return run


def test_a_failure_that_a_user_can_act_on() -> None:
    error = EdgefedError("Cannot do it: no. Next: do it right.", code="no", details={"file": "/a"})
    assert task_result(raising(error), {}, False, False) == {
        "failed": True,
        "changed": False,
        "msg": "Cannot do it: no. Next: do it right.",
        "code": "no",
        "details": {"file": "/a"},
    }


def unlucky(*given: Any) -> Result:
    """A ``run`` with a bug, over an exception that holds a secret."""
    try:
        raise ValueError("token hunter2 is wrong")
    except ValueError as error:
        raise KeyError("hunter2") from error


@pytest.mark.parametrize("run", [unlucky, raising(ValueError("token hunter2")), raising(RuntimeError({"password": "hunter2"}))])
def test_a_bug(run: Callable[..., Result]) -> None:
    """It says where, and neither what the exception says, which may be a secret, nor a traceback."""
    result = task_result(run, {}, False, False)
    assert (result["failed"], result["changed"], result["code"], result["details"]) == (True, False, "bug", {})
    assert result["msg"].startswith("This is a bug in edgefed: ")
    assert " of test_module.py. Please report it" in result["msg"]
    text = json.dumps(result)
    assert "hunter2" not in text and "Traceback" not in text and str(__file__) not in text


def test_what_run_is_given_and_gives() -> None:
    given: list[Any] = []

    def run(*arguments: Any) -> Result:
        given.extend(arguments[:3])
        return Result(True, {"before": "a", "after": "b"}, ["beware"], {"more": 1})

    everything = {"changed": True, "more": 1, "warnings": ["beware"], "diff": {"before": "a", "after": "b"}}
    assert task_result(run, {"name": "zj"}, True, True) == everything
    assert given == [{"name": "zj"}, True, True]
    del everything["diff"]
    assert task_result(run, {"name": "zj"}, True, False) == everything


@pytest.mark.parametrize(
    ("spec", "params", "expected"),
    [
        (CLUSTER, {"kubeconfig": "/a", "member_kubeconfig": {"users": []}}, {"/a"}),
        (CLUSTER, {"api_proxy_url": "http://proxy:3128"}, {"http://proxy:3128"}),
        (CLUSTER, {"api_proxy_url": "http://me:hunter2@proxy:3128", "api_key": "hunter2"}, set()),
        (CLUSTER, {"api_proxy_url": None, "name": "zj"}, set()),
        (TOOLS, {"mirrors": {"a": "https://mirror", "b": "https://me:hunter2@mirror"}}, {"https://mirror"}),
    ],
)
def test_what_may_be_shown(spec: dict[str, Any], params: dict[str, Any], expected: set[str]) -> None:
    assert harmless_paths(spec, params) == expected
