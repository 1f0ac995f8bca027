# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Surveys made of argument specs, objects made ready, and what an AWX would refuse of them."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.edgefed.kubefed.plugins.module_utils.awx.check import problems
from ansible_collections.edgefed.kubefed.plugins.module_utils.awx.objects import ready
from ansible_collections.edgefed.kubefed.plugins.module_utils.awx.survey import options_of, survey
from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import EdgefedError

RRULE = "DTSTART:20260101T020000Z RRULE:FREQ=DAILY;INTERVAL=1"
OPTIONS: dict[str, dict[str, Any]] = {
    "wait": {"type": "bool", "default": True, "description": "Whether to wait for C(all) of V(it), see O(timeout)."},
    "timeout": {"type": "int", "default": 60, "description": ["Seconds.", "At most."]},
    "share": {"type": "float", "default": 0.5},
    "where": {"type": "str", "choices": ["", "here", "there"], "default": ""},
    "checks": {"type": "list", "elements": "str", "choices": ["name", "date"], "default": ["name"]},
    "name": {"type": "str", "required": True},
    "token": {"type": "str", "default": "never shown", "no_log": True},
    "kinds": {"type": "list", "elements": "str"},
}


@pytest.mark.parametrize(
    ("asked", "wanted"),
    [
        ("wait", {"type": "multiplechoice", "choices": "true\nfalse", "default": "true", "required": False}),
        ("timeout", {"type": "integer", "default": 60, "min": -1, "question_description": "Seconds. At most."}),
        ("share", {"type": "float", "default": 0.5}),
        ("where", {"type": "multiplechoice", "choices": "here\nthere", "default": None}),
        ("checks", {"type": "multiselect", "choices": "name\ndate", "default": "name"}),
        ("name", {"type": "text", "required": True, "default": None}),
        ("token", {"type": "password", "default": None}),
        ({"variable": "timeout", "required": True}, {"type": "integer", "required": True, "default": None}),
    ],
)
def test_a_question(asked: Any, wanted: dict[str, Any]) -> None:
    found = survey("t", [asked], OPTIONS)["spec"][0]
    assert {key: found.get(key) for key in wanted} == wanted


def test_help_is_in_plain_words() -> None:
    assert survey("t", ["wait"], OPTIONS)["spec"][0]["question_description"] == "Whether to wait for all of it, see timeout."


@pytest.mark.parametrize(("variable", "said"), [("nobody", "is no option of any role"), ("kinds", "is a list, and no field of a form")])
def test_no_such_question(variable: str, said: str) -> None:
    with pytest.raises(EdgefedError, match=said) as raised:
        survey("t", [variable], OPTIONS)
    assert variable in raised.value.message and 'AWX job template "t"' in raised.value.message and "Next: " in raised.value.message


def test_the_role_that_knows_describes_the_option() -> None:
    other = {"argument_specs": {"main": {"options": {"name": {"type": "str", "description": "See role C(first)."}}}}}
    first = {"argument_specs": {"main": {"options": {"name": {"type": "str", "description": "A name."}}}, "off": {}}}
    assert options_of([other, first])["name"]["description"] == "A name."
    assert options_of([first, other])["name"]["description"] == "A name."


OBJECTS: dict[str, Any] = {
    "defaults": {"job_templates": {"project": "p", "inventory": "i"}, "workflow_job_templates": {"organization": "Default"}},
    "projects": [{"name": "p", "scm_type": "git", "scm_url": "https://git.example/p.git"}],
    "inventories": [{"name": "i", "organization": "Default"}],
    "job_templates": [
        {"name": "one", "survey": ["name", "wait"], "check_variant": True, "ask_limit_on_launch": True},
        {"name": "two", "given": "False"},
    ],
    "workflow_job_templates": [
        {
            "name": "w",
            "nodes": [
                {"identifier": "a", "unified_job_template": "one", "success_nodes": ["b"], "limit": "x"},
                {"identifier": "b", "approval_node": {"name": "go on"}},
            ],
        }
    ],
    "schedules": [{"name": "s", "unified_job_template": "one", "rrule": RRULE, "extra_data": {"name": "x"}}],
}


def test_made_ready() -> None:
    found = ready(OBJECTS, OPTIONS)
    assert [item["name"] for item in found["job_templates"]] == ["one", "one (check)"]
    assert found["job_templates"][1]["job_type"] == "check" and found["job_templates"][1]["diff_mode"]
    assert all(item["project"] == "p" and item["survey_enabled"] for item in found["job_templates"])
    assert [item["identifier"] for item in found["nodes"]] == ["a", "b"]
    assert not [key for node in found["nodes"] for key in node if key.endswith("_nodes")]
    assert found["links"][0]["success_nodes"] == ["b"] and found["links"][1]["success_nodes"] == []
    assert found["links"][0]["workflow_job_template"] == "w" and found["nodes"][0]["lookup_organization"] == "Default"
    assert problems(found, {}) == []


@pytest.mark.parametrize(
    ("kind", "change", "said"),
    [
        ("job_templates", {"inventory": "other"}, 'inventories "other", of job_templates "one" and 1 more'),
        ("job_templates", {"credentials": ["c"]}, 'credentials "c"'),
        ("projects", {"scm_url": ""}, "scm_url is missing"),
        ("projects", {"scm_type": "manual", "local_path": "_p"}, 'local_path may not start with "_"'),
        ("schedules", {"extra_data": {}}, 'extra_data lacks name, which the survey of "one" requires'),
        ("schedules", {"extra_data": {"name": "x", "other": 1}}, "extra_data other is no question"),
        ("schedules", {"job_type": "check"}, 'job_type needs ask_job_type_on_launch of "one"'),
        ("schedules", {"rrule": RRULE + ";COUNT=1000"}, "COUNT of at most 999"),
        ("schedules", {"rrule": RRULE + ";COUNT=2;UNTIL=20270101T000000Z"}, "both COUNT and UNTIL"),
        ("schedules", {"rrule": "RRULE:FREQ=DAILY;INTERVAL=1"}, "has to start with DTSTART"),
        ("schedules", {"rrule": "DTSTART:20260101T020000Z"}, "no RRULE"),
        ("schedules", {"rrule": "DTSTART:20260101T020000Z RRULE:FREQ=DAILY"}, "needs INTERVAL"),
        ("schedules", {"rrule": "DTSTART:20260101T020000Z RRULE:FREQ=SECONDLY;INTERVAL=1"}, "SECONDLY"),
        ("schedules", {"rrule": "DTSTART:20260101T020000Z RRULE:FREQ=MONTHLY;INTERVAL=1;BYDAY=1MO"}, "numbers in BYDAY"),
        ("schedules", {"unified_job_template": "none"}, '"none"'),
        (
            "workflow_job_templates",
            {"nodes": [{"identifier": "a", "unified_job_template": "one", "failure_nodes": ["z"]}]},
            '"z" is no node',
        ),
        ("workflow_job_templates", {"nodes": [{"identifier": "a", "unified_job_template": "one", "forks": 3}]}, "ask_forks_on_launch"),
    ],
)
def test_refused(kind: str, change: dict[str, Any], said: str) -> None:
    first, *others = OBJECTS[kind]
    found = problems(ready({**OBJECTS, kind: [{**first, **change}, *others]}, OPTIONS), {})
    assert any(said in problem for problem in found), found


def test_twice() -> None:
    found = problems(ready({**OBJECTS, "projects": OBJECTS["projects"] * 2}, OPTIONS), {})
    assert found == ['projects "p": stands there 2 times']


def test_what_is_there_already() -> None:
    changed = {**OBJECTS["job_templates"][0], "credentials": ["c"]}
    assert problems(ready({**OBJECTS, "job_templates": [changed]}, OPTIONS), {"credentials": ["c"]}) == []
