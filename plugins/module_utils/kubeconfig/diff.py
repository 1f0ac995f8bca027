# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What changes in a kubeconfig, to be shown: no key, token, password or certificate is in it. Pure."""

from __future__ import annotations

from typing import Any

from ansible_collections.edgefed.kubefed.plugins.module_utils.kubeconfig.certificates import fingerprint, read_pem
from ansible_collections.edgefed.kubefed.plugins.module_utils.kubeconfig.dialect import to_yaml
from ansible_collections.edgefed.kubefed.plugins.module_utils.kubeconfig.merge import Plan
from ansible_collections.edgefed.kubefed.plugins.module_utils.kubeconfig.model import SECTIONS, Entry
from ansible_collections.edgefed.kubefed.plugins.module_utils.kubeconfig.rancher import DIRECT
from ansible_collections.edgefed.kubefed.plugins.module_utils.kubeconfig.take import ORIGIN, decode_base64
from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import EdgefedError
from ansible_collections.edgefed.kubefed.plugins.module_utils.urls import without_credentials

_SHOWN = {
    "cluster",
    "user",
    "namespace",
    "tls-server-name",
    "insecure-skip-tls-verify",
    "disable-compression",
    "certificate-authority",
    "client-certificate",
    "client-key",
    "tokenFile",
    "as",
    "username",
}
_CERTIFICATES = {"certificate-authority-data", "client-certificate-data"}
# long and random, so a hash gives nothing away; a password's could be guessed
_HASHED = {"client-key-data", "token"}


def diff_of(plan: Plan, name: str, dest: str) -> dict[str, str]:
    """Ansible's ``diff`` of one cluster's entries and of current-context."""
    before: dict[str, Any] = {}
    after: dict[str, Any] = {}
    for section, kind in SECTIONS.items():
        old, new = plan.before.section(section).get(name), plan.after.section(section).get(name)
        if old:
            before[kind] = _redacted(old, old)
        if new:
            after[kind] = _redacted(new, old or new)
    before["current-context"] = plan.before.current_context
    after["current-context"] = plan.after.current_context
    header = f"{dest} ({name})"
    return {"before": to_yaml(before), "after": to_yaml(after), "before_header": header, "after_header": header}


def _redacted(entry: Entry, old: Entry) -> dict[str, Any]:
    shown: dict[str, Any] = {"name": entry.name}
    for key, value in sorted(entry.body.items()):
        if key == "extensions":
            shown.update(_extensions(value))
        else:
            shown[key] = _value(key, value, old.body.get(key))
    return shown


def _extensions(extensions: Any) -> dict[str, Any]:
    found = {item.get("name"): item.get("extension") for item in extensions or [] if item.get("name") in (ORIGIN, DIRECT)}
    if isinstance(found.get(DIRECT), dict):
        found[DIRECT] = {key: _certificate(value) if key in _CERTIFICATES else value for key, value in found[DIRECT].items()}
    return found


def _value(key: str, value: Any, old: Any) -> Any:
    if key in _SHOWN or value in (None, ""):
        return value
    if key in _CERTIFICATES:
        return _certificate(str(value))
    if key in _HASHED:
        return f"sha256:{fingerprint(str(value).encode())}"
    if key in ("server", "proxy-url"):
        return _address(str(value), str(old or ""))
    if key == "exec" and isinstance(value, dict):
        return {"command": value.get("command"), "rest": _hidden(value, old)}
    return _hidden(value, old)


def _address(value: str, old: str) -> str:
    shown = without_credentials(value)
    return f"{shown} (credentials not shown, changed)" if value != old and shown == without_credentials(old) else shown


def _hidden(value: Any, old: Any) -> str:
    return "(not shown)" if value == old else "(not shown, changed)"


def _certificate(value: str) -> str:
    try:
        found = read_pem(decode_base64(value, ""), "")
    except EdgefedError:
        return f"not a certificate, sha256:{fingerprint(value.encode())}"
    return "; ".join(str(one) for one in found)
