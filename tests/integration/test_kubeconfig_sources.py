# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Kubeconfigs that do not lie on a master: OpenShift's login, Cluster API's secret, Rancher's file; and other shapes of the field."""

from __future__ import annotations

import base64
import json
import re
from datetime import timedelta
from pathlib import Path
from typing import Any, Iterator

import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from flavour_fixtures import fixture
from integration.fake_oauth import FakeOAuth, fake_oauth
from integration.flavour_masters import values
from integration.real_cluster import LOCAL, Cluster, cluster, inventory, run_playbook
from integration.waiting import until

from ansible_collections.edgefed.kubefed.plugins.module_utils.client import connect
from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import EdgefedError, Result
from ansible_collections.edgefed.kubefed.plugins.modules.kubeconfig import ARGUMENT_SPEC, CONSTRAINTS, run

__all__ = ["cluster"]


def merge(dest: Path, check: bool = False, **options: Any) -> Result:
    """One run of the module, as ``shop``."""
    checked = ArgumentSpecValidator(ARGUMENT_SPEC, **CONSTRAINTS).validate({"name": "shop", "dest": str(dest), **options})
    assert not checked.error_messages, checked.error_messages
    return run(checked.validated_parameters, check, True, connect)


def user(dest: Path) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(dest.read_text())["users"][0]["user"]
    return found


@pytest.fixture
def oauth(tmp_path: Path) -> Iterator[FakeOAuth]:
    with fake_oauth(tmp_path) as server:
        yield server


def login(oauth: FakeOAuth, **more: Any) -> dict[str, Any]:
    return {
        "server": oauth.server,
        "ca_cert": str(oauth.ca),
        "openshift_login": {"username": oauth.username, "password": oauth.password},
        **more,
    }


def test_a_login_gives_a_token_which_is_used_until_it_is_old_or_revoked(oauth: FakeOAuth, tmp_path: Path) -> None:
    dest = tmp_path / "kubeconfig"
    foretold = merge(dest, check=True, **login(oauth))
    assert (foretold.changed, dest.exists(), oauth.tokens) == (True, False, set())
    first = merge(dest, **login(oauth))
    token = user(dest)["token"]
    assert (first.changed, first.data["version"], oauth.tokens) == (True, "v1.29.0", {token})
    assert "OpenShift's token expires on" in first.warnings[0] and "in 23 hour(s)" in first.warnings[0]
    oauth.asked.clear()
    for check in (True, False):
        again = merge(dest, check=check, **login(oauth))
        assert (again.changed, again.data["api_requests"]) == (False, 1)
    assert oauth.asked == ["/version", "/version"]  # nobody logged in
    oauth.tokens.clear()  # revoked
    assert merge(dest, **login(oauth)).changed
    assert {user(dest)["token"]} == oauth.tokens != {token}
    oauth.lifetime = timedelta(hours=5)
    oauth.tokens.clear()
    merge(dest, **login(oauth))
    assert merge(dest, **login(oauth)).changed  # too old to be used again
    for result in (foretold, first):
        assert oauth.password not in json.dumps([result.data, result.diff, result.warnings]) and token not in json.dumps(result.diff)
    assert oauth.password not in dest.read_text()


def test_what_a_login_can_fail_with(oauth: FakeOAuth, tmp_path: Path) -> None:
    dest = tmp_path / "kubeconfig"

    def failed(**more: Any) -> str:
        with pytest.raises(EdgefedError) as caught:
            merge(dest, **login(oauth, **more))
        assert not dest.exists() and oauth.password not in caught.value.message
        return caught.value.message

    wrong = {"username": "admin", "password": "wrong-secret"}
    assert "user 'admin': user name or password was refused. Next: check kubeconfig_openshift_login" in failed(openshift_login=wrong)
    assert "is not signed by a CA that this machine trusts" in failed(ca_cert=None)
    assert "the connection was refused" in failed(server="https://127.0.0.1:1")
    oauth.login = False
    assert "has no OAuth login, so it is no OpenShift. Next: check kubeconfig_server" in failed()


def test_cluster_api_keeps_the_kubeconfig_in_a_secret(cluster: Cluster, tmp_path: Path) -> None:
    dest = tmp_path / "kubeconfig"
    given = {**values(cluster, "", ""), "SERVER": cluster.server}
    text = json.dumps(fixture("cluster_api", **given)["kubeconfig"])
    where = {"name": "shop", "namespace": "default", "kubeconfig": str(cluster.kubeconfig)}
    with pytest.raises(EdgefedError, match=r"secret default/shop-kubeconfig of .* does not exist. Next: check name and namespace"):
        merge(dest, cluster_api=where)
    cluster.kubectl("create", "secret", "generic", "shop-kubeconfig", "-n", "default", f"--from-literal=value={text}")
    try:
        for check, changed in ((True, True), (False, True), (False, False)):
            result = merge(dest, check=check, cluster_api=where)
            assert (result.changed, result.data["server"], result.data["api_requests"]) == (changed, cluster.server, 2)
        assert "gitVersion" in cluster.kubectl("--context", "shop", "get", "--raw", "/version", kubeconfig=dest)
        # the management cluster itself may be given as content
        assert not merge(dest, cluster_api={**where, "kubeconfig": cluster.document()}).changed
    finally:
        cluster.kubectl("delete", "secret", "shop-kubeconfig", "-n", "default")


def test_the_role_with_each(cluster: Cluster, oauth: FakeOAuth, tmp_path: Path) -> None:
    """Rancher's file by the cluster's name, also where nobody says that it is Rancher's, OpenShift's login; nothing secret is shown; what
    does not fit together is refused."""
    token = cluster.token()
    rancher = fixture("rancher", **{**values(cluster, "", token), "SERVER": cluster.server})["kubeconfig"]
    openshift = {key: value for key, value in login(oauth).items() if key == "openshift_login"}["openshift_login"]
    there = {"kubeconfig_server": oauth.server, "kubeconfig_ca_cert": str(oauth.ca)}
    unasked = {"kubeconfig_check_reachable": False}  # there is no Rancher
    hosts: dict[str, dict[str, Any]] = {
        "shop": {"kubeconfig_content": rancher, "kubeconfig_flavour": "rancher", **unasked},
        "site": {"kubeconfig_content": rancher, "kubeconfig_rancher_cluster": "shop2", **unasked},
        "shop3": {"kubeconfig_content": rancher, **unasked},
        "other": {"kubeconfig_content": rancher, **unasked},
        "ocp": {"kubeconfig_openshift_login": openshift, **there},
        "both": {"kubeconfig_openshift_login": openshift, **there, "kubeconfig_content": rancher},
        "nowhere": {"kubeconfig_openshift_login": openshift},
    }
    outcome = run_playbook(tmp_path, inventory(hosts, **LOCAL), "kubeconfig", "-vvvv", "--diff")
    assert {host for host, failed in outcome.count("failed").items() if failed} == {"both", "nowhere", "other"}, outcome.output
    document = yaml.safe_load((tmp_path / ".edgefed" / "kubeconfig").read_text())
    origins = {item["name"]: item["context"]["extensions"][0]["extension"]["source_context"] for item in document["contexts"]}
    assert origins == {"shop": "shop", "site": "shop2", "shop3": "shop3", "ocp": "openshift"}
    direct = {
        item["name"]: extension["extension"]["server"]
        for item in document["clusters"]
        for extension in item["cluster"]["extensions"]
        if extension["name"] == "edgefed.io/authorized-cluster-endpoint"
    }
    assert direct == {"shop": cluster.server, "site": cluster.server}
    assert "cluster shop3: kubeconfig_content of shop3 reaches it through Rancher's proxy alone" in outcome.said
    assert "has no cluster 'other' of Rancher (there: shop, shop2, shop3). Next: set kubeconfig_rancher_cluster" in outcome.said
    assert "only one of kubeconfig_content, kubeconfig_cluster_api and kubeconfig_openshift_login" in outcome.said
    assert "kubeconfig_openshift_login needs the API server's address. Next: set kubeconfig_server" in outcome.said
    for secret in (token, oauth.password, *oauth.tokens):
        assert secret not in outcome.output


@pytest.fixture
def lasting_token(cluster: Cluster, tmp_path: Path) -> Iterator[str]:
    """Of a service account, from a secret: it does not end."""
    note = {"kubernetes.io/service-account.name": "tester"}
    secret = {"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/service-account-token"}
    (tmp_path / "secret.json").write_text(json.dumps({**secret, "metadata": {"name": "lasting", "annotations": note}}))
    cluster.kubectl("apply", "-n", "default", "-f", str(tmp_path / "secret.json"))
    filled = ["get", "secret", "lasting", "-n", "default", "-o", "jsonpath={.data.token}"]
    until(lambda: cluster.kubectl(*filled), "the secret has its token")
    yield base64.b64decode(cluster.kubectl(*filled)).decode()
    cluster.kubectl("delete", "secret", "lasting", "-n", "default")


def test_shapes_by_the_role(cluster: Cluster, lasting_token: str, tmp_path: Path) -> None:
    """``KUBECONFIG=a:b`` on a master, the user in another file than the cluster, with a token of a day, which is told; and a service
    account's of OpenShift, or of any cluster, as docs/flavours.md writes it, which has no end."""
    day = cluster.kubectl("create", "token", "tester", "-n", "default", "--duration=24h").strip()
    real = cluster.document()["clusters"][0]["cluster"]
    way = {"name": "sa", "context": {"cluster": "sa", "user": "sa"}}
    where = {"clusters": [{"name": "sa", "cluster": real}], "contexts": [way], "current-context": "sa"}
    (tmp_path / "a").write_text(json.dumps(where))
    (tmp_path / "b").write_text(json.dumps({"users": [{"name": "sa", "user": {"token": day}}], "current-context": "other"}))
    several = f"{tmp_path / 'a'}:{tmp_path / 'missing'}:{tmp_path / 'b'}"
    hosts: dict[str, dict[str, Any]] = {
        "several": {"kubeconfig_path": several, "kubeconfig_server": cluster.server},
        "ocp": {"kubeconfig_content": {**where, "users": [{"name": "sa", "user": {"token": lasting_token}}]}},
    }
    for changed in (1, 0):
        outcome = run_playbook(tmp_path, inventory(hosts, **LOCAL), "kubeconfig", "-vvvv", "--diff")
        assert outcome.status == 0, outcome.output
        assert {outcome.count("changed")[name] for name in hosts} == {changed}
        assert re.search(r"cluster several: the token from several:\S+/a:\S+/b expires on \S+ \S+ UTC, in 23 hour\(s\)", outcome.said)
        assert "cluster ocp" not in outcome.said
        assert day not in outcome.output and lasting_token not in outcome.output
    for name in hosts:
        answer = cluster.kubectl("--context", name, "auth", "whoami", kubeconfig=tmp_path / ".edgefed" / "kubeconfig")
        assert "system:serviceaccount:default:tester" in answer
