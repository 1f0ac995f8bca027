# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Job templates run by ansible-runner as AWX runs them: a folder of their own, a read-only project, a user that nobody knows, answers of a
survey as extra variables, credentials as injected files; artifacts and events come back. One real cluster, without KubeFed."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from integration.real_cluster import REPOSITORY, Cluster, cluster

from ansible_collections.edgefed.kubefed.plugins.module_utils.awx.objects import ready
from ansible_collections.edgefed.kubefed.plugins.module_utils.awx.survey import options_of

__all__ = ["cluster"]
RUNNER = str(Path(sys.executable).with_name("ansible-runner"))
PARTS = ("ansible.cfg", "collections", "inventories", "meta", "playbooks", "plugins", "roles", "galaxy.yml", "README.md")
OBJECTS = yaml.load((REPOSITORY / "roles/awx/defaults/main/objects.yml").read_text().replace("!unsafe ", ""), yaml.SafeLoader)[
    "awx_objects"
]
OPTIONS = options_of([yaml.safe_load(path.read_text()) for path in sorted(REPOSITORY.glob("roles/*/meta/argument_specs.yml"))])
TEMPLATES = {item["name"]: item for item in ready({"job_templates": OBJECTS["job_templates"]}, OPTIONS)["job_templates"]}
RESOURCE = {
    "apiVersion": "types.kubefed.io/v1beta1",
    "kind": "FederatedConfigMap",
    "metadata": {"name": "settings", "namespace": "shop"},
    "spec": {"template": {"data": {"currency": "CNY"}}, "placement": {"clusters": [{"name": "shop-1"}]}},
}
# A user without a name and without rights, as OpenShift gives to a container: known to nobody, group root.
NOBODY = ["unshare", "--user", "--map-user=12345", "--map-group=0"]


@dataclass(frozen=True)
class Job:
    """What came back."""

    status: int
    output: str
    artifacts: Path

    @property
    def stats(self) -> dict[str, Any]:
        """What ``set_stats`` gives to the next node of a workflow, as AWX reads it."""
        events = [json.loads(path.read_text()) for path in self.artifacts.glob("job_events/*.json")]
        last = next(event for event in events if event["event"] == "playbook_on_stats")
        found: dict[str, Any] = last["event_data"].get("artifact_data", {})
        return found

    @property
    def said(self) -> str:
        return " ".join(self.output.split()).replace("''", "'")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout that nobody may write."""
    folder = tmp_path_factory.mktemp("project") / "edgefed"
    folder.mkdir()
    for name in PARTS:
        copy = shutil.copytree if (REPOSITORY / name).is_dir() else shutil.copy
        copy(REPOSITORY / name, folder / name, **({"symlinks": True} if copy is shutil.copytree else {}))
    for path in [folder, *folder.rglob("*")]:
        if not path.is_symlink():
            path.chmod(path.stat().st_mode & ~0o222)
    return folder


def prepared(folder: Path, template: str, project: Path, cluster: Cluster, answers: dict[str, Any]) -> Path:
    """The folder that AWX makes for a job."""
    item = TEMPLATES[template]
    questions = (item.get("survey_spec") or {}).get("spec", [])
    assert set(answers) <= {question["variable"] for question in questions}
    defaults = {question["variable"]: question["default"] for question in questions if "default" in question}
    (folder / "env").mkdir(parents=True)
    (folder / "inventory").mkdir()
    (folder / "project").symlink_to(project)
    hosts = {"center": {"kubeconfig_check_timeout": 30}, "shop-1": {"kubeconfig_content": cluster.flat}}
    groups = {"federation_host": {"hosts": {"center": None}}, "federation_members": {"hosts": hosts}}
    common = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable, "kubeconfig_store": "secret"}
    common |= {"federated_resources_definitions": [RESOURCE]}
    (folder / "inventory/hosts.json").write_text(json.dumps({"all": {"vars": common, "children": groups}}))
    (folder / "env/extravars").write_text(json.dumps({**(item.get("extra_vars") or {}), **defaults, **answers}))
    injected = folder / "env/tmp_host_kubeconfig"
    injected.write_text(cluster.flat)
    environment = {
        "ANSIBLE_CONFIG": str(project / "ansible.cfg"),
        "AWX_PRIVATE_DATA_DIR": str(folder),
        "EDGEFED_HOST_KUBECONFIG": str(injected),
        "K8S_AUTH_KUBECONFIG": str(injected),
        "HOME": str(folder),
        "LC_ALL": "C.UTF-8",
        "ANSIBLE_HOME": str(folder / ".ansible"),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    (folder / "env/envvars").write_text(json.dumps(environment))
    return folder


def options_for(template: str) -> list[str]:
    check = ["--cmdline", "--check --diff"] if TEMPLATES[template].get("job_type") == "check" else []
    return ["-p", TEMPLATES[template]["playbook"], "--ident", "job", *check]


def surroundings() -> dict[str, str]:
    """Nothing of the one who started the tests; PATH as in an execution environment."""
    return {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "LC_ALL": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1"}


@pytest.fixture
def job(tmp_path: Path, project: Path, cluster: Cluster) -> Any:
    """``job(template, **answers)`` runs one in a folder of its own."""

    def run(template: str, **answers: Any) -> Job:
        folder = prepared(tmp_path / template.replace(" ", "-"), template, project, cluster, answers)
        command = [*NOBODY, RUNNER, "run", str(folder), *options_for(template)]
        done = subprocess.run(command, cwd=tmp_path, env=surroundings(), capture_output=True, text=True, check=False)
        output = done.stdout + done.stderr
        assert "Traceback" not in output and "bug in edgefed" not in output
        assert cluster.document()["users"][0]["user"]["client-key-data"] not in output
        assert sorted(path.name for path in tmp_path.iterdir()) == sorted({*before, folder.name})
        before.add(folder.name)
        return Job(done.returncode, output, folder / "artifacts/job")

    before = {path.name for path in tmp_path.iterdir()}
    return run


def test_what_one_job_merges_the_next_one_has(job: Any, cluster: Cluster) -> None:
    foretold = job("edgefed collect (check)")
    assert foretold.status == 0, foretold.output
    assert not cluster.kubectl("get", "namespaces", "edgefed", "--ignore-not-found")
    collected = job("edgefed collect", kubeconfig_check_reachable="true")
    assert collected.status == 0, collected.output
    kept = cluster.kubectl("get", "secrets", "-n", "edgefed", "-o=jsonpath={.items[*].metadata.name}")
    assert kept == "kubeconfig-center kubeconfig-shop-1"
    assert collected.stats["federation_collected"] == ["center", "shop-1"]

    # A folder that has nothing: what it knows it has from the host cluster. Without KubeFed it says so, and what to do.
    info = job("edgefed info", info_credentials_warn_days=7, info_contact_members="false")
    assert info.status != 0 and "Next: " in info.said and "KubeFed" in info.said
    merged = yaml.safe_load((info.artifacts.parents[1] / ".edgefed/kubeconfig").read_text())
    assert sorted(entry["name"] for entry in merged["contexts"]) == ["center", "shop-1"]


def test_preview_offline(job: Any) -> None:
    """Answers of a form are text, and the preview lies in the job's folder."""
    done = job("edgefed preview", federated_resources_preview_offline="true")
    assert done.status == 0, done.output
    assert list((done.artifacts.parents[1] / ".edgefed/preview/shop-1/shop").iterdir())
    foretold = done.stats["federation_preview"]
    assert {item["cluster"] for item in foretold} >= {"shop-1"} and {item["state"] for item in foretold} == {"unknown"}
    assert set(foretold[0]) == {"cluster", "kind", "namespace", "name", "state"}


@pytest.mark.parametrize("template", ["edgefed unjoin", "edgefed drain", "edgefed teardown"])
def test_what_takes_clusters_out_refuses_all_of_them(job: Any, template: str) -> None:
    answers = {"federation_confirm": "another"} if template == "edgefed teardown" else {}
    done = job(template, **answers)
    assert done.status != 0
    assert "Nothing was changed" in done.said and "Next: " in done.said


def test_over_the_mesh(tmp_path: Path, project: Path, cluster: Cluster) -> None:
    """Transmit, worker, process: the job's folder goes over a pipe, and events and artifacts come back."""
    control, node, back = (tmp_path / name for name in ("control", "node", "back"))
    prepared(control, "edgefed preview", project, cluster, {"federated_resources_preview_offline": "true"})
    sent = tmp_path / "sent"
    worked = tmp_path / "worked"
    node.mkdir()
    with sent.open("wb") as out:
        transmit = [RUNNER, "transmit", str(control), *options_for("edgefed preview")]
        subprocess.run(transmit, env=surroundings(), stdout=out, check=True)
    with sent.open("rb") as given, worked.open("wb") as out:
        subprocess.run([RUNNER, "worker", "--private-data-dir", str(node)], env=surroundings(), stdin=given, stdout=out, check=True)
    with worked.open("rb") as given:
        done = subprocess.run(
            [RUNNER, "process", str(back), "--ident", "job"], env=surroundings(), stdin=given, capture_output=True, text=True, check=False
        )
    assert (back / "artifacts/job/rc").read_text() == "0", done.stdout + done.stderr
    events = [json.loads(path.read_text()) for path in (back / "artifacts/job/job_events").glob("*.json")]
    assert {"playbook_on_start", "playbook_on_stats"} <= {event["event"] for event in events}
    assert not re.search("client-key-data: [A-Za-z0-9]", (back / "artifacts/job/stdout").read_text())
