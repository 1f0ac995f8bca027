# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The inventory plugin's documentation fits what it does; tests/integration/test_inventory_clusters.py runs it."""

from __future__ import annotations

import yaml

from ansible_collections.edgefed.kubefed.plugins.inventory.clusters import DOCUMENTATION
from ansible_collections.edgefed.kubefed.plugins.module_utils.auth_options import AUTH_SPEC
from ansible_collections.edgefed.kubefed.plugins.module_utils.clusters.groups import BY
from ansible_collections.kubernetes.core.plugins.doc_fragments.k8s_auth_options import ModuleDocFragment

OPTIONS = yaml.safe_load(DOCUMENTATION)["options"]


def test_every_auth_option_is_documented() -> None:
    shared = yaml.safe_load(ModuleDocFragment.DOCUMENTATION)["options"]
    assert set(AUTH_SPEC) <= {*shared, *OPTIONS}


def test_every_grouping_is_documented() -> None:
    assert OPTIONS["group_by"]["choices"] == OPTIONS["group_by"]["default"] == list(BY)
