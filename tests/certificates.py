# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Real certificates and keys for tests, PEM."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

NOW = datetime.now(UTC).replace(microsecond=0)
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Pair:
    """A certificate and its key."""

    certificate: bytes
    key: bytes

    @property
    def certificate_data(self) -> str:
        """As a kubeconfig embeds it."""
        return base64.b64encode(self.certificate).decode()

    @property
    def key_data(self) -> str:
        """As a kubeconfig embeds it."""
        return base64.b64encode(self.key).decode()


@cache
def pair(name: str, starts: datetime = NOW - DAY, ends: datetime = NOW + 365 * DAY, dns: str = "") -> Pair:
    """A self-signed one for ``CN=name``, for a server with the name ``dns``, the same for the same arguments."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number(), starts, ends)
    if dns:
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(dns)]), critical=False)
    signed = builder.sign(key, hashes.SHA256())
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    return Pair(signed.public_bytes(Encoding.PEM), secret)


def bundle(*pairs: Pair) -> bytes:
    """Several certificates in one file."""
    return b"".join(one.certificate for one in pairs)
