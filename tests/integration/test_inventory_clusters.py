# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The clusters of a real federation as an inventory, through ansible-inventory and ansible themselves."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from integration.test_kubefed_cluster_info import SYSTEM, token

pytestmark = pytest.mark.lab

__all__ = ["token"]
REPOSITORY = Path(__file__).resolve().parents[2]
EVIL = "https://127.0.0.1:1/{{ 'ev' ~ 'aluated' }}"


def ansible(command: str, *arguments: Any, **environment: str) -> subprocess.CompletedProcess[str]:
    """One of Ansible's programs; no traceback may be seen."""
    program = str(Path(sys.executable).with_name(command))
    env = {**os.environ, **environment}
    done = subprocess.run([program, *map(str, arguments)], cwd=REPOSITORY, env=env, capture_output=True, text=True, check=False)
    assert "Traceback" not in done.stdout + done.stderr
    return done


def told(done: subprocess.CompletedProcess[str]) -> str:
    """What it said besides its result, on one line."""
    return " ".join(done.stderr.split())


def config(folder: Path, lab: Any = None, **options: Any) -> Path:
    """A configuration of the plugin."""
    given = {"kubeconfig": lab.kubeconfig, "context": "local"} if lab else {}
    path = folder / "x.kubefed.yml"
    path.write_text(yaml.safe_dump({"plugin": "edgefed.kubefed.clusters", **given, **options}))
    return path


def listed(path: Path, *arguments: str, **environment: str) -> dict[str, Any]:
    """The inventory as data: groups, and hosts' variables under ``_meta``."""
    done = ansible("ansible-inventory", "-i", path, "--list", *arguments, **environment)
    assert done.returncode == 0 and "WARNING" not in done.stderr, done.stderr
    # Ansible's mark of texts that are no templates
    found: dict[str, Any] = json.loads(done.stdout, object_hook=lambda item: item.get("__ansible_unsafe", item))
    return found


def limited(path: Path, pattern: str, *more: Any) -> list[str]:
    """Hosts of ``--limit``, as a playbook's run would have them."""
    done = ansible("ansible", "-i", path, *more, "all", "--list-hosts", "--limit", pattern)
    return sorted(line.strip() for line in done.stdout.splitlines()[1:])


@pytest.fixture(scope="module")
def drained(lab: Any) -> Any:
    """zj in the east and drained; a cluster there that is not ready, whose address is a template."""
    spec = {"apiEndpoint": EVIL, "secretRef": {"name": "nothing"}}
    labels = {"topology.kubernetes.io/region": "east", "example.org/tier": "shop"}
    meta = {"name": "shop", "namespace": SYSTEM, "labels": labels}
    shop = json.dumps({"apiVersion": "core.kubefed.io/v1beta1", "kind": "KubeFedCluster", "metadata": meta, "spec": spec})
    # Other tests leave a cluster without them.
    place = ["topology.kubernetes.io/region=east", "topology.kubernetes.io/zone=hangzhou-1"]
    lab.kubectl("local", "label", "kubefedcluster", "zj", "-n", SYSTEM, "--overwrite", *place)
    lab.kubectl("local", "annotate", "kubefedcluster", "zj", "-n", SYSTEM, "edgefed.io/cordon=drained")
    lab.kubectl("local", "apply", "-f", "-", stdin=shop)
    yield lab
    lab.kubectl("local", "annotate", "kubefedcluster", "zj", "-n", SYSTEM, "edgefed.io/cordon-")
    lab.kubectl("local", "delete", "-f", "-", stdin=shop)


def test_groups_and_limits(drained: Any, tmp_path: Path) -> None:
    path = config(tmp_path, drained)
    graph = ansible("ansible-inventory", "-i", path, "--graph").stdout
    assert "|--@region_east:\n  |  |--shop\n  |  |--zj\n" in graph
    assert limited(path, "region_east") == ["shop", "zj"]
    assert limited(path, "region_east:&ready") == ["zj"]
    assert limited(path, "kubefed_clusters:!drained:!not_ready") == ["cddev", "local"]
    assert limited(path, "label_example_org_tier_shop") == limited(path, "not_ready") == ["shop"]
    # with a static inventory, whose variables the hosts keep
    assert limited(REPOSITORY / "inventories" / "lab", "federation_members:&region_east:&ready", "-i", path) == ["zj"]


def test_variables_tell_what_the_federation_knows_and_are_no_templates(drained: Any, tmp_path: Path) -> None:
    path = config(tmp_path, drained)
    hosts = listed(path)["_meta"]["hostvars"]
    assert (hosts["zj"]["kubefed_ready"], hosts["zj"]["kubefed_cordon"], hosts["zj"]["kubefed_region"]) == (True, "drained", "east")
    assert hosts["zj"]["kubefed_labels"]["topology.kubernetes.io/region"] == "east"
    shown = ansible("ansible", "-i", path, "shop", "-c", "local", "-m", "ansible.builtin.debug", "-a", "var=kubefed_api_endpoint").stdout
    assert "~ 'aluated'" in shown.replace("''", "'") and "evaluated" not in shown


def test_constructed(drained: Any, tmp_path: Path) -> None:
    options = {
        "group_by": ["region"],
        "compose": {"site": "kubefed_zones | first"},
        "groups": {"young": "kubefed_kubernetes_version is version('v1.30', '>=')"},
        "keyed_groups": [{"key": "kubefed_labels['example.org/tier'] | default('other')", "prefix": "tier"}],
    }
    found = listed(config(tmp_path, drained, **options))
    assert found["_meta"]["hostvars"]["zj"]["site"] == "hangzhou-1"
    assert "site" not in found["_meta"]["hostvars"]["shop"]
    assert found["young"]["hosts"] == ["cddev", "local", "zj"]
    assert (found["tier_shop"]["hosts"], "ready" in found) == (["shop"], False)
    done = ansible("ansible-inventory", "-i", config(tmp_path, drained, **options, strict=True), "--list")
    # of the first host without a zone, which need not be shop
    assert "Could not set site for host " in told(done)


def test_a_cache_answers_where_the_host_cluster_does_not(lab: Any, tmp_path: Path) -> None:
    document = yaml.safe_load(Path(lab.kubeconfig).read_text())
    kubeconfig = tmp_path / "kubeconfig"
    shutil.copy(lab.kubeconfig, kubeconfig)
    cache = {"cache": True, "cache_plugin": "ansible.builtin.jsonfile", "cache_connection": str(tmp_path / "cache")}
    path = config(tmp_path, kubeconfig=str(kubeconfig), context="local", **cache)
    first = listed(path)
    for item in document["clusters"]:
        item["cluster"]["server"] = "https://127.0.0.1:1"
    kubeconfig.write_text(yaml.safe_dump(document))
    assert listed(path) == first
    assert "the connection was refused" in told(
        ansible("ansible-playbook", "-i", path, "--list-hosts", "--flush-cache", "playbooks/info.yml")
    )
    # another federation has another place in the cache, though the file be the same
    config(tmp_path, kubeconfig=str(kubeconfig), context="zj", **cache)
    assert "the connection was refused" in told(ansible("ansible-inventory", "-i", path, "--list"))
    assert not [file for file in (tmp_path / "cache").iterdir() if "certificate" in file.read_text()]


def test_awx_environment_is_enough(lab: Any, token: str, tmp_path: Path) -> None:
    """As AWX's credential type OpenShift or Kubernetes API Bearer Token sets it."""
    clusters = {item["name"]: item["cluster"] for item in yaml.safe_load(Path(lab.kubeconfig).read_text())["clusters"]}
    environment = {"K8S_AUTH_HOST": clusters["local"]["server"], "K8S_AUTH_API_KEY": token, "K8S_AUTH_VERIFY_SSL": "False"}
    found = listed(config(tmp_path), **environment)
    assert "zj" in found["kubefed_clusters"]["hosts"]


def test_a_host_cluster_that_does_not_answer_is_told_and_ends_the_run_where_wanted(tmp_path: Path) -> None:
    path = config(tmp_path, host="https://127.0.0.1:1", api_key="hunter2-secret")
    only = {"ANSIBLE_INVENTORY_ENABLED": "edgefed.kubefed.clusters"}
    said = "Cannot reach cluster https://127.0.0.1:1: the connection was refused. Next: check that the API server runs"
    for environment, status in (({}, 0), ({"ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED": "1"}, 1)):
        done = ansible("ansible-inventory", "-i", path, "--list", "-vvvv", **only, **environment)
        assert bool(done.returncode) is bool(status), done.stderr
        assert said in told(done), done.stderr
        assert len(re.findall(r"\[WARNING\]: (?:\* )?Failed to parse", told(done))) == 1, done.stderr
        assert "hunter2" not in done.stdout + done.stderr


def test_the_example_is_safe_where_it_lies_and_works_where_it_is_wanted(lab: Any, tmp_path: Path) -> None:
    example = REPOSITORY / "inventories" / "example"
    assert "kubefed_clusters" not in listed(example)
    options = yaml.safe_load((example / "clusters.kubefed.yml.txt").read_text())
    options |= {"kubeconfig": lab.kubeconfig, "context": "local", "cache_connection": str(tmp_path / "cache")}
    options.pop("plugin")
    assert limited(config(tmp_path, **options), "region_east:&ready") == ["zj"]
