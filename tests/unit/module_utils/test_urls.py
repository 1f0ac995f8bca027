# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""No password of an address is shown, wherever it stands in it."""

from __future__ import annotations

import pytest

from ansible_collections.edgefed.kubefed.plugins.module_utils.urls import basic_login, without_credentials


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://e:6443/a?b", "https://e:6443/a?b"),
        ("http://me:proxy-hunter2@proxy", "http://proxy"),
        ("socks5://a@b@proxy:1", "socks5://proxy:1"),
        ("me:hunter2@proxy:3128", "proxy:3128"),
        ("10.0.0.7:6443", "10.0.0.7:6443"),
        ("//me:hunter2@proxy", "//proxy"),
        ("http://me:hun/ter2@proxy", "(not shown)"),
        ("http://me:hun?ter2@proxy", "(not shown)"),
        ("http://me:hun#ter2@proxy", "(not shown)"),
        ("http://[", "(not shown)"),
        ("", ""),
    ],
)
def test_without_credentials(url: str, expected: str) -> None:
    assert without_credentials(url) == expected


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://mirror:8443/k8s", ("https://mirror:8443/k8s", "")),
        ("https://me:hunter2@mirror:8443/k8s", ("https://mirror:8443/k8s", "Basic bWU6aHVudGVyMg==")),
        ("https://me:hunter%32@mirror", ("https://mirror", "Basic bWU6aHVudGVyMg==")),
        ("http://[", ("http://[", "")),
    ],
)
def test_basic_login(url: str, expected: tuple[str, str]) -> None:
    assert basic_login(url) == expected
