# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What KubeFed's controller has to be allowed in a member, from the FederatedTypeConfigs. Pure.

Read from KubeFed 0.10.0 (``pkg/controller/sync/dispatch``, ``pkg/controller/util/federated_informer.go``,
``pkg/schedulingtypes/replicascheduler.go``, ``pkg/controller/kubefedcluster/clusterclient.go``):

* of each target type it lists and watches what is labelled as managed, reads one that is in the way, creates, updates, deletes, and
  patches the label away. Status, where it is collected, comes with the object;
* to weigh replicas it lists and watches pods, as soon as a type is enabled that a ReplicaSchedulingPreference can name;
* to know which clusters answer, the DNS controller (``controller/``), which uses the same credentials, watches EndpointSlices, as soon as
  Services or Ingresses are federated;
* it asks ``/healthz`` and ``/version``, and its clients discover the API;
* it writes its events to the host cluster, and the code that would list nodes for zones is never called.
"""

from __future__ import annotations

from typing import Any, Iterable

Rule = dict[str, Any]

ALL = {"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}
READ_URLS = {"nonResourceURLs": ["*"], "verbs": ["get"]}
HEALTH = [
    {"nonResourceURLs": ["/healthz"], "verbs": ["get"]},
    {"apiGroups": [""], "resources": ["nodes"], "verbs": ["list"]},
]
LEAST_URLS = {"nonResourceURLs": ["/api", "/api/*", "/apis", "/apis/*", "/healthz", "/version"], "verbs": ["get"]}
MANAGE = ("create", "delete", "get", "list", "patch", "update", "watch")
WATCH = ("get", "list", "watch")
RBAC_GROUP = "rbac.authorization.k8s.io"
SCHEDULED = (("apps", "deployments"), ("apps", "replicasets"))
NAMED = (("", "services"), ("networking.k8s.io", "ingresses"))
ENDPOINTS = ("discovery.k8s.io", "endpointslices")
# An API server lets nobody hand out rights he lacks, unless he may escalate (roles) or bind (bindings).
HANDS_OUT = {
    "roles": (("roles", "escalate"),),
    "clusterroles": (("clusterroles", "escalate"),),
    "rolebindings": (("clusterroles", "bind"), ("roles", "bind")),
    "clusterrolebindings": (("clusterroles", "bind"),),
}


def granted_rules(credentials: str, scope: str, configs: Iterable[dict[str, Any]]) -> tuple[list[Rule], list[Rule]]:
    """The rules of the role, and those of the health check role that a namespaced control plane needs besides."""
    namespaced = scope == "Namespaced"
    if credentials == "least":
        rules = least_rules(configs, scope)
        return (rules, [LEAST_URLS]) if namespaced else ([*rules, LEAST_URLS], [])
    return ([ALL], HEALTH) if namespaced else ([ALL, READ_URLS], [])


def least_rules(configs: Iterable[dict[str, Any]], scope: str) -> list[Rule]:
    """One rule for each API group and set of verbs, in a fixed order."""
    verbs: dict[tuple[str, str], set[str]] = {}
    for group, plural in sorted(_targets(configs, scope)):
        verbs.setdefault((group, plural), set()).update(MANAGE)
        if (group, plural) in SCHEDULED:
            verbs.setdefault(("", "pods"), set()).update(WATCH)
        if (group, plural) in NAMED:
            verbs.setdefault(ENDPOINTS, set()).update(WATCH)
        if group == RBAC_GROUP:
            for other, verb in HANDS_OUT.get(plural, ()):
                verbs.setdefault((group, other), set()).add(verb)
    grouped: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for (group, plural), allowed in verbs.items():
        grouped.setdefault((group, tuple(sorted(allowed))), []).append(plural)
    return [
        {"apiGroups": [group], "resources": sorted(plurals), "verbs": list(allowed)}
        for (group, allowed), plurals in sorted(grouped.items())
    ]


def hands_out_rights(configs: Iterable[dict[str, Any]], scope: str) -> list[str]:
    """Enabled types through which the controller can give itself any right, so that least is not less."""
    return sorted(plural for group, plural in _targets(configs, scope) if group == RBAC_GROUP and plural in HANDS_OUT)


def _targets(configs: Iterable[dict[str, Any]], scope: str) -> set[tuple[str, str]]:
    """Group and plural of what is propagated. A namespaced control plane leaves cluster-wide types alone."""
    return {
        (str(target.get("group") or ""), str(target["pluralName"]))
        for config in configs
        for target in [config["spec"]["targetType"]]
        if config["spec"].get("propagation") == "Enabled"
        and not config["metadata"].get("deletionTimestamp")
        and (scope != "Namespaced" or target.get("scope") == "Namespaced")
    }
