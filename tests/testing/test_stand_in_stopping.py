"""Stopping the stand-in loses no socket, whichever turn of the loop it falls into."""

from __future__ import annotations

import contextlib
import gc
import socket
import threading

import pytest

from gateway.testing.stand_in import StandIn


def test_connections_accepted_in_the_last_turn_are_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The stop and five connections arrive in one and the same turn; every one of them is closed, none by the
    collector."""
    lost: list[object] = []
    monkeypatch.setattr("sys.unraisablehook", lost.append)
    for _ in range(5):
        _stop_while_five_connect()
    gc.collect()

    assert [] == lost


def _stop_while_five_connect() -> None:
    provider = StandIn()
    provider.start()
    held, go = threading.Event(), threading.Event()
    provider._loop.call_soon_threadsafe(lambda: (held.set(), go.wait()))
    assert held.wait(5)
    with contextlib.ExitStack() as clients:
        address = ("127.0.0.1", provider.port)
        wires = [clients.enter_context(socket.create_connection(address, timeout=5)) for _ in range(5)]
        provider._loop.call_soon_threadsafe(provider._stopped.set)
        go.set()
        provider._thread.join()
        provider._loop.close()
        for wire in wires:
            with contextlib.suppress(ConnectionResetError):
                assert b"" == wire.recv(1)
