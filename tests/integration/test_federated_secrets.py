# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Secrets from vaulted variables and files on real clusters: bytes arrive as they are, and nothing of them is shown."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from integration.federate_lab import Federate, actions, federate, federate_playbook, namespace, without_counts
from integration.inventory_site import Site, site

__all__ = ["federate", "namespace", "site"]

pytestmark = pytest.mark.lab
WORD, OTHER, OF_ZJ, IN_FILE = "hunter2-hunter2", "correct-horse", "battery-staple", "staple-of-the-file"
BLOB = bytes(range(256)) + os.urandom(512)


@pytest.fixture
def vault(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """``vault(path, content)`` writes a file that is encrypted; its password is at hand."""
    (tmp_path / "password").write_text("vault-password")
    monkeypatch.setenv("ANSIBLE_VAULT_PASSWORD_FILE", str(tmp_path / "password"))

    def write(path: Path, content: bytes) -> str:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        command = [str(Path(sys.executable).with_name("ansible-vault")), "encrypt", str(path)]
        subprocess.run(command, check=True, capture_output=True)
        return str(path)

    return write


def forms(content: bytes) -> list[str]:
    """A secret as it must nowhere be seen: as it is, in base64 (wherever that begins), and as JSON writes it."""
    inside = [base64.b64encode(b"." * shift + content)[4 * bool(shift) : -4].decode() for shift in range(3)]
    return [text for text in (content.decode("latin1")[:24], json.dumps(content.decode("latin1"))[1:24], *inside) if text]


def nothing_is_shown(text: str) -> None:
    for content in (WORD, OTHER, OF_ZJ, IN_FILE):
        for form in forms(content.encode()):
            assert form not in text
    assert base64.b64encode(BLOB).decode()[:40] not in text


def data_in(federate: Federate, cluster: str, namespace: str) -> dict[str, bytes]:
    found = federate.find(cluster, "secret", "login", namespace)
    return {key: base64.b64decode(value) for key, value in found["data"].items()}


def test_twelve_steps(federate: Federate, site: Site, vault: Any, namespace: str, path: str) -> None:
    """Create, again, change, again, delete, delete what is absent; each in check mode first, which predicts exactly; at -vvvv."""
    variables = {"vaulted_password": WORD, "vaulted_other": OTHER, "vaulted_zj": OF_ZJ, "vaulted_blob": base64.b64encode(BLOB).decode()}
    vault(site.folder / "inventory" / "group_vars" / "all.yml", yaml.safe_dump(variables).encode())
    key = vault(site.folder / "a.key", IN_FILE.encode() + BLOB)
    plain = site.folder / "b.bin"
    plain.write_bytes(BLOB)
    secret = {
        "name": "login",
        "namespace": namespace,
        "string_data": {"password": "{{ vaulted_password }}"},
        "data": {"blob": "{{ vaulted_blob }}"},
        "files": {"key": key, "plain": str(plain)},
        "placement": {"hosts": ["local", "zj"]},
        "overrides": [{"groups": ["gpu"], "string_data": {"password": "{{ vaulted_zj }}"}}],
    }
    where = {"kubeconfig": federate.lab.kubeconfig, "context": "local"}
    present, absent = {"secrets": [secret]}, {"secrets": [{"name": "login", "namespace": namespace}], "state": "absent"}
    changed = {"secrets": [{**secret, "string_data": {"password": "{{ vaulted_other }}"}}]}

    def steps(*several: dict[str, Any]) -> list[dict[str, Any]]:
        tasks = [
            {"edgefed.kubefed.federated_resource": {**where, **one}, "check_mode": check} for one in several for check in (True, False)
        ]
        results = site.run_tasks(tasks, "--diff", "-vvvv", path=path)
        assert [one.get("msg") for one in results] == [None] * len(tasks)
        nothing_is_shown(json.dumps(results))
        for predicted, done in zip(results[::2], results[1::2], strict=True):
            left, right = (without_counts({**one, "invocation": None}) for one in (predicted, done))
            assert left == right
        return results[1::2]

    made, again = steps(present, present)
    assert (made["changed"], again["changed"]) == (True, False)
    assert "create FederatedSecret login" in actions(made)
    assert made["output"].count("password: hmac-sha256:") >= 2
    expected = {"password": WORD.encode(), "blob": BLOB, "key": IN_FILE.encode() + BLOB, "plain": BLOB}
    assert data_in(federate, "local", namespace) == expected
    assert data_in(federate, "zj", namespace) == {**expected, "password": OF_ZJ.encode()}
    with pytest.raises(AssertionError):  # it would be found
        nothing_is_shown(json.dumps(federate.find("local", "secret", "login", namespace)))
    other, other_again = steps(changed, changed)
    assert (other["changed"], other_again["changed"]) == (True, False)
    assert data_in(federate, "local", namespace)["password"] == OTHER.encode()
    gone, gone_again = steps(absent, absent)
    assert (gone["changed"], gone_again["changed"]) == (True, False)
    assert federate.find("zj", "secret", "login", namespace) is None


def test_refused_without_a_word_of_it(federate: Federate, site: Site, vault: Any, path: str, tmp_path: Path) -> None:
    """By us, by the API server, and where a file is missing or its vault stays closed."""
    vault(site.folder / "inventory" / "group_vars" / "all.yml", yaml.safe_dump({"vaulted_password": WORD}).encode())
    torn = tmp_path / "torn.key"
    torn.write_text("$ANSIBLE_VAULT;1.1;AES256\n3132\n")
    where = {"kubeconfig": federate.lab.kubeconfig, "context": "local", "placement": {"selector": {}}}
    word = "{{ vaulted_password }}"
    cases = [
        ({"name": "x", "data": {"k": word}}, "secrets[0]: secret.data.k: this is not base64"),
        ({"name": "x", "string_data": {"a/b": word}}, "the API server refuses it"),
        ({"name": "x", "type": "kubernetes.io/tls", "string_data": {"tls.key": word}}, "the API server refuses it"),
        ({"name": "x", "files": {"k": str(torn)}}, "torn.key cannot be read, or not decrypted"),
        ({"name": "x", "files": {"k": "nowhere.key"}}, "there is no file "),
        (
            {"name": "x", "string_data": {"k": word}, "placement": {"hosts": ["zjj"]}},
            "the inventory has no host 'zjj'. Next: did you mean zj",
        ),
    ]
    given = [{"edgefed.kubefed.federated_resource": {**where, "namespace": "fe-never", "secrets": [one]}} for one, _said in cases]
    results = site.run_tasks(given, "--diff", "-vvvv", path=path)
    for (_one, said), result in zip(cases, results, strict=True):
        assert said in result["msg"] and "Next: " in result["msg"]
    nothing_is_shown(json.dumps(results))
    assert federate.lab.get("local", "namespace", "fe-never") is None


def test_by_the_role(federate: Federate, vault: Any, namespace: str, tmp_path: Path) -> None:
    """``-e @vault.yml`` at -vvvv; the preview's files have fingerprints that stay the same from one to the next."""
    secret = {"name": "login", "namespace": namespace, "string_data": {"password": "{{ word }}"}, "placement": {"hosts": ["zj"]}}
    given = vault(
        tmp_path / "vault.yml",
        yaml.safe_dump({"word": WORD, "federated_resources_secrets": [secret], "federated_resources_definitions": []}).encode(),
    )
    options = ["-e", f"@{given}", "--diff", "-vvvv"]
    code, said = federate_playbook(federate, *options, cwd=tmp_path)
    assert code == 0, said
    nothing_is_shown(said)
    assert data_in(federate, "zj", namespace) == {"password": WORD.encode()}
    texts = []
    for _time in range(2):
        code, said = federate_playbook(
            federate, *options, "-e", f"federated_resources_preview_dest={tmp_path}/p", cwd=tmp_path, name="preview"
        )
        assert code == 0, said
        file = tmp_path / "p" / "zj" / namespace / "secret-login.yaml"
        texts.append(file.read_text())
        nothing_is_shown(said + texts[-1])
    assert texts[0] == texts[1] and "changed=0" in said
    code, said = federate_playbook(
        federate, *options, "-e", "federated_resources_state=absent", "-e", "federated_resources_wait=false", cwd=tmp_path
    )
    assert code == 0, said
    nothing_is_shown(said)
