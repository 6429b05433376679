"""Where the reviews of decisions stand. What was done stands in the ledger; nothing is deleted here."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime

from sqlalchemy import Engine, Row, Select, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from gateway.adapters.tables import review_items as items
from gateway.adapters.tables import review_notes
from gateway.domain.reviewing import Note, Precision, ReviewItem, ReviewState, precision_of
from gateway.pipeline.ports import Clock

MOST_SHOWN = 200


class SqlReviews:
    """Reads and moves reviews. Whoever moves one has recorded it before."""

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock

    async def add(self, decision_ids: Iterable[str], sampled: int) -> None:
        """Put decisions under review, those that are not yet."""
        await asyncio.to_thread(self._add, list(decision_ids), sampled)

    async def item(self, decision_id: str) -> ReviewItem | None:
        """The review of a decision; `None` where there is none."""
        found = await asyncio.to_thread(self._items, select(items).where(items.c.decision_id == decision_id))
        return found[0] if found else None

    async def queue(self, state: str, sampled: int) -> list[ReviewItem]:
        """Reviews in a state (empty: all that are not done) and of a sample (0: of any), the oldest first."""
        wanted = items.c.state == state if state else items.c.state != ReviewState.DONE.value
        query = select(items).where(wanted).order_by(items.c.at).limit(MOST_SHOWN)
        return await asyncio.to_thread(self._items, query.where(items.c.sampled == sampled) if sampled else query)

    async def counts(self) -> Counter[tuple[int, str]]:
        """How many reviews of each sample (0: asked for) are in each state."""
        return await asyncio.to_thread(self._counts)

    async def notes(self, decision_id: str) -> list[Note]:
        """What was said of a decision, the oldest first."""
        return await asyncio.to_thread(self._notes, decision_id)

    async def assign(self, decision_id: str, account: str) -> None:
        """Somebody takes it."""
        await asyncio.to_thread(self._move, decision_id, {"assignee": account})

    async def move(self, decision_id: str, state: ReviewState) -> None:
        """It is judged or escalated; what is signed off stays so."""
        await asyncio.to_thread(self._move, decision_id, {"state": state.value})

    async def sign(self, decision_id: str, account: str) -> None:
        """It is done."""
        await asyncio.to_thread(self._move, decision_id, {"state": ReviewState.DONE.value, "signer": account})

    async def say(self, decision_id: str, note: Note) -> None:
        """Keep a judgement or a comment."""
        await asyncio.to_thread(self._say, decision_id, note)

    async def precision(self) -> list[Precision]:
        """How often the findings of each entity were right, month by month."""
        return await asyncio.to_thread(self._precision)

    def _add(self, decision_ids: list[str], sampled: int) -> None:
        into = postgresql.insert if self._engine.dialect.name == "postgresql" else sqlite.insert
        now = self._clock.now()
        fresh = {"sampled": sampled, "state": ReviewState.OPEN.value, "assignee": "", "signer": ""}
        rows = [{"decision_id": each, "at": now, "changed": now, **fresh} for each in decision_ids]
        if rows:
            with self._engine.begin() as connection:
                connection.execute(into(items).values(rows).on_conflict_do_nothing())

    def _items(self, query: Select) -> list[ReviewItem]:  # type: ignore[type-arg]  # all columns of the table
        with self._engine.connect() as connection:
            return [_item(row) for row in connection.execute(query)]

    def _counts(self) -> Counter[tuple[int, str]]:
        query = select(items.c.sampled, items.c.state, func.count()).group_by(items.c.sampled, items.c.state)
        with self._engine.connect() as connection:
            return Counter({(int(week), str(state)): int(n) for week, state, n in connection.execute(query)})

    def _notes(self, decision_id: str) -> list[Note]:
        said = review_notes.c
        columns = select(said.account, said.at, said.entity, said.verdict, said.reason, said.words, said.salt)
        with self._engine.connect() as connection:
            rows = connection.execute(columns.where(said.decision_id == decision_id).order_by(said.id))
            return [
                Note(
                    account=r.account,
                    at=r.at,
                    entity=r.entity,
                    verdict=r.verdict,
                    reason=r.reason,
                    words=r.words,
                    salt=bytes(r.salt),
                )
                for r in rows
            ]

    def _move(self, decision_id: str, new: dict[str, str]) -> None:
        open_ = (items.c.decision_id == decision_id, items.c.state != ReviewState.DONE.value)
        with self._engine.begin() as connection:
            connection.execute(update(items).where(*open_).values(changed=self._clock.now(), **new))

    def _say(self, decision_id: str, note: Note) -> None:
        row = {"account": note.account, "at": note.at, "entity": note.entity, "verdict": note.verdict,
               "reason": note.reason, "words": note.words, "salt": note.salt}  # fmt: skip
        with self._engine.begin() as connection:
            connection.execute(insert(review_notes).values(decision_id=decision_id, **row))

    def _precision(self) -> list[Precision]:
        said = review_notes.c
        judged = select(said.entity, said.at, said.verdict).where(said.verdict != "", said.entity != "")
        with self._engine.connect() as connection:
            rows = connection.execute(judged).all()
        return precision_of((str(entity), _month(int(at)), str(verdict)) for entity, at, verdict in rows)


def _item(row: Row) -> ReviewItem:  # type: ignore[type-arg]  # as above
    return ReviewItem(
        decision_id=row.decision_id,
        sampled=row.sampled,
        state=ReviewState(row.state),
        assignee=row.assignee,
        signer=row.signer,
        at=row.at,
    )


def _month(at: int) -> str:
    return datetime.fromtimestamp(at // 1_000_000, UTC).strftime("%Y-%m")
