# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A member dialled by a short Job on the host cluster, which is removed in any case."""

from __future__ import annotations

import time
from secrets import token_hex

from ansible_collections.edgefed.kubefed.plugins.module_utils.client import ApiError, Client, object_path
from ansible_collections.edgefed.kubefed.plugins.module_utils.control_plane.release import moment_of
from ansible_collections.edgefed.kubefed.plugins.module_utils.control_plane_api import find_controller
from ansible_collections.edgefed.kubefed.plugins.module_utils.member.desired import CLUSTER, CORE, KUBEFED, Manifest
from ansible_collections.edgefed.kubefed.plugins.module_utils.member.names import Names
from ansible_collections.edgefed.kubefed.plugins.module_utils.member.objects import until
from ansible_collections.edgefed.kubefed.plugins.module_utils.member.plan import data_of
from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import EdgefedError
from ansible_collections.edgefed.kubefed.plugins.module_utils.preflight.checks import TOLD, Check
from ansible_collections.edgefed.kubefed.plugins.module_utils.preflight.job import (
    BATCH,
    CHECK,
    DEADLINE,
    KEPT,
    NAME,
    PURPOSE,
    Dial,
    Seen,
    finding,
    job_of,
    seen,
    unasked,
    waits_for,
)
from ansible_collections.edgefed.kubefed.plugins.module_utils.preflight.target import Target

STARTED = 40
ENDED = 80
"""Seconds in which its container has to run, and to have ended: Go's client gives up dialling after 30."""
PATIENCE = 2
LOOK = 0.2
LOG_BYTES = 65536
A_PROCESS = Check(
    CHECK,
    TOLD,
    "not asked, since KubeFed's controller is no Deployment there but a process, which dials from its own machine",
    "run this on the machine where kubefed-controller-manager runs, if that is another one",
)


def from_host(host: Client, names: Names, target: Target, check: bool, required: bool) -> list[Check]:
    """What the host cluster sees at the address. A failure to ask is one only where nothing else is ``required``."""
    controller = find_controller(host, names.namespace)
    if controller is None:
        return [A_PROCESS]
    if check:
        return [Check(CHECK, TOLD, "not asked, since check mode starts no Job", "run this without check mode")]
    dial = Dial(names.cluster, target, _own_secret(host, names, target))
    try:
        made = host.create(object_path(BATCH, "jobs", names.namespace), job_of(dial, f"{NAME}-{token_hex(5)}", controller))
    except ApiError as error:
        return [unasked(error.message, required)]
    try:
        found = _words(host, made, dial, required)
    finally:
        left = _removed(host, made)
    return [found, *left]


def _words(host: Client, job: Manifest, dial: Dial, required: bool) -> Check:
    """The verdict. kubefedctl never succeeds here, so that a pod that is said to have done so is none."""
    last = _ended(host, job)
    if last.stuck:
        return unasked(last.stuck, required)
    silent = unasked("its pod is said to have ended, and wrote nothing, as with nodes that are only simulated", required)
    if last.code == 0:
        return silent
    try:
        path = f"{object_path(CORE, 'pods', job['metadata']['namespace'], last.pod)}/log"
        return finding(dial, host.text(path, {"limitBytes": LOG_BYTES})) or silent
    except EdgefedError as error:
        return unasked(f"{error.without_next}.", required)


def _own_secret(host: Client, names: Names, target: Target) -> str | None:
    """The secret with KubeFed's token, where it has one for just this address."""
    cluster = host.find(object_path(KUBEFED, "kubefedclusters", names.namespace, names.cluster))
    if cluster is None or cluster["spec"].get("apiEndpoint") != target.address:
        return None
    name = str(cluster["spec"]["secretRef"]["name"])
    return name if data_of(host.find(object_path(CORE, "secrets", names.namespace, name)), "token") else None


def _ended(host: Client, job: Manifest) -> Seen:
    """The last look at the Job's pod. One that does not start within ``STARTED`` seconds is stuck."""
    meta = job["metadata"]
    begun, last = time.monotonic(), Seen()

    def done() -> bool:
        nonlocal last
        pods = host.list(object_path(CORE, "pods", meta["namespace"]), {"labelSelector": f"job-name={meta['name']}"})
        pod = next(pods, None)
        last = seen(pod) if pod else Seen()
        waited = time.monotonic() - begun
        if pod is None and waited > PATIENCE:
            last = Seen(stuck=_refusal(host, job))
        if not last.runs and not last.over and waited > STARTED:
            last = Seen(stuck=waits_for(pod))
        return last.over

    if until(done, ENDED, LOOK):
        return last
    return Seen(stuck=f"its pod has not ended within {ENDED} s")


def _refusal(host: Client, job: Manifest) -> str:
    """Why the Job's controller could make no pod; empty while nothing says so."""
    query = {"fieldSelector": f"involvedObject.uid={job['metadata']['uid']},type=Warning"}
    events = host.list(object_path(CORE, "events", job["metadata"]["namespace"]), query)
    return next((f"{event.get('reason')}: {event.get('message')}" for event in events), "")


def _removed(host: Client, job: Manifest) -> list[Check]:
    """The Job goes with its pod, and those that earlier runs for this cluster left when they were cut off."""
    meta = job["metadata"]
    jobs = object_path(BATCH, "jobs", meta["namespace"])
    selector = ",".join(f"{key}={meta['labels'][key]}" for key in (*PURPOSE, CLUSTER))
    try:
        for one in host.list(jobs, {"labelSelector": selector}):
            if one["metadata"]["name"] == meta["name"] or _much_older(one, job):
                host.delete(f"{jobs}/{one['metadata']['name']}", {"propagationPolicy": "Background"})
    except EdgefedError as error:
        detail = f"Job {meta['namespace']}/{meta['name']} is left: {error.message.partition(' Next: ')[0].rstrip('.')}"
        return [Check("clean-up", TOLD, detail, f"nothing, the host cluster removes it {KEPT} s after its end")]
    return []


def _much_older(one: Manifest, job: Manifest) -> bool:
    """By the host cluster's clock alone. A younger one may be of a run that is under way."""
    made = [moment_of(each["metadata"]["creationTimestamp"]) for each in (one, job)]
    return bool(made[0] and made[1] and (made[1] - made[0]).total_seconds() > DEADLINE)
