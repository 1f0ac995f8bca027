# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Random templates and overrides on a kind that takes any JSON: the preview says what KubeFed's real controller then writes.

``EDGEFED_PREVIEWS`` is how many, 100 by default. They are the same each time.
"""

from __future__ import annotations

import json
import os
import random
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Iterator

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from integration.federate_lab import TYPES, Federate, clusters, federate
from integration.waiting import until

from ansible_collections.edgefed.kubefed.plugins.module_utils.client import connect
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.preview import OverrideError, preview
from ansible_collections.edgefed.kubefed.plugins.modules import federated_type

__all__ = ["federate"]

pytestmark = pytest.mark.lab

COUNT = int(os.environ.get("EDGEFED_PREVIEWS", "100"))
SPACE = "previewed"
PLACED = ("local", "zj")
TARGET = {"group": "preview.example.com", "version": "v1", "kind": "Thing", "pluralName": "things", "scope": "Namespaced"}
NAME = f"{TARGET['pluralName']}.{TARGET['group']}"
PATH = f"/namespaces/{SPACE}"
ANYTHING = {"type": "object", "properties": {"spec": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}}
CRD = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": NAME},
    "spec": {
        "group": TARGET["group"],
        "scope": TARGET["scope"],
        "names": {"kind": TARGET["kind"], "plural": TARGET["pluralName"]},
        "versions": [{"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": ANYTHING}}],
    },
}

KEYS = st.sampled_from(["a", "b", "0", "-", "c/d", "e~f", "~1", "", "ü"])
LEAVES = st.one_of(st.integers(-3, 3), st.booleans(), st.sampled_from(["", "x", "0"]))
VALUES = st.recursive(LEAVES, lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(KEYS, inner, max_size=3)), max_leaves=5)
TEMPLATES = st.dictionaries(KEYS, st.one_of(VALUES, st.none()), min_size=1, max_size=4)
ODD_PARTS = st.sampled_from(["a", "0", "1", "2", "9", "-", "-1", "-3", "+1", "01", "c~1d", "e~0f", "~01", "nowhere", ""])


def escaped(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")


@st.composite
def paths(draw: Any, body: dict[str, Any]) -> str:
    """Down the template as far as chance will, then perhaps a step that need not be there."""
    parts, here = ["spec"], body
    while isinstance(here, (dict, list)) and here and (len(parts) == 1 or draw(st.integers(0, 3))):
        if draw(st.integers(0, 4)) == 0:
            break
        key = draw(st.sampled_from(sorted(here) if isinstance(here, dict) else range(len(here))))
        here = here[key]
        parts.append(escaped(str(key)))
    if len(parts) == 1 or draw(st.integers(0, 2)) == 0:
        parts.append(draw(ODD_PARTS))
    return "/" + "/".join(parts)


@st.composite
def override_lists(draw: Any, body: dict[str, Any]) -> list[dict[str, Any]]:
    found = []
    for path in dict.fromkeys(draw(st.lists(paths(body), max_size=4))):
        op = draw(st.sampled_from(["add", "add", "replace", "replace", "remove", ""]))
        value = {} if op == "remove" else {"value": draw(VALUES)}
        found.append({"path": path, **({"op": op} if op else {}), **value})
    if draw(st.sampled_from(range(12))) == 7:
        found.append({"path": "/metadata/annotations", "op": "add", "value": {"a.b/c": "1"}})
        found.append({"path": "/metadata/annotations/a.b~1c", "op": draw(st.sampled_from(["replace", "remove"])), "value": "2"})
    return found


@st.composite
def things(draw: Any) -> dict[str, Any]:
    """A federated object without a name."""
    body = draw(TEMPLATES)
    overrides = {cluster: draw(override_lists(body)) for cluster in PLACED}
    labels = draw(st.dictionaries(st.sampled_from(["x", "a.b/c"]), st.sampled_from(["", "1"]), max_size=2))
    template = {"spec": body, **({"metadata": {"labels": labels}} if labels else {})}
    listed = [{"clusterName": cluster, "clusterOverrides": found} for cluster, found in overrides.items() if found]
    return {"template": template, "placement": clusters(*PLACED), **({"overrides": listed} if listed else {})}


def examples() -> list[dict[str, Any]]:
    """The same ``COUNT`` each time."""
    found: dict[str, dict[str, Any]] = {}

    # Neighbours are much alike: of more of them some, by chance.
    @settings(
        max_examples=2 * COUNT,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(things())
    def collect(spec: dict[str, Any]) -> None:
        found[json.dumps(spec, sort_keys=True)] = spec

    collect()
    specs = random.Random(COUNT).sample(list(found.values()), COUNT)
    head = {"apiVersion": TYPES, "kind": "FederatedThing"}
    return [{**head, "metadata": {"name": f"thing-{number}", "namespace": SPACE}, "spec": spec} for number, spec in enumerate(specs)]


def essence(body: dict[str, Any]) -> dict[str, Any]:
    metadata = body["metadata"]
    return {"spec": body.get("spec"), "labels": metadata.get("labels") or {}, "annotations": metadata.get("annotations") or {}}


def expected(federated: dict[str, Any], cluster: str) -> dict[str, Any] | None:
    try:
        return essence(preview(federated, cluster, TARGET))
    except OverrideError:
        return None


@pytest.fixture
def kind(federate: Federate) -> Iterator[Any]:
    """The kind federated; afterwards nothing of it is left."""
    lab = federate.lab

    def set_type(**options: Any) -> None:
        wanted = {"kubeconfig": lab.kubeconfig, "context": "local", "name": NAME, **options}
        params = ArgumentSpecValidator(federated_type.ARGUMENT_SPEC).validate(wanted).validated_parameters
        federated_type.run(params, False, False, connect)

    lab.kubectl("local", "apply", "-f", "-", stdin=json.dumps(CRD))
    lab.established("local", NAME)
    set_type(template_schema="open", target_crd="carry")
    federate(
        {
            "apiVersion": TYPES,
            "kind": "FederatedNamespace",
            "metadata": {"name": SPACE, "namespace": SPACE},
            "spec": {"placement": clusters(*PLACED)},
        }
    )
    yield connect({"kubeconfig": lab.kubeconfig, "context": "local"}, None, pool=8)
    set_type(state="absent", objects="orphan", delete_crd=True)
    for cluster in ("local", "cddev", "zj"):
        lab.kubectl(cluster, "delete", "crd", NAME, "--ignore-not-found")
    # KubeFed takes it from the members some 10 s later; nobody has to wait for that
    lab.kubectl("local", "delete", "namespace", SPACE, "--wait=false")


def told(item: dict[str, Any]) -> dict[str, str] | None:
    """What the controller says of each cluster at the present generation; ``None`` while it does not."""
    status = item.get("status") or {}
    found = {entry["name"]: entry.get("status") or "OK" for entry in status.get("clusters") or []}
    return found if status.get("observedGeneration") == item["metadata"]["generation"] and set(found) == set(PLACED) else None


def test_the_preview_is_what_the_controller_writes(kind: Any, federate: Federate) -> None:
    objects = examples()
    predictions = {(item["metadata"]["name"], cluster): expected(item, cluster) for item in objects for cluster in PLACED}
    refused = {key for key, found in predictions.items() if found is None}
    assert len(objects) == COUNT and 0.05 < len(refused) / len(predictions) < 0.6, "neither all of them nor none has to fail"
    collection = f"/apis/{TYPES}{PATH}/federatedthings"
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda item: kind.request("POST", collection, item), objects))
    seen: dict[str, dict[str, str] | None] = {}

    def all_told() -> bool:
        seen.clear()
        seen.update({item["metadata"]["name"]: told(item) for item in kind.list(collection)})
        return None not in seen.values()

    until(all_told, lambda: f"{[name for name, found in seen.items() if found is None]} told", 60 + COUNT)
    controller = {(name, cluster): state for name, found in seen.items() for cluster, state in (found or {}).items()}
    assert {key for key, state in controller.items() if state == "ApplyOverridesFailed"} == refused
    there: dict[tuple[str, str], Any] = {}
    for cluster in PLACED:
        member = connect({"kubeconfig": federate.lab.kubeconfig, "context": cluster}, None)
        items = member.list(f"/apis/{TARGET['group']}/v1{PATH}/things")
        there.update({(item["metadata"]["name"], cluster): essence(item) for item in items})
    wrong = {key: (there.get(key), found) for key, found in predictions.items() if there.get(key) != found}
    first = next(iter(wrong), None)
    assert not wrong, (len(wrong), first, wrong[first], next(item["spec"] for item in objects if item["metadata"]["name"] == first[0]))
