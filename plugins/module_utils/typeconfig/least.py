# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What members with least credentials let KubeFed do, as the enabled types need it: more before one is enabled, less after one went.

The role and its rules are those of a join, by the same code, so that a later join has nothing to change.
"""

from __future__ import annotations

from dataclasses import dataclass

from ansible_collections.edgefed.kubefed.plugins.module_utils.client import ApiError
from ansible_collections.edgefed.kubefed.plugins.module_utils.member import plan as joining
from ansible_collections.edgefed.kubefed.plugins.module_utils.member.desired import HOST_CLUSTER, Ref, Wish, member_objects, refs
from ansible_collections.edgefed.kubefed.plugins.module_utils.member.names import Names
from ansible_collections.edgefed.kubefed.plugins.module_utils.member.objects import carry_out, path_of
from ansible_collections.edgefed.kubefed.plugins.module_utils.member.rights import least_rules
from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import EdgefedError
from ansible_collections.edgefed.kubefed.plugins.module_utils.typeconfig.desired import Object
from ansible_collections.edgefed.kubefed.plugins.module_utils.typeconfig.plan import Change, Plan
from ansible_collections.edgefed.kubefed.plugins.module_utils.typeconfig.session import Session, State, is_ready


@dataclass
class Seen:
    """A member with least credentials, and its role; or one of which that cannot be seen, and ``why``.

    ``own``: only KubeFed's token leads there, which is not allowed to look at, or change, what it is allowed.
    ``made``: this run changed the role, not another at the same time.
    """

    cluster: Object
    names: Names
    scope: str
    role: Object | None = None
    why: str = ""
    own: bool = False
    made: bool = False

    @property
    def name(self) -> str:
        """The cluster's name."""
        return self.names.cluster

    @property
    def ref(self) -> Ref:
        """Where its role lies."""
        where = refs(self.names)
        return where.role if self.scope == "Namespaced" else where.cluster_role

    def plan(self, configs: list[Object]) -> joining.Plan:
        """What makes the role as a join would make it for these types."""
        wish = Wish(self.names, self.scope, "", credentials="least", types=tuple(configs))
        wanted = [want for want in member_objects(wish, refs(self.names)) if want.ref == self.ref]
        return joining.plan_present({self.ref: self.role} if self.role else {}, wanted)


def look(session: Session, state: State) -> list[Seen]:
    """The members with least credentials, side by side, one request for each that edgefed joined."""
    found = session.host.each(lambda cluster: _look_at(session, cluster, _scope(state)), state.clusters)
    return [one for one in found if one]


def _scope(state: State) -> str:
    return "Namespaced" if state.limited else "Cluster"


def _look_at(session: Session, cluster: Object, scope: str) -> Seen | None:
    meta = cluster["metadata"]
    host_cluster = (meta.get("annotations") or {}).get(HOST_CLUSTER)
    if not host_cluster:
        return None
    seen = Seen(cluster, Names(meta["name"], host_cluster, session.host.namespace), scope)
    try:
        live = session.member(cluster).find(path_of(seen.ref))
    except EdgefedError as error:
        return _unseen(session, seen, error)
    if live is None or joining.leaving(live) or not joining.is_least(live):
        return None
    seen.role = live
    return seen


def _unseen(session: Session, seen: Seen, error: EdgefedError) -> Seen | None:
    subject = session.subjects.get(seen.name)
    if isinstance(error, ApiError) and error.status == 403 and subject is not None:
        if subject != seen.names.token_subject:
            # a token of the user's own, with rights of the user's own
            return None
        seen.own = True
        seen.why = "the kubeconfig has no context of that name, and KubeFed's own token may not change what it is allowed"
    else:
        seen.why = error.without_next
    return seen


def with_config(configs: list[Object], name: str, config: Object | None) -> list[Object]:
    """The types once the one of that name is ``config``, or is gone."""
    return [item for item in configs if item["metadata"]["name"] != name] + ([config] if config else [])


def note(plan: Plan, seen: list[Seen], configs: list[Object]) -> None:
    """Enter the roles into the plan."""
    for one in seen:
        if one.role:
            found = one.plan(configs)
            change = Change("update", one.name, one.ref.kind, one.ref.name) if found.changes else None
            (before,), (after,) = found.before.values(), found.after.values()
            plan.step(change, before, after, f"{one.name}: {one.ref.kind} {one.ref.name}")


def made(plan: Plan, seen: list[Seen]) -> list[Change]:
    """The roles that this run changed as planned."""
    names = {one.name for one in seen if one.made}
    return [change for change in plan.changes if change.cluster in names and change.kind in ("ClusterRole", "Role")]


def refuse(seen: list[Seen], name: str, before: list[Object], after: list[Object]) -> list[str]:
    """Raise :class:`EdgefedError` where a member cannot be given what KubeFed needs for the type; gives warnings about those of which it
    cannot be seen. ``before`` and ``after`` are the types: where the same follows from both nothing is said."""
    blind = [one for one in seen if one.why and least_rules(before, one.scope) != least_rules(after, one.scope)]
    without = [one.name for one in blind if one.own and is_ready(one.cluster)]
    if without and _widens(blind[0].scope, before, after):
        raise EdgefedError(
            f'"{name}" was not enabled, since a ready member that does not allow it stops KubeFed from propagating it to any: '
            f"credentials are least in {_listed(without)}, the kubeconfig has no context of that name, and KubeFed's own token may not "
            "change what it is allowed. Next: bring the context into the kubeconfig (playbooks/kubeconfig.yml), then run this again.",
            code="members",
            details={"members": without},
        )
    return _told(blind, name, before, after)


def _widens(scope: str, before: list[Object], after: list[Object]) -> bool:
    """Whether something is allowed after that was not before."""

    def allowed(configs: list[Object]) -> set[tuple[str, str]]:
        return {(rule["apiGroups"][0], plural) for rule in least_rules(configs, scope) for plural in rule["resources"]}

    return not allowed(after) <= allowed(before)


def _told(blind: list[Seen], name: str, before: list[Object], after: list[Object]) -> list[str]:
    if not blind:
        return []
    names = [one.name for one in blind]
    causes = "; ".join(f'"{one.name}": {one.why}' for one in blind)
    effect = "KubeFed keeps rights there that it does not need any more"
    if _widens(blind[0].scope, before, after):
        effect = f"KubeFed propagates {name} to no cluster any more as soon as it finds such a member ready"
    return [
        f"What {_listed(names)} let(s) KubeFed do cannot be seen, and was left as it is ({causes}). Where the credentials are least, "
        f"{effect}. Next: join.yml --limit {','.join(names)}, when they can be reached by a context in the kubeconfig."
    ]


def _listed(names: list[str]) -> str:
    return f"cluster(s) {', '.join(names)}"


def widen(session: Session, seen: list[Seen], name: str, configs: list[Object]) -> list[str]:
    """Make the roles fit ``configs`` before the type starts. Raises :class:`EdgefedError` where one fails in a ready member; gives warnings
    about the others."""
    failed = _carry(session, seen, configs)
    ready = [one for one in failed if is_ready(one.cluster)]
    if ready:
        raise EdgefedError(
            f'"{name}" was not enabled, since a ready member that does not allow it stops KubeFed from propagating it to any: '
            f"{'; '.join(one.why for one in ready)}. Next: make it reachable, or give this context's user the right to change "
            f"{ready[0].ref.kind}s there, then run this again.",
            code="members",
            details={"members": [one.name for one in ready]},
        )
    return _left(failed)


def follow(session: Session, seen: list[Seen]) -> list[str]:
    """Make the roles fit the types as they are now, also by the hand of others meanwhile; gives warnings."""
    if not any(one.role for one in seen):
        return []
    return _left(_carry(session, seen, list(session.client.list(session.own("federatedtypeconfigs")))))


def _left(failed: list[Seen]) -> list[str]:
    return [f"{one.ref} was left as it is: {one.why}. Next: join.yml --limit {one.name}, when it can be changed." for one in failed]


def _carry(session: Session, seen: list[Seen], configs: list[Object]) -> list[Seen]:
    """All members side by side; those that failed."""

    def apply(one: Seen) -> bool:
        try:
            for change in one.plan(configs).changes:
                mine, one.role = carry_out(session.member(one.cluster), change, int(session.wait_timeout))
                one.made = one.made or mine
        except EdgefedError as error:
            one.why = error.without_next
            return False
        return True

    todo = [one for one in seen if one.role]
    return [one for one, done in zip(todo, session.host.each(apply, todo)) if not done]
