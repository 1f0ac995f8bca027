# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Run make's targets side by side: most of their time is waiting for controllers. Usage: side_by_side.py JOBS LOG_FOLDER TARGET...

Each target's output goes to a log of its own, shown as a whole when it has ended, and one line of each that runs every half minute.
What failed is run once more by itself, of pytest's tests those that failed: on a machine with two cores a controller may come late. What
passes only then is named at the end, for it has a race to be mended; what fails twice fails the run.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

PROGRESS_SECONDS = 30
# How a target says that it could not run here; the reason follows.
SKIPPED = "SKIPPED, not passed"
FAILED_ONES = "--last-failed --last-failed-no-failures=all"


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


def start(target: str, folder: Path, again: bool = False) -> Job:
    """Begin; what failed before is remembered for each target apart, as they run at the same time."""
    log = folder / f"{target}{'.again' if again else ''}.log"
    options = f"-o cache_dir={folder.resolve().parent / 'pytest' / target} {FAILED_ONES if again else ''}"
    with log.open("wb") as sink:
        process = subprocess.Popen(
            ["make", target],
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=subprocess.STDOUT,
            env={**os.environ, "PYTEST_ADDOPTS": options},
        )
    print(f"=== {target} begins{', by itself' if again else ''}", flush=True)
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


def run(jobs: int, folder: Path, targets: list[str], again: bool = False) -> list[str]:
    """Run them all, so many at a time; gives those that failed."""
    waiting, running, failed = list(targets), [], []
    shown = time.monotonic()
    while running or waiting:
        while waiting and len(running) < jobs:
            running.append(start(waiting.pop(0), folder, again))
        time.sleep(0.5)
        for job in [job for job in running if job.process.poll() is not None]:
            running.remove(job)
            if not finish(job):
                failed.append(job.target)
        if time.monotonic() - shown > PROGRESS_SECONDS:
            shown = time.monotonic()
            for job in running:
                print(f"    {job.target} {job.elapsed} s: {job.last_line()}", flush=True)
    return failed


def main(jobs: int, folder: Path, targets: list[str]) -> int:
    folder.mkdir(parents=True, exist_ok=True)
    first = run(jobs, folder, targets)
    failed = run(1, folder, first, again=True)
    late = [target for target in first if target not in failed]
    if late:
        print(f"\nFAILED side by side, passed by itself: {', '.join(late)}; see above which test has a race", file=sys.stderr)
    if failed:
        print(f"\nFAILED: {', '.join(failed)}", file=sys.stderr)
    return len(failed)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:]))
