# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A real member behind a fake of Rancher's proxy, from its kubeconfig to the join: by its direct address, or by a token of Rancher's."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Iterator

import pytest
import yaml
from integration.conftest import Lab
from integration.fake_rancher import FakeRancher, fake_rancher
from integration.one_member import REPOSITORY, Federation, actions, federation, recap, run_tasks
from integration.real_cluster import LOCAL, Outcome, run_playbook

from ansible_collections.edgefed.kubefed.plugins.module_utils.clusters.describe import credentials_of, describe, with_credentials

__all__ = ["federation", "run_tasks"]
pytestmark = pytest.mark.lab
KEY = "bcdfghjklmnpqrstvwxz2456789"
BOTH = [{"import_playbook": str(REPOSITORY / "playbooks" / name)} for name in ("kubeconfig.yml", "join.yml")]


def bodies_of(lab: Lab, context: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Cluster and user in the lab's kubeconfig."""
    document = yaml.safe_load(Path(lab.kubeconfig).read_text())
    found = [{one["name"]: one[kind] for one in document[f"{kind}s"]}[context] for kind in ("cluster", "user")]
    return found[0], found[1]


@pytest.fixture
def rancher(lab: Lab, tmp_path: Path) -> Iterator[FakeRancher]:
    """In front of zj."""
    (tmp_path / "rancher").mkdir()
    with fake_rancher(tmp_path / "rancher", *bodies_of(lab, "zj")) as fake:
        yield fake


def through_both(lab: Lab, folder: Path, *options: str, **zj: Any) -> Outcome:
    """kubeconfig.yml and join.yml with the lab's host cluster and zj."""
    local = {"kubeconfig_content": yaml.safe_load(Path(lab.kubeconfig).read_text()), "kubeconfig_context": "local"}
    groups = {"federation_host": {"hosts": {"local": local}}, "federation_members": {"hosts": {"zj": zj}}}
    return run_playbook(folder, {"all": {"vars": LOCAL, "children": groups}}, BOTH, *options)


def test_by_its_direct_address(federation: Federation, rancher: FakeRancher, tmp_path: Path) -> None:
    """Ansible goes on through the proxy, KubeFed gets the address past it; the same again changes nothing, another one is followed, and
    without one the join is refused."""
    direct, _ = bodies_of(federation.lab, "zj")
    direct = {key: direct[key] for key in ("server", "certificate-authority-data")}
    token = rancher.token("kubeconfig-u-abc", KEY)

    def run(*options: str, **endpoint: Any) -> Outcome:
        content = rancher.kubeconfig("shop", token, {**direct, **endpoint})
        return through_both(federation.lab, tmp_path, *options, kubeconfig_content=content, kubeconfig_rancher_cluster="shop")

    def dialled() -> str:
        found = federation.find("local", "kubefedcluster", "zj")
        assert describe(found)["ready"]
        return str(found["spec"]["apiEndpoint"])

    first = run("-vvvv", "--diff")
    assert first.status == 0, first.output
    assert dialled() == direct["server"] and KEY not in first.output
    merged = yaml.safe_load((tmp_path / ".edgefed" / "kubeconfig").read_text())
    assert {one["name"]: one["cluster"]["server"] for one in merged["clusters"]}["zj"] == rancher.server
    again = run()
    assert set(recap(again.output).values()) == {(0, 0)}, again.output
    moved = direct["server"].replace("127.0.0.1", "localhost")
    foretold = run("--check", "--limit", "zj", server=moved)
    assert recap(foretold.output)["zj"][0] >= 1 and dialled() == direct["server"]
    followed = run("--limit", "zj", server=moved)
    assert recap(followed.output)["zj"] == (2, 0) and dialled() == moved, followed.output
    alone = through_both(federation.lab, tmp_path, "--limit", "zj", kubeconfig_content=rancher.kubeconfig("shop", token))
    assert alone.status != 0 and "turn on its authorized cluster endpoint" in alone.said
    assert "rejects the tokens that a join makes" in alone.said and dialled() == moved


def test_by_a_token_of_ranchers(federation: Federation, rancher: FakeRancher, tmp_path: Path) -> None:
    """Through the proxy, by both playbooks: KubeFed finds the member ready with it, nothing is warned of that this answers, and its end is
    told, also to who only lists the clusters."""
    federation(state="absent", wait=True)
    ends = datetime.now(UTC) + timedelta(days=9, hours=1)
    token = rancher.token("kubeconfig-u-abc", KEY, ttl=864000000, expiresAt=f"{ends:%Y-%m-%dT%H:%M:%SZ}")
    content = rancher.kubeconfig("zj", token)
    given = {"kubeconfig_content": content, "member_credentials": "provided", "member_token": token}
    joined = through_both(federation.lab, tmp_path, "-vvvv", "--diff", **given)
    assert joined.status == 0, joined.output
    assert KEY not in joined.output and "authorized cluster endpoint" not in joined.said
    assert "The token that was provided for cluster 'zj' ends in 9 days" in joined.said
    cluster, secret = (federation.find("local", kind, name) for kind, name in (("kubefedcluster", "zj"), ("secret", "zj-credentials")))
    assert (cluster["spec"]["apiEndpoint"], describe(cluster)["ready"]) == (rancher.server, True)
    shown = with_credentials(describe(cluster), credentials_of(cluster, {"zj-credentials": secret}), datetime.now(UTC))
    one = shown["credentials"][0]
    assert (one["kind"], one["days_left"], one["problem"]) == ("token", 9, "")
    assert federation.find("zj", "serviceaccount", "zj-local") is None
    rancher.asked.clear()
    again = through_both(federation.lab, tmp_path, **given)
    assert set(recap(again.output).values()) == {(0, 0)}, again.output
    assert rancher.asked == ["kubeconfig-u-abc"]


def test_what_rancher_tells_of_a_token(federation: Federation, rancher: FakeRancher, run_tasks: Any, path: str) -> None:
    """Its end, that it has none, or nothing, which is said; what was told once is not forgotten when Rancher tells nothing."""
    federation(state="absent", wait=True)
    ends = f"{datetime.now(UTC) + timedelta(days=40, hours=1):%Y-%m-%dT%H:%M:%SZ}"
    tokens = [
        rancher.token("kubeconfig-u-abc", KEY, ttl=3456000000, expiresAt=ends),
        rancher.token("token-never", KEY, ttl=0, expiresAt=""),
        rancher.token("token-silent", KEY),
    ]
    del rancher.records["token-silent"]
    base = {"kubeconfig": federation.lab.kubeconfig, "context": "local", "name": "zj", "credentials": "provided", "wait": False}
    steps = [{**base, "member_kubeconfig": rancher.kubeconfig("zj", token), "token": token} for token in tokens]
    told = []
    for foretold, outcome in run_tasks(steps, path):
        assert not outcome.get("failed"), outcome["msg"]
        assert outcome["changes"] == foretold["changes"] and outcome["diff"]["after"] == foretold["diff"]["after"]
        assert KEY not in json.dumps(outcome)
        credentials = outcome["cluster"]["credentials"]
        told.append((credentials["expires"], credentials["days_left"], bool(credentials["problem"]), len(outcome.get("warnings") or [])))
    assert told == [(ends, 40, False, 0), ("", None, False, 0), ("", None, True, 1)]
    options = {"credentials": "provided", "token": tokens[0], "member_kubeconfig": steps[0]["member_kubeconfig"]}
    assert actions(federation(**options).data) == ["update Secret", "update KubeFedCluster"]
    rancher.records.clear()
    unsaid = federation(**options)
    assert not unsaid.changed and unsaid.data["cluster"]["credentials"]["days_left"] == 40
    rancher.records["kubeconfig-u-abc"] = {"expiresAt": "2023-11-14T22:13:20Z"}
    assert "ended at 2023-11-14" in federation.error(**options).message
    federation(state="absent", wait=True, member_kubeconfig=options["member_kubeconfig"])
