# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The spec of a federated resource: template, placement, overrides, and whether they fit each other. Pure."""

from __future__ import annotations

import copy
import traceback
from typing import Any

from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.api_versions import modern
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.fields import string_map, unknown, wrong_type
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.legacy import convert_ingress
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.preview import (
    FORBIDDEN_PATHS,
    OPERATIONS,
    OverrideError,
    PlacementError,
    base_object,
    operation,
    placed_clusters,
    preview,
)
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.sources import Document, Path, Problem
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.types import FederatedType, nearest

try:
    from jsonpatch import JsonPatch, JsonPatchException
    from jsonpointer import JsonPointerException

    IMPORT_ERROR = None
except ImportError:
    IMPORT_ERROR = traceback.format_exc()

SPEC = ("template", "placement", "overrides")
RETAINING = ("Deployment", "ReplicaSet")
NAME_TEMPLATE = "- name: <cluster>"


class SpecCheck:
    """Fills ``problems``, ``notices``, ``spec`` (as it will be sent), ``chosen`` (cluster names) and ``previews`` (by cluster)."""

    def __init__(self, document: Document, metadata: dict[str, Any], federated: FederatedType, clusters: dict[str, dict[str, str]]) -> None:
        self.document = document
        self.metadata = metadata
        self.type = federated
        self.clusters = clusters
        self.spec: dict[str, Any] = copy.deepcopy(document.body.get("spec") or {})
        self.problems: list[Problem] = []
        self.notices: list[str] = []
        self.chosen: list[str] = []
        self.previews: dict[str, dict[str, Any]] = {}

    def run(self) -> None:
        """Check everything; the previews are there only when nothing is wrong."""
        if self._wrong(("spec",), dict, "template and placement"):
            return
        known = (*SPEC, "retainReplicas") if self.type.target_kind in RETAINING else SPEC
        self.problems += unknown(self.document, ("spec",), known)
        if "retainReplicas" in self.spec:
            self._wrong(("spec", "retainReplicas"), bool)
        template_fits = self._template()
        if self._placement():
            self._choose()
        overrides_fit = self._overrides()
        if template_fits and overrides_fit:
            self._apply()
        if not self.problems:
            self._preview()

    def _problem(self, path: Path, cause: str, todo: str) -> None:
        self.problems.append(self.document.problem(path, cause, todo))

    def _wrong(self, path: Path, wanted: type, what: str = "") -> bool:
        found = wrong_type(self.document, path, wanted, what)
        self.problems += found
        return bool(found)

    # --- template ---

    def _template(self) -> bool:
        path: Path = ("spec", "template")
        if "template" not in self.spec:
            if self.type.target_kind == "Namespace":
                return True
            self._problem(path, "there is no template", f"put the {self.type.target_kind} to propagate under spec.template")
            return False
        if self._wrong(path, dict, f"the {self.type.target_kind} to propagate (at least {{}})"):
            return False
        if self.type.target_kind == "Ingress":
            self.spec["template"], converted = convert_ingress(self.spec["template"])
            self.notices += [f"spec.template was converted to networking.k8s.io/v1: {what}; better write it so" for what in converted]
        self._modern_template()
        return self._template_head()

    def _modern_template(self) -> None:
        template, kind = self.spec["template"], self.type.target_kind
        old = template.get("apiVersion")
        new = modern(str(old), kind)
        if new != old and new == self.type.target_api_version:
            self.spec["template"] = {**template, "apiVersion": new}
            self.notices.append(f"spec.template.apiVersion was converted: {kind} of {old} is the same as of {new}; better write it so")

    def _template_head(self) -> bool:
        template = self.spec["template"]
        before = len(self.problems)
        if template.get("kind", self.type.target_kind) != self.type.target_kind:
            self._problem(
                ("spec", "template", "kind"), f"members get a {self.type.target_kind}", "remove kind and apiVersion from the template"
            )
        metadata = template.get("metadata")
        if metadata is not None and not self._wrong(("spec", "template", "metadata"), dict):
            self.problems += string_map(self.document, ("spec", "template", "metadata", "labels"))
            self._dropped(metadata)
        return len(self.problems) == before

    def _dropped(self, metadata: dict[str, Any]) -> None:
        for name in ("annotations", "finalizers"):
            if metadata.get(name):
                self.notices.append(
                    f"KubeFed drops spec.template.metadata.{name}; set them by an override (op: add, path: /metadata/{name})"
                )

    # --- placement ---

    def _placement(self) -> bool:
        path: Path = ("spec", "placement")
        if "placement" not in self.spec:
            self._problem(path, "there is no placement", f"name the clusters: placement: clusters: {NAME_TEMPLATE}")
            return False
        if self._wrong(path, dict, f"clusters: {NAME_TEMPLATE}"):
            return False
        before = len(self.problems)
        self.problems += unknown(self.document, path, ("clusters", "clusterSelector"))
        placement = self.spec["placement"]
        if "clusters" in placement:
            self._placement_clusters()
        elif "clusterSelector" in placement:
            self._wrong((*path, "clusterSelector"), dict, "matchLabels or matchExpressions ({} selects all)")
        elif len(self.problems) == before:
            self._problem(path, "it names no clusters", f"add placement.clusters ({NAME_TEMPLATE}) or placement.clusterSelector")
        return len(self.problems) == before

    def _placement_clusters(self) -> None:
        path: Path = ("spec", "placement", "clusters")
        if self._wrong(path, list, NAME_TEMPLATE):
            return
        seen: set[str] = set()
        for index, item in enumerate(self.spec["placement"]["clusters"]):
            here = (*path, index)
            if self._wrong(here, dict, f"- name: {item}" if isinstance(item, str) else NAME_TEMPLATE):
                continue
            self.problems += unknown(self.document, here, ("name",))
            self._joined((*here, "name"), item.get("name"), seen)

    def _joined(self, path: Path, name: Any, seen: set[str]) -> None:
        if not isinstance(name, str):
            self._problem(path, "there is no cluster name", f"name one of the joined clusters ({self._joined_names()})")
        elif name in seen:
            self._problem(path, f"cluster {name!r} is there twice", "keep one of the two")
        elif name not in self.clusters:
            close = nearest(name, self.clusters)
            todo = f"did you mean {close[0]}? Joined are" if close else "join it (playbooks/join.yml), or choose of the joined clusters"
            self._problem(path, f"cluster {name!r} is not joined", f"{todo}: {self._joined_names()}")
        seen.add(str(name))

    def _joined_names(self) -> str:
        return ", ".join(sorted(self.clusters)) or "none"

    def _choose(self) -> None:
        try:
            self.chosen = placed_clusters({"spec": self.spec}, self.clusters)
        except PlacementError as error:
            self._problem(("spec", "placement", "clusterSelector"), str(error).split(": ", 1)[-1], "correct the selector")
            return

    # --- overrides ---

    def _overrides(self) -> bool:
        path: Path = ("spec", "overrides")
        if "overrides" not in self.spec:
            return True
        if self._wrong(path, list, "- clusterName: <cluster>"):
            return False
        before = len(self.problems)
        seen: set[str] = set()
        for index, item in enumerate(self.spec["overrides"]):
            here = (*path, index)
            if self._wrong(here, dict, "clusterName and clusterOverrides"):
                continue
            self.problems += unknown(self.document, here, ("clusterName", "clusterOverrides"))
            self._override_cluster((*here, "clusterName"), item.get("clusterName"), seen)
            self._override_list((*here, "clusterOverrides"), item)
        return len(self.problems) == before

    def _override_cluster(self, path: Path, name: Any, seen: set[str]) -> None:
        known = len(self.problems)
        self._joined(path, name, seen)
        if len(self.problems) == known and self.chosen and name not in self.chosen:
            todo = f"place it there too, or remove the override (placed: {', '.join(self.chosen)})"
            self._problem(path, f"the override is for cluster {name!r}, where the object is not placed", todo)

    def _override_list(self, path: Path, item: dict[str, Any]) -> None:
        if "clusterOverrides" not in item:
            self._problem(path, "there are no clusterOverrides", "add clusterOverrides with path, op and value, or remove the item")
            return
        if self._wrong(path, list, "- path: /spec/…"):
            return
        seen: set[str] = set()
        for index, override in enumerate(item["clusterOverrides"]):
            here = (*path, index)
            if not self._wrong(here, dict, "path, op and value"):
                self._override(here, override, seen)

    def _override(self, path: Path, override: dict[str, Any], seen: set[str]) -> None:
        self.problems += unknown(self.document, path, ("op", "path", "value"))
        where, op = override.get("path"), override.get("op", "")
        if not isinstance(where, str):
            self._problem((*path, "path"), "there is no path", "add the path in the template to change, as /spec/replicas")
            return
        if not where.startswith("/"):
            todo = "write it as /" + where.lstrip("./").replace(".", "/")
            self._problem((*path, "path"), f"{where!r} is not a JSON pointer", todo)
        elif where in FORBIDDEN_PATHS:
            self._problem((*path, "path"), f"KubeFed lets no override change {where}", "remove this override")
        elif where in seen:
            self._problem((*path, "path"), f"KubeFed takes {where} only once per cluster", "put both changes into one override")
        seen.add(where)
        if op not in ("", *OPERATIONS):
            self._problem((*path, "op"), f"{op!r} is no operation", f"use one of {', '.join(OPERATIONS)} (left out: replace)")
        elif op != "remove" and "value" not in override:
            self._problem(path, "there is no value", "add the value, or op: remove")

    def _apply(self) -> None:
        """Every override must resolve (RFC 6902). KubeFed lets ``replace`` add what is not there; a misspelt path would go unseen."""
        base = base_object({"metadata": self.metadata, "spec": self.spec}, self.type.target)
        for index, item in enumerate(self.spec.get("overrides") or []):
            state = base
            for number, override in enumerate(item["clusterOverrides"]):
                path: Path = ("spec", "overrides", index, "clusterOverrides", number)
                try:
                    step = {"op": operation(override), "path": override["path"], "value": override.get("value")}
                    state = JsonPatch([step]).apply(state)
                except (JsonPatchException, JsonPointerException, TypeError):
                    self._unresolved(path, item["clusterName"], override, state)
                    break

    def _unresolved(self, path: Path, cluster: str, override: dict[str, Any], state: Any) -> None:
        parts = [part.replace("~1", "/").replace("~0", "~") for part in override["path"].split("/")[1:]]
        walked: list[str] = []
        for part in parts:
            if isinstance(state, dict) and part in state:
                state = state[part]
            elif isinstance(state, list) and part.isdigit() and int(part) < len(state):
                state = state[int(part)]
            else:
                break
            walked.append(part)
        missing = parts[len(walked)] if len(walked) < len(parts) else parts[-1]
        there = f"/{'/'.join(walked)}" if walked else "the template"
        cause = f"override for {cluster}: path {override['path']} does not exist: {there} has no {missing!r}"
        self._problem((*path, "path"), cause, _advice(state, missing, len(walked) + 1 == len(parts), operation(override)))

    def _preview(self) -> None:
        federated = {"metadata": self.metadata, "spec": self.spec}
        for cluster in self.chosen:
            try:
                self.previews[cluster] = preview(federated, cluster, self.type.target)
            except OverrideError as error:
                self._problem(("spec", "overrides"), f"override for {cluster}: {error}", "correct the override")


def _advice(state: Any, missing: str, last: bool, op: str) -> str:
    if isinstance(state, list):
        return f"use an index below {len(state)}, or - with op: add to append"
    if not isinstance(state, dict):
        return "shorten the path: there is nothing inside this value"
    close = nearest(missing, state)
    if close:
        return f"did you mean {close[0]!r}?".rstrip("?")
    if last and op == "replace":
        return "write op: add to add it"
    return f"use what is there ({', '.join(sorted(state))})" + ("" if op == "remove" else ", or add the part above it first")
