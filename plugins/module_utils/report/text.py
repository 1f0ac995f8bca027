# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Text in fixed-width columns: wide (CJK) characters take two, combining ones none, and nothing steers the terminal. Pure."""

from __future__ import annotations

import unicodedata

_HIDDEN = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")


def harmless(text: object) -> str:
    """``text`` on one line without control, bidirectional and other invisible characters: each becomes ``\ufffd``."""
    return "".join("\ufffd" if unicodedata.category(sign) in _HIDDEN else sign for sign in str(text))


def width(text: str) -> int:
    """How many columns a terminal uses."""
    return sum(_columns(sign) for sign in text)


def _columns(sign: str) -> int:
    if unicodedata.combining(sign) or unicodedata.category(sign) in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(sign) in ("W", "F") else 1


def cut(text: str, columns: int) -> str:
    """At most ``columns`` wide; what was cut off is shown as ``…``."""
    if width(text) <= columns:
        return text
    kept, used = "", 0
    for sign in text:
        used += _columns(sign)
        if used > columns - 1:
            break
        kept += sign
    return f"{kept}…"


def cut_start(text: str, columns: int) -> str:
    """As :func:`cut`, but the end is kept."""
    return cut(text[::-1], columns)[::-1]


def pad(text: str, columns: int) -> str:
    """Filled up with spaces on the right."""
    return text + " " * max(0, columns - width(text))
