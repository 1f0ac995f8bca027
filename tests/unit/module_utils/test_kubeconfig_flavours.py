# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which flavour a machine is, found by its files; the files are laid out as the sources named in tests/data/flavours say."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from flavour_fixtures import DATA, fixture, lay

from ansible_collections.edgefed.kubefed.plugins.module_utils.kubeconfig import find as find_module
from ansible_collections.edgefed.kubefed.plugins.module_utils.kubeconfig.find import ask_address, find
from ansible_collections.edgefed.kubefed.plugins.module_utils.kubeconfig.flavours import MASTERS, ON_MASTERS, OTHER, named, oam_address
from ansible_collections.edgefed.kubefed.plugins.module_utils.kubeconfig.read import ReadProblem
from ansible_collections.edgefed.kubefed.plugins.modules.kubeconfig_info import FLAVOURS

NAMES = [flavour.name for flavour in ON_MASTERS]
REPOSITORY = Path(__file__).resolve().parents[3]
OAM = """WARNING: The oam-show command is deprecated
+-----------------+---------------+
| Property        | Value         |
+-----------------+---------------+
| oam_c0_ip       | 10.10.10.3    |
| {key} | {value} |
| updated_at      | None          |
+-----------------+---------------+
"""


@pytest.mark.parametrize("name", NAMES)
def test_each_is_recognised_by_its_files_alone(name: str, tmp_path: Path) -> None:
    path = lay(tmp_path, fixture(name))
    for wanted in ("auto", name):
        found = find(wanted, "", str(tmp_path))
        assert (found.flavour.name, found.path) == (name, str(path))


def test_the_order(tmp_path: Path) -> None:
    """What one flavour only has goes before what others have too; taken away one by one, the next is found."""
    for name in NAMES:
        lay(tmp_path, fixture(name))
    seen = []
    for _name in NAMES:
        found = find("auto", "", str(tmp_path))
        seen.append(found.flavour.name)
        sign = found.flavour.sign
        (tmp_path / sign.lstrip("/") if sign else Path(found.path)).unlink()
    assert seen == NAMES
    assert FLAVOURS[0] == "auto" and set(NAMES) < set(FLAVOURS)


def test_what_may_not_be_read_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lay(tmp_path, fixture("kubeadm"))
    home = tmp_path / "home"
    (home / ".kube").mkdir(parents=True)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setattr(find_module, "_unreadable", lambda flavour, file, root: "" if file in OTHER.files else "may not be read")
    assert find("auto", "", str(tmp_path)).path == str(home / ".kube" / "config")
    monkeypatch.setattr(find_module, "_unreadable", lambda flavour, file, root: "may not be read")
    with pytest.raises(ReadProblem, match="Next: set kubeconfig_become to true when it is root's") as caught:
        find("auto", "", str(tmp_path))
    assert caught.value.code == "permission"


def test_what_is_not_recognised_is_told_with_every_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(ReadProblem) as caught:
        find("auto", "", str(tmp_path))
    message = caught.value.message
    assert caught.value.code == "not_recognised"
    assert message.startswith("no kubeconfig was recognised. Looked, as user ")
    for place in (
        "no starlingx: /etc/platform/openrc does not exist",
        "/etc/rancher/k3s/k3s.yaml (does not exist)",
        "~/.kube/config (does",
    ):
        assert place in message
    assert message.endswith("Next: set kubeconfig_path to where the kubeconfig lies, or kubeconfig_flavour to what this cluster is")
    with pytest.raises(ReadProblem, match=r"flavour k3s has no kubeconfig here\. Looked"):
        find("k3s", "", str(tmp_path))


@pytest.mark.parametrize(
    ("wanted", "path", "flavour"),
    [
        ("auto", "/etc/rancher/k3s/k3s.yaml", "k3s"),
        ("auto", "/home/me/config", ""),
        ("auto", "/etc/kubernetes/admin.conf", "kubeadm"),
        ("rke2", "/home/me/config", "rke2"),
        ("rancher", "/home/me/config", ""),
        ("auto", "~/a:~/b", ""),
    ],
)
def test_a_path_goes_before_everything(wanted: str, path: str, flavour: str, tmp_path: Path) -> None:
    found = find(wanted, path, str(tmp_path))
    assert (found.flavour.name, found.path) == (flavour, path)


@pytest.mark.parametrize(
    ("table", "address"),
    [
        (OAM.format(key="oam_floating_ip", value="10.10.10.2"), "10.10.10.2"),
        (OAM.format(key="oam_ip         ", value="2607:f160::10"), "2607:f160::10"),
        ("Openstack Admin credentials can only be loaded from the active controller.", ""),
        ("", ""),
    ],
)
def test_the_address_in_what_starlingx_prints(table: str, address: str) -> None:
    assert oam_address(table) == address


def test_only_starlingx_is_asked_and_says_why_it_cannot_be() -> None:
    assert ask_address(named("k3s") or OTHER) == ""
    with pytest.raises(ReadProblem, match=r"which only the active controller knows\. Next: set ansible_host"):
        ask_address(named("starlingx") or OTHER)


@pytest.mark.parametrize("name", [*NAMES, "rancher", "cluster_api"])
def test_each_fixture_names_its_source(name: str) -> None:
    text = (DATA / f"{name}.yaml").read_text()
    assert text.startswith("---\n# ") and "kubeconfig" in yaml.safe_load(text)
    flavour = named(name)
    if flavour:
        repository, path, commit = flavour.source
        assert repository in text and path in text and commit in text
        assert len(commit) == 40


def test_the_document_is_the_table() -> None:
    document = (REPOSITORY / "docs" / "flavours.md").read_text()
    for flavour in ON_MASTERS:
        assert f"| `{flavour.name}` |" in document
        for word in (*flavour.files, flavour.source[0], flavour.source[1], flavour.source[2][:12]):
            assert word in document, (flavour.name, word)
    assert [flavour.name for flavour in ON_MASTERS if flavour.address == MASTERS] == ["rke2", "k3s", "microk8s"]
