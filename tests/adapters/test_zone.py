"""What is in-network is reached only at an address inside, whatever a name says today."""

from __future__ import annotations

import asyncio
import ipaddress
import socket

import httpcore
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.adapters.zone import OutsideZone, Unresolved, Zone, ZoneBackend
from gateway.testing.stand_in import StandIn

INSIDE = ["127.0.0.1", "127.8.9.1", "::1", "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.0.9", "fd12::1"]
INSIDE += ["::ffff:10.0.0.1"]
OUTSIDE = ["8.8.8.8", "172.32.0.1", "192.169.0.1", "11.0.0.1", "2001:4860:4860::8888", "0.0.0.0", "::", "224.0.0.1"]
OUTSIDE += ["169.254.169.254", "fe80::1", "fe80::1%eth0", "100.64.0.1", "100.100.100.200", "fd00:ec2::254"]
OUTSIDE += ["::ffff:8.8.8.8", "::ffff:169.254.169.254", "64:ff9b::808:808", "2002:808:808::", "::8.8.8.8"]

Resolver = dict[str, list[str]]


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Resolver:
    """A resolver of made-up names, which a test can change as it goes."""
    known: Resolver = {}

    def look_up(host: str, port: int, *_: object, **__: object) -> list[tuple[object, ...]]:
        if host not in known:
            raise socket.gaierror(socket.EAI_NONAME, "unknown")
        families = [socket.AF_INET6 if ":" in text else socket.AF_INET for text in known[host]]
        return [(f, 1, 6, "", (text, port)) for f, text in zip(families, known[host], strict=True)]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    return known


@pytest.mark.parametrize("text", INSIDE)
def test_loopback_and_private_are_inside(text: str) -> None:
    """Also wrapped in IPv6."""
    assert Zone().holds(ipaddress.ip_address(text))


@pytest.mark.parametrize("text", OUTSIDE)
def test_everything_else_is_outside(text: str) -> None:
    """The metadata services of clouds among it."""
    assert not Zone().holds(ipaddress.ip_address(text))


@given(st.ip_addresses())
def test_nothing_that_the_world_can_reach_is_inside(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    """Whatever is inside unlisted, the registries call private."""
    assert not Zone().holds(address) or not address.is_global


@given(st.ip_addresses(v=4))
def test_wrapping_changes_nothing(address: ipaddress.IPv4Address) -> None:
    """An IPv4 address is judged alike in IPv6."""
    wrapped = ipaddress.IPv6Address(f"::ffff:{address}")

    assert Zone().holds(address) == Zone().holds(wrapped)


@pytest.mark.parametrize(("listed", "text"), [("100.64.0.0/10", "100.64.0.1"), ("fd00:ec2::/32", "fd00:ec2::254")])
def test_a_listed_range_is_inside(listed: str, text: str) -> None:
    """By the operator's word."""
    assert Zone([listed]).holds(ipaddress.ip_address(text))


@pytest.mark.parametrize("text", ["10.0.0.1/8", "everything", ""])
def test_a_range_that_is_none_is_refused(text: str) -> None:
    """A slip in the configuration is no wide door."""
    with pytest.raises(ValueError, match=r".*"):
        Zone([text])


async def test_all_addresses_of_a_name_must_be_inside(names: Resolver) -> None:
    """One outside among them refuses the name."""
    names.update({"good": ["10.0.0.1", "fd12::1"], "mixed": ["10.0.0.1", "8.8.8.8"], "empty": []})

    assert ["10.0.0.1", "fd12::1"] == await Zone().addresses("good", 80)
    with pytest.raises(OutsideZone) as caught:
        await Zone().addresses("mixed", 80)
    assert "8.8.8.8" not in str(caught.value)
    for name in ("empty", "unknown", "x" * 70, "\ud800"):
        with pytest.raises(Unresolved):
            await Zone().addresses(name, 80)


@pytest.mark.parametrize("host", ["8.8.8.8", "0x08080808", "134744072", "8.8.2056", "::ffff:8.8.8.8"])
async def test_an_address_in_any_writing_is_judged(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the resolver makes of it counts."""
    real = socket._socket.getaddrinfo  # type: ignore[attr-defined]
    monkeypatch.setattr(socket, "getaddrinfo", lambda h, p, *a, **k: real(h, p, *a, *k.values()))
    with pytest.raises(OutsideZone):
        await Zone().addresses(host, 80)


async def test_the_connection_goes_to_a_judged_address(names: Resolver) -> None:
    """To the next one when the first does not answer; the name is not looked up again."""
    with StandIn() as server:
        names["model.internal"] = ["127.0.0.2", "127.0.0.1"]
        with socket.socket() as blocked:
            blocked.bind(("127.0.0.2", server.port))
            stream = await ZoneBackend(Zone()).connect_tcp("model.internal", server.port, timeout=5)
        assert ("127.0.0.1", server.port) == stream.get_extra_info("server_addr")
        await stream.aclose()


async def test_an_answer_that_changes_is_refused(names: Resolver) -> None:
    """Rebinding: inside at start, outside (or partly so) at the next connection."""
    backend = ZoneBackend(Zone())
    with StandIn() as server:
        names["model.internal"] = ["127.0.0.1"]
        await (await backend.connect_tcp("model.internal", server.port, timeout=5)).aclose()
        for changed in (["8.8.8.8"], ["127.0.0.1", "8.8.8.8"], ["169.254.169.254"], []):
            names["model.internal"] = changed
            with pytest.raises(httpcore.ConnectError):
                await backend.connect_tcp("model.internal", server.port, timeout=5)
    assert [] == server.requests


async def test_a_slow_look_up_times_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Within the time for connecting."""

    async def never(*_: object, **__: object) -> list[str]:
        await asyncio.Event().wait()
        return []

    zone = Zone()
    monkeypatch.setattr(Zone, "addresses", never)
    with pytest.raises(httpcore.ConnectTimeout):
        await ZoneBackend(zone).connect_tcp("model.internal", 80, timeout=0.01)


async def test_a_unix_socket_is_no_way() -> None:
    """The zone check could not see where it ends."""
    with pytest.raises(NotImplementedError):
        await ZoneBackend(Zone()).connect_unix_socket("/run/model.sock")
