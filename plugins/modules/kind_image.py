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
  - edgefed.kubefed.tools
options:
  state:
    description:
      - V(present) makes what has to be made.
      - V(checked) makes nothing, and fails when this machine lacks something that the lab's clusters need, or the making of their images,
        so that it is told before minutes are spent.
    type: str
    choices: [present, checked]
    default: present
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
  source:
    description: Where the programs come from, as in M(edgefed.kubefed.tools).
    type: str
    choices: [auto, download, build]
    default: auto
  hosts:
    description: With O(state=checked), inventory hosts that will have a cluster on this machine.
    type: list
    elements: str
    default: []
  folder:
    description: With O(state=checked), folder of their lab; those that it has already need no more room.
    type: path
  provider:
    description: With O(state=checked), what the nodes shall run in, as in M(edgefed.kubefed.kind_plan).
    type: str
    choices: [auto, podman, docker]
    default: auto
  isolated:
    description: With O(state=checked), whether nothing may leave the machine. By default true with images that are made.
    type: bool
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

from dataclasses import replace
from typing import Any, Callable

from ansible_collections.edgefed.kubefed.plugins.module_utils.kind import preflight
from ansible_collections.edgefed.kubefed.plugins.module_utils.kind.images import Chosen, Wanted, as_data, bring, choose
from ansible_collections.edgefed.kubefed.plugins.module_utils.kind.layout import lab_files
from ansible_collections.edgefed.kubefed.plugins.module_utils.kind.options import engine_of
from ansible_collections.edgefed.kubefed.plugins.module_utils.lab import storage
from ansible_collections.edgefed.kubefed.plugins.module_utils.module import run_as_module
from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import Result
from ansible_collections.edgefed.kubefed.plugins.module_utils.tools.options import SPEC, cache_of, request_of
from ansible_collections.edgefed.kubefed.plugins.module_utils.tools.progress import Show, silent

ARGUMENT_SPEC: dict[str, dict[str, Any]] = {
    **SPEC,
    "state": {"type": "str", "choices": ["present", "checked"], "default": "present"},
    "images": {"type": "str", "choices": ["auto", "pull", "build"], "default": "auto"},
    "node_image": {"type": "str", "required": True},
    "stand_ins": {"type": "list", "elements": "str", "default": []},
    "debian_mirror": {"type": "str", "default": ""},
    "files_dir": {"type": "path", "required": True},
    "source": {"type": "str", "choices": ["auto", "download", "build"], "default": "auto"},
    "hosts": {"type": "list", "elements": "str", "default": []},
    "folder": {"type": "path"},
    "provider": {"type": "str", "choices": ["auto", "podman", "docker"], "default": "auto"},
    "isolated": {"type": "bool"},
}
CONSTRAINTS: dict[str, Any] = {"required_if": [("state", "checked", ("folder",))]}


def _check(params: dict[str, Any], chosen: Chosen) -> None:
    """What can be said of the machine before anything is brought; the rest is kind_plan's."""
    machine = preflight.look(cache_of(params))
    isolated = bool(chosen.archive) if params["isolated"] is None else params["isolated"]
    files, _kind, _names = lab_files(params["folder"])
    new = tuple(host for host in params["hosts"] if not storage.read_json(files.record(host)).get("made"))
    wish = preflight.Wish(params["provider"], isolated, new, image_there=False, building=chosen.made)
    given = {**params, "isolated": isolated, "kind": "", "provider": preflight.choose_provider(machine, wish)}
    engine, _podman = engine_of(given)
    if not chosen.made and engine.ready():
        wish = replace(wish, image_there=engine.has_image(chosen.node))
    preflight.check(preflight.problems(machine, wish))


def run(params: dict[str, Any], check: bool, diff: bool, connect: Callable[..., Any], show: Show = silent) -> Result:
    """Choose, and make what is missing."""
    del diff, connect
    files, stand_ins = params["files_dir"], tuple(params["stand_ins"])
    wanted = Wanted(request_of(params), params["images"], params["node_image"], files, stand_ins, params["debian_mirror"])
    if params["state"] == "checked":
        chosen = choose(wanted)
        _check(params, chosen)
        return Result(data=dict(as_data(chosen)))
    chosen = bring(wanted, show, check)
    views = {"before": {"archive": None}, "after": {"archive": chosen.archive}} if chosen.made else None
    return Result(chosen.made, views, data=dict(as_data(chosen)))


def main() -> None:
    run_as_module(run, ARGUMENT_SPEC, **CONSTRAINTS)


if __name__ == "__main__":
    main()
