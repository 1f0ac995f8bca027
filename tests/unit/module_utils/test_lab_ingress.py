# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the lab's ingress controller makes of Ingresses, and how it lives and ends."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest

PROGRAM = Path(__file__).resolve().parents[3] / "roles" / "lab" / "files" / "ingress.py"
_SPEC = importlib.util.spec_from_file_location("lab_ingress", PROGRAM)
assert _SPEC and _SPEC.loader
lab_ingress = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(lab_ingress)


def ingress(name: str, *hosts: str | None, default: bool = False, of_class: str = "", old_class: str = "", day: int = 1) -> dict[str, Any]:
    """An Ingress as the API gives it; host ``None`` is a rule without one."""
    meta: dict[str, Any] = {"namespace": "shop", "name": name, "uid": name, "creationTimestamp": f"2026-01-0{day}T00:00:00Z"}
    spec: dict[str, Any] = {}
    if hosts:
        spec["rules"] = [{} if host is None else {"host": host} for host in hosts]
    if default:
        spec["defaultBackend"] = {"service": {"name": "web", "port": {"number": 80}}}
    if of_class:
        spec["ingressClassName"] = of_class
    if old_class:
        meta["annotations"] = {"kubernetes.io/ingress.class": old_class}
    return {"metadata": meta, "spec": spec}


@pytest.mark.parametrize(
    ("ingresses", "expected"),
    [
        ([], {}),
        ([ingress("a", "one.example", "two.example")], {"one.example": "shop/a", "two.example": "shop/a"}),
        ([ingress("a", default=True)], {"": "shop/a"}),
        ([ingress("a", None)], {"": "shop/a"}),
        ([ingress("a", "one.example", day=2), ingress("b", "one.example")], {"one.example": "shop/b"}),
        ([ingress("a", "one.example", of_class="nginx-edge"), ingress("b", "two.example", of_class="nginx")], {"two.example": "shop/b"}),
        ([ingress("a", "one.example", old_class="other"), ingress("b", "two.example", old_class="nginx")], {"two.example": "shop/b"}),
    ],
)
def test_who_serves_a_host(ingresses: list[dict[str, Any]], expected: dict[str, str]) -> None:
    assert lab_ingress.served(ingresses, "nginx") == expected


def test_a_server_for_each_host_and_one_for_all_others() -> None:
    text = lab_ingress.configuration("127.2.255.1:8088", "cddev", {"www.vr.example": "shop/a", "*.vr.example": "shop/b"}, "")
    servers = [line.strip() for line in text.splitlines() if "server {" in line]
    assert servers == [
        'server { listen 127.2.255.1:8088 default_server; server_name "_"; return 404 "no Ingress has the host $host\\n"; }',
        'server { listen 127.2.255.1:8088; server_name "~^[^.]+\\.vr\\.example$"; '
        'return 200 "cluster cddev\\ningress shop/b\\nhost $host\\n"; }',
        'server { listen 127.2.255.1:8088; server_name "www.vr.example"; return 200 "cluster cddev\\ningress shop/a\\nhost $host\\n"; }',
    ]
    assert "user " not in text


def test_a_default_backend_takes_the_place_of_not_found() -> None:
    text = lab_ingress.configuration("127.2.255.1:8088", "cddev", {"": "shop/a"}, "root")
    assert text.count("server {") == 1 and "404" not in text and "user root;" in text
