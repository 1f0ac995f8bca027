# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Everything that can be found out about a member before a join."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Callable

from ansible_collections.edgefed.kubefed.plugins.module_utils.client import Client, object_path
from ansible_collections.edgefed.kubefed.plugins.module_utils.member.desired import KUBEFED
from ansible_collections.edgefed.kubefed.plugins.module_utils.member.dialled import dialled
from ansible_collections.edgefed.kubefed.plugins.module_utils.member.given import documents, refuse_program
from ansible_collections.edgefed.kubefed.plugins.module_utils.member.look import control_plane_scope
from ansible_collections.edgefed.kubefed.plugins.module_utils.member.names import Names
from ansible_collections.edgefed.kubefed.plugins.module_utils.member.rights import least_rules
from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import EdgefedError, Result
from ansible_collections.edgefed.kubefed.plugins.module_utils.preflight.checks import (
    EVERYTHING,
    FAILED,
    OK,
    RIGHTS_IN_HOST,
    TOLD,
    Check,
    Right,
    review,
    rights_of,
    rights_of_token,
    rights_to_join,
)
from ansible_collections.edgefed.kubefed.plugins.module_utils.preflight.from_host import from_host
from ansible_collections.edgefed.kubefed.plugins.module_utils.preflight.job import CHECK
from ansible_collections.edgefed.kubefed.plugins.module_utils.preflight.probe import REVIEWS, Probe
from ansible_collections.edgefed.kubefed.plugins.module_utils.preflight.target import Target


@dataclass(frozen=True)
class Look:
    """Both clusters of a join that is looked at, from this machine (``controller``), the ``host`` cluster, or ``both``."""

    host: Client
    member: Client
    names: Names
    params: dict[str, Any]
    check: bool
    looked_from: str

    def findings(self, scope: str) -> list[Check]:
        """All of them, good and bad."""
        params, member = self.params, self.member
        address, ca = dialled(params, self.names, member)
        target = Target(address, ca, params["api_proxy_url"], tuple(params["disabled_tls_validations"]))
        elsewhere = address != member.server or bool(params["api_proxy_url"])
        theirs = self._from_host(target)
        decided = self.looked_from == "host" and any(check.outcome != TOLD for check in theirs)
        provided = params["credentials"] == "provided"
        probe = Probe(target)
        if provided or not (elsewhere and decided):
            probe.look()
        checks = [_only_told(check, theirs, probe) if elsewhere and not probe.reached else check for check in probe.checks] + theirs
        if provided:
            checks += _of_token(self.host, probe, params["token"], self.names, scope)
        else:
            if elsewhere:
                own = Probe(Target(member.server, member.ca_data, member.proxy)).look()
                checks += [replace(check, check=f"kubeconfig's {check.check}") for check in own.checks]
            checks += _of_member(member, self.names, scope, params["credentials"])
        return [*checks, _of_host(self.host, self.names)]

    def warnings(self, scope: str) -> list[str]:
        """Those of the findings; raises :class:`EdgefedError` (code ``preflight``) with all that failed."""
        return judged(self.names, self.findings(scope))

    def _from_host(self, target: Target) -> list[Check]:
        if self.looked_from == "controller":
            return []
        return from_host(self.host, self.names, target, self.check, required=self.looked_from == "host")


def preflight(params: dict[str, Any], names: Names, connect: Callable[..., Client], check: bool) -> Result:
    """Raises :class:`EdgefedError` (code ``preflight``) with all that failed."""
    host = connect(params, names.host_cluster)
    kubeconfig, context = params["member_kubeconfig"] or params["kubeconfig"], params["member_context"] or names.cluster
    if params["credentials"] != "provided":
        refuse_program(documents(kubeconfig), context)
    member = connect({"kubeconfig": kubeconfig, "context": context}, names.cluster)
    look = Look(host, member, names, params, check, params["preflight_from"])
    checks = look.findings(control_plane_scope(host, names.namespace))
    return Result(warnings=judged(names, checks), data={"checks": [one.describe() for one in checks]})


def _only_told(check: Check, theirs: list[Check], probe: Probe) -> Check:
    """KubeFed dials the address from the host cluster, which may well reach what this machine does not. Who answers with a certificate
    that is not to be trusted does so there too, unless the host cluster was asked and says otherwise."""
    if check.outcome != FAILED:
        return check
    if any(one.check == CHECK and one.outcome == OK for one in theirs):
        return replace(check, outcome=OK, detail=f"{check.detail}, but the host cluster reaches it", next="")
    if probe.mistrusted:
        return replace(check, next=f"{check.next}; where this machine is answered by another server, have the host cluster asked (both)")
    return replace(check, outcome=TOLD, next=f"make sure that the host cluster reaches it; on this machine: {check.next}")


def _of_token(host: Client, probe: Probe, token: str, names: Names, scope: str) -> list[Check]:
    configs = list(host.list(object_path(KUBEFED, "federatedtypeconfigs", names.namespace)))
    rights = rights_of_token(least_rules(configs, scope))
    before = len(probe.checks)
    missing = probe.missing(token, rights, names.namespace if scope == "Namespaced" else "")
    found = probe.checks[before:]
    return found if missing is None else [*found, rights_of(f"member {names.cluster}", missing, len(rights))]


def _of_member(member: Client, names: Names, scope: str, credentials: str) -> list[Check]:
    rights = rights_to_join(scope, credentials)
    try:
        missing = _missing(member, rights, "")
    except EdgefedError as error:
        return [Check("kubeconfig", FAILED, error.without_next, error.next_step or "take a fresh kubeconfig")]
    return [Check("kubeconfig", OK, "accepted"), rights_of(f"member {names.cluster}", missing, len(rights))]


def _of_host(host: Client, names: Names) -> Check:
    return rights_of(f"host cluster {names.host_cluster}", _missing(host, RIGHTS_IN_HOST, names.namespace), len(RIGHTS_IN_HOST))


def _missing(client: Client, rights: list[Right], namespace: str) -> list[Right]:
    """Who has all rights, as most who join do, is asked once."""
    if _allowed(client, EVERYTHING, namespace):
        return []
    return [right for right in rights if right == EVERYTHING or not _allowed(client, right, namespace)]


def _allowed(client: Client, right: Right, namespace: str) -> bool:
    return bool(client.create(REVIEWS, review(right, namespace))["status"].get("allowed"))


def judged(names: Names, checks: list[Check]) -> list[str]:
    """The warnings among the findings; raises :class:`EdgefedError` (code ``preflight``) with all that failed."""
    failed = [check for check in checks if check.outcome == FAILED]
    if failed:
        lines = "\n".join(f"- {check}" for check in failed)
        raise EdgefedError(
            f"Cluster {names.cluster!r} cannot be joined yet; nothing was changed.\n{lines}",
            code="preflight",
            details={"checks": [check.describe() for check in checks]},
        )
    return [f"Cluster {names.cluster!r}: {check}" for check in checks if check.outcome == TOLD]
