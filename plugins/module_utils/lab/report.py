# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The lab's figures, added up and put into words. Pure."""

from __future__ import annotations

from typing import Any

MEGABYTE = 1024 * 1024


def figures(
    driver: str, clusters: dict[str, dict[str, Any]], measured: list[tuple[str, int]], seconds: dict[str, float | None]
) -> dict[str, Any]:
    """``clusters`` as lab_plan gives them with their figures; ``measured``: (part of the lab, bytes) of each process.

    Parts that are no cluster are KubeFed's processes.
    """

    def of(part: str) -> dict[str, int]:
        sizes = [size for name, size in measured if name == part]
        return {"processes": len(sizes), "memory_bytes": sum(sizes)}

    names = {cluster["cluster"] for cluster in clusters.values()}
    others = sorted({part for part, _size in measured} - names)
    return {
        "driver": driver,
        "clusters": {host: {**cluster, **of(cluster["cluster"]), "seconds": seconds.get(host)} for host, cluster in clusters.items()},
        "processes": {part: of(part) for part in others},
        "memory_bytes": sum(size for _part, size in measured),
    }


def lines(report: dict[str, Any]) -> list[str]:
    """The report as a table, one line for each cluster and each process of KubeFed's."""
    width = max((len(name) for name in [*report["clusters"], *report["processes"]]), default=0)
    rows = []
    for host, one in report["clusters"].items():
        made = f"  made in {one['seconds']} s" if one["seconds"] is not None else ""
        memory = f"{one['memory_bytes'] // MEGABYTE} MB"
        server = f"https://127.0.0.1:{one['ports']['kube_apiserver']}"
        rows.append(f"{host:<{width}}  {server}  {one['addresses']:<14}  {one['processes']} processes  {memory}{made}")
    rows += [f"{name:<{width}}  {one['memory_bytes'] // MEGABYTE} MB" for name, one in report["processes"].items()]
    return rows
