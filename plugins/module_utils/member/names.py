# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Names that a join uses: kubefedctl's own, so that both adopt what the other made. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import EdgefedError

LONGEST = 63
_NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")


@dataclass(frozen=True)
class Names:
    """``cluster`` joins the federation of ``host_cluster``; both have the namespace ``namespace``."""

    cluster: str
    host_cluster: str
    namespace: str

    @property
    def service_account(self) -> str:
        """The controller's service account in the member, and the secret of its token."""
        return f"{self.cluster}-{self.host_cluster}"

    @property
    def role(self) -> str:
        """Role or cluster role of the controller in the member, and its binding."""
        return f"kubefed-controller-manager:{self.service_account}"

    @property
    def health_check_role(self) -> str:
        """Cluster role and binding that a namespaced control plane needs besides its role."""
        return f"kubefed-controller-manager:{self.namespace}:healthcheck-{self.service_account}"

    @property
    def host_secret(self) -> str:
        """The secret in the host cluster that holds the token, when no KubeFedCluster names another one."""
        return f"{self.cluster}-credentials"

    @property
    def token_subject(self) -> str:
        """Whom a token of this join belongs to (claim ``sub``)."""
        return f"system:serviceaccount:{self.namespace}:{self.service_account}"


def check_names(names: Names) -> None:
    """Raise :class:`EdgefedError` (code ``name``) for a name that Kubernetes, or a label, would refuse."""
    for what, option, value in (
        ("cluster", "name", names.cluster),
        ("host cluster", "host_cluster_name", names.host_cluster),
    ):
        if not value:
            raise EdgefedError(f"The {what} has no name. Next: set {option}.", code="name")
        if len(value) > LONGEST:
            raise EdgefedError(
                f"The {what}'s name {value!r} has {len(value)} characters, the most are {LONGEST}. Next: give it a shorter {option}.",
                code="name",
                details={"option": option, "length": len(value)},
            )
        if not _NAME.fullmatch(value):
            raise EdgefedError(
                f"The {what}'s name {value!r} is not a DNS name (RFC 1123): lower-case letters, digits, '-' and '.', "
                f"a letter or digit at both ends. Next: rename it ({option}); in an inventory the host's name is the cluster's.",
                code="name",
                details={"option": option},
            )
