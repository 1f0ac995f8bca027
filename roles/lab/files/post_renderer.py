# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Helm post-renderer of the embedded lab: KubeFed's chart without what runs in pods, its webhooks at a URL of this machine.

Usage: post_renderer.py URL CA-FILE < rendered chart > what is applied
"""

from __future__ import annotations

import base64
import sys
from typing import Any, Iterator

import yaml

# The processes that lab_process runs take the place of these.
RUN_AS_PROCESSES = ("Deployment", "Service")


def localized(documents: Iterator[Any], url: str, ca_bundle: str) -> Iterator[dict[str, Any]]:
    """The chart's objects, each webhook called at ``url`` with its own path instead of through a Service."""
    for document in documents:
        if not document or document.get("kind") in RUN_AS_PROCESSES:
            continue
        for webhook in document.get("webhooks") or []:
            path = webhook["clientConfig"]["service"].get("path", "/")
            webhook["clientConfig"] = {"url": f"{url}{path}", "caBundle": ca_bundle}
        yield document


def main() -> int:
    if len(sys.argv) != 3:
        sys.stderr.write("usage: post_renderer.py URL CA-FILE\n")
        return 2
    url, ca_file = sys.argv[1:]
    with open(ca_file, "rb") as file:
        ca_bundle = base64.b64encode(file.read()).decode()
    yaml.safe_dump_all(localized(yaml.safe_load_all(sys.stdin), url, ca_bundle), sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
