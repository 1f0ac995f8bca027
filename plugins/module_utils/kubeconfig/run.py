# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The steps of module ``kubeconfig``: load, take, ask the cluster, plan, write. The plan is the same in check mode."""

from __future__ import annotations

import base64
import binascii
import os
from datetime import datetime
from functools import lru_cache
from typing import Any, Callable

from ansible_collections.edgefed.kubefed.plugins.module_utils.kubeconfig.diff import diff_of
from ansible_collections.edgefed.kubefed.plugins.module_utils.kubeconfig.merge import Plan, merge_files, place, remove
from ansible_collections.edgefed.kubefed.plugins.module_utils.kubeconfig.model import Kubeconfig, dump, parse, read_from
from ansible_collections.edgefed.kubefed.plugins.module_utils.kubeconfig.store import MODE, Store
from ansible_collections.edgefed.kubefed.plugins.module_utils.kubeconfig.take import (
    Source,
    Taken,
    Wishes,
    check_name,
    take,
)
from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import EdgefedError, Result

INLINE = "kubeconfig_content"
_SLOW = 1.0
_NOT_THERE = (400, 404, 405)


def present(params: dict[str, Any], check: bool, connect: Callable[..., Any], now: datetime) -> Result:
    """Merge the cluster into ``dest``."""
    check_name(params["name"])
    store = Store(params["dest"])
    store.check()
    wishes = Wishes(
        params["name"],
        params["context"] or None,
        params["server"] or None,
        params["tls_server_name"] or None,
        params["proxy_url"] or None,
        params["insecure_skip_tls_verify"],
        _read_ca(params["ca_cert"]),
    )
    taken = take(_source(params), wishes, now)

    def decide(current: Kubeconfig) -> Plan:
        return place(current, taken, store.dest, params["set_current_context"])

    current = _load(store)
    decide(current)  # what is refused is refused before the cluster is asked
    answered = _ask(taken, params, connect) if params["check_reachable"] else {"api_requests": 0}
    result = _write(store, decide, params, check)
    result.warnings = taken.warnings + result.warnings
    shown = {what: [str(one) for one in found] for what, found in taken.certificates.items()}
    result.data |= {
        "added": taken.name not in current.contexts,
        "server": taken.server,
        "origin": {**vars(taken.origin)},
        "certificates": shown,
        **answered,
    }
    return result


def absent(params: dict[str, Any], check: bool) -> Result:
    """Take the cluster out of ``dest``."""
    store = Store(params["dest"])
    result = Result(data={"name": params["name"], "dest": store.dest})
    if store.read() is not None:

        def decide(current: Kubeconfig) -> Plan:
            return remove(current, params["name"], store.dest, params["set_current_context"])

        result = _write(store, decide, params, check)
    result.data["api_requests"] = 0
    return result


def _read_ca(path: str | None) -> bytes | None:
    if not path:
        return None
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        raise EdgefedError(f"The CA file {path} cannot be read: {error.strerror}. Next: correct kubeconfig_ca_cert.", code="file") from None


def _source(params: dict[str, Any]) -> Source:
    if params["sources"] is None:
        label = params["source"] or INLINE
        return Source(read_from(parse(params["content"], label), label), label, params["source_is_remote"])
    sources = params["sources"]
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


def _ask(taken: Taken, params: dict[str, Any], connect: Callable[..., Any]) -> dict[str, Any]:
    timeout = params["check_timeout"]
    kubeconfig = taken.kubeconfig().document()
    client = connect({"kubeconfig": kubeconfig, "context": taken.name}, name=taken.name)
    try:
        version = client.request("GET", "/version", timeout=(timeout, timeout))
    except EdgefedError as error:
        if error.details.get("status") not in _NOT_THERE and error.details.get("cause") != "no_api":
            raise _unasked(error) from None
        version = None
    if not isinstance(version, dict) or "gitVersion" not in version:
        raise EdgefedError(
            f"{client.where} answers, but not as a Kubernetes API server. Nothing was written. Next: correct kubeconfig_server.",
            code="no_kubernetes",
        )
    return {"version": version["gitVersion"], "api_requests": client.requests}


def _unasked(error: EdgefedError) -> EdgefedError:
    said = error.message.rstrip(".")
    if "Next: " not in said:
        said += ". Next: try it with kubectl get --raw /version"
    message = f"{said}. Nothing was written; kubeconfig_check_reachable: false leaves this check out."
    return EdgefedError(message, error.code, error.details)


def _load(store: Store) -> Kubeconfig:
    return _parsed(store.read() or b"", store.dest)


@lru_cache(maxsize=1)
def _parsed(content: bytes, dest: str) -> Kubeconfig:
    """Half a second for a thousand clusters, and a task looks up to three times, mostly at the same."""
    return parse(content, dest)


def _write(store: Store, decide: Callable[[Kubeconfig], Plan], params: dict[str, Any], check: bool) -> Result:
    plan = decide(_load(store))
    result = Result(data={"name": params["name"], "dest": store.dest})
    if _to_do(plan, store):
        store.check()
        if not check:
            plan = _write_locked(store, decide, params, result)
    result.warnings += plan.warnings
    result.changed = result.changed or _to_do(plan, store)
    result.diff = result.diff or _diff(plan, store, params["name"])
    return result


def _to_do(plan: Plan, store: Store) -> bool:
    return plan.changed or store.mode() not in (None, MODE)


def _diff(plan: Plan, store: Store, name: str) -> dict[str, str]:
    diff = diff_of(plan, name, store.dest)
    mode = store.mode()
    if mode not in (None, MODE):
        diff["before"] += f"mode: '{mode:04o}'\n"
        diff["after"] += f"mode: '{MODE:04o}'\n"
    return diff


def _write_locked(store: Store, decide: Callable[[Kubeconfig], Plan], params: dict[str, Any], result: Result) -> Plan:
    with store.locked(f"cluster {params['name']}", params["lock_timeout"]) as waited:
        plan = decide(_load(store))  # another writer may have been there since
        result.diff = _diff(plan, store, params["name"])
        if _to_do(plan, store):
            old = store.read()
            if params["backup"] and old is not None:
                result.data["backup_file"] = store.back_up(old)
            store.write(dump(plan.after).encode() if plan.changed or old is None else old)
            result.changed = True
    if waited > _SLOW:
        result.warnings.append(f"{store.dest}: waited {waited:.1f} s for another writer.")
    return plan
