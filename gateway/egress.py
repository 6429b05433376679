"""The composition root of the egress: settings -> doors out -> application. It knows no database, no policy and no
detector, and it holds no key that could make a decision."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path

from starlette.types import ASGIApp

from gateway.adapters.clearance_seals import ClearanceSeals
from gateway.adapters.egress_metrics import EgressMetrics
from gateway.adapters.limits_store import MEMORY, LimitsStore
from gateway.adapters.litellm_quiet import NotQuiet
from gateway.adapters.openai_external import OpenAiExternal
from gateway.adapters.refusal_log import RefusalLog
from gateway.adapters.used_in_memory import UsedInMemory
from gateway.clock import SystemClock
from gateway.destinations import external_models
from gateway.domain.checkpoint import CheckpointError, read_verifier_key
from gateway.parts import store_of
from gateway.pipeline.egress import Egress
from gateway.pipeline.ports import Health
from gateway.settings import ConfigError, Settings
from gateway.wire.egress import EgressParts, create_egress_app

_NO_GATEWAY = (
    "egress.gateway_keys names no gateway, so nothing could be sent: write the line that `gateway ledger public-key` "
    "prints where the gateway runs"
)
_NO_DESTINATION = "no destination outside has an API key, so there is nowhere to send"


class EgressProcess:
    """Everything that the egress runs. Build it, `start`, serve `app`, `stop`. Raises `ConfigError`."""

    def __init__(self, settings: Settings, environment: Mapping[str, str]) -> None:
        chosen = settings.egress
        self._externals, _ = external_models(settings, environment)
        if not self._externals:
            raise ConfigError(_NO_DESTINATION)
        self._used: UsedInMemory | LimitsStore = (
            UsedInMemory() if chosen.store == MEMORY else store_of(chosen, environment)
        )
        self._refusals = RefusalLog(chosen.refusals_file)
        metrics = EgressMetrics()
        self.egress = Egress(
            seals=ClearanceSeals(_gateway_keys(settings)),
            externals=self._externals,
            used=self._used,
            refusals=self._refusals,
            clock=SystemClock(),
            observer=metrics,
            max_body=chosen.max_body_bytes,
            skew_s=chosen.clock_skew_s,
        )
        self._leaving = False
        health = {"serving": self._serving, "refusals": self._refusals.health, "store": self._used.health}
        self.app: ASGIApp = create_egress_app(
            EgressParts(
                egress=self.egress,
                health=health | {f"destination:{name}": model.health for name, model in self._externals.items()},
                metrics=metrics.render,
                open_count=metrics.open,
                body_seconds=settings.server.body_timeout_s,
                in_flight=chosen.max_in_flight,
            )
        )

    def leave(self) -> None:
        """Be ready no longer: what balances requests looks away, while they are still sent."""
        self._leaving = True

    async def _serving(self) -> Health:
        return Health(not self._leaving, "this process is about to stop" if self._leaving else "")

    @property
    def destinations(self) -> tuple[str, ...]:
        """The names of the destinations that it may send to."""
        return tuple(sorted(self._externals))

    async def start(self) -> None:
        """Bring every door up, and wait until no seal of before this start can be accepted. Raises `ConfigError`."""
        try:
            self._refusals.open()
            for model in self._externals.values():
                if not isinstance(model, OpenAiExternal):
                    await model.start()
        except OSError:
            raise ConfigError("egress.refusals_file cannot be written: refusals have to be recorded") from None
        except NotQuiet as error:
            raise ConfigError(str(error)) from None
        await asyncio.sleep(self.egress.opens_in)

    async def stop(self) -> None:
        """Close every door."""
        await asyncio.gather(*(model.aclose() for model in self._externals.values()))
        await self._used.aclose()


def _gateway_keys(settings: Settings) -> tuple[bytes, ...]:
    """The public keys of the gateways that are obeyed. Raises `ConfigError` for none, and for what is no key."""
    lines = list(settings.egress.gateway_keys)
    if settings.egress.gateway_keys_file:
        try:
            lines += Path(settings.egress.gateway_keys_file).read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError):
            raise ConfigError(f"egress.gateway_keys_file {settings.egress.gateway_keys_file} cannot be read") from None
    try:
        keys = tuple(read_verifier_key(line) for line in lines if line.strip())
    except CheckpointError as error:
        raise ConfigError(f"egress.gateway_keys: {error}") from None
    if not keys:
        raise ConfigError(_NO_GATEWAY)
    return keys
