# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the lab's modules read of its records and return, whatever the driver."""

from __future__ import annotations

import time
from typing import Any, Callable, Protocol

from ansible_collections.edgefed.kubefed.plugins.module_utils.lab import storage
from ansible_collections.edgefed.kubefed.plugins.module_utils.lab.layout import LabFiles
from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import EdgefedError, Result


class Done(Protocol):
    """A plan that was carried out, or would be."""

    @property
    def actions(self) -> list[str]: ...
    @property
    def before(self) -> dict[str, Any]: ...
    @property
    def after(self) -> dict[str, Any]: ...


def converged(done: Done, requests: int, **where: str) -> Result:
    """A cluster that is there; ``where`` it answers."""
    data = {"actions": done.actions, "api_requests": requests, **where}
    return Result(bool(done.actions), {"before": done.before, "after": done.after}, data=data)


def removed(found: bool) -> Result:
    """A cluster that is gone, whether or not there was one."""
    views = {"before": {"state": "present" if found else "absent"}, "after": {"state": "absent"}}
    return Result(found, views, data={"actions": ["remove the cluster"] if found else [], "api_requests": 0})


def finished(result: Result, started: float, kubeconfig: str, note: Callable[[float], None] | None) -> Result:
    """With how long it took, which ``note`` remembers of a cluster that was made."""
    seconds = round(time.monotonic() - started, 1)
    if note and "create the cluster" in result.data["actions"]:
        note(seconds)
    result.data |= {"kubeconfig": kubeconfig, "seconds": seconds}
    return result


def records_of(files: LabFiles, driver: str) -> dict[str, dict[str, Any]]:
    """What is noted of the lab's clusters, by host; fails where another driver made them."""
    records = {host: record for host in files.recorded_hosts() if (record := storage.read_json(files.record(host)))}
    others = {host: other for host, record in sorted(records.items()) if (other := record.get("driver", "embedded")) != driver}
    if others:
        raise EdgefedError(
            f"The lab in {files.root} was made by the driver {next(iter(others.values()))} ({', '.join(others)}). Next: run lab_down.yml "
            "first, or give this lab another folder (lab_dir). Nothing was changed.",
            code="driver",
        )
    return records


def reported(files: LabFiles, report: dict[str, Any], lines: list[str], check: bool) -> Result:
    """The lab's figures, written down. New figures are not a change."""
    if not check:
        storage.write_json(files.report, report)
    return Result(data={"lines": lines, "report": files.report, "memory_bytes": report["memory_bytes"]})
