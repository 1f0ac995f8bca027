# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Everything that a task gives as federated documents: files, definitions, templates, secrets, and live objects of the host cluster."""

from __future__ import annotations

from typing import Any, Callable

from ansible_collections.edgefed.kubefed.plugins.module_utils.client import Client
from ansible_collections.edgefed.kubefed.plugins.module_utils.federate.given import Handed
from ansible_collections.edgefed.kubefed.plugins.module_utils.federate.host import Host
from ansible_collections.edgefed.kubefed.plugins.module_utils.federate.live import live_documents
from ansible_collections.edgefed.kubefed.plugins.module_utils.federate.plain import federated_documents
from ansible_collections.edgefed.kubefed.plugins.module_utils.federate.shares_of_groups import with_clusters
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.check import Federation
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.sources import Document, Place, Problem


def gather(
    params: dict[str, Any],
    documents: list[Document],
    federation: Federation,
    host: Host | None,
    handed: Handed,
    *,
    member: Callable[[str], Client],
) -> tuple[list[Document], list[Problem]]:
    """``documents``, secrets and what is ``live``, plain ones made federated, and what is wrong with that. Without ``host`` nothing is
    live."""
    if params["live"] and (not params["federate"] or host is None):
        cause, todo = ("offline there are none", "leave live out") if host is None else ("they are plain objects", "say federate: true")
        return documents, [Problem(Place("live"), cause, todo)]
    secrets, problems = _secrets(handed, federation, params["namespace"])
    if handed.inventory:
        documents, wrong = with_clusters(documents, handed.inventory)
        problems += wrong
    if not params["federate"]:
        return [*documents, *secrets], problems
    found, wrong = live_documents(host, federation, params["live"], params["namespace"], member=member) if host else ([], [])
    made, more = federated_documents([*documents, *found], federation, handed.wish, params["namespace"])
    return [*made, *secrets], [*problems, *wrong, *more]


def _secrets(handed: Handed, federation: Federation, namespace: str) -> tuple[list[Document], list[Problem]]:
    documents: list[Document] = []
    problems: list[Problem] = []
    for secret in handed.secrets:
        made, wrong = federated_documents([Document(secret.manifest, secret.origin)], federation, secret.wish, namespace)
        documents += made
        problems += wrong
    return documents, problems
