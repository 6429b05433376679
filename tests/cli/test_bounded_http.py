"""The gateway's HTTP server under callers that mean it harm, over real sockets."""

from __future__ import annotations

import asyncio
import contextlib
import resource
from collections.abc import AsyncIterator

import httpx
import pytest

from gateway.cli.http import AnnouncingServer, Drain, config_of
from gateway.process import allow_many_connections
from gateway.settings import Server
from tests.wire.parts import KEY, LIMITS, Front

HEAD = f"POST /v1/chat/completions HTTP/1.1\r\nhost: gateway\r\nauthorization: Bearer {KEY}\r\n"


@contextlib.asynccontextmanager
async def serving(front: Front, drain: Drain | None = None) -> AsyncIterator[tuple[int, AnnouncingServer]]:
    """The application over fakes, on a port."""
    listening: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def announce(port: int) -> None:
        listening.set_result(port)

    server = AnnouncingServer(config_of(front.app, Server(port=0)), announce, drain or Drain(0.0, lambda: None))
    running = asyncio.create_task(server.serve())
    try:
        yield await listening, server
    finally:
        server.should_exit = True
        await running


async def said(port: int, *pieces: bytes) -> bytes:
    """What the server answers to these bytes until it closes the connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    with contextlib.suppress(ConnectionError):
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
    answer = b""
    with contextlib.suppress(ConnectionError):
        answer = await reader.read()
    writer.close()
    return answer


@pytest.mark.parametrize("begun", [b"", HEAD.encode(), b"POST /v1"])
async def test_a_head_that_does_not_end_is_not_waited_for(begun: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether it was begun or not: 408, and the connection is closed."""
    monkeypatch.setattr("gateway.cli.bounded_http.HEAD_S", 0.2)
    async with serving(Front()) as (port, _):
        answer = await asyncio.wait_for(said(port, begun), 10)

    assert answer.startswith(b"HTTP/1.1 408")


async def test_a_head_that_only_grows_is_cut_off() -> None:
    """431 after 64 KiB, however it comes, and nothing of it is kept."""
    field = b"x-more: " + b"y" * 1000 + b"\r\n"
    async with serving(Front()) as (port, server):
        answer = await asyncio.wait_for(said(port, HEAD.encode(), *[field] * 200), 10)
        assert not server.server_state.connections

    assert answer == b"" or answer.startswith(b"HTTP/1.1 431")


async def test_a_patient_caller_is_served_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two hundred that only connect keep nobody out, and a second request over one connection has its own time."""
    monkeypatch.setattr("gateway.cli.bounded_http.HEAD_S", 5.0)
    body = {"model": "gpt-x", "messages": [{"role": "user", "content": "hi"}]}
    headers = {"authorization": f"Bearer {KEY}"}
    async with serving(Front()) as (port, _):
        idle = [await asyncio.open_connection("127.0.0.1", port) for _ in range(200)]
        async with httpx.AsyncClient(headers=headers, trust_env=False) as client:
            url = f"http://127.0.0.1:{port}/v1/chat/completions"
            answers = [await client.post(url, json=body) for _ in range(3)]
        for _, writer in idle:
            writer.close()

    assert [200, 200, 200] == [answer.status_code for answer in answers]


async def test_bodies_that_are_too_much_together_are_shed() -> None:
    """503 with retry-after for the one that does not fit; what has arrived counts, what was announced does not."""
    front = Front(limits=type(LIMITS)(body=4096, body_seconds=5.0, in_flight=10, bytes_in_flight=4096))
    slow = HEAD + "content-type: application/json\r\ncontent-length: 4000\r\n\r\n"
    body = {"model": "gpt-x", "messages": [{"role": "user", "content": "x" * 500}]}
    async with serving(front) as (port, _), httpx.AsyncClient(trust_env=False) as client:
        url, headers = f"http://127.0.0.1:{port}/v1/chat/completions", {"authorization": f"Bearer {KEY}"}
        _, announcing = await asyncio.open_connection("127.0.0.1", port)
        announcing.write(slow.encode())
        fits = await client.post(url, json=body, headers=headers)
        announcing.write(b"x" * 3900)
        await announcing.drain()
        full = fits
        while full.status_code == 200:  # until what was written has arrived
            full = await client.post(url, json=body, headers=headers)
        announcing.close()
        again = full
        while again.status_code == 503:  # until the server has seen that the other is gone
            again = await client.post(url, json=body, headers=headers)

    assert 200 == fits.status_code
    assert ("overloaded", "1") == (full.json()["error"]["code"], full.headers["retry-after"])
    assert 200 == again.status_code


async def test_a_process_that_leaves_says_so_and_serves_on_for_a_while() -> None:
    """The balancer hears it, and a request that it still sends is answered."""
    left = asyncio.Event()
    async with serving(Front(), Drain(30.0, left.set)) as (port, server):
        server.should_exit = True
        await left.wait()
        async with httpx.AsyncClient(trust_env=False) as client:
            answer = await client.get(f"http://127.0.0.1:{port}/healthz")
        server.force_exit = True  # a second interrupt

    assert 200 == answer.status_code


def test_a_server_may_hold_as_many_connections_as_the_system_lets_it() -> None:
    """The soft limit goes up to the hard one."""
    allow_many_connections()
    soft, most = resource.getrlimit(resource.RLIMIT_NOFILE)

    assert soft == most
