# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What fails side by side has one more chance by itself, and both are told."""

from __future__ import annotations

from pathlib import Path

import pytest
import side_by_side

MAKEFILE = """
good:
	@echo fine
late:
	@test -e came || { touch came; echo too late; exit 1; }
bad:
	@echo never; exit 1
pytest:
	@pytest -q test_two.py
"""
TESTS = """
import pathlib
def test_steady():
    with pathlib.Path("ran").open("a") as file: file.write("steady ")
def test_racing():
    with pathlib.Path("ran").open("a") as file: file.write("racing ")
    assert pathlib.Path("ran").read_text().count("racing") == 2
"""


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "Makefile").write_text(MAKEFILE)
    (tmp_path / "test_two.py").write_text(TESTS)
    monkeypatch.chdir(tmp_path)
    return Path("cache/logs")


def test_once_more_by_itself(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert side_by_side.main(2, site, ["good", "late"]) == 0
    said = capsys.readouterr()
    assert "late begins, by itself" in said.out and "good begins, by itself" not in said.out
    assert "FAILED side by side, passed by itself: late;" in said.err
    assert "too late" in (site / "late.log").read_text()


def test_twice_is_a_failure_and_the_rest_runs(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert side_by_side.main(1, site, ["bad", "good"]) == 1
    said = capsys.readouterr()
    assert "=== good passed" in said.out and said.err.strip() == "FAILED: bad"


def test_of_pytests_only_what_failed(site: Path) -> None:
    assert side_by_side.main(2, site, ["pytest"]) == 0
    assert Path("ran").read_text().split() == ["steady", "racing", "racing"]
