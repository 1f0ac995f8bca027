# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A master whose kubeconfig cannot be read gives one red result, with its cause: real sshd, real sudo, no cluster needed."""

from __future__ import annotations

import json
import re
import secrets
from pathlib import Path
from typing import Any

import pytest
import yaml
from integration.real_cluster import inventory, run_playbook
from integration.ssh_masters import Masters, masters

__all__ = ["masters"]
TOKEN = secrets.token_urlsafe(24)
CAUSES = {
    "refusing": "SSH was refused: nothing listens there",
    "changed": "its SSH host key is unknown or has changed",
    "nosudo": "sudo does not allow it",
    "wrongpassword": "sudo wants a password",
    "nopython": "there is no usable Python 3.8 or later",
    "wrongpath": "/nowhere/admin.conf does not exist",
    "notroot": "may not be read by user",
}
# Its kubeconfig is read, so its secrets are on their way when the merge refuses it.
LOOPBACK = "Next: set kubeconfig_server to the address that the API server has from outside"


@pytest.fixture(scope="module")
def path(masters: Masters) -> str:
    """Root's kubeconfig on the masters, as k3s writes it."""
    file = masters.folder / "k3s.yaml"
    document = {
        "clusters": [{"name": "default", "cluster": {"server": "https://127.0.0.1:6443"}}],
        "users": [{"name": "default", "user": {"token": TOKEN}}],
        "contexts": [{"name": "default", "context": {"cluster": "default", "user": "default"}}],
        "current-context": "default",
    }
    file.touch(0o600)
    file.write_text(yaml.safe_dump(document))
    return str(file)


@pytest.fixture(scope="module")
def hosts(masters: Masters, path: str) -> dict[str, Any]:
    good = masters.variables(masters.good, kubeconfig_path=path, kubeconfig_become=True)
    return inventory(
        {
            "loopback": good,
            "refusing": {**good, **masters.variables(masters.refusing)},
            "changed": {**good, **masters.variables(masters.changed)},
            "nosudo": {**good, "ansible_user": masters.plain},
            "wrongpassword": {**good, "ansible_become_password": "wrong"},
            "nopython": {**good, "ansible_python_interpreter": "/nowhere/python3"},
            "wrongpath": {**good, "kubeconfig_path": "/nowhere/admin.conf"},
            "notroot": {**good, "kubeconfig_become": False},
        }
    )


def red(output: str) -> dict[str, int]:
    """How often each host is shown in red."""
    shown = re.findall(r"^(?:fatal|failed): \[([^\] ]+)", output, re.M)
    return {host: shown.count(host) for host in shown}


@pytest.mark.parametrize("options", [(), ("--check",), ("-vvvv", "--diff")], ids=["plain", "check", "loud"])
def test_one_message_for_each_broken_host(
    masters: Masters, hosts: dict[str, Any], path: str, tmp_path: Path, options: tuple[str, ...]
) -> None:
    outcome = run_playbook(tmp_path, hosts, "kubeconfig", *options)
    assert outcome.status == 2, outcome.output
    expected = {**CAUSES, "loopback": LOOPBACK}
    assert red(outcome.output) == dict.fromkeys(expected, 1), outcome.output
    assert outcome.output.count("...ignoring") == 0
    assert outcome.count("failed") == {**dict.fromkeys(expected, 1), "localhost": 0}
    assert {*outcome.count("ignored").values(), *outcome.count("unreachable").values()} == {0}
    assert {host: cause for host, cause in expected.items() if cause not in outcome.said} == {}, outcome.output
    assert [name for name, secret in {"token": TOKEN, "password": masters.password}.items() if secret in outcome.output] == []
    assert not (tmp_path / ".edgefed" / "kubeconfig").exists()


def test_the_registered_result_tells_the_cause_and_nothing_else(hosts: dict[str, Any], masters: Masters, path: str, tmp_path: Path) -> None:
    """Also for those who use the module without the role."""
    read = {"edgefed.kubefed.kubeconfig_info": {"path": path}, "become": True, "no_log": True, "register": "read"}
    keep = {"ansible.builtin.copy": {"content": "{{ read }}", "dest": f"{tmp_path}/{{{{ inventory_hostname }}}}.read", "mode": "0600"}}
    keep |= {"delegate_to": "localhost"}
    play = {"hosts": "refusing:nosudo", "gather_facts": False, "tasks": [read, keep]}
    outcome = run_playbook(tmp_path, hosts, [play], "-vvvv")
    assert outcome.status == 0, outcome.output
    found = {host: json.loads((tmp_path / f"{host}.read").read_text()) for host in ("refusing", "nosudo")}
    assert CAUSES["refusing"] in found["refusing"]["problem"]["message"]
    assert {host: result["problem"]["code"] for host, result in found.items()} == {"refusing": "unreachable", "nosudo": "failed"}
    assert [result["sources"] for result in found.values()] == [[], []]
    assert {key for result in found.values() for key in result} <= {"sources", "remote", "problem", "changed", "failed", "ansible_facts"}
    assert masters.password not in outcome.output
