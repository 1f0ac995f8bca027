# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What each competitor is, as commands on one host cluster. Each gives seconds and requests."""

from __future__ import annotations

import json
import re
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from applying import floor, sets
from joining import figures
from joining.floor import Server
from joining.lab import BIN, HOST, Lab

_REQUEST = re.compile(r'"Response" verb="(?:GET|POST|PUT|PATCH|DELETE)"')
Cost = tuple[float, int]


@dataclass(frozen=True)
class Work:
    """``count`` objects of ``namespace``, placed on ``clusters``."""

    lab: Lab
    server: Server
    namespace: str
    count: int
    clusters: list[str]

    @property
    def bodies(self) -> list[sets.Object]:
        return [sets.federated(number, self.namespace, self.clusters) for number in range(self.count)]

    @property
    def file(self) -> Path:
        """All objects in one file."""
        path = self.lab.folder / f"{self.namespace}-{self.count}-{len(self.clusters)}.yml"
        if not path.exists():
            path.write_text(floor.as_text(self.bodies))
        return path

    def kubectl(self, *words: str) -> Cost:
        """``kubectl apply`` as its users do it; every request is a line of its log."""
        command = [
            str(BIN / "kubectl"),
            "--kubeconfig",
            self.lab.proxied,
            "--context",
            HOST,
            "apply",
            *words,
            "-f",
            str(self.file),
            "-v",
            "6",
        ]
        began = time.monotonic()
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        took = time.monotonic() - began
        assert done.returncode == 0, done.stderr[-3000:]
        return took, len(_REQUEST.findall(done.stderr))

    def kubefedctl(self) -> Cost:
        """``kubefedctl federate`` for one plain object after the other; they were made before."""
        plain = [sets.plain_object(number, self.namespace) for number in range(self.count)]
        paths = [sets.plain_collection(body) for body in plain]
        floor.send(self.server, "POST", paths, plain)
        words = [(sets.PLURALS[body["kind"]], body["metadata"]["name"], "-n", self.namespace) for body in plain]
        runs = [self.lab.kubefedctl("federate", *one) for one in words]
        floor.send(
            self.server,
            "DELETE",
            [f"{path}/{body['metadata']['name']}" for path, body in zip(paths, plain, strict=True)],
            [None] * len(plain),
        )
        return sum(took for took, _log in runs), sum(figures.requests_in(log) for _took, log in runs)

    def ours(self, **options: Any) -> tuple[Cost, Cost, bool]:
        """A playbook of one task: whole, then the task alone, and whether it changed anything."""
        task = {"kubeconfig": self.lab.proxied, "context": HOST, "src": [str(self.file)], "wait": False, **options}
        took, [done] = self._play({"edgefed.kubefed.federated_resource": task})
        return (took, done["requests"]), (done["seconds"], done["requests"]), bool(done["changed"])

    def looped(self) -> float:
        """Seconds of a playbook with one task, kubernetes.core.k8s in a loop over the objects."""
        task = {"kubeconfig": self.lab.proxied, "context": HOST, "definition": "{{ item }}"}
        return self._play({"kubernetes.core.k8s": task, "loop": self.bodies, "loop_control": {"label": "object"}})[0]

    def _play(self, task: dict[str, Any]) -> tuple[float, list[dict[str, Any]]]:
        path = self.lab.folder / "apply"
        path.with_suffix(".yml").write_text(json.dumps([{"hosts": HOST, "gather_facts": False, "tasks": [{"name": "Apply", **task}]}]))
        return self.lab.play(str(path))

    def bare(self) -> Cost:
        return floor.apply(self.server, self.bodies)

    def look(self) -> Cost:
        return floor.look(self.server, self.namespace)

    def clear(self) -> None:
        """Until none of the federated objects is left."""
        floor.remove(self.server, self.namespace, sets.COLLECTIONS)
