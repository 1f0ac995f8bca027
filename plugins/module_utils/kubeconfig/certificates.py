# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a PEM certificate says about itself: subject, expiry, fingerprint. Pure; needs cryptography, as ansible-core does."""

from __future__ import annotations

import hashlib
import re
import warnings
from dataclasses import dataclass
from datetime import datetime, timezone

from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import EdgefedError

try:
    from cryptography import x509
    from cryptography.hazmat.primitives.hashes import SHA256

    MISSING = None
except ImportError as error:
    MISSING = error

_BLOCK = re.compile(rb"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)


@dataclass(frozen=True)
class Certificate:
    """``subject`` as RFC 4514, ``expires`` in UTC, ``sha256`` of the DER."""

    subject: str
    starts: datetime
    expires: datetime
    sha256: str

    def __str__(self) -> str:
        return f"{self.subject}, expires {moment(self.expires)}, sha256:{self.sha256[:16]}"


def moment(when: datetime) -> str:
    """``2026-11-24 00:17 UTC``."""
    return when.strftime("%Y-%m-%d %H:%M UTC")


def fingerprint(data: bytes) -> str:
    """First 16 hex digits of the sha256."""
    return hashlib.sha256(data).hexdigest()[:16]


def read_pem(data: bytes, what: str) -> list[Certificate]:
    """The certificates of a PEM bundle. ``what`` names the field in the error (code ``bad_certificate``)."""
    if MISSING:
        raise EdgefedError(
            "The Python package cryptography is missing on the machine that merges kubeconfigs. Next: run the step with "
            "the Python of ansible-core, which brings it, or pip install cryptography.",
            code="missing_library",
        )
    try:
        with warnings.catch_warnings():
            # a CA with serial number 0 is not ours to complain about
            warnings.simplefilter("ignore")
            found = [x509.load_pem_x509_certificate(block) for block in _BLOCK.findall(data)]
    except ValueError:
        found = []
    if not found:
        raise EdgefedError(
            f"{what} holds no readable PEM certificate. Next: take a fresh kubeconfig from the cluster.", code="bad_certificate"
        )
    return [_certificate(one) for one in found]


def _certificate(one: x509.Certificate) -> Certificate:
    der_hash = one.fingerprint(SHA256()).hex()
    return Certificate(one.subject.rfc4514_string(), _utc(one, "not_valid_before"), _utc(one, "not_valid_after"), der_hash)


def alternative_names(der: bytes) -> list[str]:
    """The addresses and names that a server's certificate is for."""
    certificate = x509.load_der_x509_certificate(der)
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    return [str(name) for kind in (x509.IPAddress, x509.DNSName) for name in found.get_values_for_type(kind)]


def _utc(one: x509.Certificate, field: str) -> datetime:
    # the *_utc properties came with cryptography 42
    when: datetime = getattr(one, f"{field}_utc", None) or getattr(one, field)
    return when if when.tzinfo else when.replace(tzinfo=timezone.utc)


def check_dates(certificates: list[Certificate], what: str, now: datetime) -> list[str]:
    """Warnings; raises :class:`EdgefedError` (code ``expired``) with the date when no certificate of the bundle is valid any more."""
    if all(one.expires <= now for one in certificates):
        last = max(certificates, key=lambda one: one.expires)
        raise EdgefedError(
            f"{what} ({last.subject}) expired on {moment(last.expires)}. Nothing was written. Next: renew it on the cluster "
            "(kubeadm: kubeadm certs renew admin.conf; k3s: restart it), then run this again.",
            code="expired",
            details={"subject": last.subject, "expired": last.expires.isoformat()},
        )
    early = [one for one in certificates if one.starts > now]
    return [f"{what} ({one.subject}) is valid only from {moment(one.starts)} on: check the clocks." for one in early]
