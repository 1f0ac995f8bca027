# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The report as one HTML page: nothing is loaded, no script runs, every word from a cluster is escaped. Pure."""

from __future__ import annotations

import base64
import hashlib
import html
import re
from typing import Any

from ansible_collections.edgefed.kubefed.plugins.module_utils.report.table import short_image
from ansible_collections.edgefed.kubefed.plugins.module_utils.report.text import harmless

Object = dict[str, Any]

_STYLE = """
:root{color-scheme:light dark;--bg:#f6f7f9;--card:#fff;--ink:#1c2430;--soft:#5b6675;--line:#dde2e9;
--good:#147a45;--good-bg:#e3f5ea;--bad:#b3261e;--bad-bg:#fdeae8;--warn:#8a5a00;--warn-bg:#fff3d9;--none:#8b95a3}
@media(prefers-color-scheme:dark){:root{--bg:#12161c;--card:#1b2129;--ink:#e6eaf0;--soft:#a0abb9;--line:#2f3945;
--good:#66d49a;--good-bg:#123524;--bad:#ff8f85;--bad-bg:#441b18;--warn:#f2c14e;--warn-bg:#3c2f0e;--none:#6f7a88}}
*{box-sizing:border-box}
body{margin:0;background:var(--bg);color:var(--ink);
font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans","Noto Sans CJK SC",sans-serif}
main{max-width:1200px;margin:0 auto;padding:2rem 1.25rem 3rem}
h1{font-size:1.6rem;margin:0 0 .25rem}h2{font-size:1.1rem;margin:2rem 0 .6rem}
p{margin:.3rem 0}.soft{color:var(--soft)}
.verdict{border-radius:12px;padding:1.1rem 1.25rem;margin:1rem 0;border:1px solid var(--line);border-left:6px solid}
.verdict.good{border-left-color:var(--good);background:var(--good-bg)}.verdict.bad{border-left-color:var(--bad);background:var(--bad-bg)}
.verdict strong{font-size:1.15rem}
.tiles{display:flex;flex-wrap:wrap;gap:.75rem;margin:1rem 0}
.tile{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:.6rem 1rem;min-width:7rem}
.tile b{display:block;font-size:1.5rem;line-height:1.2}
.scroll{overflow-x:auto;background:var(--card);border:1px solid var(--line);border-radius:10px}
table{border-collapse:collapse;width:100%}
th,td{padding:.55rem .8rem;text-align:left;vertical-align:top;border-bottom:1px solid var(--line)}
tbody tr:last-child>*{border-bottom:0}
thead th{font-weight:600;white-space:nowrap}th small,td small{display:block;color:var(--soft);font-weight:400}
tbody th{white-space:nowrap;font-weight:600}
.chip{display:inline-block;border-radius:99px;padding:.05rem .6rem;font-size:.85rem;white-space:nowrap}
.in_sync,.ok{background:var(--good-bg);color:var(--good)}
.differs,.missing,.extra,.not_ready,.not_joined{background:var(--bad-bg);color:var(--bad)}
.unreachable,.waiting{background:var(--warn-bg);color:var(--warn)}
.none{color:var(--none)}
code{font:13px/1.4 ui-monospace,"Cascadia Mono",Menlo,Consolas,monospace;overflow-wrap:anywhere}
ul{padding:0;margin:0;list-style:none}
li{background:var(--card);border:1px solid var(--line);border-left:4px solid var(--bad);border-radius:8px;
padding:.6rem .9rem;margin:.5rem 0;overflow-wrap:anywhere}
li.warn{border-left-color:var(--warn)}
footer{margin-top:2rem;color:var(--soft);font-size:.85rem}
@media print{:root{--bg:#fff}body{font-size:11px}main{padding:0;max-width:none}.scroll{overflow:visible}
tr,li,.tile,.verdict{break-inside:avoid}*{print-color-adjust:exact;-webkit-print-color-adjust:exact}}
"""
_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_SINCE = re.compile(r'<time datetime="([0-9TZ:+-]+)">')
_STATES = {
    "in_sync": "in sync",
    "differs": "differs",
    "missing": "missing",
    "extra": "extra",
    "unreachable": "no answer",
    "ok": "ready",
    "not_ready": "not ready",
    "not_joined": "not joined",
    "waiting": "not ready yet",
}


def text(value: object) -> str:
    """Anything from outside, safe between tags and in quoted attributes."""
    return html.escape(harmless(value), quote=True)


def _chip(state: str, words: str | None = None) -> str:
    return f'<span class="chip {state}">{text(words or _STATES[state])}</span>'


def _cell(cell: Object | None) -> str:
    if cell is None:
        return '<td class="none" title="not placed here">–</td>'  # noqa: RUF001
    state = cell["state"]
    waiting = state == "in_sync" and not cell["ready"]
    parts = [_chip("waiting" if waiting else state)]
    facts = [cell["replicas"] or "", *(short_image(image) for image in cell["images"]), *cell["addresses"]]
    parts += [f"<small>{text(fact)}</small>" for fact in facts if fact]
    if cell.get("pending_address"):
        parts.append("<small>no address yet</small>")
    parts += [f"<small><code>{text(path)}</code></small>" for path in cell["fields"][:6]]
    if len(cell["fields"]) > 6:
        parts.append(f"<small>and {len(cell['fields']) - 6} more fields</small>")
    return f"<td>{''.join(parts)}</td>"


def _name(row: Object) -> str:
    return f"{row['namespace']}/{row['name']}" if row["namespace"] else str(row["name"])


def _matrix(report: Object) -> str:
    """A row for each resource, a column for each cluster: resources are what there may be many of."""
    head = "".join(f'<th scope="col">{text(row["name"])}<small>{text(row["region"])}</small></th>' for row in report["clusters"])
    rows = []
    for row in report["resources"]:
        cells = "".join(_cell(row["clusters"].get(one["name"])) for one in report["clusters"])
        rows.append(f'<tr><th scope="row">{text(row["kind"])}<small>{text(_name(row))}</small></th>{cells}</tr>')
    body = "".join(rows) or f'<tr><td colspan="{len(report["clusters"]) + 1}" class="soft">No federated resources.</td></tr>'
    return f'<div class="scroll"><table><thead><tr><th scope="col">Resource</th>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def _clusters(report: Object) -> str:
    rows = []
    for row in report["clusters"]:
        nodes = f"{row['nodes']['ready']}/{row['nodes']['total']}" if row["nodes"] else ""
        host = "<small>host cluster</small>" if row["name"] == report["host"] else ""
        facts = (row["version"], row["region"], ", ".join(row["zones"]), nodes)
        cells = "".join(f"<td>{text(fact)}</td>" for fact in facts)
        endpoint = f"<td><code>{text(row['api_endpoint'])}</code></td>"
        state = _chip(row["state"]) + (_chip("waiting", row["cordon"]) if row["cordon"] else "")
        rows.append(f'<tr><th scope="row">{text(row["name"])}{host}</th><td>{state}</td>{cells}{endpoint}</tr>')
    heads = ("Cluster", "State", "Kubernetes", "Region", "Zones", "Nodes ready", "Address that KubeFed dials")
    head = "".join(f'<th scope="col">{item}</th>' for item in heads)
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{"".join(rows)}</tbody></table></div>'


def _tiles(report: Object) -> str:
    summary = report["summary"]
    tiles = [("clusters ready", f"{summary['clusters_ok']}/{summary['clusters']}"), ("resources", summary["resources"])]
    tiles += [("objects in sync", f"{summary['in_sync']}/{summary['objects']}")]
    tiles += [(_STATES[state], summary[state]) for state in ("differs", "missing", "extra", "unreachable") if summary[state]]
    return "".join(f'<div class="tile"><b>{text(value)}</b><span class="soft">{text(name)}</span></div>' for name, value in tiles)


def _list(title: str, items: list[str], kind: str) -> str:
    if not items:
        return ""
    return f"<h2>{title}</h2><ul>{''.join(f'<li class={kind!r}>{text(item)}</li>' for item in items)}</ul>"


def _verdict(report: Object) -> str:
    if report["in_sync"]:
        return '<div class="verdict good"><strong>Every object is template + override.</strong></div>'
    count = len(report["problems"])
    return f'<div class="verdict bad"><strong>{count} problem{"s" if count != 1 else ""} found.</strong></div>'


def since_of(page: str | None) -> str | None:
    """The time that an older page carries."""
    found = _SINCE.search(page or "")
    return found[1] if found else None


def render(report: Object, since: str) -> str:
    """The page. ``since`` is the time (ISO 8601, UTC) at which the federation was first seen like this."""
    readable = since.replace("T", " ").replace("Z", " UTC")
    policy = f"default-src 'none'; style-src 'sha256-{_HASH}'; base-uri 'none'; form-action 'none'"
    parts = [
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="referrer" content="no-referrer">',
        f"<title>Federation of {text(report['host'])}</title><style>{_STYLE}</style></head><body><main>",
        f"<h1>Federation of {text(report['host'])}</h1>",
        f'<p class="soft">In this state since <time datetime="{text(since)}">{text(readable)}</time></p>',
        _verdict(report),
        f'<div class="tiles">{_tiles(report)}</div>',
        _list("Problems", [item["message"] for item in report["problems"]], "bad"),
        f"<h2>Resources</h2>{_matrix(report)}<h2>Clusters</h2>{_clusters(report)}",
        _list("Worth knowing", report["warnings"], "warn"),
        "<footer>Written by edgefed. The same as data: report.json.</footer></main></body></html>\n",
    ]
    return "\n".join(part for part in parts if part)
