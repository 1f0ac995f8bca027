#!/usr/bin/python
# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: dns_zone_info
short_description: Ask a DNS server whether ExternalDNS can work with it, and which names it has
version_added: 0.1.0
author: edgefed contributors (@edgefed)
description:
  - Asks an authoritative server for the SOA of each zone, transfers the zone with the key, and sends an update that changes nothing.
    What ExternalDNS would merely log, and go on without, is told in one message with its remedy.
  - Tells of each of O(wanted) whether the zone has it, and whether it belongs to somebody else.
  - Needs the Python library C(dnspython).
extends_documentation_fragment:
  - edgefed.kubefed.attributes.plain_info
options:
  server:
    description: Name or address of the server.
    type: str
    required: true
  port:
    description: Its port, of UDP and TCP.
    type: int
    default: 53
  zones:
    description: The zones.
    type: list
    elements: str
    required: true
  key_name:
    description: Name of the TSIG key.
    type: str
    required: true
  key_algorithm:
    description: Its algorithm.
    type: str
    choices: [hmac-sha224, hmac-sha256, hmac-sha384, hmac-sha512]
    default: hmac-sha256
  key_secret:
    description: The key, base64.
    type: str
    required: true
  owner:
    description: What ExternalDNS marks names with (C(--txt-owner-id)). Without it nobody is taken for a stranger.
    type: str
    default: ""
  wanted:
    description:
      - Names that shall be there, as the entries of a DNSEndpoint, C(dnsName), C(recordType) and C(targets). Those outside of the zones are
        left out.
    type: list
    elements: dict
    default: []
  timeout:
    description: Seconds until each question must be answered.
    type: float
    default: 5
"""

EXAMPLES = r"""
- name: The server takes our updates
  edgefed.kubefed.dns_zone_info:
    server: 192.0.2.53
    zones: [shop.example]
    key_name: edgefed
    key_secret: "{{ vault_dns_secret }}"

- name: The name leads to two clusters
  edgefed.kubefed.dns_zone_info:
    server: 127.0.0.1
    port: 10053
    zones: [wellmaxwang.top]
    key_name: edgefed
    key_secret: "{{ vault_dns_secret }}"
    wanted:
      - dnsName: www.vr.wellmaxwang.top
        recordType: A
        targets: [127.1.255.1, 127.2.255.1]
"""

RETURN = r"""
zones:
  description: Serial of each zone's SOA.
  returned: success
  type: dict
  sample: {"wellmaxwang.top": 7}
names:
  description: What the server has of each of O(wanted) that lies in the zones.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: The name.
      type: str
      sample: www.vr.wellmaxwang.top
    type:
      description: Type of the record.
      type: str
      sample: A
    targets:
      description: What it shall lead to.
      type: list
      elements: str
      sample: [127.1.255.1]
    answers:
      description: What it leads to.
      type: list
      elements: str
      sample: [127.1.255.1]
    owner:
      description: Who is noted in the zone as its owner, empty when nobody is.
      type: str
      sample: edgefed-1
    state:
      description: V(answers), V(missing), V(pending) when it leads elsewhere still, or V(foreign) when it is not of O(owner).
      type: str
      sample: answers
"""

from typing import Any, Callable

from ansible_collections.edgefed.kubefed.plugins.module_utils.dns.names import compare
from ansible_collections.edgefed.kubefed.plugins.module_utils.dns.server import Server
from ansible_collections.edgefed.kubefed.plugins.module_utils.module import run_as_module
from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import Result

ARGUMENT_SPEC: dict[str, Any] = {
    "server": {"type": "str", "required": True},
    "port": {"type": "int", "default": 53},
    "zones": {"type": "list", "elements": "str", "required": True},
    "key_name": {"type": "str", "required": True, "no_log": False},
    "key_algorithm": {
        "type": "str",
        "choices": ["hmac-sha224", "hmac-sha256", "hmac-sha384", "hmac-sha512"],
        "default": "hmac-sha256",
        "no_log": False,
    },
    "key_secret": {"type": "str", "required": True, "no_log": True},
    "owner": {"type": "str", "default": ""},
    "wanted": {"type": "list", "elements": "dict", "default": []},
    "timeout": {"type": "float", "default": 5},
}


def run(params: dict[str, Any], check: bool, diff: bool, connect: Callable[..., Any]) -> Result:
    """Ask for each zone, then compare."""
    del check, diff, connect
    server = Server(params["server"], params["port"], params["key_name"], params["key_algorithm"], params["key_secret"], params["timeout"])
    seen = {zone: server.look(zone) for zone in params["zones"]}
    records = {key: values for found in seen.values() for key, values in found["records"].items()}
    return Result(
        data={
            "zones": {zone: found["serial"] for zone, found in seen.items()},
            "names": compare(records, params["wanted"], params["zones"], params["owner"]),
        }
    )


def main() -> None:
    run_as_module(run, ARGUMENT_SPEC)


if __name__ == "__main__":
    main()
