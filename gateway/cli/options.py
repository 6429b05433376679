"""Options and first steps that several verbs share."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from gateway.cli import stop_for_configuration
from gateway.settings import ConfigError, Settings, find_config, load

_Command = TypeVar("_Command", bound=Callable[..., Any])


def config_option(command: _Command) -> _Command:
    """`--config F`."""
    return click.option(
        "--config", default="", metavar="FILE", help="Configuration file (else $GATEWAY_CONFIG, else ./gateway.yaml)."
    )(command)


def settings_of(config: str) -> Settings:
    """The settings in force. Exits with 78 and a message when they are wrong."""
    try:
        return load(find_config(config, os.environ, Path.cwd()), os.environ)
    except ConfigError as error:
        stop_for_configuration(str(error))
        raise
