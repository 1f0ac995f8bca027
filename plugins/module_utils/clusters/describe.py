# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A KubeFedCluster as tables, inventories and other tasks see it. Pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from ansible_collections.edgefed.kubefed.plugins.module_utils.clusters.expiry import (
    CA,
    KUBEFED,
    Credential,
    of_certificates,
    of_secret,
    soonest,
    token_of,
)
from ansible_collections.edgefed.kubefed.plugins.module_utils.member.desired import CORDON, Manifest, fingerprint
from ansible_collections.edgefed.kubefed.plugins.module_utils.member.readiness import facts, readiness, why_not
from ansible_collections.edgefed.kubefed.plugins.module_utils.member.rotation import remembered
from ansible_collections.edgefed.kubefed.plugins.module_utils.urls import without_credentials


def describe(cluster: Manifest) -> dict[str, Any]:
    """All that the KubeFedCluster itself tells."""
    state = readiness(cluster)
    meta, spec = cluster["metadata"], cluster["spec"]
    found = facts(cluster, state)
    return {
        **found,
        "cause": state.cause,
        "message": "" if state.ready else why_not(found["name"], state, spec["apiEndpoint"]),
        "labels": dict(meta.get("labels") or {}),
        "joined_since": str(meta.get("creationTimestamp") or ""),
        "last_probe": state.probed,
        "leaving": "deletionTimestamp" in meta,
        "cordon": str((meta.get("annotations") or {}).get(CORDON) or ""),
        "proxy_url": without_credentials(str(spec.get("proxyURL") or "")),
        "disabled_tls_validations": list(spec.get("disabledTLSValidations") or []),
    }


def secret_of(cluster: Manifest) -> str:
    """Name of the secret with the controller's token."""
    return str((cluster["spec"].get("secretRef") or {}).get("name") or "")


def credentials_of(cluster: Manifest, secrets: dict[str, Manifest] | None) -> list[Credential]:
    """What KubeFed uses for the cluster. ``secrets`` by name, ``None`` when they may not be read."""
    meta = cluster["metadata"]
    found = []
    if secrets is not None:
        name = secret_of(cluster)
        found.append(_as_noted(cluster, secrets.get(name), of_secret(secrets.get(name), f"secret {meta.get('namespace', '')}/{name}")))
    if cluster["spec"].get("caBundle"):
        found.append(of_certificates(cluster["spec"]["caBundle"], KUBEFED, CA, f"caBundle of KubeFedCluster {meta['name']}"))
    return found


def _as_noted(cluster: Manifest, secret: Manifest | None, one: Credential) -> Credential:
    """With what was asked of a token that does not say itself when it ends."""
    noted = remembered(cluster, fingerprint(token_of(secret).encode())) if one.problem else None
    return one if noted is None else replace(one, expires=noted.expires, never=noted.never, problem="")


def with_credentials(record: dict[str, Any], credentials: list[Credential], now: datetime) -> dict[str, Any]:
    """The record with what is known of the cluster's credentials, and the days left until the first of them expires."""
    tokens = [one for one in credentials if one.user == KUBEFED and one.kind != CA]
    return {
        **record,
        "credential_kind": tokens[0].kind if tokens else "",
        "credentials": [one.shown(now) for one in credentials],
        "days_left": soonest(credentials, now),
    }
