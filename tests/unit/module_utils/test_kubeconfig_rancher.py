# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Kubeconfigs that Rancher wrote: the right one of many contexts, and the one past the proxy."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from flavour_fixtures import fixture

from ansible_collections.edgefed.kubefed.plugins.module_utils.kubeconfig.model import Kubeconfig, parse
from ansible_collections.edgefed.kubefed.plugins.module_utils.kubeconfig.rancher import (
    Way,
    choose,
    direct_context,
    proxied,
    recognised,
    ways_of,
)
from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import EdgefedError

PROXY = "https://rancher.example.com/k8s/clusters/c-m-abcde"


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        (PROXY, True),
        (f"{PROXY}/", True),
        ("rancher.example.com/k8s/clusters/local", True),
        ("https://10.0.0.5:6443", False),
        ("https://proxy.example.com/k8s/clusters/", False),
        ("https://proxy.example.com/k8s/clusters/x/more", False),
        ("https://[broken/k8s/clusters/x", False),
    ],
)
def test_proxied(address: str, expected: bool) -> None:
    """By the path that Rancher gives each cluster."""
    assert proxied(address) is expected


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
        ("shop3", [], None),
        # the direct context of another cluster, whose name begins with this one's
        ("shop3", [("shop3-b", f"{PROXY}x"), ("shop3-b-fqdn", "https://direct")], None),
        ("shop3-b", [("shop3-b", f"{PROXY}x"), ("shop3-b-fqdn", "https://direct")], "shop3-b-fqdn"),
        # not behind the proxy, or not there
        ("shop-fqdn", [("shop-fqdn-b", "https://direct")], None),
        ("nobody", [], None),
    ],
)
def test_the_way_past_the_proxy(cluster: str, more: list[tuple[str, str]], expected: str | None) -> None:
    found = ways_of(kubeconfig(*more))
    assert direct_context(found, cluster) == expected
    assert choose(kubeconfig(*more), "shop3", "kubeconfig") == "shop3"


def test_a_like_name_of_another_user_is_another_cluster() -> None:
    assert direct_context({"shop": Way(PROXY, "u-1"), "shop-old": Way("https://10.0.0.5", "admin")}, "shop") is None


def test_recognised_by_its_current_context() -> None:
    """By the inventory host's name, or the only one; anybody else's is left alone."""
    many = kubeconfig()
    assert recognised(many, "shop2", "kubeconfig") == "shop2"
    with pytest.raises(EdgefedError, match=r"no cluster 'site'.*kubeconfig_rancher_cluster.*kubeconfig_context"):
        recognised(many, "site", "kubeconfig")
    contexts = {name: entry for name, entry in many.contexts.items() if name in ("shop", "shop-fqdn")}
    assert recognised(replace(many, contexts=contexts), "site", "kubeconfig") == "shop"
    assert recognised(replace(many, current_context="shop-fqdn"), "shop", "kubeconfig") is None
    assert recognised(replace(many, current_context=""), "shop", "kubeconfig") is None


def test_a_cluster_that_rancher_does_not_have() -> None:
    with pytest.raises(EdgefedError, match=r"has no cluster 'nobody' of Rancher \(there: shop, shop2, shop3\). Next: set") as caught:
        choose(kubeconfig(), "nobody", "kubeconfig")
    assert caught.value.code == "no_context"
