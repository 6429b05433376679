"""A whole gateway in a thread of this process, on a free port of the loopback interface: for the demo and for tests."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Mapping
from types import TracebackType
from typing import Self

import uvloop

from gateway.cli.http import AnnouncingServer, config_of
from gateway.main import Gateway, build
from gateway.settings import Server, Settings

_START_SECONDS = 180


class RunningGateway:
    """Use as a context manager: running inside, stopped and its work recorded after."""

    def __init__(self, settings: Settings, environment: Mapping[str, str]) -> None:
        self.gateway: Gateway = build(settings, environment)
        self.first_key = ""
        self.first_invitation = ""
        self.port = 0
        self._loop: asyncio.AbstractEventLoop
        self._started = threading.Event()
        self._failure: list[BaseException] = []
        self._server = AnnouncingServer(config_of(self.gateway.app, Server(port=0)), self._announce)
        self._thread = threading.Thread(target=self._run, name="gateway", daemon=True)

    @property
    def base_url(self) -> str:
        """What an SDK's `base_url` is set to."""
        return f"http://127.0.0.1:{self.port}/v1"

    def __enter__(self) -> Self:
        self._thread.start()
        if not self._started.wait(_START_SECONDS) or self._failure:
            raise self._failure[0] if self._failure else TimeoutError("the gateway did not start")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.should_exit = True
        self._thread.join(_START_SECONDS)

    def _run(self) -> None:
        try:
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:  # ends what libraries left running
                self._loop = runner.get_loop()
                runner.run(self._serve())
        except BaseException as error:  # noqa: BLE001 - told to the thread that waits
            self._failure.append(error)
        finally:
            self._started.set()

    async def _serve(self) -> None:
        await self.gateway.start()
        try:
            self.first_key = await self.gateway.first_key()
            invitation = await self.gateway.first_invitation()
            self.first_invitation = invitation.token if invitation is not None else ""
            await self._server.serve()
        finally:
            await self.gateway.stop()

    async def _announce(self, port: int) -> None:
        self.port = port
        self._started.set()
