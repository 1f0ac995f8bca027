# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which API resource is meant by a name: the target type, found in what an API server says it serves. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Iterable

from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.types import nearest
from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import EdgefedError

NEEDED_VERBS = ("create", "delete", "get", "list", "update", "watch")
"""What KubeFed's controller does with objects of the target in each member."""
BUILT_IN_GROUPS = tuple(
    f"{name}.k8s.io"
    for name in (
        *("admissionregistration", "apiextensions", "apiregistration", "authentication", "authorization", "certificates", "coordination"),
        *("discovery", "events", "flowcontrol.apiserver", "internal.apiserver", "networking", "node", "rbac.authorization", "resource"),
        *("scheduling", "storage", "storagemigration"),
    )
)
"""Groups with a dot that every API server has by itself; other groups of k8s.io, as gateway.networking.k8s.io, are of CRDs."""


@dataclass(frozen=True)
class Target:
    """One API resource in one version. ``scalable``: it has replicas of its own that an autoscaler may set."""

    group: str
    version: str
    kind: str
    plural: str
    namespaced: bool
    singular: str = ""
    short_names: tuple[str, ...] = ()
    verbs: tuple[str, ...] = ()
    scalable: bool = False

    @property
    def name(self) -> str:
        """``deployments.apps``, or ``configmaps`` of the core group: the name of its FederatedTypeConfig."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @property
    def api_version(self) -> str:
        """``apps/v1``, or ``v1``."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def built_in(self) -> bool:
        """Whether it is of no CRD for sure."""
        return "." not in self.group or self.group in BUILT_IN_GROUPS

    @property
    def scope(self) -> str:
        """Kubernetes' word for it."""
        return "Namespaced" if self.namespaced else "Cluster"

    def answers_to(self, word: str) -> bool:
        """Whether ``word`` (lower case) is one of its names, as kubectl and kubefedctl take them."""
        return word in (self.plural, self.singular, self.kind.lower(), self.name, *self.short_names)


def target_of(config: dict[str, Any]) -> Target:
    """The target that a FederatedTypeConfig names."""
    spec = config["spec"]["targetType"]
    return Target(spec.get("group") or "", spec["version"], spec["kind"], spec["pluralName"], spec.get("scope") == "Namespaced")


def aggregated(answer: dict[str, Any]) -> list[Target]:
    """The resources of an APIGroupDiscoveryList, preferred versions first."""
    found = []
    for group in answer["items"]:
        name = group["metadata"].get("name") or ""
        for version in group["versions"]:
            for item in version.get("resources") or []:
                if not item.get("responseKind"):
                    continue
                found.append(
                    Target(
                        group=name,
                        version=version["version"],
                        kind=item["responseKind"]["kind"],
                        plural=item["resource"],
                        namespaced=item["scope"] == "Namespaced",
                        singular=item.get("singularResource") or "",
                        short_names=tuple(item.get("shortNames") or ()),
                        verbs=tuple(item.get("verbs") or ()),
                        scalable=any(sub["subresource"] == "scale" for sub in item.get("subresources") or []),
                    )
                )
    return found


def one_version(group_version: str, resources: Iterable[dict[str, Any]]) -> list[Target]:
    """The resources of an APIResourceList, which servers before Kubernetes 1.26 give one group version at a time."""
    group, _slash, version = group_version.rpartition("/")
    listed = list(resources)
    names = {item["name"] for item in listed}
    return [
        Target(
            group=group,
            version=version,
            kind=item["kind"],
            plural=item["name"],
            namespaced=item["namespaced"],
            singular=item.get("singularName") or "",
            short_names=tuple(item.get("shortNames") or ()),
            verbs=tuple(item.get("verbs") or ()),
            scalable=f"{item['name']}/scale" in names,
        )
        for item in listed
        if "/" not in item["name"]
    ]


def served(catalog: Iterable[Target], word: str) -> list[Target]:
    """All versions, preferred first, of the one resource that ``word`` means; ``[]`` when there is none.

    Raises :class:`EdgefedError` (code ``ambiguous``) when it means several; one of the core group wins, as with kubefedctl.
    """
    found = [item for item in catalog if item.answers_to(word.lower())]
    exact = [item for item in found if item.name == word.lower()]
    names = list(dict.fromkeys(item.name for item in exact or found))
    core = next((item.name for item in found if not item.group), None)
    if len(names) > 1 and core is None:
        raise EdgefedError(
            f'"{word}" means {len(names)} kinds that the host cluster serves: {", ".join(names)}. Next: give one of these names.',
            code="ambiguous",
            details={"names": names},
        )
    wanted = core if len(names) > 1 else next(iter(names), None)
    return [item for item in found if item.name == wanted]


def choose(catalog: list[Target], word: str, version: str = "", kept: str = "") -> Target:
    """The target that ``word`` means, in ``version``, else in the ``kept`` one (of an earlier run) while it is served, else the preferred.

    Raises :class:`EdgefedError` (codes ``no_kind``, ``no_version``, ``ambiguous``, ``not_federatable``).
    """
    versions = served(catalog, word)
    if not versions:
        near = nearest(word, [name for item in catalog for name in (item.name, item.kind)], 3)
        hint = f" Did you mean {' or '.join(near)}?" if near else ""
        raise EdgefedError(
            f'the host cluster serves no kind "{word}".{hint} Next: correct the name, or install its CRD in the host cluster first.',
            code="no_kind",
            details={"name": word},
        )
    by_version = {item.version: item for item in reversed(versions)}
    if version and version not in by_version:
        there = ", ".join(item.version for item in versions)
        raise EdgefedError(
            f'the host cluster serves "{versions[0].name}" in no version {version}, only in {there}. Next: choose one of these.',
            code="no_version",
            details={"version": version, "served": [item.version for item in versions]},
        )
    target = by_version.get(version or kept, versions[0])
    lacking = [verb for verb in NEEDED_VERBS if verb not in target.verbs]
    if lacking:
        raise EdgefedError(
            f'"{target.name}" cannot be federated: its API has no {", ".join(lacking)}, which KubeFed needs. Next: name another kind.',
            code="not_federatable",
            details={"lacking": lacking},
        )
    if target.group.endswith(".kubefed.io") or target.group == "kubefed.io":
        raise EdgefedError(
            f'"{target.name}" is of KubeFed itself and cannot be federated. Next: name the kind that members are to have.',
            code="not_federatable",
        )
    return target
