# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What makes a cluster fit for joining, judged from what was seen. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from ansible_collections.edgefed.kubefed.plugins.module_utils.member.rights import RBAC_GROUP

OLDEST = (1, 22)
NEWEST = (1, 34)
SKEW_TOLD, SKEW_REFUSED = 60, 300
DAY = 86400
OK, TOLD, FAILED = "ok", "warning", "failed"
_VERSION = re.compile(r"v?(\d+)\.(\d+)")
Right = tuple[str, str, str]
EVERYTHING: Right = ("*", "*", "*")


@dataclass(frozen=True)
class Check:
    """One finding. ``outcome`` is ``ok``, ``warning`` or ``failed``; ``next`` says what to do."""

    check: str
    outcome: str
    detail: str
    next: str = ""

    def describe(self) -> dict[str, str]:
        """For the task's result."""
        return {"check": self.check, "outcome": self.outcome, "detail": self.detail, "next": self.next}

    def __str__(self) -> str:
        return f"{self.check}: {self.detail}. Next: {self.next}." if self.next else f"{self.check}: {self.detail}."


_UNTOLD = ("(HTTP 401)", "(HTTP 403)")


def version_of(said: str) -> Check:
    """Whether the API server's version can be worked with. It is asked without credentials, which Rancher's proxy, and an API server
    without anonymous access, do not answer."""
    if said in _UNTOLD:
        return Check("version", OK, f"not told to who has no credentials {said}")
    found = _VERSION.match(said)
    if not found:
        return Check("version", FAILED, f"the API server does not say its version ({said!r})", "check what answers at this address")
    number = (int(found[1]), int(found[2]))
    if number < OLDEST:
        oldest = ".".join(map(str, OLDEST))
        return Check("version", FAILED, f"Kubernetes {said} is older than {oldest}, which has server-side apply", "upgrade the cluster")
    if number > NEWEST:
        newest = ".".join(map(str, NEWEST))
        return Check("version", TOLD, f"Kubernetes {said} is newer than {newest}, the newest that was tested", "try it with one cluster")
    return Check("version", OK, f"Kubernetes {said}")


def certificate_of(ends: float, now: float, warn_days: int) -> Check:
    """How long the server's certificate is still good."""
    days = int((ends - now) // DAY)
    if days < warn_days:
        return Check("certificate", TOLD, f"it ends in {days} days", "renew the API server's certificate")
    return Check("certificate", OK, f"it ends in {days} days")


def clock_of(theirs: float, now: float) -> Check:
    """Whether both clocks agree: certificates and tokens are judged by them."""
    apart = round(abs(theirs - now))
    said = f"the API server's clock is {apart} s {'ahead of' if theirs > now else 'behind'} this machine's"
    if apart > SKEW_REFUSED:
        return Check("clock", FAILED, said, "set both clocks (NTP)")
    return Check("clock", TOLD if apart > SKEW_TOLD else OK, said, "set both clocks (NTP)" if apart > SKEW_TOLD else "")


def rights_to_join(scope: str, credentials: str) -> list[Right]:
    """``(verb, group, resource)`` that joining needs in the member. To hand out all rights one has to have them."""
    roles = ("clusterroles", "clusterrolebindings") + (("roles", "rolebindings") if scope == "Namespaced" else ())
    made = [("patch", "", name) for name in ("namespaces", "serviceaccounts", "secrets")] + [("patch", RBAC_GROUP, name) for name in roles]
    handed_out = [EVERYTHING] if credentials == "full" else [("escalate", RBAC_GROUP, "clusterroles")]
    return [*made, ("get", "", "secrets"), *handed_out]


RIGHTS_IN_HOST: list[Right] = [
    ("get", "core.kubefed.io", "kubefedconfigs"),
    ("patch", "core.kubefed.io", "kubefedclusters"),
    ("patch", "", "secrets"),
]


def rights_of_token(rules: list[dict[str, Any]]) -> list[Right]:
    """What a token of the user's own needs for KubeFed, one verb that changes something for each resource."""
    return [
        ("create" if "create" in rule["verbs"] else rule["verbs"][0], rule["apiGroups"][0], name)
        for rule in rules
        for name in rule["resources"]
    ]


def rights_of(where: str, missing: list[Right], asked: int) -> Check:
    """Whether nothing is missing."""
    if not missing:
        return Check(f"rights in {where}", OK, f"all {asked} that were asked for")
    names = ", ".join(f"{verb} {resource}{'.' + group if group else ''}" for verb, group, resource in missing)
    return Check(f"rights in {where}", FAILED, f"missing are {names}", "use credentials with the role cluster-admin there")


def review(right: Right, namespace: str) -> dict[str, Any]:
    """The question whether one may do it."""
    verb, group, resource = right
    attributes = {"verb": verb, "group": group, "resource": resource, "namespace": namespace if namespace else None}
    spec = {"resourceAttributes": {key: value for key, value in attributes.items() if value is not None}}
    return {"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview", "spec": spec}
