# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Is what a cluster has what it should have? Pure.

What should be there is a subset of what is there, as API servers and controllers add fields. Equal in meaning counts as
equal: quantities (``1000m`` is ``1``), a Secret's ``stringData``, an empty field that the server leaves out.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from dataclasses import dataclass, replace
from typing import Any

from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.fields import lookup
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.preview import operation, path_parts
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.quantity import quantity
from ansible_collections.edgefed.kubefed.plugins.module_utils.federation.redact import LAST_APPLIED

Parts = tuple[Any, ...]


class _Absent:
    def __repr__(self) -> str:
        return "absent"


ABSENT: Any = _Absent()

# Maps whose keys are the user's: a key with an empty value is kept by the server, and nothing is added by defaulting.
_FREE_MAPS = ("data", "binaryData", "stringData", "labels", "annotations", "matchLabels", "nodeSelector")
_QUANTITY_MAPS = ("requests", "limits", "hard", "capacity", "default", "defaultRequest", "min", "max", "overhead", "allocatable")
_QUANTITY_FIELDS = ("sizeLimit", "divisor", "storage", "averageValue")
# What API servers put where a manifest says nothing: such a value where an override removed the field is no difference.
_DEFAULTS: dict[str, Any] = {
    "replicas": 1,
    "revisionHistoryLimit": 10,
    "progressDeadlineSeconds": 600,
    "terminationGracePeriodSeconds": 30,
    "restartPolicy": "Always",
    "dnsPolicy": "ClusterFirst",
    "schedulerName": "default-scheduler",
    "protocol": "TCP",
    "type": "ClusterIP",
    "sessionAffinity": "None",
    "parallelism": 1,
    "completions": 1,
    "backoffLimit": 6,
    "suspend": False,
}
_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*\Z")


@dataclass(frozen=True)
class Difference:
    """One field. ``want`` and ``got`` are JSON values or ``ABSENT``; of a Secret's data neither is shown."""

    parts: Parts
    want: Any
    got: Any
    secret: bool = False

    @property
    def path(self) -> str:
        """``spec.containers[0].image``"""
        return field_path(self.parts)

    def words(self) -> str:
        """``spec.replicas is 5, should be 3``."""
        if self.secret:
            return f"{self.path} is {'not there' if self.got is ABSENT else 'another value'} (a secret, not shown)"
        got = "is not there" if self.got is ABSENT else f"is {shown(self.got)}"
        want = "should not be there" if self.want is ABSENT else f"should be {shown(self.want)}"
        return f"{self.path} {got}, {want}"


def shown(value: Any, limit: int = 60) -> str:
    """A JSON value short enough for a message."""
    text = json.dumps(value, ensure_ascii=False, sort_keys=True)
    return text if len(text) <= limit else text[: limit - 1] + "…"


def field_path(parts: Parts) -> str:
    """``spec.containers[0].image``, ``metadata.labels["a.b/c"]``."""
    text = ""
    for part in parts:
        if isinstance(part, int):
            text += f"[{part}]"
        elif _PLAIN_KEY.match(str(part)):
            text += f".{part}"
        else:
            text += f"[{json.dumps(str(part), ensure_ascii=False)}]"
    return text.removeprefix(".")


def _is_quantity(parts: Parts) -> bool:
    return bool(parts) and (parts[-1] in _QUANTITY_FIELDS or any(part in _QUANTITY_MAPS for part in parts[:-1]))


def _decoded(value: Any) -> Any:
    try:
        return base64.b64decode(value)
    except (binascii.Error, TypeError, ValueError):
        return value


def _same_leaf(want: Any, got: Any, parts: Parts) -> bool:
    if isinstance(want, bool) or isinstance(got, bool):
        return want is got
    if want == got:
        return True
    if _is_quantity(parts):
        number = quantity(want)
        return number is not None and number == quantity(got)
    return len(parts) == 2 and parts[0] == "binaryData" and bool(_decoded(want) == _decoded(got))


def _may_be_left_out(want: Any, parts: Parts) -> bool:
    """Whether a server drops this value: nothing said, or Go's zero value in a struct."""
    if want is None or want == []:
        return True
    if isinstance(want, dict):
        return all(_may_be_left_out(value, (*parts, key)) for key, value in want.items())
    in_free_map = len(parts) > 1 and parts[-2] in _FREE_MAPS
    return want in ("", 0, False) and not in_free_map and parts[-1] != "replicas"


def _walk(want: Any, got: Any, parts: Parts) -> list[Difference]:
    if want is None:
        return []
    if isinstance(want, dict) and isinstance(got, dict):
        found: list[Difference] = []
        for key in sorted(want, key=str):
            found += _walk_key(want[key], got.get(key, ABSENT), (*parts, key))
        return found
    if isinstance(want, list) and isinstance(got, list):
        return _walk_list(want, got, parts)
    return [] if _same_leaf(want, got, parts) else [Difference(parts, want, got)]


def _walk_key(want: Any, got: Any, parts: Parts) -> list[Difference]:
    if got is ABSENT or got is None:
        return [] if _may_be_left_out(want, parts) else [Difference(parts, want, ABSENT)]
    return _walk(want, got, parts)


def covers(want: Any, got: Any, parts: Parts) -> bool:
    """Whether what a cluster ``got`` at ``parts`` is what was wanted, with what servers add."""
    return not _walk(want, got, parts)


def _named(items: list[Any]) -> dict[str, Any] | None:
    found = {item["name"]: item for item in items if isinstance(item, dict) and isinstance(item.get("name"), str)}
    return found if len(found) == len(items) else None


def _walk_list(want: list[Any], got: list[Any], parts: Parts) -> list[Difference]:
    """Servers neither reorder nor lengthen lists, finalizers apart; by name one item more or less is told clearly."""
    if parts == ("metadata", "finalizers"):
        return [Difference((*parts, item), item, ABSENT) for item in want if item not in got]
    if len(want) != len(got):
        wanted, there = _named(want), _named(got)
        if wanted is None or there is None:
            return [Difference(parts, want, got)]
        gone = [Difference((*parts, name), wanted[name], ABSENT) for name in wanted if name not in there]
        return gone + [Difference((*parts, name), ABSENT, there[name]) for name in there if name not in wanted]
    found: list[Difference] = []
    for index, (wanted_item, item) in enumerate(zip(want, got)):
        found += _walk(wanted_item, item, (*parts, index))
    return found


def _removed(
    desired: dict[str, Any], actual: dict[str, Any], template: dict[str, Any], overrides: list[Any], exact: bool
) -> list[Difference]:
    """Fields that an override took away and that are there all the same."""
    found = []
    for override in overrides:
        parts = path_parts(str(override.get("path") or ""))
        if operation(override) != "remove" or not parts or isinstance(lookup(desired, parts[:-1], ABSENT), list):
            continue
        got = lookup(actual, parts, ABSENT)
        if got is ABSENT or got is None or lookup(desired, parts, ABSENT) is not ABSENT:
            continue
        default = _DEFAULTS.get(parts[-1], ABSENT)
        defaulted = parts[0] == "spec" and (got == default or got != lookup(template, parts, ABSENT))
        if exact or not defaulted:
            found.append(Difference(tuple(parts), ABSENT, got))
    return found


def _extra_keys(desired: dict[str, Any], actual: dict[str, Any]) -> list[Difference]:
    found = []
    for where in (("metadata", "labels"), ("metadata", "annotations"), ("data",), ("binaryData",)):
        want, got = lookup(desired, list(where), ABSENT), lookup(actual, list(where), ABSENT)
        for key in sorted(got) if isinstance(got, dict) else []:
            if key in (want if isinstance(want, dict) else {}) or _by_kubernetes(where, key):
                continue
            found.append(Difference((*where, key), ABSENT, got[key]))
    return found


def _by_kubernetes(where: tuple[str, ...], key: str) -> bool:
    return where[0] == "metadata" and (key == "kubernetes.io/metadata.name" or key.startswith("deployment.kubernetes.io/"))


def _with_string_data(secret: dict[str, Any]) -> dict[str, Any]:
    merged = dict(secret.get("data") or {})
    for key, value in (secret.pop("stringData", None) or {}).items():
        merged[key] = base64.b64encode(str(value).encode()).decode()
    return {**secret, "data": merged} if merged else secret


def _secrets(desired: dict[str, Any], actual: dict[str, Any], exact: bool) -> list[Difference]:
    want, got = _with_string_data(dict(desired)).get("data") or {}, actual.get("data") or {}
    wrong = [key for key in want if key not in got or _decoded(want[key]) != _decoded(got[key])]
    found = [Difference(("data", key), want[key], got.get(key, ABSENT), secret=True) for key in sorted(wrong)]
    more = sorted(set(got) - set(want)) if exact else []
    return found + [Difference(("data", key), ABSENT, got[key], secret=True) for key in more]


def taken_away(before: Any, after: Any, path: str = "") -> list[dict[str, Any]]:
    """The fields of one object that another has not, as overrides which remove them. Lists of other lengths are others as a whole."""
    if isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        return [found for index, (old, new) in enumerate(zip(before, after)) for found in taken_away(old, new, f"{path}/{index}")]
    if not isinstance(before, dict) or not isinstance(after, dict):
        return []
    found: list[dict[str, Any]] = []
    for key, value in before.items():
        here = f"{path}/{str(key).replace('~', '~0').replace('/', '~1')}"
        found += taken_away(value, after[key], here) if key in after else [{"op": "remove", "path": here}]
    return found


def compare(
    desired: dict[str, Any], actual: dict[str, Any], overrides: list[Any], template: dict[str, Any], exact: bool = False
) -> list[Difference]:
    """The fields of ``actual`` that are not as ``desired`` (from ``preview()``), which ``overrides`` made of ``template``.

    ``exact`` also refuses labels, annotations and data that nobody asked for, and any value in a removed field.
    """
    is_secret = desired.get("kind") == "Secret"
    want = {key: value for key, value in desired.items() if key not in ("apiVersion", "kind", "metadata", "status")}
    got = dict(actual)
    found: list[Difference] = []
    if is_secret:
        found += _secrets(want, got, exact)
        for side in (want, got):
            side.pop("data", None)
            side.pop("stringData", None)
    metadata = {key: value for key, value in (desired.get("metadata") or {}).items() if key in ("labels", "annotations", "finalizers")}
    found += _walk({"metadata": metadata, **want}, got, ())
    without_status = {**want, "metadata": metadata}
    found += [item for item in _removed(without_status, got, template, overrides, exact) if item not in found]
    if exact:
        found += [item for item in _extra_keys(without_status, got) if item not in found]
    return [replace(item, secret=True) if is_secret and LAST_APPLIED in item.parts else item for item in found]
