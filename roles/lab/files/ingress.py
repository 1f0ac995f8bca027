# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The ingress controller of one cluster of the embedded lab: real nginx at the cluster's own address, for the hosts of its Ingresses.

No pod serves anything there, so nginx itself answers, with a page that names the cluster. A host that no Ingress has gets 404.
It lives as long as its nginx, and nginx no longer than it. While the API server is away, nginx goes on with what it has.
"""

from __future__ import annotations

import argparse
import ctypes
import http.client
import json
import os
import pwd
import re
import signal
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

INGRESSES = "/apis/networking.k8s.io/v1/ingresses"
# The API server ends a watch after the first; a connection on which nothing came for the second is dead.
WATCH_SECONDS = 240
DEAD_SECONDS = 300
PR_SET_PDEATHSIG = 1

# Without a request's own log: who serves what is what its page says. What nginx writes lies below its prefix.
MAIN = """\
daemon off;
{user}worker_processes 1;
pid nginx.pid;
error_log stderr warn;
events {{ worker_connections 512; }}
http {{
  access_log off;
  server_tokens off;
  default_type text/plain;
  server_names_hash_bucket_size 512;
  server_names_hash_max_size 8192;
  client_body_temp_path temp/body;
  proxy_temp_path temp/proxy;
  fastcgi_temp_path temp/fastcgi;
  uwsgi_temp_path temp/uwsgi;
  scgi_temp_path temp/scgi;
{servers}}}
"""
SERVER = '  server {{ listen {listen}; server_name "{name}"; return {answer}; }}\n'


def class_of(ingress: dict[str, Any]) -> str:
    """The class that an Ingress names, in its field or in the annotation of old; empty when it names none."""
    annotations = ingress["metadata"].get("annotations") or {}
    return str(ingress["spec"].get("ingressClassName") or annotations.get("kubernetes.io/ingress.class") or "")


def served(ingresses: list[dict[str, Any]], name: str) -> dict[str, str]:
    """Host -> the Ingress that serves it, the oldest first; host ``""`` stands for every other. Pure.

    Served are Ingresses of class ``name``, and those that name none.
    """
    found: dict[str, str] = {}
    for ingress in sorted(ingresses, key=lambda one: (one["metadata"]["creationTimestamp"], one["metadata"]["uid"])):
        if class_of(ingress) not in ("", name):
            continue
        spec, meta = ingress["spec"], ingress["metadata"]
        hosts = [rule.get("host", "") for rule in spec.get("rules") or []] + ([""] if spec.get("defaultBackend") else [])
        for host in hosts:
            found.setdefault(host, f"{meta['namespace']}/{meta['name']}")
    return found


def server_name(host: str) -> str:
    """A wildcard stands for one label, which nginx says as an expression only."""
    return f"~^[^.]+{re.escape(host[1:])}$" if host.startswith("*.") else host or "_"


def configuration(address: str, cluster: str, hosts: dict[str, str], user: str) -> str:
    """nginx's, listening on ``address`` only. Root gives its workers ``user``, everybody else has no choice. Pure."""

    def server(host: str, ingress: str) -> str:
        page = f'200 "cluster {cluster}\\ningress {ingress}\\nhost $host\\n"' if ingress else '404 "no Ingress has the host $host\\n"'
        listen = address if host else f"{address} default_server"
        return SERVER.format(listen=listen, name=server_name(host), answer=page)

    servers = "".join(server(host, ingress) for host, ingress in sorted({"": "", **hosts}.items()))
    return MAIN.format(user=f"user {user};\n" if user else "", servers=servers)


class Cluster:
    """The Ingresses of one cluster, read as its administrator."""

    def __init__(self, server: str, pki: str) -> None:
        self._address = server.removeprefix("https://")
        self._context = ssl.create_default_context(cafile=f"{pki}/ca.crt")
        self._context.load_cert_chain(f"{pki}/admin.crt", f"{pki}/admin.key")

    def _get(self, path: str) -> http.client.HTTPResponse:
        connection = http.client.HTTPSConnection(self._address, timeout=DEAD_SECONDS, context=self._context)
        connection.request("GET", path)
        answer = connection.getresponse()
        if answer.status != 200:
            raise http.client.HTTPException(f"HTTP {answer.status}")
        return answer

    def states(self) -> Iterator[list[dict[str, Any]]]:
        """All Ingresses, first as they are and then after each change, until the watch ends."""
        listed = json.load(self._get(INGRESSES))
        known = {item["metadata"]["uid"]: item for item in listed["items"]}
        yield list(known.values())
        since = listed["metadata"]["resourceVersion"]
        for line in self._get(f"{INGRESSES}?watch=1&resourceVersion={since}&timeoutSeconds={WATCH_SECONDS}"):
            event = json.loads(line)
            if event["type"] == "ERROR":
                return
            known.pop(event["object"]["metadata"]["uid"], None)
            if event["type"] != "DELETED":
                known[event["object"]["metadata"]["uid"]] = event["object"]
            yield list(known.values())


def followed(cluster: Cluster, name: str) -> Iterator[list[dict[str, Any]]]:
    """All Ingresses after each change, for ever: a cluster that does not answer is asked again, and told of once."""
    said = ""
    while True:
        try:
            for ingresses in cluster.states():
                said = ""
                yield ingresses
        except (OSError, ValueError, http.client.HTTPException) as error:
            if str(error) != said:
                said = str(error)
                print(f"The API server of {name} does not answer: {said}. Asking again each second.", file=sys.stderr)
            time.sleep(1)


class Nginx:
    """nginx with one configuration file below ``folder``."""

    def __init__(self, binary: str, folder: str) -> None:
        self._command = [binary, "-p", folder, "-c", "nginx.conf", "-e", "stderr"]
        self._file = f"{folder}/nginx.conf"
        self._process: subprocess.Popen[bytes] | None = None
        self._has = ""
        os.makedirs(f"{folder}/temp", exist_ok=True)

    def serve(self, text: str) -> None:
        """Start with this configuration, or take it over; nothing when it has it."""
        if text == self._has:
            return
        with open(f"{self._file}.tmp", "w", encoding="utf-8") as file:
            file.write(text)
        os.replace(f"{self._file}.tmp", self._file)
        self._has = text
        if self._process:
            self._process.send_signal(signal.SIGHUP)
        else:
            self._process = subprocess.Popen(self._command, preexec_fn=end_with_parent)  # noqa: PLW1509 - there are no threads

    def ended(self) -> bool:
        """Whether it has ended by itself."""
        return self._process is not None and self._process.poll() is not None

    def stop(self) -> None:
        """Stop it and wait until it is gone."""
        if self._process:
            self._process.terminate()
            self._process.wait()


def end_with_parent() -> None:
    """In the child: the kernel ends it when its parent is gone, however that went."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="nginx for the Ingresses of one cluster.")
    parser.add_argument("--nginx", required=True)
    parser.add_argument("--folder", required=True)
    parser.add_argument("--listen", required=True, metavar="ADDRESS:PORT")
    parser.add_argument("--server", required=True, metavar="URL", help="the API server")
    parser.add_argument("--pki", required=True, metavar="FOLDER", help="with ca.crt, admin.crt and admin.key")
    parser.add_argument("--cluster", required=True, metavar="NAME")
    parser.add_argument("--class", required=True, metavar="NAME", dest="ingress_class")
    return parser.parse_args()


def main() -> None:
    given = options()
    nginx = Nginx(given.nginx, given.folder)
    user = pwd.getpwuid(0).pw_name if os.geteuid() == 0 else ""

    def child_changed(*_about: Any) -> None:
        if nginx.ended():
            sys.exit(f"nginx ended. Next: when {given.listen} is taken, set another lab_ingress_port.")

    signal.signal(signal.SIGTERM, lambda *_about: sys.exit(0))
    signal.signal(signal.SIGCHLD, child_changed)
    try:
        for ingresses in followed(Cluster(given.server, given.pki), given.cluster):
            nginx.serve(configuration(given.listen, given.cluster, served(ingresses, given.ingress_class), user))
    finally:
        nginx.stop()


if __name__ == "__main__":
    main()
