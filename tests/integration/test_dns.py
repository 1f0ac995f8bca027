# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Role dns in a lab of its own: real BIND, real ExternalDNS, the DNS controller. What counts is what the server answers."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, Iterator

import dns.message
import dns.query
import dns.tsigkeyring
import dns.update
import pytest
from integration.conftest import Lab
from integration.waiting import closed_port, until

REPOSITORY = Path(__file__).resolve().parents[2]
ANSIBLE = str(Path(sys.executable).with_name("ansible-playbook"))
PORT_BASE = 22700
DNS_PORT = 22790
ZONE = "wellmaxwang.top"
SYSTEM = "kube-federation-system"
API = "multiclusterdns.kubefed.io/v1alpha1"
WRONG = "d3Jvbmcta2V5LXdyb25nLWtleS13cm9uZy1rZXk="
# Without the records, which tests rename.
AS_THEY_ARE = ("-e", '{"dns_records": []}')
DOMAIN = {"apiVersion": API, "kind": "Domain", "metadata": {"name": "shop", "namespace": SYSTEM}, "domain": f"it.{ZONE}"}


def record(prefix: str) -> dict[str, Any]:
    """The record of Service ``web``."""
    meta = {"name": "web", "namespace": "default"}
    return {"apiVersion": API, "kind": "ServiceDNSRecord", "metadata": meta, "spec": {"domainRef": "shop", "dnsPrefix": prefix}}


def web() -> list[dict[str, Any]]:
    """A LoadBalancer Service with pods."""
    meta, labels = {"name": "web", "namespace": "default"}, {"app": "web"}
    pods = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "web", "image": "nginx"}]}}
    service = {"type": "LoadBalancer", "selector": labels, "ports": [{"port": 80}]}
    return [
        {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta, "spec": {"selector": {"matchLabels": labels}, "template": pods}},
        {"apiVersion": "v1", "kind": "Service", "metadata": meta, "spec": service},
    ]


class Site:
    """One cluster, host and member at once, in a state folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.inventory = folder / "hosts.json"
        self.processes = folder / ".edgefed" / "lab" / "processes"
        self.lab = Lab(str(folder / ".edgefed" / "kubeconfig"))
        group: dict[str, Any] = {"hosts": {"only": None}}
        common = {
            "ansible_connection": "local",
            "ansible_python_interpreter": sys.executable,
            "lab_prefix": "dns-",
            "lab_port_base": PORT_BASE,
            "lab_dns_port": DNS_PORT,
            "kubeconfig_path": "{{ federation_state_dir }}/lab/kubeconfigs/{{ inventory_hostname }}",
            "kubefed_runtime": "process",
            "dns_runtime": "process",
            "dns_server": "bind",
            "dns_zones": [ZONE],
            "dns_interval": "2s",
            "dns_records": [DOMAIN, record("hello")],
        }
        self.inventory.write_text(
            json.dumps({"all": {"vars": common, "children": dict.fromkeys(("lab", "federation_host", "federation_members"), group)}})
        )

    def run(self, playbook: str, *options: str, fails: bool = False) -> tuple[str, int]:
        """What it printed, in one line, and how many tasks changed something."""
        environment = {**os.environ, "AWX_PRIVATE_DATA_DIR": str(self.folder)}
        command = [ANSIBLE, "-i", str(self.inventory), str(REPOSITORY / "playbooks" / f"{playbook}.yml"), *options]
        done = subprocess.run(command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=False)
        output = done.stdout + done.stderr
        assert (done.returncode != 0) == fails, output
        assert "Traceback" not in output
        return " ".join(output.split()), sum(int(count) for count in re.findall(r"changed=(\d+)", output))

    @property
    def secret(self) -> str:
        return re.findall(r'secret "([^"]+)"', (self.processes / "bind" / "tsig.key").read_text())[0]

    def answers(self, name: str, kind: str = "A") -> list[str]:
        """What BIND says of a name in the zone, empty also when it does not answer."""
        try:
            answer = dns.query.tcp(dns.message.make_query(f"{name}.{ZONE}" if name else ZONE, kind), "127.0.0.1", 10, DNS_PORT)
        except OSError:
            return []
        return sorted(item.to_text() for rrset in answer.answer for item in rrset)

    def leads(self, name: str, targets: list[str]) -> None:
        """Wait for an answer."""
        log = self.processes / "external-dns.log"
        until(
            lambda: self.answers(name) == targets, lambda: f"{name}: {self.answers(name)}, wanted {targets}\n{log.read_text()[-2000:]}", 120
        )

    def rename(self, prefix: str) -> None:
        """Another name for the record."""
        body = json.dumps({"spec": {"dnsPrefix": prefix}})
        self.lab.kubectl("only", "patch", "servicednsrecord", "web", "--type=merge", "-p", body)

    def strange(self, name: str, address: str) -> None:
        """A name that somebody else puts into the zone."""
        key = dns.tsigkeyring.from_text({"edgefed": self.secret})
        update = dns.update.UpdateMessage(ZONE, keyring=key)
        update.add(name, 60, "A", address)
        assert dns.query.tcp(update, "127.0.0.1", 10, DNS_PORT).rcode() == 0

    def running(self) -> list[str]:
        """Command lines that name the folder of what runs for DNS."""
        text = subprocess.run(["ps", "-eww", "-o", "args="], capture_output=True, text=True, check=True).stdout
        words = ("named", "edgefed_dns", "external-dns")
        return [line for line in text.splitlines() if str(self.folder / ".edgefed") in line and any(word in line for word in words)]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Check mode first, then set up, with a name that leads to a Service."""
    site = Site(tmp_path_factory.mktemp("dns"))
    try:
        for step in ("lab_up", "kubeconfig", "control_plane", "join"):
            site.run(step)
        bodies = {"apiVersion": "v1", "kind": "List", "items": web()}
        site.lab.kubectl("only", "apply", "-f", "-", stdin=json.dumps(bodies))
        _, foretold = site.run("dns", "--check", "--diff")
        assert site.running() == [] and not site.processes.joinpath("bind").exists()
        assert site.lab.get("only", "crd", "domains.multiclusterdns.kubefed.io") is None
        output, changed = site.run("dns", "--diff", "-vvvv")
        assert foretold == changed > 0
        assert site.secret not in output
        yield site
    finally:
        site.run("lab_down")
    assert site.running() == []


@pytest.fixture(scope="module")
def address(site: Site) -> str:
    """Of the Service ``web``."""

    def look() -> Any:
        points = (site.lab.get("only", "service", "web")["status"].get("loadBalancer") or {}).get("ingress")
        return points and points[0]["ip"]

    return str(until(look, "Service web has an address"))


def test_again_changes_nothing(site: Site, address: str) -> None:
    site.leads("hello.it", [address])
    for options in (("--check", "--diff"), ()):
        output, changed = site.run("dns", *options)
        assert changed == 0, output


def test_nothing_is_written_while_nothing_changes(site: Site, address: str) -> None:
    """Five looks of ExternalDNS at everything leave the serial as it is."""
    site.leads("hello.it", [address])
    log = site.processes / "external-dns.log"

    def idle() -> int:
        return log.read_text().count("All records are already up to date")

    until(lambda: "All records are already up to date" in log.read_text().splitlines()[-1], log.read_text)
    serial, seen = site.answers("", "SOA"), idle()
    until(lambda: idle() >= seen + 5, log.read_text)
    assert site.answers("", "SOA") == serial != []


def test_a_name_of_somebody_else_is_left_alone_and_told(site: Site, address: str) -> None:
    site.strange("strange.it", "192.0.2.1")
    site.rename("strange")
    until(lambda: site.answers("hello.it") == [], "the former name is gone, so ExternalDNS has seen the new one")
    output, changed = site.run("dns", *AS_THEY_ARE)
    assert f"strange.it.{ZONE} A in DNS belongs to nobody of ExternalDNS and leads to 192.0.2.1, not to {address}." in output
    assert changed == 0 and site.answers("strange.it") == ["192.0.2.1"]


def test_bind_down_and_back(site: Site, address: str) -> None:
    """What changed meanwhile is caught up, and what was there is not lost."""
    until(lambda: site.answers("strange.it") or site.answers("hello.it"), "the zone answers")
    before = site.answers("ns")
    process = json.loads((site.processes / "bind.json").read_text())["pid"]
    os.kill(process, 9)
    until(lambda: site.answers("ns") == [], "BIND is gone")
    site.rename("later")
    output, changed = site.run("dns", *AS_THEY_ARE, "-e", "dns_check=false")
    assert changed == 1, f"more than BIND was started: {output}"
    assert site.answers("ns") == before
    site.leads("later.it", [address])


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"dns_tsig_secret": WRONG}, "rejects key edgefed: the key's secret or algorithm is another there. Next: correct the key's name"),
        ({"dns_tsig_name": "other"}, "rejects key other: it has no such key. Next: "),
        ({"dns_zones": ["elsewhere.example"]}, "zone elsewhere.example: SOA is answered by REFUSED. Next: correct the zone"),
        ({"dns_server_port": 0}, "cannot be asked: "),
    ],
)
def test_a_server_that_would_not_do_is_told_before_anything_changes(site: Site, settings: dict[str, Any], said: str) -> None:
    server = {"dns_server": "existing", "dns_server_host": "127.0.0.1", "dns_server_port": DNS_PORT}
    if "dns_server_port" in settings:
        settings = {"dns_server_port": closed_port()}
    given = {**server, "dns_tsig_name": "edgefed", "dns_tsig_secret": site.secret, **settings}
    before = site.running()
    output, changed = site.run("dns", "-vvvv", "-e", f"@{_secret_file(site, given)}", fails=True)
    assert said in output
    assert changed == 0 and site.running() == before
    assert site.secret not in output and WRONG not in output


def test_a_key_of_the_environment(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """As AWX hands it over."""
    monkeypatch.setenv("EDGEFED_TSIG_NAME", "other")
    monkeypatch.setenv("EDGEFED_TSIG_SECRET", site.secret)
    server = ("-e", "dns_server=existing", "-e", "dns_server_host=127.0.0.1", "-e", f"dns_server_port={DNS_PORT}")
    output, changed = site.run("dns", *server, fails=True)
    assert "rejects key other: it has no such key" in output
    assert changed == 0 and site.secret not in output


def _secret_file(site: Site, given: dict[str, Any]) -> Path:
    """As a vault would give it: extra variables of the command line are shown."""
    path = site.folder / "given.json"
    path.write_text(json.dumps(given))
    return path


def test_absent(site: Site) -> None:
    output, changed = site.run("dns", "-e", "dns_state=absent", fails=True)
    assert "ServiceDNSRecord default/web is still there. Next: delete the records first" in output
    assert changed == 0 and len(site.running()) >= 3
    site.lab.kubectl("only", "delete", "servicednsrecord", "web", "--timeout=60s")
    until(lambda: site.answers("later.it") == [], "the name is gone")
    _, foretold = site.run("dns", "-e", "dns_state=absent", "--check")
    assert len(site.running()) >= 3
    _, changed = site.run("dns", "-e", "dns_state=absent")
    assert foretold == changed > 0
    assert site.running() == [] and not site.processes.joinpath("bind").exists()
    assert site.lab.get("only", "crd", "domains.multiclusterdns.kubefed.io", "dnsendpoints.externaldns.k8s.io") is None
    _, changed = site.run("dns", "-e", "dns_state=absent")
    assert changed == 0
