# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One run of the module federated_resource."""

from __future__ import annotations

from typing import Any, Callable

from ansible_collections.edgefed.kubefed.plugins.module_utils.client import Client
from ansible_collections.edgefed.kubefed.plugins.module_utils.federate.absent import absent
from ansible_collections.edgefed.kubefed.plugins.module_utils.federate.given import read, require_libraries, wished
from ansible_collections.edgefed.kubefed.plugins.module_utils.federate.options import Session, host_of, members
from ansible_collections.edgefed.kubefed.plugins.module_utils.federate.present import present
from ansible_collections.edgefed.kubefed.plugins.module_utils.federate.refuse import refuse, with_remedy
from ansible_collections.edgefed.kubefed.plugins.module_utils.federate.sources import gather
from ansible_collections.edgefed.kubefed.plugins.module_utils.federate.wish import Wish
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.lint import levels
from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import EdgefedError, Result


def run(params: dict[str, Any], check: bool, diff: bool, connect: Callable[..., Client]) -> Result:
    """Bring the federated resources to what is given."""
    require_libraries()
    documents, problems = read(params)
    try:
        session = _session(params, check, diff, connect)
        federation = session.host.federation()
    except EdgefedError as error:
        refuse(problems)
        raise with_remedy(error) from None
    act = absent if params["state"] == "absent" else present
    # What is to go needs no placement.
    wish = Wish({"clusters": []}) if act is absent else wished(params)
    try:
        documents, wrong = gather(params, documents, federation, session.host, wish)
        return act(session, documents, [*problems, *wrong], federation)
    except EdgefedError as error:
        raise with_remedy(error) from None


def _session(params: dict[str, Any], check: bool, diff: bool, connect: Callable[..., Client]) -> Session:
    return Session(
        host=host_of(params, connect, max(1, params["parallel"])),
        member=members(params, connect),
        namespace=params["namespace"],
        policy=params["namespace_policy"],
        force=params["force_conflicts"],
        check=check,
        diff=diff,
        wait=params["wait"],
        wait_sleep=params["wait_sleep"],
        wait_timeout=params["wait_timeout"],
        lint=levels(params["lint"]),
    )
