# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The CRDs of what is federated, brought to a cluster before it joins: one ready member without stops the kind in all clusters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Iterable, Mapping

from ansible_collections.edgefed.kubefed.plugins.module_utils.client import Client
from ansible_collections.edgefed.kubefed.plugins.module_utils.member.desired import Manifest, Ref, Refs, Wish
from ansible_collections.edgefed.kubefed.plugins.module_utils.member.objects import refused
from ansible_collections.edgefed.kubefed.plugins.module_utils.member.plan import Change, Plan
from ansible_collections.edgefed.kubefed.plugins.module_utils.member.readiness import readiness
from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import EdgefedError
from ansible_collections.edgefed.kubefed.plugins.module_utils.typeconfig.desired import EXTENSIONS, carried_crd
from ansible_collections.edgefed.kubefed.plugins.module_utils.typeconfig.members import LACKS, OTHER, Seen, look_at_crd, refuse_conversion
from ansible_collections.edgefed.kubefed.plugins.module_utils.typeconfig.plan import brief
from ansible_collections.edgefed.kubefed.plugins.module_utils.typeconfig.session import await_served, crd_path
from ansible_collections.edgefed.kubefed.plugins.module_utils.typeconfig.target import Target, target_of

CRD = "CustomResourceDefinition"


@dataclass(frozen=True)
class Carried:
    """A kind's CRD in the host cluster, and how the member stands to it."""

    target: Target
    crd: Manifest
    seen: Seen


def arrives(found: Mapping[Ref, Manifest], where: Refs, wish: Wish) -> bool:
    """Whether the cluster's kinds are looked at: KubeFed does not work with it yet. To others each CRD came when its type was enabled."""
    cluster = found.get(where.cluster)
    anew = where.service_account not in found and not wish.provided
    return wish.target_crd != "ignore" and (cluster is None or anew or not readiness(cluster).ready)


def look(host: Client, member: Any, wish: Wish, configs: Iterable[Manifest]) -> list[Carried]:
    """Of each enabled kind that may be a CRD's: one request to the host cluster, and where it is, one to the member. Raises
    :class:`EdgefedError` where the member is not to join like this."""
    found: list[Carried] = []
    cluster = {"metadata": {"name": wish.names.cluster}}
    for target in custom(configs):
        crd = host.find(crd_path(target.name))
        if crd is None:
            continue
        try:
            found.append(Carried(target, crd, look_at_crd(member, cluster, target, crd)))
        except EdgefedError as error:
            if not (wish.provided and refused(error)):
                raise
    refuse(found, wish)
    return found


def custom(configs: Iterable[Manifest]) -> list[Target]:
    """The enabled kinds that are not Kubernetes' own, by name."""
    enabled = [
        target_of(config)
        for config in configs
        if config["spec"].get("propagation") == "Enabled" and not config["metadata"].get("deletionTimestamp")
    ]
    return sorted((target for target in enabled if not target.built_in), key=lambda target: target.name)


def refuse(found: Iterable[Carried], wish: Wish) -> None:
    """Raise :class:`EdgefedError` (code ``target_crd``) for kinds that the member lacks and does not get."""
    bad: list[str] = []
    for one in found:
        name = one.target.name
        if one.seen.state == OTHER:
            bad.append(f"{name} only in {one.seen.why}, not in {one.target.version}")
        elif one.seen.state == LACKS and wish.target_crd == "require":
            bad.append(f"no {name}")
        elif one.seen.state == LACKS:
            refuse_conversion(one.target, one.crd, [wish.names.cluster])
    if bad:
        raise EdgefedError(
            f"Cluster {wish.names.cluster!r} serves {'; '.join(bad)}: joined, it would stop KubeFed from propagating that to any cluster. "
            "Nothing was changed. Next: install the CRD there (one that is missing comes with target_crd: carry, too), or disable "
            "the type, then run this again.",
            code="target_crd",
            details={"names": [one.target.name for one in found if one.seen.state != "served"]},
        )


def planned(plan: Plan, carried: Iterable[Carried]) -> Plan:
    """The plan with the CRDs first."""
    changes, before, after = [], dict(plan.before), dict(plan.after)
    for one in carried:
        ref = Ref("member", EXTENSIONS, CRD, one.target.name)
        if one.seen.change:
            changes.append(Change(one.seen.change.action, ref, carried_crd(one.crd)))
            after[f"member: {ref}"] = brief(one.seen.after)
            before |= {f"member: {ref}": brief(one.seen.before)} if one.seen.before else {}
    return Plan([*changes, *plan.changes], before, after)


def await_all(member: Client, changes: Iterable[Change], timeout: float, sleep: float) -> None:
    """Wait until the member serves what was brought."""
    for change in changes:
        if change.ref.kind == CRD:
            await_served(member, change.ref.name, timeout, sleep)
