#!/usr/bin/python
# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: tools
short_description: Bring kubectl, helm, KubeFed and the lab's Kubernetes binaries into a shared cache
version_added: 0.1.0
author: edgefed contributors (@edgefed)
description:
  - Makes sure that the tools of a version table are complete in a cache that all checkouts of a user share.
  - Each tool is taken from the cache, else downloaded from its vendor with its SHA-256 checked, else built from pinned Go modules.
  - Downloads and builds get a temporary name and are renamed when they are complete; what was cut off is done again.
    Runs at the same time wait for each other, tool by tool.
  - Runs on Linux, amd64 and arm64. Usually called by the role P(edgefed.kubefed.tools#role), which holds the version table.
extends_documentation_fragment:
  - edgefed.kubefed.attributes.plain
  - edgefed.kubefed.tools
options:
  state:
    description:
      - V(present) brings the tools and makes the links.
      - V(absent) removes the links that this module made, and with O(purge_cache) what the cache has of the table's tools.
    type: str
    choices: [present, absent]
    default: present
  source:
    description:
      - V(auto) downloads what can be downloaded and builds the rest. Whether vendors can be reached is found out within O(probe_timeout).
      - V(download) never builds, V(build) never downloads tools. Both also leave cached tools of the other kind alone and make their own.
      - V(path) takes what is in O(path), or on E(PATH), and checks the versions.
    type: str
    choices: [auto, download, build, path]
    default: auto
  path:
    description: Folder of the tools when O(source=path). The default is E(PATH).
    type: path
  link_dir:
    description: Folder in which the tools of O(link) get links. What others own there is left alone, with a warning.
    type: path
  link:
    description: The tools that get links.
    type: list
    elements: str
    default: []
  purge_cache:
    description: With O(state=absent), also remove the table's tools from the cache.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Bring what is needed to talk to a federation
  edgefed.kubefed.tools:
    needed: [kubectl, helm, kubefedctl, kubefed-chart]
    table: "{{ _tools_table }}"
    go_dir: "{{ role_path }}/files/go"
    link_dir: .venv/bin
    link: [kubectl, helm, kubefedctl]

- name: Only downloads, from the company's mirror
  edgefed.kubefed.tools:
    needed: [kubectl]
    table: "{{ _tools_table }}"
    go_dir: "{{ role_path }}/files/go"
    source: download
    mirrors:
      dl.k8s.io: https://mirror.example.org/k8s
"""

RETURN = r"""
tools:
  description: Path of each tool by name; V(kubefed) also as V(controller-manager) and V(webhook). V(kubefed-chart) is a folder.
  returned: when state is present
  type: dict
  sample: {"kubectl": "/home/me/.cache/edgefed/kubectl/1.34.4/kubectl"}
versions:
  description: Version of each tool.
  returned: when state is present
  type: dict
  sample: {"kubectl": "1.34.4"}
source:
  description: Where each tool came from, V(download), V(build) or V(path); in check mode where it would come from.
  returned: when state is present
  type: dict
  sample: {"kubectl": "download"}
actions:
  description: What was done for each tool, V(cached), V(download), V(build) or V(path); in check mode what would be done.
  returned: when state is present
  type: dict
  sample: {"kubectl": "cached"}
reasons:
  description: Why a tool was built, or would be.
  returned: when state is present
  type: dict
  sample: {"kwok": "its vendor publishes no checksum (set tools_sha256)"}
webhook_loopback:
  description:
    - Whether KubeFed's webhook can be bound to one address. The published one binds every address and port 8080.
    - Null when V(kubefed) is not needed.
  returned: when state is present
  type: bool
  sample: true
purged:
  description: Tools that were removed from the cache, or would be.
  returned: when state is absent
  type: list
  elements: str
  sample: [kubectl]
links:
  description: Links that were made or removed, or would be.
  returned: always
  type: list
  elements: str
  sample: [kubectl]
elapsed:
  description: Seconds.
  returned: when state is present
  type: float
  sample: 0.1
"""

import os
from typing import Any, Callable

from ansible_collections.edgefed.kubefed.plugins.module_utils.module import run_as_module
from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import Result
from ansible_collections.edgefed.kubefed.plugins.module_utils.tools import located
from ansible_collections.edgefed.kubefed.plugins.module_utils.tools.cache import Cache
from ansible_collections.edgefed.kubefed.plugins.module_utils.tools.ensure import Outcome, ensure
from ansible_collections.edgefed.kubefed.plugins.module_utils.tools.links import LinkPlan, apply_links, plan_links, read_links
from ansible_collections.edgefed.kubefed.plugins.module_utils.tools.model import Table, Tool
from ansible_collections.edgefed.kubefed.plugins.module_utils.tools.options import SPEC, request_of
from ansible_collections.edgefed.kubefed.plugins.module_utils.tools.progress import Progress, Show, silent

ARGUMENT_SPEC: dict[str, dict[str, Any]] = {
    **SPEC,
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "source": {"type": "str", "choices": ["auto", "download", "build", "path"], "default": "auto"},
    "path": {"type": "path"},
    "link_dir": {"type": "path"},
    "link": {"type": "list", "elements": "str", "default": []},
    "purge_cache": {"type": "bool", "default": False},
}


def run(params: dict[str, Any], check: bool, diff: bool, connect: Callable[..., Any], show: Show = silent) -> Result:
    """Plan and, unless ``check``, carry out; ``show`` gets the lines that tell how far it is."""
    del diff, connect
    request = request_of(params)
    if params["state"] == "absent":
        return _absent(params, request.table, request.cache, check)
    progress = Progress(show)
    needed, cache = request.needed, request.cache
    if params["source"] == "path":
        return _on_path(needed, params["path"], progress)
    outcome = ensure(request, progress, check)
    paths = _paths(needed, cache)
    links = _link_plan(params, {name: paths[name] for name in params["link"] if name in paths}, cache)
    if not check and params["link_dir"]:
        apply_links(params["link_dir"], links)
    made = [tool for tool in needed if outcome.actions[tool.name] != "cached"]
    result = Result(changed=bool(made) or links.changed, diff=_diff(made, outcome, links))
    result.warnings = [
        f"{os.path.join(params['link_dir'], name)} is not a link of ours and was left alone: it may hide {paths[name]}"
        for name in links.foreign
    ]
    result.data = {
        "tools": paths,
        "versions": {tool.name: tool.version for tool in needed},
        "source": outcome.sources,
        "actions": {tool.name: outcome.actions[tool.name] for tool in needed},
        "reasons": outcome.reasons,
        "webhook_loopback": outcome.sources["kubefed"] == "build" if "kubefed" in outcome.sources else None,
        "links": [*links.make, *links.remove],
        "elapsed": round(progress.elapsed, 1),
    }
    return result


def _paths(tools: list[Tool], cache: Cache) -> dict[str, str]:
    paths = {}
    for tool in tools:
        paths[tool.name] = cache.binary(tool)
        paths.update({link: os.path.join(cache.folder(tool), link) for link in tool.links})
    return paths


def _on_path(needed: list[Tool], folder: str | None, progress: Progress) -> Result:
    paths, versions = located.locate(needed, folder)
    names = [tool.name for tool in needed]
    loopback = located.binds_loopback(paths["webhook"]) if "webhook" in paths else None
    return Result(
        data={
            "tools": paths,
            "versions": versions,
            "source": dict.fromkeys(names, "path"),
            "actions": dict.fromkeys(names, "path"),
            "reasons": {},
            "webhook_loopback": loopback,
            "links": [],
            "elapsed": round(progress.elapsed, 1),
        }
    )


def _link_plan(params: dict[str, Any], wanted: dict[str, str], cache: Cache) -> LinkPlan:
    if not params["link_dir"]:
        return LinkPlan()
    present = read_links(params["link_dir"], tuple(params["link"]))
    return plan_links(present, wanted, cache.root)


def _absent(params: dict[str, Any], table: Table, cache: Cache, check: bool) -> Result:
    links = _link_plan(params, {}, cache)
    tools = list(table.tools.values()) if params["purge_cache"] else []
    purged = [tool.name for tool in tools if os.path.lexists(os.path.join(cache.root, tool.name))]
    if not check:
        if params["link_dir"]:
            apply_links(params["link_dir"], links)
        with cache.locked(purged, Progress(silent)):
            for tool in tools:
                cache.purge(tool)
    before = "".join(f"{name}\n" for name in [*links.remove, *purged])
    return Result(
        changed=links.changed or bool(purged), diff={"before": before, "after": ""}, data={"links": links.remove, "purged": purged}
    )


def _diff(made: list[Tool], outcome: Outcome, links: LinkPlan) -> dict[str, str]:
    after = [f"{tool.name} {tool.version}: {outcome.actions[tool.name]}" for tool in made]
    after += [f"link {name} -> {target}" for name, target in links.make.items()]
    before = [f"link {name}" for name in links.remove]
    return {"before": "".join(f"{line}\n" for line in before), "after": "".join(f"{line}\n" for line in after)}


def main() -> None:
    run_as_module(run, ARGUMENT_SPEC)


if __name__ == "__main__":
    main()
