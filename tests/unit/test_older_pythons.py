# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Modules run on the Python that is where ``federation_run_from`` points: nothing younger than 3.9 is in what they import.

No older Python need be here: the source is parsed as 3.9 parses it, and searched for what came later. The lab's own
(``lab``, ``kind``) runs where ansible-core does.
"""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Iterator

import pytest

PLUGINS = Path(__file__).resolve().parents[2] / "plugins"
OF_THE_LAB = ("lab", "kind")
YOUNGER = {
    "datetime": {"UTC"},
    "enum": {"StrEnum"},
    "hashlib": {"file_digest"},
    "itertools": {"pairwise", "batched"},
    "tomllib": {"*"},
    "types": {"EllipsisType", "NoneType"},
    "typing": {"Concatenate", "LiteralString", "Never", "NotRequired", "ParamSpec", "Required", "Self", "TypeAlias", "TypeGuard", "Unpack"},
}
KEYWORDS = {"zip": {"strict"}, "dataclass": {"slots", "kw_only"}}


def sources() -> list[Path]:
    """What may run on another machine than the one Ansible runs on."""
    files = [*(PLUGINS / "modules").glob("*.py"), *(PLUGINS / "module_utils").rglob("*.py")]
    return sorted(file for file in files if not (file.stem.startswith(OF_THE_LAB) or file.parent.name in OF_THE_LAB))


def too_young(tree: ast.AST) -> Iterator[str]:
    """Each import, attribute and keyword argument that Python 3.9 does not have."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if "*" in YOUNGER.get(alias.name, ()))
        elif isinstance(node, ast.ImportFrom):
            names = YOUNGER.get(node.module or "", set())
            yield from (f"{node.module}.{alias.name}" for alias in node.names if alias.name in names or "*" in names)
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            if node.attr in YOUNGER.get(node.value.id, ()):
                yield f"{node.value.id}.{node.attr}"
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            yield from (f"{node.func.id}({word.arg}=)" for word in node.keywords if word.arg in KEYWORDS.get(node.func.id, ()))


@pytest.mark.parametrize("file", sources(), ids=lambda file: str(file.relative_to(PLUGINS)))
def test_nothing_is_younger_than_python_3_9(file: Path) -> None:
    assert list(too_young(ast.parse(file.read_text(), feature_version=(3, 9)))) == []


def test_what_is_younger_is_found() -> None:
    """The search itself: each sign of a younger Python."""
    code = "from datetime import UTC\nimport tomllib, hashlib\nhashlib.file_digest\nzip(a, b, strict=True)"
    assert sorted(too_young(ast.parse(code))) == ["datetime.UTC", "hashlib.file_digest", "tomllib", "zip(strict=)"]
    with pytest.raises(SyntaxError):
        ast.parse("match x:\n  case 1: pass", feature_version=(3, 9))
