"""Searches that people saved at the console."""

from __future__ import annotations

import asyncio

from sqlalchemy import Engine, select
from sqlalchemy.dialects import postgresql, sqlite

from gateway.adapters.tables import console_views
from gateway.pipeline.ports import Clock


class SqlViews:
    """Saved searches, each of one account, by its name."""

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock

    async def of(self, account: str) -> list[tuple[str, str]]:
        """The names and links of an account's searches."""
        return await asyncio.to_thread(self._of, account)

    async def save(self, account: str, name: str, link: str) -> None:
        """Keep a search under a name; an empty link gives the name up."""
        await asyncio.to_thread(self._save, account, name, link)

    def _of(self, account: str) -> list[tuple[str, str]]:
        mine = select(console_views.c.name, console_views.c.link).where(
            console_views.c.account == account, console_views.c.link != ""
        )
        with self._engine.connect() as connection:
            return [(str(name), str(link)) for name, link in connection.execute(mine.order_by(console_views.c.name))]

    def _save(self, account: str, name: str, link: str) -> None:
        into = postgresql.insert if self._engine.dialect.name == "postgresql" else sqlite.insert
        row = into(console_views).values(account=account, name=name, link=link, at=self._clock.now())
        again = row.on_conflict_do_update(index_elements=["account", "name"], set_={"link": link})
        with self._engine.begin() as connection:
            connection.execute(again)
