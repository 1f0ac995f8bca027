# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Links: ours are made, moved and removed; what others own is left alone. Progress lines."""

from __future__ import annotations

import pytest

from ansible_collections.edgefed.kubefed.plugins.module_utils.tools.links import LinkPlan, plan_links
from ansible_collections.edgefed.kubefed.plugins.module_utils.tools.progress import Progress

ROOT = "/home/me/.cache/edgefed"
NEW = f"{ROOT}/helm/2/helm"


@pytest.mark.parametrize(
    ("present", "wanted", "expected"),
    [
        ({}, {"helm": NEW}, LinkPlan(make={"helm": NEW})),
        ({"helm": NEW}, {"helm": NEW}, LinkPlan()),
        ({"helm": f"{ROOT}/helm/1/helm"}, {"helm": NEW}, LinkPlan(make={"helm": NEW})),
        ({"helm": "/usr/bin/helm"}, {"helm": NEW}, LinkPlan(foreign=["helm"])),
        ({"helm": None}, {"helm": NEW}, LinkPlan(foreign=["helm"])),
        ({"helm": f"{ROOT}-other/helm"}, {"helm": NEW}, LinkPlan(foreign=["helm"])),
        ({"helm": NEW}, {}, LinkPlan(remove=["helm"])),
        ({"helm": "/usr/bin/helm"}, {}, LinkPlan()),
        ({"helm": None}, {}, LinkPlan()),
    ],
)
def test_plan_links(present: dict[str, str | None], wanted: dict[str, str], expected: LinkPlan) -> None:
    plan = plan_links(present, wanted, ROOT)
    assert plan == expected
    assert plan.changed is bool(expected.make or expected.remove)


def test_progress_says_a_line_every_twenty_seconds() -> None:
    lines: list[str] = []
    now = [100.0]
    progress = Progress(lines.append, clock=lambda: now[0])
    progress.total, progress.done = 9, 2
    progress.begin("kube-apiserver", "building")
    for second in range(1, 46):
        now[0] = 100.0 + second
        progress.tick("kube-apiserver", "building")
    assert lines == [
        "tools: 3 of 9 kube-apiserver: building (elapsed 0 s)",
        "tools: 3 of 9 kube-apiserver: building (elapsed 20 s)",
        "tools: 3 of 9 kube-apiserver: building (elapsed 40 s)",
    ]
