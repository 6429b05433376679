"""No test reaches anything but this machine: sockets and look-ups elsewhere fail the test that tried."""

from __future__ import annotations

import ipaddress
import os
import socket
from pathlib import Path

import pytest
from hypothesis import settings

pytest_plugins = ("tests.postgres",)

REPOSITORY = Path(__file__).resolve().parent.parent
_LOCAL_NAMES = {"localhost", "", "0.0.0.0", "::"}

settings.register_profile("suite", deadline=None, max_examples=60)
settings.load_profile("suite")


class ReachedOutError(AssertionError):
    """A test tried to leave this machine."""


def _is_local(host: object) -> bool:
    if host is None or not isinstance(host, (str, bytes)):
        return True
    name = host.decode() if isinstance(host, bytes) else host
    if name in _LOCAL_NAMES:
        return True
    try:
        return ipaddress.ip_address(name.partition("%")[0]).is_loopback
    except ValueError:
        return False


@pytest.fixture(autouse=True)
def _stay_on_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Connections and look-ups beyond loopback raise; proxies and provider keys of the environment are out of sight."""
    connect, look_up = socket.socket.connect, socket.getaddrinfo

    def guarded_connect(self: socket.socket, address: object) -> None:
        if isinstance(address, tuple) and not _is_local(address[0]):
            raise ReachedOutError("a connection beyond loopback")
        connect(self, address)  # type: ignore[arg-type]

    def guarded_look_up(host: object, *args: object, **kwargs: object) -> object:
        if not _is_local(host):
            raise ReachedOutError("a look-up beyond loopback")
        return look_up(host, *args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(socket.socket, "connect", guarded_connect)
    monkeypatch.setattr(socket, "getaddrinfo", guarded_look_up)
    for name in list(os.environ):
        if name.lower().endswith("_proxy") or name.startswith("GATEWAY_") or name.endswith("_API_KEY"):
            monkeypatch.delenv(name)


@pytest.fixture
def repository() -> Path:
    """The root of the checkout."""
    return REPOSITORY
