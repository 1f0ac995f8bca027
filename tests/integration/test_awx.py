# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Role awx against a fake of AWX's API: everything is made, a second run changes nothing, and only what is asked to go goes."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from .fake_awx import Awx, fake_awx  # noqa: F401

REPOSITORY = Path(__file__).resolve().parents[2]
PLAYBOOK = str(Path(sys.executable).with_name("ansible-playbook"))
SECRETS = {"awx_host_kubeconfig": "kubeconfig-of-the-host", "awx_ssh_key": "key-of-the-masters", "awx_vault_password": "word-of-the-vault"}


def run(tmp_path: Path, awx: Awx, *options: str, expect: int = 0, **variables: Any) -> str:
    """The output of playbooks/awx.yml; no secret is in it."""
    given = {
        "awx_auth": {"controller_host": awx.url, "controller_oauthtoken": "token-of-the-admin"},
        "awx_project_url": "https://git.example/edgefed.git",
        "awx_notification_url": "https://alerts.example/hook",
        "awx_ssh_user": "ops",
        **SECRETS,
        **variables,
    }
    extra = tmp_path / "extra.json"
    extra.write_text(json.dumps(given))
    command = [PLAYBOOK, "playbooks/awx.yml", "-e", f"@{extra}", *options]
    done = subprocess.run(command, cwd=REPOSITORY, env={**os.environ, "HOME": "/nonexistent"}, capture_output=True, text=True, check=False)
    output = done.stdout + done.stderr
    assert done.returncode == expect, output
    assert not [secret for secret in [*SECRETS.values(), "token-of-the-admin"] if secret in output], output
    return output


def changed(output: str) -> int:
    found = re.search(r"changed=(\d+)", output)
    assert found, output
    return int(found.group(1))


def test_everything_is_made_and_stays(fake_awx: Awx, tmp_path: Path) -> None:  # noqa: F811
    """The role's own data, with one of the variants for check mode, since each object costs a process."""
    objects = tmp_path / "objects.yml"
    variant = "      check_variant: true\n"
    first, *others = (REPOSITORY / "roles/awx/defaults/main/objects.yml").read_text().split(variant)
    objects.write_text(first + variant + "".join(others))
    assert changed(run(tmp_path, fake_awx, "-vvvv", "--diff", "-e", f"@{objects}")) > 0
    names = fake_awx.names("job_templates")
    assert "edgefed onboard a site" in fake_awx.names("workflow_job_templates")
    assert "edgefed join" in names and "edgefed site (check)" in names
    links = {place[2]: numbers for place, numbers in fake_awx.linked.items() if place[2] == "success_nodes" and numbers}
    assert links
    fake_awx.writes.clear()
    assert changed(run(tmp_path, fake_awx, "-e", f"@{objects}")) == 0
    assert fake_awx.writes == []


WORKFLOW = {
    "name": "two steps",
    "nodes": [
        {"identifier": "first", "approval_node": {"name": "go on"}, "success_nodes": ["second"]},
        {"identifier": "second", "unified_job_template": "prove"},
    ],
}
FEW: dict[str, Any] = {
    "organizations": [{"name": "edgefed"}],
    "projects": [{"name": "edgefed", "organization": "edgefed", "scm_type": "git", "scm_url": "https://git.example/edgefed.git"}],
    "inventories": [{"name": "sites", "organization": "edgefed"}],
    "job_templates": [
        {"name": name, "project": "edgefed", "inventory": "sites", "playbook": "playbooks/verify.yml"} for name in ("prove", "prove again")
    ],
    "workflow_job_templates": [{**WORKFLOW, "organization": "edgefed"}],
    "schedules": [
        {"name": "nightly", "unified_job_template": "prove", "rrule": "DTSTART:20260101T020000Z RRULE:FREQ=DAILY;INTERVAL=1;COUNT=999"}
    ],
}
FEWER: dict[str, Any] = {
    **FEW,
    "job_templates": FEW["job_templates"][:1],
    "workflow_job_templates": [{**WORKFLOW, "organization": "edgefed", "nodes": WORKFLOW["nodes"][1:]}],
    "schedules": [],
}
ALL = ["nodes", "schedules", "job_templates", "workflow_job_templates"]


def test_removed_only_when_asked(fake_awx: Awx, tmp_path: Path) -> None:  # noqa: F811
    run(tmp_path, fake_awx, awx_objects=FEW)
    assert changed(run(tmp_path, fake_awx, awx_objects=FEW, awx_remove=ALL)) == 0
    assert changed(run(tmp_path, fake_awx, awx_objects=FEWER)) == 0
    fake_awx.writes.clear()
    assert changed(run(tmp_path, fake_awx, "--check", awx_objects=FEWER, awx_remove=ALL)) == 3
    assert fake_awx.writes == []
    assert changed(run(tmp_path, fake_awx, awx_objects=FEWER, awx_remove=ALL)) == 3
    assert fake_awx.names("job_templates") == ["prove"]
    assert fake_awx.names("workflow_job_template_nodes") == ["second"]
    assert fake_awx.names("schedules") == []


def test_refused_before_anything_is_sent(fake_awx: Awx, tmp_path: Path) -> None:  # noqa: F811
    output = " ".join(run(tmp_path, fake_awx, expect=2, awx_ssh_key="", awx_project_url="").split())
    assert 'credentials "edgefed masters", of job_templates "edgefed site" and' in output
    assert "scm_url is missing (awx_project_url)" in output
    assert "Next: correct them" in output
    assert fake_awx.writes == []
