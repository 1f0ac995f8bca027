# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The API server of a cluster that comes up."""

from __future__ import annotations

import time
from typing import Any, Callable

from ansible_collections.edgefed.kubefed.plugins.module_utils.lab.plan import Labels
from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import EdgefedError

NODES = "/api/v1/nodes"


class Access:
    """Connected to when it is first asked for, with the kubeconfig that is there by then; waited for ``timeout`` seconds at most."""

    def __init__(self, kubeconfig: str, host: str, timeout: float, connect: Callable[..., Any]) -> None:
        self._kubeconfig = kubeconfig
        self._host = host
        self._connect = connect
        self._client: Any = None
        self._end = time.monotonic() + timeout
        self.timeout = timeout

    @property
    def requests(self) -> int:
        """API requests sent so far."""
        return self._client.requests if self._client else 0

    @property
    def client(self) -> Any:
        """The client."""
        if self._client is None:
            self._client = self._connect({"kubeconfig": self._kubeconfig}, self._host)
        return self._client

    def forget(self) -> None:
        """The next is another cluster's."""
        self._client = None

    def is_late(self) -> bool:
        """Whether the time is over."""
        return time.monotonic() > self._end

    def answers(self) -> bool:
        """Whether it is ready."""
        try:
            self.client.text("/readyz")
            return True
        except (OSError, EdgefedError):
            return False

    def node_labels(self) -> dict[str, Labels]:
        """The labels of each node."""
        return {node["metadata"]["name"]: node["metadata"].get("labels") or {} for node in self.client.list(NODES)}
