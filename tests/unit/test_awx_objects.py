# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The role's own data for an AWX, object by object: module arguments, the server's fields, names, playbooks, surveys.

``awx-24.6.1-post-fields.json`` is what an AWX 24.6.1 says of the fields that each endpoint takes (``OPTIONS``, ``actions.POST``).
"""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
import tempfile
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.edgefed.kubefed.plugins.module_utils.awx.check import REFERENCES, problems
from ansible_collections.edgefed.kubefed.plugins.module_utils.awx.objects import KINDS, ready
from ansible_collections.edgefed.kubefed.plugins.module_utils.awx.survey import options_of

REPOSITORY = Path(__file__).resolve().parents[2]
ROLES = REPOSITORY / "roles"
FIELDS: dict[str, Any] = json.loads((REPOSITORY / "tests/data/awx/awx-24.6.1-post-fields.json").read_text())
# Not for an AWX, each for its reason.
ELSEWHERE = {
    "awx.yml": "makes all this, and needs the right to",
    "inventory_check.yml": "is the first part of every other",
    "lab_down.yml": "labs are on one's own machine",
    "lab_report.yml": "labs are on one's own machine",
    "lab_names.yml": "labs are on one's own machine",
    "lab_up.yml": "labs are on one's own machine",
    "tools.yml": "the execution environment holds what it brings",
}
GIVEN = {
    "awx_project_url": "https://git.example/edgefed.git",
    "awx_host_kubeconfig": "apiVersion: v1",
    "awx_ssh_key": "a key",
    "awx_ssh_user": "ops",
    "awx_vault_password": "a word",
    "awx_notification_url": "https://alerts.example/hook",
}
JINJA_OF_AWX = re.compile(r"\{\{ *(\w+)(?:\.\w+)* *\}\}")


def specs() -> list[dict[str, Any]]:
    return [yaml.safe_load(path.read_text()) for path in sorted(ROLES.glob("*/meta/argument_specs.yml"))]


def rendered() -> dict[str, Any]:
    """``awx_objects`` as Ansible renders it, with every variable given."""
    files = [str(ROLES / "awx/defaults/main" / name) for name in ("main.yml", "objects.yml")]
    with tempfile.TemporaryDirectory() as folder:
        keep = {"ansible.builtin.copy": {"content": "{{ awx_objects | to_json }}", "dest": f"{folder}/objects.json", "mode": "0600"}}
        play = {"hosts": "localhost", "connection": "local", "gather_facts": False, "vars_files": files, "tasks": [keep]}
        Path(folder, "play.json").write_text(json.dumps([play]))
        command = [str(Path(sys.executable).with_name("ansible-playbook")), f"{folder}/play.json", "-e", json.dumps(GIVEN)]
        done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        found: dict[str, Any] = json.loads(Path(folder, "objects.json").read_text())
        return found


OBJECTS = ready(rendered(), options_of(specs()))
ALL = [(kind, item) for kind, items in OBJECTS.items() for item in items]


def called(value: Any) -> str:
    return value if isinstance(value, str) else str(value.get("name") or value.get("identifier") or value.get("role"))


def argument_spec(module: str) -> dict[str, Any]:
    """The spec that the module of awx.awx states, read from its source."""
    found = import_module(f"ansible_collections.awx.awx.plugins.modules.{module}")
    tree = ast.parse(Path(str(found.__file__)).read_text())
    call = next(
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id == "argument_spec"
    )
    spec: dict[str, Any] = eval(compile(ast.Expression(call), module, "eval"), vars(found))
    return spec


def module_of(kind: str) -> str:
    return "workflow_job_template_node" if kind in ("nodes", "links") else KINDS[kind]


@pytest.mark.parametrize(("kind", "item"), ALL, ids=called)
def test_the_module_takes_it(kind: str, item: dict[str, Any]) -> None:
    result = ArgumentSpecValidator(argument_spec(module_of(kind))).validate(item)
    assert result.error_messages == []


@pytest.mark.parametrize(("kind", "item"), [(kind, item) for kind, item in ALL if kind in FIELDS or kind == "nodes"], ids=called)
def test_the_server_takes_it(kind: str, item: dict[str, Any]) -> None:
    fields = FIELDS["workflow_job_template_nodes" if kind == "nodes" else kind]
    # What the module sends otherwise, as associations, or keeps to itself; the organization of a job template is its project's.
    spec = argument_spec(module_of(kind))
    apart = {name for name in spec if name not in fields} | set(REFERENCES)
    for name, value in item.items():
        if name in apart:
            continue
        field = fields[name]
        if field["type"] == "choice":
            assert value in [choice[0] for choice in field["choices"]], name
        if field["type"] == "boolean":
            assert isinstance(value, bool), name
        if field["type"] == "integer":
            assert field.get("min_value", -1) <= int(value) <= field.get("max_value", 2**31), name
        if "max_length" in field:
            assert len(value) <= field["max_length"], name
    for name, field in fields.items():
        assert not field["required"] or name in item, name


def test_nothing_is_refused() -> None:
    assert problems(OBJECTS, {}) == []


def test_every_playbook_has_a_job_template_or_a_reason() -> None:
    known = {Path(item["playbook"]).name for item in OBJECTS["job_templates"]}
    there = {path.name for path in (REPOSITORY / "playbooks").glob("*.yml")}
    assert there - known == set(ELSEWHERE), "add a job template to roles/awx/defaults/main/objects.yml, or the reason here"
    assert known <= there


def entries_of(playbook: Path) -> set[tuple[str, str]]:
    """``(role, entry point)`` of all that a playbook and what it imports runs."""
    found = {("federation", "main")}
    for play in yaml.safe_load(playbook.read_text()):
        if "ansible.builtin.import_playbook" in play:
            found |= entries_of(playbook.with_name(play["ansible.builtin.import_playbook"]))
        found |= {(role["role"].rsplit(".", 1)[-1], "main") for role in play.get("roles", [])}
        for task in play.get("tasks", []):
            included = task["ansible.builtin.include_role"]
            found.add((included["name"].rsplit(".", 1)[-1], included.get("tasks_from", "main")))
    return found


def options_of_playbook(playbook: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for role, entry in entries_of(REPOSITORY / playbook):
        spec = yaml.safe_load((ROLES / role / "meta/argument_specs.yml").read_text())["argument_specs"]
        found.update(spec[entry]["options"])
    return found


QUESTIONS = [(item, question) for item in OBJECTS["job_templates"] for question in (item.get("survey_spec") or {}).get("spec", [])]


@pytest.mark.parametrize(("template", "question"), QUESTIONS, ids=lambda value: value.get("name") or value["variable"])
def test_answers_are_what_the_playbook_takes(template: dict[str, Any], question: dict[str, Any]) -> None:
    """Each choice and default passes the argument spec of a role that the playbook runs, and the default is the role's own."""
    options = options_of_playbook(template["playbook"])
    assert question["variable"] in options
    option = {key: value for key, value in options[question["variable"]].items() if key in ("type", "choices", "elements")}
    answers = question["choices"].split("\n") if "choices" in question else []
    for answer in [*answers, *([question["default"]] if "default" in question else [])]:
        assert ArgumentSpecValidator({"it": option}).validate({"it": answer}).error_messages == []
    defaults: dict[str, Any] = {}
    for role, _entry in entries_of(REPOSITORY / template["playbook"]):
        defaults.update(yaml.safe_load((ROLES / role / "defaults/main.yml").read_text()))
    if question["variable"] in defaults and "default" in question:
        assert str(defaults[question["variable"]]).lower() == str(question["default"]).lower()


def test_surveys_of_workflows_ask_what_their_nodes_take() -> None:
    templates = {item["name"]: item for item in OBJECTS["job_templates"]}
    for workflow in OBJECTS["workflow_job_templates"]:
        nodes = [node for node in OBJECTS["nodes"] if node["workflow_job_template"] == workflow["name"]]
        taken = {
            question["variable"]
            for node in nodes
            if "unified_job_template" in node
            for question in (templates[node["unified_job_template"]].get("survey_spec") or {}).get("spec", [])
        }
        assert {question["variable"] for question in workflow["survey_spec"]["spec"]} <= taken


def test_secrets_are_asked_for_as_passwords() -> None:
    options = options_of(specs())
    for _template, question in QUESTIONS:
        assert (question["type"] == "password") == bool(options[question["variable"]].get("no_log"))
        assert question["type"] != "password" or "default" not in question
    assert any(question["type"] == "password" for _template, question in QUESTIONS)


@pytest.mark.parametrize("kind", OBJECTS["credential_types"], ids=called)
def test_credential_types_inject_their_own_fields(kind: dict[str, Any]) -> None:
    """The server's rules: every field has a type, and a template names nothing else."""
    fields = kind["inputs"]["fields"]
    assert all(set(field) >= {"id", "type", "label"} for field in fields)
    names = {field["id"] for field in fields} | {"tower"}
    for injected in kind["injectors"].values():
        for name, template in injected.items():
            assert re.fullmatch(r"[A-Za-z_]\w*", name)
            assert set(JINJA_OF_AWX.findall(template)) <= names and JINJA_OF_AWX.search(template)


def test_a_workflow_waits_for_approval_before_anything_is_changed() -> None:
    links = {(item["workflow_job_template"], item["identifier"]): item for item in OBJECTS["links"]}
    approvals = [item for item in OBJECTS["nodes"] if "approval_node" in item]
    assert {item["workflow_job_template"] for item in approvals} == {item["name"] for item in OBJECTS["workflow_job_templates"]}
    for node in approvals:
        assert links[node["workflow_job_template"], node["identifier"]]["success_nodes"]
    unified = {item["identifier"]: item for item in OBJECTS["nodes"] if item["workflow_job_template"] == "edgefed onboard a site"}
    assert [len(links["edgefed onboard a site", name]["failure_nodes"]) for name in unified if name != "report"] == [1] * (len(unified) - 1)


def test_operators_may_launch_and_not_edit() -> None:
    rights = {item["role"] for item in OBJECTS["roles"] if item["team"] == "edgefed operators"}
    assert rights == {"execute"}
