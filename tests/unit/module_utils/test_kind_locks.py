# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Runs that make clusters share the lab's lock; one that removes the lab has it alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.edgefed.kubefed.plugins.module_utils.kind.locks import held
from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import EdgefedError


def test_many_make_at_once_and_nobody_removes_meanwhile(tmp_path: Path) -> None:
    path = str(tmp_path / "run/lab.lock")
    with (
        held(path, "this lab", 0, shared=True),
        held(path, "this lab", 0, shared=True),
        pytest.raises(EdgefedError, match=r"Another run has worked on this lab .* Next: "),
        held(path, "this lab", 0),
    ):
        pass
    with held(path, "this lab", 0), pytest.raises(EdgefedError), held(path, "this lab", 0, shared=True):
        pass


def test_a_lock_whose_file_went_with_its_folder_is_taken_anew(tmp_path: Path) -> None:
    path = tmp_path / "lab.lock"
    with held(str(path), "this lab", 0):
        path.unlink()
        with held(str(path), "this lab", 0):
            assert path.exists()
