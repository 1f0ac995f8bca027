# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reading where the kubeconfig lies, with an old Python, and what is told when it fails."""

from __future__ import annotations

import ast
import base64
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.edgefed.kubefed.plugins.module_utils.kubeconfig.problem import read_problem, unread
from ansible_collections.edgefed.kubefed.plugins.module_utils.kubeconfig.read import LIMIT, ReadProblem, read_sources, references

REPOSITORY = Path(__file__).resolve().parents[3]
SECRET = "hunter2-secret"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("cluster:\n  certificate-authority: pki/ca.crt\n", ["pki/ca.crt"]),
        ("cluster:\r\n  certificate-authority: pki/ca.crt\r\n", ["pki/ca.crt"]),
        ("cluster: {certificate-authority: pki/ca.crt, server: x}", ["pki/ca.crt"]),
        ('user: {client-certificate: \'a b.crt\', "client-key": "\\u00e9.key"}', ["a b.crt", "é.key"]),
        ("user:\n  client-key: 'it''s.key' # no\n  tokenFile: /var/run/token # no\n", ["it's.key", "/var/run/token"]),
        ('{"user":{"client-key":"k","client-certificate":"c"}}', ["k", "c"]),
        ("client-key:\n    far.key\n", ["far.key"]),
        ("client-key: a b.key\n", ["a b.key"]),
        ("client-key: a.key\nclient-key: a.key\n", ["a.key"]),
        ("client-key-data: LS0t\ncertificate-authority-data: LS0t\n", []),
        ("client-key: ''\nclient-certificate: \"\"\n", []),
        ("client-key: {a: b}\nclient-certificate: [c]\n", []),
        ("- name: a\n- client-key: k\n", ["k"]),
        ("my-client-key: k\n", ["k"]),
        ("", []),
    ],
)
def test_the_files_that_a_kubeconfig_names(text: str, expected: list[str]) -> None:
    """One name too many does no harm: only names that the parser finds too are embedded."""
    assert references(text) == expected


def test_read_with_the_files_beside_it(tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_bytes(b"\xef\xbb\xbfclient-key: k\r\nclient-certificate: gone.crt\ncertificate-authority: .\n")
    (tmp_path / "k").write_bytes(b"\x00\xff")
    (source,) = read_sources(str(config))
    assert source == {
        "path": str(config),
        "content": "client-key: k\r\nclient-certificate: gone.crt\ncertificate-authority: .\n",
        "files": {"k": base64.b64encode(b"\x00\xff").decode()},
        "problems": {"gone.crt": f"{tmp_path}/gone.crt does not exist", ".": f"{tmp_path}/. is a folder"},
    }


def test_several_files_and_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a", "b"):
        (tmp_path / name).write_text(f"# {name}")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert [one["content"] for one in read_sources("~/a:~/gone::~/b")] == ["# a", "# b"]
    monkeypatch.chdir(tmp_path)
    assert read_sources("a")[0]["path"] == str(tmp_path / "a")
    with pytest.raises(ReadProblem, match="/gone does not exist"):
        read_sources("~/gone:~/gone2")


@pytest.mark.parametrize(
    ("make", "code", "message"),
    [
        (lambda path: None, "missing", "does not exist. Next: set kubeconfig_path"),
        (lambda path: path.mkdir(), "folder", "is a folder. Next: set kubeconfig_path"),
        (lambda path: path.write_bytes(b"\xff\xfe" + SECRET.encode()), "not_text", "is not UTF-8 text"),
        (lambda path: path.write_bytes(b"a" * (LIMIT + 1)), "large", "is larger than"),
        (lambda path: path.symlink_to(path), "unreadable", "cannot be read: Too many levels of symbolic links"),
    ],
)
def test_what_cannot_be_read(make: Any, code: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "config"
    make(path)
    with pytest.raises(ReadProblem) as caught:
        read_sources(str(path))
    assert caught.value.code == code
    assert caught.value.message.startswith(f"{path} {message}")
    assert SECRET not in caught.value.message


@pytest.mark.parametrize("path", ["", ":"])
def test_no_path(path: str) -> None:
    with pytest.raises(ReadProblem, match="the path is empty"):
        read_sources(path)


SSH = "UNREACHABLE: Failed to connect to the host via ssh: "
SAID: list[tuple[dict[str, Any], str]] = [
    ({"skipped": True}, ""),
    ({"sources": [{"path": "/x"}]}, ""),
    (
        {"sources": [], "problem": {"message": "/x does not exist. Next: set kubeconfig_path"}},
        "/x does not exist. Next: set kubeconfig_path.",
    ),
    ({"unreachable": True, "msg": f"{SSH}Host key verification failed."}, "SSH host key is unknown or has changed"),
    ({"unreachable": True, "msg": f"{SSH}@@@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @@@"}, "ssh-keygen -R 192.0.2.7"),
    ({"unreachable": True, "msg": f"{SSH}ops@192.0.2.7: Permission denied (publickey)."}, "SSH refused the login"),
    ({"unreachable": True, "msg": f"{SSH}debug1: Permission denied\nConnection refused"}, "nothing listens there"),
    ({"unreachable": True, "msg": f"{SSH}Could not resolve hostname edge1"}, "its name does not resolve"),
    ({"unreachable": True, "msg": f"{SSH}Connection timed out"}, "no answer in time"),
    ({"unreachable": True, "msg": f"{SSH}No route to host"}, "no route"),
    ({"unreachable": True, "msg": f"{SSH}Connection closed by remote host"}, "was cut"),
    ({"unreachable": True, "msg": SECRET}, "it cannot be reached by SSH. Next: check ansible_host, ansible_port and ansible_user"),
    ({"failed": True, "msg": "Missing sudo password"}, "sudo wants a password. Next: allow it in sudoers"),
    ({"failed": True, "module_stderr": "sudo: a password is required"}, "sudo wants a password"),
    ({"failed": True, "module_stderr": "ops is not in the sudoers file."}, "sudo does not allow it"),
    ({"failed": True, "module_stdout": "/bin/sh: 1: sudo: not found"}, "sudo is not installed there"),
    ({"failed": True, "msg": "The module interpreter '/usr/bin/python3' was not found."}, "no usable Python 3.8 or later"),
    ({"failed": True, "module_stderr": "/bin/sh: 1: /usr/bin/python3: not found"}, "no usable Python"),
    (
        {"failed": True, "module_stdout": "ansible-core requires a minimum of Python version 3.8. Current version: 3.7.16"},
        "no usable Python",
    ),
    ({"failed": True, "module_stderr": "SyntaxError: future feature annotations is not defined"}, "no usable Python"),
    ({"failed": True, "msg": SECRET, "module_stdout": SECRET}, "failed in a way that is not shown"),
    ({}, "failed in a way that is not shown"),
]


@pytest.mark.parametrize(("result", "expected"), SAID)
def test_the_hidden_cause_is_recognised_and_never_repeated(result: dict[str, Any], expected: str) -> None:
    said = read_problem(result, "edge1", "192.0.2.7")
    assert expected in said
    assert SECRET not in said
    if expected:
        assert said.startswith("edge1 (192.0.2.7): the kubeconfig cannot be read: ")
        assert "Next: " in said
        assert "HOST" not in said and "ADDRESS" not in said
    assert not read_problem(result, "edge1").startswith("edge1 (")


def test_the_key_to_forget_has_the_port() -> None:
    problem = unread({"unreachable": True, "msg": "Host key verification failed."}, "edge1", "192.0.2.7", "2222")
    assert problem["code"] == "unreachable"
    assert "ssh-keygen -R '[192.0.2.7]:2222' and accept" in problem["message"]


# What a member's master has to run, and what Ansible wraps with it.
ON_MASTERS = (
    "modules/kubeconfig_info.py",
    "module_utils/kubeconfig/find.py",
    "module_utils/kubeconfig/flavours.py",
    "module_utils/kubeconfig/read.py",
    "module_utils/kubeconfig/__init__.py",
    "module_utils/outcome.py",
)


@pytest.mark.parametrize("file", ON_MASTERS)
def test_python_3_8_can_parse_it(file: str) -> None:
    ast.parse((REPOSITORY / "plugins" / file).read_text(), feature_version=(3, 8))


def test_nothing_but_the_standard_library_and_ansibles_wrapper_is_imported() -> None:
    """Whatever else is imported would have to be there on every master."""
    code = "import sys; import ansible_collections.edgefed.kubefed.plugins.modules.kubeconfig_info; print('\\n'.join(sys.modules))"
    environment = {"PYTHONPATH": str(REPOSITORY / "collections"), "PATH": "", "LC_ALL": "C.UTF-8"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    modules = done.stdout.split()
    ours = {name for name in modules if name.startswith("ansible_collections.edgefed.kubefed.plugins.") and name.count(".") > 4}
    prefix = "ansible_collections.edgefed.kubefed.plugins."
    assert ours == {
        f"{prefix}modules.kubeconfig_info",
        f"{prefix}module_utils.kubeconfig",
        f"{prefix}module_utils.kubeconfig.find",
        f"{prefix}module_utils.kubeconfig.flavours",
        f"{prefix}module_utils.kubeconfig.read",
        f"{prefix}module_utils.outcome",
    }
    assert not {"yaml", "kubernetes", "cryptography", "urllib3", "jinja2"} & set(modules)
