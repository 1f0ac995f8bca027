# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Our entries put into a kubeconfig that others use, taken out again, and shown without a secret."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from certificates import NOW, pair

from ansible_collections.edgefed.kubefed.plugins.module_utils.kubeconfig.diff import diff_of
from ansible_collections.edgefed.kubefed.plugins.module_utils.kubeconfig.merge import Plan, merge_files, place, remove
from ansible_collections.edgefed.kubefed.plugins.module_utils.kubeconfig.model import Entry, Kubeconfig, parse
from ansible_collections.edgefed.kubefed.plugins.module_utils.kubeconfig.take import Source, Taken, Wishes, take
from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import EdgefedError

DEST = "/home/me/.kube/config"
SECRETS = ("tok-hunter2", "pass-hunter2", "exec-hunter2", "oidc-hunter2", "proxy-hunter2")
OTHERS = parse(
    """
current-context: mine
preferences: {colors: true}
clusters: [{name: mine, cluster: {server: "https://mine"}}]
users: [{name: mine, user: {token: their-own}}]
contexts: [{name: mine, context: {cluster: mine, user: mine}}]
""",
    DEST,
)


def one(name: str = "edge1", label: str = "edge1:/admin.conf", user: dict[str, Any] | None = None, **cluster: Any) -> Taken:
    """A cluster, taken."""
    given = {
        "current-context": "k",
        "clusters": [{"name": "k", "cluster": {"server": "https://10.0.0.1", **cluster}}],
        "users": [{"name": "k", "user": {"token": "tok-hunter2"} if user is None else user}],
        "contexts": [{"name": "k", "context": {"cluster": "k", "user": "k"}}],
    }
    return take(Source(parse(json.dumps(given), label), label), Wishes(name), NOW)


def names(kubeconfig: Kubeconfig) -> list[list[str]]:
    """Clusters, users, contexts."""
    return [list(section) for section in (kubeconfig.clusters, kubeconfig.users, kubeconfig.contexts)]


def test_placed_beside_others_which_stay() -> None:
    plan = place(OTHERS, one(), DEST)
    assert plan.changed
    assert names(plan.after) == [["mine", "edge1"]] * 3
    assert replace(plan.after, clusters={}, users={}, contexts={}) == replace(OTHERS, clusters={}, users={}, contexts={})
    assert plan.after.users["mine"] == OTHERS.users["mine"]
    assert not place(plan.after, one(), DEST).changed


def test_the_same_origin_is_updated() -> None:
    renewed = one(user={"token": "renewed"})
    plan = place(place(OTHERS, one(), DEST).after, renewed, DEST)
    assert plan.changed
    assert plan.after.users["edge1"].body["token"] == "renewed"


def test_current_context_only_when_asked() -> None:
    assert place(OTHERS, one(), DEST).after.current_context == "mine"
    assert place(OTHERS, one(), DEST, set_current=True).after.current_context == "edge1"


@pytest.mark.parametrize("section", ["clusters", "users", "contexts"])
def test_what_others_own_is_refused_and_named(section: str) -> None:
    kind = section.removesuffix("s")
    theirs = replace(OTHERS, **{section: {"edge1": Entry("edge1", {})}})
    with pytest.raises(EdgefedError) as caught:
        place(theirs, one(), DEST)
    assert caught.value.code == "foreign"
    assert f"{DEST} already has a {kind} 'edge1', which this collection did not write" in caught.value.message
    assert (
        f"Nothing was written. Next: rename or delete it (kubectl config --kubeconfig {DEST} delete-{kind} edge1)" in caught.value.message
    )


def test_another_origin_is_refused_and_named() -> None:
    current = place(OTHERS, one(label="edge1:/old.conf"), DEST).after
    with pytest.raises(EdgefedError) as caught:
        place(current, one(), DEST)
    assert "which came from context 'k' of edge1:/old.conf, inventory host edge1" in caught.value.message
    assert "kubeconfig_state=absent for this host, then again" in caught.value.message
    assert caught.value.details["origin"]["source"] == "edge1:/old.conf"


def test_removed_and_others_stay() -> None:
    plan = remove(place(OTHERS, one(), DEST).after, "edge1", DEST)
    assert plan.after == OTHERS
    assert plan.warnings == []
    again = remove(plan.after, "edge1", DEST)
    assert (again.changed, again.warnings) == (False, [])


def test_removed_when_our_origin_changed_since() -> None:
    """The host is ours whatever it was read from."""
    current = place(OTHERS, one(label="edge1:/old.conf"), DEST).after
    assert remove(current, "edge1", DEST).after == OTHERS


def test_what_others_own_or_use_stays_with_a_warning() -> None:
    plan = remove(OTHERS, "mine", DEST)
    assert not plan.changed
    assert len(plan.warnings) == 3
    used = place(OTHERS, one(), DEST).after
    used = replace(used, contexts={**used.contexts, "theirs": Entry("theirs", {"cluster": "edge1", "user": "mine"})})
    plan = remove(used, "edge1", DEST)
    assert names(plan.after) == [["mine", "edge1"], ["mine"], ["mine", "theirs"]]
    assert plan.warnings == [f"{DEST}: the cluster 'edge1' stays, since the context theirs uses it."]


def test_current_context_that_is_gone() -> None:
    current = place(OTHERS, one(), DEST, set_current=True).after
    plan = remove(current, "edge1", DEST)
    assert plan.after.current_context == "edge1"
    assert "current-context is still 'edge1', which is gone" in plan.warnings[0]
    assert remove(current, "edge1", DEST, set_current=True).after.current_context == ""


def test_several_files_the_first_wins() -> None:
    files = [Kubeconfig(), OTHERS, place(OTHERS, one(user={"token": "later"}), DEST).after, replace(OTHERS, current_context="later")]
    merged = merge_files(files)
    assert names(merged) == [["mine", "edge1"]] * 3
    assert merged.current_context == "mine"


def shown(plan: Plan, name: str = "edge1") -> str:
    """The diff as one text, without any secret."""
    text = json.dumps(diff_of(plan, name, DEST))
    for secret in (*SECRETS, pair("admin").key_data, pair("admin").certificate_data):
        assert secret not in text
    return text


def test_the_diff_has_what_is_no_secret() -> None:
    admin = pair("admin")
    user = {
        "client-certificate-data": admin.certificate_data,
        "client-key-data": admin.key_data,
        "token": "tok-hunter2",
        "username": "root",
        "password": "pass-hunter2",
        "exec": {"command": "aws", "args": ["exec-hunter2"]},
        "auth-provider": {"name": "oidc", "config": {"id-token": "oidc-hunter2"}},
        "as-user-extra": {"a": ["tok-hunter2"]},
    }
    text = shown(place(OTHERS, one(user=user, **{"proxy-url": "http://me:proxy-hunter2@proxy:3128"}), DEST))
    for seen in ("https://10.0.0.1", "CN=admin, expires", "username: root", "password: (not shown)", "command: aws", "http://proxy:3128"):
        assert json.dumps(seen)[1:-1] in text.replace('\\"', "")
    assert "their-own" not in text


def test_the_diff_tells_a_changed_secret_apart() -> None:
    before = place(OTHERS, one(user={"password": "pass-hunter2", "token": "a"}), DEST).after
    diff = diff_of(place(before, one(user={"password": "new", "token": "b"}), DEST), "edge1", DEST)
    assert ("(not shown, changed)" in diff["before"], "(not shown, changed)" in diff["after"]) == (False, True)
    assert diff["before"].count("sha256:") == diff["after"].count("sha256:") == 1
    assert diff["before"] != diff["after"]
    assert diff["before_header"] == f"{DEST} (edge1)"


def test_the_diff_tells_a_changed_password_of_the_proxy() -> None:
    proxy = "http://me:{}@proxy:3128"
    before = place(OTHERS, one(**{"proxy-url": proxy.format("proxy-hunter2")}), DEST).after
    plan = place(before, one(**{"proxy-url": proxy.format("newer-hunter2")}), DEST)
    diff = diff_of(plan, "edge1", DEST)
    assert "hunter2" not in diff["before"] + diff["after"]
    changed = set(diff["after"].splitlines()) - set(diff["before"].splitlines())
    assert [line.strip().replace(chr(34), "") for line in changed] == ["proxy-url: http://proxy:3128 (credentials not shown, changed)"]


def test_the_diff_of_no_change_is_none() -> None:
    current = place(OTHERS, one(), DEST).after
    diff = diff_of(place(current, one(), DEST), "edge1", DEST)
    assert diff["before"] == diff["after"]
