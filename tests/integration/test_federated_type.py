# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Kinds enabled and disabled in a real federation, KubeFed's real controller and ``kubefedctl`` beside it."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Iterator

import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from integration.waiting import until

from ansible_collections.edgefed.kubefed.plugins.module_utils.client import connect
from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import EdgefedError, Result
from ansible_collections.edgefed.kubefed.plugins.modules import federated_type, federated_type_info

pytestmark = pytest.mark.lab

REPOSITORY = Path(__file__).resolve().parents[2]
SYSTEM = "kube-federation-system"
SPACE = "typed"
QUIET = 1.5
MEMBERS = ("cddev", "zj")
TARGET = "gateways.shop.example.com"
FEDERATED = "federatedgateways.types.kubefed.io"
BUILT_IN = "statefulsets.apps"
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "spec": {
            "type": "object",
            "required": ["port"],
            "properties": {
                "port": {"type": "integer", "format": "int32", "minimum": 1},
                "host": {"type": "string", "default": "example.com"},
                "limit": {"x-kubernetes-int-or-string": True, "anyOf": [{"type": "integer"}, {"type": "string"}]},
                "routes": {
                    "type": "array",
                    "x-kubernetes-list-type": "map",
                    "x-kubernetes-list-map-keys": ["name"],
                    "items": {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}}},
                },
            },
            "x-kubernetes-validations": [{"rule": "self.port != 22", "message": "not that one"}],
        },
        "status": {"type": "object", "properties": {"phase": {"type": "string"}}},
    },
}
VERSION = {"name": "v1", "served": True, "storage": True, "subresources": {"status": {}}, "schema": {"openAPIV3Schema": SCHEMA}}
GATEWAYS = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": TARGET},
    "spec": {
        "group": "shop.example.com",
        "scope": "Namespaced",
        "names": {"kind": "Gateway", "plural": "gateways", "shortNames": ["gtw"]},
        "versions": [VERSION],
    },
}
NAMESPACES = [
    {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": SPACE}},
    {
        "apiVersion": "types.kubefed.io/v1beta1",
        "kind": "FederatedNamespace",
        "metadata": {"name": SPACE, "namespace": SPACE},
        "spec": {"placement": {"clusterSelector": {}}},
    },
]


def gateway(name: str, host: str = "a.example.com") -> dict[str, Any]:
    """A federated gateway whose port, which the target requires, only the overrides give."""
    ports = {"cddev": 81, "zj": 82}
    overrides = [
        {"clusterName": cluster, "clusterOverrides": [{"path": "/spec/port", "op": "add", "value": port}]}
        for cluster, port in ports.items()
    ]
    spec = {"template": {"spec": {"host": host}}, "placement": {"clusters": [{"name": name} for name in MEMBERS]}, "overrides": overrides}
    return {
        "apiVersion": "types.kubefed.io/v1beta1",
        "kind": "FederatedGateway",
        "metadata": {"name": name, "namespace": SPACE},
        "spec": spec,
    }


def propagated(federated: dict[str, Any]) -> bool:
    """Whether KubeFed has told of the present generation that nothing is amiss in any cluster. The condition may say other than that."""
    status = federated.get("status") or {}
    told = {item["name"]: item.get("status") for item in status.get("clusters") or []}
    return told == dict.fromkeys(MEMBERS) and status["observedGeneration"] == federated["metadata"]["generation"]


class Types:
    """The modules called directly, and what kubectl sees."""

    def __init__(self, lab: Any) -> None:
        self.lab = lab

    def __call__(self, check: bool = False, module: Any = federated_type, **options: Any) -> Result:
        given = {"kubeconfig": self.lab.kubeconfig, "context": "local", **options}
        checked = ArgumentSpecValidator(module.ARGUMENT_SPEC).validate(given)
        assert not checked.error_messages, checked.error_messages
        result: Result = module.run(checked.validated_parameters, check, True, connect)
        return result

    def error(self, **options: Any) -> EdgefedError:
        """The error of a run that has to fail, in check mode too, and changes nothing."""
        before = self.seen()
        with pytest.raises(EdgefedError) as foretold:
            self(check=True, **options)
        with pytest.raises(EdgefedError) as caught:
            self(**options)
        assert caught.value.message == foretold.value.message and "Next: " in caught.value.message
        assert self.seen() == before
        return caught.value

    def seen(self) -> list[tuple[str, str]]:
        """Names and specs of all types and CRDs."""
        items = self.lab.get("local", "federatedtypeconfigs", "-n", SYSTEM)["items"] + self.lab.get("local", "crd")["items"]
        return [(item["metadata"]["name"], json.dumps(item["spec"], sort_keys=True)) for item in items]

    def config(self, name: str = TARGET) -> Any:
        return self.lab.get("local", "federatedtypeconfig", name, "-n", SYSTEM)

    def apply(self, *objects: dict[str, Any], cluster: str = "local") -> None:
        self.lab.kubectl(cluster, "apply", "-f", "-", stdin=yaml.safe_dump_all(objects))

    def copy(self, cluster: str, name: str) -> Any:
        """The gateway in a member."""
        return self.lab.get(cluster, TARGET, name, "-n", SPACE)

    def arrived(self, name: str, host: str = "a.example.com") -> None:
        """Each member has it as template and override say."""
        until(
            lambda: all((self.copy(each, name) or {"spec": {}})["spec"].get("host") == host for each in MEMBERS), f"{name} in the members"
        )
        assert [self.copy(each, name)["spec"]["port"] for each in MEMBERS] == [81, 82]
        until(lambda: propagated(self.lab.get("local", FEDERATED, name, "-n", SPACE)), f"{name} told as propagated")
        # KubeFed's controller manager ends minutes after one of its controllers was stopped with work in its queue
        time.sleep(QUIET)

    def settled(self, **options: Any) -> None:
        """A further run changes nothing, in few requests."""
        again = self(**{"name": TARGET, **options})
        assert not again.changed, again.data["changes"]
        assert again.data["controller"] == ("Running" if again.data["propagation"] == "Enabled" else "NotRunning")
        # 2 of them only where the federated type has a group of its own
        assert again.data["api_requests"] <= 16

    def forget(self) -> None:
        """Nothing of these tests is left."""
        for name in (TARGET, BUILT_IN):
            self(name=name, state="absent", objects="orphan", delete_crd=True)
        for cluster in ("local", *MEMBERS):
            self.lab.kubectl(cluster, "delete", "crd", TARGET, "--ignore-not-found")


def actions(changes: list[dict[str, str]]) -> list[str]:
    """What was done, short."""
    return [f"{change['cluster']}: {change['action']} {change['kind']}" for change in changes]


def kubefedctl(lab: Any, *arguments: str) -> None:
    """The real one."""
    where = ("--kubeconfig", lab.kubeconfig, "--host-cluster-context", "local")
    done = subprocess.run(["kubefedctl", *arguments, *where], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def types(lab: Any) -> Iterator[Types]:
    """A federated namespace, and the CRD in the host cluster only; all gone at the end."""
    made = Types(lab)
    made.forget()
    made.apply(*NAMESPACES)
    until(lambda: all(lab.get(each, "namespace", SPACE) for each in MEMBERS), "the namespace in the members")
    yield made
    made.forget()
    lab.kubectl("local", "delete", "federatednamespace", SPACE, "-n", SPACE, "--wait=false")
    lab.kubectl("local", "delete", "namespace", SPACE)


@pytest.fixture
def fresh(types: Types) -> Types:
    """The CRD in the host cluster only, nothing enabled."""
    types.forget()
    types.apply(GATEWAYS)
    types.lab.established("local", TARGET)
    return types


def steps_played(folder: Path, arguments: list[dict[str, Any]], path: str) -> list[tuple[Any, Any]]:
    """``(in check mode, for real)`` of each, all in one real ansible-playbook run."""
    tasks: list[dict[str, Any]] = []
    for index, check in ((index, check) for index in range(len(arguments)) for check in (True, False)):
        task = {"edgefed.kubefed.federated_type": arguments[index], "check_mode": check, "diff": True, "ignore_errors": True}
        task |= {"environment": {"EDGEFED_TEST": "1"}} if path == "module" else {}
        tasks.append({**task, "register": f"outcome_{index}_{check}"})
    kept = "{{ [" + ", ".join(task["register"] for task in tasks) + "] }}"
    tasks.append({"ansible.builtin.copy": {"content": kept, "dest": str(folder / "outcomes"), "mode": "0600"}, "diff": False})
    (folder / "steps.json").write_text(json.dumps([{"hosts": "localhost", "gather_facts": False, "tasks": tasks}]))
    done = played(folder / "steps.json", "-i", "localhost,", "-c", "local", "-e", f"ansible_python_interpreter={sys.executable}")
    assert done.returncode == 0, done.stdout
    outcomes = json.loads((folder / "outcomes").read_text())
    return list(zip(outcomes[::2], outcomes[1::2], strict=True))


def played(*arguments: Any) -> subprocess.CompletedProcess[str]:
    """A real run of ansible-playbook, without traceback; errors are in ``stdout`` too."""
    command = [str(Path(sys.executable).with_name("ansible-playbook")), *map(str, arguments)]
    done = subprocess.run(command, cwd=REPOSITORY, text=True, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert "Traceback" not in done.stdout and "a bug in edgefed" not in done.stdout
    return done


def test_twelve_steps(fresh: Types, tmp_path: Path, path: str) -> None:
    """Create, again, change, again, delete, delete absent; each in check mode first, which foretells it and changes nothing."""
    base = {"kubeconfig": fresh.lab.kubeconfig, "context": "local", "name": TARGET}
    changed = {"status_collection": "Enabled", "propagation": "Disabled"}
    carried = [f"{name}: create CustomResourceDefinition" for name in MEMBERS]
    config = "FederatedTypeConfig"
    steps: list[tuple[dict[str, Any], list[str]]] = [
        ({}, ["host: create CustomResourceDefinition", *carried, f"host: create {config}"]),
        ({}, []),
        (changed, [f"host: update {config}"]),
        (changed, []),
        ({"state": "absent", "delete_crd": True}, [f"host: delete {config}", "host: delete CustomResourceDefinition"]),
        ({"state": "absent", "delete_crd": True}, []),
    ]
    outcomes = steps_played(tmp_path, [{**base, **options} for options, _ in steps], path)
    for (foretold, outcome), (_, expected) in zip(outcomes, steps, strict=True):
        for one in (foretold, outcome):
            assert not one.get("failed"), one["msg"]
            assert (one["changed"], actions(one["changes"])) == (bool(expected), expected)
        assert outcome["diff"] == foretold["diff"]
        assert (outcome["diff"]["before"] != outcome["diff"]["after"]) is bool(expected)
    assert fresh.config() is None and fresh.lab.get("local", "crd", FEDERATED) is None
    assert all(fresh.lab.get(each, "crd", TARGET) for each in MEMBERS)


def test_custom_resource_end_to_end(fresh: Types) -> None:
    """From a CRD that only the host cluster has to objects in the members, and their status back, on and off."""
    made = fresh(name="gtw", status_collection="Enabled")
    assert made.data["members"] == {"cddev": "lacks it", "local": "served", "zj": "lacks it"}
    fresh.settled()
    fresh.apply(gateway("east"))
    fresh.arrived("east")
    for cluster in MEMBERS:
        fresh.lab.kubectl(
            cluster, "patch", TARGET, "east", "-n", SPACE, "--subresource=status", "--type=merge", "-p", '{"status":{"phase":"Ready"}}'
        )

    def remote() -> list[Any]:
        clusters = (fresh.lab.get("local", FEDERATED, "east", "-n", SPACE).get("status") or {}).get("clusters") or []
        return [item.get("remoteStatus") for item in clusters]

    until(lambda: remote() == [{"phase": "Ready"}] * 2, "the status in the federated object")
    assert fresh(name=TARGET, status_collection="Disabled").changed
    fresh.apply(gateway("east", "b.example.com"))
    fresh.arrived("east", "b.example.com")
    until(lambda: remote() == [None, None], "no status in the federated object")
    template = fresh.lab.get("local", "crd", FEDERATED)["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
    assert template["properties"]["template"]["properties"]["spec"]["properties"]["port"]["type"] == "integer"
    wrong = gateway("wrong")
    wrong["spec"]["template"]["spec"]["host"] = 7
    with pytest.raises(AssertionError, match="host"):
        fresh.apply(wrong)


def test_disable_refused_then_orphaned_then_deleted(fresh: Types) -> None:
    """Refused with names; orphaned, the copies stay and KubeFed lets go of them; deleted, they go. Propagation is off meanwhile."""
    fresh(name=TARGET)
    fresh.apply(*(gateway(name) for name in ("one", "two")))
    fresh.arrived("one")
    fresh.arrived("two")
    refused = fresh.error(name=TARGET, state="absent")
    assert refused.code == "federated_objects" and refused.details["count"] == 2
    assert f"FederatedGateway {SPACE}/one, FederatedGateway {SPACE}/two" in refused.message
    stopped = fresh(name=TARGET, propagation="Disabled")
    assert stopped.data["controller"] == "NotRunning"
    fresh.settled(propagation="Disabled")
    assert fresh.copy("zj", "one")["metadata"]["labels"] == {"kubefed.io/managed": "true"}
    gone = fresh(name=TARGET, state="absent", objects="orphan", delete_crd=True)
    assert gone.data["objects"] == 2 and not gone.warnings
    for cluster in MEMBERS:
        assert [not fresh.copy(cluster, name)["metadata"].get("labels") for name in ("one", "two")] == [True, True]
    assert fresh.config() is None and fresh.lab.get("local", "crd", FEDERATED) is None
    fresh(name=TARGET)
    fresh.apply(gateway("one", "c.example.com"))
    fresh.arrived("one", "c.example.com")
    assert fresh(name=TARGET, state="absent", objects="delete").data["objects"] == 1
    for cluster in MEMBERS:
        assert fresh.copy(cluster, "one") is None and fresh.copy(cluster, "two")
    assert fresh.config() is None and fresh.lab.get("local", "crd", FEDERATED)


HALF_WAY: dict[str, list[list[str]]] = {
    "a FederatedTypeConfig without its CRD": [["local", "delete", "crd", FEDERATED]],
    "a CRD without its FederatedTypeConfig": [["local", "delete", "federatedtypeconfig", TARGET, "-n", SYSTEM]],
    "a member without the target": [["zj", "delete", "crd", TARGET]],
    "another schema": [
        [
            "local",
            "patch",
            "crd",
            FEDERATED,
            "--type=json",
            "-p",
            '[{"op":"remove","path":"/spec/versions/0/schema/openAPIV3Schema/required"}]',
        ]
    ],
    "wrong fields": [
        ["local", "patch", "federatedtypeconfig", TARGET, "-n", SYSTEM, "--type=merge", "-p", '{"spec":{"targetType":{"kind":"Gate"}}}']
    ],
    "nothing but the target": [
        ["local", "delete", "federatedtypeconfig", TARGET, "-n", SYSTEM],
        ["local", "delete", "crd", FEDERATED],
        *([each, "delete", "crd", TARGET] for each in MEMBERS),
    ],
}


def test_half_way(fresh: Types) -> None:
    """From each state one run foretells and does it, the next has nothing to do; and disabling ends the same from each."""
    fresh(name=TARGET)
    for state, damage in HALF_WAY.items():
        for command in damage:
            fresh.lab.kubectl(*command)
        foretold = fresh(check=True, name=TARGET)
        healed = fresh(name=TARGET)
        assert healed.changed, state
        assert healed.data["changes"] == foretold.data["changes"], state
        fresh.settled()
    for state in ("a FederatedTypeConfig without its CRD", "a CRD without its FederatedTypeConfig"):
        for command in HALF_WAY[state]:
            fresh.lab.kubectl(*command)
        assert fresh(name=TARGET, state="absent", delete_crd=True).changed, state
        assert fresh.config() is None and fresh.lab.get("local", "crd", FEDERATED) is None, state
        assert not fresh(name=TARGET, state="absent", delete_crd=True).changed
        fresh(name=TARGET)
    fresh.lab.kubectl("local", "delete", "crd", TARGET)
    assert fresh(name="Gateway", state="absent", delete_crd=True).changed
    assert fresh.config() is None and fresh.lab.get("local", "crd", FEDERATED) is None


def test_objects_whose_type_was_lost(fresh: Types) -> None:
    """The FederatedTypeConfig is gone and objects with finalizers are left: they go by KubeFed all the same."""
    fresh(name=TARGET)
    fresh.apply(gateway("left"))
    fresh.arrived("left")
    fresh.lab.kubectl("local", "delete", "federatedtypeconfig", TARGET, "-n", SYSTEM)
    assert fresh.error(name=TARGET, state="absent").details["count"] == 1
    fresh(name=TARGET, state="absent", objects="delete", delete_crd=True)
    assert [fresh.copy(each, "left") for each in MEMBERS] == [None, None]
    assert fresh.config() is None and fresh.lab.get("local", "crd", FEDERATED) is None


@pytest.mark.parametrize("name", [BUILT_IN, "priorityclasses.scheduling.k8s.io", TARGET])
def test_as_kubefedctl(fresh: Types, name: str) -> None:
    """Theirs first: nothing to do for ours, of a CRD with the template left open as they do. Ours first: the same objects."""

    federated = f"federated{name.split('.', maxsplit=1)[0]}.types.kubefed.io"

    def made() -> tuple[Any, Any]:
        return fresh.config(name)["spec"], fresh.lab.get("local", "crd", federated)["spec"]

    kubefedctl(fresh.lab, "enable", name)
    theirs = made()
    tighter = fresh(name=name, check=True)
    assert actions(tighter.data["changes"])[:1] == (["host: update CustomResourceDefinition"] if name == TARGET else [])
    adopted = fresh(name=name, template_schema="open")
    assert {change["cluster"] for change in adopted.data["changes"]} <= set(MEMBERS)
    assert made() == theirs
    fresh(name=name, state="absent", delete_crd=True)
    assert fresh.config(name) is None
    fresh(name=name, template_schema="open")
    assert made() == theirs
    kubefedctl(fresh.lab, "disable", name, "--delete-crd")
    # kubefedctl does not wait until both are gone
    for what in (f"federatedtypeconfig/{name}", f"crd/{federated}"):
        fresh.lab.kubectl("local", "wait", "--for=delete", what, "-n", SYSTEM, "--timeout=60s")
    assert not fresh(name=name, state="absent", delete_crd=True).changed


def test_defaults_of_the_chart_are_as_ours(types: Types) -> None:
    """Nothing to do for any type that KubeFed brings."""
    configs = types.lab.get("local", "federatedtypeconfigs", "-n", SYSTEM)["items"]
    names = [item["metadata"]["name"] for item in configs if "meta.helm.sh/release-name" in item["metadata"].get("annotations", {})]
    assert len(names) >= 10
    for name in names:
        assert not types(name=name, check=True).changed, name
    gone = types(name="jobs.batch", state="absent", delete_crd=True, check=True)
    assert any('Helm release "kubefed"' in said for said in gone.warnings) and any("stays" in said for said in gone.warnings)


def test_group_of_its_own(fresh: Types) -> None:
    """The chart gives its controller no right to other groups than its own; ours does, and takes it back."""
    who = f"--as=system:serviceaccount:{SYSTEM}:kubefed-controller"

    def may(group: str) -> str:
        return str(fresh.lab.kubectl("local", "auth", "can-i", "update", f"federatedgateways.{group}", who, "-A", check=False)).strip()

    fresh(name=TARGET, federated_group="fed.example.com", federated_version="v1")
    assert may("fed.example.com") == "yes"
    assert fresh.config()["spec"]["federatedType"]["version"] == "v1"
    fresh.settled()
    other = fresh.error(name=TARGET, federated_group="types.kubefed.io")
    assert other.code == "other_federated_type" and "fed.example.com/v1" in other.message
    fresh.lab.kubectl("local", "delete", "federatedtypeconfig", TARGET, "-n", SYSTEM)
    crd = "federatedgateways.fed.example.com"
    assert not fresh(name=TARGET, state="absent", delete_crd=True).changed and fresh.lab.get("local", "crd", crd)
    fresh(name=TARGET, state="absent", federated_group="fed.example.com", delete_crd=True)
    assert fresh.lab.get("local", "crd", crd) is None
    assert may("fed.example.com") == "no"


@pytest.mark.parametrize(
    ("options", "code", "says"),
    [
        ({"name": "gatewayz.shop.example.com"}, "no_kind", TARGET),
        ({"name": TARGET, "version": "v2"}, "no_version", "only in v1"),
        ({"name": "federatedjobs.types.kubefed.io"}, "not_federatable", "of KubeFed itself"),
        ({"name": "tokenreviews.authentication.k8s.io"}, "not_federatable", "delete, get, list"),
        ({"name": TARGET, "target_crd": "require"}, "members", 'cluster "cddev" does not serve shop.example.com/v1 Gateway; cluster "zj"'),
        ({"name": "namespaces", "state": "absent"}, "needed", "deployments.apps"),
        ({"name": TARGET, "namespace": "default"}, "no_kubefed", "control_plane.yml"),
    ],
)
def test_refused(fresh: Types, options: dict[str, Any], code: str, says: str) -> None:
    """Before anything is written, with the reason."""
    error = fresh.error(**options)
    assert error.code == code and says in error.message


def test_foreign_crd(fresh: Types) -> None:
    """A CRD of the federated type's name, for something else, is left alone."""
    names = {"kind": "Other", "plural": "federatedgateways"}
    other = {**GATEWAYS, "metadata": {"name": FEDERATED}, "spec": {**GATEWAYS["spec"], "group": "types.kubefed.io", "names": names}}  # type: ignore[dict-item]
    fresh.apply(other)
    try:
        assert fresh.error(name=TARGET).code == "foreign_crd"
    finally:
        fresh.lab.kubectl("local", "delete", "crd", FEDERATED)


def test_member_without_a_context(fresh: Types, tmp_path: Path) -> None:
    """It is reached as KubeFed reaches it, by what the host cluster keeps; and the token is shown nowhere."""
    whole = yaml.safe_load(Path(fresh.lab.kubeconfig).read_text())
    whole["contexts"] = [item for item in whole["contexts"] if item["name"] == "local"]
    Path(tmp_path / "host").write_text(yaml.safe_dump(whole))
    made = fresh(name=TARGET, kubeconfig=str(tmp_path / "host"))
    assert [change["cluster"] for change in made.data["changes"]][1:3] == list(MEMBERS)
    assert all(fresh.lab.get(each, "crd", TARGET) for each in MEMBERS)
    secret = fresh.lab.get("local", "secret", "zj-credentials", "-n", SYSTEM)
    assert secret["data"]["token"][:40] not in json.dumps([made.data, made.diff])


def test_info(fresh: Types, run_task: Any, path: str) -> None:
    """Both ways; what keeps a type from being propagated is said."""
    fresh(name=TARGET)
    fresh.apply(gateway("east"))
    fresh.arrived("east")
    fresh.lab.kubectl("zj", "delete", "crd", TARGET)
    options = {"kubeconfig": fresh.lab.kubeconfig, "context": "local", "objects": True, "members": True}
    found = run_task("federated_type_info", options, path=path)
    by_name = {item["name"]: item for item in found["types"]}
    assert len(by_name) >= 11 and not found["changed"] and found["members_unseen"] == {}
    mine = by_name[TARGET]
    assert (mine["controller"], mine["objects"], mine["members_lacking"]) == ("Running", 1, ["zj"])
    assert "zj" in mine["problem"] and by_name["deployments.apps"]["problem"] == ""
    assert mine["target"]["kind"] == "Gateway" and mine["federated"]["kind"] == "FederatedGateway"
    few = fresh(module=federated_type_info, names=["Gateway"])
    assert [item["name"] for item in few.data["types"]] == [TARGET] and few.data["api_requests"] == 4
    fresh(name=TARGET)


def test_playbook(fresh: Types, tmp_path: Path) -> None:
    """Foretold, done, again; taking out asks for a word, but not for what is gone already."""
    hosts = {name: {"ansible_connection": "local", "ansible_python_interpreter": sys.executable} for name in ("local", *MEMBERS)}
    groups = {"federation_host": {"hosts": {"local": None}}, "federation_members": {"hosts": dict.fromkeys(hosts)}}
    common = {"federation_kubeconfig": fresh.lab.kubeconfig}
    (tmp_path / "lab.json").write_text(json.dumps({"all": {"hosts": hosts, "vars": common, "children": groups}}))

    def play(*items: dict[str, Any], options: tuple[str, ...] = ()) -> tuple[int, int, str]:
        given = json.dumps({"federated_types": items})
        done = played("-i", tmp_path / "lab.json", REPOSITORY / "playbooks/types.yml", "--diff", "-e", given, *options)
        changed = sum("changed=" + number in done.stdout for number in "123456789")
        return done.returncode, changed, " ".join(done.stdout.split())

    wanted = ({"name": TARGET, "status_collection": "Enabled"}, {"name": BUILT_IN, "propagation": "Disabled"})
    assert play(*wanted, options=("--check",))[:2] == (0, 1)
    assert fresh.config() is None
    assert play(*wanted)[:2] == (0, 1)
    assert play(*wanted)[:2] == (0, 0)
    assert fresh.config(BUILT_IN)["spec"]["propagation"] == "Disabled"
    out = tuple({**item, "state": "absent", "delete_crd": True} for item in wanted)
    refused = play(*out)
    assert refused[0] != 0 and f"({TARGET}, {BUILT_IN})" in refused[2] and "federation_confirm=local" in refused[2]
    assert fresh.config() and fresh.config(BUILT_IN)
    assert play(*out, options=("-e", "federation_confirm=local"))[:2] == (0, 1)
    assert fresh.config() is None and fresh.config(BUILT_IN) is None
    assert play(*out)[:2] == (0, 0)
    assert "Nothing to do" in play()[2]
