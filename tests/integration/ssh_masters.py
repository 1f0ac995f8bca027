# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Real SSH servers on 127.0.0.x as members' masters, and an ordinary user who may use sudo. Needs root."""

from __future__ import annotations

import contextlib
import os
import pwd
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Iterator

import pytest

PACKAGES = {"/usr/sbin/sshd": "openssh-server", "/usr/bin/sudo": "sudo"}
INSTALL = "apt-get install -y --no-install-recommends"
POLICY = Path("/usr/sbin/policy-rc.d")
PRIVILEGE_SEPARATION = Path("/run/sshd")


def run(*command: str, stdin: str | None = None) -> str:
    """Standard output of a command that has to succeed."""
    done = subprocess.run(command, input=stdin, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    return done.stdout


def install() -> None:
    """Debian's sshd and sudo; the installation starts no service."""
    missing = [package for path, package in PACKAGES.items() if not Path(path).exists()]
    if os.geteuid():
        pytest.fail(
            f"the SSH tests make a user and need root. Next: run the tests as root; packages: {INSTALL} {' '.join(PACKAGES.values())}"
        )
    if not missing:
        return
    if not shutil.which("apt-get"):
        pytest.fail(f"{' and '.join(missing)} are missing. Next: install them (on Debian: {INSTALL} {' '.join(missing)})")
    refuse = not POLICY.exists()
    if refuse:
        POLICY.write_text("#!/bin/sh\nexit 101\n")
        POLICY.chmod(0o755)
    try:
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for command in (["apt-get", "update"], [*INSTALL.split(), *missing]):
            done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
            if done.returncode and "install" in command:
                pytest.fail(f"{' '.join(command)} failed: {done.stderr[-500:]}")
    finally:
        if refuse:
            POLICY.unlink()


@dataclass
class Master:
    """One sshd with its own host key."""

    folder: Path
    address: str
    user: str
    port: int = 0
    process: subprocess.Popen[bytes] | None = None

    @property
    def host_key(self) -> Path:
        return self.folder / f"host_key_{self.address}"

    @property
    def public_key(self) -> Path:
        return Path(f"{self.host_key}.pub")

    @property
    def known(self) -> str:
        """Its line for known_hosts."""
        return f"[{self.address}]:{self.port} {self.public_key.read_text()}"

    def new_host_key(self) -> None:
        for path in (self.host_key, self.public_key):
            path.unlink(missing_ok=True)
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", self.address, "-f", str(self.host_key))

    def command(self, config: Path) -> list[str]:
        """What runs the server."""
        return ["/usr/sbin/sshd", "-D", "-e", "-f", str(config)]

    def start(self) -> None:
        """Serve until :meth:`stop`; the port is chosen once."""
        if not self.port:
            with socket.create_server((self.address, 0)) as free:
                self.port = free.getsockname()[1]
        config = self.folder / f"sshd_config_{self.address}"
        lines = {
            "ListenAddress": f"{self.address}:{self.port}",
            "HostKey": self.host_key,
            "PidFile": self.folder / f"sshd_{self.address}.pid",
            "AuthorizedKeysFile": self.folder / "authorized_keys",
            "AllowUsers": f"{self.user} {self.user}-plain",
            "StrictModes": "no",
            "UsePAM": "no",
            "PasswordAuthentication": "no",
            "KbdInteractiveAuthentication": "no",
            "Subsystem": "sftp internal-sftp",
        }
        config.write_text("".join(f"{key} {value}\n" for key, value in lines.items()))
        with (self.folder / f"sshd_{self.address}.log").open("wb") as log:
            self.process = subprocess.Popen(self.command(config), stdout=log, stderr=log)
        end = time.monotonic() + 10
        while True:
            with contextlib.suppress(OSError), socket.create_connection((self.address, self.port), 1):
                return
            assert self.process.poll() is None, (self.folder / f"sshd_{self.address}.log").read_text()
            assert time.monotonic() < end, f"sshd does not listen on {self.address}:{self.port}"
            time.sleep(0.05)

    def stop(self) -> None:
        if self.process:
            self.process.terminate()
            self.process.wait()
            self.process = None


@dataclass
class Masters:
    """``good`` is as it should be; ``changed`` has another host key than the one that is known; ``refusing`` listens no more.

    The user ``user`` may use sudo with ``password``; the user ``plain`` may not.
    """

    folder: Path
    user: str
    password: str
    good: Master
    changed: Master
    refusing: Master
    plain: str = field(init=False)

    def __post_init__(self) -> None:
        self.plain = f"{self.user}-plain"

    def variables(self, master: Master, **more: Any) -> dict[str, Any]:
        """What an inventory says about a host."""
        known = f"-o UserKnownHostsFile={self.folder}/known_hosts -o GlobalKnownHostsFile=/dev/null -o StrictHostKeyChecking=yes"
        return {
            "ansible_host": master.address,
            "ansible_port": master.port,
            "ansible_user": self.user,
            "ansible_become_password": self.password,
            "ansible_ssh_private_key_file": str(self.folder / "key"),
            "ansible_ssh_common_args": f"-F /dev/null {known}",
            "ansible_control_path_dir": str(self.folder / "control"),
            **more,
        }


def make_user(name: str, home: Path) -> None:
    run("useradd", "--home-dir", str(home), "--create-home", "--shell", "/bin/sh", name)


def remove_user(name: str) -> None:
    """As soon as the user's last session has ended."""
    end = time.monotonic() + 10
    while True:
        done = subprocess.run(["userdel", "--remove", name], capture_output=True, text=True, check=False)
        with contextlib.suppress(KeyError):
            pwd.getpwnam(name)
            assert time.monotonic() < end, f"user {name} cannot be removed: {done.stderr}"
            time.sleep(0.1)
            continue
        return


def hang_up(control: Path) -> None:
    """End the connections that ssh keeps for Ansible."""
    for path in control.glob("*"):
        subprocess.run(["ssh", "-F", "/dev/null", "-o", f"ControlPath={path}", "-O", "exit", "there"], capture_output=True, check=False)


@contextlib.contextmanager
def users(name: str, password: str, folder: Path) -> Iterator[None]:
    """The two users and the sudo rule, gone afterwards."""
    rule = Path("/etc/sudoers.d") / name
    names = (name, f"{name}-plain")
    try:
        for one in names:
            make_user(one, folder / f"home-{one}")
            run("chpasswd", stdin=f"{one}:{password}\n")
        rule.touch(0o440)
        rule.write_text(f"{name} ALL=(root) ALL\n")
        yield
    finally:
        rule.unlink(missing_ok=True)
        for one in names:
            remove_user(one)


@pytest.fixture(scope="module")
def masters() -> Iterator[Masters]:
    install()
    made = [] if PRIVILEGE_SEPARATION.exists() else [PRIVILEGE_SEPARATION]
    PRIVILEGE_SEPARATION.mkdir(mode=0o755, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="edgefed-ssh-"))
    folder.chmod(0o755)
    name, password = f"edgefed-{os.getpid()}", secrets.token_urlsafe(18)
    servers = [Master(folder, address, name) for address in ("127.0.0.2", "127.0.0.3", "127.0.0.4")]
    try:
        with users(name, password, folder):
            run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "test", "-f", str(folder / "key"))
            (folder / "authorized_keys").write_text((folder / "key.pub").read_text())
            for server in servers:
                server.new_host_key()
                server.start()
            (folder / "known_hosts").write_text("".join(server.known for server in servers))
            _good, changed, refusing = servers
            changed.stop()
            changed.new_host_key()
            changed.start()
            refusing.stop()
            yield Masters(folder, name, password, *servers)
            hang_up(folder / "control")
    finally:
        for server in servers:
            server.stop()
        shutil.rmtree(folder)
        for path in made:
            path.rmdir()
