"""One gateway with real parts for the whole suite: real Presidio, llama.cpp, SQLite, HTTP and SDK."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from openai import OpenAI

from gateway.cli.running import RunningGateway
from gateway.testing.stand_in import StandIn
from tests.egress.harness import ENVIRONMENT, client_for, settings_for


@dataclass(frozen=True)
class House:
    """A running gateway, the provider it may send to, and the SDK that talks to it."""

    running: RunningGateway
    provider: StandIn
    client: OpenAI
    folder: Path


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Started once."""
    folder = tmp_path_factory.mktemp("house")
    with StandIn() as provider, RunningGateway(settings_for(folder, provider.base_url), ENVIRONMENT) as running:
        client = client_for(running.base_url, running.first_key)
        yield House(running, provider, client, folder)
        client.close()
