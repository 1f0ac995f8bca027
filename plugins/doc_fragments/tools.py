# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  needed:
    description: The tools of the table that are needed.
    type: list
    elements: str
    required: true
  table:
    description: The version table, as in C(roles/tools/vars/main.yml).
    type: dict
    required: true
  sha256:
    description:
      - SHA-256 of the file to download, by tool, where the vendor's checksum file is not to be used or there is none.
      - For V(kubefed), which is published as an image, the digest of its manifest.
    type: dict
    default: {}
  mirrors:
    description: |-
      Addresses to use instead of vendors' hosts, as V({"dl.k8s.io": "https://mirror.example.org/k8s"}).
      An address may hold a user name and a password (V(https://name:password@mirror.example.org)), which are shown nowhere.
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
    description: Seconds in which vendors' hosts and registries must have answered.
    type: float
    default: 4
"""
