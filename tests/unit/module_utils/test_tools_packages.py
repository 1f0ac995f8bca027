# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is taken of apt's words."""

from __future__ import annotations

import pytest

from ansible_collections.edgefed.kubefed.plugins.module_utils.tools.packages import chosen, missing_programs, said_by_apt

SIMULATED = """\
Reading package lists...
Inst libc6 (2.36-9+deb12u14 Debian:12.15/oldstable [amd64]) []
Inst perl-base (5.36.0-7 Debian:12.15/oldstable [amd64])
Inst libuv1 [1.44.1-1] (1.44.2-1+deb12u1 Debian:12.15/oldstable [amd64])
Inst bind9-libs (1:9.18.49-1~deb12u3 Debian-Security:12/oldstable-security [amd64])
Inst bind9 (1:9.18.49-1~deb12u3 Debian-Security:12/oldstable-security [amd64])
Conf bind9 (1:9.18.49-1~deb12u3 Debian-Security:12/oldstable-security [amd64])
"""


def test_chosen_are_the_packages_and_their_libraries_without_the_c_library() -> None:
    versions = {"libuv1": "1.44.2-1+deb12u1", "bind9-libs": "1:9.18.49-1~deb12u3", "bind9": "1:9.18.49-1~deb12u3"}
    assert chosen(SIMULATED, ["bind9", "bind9-libs"]) == [f"{name}={version}" for name, version in versions.items()]


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        ("Reading package lists...\nE: Unable to locate package bind9\nE: more\n", "Unable to locate package bind9"),
        (
            "Ign:1 http://mirror\nW: Failed to fetch http://mirror  Connection refused\n",
            "Failed to fetch http://mirror  Connection refused",
        ),
        ("dpkg-deb: error: 'x.deb' is not a Debian format archive\n", "dpkg-deb: error: 'x.deb' is not a Debian format archive"),
        ("", "nothing"),
    ],
)
def test_what_apt_says(output: str, expected: str) -> None:
    assert said_by_apt(output) == expected


def test_a_machine_without_apt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    assert missing_programs() == "this machine has no apt-get and no dpkg-deb"
