# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations


class ModuleDocFragment:
    """``DOCUMENTATION`` and ``INFO`` are for modules of the action group, ``PLAIN`` and ``PLAIN_INFO`` for others. ansible-test reads them
    without running this file, so that each is written out."""

    DOCUMENTATION = r"""
options: {}
attributes:
  check_mode:
    description: Predicts exactly what would be done and changes nothing.
    support: full
  diff_mode:
    description: Shows what changed, or would change, without secrets.
    support: full
  idempotent:
    description: A second run with the same options changes nothing.
    support: full
  action_group:
    description: Use C(group/edgefed.kubefed.federation) in C(module_defaults) to set the options that the modules share.
    support: full
    membership:
      - edgefed.kubefed.federation
"""
    PLAIN = r"""
options: {}
attributes:
  check_mode:
    description: Predicts exactly what would be done and changes nothing.
    support: full
  diff_mode:
    description: Shows what changed, or would change, without secrets.
    support: full
  idempotent:
    description: A second run with the same options changes nothing.
    support: full
"""
    INFO = r"""
options: {}
attributes:
  check_mode:
    description: Only reads.
    support: full
  diff_mode:
    description: Only reads.
    support: none
  idempotent:
    description: Only reads.
    support: full
  action_group:
    description: Use C(group/edgefed.kubefed.federation) in C(module_defaults) to set the options that the modules share.
    support: full
    membership:
      - edgefed.kubefed.federation
"""
    PLAIN_INFO = r"""
options: {}
attributes:
  check_mode:
    description: Only reads.
    support: full
  diff_mode:
    description: Only reads.
    support: none
  idempotent:
    description: Only reads.
    support: full
"""
    LAB = r"""
options: {}
attributes:
  platform:
    description: Needs Linux' C(/proc) and, for the processes it stops, Linux 5.3.
    platforms: linux
    support: full
"""
