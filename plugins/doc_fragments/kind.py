# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  provider:
    description: What the nodes run in. Podman has settings and storage of its own, in the cache; the user's are not touched.
    type: str
    choices: [podman, docker]
    default: podman
  kind:
    description: Path of kind.
    type: path
    default: kind
  isolated:
    description: Whether nothing that nodes and pods send may leave this machine.
    type: bool
    default: true
  cache_dir:
    description: The cache's folder, in which podman's images lie. The default is C(${XDG_CACHE_HOME:-~/.cache}/edgefed).
    type: path
"""
