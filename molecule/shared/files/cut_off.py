# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Cut a join off before each of its writes, and show that the next run finishes it.

Usage: cut_off.py --playbooks FOLDER --member NAME -- [options of ansible-playbook]

For each position: unjoin, join until the position is reached, end the whole process tree (SIGKILL; every third time SIGINT, as
Ctrl-C does), see that nothing of it lives, join again (must succeed), join once more (must change nothing). The last join, which is not
cut off, waits until the member is Ready.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

LIMIT_SECONDS = 60


def processes() -> dict[int, int]:
    """Parents of all living processes, by pid."""
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, parent = stat.read_text().rpartition(")")[2].split()[:2]
        except OSError:
            continue
        if state != "Z":
            parents[int(stat.parent.name)] = int(parent)
    return parents


def tree(root: int) -> set[int]:
    """A process and all its descendants, also those in sessions of their own (Ansible's workers since 2.19)."""
    parents = processes()
    found = {root}
    while more := {pid for pid, parent in parents.items() if parent in found} - found:
        found |= more
    return found


def end(process: subprocess.Popen[str], with_signal: int) -> None:
    """Send the signal to the whole tree and see that all of it is dead."""
    doomed = tree(process.pid)
    for pid in doomed:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, with_signal)
    deadline = time.monotonic() + LIMIT_SECONDS
    process.communicate()
    while alive := doomed & set(processes()):
        if time.monotonic() > deadline:
            sys.exit(f"still alive after signal {with_signal}: {alive}")
        time.sleep(0.05)


class Cutter:
    """Runs join and unjoin of one member."""

    def __init__(self, playbooks: Path, member: str, options: list[str]) -> None:
        self.playbooks = playbooks
        self.arguments = ["--limit", member, *options]

    def command(self, playbook: str) -> list[str]:
        return ["ansible-playbook", str(self.playbooks / playbook), *self.arguments]

    def run(self, playbook: str) -> str:
        command = [*self.command(playbook), "-e", "member_wait=false"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            sys.exit(f"{playbook} failed:\n{done.stdout}{done.stderr}")
        return done.stdout

    def cut(self, position: int) -> bool:
        """Join until the position, then end it; ``False`` when the join has fewer writes."""
        with tempfile.TemporaryDirectory() as folder:
            marker = Path(folder) / "reached"
            environment = {
                **os.environ,
                "ANSIBLE_CALLBACK_PLUGINS": str(Path(__file__).parents[1] / "callback_plugins"),
                "ANSIBLE_CALLBACKS_ENABLED": "cut_off",
                "EDGEFED_CUT_AT": str(position),
                "EDGEFED_CUT_MARKER": str(marker),
            }
            output = Path(folder) / "output"
            with output.open("w") as sink:
                process = subprocess.Popen(self.command("join.yml"), env=environment, stdout=sink, stderr=sink, text=True)
                deadline = time.monotonic() + LIMIT_SECONDS
                while not marker.exists() and process.poll() is None and time.monotonic() < deadline:
                    time.sleep(0.02)
                if process.poll() is not None:
                    if process.returncode or marker.exists():
                        sys.exit(f"position {position}: join ended by itself with {process.returncode}:\n{output.read_text()}")
                    return False
                if not marker.exists():
                    end(process, signal.SIGKILL)
                    sys.exit(f"position {position} was not reached in {LIMIT_SECONDS} s:\n{output.read_text()}")
                end(process, signal.SIGINT if position % 3 == 0 else signal.SIGKILL)
        return True


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--playbooks", type=Path, required=True)
    parser.add_argument("--member", required=True)
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("options", nargs="*")
    arguments = parser.parse_args()
    cutter = Cutter(arguments.playbooks, arguments.member, arguments.options)
    position = arguments.first
    while True:
        cutter.run("unjoin.yml")
        if not cutter.cut(position):
            break
        cutter.run("join.yml")
        again = cutter.run("join.yml")
        if re.search(r"changed=[1-9]", again):
            sys.exit(f"position {position}: the run after the finishing one still changed something:\n{again}")
        position += 1
    if position == 1:
        sys.exit("the join wrote nothing: nothing was tested")
    print(f"cut off before each of {position - 1} writes, and finished by the next run each time")


main()
