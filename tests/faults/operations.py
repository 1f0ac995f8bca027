# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is done while requests are spoiled, each by its module's own ``run`` in a process that can be killed."""

from __future__ import annotations

import functools
import importlib
import multiprocessing
import os
import signal
import sys
import traceback
from dataclasses import dataclass, field
from multiprocessing import forkserver
from multiprocessing.connection import Connection
from typing import Any, Callable

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from faults import shop
from faults.lab import HOST, Lane

from ansible_collections.edgefed.kubefed.plugins.module_utils.client import Client, connect
from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import EdgefedError

MODULES = "ansible_collections.edgefed.kubefed.plugins.modules"
# A client that waits half a minute for an answer would only keep the tests waiting.
IMPATIENT = (3, 3)
_CONTEXT = multiprocessing.get_context("forkserver")
_BODIES = [f"{MODULES}.{name}" for name in ("kubefed_cluster", "federated_type", "federated_resource")]
_CONTEXT.set_forkserver_preload(["faults.operations", *_BODIES])


@dataclass(frozen=True)
class Operation:
    """A module with its options.

    ``start`` leads to where it begins, from wherever, and ``back`` from its end; without ``back`` it begins where it ended. ``again``
    changes nothing after it; where it is not said, that is the operation itself. ``renews``: the member's token is another afterwards.
    ``tidy`` takes away what is to stay by design, so that each case begins as the first did.
    """

    name: str
    module: str
    options: dict[str, Any] = field(hash=False)
    start: tuple[str, ...] = ()
    back: str = ""
    again: str = ""
    renews: bool = False
    tidy: Callable[[Lane], None] = lambda _lane: None


LEAST = {"credentials": "least"}
RESOURCE = "federated_resource"
STAYING = {"definition": "staying"}
# What the member has is looked at too.
SEEN_THERE = {**STAYING, "wait_for": {"by": "version"}}
OPERATIONS = {
    operation.name: operation
    for operation in (
        Operation("join", "kubefed_cluster", {"wait": False}, start=("unjoin",), back="unjoin"),
        Operation("unjoin", "kubefed_cluster", {"state": "absent"}, start=("join",), back="join"),
        Operation("ready", "kubefed_cluster", {}),
        Operation("least", "kubefed_cluster", LEAST),
        Operation("rotate", "kubefed_cluster", {**LEAST, "rotate": True}, start=("least",), again="least", renews=True),
        Operation("enable", "federated_type", {}, start=("ready", "disable"), back="disable", tidy=Lane.only_host_has_the_kind),
        Operation("disable", "federated_type", {"state": "absent", "delete_crd": True}),
        Operation("apply", RESOURCE, SEEN_THERE, start=("ready", "leave"), back="leave", tidy=Lane.nobody_has_the_application),
        Operation("prune", RESOURCE, {**STAYING, "prune": True}, start=("ready", "leave", "former"), back="former"),
        Operation(
            "adopt", RESOURCE, {**STAYING, "adopt": "always"}, start=("ready", "leave"), back="leave", tidy=Lane.member_has_it_already
        ),
        Operation("former", RESOURCE, {"definition": "all"}),
        Operation("leave", RESOURCE, {"state": "absent", "orphan": True, "prune": True}),
    )
}
ON_RESOURCES = ("apply", "prune", "adopt")
SPOILED = ("join", "unjoin", "rotate", "enable", *ON_RESOURCES)


@dataclass(frozen=True)
class Attempt:
    """How one run ended: ``done``, ``told`` (an error in the user's words), ``killed``, or ``crashed``, which must not be."""

    how: str
    changed: bool = False
    message: str = ""


def options_of(operation: Operation, lane: Lane) -> dict[str, Any]:
    """KubeFed itself dials past the proxies. Each lane has a kind of its own, with rights of its own for KubeFed."""
    given = {"kubeconfig": lane.kubeconfig, "context": HOST, "wait_sleep": 1, **operation.options}
    if operation.module == RESOURCE:
        return {**given, **_application(operation, lane.member)}
    if operation.module == "federated_type":
        return {**given, "name": lane.kind, "federated_group": lane.federated_group}
    given["name"] = lane.member
    if given.get("state") != "absent":
        given |= {"api_endpoint": lane.servers[lane.member], "api_ca_cert": lane.authorities[lane.member]}
    return given


def _application(operation: Operation, member: str) -> dict[str, Any]:
    """One request at a time, so that they come in the same order each time. What is pruned lies in one of the namespaces."""
    manifests = {"staying": shop.staying(member), "all": [*shop.staying(member), shop.going(member)], None: None}
    here, old = shop.places(member)
    return {
        "definition": manifests[operation.options.get("definition")],
        "application": f"{member}-shop",
        "prune_namespaces": [old] if operation.name == "prune" else [here, old],
        "parallel": 1,
    }


def start_server() -> None:
    """The process that runs are forked from: it imports what they need, once, and does not see this one's ``sys.path``."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("PYTHONPATH", os.pathsep.join(sys.path))
        forkserver.ensure_running()


def attempt(operation: Operation, lane: Lane, patience: tuple[int, int] | None = None) -> Attempt:
    """One run in a process of its own, killed when the proxy says that the moment has come."""
    ours, theirs = _CONTEXT.Pipe(duplex=False)
    process = _CONTEXT.Process(target=_run, args=(theirs, operation.module, options_of(operation, lane), patience))
    process.start()
    theirs.close()
    while process.is_alive() and not ours.poll(0.02):
        if lane.reached.exists() and process.pid:
            os.kill(process.pid, signal.SIGKILL)
            process.join()
            return Attempt("killed")
    try:
        return Attempt(*ours.recv())
    except EOFError:
        return Attempt("crashed", message=f"the process ended with {process.exitcode}")
    finally:
        process.join()


def _impatient(patience: tuple[int, int], *arguments: Any, **options: Any) -> Client:
    client = connect(*arguments, **options)
    request = client.request

    def hurried(*given: Any, **more: Any) -> Any:
        return request(*given, **{**more, "timeout": patience})

    client.request = hurried  # type: ignore[method-assign]
    return client


def _run(answer: Connection, module: str, options: dict[str, Any], patience: tuple[int, int] | None) -> None:
    body = importlib.import_module(f"{MODULES}.{module}")
    checked = ArgumentSpecValidator(body.ARGUMENT_SPEC).validate(options)
    try:
        using = functools.partial(_impatient, patience) if patience else connect
        result = body.run(checked.validated_parameters, False, True, using)
        answer.send(("done", result.changed, ""))
    except EdgefedError as error:
        answer.send(("told", False, error.message))
    except Exception:
        answer.send(("crashed", False, traceback.format_exc()))
