# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Types that come and go, and members: least credentials follow the types, and the kinds' CRDs come to a cluster that joins."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Iterator

import pytest
import yaml
from integration.conftest import Lab
from integration.one_member import ROLE, Federation, inventory_of, played, recap, run_tasks
from integration.test_federated_type import (
    BUILT_IN,
    FEDERATED,
    MEMBERS,
    NAMESPACES,
    SYSTEM,
    TARGET,
    Types,
    actions,
    fresh,
    gateway,
    steps_played,
    types,
)
from integration.waiting import closed_port

__all__ = ["fresh", "run_tasks", "types"]
pytestmark = pytest.mark.lab

REPOSITORY = Path(__file__).resolve().parents[2]
CRD, CONFIG = "CustomResourceDefinition", "FederatedTypeConfig"
RIGHTS = "zj: update ClusterRole"


@pytest.fixture(scope="module")
def least(types: Types) -> Iterator[Federation]:
    """zj with least credentials; with full ones again at the end."""
    fed = Federation(types.lab)
    fed(credentials="least", wait=True)
    yield fed
    fed(wait=True)


def may(lab: Lab, resource: str) -> bool:
    """Whether KubeFed may delete this in zj."""
    user = f"--as=system:serviceaccount:{SYSTEM}:zj-local"
    return lab.kubectl("zj", "auth", "can-i", "delete", resource, user, "-A", check=False).strip() == "yes"


def refusals(lab: Lab) -> list[str]:
    """What KubeFed was refused in zj, by its log."""
    log = Path(lab.kubeconfig).parent / "lab" / "processes" / "controller-manager.log"
    user = f"system:serviceaccount:{SYSTEM}:zj-local"
    return [line for line in log.read_text(errors="replace").splitlines() if user in line and "forbidden" in line]


def kubeconfig_with(lab: Lab, file: Path, *names: str, dead: str = "") -> str:
    """The kubeconfig with these contexts only, one of them with an address at which nobody answers."""
    whole = yaml.safe_load(Path(lab.kubeconfig).read_text())
    whole["contexts"] = [item for item in whole["contexts"] if item["name"] in names]
    lost = [item["context"]["cluster"] for item in whole["contexts"] if item["name"] == dead]
    for item in whole["clusters"]:
        item["cluster"] |= {"server": f"https://127.0.0.1:{closed_port()}"} if item["name"] in lost else {}
    file.write_text(yaml.safe_dump(whole))
    return str(file)


def test_rights_follow_the_types(least: Federation, fresh: Types, tmp_path: Path, path: str) -> None:
    """Wider before a type is enabled, narrower after it is stopped or gone, foretold each time; a join has nothing to change in between."""
    base = {"kubeconfig": fresh.lab.kubeconfig, "context": "local", "name": TARGET}
    stopped, gone = {"propagation": "Disabled"}, {"state": "absent", "delete_crd": True}
    carried = [f"{name}: create {CRD}" for name in MEMBERS]
    steps: list[tuple[dict[str, Any], list[str]]] = [
        ({}, [f"host: create {CRD}", *carried, RIGHTS, f"host: create {CONFIG}"]),
        ({}, []),
        (stopped, [f"host: update {CONFIG}", RIGHTS]),
        ({}, [RIGHTS, f"host: update {CONFIG}"]),
        (gone, [f"host: delete {CONFIG}", f"host: delete {CRD}", RIGHTS]),
        (gone, []),
    ]
    before = len(refusals(fresh.lab))
    outcomes = steps_played(tmp_path, [{**base, **options} for options, _ in steps], path)
    for (foretold, outcome), (_, expected) in zip(outcomes, steps, strict=True):
        for one in (foretold, outcome):
            assert not one.get("failed"), one["msg"]
            assert (one["changed"], actions(one["changes"])) == (bool(expected), expected)
        assert outcome["diff"] == foretold["diff"]
        shown = [outcome["diff"][side][f"zj: ClusterRole {ROLE}"]["rules"] for side in ("before", "after")]
        assert (shown[0] != shown[1]) is (RIGHTS in expected)
    assert not may(fresh.lab, TARGET) and may(fresh.lab, "configmaps")
    assert not least(credentials="least").changed
    assert refusals(fresh.lab)[before:] == []


def test_objects_while_rights_come_and_go(least: Federation, fresh: Types) -> None:
    """They arrive; of a type that is stopped they can still be taken out, for which KubeFed is given its rights once more."""
    before = len(refusals(fresh.lab))
    fresh(name=TARGET)
    assert may(fresh.lab, TARGET) and not least(credentials="least").changed
    fresh.apply(gateway("east"))
    fresh.arrived("east")
    fresh(name=TARGET, propagation="Disabled")
    assert not may(fresh.lab, TARGET) and fresh.copy("zj", "east")
    gone = fresh(name=TARGET, state="absent", objects="delete", delete_crd=True)
    assert not gone.warnings and fresh.copy("zj", "east") is None
    assert not may(fresh.lab, TARGET) and not least(credentials="least").changed
    assert refusals(fresh.lab)[before:] == []


def test_what_was_cut_off(least: Federation, fresh: Types) -> None:
    """Rights that are left of a type that went, and that are missing of one that is there, are put right by the next run, and by a join."""
    for state, heal in ((gone, heal) for gone in ("gone", "there") for heal in ("type", "join")):
        fresh(name=TARGET)
        role = least.find("zj", "clusterrole", ROLE)
        if state == "gone":
            fresh(name=TARGET, state="absent")
        else:
            role["rules"] = [rule for rule in role["rules"] if rule.get("apiGroups") != ["shop.example.com"]]
        fresh.lab.kubectl("zj", "patch", "clusterrole", ROLE, "--type=merge", "-p", json.dumps({"rules": role["rules"]}))
        assert may(fresh.lab, TARGET) is (state == "gone")
        options = {"name": TARGET, "state": "absent" if state == "gone" else "present"}
        healed = fresh(**options).data["changes"] if heal == "type" else least(credentials="least").data["changes"]
        assert [change["kind"] for change in healed] == ["ClusterRole"], (state, heal)
        assert may(fresh.lab, TARGET) is (state == "there")
        assert not least(credentials="least").changed and not fresh(**options).changed


def test_member_that_cannot_be_reached(least: Federation, fresh: Types, tmp_path: Path) -> None:
    """It is named with the next step, which does what was left, and the others are not held up by it."""
    least(name="cddev", credentials="least")
    try:
        dead = kubeconfig_with(fresh.lab, tmp_path / "dead", "local", *MEMBERS, dead="zj")
        (foretold,) = fresh(check=True, name=BUILT_IN, target_crd="ignore", kubeconfig=dead).warnings
        made = fresh(name=BUILT_IN, target_crd="ignore", kubeconfig=dead)
        assert made.warnings == [foretold] and "connection was refused" in foretold and "Next: join.yml --limit zj" in foretold
        assert "cddev: update ClusterRole" in actions(made.data["changes"]) and RIGHTS not in actions(made.data["changes"])
        assert not may(fresh.lab, BUILT_IN)
        assert [change["kind"] for change in least(credentials="least").data["changes"]] == ["ClusterRole"]
        assert may(fresh.lab, BUILT_IN)
        gone = fresh(name=BUILT_IN, state="absent", delete_crd=True, kubeconfig=dead)
        assert ["keeps rights" in said and "join.yml --limit zj" in said for said in gone.warnings] == [True]
        assert [change["kind"] for change in least(credentials="least").data["changes"]] == ["ClusterRole"]
    finally:
        least(name="cddev")


def test_member_without_a_context(least: Federation, fresh: Types, tmp_path: Path) -> None:
    """KubeFed's own token changes its role while cluster roles are federated; without that a type that needs more is refused."""
    host, roles = kubeconfig_with(fresh.lab, tmp_path / "host", "local"), "clusterroles.rbac.authorization.k8s.io"
    assert RIGHTS in actions(fresh(name=BUILT_IN, kubeconfig=host).data["changes"])
    fresh(name=BUILT_IN, state="absent", delete_crd=True, kubeconfig=host)
    assert not may(fresh.lab, BUILT_IN)
    fresh(name=roles, propagation="Disabled")
    try:
        refused = fresh.error(name=BUILT_IN, kubeconfig=host)
        assert refused.code == "members" and refused.details == {"members": ["zj"]}
        assert "no context of that name" in refused.message and "playbooks/kubeconfig.yml" in refused.message
        assert not fresh(name="configmaps", kubeconfig=host).warnings
    finally:
        fresh(name=roles)


def test_crd_comes_with_a_join(least: Federation, fresh: Types, run_tasks: Any, path: str) -> None:
    """Foretold, made before the cluster is joined, and left by an unjoin; or else refused."""
    least(state="absent", wait=True)
    try:
        fresh(name=TARGET)
        fresh.lab.kubectl("zj", "delete", "crd", TARGET, "--ignore-not-found")
        assert least.error(target_crd="require").code == "target_crd"
        assert TARGET not in [change["name"] for change in least(check=True, target_crd="ignore").data["changes"]]
        base = {"kubeconfig": fresh.lab.kubeconfig, "context": "local", "name": "zj", "wait": False}
        outcomes = run_tasks([base, base, {**base, "state": "absent", "wait": True}], path)
        for foretold, outcome in outcomes:
            assert not outcome.get("failed"), outcome["msg"]
            assert outcome["changes"] == foretold["changes"] and set(outcome["diff"]["after"]) == set(foretold["diff"]["after"])
        joined, again, _left = (outcome for _, outcome in outcomes)
        assert joined["changes"][0] == {"action": "create", "cluster": "member", "kind": CRD, "name": TARGET}
        assert f"member: {CRD} {TARGET}" in joined["diff"]["after"] and f"member: {CRD} {TARGET}" not in joined["diff"]["before"]
        assert not again["changed"]
        assert fresh.lab.get("zj", "crd", TARGET)
    finally:
        least(credentials="least")


def test_playbooks_in_one_run(least: Federation, fresh: Types, tmp_path: Path) -> None:
    """Least credentials, a new type and its objects in one run, a second one changes nothing; and a cluster that comes later gets all."""
    variables = {"federated_types": [{"name": TARGET}], "federated_resources_definitions": [*NAMESPACES[1:], gateway("all")]}
    hosts = inventory_of(fresh.lab, tmp_path, ["local", *MEMBERS], **variables)
    inventory = json.loads(hosts.read_text())
    inventory["all"]["children"]["federation_members"]["hosts"]["zj"] = {"member_credentials": "least"}
    hosts.write_text(json.dumps(inventory))
    steps = [{"ansible.builtin.import_playbook": str(REPOSITORY / f"playbooks/{name}.yml")} for name in ("join", "types", "federate")]
    (tmp_path / "site.json").write_text(json.dumps(steps))
    for expected in (True, False):
        done = played("-i", hosts, tmp_path / "site.json")
        found = recap(done.stdout)
        assert done.returncode == 0, done.stdout
        assert (found["local"][0] > 0, found["zj"][0], found["cddev"][0]) == (expected, 0, 0), done.stdout
    fresh.arrived("all")
    least(state="absent", wait=True)
    fresh.lab.kubectl("zj", "delete", "crd", TARGET)
    least(credentials="least", wait=True)
    fresh.apply(gateway("all", "b.example.com"))
    fresh.arrived("all", "b.example.com")
    least.settled(credentials="least")
    fresh(name=TARGET, state="absent", objects="delete", delete_crd=True)
    assert fresh.lab.get("local", "crd", FEDERATED) is None
