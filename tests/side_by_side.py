# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Run make's targets side by side: most of their time is waiting for controllers. Usage: side_by_side.py JOBS LOG_FOLDER TARGET...

Each target's output goes to a log of its own, shown as a whole when it has ended, and one line of each that runs every half minute.
After a failure nothing more is started, and what runs is waited for, so that it takes its lab down.
"""

from __future__ import annotations

import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

PROGRESS_SECONDS = 30
# How a target says that it could not run here; the reason follows.
SKIPPED = "SKIPPED, not passed"


@dataclass
class Job:
    """One target on its way."""

    target: str
    log: Path
    process: subprocess.Popen[bytes]
    started: float = field(default_factory=time.monotonic)

    @property
    def elapsed(self) -> int:
        return round(time.monotonic() - self.started)

    def last_line(self) -> str:
        lines = [line for line in self.log.read_text(errors="replace").splitlines() if line.strip(" .─*")]
        return lines[-1].strip()[:100] if lines else ""


def start(target: str, folder: Path) -> Job:
    log = folder / f"{target}.log"
    with log.open("wb") as sink:
        process = subprocess.Popen(["make", target], stdin=subprocess.DEVNULL, stdout=sink, stderr=subprocess.STDOUT)
    return Job(target, log, process)


def finish(job: Job) -> bool:
    """Show what it said; ``True`` when it succeeded."""
    status = job.process.returncode
    said = job.log.read_text(errors="replace")
    skipped = any(line.startswith(SKIPPED) for line in said.splitlines())
    how = SKIPPED if skipped else "passed" if status == 0 else f"FAILED (exit code {status})"
    print(f"\n=== {job.target}: what it printed\n{said}")
    print(f"=== {job.target} {how} after {job.elapsed} s", flush=True)
    return status == 0


def main(jobs: int, folder: Path, targets: list[str]) -> int:
    folder.mkdir(parents=True, exist_ok=True)
    waiting, running, failed = list(targets), [], []
    shown = time.monotonic()
    while running or (waiting and not failed):
        while waiting and len(running) < jobs and not failed:
            running.append(start(waiting.pop(0), folder))
            print(f"=== {running[-1].target} begins", flush=True)
        time.sleep(0.5)
        for job in [job for job in running if job.process.poll() is not None]:
            running.remove(job)
            if not finish(job):
                failed.append(job.target)
        if time.monotonic() - shown > PROGRESS_SECONDS:
            shown = time.monotonic()
            for job in running:
                print(f"    {job.target} {job.elapsed} s: {job.last_line()}", flush=True)
    if failed:
        print(f"\nFAILED: {', '.join(failed)}; not started: {', '.join(waiting) or 'none'}", file=sys.stderr)
    return len(failed)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:]))
