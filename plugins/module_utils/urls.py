# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Addresses as they may be shown, and the credentials in them. Pure."""

from __future__ import annotations

import base64
from urllib.parse import unquote, urlsplit

NOT_SHOWN = "(not shown)"


def without_credentials(url: str) -> str:
    """The URL without user name and password, ``(not shown)`` where it is not clear where they end."""
    slashes = "" if "//" in url else "//"
    try:
        parts = urlsplit(slashes + url)
    except ValueError:
        return NOT_SHOWN
    if "@" in parts.path + parts.query + parts.fragment:
        return NOT_SHOWN
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()[len(slashes) :]


def has_credentials(url: str) -> bool:
    """Whether a user name, a password or what may be one is in the URL."""
    return "@" in url


def basic_login(url: str) -> tuple[str, str]:
    """The URL without credentials, and the ``Authorization`` header that they mean (empty without them)."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return url, ""
    login, mark, host = parts.netloc.rpartition("@")
    if not mark:
        return url, ""
    return parts._replace(netloc=host).geturl(), "Basic " + base64.b64encode(unquote(login).encode()).decode()
