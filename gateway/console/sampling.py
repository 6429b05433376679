"""Samples of decisions that left, drawn at random, for two people to look at: each Monday by the gateway itself, of the
week that ended, and whenever a reviewer wants one, of the last seven days."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta

from gateway.adapters.sql_audit import SqlAudit, looked_up
from gateway.adapters.sql_search import drawn
from gateway.console.asked import Answer, Asked, ConsoleParts, Redirect
from gateway.domain.accounts import Sight
from gateway.domain.evidence import ReviewAction, Reviewed, Route
from gateway.domain.ledger_search import Query
from gateway.domain.reviewing import SAMPLE_SIZE, WEEK_US
from gateway.domain.strict_json import text_at

ITSELF = "gateway"
"""Who drew the sample of a week: no account is called that."""
_CHANCE = random.SystemRandom()
_LEFT = (Route.EXTERNAL.value, Route.EXTERNAL_TRANSFORMED.value)


async def draw_sample(asked: Asked) -> Answer:
    """Draw external decisions of the last seven days at random, all of them where there are few."""
    until, sight = asked.parts.clock.now(), asked.holder.sight
    ids = await asked.read(lambda audit: _sampled(audit, sight, until))
    await _put_under_review(asked.parts, ids, until, asked.who)
    return Redirect(f"/console/review?sample={until}")


class WeeklySample:
    """Draws the sample of the week before this one, once; `leads` says whether that is this process's to do."""

    def __init__(self, parts: ConsoleParts, leads: Callable[[], bool]) -> None:
        self._parts = parts
        self._leads = leads
        self._done = 0

    async def look(self) -> None:
        """Draw it, if nobody has. Raises `DatabaseUnfit`, and `GatewayFault` for one that cannot be recorded."""
        monday = week_of(self._parts.clock.now())
        if self._done == monday or not self._leads():
            return
        if not any(week == monday for week, _ in await self._parts.reviews.counts()):
            ids = await asyncio.to_thread(looked_up, self._parts.database, lambda it: _sampled(it, Sight(), monday))
            await _put_under_review(self._parts, ids, monday, ITSELF)
        self._done = monday


def week_of(at: int) -> int:
    """When the week of a time began: Monday, 0:00 UTC. In microseconds."""
    day = datetime.fromtimestamp(at // 1_000_000, UTC).date()
    monday = datetime.combine(day - timedelta(days=day.weekday()), time(), UTC)
    return int(monday.timestamp()) * 1_000_000


def _sampled(audit: SqlAudit, sight: Sight, until: int) -> list[str]:
    """Ids of decisions that left in the seven days before."""
    wanted = [sight.narrowed(Query(since=until - WEEK_US, until=until, route=route)) for route in _LEFT]
    return [text_at(each.document, "id") for each in drawn(audit.connection, wanted, SAMPLE_SIZE, _CHANCE)]


async def _put_under_review(parts: ConsoleParts, ids: list[str], sample: int, who: str) -> None:
    for decision_id in ids:
        now = parts.clock.now()
        await parts.ledger.append(Reviewed(at=now, action=ReviewAction.SAMPLED, who=who, decision_id=decision_id))
    await parts.reviews.add(ids, sample)
