# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Plain manifests placed and overridden by a real inventory, seen by offline previews: Ansible itself says whose value counts."""

from __future__ import annotations

import itertools
import json
import random
from typing import Any

import pytest
import yaml
from integration.inventory_site import CONFIG_MAP, DEPLOYMENT, Site, site

__all__ = ["site"]

WEB = "shop/deployment-web.yaml"


@pytest.mark.parametrize("path", ["in_process", "module"])
def test_groups_hosts_and_who_won(site: Site, path: str) -> None:
    site.variables("inventory", "group", "all", federated_overrides=[{"kind": "Deployment", "values": {"spec": {"replicas": 2}}}])
    site.variables("inventory", "group", "gpu", federated_overrides=[{"name": "web", "values": {"spec": {"replicas": 4}}}])
    site.variables(
        "play",
        "host",
        "zj",
        size="large",
        federated_overrides=[{"kind": "Deployment", "values": {"spec": {"replicas": 5}, "metadata": {"labels": {"size": "{{ size }}"}}}}],
    )
    arguments = {
        "definition": [DEPLOYMENT, CONFIG_MAP],
        "placement": {"groups": ["edge"], "hosts": ["local"]},
        "overrides": [
            {"hosts": ["cddev"], "kind": "ConfigMap", "patches": [{"op": "add", "path": "/data/site", "value": "c"}]},
            {
                "groups": ["gpu"],
                "kind": "Deployment",
                "values": {"spec": {"template": {"spec": {"containers": {"web": {"image": "gpu:1"}}}}}},
            },
        ],
    }
    made = site.run(arguments, "--diff", path=path)
    assert made["changed"] and not made.get("failed"), made.get("msg")
    found = {name: site.got(name, WEB) for name in ("local", "cddev", "zj")}
    assert {name: body["spec"]["replicas"] for name, body in found.items()} == {"local": 2, "cddev": 2, "zj": 5}
    images = {name: [one["image"] for one in body["spec"]["template"]["spec"]["containers"]] for name, body in found.items()}
    assert images == {"local": ["nginx:1.17", "side:1"], "cddev": ["nginx:1.17", "side:1"], "zj": ["gpu:1", "side:1"]}
    assert found["zj"]["metadata"]["annotations"] == {"team": "a"}
    assert found["zj"]["metadata"]["labels"]["size"] == "large", "templates are filled in as for this host"
    assert site.got("cddev", "shop/configmap-settings.yaml")["data"] == {"kept": "1", "site": "c"}
    assert site.got("zj", "shop/namespace-shop.yaml")["kind"] == "Namespace"
    won = [(one["cluster"], one["path"], one["by"], one["over"]) for one in made["decisions"]]
    assert won == [("zj", "/spec/replicas", "group gpu", "group all"), ("zj", "/spec/replicas", "host zj", "group gpu")]
    assert not site.run(arguments, path=path)["changed"], "the same again changes no file"


def test_refused_with_names(site: Site) -> None:
    """All at once, and nothing is written."""
    site.variables("inventory", "host", "zj", federated_overrides=[{"value": {"spec": {}}}])
    said = site.run(
        {
            "definition": [DEPLOYMENT, {**DEPLOYMENT, "kind": "StatefulSet"}],
            "placement": {"groups": ["egde", "edge", "spare"], "hosts": ["zjj", "masters"]},
            "overrides": [{"groups": ["gpus"], "values": {"spec": {"replicas": 2}}}, {"kind": "Deployment"}, {"hosts": "zj", "value": {}}],
        }
    )
    for words in (
        "the task: placement.groups: the inventory has no group 'egde'. Next: did you mean edge.",
        "the task: placement.groups: group 'spare' holds no cluster: none of its hosts is in the inventory group federation_members. ",
        "the task: placement.hosts: the inventory has no host 'zjj'. Next: did you mean zj.",
        "the task: placement.hosts: host 'masters' is no cluster: it is not in the inventory group federation_members. Next: ",
        "the task: overrides[0].groups: the inventory has no group 'gpus'. Next: did you mean gpu.",
        "the task: overrides[1]: it overrides nothing. Next: give values or patches.",
        "the task: overrides[2].value: unknown field. Next: did you mean overrides[2].values.",
        "host zj: overrides[0].value: unknown field. Next: did you mean overrides[0].values.",
        "StatefulSet shop/web: kind: StatefulSet of apps/v1 is not a federated kind. Next: enable it (statefulset in federated_types, ",
    ):
        assert words in said["msg"], (words, said["msg"])
    assert not site.preview.exists()


GO: dict[str, Any] = {"placement": {"selector": {}}}
NO_ITEM = {"spec": {"template": {"spec": {"containers": {"wbe": {"image": "x"}}}}}}
REFUSED: list[tuple[dict[str, Any], str]] = [
    ({}, "it is a plain object, and no placement is given. Next: give placement: groups, hosts or selector"),
    ({"placement": {"groups": ["edge"], "selector": {}}}, "placement.selector: KubeFed looks at no selector where clusters are named."),
    ({**GO, "federate": False}, "the task: placement is for plain manifests. Next: say federate: true"),
    (
        {"placement": {"hosts": ["zj"]}, "overrides": [{"hosts": ["cddev"], "values": {"spec": {"replicas": 2}}}]},
        "overrides[0] (hosts): Deployment shop/web: it is for cddev, where the object is not placed. Next: ",
    ),
    (
        {**GO, "overrides": [{"kind": "Deploymnet", "values": {"a": 1}}]},
        "overrides[0]: it is for kind Deploymnet, and none that was given is",
    ),
    ({**GO, "overrides": [{"values": NO_ITEM}]}, "web: there is no item /spec/template/spec/containers/wbe to override. Next: use one of"),
    (
        {**GO, "overrides": [{"patches": [{"path": "/spec/replicsa", "value": 1}]}]},
        "path /spec/replicsa does not exist: /spec has no 'replicsa'. Next: did you mean 'replicas'.",
    ),
]


def test_refused(site: Site) -> None:
    results = site.run_all([{"definition": DEPLOYMENT, **arguments} for arguments, _said in REFUSED])
    for result, (_arguments, said) in zip(results, REFUSED, strict=True):
        assert said in result["msg"]
    assert not site.preview.exists()


# Wherever Ansible lets a variable be set for a host, weakest first as its documentation has them.
PLACES = [
    ("inline", "all"),
    ("inline", "edge"),
    ("inline", "gpu"),
    ("inline", "ranked"),
    ("inventory", "group", "all"),
    ("play", "group", "all"),
    ("inventory", "group", "edge"),
    ("inventory", "group", "ranked"),
    ("inventory", "group", "gpu"),
    ("play", "group", "edge"),
    ("play", "group", "gpu"),
    ("inline", "host"),
    ("inventory", "host", "zj"),
    ("play", "host", "zj"),
]


def test_precedence_is_ansibles_own(site: Site) -> None:
    """Two of each, and larger sets by chance: for each the value in the preview is the one that Ansible gives a plain variable."""
    chance = random.Random(7)
    cases: list[Any] = [set(pair) for pair in itertools.combinations(PLACES, 2)]
    cases += [set(chance.sample(PLACES, chance.randint(3, len(PLACES)))) for _count in range(40)]
    site.inventory["all"]["children"]["ranked"] = {"hosts": {"zj": {}}, "vars": {"ansible_group_priority": 5}}
    for place in PLACES:
        mine = [number for number, case in enumerate(cases) if place in case]
        name = "-".join(place)
        values = {"data": {f"case{number}": name for number in mine}}
        content = {"federated_overrides": [{"values": values}], **{f"case{number}": name for number in mine}}
        if place[0] != "inline":
            site.variables(place[0], place[1], place[2], **content)
            continue
        root = site.inventory["all"]
        groups = {"all": root, "edge": root["children"]["edge"], "gpu": root["children"]["edge"]["children"]["gpu"]}
        if place[1] == "host":
            root["children"]["federation_members"]["hosts"]["zj"].update(content)
        else:
            group = groups.get(place[1], root["children"]["ranked"])
            group["vars"] = {**group.get("vars", {}), **content}
    wanted = "{{ hostvars['zj'] | dict2items | selectattr('key', 'match', '^case[0-9]+$') | items2dict | to_json }}"
    ask = {"ansible.builtin.copy": {"content": wanted, "dest": str(site.folder / "ansible.json"), "mode": "0600"}}
    result = site.run({"definition": CONFIG_MAP, "placement": {"hosts": ["zj", "local"]}}, tasks=[ask])
    assert not result.get("failed"), result["msg"]
    by_ansible = json.loads((site.folder / "ansible.json").read_text())
    ours = site.got("zj", "shop/configmap-settings.yaml")["data"]
    assert {key: value for key, value in ours.items() if key != "kept"} == by_ansible
    assert len(by_ansible) == len(cases)
    above = site.run(
        {"definition": CONFIG_MAP, "placement": {"hosts": ["zj", "local"]}},
        "-e",
        json.dumps({"federated_overrides": [{"values": {"data": {"only": "this"}}}]}),
    )
    assert site.got("zj", "shop/configmap-settings.yaml")["data"] == {"kept": "1", "only": "this"}, above


def test_secrets_stay_hidden(site: Site) -> None:
    """In files, in the diff and with -vvvv; a change is seen by its fingerprint."""
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "login", "namespace": "shop"},
        "stringData": {"password": "Hidden1!"},
    }
    site.variables("inventory", "host", "zj", federated_overrides=[{"kind": "Secret", "values": {"stringData": {"password": "Hidden2!"}}}])
    arguments = {"definition": secret, "placement": {"selector": {}}}
    made = site.run(arguments, "--diff", "-vvvv")
    texts = {path: path.read_text() for path in site.preview.rglob("secret-login.yaml")}
    assert len(texts) == 3 and all("sha256:" in text for text in texts.values())
    for hidden in ("Hidden1!", "Hidden2!", "SGlkZGVu"):
        assert hidden not in made["output"] + "".join(texts.values())
    assert site.got("zj", "shop/secret-login.yaml")["stringData"] != site.got("local", "shop/secret-login.yaml")["stringData"]
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in texts)


def test_what_is_no_longer_there_goes(site: Site) -> None:
    """Check mode writes nothing; files of others, and of an editor, stay."""
    everywhere = {"selector": {}}
    assert site.run({"definition": [DEPLOYMENT, CONFIG_MAP], "placement": everywhere}, "--check")["changed"]
    assert not site.preview.exists()
    site.run({"definition": [DEPLOYMENT, CONFIG_MAP], "placement": everywhere})
    (site.preview / "zj" / "shop" / "notes.yaml").write_text("mine: true\n")
    gone = site.run({"definition": CONFIG_MAP, "placement": {"selector": {"matchLabels": {"tier": "edge"}}}}, "--diff")
    assert gone["changed"] and "-kind: Deployment" in gone["output"]
    assert sorted(str(path.relative_to(site.preview)) for path in site.preview.rglob("*.yaml")) == [
        "zj/shop/configmap-settings.yaml",
        "zj/shop/namespace-shop.yaml",
        "zj/shop/notes.yaml",
    ]
    assert not (site.preview / "cddev").exists()
    west = site.run({"definition": CONFIG_MAP, "placement": {"selector": {"matchLabels": {"topology.kubernetes.io/region": "west"}}}})
    assert {one["cluster"] for one in west["objects"]} == {"cddev"}


CHART = {
    "Chart.yaml": "apiVersion: v2\nname: shop\nversion: 0.1.0\n",
    "values.yaml": "replicas: 2\n",
    "templates/web.yaml": yaml.safe_dump(DEPLOYMENT).replace("replicas: 1", "replicas: {{ .Values.replicas }}"),
    "templates/settings.yaml": "{{- range list 1 2 }}\n---\n"
    + yaml.safe_dump(CONFIG_MAP).replace("settings", "settings-{{ . }}")
    + "{{- end }}\n",
}


def test_chart_and_kustomization(site: Site) -> None:
    """What Helm and kustomize render are definitions like any other."""
    chart, layer = site.folder / "chart", site.folder / "layer"
    for name, content in CHART.items():
        (chart / name).parent.mkdir(parents=True, exist_ok=True)
        (chart / name).write_text(content)
    layer.mkdir()
    (layer / "web.yaml").write_text(yaml.safe_dump(DEPLOYMENT))
    (layer / "kustomization.yaml").write_text("resources: [web.yaml]\nnamePrefix: big-\nreplicas: [{name: web, count: 7}]\n")
    tasks: list[dict[str, Any]] = [
        {
            "kubernetes.core.helm_template": {
                "chart_ref": str(chart),
                "release_namespace": "shop",
                "disable_hook": True,
                "values": {"replicas": 3},
            },
            "register": "chart",
        },
        {"ansible.builtin.command": {"argv": ["kubectl", "kustomize", str(layer)]}, "register": "layer", "changed_when": False},
    ]
    made = site.run({"definition": ["{{ chart.stdout }}", "{{ layer.stdout }}"], "placement": {"hosts": ["zj"]}}, tasks=tasks)
    assert not made.get("failed"), made["msg"]
    assert [site.got("zj", f"shop/deployment-{name}.yaml")["spec"]["replicas"] for name in ("web", "big-web")] == [3, 7]
    assert all(site.got("zj", f"shop/configmap-settings-{number}.yaml") for number in (1, 2))
