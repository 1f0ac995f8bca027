# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One name, one record: the older one has it. Two would overwrite each other, or put a CNAME beside other types."""

from __future__ import annotations

from edgefed_dns.model import Key

Age = tuple[str, Key]


class Claims:
    """Which records want which names."""

    def __init__(self) -> None:
        self._names: dict[Key, frozenset[str]] = {}
        self._claims: dict[str, set[Age]] = {}
        self._ages: dict[Key, Age] = {}

    def put(self, age: Age, names: set[str]) -> set[Key]:
        """Note a record's names; gives the other records for which something may be new."""
        key = age[1]
        if self._names.get(key) == frozenset(names) and self._ages.get(key) == age:
            return set()
        touched = self.drop(key)
        self._names[key], self._ages[key] = frozenset(names), age
        for name in names:
            self._claims.setdefault(name, set()).add(age)
            touched |= self._others(name, key)
        return touched

    def drop(self, key: Key) -> set[Key]:
        """Forget a record; gives those that wanted its names too."""
        touched: set[Key] = set()
        for name in self._names.pop(key, frozenset()):
            self._claims[name].discard(self._ages[key])
            touched |= self._others(name, key)
            if not self._claims[name]:
                del self._claims[name]
        self._ages.pop(key, None)
        return touched

    def _others(self, name: str, key: Key) -> set[Key]:
        return {age[1] for age in self._claims[name]} - {key}

    def taken(self, key: Key) -> tuple[str, Key] | None:
        """A name of the record that an older record has, and that record."""
        for name in sorted(self._names.get(key, ())):
            first = min(self._claims[name])
            if first[1] != key:
                return name, first[1]
        return None
