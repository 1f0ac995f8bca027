# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Everything that can be found out about a member before a join, from this machine."""

from __future__ import annotations

from dataclasses import replace
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
from ansible_collections.edgefed.kubefed.plugins.module_utils.preflight.probe import REVIEWS, Probe, Target


def preflight(params: dict[str, Any], names: Names, connect: Callable[..., Client]) -> Result:
    """Raises :class:`EdgefedError` (code ``preflight``) with all that failed."""
    host = connect(params, names.host_cluster)
    kubeconfig, context = params["member_kubeconfig"] or params["kubeconfig"], params["member_context"] or names.cluster
    provided = params["credentials"] == "provided"
    if not provided:
        refuse_program(documents(kubeconfig), context)
    member = connect({"kubeconfig": kubeconfig, "context": context}, names.cluster)
    address, ca = dialled(params, names, member)
    scope = control_plane_scope(host, names.namespace)
    target = Target(address, ca, params["api_proxy_url"], tuple(params["disabled_tls_validations"]))
    elsewhere = address != member.server or bool(params["api_proxy_url"])
    probe = Probe(target).look()
    checks = [_only_told(check) for check in probe.checks] if elsewhere and not probe.reached else probe.checks
    if provided:
        checks += _of_token(host, probe, params["token"], names, scope)
    else:
        if elsewhere:
            own = Probe(Target(member.server, member.ca_data, member.proxy)).look()
            checks += [replace(check, check=f"kubeconfig's {check.check}") for check in own.checks]
        checks += _of_member(member, names, scope, params["credentials"])
    checks.append(_of_host(host, names))
    return _result(names, checks)


def _only_told(check: Check) -> Check:
    """KubeFed dials the address from the host cluster, which may well reach what this machine does not."""
    if check.outcome != FAILED:
        return check
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
        what, _sign, todo = error.message.partition(" Next: ")
        return [Check("kubeconfig", FAILED, what.rstrip("."), todo.rstrip(".") or "take a fresh kubeconfig")]
    return [Check("kubeconfig", OK, "accepted"), rights_of(f"member {names.cluster}", missing, len(rights))]


def _of_host(host: Client, names: Names) -> Check:
    return rights_of(f"host cluster {names.host_cluster}", _missing(host, RIGHTS_IN_HOST, names.namespace), len(RIGHTS_IN_HOST))


def _missing(client: Client, rights: list[Right], namespace: str) -> list[Right]:
    return [right for right in rights if not client.create(REVIEWS, review(right, namespace))["status"].get("allowed")]


def _result(names: Names, checks: list[Check]) -> Result:
    failed = [check for check in checks if check.outcome == FAILED]
    if failed:
        lines = "\n".join(f"- {check}" for check in failed)
        raise EdgefedError(
            f"Cluster {names.cluster!r} cannot be joined yet; nothing was changed.\n{lines}",
            code="preflight",
            details={"checks": [check.describe() for check in checks]},
        )
    warnings = [f"Cluster {names.cluster!r}: {check}" for check in checks if check.outcome == TOLD]
    return Result(warnings=warnings, data={"checks": [check.describe() for check in checks]})
