# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Names that DNS servers take: ASCII, 63 octets a label, 253 characters in all (255 octets on the wire). Pure."""

from __future__ import annotations

import re

MAX_NAME = 253
MAX_LABEL = 63
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?", re.ASCII)


class Refused(ValueError):
    """A field that cannot become a name. ``str()`` names the field, what is wrong, and what to do."""


def label_fault(label: str) -> str:
    """What is wrong with one label, in words; empty when nothing is."""
    if not label:
        return "has an empty label"
    if not label.isascii():
        return f'has the label "{label}", which is not ASCII; write it in its xn-- form'
    if len(label) > MAX_LABEL:
        return f"has a label of {len(label)} characters; {MAX_LABEL} are possible"
    if not _LABEL.fullmatch(label):
        return f'has the label "{label}"; a label has letters, digits and hyphens, and no hyphen at its ends'
    return ""


def checked(text: str, field: str, *, wildcard: bool = False) -> str:
    """``text`` as a host name in lower case, without the root's dot; raises :class:`Refused` naming ``field``."""
    name = text.lower().removesuffix(".")
    labels = name.split(".")
    rest = labels[1:] if wildcard and labels[0] == "*" and len(labels) > 1 else labels
    fault = next(filter(None, map(label_fault, rest)), "")
    if not fault and len(name) > MAX_NAME:
        fault = f"has {len(name)} characters; {MAX_NAME} are possible"
    if fault:
        shown = text if len(text) <= MAX_LABEL else f"{text[: MAX_LABEL - 1]}…"
        raise Refused(f'{field}: "{shown}" {fault}')
    return name
