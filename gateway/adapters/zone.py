"""The zone check: what is called in-network is reached only at an address inside the network.

A name is resolved here, every address of the answer is judged, and the connection goes to a judged address and not to
the name. So a DNS answer that changes to somewhere outside, wholly or in part, is refused at the next connection, and
nothing lies between check and use.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Iterable, Sequence

import httpcore

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Range = ipaddress.IPv4Network | ipaddress.IPv6Network

INSIDE: tuple[Range, ...] = tuple(
    ipaddress.ip_network(text)
    for text in (
        "127.0.0.0/8",  # loopback
        "::1/128",  # loopback
        "10.0.0.0/8",  # RFC 1918
        "172.16.0.0/12",  # RFC 1918
        "192.168.0.0/16",  # RFC 1918
        "fc00::/7",  # unique local, RFC 4193
    )
)
"""What is inside without being listed. Link-local is not: cloud machines serve their credentials there."""

NEVER_UNLISTED: tuple[Range, ...] = (ipaddress.ip_network("fd00:ec2::/32"),)
"""Unique local by its prefix, and yet the metadata service of a cloud provider."""


class OutsideZone(Exception):
    """An address is not inside the network. The message names the configured host and no address."""


class Unresolved(Exception):
    """A name has no address now."""


class Zone:
    """The network's own ranges: loopback, private, and what the operator lists (CIDR). Raises `ValueError`."""

    def __init__(self, allowed_ranges: Sequence[str] = ()) -> None:
        self._listed: tuple[Range, ...] = tuple(ipaddress.ip_network(text) for text in allowed_ranges)

    def holds(self, address: Address) -> bool:
        """Whether an address is inside. One that wraps another in IPv6 is judged by the other."""
        if isinstance(address, ipaddress.IPv6Address):
            if address.ipv4_mapped is not None:
                return self.holds(address.ipv4_mapped)
            if address.scope_id is not None:
                return self.holds(ipaddress.IPv6Address(int(address)))
        if _within(address, self._listed):
            return True
        return _within(address, INSIDE) and not _within(address, NEVER_UNLISTED)

    async def addresses(self, host: str, port: int) -> list[str]:
        """The addresses of a host now, in the resolver's order, all of them inside.

        Raises `OutsideZone` when any is not, `Unresolved` when there is none.
        """
        found = await _resolved(host, port)
        if not found:
            raise Unresolved(f"{host} has no address")
        if not all(self.holds(ipaddress.ip_address(text)) for text in found):
            raise OutsideZone(f"{host} has an address that is not inside the network")
        return found


class ZoneBackend(httpcore.AsyncNetworkBackend):
    """Opens connections for an HTTP client, to addresses inside the zone only."""

    def __init__(self, zone: Zone) -> None:
        self._zone = zone
        self._inner = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the interface of httpcore
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """A connection to the first address of `host` that accepts one. Raises `httpcore.ConnectError` and alike."""
        try:
            async with asyncio.timeout(timeout):
                addresses = await self._zone.addresses(host, port)
        except TimeoutError:
            raise httpcore.ConnectTimeout from None
        except (OutsideZone, Unresolved):
            raise httpcore.ConnectError from None
        for address in addresses[:-1]:
            try:
                return await self._inner.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                continue
        return await self._inner.connect_tcp(addresses[-1], port, timeout, local_address, socket_options)

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await self._inner.sleep(seconds)


async def _resolved(host: str, port: int) -> list[str]:
    """The addresses of a name; an address stands for itself without a look-up."""
    try:
        return [str(ipaddress.ip_address(host))]
    except ValueError:
        pass
    try:
        answer = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return []
    return list(dict.fromkeys(str(entry[4][0]) for entry in answer))


def _within(address: Address, ranges: Iterable[Range]) -> bool:
    return any(address in one for one in ranges)
