# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The steps of module ``kubeconfig``: load, take, ask the cluster, plan, write. The plan is the same in check mode."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from functools import lru_cache
from typing import Any, Callable

from ansible_collections.edgefed.kubefed.plugins.module_utils.kubeconfig.diff import diff_of
from ansible_collections.edgefed.kubefed.plugins.module_utils.kubeconfig.given import given
from ansible_collections.edgefed.kubefed.plugins.module_utils.kubeconfig.merge import Plan, place, remove
from ansible_collections.edgefed.kubefed.plugins.module_utils.kubeconfig.model import Kubeconfig, dump, parse
from ansible_collections.edgefed.kubefed.plugins.module_utils.kubeconfig.openshift import in_use
from ansible_collections.edgefed.kubefed.plugins.module_utils.kubeconfig.serving import told
from ansible_collections.edgefed.kubefed.plugins.module_utils.kubeconfig.store import MODE, Store
from ansible_collections.edgefed.kubefed.plugins.module_utils.kubeconfig.take import (
    Source,
    Taken,
    Wishes,
    check_name,
    servers_of,
    take,
)
from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import EdgefedError, Result

_SLOW = 1.0
_NOT_THERE = (400, 404, 405)


_REJECTED = 401


def present(params: dict[str, Any], check: bool, connect: Callable[..., Any], now: datetime, fresh: bool = False) -> Result:
    """Merge the cluster into ``dest``; ``fresh`` where the token in use was rejected."""
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
        tuple(params["servers"]),
        tuple(params["fallback_servers"]),
        params["rancher_token"],
    )
    current = _load(store)
    used = None if fresh else in_use(current.users.get(params["name"]), now)
    found = given(params, check, connect, used, now)
    wishes = replace(wishes, context=wishes.context or found.context)
    candidates = [take(found.source, replace(wishes, server=server), now) for server in _tried(found.source, wishes, current)]
    for one in candidates:
        place(current, one, store.dest, params["set_current_context"])  # what is refused is refused before the cluster is asked
    try:
        taken, answered = _first(candidates, params["check_reachable"] and not found.token_foretold, params, connect)
    except EdgefedError as error:
        if not found.token_in_use or error.details.get("status") != _REJECTED:
            raise
        return present(params, check, connect, now, fresh=True)

    def decide(current: Kubeconfig) -> Plan:
        return place(current, taken, store.dest, params["set_current_context"])

    result = _write(store, decide, params, check)
    result.warnings = found.warnings + taken.warnings + result.warnings
    shown = {what: [str(one) for one in found] for what, found in taken.certificates.items()}
    result.data |= {
        "added": taken.name not in current.contexts,
        "server": taken.server,
        "origin": {**vars(taken.origin)},
        "certificates": shown,
        **answered,
        "api_requests": found.requests + answered["api_requests"],
    }
    return result


def _tried(source: Source, wishes: Wishes, current: Kubeconfig) -> list[str | None]:
    """The addresses to try; the one in use goes first, so that a run changes nothing while it works."""
    entry = current.clusters.get(wishes.name)
    used = str(entry.body.get("server")) if entry else None
    return sorted(servers_of(source, wishes), key=lambda server: server != used)


def _first(candidates: list[Taken], ask: bool, params: dict[str, Any], connect: Callable[..., Any]) -> tuple[Taken, dict[str, Any]]:
    """The first that answers, or the first of all where nobody is asked."""
    if not ask:
        return candidates[0], {"api_requests": 0}
    errors: list[EdgefedError] = []
    for taken in candidates:
        try:
            answer = _ask(taken, params, connect)
            return taken, {**answer, "api_requests": answer["api_requests"] + len(errors)}
        except EdgefedError as error:
            errors.append(error)
    if len(errors) == 1:
        raise errors[0]
    why = "; ".join(error.message.split(". Next:")[0] for error in errors)
    raise EdgefedError(
        f"cluster {params['name']}: none of its {len(errors)} addresses can be used: {why}. Nothing was written. Next: correct "
        "kubeconfig_servers, or see that one of them answers; kubeconfig_check_reachable: false leaves this check out.",
        errors[0].code,
        errors[0].details,
    )


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


def _ask(taken: Taken, params: dict[str, Any], connect: Callable[..., Any]) -> dict[str, Any]:
    timeout = params["check_timeout"]
    kubeconfig = taken.kubeconfig().document()
    client = connect({"kubeconfig": kubeconfig, "context": taken.name}, name=taken.name)
    try:
        version = client.request("GET", "/version", timeout=(timeout, timeout))
    except EdgefedError as error:
        if error.details.get("status") not in _NOT_THERE and error.details.get("cause") != "no_api":
            raise _unasked(told(error, taken.entries["clusters"].body, timeout)) from None
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
