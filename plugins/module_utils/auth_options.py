# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Argument specs that many modules share: kubernetes.core's auth options with their ``K8S_AUTH_*`` variables, and waiting.

Their documentation is kubernetes.core's own fragment ``kubernetes.core.k8s_auth_options`` and ``edgefed.kubefed.wait``.
"""

from __future__ import annotations

from typing import Any

from ansible.module_utils.basic import env_fallback


def _from_env(name: str, *more: str) -> tuple[Any, list[str]]:
    return (env_fallback, [f"K8S_AUTH_{name}", *(f"K8S_AUTH_{other}" for other in more)])


PROXY_HEADERS_SPEC: dict[str, dict[str, Any]] = {
    "proxy_basic_auth": {"type": "str", "no_log": True, "fallback": _from_env("PROXY_HEADERS_PROXY_BASIC_AUTH")},
    "basic_auth": {"type": "str", "no_log": True, "fallback": _from_env("PROXY_HEADERS_BASIC_AUTH")},
    "user_agent": {"type": "str", "fallback": _from_env("PROXY_HEADERS_USER_AGENT")},
}

AUTH_SPEC: dict[str, dict[str, Any]] = {
    # may hold a whole kubeconfig; module.harmless_paths lets a mere path be shown
    "kubeconfig": {"type": "raw", "no_log": True, "fallback": _from_env("KUBECONFIG")},
    "context": {"type": "str", "fallback": _from_env("CONTEXT")},
    "host": {"type": "str", "fallback": _from_env("HOST")},
    "api_key": {"type": "str", "no_log": True, "fallback": _from_env("API_KEY")},
    "username": {"type": "str", "fallback": _from_env("USERNAME")},
    "password": {"type": "str", "no_log": True, "fallback": _from_env("PASSWORD")},
    "validate_certs": {"type": "bool", "aliases": ["verify_ssl"], "fallback": _from_env("VERIFY_SSL", "VALIDATE_CERTS")},
    "ca_cert": {"type": "path", "aliases": ["ssl_ca_cert"], "fallback": _from_env("SSL_CA_CERT", "CA_CERT")},
    "client_cert": {"type": "path", "aliases": ["cert_file"], "fallback": _from_env("CERT_FILE", "CLIENT_CERT")},
    "client_key": {
        "type": "path",
        "aliases": ["key_file"],
        "no_log": False,
        "fallback": _from_env("KEY_FILE", "CLIENT_KEY"),
    },
    "proxy": {"type": "str", "fallback": _from_env("PROXY")},
    "no_proxy": {"type": "str", "fallback": _from_env("NO_PROXY")},
    "proxy_headers": {"type": "dict", "options": PROXY_HEADERS_SPEC},
    "persist_config": {"type": "bool", "fallback": _from_env("PERSIST_CONFIG")},
    "impersonate_user": {"type": "str", "fallback": _from_env("IMPERSONATE_USER")},
    "impersonate_groups": {"type": "list", "elements": "str", "fallback": _from_env("IMPERSONATE_GROUPS")},
}


def wait_spec(default: bool = True, timeout: int = 120, sleep: int = 1) -> dict[str, dict[str, Any]]:
    """``wait``, ``wait_sleep`` and ``wait_timeout`` (seconds) with this module's defaults."""
    return {
        "wait": {"type": "bool", "default": default},
        "wait_sleep": {"type": "int", "default": sleep},
        "wait_timeout": {"type": "int", "default": timeout},
    }
