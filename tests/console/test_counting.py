"""Days that are over are counted once, and only they."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import event

from gateway.adapters.sql_audit import looked_up
from gateway.console.counting import Counts, DayCounts
from gateway.domain.exceptions import DAY
from gateway.domain.ledger_search import Query
from tests.adapters.ledger_house import House, house_at
from tests.evidence import decided

TODAY = 20_000 * DAY
PERIOD = Query(kind="decision", since=TODAY - 3 * DAY, until=TODAY + DAY)


def counted(house: House, days: DayCounts, query: Query = PERIOD) -> Sequence[Counts]:
    """The counts of each day."""
    return looked_up(house.engine, lambda audit: days.by_day(audit, query))


def test_a_day_that_is_over_is_read_once_and_today_every_time(tmp_path: Path) -> None:
    """Yesterday may still get a record; what is remembered of one tenant or half a day is not told of another."""
    days = DayCounts()
    with house_at(f"sqlite:///{tmp_path}/gateway.db", tmp_path) as house:
        house.write("gw-00000001", *(decided(at=TODAY - day * DAY + 5) for day in (2, 1, 0)))
        house.integrate()
        first, read = counted(house, days), list[str]()
        event.listen(house.engine, "before_cursor_execute", lambda *seen: read.append(seen[2]))
        house.write("gw-00000001", decided(at=TODAY - DAY + 6), decided(at=TODAY + 6))
        house.integrate()
        read.clear()
        second = counted(house, days)
        of_four_days = sum("count(*)" in each for each in read)
        half = counted(house, days, Query(kind="decision", since=TODAY - 2 * DAY, until=TODAY - 2 * DAY + 5))
        elsewhere = counted(house, days, Query(kind="decision", tenant="other", since=TODAY - 2 * DAY, until=TODAY))

    assert [0, 1, 1, 1] == [each.routes.total() for each in first]
    assert [0, 1, 2, 2] == [each.routes.total() for each in second]
    assert of_four_days == 2 * 3
    assert [0] == [each.routes.total() for each in half]
    assert [0, 0] == [each.routes.total() for each in elsewhere]
    assert {("claims-bot", "external-transformed"): 2} == second[2].apps
