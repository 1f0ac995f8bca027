# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What has to be done to join or unjoin: current objects against wanted ones. Pure."""

from __future__ import annotations

import base64
import copy
from dataclasses import dataclass, field
from typing import Any, Iterable, Mapping

from ansible_collections.edgefed.kubefed.plugins.module_utils.member.desired import (
    CLUSTER,
    HOST_CLUSTER,
    MANAGED_BY,
    TOKEN_OWNER,
    TOKEN_OWNER_UID,
    Manifest,
    Ref,
    Refs,
    Wanted,
    fingerprint,
)
from ansible_collections.edgefed.kubefed.plugins.module_utils.member.names import Names
from ansible_collections.edgefed.kubefed.plugins.module_utils.member.rights import ALL
from ansible_collections.edgefed.kubefed.plugins.module_utils.member.rotation import CREDENTIALS, claims_of
from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import EdgefedError
from ansible_collections.edgefed.kubefed.plugins.module_utils.urls import without_credentials

Objects = Mapping[Ref, Manifest]
FIELD_MANAGER = "edgefed"
JOINERS = (FIELD_MANAGER, "kubefedctl")


@dataclass(frozen=True)
class Change:
    """``action`` is ``create``, ``update``, ``replace`` (wait until it is gone, deleting it if nobody did, then create)
    or ``delete``. ``body`` is what is applied, ``live`` the object that this was planned on."""

    action: str
    ref: Ref
    body: Manifest | None = None
    live: Manifest | None = field(default=None, compare=False, repr=False)

    def describe(self) -> dict[str, Any]:
        """As a task's result shows it."""
        place = {"namespace": self.ref.namespace} if self.ref.namespace else {}
        return {"action": self.action, "cluster": self.ref.side, "kind": self.ref.kind, "name": self.ref.name, **place}


@dataclass(frozen=True)
class Plan:
    """``before`` and ``after`` are for the diff: ``{"<cluster>: <kind> <name>": object without secrets}``."""

    changes: list[Change]
    before: dict[str, Any]
    after: dict[str, Any]

    def on(self, side: str) -> list[Change]:
        """The changes in the ``member`` or the ``host`` cluster."""
        return [change for change in self.changes if change.ref.side == side]


def plan_present(current: Objects, wanted: Iterable[Wanted]) -> Plan:
    """The changes that make ``current`` as ``wanted``, in the order of ``wanted``.

    What lies in a namespace that is being deleted counts as gone, and a token secret counts as stale when its service
    account is another one than it was made for.
    """
    changes: list[Change] = []
    before: dict[str, Any] = {}
    after: dict[str, Any] = {}
    made_anew: set[str] = set()
    for want in wanted:
        ref = want.ref
        live = None if ref.side == "member" and ref.namespace in made_anew else current.get(ref)
        change, result = _step(live, want, stale=_stale(want, current, changes))
        if live:
            before[_title(ref)] = visible(live)
        after[_title(ref)] = visible(result)
        if change:
            changes.append(change)
            if ref.kind == "Namespace":
                made_anew.add(ref.name)
    return Plan(changes, before, after)


def plan_absent(current: Objects, order: Iterable[Ref]) -> Plan:
    """Deletes what is there of ``order``, in that order; what is being deleted already needs nothing."""
    going = [ref for ref in order if ref in current and not leaving(current[ref])]
    return Plan([Change("delete", ref, live=current[ref]) for ref in going], {_title(ref): visible(current[ref]) for ref in going}, {})


def retirement(wanted_account: Wanted, current: Objects, retiring: Ref) -> Plan:
    """The end of a rotation: the old token goes, and the service account forgets it."""
    account = wanted_account.ref
    live = current[account]
    body = _step(live, wanted_account, stale=False)
    gone = plan_absent(current, [retiring])
    changes = [*gone.changes, *([body[0]] if body[0] else [])]
    return Plan(changes, {**gone.before, _title(account): visible(live)}, {_title(account): visible(body[1])})


def removal_order(where: Refs, host_secrets: Iterable[Ref]) -> list[Ref]:
    """Host cluster first, the secret before the object that names it; then the member, rights before the account."""
    member = [ref for ref in reversed(where.of_member(None)) if ref.kind != "Namespace"]
    rights = [ref for ref in member if ref.kind not in ("Secret", "ServiceAccount")]
    tokens = [where.token, *([where.retiring] if where.retiring else [])]
    return [*host_secrets, where.cluster, *rights, *tokens, where.service_account]


def reconnects(cluster: Manifest, changes: Iterable[Change]) -> bool:
    """Whether changes in the host cluster make the controller connect in another way than ``cluster``, as it was, says."""
    changes = list(changes)
    if readdressed(cluster, changes) or any(change.ref.kind == "Secret" and change.action != "delete" for change in changes):
        return True
    known = (cluster["metadata"].get("annotations") or {}).get(CREDENTIALS)
    bodies = [change.body or {} for change in changes if change.ref.kind == "KubeFedCluster"]
    return any(known not in (None, body["metadata"]["annotations"][CREDENTIALS]) for body in bodies)


def readdressed(cluster: Manifest, changes: Iterable[Change]) -> bool:
    """Whether changes give the controller another address, CA or proxy than ``cluster``, as it was, says."""
    for change in changes:
        wanted = (change.body or {}).get("spec") or {} if change.ref.kind == "KubeFedCluster" else {}
        if any((cluster["spec"].get(key) or None) != (value or None) for key, value in wanted.items()):
            return True
    return False


def leaving(live: Manifest) -> bool:
    """Whether the object is being deleted: whatever is written to it now is lost."""
    return bool(live["metadata"].get("deletionTimestamp"))


def refuse_other_join(current: Objects, where: Refs, names: Names) -> None:
    """Raise :class:`EdgefedError` where the service account belongs to a join under other names (``a-b`` + ``c``, ``a`` + ``b-c``)."""
    account = current.get(where.service_account)
    notes = (account or {}).get("metadata", {}).get("annotations") or {}
    theirs = (notes.get(CLUSTER, names.cluster), notes.get(HOST_CLUSTER, names.host_cluster))
    if theirs != (names.cluster, names.host_cluster):
        raise EdgefedError(
            f"{where.service_account} in the member belongs to another join: cluster {theirs[0]!r} of host cluster "
            f"{theirs[1]!r}; this one is cluster {names.cluster!r} of host cluster {names.host_cluster!r}. "
            f"Next: unjoin it there (unjoin.yml --limit {theirs[0]}), or give this cluster another name.",
            code="joined_elsewhere",
            details={"cluster": theirs[0], "host_cluster": theirs[1]},
        )


def refuse_foreign_secret(current: Objects, where: Refs, names: Names) -> None:
    """Raise :class:`EdgefedError` where the host cluster has a secret of our name that is somebody else's."""
    secret = current.get(where.secret)
    if secret and where.cluster not in current and not is_ours(secret):
        raise EdgefedError(
            f"{where.secret} in the host cluster is not a cluster's credentials that edgefed made, and no KubeFedCluster "
            f"names it. Next: rename or delete it, or join under another name than {names.cluster!r}.",
            code="foreign_object",
            details={"secret": where.secret.name},
        )


def orphaned_secrets(secrets: Iterable[Manifest], names: Names, used: str | None) -> list[str]:
    """Names of secrets in the host cluster that hold this join's token and that nothing names (``used`` is named):
    kubefedctl leaves one behind whenever it fails half way or is run again."""
    orphans = []
    for secret in secrets:
        meta = secret["metadata"]
        generated = meta.get("generateName") == f"{names.cluster}-"
        if generated and meta["name"] != used and token_subject(data_of(secret, "token")) == names.token_subject:
            orphans.append(meta["name"])
    return sorted(orphans)


def token_subject(token: bytes | None) -> str | None:
    """The claim ``sub`` of a service account's token, unverified."""
    subject = claims_of(token).get("sub")
    return str(subject) if subject else None


def data_of(secret: Manifest | None, key: str) -> bytes | None:
    """A value of a secret, ``None`` when it is missing or empty."""
    value = ((secret or {}).get("data") or {}).get(key)
    return base64.b64decode(value) if value else None


def made_by_join(namespace: Manifest) -> bool:
    """Whether a join (ours, or kubefedctl's) made this namespace."""
    meta = namespace["metadata"]
    if HOST_CLUSTER in (meta.get("annotations") or {}):
        return True
    first = sorted(meta.get("managedFields") or [], key=lambda entry: str(entry.get("time", "")))[:1]
    return any(entry.get("manager") in JOINERS for entry in first)


# Written by API servers and kubectl at any time, and no concern of a join.
_BOOKKEEPING = ("/legacy-token-last-used", "/last-applied-configuration")

DEFAULTS = {
    "serviceaccounts": ("default", "builder", "deployer"),
    "configmaps": ("kube-root-ca.crt", "openshift-service-ca.crt"),
}


def foreign_names(plural: str, items: Iterable[Manifest], ours: Iterable[Ref]) -> list[str]:
    """Which objects of a namespace are neither this join's nor the ones every namespace has."""
    own = {ref.name for ref in ours if ref.plural == plural}
    return [item["metadata"]["name"] for item in items if item["metadata"]["name"] not in own and not _default(plural, item)]


def visible(obj: Manifest) -> dict[str, Any]:
    """An object for a diff: what joins care for, secrets and certificates as fingerprints."""
    meta = obj["metadata"]
    words = {
        place: {key: value for key, value in (meta.get(place) or {}).items() if not key.endswith(_BOOKKEEPING)}
        for place in ("labels", "annotations")
    }
    shown: dict[str, Any] = {"metadata": words}
    for key in ("automountServiceAccountToken", "rules", "roleRef", "subjects", "type"):
        if key in obj:
            shown[key] = obj[key]
    if "data" in obj:
        shown["data"] = {key: _shown(value) for key, value in (obj["data"] or {}).items()}
    if obj.get("kind") == "KubeFedCluster":
        spec = dict(obj["spec"])
        if spec.get("caBundle"):
            spec["caBundle"] = _shown(spec["caBundle"])
        for key in ("apiEndpoint", "proxyURL"):
            if spec.get(key):
                spec[key] = without_credentials(str(spec[key]))
        shown["spec"] = spec
    return shown


def merged(live: Manifest, body: Manifest) -> Manifest:
    """``live`` after a server-side apply of ``body``: our earlier fields that are no longer in it go, unless others own them too."""
    result = copy.deepcopy(live)
    ours, others = _owned_fields(live)
    _release(result, body, ours, others)
    _overlay(result, body)
    return result


def _step(live: Manifest | None, want: Wanted, stale: bool) -> tuple[Change | None, Manifest]:
    born = copy.deepcopy(want.body)
    _overlay(born["metadata"], {key: dict(value) for key, value in want.birth.items()})
    if live is None:
        return Change("create", want.ref, born), born
    if stale or leaving(live):
        return Change("replace", want.ref, born, live), born
    body = born if is_ours(live) else want.body
    result = merged(live, body)
    if result == live:
        return None, live
    if any(_at(result, field) != _at(live, field) for field in want.immutable):
        return Change("replace", want.ref, born, live), born
    return Change("update", want.ref, body, live), result


def _stale(want: Wanted, current: Objects, changes: list[Change]) -> bool:
    """A token secret whose service account is made anew, or isn't the one it was filled for."""
    ref = want.ref
    owner = (want.body["metadata"].get("annotations") or {}).get(TOKEN_OWNER)
    if owner is None:
        return False
    account = Ref("member", ref.api_version, "ServiceAccount", owner, ref.namespace)
    if any(change.ref == account and change.action != "update" for change in changes):
        return True
    filled_for = (current[ref]["metadata"].get("annotations") or {}).get(TOKEN_OWNER_UID) if ref in current else None
    return bool(filled_for and account in current and filled_for != current[account]["metadata"].get("uid"))


def is_ours(live: Manifest) -> bool:
    """Whether edgefed made the object."""
    return MANAGED_BY.items() <= (live["metadata"].get("labels") or {}).items()


def is_least(role: Manifest) -> bool:
    """Whether a role is a join's, with less than everything. One that kubefedctl made has no label, but who wrote its rules is known."""
    written = any("f:rules" in fields for fields in _owned_fields(role)[0])
    return (written or is_ours(role)) and ALL not in (role.get("rules") or [])


def _default(plural: str, item: Manifest) -> bool:
    meta = item["metadata"]
    name = str(meta["name"])
    if leaving(item) or name in DEFAULTS.get(plural, ()):
        return True
    if plural in ("roles", "rolebindings"):
        return name.startswith("system:")
    owner = (meta.get("annotations") or {}).get("kubernetes.io/service-account.name")
    return plural == "secrets" and owner in DEFAULTS["serviceaccounts"]


def _title(ref: Ref) -> str:
    return f"{ref.side}: {ref}"


def _shown(value: Any) -> str:
    try:
        return fingerprint(base64.b64decode(value, validate=True))
    except ValueError:
        return str(value)


def _at(obj: Any, path: str) -> Any:
    for key in path.split("."):
        obj = (obj or {}).get(key)
    return obj


def _overlay(target: dict[str, Any], source: Mapping[str, Any]) -> None:
    for key, value in source.items():
        if isinstance(value, Mapping) and isinstance(target.get(key), dict):
            _overlay(target[key], value)
        else:
            target[key] = copy.deepcopy(value)


def _owned_fields(live: Manifest) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    ours: list[dict[str, Any]] = []
    others: list[dict[str, Any]] = []
    for entry in live["metadata"].get("managedFields") or []:
        mine = entry.get("manager") == FIELD_MANAGER and entry.get("operation") == "Apply" and not entry.get("subresource")
        (ours if mine else others).append(entry.get("fieldsV1") or {})
    return ours, others


def _release(live: dict[str, Any], body: Mapping[str, Any], ours: list[dict[str, Any]], others: list[dict[str, Any]]) -> None:
    for fields in ours:
        for key, below in fields.items():
            name = key.removeprefix("f:")
            if key == name or name not in live:
                continue
            theirs = [other[key] for other in others if key in other]
            if isinstance(live[name], dict) and below:
                inner = body.get(name)
                _release(live[name], inner if isinstance(inner, Mapping) else {}, [below], theirs)
            elif name not in body and not theirs:
                del live[name]
