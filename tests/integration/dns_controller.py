# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The DNS controller as a process against the lab, and what it writes there."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from integration.conftest import REPOSITORY, Lab
from integration.waiting import closed_port, until

SYSTEM = "kube-federation-system"
NAMESPACE = "dns-it"
DOMAIN = "dns-it"
ZONE = "it.wellmaxwang.top"
LEASE_SECONDS = 9


class Process:
    """``python -m edgefed_dns``."""

    def __init__(self, lab: Lab, folder: Path, name: str) -> None:
        self.port = closed_port()
        self.log = folder / f"{name}.log"
        command = [sys.executable, "-m", "edgefed_dns", "--kubeconfig", lab.kubeconfig, "--context", "local", "--port", str(self.port)]
        command += ["--lease-seconds", str(LEASE_SECONDS)]
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(command, cwd=REPOSITORY / "controller", stdout=log, stderr=log)

    def page(self, path: str) -> str:
        """What it serves; empty while it does not."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=10) as answer:
                return str(answer.read().decode())
        except (urllib.error.URLError, OSError):
            return ""

    def metric(self, name: str, **labels: str) -> float:
        """The sum of a metric over all its label sets that have ``labels``."""
        lines = [line for line in self.page("/metrics").splitlines() if re.match(rf"{name}[ {{]", line)]
        chosen = [line for line in lines if all(f'{key}="{value}"' in line for key, value in labels.items())]
        return sum(float(line.rsplit(" ", 1)[1]) for line in chosen)

    @property
    def leads(self) -> bool:
        return self.metric("edgefed_dns_leader") == 1

    def works(self) -> None:
        """It leads, and has read all three members."""
        until(lambda: self.leads and self.metric("edgefed_dns_member_synced") == 3, self.log.read_text)

    def kill(self) -> None:
        """At once, as by ``kill -9``."""
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()

    def stop(self) -> None:
        """As Kubernetes stops it; the Lease is free then."""
        self._process.send_signal(signal.SIGTERM)
        assert self._process.wait(60) == 0, self.log.read_text()
        assert "Traceback" not in self.log.read_text()

    def end(self) -> None:
        """Whatever state it is in."""
        if self._process.poll() is None:
            os.kill(self._process.pid, signal.SIGKILL)
            self._process.wait()


class Site:
    """Services and Ingresses in the members, records on the host cluster, and what became of them."""

    def __init__(self, lab: Lab, folder: Path) -> None:
        self.lab = lab
        self._folder = folder
        self.processes: list[Process] = []

    def start(self) -> Process:
        """One more controller."""
        self.processes.append(Process(self.lab, self._folder, f"dns-{len(self.processes)}"))
        return self.processes[-1]

    def restart(self) -> Process:
        """Another process in place of the last."""
        self.processes[-1].stop()
        process = self.start()
        until(lambda: process.leads, process.log.read_text)
        return process

    def apply(self, context: str, *bodies: dict[str, Any]) -> None:
        """Objects as they are."""
        self.lab.kubectl(context, "apply", "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": list(bodies)}))

    def namespace(self, context: str, name: str) -> bool:
        """Whether it had to be made."""

        def settled() -> Any:
            found = self.lab.get(context, "namespace", name) or {"status": {"phase": "Absent"}}
            return found["status"]["phase"] in ("Active", "Absent") and found

        if "metadata" in until(settled, f"namespace {name} of {context} is there or gone"):
            return False
        self.lab.kubectl(context, "create", "namespace", name)
        return True

    def expose(self, context: str, name: str, replicas: int = 1) -> None:
        """Pods, a LoadBalancer Service and an Ingress of one name in a member."""
        labels = {"app": name}
        meta = {"name": name, "namespace": NAMESPACE}
        pods = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "web", "image": "nginx"}]}}
        deployment = {"replicas": replicas, "selector": {"matchLabels": labels}, "template": pods}
        backend = {"service": {"name": name, "port": {"number": 80}}}
        self.apply(
            context,
            {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta, "spec": deployment},
            {
                "apiVersion": "v1",
                "kind": "Service",
                "metadata": meta,
                "spec": {"type": "LoadBalancer", "selector": labels, "ports": [{"port": 80}]},
            },
            {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": meta, "spec": {"defaultBackend": backend}},
        )

    def scale(self, context: str, name: str, replicas: int) -> None:
        """Pods of a Deployment."""
        self.lab.kubectl(context, "scale", "deployment", name, "-n", NAMESPACE, f"--replicas={replicas}")

    def service_record(self, name: str, **spec: Any) -> None:
        """A ServiceDNSRecord."""
        meta = {"name": name, "namespace": NAMESPACE}
        body = {"apiVersion": "multiclusterdns.kubefed.io/v1alpha1", "kind": "ServiceDNSRecord", "metadata": meta}
        self.apply("local", {**body, "spec": {"domainRef": DOMAIN, **spec}})

    def address(self, context: str, kind: str, name: str, namespace: str = NAMESPACE) -> str:
        """The load balancer's address of a Service or Ingress."""

        def look() -> Any:
            found = self.lab.get(context, kind, name, "-n", namespace)
            points = ((found or {}).get("status") or {}).get("loadBalancer", {}).get("ingress") or []
            return points and points[0]["ip"]

        return str(until(look, f"{kind} {name} of {context} has an address"))

    def endpoint(self, name: str, namespace: str = NAMESPACE) -> Any:
        """A DNSEndpoint."""
        return self.lab.get("local", "dnsendpoint", name, "-n", namespace)

    def targets(self, name: str, dns_name: str, namespace: str = NAMESPACE) -> list[str]:
        """What a DNSEndpoint says of a name; empty when it says nothing."""
        entries = ((self.endpoint(name, namespace) or {}).get("spec") or {}).get("endpoints") or []
        return [target for entry in entries if entry["dnsName"] == dns_name for target in entry["targets"]]

    def leads_to(self, name: str, dns_name: str, targets: list[str], namespace: str = NAMESPACE) -> None:
        """Wait until a name leads to just these."""
        until(
            lambda: self.targets(name, dns_name, namespace) == sorted(targets),
            lambda: (
                f"{dns_name}: {self.targets(name, dns_name, namespace)}, wanted {targets}\n{self.processes[-1].log.read_text()[-2000:]}"
            ),
            120,
        )

    def condition(self, kind: str, name: str, namespace: str = NAMESPACE) -> dict[str, Any]:
        """Of a record; empty while it has none."""
        found = self.lab.get("local", kind, name, "-n", namespace) or {}
        conditions = (found.get("status") or {}).get("conditions") or [{}]
        return dict(conditions[0])

    def said(self, kind: str, name: str, reason: str, namespace: str = NAMESPACE) -> str:
        """Wait for a record's reason; gives its message."""
        until(
            lambda: self.condition(kind, name, namespace).get("reason") == reason, lambda: str(self.condition(kind, name, namespace)), 120
        )
        return str(self.condition(kind, name, namespace)["message"])
