# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Joins and unjoins of real clusters, with KubeFed's real controller looking at them."""

from __future__ import annotations

import base64
import json
import os
import signal
import socket
import socketserver
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Iterator
from urllib.parse import urlsplit

import pytest
import yaml
from integration.one_member import (
    OBJECTS,
    REPOSITORY,
    ROLE,
    SYSTEM,
    Federation,
    Forwarder,
    actions,
    federation,
    moved,
    played,
    recap,
    run_tasks,
    server_of,
    spoiled,
    survives,
)

from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import EdgefedError

__all__ = ["federation", "run_tasks"]
pytestmark = pytest.mark.lab

STAYS = [f"namespace/{SYSTEM}"]


@pytest.fixture(scope="class")
def namespace_stays(federation: Federation) -> Iterator[None]:
    """An object of somebody else lies in the member's namespace, so that an unjoin leaves it there, which saves 6 s each time."""
    federation()
    federation.lab.kubectl("zj", "create", "configmap", "theirs", "-n", SYSTEM)
    yield
    federation.lab.kubectl("zj", "delete", "configmap", "theirs", "-n", SYSTEM, "--ignore-not-found")
    federation(state="absent", wait=True)


@pytest.fixture
def kept(federation: Federation, namespace_stays: None) -> Federation:
    """Joined, in a namespace that stays."""
    federation()
    return federation


JOIN = ["create Namespace", "create ServiceAccount", "create Secret", "create ClusterRole", "create ClusterRoleBinding"]
JOIN += ["create Secret", "create KubeFedCluster"]
UNJOIN = ["delete Secret", "delete KubeFedCluster", "delete ClusterRoleBinding", "delete ClusterRole", "delete Secret"]
UNJOIN += ["delete ServiceAccount", "delete Namespace"]


def test_twelve_steps(federation: Federation, run_tasks: Any, path: str) -> None:
    """Create, again, change, again, delete, delete absent; each in check mode first, which foretells it and changes nothing."""
    base = {"kubeconfig": federation.lab.kubeconfig, "context": "local", "name": "zj", "wait": False}
    changed = {"region": "east", "labels": {"site": "factory"}}
    steps: list[tuple[dict[str, Any], list[str]]] = [
        ({}, JOIN),
        ({}, []),
        (changed, ["update KubeFedCluster"]),
        (changed, []),
        ({"state": "absent", "wait": True}, UNJOIN),
        ({"state": "absent"}, []),
    ]
    outcomes = run_tasks([{**base, **options} for options, _ in steps], path)
    for (foretold, outcome), (_, expected) in zip(outcomes, steps, strict=True):
        for one in (foretold, outcome):
            assert not one.get("failed"), one["msg"]
            assert one["changed"] is bool(expected)
            assert actions(one) == expected
        assert outcome["diff"]["before"] == foretold["diff"]["before"]
        if outcome["diff"]["after"] != foretold["diff"]["after"]:
            assert "known after the join" in json.dumps(foretold["diff"])
    assert federation.left() == []


WRONG: list[tuple[str, str, str, dict[str, Any]]] = [
    ("zj", "serviceaccount", "zj-local", {"automountServiceAccountToken": True}),
    ("zj", "clusterrole", ROLE, {"rules": []}),
    ("zj", "clusterrolebinding", ROLE, {"subjects": []}),
    ("zj", "secret", "zj-local", {"metadata": {"annotations": {"kubernetes.io/service-account.name": "default"}}}),
    ("local", "secret", "zj-credentials", {"data": {"token": base64.b64encode(b"stale").decode()}}),
    ("local", "secret", "zj-credentials", {"data": None}),
    ("local", "kubefedcluster", "zj", {"spec": {"apiEndpoint": "https://127.0.0.1:1"}}),
    ("local", "kubefedcluster", "zj", {"spec": {"caBundle": base64.b64encode(b"wrong").decode()}}),
    ("local", "kubefedcluster", "zj", {"spec": {"secretRef": {"name": "zj-gone"}}}),
    ("local", "kubefedcluster", "zj", {"spec": {"disabledTLSValidations": ["*"]}}),
    ("local", "kubefedcluster", "zj", {"metadata": {"annotations": None, "labels": None}}),
]


def kubefedctl(lab: Any, *arguments: str) -> None:
    """KubeFed's own client."""
    where = ["--host-cluster-context=local", "--cluster-context=zj", f"--kubeconfig={lab.kubeconfig}"]
    done = subprocess.run(["kubefedctl", *arguments, *where], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.fixture
def silent_address() -> Iterator[str]:
    """Takes connections and says nothing, as behind a firewall that drops what comes back."""
    with socket.create_server(("127.0.0.9", 0)) as server:
        yield f"https://127.0.0.9:{server.getsockname()[1]}"


@pytest.fixture
def other_address(federation: Federation) -> Iterator[str]:
    """zj's own API server at an address that its certificate does not have, as behind NAT."""
    where = urlsplit(server_of(federation.lab, "zj")[0])
    with socketserver.ThreadingTCPServer(("127.0.0.9", 0), Forwarder) as server:
        server.daemon_threads = True
        server.target = (where.hostname, where.port)  # type: ignore[attr-defined]
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"https://127.0.0.9:{server.server_address[1]}"
        server.shutdown()


@pytest.fixture
def inventory(lab: Any, tmp_path: Path) -> Path:
    """Members zj and ``ghost``, whose API server does not answer."""
    found: dict[str, Any] = yaml.safe_load(Path(lab.kubeconfig).read_text())
    server = {"server": "https://127.0.0.1:9"}
    found["clusters"].append({"name": "ghost", "cluster": server})
    found["users"].append({"name": "ghost", "user": {"token": "none"}})
    found["contexts"].append({"name": "ghost", "context": {"cluster": "ghost", "user": "ghost"}})
    (tmp_path / "kubeconfig").write_text(json.dumps(found))
    common = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    common |= {"federation_kubeconfig": str(tmp_path / "kubeconfig"), "federation_state_dir": str(tmp_path)}
    groups = {"federation_host": {"hosts": {"local": None}}, "federation_members": {"hosts": {"zj": None, "ghost": None}}}
    (tmp_path / "hosts.json").write_text(json.dumps({"all": {"vars": common, "children": groups}}))
    return tmp_path / "hosts.json"


class TestHalfWay:
    """From every half-way state to the end, in both directions."""

    @pytest.mark.parametrize(("context", "kind", "name"), OBJECTS[1:], ids=lambda value: str(value).split(":")[0])
    def test_each_object_missing(self, kept: Federation, context: str, kind: str, name: str) -> None:
        """It is made again, and what hung on it."""
        kept.lab.kubectl(context, "delete", kind, name, "-n", SYSTEM)
        assert kept().changed
        kept.settled()

    @pytest.mark.parametrize(("context", "kind", "name", "patch"), WRONG, ids=lambda value: json.dumps(value)[:40])
    def test_each_object_wrong(self, kept: Federation, context: str, kind: str, name: str, patch: dict[str, Any]) -> None:
        """It is corrected. A KubeFedCluster's secret keeps the name that it says."""
        spoiled(kept.lab, context, kind, name, patch)
        assert kept().changed
        if "zj-gone" in str(patch):
            assert kept.token("local", "zj-gone") == kept.token("zj", "zj-local")
            assert not kept().changed
            kept(state="absent")
        else:
            kept.settled()

    @pytest.mark.parametrize(("context", "kind", "name"), OBJECTS[1:], ids=lambda value: str(value).split(":")[0])
    def test_each_object_in_deletion(self, kept: Federation, context: str, kind: str, name: str) -> None:
        """It is waited for, and made again. While something holds it, the message says what."""
        spoiled(kept.lab, context, kind, name, {"metadata": {"finalizers": ["edgefed.io/test"]}})
        kept.lab.kubectl(context, "delete", kind, name, "-n", SYSTEM, "--wait=false")
        stuck = kept.error(wait_timeout=0)
        assert stuck.code == "stuck"
        assert "finalizer edgefed.io/test" in stuck.message
        with ThreadPoolExecutor(1) as pool:
            joining = pool.submit(kept)
            time.sleep(0.1)
            spoiled(kept.lab, context, kind, name, {"metadata": {"finalizers": None}})
            assert joining.result().changed
        kept.settled()

    def test_join_cut_off_before_every_write(self, kept: Federation) -> None:
        """The next run completes it, the one after changes nothing, and unjoining leaves nothing but the namespace of others."""
        for last in range(1, 30):
            kept(state="absent")
            assert kept.left() == STAYS
            complete = survives(kept, last, only_writes=True)
            kept()
            kept.settled()
            if complete:
                break
        assert last == len(JOIN)

    def test_unjoin_cut_off_before_every_write(self, kept: Federation) -> None:
        """The next run completes it."""
        for last in range(1, 30):
            kept()
            complete = survives(kept, last, only_writes=True, state="absent")
            kept(state="absent")
            assert kept.left() == STAYS
            assert not kept(state="absent").changed
            if complete:
                break
        assert last == len(UNJOIN)

    def test_what_kubefedctl_joined(self, kept: Federation) -> None:
        """Is adopted with one write to its KubeFedCluster, and unjoined without a trace, even what kubefedctl itself forgets."""
        lab = kept.lab
        kept(state="absent")
        kubefedctl(lab, "join", "zj")
        kubefedctl(lab, "join", "zj", "--error-on-existing=false")
        secrets = [name for name in kept.left() if name.startswith("secret/zj-")]
        assert len(secrets) == 3, "kubefedctl was expected to leave a secret behind"
        adopted = kept()
        assert actions(adopted.data) == ["update KubeFedCluster"]
        assert not kept().changed
        gone = kept(state="absent")
        assert actions(gone.data).count("delete Secret") == 3
        assert kept.left() == STAYS

    def test_not_ready_says_why(self, kept: Federation, other_address: str, silent_address: str) -> None:
        """Address, cause and next step; corrected in one run; and a token that the member forgot is replaced. All at once, as the
        controller looks only every few seconds."""
        other, other_ca = server_of(kept.lab, "cddev")
        wrong: dict[str, tuple[str, dict[str, Any]]] = {
            "a": ("refused", {"api_endpoint": "https://127.0.0.1:9"}),
            "b": ("tls", {"api_endpoint": other}),
            "c": ("tls", {"api_endpoint": other_address}),
            "d": ("unauthorized", {"api_endpoint": other, "api_ca_cert": other_ca}),
            "e": ("dns", {"api_endpoint": "https://edge.invalid:6443"}),
            "f": ("timeout", {"api_endpoint": silent_address}),
        }
        period = float(kept.find("local", "kubefedconfig", "kubefed")["spec"]["clusterHealthCheck"]["period"].rstrip("s"))
        kept()

        def fail(name: str) -> EdgefedError:
            return kept.error(
                name=f"zj{name}", member_context="zj", force=True, wait=True, wait_timeout=int(2 * period) + 6, **wrong[name][1]
            )

        with ThreadPoolExecutor(7) as pool:
            ready = pool.submit(kept, wait=True)
            errors = dict(zip(wrong, pool.map(fail, wrong), strict=True))
        assert ready.result().data["cluster"]["ready"]
        for name, error in errors.items():
            cause, options = wrong[name]
            assert (error.code, error.details["cause"]) == ("not_ready", cause), error.message
            assert options["api_endpoint"] in error.message
        assert "SAN list (api_endpoint)" in errors["c"].message
        # A token is signed for its secret's name and its account, so only another account has another token.
        kept.lab.kubectl("zj", "delete", "serviceaccount", "zj-local", "-n", SYSTEM)
        old = kept.token("local", "zj-credentials")
        started = time.monotonic()
        with ThreadPoolExecutor(7) as pool:
            healed = pool.submit(kept, wait=True)
            corrected = list(pool.map(lambda name: kept(name=f"zj{name}", member_context="zj", force=True, wait=True), wrong))
        assert time.monotonic() - started < 2 * period + 9
        assert all(one.changed and one.data["cluster"]["ready"] for one in [healed.result(), *corrected])
        assert kept.token("local", "zj-credentials") == kept.token("zj", "zj-local") != old
        for name in wrong:
            assert any("stays" in said for said in kept(name=f"zj{name}", state="absent", member_context="zj").warnings)
        kept(state="absent")
        assert kept.left() == STAYS

    def test_dead_member(self, kept: Federation) -> None:
        """Nothing is half done unless forced; the rest follows when the member is back."""
        dead = {"member_kubeconfig": moved(kept.lab, "https://127.0.0.1:9")}
        kept(state="absent")
        error = kept.error(**dead)
        assert error.code == "unreachable"
        assert 'cluster "zj" (https://127.0.0.1:9)' in error.message
        assert kept.left() == STAYS
        kept()
        error = kept.error(state="absent", **dead)
        assert error.code == "member_unusable"
        assert "zj-local" in error.message and "force" in error.message and error.message.count("Next: ") == 1
        kept.settled()
        forced = kept(state="absent", force=True, **dead)
        assert actions(forced.data) == ["delete Secret", "delete KubeFedCluster"]
        assert f"ServiceAccount {SYSTEM}/zj-local" in forced.warnings[0]
        assert not kept(state="absent", force=True, **dead).changed
        lost = kept(state="absent", force=True, member_context="no-such-context")
        assert "no-such-context" in lost.warnings[0]
        assert actions(kept(state="absent").data) == UNJOIN[2:-1]
        assert kept.left() == STAYS

    def test_playbooks_with_a_dead_member(self, kept: Federation, inventory: Path) -> None:
        """Its host fails with the cause and the others go on; nobody leaves who is not named, and a refusal is one message."""
        kept(state="absent")
        joined = played("-i", inventory, "playbooks/join.yml", "-e", "member_wait=false")
        said = " ".join(joined.stdout.split())
        assert recap(joined.stdout)["zj"] == (1, 0) and recap(joined.stdout)["ghost"] == (0, 1)
        assert 'Cannot reach cluster "ghost" (https://127.0.0.1:9): the connection was refused. Next: ' in said
        kept.settled()
        for limit in ((), ("--limit", "all"), ("--limit", "federation_members"), ("-e", "federation_confirm=cddev")):
            refused = played("-i", inventory, "playbooks/unjoin.yml", *limit)
            assert refused.returncode != 0 and refused.stdout.count("fatal: [") == 1
            assert "federation_confirm=local" in " ".join(refused.stdout.split())
        kept.settled()
        left = played("-i", inventory, "playbooks/unjoin.yml", "--limit", "zj", "-e", "member_wait=false")
        assert (left.returncode, recap(left.stdout)["zj"], "ghost" in recap(left.stdout)) == (0, (1, 0), False)
        assert not kept.find("local", "kubefedcluster", "zj") and not kept.find("zj", "serviceaccount", "zj-local")

    def test_interrupted_wait(self, kept: Federation, inventory: Path) -> None:
        """Ctrl-C while a join waits ends at once, without traceback and with nothing running; the next join goes on from there."""
        kept(state="absent")
        command = [str(Path(sys.executable).with_name("ansible-playbook")), "-i", str(inventory), "playbooks/join.yml", "--limit", "zj"]
        command += ["-e", "member_api_endpoint=https://127.0.0.1:9"]
        with (inventory.parent / "output").open("w+") as output:
            joining = subprocess.Popen(command, cwd=REPOSITORY, stdout=output, stderr=subprocess.STDOUT, start_new_session=True)
            while not kept.find("local", "kubefedcluster", "zj"):
                assert joining.poll() is None
            os.killpg(joining.pid, signal.SIGINT)
            joining.wait(10)
            output.seek(0)
            said = output.read()
        assert joining.returncode != 0 and "Traceback" not in said, said
        listing = subprocess.run(["ps", "-eww", "-o", "args="], capture_output=True, text=True, check=True).stdout
        assert str(inventory) not in listing
        assert kept().changed
        kept.settled()

    def test_refusals(self, kept: Federation) -> None:
        """Each before anything is written."""
        lab = kept.lab
        assert "64 characters" in kept.error(name="a" * 64, member_context="zj").message
        assert "control_plane.yml" in kept.error(context="cddev").message
        assert "no KubeFedConfig other/kubefed" in kept.error(namespace="other").message
        kept(state="absent")
        lab.kubectl("local", "create", "secret", "generic", "zj-credentials", "-n", SYSTEM, "--from-literal=mine=1")
        assert kept.error().code == "foreign_object"
        lab.kubectl("local", "delete", "secret", "zj-credentials", "-n", SYSTEM)
        assert not kept.find("local", "kubefedcluster", "zj") and not kept.find("zj", "serviceaccount", "zj-local")
        kept()
        notes = {"edgefed.io/cluster": "z", "edgefed.io/host-cluster": "j-local"}
        spoiled(lab, "zj", "serviceaccount", "zj-local", {"metadata": {"annotations": notes}})
        for state in ("present", "absent"):
            error = kept.error(state=state)
            assert "'z' of host cluster 'j-local'" in error.message and "'zj' of host cluster 'local'" in error.message
        spoiled(lab, "zj", "serviceaccount", "zj-local", {"metadata": {"annotations": dict.fromkeys(notes)}})
        warned = kept(disabled_tls_validations=["*"])
        assert "TLS VALIDATION IS OFF" in warned.warnings[0]
        assert kept().changed

    def test_no_secret_is_shown(self, kept: Federation, run_task: Any, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
        """Neither the token, nor the certificates and keys of kubeconfigs given inline, at -vvvv with --diff, also when it fails."""
        monkeypatch.setenv("ANSIBLE_VERBOSITY", "4")
        inline = yaml.safe_load(Path(kept.lab.kubeconfig).read_text())
        base = {"kubeconfig": inline, "context": "local", "name": "zj", "wait": False}
        kept()
        seen = [kept.token("zj", "zj-local")]
        spoiled(kept.lab, "local", "secret", "zj-credentials", {"data": {"token": base64.b64encode(b"stale-token").decode()}})
        shown = run_task("kubefed_cluster", base, path=path)
        assert actions(shown) == ["update Secret"]
        assert "sha256:" in shown["output"]
        spoiled(kept.lab, "zj", "serviceaccount", "zj-local", {"metadata": {"annotations": {"edgefed.io/cluster": "z"}}})
        refused = run_task("kubefed_cluster", base, path=path)
        assert refused["code"] == "joined_elsewhere"
        spoiled(kept.lab, "zj", "serviceaccount", "zj-local", {"metadata": {"annotations": {"edgefed.io/cluster": "zj"}}})
        seen += [value for user in inline["users"] for key, value in user["user"].items() if "key" in key or "token" in key]
        text = shown.pop("output") + refused.pop("output") + json.dumps([shown, refused])
        for secret in [*seen, "stale-token"]:
            assert secret not in text
            assert base64.b64encode(secret.encode()).decode() not in text


def test_namespace_in_deletion(federation: Federation) -> None:
    """Joining again at once, which kubefedctl cannot: the namespace is waited for, and all is made again."""
    federation()
    federation.lab.kubectl("zj", "delete", "namespace", SYSTEM, "--wait=false")
    done = federation()
    assert {"action": "replace", "cluster": "member", "kind": "Namespace", "name": SYSTEM} in done.data["changes"]
    federation.settled()


def test_kubefedctl_unjoins_what_we_joined(federation: Federation) -> None:
    """It finds everything under the names it expects."""
    federation()
    kubefedctl(federation.lab, "unjoin", "zj")
    assert not [name for name in federation.left() if name not in (f"namespace/{SYSTEM}", "secret/zj-local")]
    federation(state="absent", wait=True)
    assert federation.left() == []


def test_host_cluster_as_a_member(federation: Federation) -> None:
    """Its namespace is the control plane's and stays."""
    federation(name="local")
    assert not federation(name="local").changed
    gone = federation(name="local", state="absent", wait=True)
    assert "delete Namespace" not in actions(gone.data)
    assert federation.lab.get("local", "kubefedconfig", "kubefed", "-n", SYSTEM)


def test_namespaced_control_plane(federation: Federation) -> None:
    """Rights in one namespace, and a health check role that lets the controller look."""
    lab = federation.lab
    config = lab.get("local", "kubefedconfig", "kubefed", "-n", SYSTEM)
    config = {**config, "metadata": {"name": "kubefed", "namespace": "fed-small"}, "spec": {**config["spec"], "scope": "Namespaced"}}
    lab.kubectl("local", "create", "namespace", "fed-small")
    try:
        lab.kubectl("local", "apply", "-f", "-", stdin=json.dumps(config))
        done = federation(namespace="fed-small")
        assert {change["kind"] for change in done.data["changes"]} >= {"Role", "RoleBinding", "ClusterRole"}
        again = federation(namespace="fed-small")
        # no controller finds it ready there, so the federated types are looked at
        assert (again.changed, again.data["api_requests"]) == (False, 11)
        account = "system:serviceaccount:fed-small:zj-local"
        for verb, what, where, allowed in (
            ("get", "/healthz", (), "yes"),
            ("list", "nodes", (), "yes"),
            ("delete", "pods", ("-n", "fed-small"), "yes"),
            ("get", "pods", ("-n", "default"), "no"),
        ):
            said = lab.kubectl("zj", "auth", "can-i", verb, what, *where, f"--as={account}", check=False)
            assert said.strip() == allowed, (verb, what)
        federation(namespace="fed-small", state="absent", wait=True)
        assert lab.get("zj", "namespace", "fed-small") is None
        assert "zj-local" not in lab.kubectl("zj", "get", "clusterroles,clusterrolebindings", "-o", "name")
    finally:
        lab.kubectl("local", "delete", "namespace", "fed-small", "--wait=false")
