# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether this machine lets podman run a container at all, and has what isolation needs: else exit status 1, and in whose words not.

A container of a container may have podman and no right to use it. Nothing is left of the attempt, and nothing is sent: it has no network.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from ansible_collections.edgefed.kubefed.plugins.module_utils.kind.engine import (
    PodmanFiles,
    containers_conf,
    engine_environment,
    own_limits,
    storage_conf,
)

# In a network namespace of its own, so that the machine's stays as it is.
NETWORK = ["unshare", "--net", "sh", "-c", "ip link add probe type bridge && nft add table inet probe"]
# The machine's own file system, with a layer over it that is thrown away.
CONTAINER = ["podman", "run", "--rm", "--privileged", "--network", "none", "--rootfs", "/:O", "/bin/true"]


def trouble(command: list[str], environment: dict[str, str]) -> str:
    """The last words of a command that failed, ``""`` when it did not."""
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=120)
    return "" if done.returncode == 0 else f"`{' '.join(command[:2])}`: {(done.stderr.strip().splitlines() or ['failed'])[-1]}"


def main() -> int:
    """Try both."""
    with tempfile.TemporaryDirectory() as folder:
        files = PodmanFiles(f"{folder}/lib", f"{folder}/run")
        os.mkdir(files.root)
        Path(files.containers_conf).write_text(containers_conf(files, *own_limits()))
        Path(files.storage_conf).write_text(storage_conf(files))
        environment = engine_environment("podman", "none", files, isolated=True)
        said = trouble(NETWORK, environment) or trouble(CONTAINER, environment)
        # podman mounts its storage's folder over itself
        subprocess.run(["umount", f"{files.root}/graph/overlay"], capture_output=True, check=False)
    print(said, end="")
    return int(bool(said))


if __name__ == "__main__":
    sys.exit(main())
