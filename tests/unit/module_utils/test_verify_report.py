# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The table for terminals, the page, and the files that hold the report."""

from __future__ import annotations

import json
import re
import stat
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import EdgefedError
from ansible_collections.edgefed.kubefed.plugins.module_utils.report import files, page
from ansible_collections.edgefed.kubefed.plugins.module_utils.report.plan import as_json, decode, plan
from ansible_collections.edgefed.kubefed.plugins.module_utils.report.table import (
    COLUMNS,
    cell_text,
    render,
    short_image,
)
from ansible_collections.edgefed.kubefed.plugins.module_utils.report.text import cut, harmless, pad, width

NOW = "2026-03-04T05:06:07Z"
LATER = "2027-03-04T05:06:07Z"


def cell(state: str = "in_sync", **more: Any) -> dict[str, Any]:
    return {"state": state, "why": "", "fields": [], "replicas": None, "ready": True, "images": [], "addresses": [], **more}


def cluster(name: str, state: str = "ok", **more: Any) -> dict[str, Any]:
    row = {"name": name, "expected": True, "joined": True, "ready": state == "ok", "reachable": True, "state": state, "why": ""}
    row |= {"version": "v1.34.4", "region": "southwest", "zones": ["chengdu-1"], "nodes": {"ready": 2, "total": 2}}
    return {**row, "cordon": "", "api_endpoint": f"https://{name}", **more}


def resource(kind: str, name: str, cells: dict[str, Any], namespace: str = "vrfederation") -> dict[str, Any]:
    return {
        "kind": kind,
        "federated_kind": f"Federated{kind}",
        "api_version": "v1",
        "namespace": namespace,
        "name": name,
        "clusters": cells,
    }


def report(
    clusters: list[Any], resources: list[Any], problems: list[Any] | None = None, warnings: list[str] | None = None
) -> dict[str, Any]:
    summary = {"clusters": len(clusters), "clusters_ok": len(clusters), "resources": len(resources), "objects": 8}
    summary |= {"in_sync": 8, "differs": 0, "missing": 0, "extra": 0, "unreachable": 0}
    found = {"host": "local", "in_sync": not problems, "summary": summary, "clusters": clusters, "resources": resources}
    return {**found, "problems": problems or [], "warnings": warnings or []}


def article() -> dict[str, Any]:
    regions = {"local": "center", "cddev": "southwest", "zj": "east"}
    clusters = [cluster(name, region=region) for name, region in regions.items()]
    return report(
        clusters,
        [
            resource("Namespace", "vrfederation", {"local": cell(), "cddev": cell()}, ""),
            resource(
                "Deployment",
                "test-deployment",
                {
                    "local": cell(replicas="1/1", images=["nginx:1.17"]),
                    "cddev": cell(replicas="3/3", images=["nginx:1.14.0-alpine"]),
                },
            ),
            resource("Service", "federated-svc", {"local": cell(addresses=["127.1.253.117"]), "cddev": cell(addresses=["127.2.144.201"])}),
            resource("Ingress", "test-ingress", {"local": cell(addresses=["127.1.0.1"]), "cddev": cell(addresses=["127.2.0.1"])}),
        ],
    )


def test_the_articles_table() -> None:
    assert render(article()) == [
        "CLUSTER                      local             cddev                      zj",
        "READY                        ✓ yes             ✓ yes                      ✓ yes",
        "VERSION                      v1.34.4           v1.34.4                    v1.34.4",
        "REGION                       center            southwest                  east",
        "Namespace   vrfederation     ✓                 ✓                          -",
        "Deployment  test-deployment  1/1 nginx:1.17 ✓  3/3 nginx:1.14.0-alpine ✓  -",
        "Service     federated-svc    127.1.253.117 ✓   127.2.144.201 ✓            -",
        "Ingress     test-ingress     127.1.0.1 ✓       127.2.0.1 ✓                -",
        "",
        "✓ is template + override   ✗ is not   … not ready yet   ? could not be read   - not placed here",
        "✓ 3 clusters, 4 resources, 8 objects: every object is template + override.",
    ]


def test_a_cluster_that_is_drained_is_shown_so() -> None:
    shown = report([cluster("cddev"), cluster("zj", cordon="drained")], [])
    assert "READY      ✓ yes      ✓ yes, drained" in render(shown)
    assert ">drained</span>" in page.render(shown, NOW)


def test_twenty_clusters_stand_below_each_other_in_tables_that_fit() -> None:
    names = [f"edge{number:02}" for number in range(1, 21)]
    cells = {name: cell(replicas="3/3", images=["registry.example.org:5000/shop/web:2026.11.3-alpine"]) for name in names}
    lines = render(report([cluster(name) for name in names], [resource("Deployment", f"shop-{number}", cells) for number in range(6)]))
    assert max(width(line) for line in lines) <= COLUMNS
    assert sum(line.startswith("edge07") for line in lines) == 3
    assert sum(line.count("3/3 web:2026.11.3-alpine ✓") for line in lines) == 20 * 6


def test_many_resources_are_counted_by_kind() -> None:
    rows = [resource("ConfigMap", f"c{number}", {"a": cell(), "b": cell("differs") if number < 2 else cell()}) for number in range(300)]
    rows += [resource("Secret", "s", {"a": cell("unreachable")})]
    lines = render(report([cluster("a"), cluster("b")], rows))
    assert "ConfigMap  (300)  300/300 ✓  298/300 ✗" in lines
    assert "Secret     (1)    0/1 ?      -" in lines


def test_a_thousand_clusters_show_the_bad_ones() -> None:
    names = [f"edge{number:04}" for number in range(1000)]
    cells = {name: cell("differs", fields=["spec.replicas"]) if name.endswith("77") else cell() for name in names}
    lines = render(report([cluster(name) for name in names], [resource("Deployment", "shop", cells)], [{"message": "x"}]))
    assert len(lines) < 30
    assert any(line.startswith("edge0177") and "✗ spec.replicas" in line for line in lines)
    assert "and 990 more clusters, all of them as they should be" in lines
    good = render(report([cluster(name) for name in names], [resource("Deployment", "shop", {name: cell() for name in names})]))
    assert "and 999 more clusters, all of them as they should be" in good


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, "-"),
        (cell(), "✓"),
        (cell(replicas="1/3", images=["a/b:1", "c"], ready=False), "1/3 b:1 …"),
        (cell(pending_address=True), "no address …"),
        (cell("differs", fields=["spec.replicas"]), "✗ spec.replicas"),
        (cell("differs", fields=["spec.template.spec.containers[0].image", "a"]), "✗ ….containers[0].image +1"),
        (cell("differs"), "✗ differs"),
        (cell("missing"), "✗ missing"),
        (cell("extra"), "✗ extra"),
        (cell("unreachable"), "?"),
    ],
)
def test_cells(value: Any, expected: str) -> None:
    assert cell_text(value) == expected


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        ("nginx", "nginx"),
        ("registry:5000/a/nginx:1.17", "nginx:1.17"),
        ("a/nginx@sha256:0123456789abcdef", "nginx@0123456"),
        ("a/nginx:1@sha256:0123456789abcdef", "nginx:1"),
        ("", ""),
    ],
)
def test_images(image: str, expected: str) -> None:
    assert short_image(image) == expected


def test_wide_and_invisible_characters() -> None:
    assert [width(text) for text in ("abc", "边缘", "\uff57", "e\u0301", "✓…")] == [3, 4, 2, 1, 2]
    assert cut("边缘计算集群", 7) == "边缘计…"
    assert cut("abc", 3) == "abc"
    assert pad("边", 4) == "边  "
    assert harmless("a\x1b[31m\n\u202e\u200bb\ud800") == "a\ufffd[31m\ufffd\ufffd\ufffdb\ufffd"


def test_wide_text_keeps_the_columns() -> None:
    lines = render(
        report([cluster("边缘集群"), cluster("b")], [resource("Deployment", "商店", {"边缘集群": cell(replicas="1/1"), "b": cell()})])
    )
    assert lines[0] == "CLUSTER           边缘集群   b"
    assert lines[4] == "Deployment  商店  1/1 ✓      ✓"


NASTY = st.text(max_size=40) | st.sampled_from(
    ["</td><script>alert(1)</script>", "\x1b[2J", "a\nb", "边缘" * 30, '"><img src=x>', "{{ x }}"]
)


@settings(max_examples=60, deadline=None)
@given(st.lists(NASTY, min_size=1, max_size=6, unique=True), NASTY, NASTY)
def test_hostile_text_stays_in_its_cell(names: list[str], name: str, image: str) -> None:
    cells = {one: cell(replicas="1/1", images=[image], addresses=[name]) for one in names}
    found = report([cluster(one, region=name, version=image) for one in names], [resource("Deployment", name, cells, image)])
    lines = render(found)
    assert all(width(line) <= COLUMNS and line == line.rstrip() for line in lines)
    assert not re.search(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", "".join(lines))
    assert yaml.safe_load(yaml.safe_dump("\n".join(lines), allow_unicode=True)) == "\n".join(lines)


# --- the page ------------------------------------------------------------------------------------------------------------


class Page(HTMLParser):
    """Tags with their attributes, and the text between them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words.append(data)


ALLOWED = {"html", "head", "meta", "title", "style", "body", "main", "h1", "h2", "p", "time", "div", "strong", "b", "span", "table"}
ALLOWED |= {"thead", "tbody", "tr", "th", "td", "small", "code", "ul", "li", "footer"}


@settings(max_examples=60, deadline=None)
@given(NASTY, NASTY, st.sampled_from(["in_sync", "differs", "missing", "extra", "unreachable"]))
def test_every_word_on_the_page_is_escaped(name: str, value: str, state: str) -> None:
    marked = f"<x {name}>&\"'"
    full = cell(state, replicas=value, images=[marked], addresses=[marked], fields=[marked] * 8, pending_address=True)
    row = cluster(marked, region=marked, version=marked, zones=[marked], api_endpoint=marked, why=marked)
    found = report([row], [resource(marked, marked, {marked: full}, marked)], [{"message": marked}], [marked])
    found["host"] = marked
    parsed = Page(page.render(found, NOW))
    assert {tag for tag, _ in parsed.tags} <= ALLOWED
    assert not [attribute for _, attributes in parsed.tags for attribute in attributes if attribute.startswith("on") or attribute == "href"]
    assert harmless(marked) in parsed.words


def test_the_page_loads_and_runs_nothing() -> None:
    text = page.render(article(), NOW)
    policy = next(attributes["content"] for tag, attributes in Page(text).tags if attributes.get("http-equiv") == "Content-Security-Policy")
    assert policy
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert not re.search(r"https?://(?!local|cddev|zj)|<script|<link|@import|url\(", text)
    assert "prefers-color-scheme:dark" in text
    assert "@media print" in text


def test_the_page_tells_the_story() -> None:
    words = " ".join(Page(page.render(article(), NOW)).words)
    for part in (
        "Federation of local",
        "Every object is template + override.",
        "nginx:1.14.0-alpine",
        "3/3",
        "127.2.144.201",
        "southwest",
        "chengdu-1",
    ):
        assert part in words
    bad = article()
    bad |= {"in_sync": False, "problems": [{"message": "cddev: it differs"}], "warnings": ["look here"]}
    words = " ".join(Page(page.render(bad, NOW)).words)
    for part in ("1 problem found.", "cddev: it differs", "Worth knowing", "look here"):
        assert part in words


# --- the files -----------------------------------------------------------------------------------------------------------


def test_a_second_look_changes_no_file() -> None:
    first = plan(article(), None, None, NOW)
    assert plan(article(), first.json, first.html, LATER) == first
    assert plan(article(), first.json, None, LATER) == first
    assert plan(article(), None, first.html, LATER) == first
    assert plan(article(), "broken{", "<html>", LATER) == plan(article(), None, None, LATER)


def written(manager: str, since: str) -> dict[str, Any]:
    """The article, one field of it changed by hand."""
    found = article()
    entry = {"field": "spec.replicas", "is": "5", "should": "3", "manager": manager, "operation": "Update", "since": since}
    found["resources"][0]["clusters"]["local"] |= {"state": "differs", "drift": [entry]}
    found |= {"in_sync": False, "problems": [{"message": f"local: spec.replicas is 5 ({manager}, Update, since {since}). Why: x."}]}
    return found


def test_a_field_written_once_more_changes_no_file() -> None:
    first = plan(written("kubectl", "2026-03-04T05:00:00Z"), None, None, NOW)
    again = written("kubectl", "2026-03-04T05:59:59Z")
    assert plan(again, first.json, first.html, LATER) == first
    assert plan(again, first.json, None, LATER).json == first.json
    other = plan(written("helm", "2026-03-04T05:00:00Z"), first.json, first.html, LATER)
    assert LATER in other.json and "helm" in other.json and "helm" in other.html
    assert page.since_of(other.html) == LATER


def test_another_state_has_another_time() -> None:
    first = plan(article(), None, None, NOW)
    other = article()
    other["clusters"][0]["version"] = "v1.35.0"
    second = plan(other, first.json, first.html, LATER)
    assert LATER in second.json
    assert page.since_of(second.html) == LATER
    assert json.loads(second.json)["clusters"][0]["version"] == "v1.35.0"


@pytest.mark.parametrize("text", [None, "", "[]", "{", '{"format": 0, "since": "x"}'])
def test_what_is_not_our_report(text: str | None) -> None:
    assert decode(text) is None


def test_json_is_readable_again() -> None:
    assert decode(as_json(article(), NOW)) == {"format": 1, "since": NOW, **article()}


def test_files_are_private_and_whole(tmp_path: Path) -> None:
    path = tmp_path / "state" / "report.json"
    assert files.read(str(path)) is None
    files.write(str(path), "中\n")
    assert path.read_text(encoding="utf-8") == "中\n"
    assert (stat.S_IMODE(path.stat().st_mode), stat.S_IMODE(path.parent.stat().st_mode)) == (0o600, 0o700)
    assert files.is_private(str(path))
    path.chmod(0o644)
    assert not files.is_private(str(path))
    assert [item.name for item in path.parent.iterdir()] == ["report.json"]


def test_a_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(EdgefedError, match=r"file/report\.json cannot be") as caught:
        files.write(str(tmp_path / "file" / "report.json"), "x")
    assert caught.value.code == "report_file"
    (tmp_path / "folder").mkdir()
    with pytest.raises(EdgefedError, match="folder cannot be written"):
        files.write(str(tmp_path / "folder"), "x")
    assert sorted(item.name for item in tmp_path.iterdir()) == ["file", "folder"]
