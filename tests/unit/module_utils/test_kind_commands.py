# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A program that does not end is given up, with one message."""

from __future__ import annotations

import pytest

from ansible_collections.edgefed.kubefed.plugins.module_utils.kind.commands import run
from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import EdgefedError


def test_a_program_that_does_not_end_is_given_up() -> None:
    with pytest.raises(EdgefedError) as caught:
        run(["sleep", "60"], "Removing the lab's nodes", "run again", timeout=0.2)
    assert caught.value.code == "timeout"
    assert "Removing the lab's nodes was given up: sleep did not end within" in str(caught.value)
    assert str(caught.value).endswith("then run again.")
