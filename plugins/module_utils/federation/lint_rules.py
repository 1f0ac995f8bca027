# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The rules about one object among the others of its cluster. Pure.

Objects are what a cluster gets; they have passed the API server's schema, or will be refused by it, so wrong shapes are passed over.
"""

from __future__ import annotations

import difflib
from collections import defaultdict
from typing import Any, Iterable, Iterator, NamedTuple

from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.fields import value_at
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.sources import Path
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.types import OF_EACH_CLUSTER

Key = tuple[str, str, str]
_POD: dict[str, Path] = {
    "Pod": (),
    "CronJob": ("spec", "jobTemplate", "spec", "template"),
    **dict.fromkeys(("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job", "ReplicationController"), ("spec", "template")),
}
WORKLOADS = tuple(_POD)


class Fault(NamedTuple):
    """What is wrong at ``path`` of an object, and what to do."""

    rule: str
    path: Path
    cause: str
    todo: str


class Reference(NamedTuple):
    """Where an object names another of its namespace."""

    path: Path
    kind: str
    name: str


class World:
    """What one cluster gets of the federation; ``everywhere`` are the keys of what any cluster gets."""

    def __init__(self, bodies: Iterable[dict[str, Any]], everywhere: frozenset[Key]) -> None:
        self._everywhere = everywhere
        self._found = {key_of(body): body for body in bodies}
        self._of: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
        for (kind, namespace, _name), body in self._found.items():
            self._of[kind, namespace].append(body)

    def find(self, kind: str, namespace: str, name: str) -> dict[str, Any] | None:
        """The object, ``None`` when this cluster does not get it."""
        return self._found.get((kind, namespace, name))

    def of(self, namespace: str, kinds: Iterable[str]) -> list[dict[str, Any]]:
        """The cluster's objects of these kinds."""
        return [body for kind in kinds for body in self._of.get((kind, namespace), ())]

    def elsewhere(self, kind: str, namespace: str, name: str) -> bool:
        """Whether any cluster gets the object."""
        return (kind, namespace, name) in self._everywhere


def key_of(body: dict[str, Any]) -> Key:
    """``(kind, namespace, name)``"""
    return body["kind"], _namespace(body), str(body["metadata"].get("name"))


def faults(body: dict[str, Any], world: World) -> list[Fault]:
    """All that the rules find in one object."""
    return [fault for rule in (_references, _selector, _service_port, _ingress) for fault in rule(body, world)]


def pod_spec(body: dict[str, Any]) -> tuple[dict[str, Any], Path]:
    """The spec of an object's pods and where it stands; empty for what has none."""
    if body["kind"] not in _POD:
        return {}, ()
    path = (*_POD[body["kind"]], "spec")
    return _map(value_at(body, path)), path


def looked_for(body: dict[str, Any], world: World) -> set[str]:
    """Kinds of the namespace that may clear or change what is found in this object."""
    kinds = {reference.kind for reference in references(body) if not world.find(reference.kind, _namespace(body), reference.name)}
    if body["kind"] == "Service" and _wanted(body) and not _selected(body, world):
        kinds |= set(WORKLOADS)
    return kinds


def _namespace(body: dict[str, Any]) -> str:
    return str(body["metadata"].get("namespace") or "")


def _maps(value: Any) -> list[tuple[int, dict[str, Any]]]:
    return [(index, item) for index, item in enumerate(value) if isinstance(item, dict)] if isinstance(value, list) else []


def _map(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


# --- what an object names ---


def references(body: dict[str, Any]) -> Iterator[Reference]:
    """ConfigMaps, Secrets, ServiceAccounts and Services that an object cannot do without."""
    yield from _of_pod(*pod_spec(body))
    if body["kind"] == "Ingress":
        for path, service in _backends(body):
            yield Reference(path, "Service", str(service.get("name")))
        for index, item in _maps(value_at(body, ("spec", "tls"))):
            if item.get("secretName"):
                yield Reference(("spec", "tls", index, "secretName"), "Secret", str(item["secretName"]))


def _of_pod(spec: dict[str, Any], path: Path) -> Iterator[Reference]:
    account = spec.get("serviceAccountName")
    if account:
        yield Reference((*path, "serviceAccountName"), "ServiceAccount", str(account))
    for index, item in _maps(spec.get("imagePullSecrets")):
        yield from _named((*path, "imagePullSecrets", index), "Secret", item, "name")
    for index, item in _maps(spec.get("volumes")):
        yield from _of_volume(item, (*path, "volumes", index))
    for group in ("initContainers", "containers"):
        for index, item in _maps(spec.get(group)):
            yield from _of_container(item, (*path, group, index))


def _of_volume(volume: dict[str, Any], path: Path) -> Iterator[Reference]:
    yield from _named((*path, "configMap"), "ConfigMap", _map(volume.get("configMap")), "name")
    yield from _named((*path, "secret"), "Secret", _map(volume.get("secret")), "secretName")
    for index, source in _maps(_map(volume.get("projected")).get("sources")):
        here = (*path, "projected", "sources", index)
        yield from _named((*here, "configMap"), "ConfigMap", _map(source.get("configMap")), "name")
        yield from _named((*here, "secret"), "Secret", _map(source.get("secret")), "name")


def _of_container(container: dict[str, Any], path: Path) -> Iterator[Reference]:
    for index, item in _maps(container.get("envFrom")):
        yield from _named((*path, "envFrom", index, "configMapRef"), "ConfigMap", _map(item.get("configMapRef")), "name")
        yield from _named((*path, "envFrom", index, "secretRef"), "Secret", _map(item.get("secretRef")), "name")
    for index, item in _maps(container.get("env")):
        source, here = _map(item.get("valueFrom")), (*path, "env", index, "valueFrom")
        yield from _named((*here, "configMapKeyRef"), "ConfigMap", _map(source.get("configMapKeyRef")), "name")
        yield from _named((*here, "secretKeyRef"), "Secret", _map(source.get("secretKeyRef")), "name")


def _named(path: Path, kind: str, holder: dict[str, Any], field: str) -> Iterator[Reference]:
    if holder.get(field) and holder.get("optional") is not True:
        yield Reference((*path, field), kind, str(holder[field]))


def _references(body: dict[str, Any], world: World) -> Iterator[Fault]:
    namespace = _namespace(body)
    for reference in references(body):
        kind, name = reference.kind, reference.name
        if (kind, name) in OF_EACH_CLUSTER or world.find(kind, namespace, name):
            continue
        rule = "ingress_backend" if kind == "Service" else "reference"
        if world.elsewhere(kind, namespace, name):
            yield Fault(rule, reference.path, f"{kind} {name} is not placed in this cluster", f"place Federated{kind} {name} there too")
            continue
        close = difflib.get_close_matches(name, [key_of(other)[2] for other in world.of(namespace, (kind,))], 1)
        todo = f"did you mean {close[0]}" if close else f"federate {kind} {name} too, or see that each cluster has it"
        yield Fault(rule, reference.path, f"there is no {kind} {name} among what is federated in namespace {namespace}", todo)


# --- services ---


def _wanted(service: dict[str, Any]) -> dict[str, Any]:
    return _map(value_at(service, ("spec", "selector")))


def _labels(workload: dict[str, Any]) -> dict[str, Any]:
    return _map(value_at(workload, (*_POD[workload["kind"]], "metadata", "labels")))


def _selected(service: dict[str, Any], world: World) -> list[dict[str, Any]]:
    wanted = _wanted(service).items()
    return [workload for workload in world.of(_namespace(service), WORKLOADS) if wanted <= _labels(workload).items()]


def _selector(service: dict[str, Any], world: World) -> Iterator[Fault]:
    around = world.of(_namespace(service), WORKLOADS)
    if service["kind"] != "Service" or not _wanted(service) or not around or _selected(service, world):
        return
    meant = max(around, key=lambda workload: _likeness(_wanted(service), _labels(workload)))
    cause = f"selector {_pairs(_wanted(service))} selects no pods of what is federated in namespace {_namespace(service)}"
    todo = f"did you mean {meant['kind']} {key_of(meant)[2]} ({_pairs(_labels(meant))})"
    yield Fault("selector", ("spec", "selector"), cause, todo)


def _pairs(labels: dict[str, Any]) -> str:
    return ", ".join(f"{key}: {value}" for key, value in sorted(labels.items())) or "no labels"


def _likeness(selector: dict[str, Any], labels: dict[str, Any]) -> tuple[int, float]:
    kept = {key: labels.get(key) for key in selector}
    return len(selector.items() & labels.items()), difflib.SequenceMatcher(None, _pairs(selector), str(kept)).ratio()


def _port_names(workload: dict[str, Any]) -> set[str]:
    spec, _path = pod_spec(workload)
    sidecars = [one for _index, one in _maps(spec.get("initContainers")) if one.get("restartPolicy") == "Always"]
    containers = [*sidecars, *(one for _index, one in _maps(spec.get("containers")))]
    ports = [port for one in containers for _number, port in _maps(one.get("ports"))]
    return {str(port["name"]) for port in ports if port.get("name")}


def _service_port(service: dict[str, Any], world: World) -> Iterator[Fault]:
    selected = _selected(service, world) if service["kind"] == "Service" and _wanted(service) else []
    names = {name for workload in selected for name in _port_names(workload)}
    for index, port in _maps(value_at(service, ("spec", "ports"))):
        target = port.get("targetPort")
        if selected and isinstance(target, str) and not target.isdigit() and target not in names:
            workloads = ", ".join(sorted(f"{one['kind']} {key_of(one)[2]}" for one in selected))
            cause = f"{target!r} is the name of no container's port in {workloads}"
            close = difflib.get_close_matches(target, sorted(names), 1, 0.5)
            known = f"use one of their names ({', '.join(sorted(names))})" if names else "name the container's port so"
            yield Fault("service_port", ("spec", "ports", index, "targetPort"), cause, f"did you mean {close[0]}" if close else known)


# --- ingresses ---


def _backends(ingress: dict[str, Any]) -> Iterator[tuple[Path, dict[str, Any]]]:
    """The Services that an Ingress (networking.k8s.io/v1) leads to."""
    default: Path = ("spec", "defaultBackend", "service")
    found: list[Path] = [default]
    for index, rule in _maps(value_at(ingress, ("spec", "rules"))):
        for number, _path in _maps(_map(rule.get("http")).get("paths")):
            found.append(("spec", "rules", index, "http", "paths", number, "backend", "service"))
    for path in found:
        service = _map(value_at(ingress, path))
        if service.get("name"):
            yield (*path, "name"), service


def _ingress(body: dict[str, Any], world: World) -> Iterator[Fault]:
    for path, backend in _backends(body) if body["kind"] == "Ingress" else ():
        service = world.find("Service", _namespace(body), str(backend["name"]))
        port = _map(backend.get("port"))
        ports = [item for _index, item in _maps(value_at(service, ("spec", "ports")))] if service else []
        field = "number" if "number" in port else "name"
        offered = [item.get("port" if field == "number" else "name") for item in ports]
        if service and port.get(field) is not None and port[field] not in offered:
            known = ", ".join(str(one) for one in offered if one is not None) or "none"
            cause = f"Service {backend['name']} has no port {port[field]!r}"
            yield Fault("ingress_backend", (*path[:-1], "port", field), cause, f"use one that it has ({known})")
