"""Many rows in one INSERT, and the last row of each writer."""

from __future__ import annotations

import functools
from collections.abc import Sequence

from sqlalchemy import Connection, Table, text

Row = tuple[str | int | bytes, ...]
_MOST_VALUES = 30_000
"""Both databases take no more in one statement than about this many values (32,766 and 65,535)."""

# Both skip from one writer to the next along the index, instead of reading every row.
_LAST_OF_EACH = """
WITH RECURSIVE each_writer(writer) AS (
    SELECT min(writer) FROM {table}
    UNION ALL
    SELECT (SELECT min(writer) FROM {table} WHERE writer > each_writer.writer) FROM each_writer WHERE writer IS NOT NULL
)
SELECT writer, (SELECT max(sequence) FROM {table} WHERE {table}.writer = each_writer.writer)
FROM each_writer WHERE writer IS NOT NULL
"""


def last_of_each(connection: Connection, table: str) -> list[tuple[str, int]]:
    """Each writer's last sequence number in a table."""
    rows = connection.execute(text(_LAST_OF_EACH.format(table=table)))
    return [(str(writer), int(last)) for writer, last in rows]


def insert_rows(connection: Connection, table: Table, rows: Sequence[Row], *, ignore: bool = False) -> None:
    """Insert rows with a value for each column, past the statement compiler: for each new number of rows it would take
    longer than the disk. `ignore` those that are there."""
    columns = tuple(column.name for column in table.columns)
    most = _MOST_VALUES // len(columns)
    mark = "?" if connection.dialect.name == "sqlite" else "%s"
    for at in range(0, len(rows), most):
        part = rows[at : at + most]
        values = tuple(value for row in part for value in row)
        connection.exec_driver_sql(_statement(table.name, columns, len(part), mark, ignore=ignore), values)


@functools.lru_cache(maxsize=1024)
def _statement(table: str, columns: tuple[str, ...], rows: int, mark: str, *, ignore: bool) -> str:
    """The statement for a number of rows. Names come from `tables`, never from a request."""
    row = f"({', '.join([mark] * len(columns))})"
    ending = " ON CONFLICT DO NOTHING" if ignore else ""
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES {', '.join([row] * rows)}{ending}"  # noqa: S608 - above
