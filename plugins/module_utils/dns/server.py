# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A DNS server asked, with a key, for what ExternalDNS needs of it: transfers and updates of zones."""

from __future__ import annotations

import binascii
import socket
import traceback
from dataclasses import dataclass
from typing import Any, Callable

from ansible.module_utils.basic import missing_required_lib

from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import EdgefedError

try:
    import dns.exception
    import dns.flags
    import dns.message
    import dns.name
    import dns.query
    import dns.rcode
    import dns.rdatatype
    import dns.tsig
    import dns.tsigkeyring
    import dns.update
    import dns.zone

    IMPORT_ERROR = None
except ImportError:
    IMPORT_ERROR = traceback.format_exc()


@dataclass(frozen=True)
class Server:
    """Where it is, and the key that it is asked with. ``timeout`` is in seconds, for each question."""

    host: str
    port: int
    key_name: str
    key_algorithm: str
    key_secret: str
    timeout: float

    @property
    def where(self) -> str:
        return f"DNS server {self.host} port {self.port}"

    def look(self, zone: str) -> dict[str, Any]:
        """``{serial, records}`` of a zone; raises for a server or key that ExternalDNS could not work with."""
        if IMPORT_ERROR:
            raise EdgefedError(missing_required_lib("dnspython"), code="missing_library")
        address, keyring = self._address(), self._keyring()
        serial = self._asked(zone, "SOA", lambda: self._serial(address, zone))
        records = self._asked(zone, "transfer", lambda: self._transfer(address, zone, keyring))
        self._asked(zone, "update", lambda: self._try_update(address, zone, keyring))
        return {"serial": serial, "records": records}

    def _address(self) -> str:
        try:
            return str(socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM)[0][4][0])
        except OSError as error:
            raise EdgefedError(
                f"{self.where}: its name does not resolve ({error.strerror}). Next: correct the server's host.", code="dns_unreachable"
            ) from None

    def _keyring(self) -> Any:
        try:
            return dns.tsigkeyring.from_text({self.key_name: self.key_secret})
        except (binascii.Error, ValueError):
            raise EdgefedError(f"The secret of key {self.key_name} is no base64. Next: correct it.", code="dns_key") from None

    def _asked(self, zone: str, what: str, question: Callable[[], Any]) -> Any:
        try:
            return question()
        except dns.tsig.PeerError as error:
            cause = {"PeerBadKey": "it has no such key", "PeerBadTime": "its clock differs from ours"}
            said = cause.get(type(error).__name__, "the key's secret or algorithm is another there")
            todo = "set both clocks" if type(error).__name__ == "PeerBadTime" else "correct the key's name, algorithm and secret"
            raise EdgefedError(f"{self.where} rejects key {self.key_name}: {said}. Next: {todo}.", code="dns_key") from None
        except dns.query.TransferError as error:
            raise self._refused(zone, what, dns.rcode.to_text(error.rcode)) from None
        except dns.exception.Timeout:
            raise self._unreachable(f"no answer within {self.timeout:g} s") from None
        except (OSError, EOFError) as error:
            raise self._unreachable(getattr(error, "strerror", None) or "the connection ended") from None
        except dns.exception.DNSException as error:
            raise self._refused(zone, what, type(error).__name__) from None

    def _unreachable(self, cause: str) -> EdgefedError:
        return EdgefedError(
            f"{self.where} cannot be asked: {cause}. Next: see whether it runs, and whether UDP and TCP reach it from here.",
            code="dns_unreachable",
        )

    def _refused(self, zone: str, what: str, said: str) -> EdgefedError:
        todo = {
            "SOA": "correct the zone, or let the server have it as a primary",
            "transfer": f'allow it to the key, in BIND by allow-transfer {{ key "{self.key_name}"; }}',
            "update": f'allow it to the key, in BIND by update-policy {{ grant "{self.key_name}" zonesub ANY; }}',
        }
        return EdgefedError(f"{self.where}, zone {zone}: {what} is answered by {said}. Next: {todo[what]}.", code="dns_refused")

    def _serial(self, address: str, zone: str) -> int:
        answer = dns.query.udp(dns.message.make_query(zone, "SOA"), address, self.timeout, self.port)
        found = [item for rrset in answer.answer if rrset.rdtype == dns.rdatatype.SOA for item in rrset]
        if answer.rcode() != dns.rcode.NOERROR or not found or not answer.flags & dns.flags.AA:
            said = dns.rcode.to_text(answer.rcode())
            raise self._refused(zone, "SOA", said if said != "NOERROR" else "another server's name")
        return int(found[0].serial)

    def _transfer(self, address: str, zone: str, keyring: Any) -> dict[tuple[str, str], frozenset[str]]:
        messages = dns.query.xfr(
            address,
            zone,
            port=self.port,
            keyring=keyring,
            keyname=self.key_name,
            keyalgorithm=f"{self.key_algorithm}.",
            timeout=self.timeout,
            relativize=False,
        )
        found: dict[tuple[str, str], frozenset[str]] = {}
        for name, rdataset in dns.zone.from_xfr(messages, relativize=False).iterate_rdatasets():
            key = (name.to_text(omit_final_dot=True).lower(), dns.rdatatype.to_text(rdataset.rdtype))
            found[key] = frozenset(item.to_text().rstrip(".").lower() for item in rdataset)
        return found

    def _try_update(self, address: str, zone: str, keyring: Any) -> None:
        """An update that changes nothing."""
        update = dns.update.UpdateMessage(
            zone, keyring=keyring, keyname=dns.name.from_text(self.key_name), keyalgorithm=f"{self.key_algorithm}."
        )
        answer = dns.query.tcp(update, address, self.timeout, self.port)
        if answer.rcode() != dns.rcode.NOERROR:
            raise self._refused(zone, "update", dns.rcode.to_text(answer.rcode()))
