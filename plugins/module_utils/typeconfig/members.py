# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The target API in every member: looked at, and a target's CRD carried to those that lack it.

A ready member that lacks it stops the type in all clusters: KubeFed's controller waits for each member's list of the kind.
"""

from __future__ import annotations

from dataclasses import dataclass

from ansible_collections.edgefed.kubefed.plugins.module_utils.client import ApiError, Client, group_path
from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import EdgefedError
from ansible_collections.edgefed.kubefed.plugins.module_utils.typeconfig.desired import Object, carried_crd
from ansible_collections.edgefed.kubefed.plugins.module_utils.typeconfig.plan import Change, Plan, brief, crd_change, leaving, made_by_us
from ansible_collections.edgefed.kubefed.plugins.module_utils.typeconfig.session import Session, crd_path, is_ready
from ansible_collections.edgefed.kubefed.plugins.module_utils.typeconfig.target import Target

SERVED, LACKS, OTHER, AWAY = "served", "lacks it", "other version", "cannot be reached"


@dataclass
class Seen:
    """One member's answer: ``state`` is one of the four above, ``change`` what would make it serve the target."""

    cluster: Object
    state: str = SERVED
    why: str = ""
    change: Change | None = None
    before: Object | None = None
    after: Object | None = None

    @property
    def name(self) -> str:
        """The cluster's name."""
        return str(self.cluster["metadata"]["name"])


def look(session: Session, clusters: list[Object], target: Target, target_crd: Object | None) -> list[Seen]:
    """Every member, side by side, one request each."""
    return session.host.each(lambda cluster: _look_at(session, cluster, target, target_crd), clusters)


def _look_at(session: Session, cluster: Object, target: Target, target_crd: Object | None) -> Seen:
    try:
        client = session.member(cluster)
        if target_crd is None:
            return Seen(cluster, SERVED if serves(client, target.api_version, target.plural) else LACKS)
        return look_at_crd(client, cluster, target, target_crd)
    except EdgefedError as error:
        return Seen(cluster, AWAY, error.without_next)


def serves(client: Client, api_version: str, plural: str) -> bool:
    """Whether a cluster serves a kind in a version."""
    listing = client.find(group_path(api_version)) or {}
    return any(item["name"] == plural for item in listing.get("resources") or [])


def look_at_crd(client: Client, cluster: Object, target: Target, target_crd: Object) -> Seen:
    """How a member stands to a kind of a CRD, which the host cluster has as ``target_crd``."""
    path = crd_path(target.name)
    live = client.find(path)
    if live and live["metadata"].get("uid") == target_crd["metadata"].get("uid"):
        return Seen(cluster)
    change, before, after = crd_change(live, carried_crd(target_crd), path, cluster["metadata"]["name"])
    if live is None or leaving(live):
        return Seen(cluster, LACKS, "", change, before, after)
    if made_by_us(live):
        return Seen(cluster, SERVED, "", change, before, after)
    versions = [item["name"] for item in live["spec"]["versions"] if item.get("served")]
    return Seen(cluster) if target.version in versions else Seen(cluster, OTHER, ", ".join(versions))


def refuse(seen: list[Seen], target: Target, target_crd: Object | None, policy: str) -> list[str]:
    """Raise :class:`EdgefedError` where a member would stop the type; gives warnings about members that KubeFed leaves out anyway."""
    bad: list[str] = []
    warnings: list[str] = []
    for one in seen:
        if one.state == AWAY and not is_ready(one.cluster):
            warnings.append(
                f'Whether cluster "{one.name}" serves {target.name} cannot be seen, and KubeFed finds it not ready. Should it come back '
                f"without, KubeFed propagates {target.kind} to no cluster any more. Next: run this again as soon as it is back."
            )
        elif one.state == AWAY:
            bad.append(f'cluster "{one.name}" cannot be looked at ({one.why})')
        elif one.state == OTHER:
            bad.append(f'cluster "{one.name}" serves {target.name} only in {one.why}, not in {target.version}')
        elif one.state == LACKS and (target_crd is None or policy == "require"):
            bad.append(f'cluster "{one.name}" does not serve {target.api_version} {target.kind}')
    if bad:
        raise EdgefedError(
            f'"{target.name}" was not enabled, since a member that lacks it stops KubeFed from propagating it to any: {"; ".join(bad)}. '
            f"Next: {_remedy(target_crd)}, then run this again.",
            code="members",
            details={"members": [one.name for one in seen if one.state != SERVED]},
        )
    lacking = [one.name for one in seen if one.state == LACKS]
    refuse_conversion(target, target_crd, lacking)
    return warnings


def _remedy(target_crd: Object | None) -> str:
    if target_crd is None:
        return "upgrade these clusters, choose another version, or unjoin them"
    return "install the CRD there (or let target_crd: carry do it), make the clusters reachable, or unjoin them"


def refuse_conversion(target: Target, target_crd: Object | None, lacking: list[str]) -> None:
    """Raise :class:`EdgefedError` where what converts between the CRD's versions would be missing in the members that lack it."""
    spec = (target_crd or {}).get("spec") or {}
    if lacking and (spec.get("conversion") or {}).get("strategy") == "Webhook":
        raise EdgefedError(
            f"CRD {target.name} converts its versions by a webhook, which {', '.join(lacking)} would lack. Next: install what brings the "
            "webhook (usually an operator) there, then run this again.",
            code="conversion_webhook",
            details={"members": lacking},
        )


def note(plan: Plan, seen: list[Seen], target: Target) -> None:
    """Enter the members' changes into the plan."""
    for one in seen:
        if one.change:
            plan.step(one.change, brief(one.before), brief(one.after), f"{one.name}: CRD {target.name}")


def carry(session: Session, seen: list[Seen], target: Target, done: list[Change]) -> None:
    """Make the changes, all members side by side, and wait until each serves the target. ``done`` takes those that this run made.

    Raises :class:`ApiError` (409) where another run made one at the same time, so that it is looked at again.
    """

    made: list[str] = []

    def bring(one: Seen) -> EdgefedError | None:
        client = session.member(one.cluster)
        try:
            session.carry_out(client, one.change)  # type: ignore[arg-type]
            made.append(one.name)
            session.await_served(client, target.name)
        except EdgefedError as error:
            return error
        return None

    failed = [error for error in session.host.each(bring, [one for one in seen if one.change]) if error]
    done += [one.change for one in seen if one.change and one.name in made]
    for error in failed:
        if isinstance(error, ApiError) and error.status == 409:
            raise error
    if failed:
        raise EdgefedError(
            f"CRD {target.name} could not be brought to {len(failed)} member(s), and the type is not enabled yet: "
            f"{'; '.join(error.message.split(' Next: ', maxsplit=1)[0].rstrip('.') for error in failed)}. Next: give this context's user "
            "the right to make CRDs there, or install it there yourself, then run this again.",
            code="members",
        )
