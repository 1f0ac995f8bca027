# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a join or unjoin has to do, from each state that a cluster can be in."""

from __future__ import annotations

import base64
import copy
import json
from dataclasses import replace
from typing import Any, Callable

import pytest

from ansible_collections.edgefed.kubefed.plugins.module_utils.member import plan
from ansible_collections.edgefed.kubefed.plugins.module_utils.member.desired import (
    CREDENTIALS,
    Manifest,
    Ref,
    Wanted,
    Wish,
    host_objects,
    member_objects,
    refs,
)
from ansible_collections.edgefed.kubefed.plugins.module_utils.member.names import Names
from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import EdgefedError

NAMES = Names("zj", "local", "kube-federation-system")
WHERE = refs(NAMES)
TOKEN = b"a-secret-token"
WISH = Wish(NAMES, "Cluster", "https://10.0.0.7:6443", ca=b"CA", labels={"site": "factory"})
Objects = dict[Ref, Manifest]


def wanted(wish: Wish = WISH, token: bytes | None = TOKEN) -> list[Wanted]:
    """Everything that a join wants."""
    return [*member_objects(wish, WHERE), *host_objects(wish, WHERE, token, b"own CA")]


def joined() -> Objects:
    """Both clusters after a join, as their API servers give it back."""
    empty: Objects = {}
    objects = {change.ref: copy.deepcopy(change.body or {}) for change in plan.plan_present(empty, wanted()).changes}
    for number, live in enumerate(objects.values()):
        live["metadata"] |= {"uid": f"uid-{number}", "resourceVersion": "7"}
        labels = {f"f:{key}": {} for key in live["metadata"].get("labels", {})}
        fields = {"f:metadata": {"f:labels": labels}}
        live["metadata"]["managedFields"] = [{"manager": "edgefed", "operation": "Apply", "fieldsV1": fields}]
    secret = objects[WHERE.token]
    secret["data"] = {"token": base64.b64encode(TOKEN).decode(), "ca.crt": base64.b64encode(b"own CA").decode()}
    secret["metadata"]["annotations"]["kubernetes.io/service-account.uid"] = objects[WHERE.service_account]["metadata"]["uid"]
    return objects


def steps(current: Objects, wish: Wish = WISH) -> list[tuple[str, str]]:
    """The plan, short."""
    return [(change.action, str(change.ref)) for change in plan.plan_present(current, wanted(wish)).changes]


def test_from_nothing() -> None:
    """Everything is made, the KubeFedCluster last: until then nothing uses what is half made."""
    made = plan.plan_present({}, wanted()).changes
    assert [change.action for change in made] == ["create"] * 7
    assert made[0].ref == WHERE.namespace
    assert made[-1].ref == WHERE.cluster


def test_joined_is_a_fixed_point() -> None:
    """Again changes nothing, and the diff is empty."""
    found = plan.plan_present(joined(), wanted())
    assert found.changes == []
    assert found.before == found.after


@pytest.mark.parametrize("ref", wanted(), ids=lambda want: str(want.ref))
def test_each_missing_object_is_made(ref: Wanted) -> None:
    """And a namespace takes with it what lay in it; an account its token."""
    current = joined()
    del current[ref.ref]
    done = steps(current)
    assert ("create", str(ref.ref)) in done
    expected = {ref.ref}
    if ref.ref == WHERE.namespace:
        expected |= {WHERE.service_account, WHERE.token}
    if ref.ref == WHERE.service_account:
        expected.add(WHERE.token)
    assert {name for _, name in done} == {str(one) for one in expected}


@pytest.mark.parametrize("ref", wanted(), ids=lambda want: str(want.ref))
def test_each_object_in_deletion_is_waited_for_and_made_again(ref: Wanted) -> None:
    """A write to it would be lost."""
    current = joined()
    current[ref.ref]["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    done = dict(map(reversed, steps(current)))  # type: ignore[arg-type]
    assert done[str(ref.ref)] == "replace"
    if ref.ref == WHERE.namespace:
        assert done[str(WHERE.service_account)] == "create"


def set_at(path: str, value: Any) -> Callable[[Manifest], None]:
    """Sets a field of an object."""

    def change(obj: Manifest) -> None:
        *parents, last = path.split("/")
        for key in parents:
            obj = obj[key]
        obj[last] = value

    return change


WRONG = [
    (WHERE.service_account, set_at("automountServiceAccountToken", True), "update"),
    (WHERE.cluster_role, set_at("rules", []), "update"),
    (WHERE.cluster_binding, set_at("subjects", []), "update"),
    (WHERE.cluster_binding, set_at("roleRef/name", "view"), "replace"),
    (WHERE.token, set_at("type", "Opaque"), "replace"),
    (WHERE.token, lambda obj: obj["metadata"]["annotations"].update({"kubernetes.io/service-account.name": "other"}), "replace"),
    (WHERE.token, lambda obj: obj["metadata"]["annotations"].update({"kubernetes.io/service-account.uid": "older"}), "replace"),
    (WHERE.secret, set_at("data/token", base64.b64encode(b"stale").decode()), "update"),
    (WHERE.secret, set_at("type", "example.com/other"), "replace"),
    (WHERE.cluster, set_at("spec/apiEndpoint", "https://127.0.0.1:1"), "update"),
    (WHERE.cluster, set_at("spec/caBundle", base64.b64encode(b"wrong").decode()), "update"),
    (WHERE.cluster, set_at("spec/disabledTLSValidations", ["*"]), "update"),
    (WHERE.cluster, set_at("spec/secretRef/name", "elsewhere"), "update"),
    (WHERE.cluster, set_at("metadata/labels", {}), "update"),
    (WHERE.cluster, set_at("metadata/annotations", {}), "update"),
]


@pytest.mark.parametrize(("ref", "spoil", "action"), WRONG)
def test_what_is_wrong_is_corrected(ref: Ref, spoil: Callable[[Manifest], None], action: str) -> None:
    """In one step, and merging that step into what is there is a fixed point."""
    current = joined()
    spoil(current[ref])
    found = plan.plan_present(current, wanted())
    assert [(change.action, change.ref) for change in found.changes] == [(action, ref)]
    if action == "update":
        current[ref] = plan.merged(current[ref], found.changes[0].body or {})
        assert steps(current) == []


def test_others_labels_stay_and_ours_go() -> None:
    """A label that we set and that is no longer wished goes, unless somebody else set it too."""
    current = joined()
    meta = current[WHERE.cluster]["metadata"]
    meta["labels"] |= {"theirs": "1", "ours": "1", "both": "1"}
    meta["managedFields"][0]["fieldsV1"]["f:metadata"]["f:labels"] |= {"f:ours": {}, "f:both": {}}
    theirs = {"f:metadata": {"f:labels": {"f:theirs": {}, "f:both": {}}}}
    meta["managedFields"].append({"manager": "kubectl", "operation": "Update", "fieldsV1": theirs})
    found = plan.plan_present(current, wanted())
    assert [change.action for change in found.changes] == ["update"]
    labels = found.after[f"host: {WHERE.cluster}"]["metadata"]["labels"]
    assert set(labels) == {"site", "app.kubernetes.io/managed-by", "theirs", "both"}


def test_what_another_tool_made_is_adopted_without_a_write() -> None:
    """But for the KubeFedCluster, which says from then on that it is ours."""
    current = joined()
    for live in current.values():
        del live["metadata"]["labels"], live["metadata"]["managedFields"]
        keep = "kubernetes.io/"
        notes = {key: value for key, value in live["metadata"].get("annotations", {}).items() if key.startswith(keep)}
        live["metadata"]["annotations"] = notes
    assert steps(current) == [("update", str(WHERE.cluster))]


def test_no_secret_in_the_diff() -> None:
    """Tokens and certificates are fingerprints; what kubectl keeps of an applied object is left out."""
    current = joined()
    current[WHERE.secret]["metadata"]["annotations"]["kubectl.kubernetes.io/last-applied-configuration"] = TOKEN.decode()
    current[WHERE.secret]["data"]["token"] = base64.b64encode(b"stale-secret").decode()
    found = plan.plan_present(current, wanted())
    shown = json.dumps([found.before, found.after])
    for secret in (TOKEN, b"stale-secret", b"own CA"):
        assert secret.decode() not in shown
        assert base64.b64encode(secret).decode() not in shown
    assert found.before != found.after


def test_token_unknown_until_made() -> None:
    """What depends on it is planned all the same."""
    current = joined()
    del current[WHERE.token]
    found = plan.plan_present(current, wanted(token=None))
    assert [change.ref for change in found.changes] == [WHERE.token, WHERE.secret, WHERE.cluster]
    assert found.after[f"host: {WHERE.secret}"]["data"]["token"] == "(known after the join)"


@pytest.mark.parametrize(
    ("spoil", "ref", "expected", "elsewhere"),
    [
        (set_at("metadata/labels", {"site": "other"}), WHERE.cluster, False, False),
        (set_at("spec/apiEndpoint", "https://127.0.0.1:1"), WHERE.cluster, True, True),
        (lambda obj: obj["metadata"]["annotations"].update({CREDENTIALS: "sha256:other"}), WHERE.cluster, True, False),
        (lambda obj: obj["metadata"]["annotations"].pop(CREDENTIALS), WHERE.cluster, False, False),
        (set_at("data/token", base64.b64encode(b"stale").decode()), WHERE.secret, True, False),
    ],
)
def test_when_only_a_later_probe_counts(spoil: Callable[[Manifest], None], ref: Ref, expected: bool, elsewhere: bool) -> None:
    """Another label doesn't make the controller connect in another way; an address, a CA, a token does, and the first two elsewhere."""
    current = joined()
    spoil(current[ref])
    found = plan.plan_present(current, wanted())
    assert found.changes
    assert plan.reconnects(current[WHERE.cluster], found.changes) is expected
    assert plan.readdressed(current[WHERE.cluster], found.changes) is elsewhere


def test_absent() -> None:
    """The host cluster first, its secret before the object that names it; rights before the account; then nothing."""
    current = joined()
    order = plan.removal_order(WHERE, [WHERE.secret])
    found = plan.plan_absent(current, order)
    assert [change.ref for change in found.changes] == [
        WHERE.secret,
        WHERE.cluster,
        WHERE.cluster_binding,
        WHERE.cluster_role,
        WHERE.token,
        WHERE.service_account,
    ]
    assert found.after == {}
    assert plan.plan_absent({}, order).changes == []
    for live in current.values():
        live["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    assert plan.plan_absent(current, order).changes == []


def test_the_same_account_name_of_another_join() -> None:
    """zj-a + local and zj + a-local are one service account: both joins are named."""
    current = joined()
    current[WHERE.service_account]["metadata"]["annotations"] |= {"edgefed.io/host-cluster": "b-local", "edgefed.io/cluster": "z"}
    with pytest.raises(EdgefedError, match=r"'z' of host cluster 'b-local'.*'zj' of host cluster 'local'"):
        plan.refuse_other_join(current, WHERE, NAMES)
    plan.refuse_other_join(joined(), WHERE, NAMES)
    plan.refuse_other_join({}, WHERE, NAMES)


def test_a_foreign_secret_is_not_overwritten() -> None:
    """Unless a KubeFedCluster names it, or we made it."""
    current = joined()
    plan.refuse_foreign_secret(current, WHERE, NAMES)
    current[WHERE.secret]["metadata"]["labels"] = {}
    plan.refuse_foreign_secret(current, WHERE, NAMES)
    del current[WHERE.cluster]
    with pytest.raises(EdgefedError, match="zj-credentials"):
        plan.refuse_foreign_secret(current, WHERE, NAMES)


def jwt(subject: str) -> str:
    """A token as it lies in a secret."""
    claims = base64.urlsafe_b64encode(json.dumps({"sub": subject}).encode()).rstrip(b"=").decode()
    return base64.b64encode(f"e30.{claims}.c2ln".encode()).decode()


def test_orphans() -> None:
    """Only what kubefedctl generated for this cluster, with this join's token, and that nothing names."""
    mine = jwt(NAMES.token_subject)

    def secret(name: str, generate: str | None = "zj-", token: str = mine) -> Manifest:
        return {"metadata": {"name": name, "generateName": generate}, "data": {"token": token}}

    secrets = [
        secret("zj-bbbbb"),
        secret("zj-aaaaa"),
        secret("zj-used1"),
        secret("zj-other", token=jwt("system:serviceaccount:kube-federation-system:zj-other")),
        secret("zj-plain", generate=None),
        secret("zj-x-abcde", generate="zj-x-"),
        secret("zj-empty", token=""),
        secret("zj-nojwt", token=base64.b64encode(b"abc").decode()),
        secret("zj-list1", token=base64.b64encode(b"a.W10.c").decode()),
    ]
    assert plan.orphaned_secrets(secrets, NAMES, "zj-used1") == ["zj-aaaaa", "zj-bbbbb"]


@pytest.mark.parametrize(
    ("meta", "expected"),
    [
        ({}, False),
        ({"annotations": {"edgefed.io/host-cluster": "local"}}, True),
        ({"managedFields": [{"manager": "kubefedctl", "time": "2"}]}, True),
        ({"managedFields": [{"manager": "kubectl-create", "time": "1"}, {"manager": "kubefedctl", "time": "2"}]}, False),
        ({"managedFields": [{"manager": "helm", "time": "1"}]}, False),
    ],
)
def test_who_made_the_namespace(meta: Manifest, expected: bool) -> None:
    """By our annotation, or by who wrote it first."""
    assert plan.made_by_join({"metadata": meta}) is expected


@pytest.mark.parametrize(
    ("plural", "meta", "foreign"),
    [
        ("serviceaccounts", {"name": "default"}, False),
        ("serviceaccounts", {"name": "zj-local"}, False),
        ("serviceaccounts", {"name": "app"}, True),
        ("configmaps", {"name": "kube-root-ca.crt"}, False),
        ("configmaps", {"name": "settings"}, True),
        ("secrets", {"name": "default-token-x", "annotations": {"kubernetes.io/service-account.name": "default"}}, False),
        ("secrets", {"name": "db"}, True),
        ("rolebindings", {"name": "system:image-pullers"}, False),
        ("roles", {"name": "kubefed-controller-manager:zj-local"}, False),
        ("deployments", {"name": "zj-local"}, True),
        ("pods", {"name": "going", "deletionTimestamp": "2026-01-01T00:00:00Z"}, False),
    ],
)
def test_what_keeps_a_namespace(plural: str, meta: Manifest, foreign: bool) -> None:
    """Everything but what each namespace has, what the join made, and what is going anyway."""
    assert bool(plan.foreign_names(plural, [{"metadata": meta}], WHERE.of_member(None))) is foreign


def test_no_credentials_of_an_address_are_shown() -> None:
    """Neither the proxy's that was there nor the one that is wanted."""
    current = joined()
    current[WHERE.cluster]["spec"] |= {"proxyURL": "http://me:old-hunter2@proxy:3128", "apiEndpoint": "https://me:hunter2@10.0.0.7:6443"}
    found = plan.plan_present(current, wanted(replace(WISH, proxy_url="http://me:new-hunter2@proxy:3128")))
    assert [str(change.ref) for change in found.changes] == [str(WHERE.cluster)]
    assert (found.changes[0].body or {})["spec"]["proxyURL"] == "http://me:new-hunter2@proxy:3128"
    shown = [found.before[f"host: {WHERE.cluster}"]["spec"], found.after[f"host: {WHERE.cluster}"]["spec"]]
    assert [one["proxyURL"] for one in shown] == ["http://proxy:3128"] * 2
    assert [one["apiEndpoint"] for one in shown] == ["https://10.0.0.7:6443"] * 2
    assert "hunter2" not in json.dumps([found.before, found.after])
