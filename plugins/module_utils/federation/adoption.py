# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Objects that a member has before KubeFed first brings them: what would become of them, and whether they may be adopted. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.check import Resource
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.plan import in_deletion, shown
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.preview import MANAGED_LABEL
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.redact import DATA, NOTED
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.sources import Problem
from ansible_collections.edgefed.kubefed.plugins.module_utils.verify.compare import ABSENT, Difference, Parts

ALWAYS, NEVER, SAME = "always", "never", "same"
TOLD_AT_MOST = 5

Object = dict[str, Any]


@dataclass(frozen=True)
class Found:
    """An object that a member has already. ``after`` is what KubeFed would make of it, as the member's API server says."""

    resource: Resource
    cluster: str
    before: Object
    after: Object = field(default_factory=dict)
    refused: str = ""

    @property
    def title(self) -> str:
        """As the member knows it, ``ConfigMap shop/settings``."""
        of = self.resource.type
        _kind, namespace, name = self.resource.key
        kind = of.target_kind if of else ""
        return f"{kind} {namespace}/{name}" if of and of.target_namespaced else f"{kind} {name}"

    @property
    def differences(self) -> list[Difference]:
        """Field by field."""
        return [] if self.refused else changes(self.before, self.after, self.resource.secret)

    @property
    def words(self) -> str:
        """The same in one line."""
        told = [difference.words() for difference in self.differences]
        more = [f"and {len(told) - TOLD_AT_MOST} more"] if len(told) > TOLD_AT_MOST else []
        return "; ".join([*told[:TOLD_AT_MOST], *more])

    def as_dict(self) -> Object:
        """For programs."""
        return {
            "object": self.resource.title,
            "cluster": self.cluster,
            "differences": [difference.words() for difference in self.differences],
        }


def is_strange(there: Object, host_namespace_uid: str | None) -> bool:
    """Whether an object of a member is there without KubeFed. A namespace of the host cluster is its federated one's own."""
    metadata = there["metadata"]
    managed = (metadata.get("labels") or {}).get(MANAGED_LABEL) == "true"
    return not managed and not in_deletion(there) and metadata["uid"] != host_namespace_uid


def own(body: Object) -> Object:
    """An object without what the API server, KubeFed, kubectl and controllers note on it."""
    result = shown(body)
    for name, noted in (("labels", (MANAGED_LABEL,)), ("annotations", NOTED)):
        there = result["metadata"].pop(name, None) or {}
        kept = {key: value for key, value in there.items() if not key.startswith(noted)}
        result["metadata"].update({name: kept} if kept else {})
    return result


def changes(before: Object, after: Object, secret: bool) -> list[Difference]:
    """Every field in which the two differ; of a Secret's data only that it does."""
    return _walk(own(after), own(before), (), secret)


def _walk(want: Any, got: Any, parts: Parts, secret: bool) -> list[Difference]:
    if isinstance(want, dict) and isinstance(got, dict):
        keys = sorted({*want, *got})
        return [one for key in keys for one in _walk(want.get(key, ABSENT), got.get(key, ABSENT), (*parts, key), secret)]
    if isinstance(want, list) and isinstance(got, list) and len(want) == len(got):
        return [one for index, pair in enumerate(zip(want, got)) for one in _walk(*pair, (*parts, index), secret)]
    same = type(want) is type(got) and want == got  # in Python False is 0
    if same or (want in (ABSENT, {}) and got in (ABSENT, {})):
        return []
    hidden = secret and bool(parts) and parts[0] in DATA
    return [Difference(parts, want, got, hidden)]


def judge(found: Found, adopt: str, adopts: bool) -> Problem | None:
    """Why it must not be adopted, if so. ``adopts`` is KubeFed's own setting."""
    document, there = found.resource.document, f"{found.cluster} has {found.title} already"
    remove = f"remove it in {found.cluster}, place the object elsewhere"
    if adopt == NEVER:
        return document.problem((), f"{there}, and adopt is never ({_compared(found)})", f"{remove}, or say adopt: same or adopt: always")
    if not adopts:
        todo = f"{remove}, or let it adopt (kubefed_config, sync_controller.adopt_resources: Enabled)"
        return document.problem((), f"{there}, and KubeFed is set to adopt nothing", todo)
    if found.refused:
        cause = f"{there}, which cannot become what KubeFed would make of it: {found.refused}"
        return document.problem((), cause, f"{remove}, or make it alike")
    if adopt == SAME and found.differences:
        return document.problem((), f"{there}, and adopt is same: {found.words}", f"make it the same, {remove}, or say adopt: always")
    return None


def _compared(found: Found) -> str:
    return found.refused or found.words or "it is the same as it would get"
