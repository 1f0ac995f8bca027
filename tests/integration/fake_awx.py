# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A fake of an AWX 24.6.1's API, for what the modules of awx.awx ask of it: objects, associations, surveys, approval nodes and rights.

It refuses what the server's own description of its fields (tests/data/awx) refuses, and what surveys and schedules may not be. It runs no
job, and knows nothing of who may do what.
"""

from __future__ import annotations

import itertools
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from dateutil.rrule import rrulestr

FIELDS: dict[str, dict[str, Any]] = json.loads(
    (Path(__file__).resolve().parents[1] / "data" / "awx" / "awx-24.6.1-post-fields.json").read_text()
)
TYPES = {"string": str, "id": int, "integer": int, "boolean": bool, "json": (dict, list, str)}
ANSWERS = {"text": str, "textarea": str, "password": str, "multiplechoice": str, "multiselect": str, "integer": int, "float": float}
UNIFIED = ("job_templates", "workflow_job_templates", "projects", "inventory_sources")
RIGHTS = ("admin", "read", "member", "execute", "update", "use", "approval")
SECRET = "$encrypted$"
THERE = {
    "organizations": ["Default"],
    "credential_types": ["Machine", "Source Control", "Vault"],
    "instance_groups": ["default"],
    "credentials": ["Ansible Galaxy"],
}


class Refusal(Exception):
    """An HTTP status and what is said with it."""

    def __init__(self, status: int, said: Any) -> None:
        super().__init__(said)
        self.status, self.said = status, said


class Awx:
    """What it holds."""

    def __init__(self) -> None:
        self.objects: dict[str, dict[int, dict[str, Any]]] = {kind: {} for kind in [*FIELDS, "instance_groups", "approvals"]}
        self.linked: dict[tuple[str, int, str], list[int]] = {}
        self.surveys: dict[int, dict[str, Any]] = {}
        self.writes: list[str] = []
        self.url = ""
        self._numbers = itertools.count(1)
        self.lock = threading.Lock()
        for kind, names in THERE.items():
            for name in names:
                self._add(kind, {"name": name, "organization": None})

    def names(self, kind: str) -> list[str]:
        """Sorted."""
        return sorted(item.get("name") or item.get("identifier") or item["username"] for item in self.objects[kind].values())

    def answer(self, method: str, path: str, query: dict[str, str], body: Any) -> tuple[int, Any]:  # noqa: PLR0911
        """Status and JSON."""
        if method != "GET":
            self.writes.append(f"{method} {path}")
        match path.removeprefix("/api/v2/").strip("/").split("/"):
            case ["unified_job_templates"]:
                return 200, self._page([item for kind in UNIFIED for item in self._shown_all(kind)], query)
            case ["roles", number, actors]:
                return self._associate(method, ("roles", int(number), actors), body)
            case [kind]:
                return (201, self._create(kind, body)) if method == "POST" else (200, self._page(self._shown_all(kind), query))
            case [kind, number]:
                return self._one(method, kind, int(number), body)
            case [_kind, number, "survey_spec"]:
                return self._survey(method, int(number), body)
            case [_kind, number, "create_approval_template"]:
                return 201, self._approval(int(number), body)
            case [kind, number, association]:
                return self._associate(method, (kind, int(number), association), body)
            case _:
                raise Refusal(404, {"detail": "Not found."})

    def _page(self, items: list[dict[str, Any]], query: dict[str, str]) -> dict[str, Any]:
        found = [item for item in items if all(self._matches(item, key, value) for key, value in query.items())]
        return {"count": len(found), "next": None, "previous": None, "results": found}

    def _matches(self, item: dict[str, Any], key: str, value: str) -> bool:
        *way, last = key.split("__")
        at: Any = item
        for field in way:
            kinds = [kind for kind in self.objects if at.get(field) in self.objects[kind]]
            if not kinds:
                return False
            at = self.objects[kinds[0]][at[field]]
        return str(at.get(last)) == value

    def _shown_all(self, kind: str) -> list[dict[str, Any]]:
        if kind not in self.objects:
            raise Refusal(404, {"detail": "Not found."})
        return [self._shown(kind, number) for number in self.objects[kind]]

    def _shown(self, kind: str, number: int) -> dict[str, Any]:
        item = self.objects[kind][number]
        url = f"/api/v2/{kind}/{number}/"
        related = {"survey_spec": f"{url}survey_spec/"}
        summary: dict[str, Any] = {"object_roles": {f"{role}_role": {"id": number * 100 + at} for at, role in enumerate(RIGHTS)}}
        if kind == "workflow_job_template_nodes":
            approval = item.get("unified_job_template")
            if approval in self.objects["approvals"]:
                related["unified_job_template"] = f"/api/v2/approvals/{approval}/"
            workflow = self.objects["workflow_job_templates"][item["workflow_job_template"]]
            summary["workflow_job_template"] = {"name": workflow["name"]}
        shown = {**item, "id": number, "url": url, "type": kind.removesuffix("s"), "related": related, "summary_fields": summary}
        if kind == "credentials":
            kinds = self.objects["credential_types"].get(item.get("credential_type"), {})
            secret = {one["id"] for one in (kinds.get("inputs") or {}).get("fields", []) if one.get("secret")}
            secret |= {"ssh_key_data", "vault_password", "password"}
            shown["inputs"] = {key: SECRET if key in secret and value else value for key, value in item.get("inputs", {}).items()}
        if kind == "users":
            shown.pop("password", None)
        return shown if kind != "projects" else {**shown, "scm_revision": ""}

    def _add(self, kind: str, item: dict[str, Any]) -> int:
        number = next(self._numbers)
        self.objects[kind][number] = item
        return number

    def _create(self, kind: str, body: dict[str, Any]) -> dict[str, Any]:
        sent = self._sent(kind, body)
        key = next(name for name in ("name", "username", "identifier") if name in sent)
        within = ("organization", "inventory", "workflow_job_template", "unified_job_template" if kind == "schedules" else "")
        for other in self.objects[kind].values():
            if other.get(key) == sent[key] and all(other.get(field) == sent.get(field) for field in within):
                raise Refusal(400, {"__all__": [f"{kind} with this name and place already exists."]})
        defaults = {name: field["default"] for name, field in FIELDS.get(kind, {}).items() if "default" in field}
        return self._shown(kind, self._add(kind, {**defaults, **sent}))

    def _sent(self, kind: str, body: dict[str, Any], whole: bool = True) -> dict[str, Any]:
        """Without what the server only reads out; the organization of a job template is its project's."""
        read_only = ("type", "organization" if kind == "job_templates" else "")
        sent = {key: value for key, value in body.items() if key not in read_only}
        self._check(kind, sent, whole)
        if "project" in sent:
            sent["organization"] = self.objects["projects"][sent["project"]]["organization"]
        return sent

    def _check(self, kind: str, sent: dict[str, Any], whole: bool) -> None:
        fields = FIELDS.get(kind, {})
        said: dict[str, Any] = {name: ["No such field."] for name in sent if fields and name not in {*fields, "managed"}}
        if whole:
            said.update({name: ["This field is required."] for name, field in fields.items() if field["required"] and name not in sent})
        for name, value in sent.items():
            problem = refused(fields.get(name, {}), value)
            if problem:
                said[name] = [problem]
        if kind == "schedules" and "rrule" in sent:
            rrulestr(sent["rrule"].replace(" RRULE", "\nRRULE"))
        if said:
            raise Refusal(400, said)

    def _one(self, method: str, kind: str, number: int, body: Any) -> tuple[int, Any]:
        if kind not in self.objects or number not in self.objects[kind]:
            raise Refusal(404, {"detail": "Not found."})
        if method == "DELETE":
            del self.objects[kind][number]
            return 204, None
        if method == "PATCH":
            self.objects[kind][number].update(self._sent(kind, body, whole=False))
        return 200, self._shown(kind, number)

    def _survey(self, method: str, number: int, body: Any) -> tuple[int, Any]:
        if method == "GET":
            return 200, self.surveys.get(number, {})
        variables = set()
        for question in body["spec"]:
            problem = refused_question(question)
            if problem or question["variable"] in variables:
                raise Refusal(400, {"error": f"{question['variable']}: {problem or 'twice'}"})
            variables.add(question["variable"])
        self.surveys[number] = body
        return 200, {}

    def _approval(self, node: int, body: Any) -> dict[str, Any]:
        number = self._add("approvals", {"description": "", "timeout": 0, **body})
        self.objects["workflow_job_template_nodes"][node]["unified_job_template"] = number
        return self._shown("approvals", number)

    def _associate(self, method: str, place: tuple[str, int, str], body: Any) -> tuple[int, Any]:
        there = self.linked.setdefault(place, [])
        if method == "GET":
            return 200, self._page([{"id": number} for number in there], {})
        if place[2].endswith("_nodes"):
            nodes = self.objects["workflow_job_template_nodes"]
            if not nodes.get(body["id"], {}).get("unified_job_template"):
                raise Refusal(404, {"detail": "Not found."})
        if body.get("disassociate"):
            there.remove(body["id"])
        else:
            there.append(body["id"])
        return 204, None


def refused(field: dict[str, Any], value: Any) -> str:
    """Why the server would not take this value of a field, by its own description."""
    if not field or value is None or (field["type"] == "id" and value == ""):
        return ""
    if field["type"] == "choice":
        return "" if value in [choice[0] for choice in field["choices"]] else f'"{value}" is not a valid choice.'
    if not isinstance(value, TYPES[field["type"]]) or (isinstance(value, bool) and field["type"] != "boolean"):
        return f"Not a valid {field['type']}."
    if len(str(value)) > field.get("max_length", len(str(value))):
        return f"Ensure this field has no more than {field['max_length']} characters."
    if isinstance(value, int) and not field.get("min_value", value) <= value <= field.get("max_value", value):
        return "Out of range."
    return ""


def refused_question(question: dict[str, Any]) -> str:
    """Why the server would not take this question of a survey."""
    kind, default = question.get("type", ""), question.get("default", "")
    typed = {"question_name": str, "variable": str, "required": bool}
    if kind not in ANSWERS or not all(isinstance(question.get(field), wanted) for field, wanted in typed.items()):
        return "type, question_name, variable or required is missing"
    if default != "" and (not isinstance(default, ANSWERS[kind]) or isinstance(default, bool)):
        return f"default has to be a {ANSWERS[kind].__name__}"
    if any(question.get(edge) is not None and not isinstance(question[edge], int) for edge in ("min", "max")):
        return "min and max have to be integers"
    if kind.startswith("multi"):
        choices = question.get("choices", "").splitlines()
        if not choices or any(not choice.strip() for choice in choices):
            return "choices are missing"
        if any(answer not in choices for answer in default.splitlines()):
            return "the default is no choice"
    return ""


@pytest.fixture
def fake_awx() -> Iterator[Awx]:
    """One that listens on loopback."""
    awx = Awx()

    class Handler(BaseHTTPRequestHandler):
        def _do(self) -> None:
            parts = urlsplit(self.path)
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length) or "null") if length else None
            try:
                with awx.lock:
                    status, said = awx.answer(self.command, parts.path, dict(parse_qsl(parts.query)), body)
            except Refusal as refusal:
                status, said = refusal.status, refusal.said
            content = b"" if status == 204 else json.dumps(said).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.send_header("X-API-Product-Name", "AWX")
            self.send_header("X-API-Product-Version", "24.6.1")
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PATCH = do_DELETE = _do

        def log_message(self, *_arguments: Any) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    awx.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield awx
    server.shutdown()
    server.server_close()
    thread.join()
