# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Kubeconfigs of each flavour of Kubernetes (tests/data/flavours), with a real cluster's certificates put in."""

from __future__ import annotations

import json
from pathlib import Path
from string import Template
from typing import Any

import yaml

DATA = Path(__file__).resolve().parent / "data" / "flavours"


def fixture(flavour: str, **values: str) -> dict[str, Any]:
    """``file``, ``kubeconfig`` and ``others``; ``values`` are the placeholders."""
    return _filled(yaml.safe_load((DATA / f"{flavour}.yaml").read_text()), values)


def _filled(value: Any, values: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: _filled(item, values) for key, item in value.items()}
    if isinstance(value, list):
        return [_filled(item, values) for item in value]
    return Template(value).safe_substitute(values) if isinstance(value, str) else value


def lay(folder: Path, given: dict[str, Any]) -> Path:
    """The fixture's files below ``folder``, as they lie on a master; gives the kubeconfig's path."""
    for file, text in given.get("others", {}).items():
        path = folder / file.lstrip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o755)
    kubeconfig = folder / given["file"].lstrip("/")
    kubeconfig.parent.mkdir(parents=True, exist_ok=True)
    kubeconfig.touch(0o600)
    kubeconfig.write_text(json.dumps(given["kubeconfig"]))
    return kubeconfig
