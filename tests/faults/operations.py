# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is done while requests are spoiled, each by its module's own ``run`` in a process that can be killed."""

from __future__ import annotations

import functools
import importlib
import multiprocessing
import os
import signal
import traceback
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from faults.lab import HOST, Lane

from ansible_collections.edgefed.kubefed.plugins.module_utils.client import Client, connect
from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import EdgefedError

MODULES = "ansible_collections.edgefed.kubefed.plugins.modules"
# A client that waits half a minute for an answer would only keep the tests waiting.
IMPATIENT = (5, 5)
_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(["faults.operations"])


@dataclass(frozen=True)
class Operation:
    """A module with its options, and the operation that leads back to where it began."""

    name: str
    module: str
    options: dict[str, Any] = field(hash=False)
    back: str


OPERATIONS = {
    operation.name: operation
    for operation in (
        Operation("join", "kubefed_cluster", {"wait": False}, back="unjoin"),
        Operation("unjoin", "kubefed_cluster", {"state": "absent", "wait_sleep": 1}, back="join"),
    )
}


@dataclass(frozen=True)
class Attempt:
    """How one run ended: ``done``, ``told`` (an error in the user's words), ``killed``, or ``crashed``, which must not be."""

    how: str
    changed: bool = False
    message: str = ""


def options_of(operation: Operation, lane: Lane) -> dict[str, Any]:
    """KubeFed itself dials past the proxies."""
    given = {"kubeconfig": lane.kubeconfig, "context": HOST, "name": lane.member, **operation.options}
    if operation.name == "join":
        given |= {"api_endpoint": lane.servers[lane.member], "api_ca_cert": lane.authorities[lane.member]}
    return given


def attempt(operation: Operation, lane: Lane) -> Attempt:
    """One run in a process of its own, killed when the proxy says that the moment has come."""
    ours, theirs = _CONTEXT.Pipe(duplex=False)
    process = _CONTEXT.Process(target=_run, args=(theirs, operation.module, options_of(operation, lane)))
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


def _impatient(*arguments: Any, **options: Any) -> Client:
    client = connect(*arguments, **options)
    client.request = functools.partial(client.request, timeout=IMPATIENT)  # type: ignore[method-assign]
    return client


def _run(answer: Connection, module: str, options: dict[str, Any]) -> None:
    body = importlib.import_module(f"{MODULES}.{module}")
    checked = ArgumentSpecValidator(body.ARGUMENT_SPEC).validate(options)
    try:
        result = body.run(checked.validated_parameters, False, True, _impatient)
        answer.send(("done", result.changed, ""))
    except EdgefedError as error:
        answer.send(("told", False, error.message))
    except Exception:
        answer.send(("crashed", False, traceback.format_exc()))
