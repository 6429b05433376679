"""The HTTP server that runs a gateway's application."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass

import uvicorn
from starlette.types import ASGIApp

from gateway.cli.bounded_http import BoundedHttp
from gateway.settings import Server, Settings


def config_of(app: ASGIApp | str, server: Server, *, workers: int = 1) -> uvicorn.Config:
    """How uvicorn runs `app`, or several processes of the factory that the string names."""
    return uvicorn.Config(
        app,
        factory=isinstance(app, str),
        workers=workers,
        host=server.host,
        port=server.port,
        loop="uvloop",
        http=BoundedHttp,
        lifespan="on" if isinstance(app, str) else "off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=max(1, round(server.shutdown_s)),
        timeout_keep_alive=75,
    )


def egress_config_of(app: ASGIApp, settings: Settings) -> uvicorn.Config:
    """How uvicorn runs the egress's application."""
    chosen = settings.egress
    config = config_of(app, settings.server.model_copy(update={"host": chosen.host, "port": chosen.port}))
    config.uds = chosen.socket or None
    config.ssl_certfile, config.ssl_keyfile = chosen.certificate_file or None, chosen.private_key_file or None
    return config


@dataclass(frozen=True, slots=True)
class Drain:
    """What precedes the end: `leave` makes readiness fail, and for `seconds` requests are still taken."""

    seconds: float
    leave: Callable[[], None]


NO_DRAIN = Drain(0.0, lambda: None)
_LOOK_S = 0.1


class AnnouncingServer(uvicorn.Server):
    """Calls back with its port (0: a Unix socket) once it accepts connections."""

    def __init__(
        self, config: uvicorn.Config, announce: Callable[[int], Awaitable[None]], drain: Drain = NO_DRAIN
    ) -> None:
        super().__init__(config)
        self._announce = announce
        self._drain = drain

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Stop on SIGINT and SIGTERM, and let the gateway be stopped after: uvicorn's own way raises the signal again,
        which would end the process before the last records are written."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {each: signal.signal(each, self.handle_exit) for each in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for each, handler in before.items():
                signal.signal(each, handler)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then say so."""
        await super().startup(sockets)
        if self.started:
            address = self.servers[0].sockets[0].getsockname()
            await self._announce(address[1] if isinstance(address, tuple) else 0)  # a Unix socket has no port

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Say that this process leaves, serve on until that was heard, then stop. A second interrupt does not wait."""
        self._drain.leave()
        until = time.monotonic() + self._drain.seconds
        while time.monotonic() < until and not self.force_exit:  # noqa: ASYNC110 - a flag that a signal sets
            await asyncio.sleep(_LOOK_S)
        await super().shutdown(sockets)
