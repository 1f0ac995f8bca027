# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is dialled. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Target:
    """An address and how it is reached. ``ca`` is PEM, ``None`` the system's; ``unchecked`` are disabled TLS validations."""

    address: str
    ca: bytes | None = None
    proxy: str | None = None
    unchecked: tuple[str, ...] = ()

    @property
    def host_port(self) -> tuple[str, int]:
        """As it is dialled."""
        parts = urlsplit(self.address if "//" in self.address else f"https://{self.address}")
        return parts.hostname or "", parts.port or (80 if parts.scheme == "http" else 443)

    @property
    def path(self) -> str:
        """What stands before the API's paths."""
        return urlsplit(self.address if "//" in self.address else f"https://{self.address}").path.rstrip("/")
