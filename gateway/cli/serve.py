"""`gateway serve`: run the gateway."""

from __future__ import annotations

import os
import signal
import sys

import click
import uvloop
from uvicorn.supervisors import Multiprocess

from gateway import logs
from gateway.cli import EXIT_CONFIG, stop_for_configuration
from gateway.cli.console import link_of
from gateway.cli.http import AnnouncingServer, Drain, config_of
from gateway.cli.options import config_option, settings_of
from gateway.main import FACTORY, Gateway, StartError, build
from gateway.process import allow_many_connections, settle
from gateway.settings import ConfigError, Server

_READY_S = 1.0
_TRY = """
Try it:
  curl -s http://{host}:{port}/v1/chat/completions \\
    -H 'authorization: Bearer {key}' -H 'content-type: application/json' \\
    -d '{{"model": "local/embedded", "messages": [{{"role": "user",
         "content": "Classify the ticket: I was charged twice. Labels: billing, bug, account"}}]}}'
"""


@click.command()
@config_option
@click.option("--host", default=None, help="Address to listen on (default 127.0.0.1).")
@click.option("--port", default=None, type=click.IntRange(0, 65535), help="Port to listen on (default 8080).")
@click.option("--workers", default=1, type=click.IntRange(1, 64), show_default=True, help="Worker processes.")
def serve(config: str, host: str | None, port: int | None, workers: int) -> None:
    """Run the gateway until SIGTERM; requests in flight are finished within `server.shutdown_s`."""
    if host is not None:
        os.environ["GATEWAY_SERVER__HOST"] = host
    if port is not None:
        os.environ["GATEWAY_SERVER__PORT"] = str(port)
    if config:
        os.environ["GATEWAY_CONFIG"] = config
    settings = settings_of(config)
    logs.configure()
    allow_many_connections()
    try:
        gateway = build(settings, os.environ)
        if workers == 1:
            sys.exit(uvloop.run(_serve(gateway, settings.server)))
        uvloop.run(_greet(gateway, settings.server))
    except (ConfigError, StartError) as error:
        stop_for_configuration(str(error))
    several = config_of(FACTORY, settings.server, workers=workers)
    _Workers(several, [several.bind_socket()]).run()


class _Workers(Multiprocess):
    """Worker processes that each hear of SIGHUP. uvicorn's own way starts them anew, and a process that starts has no
    last good bundle: files that cannot be loaded would end the service."""

    def handle_hup(self) -> None:
        """Have every worker that serves read its policies; one that is starting reads them anyway."""
        for worker in self.processes:
            if worker.pid is not None and worker.is_ready(timeout=_READY_S):
                os.kill(worker.pid, signal.SIGHUP)


async def _serve(gateway: Gateway, server: Server) -> int:
    """One process: everything is up before the first connection is accepted."""

    async def announce(port: int) -> None:
        await _tell(gateway, server.host, port)

    await gateway.start()
    settle()
    running = AnnouncingServer(config_of(gateway.app, server), announce, Drain(server.drain_s, gateway.leave))
    try:
        await running.serve()
    finally:
        await gateway.stop()
    return 0 if running.started else EXIT_CONFIG


async def _greet(gateway: Gateway, server: Server) -> None:
    """Several processes: prove here that everything can start, then let each worker start its own."""
    await gateway.start()
    await _tell(gateway, server.host, server.port)
    await gateway.stop()


async def _tell(gateway: Gateway, host: str, port: int) -> None:
    click.echo(f"gateway: listening on http://{host}:{port}/v1 (ready: /readyz, metrics: /metrics)")
    for notice in gateway.notices:
        click.echo(f"gateway: {notice}")
    key = await gateway.first_key()
    if key:
        click.echo(f"gateway: the first API key, shown this once: {key}")
    invitation = await gateway.first_invitation()
    if invitation is not None:
        click.echo(f"gateway: the console's first administrator: {link_of(f'http://{host}:{port}', invitation)}")
    click.echo(_TRY.format(host=host, port=port, key=key or "<your key>"))
    sys.stdout.flush()
