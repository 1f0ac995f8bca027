# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Members with least credentials: which they are, and what a type that comes or goes does to their role."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.edgefed.kubefed.plugins.module_utils.member import plan as joining
from ansible_collections.edgefed.kubefed.plugins.module_utils.member.desired import MANAGED_BY, Wish, member_objects, refs
from ansible_collections.edgefed.kubefed.plugins.module_utils.member.names import Names
from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import EdgefedError
from ansible_collections.edgefed.kubefed.plugins.module_utils.typeconfig import least
from ansible_collections.edgefed.kubefed.plugins.module_utils.typeconfig.plan import Plan

Object = dict[str, Any]
OURS = {"manager": "edgefed", "operation": "Apply", "fieldsV1": {"f:rules": {}, "f:metadata": {}}}
THEIRS = {**OURS, "manager": "kubectl"}


def config(plural: str, propagation: str = "Enabled") -> Object:
    """A FederatedTypeConfig."""
    target = {"pluralName": plural, "scope": "Namespaced", "version": "v1", "kind": plural.title()}
    return {"metadata": {"name": plural}, "spec": {"propagation": propagation, "targetType": target}}


SECRETS, JOBS = config("secrets"), config("jobs")


def joined(scope: str, credentials: str, configs: list[Object], written: Object | None = None) -> Object:
    """The role as a join leaves it in the member."""
    names = Names("zj", "local", "kube-federation-system")
    where = refs(names)
    wish = Wish(names, scope, "x", credentials=credentials, types=tuple(configs))
    kept = (where.role, where.cluster_role)
    (change,) = joining.plan_present({}, [want for want in member_objects(wish, where) if want.ref in kept]).changes
    body = change.body or {}
    return {**body, "metadata": {**body["metadata"], "managedFields": [written or OURS]}}


def seen(configs: list[Object], scope: str = "Cluster", ready: bool = True, **options: Any) -> least.Seen:
    """zj, with the rights for these types."""
    cluster = {"metadata": {"name": "zj"}, "status": {"conditions": [{"type": "Ready", "status": "True" if ready else "False"}]}}
    role = None if options.get("why") else joined(scope, "least", configs)
    return least.Seen(cluster, Names("zj", "local", "kube-federation-system"), scope, role, **options)


@pytest.mark.parametrize(
    ("credentials", "labels", "written", "expected"),
    [
        ("least", MANAGED_BY, OURS, True),
        ("least", MANAGED_BY, THEIRS, True),
        ("least", {}, OURS, True),
        ("least", {}, THEIRS, False),
        ("least", {}, {**OURS, "fieldsV1": {"f:metadata": {}}}, False),
        ("full", MANAGED_BY, OURS, False),
    ],
)
@pytest.mark.parametrize("scope", ["Cluster", "Namespaced"])
def test_is_least(scope: str, credentials: str, labels: dict[str, str], written: Object, expected: bool) -> None:
    """By its label, or by who wrote its rules, also after somebody changed them; a narrow role of somebody's own stays as it is."""
    role = joined(scope, credentials, [SECRETS], written)
    assert joining.is_least({**role, "metadata": {**role["metadata"], "labels": labels}}) is expected


@pytest.mark.parametrize(
    ("before", "after", "changed"),
    [
        ([SECRETS], [SECRETS, JOBS], True),
        ([SECRETS, JOBS], [SECRETS], True),
        ([SECRETS, JOBS], [SECRETS, config("jobs", "Disabled")], True),
        ([SECRETS], [SECRETS], False),
        ([SECRETS], [SECRETS, config("jobs", "Disabled")], False),
    ],
)
@pytest.mark.parametrize("scope", ["Cluster", "Namespaced"])
def test_role_follows(scope: str, before: list[Object], after: list[Object], changed: bool) -> None:
    """To the very rules of a join, which has nothing to change then."""
    plan, one = Plan(), seen(before, scope)
    least.note(plan, [one], after)
    title = f"zj: {one.ref.kind} {one.ref.name}"
    assert [change.describe() for change in plan.changes] == (
        [{"action": "update", "cluster": "zj", "kind": one.ref.kind, "name": one.ref.name}] if changed else []
    )
    assert plan.after[title]["rules"] == joined(scope, "least", after)["rules"]
    assert (plan.before == plan.after) is not changed
    assert least.made(plan, [one]) == []
    one.made = changed
    assert least.made(plan, [one]) == plan.changes
    one.role = joined(scope, "least", after)
    assert one.plan(after).changes == []


OWN = {"why": "KubeFed's own token may not", "own": True}
DEAD = {"why": "cannot reach it"}


def test_refused_where_only_kubefeds_token_leads() -> None:
    """A ready member that cannot be given the right would stop the type everywhere."""
    with pytest.raises(EdgefedError) as raised:
        least.refuse([seen([SECRETS], **OWN)], "jobs.batch", [SECRETS], [SECRETS, JOBS])
    assert raised.value.code == "members" and raised.value.details == {"members": ["zj"]}
    assert '"jobs.batch" was not enabled' in raised.value.message and "Next: bring the context" in raised.value.message


@pytest.mark.parametrize(
    ("one", "before", "after", "said"),
    [
        (seen([SECRETS], ready=False, **OWN), [SECRETS], [SECRETS, JOBS], "to no cluster any more"),
        (seen([SECRETS], **DEAD), [SECRETS], [SECRETS, JOBS], "to no cluster any more"),
        (seen([SECRETS, JOBS], **OWN), [SECRETS, JOBS], [SECRETS], "keeps rights there"),
        (seen([SECRETS, JOBS], **DEAD), [SECRETS, JOBS], [SECRETS], "keeps rights there"),
        (seen([SECRETS], **OWN), [SECRETS], [SECRETS], ""),
        (seen([SECRETS], **DEAD), [SECRETS], [SECRETS, config("jobs", "Disabled")], ""),
        (seen([SECRETS]), [SECRETS], [SECRETS, JOBS], ""),
    ],
)
def test_warned_of(one: least.Seen, before: list[Object], after: list[Object], said: str) -> None:
    """Named, with the next step, and only where it matters for this type."""
    warnings = least.refuse([one], "jobs.batch", before, after)
    assert len(warnings) == bool(said)
    assert all(said in warning and '"zj"' in warning and "Next: join.yml --limit zj" in warning for warning in warnings)


def test_with_config() -> None:
    """The one of that name changes, comes or goes."""
    stopped = config("jobs", "Disabled")
    assert least.with_config([SECRETS, JOBS], "jobs", stopped) == [SECRETS, stopped]
    assert least.with_config([SECRETS], "jobs", JOBS) == [SECRETS, JOBS]
    assert least.with_config([SECRETS, JOBS], "jobs", None) == [SECRETS]
