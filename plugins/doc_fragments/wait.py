# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  wait:
    description: Whether to wait until what was asked for has happened in the clusters, not only in the host cluster's API.
    type: bool
    default: true
  wait_sleep:
    description: Seconds between two looks.
    type: int
    default: 1
  wait_timeout:
    description: Seconds to wait at most.
    type: int
    default: 120
"""
