# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One run of the module federated_resource."""

from __future__ import annotations

from typing import Any, Callable

from ansible_collections.edgefed.kubefed.plugins.module_utils.client import Client
from ansible_collections.edgefed.kubefed.plugins.module_utils.federate.absent import absent
from ansible_collections.edgefed.kubefed.plugins.module_utils.federate.given import PACKED, read, require_libraries, unpacked
from ansible_collections.edgefed.kubefed.plugins.module_utils.federate.goal import Goal, goal_of
from ansible_collections.edgefed.kubefed.plugins.module_utils.federate.members import Members
from ansible_collections.edgefed.kubefed.plugins.module_utils.federate.options import Prune, Session, host_of
from ansible_collections.edgefed.kubefed.plugins.module_utils.federate.present import present
from ansible_collections.edgefed.kubefed.plugins.module_utils.federate.refuse import refuse, with_remedy
from ansible_collections.edgefed.kubefed.plugins.module_utils.federate.sources import gather
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.application import wrong_options
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.check import names_in
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.lint import levels
from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import EdgefedError, Result


def run(params: dict[str, Any], check: bool, diff: bool, connect: Callable[..., Client]) -> Result:
    """Bring the federated resources to what is given."""
    require_libraries()
    removes = params["prune"] or params["state"] == "absent"
    asked = wrong_options(params["application"], params["prune"], params["prune_limit"], params["orphan"], removes)
    documents, problems = read(params)
    goal, vain = goal_of(params["wait_for"])
    problems[:0] = [*asked, *vain]
    try:
        session = _session(params, goal, connect, check=check, diff=diff)
        federation = session.host.federation(names_in(documents))
    except EdgefedError as error:
        refuse(problems)
        raise with_remedy(error) from None
    act = absent if params["state"] == "absent" else present
    handed = unpacked(params.get(PACKED))
    try:
        wanted = handed.unplaced() if act is absent else handed
        documents, wrong = gather(params, documents, federation, session.host, wanted, member=session.members.client)
        return act(session, documents, [*problems, *wrong], federation)
    except EdgefedError as error:
        raise with_remedy(error) from None


def _session(params: dict[str, Any], goal: Goal, connect: Callable[..., Client], *, check: bool, diff: bool) -> Session:
    return Session(
        host=host_of(params, connect, max(1, params["parallel"])),
        members=Members(params, connect),
        namespace=params["namespace"],
        policy=params["namespace_policy"],
        force=params["force_conflicts"],
        check=check,
        diff=diff,
        wait=params["wait"],
        wait_sleep=params["wait_sleep"],
        wait_timeout=params["wait_timeout"],
        lint=levels(params["lint"]),
        goal=goal,
        application=params["application"],
        prune=Prune(params["prune_limit"], tuple(params["prune_namespaces"])) if params["prune"] else None,
        orphan=params["orphan"],
        adopt=params["adopt"] or "",
    )
