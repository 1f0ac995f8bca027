# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The DNS controller, a process, on the lab's three clusters: the article's document, and who leaves and enters the answer."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from integration.conftest import REPOSITORY, Lab
from integration.dns_controller import DOMAIN, NAMESPACE, SYSTEM, ZONE, Site
from integration.one_member import server_of
from integration.processes import listener
from integration.waiting import until

pytestmark = pytest.mark.lab
ARTICLE = REPOSITORY / "tests" / "data" / "article" / "dns.yaml"
CRDS = REPOSITORY / "controller" / "crds"
MEMBERS = ("cddev", "local", "zj")
GLOBAL = f"web.{NAMESPACE}.{DOMAIN}.svc.{ZONE}"
RECORDS = "servicednsrecords.multiclusterdns.kubefed.io,ingressdnsrecords.multiclusterdns.kubefed.io"


@pytest.fixture(scope="module")
def site(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """One controller; in all members the namespace, in two of them the Service and Ingress ``web``. Afterwards nothing of it is left."""
    lab.kubectl("local", "apply", "--server-side", "-f", str(CRDS))
    lab.established("local", *(yaml.safe_load(path.read_text())["metadata"]["name"] for path in sorted(CRDS.glob("*.yaml"))))
    site = Site(lab, tmp_path_factory.mktemp("dns"))
    domain = {"apiVersion": "multiclusterdns.kubefed.io/v1alpha1", "kind": "Domain", "metadata": {"name": DOMAIN, "namespace": SYSTEM}}
    for context in MEMBERS:
        site.namespace(context, NAMESPACE)
    site.apply("local", {**domain, "domain": ZONE})
    for context in ("cddev", "zj"):
        site.expose(context, "web")
    try:
        site.start().works()
        yield site
        lab.kubectl("local", "delete", RECORDS, "--all", "-n", NAMESPACE, "--timeout=60s")
        assert lab.kubectl("local", "get", "dnsendpoints", "-n", NAMESPACE, "-o", "name") == ""
        site.processes[-1].stop()
    finally:
        for process in site.processes:
            process.end()
    lab.kubectl("local", "delete", "-f", str(CRDS), "--timeout=60s")
    lab.kubectl("local", "delete", "lease", "edgefed-dns", "-n", SYSTEM)
    for context in MEMBERS:
        lab.kubectl(context, "delete", "namespace", NAMESPACE, "--wait=false")


@pytest.fixture(scope="module")
def both(site: Site) -> list[str]:
    """The addresses of the Service ``web``, with a record that leads to them."""
    addresses = [site.address(context, "service", "web") for context in ("cddev", "zj")]
    site.service_record("web", recordTTL=60, dnsPrefix="hello")
    site.leads_to("service-web", GLOBAL, addresses)
    return addresses


def test_the_articles_document_as_it_stands(site: Site) -> None:
    """In the namespace that it names; the Ingress is in two members."""
    document = ARTICLE.read_text()
    made = [context for context in ("local", "cddev") if site.namespace(context, "vrfederation")]
    meta = {"name": "test-ingress", "namespace": "vrfederation"}
    port = {"name": "federated-svc", "port": {"number": 80}}
    service = {"type": "ExternalName", "externalName": "example.invalid"}
    for context in ("local", "cddev"):
        site.apply(
            context,
            {"apiVersion": "v1", "kind": "Service", "metadata": {**meta, "name": "federated-svc"}, "spec": service},
            {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": meta, "spec": {"defaultBackend": {"service": port}}},
        )
    site.lab.kubectl("local", "apply", "-f", "-", stdin=document)
    addresses = [site.address(context, "ingress", "test-ingress", "vrfederation") for context in ("local", "cddev")]
    site.leads_to("ingress-test-ingress", "www.vr.wellmaxwang.top", addresses, "vrfederation")
    written = site.endpoint("ingress-test-ingress", "vrfederation")
    assert [entry["recordTTL"] for entry in written["spec"]["endpoints"]] == [600]
    message = site.said("ingressdnsrecord", "test-ingress", "Written", "vrfederation")
    assert message == "2 of 3 clusters answer: cddev, local; out: zj (no Ingress of this name)."
    status = site.lab.get("local", "ingressdnsrecord", "test-ingress", "-n", "vrfederation")["status"]
    shown = {entry["cluster"]: [point["ip"] for point in entry["loadBalancer"].get("ingress", [])] for entry in status["dns"]}
    assert shown == {"local": addresses[:1], "cddev": addresses[1:], "zj": []}
    site.lab.kubectl("local", "delete", "-f", "-", "--timeout=60s", stdin=document)
    assert site.endpoint("ingress-test-ingress", "vrfederation") is None, "first the names go, then the record may"
    for context in made:
        site.lab.kubectl(context, "delete", "namespace", "vrfederation")
    for context in {"local", "cddev"} - set(made):
        site.lab.kubectl(context, "delete", "ingress/test-ingress", "service/federated-svc", "-n", "vrfederation")


@pytest.mark.parametrize("path", ["in_process", "module"])
def test_applied_like_everything_else(site: Site, run_task: Any, path: str) -> None:
    """By federated_resource: made, again, changed, again, removed, again; each in check mode first."""
    meta = {"name": "other", "namespace": NAMESPACE}
    record = {"apiVersion": "multiclusterdns.kubefed.io/v1alpha1", "kind": "ServiceDNSRecord", "metadata": meta}
    given, changed = ({**record, "spec": {"domainRef": DOMAIN, "recordTTL": ttl}} for ttl in (60, 90))

    def there() -> Any:
        found = site.lab.get("local", "servicednsrecord", "other", "-n", NAMESPACE)
        return found["spec"]["recordTTL"] if found else None

    def run(body: dict[str, Any], state: str, check: bool) -> Any:
        task = {"kubeconfig": site.lab.kubeconfig, "context": "local", "definition": [body], "state": state}
        return run_task("federated_resource", task, path=path, check=check)["changed"]

    for body, state, changes, after in (
        (given, "present", True, 60),
        (given, "present", False, 60),
        (changed, "present", True, 90),
        (changed, "present", False, 90),
        (changed, "absent", True, None),
        (changed, "absent", False, None),
    ):
        before = there()
        assert run(body, state, True) is changes and there() == before
        assert run(body, state, False) is changes and there() == after


def test_a_service_and_its_names(site: Site, both: list[str]) -> None:
    """What upstream documents, with status."""
    entries = site.endpoint("service-web")["spec"]["endpoints"]
    expected = [{"dnsName": name, "recordTTL": 60, "recordType": "A", "targets": sorted(both)} for name in (f"hello.{ZONE}", GLOBAL)]
    assert [entry for entry in entries if entry["dnsName"] in (GLOBAL, f"hello.{ZONE}")] == expected
    site.said("servicednsrecord", "web", "Written")
    record = site.lab.get("local", "servicednsrecord", "web", "-n", NAMESPACE)
    assert record["status"]["domain"] == ZONE and [entry["cluster"] for entry in record["status"]["dns"]] == list(MEMBERS)
    assert record["metadata"]["finalizers"] == ["edgefed.io/dns"]
    assert not [name for name in record["metadata"].get("annotations") or {} if "kopf" in name]


def test_without_ready_endpoints(site: Site, both: list[str]) -> None:
    """A Service without ready pods leaves, and comes back with them."""
    site.scale("cddev", "web", 0)
    site.leads_to("service-web", GLOBAL, both[1:])
    assert "out: cddev (no ready endpoints)" in site.said("servicednsrecord", "web", "Written")
    site.scale("cddev", "web", 1)
    site.leads_to("service-web", GLOBAL, both)


def test_drained(site: Site, both: list[str]) -> None:
    """A drained cluster leaves, and comes back."""
    cluster = ("annotate", "kubefedcluster", "cddev", "-n", SYSTEM)
    site.lab.kubectl("local", *cluster, "edgefed.io/cordon=drained")
    try:
        site.leads_to("service-web", GLOBAL, both[1:])
    finally:
        site.lab.kubectl("local", *cluster, "edgefed.io/cordon-")
    site.leads_to("service-web", GLOBAL, both)


def test_a_lost_member(site: Site, both: list[str]) -> None:
    """A frozen API server: KubeFed says not Ready, its address leaves; and it comes back by itself."""
    process = listener(server_of(site.lab, "cddev")[0])
    os.kill(process, signal.SIGSTOP)
    try:
        site.leads_to("service-web", GLOBAL, both[1:])
    finally:
        os.kill(process, signal.SIGCONT)
    site.leads_to("service-web", GLOBAL, both)


def test_names_that_cannot_be(site: Site, both: list[str]) -> None:
    """Refused by field: by the API where it can know, by the condition where only the whole name shows it. The others go on."""
    body: dict[str, Any] = {"apiVersion": "multiclusterdns.kubefed.io/v1alpha1", "kind": "IngressDNSRecord"}
    body["metadata"] = {"name": "web", "namespace": NAMESPACE}
    body["spec"] = {"hosts": ["good.example", "müller.example"]}
    with pytest.raises(AssertionError, match=r"spec\.hosts\[1\].*xn--"):
        site.apply("local", body)
    site.service_record("long", externalName=".".join(["a" * 60] * 4))
    assert "the name of the service with the domain: " in site.said("servicednsrecord", "long", "InvalidName")
    site.service_record("lost", domainRef="nowhere")
    assert 'no Domain "nowhere"' in site.said("servicednsrecord", "lost", "DomainMissing")
    body["spec"] = {"hosts": [f"HELLO.{ZONE}"]}
    site.apply("local", body)
    said = site.said("ingressdnsrecord", "web", "NameTaken")
    assert said.startswith(f"hello.{ZONE} is a name of ServiceDNSRecord {NAMESPACE}/web, which is older.")
    assert site.endpoint("ingress-web") is None
    body["spec"] = {"hosts": [f"*.{ZONE}"]}
    site.apply("local", body)
    site.leads_to("ingress-web", f"*.{ZONE}", [site.address(context, "ingress", "web") for context in ("cddev", "zj")])
    assert site.targets("service-web", GLOBAL) == sorted(both)


def test_a_strangers_dnsendpoint(site: Site) -> None:
    """Left as it is, and told."""
    meta = {"name": "service-other", "namespace": NAMESPACE}
    spec = {"endpoints": [{"dnsName": "x.example", "recordType": "A", "targets": ["192.0.2.1"]}]}
    site.apply("local", {"apiVersion": "externaldns.k8s.io/v1alpha1", "kind": "DNSEndpoint", "metadata": meta, "spec": spec})
    site.service_record("other", allowServiceWithoutEndpoints=True)
    assert "is not this controller's" in site.said("servicednsrecord", "other", "ForeignDNSEndpoint")
    site.lab.kubectl("local", "delete", "servicednsrecord", "other", "-n", NAMESPACE, "--timeout=60s")
    assert site.endpoint("service-other")["spec"] == spec
    site.lab.kubectl("local", "delete", "dnsendpoint", "service-other", "-n", NAMESPACE)


def test_a_member_that_only_the_controller_cannot_read(site: Site, both: list[str], tmp_path: Path) -> None:
    """Without its right to list there, a new process keeps what the record had, and says so in condition and event."""
    binding = "kubefed-controller-manager:cddev-local"
    saved = site.lab.get("cddev", "clusterrolebinding", binding)
    before = site.endpoint("service-web")["metadata"]["resourceVersion"]
    site.lab.kubectl("cddev", "delete", "clusterrolebinding", binding)
    try:
        site.restart()
        message = site.said("servicednsrecord", "web", "KeptLastState")
    finally:
        site.lab.kubectl("cddev", "apply", "-f", "-", stdin=json.dumps({**saved, "metadata": {"name": binding}}))
    assert "as last seen: cddev (its API server refuses (HTTP 403)" in message
    assert site.endpoint("service-web")["metadata"]["resourceVersion"] == before
    about = "involvedObject.kind=ServiceDNSRecord,involvedObject.name=web,reason=KeptLastState,type=Warning"
    until(lambda: site.lab.get("local", "events", "-n", NAMESPACE, "--field-selector", about)["items"], "an event says so")
    site.said("servicednsrecord", "web", "Written")


def test_one_killed_the_other_goes_on(site: Site, both: list[str]) -> None:
    """The other waits without writing; after kill -9 it goes on, writes nothing that is there, and each change once."""
    first, second = site.processes[-1], site.start()
    until(lambda: second.page("/healthz") == "ok\n", second.log.read_text)
    until(lambda: "is held by" in second.log.read_text(), second.log.read_text)
    before = site.endpoint("service-web")["metadata"]
    first.kill()
    second.works()
    until(lambda: second.metric("edgefed_dns_records", reason="Written") >= 2, second.log.read_text)
    assert second.metric("edgefed_dns_writes_total") == 0
    site.scale("zj", "web", 0)
    site.leads_to("service-web", GLOBAL, both[:1])
    assert site.endpoint("service-web")["metadata"]["generation"] == before["generation"] + 1
    site.scale("zj", "web", 1)
    site.leads_to("service-web", GLOBAL, both)
    assert site.endpoint("service-web")["metadata"]["generation"] == before["generation"] + 2
    assert second.metric("edgefed_dns_api_requests_total", cluster="host") > 0
