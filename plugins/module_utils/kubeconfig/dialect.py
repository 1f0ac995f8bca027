# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""kubectl's dialect of YAML. Pure.

kubectl's YAML (sigs.k8s.io/yaml) is not PyYAML's: ``y`` is a boolean, ``1e3`` a number and a date a string. Reading
follows kubectl's rules, and writing quotes whatever kubectl or PyYAML could take for something else than text.
"""

from __future__ import annotations

import re
from typing import Any

from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import EdgefedError

_LoaderBase: Any = object
_DumperBase: Any = object
try:
    import yaml

    _LoaderBase = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    _DumperBase = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    MISSING = None
except ImportError as error:
    MISSING = error

_PREFIX = "tag:yaml.org,2002:"
STR, MERGE, NULL, BOOL, FLOAT, INT = (_PREFIX + name for name in ("str", "merge", "null", "bool", "float", "int"))
_NUMBER = re.compile(r"[-+]?(0b[01_]+|0o?[0-7_]+|0x[0-9a-fA-F_]+|[0-9][0-9_]*|(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?)\Z")
_NO_NUMBER = re.compile(r"([-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN))\Z")
_BOOL = re.compile(r"(y|Y|yes|Yes|YES|n|N|no|No|NO|true|True|TRUE|false|False|FALSE|on|On|ON|off|Off|OFF)\Z")
_RESOLVERS = (
    (MERGE, re.compile(r"<<\Z"), "<"),
    (BOOL, _BOOL, "yYnNtTfFoO"),
    (FLOAT, _NUMBER, "-+0123456789."),
    (FLOAT, _NO_NUMBER, "-+."),
)
_PLAIN = re.compile(r"[A-Za-z/][A-Za-z0-9_./@+=-]*(:[A-Za-z0-9_./@+=-]+)*\Z")
_WORDS = re.compile(r"(y|yes|n|no|true|false|on|off|null)\Z", re.IGNORECASE)


def check_library() -> None:
    """Raise (code ``missing_library``) where PyYAML is not installed."""
    if MISSING:
        raise EdgefedError(
            "The Python package PyYAML is missing on the machine that merges kubeconfigs. Next: run the step with the Python of "
            "ansible-core, which brings it, or pip install PyYAML.",
            code="missing_library",
        )


class Loader(_LoaderBase):  # type: ignore[misc]
    """Resolves plain scalars as kubectl does."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}


class Dumper(_DumperBase):  # type: ignore[misc]
    """Writes no anchors, and quotes whatever could be taken for something else."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _represent_text(dumper: Any, text: str) -> Any:
    plain = _PLAIN.match(text) and not _WORDS.match(text)
    return dumper.represent_scalar(STR, text, style=None if plain else '"')


if not MISSING:
    for _tag, _pattern, _first in _RESOLVERS:
        Loader.add_implicit_resolver(_tag, _pattern, list(_first))
    Loader.add_implicit_resolver(NULL, re.compile(r"(~|null|Null|NULL|)\Z"), ["~", "n", "N", ""])
    Dumper.add_representer(str, _represent_text)


def to_yaml(value: Any) -> str:
    """YAML that kubectl and PyYAML read alike."""
    text: str = yaml.dump(value, Dumper=Dumper, sort_keys=False, allow_unicode=True, width=100_000)
    return text


def number(text: str) -> int | float | str | None:
    """kubectl's number: base by prefix, a leading 0 is octal; text when it is none; ``None`` for infinity and NaN, which it refuses."""
    if _NO_NUMBER.match(text):
        return None
    digits = text.replace("_", "")
    octal = re.sub(r"^([-+]?)0([0-7]+)\Z", r"\g<1>0o\2", digits)
    for read in (lambda: int(octal, 0), lambda: float(digits)):
        try:
            return read()
        except ValueError:
            continue
    return text
