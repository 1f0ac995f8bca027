# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Replicas by preference on real clusters, with KubeFed's own scheduler."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from integration.federate_lab import CLUSTERS, Federate, actions, config_map, federate, federated, namespace, overridden, without_counts
from integration.inventory_site import POD, Site, site
from integration.waiting import until

from ansible_collections.edgefed.kubefed.plugins.module_utils.client import connect
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.shares import distribute, given_replicas
from ansible_collections.edgefed.kubefed.plugins.modules import federated_resource_preview, federation_verify

__all__ = ["federate", "namespace", "site"]

pytestmark = pytest.mark.lab
LABELS = {"app": "web"}
TEMPLATE = {"spec": {"replicas": 1, "selector": {"matchLabels": LABELS}, "template": {"metadata": {"labels": LABELS}, **POD}}}
EVERYWHERE = {"clusterSelector": {}}


def deployment(namespace: str, name: str = "web", **spec: Any) -> dict[str, Any]:
    return federated("FederatedDeployment", name, namespace, {"template": TEMPLATE, "placement": EVERYWHERE, **spec})


def preference(namespace: str, name: str = "web", **spec: Any) -> dict[str, Any]:
    head = {"apiVersion": "scheduling.kubefed.io/v1alpha1", "kind": "ReplicaSchedulingPreference"}
    return {**head, "metadata": {"name": name, "namespace": namespace}, "spec": {"targetKind": "FederatedDeployment", **spec}}


def replicas(federate: Federate, namespace: str) -> dict[str, int | None]:
    """As each cluster has them; ``None`` where there is no Deployment."""
    found = {name: federate.find(name, "deployment", "web", namespace) for name in CLUSTERS}
    return {name: one["spec"]["replicas"] if one else None for name, one in found.items()}


def test_twelve_steps(federate: Federate, site: Site, namespace: str, path: str) -> None:
    """Create, again, change, again, delete, delete what is absent; each in check mode first, which predicts exactly who gets how many."""
    groups = [{"hosts": ["cddev"], "maxReplicas": 1}, {"weight": 1, "minReplicas": 1}, {"groups": ["gpu"], "weight": 3}]
    where = {"kubeconfig": federate.lab.kubeconfig, "context": "local"}

    def of(total: int) -> dict[str, Any]:
        return {"definition": [deployment(namespace), preference(namespace, totalReplicas=total, rebalance=True, clusters=groups)]}

    present, changed, absent = of(6), of(9), {**of(6), "state": "absent"}

    def steps(*several: dict[str, Any]) -> list[dict[str, Any]]:
        tasks = [
            {"edgefed.kubefed.federated_resource": {**where, **one}, "check_mode": check} for one in several for check in (True, False)
        ]
        results = [{**one, "invocation": None} for one in site.run_tasks(tasks, "--diff", path=path)]
        assert [one.get("msg") for one in results] == [None] * len(tasks)
        assert [without_counts(one) for one in results[::2]] == [without_counts(one) for one in results[1::2]]
        return results[1::2]

    made, again = steps(present, present)
    assert (made["changed"], again["changed"]) == (True, False)
    assert "create ReplicaSchedulingPreference web" in actions(made)
    given = federate.find("local", "replicaschedulingpreference", "web", namespace)["spec"]["clusters"]
    assert given == {
        "*": {"weight": 1, "minReplicas": 1},
        "cddev": {"weight": 1, "minReplicas": 1, "maxReplicas": 1},
        "zj": {"weight": 3, "minReplicas": 1},
    }
    decided = {"path": "/spec/clusters/zj/weight", "by": "spec.clusters[2] (group gpu)", "over": "spec.clusters[1]", "cluster": "zj"}
    assert made["decisions"] == [{"object": f"ReplicaSchedulingPreference {namespace}/web", **decided}]
    expected = {"cddev": 1, "local": 2, "zj": 3}
    assert made["replicas"] == [{"object": f"FederatedDeployment {namespace}/web", "clusters": expected}]
    assert replicas(federate, namespace) == expected
    more, more_again = steps(changed, changed)
    assert (actions(more), more_again["changed"]) == (["apply ReplicaSchedulingPreference web"], False)
    assert replicas(federate, namespace) == more["replicas"][0]["clusters"]
    assert sum(more["replicas"][0]["clusters"].values()) == 9
    gone, gone_again = steps(absent, absent)
    assert (gone["changed"], gone_again["changed"]) == (True, False)
    assert f"delete Namespace {namespace}" in actions(gone)


def preview(federate: Federate, *definitions: Any) -> Any:
    options = {"kubeconfig": federate.lab.kubeconfig, "context": "local", "definition": list(definitions)}
    checked = ArgumentSpecValidator(federated_resource_preview.ARGUMENT_SPEC).validate(options)
    return federated_resource_preview.run(checked.validated_parameters, False, True, connect)


def verified(federate: Federate, namespace: str) -> dict[str, Any]:
    options = {"kubeconfig": federate.lab.kubeconfig, "context": "local", "namespaces": [namespace], "wait": False}
    checked = ArgumentSpecValidator(federation_verify.ARGUMENT_SPEC).validate(options)
    assert not checked.error_messages, checked.error_messages
    report: dict[str, Any] = federation_verify.run(checked.validated_parameters, False, True, connect).data
    return report


def test_beside_overrides_of_ones_own(federate: Federate, namespace: str) -> None:
    """KubeFed writes into the same list as we: neither takes anything from the other, and what is there already keeps its pods."""
    image = "/spec/template/spec/containers/0/image"
    federate(deployment(namespace, overrides=overridden("zj", {"path": image, "value": "own:1"})))
    uids = {name: federate.find(name, "deployment", "web", namespace)["metadata"]["uid"] for name in CLUSTERS}
    wish = preference(namespace, totalReplicas=5, clusters={"zj": {"weight": 1}, "local": {"minReplicas": 2}})
    target = deployment(namespace, overrides=overridden("zj", {"path": image, "value": "own:1"}))
    shown = preview(federate, target, wish)
    assert {one["cluster"]: one["state"] for one in shown.data["objects"] if one["kind"] == "Deployment"} == dict.fromkeys(
        CLUSTERS, "differs"
    )
    federate(target, wish)
    assert replicas(federate, namespace) == {"cddev": 0, "local": 2, "zj": 3}
    assert not federate(target, wish).changed and not federate(target).changed
    assert all(one["state"] == "same" for one in preview(federate, target, wish).data["objects"])
    until(lambda: verified(federate, namespace)["in_sync"], lambda: f"verify finds all as it should be: {verified(federate, namespace)}")
    changed = deployment(namespace, overrides=overridden("zj", {"path": image, "value": "own:2"}))
    federate(changed)
    assert not federate(changed, wish).changed
    found = {name: federate.find(name, "deployment", "web", namespace) for name in CLUSTERS}
    assert found["zj"]["spec"]["template"]["spec"]["containers"][0]["image"] == "own:2"
    assert replicas(federate, namespace) == {"cddev": 0, "local": 2, "zj": 3}
    assert {name: one["metadata"]["uid"] for name, one in found.items()} == uids
    twice = deployment(namespace, overrides=overridden("zj", {"path": "/spec/replicas", "value": 7}))
    (finding,) = federate(twice, wish, check=True).data["lint"]
    assert finding["rule"] == "replicas_twice"


def test_refused_or_told(federate: Federate, namespace: str) -> None:
    """Clusters that are not joined or not chosen by the target, sums that do not fit, a target that is not there."""
    placed = deployment(namespace, placement={"clusters": [{"name": "zj"}]})
    said = federate.refused(placed, preference(namespace, totalReplicas=1, clusters={"zjj": {"weight": 1}}))
    assert "spec.clusters.zjj: cluster 'zjj' is not joined. Next: did you mean zj?" in said
    said = federate.refused(placed, preference(namespace, totalReplicas=1, clusters={"local": {"weight": 1}, "cddev": {"weight": 0}}))
    assert f"cluster 'local' is not placed by FederatedDeployment {namespace}/web (placed: zj). Next: place it there too" in said
    assert "'cddev'" not in said
    said = federate.refused(placed, preference(namespace, totalReplicas=1))
    assert "'*' is every cluster, also cddev, local, where" in said
    said = federate.refused(placed, preference(namespace, totalReplicas="x", targetKind="Deployment", clusters={"zj": {"minReplica": 1}}))
    for part in ("a preference leads no Deployment", "totalReplicas: this is no number", "did you mean spec.clusters.zj.minReplicas"):
        assert part in said
    done = federate(preference(namespace, totalReplicas=1, clusters={"zj": {"minReplicas": 2}}), check=True)
    assert "minReplicas are 2 together and totalReplicas only 1" in done.warnings[0]
    assert f"there is no FederatedDeployment {namespace}/web, so it leads nothing" in done.warnings[1]


def test_pruned_with_its_application(federate: Federate, namespace: str) -> None:
    """A preference is of an application like what it leads, and goes when it is not given any more."""
    own = {"application": f"app-{namespace}", "prune": True, "wait": False}
    kept = config_map("kept", namespace)
    federate(kept, deployment(namespace), preference(namespace, totalReplicas=1), **own)
    assert not federate(kept, deployment(namespace), preference(namespace, totalReplicas=1), **own).changed
    foretold, done = (federate(kept, **own, check=check) for check in (True, False))
    assert actions(foretold) == actions(done) == ["delete FederatedDeployment web", "delete ReplicaSchedulingPreference web"]
    assert federate.find("local", "replicaschedulingpreference", "web", namespace) is None
    assert actions(federate(state="absent", **own, check=True))[0] == "delete FederatedConfigMap kept"


@pytest.mark.parametrize("own", [[], overridden("zj", {"path": "/spec/template/spec/containers/0/image", "value": "own:1"})])
def test_after_the_preference(federate: Federate, namespace: str, own: list[dict[str, Any]]) -> None:
    """What KubeFed wrote for it stays while the target is not given; the next apply of the target brings its own placement and overrides
    back, without an interruption, as foretold, and once."""
    target = deployment(namespace, **({"overrides": own} if own else {}))
    application = {"application": f"app-{namespace}", "prune": True}
    federate(target, preference(namespace, totalReplicas=6), **application)
    uids = {name: federate.find(name, "deployment", "web", namespace)["metadata"]["uid"] for name in CLUSTERS}
    pruned = federate(target, **application)
    assert actions(pruned) == ["delete ReplicaSchedulingPreference web"]
    assert sum(count or 0 for count in replicas(federate, namespace).values()) == 6
    foretold, done = (federate(target, **application, check=check) for check in (True, False))
    assert actions(foretold) == actions(done) == ["apply FederatedDeployment web"]
    assert foretold.diff == done.diff
    spec = federate.find("local", "federateddeployment", "web", namespace)["spec"]
    assert (spec["placement"], spec.get("overrides", [])) == (EVERYWHERE, own)
    assert replicas(federate, namespace) == dict.fromkeys(CLUSTERS, 1)
    assert not federate(target, **application).changed
    assert {name: federate.find(name, "deployment", "web", namespace)["metadata"]["uid"] for name in CLUSTERS} == uids


SHARES = st.fixed_dictionaries(
    {}, optional={"weight": st.integers(0, 9), "minReplicas": st.integers(0, 5), "maxReplicas": st.integers(5, 12)}
)
SPECS = st.fixed_dictionaries(
    {"totalReplicas": st.integers(0, 40), "rebalance": st.booleans()},
    optional={"clusters": st.dictionaries(st.sampled_from(["*", *CLUSTERS]), SHARES, min_size=1)},
)
CASES = 24


def test_the_plan_is_the_controllers(federate: Federate, namespace: str) -> None:
    """Random preferences, all at once, in a namespace that goes to no cluster, so that nothing runs anywhere."""
    specs: list[dict[str, Any]] = []

    @seed(7)
    @settings(max_examples=CASES, phases=[Phase.generate], database=None, suppress_health_check=list(HealthCheck))
    @given(SPECS)
    def draw(spec: dict[str, Any]) -> None:
        specs.append(spec)

    draw()
    federate(federated("FederatedNamespace", namespace, namespace, {"placement": {"clusters": []}}), wait=False)
    names = [f"case-{number}" for number in range(len(specs))]
    items = [deployment(namespace, name) for name in names] + [
        preference(namespace, name, **spec) for name, spec in zip(names, specs, strict=True)
    ]
    federate.lab.kubectl("local", "create", "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))
    expected = {name: distribute(spec, CLUSTERS, {}, f"{namespace}/{name}") for name, spec in zip(names, specs, strict=True)}

    def written() -> dict[str, dict[str, int]]:
        found = federate.lab.get("local", "federateddeployments", "-n", namespace)["items"]
        return {item["metadata"]["name"]: given_replicas(item) for item in found}

    until(lambda: all(written().values()), lambda: f"KubeFed has distributed all: {written()}")
    assert written() == expected
    assert len({json.dumps(one) for one in expected.values()}) > CASES // 2
