# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What module ``kubeconfig`` takes a cluster from: a text, files that were read, Cluster API's secret, or an OpenShift login."""

from __future__ import annotations

import base64
import binascii
import json
import os
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Callable

from ansible_collections.edgefed.kubefed.plugins.module_utils.kubeconfig import openshift, rancher
from ansible_collections.edgefed.kubefed.plugins.module_utils.kubeconfig.certificates import moment
from ansible_collections.edgefed.kubefed.plugins.module_utils.kubeconfig.cluster_api import read_secret
from ansible_collections.edgefed.kubefed.plugins.module_utils.kubeconfig.merge import merge_files
from ansible_collections.edgefed.kubefed.plugins.module_utils.kubeconfig.model import parse, read_from
from ansible_collections.edgefed.kubefed.plugins.module_utils.kubeconfig.take import Source
from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import EdgefedError

INLINE = "kubeconfig_content"


@dataclass(frozen=True)
class Given:
    """``context`` is the one chosen for the user. A token in use may turn out to be revoked; one that is foretold cannot be tried."""

    source: Source
    context: str | None = None
    requests: int = 0
    warnings: list[str] = field(default_factory=list)
    token_in_use: bool = False
    token_foretold: bool = False


def given(params: dict[str, Any], check: bool, connect: Callable[..., Any], used: dict[str, Any] | None, now: datetime) -> Given:
    """Get it. ``used`` is the user whose token is in use and need not be got again; in check mode nobody logs in."""
    if params["openshift_login"]:
        return _logged_in(params, check, connect, used, now)
    if params["cluster_api"]:
        text, label = read_secret(params["cluster_api"], connect)
        return Given(_inline(text, label, False), requests=1)
    source = _source(params)
    return Given(source, None if params["context"] else _of_rancher(source, params))


def _of_rancher(source: Source, params: dict[str, Any]) -> str | None:
    if params["rancher_cluster"]:
        return rancher.choose(source.kubeconfig, params["rancher_cluster"], source.label)
    return rancher.recognised(source.kubeconfig, params["name"], source.label)


def _logged_in(params: dict[str, Any], check: bool, connect: Callable[..., Any], used: dict[str, Any] | None, now: datetime) -> Given:
    where = (params["server"], params["ca_cert"], bool(params["insecure_skip_tls_verify"]))
    login = params["openshift_login"]
    user = used
    if user is None:
        openshift.check_there(openshift.document(*where, {}), params["name"], params["check_timeout"], connect)
        user = {"token": openshift.UNKNOWN} if check else openshift.log_in(*where, login, now)
    text = json.dumps(openshift.document(params["server"], None, False, user))
    return Given(
        _inline(text, f"the OpenShift login of {login['username']}", False),
        requests=int(used is None),
        warnings=_ending(user, params["name"], now),
        token_in_use=used is not None,
        token_foretold=used is None and check,
    )


def _ending(user: dict[str, Any], name: str, now: datetime) -> list[str]:
    expires = openshift.expires_of(user)
    if expires is None:
        return []
    hours = int((expires - now).total_seconds() // 3600)
    return [
        f"cluster {name}: OpenShift's token expires on {moment(expires)}, in {hours} hour(s). Run playbooks/kubeconfig.yml again before."
    ]


def _inline(text: str, label: str, remote: bool) -> Source:
    return Source(read_from(parse(text, label), label), label, remote)


def _source(params: dict[str, Any]) -> Source:
    sources = params["sources"]
    if sources is None:
        return _inline(params["content"], params["source"] or INLINE, params["source_is_remote"])
    models = [read_from(parse(source["content"], source["path"]), source["path"]) for source in sources]
    files = {
        (source["path"], name): _decode(data, f"{source['path']}: {name}") for source in sources for name, data in source["files"].items()
    }
    problems = {(source["path"], name): why for source in sources for name, why in source["problems"].items()}
    label = params["source"] or os.pathsep.join(source["path"] for source in sources)
    return Source(merge_files(models), label, params["source_is_remote"], files, problems)


def _decode(data: str, what: str) -> bytes:
    try:
        return base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        raise EdgefedError(f"{what} is not base64. Next: pass the sources as kubeconfig_info returned them.", code="bad_base64") from None
