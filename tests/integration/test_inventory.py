# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Inventories that cannot work are refused by one message before anything is changed, by every playbook."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
ANSIBLE = str(Path(sys.executable).with_name("ansible-playbook"))
GOOD = {"hosts": {"center": None}}
LONG = "a" * 64
# All but the one that looks at no cluster.
PLAYBOOKS = sorted(path.name for path in (REPOSITORY / "playbooks").glob("*.yml") if path.name != "awx.yml")


def refused(tmp_path: Path, groups: dict[str, Any], playbook: str) -> str:
    """The one message of a run that has to fail, and did nothing before."""
    inventory = tmp_path / "hosts.json"
    common = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    inventory.write_text(json.dumps({"all": {"vars": common, "children": groups}}))
    environment = {**os.environ, "AWX_PRIVATE_DATA_DIR": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    command = [ANSIBLE, "-i", str(inventory), str(REPOSITORY / "playbooks" / playbook)]
    done = subprocess.run(command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=False)
    output = done.stdout + done.stderr
    assert done.returncode == 2, output
    assert "Traceback" not in output
    assert sorted(path.name for path in tmp_path.iterdir()) == ["hosts.json"]
    assert not re.search(r"changed=[1-9]", output)
    assert len(re.findall(r"failed=1|failed=[2-9]", output)) == 1, output
    return " ".join(output.split())


@pytest.mark.parametrize(
    ("groups", "said"),
    [
        ({"federation_members": GOOD}, 'Inventory group "federation_host" is missing.'),
        ({"federation_host": {}, "federation_members": GOOD}, 'Inventory group "federation_host" is empty.'),
        ({"federation_host": GOOD}, 'Inventory group "federation_members" is missing.'),
        (
            {"federation_host": {"hosts": {"center": None, "other": None}}, "federation_members": GOOD},
            'Inventory group "federation_host" holds 2 hosts (center, other), but a federation has exactly one host cluster.',
        ),
        ({"federation_host": GOOD, "federation_members": {"hosts": {LONG: None}}}, f"Inventory host(s) {LONG}: a cluster is named"),
        ({"federation_host": GOOD, "federation_members": {"hosts": {"Shop_1": None}}}, "Inventory host(s) Shop_1: a cluster is named"),
        ({"federation_host": GOOD, "federation_members": {"hosts": {"shop.example": None}}}, "Inventory host(s) shop.example: a cluster"),
    ],
)
def test_refused_with_one_message(tmp_path: Path, groups: dict[str, Any], said: str) -> None:
    message = refused(tmp_path, groups, "site.yml")
    assert said in message
    assert "Next: " in message
    assert "Nothing was changed." in message


@pytest.mark.parametrize("playbook", PLAYBOOKS)
def test_every_playbook_checks_first(tmp_path: Path, playbook: str) -> None:
    assert 'group "federation_host" is missing' in refused(tmp_path, {"federation_members": GOOD}, playbook)
