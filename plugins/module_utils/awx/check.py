# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What an AWX would refuse of objects, told before anything is sent. Pure.

The server's rules that go over one field: names that have to be there, what a launch may be given, surveys and schedules.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import Any, Iterator

from ansible_collections.edgefed.kubefed.plugins.module_utils.awx.objects import LINKS, Objects

# Fields that name other objects, and the kinds of objects that they may name.
REFERENCES: dict[str, tuple[str, ...]] = {
    "organization": ("organizations",),
    "lookup_organization": ("organizations",),
    "execution_environment": ("execution_environments",),
    "default_environment": ("execution_environments",),
    "credential_type": ("credential_types",),
    "credential": ("credentials",),
    "credentials": ("credentials",),
    "galaxy_credentials": ("credentials",),
    "project": ("projects",),
    "projects": ("projects",),
    "source_project": ("projects",),
    "inventory": ("inventories",),
    "inventories": ("inventories",),
    "input_inventories": ("inventories",),
    "instance_groups": ("instance_groups",),
    "notification_templates_started": ("notification_templates",),
    "notification_templates_success": ("notification_templates",),
    "notification_templates_error": ("notification_templates",),
    "notification_templates_approvals": ("notification_templates",),
    "team": ("teams",),
    "teams": ("teams",),
    "user": ("users",),
    "users": ("users",),
    "job_templates": ("job_templates",),
    "workflow": ("workflow_job_templates",),
    "workflows": ("workflow_job_templates",),
    "workflow_job_template": ("workflow_job_templates",),
    "unified_job_template": ("job_templates", "workflow_job_templates", "projects", "inventory_sources"),
}
# What an AWX 24.6.1 brings itself.
MANAGED: dict[str, set[str]] = {
    "organizations": {"Default"},
    "credential_types": {
        "Machine",
        "Source Control",
        "Vault",
        "Container Registry",
        "Red Hat Ansible Automation Platform",
        "OpenShift or Kubernetes API Bearer Token",
    },
    "credentials": {"Ansible Galaxy"},
    "instance_groups": {"default", "controlplane"},
    "execution_environments": {"Control Plane Execution Environment"},
}
# Fields of a node or a schedule that its template has to ask for at launch.
PROMPTED = ("limit", "inventory", "job_type", "job_tags", "skip_tags", "diff_mode", "verbosity", "scm_branch", "forks", "job_slice_count")
# Kinds whose names are unique only within another object.
_INSIDE = ("nodes", "links", "inventory_sources")
_START = re.compile(r"DTSTART(;TZID=[\w/+-]+)?:\d{8}T\d{6}Z?(?=\s|$)")


def problems(objects: Objects, existing: dict[str, list[str]]) -> list[str]:
    """Everything that is wrong with objects that :func:`ready` made."""
    found = [*_twice(objects), *_missing(objects, existing)]
    templates = {item["name"]: item for item in [*objects["job_templates"], *objects["workflow_job_templates"]]}
    for kind in ("nodes", "schedules"):
        for item in objects[kind]:
            template = templates.get(item.get("unified_job_template", ""))
            if template:
                found += [f"{_called(kind, item)}: {said}" for said in _launch(item, template)]
    found += [f"{_called('schedules', item)}: {said}" for item in objects["schedules"] for said in _rule(item.get("rrule", ""))]
    found += [f"{_called('links', item)}: {said}" for item in objects["links"] for said in _linked(item, objects["nodes"])]
    found += [said for item in objects["projects"] for said in _project(item)]
    return found


def _called(kind: str, item: dict[str, Any]) -> str:
    where = f' of workflow "{item["workflow_job_template"]}"' if "workflow_job_template" in item else ""
    return f'{kind} "{_name(item)}"{where}'


def _name(item: dict[str, Any]) -> str:
    return str(item.get("name") or item.get("identifier") or item.get("username") or item.get("role"))


def _twice(objects: Objects) -> Iterator[str]:
    for kind, items in objects.items():
        if kind == "roles":
            continue
        inside = ("workflow_job_template", "inventory") if kind in _INSIDE else ()
        counted = Counter((_name(item), str([item.get(field) for field in inside])) for item in items)
        for (name, _place), times in counted.items():
            if times > 1:
                yield f'{kind} "{name}": stands there {times} times'


def _missing(objects: Objects, existing: dict[str, list[str]]) -> Iterator[str]:
    known = {
        kind: {_name(item) for item in items} | MANAGED.get(kind, set()) | set(existing.get(kind) or []) for kind, items in objects.items()
    }
    wanting: dict[str, list[str]] = {}
    for kind, items in objects.items():
        for item in items:
            for kinds, name in _named(item):
                if not any(name in known[other] for other in kinds):
                    wanting.setdefault(f'{" or ".join(kinds)} "{name}"', []).append(_called(kind, item))
    for what, whose in wanting.items():
        more = f" and {len(whose) - 1} more" if len(whose) > 1 else ""
        yield f"{what}, of {whose[0]}{more}: neither in awx_objects nor in awx_existing"


def _named(item: dict[str, Any]) -> Iterator[tuple[tuple[str, ...], str]]:
    for field, kinds in REFERENCES.items():
        yield from ((kinds, name) for name in _listed(item.get(field)))


def _listed(value: Any) -> list[str]:
    return [str(item) for item in (value if isinstance(value, list) else [value] if value else [])]


def _launch(item: dict[str, Any], template: dict[str, Any]) -> Iterator[str]:
    """The server refuses what a template does not ask for, and the want of what it needs."""
    for field in PROMPTED:
        if item.get(field) not in (None, "") and not template.get(f"ask_{field}_on_launch"):
            yield f'{field} needs ask_{field}_on_launch of "{template["name"]}"'
    questions = (template.get("survey_spec") or {}).get("spec", [])
    given = item.get("extra_data") or {}
    if not template.get("ask_variables_on_launch"):
        for name in sorted(set(given) - {question["variable"] for question in questions}):
            yield f'extra_data {name} is no question of the survey of "{template["name"]}"'
    for question in questions:
        if question["required"] and question["variable"] not in given and "workflow_job_template" not in item:
            yield f'extra_data lacks {question["variable"]}, which the survey of "{template["name"]}" requires'


def _rule(rule: str) -> Iterator[str]:
    """The rules of the server's own validation of a recurrence."""
    if not _START.match(rule):
        yield "rrule has to start with DTSTART:YYYYMMDDTHHMMSSZ"
    repeats = re.findall(r"RRULE:(\S+)", rule)
    if not repeats:
        yield "rrule has no RRULE"
    for repeat in repeats:
        if "INTERVAL=" not in repeat:
            yield "rrule needs INTERVAL"
        if "FREQ=SECONDLY" in repeat:
            yield "rrule may not be SECONDLY"
        if re.search(r"BYDAY=[^;]*\d", repeat):
            yield "rrule may have no numbers in BYDAY"
        if "COUNT=" in repeat and "UNTIL=" in repeat:
            yield "rrule may not have both COUNT and UNTIL"
        count = re.search(r"COUNT=(\d+)", repeat)
        if count and int(count.group(1)) > 999:
            yield "rrule may have a COUNT of at most 999"


def _linked(links: dict[str, Any], nodes: list[dict[str, Any]]) -> Iterator[str]:
    there = {node["identifier"] for node in nodes if node["workflow_job_template"] == links["workflow_job_template"]}
    for link in LINKS:
        for name in links[link]:
            if name not in there:
                yield f'{link} "{name}" is no node of this workflow'


def _project(item: dict[str, Any]) -> Iterator[str]:
    if str(item.get("local_path", "")).startswith("_"):
        yield f'projects "{item["name"]}": local_path may not start with "_"'
    if item.get("scm_type") not in ("", "manual") and not item.get("scm_url"):
        yield f'projects "{item["name"]}": scm_url is missing (awx_project_url)'
