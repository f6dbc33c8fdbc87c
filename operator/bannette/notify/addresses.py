"""To which addresses no event goes, whatever name stands for them: those that give a machine's credentials away.

A name may stand for another address at each look-up, so the connection itself is looked at, before anything is sent.
"""

from __future__ import annotations

import socket
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any, Final

import requests
import urllib3.exceptions
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

# Metadata services of clouds that don't lie in the link-local networks: Amazon's, Alibaba's, Azure's, Oracle's.
_METADATA: Final = tuple(
    ip_network(text) for text in ("fd00:ec2::/32", "100.100.100.200/32", "168.63.129.16/32", "192.0.0.192/32")
)


class AddressRefused(urllib3.exceptions.HTTPError):
    """The connection leads where no event goes."""


def is_refused(text: str) -> bool:
    """Whether no event goes to this IP address."""
    address: IPv4Address | IPv6Address = ip_address(text.partition("%")[0])
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return address.is_link_local or any(
        address.version == network.version and address in network for network in _METADATA
    )


def new_session() -> requests.Session:
    """Return a session that raises AddressRefused, in place of an answer, for a connection to such an address.

    What goes through a proxy is the proxy's to judge.
    """
    session = requests.Session()
    adapter = _Adapter(max_retries=0)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    return session


def _checked(connection: socket.socket) -> socket.socket:
    if is_refused(connection.getpeername()[0]):
        connection.close()
        raise AddressRefused
    return connection


class _Connection(HTTPConnection):
    def _new_conn(self) -> socket.socket:
        return _checked(super()._new_conn())


class _SecureConnection(HTTPSConnection):
    def _new_conn(self) -> socket.socket:
        return _checked(super()._new_conn())


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _SecureConnection


class _Adapter(HTTPAdapter):
    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        super().init_poolmanager(*arguments, **options)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}
