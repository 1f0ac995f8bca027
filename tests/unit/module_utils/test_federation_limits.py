# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What quotas, limit ranges and the members' Kubernetes versions refuse."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.api_versions import RETIRED, minor, modern, verdict
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.limits import Change, Limits, quota_faults, range_faults
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.usage import pods, usage


def deployment(replicas: int | None = 2, kind: str = "Deployment", **resources: Any) -> dict[str, Any]:
    containers = [{"name": "web", "image": "web:1", "resources": resources}]
    spec: dict[str, Any] = {"template": {"spec": {"containers": containers}}}
    if replicas is not None:
        spec["replicas"] = replicas
    return {"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": "web", "namespace": "shop"}, "spec": spec}


def quota(used: dict[str, str] | None = None, name: str = "q", **hard: str) -> dict[str, Any]:
    return {"kind": "ResourceQuota", "metadata": {"name": name}, "spec": {"hard": hard}, "status": {"used": used or {}}}


def limit_range(kind: str = "Container", **rule: Any) -> dict[str, Any]:
    return {"kind": "LimitRange", "metadata": {"name": "r"}, "spec": {"limits": [{"type": kind, **rule}]}}


CROSS = "CrossNamespacePodAffinity"


def causes(body: dict[str, Any], limits: Limits, before: dict[str, Any] | None = None) -> list[str]:
    counted = {"Service": "services", "PersistentVolumeClaim": "persistentvolumeclaims"}.get(body["kind"], "deployments.apps")
    return [fault.cause for faults in quota_faults([Change(body, before, counted)], limits).values() for fault in faults]


def service(kind: str = "ClusterIP") -> dict[str, Any]:
    return {"kind": "Service", "metadata": {"name": "x"}, "spec": {"type": kind, "ports": [{"port": 80}, {"port": 443}]}}


def claim(size: str) -> dict[str, Any]:
    spec = {"storageClassName": "fast", "resources": {"requests": {"storage": size}}}
    return {"kind": "PersistentVolumeClaim", "metadata": {"name": "x"}, "spec": spec}


CPU = {"requests": {"cpu": "500m"}, "limits": {"cpu": "1"}}


@pytest.mark.parametrize(
    ("body", "limits", "said"),
    [
        (deployment(3), Limits([quota({"pods": "2"}, pods="4")]), "ResourceQuota q allows pods 4; 2 is used, and 3 would come"),
        (deployment(2), Limits([quota({"pods": "2"}, pods="4")]), None),
        (deployment(None), Limits([quota(pods="0")]), "ResourceQuota q allows pods 0; 0 is used, and 1 would come"),
        (
            deployment(3, **CPU),
            Limits([quota(**{"requests.cpu": "1"})]),
            "ResourceQuota q allows requests.cpu 1; 0 is used, and 1.5 would come",
        ),
        (deployment(2, **CPU), Limits([quota(cpu="1")]), None),
        (deployment(2, limits={"cpu": "1"}), Limits([quota(cpu="1")]), "ResourceQuota q allows cpu 1; 0 is used, and 2 would come"),
        (
            deployment(),
            Limits([quota(**{"count/deployments.apps": "0"})]),
            "ResourceQuota q allows count/deployments.apps 0; 0 is used, and 1",
        ),
        (
            deployment(),
            Limits([quota(**{"limits.memory": "1Gi"})]),
            "ResourceQuota q lets in no container without resources.limits.memory, and",
        ),
        (deployment(), Limits([quota(cpu="9")], [limit_range(defaultRequest={"cpu": "1m"})]), None),
        (deployment(0), Limits([quota(cpu="1")]), None),
        (service(), Limits([quota(services="0")]), "ResourceQuota q allows services 0; 0 is used, and 1 would come"),
        (
            service("LoadBalancer"),
            Limits([quota(**{"services.loadbalancers": "0"})]),
            "ResourceQuota q allows services.loadbalancers 0; 0 is used, and 1 would come",
        ),
        (
            service("NodePort"),
            Limits([quota(**{"services.nodeports": "1"})]),
            "ResourceQuota q allows services.nodeports 1; 0 is used, and 2",
        ),
        (claim("2Gi"), Limits([quota(**{"requests.storage": "1Gi"})]), "ResourceQuota q allows requests.storage 1073741824; 0 is used"),
        (
            claim("2Gi"),
            Limits([quota(**{"fast.storageclass.storage.k8s.io/requests.storage": "1Gi"})]),
            "ResourceQuota q allows fast.storageclass.storage.k8s.io/requests.storage",
        ),
        (deployment(9, "DaemonSet"), Limits([quota(pods="1")]), None),
    ],
)
def test_quota(body: dict[str, Any], limits: Limits, said: str | None) -> None:
    found = causes(body, limits)
    assert [cause[: len(said or "")] for cause in found] == ([said] if said else [])


def test_only_what_is_more_counts() -> None:
    limits = Limits([quota({"pods": "4"}, pods="4")])
    assert causes(deployment(4), limits, before=deployment(4)) == causes(deployment(1), limits, before=deployment(4)) == []
    assert causes(deployment(5), limits, before=deployment(4)) == ["ResourceQuota q allows pods 4; 4 is used, and 1 would come"]


def test_several_objects_share_a_quota_and_the_largest_is_named() -> None:
    changes = [Change(deployment(1), None, "deployments.apps"), Change(deployment(3), None, "deployments.apps")]
    faults = quota_faults(changes, Limits([quota(pods="3")]))
    assert {index: len(found) for index, found in faults.items()} == {0: 0, 1: 1}


def test_init_containers_run_one_by_one() -> None:
    body = deployment(1, requests={"cpu": "1"})
    body["spec"]["template"]["spec"]["initContainers"] = [{"name": name, "resources": {"requests": {"cpu": "1500m"}}} for name in "ab"]
    assert usage(body, "deployments.apps", [])["requests.cpu"] == Decimal("1.5")


def test_sidecars_run_beside_the_others() -> None:
    body = deployment(1, requests={"cpu": "1"})
    body["spec"]["template"]["spec"]["initContainers"] = [
        {"name": "proxy", "restartPolicy": "Always", "resources": {"requests": {"cpu": "2"}}},
        {"name": "first", "resources": {"requests": {"cpu": "1500m"}}},
    ]
    assert usage(body, "deployments.apps", [])["requests.cpu"] == Decimal("3.5"), "the init container runs beside the sidecar"


def test_a_pod_with_resources_of_its_own() -> None:
    body = deployment(2)
    body["spec"]["template"]["spec"]["resources"] = {"limits": {"cpu": "1"}}
    assert usage(body, "deployments.apps", [])["requests.cpu"] == usage(body, "deployments.apps", [])["limits.cpu"] == 2
    assert causes(body, Limits([quota(cpu="9", **{"limits.cpu": "9"})])) == []


@pytest.mark.parametrize(
    ("spec", "count"),
    [
        ({}, 1),
        ({"parallelism": 10, "completions": 3}, 3),
        ({"parallelism": 2, "completions": 30}, 2),
        ({"parallelism": 4}, 4),
        ({"parallelism": 4, "suspend": True}, 0),
    ],
)
def test_pods_of_a_job(spec: dict[str, Any], count: int) -> None:
    assert pods({"kind": "Job", "spec": spec}) == count


def scoped(*scopes: str, operator: str = "Exists", values: tuple[str, ...] = (), **hard: str) -> dict[str, Any]:
    found = quota(**(hard or {"pods": "1"}))
    if operator == "Exists":
        found["spec"]["scopes"] = list(scopes)
    else:
        found["spec"]["scopeSelector"] = {"matchExpressions": [{"scopeName": scopes[0], "operator": operator, "values": list(values)}]}
    return found


def of_pods(**spec: Any) -> dict[str, Any]:
    """Two pods that ask for nothing, but for what is said."""
    found = deployment(2)
    found["spec"]["template"]["spec"] |= spec
    return found


NEAR: dict[str, Any] = {"topologyKey": "zone", "namespaceSelector": {}}


@pytest.mark.parametrize(
    ("body", "limit", "counts"),
    [
        (of_pods(), scoped("BestEffort"), True),
        (deployment(2, **CPU), scoped("BestEffort"), False),
        (deployment(2, **CPU), scoped("NotBestEffort"), True),
        (of_pods(), scoped("NotTerminating"), True),
        (of_pods(activeDeadlineSeconds=60), scoped("NotTerminating"), False),
        (of_pods(activeDeadlineSeconds=60), scoped("Terminating", "BestEffort"), True),
        (of_pods(activeDeadlineSeconds=60), scoped("Terminating", "NotBestEffort"), False),
        (of_pods(priorityClassName="high"), scoped("PriorityClass", operator="In", values=("high", "higher")), True),
        (of_pods(priorityClassName="low"), scoped("PriorityClass", operator="In", values=("high",)), False),
        (of_pods(priorityClassName="low"), scoped("PriorityClass", operator="NotIn", values=("high",)), True),
        (of_pods(), scoped("PriorityClass"), False),
        (of_pods(), scoped("PriorityClass", operator="DoesNotExist"), True),
        (of_pods(affinity={"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [NEAR]}}), scoped(CROSS), True),
        (
            of_pods(
                affinity={
                    "podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [{"podAffinityTerm": {"topologyKey": "z"}}]}
                }
            ),
            scoped(CROSS),
            False,
        ),
        (of_pods(), scoped("VolumeAttributesClass"), False),
        (deployment(2, "DaemonSet"), scoped("BestEffort"), False),
    ],
)
def test_scopes(body: dict[str, Any], limit: dict[str, Any], counts: bool) -> None:
    """Such a quota counts only pods that fit, and wants nothing of the others."""
    found = causes(body, Limits([limit]))
    assert found == (["ResourceQuota q allows pods 1; 0 is used, and 2 would come"] if counts else [])


def test_scopes_before_and_after() -> None:
    """Pods that come under a quota by their change are more, those that were under it already are not."""
    high = scoped("PriorityClass", operator="In", values=("high",), cpu="100m")
    assert causes(of_pods(priorityClassName="low"), Limits([high])) == []
    assert [one.split(",")[0] for one in causes(of_pods(priorityClassName="high"), Limits([high]))] == [
        "ResourceQuota q lets in no container without resources.requests.cpu"
    ]
    asks = deployment(1, requests={"cpu": "1"})
    asks["spec"]["template"]["spec"]["priorityClassName"] = "high"
    assert causes(asks, Limits([high]), deployment(1, requests={"cpu": "1"})) == [
        "ResourceQuota q allows cpu 0.1; 0 is used, and 1 would come"
    ]
    assert causes(asks, Limits([high]), asks) == []


def test_claims_of_a_statefulset() -> None:
    body = deployment(3, "StatefulSet")
    body["spec"]["volumeClaimTemplates"] = [claim("1Gi"), claim("1Gi")]
    found = usage(body, "statefulsets.apps", [])
    assert (found["persistentvolumeclaims"], found["requests.storage"]) == (6, 6 * 2**30)


def test_a_quota_that_is_given_replaces_the_one_there_and_keeps_what_is_used() -> None:
    joined = Limits([quota({"pods": "1"}, pods="9")], [limit_range()]).joined([quota(pods="2"), quota(name="other", cpu="1")])
    assert [(one["metadata"]["name"], one["spec"]["hard"]) for one in joined.quotas] == [("q", {"pods": "2"}), ("other", {"cpu": "1"})]
    assert joined.quotas[0]["status"] == {"used": {"pods": "1"}}
    assert len(joined.ranges) == 1


@pytest.mark.parametrize(
    ("body", "rule", "said"),
    [
        (deployment(**CPU), limit_range(max={"cpu": "800m"}), "LimitRange r allows cpu of 0.8 at most, and container web has the limit 1"),
        (deployment(), limit_range(max={"cpu": "1"}, min={"cpu": "1m"}), None),
        (deployment(), limit_range("Pod", max={"cpu": "1"}), "LimitRange r allows cpu of 1 at most, and the pod has no limit"),
        (
            deployment(),
            limit_range(max={"cpu": "1"}, default={"cpu": "2"}),
            "LimitRange r allows cpu of 1 at most, and container web has the",
        ),
        (deployment(**CPU), limit_range(min={"cpu": "1"}), "LimitRange r wants cpu of 1 at least, and container web requests 0.5"),
        (
            deployment(**CPU),
            limit_range(maxLimitRequestRatio={"cpu": "1"}),
            "LimitRange r allows limits of 1 times the request of cpu, and",
        ),
        (deployment(**CPU), limit_range("Pod", max={"cpu": "500m"}), "LimitRange r allows cpu of 0.5 at most, and the pod has the limit 1"),
        (deployment(**CPU), limit_range("PersistentVolumeClaim", max={"storage": "1"}), None),
        (claim("2Gi"), limit_range("PersistentVolumeClaim", max={"storage": "1Gi"}), "LimitRange r allows storage of 1073741824 at most"),
        (claim("1Mi"), limit_range("PersistentVolumeClaim", min={"storage": "1Gi"}), "LimitRange r wants storage of 1073741824 at least"),
        (claim("1Gi"), limit_range("PersistentVolumeClaim", min={"storage": "1Gi"}, max={"storage": "1Gi"}), None),
        ({"kind": "Service", "metadata": {"name": "x"}}, limit_range(min={"cpu": "1"}), None),
        ({**deployment(), "spec": "nonsense"}, limit_range(min={"cpu": "1"}), None),
    ],
)
def test_limit_range(body: dict[str, Any], rule: dict[str, Any], said: str | None) -> None:
    found = [fault.cause[: len(said or "")] for fault in range_faults(body, [rule])]
    assert found == ([said] if said else [])


@pytest.mark.parametrize(
    ("api_version", "kind", "version", "rule", "cause"),
    [
        ("batch/v1beta1", "CronJob", "v1.34.4", "removed_api", "is not served since Kubernetes 1.25, and this cluster has v1.34.4"),
        ("batch/v1beta1", "CronJob", "v1.25.0+k3s1", "removed_api", "is not served since Kubernetes 1.25"),
        (
            "batch/v1beta1",
            "CronJob",
            "v1.24.9-rke2r1",
            "deprecated_api",
            "is deprecated: Kubernetes 1.25 does not serve it, and this cluster has",
        ),
        ("batch/v1beta1", "CronJob", "v1.20.0", None, ""),
        ("policy/v1beta1", "PodSecurityPolicy", "v1.24.0", "deprecated_api", "is deprecated"),
        ("batch/v1", "CronJob", "v1.34.4", None, ""),
        ("batch/v1", "CronJob", "v1.20.9", "unserved_api", "is not served before Kubernetes 1.21, and this cluster has v1.20.9"),
        ("batch/v1", "CronJob", "v1.21.0", None, ""),
        ("batch/v1beta1", "CronJob", "", None, ""),
    ],
)
def test_versions(api_version: str, kind: str, version: str, rule: str | None, cause: str) -> None:
    found = verdict({"apiVersion": api_version, "kind": kind}, version)
    assert (found[0] if found else None) == rule
    assert not found or (cause in found[1] and found[2])


@pytest.mark.parametrize(
    ("old", "version", "new"),
    [("v1beta1", "v1.26.0", "v1beta3"), ("v1beta1", "v1.34.4", "v1"), ("v1beta2", "v1.29.1", "v1"), ("v1beta3", "v1.32.0", "v1")],
)
def test_the_newest_that_the_cluster_has_is_named(old: str, version: str, new: str) -> None:
    group = "flowcontrol.apiserver.k8s.io"
    found = verdict({"apiVersion": f"{group}/{old}", "kind": "FlowSchema"}, version)
    assert found and (found[0], found[2]) == ("removed_api", f"write it as {group}/{new}")


def test_only_what_is_the_same_is_rewritten() -> None:
    assert modern("batch/v1beta1", "CronJob") == "batch/v1"
    assert modern("rbac.authorization.k8s.io/v1beta1", "ClusterRole") == "rbac.authorization.k8s.io/v1"
    assert modern("apps/v1beta2", "Deployment") == "apps/v1beta2"
    assert modern("policy/v1beta1", "PodDisruptionBudget") == "policy/v1beta1"
    assert all(one.successor and one.since < one.removed for one in RETIRED.values() if one.safe)
    assert [minor(text) for text in ("v1.34.4", "1.9", "v2.0", "unknown")] == [34, 9, None, None]
