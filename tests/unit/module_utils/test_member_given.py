# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Kubeconfigs of Rancher, and those whose user is a program."""

from __future__ import annotations

import base64
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.edgefed.kubefed.plugins.module_utils.kubeconfig.rancher import DIRECT
from ansible_collections.edgefed.kubefed.plugins.module_utils.member.given import documents, endpoint, refuse_program
from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import EdgefedError

PROXY = "https://rancher.example.com/k8s/clusters/c-m-abcde"


def kubeconfig(user: dict[str, Any] | None = None, **servers: str) -> dict[str, Any]:
    """As Rancher writes it: one user, and a context for each address."""
    ca = base64.b64encode(b"CA").decode()
    names = [name.replace("_", "-") for name in servers]
    clusters = [{"name": name, "cluster": {"server": servers[key]}} for name, key in zip(names, servers, strict=True)]
    for cluster in clusters[1:]:
        cluster["cluster"]["certificate-authority-data"] = ca  # type: ignore[index]
    contexts = [{"name": name, "context": {"cluster": name, "user": "shop" if name.startswith("shop") else "other"}} for name in names]
    return {"clusters": clusters, "contexts": contexts, "users": [{"name": "shop", "user": user or {"token": "t"}}]}


def test_authorized_cluster_endpoint() -> None:
    """Taken with its CA, when the user has not chosen the address; not that of another cluster with a like name."""
    found = kubeconfig(
        shop=PROXY, shop2_a="https://10.9.9.9:6443", other="https://10.8.8.8:6443", shop_fqdn="https://shop.example.com:6443"
    )
    assert endpoint([found], "shop", PROXY, chosen=False) == ("https://shop.example.com:6443", b"CA")
    assert endpoint([found], "shop", "https://10.0.0.5:6443", chosen=True) is None
    for given, chosen in ((kubeconfig(shop=PROXY), False), (found, True), (kubeconfig(shop=PROXY, shop_b=f"{PROXY}x"), False)):
        with pytest.raises(EdgefedError, match=r"Rancher's proxy.*Next: set api_endpoint.*credentials: provided") as caught:
            endpoint([given], "shop", PROXY, chosen)
        assert caught.value.code == "rancher_proxy"


def test_the_address_that_a_merged_kubeconfig_keeps() -> None:
    """Merged, a cluster's context and user have the host's name, so the direct address lies beside the proxy's, with its CA or without."""
    merged = kubeconfig(shop=PROXY)
    kept = {"source_context": "c-fqdn", "server": "https://shop.example.com:6443"}
    for more, ca in (({"certificate-authority-data": base64.b64encode(b"CA").decode()}, b"CA"), ({}, None)):
        merged["clusters"][0]["cluster"]["extensions"] = [{"name": "theirs"}, {"name": DIRECT, "extension": {**kept, **more}}]
        assert endpoint([merged], "shop", PROXY, chosen=False) == ("https://shop.example.com:6443", ca)
    with pytest.raises(EdgefedError, match="Rancher's proxy"):
        endpoint([merged], "shop", PROXY, chosen=True)


@pytest.mark.parametrize(
    ("user", "said"),
    [
        ({"token": "t"}, ""),
        ({"exec": {"command": sys.executable}}, ""),
        ({"exec": {"command": "no-such-login"}}, "is the program 'no-such-login', which is not on this machine"),
        ({"auth-provider": {"name": "gcp"}}, "auth-provider 'gcp'"),
    ],
)
def test_users_that_are_programs(user: dict[str, Any], said: str) -> None:
    """Only what can't be run is refused."""
    found = [kubeconfig(user, shop="https://10.0.0.5:6443")]
    if not said:
        refuse_program(found, "shop")
        return
    with pytest.raises(EdgefedError, match=f"User 'shop' of cluster 'shop' .*{said}.*KubeFed's controller.*Next: "):
        refuse_program(found, "shop")


def test_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One, several as in KUBECONFIG, of which one is missing and one is none, or what KUBECONFIG says."""
    (tmp_path / "a").write_text(json.dumps(kubeconfig(shop=PROXY)))
    (tmp_path / "b").write_text("\x00: [")
    several = f"{tmp_path / 'a'}:{tmp_path / 'b'}:{tmp_path / 'c'}"
    assert documents(str(tmp_path / "a")) == documents(several) == [kubeconfig(shop=PROXY)]
    monkeypatch.setenv("KUBECONFIG", several)
    assert documents(None) == documents(kubeconfig(shop=PROXY))
