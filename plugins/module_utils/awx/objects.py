# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The data ``awx_objects`` made ready for the modules of ``awx.awx``. Pure."""

from __future__ import annotations

from typing import Any

from ansible.module_utils.parsing.convert_bool import boolean

from ansible_collections.edgefed.kubefed.plugins.module_utils.awx.survey import survey

Objects = dict[str, list[dict[str, Any]]]
Options = dict[str, dict[str, Any]]

# In the order in which one needs another, each with the module that makes it.
KINDS = {
    "organizations": "organization",
    "execution_environments": "execution_environment",
    "credential_types": "credential_type",
    "credentials": "credential",
    "instance_groups": "instance_group",
    "projects": "project",
    "inventories": "inventory",
    "inventory_sources": "inventory_source",
    "notification_templates": "notification_template",
    "teams": "team",
    "users": "user",
    "job_templates": "job_template",
    "workflow_job_templates": "workflow_job_template",
    "schedules": "schedule",
    "roles": "role",
}
LINKS = ("success_nodes", "always_nodes", "failure_nodes")


def ready(objects: dict[str, Any], options: Options) -> Objects:
    """The arguments of every module's task, by kind; ``nodes`` and ``links`` of workflows come apart.

    A node's links need the nodes that they lead to, and an approval node's template, so they are made after all nodes.
    """
    found = {kind: _items(objects, kind) for kind in KINDS}
    found["job_templates"] = [one for item in found["job_templates"] for one in _job_templates(item, options)]
    workflows = found["workflow_job_templates"]
    nodes = [(workflow, node) for workflow in workflows for node in workflow.pop("nodes", [])]
    found["workflow_job_templates"] = [_surveyed(workflow, options) for workflow in workflows]
    found["nodes"] = [_of(workflow, {key: value for key, value in node.items() if key not in LINKS}) for workflow, node in nodes]
    found["links"] = [
        _of(workflow, {"identifier": node["identifier"], **{link: node.get(link, []) for link in LINKS}}) for workflow, node in nodes
    ]
    return found


def _items(objects: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    """With what is common to the kind, and without those whose ``given`` is false."""
    common = (objects.get("defaults") or {}).get(kind) or {}
    items = [{**common, **item} for item in objects.get(kind) or []]
    return [item for item in items if boolean(item.pop("given", True))]


def _of(workflow: dict[str, Any], node: dict[str, Any]) -> dict[str, Any]:
    owner: dict[str, Any] = {"workflow_job_template": workflow["name"]}
    if workflow.get("organization"):
        owner["organization"] = workflow["organization"]
        if "unified_job_template" in node:
            owner["lookup_organization"] = workflow["organization"]
    return {**owner, **node}


def _job_templates(item: dict[str, Any], options: Options) -> list[dict[str, Any]]:
    """The template, and with ``check_variant`` another that only tells what would change."""
    with_check = item.pop("check_variant", False)
    template = _surveyed(item, options)
    if not with_check:
        return [template]
    said = f"Changes nothing, tells what would change. {template.get('description', '')}".strip()
    check = {"name": f"{template['name']} (check)", "description": said, "job_type": "check", "diff_mode": True}
    return [template, {**template, **check, "allow_simultaneous": True}]


def _surveyed(template: dict[str, Any], options: Options) -> dict[str, Any]:
    questions = template.pop("survey", None)
    if not questions:
        return {**template, "survey_enabled": False}
    return {**template, "survey_enabled": True, "survey_spec": survey(template["name"], questions, options)}
