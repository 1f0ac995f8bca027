# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a lab of kind clusters makes on this machine besides containers, and takes away again.

Limits of the kernel, the lab's network and its nftables table. Several labs may live side by side, so what was there before
the first of them is noted once for all, and put back when the last one leaves.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import time
from dataclasses import dataclass
from typing import Any, Iterator

from ansible_collections.edgefed.kubefed.plugins.module_utils.kind import engine as engines
from ansible_collections.edgefed.kubefed.plugins.module_utils.kind import leftovers, locks
from ansible_collections.edgefed.kubefed.plugins.module_utils.kind.commands import last_words, run, which
from ansible_collections.edgefed.kubefed.plugins.module_utils.kind.isolation import is_whole, ruleset
from ansible_collections.edgefed.kubefed.plugins.module_utils.kind.layout import LabNames, choose_subnet, gateway, parse_routes
from ansible_collections.edgefed.kubefed.plugins.module_utils.lab import processes, storage
from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import EdgefedError

# Each node's systemd, kubelet and containerd watch files; the usual 128 instances are enough for one node.
LIMITS = {"fs/inotify/max_user_instances": 1024, "fs/inotify/max_user_watches": 524288}
# The last are set by the container network and by nodes, not by us.
_NOTED = (*LIMITS, *leftovers.SET_BY_NODES)
MODULES = "/lib/modules"
_BRIDGE_OPTION = "com.docker.network.bridge.name"
# Where podman's network keeps what runs, whatever podman's settings say.
_NETWORK_RUN = "/run/containers"
LOCK_TIMEOUT = 120
DOCKER_IS_NOT_ISOLATED = (
    "An isolated lab needs podman: Docker's name server asks from the machine itself, past the lab's bridge, its nodes restart by "
    "themselves after a boot, before the isolation stands, and neither was tested. Next: set lab_kind_provider: podman, or "
    "lab_kind_isolated: false where the lab may reach the network."
)
# As long as a lab's clusters may take.
LAB_LOCK_TIMEOUT = 600
# podman ends before the kernel has taken a container's network apart.
PORTS_TIMEOUT = 10
_ENGINES = ("conmon", "aardvark-dns", "dockerd", "libvirtd", "virtqemud", "lxd", "incusd")


@dataclass(frozen=True)
class HostPlan:
    """What has to be done on the machine; ``limits``: kernel setting -> value."""

    join: bool
    settings: bool
    limits: dict[str, int]
    modules: bool
    network: bool
    isolation: str
    load: bool

    @property
    def actions(self) -> list[str]:
        said = [f"raise {name.replace('/', '.')} to {value}" for name, value in self.limits.items()]
        said += ["write podman's settings for the lab"] if self.settings else []
        said += ["make the lab's network"] if self.network else []
        said += [f"{self.isolation} the lab's isolation"] if self.isolation else []
        return said + (["load the node image"] if self.load else [])


@dataclass(frozen=True)
class HostWish:
    """What the lab shall have: ``names`` of all nodes, which may be asked for; ``image`` and the ``archive`` that it is in."""

    isolated: bool
    names: tuple[str, ...]
    image: str
    archive: str


def read_setting(name: str) -> str | None:
    """A kernel setting, ``None`` when this kernel has none of that name."""
    try:
        with open(f"/proc/sys/{name}", encoding="ascii") as file:
            return file.read().strip()
    except OSError:
        return None


def _images_of(wish: HostWish) -> list[str]:
    """The node image, and all others of the archive, as its list beside it says."""
    beside = storage.read_json(os.path.join(os.path.dirname(wish.archive), "images.json"))
    return [wish.image, *(name for name in beside.get("images", []) if name != wish.image)]


def low_limits() -> dict[str, int]:
    """The limits that are lower than a lab needs, with the value that it needs."""
    found = {name: read_setting(name) for name in LIMITS}
    return {name: LIMITS[name] for name, value in found.items() if value is not None and value.isdigit() and int(value) < LIMITS[name]}


class Host:
    """This machine, for the lab in ``names.folder``."""

    def __init__(self, engine: engines.Engine, files: engines.PodmanFiles, names: LabNames) -> None:
        self._engine = engine
        self._files = files
        self._names = names

    @property
    def _record(self) -> str:
        return f"{self._files.run}/machine.json"

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """One run at a time changes the machine."""
        with locks.held(f"{self._files.run}/machine.lock", "the machine's part of a kind lab", LOCK_TIMEOUT):
            yield

    @property
    def _lab_lock(self) -> str:
        """It lies outside of what goes with the lab."""
        return f"{self._files.run}/{self._names.network}.lock"

    @contextlib.contextmanager
    def lab_locked(self, *, making: bool) -> Iterator[None]:
        """Runs that make clusters of the lab share it, one that removes the lab has it alone."""
        with locks.held(self._lab_lock, "this lab", LAB_LOCK_TIMEOUT, shared=making):
            yield

    def check_guarded(self, isolated: bool) -> None:
        """Refuse unless the lab's network, on the lab's own bridge, and its isolation stand. To be asked before any container starts."""
        wrong = []
        if not self._has_network():
            wrong.append(f"its network {self._names.network} is not there, or is on another bridge")
        if isolated and not self._isolation_stands():
            wrong.append(f"its nftables table {self._names.table} is not there, or not whole")
        if wrong:
            raise EdgefedError(
                f"No container of the lab in {self._names.folder} may start: {'; '.join(wrong)}. "
                "Next: run lab_up.yml, which makes both before anything else.",
                code="not_guarded",
                details={"wrong": wrong},
            )

    def _noted_ruleset(self) -> str:
        return str(storage.read_json(self._record).get("rulesets", {}).get(self._names.folder, ""))

    def _isolation_stands(self) -> bool:
        return is_whole(_nft_list("table", "inet", self._names.table), self._noted_ruleset())

    def plan(self, wish: HostWish) -> HostPlan:
        """What would be done."""
        podman = self._engine.provider == "podman"
        if wish.isolated and not podman:
            raise EdgefedError(f"{DOCKER_IS_NOT_ISOLATED} Nothing was changed.", code="not_isolated")
        wanted = ruleset(self._names.table, self._names.network, wish.names) if wish.isolated else ""
        return HostPlan(
            join=self._names.folder not in storage.read_json(self._record).get("labs", []),
            settings=podman and self._wanted_settings() != self._settings(),
            limits=low_limits(),
            modules=not os.path.isdir(MODULES),
            network=not self._has_network(),
            isolation=self._isolation_step(wanted),
            load=bool(wish.archive) and not all(self._has_image(image) for image in _images_of(wish)),
        )

    def _isolation_step(self, wanted: str) -> str:
        there = self._table_is_there()
        if not wanted:
            return "remove" if there else ""
        if not there:
            return "put up"
        return "" if self._noted_ruleset() == wanted and self._isolation_stands() else "renew"

    def converge(self, plan: HostPlan, wish: HostWish) -> None:
        """Do it. The isolation stands before anything could send a packet."""
        if plan.join:
            self._join()
        if plan.limits:
            record = storage.read_json(self._record)
            values = {name: str(value) for name, value in plan.limits.items()}
            storage.write_json(self._record, {**record, "set": {**record.get("set", {}), **values}})
            for name, text in values.items():
                self._set(name, text)
        if plan.modules:
            os.makedirs(MODULES)
        if plan.settings:
            for path, text in self._wanted_settings().items():
                storage.write(path, text)
        if plan.isolation:
            self._isolate(wish)
        if plan.network:
            self._make_network()
        if plan.load:
            self._engine.load(wish.archive)

    def leave_network(self) -> None:
        """Take the lab's network out of the engine. Its containers are gone by now."""
        self._remove_link()
        if not self.knows_network():
            return
        if self._engine.provider == "podman":
            storage.remove(self._files.network(self._names.network))
        else:
            self._engine.call("network", "rm", self._names.network, what="Removing the lab's network")

    def leave(self) -> None:
        """Take away what is the lab's, without any engine; with the last lab also what is all labs'. Its containers are gone by now."""
        self._remove_link()
        if self._table_is_there():
            self._nft(f"delete table inet {self._names.table}\n")
        record = storage.read_json(self._record)
        labs = [lab for lab in record.get("labs", []) if lab != self._names.folder]
        if labs:
            record["labs"] = labs
            for what in ("rulesets", "engines"):
                record.get(what, {}).pop(self._names.folder, None)
            storage.write_json(self._record, record)
        elif record:
            self._restore(record)
            storage.remove(self._record)

    def forget(self) -> None:
        """After the last lab, remove what podman and we keep until the next boot."""
        storage.remove(self._lab_lock)
        if not os.path.exists(self._record) and os.path.isdir(self._files.run):
            shutil.rmtree(self._files.run, ignore_errors=True)

    def anything(self) -> bool:
        """Whether the machine has something of this lab's, whatever engine it was made with."""
        return (
            self._names.folder in storage.read_json(self._record).get("labs", [])
            or self._table_is_there()
            or self._has_link()
            or (self._engine.provider == "podman" and self.knows_network())
        )

    def recorded_engine(self) -> dict[str, str]:
        """The ``provider`` and the ``cache`` that the lab was made with; empty when nothing is noted."""
        found = storage.read_json(self._record).get("engines", {}).get(self._names.folder, {})
        return {key: str(value) for key, value in found.items()}

    def _has_link(self) -> bool:
        return os.path.isdir(f"/sys/class/net/{self._names.network}")

    def _remove_link(self) -> None:
        """Remove the bridge, unless something still sends through it: then the isolation has to stay."""
        ports = f"/sys/class/net/{self._names.network}/brif"
        end = time.monotonic() + PORTS_TIMEOUT
        while os.path.isdir(ports) and os.listdir(ports):
            if time.monotonic() > end:
                raise EdgefedError(
                    f"Containers are still on the lab's bridge {self._names.network} ({', '.join(sorted(os.listdir(ports)))}), though the "
                    "engine knows of none, so its isolation stays. Next: stop their processes (podman's are called conmon), and run "
                    "lab_down.yml again.",
                    code="busy",
                )
            time.sleep(0.1)
        if self._has_link():
            run([which("ip") or "ip", "link", "delete", self._names.network], "Removing the lab's bridge", "remove it by hand")

    def _join(self) -> None:
        record = storage.read_json(self._record)
        if not record:
            record = {
                "settings": {name: value for name in _NOTED if (value := read_setting(name)) is not None},
                "modules": os.path.isdir(MODULES),
                "tables": [f"{family} {table}" for family, table in _tables()],
                "chains": [" ".join(chain) for chain in _chains()],
            }
        record["labs"] = sorted({*record.get("labs", []), self._names.folder})
        if self._engine.provider == "podman":
            record["networks"] = sorted({*record.get("networks", []), self._names.network})
        engine = {"provider": self._engine.provider, "cache": os.path.dirname(self._files.root)}
        record["engines"] = {**record.get("engines", {}), self._names.folder: engine}
        storage.write_json(self._record, record)

    def _restore(self, record: dict[str, Any]) -> None:
        noted: dict[str, str] = record.get("settings", {})
        now = {name: value for name in noted if (value := read_setting(name)) is not None}
        ours = record.get("set", {name: str(value) for name, value in LIMITS.items()})
        for name, value in leftovers.settings_to_restore(noted, now, ours, _forwarding_is_used()).items():
            self._set(name, value)
        if not record.get("modules", True):
            with contextlib.suppress(OSError):
                os.rmdir(MODULES)
        # Chains, leases and lock of podman's network count while anybody's container runs, also one that is not the lab's.
        if record.get("networks") and not any(_lives(name) for name in ("conmon", "aardvark-dns")):
            self._remove_leftovers(record)
            shutil.rmtree(f"{_NETWORK_RUN}/networks", ignore_errors=True)
            with contextlib.suppress(OSError):
                os.rmdir(_NETWORK_RUN)

    def _remove_leftovers(self, record: dict[str, Any]) -> None:
        """podman's network keeps chains of a lab whose containers did not end by themselves, and the tables they are in."""
        own = {mark for name in record["networks"] for mark in leftovers.marks(name, engines.network_id(name))}
        text = leftovers.removal(_nft_list("ruleset"), record.get("chains", []), own)
        if text:
            self._nft(text)
        for table in leftovers.empty_tables(_nft_list("ruleset"), record.get("tables", [])):
            self._nft(f"delete table {table}\n")

    def _set(self, name: str, value: str) -> None:
        try:
            with open(f"/proc/sys/{name}", "w", encoding="ascii") as file:
                file.write(value)
        except OSError as error:
            dotted = name.replace("/", ".")
            raise EdgefedError(
                f"Cannot set {dotted}={value}: {error.strerror}. Next: have the administrator run `sysctl -w {dotted}={value}`.",
                code="sysctl",
            ) from None

    def _wanted_settings(self) -> dict[str, str]:
        return {
            self._files.containers_conf: engines.containers_conf(self._files, *engines.own_limits()),
            self._files.storage_conf: engines.storage_conf(self._files),
        }

    def _settings(self) -> dict[str, str | None]:
        return {path: storage.read(path) for path in self._wanted_settings()}

    def _has_image(self, image: str) -> bool:
        return self._settings_complete() and self._engine.has_image(image)

    def _settings_complete(self) -> bool:
        return self._engine.provider != "podman" or None not in self._settings().values()

    def _has_network(self) -> bool:
        if self._engine.provider == "podman":
            found = storage.read_json(self._files.network(self._names.network))
            return found.get("network_interface") == self._names.network
        bridge = f'{{{{index .Options "{_BRIDGE_OPTION}"}}}}'
        try:
            said = self._engine.call("network", "inspect", "--format", bridge, self._names.network)
        except EdgefedError:
            return False
        return said.strip() == self._names.network

    def knows_network(self) -> bool:
        """Whether the engine has a network of that name, on whatever bridge."""
        if self._engine.provider == "podman":
            return os.path.exists(self._files.network(self._names.network))
        return self._engine.works("network", "inspect", self._names.network)

    def _make_network(self) -> None:
        subnet = choose_subnet(self._names.mark, self._taken_networks())
        if subnet is None:
            raise EdgefedError(
                "No network of 254 addresses is free between 10.200.0.0 and 10.215.255.255 for the lab. "
                "Next: remove networks that are not used (ip route shows them).",
                code="network",
            )
        if self._engine.provider == "podman":
            document = engines.network_document(self._names.network, subnet, gateway(subnet))
            storage.write(self._files.network(self._names.network), document)
            return
        bridge = f"{_BRIDGE_OPTION}={self._names.network}"
        options = ["--driver", "bridge", "--opt", bridge, "--subnet", subnet, "--gateway", gateway(subnet)]
        self._engine.call("network", "create", *options, self._names.network, what="Making the lab's network")

    def _taken_networks(self) -> list[str]:
        with open("/proc/net/route", encoding="ascii") as file:
            taken = parse_routes(file.read())
        if self._engine.provider == "podman" and os.path.isdir(self._files.networks):
            for name in os.listdir(self._files.networks):
                found = storage.read_json(f"{self._files.networks}/{name}").get("subnets", [])
                taken += [one["subnet"] for one in found if "subnet" in one]
        return taken

    def _isolate(self, wish: HostWish) -> None:
        text = ruleset(self._names.table, self._names.network, wish.names) if wish.isolated else ""
        self._nft(text or f"delete table inet {self._names.table}\n")
        record = storage.read_json(self._record)
        storage.write_json(self._record, {**record, "rulesets": {**record.get("rulesets", {}), self._names.folder: text}})

    def _table_is_there(self) -> bool:
        return ("inet", self._names.table) in _tables()

    @staticmethod
    def _nft(text: str) -> None:
        done = subprocess.run([which("nft") or "nft", "-f", "-"], input=text, capture_output=True, text=True, check=False)
        if done.returncode:
            raise EdgefedError(
                f"nft refuses the lab's isolation: {last_words(done.stderr)}. Next: see that this kernel has nftables "
                "(`nft list ruleset` as root), or set lab_kind_isolated: false where a lab may reach the network.",
                code="nft",
                details={"ruleset": text.splitlines()},
            )


def _lives(name: str) -> bool:
    """Whether a process of this name runs."""
    return any(processes.identify(int(entry)) and processes.name(int(entry)) == name for entry in os.listdir("/proc") if entry.isdigit())


def _forwarding_is_used() -> bool:
    """Whether another bridge or another engine lives, that may need this machine to forward packets. Labs' bridges are gone by now."""
    bridges = any(os.path.isdir(f"/sys/class/net/{name}/bridge") for name in os.listdir("/sys/class/net"))
    return bridges or any(_lives(name) for name in _ENGINES)


def _nft_list(*what: str) -> list[dict[str, Any]]:
    program = which("nft")
    if program is None:
        return []
    done = subprocess.run([program, "-j", "list", *what], capture_output=True, text=True, check=False)
    try:
        found = json.loads(done.stdout or "{}").get("nftables", [])
    except ValueError:
        found = []
    return [one for one in found if isinstance(one, dict)]


def _tables() -> list[tuple[str, str]]:
    return [(one["table"]["family"], one["table"]["name"]) for one in _nft_list("tables") if "table" in one]


def _chains() -> list[tuple[str, str, str]]:
    return [(one["chain"]["family"], one["chain"]["table"], one["chain"]["name"]) for one in _nft_list("chains") if "chain" in one]
