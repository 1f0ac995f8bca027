# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Members' masters over SSH: real sshd, real sudo, a real API server, and nothing secret in what is printed; nothing else is done there."""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from integration.real_cluster import REPOSITORY, Cluster, Outcome, cluster, inventory, run_playbook
from integration.ssh_masters import Masters, masters
from integration.waiting import closed_port

__all__ = ["cluster", "masters"]
BROKEN = {"k3s", "changed", "refusing", "nosudo", "wrongpassword", "nopython", "wrongpath", "notroot", "gonekey"}


@pytest.fixture(scope="module")
def admin(cluster: Cluster, masters: Masters) -> dict[str, Any]:
    """Root's kubeconfigs on the masters, 0600, with certificate files beside them; gives the secrets by name."""
    folder = masters.folder / "kubernetes"
    folder.mkdir(mode=0o700)
    kubernetes, user = cluster.document(), cluster.document()["users"][0]["user"]
    pem = {"ca.crt": kubernetes["clusters"][0]["cluster"]["certificate-authority-data"]}
    pem |= {"admin.crt": user["client-certificate-data"], "admin.key": user["client-key-data"]}
    (folder / "pki").mkdir()
    for name, data in pem.items():
        (folder / "pki" / name).write_bytes(base64.b64decode(data))
    token = cluster.token()
    kubernetes["clusters"][0]["cluster"] = {"server": cluster.server, "certificate-authority": "pki/ca.crt"}
    for name, key in (("admin.conf", "pki/admin.key"), ("gonekey.conf", "pki/gone.key")):
        kubernetes["users"][0]["user"] = {"client-certificate": "pki/admin.crt", "client-key": key, "token": token}
        (folder / name).write_text(yaml.safe_dump(kubernetes))
        (folder / name).chmod(0o600)
    key = (folder / "pki" / "admin.key").read_text()
    return {
        "path": str(folder / "admin.conf"),
        "secrets": {
            "token": token,
            "client key": user["client-key-data"],
            "a part of the client key, base64": user["client-key-data"][100:160],
            "client key, PEM": key.splitlines()[2],
            "the kubeconfig, base64": base64.b64encode((folder / "admin.conf").read_bytes()).decode()[40:100],
            "password": masters.password,
        },
    }


@pytest.fixture(scope="module")
def hosts(cluster: Cluster, masters: Masters, admin: dict[str, Any]) -> dict[str, Any]:
    """One good master, and one for everything that can be wrong."""
    good = masters.variables(masters.good, kubeconfig_path=admin["path"], kubeconfig_server=cluster.server, kubeconfig_become=True)
    return inventory(
        {
            "good": good,
            "k3s": {**good, "kubeconfig_server": ""},
            "changed": {**good, **masters.variables(masters.changed)},
            "refusing": {**good, **masters.variables(masters.refusing)},
            "nosudo": {**good, "ansible_user": masters.plain},
            "wrongpassword": {**good, "ansible_become_password": "wrong"},
            "nopython": {**good, "ansible_python_interpreter": "/nowhere/python3"},
            "wrongpath": {**good, "kubeconfig_path": "/nowhere/admin.conf"},
            "notroot": {**good, "kubeconfig_become": False},
            "gonekey": {**good, "kubeconfig_path": str(Path(admin["path"]).with_name("gonekey.conf"))},
        }
    )


def contexts(folder: Path) -> list[str]:
    path = folder / ".edgefed" / "kubeconfig"
    return [item["name"] for item in yaml.safe_load(path.read_text())["contexts"]] if path.exists() else []


def check_alone(outcome: Outcome, masters: Masters) -> None:
    """Every broken host failed with its cause, and only those."""
    assert outcome.status == 2, outcome.output
    assert {host for host, failed in outcome.count("failed").items() if failed} == BROKEN
    assert {host for host, changed in outcome.count("changed").items() if changed} == {"good"}
    address = masters.good.address
    causes = {
        "k3s": "Next: set kubeconfig_server to the address that the API server has from outside",
        "changed": f"changed ({masters.changed.address}): the kubeconfig cannot be read: its SSH host key is unknown or has changed",
        "refusing": f"refusing ({masters.refusing.address}): the kubeconfig cannot be read: SSH was refused: nothing listens there",
        "nosudo": f"nosudo ({address}): the kubeconfig cannot be read: sudo does not allow it",
        "wrongpassword": f"wrongpassword ({address}): the kubeconfig cannot be read: sudo wants a password",
        "nopython": f"nopython ({address}): the kubeconfig cannot be read: there is no usable Python 3.8 or later",
        "wrongpath": f"wrongpath ({address}): the kubeconfig cannot be read: /nowhere/admin.conf does not exist. Next: set kubeconfig_path",
        "notroot": f"may not be read by user {masters.user}. Next: set kubeconfig_become to true when it is root's",
        "gonekey": "pki/gone.key does not exist. Next: correct the path",
    }
    missing = {host: cause for host, cause in causes.items() if cause not in outcome.said}
    assert missing == {}, outcome.output


def test_masters_over_ssh(cluster: Cluster, masters: Masters, hosts: dict[str, Any], admin: dict[str, Any], tmp_path: Path) -> None:
    """Each broken host fails alone, the good one is merged, nothing secret is printed; check mode first, and once more."""
    for options, changed in ((["--check", "--limit", "good"], 1), ([], 1), (["--limit", "good"], 0)):
        outcome = run_playbook(tmp_path, hosts, "kubeconfig", "-vvvv", "--diff", *options)
        shown = [name for name, secret in admin["secrets"].items() if secret in outcome.output]
        assert shown == []
        assert outcome.count("changed")["good"] == changed
        if not options:
            check_alone(outcome, masters)
        assert contexts(tmp_path) == ([] if "--check" in options else ["good"])
        # read over SSH, merged in process: nothing is started on the control node
        assert re.search(rf"<{masters.good.address}> SSH: EXEC ssh", outcome.output)
        assert not re.search(r"<localhost> (EXEC|ESTABLISH|PUT)", outcome.output)
    kubeconfig = tmp_path / ".edgefed" / "kubeconfig"
    assert "gitVersion" in cluster.kubectl("--context", "good", "get", "--raw", "/version", kubeconfig=kubeconfig)
    origin = yaml.safe_load(kubeconfig.read_text())["users"][0]["user"]["extensions"][0]["extension"]
    assert origin["source"] == f"good:{admin['path']}"


def test_registered_and_printed_results_hold_no_secret(hosts: dict[str, Any], admin: dict[str, Any], tmp_path: Path) -> None:
    """As a module on another machine than the control node's Python, with its result registered and printed."""
    task = {
        "edgefed.kubefed.kubeconfig": {
            "name": "other",
            "dest": str(tmp_path / "kubeconfig"),
            "sources": "{{ read.sources }}",
            "server": "{{ kubeconfig_server }}",
            "source_is_remote": "{{ read.remote }}",
        },
        "delegate_to": "localhost",
        "environment": {"EDGEFED_TEST": "1"},
        "register": "merged",
    }
    read = {"edgefed.kubefed.kubeconfig_info": {"path": admin["path"]}, "become": True, "no_log": True, "register": "read"}
    play = {"hosts": "good", "gather_facts": False, "tasks": [read, task, {"ansible.builtin.debug": {"var": "merged"}}]}
    outcome = run_playbook(tmp_path, hosts, [play], "-vvvv", "--diff")
    assert outcome.status == 0, outcome.output
    assert re.search(r"<localhost> EXEC", outcome.output)
    assert [name for name, secret in admin["secrets"].items() if secret in outcome.output] == []
    assert json.dumps(sorted(item["name"] for item in yaml.safe_load((tmp_path / "kubeconfig").read_text())["users"])) == '["other"]'


def unreachable_masters(lab: Any, namespace: str, become: bool) -> dict[str, Any]:
    """The lab as SSH hosts that nobody can log in to; one ConfigMap to federate."""
    master = {"ansible_host": "127.0.0.1", "ansible_port": closed_port()}
    folder = REPOSITORY / "inventories" / "lab" / "host_vars"
    hosts = {name: {**master, **yaml.safe_load((folder / f"{name}.yml").read_text())} for name in ("local", "cddev", "zj")}
    types, placed = "types.kubefed.io/v1beta1", {"placement": {"clusters": [{"name": "cddev"}]}}
    meta = {"name": namespace, "namespace": namespace}
    resources = [
        {"apiVersion": types, "kind": "FederatedNamespace", "metadata": meta, "spec": placed},
        {"apiVersion": types, "kind": "FederatedConfigMap", "metadata": meta, "spec": {"template": {"data": {"a": "b"}}, **placed}},
    ]
    common = {"kubeconfig_dest": lab.kubeconfig, "federated_resources_definitions": resources, "verify_namespaces": [namespace]}
    return inventory(hosts, **common, **({"ansible_become": True} if become else {}))


@pytest.mark.lab
@pytest.mark.parametrize("become", [False, True], ids=["plain", "become"])
def test_nothing_but_reading_needs_a_master(lab: Any, tmp_path: Path, become: bool) -> None:
    """Join, federate, verify and unjoin do all from the control node, in process, also where the inventory says become for all."""
    namespace = f"no-ssh-{'become' if become else 'plain'}"
    hosts = unreachable_masters(lab, namespace, become)
    steps = [
        ("join", (), None),  # other tests may have left the members without this inventory's labels
        ("join", (), {"local": 0, "cddev": 0, "zj": 0}),
        ("federate", (), {"local": 1}),
        ("verify", (), None),
        ("unjoin", ("--limit", "zj"), {"zj": 1}),
        ("join", ("--limit", "zj"), {"zj": 1}),
        ("federate", ("-e", "federated_resources_state=absent"), {"local": 1}),
    ]
    try:
        for playbook, options, changed in steps:
            outcome = run_playbook(tmp_path, hosts, playbook, "-vvv", *options)
            assert outcome.status == 0, outcome.output
            counted = {host: count for host, count in outcome.count("changed").items() if host != "localhost"}
            assert changed is None or counted == changed, outcome.output
            # no connection is opened, to a master or to this machine: no file is copied, nothing is started
            assert not re.search(r"^<\S+> (EXEC|PUT|SSH: EXEC|ESTABLISH)", outcome.output, re.M), outcome.output
            if playbook == "federate" and not options:
                assert lab.get("cddev", "configmap", namespace, "-n", namespace)["data"] == {"a": "b"}
    finally:
        lab.kubectl("local", "delete", "namespace", namespace, "--ignore-not-found")
    joined = lab.get("local", "kubefedcluster", "zj", "-n", "kube-federation-system")
    assert {item["type"]: item["status"] for item in joined["status"]["conditions"]}["Ready"] == "True"
