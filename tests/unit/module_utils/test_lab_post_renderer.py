# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The Helm post-renderer of the embedded lab, run as Helm runs it."""

from __future__ import annotations

import base64
import subprocess
import sys
from pathlib import Path

import yaml

RENDERER = Path(__file__).resolve().parents[3] / "roles" / "lab" / "files" / "post_renderer.py"
CHART = """
kind: Deployment
metadata: {name: kubefed-controller-manager}
---
kind: Service
metadata: {name: kubefed-admission-webhook}
---
---
kind: ValidatingWebhookConfiguration
metadata: {name: v}
webhooks:
- name: one
  clientConfig: {service: {name: s, namespace: n, path: /validate-one}, caBundle: b2xk}
- name: two
  clientConfig: {service: {name: s, namespace: n}}
---
kind: ConfigMap
metadata: {name: c}
data: {a: "1"}
"""


def test_what_runs_in_pods_is_dropped_and_webhooks_are_called_at_the_url(tmp_path: Path) -> None:
    (tmp_path / "ca.crt").write_bytes(b"the CA")
    command = [sys.executable, str(RENDERER), "https://127.0.0.1:20006", str(tmp_path / "ca.crt")]
    done = subprocess.run(command, input=CHART, capture_output=True, text=True, check=True)
    webhooks, config = yaml.safe_load_all(done.stdout)
    bundle = base64.b64encode(b"the CA").decode()
    assert [webhook["clientConfig"] for webhook in webhooks["webhooks"]] == [
        {"url": "https://127.0.0.1:20006/validate-one", "caBundle": bundle},
        {"url": "https://127.0.0.1:20006/", "caBundle": bundle},
    ]
    assert config == {"kind": "ConfigMap", "metadata": {"name": "c"}, "data": {"a": "1"}}


def test_wrong_use_says_how() -> None:
    done = subprocess.run([sys.executable, str(RENDERER)], input="", capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "usage: post_renderer.py URL CA-FILE" in done.stderr
