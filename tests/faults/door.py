"""The front door over a real ledger and a real way out: what the ledger does decides what a provider hears."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import httpx
from sqlalchemy import Engine

from gateway.adapters.ledger_key import LedgerKey
from gateway.adapters.openai_external import OpenAiExternal
from gateway.adapters.prometheus_metrics import PrometheusMetrics
from gateway.adapters.sql_chain import Chain, Written
from gateway.adapters.sql_ledger import SqlLedger
from gateway.domain.evidence import Evidence
from gateway.domain.record_schema import RecordError
from gateway.testing.playbook import Playbook
from gateway.testing.stand_in import StandIn
from gateway.wire.endpoint import Limits
from tests.evidence import CLOCK
from tests.pipeline.test_story import Stage
from tests.wire.parts import Front

OUTSIDE, INSIDE = "a plain question", "ssn 078-05-1120"
"""A text that leaves, and one that is answered inside."""

_LIMITS = Limits(body=1_000_000, body_seconds=60.0, in_flight=64)


class EagerChain(Chain):
    """Deliberately wrong: it acknowledges, and has not written anything yet."""

    def write(self, batch: Sequence[Evidence]) -> list[Written | RecordError]:
        """Results for records that are nowhere."""
        return self._prepare(self._ready(), batch).results


def ledger_on(engine: Engine, folder: Path, *, deadline_ms: int = 20_000, eager: bool = False) -> SqlLedger:
    """A ledger, not started. An `eager` one is the control of what tests find out."""
    ledger = SqlLedger(engine=engine, key=LedgerKey.load(folder / "ledger.key"), clock=CLOCK, deadline_ms=deadline_ms)
    if eager:
        ledger._chain = EagerChain(engine, ledger.writer, CLOCK.now)
    return ledger


@contextlib.asynccontextmanager
async def door(
    ledger: SqlLedger, provider: StandIn, metrics: PrometheusMetrics | None = None
) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the front door, for as long as the context lasts. Detector and model inside are fakes."""
    external = OpenAiExternal("openai", provider.base_url, "sk-operator")
    observer = metrics or PrometheusMetrics()
    stage = Stage(Playbook(), ledger=ledger, external=external, observer=observer)  # type: ignore[arg-type]
    async with Front(stage=stage, limits=_LIMITS).client() as client:
        yield client
    await external.aclose()


async def ask(client: httpx.AsyncClient, said: str) -> httpx.Response:
    """One question, whole."""
    body = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": said}]}
    async with asyncio.timeout(60):
        return await client.post("/v1/chat/completions", json=body)
