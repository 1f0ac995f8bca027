# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Credentials of members in the merged kubeconfig, whichever way it is given."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from certificates import pair

from ansible_collections.edgefed.kubefed.plugins.module_utils.clusters.look import Kubeconfigs, default_kubeconfig
from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import EdgefedError

EXTENSION = {"name": "edgefed.io/token", "extension": {"expires": "2026-01-01T00:00:00+00:00"}}


def document(user: dict[str, Any], cluster: dict[str, Any] | None = None) -> dict[str, Any]:
    return {
        "clusters": [{"name": "c", "cluster": {"server": "https://a", **(cluster or {})}}],
        "users": [{"name": "u", "user": user}],
        "contexts": [{"name": "zj", "context": {"cluster": "c", "user": "u"}}, {"name": "torn", "context": {"cluster": "gone"}}],
    }


def kinds(kubeconfigs: Kubeconfigs, name: str = "zj") -> list[str]:
    return [one.kind for one in kubeconfigs.credentials(name)]


def test_a_file_and_the_files_that_it_names(tmp_path: Path) -> None:
    (tmp_path / "ca.crt").write_bytes(pair("ca").certificate)
    (tmp_path / "token").write_text("opaque\n")
    path = tmp_path / "kubeconfig"
    path.write_text(json.dumps(document({"tokenFile": "token"}, {"certificate-authority": "ca.crt"})))
    kubeconfigs = Kubeconfigs(str(path))
    found = kubeconfigs.credentials("zj")
    assert [(one.kind, one.subject) for one in found] == [("ca", "CN=ca"), ("token", "")]
    assert found[0].where == f"context zj of {path}"
    assert kinds(kubeconfigs, "nobody") == kinds(kubeconfigs, "torn") == []


def test_content_and_nothing() -> None:
    given = document({"client-certificate-data": pair("admin").certificate_data, "token": "opaque", "extensions": [EXTENSION]})
    found = Kubeconfigs(given).credentials("zj")
    assert [one.kind for one in found] == ["client_certificate", "token"]
    assert found[1].shown(found[0].expires)["expires"] == "2026-01-01T00:00:00Z"  # type: ignore[arg-type]
    assert kinds(Kubeconfigs(None)) == []


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(EdgefedError, match=r"The merged kubeconfig cannot be read: .* does not exist"):
        Kubeconfigs(str(tmp_path / "gone"))


def test_which_kubeconfig_is_meant(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KUBECONFIG", raising=False)
    assert default_kubeconfig({"kubeconfig": "x", "host": None}) == "x"
    assert default_kubeconfig({"kubeconfig": None, "host": "https://a"}) is None
    assert default_kubeconfig({"kubeconfig": None}) == "~/.kube/config"
    monkeypatch.setenv("KUBECONFIG", "a:b")
    assert default_kubeconfig({"kubeconfig": None}) == "a:b"
