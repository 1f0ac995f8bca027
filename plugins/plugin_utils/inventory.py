# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The inventory as placements and overrides see it: groups, clusters, and what each group and host says of one variable.

Ansible itself replaces a group's variable by a host's as a whole. Overrides of both are wanted, so they are read one by one, in the order
of Ansible's precedence: inventory before ``group_vars`` before ``host_vars``, ``all`` first, then by depth, priority and name.
"""

from __future__ import annotations

from typing import Any, Iterator

from ansible.inventory.helpers import sort_groups
from ansible.template import Templar
from ansible.vars.plugins import get_vars_from_inventory_sources, get_vars_from_path

from ansible_collections.edgefed.kubefed.plugins.module_utils.federate.wish import Inventory
from ansible_collections.edgefed.kubefed.plugins.module_utils.member.desired import MANAGED_BY, REGION, ZONE

MEMBERS = "federation_members"
_ALL = "all"
# The stage of Ansible's precedence, and within it the group's.
Rank = tuple[int, int]
_ABOVE = 8
Said = tuple[str, str, Any]


def inventory_of(task_vars: dict[str, Any]) -> Inventory:
    """Groups and hosts of the running play."""
    groups = {str(name): [str(host) for host in hosts] for name, hosts in task_vars["groups"].items()}
    ranked = [str(group.name) for group in sort_groups(_inventory(task_vars).groups.values())]
    hosts = groups[_ALL]
    return Inventory({name: groups[name] for name in ranked if name in groups}, hosts, groups.get(MEMBERS) or hosts)


def said(variable: str, hosts: list[str], task_vars: dict[str, Any], loader: Any) -> list[Said]:
    """``(whose, host, value)`` of every place that sets the variable for one of ``hosts``, the weakest first."""
    read = _Places(variable, task_vars, loader)
    found = [(rank, by, host, value) for host in hosts for rank, by, value in read.of_host(host)]
    return [(by, host, read.rendered(value, host)) for _rank, by, host, value in sorted(found, key=lambda entry: entry[0])]


def clusters_of(task_vars: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The clusters of the inventory with the labels that their KubeFedClusters get by a join."""
    found: dict[str, dict[str, Any]] = {}
    for name in task_vars["groups"].get(MEMBERS) or []:
        of_host = task_vars["hostvars"][name]
        places = {REGION: of_host.get("member_region"), ZONE: of_host.get("member_zone")}
        found[str(name)] = {**(of_host.get("member_labels") or {}), **{label: at for label, at in places.items() if at}, **MANAGED_BY}
    return found


def _inventory(task_vars: dict[str, Any]) -> Any:
    return task_vars["hostvars"]._inventory


class _Places:
    def __init__(self, variable: str, task_vars: dict[str, Any], loader: Any) -> None:
        self.variable = variable
        self.hostvars = task_vars["hostvars"]
        self.inventory = _inventory(task_vars)
        self.order = [group.name for group in sort_groups(self.inventory.groups.values())]
        self.sources = task_vars.get("ansible_inventory_sources") or []
        self.loader = loader
        self._read: dict[tuple[str, str, str], Any] = {}
        self._raw: dict[str, Any] = {}

    def of_host(self, name: str) -> Iterator[tuple[Rank, str, Any]]:
        """``(rank, whose, value)``, the weakest first. What is set above the inventory, as by -e, stands alone."""
        effective = self._of(name)
        if self.variable not in effective:
            return
        found = [entry for entry in self._places(name) if entry[2] is not None]
        if not found or found[-1][2] != effective[self.variable]:
            found = [((_ABOVE, 0), f"the play's {self.variable}", effective[self.variable])]
        yield from found

    def _of(self, host: str) -> Any:
        """All variables of a host, templates in them not filled in."""
        if host not in self._raw:
            self._raw[host] = self.hostvars.raw_get(host)
        return self._raw[host]

    def _places(self, name: str) -> Iterator[tuple[Rank, str, Any]]:
        host = self.inventory.get_host(name)
        groups = [(self.order.index(group.name), group) for group in sort_groups(host.get_groups())]
        for rank, group in groups:
            yield (0, rank), f"group {group.name}", group.get_vars().get(self.variable)
        whole = [(rank, group) for rank, group in groups if group.name == _ALL]
        others = [(rank, group) for rank, group in groups if group.name != _ALL]
        for stage, (where, some) in enumerate((("inventory", whole), ("play", whole), ("inventory", others), ("play", others)), 1):
            for rank, group in some:
                yield (stage, rank), f"group {group.name}", self._file(where, "group", group)
        yield (5, 0), f"host {name}", host.vars.get(self.variable)
        for stage, where in enumerate(("inventory", "play"), 6):
            yield (stage, 0), f"host {name}", self._file(where, "host", host)

    def _file(self, where: str, what: str, entity: Any) -> Any:
        """What ``group_vars`` or ``host_vars`` say, beside the inventory or the playbook."""
        key = (where, what, str(entity.name))
        if key not in self._read:
            if where == "inventory":
                found = get_vars_from_inventory_sources(self.loader, self.sources, [entity], "task")
            else:
                found = get_vars_from_path(self.loader, self.loader.get_basedir(), [entity], "task")
            self._read[key] = found.get(self.variable)
        return self._read[key]

    def rendered(self, value: Any, host: str) -> Any:
        """The value with its templates filled in as for this host."""
        variables = {**self._of(host), "hostvars": self.hostvars}
        return Templar(loader=self.loader, variables=variables).template(value)
