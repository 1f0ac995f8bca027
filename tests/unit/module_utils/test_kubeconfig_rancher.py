# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The right one of many contexts of a kubeconfig that Rancher wrote."""

from __future__ import annotations

import json

import pytest
from flavour_fixtures import fixture

from ansible_collections.edgefed.kubefed.plugins.module_utils.kubeconfig.model import Kubeconfig, parse
from ansible_collections.edgefed.kubefed.plugins.module_utils.kubeconfig.rancher import choose
from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import EdgefedError


def kubeconfig(*more: tuple[str, str]) -> Kubeconfig:
    """The fixture's, with more contexts as ``(name, server)``."""
    document = fixture("rancher", SERVER="https://direct:6443", TOKEN="t")["kubeconfig"]
    for name, server in more:
        document["clusters"].append({"name": name, "cluster": {"server": server}})
        document["contexts"].append({"name": name, "context": {"cluster": name, "user": "u-1"}})
    return parse(json.dumps(document), "kubeconfig")


@pytest.mark.parametrize(
    ("cluster", "more", "expected"),
    [
        ("shop", [], "shop-fqdn"),
        ("shop2", [], "shop2-node-1"),
        ("shop2", [("shop2-fqdn", "https://direct")], "shop2-fqdn"),
        # the direct context of another cluster, whose name begins with this one's
        ("shop3", [("shop3-b", "https://r/k8s/clusters/c"), ("shop3-b-fqdn", "https://direct")], "shop3"),
        ("shop3-b", [("shop3-b", "https://r/k8s/clusters/c"), ("shop3-b-fqdn", "https://direct")], "shop3-b-fqdn"),
    ],
)
def test_direct_before_the_proxy(cluster: str, more: list[tuple[str, str]], expected: str) -> None:
    context, warnings = choose(kubeconfig(*more), cluster, "kubeconfig")
    assert context == expected
    assert bool(warnings) is (context == cluster)


def test_the_proxy_alone_is_taken_with_a_warning() -> None:
    warning = choose(kubeconfig(), "shop3", "kubeconfig")[1][0]
    assert "through Rancher's proxy alone, which rejects the token that KubeFed would use" in warning
    assert "Turn on its authorized cluster endpoint" in warning


def test_a_cluster_that_rancher_does_not_have() -> None:
    with pytest.raises(EdgefedError, match=r"has no cluster 'nobody' of Rancher \(there: shop, shop2, shop3\). Next: set") as caught:
        choose(kubeconfig(), "nobody", "kubeconfig")
    assert caught.value.code == "no_context"
