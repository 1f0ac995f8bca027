# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Kopf on the host cluster: its indexes hold what is there, its events say what is new. It annotates nothing.

Kopf calls no event handler before all kinds have been listed and indexed, so that no decision rests on half of what there is.
"""

from __future__ import annotations

import argparse
from typing import Any

import kopf

from edgefed_dns.api import Api, host_connection
from edgefed_dns.host import ENDPOINT_GROUP, GROUP, PLURALS, VERSION, Host, endpoint
from edgefed_dns.lease import Lease
from edgefed_dns.members import Members
from edgefed_dns.model import KINDS, Endpoint, Key, Record, cluster, record
from edgefed_dns.plan import Options
from edgefed_dns.reconcile import Reconciler
from edgefed_dns.resolver import Resolver
from edgefed_dns.work import Work

Name = tuple[str, str]
DELETED = "DELETED"


class App:
    """The leader's work. ``given`` is the command line."""

    def __init__(self, api: Api, lease: Lease, options: Options, given: argparse.Namespace) -> None:
        self.registry = kopf.OperatorRegistry()
        self._given = given
        self._work = Work()
        self._indexes: dict[str, Any] = {}
        self._host = Host(api, lease, given.namespace, self._indexes)
        self._members = Members(api, self._changed, given.resync)
        self.resolver = Resolver(self._changed, given.resolve)
        self.reconciler = Reconciler(self._host, self._members, self.resolver, self._work, options)
        self._register()

    def _changed(self, keys: Any) -> None:
        self.reconciler.changed(keys)

    def _register(self) -> None:
        registry = self.registry
        # Kopf's types of handlers want all its keywords named.
        on: Any = kopf.on
        index: Any = kopf.index
        on.login(registry=registry)(self._login)
        on.startup(registry=registry)(self._startup)
        for kind, plural in PLURALS.items():
            index(GROUP, VERSION, plural, id=plural, param=kind, registry=registry)(self._index_record)
            on.event(GROUP, VERSION, plural, param=kind, registry=registry)(self._on_record)
        index(GROUP, VERSION, "domains", id="domains", registry=registry)(self._index_domain)
        on.event(GROUP, VERSION, "domains", registry=registry)(self._on_domain)
        index(ENDPOINT_GROUP, VERSION, "dnsendpoints", id="dnsendpoints", registry=registry)(self._index_endpoint)
        on.event(ENDPOINT_GROUP, VERSION, "dnsendpoints", registry=registry)(self._on_endpoint)
        on.event("core.kubefed.io", "v1beta1", "kubefedclusters", registry=registry)(self._on_cluster)
        index("core.kubefed.io", "v1beta1", "kubefedclusters", id="kubefedclusters", registry=registry)(self._index_cluster)

    def _login(self, **_: Any) -> kopf.ConnectionInfo:
        return host_connection(self._given.kubeconfig, self._given.context)[0]

    def _startup(self, settings: kopf.OperatorSettings, **given: Any) -> None:
        settings.posting.enabled = False
        settings.networking.request_timeout = 30
        self._indexes.update({name: given[name] for name in (*PLURALS.values(), "domains", "dnsendpoints", "kubefedclusters")})

    @staticmethod
    def _index_record(body: Any, namespace: str, name: str, param: str, **_: Any) -> dict[Key, Record]:
        return {(param, namespace, name): record(param, body)}

    @staticmethod
    def _index_domain(body: Any, namespace: str, name: str, **_: Any) -> dict[Name, str]:
        return {(namespace, name): body["domain"]}

    @staticmethod
    def _index_endpoint(body: Any, namespace: str, name: str, **_: Any) -> dict[Name, Endpoint]:
        return {(namespace, name): endpoint(body)}

    @staticmethod
    def _index_cluster(body: Any, name: str, **_: Any) -> dict[str, Any]:
        return {name: cluster(body)}

    def _see_clusters(self) -> None:
        """The members before the first record."""
        for found in self._indexes["kubefedclusters"].values():
            self._members.put(next(iter(found)))

    async def _on_record(self, type: str | None, namespace: str, name: str, param: str, **_: Any) -> None:
        key: Key = (param, namespace, name)
        if type == DELETED:
            self._host.forget_record(key)
        self._see_clusters()
        self._work.add([key])

    async def _on_domain(self, **_: Any) -> None:
        self._changed(None)

    async def _on_endpoint(self, type: str | None, namespace: str, name: str, **_: Any) -> None:
        kind, dash, rest = name.partition("-")
        if kind in KINDS and dash:
            key: Key = (kind, namespace, rest)
            if type == DELETED:
                self._host.forget_endpoint(key)
            self._work.add([key])

    async def _on_cluster(self, type: str | None, body: Any, name: str, **_: Any) -> None:
        if type == DELETED:
            self._members.drop(name)
        else:
            self._members.put(cluster(body))
