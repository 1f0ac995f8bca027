#!/usr/bin/python
# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: kind_image
short_description: Choose the images of kind clusters, and make them where no registry answers
version_added: 0.1.0
author: edgefed contributors (@edgefed)
description:
  - Upstream's node image, pinned by digest, where the registries answer; else one archive in the cache, made from Debian packages and
    the version table's programs. It holds the node image (with the control plane's images, a network plug-in, KubeFed and the
    stand-ins already unpacked in it) and KubeFed's image and the stand-ins by themselves.
  - A stand-in is a small web server under another image's name, such as V(nginx:1.17). Its label C(org.edgefed.stand-in-for) and its
    page say so.
  - The archive is made again when anything that it is made from has changed. A run that was cut off leaves no half archive; programs
    that were built and the Debian system are kept.
extends_documentation_fragment:
  - edgefed.kubefed.attributes.plain
options:
  images:
    description:
      - V(auto) takes the archive when the cache has it, else upstream's when the registries answer within O(probe_timeout), else makes it.
      - V(pull) takes upstream's, V(build) the archive.
    type: str
    choices: [auto, pull, build]
    default: auto
  node_image:
    description: Upstream's node image, with its digest.
    type: str
    required: true
  stand_ins:
    description: Images that the small web server stands in for, when they are built.
    type: list
    elements: str
    default: []
  debian_mirror:
    description: Where Debian packages come from. The default is apt's own mirror on Debian, else V(http://deb.debian.org/debian).
    type: str
    default: ""
  files_dir:
    description: Folder with the node image's own files.
    type: path
    required: true
  needed:
    description: The programs of the table that the node image is made of.
    type: list
    elements: str
    required: true
  table:
    description: The version table, as in C(roles/tools/vars/main.yml).
    type: dict
    required: true
  source:
    description: Where the programs come from, as in M(edgefed.kubefed.tools).
    type: str
    choices: [auto, download, build]
    default: auto
  sha256:
    description: SHA-256 of files to download, by tool, as in M(edgefed.kubefed.tools).
    type: dict
    default: {}
  mirrors:
    description: Addresses to use instead of vendors' hosts, as in M(edgefed.kubefed.tools).
    type: dict
    default: {}
  cache_dir:
    description: The cache's folder. The default is C(${XDG_CACHE_HOME:-~/.cache}/edgefed).
    type: path
  go_dir:
    description: Folder with one folder per Go module of the table.
    type: path
    required: true
  probe_timeout:
    description: Seconds in which a registry must have answered.
    type: float
    default: 4
"""

EXAMPLES = r"""
- name: Choose or make the images of the lab's clusters
  edgefed.kubefed.kind_image:
    images: auto
    node_image: "{{ lab_kind_node_image }}"
    stand_ins: [nginx:1.17, nginx:1.14.0-alpine]
    files_dir: "{{ role_path }}/files/kind"
    needed: "{{ _tools_kind_image }}"
    table: "{{ _tools_table }}"
    go_dir: "{{ role_path }}/files/go"
"""

RETURN = r"""
node_image:
  description: Name of the node image.
  returned: success
  type: str
  sample: localhost/edgefed/node:v1.34.4-0123456789ab
kubefed_image:
  description: Name of KubeFed's image.
  returned: success
  type: str
  sample: quay.io/kubernetes-multicluster/kubefed:v0.10.0
archive:
  description: The archive; empty when the images are pulled.
  returned: success
  type: str
  sample: /home/me/.cache/edgefed/kind-image/1.34.4-0123456789ab/images.tar.zst
stand_ins:
  description: Images that the archive has a stand-in for.
  returned: success
  type: list
  elements: str
  sample: ["docker.io/library/nginx:1.17"]
why:
  description: Why the archive is taken.
  returned: success
  type: str
  sample: cached
"""

import os
import platform
from typing import Any, Callable

from ansible_collections.edgefed.kubefed.plugins.module_utils.kind.images import Wanted, as_data, bring
from ansible_collections.edgefed.kubefed.plugins.module_utils.module import run_as_module
from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import Result
from ansible_collections.edgefed.kubefed.plugins.module_utils.tools.cache import Cache, default_root
from ansible_collections.edgefed.kubefed.plugins.module_utils.tools.ensure import Request
from ansible_collections.edgefed.kubefed.plugins.module_utils.tools.model import architecture, load_table
from ansible_collections.edgefed.kubefed.plugins.module_utils.tools.progress import Show, silent

ARGUMENT_SPEC: dict[str, dict[str, Any]] = {
    "images": {"type": "str", "choices": ["auto", "pull", "build"], "default": "auto"},
    "node_image": {"type": "str", "required": True},
    "stand_ins": {"type": "list", "elements": "str", "default": []},
    "debian_mirror": {"type": "str", "default": ""},
    "files_dir": {"type": "path", "required": True},
    "needed": {"type": "list", "elements": "str", "required": True},
    "table": {"type": "dict", "required": True},
    "source": {"type": "str", "choices": ["auto", "download", "build"], "default": "auto"},
    "sha256": {"type": "dict", "default": {}},
    "mirrors": {"type": "dict", "default": {}},
    "cache_dir": {"type": "path"},
    "go_dir": {"type": "path", "required": True},
    "probe_timeout": {"type": "float", "default": 4},
}


def run(params: dict[str, Any], check: bool, diff: bool, connect: Callable[..., Any], show: Show = silent) -> Result:
    """Choose, and make what is missing."""
    del diff, connect
    table = load_table(params["table"], architecture(platform.system(), platform.machine()), params["sha256"])
    cache = Cache(os.path.abspath(params["cache_dir"] or default_root()))
    needed = table.select(params["needed"])
    tools = Request(table, needed, params["source"], cache, params["go_dir"], params["mirrors"], params["probe_timeout"])
    wanted = Wanted(tools, params["images"], params["node_image"], params["files_dir"], tuple(params["stand_ins"]), params["debian_mirror"])
    chosen = bring(wanted, show, check)
    views = {"before": {"archive": None}, "after": {"archive": chosen.archive}} if chosen.made else None
    return Result(chosen.made, views, data=dict(as_data(chosen)))


def main() -> None:
    run_as_module(run, ARGUMENT_SPEC)


if __name__ == "__main__":
    main()
