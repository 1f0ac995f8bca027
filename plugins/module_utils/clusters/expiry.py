# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""When the credentials of a federation's clusters expire: certificates, tokens and CAs, with their days left. Pure."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Callable, Mapping

from ansible_collections.edgefed.kubefed.plugins.module_utils.kubeconfig.certificates import Certificate, moment, read_pem
from ansible_collections.edgefed.kubefed.plugins.module_utils.kubeconfig.openshift import expires_of
from ansible_collections.edgefed.kubefed.plugins.module_utils.kubeconfig.take import decode_base64
from ansible_collections.edgefed.kubefed.plugins.module_utils.kubeconfig.tokens import read_token
from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import EdgefedError

KUBEFED, KUBECONFIG = "kubefed", "kubeconfig"
CA, CERTIFICATE, TOKEN, SERVICE_ACCOUNT = "ca", "client_certificate", "token", "service_account_token"
_WORDS = {CA: "CA", CERTIFICATE: "client certificate", TOKEN: "token", SERVICE_ACCOUNT: "service account token"}
_DAY = 86400
_NEXT = {
    (KUBEFED, CA): "give the member a new CA, then run playbooks/kubeconfig.yml and playbooks/join.yml",
    (KUBEFED, TOKEN): "have a new one made where it comes from, and run playbooks/join.yml with it (member_token)",
    (KUBEFED, SERVICE_ACCOUNT): "run playbooks/join.yml, which gives KubeFed the member's present token",
}
_RENEW = "renew it on the cluster, then run playbooks/kubeconfig.yml"


@dataclass(frozen=True)
class Credential:
    """One credential. ``user`` is who uses it: ``kubefed`` (the controller) or ``kubeconfig`` (Ansible and people).

    Without ``expires`` it never does (``never``), or nothing tells when: see ``problem``.
    """

    user: str
    kind: str
    where: str
    subject: str = ""
    expires: datetime | None = None
    never: bool = False
    problem: str = ""

    def days_left(self, now: datetime) -> int | None:
        """Whole days, negative once it has expired; ``None`` when it never does or nothing tells."""
        return None if self.expires is None else int((self.expires - now).total_seconds() // _DAY)

    def shown(self, now: datetime) -> dict[str, Any]:
        """As a result holds it."""
        expires = "" if self.expires is None else self.expires.strftime("%Y-%m-%dT%H:%M:%SZ")
        return {**vars(self), "expires": expires, "days_left": self.days_left(now)}


def of_token(token: str, user: str, where: str) -> Credential:
    """What a bearer token says of itself."""
    found = read_token(token)
    kind = SERVICE_ACCOUNT if found.subject.startswith("system:serviceaccount:") else TOKEN
    return Credential(user, kind, where, found.subject, found.expires, found.never, found.problem)


def of_certificates(data: str, user: str, kind: str, where: str) -> Credential:
    """What base64 of a PEM bundle says. A CA bundle lives as long as its last certificate, a chain as long as its first to expire."""
    try:
        found = read_pem(decode_base64(data, where), where)
    except EdgefedError as error:
        if error.code == "missing_library":
            raise
        return Credential(user, kind, where, problem="it is no readable certificate")
    choose: Callable[..., Certificate] = max if kind == CA else min
    one = choose(found, key=lambda certificate: certificate.expires)
    return Credential(user, kind, where, one.subject, one.expires)


def token_of(secret: Mapping[str, Any] | None) -> str:
    """The token in a secret, empty where there is none that can be read."""
    try:
        return base64.b64decode(((secret or {}).get("data") or {}).get("token") or "").decode()
    except (binascii.Error, ValueError):
        return ""


def of_secret(secret: Mapping[str, Any] | None, where: str) -> Credential:
    """The token that KubeFed uses, from the secret that the KubeFedCluster names."""
    if secret is None:
        return Credential(KUBEFED, TOKEN, where, problem="it does not exist")
    token = token_of(secret)
    if not token:
        return Credential(KUBEFED, TOKEN, where, problem="it holds no token")
    return of_token(token, KUBEFED, where)


def of_kubeconfig(cluster: Mapping[str, Any], user: Mapping[str, Any], where: str) -> list[Credential]:
    """What a cluster's and a user's body in a kubeconfig hold, files embedded."""
    found = []
    if cluster.get("certificate-authority-data"):
        found.append(of_certificates(cluster["certificate-authority-data"], KUBECONFIG, CA, where))
    if user.get("client-certificate-data"):
        found.append(of_certificates(user["client-certificate-data"], KUBECONFIG, CERTIFICATE, where))
    if user.get("token"):
        one = of_token(user["token"], KUBECONFIG, where)
        ends = expires_of(user)
        found.append(replace(one, expires=ends, problem="") if ends else one)
    for field, kind in (("username", "password"), ("exec", "exec"), ("auth-provider", "auth_provider")):
        if user.get(field):
            found.append(Credential(KUBECONFIG, kind, where, problem="nothing in the kubeconfig tells when it expires"))
    return found


def soonest(credentials: list[Credential], now: datetime) -> int | None:
    """Days left of the one that expires first."""
    return min((left for one in credentials if (left := one.days_left(now)) is not None), default=None)


def warnings(cluster: str, credentials: list[Credential], warn_days: int, now: datetime) -> list[str]:
    """One sentence for each that has expired, or will within ``warn_days``."""
    return [_warning(cluster, one, now) for one in credentials if (left := one.days_left(now)) is not None and left < warn_days]


def _warning(cluster: str, one: Credential, now: datetime) -> str:
    left = one.days_left(now) or 0
    what = f"Cluster {cluster}: the {_WORDS[one.kind]} {f'({one.subject}) ' if one.subject else ''}in {one.where}"
    when = moment(one.expires) if one.expires else ""
    happens = f"expired on {when}" if one.expires and one.expires <= now else f"expires on {when}, in {left} day(s)"
    return f"{what} {happens}. Next: {_NEXT.get((one.user, one.kind), _RENEW)}."
