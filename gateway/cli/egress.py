"""`gateway egress`: run the process that alone holds providers' keys and may send."""

from __future__ import annotations

import os
import sys

import click
import uvloop

from gateway import logs
from gateway.cli import EXIT_CONFIG, stop_for_configuration
from gateway.cli.http import AnnouncingServer, Drain, egress_config_of
from gateway.cli.options import config_option, settings_of
from gateway.egress import EgressProcess
from gateway.process import allow_many_connections, settle
from gateway.settings import ConfigError, Egress, Settings


@click.command()
@config_option
@click.option("--host", default=None, help="Address to listen on (default 127.0.0.1).")
@click.option("--port", default=None, type=click.IntRange(0, 65535), help="Port to listen on (default 8090).")
def egress(config: str, host: str | None, port: int | None) -> None:
    """Run the egress until SIGTERM: it sends what a gateway with `egress.url` sealed, and refuses everything else."""
    if host is not None:
        os.environ["GATEWAY_EGRESS__HOST"] = host
    if port is not None:
        os.environ["GATEWAY_EGRESS__PORT"] = str(port)
    settings = settings_of(config)
    logs.configure()
    allow_many_connections()
    try:
        sys.exit(uvloop.run(_serve(EgressProcess(settings, os.environ), settings)))
    except (ConfigError, ValueError) as error:
        stop_for_configuration(str(error))


async def _serve(process: EgressProcess, settings: Settings) -> int:
    async def announce(port: int) -> None:
        click.echo(
            f"egress: listening on {_address(settings.egress, port)}, sends to {', '.join(process.destinations)}"
        )
        sys.stdout.flush()

    try:
        await process.start()
        settle()
        drain = Drain(settings.server.drain_s, process.leave)
        running = AnnouncingServer(egress_config_of(process.app, settings), announce, drain)
        await running.serve()
    finally:
        await process.stop()
    return 0 if running.started else EXIT_CONFIG


def _address(chosen: Egress, port: int) -> str:
    """What a gateway writes as `egress.url`."""
    if chosen.socket:
        return f"unix:{chosen.socket}"
    return f"{'https' if chosen.certificate_file else 'http'}://{chosen.host}:{port}"
