# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Plain manifests, live objects and previews on a real federation."""

from __future__ import annotations

import copy
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from integration.federate_lab import CLUSTERS, SYSTEM, Federate, actions, federate, namespace, without_counts
from integration.inventory_site import CONFIG_MAP, DEPLOYMENT, Site, site
from integration.waiting import closed_port, until

from ansible_collections.edgefed.kubefed.plugins.module_utils.client import connect
from ansible_collections.edgefed.kubefed.plugins.module_utils.federate.given import Handed, packed
from ansible_collections.edgefed.kubefed.plugins.module_utils.federate.wish import Wish
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.to_federated import to_federated
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.types import DEFAULTS, table
from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import Result
from ansible_collections.edgefed.kubefed.plugins.modules import federated_resource_preview

__all__ = ["federate", "namespace", "site"]

pytestmark = pytest.mark.lab


def placed(manifest: dict[str, Any], namespace: str, **more: Any) -> dict[str, Any]:
    """In a namespace of the test's own."""
    found = copy.deepcopy(manifest)
    found["metadata"].update(namespace=namespace, **more)
    return found


def preview(federate: Federate, *definitions: Any, kubeconfig: str = "", **options: Any) -> Result:
    """One preview, online, with federated definitions; it writes to no cluster."""
    given = {"kubeconfig": kubeconfig or federate.lab.kubeconfig, "context": "local", "definition": list(definitions), **options}
    checked = ArgumentSpecValidator(federated_resource_preview.ARGUMENT_SPEC).validate(given)
    assert not checked.error_messages, checked.error_messages
    before = federate.written()
    result = federated_resource_preview.run(checked.validated_parameters, False, True, connect)
    assert federate.written() == before
    return result


def states(result: Result) -> dict[str, str]:
    """``{"zj ConfigMap": "same"}``"""
    return {f"{one['cluster']} {one['kind']}": one["state"] for one in result.data["objects"]}


def test_default_types_are_the_charts(federate: Federate) -> None:
    configs = federate.lab.get("local", "federatedtypeconfigs", "-n", SYSTEM)["items"]
    assert {kind: found for kind, found in table(configs).items() if kind in DEFAULTS} == DEFAULTS


@pytest.mark.parametrize("path", ["in_process", "module"])
def test_twelve_steps(federate: Federate, site: Site, namespace: str, path: str) -> None:
    """Create, again, change, again, delete, delete what is absent; each in check mode first, which predicts exactly."""
    web = placed(DEPLOYMENT, namespace)
    where = {"kubeconfig": federate.lab.kubeconfig, "context": "local"}
    lab = {**where, "federate": True, "placement": {"groups": ["gpu"], "hosts": ["local"]}}
    site.variables("inventory", "group", "gpu", federated_overrides=[{"kind": "Deployment", "values": {"spec": {"replicas": 2}}}])
    image = {"spec": {"template": {"spec": {"containers": {"web": {"image": "gpu:1"}}}}}}
    present, absent = {"state": "present", "definition": web}, {"state": "absent", "definition": web}
    changed = {**present, "overrides": [{"hosts": ["zj"], "values": image}, {"values": {"spec": {"replicas": 3}}}]}
    steps = [present, present, changed, changed, absent, absent]
    tasks = [{"edgefed.kubefed.federated_resource": {**lab, **step}, "check_mode": check} for step in steps for check in (True, False)]
    results = site.run_tasks(tasks, "--diff", path=path)
    assert [one.get("msg") for one in results] == [None] * 12
    results = [{key: value for key, value in one.items() if key not in ("output", "invocation")} for one in results]
    predicted, done = results[::2], results[1::2]
    assert [without_counts(one) for one in predicted] == [without_counts(one) for one in done]
    assert [one["changed"] for one in done] == [True, False, True, False, True, False]
    assert actions(done[0]) == [f"create Namespace {namespace}", f"create FederatedNamespace {namespace}", "create FederatedDeployment web"]
    won = {"cluster": "zj", "path": "/spec/replicas", "by": "overrides[1]", "over": "group gpu"}
    assert done[2]["decisions"] == [{"object": f"FederatedDeployment {namespace}/web", **won}]
    assert [entry["prepared"] for entry in done[2]["diff"] if "prepared" in entry] == [
        f"overrides of FederatedDeployment {namespace}/web:\ncluster zj: /spec/replicas: overrides[1] wins over group gpu\n"
    ]


def test_anyone_reads_it_with_kubectl(federate: Federate, site: Site, namespace: str) -> None:
    """Plain KubeFed objects with clusters' names, and what members then have."""
    web = placed(DEPLOYMENT, namespace)
    arguments = {
        "kubeconfig": federate.lab.kubeconfig,
        "context": "local",
        "definition": [web, placed(CONFIG_MAP, namespace)],
        "federate": True,
        "placement": {"groups": ["edge"]},
        "overrides": [{"groups": ["gpu"], "kind": "Deployment", "values": {"spec": {"replicas": 3}}}],
    }
    (done,) = site.run_tasks([{"edgefed.kubefed.federated_resource": arguments}])
    assert done["changed"], done
    spec = federate.find("local", "federateddeployment", "web", namespace)["spec"]
    assert spec["placement"] == {"clusters": [{"name": "cddev"}, {"name": "zj"}]}
    team = {"op": "add", "path": "/metadata/annotations", "value": {"team": "a"}}
    assert spec["overrides"] == [
        {"clusterName": "cddev", "clusterOverrides": [team]},
        {"clusterName": "zj", "clusterOverrides": [team, {"op": "replace", "path": "/spec/replicas", "value": 3}]},
    ]
    found = {name: federate.find(name, "deployment", "web", namespace) for name in CLUSTERS}
    assert found["local"] is None
    assert {name: found[name]["spec"]["replicas"] for name in ("cddev", "zj")} == {"cddev": 1, "zj": 3}
    assert found["zj"]["metadata"]["annotations"]["team"] == "a"


def federated(manifest: dict[str, Any], *names: str, **spec: Any) -> dict[str, Any]:
    made = to_federated(manifest, DEFAULTS, {"clusters": [{"name": name} for name in names]})
    made["spec"].update(spec)
    return made


def test_preview_beside_what_there_is(federate: Federate, namespace: str, tmp_path: Path) -> None:
    """New, same, differs, goes; one member that does not answer hides nothing of the others."""
    settings, web = placed(CONFIG_MAP, namespace), placed(DEPLOYMENT, namespace)
    before = preview(federate, federated(settings, "local", "zj"))
    assert set(states(before).values()) == {"new"} and len(states(before)) == 4
    federate(federated(settings, "local", "zj"), federated(web, "zj"))
    same = preview(federate, federated(settings, "local", "zj"), federated(web, "zj"), dest=str(tmp_path / "preview"))
    assert same.data["in_sync"] and set(states(same).values()) == {"same"}, same.data["table"]
    assert same.data["api_requests"] <= 20
    overrides = [{"clusterName": "zj", "clusterOverrides": [{"path": "/data/kept", "value": "2"}]}]
    later = preview(federate, federated(settings, "cddev", "zj", overrides=overrides), federated(web, "zj"))
    assert {key: state for key, state in states(later).items() if "Namespace" not in key} == {
        "cddev ConfigMap": "new",
        "local ConfigMap": "goes",
        "zj ConfigMap": "differs",
        "zj Deployment": "same",
    }
    assert f'zj: ConfigMap {namespace}/settings: differs (data.kept is "1", should be "2")' in later.data["table"]
    port = closed_port()
    broken = yaml.safe_load(Path(federate.lab.kubeconfig).read_text())
    for cluster in broken["clusters"]:
        if cluster["name"] == "zj":
            cluster["cluster"]["server"] = f"https://127.0.0.1:{port}"
    (tmp_path / "broken").write_text(yaml.safe_dump(broken))
    (tmp_path / "broken").chmod(0o600)
    away = preview(federate, federated(settings, "local", "zj"), kubeconfig=str(tmp_path / "broken"))
    assert (states(away)["local ConfigMap"], states(away)["zj ConfigMap"]) == ("same", "unknown")
    why = next(one["why"] for one in away.data["objects"] if one["cluster"] == "zj")
    assert f"127.0.0.1:{port}" in why and "Next: " in why


def kubefedctl(lab: Any, kind: str, name: str, namespace: str) -> Any:
    """What it would make of a live object."""
    where = ("--kubeconfig", lab.kubeconfig, "--host-cluster-context", "local", "-n", namespace, "-o", "yaml")
    done = subprocess.run(["kubefedctl", "federate", kind, name, *where], capture_output=True, text=True, check=True)
    return yaml.safe_load(done.stdout)


def plain(api_version: str, kind: str, name: str, **body: Any) -> dict[str, Any]:
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": name}, **body}


LIVE = [
    ("deployments.apps", DEPLOYMENT),
    ("configmaps", CONFIG_MAP),
    ("services", plain("v1", "Service", "web", spec={"type": "NodePort", "ports": [{"port": 80}], "selector": {"app": "web"}})),
    ("secrets", plain("v1", "Secret", "login", stringData={"user": "me"})),
    ("serviceaccounts", plain("v1", "ServiceAccount", "web")),
]


def federate_live(federate: Federate, wanted: list[dict[str, Any]], **options: Any) -> Result:
    """Placed as the action plugin hands it over."""
    wish = Wish({"clusters": [{"name": "local"}, {"name": "zj"}]})
    return federate(live=wanted, federate=True, packed=packed(Handed(wish=wish)), **options)


def test_live_objects_as_kubefedctl_and_adopted(federate: Federate, namespace: str) -> None:
    """Each is what ``kubefedctl federate`` makes of it; in the host cluster the pods go on running."""
    lab = federate.lab
    lab.kubectl("local", "create", "namespace", namespace)
    lab.kubectl("local", "apply", "-f", "-", stdin=yaml.safe_dump_all([placed(manifest, namespace) for _kind, manifest in LIVE]))

    def pods() -> list[str]:
        found = lab.get("local", "pods", "-n", namespace)["items"]
        return sorted(pod["metadata"]["uid"] for pod in found if pod.get("status", {}).get("phase") == "Running")

    running = until(pods, "a pod runs")
    oracle = {kind: kubefedctl(lab, kind, manifest["metadata"]["name"], namespace) for kind, manifest in LIVE}
    for kind, manifest in LIVE:
        name = manifest["metadata"]["name"]
        live = lab.get("local", kind, name, "-n", namespace)
        assert to_federated(live, DEFAULTS) == oracle[kind]
    assert to_federated(lab.get("local", "namespace", namespace), DEFAULTS) == kubefedctl(lab, "namespaces", namespace, namespace)
    wanted = [{"kind": "Namespace", "name": namespace, "contents": True}]
    made = federate_live(federate, wanted)
    names = [f"create {oracle[kind]['kind']} {manifest['metadata']['name']}" for kind, manifest in LIVE]
    assert sorted(actions(made)) == sorted([f"create FederatedNamespace {namespace}", *names])
    assert pods() == running, "adopted as they are"
    for kind, manifest in LIVE:
        assert lab.get("zj", kind, manifest["metadata"]["name"], "-n", namespace), kind
    again = federate_live(
        federate, [{"kind": kind, "name": manifest["metadata"]["name"], "namespace": namespace} for kind, manifest in LIVE]
    )
    assert not again.changed, again.diff
    assert pods() == running


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        (
            {"kind": "Deploymnet", "name": "web"},
            "live: Deploymnet web: Deploymnet is not a federated kind. Next: use Deployment, or enable",
        ),
        ({"kind": "ConfigMap", "name": "nowhere", "namespace": "fe-nowhere"}, "live: ConfigMap fe-nowhere/nowhere: it is not in "),
        ({"kind": "Namespace", "name": "default"}, "live: Namespace default: KubeFed does not federate this namespace. Next: "),
        ({"kind": "Secret", "name": "x", "contents": True}, "only a Namespace has contents. Next: leave contents out."),
    ],
)
def test_live_refused(federate: Federate, wanted: dict[str, Any], said: str) -> None:
    wish = Wish({"clusters": [{"name": "zj"}]})
    assert said in federate.refused(live=[wanted], federate=True, packed=packed(Handed(wish=wish)))
    assert "live: they are plain objects. Next: say federate: true." in federate.refused(live=[wanted])
