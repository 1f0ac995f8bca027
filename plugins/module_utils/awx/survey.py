# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Surveys of AWX made of roles' argument specs, so that a form and the playbook behind it cannot say different things. Pure.

An answer becomes an extra variable, which wins over the inventory. What has no answer must therefore stay out: a default goes into the form
only where it is the role's own.
"""

from __future__ import annotations

import re
from typing import Any

from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import EdgefedError

# What an option's description says in Ansible's markup, in plain words.
_MARKUP = re.compile(r"\b(?:[A-Z]|RV|HORIZONTALLINE)\(((?:[^()]|\([^()]*\))*)\)")
_ELSEWHERE = "See role "
_LONGEST = 65536


def options_of(documents: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Every option of several argument specs by its name; where one refers to another role, that role's."""
    found: dict[str, dict[str, Any]] = {}
    for document in documents:
        for entry in document["argument_specs"].values():
            for name, option in (entry.get("options") or {}).items():
                if name not in found or _refers(found[name]):
                    found[name] = option
    return found


def survey(template: str, questions: list[Any], options: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """The survey spec with a question for each variable, which is a name, or a dictionary of ``variable`` and ``required``."""
    asked = [{"variable": question} if isinstance(question, str) else question for question in questions]
    return {"name": "", "description": "", "spec": [_question(template, one, options) for one in asked]}


def _question(template: str, asked: dict[str, Any], options: dict[str, dict[str, Any]]) -> dict[str, Any]:
    variable = asked["variable"]
    if variable not in options:
        raise EdgefedError(
            f'AWX job template "{template}": survey variable {variable} is no option of any role. Next: correct its name in awx_objects.',
            code="survey",
        )
    option = options[variable]
    question = {
        "question_name": variable.replace("_", " ").capitalize(),
        "question_description": _plain(option.get("description", "")),
        "variable": variable,
        "required": bool(asked.get("required", option.get("required", False))),
        **_typed(template, variable, option),
    }
    default = option.get("default")
    if default not in (None, "", []) and question["type"] != "password" and not asked.get("required"):
        question["default"] = _answer(default, question["type"])
    return question


def _typed(template: str, variable: str, option: dict[str, Any]) -> dict[str, Any]:
    kind, choices = option.get("type", "str"), [str(choice) for choice in option.get("choices", []) if choice != ""]
    if kind == "bool":
        return {"type": "multiplechoice", "choices": "true\nfalse"}
    if choices:
        return {"type": "multiselect" if kind == "list" else "multiplechoice", "choices": "\n".join(choices)}
    if kind == "int":
        return {"type": "integer", "min": -1, "max": 2**31 - 1}
    if kind == "float":
        return {"type": "float"}
    if kind in ("str", "path"):
        return {"type": "password" if option.get("no_log") else "text", "min": 0, "max": _LONGEST}
    raise EdgefedError(
        f'AWX job template "{template}": survey variable {variable} is a {kind}, and no field of a form gives one. Next: set it in the '
        "inventory, and take it out of the survey in awx_objects.",
        code="survey",
    )


def _answer(default: Any, kind: str) -> Any:
    if isinstance(default, bool):
        return str(default).lower()
    if isinstance(default, list):
        return "\n".join(str(item) for item in default)
    return default if kind in ("integer", "float") else str(default)


def _refers(option: dict[str, Any]) -> bool:
    return str(option.get("description", "")).startswith(_ELSEWHERE)


def _plain(description: Any) -> str:
    lines = [description] if isinstance(description, str) else description
    return _MARKUP.sub(lambda found: found.group(1), " ".join(str(line).strip() for line in lines))
